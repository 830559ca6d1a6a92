//! One screen, drawn again, and every way in which it differs.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::*;
use crate::{
    decision_type::{Parameter, Reversibility},
    policy::{Condition, Operator, Row},
    role::Role,
};

#[test]
fn what_was_shown_is_drawn_again_to_the_same_digest() {
    let stored = Stored::new();

    let redrawn = stored.redraw();

    assert_eq!(redrawn.differences, []);
    assert_eq!(redrawn.digest, stored.sealed);
    assert_eq!(redrawn.notes, Vec::<String>::new());
    let drawn: Vec<_> = redrawn.fields.iter().map(|field| (field.name.as_str(), field.mode)).collect();
    assert_eq!(
        drawn,
        [("order", Mode::Full), ("customer", Mode::Masked), ("rationale", Mode::Full), ("context", Mode::Collapsed)]
    );
}

#[test]
fn what_a_reviewer_had_opened_was_shown_to_them() {
    let mut stored = Stored::new();
    stored.opened = vec!["customer".into()];
    stored.seal(&["customer"]);
    assert_eq!(stored.redraw().differences, []);

    // The record of the opening is gone: it comes out masked.
    stored.opened.clear();
    let differences = stored.redraw().differences;
    let elsewhere = "Why this rule: The page said something else there than comes out of what is stored.";
    assert_eq!(said(&differences), ["Customer: It was shown in full, and comes out masked.", elsewhere]);
}

#[test]
fn a_value_that_was_changed_is_named() {
    let mut stored = Stored::new();
    stored.fields[0].value = StoredValue::Opens { text: "A2".into(), commits: Hash([9; 32]), salt: [1; 32] };
    assert_eq!(said(&stored.redraw().differences), ["Order: The stored value is not the one that was committed to."]);

    stored.fields[0].commitment = Hash([9; 32]);
    assert_eq!(
        said(&stored.redraw().differences),
        ["Order: Another value was shown than is stored.", "Order: What is stored is not what was proposed."]
    );

    stored.fields[0].value = StoredValue::Unreadable;
    assert!(said(&stored.redraw().differences)[0].starts_with("Order: The stored value cannot be opened"));
}

#[test]
fn a_field_that_is_gone_or_came_later_is_named() {
    let mut gone = Stored::new();
    gone.fields.retain(|field| field.name != "rationale");
    let mut later = Stored::new();
    later.fields.push(field("intent", 7));

    assert_eq!(
        said(&gone.redraw().differences),
        [
            "Rationale: It was shown, and is not stored any more.",
            "Rationale: It was proposed, and is not stored any more."
        ]
    );
    assert_eq!(
        said(&later.redraw().differences),
        ["Intent: It is stored, and was not shown.", "Intent: What is stored is not what was proposed."]
    );
}

#[test]
fn an_erased_value_is_compared_by_its_commitment() {
    let mut stored = Stored::new();
    stored.fields[0].value = StoredValue::Erased;

    let redrawn = stored.redraw();

    assert_eq!(redrawn.differences, []);
    assert_eq!(redrawn.fields[0].value, None);
    assert_eq!(redrawn.notes[0], "Erased by now, so that its value is compared by its commitment alone: Order.");
    stored.fields[0].commitment = Hash([9; 32]);
    assert!(said(&stored.redraw().differences).contains(&"Order: Another value was shown than is stored.".to_owned()));
}

#[test]
fn a_record_that_was_changed_or_is_gone_is_told() {
    let mut gone = Stored::new();
    (gone.statement, gone.presented) = (None, None);
    gone.sealed = Hash([8; 32]);
    let mut changed = Stored::new();
    (changed.sealed, changed.presented) = (Hash([8; 32]), None);
    let mut unreadable = Stored::new();
    unreadable.presented = None;
    unreadable.statement = Some(b"{}".to_vec());
    unreadable.sealed = digest(Label::Seen, b"{}");

    assert_eq!(said(&gone.redraw().differences), ["The record of what was shown is not stored any more."]);
    assert_eq!(
        said(&changed.redraw().differences),
        ["The stored record of what was shown is not the one that was sealed."]
    );
    assert_eq!(said(&unreadable.redraw().differences), ["The stored record of what was shown cannot be read."]);
}

#[test]
fn a_record_that_is_gone_hides_nothing_where_the_drawing_is_the_sealed_one() {
    let mut stored = Stored::new();
    stored.statement = None;

    assert_eq!(stored.redraw().differences, []);
}

#[test]
fn another_form_policy_and_proposal_are_told() {
    let mut form = Stored::new();
    form.presented = Some(Hash([8; 32]));
    let mut policy = Stored::new();
    policy.policy = Uuid::from_u128(7).to_string();
    let mut proposal = Stored::new();
    proposal.proposal = None;

    assert_eq!(
        said(&form.redraw().differences),
        ["The form that the review was sent with was stored as showing something else."]
    );
    assert_eq!(said(&policy.redraw().differences), ["Another policy version was shown than the review names."]);
    assert_eq!(
        said(&proposal.redraw().differences),
        ["The record of what was proposed is not the one that the review names."]
    );
}

