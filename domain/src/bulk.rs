//! Several decisions reviewed by one act: which fit together, what differs between them, and what became of each.
//!
//! One reason is given and each decision gets a review of its own. So that nobody approves what they did not see, the
//! page says what is common once, shows every parameter that differs, and marks what is unlike the rest; whatever is
//! marked has to be opened before the form can be sent.

mod compare;

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::{
    decision::{ReasonCode, Risk, Verdict, words},
    decision_type::{RESERVED, TypeDefinition},
    ids::{BulkRunId, DecisionId, DecisionTypeId, EntryId, PolicyVersionId},
    view::{Field, Mode, Seal, Section},
};

pub use compare::{Compared, Given, Outlier, compare};

/// Decisions of one act, at most.
pub const BULK_MAX: usize = 50;

/// Version of the layout of the page, sealed with each presentation. Changing which fields are shown, in which order or
/// mode, is a new version.
pub const BULK_TEMPLATE: &str = "bulk/1";

/// A longer value stands behind a disclosure in the table.
pub const CELL_CHARACTERS_MAX: usize = 240;

/// Fields beside the parameters that the table compares: they are short, and say whom it affects and how sure the agent is.
const COMPARED: [&str; 2] = ["confidence", "impact"];

/// Names of the fields that the table compares, in the order of the decision's own page.
pub fn compared_names(definition: &TypeDefinition) -> Vec<&str> {
    let parameters = definition.parameters.iter().map(|parameter| parameter.name.as_str());
    parameters.chain(RESERVED.into_iter().filter(|name| COMPARED.contains(name))).collect()
}

/// What the table shows of a decision that is not opened: what it compares, complete, the long behind a disclosure.
pub fn in_table(definition: &TypeDefinition, all: Vec<Field>) -> Vec<Field> {
    let names = compared_names(definition);
    let shown = |field: &Field| names.contains(&field.name.as_str()) && field.section != Section::Context;
    all.into_iter()
        .filter(shown)
        .map(|mut field| {
            if field.value.as_ref().is_some_and(|value| value.chars().count() > CELL_CHARACTERS_MAX) {
                field.mode = Mode::Collapsed;
            }
            field
        })
        .collect()
}

/// Rulings that may be given on several decisions at once.
pub const VERDICTS: [Verdict; 2] = [Verdict::Approve, Verdict::Reject];

words! {
    /// Why a decision does not fit into one act with the others.
    Misfit {
        /// The person may not rule on it, or nobody can any more; a sentence says why.
        Barred "barred"
        /// It is of high risk.
        HighRisk "high_risk"
        /// It takes more than one approval.
        Quorum "quorum"
        /// The policy asks for a signature, and one signature is of one decision.
        Signed "signed"
        /// Its type has a form with fields that have to be answered.
        Form "form"
        /// It is of another type, or of another version of the type, than most.
        OtherType "other_type"
        /// Another version of the policy routed it than most.
        OtherPolicy "other_policy"
    }
}

/// What decides whether a decision fits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Type and its version.
    pub type_id: DecisionTypeId,
    /// The policy version that routed it.
    pub policy: PolicyVersionId,
    /// Risk by type and policy.
    pub risk: Risk,
    /// Approvals that its route asks for.
    pub need: u64,
    /// The policy asks for a signature.
    pub signed: bool,
    /// The form of its type has a field that has to be answered with a ruling of this page.
    pub form: bool,
    /// The person may not rule on it, or nobody can any more.
    pub barred: bool,
}

/// Tells of each decision why it does not fit with the others, if so.
///
/// Those that fit by themselves belong together when they have type and policy version in common. Which ones is what most
/// of them have; of two that are as many, what was selected first.
pub fn misfits(candidates: &[Candidate]) -> Vec<Option<Misfit>> {
    let alone: Vec<_> = candidates.iter().map(alone).collect();
    let mut counts = HashMap::<_, usize>::new();
    for (candidate, _) in candidates.iter().zip(&alone).filter(|(_, misfit)| misfit.is_none()) {
        *counts.entry((candidate.type_id, candidate.policy)).or_default() += 1;
    }
    let most = counts.values().copied().max().unwrap_or_default();
    let group = candidates
        .iter()
        .zip(&alone)
        .filter(|(_, misfit)| misfit.is_none())
        .map(|(candidate, _)| (candidate.type_id, candidate.policy))
        .find(|group| counts.get(group) == Some(&most));
    candidates
        .iter()
        .zip(alone)
        .map(|(candidate, misfit)| {
            misfit.or_else(|| match group {
                Some((type_id, _)) if candidate.type_id != type_id => Some(Misfit::OtherType),
                Some((_, policy)) if candidate.policy != policy => Some(Misfit::OtherPolicy),
                _ => None,
            })
        })
        .collect()
}

