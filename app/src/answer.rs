//! How a form learns what became of it, with and without JavaScript.
//!
//! A server function that changes something answers [`Answer`]. With JavaScript the form reads it
//! from its action. Without, [`crate::door::act`] redirects when the act stands, and otherwise draws
//! the form's page straight from the post: the page finds the answer and everything typed in
//! [`Posted`]. No message and nothing typed ever travels in an address.

use countersign_domain::problem::Problem;
use leptos::{prelude::*, server_fn::ServerFn};
use leptos_router::{NavigateOptions, hooks::use_navigate};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::Error;

/// What became of a form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Answer {
    /// The act is recorded; the next page reads its state from the server.
    Done {
        /// Path of that page.
        to: String,
    },
    /// Nothing was changed or refused: the page shows what was typed and what it would do.
    Previewed,
    /// Nothing was changed.
    Refused {
        /// Why, and what to change.
        problem: Problem,
    },
    /// Something that is shown this once.
    Once {
        /// Its JSON. Only the form's own page reads it, so that no other page loads the code for it.
        json: String,
    },
}

impl Answer {
    /// Makes the answer that leads to a path of this site.
    #[cfg(feature = "ssr")]
    pub(crate) fn done(to: impl Into<String>) -> Self {
        Answer::Done { to: to.into() }
    }

    /// Makes the answer that shows something this once.
    #[cfg(feature = "ssr")]
    pub(crate) fn once(shown: &impl Serialize) -> Self {
        Answer::Once { json: serde_json::to_string(shown).unwrap_or_default() }
    }

    /// Returns what is shown this once, where it is of this type.
    pub(crate) fn shown<T: DeserializeOwned>(&self) -> Option<T> {
        match self {
            Answer::Once { json } => serde_json::from_str(json).ok(),
            _ => None,
        }
    }

    /// Returns the problem of a refused form.
    pub(crate) fn problem(self) -> Option<Problem> {
        match self {
            Answer::Refused { problem } => Some(problem),
            _ => None,
        }
    }
}

/// A form that was posted without JavaScript and is answered by this very page.
#[derive(Clone, Debug)]
pub(crate) struct Posted {
    /// Path that the form posted to.
    pub(crate) path: String,
    /// What became of it.
    pub(crate) answer: Answer,
    /// What was typed, without passwords.
    pub(crate) typed: Typed,
}

/// Names and values of a posted form.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Typed(Vec<(String, String)>);

/// Fields that are never sent back to a page.
#[cfg(feature = "ssr")]
const UNREPEATED: [&str; 3] = ["password", "secret", "code_once"];

impl Typed {
    /// Reads an `application/x-www-form-urlencoded` body.
    #[cfg(feature = "ssr")]
    pub(crate) fn parse(body: &str) -> Self {
        Self(
            body.split('&')
                .filter(|pair| !pair.is_empty())
                .map(|pair| {
                    let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
                    (decode(name), decode(value))
                })
                .filter(|(name, _)| !UNREPEATED.contains(&name.as_str()))
                .collect(),
        )
    }

    /// Returns the fields whose names begin so, with their values.
    pub(crate) fn beginning(&self, start: &str) -> Vec<(String, String)> {
        self.0.iter().filter(|(name, _)| name.starts_with(start)).cloned().collect()
    }

    /// Returns the value of a field.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

#[cfg(feature = "ssr")]
fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let hex = tail
            .get(..2)
            .and_then(|pair| std::str::from_utf8(pair).ok())
            .and_then(|pair| u8::from_str_radix(pair, 16).ok());
        match (first, hex) {
            (b'%', Some(byte)) => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            (b'+', _) => {
                bytes.push(b' ');
                rest = tail;
            }
            (byte, _) => {
                bytes.push(*byte);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Returns what became of a form: from the post that this page answers, or from the form's action.
///
/// An action that was never sent counts for nothing, because its first value can come out of the
/// address (`__err`), which anybody can write.
pub(crate) fn answer_of<S>(action: ServerAction<S>) -> Signal<Option<Answer>>
where
    S: ServerFn<Output = Answer, Error = Error> + Clone + Send + Sync + 'static,
{
    let posted = posted(S::PATH).map(|posted| posted.answer);
    let (version, value) = (action.version(), action.value());
    Signal::derive(move || {
        if version.get() == 0 {
            return posted.clone();
        }
        value.get().map(|result| result.unwrap_or_else(|error| Answer::Refused { problem: error.problem() }))
    })
}

/// Counts what a form's action recorded. A refusal is not counted, so that a page which reads anew at every act keeps
/// what was typed into a form that was refused.
pub(crate) fn recorded<S>(action: ServerAction<S>) -> Memo<usize>
where
    S: ServerFn<Output = Answer, Error = Error> + Clone + Send + Sync + 'static,
{
    let (version, answer) = (action.version(), answer_of(action));
    Memo::new(move |former: Option<&usize>| {
        let count = version.get();
        match answer.get().and_then(Answer::problem) {
            Some(_) => former.copied().unwrap_or_default(),
            None => count,
        }
    })
}

/// Goes where a form leads once its act is recorded, as a browser without JavaScript does by itself.
pub(crate) fn goes_on(answer: Signal<Option<Answer>>) {
    let navigate = use_navigate();
    Effect::new(move || {
        if let Some(Answer::Done { to }) = answer.get() {
            navigate(&to, NavigateOptions::default());
        }
    });
}

/// Returns what was typed into a field of a form that this page answers.
pub(crate) fn typed<S: ServerFn>(name: &str) -> String {
    posted(S::PATH).and_then(|posted| posted.typed.get(name).map(str::to_owned)).unwrap_or_default()
}

/// Returns the answered post, if this page answers one to this path.
pub(crate) fn posted(path: &str) -> Option<Posted> {
    use_context::<Posted>().filter(|posted| posted.path == path)
}

/// Returns what a plain form's post was refused for, when this page answers it.
pub(crate) fn refused<S: ServerFn>() -> Option<Problem> {
    posted(S::PATH)?.answer.problem()
}

#[cfg(all(test, feature = "ssr"))]
mod tests {
    use super::*;

    #[test]
    fn a_form_body_is_read_and_passwords_are_left_out() {
        let typed = Typed::parse("reason=50%25+off%0D%0A%E2%82%AC&password=sesame&secret=sesame&code=&odd%zz=1");

        assert_eq!(typed.get("reason"), Some("50% off\r\n€"));
        assert_eq!((typed.get("password"), typed.get("secret")), (None, None));
        assert_eq!(typed.get("code"), Some(""));
        assert_eq!(typed.get("odd%zz"), Some("1"));
    }
}
