//! What a form may ask for, how it is written out, and what a grant covers.

use uuid::Uuid;

use super::*;
use crate::{
    decision_type::{Kind, Parameter},
    policy::facts::Source,
};

#[test]
fn a_scope_is_read_from_the_parameters_of_the_type_and_written_out_in_words() {
    let terms =
        form(&[("max_amount", "50.00"), ("is_cause", "lost\n broken \n"), ("is_gift", "false")]).terms(&refund());

    let terms = terms.unwrap();
    assert_eq!((terms.uses, terms.hours, terms.amount_max(&refund())), (5, 24, Some(50)));
    assert_eq!(
        terms.sentences("refund-agent", &refund())[..6],
        [
            "refund-agent may do this at most 5 times without anybody being asked: Issue a refund (refund.issue, version 1).",
            "Amount is at least 0 and is at most 50.00.",
            "Cause is lost or broken.",
            "Gift is false.",
            "Basket: whatever it is.",
            "It begins when another person activates it and ends 24 hours later, however often it was used.",
        ]
    );
}

#[test]
fn every_field_that_needs_a_change_is_named_at_once() {
    let wrong = GrantForm {
        uses: "0".into(),
        hours: "169".into(),
        ..form(&[
            ("min_amount", "9"),
            ("max_amount", "8"),
            ("min_cause", "1"),
            ("is_basket", "[]"),
            ("max_nothing", "1"),
        ])
    };
    let pointers: Vec<_> = wrong.terms(&refund()).unwrap_err().into_iter().map(|error| error.pointer).collect();
    assert_eq!(pointers, ["/uses", "/hours", "/is_basket", "/max_nothing", "/min_cause", "/max_amount"]);

    let without = form(&[]).terms(&refund()).unwrap_err();
    assert_eq!((without[0].pointer.as_str(), without[0].code.as_str()), ("/max_amount", "missing"));
    let words = form(&[("max_amount", "a lot")]).terms(&refund()).unwrap_err();
    assert_eq!(words[0].code, "wrong_kind");
    let most = GrantForm { uses: "500".into(), hours: "168".into(), ..form(&[("max_amount", "1")]) };
    assert!(most.terms(&refund()).is_ok());
    assert!(GrantForm { uses: "501".into(), ..most.clone() }.terms(&refund()).is_err());
    assert!(GrantForm { uses: "-1".into(), ..most }.terms(&refund()).is_err());
}

#[test]
fn an_address_names_what_was_typed_and_nothing_else() {
    let typed =
        GrantForm { system: "s".into(), type_id: "t".into(), ..form(&[("is_cause", "a & b\nc"), ("max_amount", "")]) };

    assert_eq!(typed.query(), "system=s&type_id=t&uses=5&hours=%2024%20&is_cause=a%20%26%20b%0Ac");
    let read = GrantForm::read([("system", "s"), ("max_amount", "5"), ("next", "/x"), ("uses", "2")]);
    assert_eq!((read.system.as_str(), read.uses.as_str(), read.fields.len()), ("s", "2", 1));
}

#[test]
fn limits_are_compared_with_the_highest_amount_either_way() {
    let below = form(&[("min_amount", "-900.10"), ("max_amount", "50")]).terms(&refund()).unwrap();

    assert_eq!(below.amount_max(&refund()), Some(901));
    assert_eq!(below.amount_max(&TypeDefinition { amount: None, ..refund() }), None);
}

#[test]
fn no_grant_covers_what_harms_or_cannot_be_undone() {
    assert_eq!(admits(&refund()), Ok(()));
    for (refused, why) in [
        (TypeDefinition { reversibility: Reversibility::Irreversible, ..refund() }, "cannot be undone"),
        (TypeDefinition { risk: Risk::High, ..refund() }, "high risk"),
        (TypeDefinition { hazards: vec![Hazard::Adverse], ..refund() }, "disadvantage"),
        (TypeDefinition { hazards: vec![Hazard::DataExport], ..refund() }, "data out of the company"),
    ] {
        let problem = admits(&refused).unwrap_err();
        assert_eq!((problem.code, problem.code.status()), (Code::GrantNotAllowed, 403));
        assert!(problem.detail.contains(why), "{}", problem.detail);
    }
}

#[test]
fn what_is_outside_or_not_stated_is_not_covered_and_is_said() {
    let definition = refund();
    let bounds = form(&[("max_amount", "50"), ("is_cause", "lost")]).terms(&definition).unwrap().bounds;
    let facts = |amount: Option<&str>, cause: &str| {
        let field = |name: &str| match name {
            "amount" => amount.map(str::to_owned),
            "cause" => Some(cause.to_owned()),
            _ => None,
        };
        Facts::read(&Source {
            system: "a",
            definition: &definition,
            risk: Risk::Low,
            fields: &field,
            about_persons: true,
        })
    };
    let grant = GrantId(Uuid::from_u128(0x41f2));
    let said = |miss, facts: &Facts| miss_sentence(grant, miss, Some(bounds.as_slice()), facts, &definition);

    assert_eq!(outside(&bounds, &facts(Some("50.00"), "lost")), None);
    assert!(outside(&bounds, &facts(None, "lost")).is_some());
    assert_eq!(
        said(Miss::Outside, &facts(Some("50.01"), "lost")),
        "Grant 000041F2 does not cover it: amount is at most 50; here it is 50.01."
    );
    let mut masked = facts(Some("50"), "stolen");
    masked.mask(&definition, &["cause".to_owned()]);
    assert_eq!(said(Miss::Outside, &masked), "Grant 000041F2 does not cover it: cause is lost; here it is masked.");
    for miss in Miss::ALL {
        assert!(said(*miss, &masked).to_lowercase().contains("grant 000041f2"), "{miss:?}");
    }
    assert_eq!(label(grant), "Approved by grant 000041F2");
}

fn form(fields: &[(&str, &str)]) -> GrantForm {
    GrantForm {
        uses: "5".into(),
        hours: " 24 ".into(),
        fields: fields.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect(),
        ..GrantForm::default()
    }
}

fn refund() -> TypeDefinition {
    let parameter =
        |name: &str, label: &str, kind| Parameter { name: name.into(), label: label.into(), kind, required: true };
    TypeDefinition {
        name: "refund.issue".into(),
        version: 1,
        title: "Issue a refund".into(),
        tool: None,
        risk: Risk::Low,
        reversibility: Reversibility::Compensable,
        risk_reasons: Vec::new(),
        amount: Some("amount".into()),
        personal: Vec::new(),
        hazards: Vec::new(),
        form: Vec::new(),
        parameters: vec![
            parameter("amount", "Amount", Kind::Decimal),
            parameter("cause", "Cause", Kind::Text),
            parameter("gift", "Gift", Kind::Boolean),
            parameter("basket", "Basket", Kind::Structure),
        ],
    }
}