#[test]
fn an_earlier_layout_is_a_note_and_an_unknown_one_a_difference() {
    let mut earlier = Stored::new();
    earlier.lay_out("decision/1");
    let mut unknown = Stored::new();
    unknown.lay_out("decision/999");

    let redrawn = earlier.redraw();
    assert_eq!(redrawn.differences, []);
    assert!(redrawn.notes[0].starts_with("It was laid out as decision/1 then"), "{:?}", redrawn.notes);
    assert_eq!(said(&unknown.redraw().differences), ["It was laid out by a layout that this build does not know."]);
}

#[test]
fn another_order_is_told() {
    let mut stored = Stored::new();
    let mut seen = Seen::parse(stored.statement.as_ref().unwrap()).unwrap();
    seen.fields.swap(0, 2);
    stored.take(&seen);

    assert_eq!(said(&stored.redraw().differences), ["The fields stood in another order."]);
}

#[test]
fn what_the_page_said_beside_the_fields_is_drawn_again() {
    let stored = Stored::new();

    let beside = stored.redraw().beside.unwrap();

    assert_eq!((beside.rule.as_str(), beside.due, beside.revision), ("known", 1_793_610_000_000, 1));
    let said = beside.said.unwrap();
    assert_eq!(said.title, "Issue a refund: order A1");
    assert!(said.trace[0].sentence.contains("masked"), "{:?}", said.trace);
}

#[test]
fn another_title_risk_rule_and_deadline_are_named() {
    let differs = |change: &dyn Fn(&mut Stored)| {
        let mut stored = Stored::new();
        change(&mut stored);
        said(&stored.redraw().differences)
    };
    let elsewhere = "The page said something else there than comes out of what is stored.";

    assert_eq!(differs(&|stored| stored.definition.title = "Refund".into()), [format!("Title: {elsewhere}")]);
    assert_eq!(
        differs(&|stored| stored.definition.risk_reasons = vec!["Money leaves.".into()]),
        [format!("Risk: {elsewhere}")]
    );
    assert_eq!(
        differs(&|stored| stored.table.rows[0].due_seconds = 60),
        [format!("Rule: {elsewhere}"), format!("Why this rule: {elsewhere}")][..1]
    );
    assert_eq!(
        differs(&|stored| stored.standing.due += 60_000),
        ["Deadline: 2 Nov 2026, 09:00 UTC was shown, and its entries say 2 Nov 2026, 09:01 UTC."]
    );
    assert_eq!(
        differs(&|stored| stored.standing.risk = Risk::High),
        ["Risk: “medium” was shown, and it comes out “high”."]
    );
    assert_eq!(
        differs(&|stored| stored.standing.route = Route::Escalate),
        ["Rule: row 1 and require were shown, and its entries say row 1 and escalate."]
    );
    assert_eq!(differs(&|stored| stored.standing.revision = 2), ["Version: 1 was shown, and it comes out 2."]);
}

#[test]
fn sentences_are_committed_to_under_every_value_and_erased_with_one() {
    let stored = Stored::new();
    let mut other = Stored::new();
    for field in &mut other.fields {
        let StoredValue::Opens { salt, .. } = &mut field.value else { panic!("every value opens") };
        *salt = [9; 32];
    }
    let (sealed, guessed) = (stored.page(&[]), other.page(&[]));
    assert!(sealed.text.iter().all(|(place, commitment)| guessed.text[place] != *commitment), "{sealed:?}");

    let mut erased = Stored::new();
    erased.fields[0].value = StoredValue::Erased;
    let redrawn = erased.redraw();
    assert_eq!(redrawn.differences, []);
    assert!(redrawn.notes.iter().any(|note| note.ends_with("because a value was erased.")), "{:?}", redrawn.notes);
    assert_eq!(redrawn.beside.unwrap().said, None, "what comes out now is not what was said");
}

/// What is stored of one review.
struct Stored {
    sealed: Hash,
    content: Hash,
    policy: String,
    presented: Option<Hash>,
    statement: Option<Vec<u8>>,
    proposal: Option<Vec<u8>>,
    definition: TypeDefinition,
    fields: Vec<StoredField>,
    opened: Vec<String>,
    table: PolicyBody,
    standing: Standing,
}

impl Stored {
    fn new() -> Self {
        let definition = definition();
        // In the order of the vault, which is none.
        let fields = vec![field("order", 1), field("context", 2), field("rationale", 3), field("customer", 4)];
        let proposal = Content {
            decision: decision().to_string(),
            system: Uuid::from_u128(3).to_string(),
            type_: Uuid::from_u128(4).to_string(),
            tier: "medium".into(),
            model: None,
            fields: fields.iter().map(|field| (field.name.clone(), field.commitment)).collect::<BTreeMap<_, _>>(),
        };
        let (proposal, content) = proposal.seal().unwrap();
        let mut stored = Self {
            sealed: Hash([0; 32]),
            content,
            policy: Uuid::from_u128(6).to_string(),
            presented: None,
            statement: None,
            proposal: Some(proposal),
            definition,
            fields,
            opened: Vec::new(),
            table: table(),
            standing: Standing {
                due: 1_793_610_000_000,
                on_timeout: OnTimeout::Deny,
                guards: Vec::new(),
                revision: 1,
                risk: Risk::Medium,
                route: Route::Require,
                rule: 1,
            },
        };
        stored.seal(&[]);
        stored
    }