fn alone(candidate: &Candidate) -> Option<Misfit> {
    if candidate.barred {
        return Some(Misfit::Barred);
    }
    if candidate.risk == Risk::High {
        return Some(Misfit::HighRisk);
    }
    if candidate.need != 1 {
        return Some(Misfit::Quorum);
    }
    if candidate.signed {
        return Some(Misfit::Signed);
    }
    candidate.form.then_some(Misfit::Form)
}

/// The page of several decisions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BulkView {
    /// How many different decisions were selected.
    pub selected: u64,
    /// Selected beyond the most that one act takes; nothing was read of them.
    pub beyond: u64,
    /// Decisions that do not fit; while there are any, there is no form.
    pub unfit: Vec<UnfitRow>,
    /// Decisions that fit together, in the order of the selection.
    pub fitting: Vec<DecisionId>,
    /// The comparison and the form; absent while anything does not fit.
    pub sheet: Option<Sheet>,
    /// What the person sent before, the newest first, where nothing is selected.
    pub sent: Vec<SentRow>,
    /// Server time.
    pub now: u64,
}

/// A run in the list of who sent it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SentRow {
    /// The run.
    pub id: BulkRunId,
    /// The ruling.
    pub verdict: Verdict,
    /// Of how many decisions.
    pub count: u64,
    /// When.
    pub at: u64,
}

/// A decision that does not fit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnfitRow {
    /// The decision.
    pub id: DecisionId,
    /// What it asks for; absent where the person may not read it, as if it did not exist.
    pub title: Option<String>,
    /// Why not.
    pub misfit: Misfit,
    /// A sentence about it, where the person may not rule on it.
    pub why: Option<String>,
}

/// What decisions that fit together have in common and where they differ, and the form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sheet {
    /// The single use of this page; the run gets this id.
    pub bulk: BulkRunId,
    /// When the form expires.
    pub expires_at: u64,
    /// What the screen calls the action.
    pub type_title: String,
    /// Name of the type.
    pub type_name: String,
    /// Number of the policy version.
    pub policy_number: u64,
    /// What stands beside the fields and is the same for all.
    pub facts: Vec<(Fact, String)>,
    /// What stands beside the fields and differs.
    pub fact_columns: Vec<Fact>,
    /// Names of the fields that are the same for all.
    pub common: Vec<String>,
    /// Fields that differ, in the order of the type.
    pub columns: Vec<Column>,
    /// The decisions: what is unlike the rest first, then in the order of the selection.
    pub items: Vec<BulkItem>,
}

impl Sheet {
    /// Counts what is unlike the rest and was not opened: the form waits for it.
    pub fn unopened(&self) -> usize {
        self.items.iter().filter(|item| item.waits()).count()
    }
}

/// A field that differs between the decisions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    /// Name in the `content` statement.
    pub name: String,
    /// Label on screen.
    pub label: String,
}

words! {
    /// What the page says of a decision beside its fields.
    Fact {
        /// Which AI system asks.
        System "system"
        /// Its risk.
        Risk "risk"
        /// The rule that routed it.
        Rule "rule"
        /// In whose right it is reviewed, where any of them is in another's than the person's own.
        Right "right"
    }
}

impl Fact {
    /// Returns the words on screens.
    pub const fn label(self) -> &'static str {
        match self {
            Fact::System => "AI system",
            Fact::Risk => "Risk",
            Fact::Rule => "Rule",
            Fact::Right => "In whose right",
        }
    }
}

/// One decision of the page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BulkItem {
    /// The decision.
    pub id: DecisionId,
    /// One plain sentence: what the AI system asks to do.
    pub title: String,
    /// Digest of the `content` statement under review.
    pub content_hash: String,
    /// When silence decides.
    pub due_at: u64,
    /// The value of each [`Fact`], in the order of [`Fact::ALL`].
    pub facts: Vec<String>,
    /// What the page shows of it, complete and in its order: the source of the `seen` statement.
    pub fields: Vec<Field>,
    /// Where it is unlike the rest.
    pub marks: Vec<Mark>,
    /// All of it is on the page, because the person opened it.
    pub opened: bool,
    /// Names of others who review it at this moment.
    pub held_by: Vec<String>,
    /// Why the person may reject it and not approve it, if so.
    pub only_reject: Option<String>,
    /// Digest of its `seen` statement.
    pub seen: String,
}

