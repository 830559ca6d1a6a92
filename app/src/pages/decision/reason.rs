//! The reason of a review, as its form sends it.

use countersign_domain::{
    decision::ReasonCode,
    problem::{Code, FieldError, Problem},
    text::Reason,
};

/// Reads the two halves of a reason, listing both faults at once.
///
/// # Errors
///
/// `invalid_content` with a sentence per field.
pub(crate) fn read(code: &str, reason: &str) -> Result<(ReasonCode, Reason), Problem> {
    let mut errors = Vec::new();
    let code = ReasonCode::from_word(code).filter(|code| ReasonCode::CHOICES.contains(code));
    if code.is_none() {
        errors.push(FieldError::new("/code", "missing", "Choose a reason code."));
    }
    let reason = Reason::new(reason).map_err(|error| {
        errors.push(FieldError::new("/reason", "invalid_text", format!("Reason: {error}.")));
    });
    match (code, reason) {
        (Some(code), Ok(reason)) => Ok((code, reason)),
        _ => Err(Problem::fields(Code::InvalidContent, "The review is not complete. Your text is kept.", errors)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_review_without_code_and_reason_names_both() {
        let problem = read("", " \r\n ").unwrap_err();

        let places: Vec<_> = problem.errors.iter().map(|error| error.pointer.as_str()).collect();
        assert_eq!(places, ["/code", "/reason"]);
        assert_eq!(problem.code.status(), 422);
    }

    #[test]
    fn a_form_and_a_script_give_the_same_reason() {
        let (code, plain) = read("within_policy", "One\r\ntwo").unwrap();
        let (_, script) = read("within_policy", "One\ntwo").unwrap();

        assert_eq!(code, ReasonCode::WithinPolicy);
        assert_eq!(plain, script);
    }
}
