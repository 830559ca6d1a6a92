//! A reviewer approves with edits: their own parameters take the place of the agent's, and go through policy again.

use std::collections::BTreeMap;

use countersign_domain::{
    Problem,
    decision::{ResolutionOutcome, State, Verdict},
    decision_type::{Parameter, TypeDefinition},
    ids::{EntryId, PersonId},
    policy::Approval,
    problem::{Code, FieldError},
};
use countersign_ledger::statement::Content;
use sqlx::{Postgres, Transaction};

use super::{
    review::{self, ReviewRequest, Reviewed},
    revise::{self, Draft, Version},
    routing, settle,
};
use crate::{
    Engine,
    authorize::{Permit, Target, behalf},
    caller::{Actor, Caller},
    db::{self, decisions::Decision, vault},
    error::{Error, Result},
};

/// What the form's fields hold, by parameter. A parameter that is not named stays as it is.
pub type Edits = BTreeMap<String, String>;

/// Records an approval of other parameters than were proposed.
///
/// # Errors
///
/// As [`review`](super::review()); `invalid_content` with every field that does not fit the type.
pub async fn edit(engine: &Engine, caller: &Caller, request: ReviewRequest, edits: Edits) -> Result<Reviewed> {
    let request = ReviewRequest { verdict: Verdict::ApproveWithEdits, signed: None, ..request };
    review::given(engine, caller, request, Some(edits)).await
}

/// Reads the form's fields as a version of a locked decision.
pub(super) async fn version(
    tx: &mut Transaction<'static, Postgres>,
    engine: &Engine,
    caller: &Caller,
    stored: &Decision,
    (edits, paused): (&Edits, bool),
) -> Result<Version> {
    let definition = revise::definition(tx, stored).await?;
    let opened = match caller.actor {
        Actor::Person { session, .. } => db::openings::list(tx, stored.id, session, engine.now()).await?,
        _ => Vec::new(),
    };
    let values = vault::list(tx, &[stored.entry.0]).await?;
    let mut texts = BTreeMap::new();
    for value in &values {
        texts.insert(value.field.as_str(), engine.vault.open(value)?);
    }
    let masked = |name: &str| {
        definition.personal.iter().any(|personal| personal == name) && !opened.iter().any(|(open, _)| open == name)
    };
    let parameters = read(&definition, &texts, edits, masked)?;
    let unchanged = |parameter: &Parameter| {
        let after = parameters.iter().find(|(name, _)| *name == parameter.name).map(|(_, text)| text);
        texts.get(parameter.name.as_str()).and_then(Option::as_ref) == after
    };
    if definition.parameters.iter().all(unchanged) {
        let detail = "Nothing is changed. Approve it as it is, or change a field.";
        return Err(Error::refused(Code::InvalidContent, detail));
    }
    let is_parameter = |name: &str| definition.parameters.iter().any(|parameter| parameter.name == name);
    let record: Vec<_> = texts
        .iter()
        .filter(|(name, _)| !is_parameter(name))
        .filter_map(|(name, text)| Some(((*name).to_owned(), text.clone()?)))
        .collect();
    let entry = EntryId(engine.id());
    let mut sealed = Vec::new();
    for (field, text) in parameters.iter().chain(&record) {
        // Whose a value is stays; what is new belongs to whom the rest is about.
        let beside = values.iter().find(|value| value.field == *field).or_else(|| values.first());
        let prepared = match beside {
            Some(beside) => engine.vault.seal_beside(beside, entry, engine.now(), field, text)?,
            None => None,
        };
        sealed.push(prepared.ok_or_else(|| Error::refused(Code::InvalidContent, ERASED))?);
    }
    let statement = db::statements::find(tx, &stored.content_hash.0).await?;
    let model = statement.and_then(|body| Content::parse(&body).ok()).and_then(|content| content.model);
    let second_act = db::revisions::is_second_act(tx, stored.id).await?;
    let about_persons = stored.about_persons;
    let draft = Draft {
        entry,
        definition: &definition,
        parameters,
        record,
        values: sealed,
        model,
        about_persons,
        second_act,
        paused,
    };
    revise::version(tx, engine, stored, draft).await.map_err(at_the_fields)
}

/// Who approved other parameters: with which review, and in whose place.
#[derive(Clone, Copy)]
pub(super) struct Editor {
    pub(super) approval: Approval,
    pub(super) on_behalf: Option<PersonId>,
    pub(super) review: EntryId,
}

