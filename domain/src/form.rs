//! The form of a decision type: up to ten fields beside code and reason that a reviewer answers (B4).
//!
//! What is answered is one text for the ledger, the RFC 8785 form of an object with one text per answered field, so that it
//! is committed to, signed and erased as a whole.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    decision::{Verdict, words},
    decision_type::{is_decimal, is_word},
    json,
    problem::FieldError,
    text::{REASON_CHARACTERS_MAX, bounded},
};

/// The most fields the form of one type has.
pub const FORM_FIELDS_MAX: usize = 10;

/// The most choices one field offers.
pub const CHOICES_MAX: usize = 20;

/// The longest name of a choice, label or hint, in characters.
pub const LABEL_CHARACTERS_MAX: usize = 200;

/// The rulings that a form belongs to: those that say yes or no.
pub const FORM_VERDICTS: [Verdict; 3] = [Verdict::Approve, Verdict::ApproveWithEdits, Verdict::Reject];

/// One field of a form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FormField {
    /// A word, `[a-z][a-z0-9_]{0,47}`.
    pub name: String,
    /// What the reviewer is asked.
    pub label: String,
    /// What helps to answer it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// What answers it takes.
    pub kind: AnswerKind,
    /// What can be chosen, in the order of the screen; of `choice` only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<String>,
    /// Whether a ruling without an answer is refused.
    pub required: bool,
    /// With which rulings it is asked; with every one that says yes or no where none is named.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub verdicts: Vec<Verdict>,
}

words! {
    /// The answers of a field.
    AnswerKind {
        /// Text of at most 2,000 characters.
        Text "text"
        /// A decimal, at most 18 digits.
        Decimal "decimal"
        /// Yes or no.
        Boolean "boolean"
        /// One of several.
        Choice "choice"
    }
}

/// What stands in the fields, by name.
pub type Typed = BTreeMap<String, String>;

/// One answer, as screens show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answered {
    /// What was asked.
    pub label: String,
    /// The answer.
    pub text: String,
}

impl FormField {
    /// Tells whether the field is asked with a ruling.
    pub fn is_asked(&self, verdict: Verdict) -> bool {
        FORM_VERDICTS.contains(&verdict) && (self.verdicts.is_empty() || self.verdicts.contains(&verdict))
    }

    /// Says with which rulings it is asked, where not with all: "With Approve only."
    pub fn asked_with(&self) -> Option<String> {
        let asked: Vec<_> = FORM_VERDICTS.into_iter().filter(|verdict| self.is_asked(*verdict)).collect();
        let labels: Vec<_> = asked.iter().map(|verdict| verdict.label()).collect();
        (asked.len() < FORM_VERDICTS.len()).then(|| format!("With {} only.", labels.join(" and ")))
    }

    /// Reads what was typed; nothing where an optional field was left empty.
    ///
    /// # Errors
    ///
    /// A sentence that says what to type instead.
    fn read(&self, typed: &str) -> Result<Option<String>, String> {
        let typed = typed.trim();
        if typed.is_empty() {
            return match (self.required, self.kind) {
                (false, _) => Ok(None),
                (true, AnswerKind::Boolean) => Err("Choose yes or no.".to_owned()),
                (true, AnswerKind::Choice) => Err("Choose one.".to_owned()),
                (true, AnswerKind::Text | AnswerKind::Decimal) => Err("Write something here.".to_owned()),
            };
        }
        let known = match self.kind {
            AnswerKind::Text => {
                return bounded(typed, REASON_CHARACTERS_MAX).map(Some).map_err(|error| format!("{error}."));
            }
            AnswerKind::Decimal => is_decimal(typed),
            AnswerKind::Boolean => matches!(typed, "true" | "false"),
            AnswerKind::Choice => self.choices.iter().any(|choice| choice == typed),
        };
        match (known, self.kind) {
            (true, _) => Ok(Some(typed.to_owned())),
            (false, AnswerKind::Decimal) => {
                Err("Type a decimal with a point, for example 12500.00, with at most 18 digits.".to_owned())
            }
            (false, AnswerKind::Boolean) => Err("Choose yes or no.".to_owned()),
            (false, _) => Err("Choose one from the list.".to_owned()),
        }
    }

