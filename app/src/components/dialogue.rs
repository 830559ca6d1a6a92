//! What the agent had before it, as a dialogue one can read: complete, or raw where it has no known shape.

use leptos::{html, prelude::*};
use serde_json::{Map, Value};

use super::text::{Payload, Prose, indent};

/// The context of a proposal.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Context {
    /// Steps of the conversation, oldest first.
    pub(crate) steps: Vec<Step>,
    /// Documents, such as the policy text the agent was given.
    pub(crate) documents: Vec<Document>,
    /// Members of no known shape, as indented JSON.
    pub(crate) rest: Option<String>,
}

/// One step.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Step {
    /// Who spoke, in words.
    pub(crate) speaker: String,
    /// What was said.
    pub(crate) said: Vec<String>,
    /// What went to a tool or came from it, as text.
    pub(crate) exact: Vec<(String, String)>,
}

/// One document.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Document {
    /// Its name.
    pub(crate) name: String,
    /// Its text.
    pub(crate) text: String,
}

/// Reads the committed text of a context; nothing of it is dropped.
///
/// `None` when it is not an object, so that the caller draws it raw.
pub(crate) fn read(text: &str) -> Option<Context> {
    let Value::Object(mut members) = serde_json::from_str(text).ok()? else { return None };
    let steps = take_list(&mut members, "steps")?.into_iter().map(step).collect::<Option<Vec<_>>>()?;
    let documents = take_list(&mut members, "documents")?.into_iter().map(document).collect::<Option<Vec<_>>>()?;
    let rest = (!members.is_empty()).then(|| indent(&Value::Object(members).to_string()));

    Some(Context { steps, documents, rest })
}

fn take_list(members: &mut Map<String, Value>, name: &str) -> Option<Vec<Value>> {
    match members.remove(name) {
        None => Some(Vec::new()),
        Some(Value::Array(items)) => Some(items),
        Some(_) => None,
    }
}

fn step(value: Value) -> Option<Step> {
    let Value::Object(mut members) = value else { return None };
    let mut text = |name: &str| match members.remove(name) {
        Some(Value::String(text)) => Ok(Some(text)),
        None => Ok(None),
        Some(_) => Err(()),
    };
    let (role, tool) = (text("role").ok()?, text("tool").ok()?);
    let (said, summary, result) = (text("text").ok()?, text("summary").ok()?, text("result").ok()?);
    let role = match role.as_deref() {
        Some("user") => "User".to_owned(),
        Some("assistant") => "AI system".to_owned(),
        Some("system") => "Instructions".to_owned(),
        Some("tool") => "Tool".to_owned(),
        Some(other) => other.to_owned(),
        None => "Step".to_owned(),
    };
    let speaker = tool.map_or(role.clone(), |tool| format!("{role}: {tool}"));
    let mut exact = Vec::new();
    if let Some(arguments) = members.remove("arguments") {
        exact.push(("Arguments".to_owned(), pretty(&arguments)));
    }
    exact.extend(result.map(|result| ("Result".to_owned(), result)));
    exact.extend(members.into_iter().map(|(name, value)| (name, pretty(&value))));

    Some(Step { speaker, said: said.into_iter().chain(summary).collect(), exact })
}

fn document(value: Value) -> Option<Document> {
    let Value::Object(members) = value else { return None };
    match (members.len(), members.get("name"), members.get("text")) {
        (2, Some(Value::String(name)), Some(Value::String(text))) => {
            Some(Document { name: name.clone(), text: text.clone() })
        }
        _ => None,
    }
}

fn pretty(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        value => indent(&value.to_string()),
    }
}

