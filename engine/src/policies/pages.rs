//! What the policy pages show.

use countersign_domain::{
    event::{Event, List, Object, Place},
    ids::{DecisionId, EntryId, PersonId, PolicyVersionId},
    policy::{
        Route,
        condition::order_of,
        facts::{BUILT_IN, fact_kind, parameter_fact},
        view::{DraftRow, DraftState, DraftView, FactRow, PoliciesView, RuleForm, VersionRow, VersionView, WhatIf},
    },
};
use sqlx::{PgConnection, Postgres, Transaction};

use super::{Surroundings, drafts};
use crate::{
    Engine,
    authorize::{self, Action, Permit, Target},
    caller::Caller,
    db::{self, policy_drafts::Draft},
    decisions,
    error::{Error, Result},
    people, reads,
};

/// Versions and drafts that the list shows.
const ROWS: i64 = 100;
/// The guards, in the order of the page.
const GUARDS: [&str; 5] =
    ["guard_adverse_person", "guard_high_risk", "guard_irreversible", "guard_amount", "guard_incomplete"];

/// Shows the table in force, its history and what is under work.
///
/// # Errors
///
/// [`Error::Forbidden`] for anybody without a role that reads policies.
pub async fn list(engine: &Engine, caller: &Caller) -> Result<PoliciesView> {
    let found = async {
        let mut tx = engine.begin().await?;
        let permit = engine.authorize(&mut tx, caller, Action::ListPolicies, engine.installation()).await?;
        let around = Surroundings::read(&mut tx, engine).await?;
        let versions = db::policies::list(&mut tx, None, ROWS).await?;
        let active = versions.first().ok_or(Error::NotFound)?;
        let drafts = db::policy_drafts::list(&mut tx, ROWS).await?;
        let authors: Vec<_> = drafts.iter().map(|draft| draft.author).collect();
        let names = people::names(&mut tx, engine, &authors).await?;
        let may = async |tx: &mut Transaction<'static, Postgres>, action| match caller.person() {
            Some(person) => {
                Ok::<_, Error>(authorize::ask(tx, engine, person, action, engine.installation()).await?.allowed)
            }
            None => Ok(false),
        };
        let view = PoliciesView {
            number: active.version.number,
            since: active.at,
            table: active.version.body.views(&around.known()),
            drafts: drafts
                .iter()
                .map(|draft| DraftRow {
                    id: draft.id,
                    author: names.get(&draft.author).cloned().unwrap_or_else(people::erased),
                    saved_at: draft.saved_at,
                    state: draft.state,
                    changes: draft.body.changes_from(&active.version.body, &around.known()).len() as u64,
                })
                .collect(),
            versions: versions
                .iter()
                .map(|past| VersionRow {
                    number: past.version.number,
                    at: past.at,
                    rows: past.version.body.rows.len() as u64,
                    entry: past.entry,
                })
                .collect(),
            guards: GUARDS.iter().map(|guard| whole(engine, guard)).collect(),
            amount_max: db::policies::auto_amount_max(&mut tx).await?,
            may_draft: may(&mut tx, Action::DraftPolicy).await?,
            may_set_guards: may(&mut tx, Action::SetGuards).await?,
        };
        tx.commit().await?;
        Ok((permit, view))
    };
    let (permit, view) = engine.noted(caller, found.await).await?;
    let event = Event::AccessListed { list: List::Policies, count: view.versions.len() as u64 };
    reads::record(engine, caller, permit, &event, reads::Shown::default()).await?;

    Ok(view)
}