    /// Puts a text behind what is asked.
    pub fn named(&self, text: &str) -> String {
        let colon = if self.label.ends_with(['?', ':', '.']) { "" } else { ":" };
        format!("{}{colon} {text}", self.label)
    }

    /// Returns an answer in the words of the screen.
    pub fn shown(&self, text: String) -> String {
        match (self.kind, text.as_str()) {
            (AnswerKind::Boolean, "true") => "Yes".to_owned(),
            (AnswerKind::Boolean, "false") => "No".to_owned(),
            _ => text,
        }
    }
}

/// Checks the form of a type; `/form/{position}` and the member name the place of each fault.
pub(crate) fn check(fields: &[FormField]) -> Vec<FieldError> {
    let mut errors = Vec::new();
    if fields.len() > FORM_FIELDS_MAX {
        errors.push(FieldError::new("/form", "too_many", format!("At most {FORM_FIELDS_MAX} fields.")));
    }
    for (position, field) in fields.iter().enumerate() {
        let mut fault = |member: &str, code, detail: &str| {
            errors.push(FieldError::new(format!("/form/{position}/{member}"), code, detail));
        };
        if !is_word(&field.name) {
            fault("name", "invalid_name", "A lower-case word of at most 48 characters.");
        }
        if fields[..position].iter().any(|other| other.name == field.name) {
            fault("name", "duplicate_key", "The name appears twice.");
        }
        if !is_label(&field.label) {
            fault("label", "missing", "Say what is asked, in one line of at most 200 characters.");
        }
        if field.hint.as_ref().is_some_and(|hint| !is_label(hint)) {
            fault("hint", "invalid_text", "One line of at most 200 characters, or leave it out.");
        }
        let choices = &field.choices;
        match field.kind {
            AnswerKind::Choice => {
                if !(2..=CHOICES_MAX).contains(&choices.len()) {
                    fault("choices", "wrong_count", "Name 2 to 20 choices.");
                }
                if choices.iter().any(|choice| !is_label(choice) || choice.trim() != choice) {
                    fault("choices", "invalid_text", "Each choice is one line of at most 200 characters.");
                }
                if choices.iter().enumerate().any(|(place, choice)| choices[..place].contains(choice)) {
                    fault("choices", "duplicate_key", "A choice appears twice.");
                }
            }
            _ if !choices.is_empty() => fault("choices", "unknown_field", "Only a field of kind choice has choices."),
            _ => {}
        }
        let verdicts = &field.verdicts;
        let repeated = verdicts.iter().enumerate().any(|(place, verdict)| verdicts[..place].contains(verdict));
        if repeated || verdicts.iter().any(|verdict| !FORM_VERDICTS.contains(verdict)) {
            fault("verdicts", "unknown_value", "Name approve, approve_with_edits or reject, each at most once.");
        }
    }
    errors
}

fn is_label(text: &str) -> bool {
    !text.trim().is_empty() && text.chars().count() <= LABEL_CHARACTERS_MAX && !text.contains(['\n', '\r', '\0'])
}