/// Makes an edit the running version, and lets the editor's own approval count where that is enough.
pub(super) async fn apply(
    tx: &mut Transaction<'static, Postgres>,
    engine: &Engine,
    caller: &Caller,
    permit: &Permit,
    stored: &mut Decision,
    version: Version,
    editor: Editor,
) -> Result<settle::Decided> {
    let policy = version.policy.clone();
    let review = editor.review;
    let by = Some((editor.approval.person, review));
    // Whoever said no to what was there says so to the edit, or somebody else approves it.
    let rejected = !settle::counted(tx, stored, ResolutionOutcome::Rejected).await?.is_empty();
    let entry = revise::replace(tx, engine, caller, permit, stored, version, by).await?;
    let counts = !rejected && counts(tx, engine, stored, &policy, editor).await?;
    let mut last = entry;
    if !counts {
        stored.n += 1;
        last = revise::void(tx, engine, caller, stored, review).await?;
        db::decisions::set_state(tx, stored.id, stored.n, State::Queued).await?;
        routing::keep_free_seat(tx, engine, stored, &policy).await?;
    }
    if let Some(entry) = routing::resolve_by_rule(tx, engine, caller, stored).await? {
        let outcome = review::Resolve::by_rule(stored.route, stored.n).map(|resolved| resolved.outcome);
        return Ok((State::Resolved, outcome, entry));
    }
    match counts {
        true => settle::decide(tx, engine, caller, stored, ResolutionOutcome::Approved, &policy).await,
        false => Ok((State::Queued, None, last)),
    }
}

/// Tells whether the editor's own approval is enough, with the right to give it to what they wrote.
async fn counts(
    tx: &mut Transaction<'static, Postgres>,
    engine: &Engine,
    stored: &Decision,
    policy: &countersign_domain::policy::PolicyVersion,
    editor: Editor,
) -> Result<bool> {
    if !stored.route.has_people() {
        return Ok(false);
    }
    let target = Target::Decision { id: stored.id, system: stored.system, n: stored.n };
    let Editor { approval, on_behalf, .. } = editor;
    let (allowed, senior) = behalf::could_review(tx, engine, (approval.person, on_behalf), target).await?;
    let senior = approval.senior && senior;
    let signed = policy.body.row(stored.rule).is_some_and(|row| row.signed);
    let rules = review::rules(tx, stored, policy).await?;
    Ok(allowed && rules.editor_counts(Approval { senior, ..approval }, signed))
}

/// Reads every parameter, those of the form and those that stay, and lists every fault.
fn read(
    definition: &TypeDefinition,
    texts: &BTreeMap<&str, Option<String>>,
    edits: &Edits,
    masked: impl Fn(&str) -> bool,
) -> Result<Vec<(String, String)>> {
    let mut errors = Vec::new();
    let mut parameters = Vec::new();
    for name in edits.keys().filter(|name| definition.parameters.iter().all(|known| known.name != **name)) {
        errors.push(fault(name, "unknown_field", "The action has no such parameter."));
    }
    for parameter in &definition.parameters {
        let (name, label) = (parameter.name.as_str(), &parameter.label);
        let typed = edits.get(name);
        let text = match (typed, texts.get(name)) {
            (Some(_), Some(_)) if masked(name) => {
                let detail = format!("{label}: it is masked. Open it on the decision's page, or leave it as it is.");
                Err(("masked", detail))
            }
            (None, Some(None)) => Err(("erased", format!("{label}: its value was erased, so it cannot be kept."))),
            (None, None) if parameter.required => Err(("missing", format!("{label}: the action needs it."))),
            (None, stored) => Ok(stored.cloned().flatten()),
            (Some(typed), stored) => parameter
                .typed(typed, stored.and_then(Option::as_deref))
                .map_err(|detail| ("wrong_kind", format!("{label}: {detail}"))),
        };
        match text {
            Ok(text) => parameters.extend(text.map(|text| (name.to_owned(), text))),
            Err((code, detail)) => errors.push(fault(name, code, detail)),
        }
    }
    match errors.is_empty() {
        true => Ok(parameters),
        false => {
            let detail = "Some fields do not fit. What you typed is kept.";
            Err(Error::Refused(Problem::fields(Code::InvalidContent, detail, errors)))
        }
    }
}

fn fault(name: &str, code: &str, detail: impl Into<String>) -> FieldError {
    FieldError::new(format!("/fields[{name}]"), code, detail)
}

/// Names the form's fields where a request's are named.
fn at_the_fields(error: Error) -> Error {
    let Error::Refused(mut problem) = error else { return error };
    for error in &mut problem.errors {
        if let Some(name) = error.pointer.strip_prefix("/action/parameters/") {
            error.pointer = format!("/fields[{name}]");
        }
    }
    Error::Refused(problem)
}

const ERASED: &str =
    "Whom this is about was erased, so no other version of it can be kept. Reject it, or ask for changes.";

/// A ruling that names edits and has none.
pub(super) fn nothing_to_edit() -> Problem {
    Problem::new(Code::InvalidContent, "Approve with edits is sent from its own page, with the parameters in it.")
}