impl BulkItem {
    /// Tells whether the form waits until it is opened.
    pub fn waits(&self) -> bool {
        !self.marks.is_empty() && !self.opened
    }
}

/// One respect in which a decision is unlike the rest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// Label of the field or fact.
    pub label: String,
    /// How it differs.
    pub outlier: Outlier,
}

words! {
    /// What became of one decision of a run.
    ItemResult {
        /// The review is recorded.
        Applied "applied"
        /// Something had changed, or somebody else was there.
        Conflict "conflict"
        /// The person may not.
        NotAllowed "not_allowed"
        /// The server could not record it.
        NotDone "not_done"
        /// Its turn has not come.
        Waiting "waiting"
    }
}

words! {
    /// How far a run is.
    RunState {
        /// Reviews are being recorded.
        Running "running"
        /// Every decision has its result.
        Finished "finished"
        /// It ended before its time, as when the server stops; what has no result was not done.
        Stopped "stopped"
    }
}

/// The page of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BulkRunView {
    /// The run.
    pub id: BulkRunId,
    /// The ruling.
    pub verdict: Verdict,
    /// The reason in one word.
    pub code: ReasonCode,
    /// When it was sent.
    pub started_at: u64,
    /// How far it is.
    pub state: RunState,
    /// Each decision, in the order of the page.
    pub rows: Vec<RunRow>,
    /// The entry that sealed this view.
    pub recorded: EntryId,
    /// Server time.
    pub now: u64,
}

impl BulkRunView {
    /// Counts the decisions with this result.
    pub fn count(&self, result: ItemResult) -> usize {
        self.rows.iter().filter(|row| row.result == result).count()
    }

    /// Counts the decisions that have a result.
    pub fn done(&self) -> usize {
        self.rows.len() - self.count(ItemResult::Waiting)
    }
}

/// One decision of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunRow {
    /// The decision.
    pub id: DecisionId,
    /// What it asks for; absent where the person may not read it any more.
    pub title: Option<String>,
    /// What became of it.
    pub result: ItemResult,
    /// What changed, or why not.
    pub why: Option<String>,
    /// Seal of the review, once it is recorded.
    pub seal: Option<Seal>,
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn what_does_not_fit_by_itself_says_why_whatever_the_others_are() {
        let candidates = [
            candidate(1, 1),
            Candidate { risk: Risk::High, ..candidate(1, 1) },
            Candidate { need: 2, ..candidate(1, 1) },
            Candidate { signed: true, ..candidate(1, 1) },
            Candidate { form: true, ..candidate(1, 1) },
            Candidate { barred: true, risk: Risk::High, ..candidate(1, 1) },
            Candidate { risk: Risk::Medium, ..candidate(1, 1) },
        ];

        assert_eq!(
            misfits(&candidates),
            [
                None,
                Some(Misfit::HighRisk),
                Some(Misfit::Quorum),
                Some(Misfit::Signed),
                Some(Misfit::Form),
                Some(Misfit::Barred),
                None
            ]
        );
    }

    #[test]
    fn of_a_mixed_selection_most_stay_and_of_two_that_are_as_many_the_first() {
        let mixed = [candidate(2, 1), candidate(1, 1), candidate(1, 1), candidate(1, 2)];
        assert_eq!(misfits(&mixed), [Some(Misfit::OtherType), None, None, Some(Misfit::OtherPolicy)]);

        let even = [candidate(2, 1), candidate(1, 1)];
        assert_eq!(misfits(&even), [None, Some(Misfit::OtherType)]);

        // What does not fit anyhow does not outnumber what does.
        let high = Candidate { risk: Risk::High, ..candidate(1, 1) };
        let outnumbered = [high.clone(), high, candidate(2, 1)];
        assert_eq!(misfits(&outnumbered), [Some(Misfit::HighRisk), Some(Misfit::HighRisk), None]);
        assert_eq!(misfits(&[]), []);
    }

    fn candidate(type_id: u128, policy: u128) -> Candidate {
        Candidate {
            type_id: DecisionTypeId(Uuid::from_u128(type_id)),
            policy: PolicyVersionId(Uuid::from_u128(policy)),
            risk: Risk::Low,
            need: 1,
            signed: false,
            form: false,
            barred: false,
        }
    }
}