    /// Seals what the page shows a person who has these fields open.
    fn seal(&mut self, opened: &[&str]) {
        let mut stored: Vec<_> = self.fields.iter().collect();
        stored.sort_by_key(|field| place(&self.definition, &field.name));
        let fields: Vec<_> = stored
            .into_iter()
            .map(|field| {
                let StoredValue::Opens { text, .. } = &field.value else { panic!("every value opens") };
                let withheld = self.definition.personal.contains(&field.name) && !opened.contains(&field.name.as_str());
                draw(&self.definition, &field.name, &field.commitment.to_string(), Some(text.clone()), withheld)
            })
            .collect();
        let page = self.page(opened);
        let seen = statement((decision(), self.content), &self.policy, &fields, DECISION_TEMPLATE, Some(page));
        self.take(&seen);
    }

    /// What the page says beside the fields to a person who has these open.
    fn page(&self, opened: &[&str]) -> SeenPage {
        let (mut values, mut salts) = (HashMap::new(), Vec::new());
        let mut fields: Vec<_> = self.fields.iter().collect();
        fields.sort_by_key(|field| place(&self.definition, &field.name));
        for field in fields {
            let StoredValue::Opens { text, salt, .. } = &field.value else { panic!("every value opens") };
            values.insert(field.name.clone(), text.clone());
            salts.push(*salt);
        }
        let hidden = |name: &&String| !opened.contains(&name.as_str());
        let withheld: Vec<_> = self.definition.personal.iter().filter(hidden).cloned().collect();
        let said = Said::of(&Source {
            definition: &self.definition,
            system: "refund-agent",
            about_persons: true,
            values: &values,
            withheld: &withheld,
            table: &self.table,
            rule: self.standing.rule,
        });
        self.standing.page(true, said.commitments(&said::salt(salts.iter())))
    }

    fn lay_out(&mut self, layout: &str) {
        let mut seen = Seen::parse(self.statement.as_ref().unwrap()).unwrap();
        seen.template = digest(Label::Template, layout.as_bytes());
        self.take(&seen);
    }

    fn take(&mut self, seen: &Seen) {
        let (bytes, digest) = seen.seal().unwrap();
        (self.statement, self.sealed, self.presented) = (Some(bytes), digest, Some(digest));
    }

    fn redraw(&self) -> Redrawn {
        redraw(Record {
            decision: decision(),
            sealed: self.sealed,
            content: self.content,
            policy: &self.policy,
            presented: self.presented,
            statement: self.statement.as_deref(),
            proposal: self.proposal.as_deref(),
            definition: &self.definition,
            fields: self.fields.clone(),
            opened: &self.opened,
            system: "refund-agent",
            table: &self.table,
            standing: self.standing.clone(),
        })
    }
}

/// One row that asks about the customer, and the default.
fn table() -> PolicyBody {
    let when = Condition {
        fact: "parameter.customer".into(),
        operator: Operator::In,
        values: vec!["A1".into()],
        or_missing: false,
    };
    let default = Row::require(1, Role::Approver, 3_600);
    PolicyBody { rows: vec![Row { name: "known".into(), when: vec![when], ..default.clone() }], default }
}

fn definition() -> TypeDefinition {
    let parameter = |name: &str, label: &str| Parameter {
        name: name.into(),
        label: label.into(),
        kind: Kind::Text,
        required: true,
    };
    TypeDefinition {
        name: "refund.issue".into(),
        version: 1,
        title: "Issue a refund".into(),
        tool: None,
        risk: Risk::Medium,
        reversibility: Reversibility::Compensable,
        risk_reasons: Vec::new(),
        amount: None,
        personal: vec!["customer".into()],
        hazards: Vec::new(),
        form: Vec::new(),
        parameters: vec![parameter("order", "Order"), parameter("customer", "Customer")],
    }
}

fn field(name: &str, number: u8) -> StoredField {
    let commitment = Hash([number; 32]);
    StoredField {
        name: name.into(),
        commitment,
        value: StoredValue::Opens { text: "A1".into(), commits: commitment, salt: [number; 32] },
    }
}

fn decision() -> DecisionId {
    DecisionId(Uuid::from_u128(5))
}

fn said(differences: &[Difference]) -> Vec<String> {
    let says = |difference: &Difference| match &difference.field {
        Some(field) => format!("{field}: {}", difference.says),
        None => difference.says.clone(),
    };
    differences.iter().map(says).collect()
}