/// Reads what was typed with a ruling as the text that is committed; nothing where nothing is asked or answered. What stands
/// in fields that are not asked with it is left out.
///
/// # Errors
///
/// Every field that needs a change, as `/form[name]`.
pub fn read(fields: &[FormField], verdict: Verdict, typed: &Typed) -> Result<Option<String>, Vec<FieldError>> {
    let at = |name: &str| format!("/form[{name}]");
    let mut errors: Vec<_> = typed
        .keys()
        .filter(|name| fields.iter().all(|field| field.name != **name))
        .map(|name| FieldError::new(at(name), "unknown_field", "The form has no such field."))
        .collect();
    let mut answers = serde_json::Map::new();
    for field in fields.iter().filter(|field| field.is_asked(verdict)) {
        match field.read(typed.get(&field.name).map_or("", String::as_str)) {
            Ok(Some(text)) => drop(answers.insert(field.name.clone(), text.into())),
            Ok(None) => {}
            Err(detail) => {
                let code = if typed.get(&field.name).is_none_or(|text| text.trim().is_empty()) {
                    "missing"
                } else {
                    "wrong_kind"
                };
                errors.push(FieldError::new(at(&field.name), code, field.named(&detail)));
            }
        }
    }
    match (errors.is_empty(), answers.is_empty()) {
        (false, _) => Err(errors),
        (true, true) => Ok(None),
        (true, false) => Ok(Some(json::canonical(&answers.into()))),
    }
}

/// Some answer to every field that is asked with a ruling, for invented people: what is first on its list, yes, nothing, and
/// a word where one has to be written.
pub fn sample(fields: &[FormField], verdict: Verdict) -> Typed {
    let answer = |field: &FormField| match field.kind {
        AnswerKind::Choice => field.choices.first().cloned().unwrap_or_default(),
        AnswerKind::Boolean => "true".to_owned(),
        AnswerKind::Decimal => "0".to_owned(),
        AnswerKind::Text => "The originals are sent in.".to_owned(),
    };
    fields.iter().filter(|field| field.is_asked(verdict)).map(|field| (field.name.clone(), answer(field))).collect()
}

