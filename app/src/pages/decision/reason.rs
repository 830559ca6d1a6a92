//! The reason of a review, as its form sends it.

use countersign_domain::{
    decision::{Asks, ReasonCode},
    problem::{Code, FieldError, Problem},
    text::Reason,
};

/// Reads the two halves of a reason, of which the engine says whether they have to be there; lists both faults at once.
///
/// # Errors
///
/// `invalid_content` with a sentence per field.
pub(crate) fn read(code: &str, reason: &str) -> Result<(Option<ReasonCode>, Option<Reason>), Problem> {
    let mut errors = Vec::new();
    let chosen = ReasonCode::from_word(code).filter(|code| ReasonCode::CHOICES.contains(code));
    if chosen.is_none() && !code.is_empty() {
        errors.push(FieldError::new("/code", "unknown_value", "Choose a reason code from the list."));
    }
    let said = match reason.trim() {
        "" => None,
        text => Reason::new(text)
            .map_err(|error| errors.push(FieldError::new("/reason", "invalid_text", format!("Reason: {error}."))))
            .ok(),
    };
    if errors.is_empty() { Ok((chosen, said)) } else { Err(incomplete(errors)) }
}

/// The same for what is never done without a reason.
///
/// # Errors
///
/// As [`read`], and where either half is missing.
pub(crate) fn read_both(code: &str, reason: &str) -> Result<(ReasonCode, Reason), Problem> {
    let (code, reason) = read(code, reason)?;
    let missing = Asks::BOTH.missing(code, reason.as_ref());
    code.zip(reason).ok_or_else(|| incomplete(missing))
}

fn incomplete(errors: Vec<FieldError>) -> Problem {
    Problem::fields(Code::InvalidContent, "The review is not complete. Your text is kept.", errors)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_needs_code_and_reason_names_both() {
        let problem = read_both("", " \r\n ").unwrap_err();

        let places: Vec<_> = problem.errors.iter().map(|error| error.pointer.as_str()).collect();
        assert_eq!(places, ["/code", "/reason"]);
        assert_eq!(problem.code.status(), 422);
    }

    #[test]
    fn nothing_is_no_reason_and_what_cannot_be_read_is_named() {
        assert_eq!(read("", " \r\n ").unwrap(), (None, None));

        let problem = read("because", "a\0b").unwrap_err();
        let places: Vec<_> = problem.errors.iter().map(|error| error.pointer.as_str()).collect();
        assert_eq!(places, ["/code", "/reason"]);
    }

    #[test]
    fn a_form_and_a_script_give_the_same_reason() {
        let (code, plain) = read_both("within_policy", "One\r\ntwo").unwrap();
        let (_, script) = read_both("within_policy", "One\ntwo").unwrap();

        assert_eq!(code, ReasonCode::WithinPolicy);
        assert_eq!(plain, script);
    }
}