/// Shows one version, by its number, and what it changed of the one before.
///
/// # Errors
///
/// As [`list`]; [`Error::NotFound`] for a number that no version has.
pub async fn version(engine: &Engine, caller: &Caller, number: u64) -> Result<VersionView> {
    let found = async {
        let mut tx = engine.begin().await?;
        let permit = engine.authorize(&mut tx, caller, Action::ListPolicies, engine.installation()).await?;
        let around = Surroundings::read(&mut tx, engine).await?;
        let mut found = db::policies::list(&mut tx, Some(number), 2).await?.into_iter();
        let past = found.next().filter(|past| past.version.number == number).ok_or(Error::NotFound)?;
        let before = found.next();
        let draft = db::policy_drafts::find(&mut tx, past.version.id).await?;
        let people: Vec<PersonId> =
            draft.iter().flat_map(|draft| [Some(draft.author), draft.decided_by]).flatten().collect();
        let names = people::names(&mut tx, engine, &people).await?;
        let name = |person: PersonId| names.get(&person).cloned().unwrap_or_else(people::erased);
        let view = VersionView {
            number,
            id: past.version.id,
            digest: past.version.body.digest().to_string(),
            at: past.at,
            until: past.until,
            table: past.version.body.views(&around.known()),
            changes: before
                .map(|before| past.version.body.changes_from(&before.version.body, &around.known()))
                .unwrap_or_default(),
            author: draft.as_ref().map(|draft| name(draft.author)),
            activated_by: draft.as_ref().and_then(|draft| draft.decided_by).map(name),
            reason: match draft.and_then(|draft| draft.submitted_entry) {
                Some(entry) => reason(&mut tx, engine, entry).await?,
                None => None,
            },
            entry: past.entry,
        };
        tx.commit().await?;
        Ok((permit, view))
    };
    let (permit, view) = engine.noted(caller, found.await).await?;
    viewed(engine, caller, permit, view.id, 1).await?;

    Ok(view)
}

/// Shows a draft: its table, what it changes, why it cannot come into force, and what it would do with one decision.
///
/// # Errors
///
/// As [`list`]; [`Error::NotFound`] for an unknown draft.
pub async fn draft(engine: &Engine, caller: &Caller, id: PolicyVersionId, asked: &str) -> Result<DraftView> {
    let found = async {
        let mut tx = engine.begin().await?;
        let permit = engine.authorize(&mut tx, caller, Action::ListPolicies, engine.installation()).await?;
        let draft = db::policy_drafts::find(&mut tx, id).await?.ok_or(Error::NotFound)?;
        let active = db::policies::find_active(&mut tx).await?.ok_or(Error::NotFound)?;
        let around = Surroundings::read(&mut tx, engine).await?;
        let names = people::names(&mut tx, engine, &[draft.author]).await?;
        let target = Target::PolicyVersion { id, author: draft.author, n: draft.n };
        let undecided = matches!(draft.state, DraftState::Draft | DraftState::InReview);
        let (mut may_change, mut may_judge, mut no_judging) = (false, false, None);
        if let (Some(person), true) = (caller.person(), undecided) {
            may_change = authorize::ask(&mut tx, engine, person, Action::ChangeDraft, target).await?.allowed;
            may_judge = authorize::ask(&mut tx, engine, person, Action::JudgeDraft, target).await?.allowed;
            no_judging = drafts::no_judging(&mut tx, &draft, person).await?;
        }
        let reason_of = async |tx: &mut Transaction<'static, Postgres>, entry: Option<EntryId>| match entry {
            Some(entry) => reason(tx, engine, entry).await,
            None => Ok(None),
        };
        let view = DraftView {
            id,
            state: draft.state,
            author: names.get(&draft.author).cloned().unwrap_or_else(people::erased),
            saved_at: draft.saved_at,
            saved: draft.saved,
            digest: draft.body.digest().to_string(),
            table: draft.body.views(&around.known()),
            forms: draft.body.all().map(RuleForm::of).collect(),
            changes: draft.body.changes_from(&active.body, &around.known()),
            active: active.number,
            active_id: active.id,
            faults: draft.body.check(&around.known(), around.staff).err().unwrap_or_default(),
            facts: facts(&around),
            reason: reason_of(&mut tx, draft.submitted_entry).await?,
            answer: reason_of(&mut tx, draft.decided_entry.filter(|_| draft.state != DraftState::Activated)).await?,
            may_change,
            may_judge: may_judge && no_judging.is_none() && draft.state == DraftState::InReview,
            no_judging: no_judging.filter(|_| may_judge || draft.state == DraftState::InReview),
            what_if: None,
            no_what_if: None,
        };
        tx.commit().await?;
        Ok((permit, view, draft))
    };
    let (permit, mut view, draft) = engine.noted(caller, found.await).await?;
    if !asked.is_empty() {
        match what_if(engine, caller, &draft, asked).await {
            Ok(answer) => view.what_if = Some(answer),
            Err(Error::NotFound | Error::Hidden(_)) => {
                view.no_what_if = Some(format!(
                    "There is no decision {asked} that you may see. Copy the id from the address of its page."
                ));
            }
            Err(error) => return Err(error),
        }
    }
    viewed(engine, caller, permit, id, draft.n).await?;

    Ok(view)
}