/// Returns the answers of a committed text in the order of the form. What no field explains stands under its own name.
pub fn answered(fields: &[FormField], text: &str) -> Vec<Answered> {
    let Ok(mut answers) = serde_json::from_str::<Typed>(text) else {
        return vec![Answered { label: "Form".to_owned(), text: text.to_owned() }];
    };
    let known = fields.iter().filter_map(|field| {
        let text = answers.remove(&field.name)?;
        Some(Answered { label: field.label.clone(), text: field.shown(text) })
    });
    let mut all: Vec<_> = known.collect();
    all.extend(answers.into_iter().map(|(label, text)| Answered { label, text }));
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_with_a_ruling_is_read_in_one_spelling() {
        let typed =
            typed(&[("documents", " Payslips "), ("visited", "true"), ("conditions", "One\r\ntwo"), ("rate", "")]);
        let text = read(&fields(), Verdict::Approve, &typed).unwrap().unwrap();

        assert_eq!(text, r#"{"conditions":"One\ntwo","documents":"Payslips","visited":"true"}"#);
        let shown: Vec<_> = answered(&fields(), &text).into_iter().map(|one| (one.label, one.text)).collect();
        let wanted = [("Documents", "Payslips"), ("Visited", "Yes"), ("Conditions", "One\ntwo")];
        assert_eq!(shown, wanted.map(|(label, text)| (label.to_owned(), text.to_owned())));
    }

    #[test]
    fn what_is_asked_with_other_rulings_is_left_out() {
        let answers = typed(&[("documents", "Payslips"), ("conditions", "One")]);
        let with = |verdict| read(&fields(), verdict, &answers).unwrap();

        assert_eq!(with(Verdict::Reject).as_deref(), Some(r#"{"documents":"Payslips"}"#));
        for verdict in [Verdict::Escalate, Verdict::Defer, Verdict::Abstain, Verdict::RequestChanges] {
            assert_eq!(with(verdict), None);
        }
        assert_eq!(read(&[], Verdict::Approve, &Typed::new()), Ok(None));
    }

    #[test]
    fn every_fault_is_named_at_once() {
        let typed = typed(&[("documents", "None"), ("visited", "maybe"), ("rate", "1,5"), ("other", "x")]);
        let errors = read(&fields(), Verdict::Approve, &typed).unwrap_err();

        let found: Vec<_> = errors.iter().map(|error| (error.pointer.as_str(), error.code.as_str())).collect();
        assert_eq!(
            found,
            [
                ("/form[other]", "unknown_field"),
                ("/form[documents]", "wrong_kind"),
                ("/form[visited]", "wrong_kind"),
                ("/form[conditions]", "missing"),
                ("/form[rate]", "wrong_kind"),
            ]
        );
    }

    #[test]
    fn a_form_that_cannot_be_asked_is_refused_with_its_places() {
        let field = |name: &str, kind, choices: &[&str]| FormField {
            name: name.into(),
            label: "L".into(),
            hint: None,
            kind,
            choices: choices.iter().map(|&choice| choice.to_owned()).collect(),
            required: false,
            verdicts: Vec::new(),
        };
        let bad = vec![
            FormField { label: " ".into(), ..field("A", AnswerKind::Text, &[]) },
            FormField { hint: Some("a\nb".into()), ..field("b", AnswerKind::Text, &["x", "y"]) },
            field("b", AnswerKind::Choice, &["x"]),
            FormField { verdicts: vec![Verdict::Defer], ..field("c", AnswerKind::Choice, &["x", "x"]) },
        ];

        let found: Vec<_> = check(&bad).into_iter().map(|error| (error.pointer, error.code)).collect();
        let wanted = [
            ("/form/0/name", "invalid_name"),
            ("/form/0/label", "missing"),
            ("/form/1/hint", "invalid_text"),
            ("/form/1/choices", "unknown_field"),
            ("/form/2/name", "duplicate_key"),
            ("/form/2/choices", "wrong_count"),
            ("/form/3/choices", "duplicate_key"),
            ("/form/3/verdicts", "unknown_value"),
        ];
        assert_eq!(found, wanted.map(|(pointer, code)| (pointer.to_owned(), code.to_owned())));
        assert_eq!(check(&vec![field("d", AnswerKind::Text, &[]); 11]).first().unwrap().pointer, "/form");
        assert!(check(&fields()).is_empty());
    }

    #[test]
    fn it_says_with_which_rulings_a_field_is_asked() {
        let [documents, _, conditions, _] = &fields()[..] else { unreachable!() };

        assert_eq!(documents.asked_with(), None);
        assert_eq!(conditions.asked_with().as_deref(), Some("With Approve and Approve with edits only."));
    }

    #[test]
    fn what_invented_people_answer_is_taken() {
        for verdict in Verdict::ALL {
            assert!(read(&fields(), *verdict, &sample(&fields(), *verdict)).is_ok(), "{verdict:?}");
        }
    }

    #[test]
    fn what_is_no_object_of_texts_is_shown_as_it_is() {
        let shown = answered(&fields(), "erased");

        assert_eq!(shown, [Answered { label: "Form".into(), text: "erased".into() }]);
        assert_eq!(answered(&[], r#"{"a":"b"}"#), [Answered { label: "a".into(), text: "b".into() }]);
    }

    fn typed(values: &[(&str, &str)]) -> Typed {
        values.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect()
    }

    fn fields() -> Vec<FormField> {
        let field = |name: &str, label: &str, kind, required| FormField {
            name: name.into(),
            label: label.into(),
            hint: None,
            kind,
            choices: Vec::new(),
            required,
            verdicts: Vec::new(),
        };
        vec![
            FormField {
                choices: vec!["Payslips".into(), "Tax return".into()],
                ..field("documents", "Documents", AnswerKind::Choice, true)
            },
            field("visited", "Visited", AnswerKind::Boolean, false),
            FormField {
                verdicts: vec![Verdict::Approve, Verdict::ApproveWithEdits],
                ..field("conditions", "Conditions", AnswerKind::Text, true)
            },
            field("rate", "Rate", AnswerKind::Decimal, false),
        ]
    }
}