/// The context, drawn.
#[component]
pub(crate) fn Dialogue(context: Context) -> impl IntoView {
    let count = context.steps.len();
    let steps = context
        .steps
        .into_iter()
        .map(|step| {
            view! {
                <li class="grid gap-x-4 gap-y-1 py-3 sm:grid-cols-[9rem_minmax(0,1fr)]">
                    <p class="text-compact font-medium text-muted [overflow-wrap:anywhere]">{step.speaker}</p>
                    <div class="grid min-w-0 gap-2">
                        {step.said.into_iter().map(|text| view! { <Prose text/> }).collect_view()}
                        {step
                            .exact
                            .into_iter()
                            .map(|(name, value)| {
                                view! {
                                    <div class="grid gap-1">
                                        <p class="text-compact text-muted">{name}</p>
                                        <Payload value/>
                                    </div>
                                }
                            })
                            .collect_view()}
                    </div>
                </li>
            }
            .into_any()
        })
        .collect_view();
    let documents = context
        .documents
        .into_iter()
        .map(|document| {
            view! {
                <Disclosure summary=format!("Document: {}", document.name)>
                    <Prose text=document.text/>
                </Disclosure>
            }
            .into_any()
        })
        .collect_view();

    view! {
        {(count > 0)
            .then(|| {
                view! {
                    <div>
                        <h3 class="text-body font-semibold">
                            {format!("Conversation before the proposal, {count} steps")}
                        </h3>
                        <ol class="divide-y divide-hairline">{steps}</ol>
                    </div>
                }
            })}
        {documents}
        {context
            .rest
            .map(|rest| {
                view! {
                    <Disclosure summary="Other context">
                        <Payload value=rest/>
                    </Disclosure>
                }
            })}
    }
}

/// Something long behind its name; all of it is in the page.
#[component]
pub(crate) fn Disclosure(
    #[prop(into)] summary: String,
    /// What is done when somebody opens it.
    #[prop(optional)]
    opened: Option<Callback<()>>,
    children: Children,
) -> impl IntoView {
    let details = NodeRef::<html::Details>::new();
    let is_open = move || details.get_untracked().is_some_and(|details| details.has_attribute("open"));
    let tell = move |when: bool| {
        if let Some(opened) = opened.filter(|_| when) {
            opened.run(());
        }
    };
    // It may have been opened before a script ran.
    Effect::new(move || tell(is_open()));

    view! {
        <details node_ref=details class="rounded-control border border-hairline open:pb-3">
            // A click comes before what it does, by mouse or by key.
            <summary
                on:click=move |_| tell(!is_open())
                class="min-h-9 cursor-pointer rounded-control px-3 py-2 text-body font-medium hover:bg-raised"
            >
                {summary}
            </summary>
            <div class="px-3 pt-2">{children()}</div>
        </details>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_read_as_a_dialogue_and_nothing_is_dropped() {
        let text = r#"{"conversation":"run-88","documents":[{"name":"Rules","text":"No refunds."}],"steps":[{"role":"user","text":"Cancel it"},{"arguments":{"id":"EHGLP3"},"result":"ok","role":"assistant","tool":"get_reservation","odd":1}]}"#;

        let context = read(text).unwrap();

        assert_eq!(context.steps[0], Step { speaker: "User".into(), said: vec!["Cancel it".into()], exact: vec![] });
        assert_eq!(context.steps[1].speaker, "AI system: get_reservation");
        assert_eq!(
            context.steps[1].exact,
            [
                ("Arguments".to_owned(), "{\n  \"id\": \"EHGLP3\"\n}".to_owned()),
                ("Result".to_owned(), "ok".to_owned()),
                ("odd".to_owned(), "1".to_owned()),
            ]
        );
        assert_eq!(context.documents, [Document { name: "Rules".into(), text: "No refunds.".into() }]);
        assert_eq!(context.rest.as_deref(), Some("{\n  \"conversation\": \"run-88\"\n}"));
    }

    #[test]
    fn what_has_no_known_shape_is_left_to_the_raw_view() {
        for odd in ["[1]", "not json", r#"{"steps":{}}"#, r#"{"steps":["a"]}"#, r#"{"documents":[{"name":"x"}]}"#] {
            assert_eq!(read(odd), None, "{odd}");
        }
    }
}