async fn viewed(engine: &Engine, caller: &Caller, permit: Permit, id: PolicyVersionId, n: u64) -> Result<()> {
    let object = Object { kind: "policy_version", id: id.0, place: Place::Read(n) };
    reads::record(engine, caller, permit, &Event::AccessViewed { object }, reads::Shown::default()).await?;
    Ok(())
}

/// Asks a draft about one decision; what the reader may not see of it is compared and not said. Looking is on record.
async fn what_if(engine: &Engine, caller: &Caller, draft: &Draft, asked: &str) -> Result<WhatIf> {
    let id: DecisionId = asked.parse().map_err(|_| Error::NotFound)?;
    let found = async {
        let mut tx = engine.begin().await?;
        let asked = decisions::asked(&mut tx, engine, caller, id, &draft.body).await?;
        tx.commit().await?;
        Ok(asked)
    };
    let asked = engine.noted(caller, found.await).await?;
    let object = Object { kind: "decision", id: id.0, place: Place::Read(asked.n) };
    reads::record(engine, caller, asked.permit, &Event::AccessViewed { object }, reads::Shown::default()).await?;
    let said = |(name, route): (String, Route)| format!("{name}: {}", route.label());
    Ok(WhatIf {
        decision: id,
        title: asked.title,
        before: said(asked.before),
        after: said(asked.after),
        guards: asked.guards.iter().map(|guard| engine.policies.says(guard)).collect(),
        trace: asked.trace,
    })
}

async fn reason(conn: &mut PgConnection, engine: &Engine, entry: EntryId) -> Result<Option<String>> {
    let stored = db::vault::list_fields(conn, &[entry.0], &["reason".to_owned()]).await?;
    match stored.first() {
        Some(stored) => Ok(Some(engine.vault.open(stored)?.unwrap_or_else(people::erased))),
        None => Ok(None),
    }
}

/// What rows may ask: the built-in facts, then the parameters of all types, each once.
fn facts(around: &Surroundings) -> Vec<FactRow> {
    let known = around.known();
    let mut facts: Vec<_> = BUILT_IN
        .iter()
        .map(|(name, kind, label)| FactRow {
            name: (*name).to_owned(),
            label: (*label).to_owned(),
            kind: *kind,
            words: match *name {
                "system" => around.systems.clone(),
                "type" => around.types.iter().map(|definition| definition.name.clone()).collect(),
                "subject_kind" => ["none", "person"].map(str::to_owned).to_vec(),
                "adverse" => ["true", "false"].map(str::to_owned).to_vec(),
                name => order_of(name).unwrap_or_default().iter().map(|word| (*word).to_owned()).collect(),
            },
        })
        .collect();
    for parameter in around.types.iter().flat_map(|definition| &definition.parameters) {
        let name = parameter_fact(&parameter.name);
        if facts.iter().any(|fact| fact.name == name) || fact_kind(parameter.kind).is_none() {
            continue;
        }
        if let Some(kind) = known.kind(&name) {
            facts.push(FactRow { name, label: format!("{} (parameter)", parameter.label), kind, words: Vec::new() });
        }
    }
    facts
}

/// Says what a guard means, and whether a person may override it.
fn whole(engine: &Engine, guard: &str) -> String {
    let says = engine.policies.says(guard);
    if engine.policies.is_absolute(guard) { format!("{says} Nobody overrides it.") } else { says }
}
