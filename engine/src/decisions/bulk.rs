//! Several decisions on one page: which of them fit together, what differs between them, and the record of exactly what
//! was shown of each.
//!
//! Each decision gets a `seen` statement and a presentation of its own, as its own page would issue them; the presentations
//! of one page share an id, which its form names. What the form does is in [`run`].

mod run;

use std::collections::{HashMap, HashSet, hash_map::Entry};

use countersign_domain::{
    bulk::{
        BULK_MAX, BULK_TEMPLATE, BulkItem, BulkView, Candidate, Column, Fact, Given, Mark, Outlier, SentRow, Sheet,
        UnfitRow, VERDICTS, compare, compared_names, in_table, misfits,
    },
    decision::{Risk, Verdict},
    decision_type::Kind,
    event::{Event, List},
    ids::{BulkRunId, DecisionId, DecisionTypeId, PersonId, PolicyVersionId, PresentationId, SystemId},
    policy::PolicyVersion,
    shown,
    view::{Composer, Field},
};
use countersign_ledger::hash::Label;
use sqlx::{PgConnection, Postgres, Transaction};
use uuid::Uuid;

use super::{
    lease,
    page::{self, PRESENTATION_MS, Signing, Ways},
    review, title,
};
use crate::{
    Engine,
    authorize::{Action, Denial, Permit, Target},
    caller::Caller,
    db::{self, decisions::Decision},
    error::{Error, Result},
    people,
    reads::{self, Presentation, Shown, Statement},
};

pub use run::{BulkRequest, bulk_run, review_in_bulk};

/// How many of a person's own runs are listed.
const SENT: i64 = 20;

/// Shows several decisions side by side, those named in `open` with everything there is of them. What is returned of each
/// is what the ledger says was shown.
///
/// # Errors
///
/// [`Error::Forbidden`] for anybody who does not review.
pub async fn bulk(engine: &Engine, caller: &Caller, ids: &[DecisionId], open: &[DecisionId]) -> Result<BulkView> {
    let Read { permit, view, shown, hidden } = engine.noted(caller, read(engine, caller, ids, open).await).await?;
    for denial in hidden {
        match engine.noted::<()>(caller, Err(denial)).await {
            Ok(()) | Err(Error::Forbidden(_) | Error::Hidden(_)) => {}
            Err(error) => return Err(error),
        }
    }
    if view.sheet.is_some() {
        reads::record_all(engine, caller, shown).await?;
    } else {
        let event = Event::AccessListed { list: List::Bulk, count: (view.unfit.len() + view.sent.len()) as u64 };
        reads::record(engine, caller, permit, &event, Shown::default()).await?;
    }

    Ok(view)
}

struct Read {
    permit: Permit,
    view: BulkView,
    /// What is to be put on record of each decision.
    shown: Vec<(Permit, Event, Shown)>,
    /// Refusals of decisions that the person may not read.
    hidden: Vec<Error>,
}

/// A selected decision that the person may read.
struct Found {
    stored: Decision,
    permit: Permit,
    signed: bool,
    /// Why the person may not rule on it, or nobody can.
    barred: Option<String>,
    /// In whose place they rule, where it is not in their own right.
    on_behalf: Option<(PersonId, String)>,
    /// Why they may reject it and not approve it.
    only_reject: Option<String>,
    held_by: Vec<String>,
}

async fn read(engine: &Engine, caller: &Caller, ids: &[DecisionId], open: &[DecisionId]) -> Result<Read> {
    let mut selected = Vec::<DecisionId>::new();
    for id in ids {
        if !selected.contains(id) {
            selected.push(*id);
        }
    }
    let mut tx = engine.begin().await?;
    let permit = engine.authorize(&mut tx, caller, Action::ReviewInBulk, engine.installation()).await?;
    let mut policies = HashMap::new();
    let mut hidden = Vec::new();
    let mut looked = Vec::new();
    for id in selected.iter().take(BULK_MAX) {
        looked.push((*id, look(&mut tx, engine, caller, *id, &mut policies, &mut hidden).await?));
    }
    let types: Vec<_> =
        looked.iter().filter_map(|(_, found)| found.as_ref()).map(|found| found.stored.type_id.0).collect();
    let types = db::decision_types::list(&mut tx, &types).await?;
    let asking: HashSet<_> =
        types.iter().filter(|(_, definition)| definition.asks(&VERDICTS)).map(|(id, _)| *id).collect();
    let candidates: Vec<_> = looked.iter().map(|(_, found)| candidate(found.as_ref(), &asking)).collect();
    let misfits = misfits(&candidates);
    let titles = titles(&mut tx, engine, looked.iter().filter_map(|(_, found)| found.as_ref())).await?;
    let unfit: Vec<_> = looked
        .iter()
        .zip(&misfits)
        .filter_map(|((id, found), misfit)| {
            let why = found.as_ref().and_then(|found| found.barred.clone());
            Some(UnfitRow { id: *id, title: titles.get(id).cloned(), misfit: (*misfit)?, why })
        })
        .collect();
    let mut view = BulkView {
        selected: selected.len() as u64,
        beyond: selected.len().saturating_sub(BULK_MAX) as u64,
        fitting: looked.iter().zip(&misfits).filter(|(_, misfit)| misfit.is_none()).map(|((id, _), _)| *id).collect(),
        unfit,
        sheet: None,
        sent: Vec::new(),
        now: engine.now(),
    };
    let found: Vec<_> = looked.into_iter().filter_map(|(_, found)| found).collect();
    let mut shown = Vec::new();
    if view.unfit.is_empty() && view.beyond == 0 && !found.is_empty() {
        let (sheet, records) = sheet(&mut tx, engine, caller, (found, &titles), &policies, open).await?;
        view.sheet = Some(sheet);
        shown = records;
    }
    if let (true, Some(person)) = (selected.is_empty(), caller.person()) {
        view.sent = db::bulk::list_by(&mut tx, person, SENT)
            .await?
            .into_iter()
            .map(|sent| SentRow { id: sent.id, verdict: sent.verdict, count: sent.count, at: sent.at })
            .collect();
    }
    tx.commit().await?;

    Ok(Read { permit, view, shown, hidden })
}

/// Reads a decision and asks the rules what the person may do about it; nothing where they may not read it.
async fn look(
    tx: &mut Transaction<'static, Postgres>,
    engine: &Engine,
    caller: &Caller,
    id: DecisionId,
    policies: &mut HashMap<PolicyVersionId, PolicyVersion>,
    hidden: &mut Vec<Error>,
) -> Result<Option<Found>> {
    let (person, _) = caller.signed_in()?;
    let Some(stored) = db::decisions::find(tx, id).await? else { return Ok(None) };
    let target = Target::Decision { id, system: stored.system, n: stored.n };
    let permit = match engine.authorize(tx, caller, Action::ViewDecision, target).await {
        Ok(permit) => permit,
        Err(denial @ (Error::Forbidden(_) | Error::Hidden(_))) => {
            hidden.push(denial);
            return Ok(None);
        }
        Err(error) => return Err(error),
    };
    let policy = match policies.get(&stored.policy_version) {
        Some(policy) => policy.clone(),
        None => {
            let policy = db::policies::find(tx, stored.policy_version).await?.ok_or(Error::NotFound)?;
            policies.insert(policy.id, policy.clone());
            policy
        }
    };
    let now = engine.now();
    let rules = review::rules_now(tx, &stored, &policy, now).await?;
    let ways = page::ways(tx, engine, caller, target, Denial::sentence).await?;
    let held = db::leases::list_held(tx, id, now).await?;
    let holders = lease::holders(tx, engine, caller, &held).await?;
    let others: Vec<_> = held.iter().zip(&holders).filter(|(held, _)| held.person != person).collect();
    let seats = (holders.as_slice(), others.len() as u64);
    let compose = |ways: Ways| page::composer(engine, caller, ways, &rules, Signing::NotAsked, seats, now);
    let (on_behalf, composer) = in_one_right(ways, compose);
    let (barred, refused) = match composer {
        Composer::Closed { reason } => (Some(reason), Vec::new()),
        Composer::Ready { refused, .. } | Composer::Open { refused, .. } => (None, refused),
    };
    let why = |verdict| refused.iter().find(|refused| refused.verdict == verdict).map(|refused| refused.why.clone());
    let (only_reject, neither) = (why(Verdict::Approve), why(Verdict::Reject));

    Ok(Some(Found {
        signed: policy.body.row(stored.rule).is_some_and(|row| row.signed),
        barred: barred.or(neither),
        on_behalf,
        only_reject,
        held_by: others.into_iter().map(|(_, holder)| holder.person.clone()).collect(),
        stored,
        permit,
    }))
}

/// Chooses the right in which a decision is reviewed with others, and says what may be ruled in it: the person's own where
/// they may approve in it, else the first in which they may, else the first in which they may reject.
fn in_one_right(ways: Ways, compose: impl Fn(Ways) -> Composer) -> (Option<(PersonId, String)>, Composer) {
    let ways = match ways {
        Ok(ways) => ways,
        Err(reason) => return (None, compose(Err(reason))),
    };
    let mut asked: Vec<_> = ways.into_iter().map(|way| (way.0.on_behalf.clone(), compose(Ok(vec![way])))).collect();
    let refused = |composer: &Composer, verdict| match composer {
        Composer::Closed { .. } => true,
        Composer::Ready { refused, .. } | Composer::Open { refused, .. } => {
            refused.iter().any(|refused| refused.verdict == verdict)
        }
    };
    let may = |verdict| asked.iter().position(|(_, composer)| !refused(composer, verdict));
    match may(Verdict::Approve).or_else(|| may(Verdict::Reject)) {
        Some(chosen) => asked.swap_remove(chosen),
        None => asked.into_iter().next().unwrap_or_else(|| (None, compose(Ok(Vec::new())))),
    }
}

fn candidate(found: Option<&Found>, asking: &HashSet<DecisionTypeId>) -> Candidate {
    match found {
        Some(Found { stored, signed, barred, .. }) => Candidate {
            type_id: stored.type_id,
            policy: stored.policy_version,
            risk: stored.risk,
            need: stored.need,
            signed: *signed,
            form: asking.contains(&stored.type_id),
            barred: barred.is_some(),
        },
        None => Candidate {
            type_id: DecisionTypeId(Uuid::nil()),
            policy: PolicyVersionId(Uuid::nil()),
            risk: Risk::Low,
            need: 1,
            signed: false,
            form: false,
            barred: true,
        },
    }
}

async fn titles(
    conn: &mut PgConnection,
    engine: &Engine,
    found: impl Iterator<Item = &Found>,
) -> Result<HashMap<DecisionId, String>> {
    let titled: Vec<_> = found
        .map(|Found { stored, .. }| title::Titled { id: stored.id, entry: stored.entry.0, type_id: stored.type_id.0 })
        .collect();
    title::list(conn, engine, &titled).await
}

/// A decision with everything that there is of it.
struct Row {
    found: Found,
    all: Vec<Field>,
    facts: Vec<String>,
    marks: Vec<Mark>,
    opened: bool,
}

/// Compares decisions that fit together and issues a presentation for each.
async fn sheet(
    conn: &mut PgConnection,
    engine: &Engine,
    caller: &Caller,
    (found, titles): (Vec<Found>, &HashMap<DecisionId, String>),
    policies: &HashMap<PolicyVersionId, PolicyVersion>,
    open: &[DecisionId],
) -> Result<(Sheet, Vec<(Permit, Event, Shown)>)> {
    let (person, session) = caller.signed_in()?;
    let (type_id, version) = (found[0].stored.type_id, found[0].stored.policy_version);
    let types = db::decision_types::list(conn, &[type_id.0]).await?;
    let (_, definition) = types.into_iter().next().ok_or(Error::NotFound)?;
    let policy = policies.get(&version).ok_or(Error::NotFound)?;
    let mut systems = HashMap::<SystemId, String>::new();
    let mut rows = Vec::with_capacity(found.len());
    for found in found {
        let stored = &found.stored;
        if let Entry::Vacant(unread) = systems.entry(stored.system) {
            let name = db::systems::find(conn, stored.system).await?.map(|system| system.name);
            unread.insert(name.unwrap_or_else(people::erased));
        }
        // Nothing that somebody opened with a reason is compared or shown here.
        let all = page::fields(conn, engine, stored.entry, &definition, &[]).await?.fields;
        let rule = policy.body.row(stored.rule).unwrap_or(&policy.body.default).label().to_owned();
        let right = match &found.on_behalf {
            Some((_, name)) => format!("In the place of {name}"),
            None => "Your own".to_owned(),
        };
        let facts = vec![systems[&stored.system].clone(), stored.risk.word().to_owned(), rule, right];
        let opened = open.contains(&stored.id);
        rows.push(Row { found, all, facts, marks: Vec::new(), opened });
    }

    let (mut facts, mut fact_columns) = (Vec::new(), Vec::new());
    let in_place = rows.iter().any(|row| row.found.on_behalf.is_some());
    for (place, fact) in Fact::ALL.iter().copied().enumerate().filter(|(_, fact)| *fact != Fact::Right || in_place) {
        let given: Vec<_> = rows.iter().map(|row| Given::Value(&row.facts[place])).collect();
        let compared = compare(Kind::Text, &given);
        match compared.common {
            true => facts.push((fact, rows[0].facts[place].clone())),
            false => fact_columns.push(fact),
        }
        mark(&mut rows, fact.label(), compared.outliers);
    }
    let (mut common, mut columns) = (Vec::new(), Vec::new());
    for name in compared_names(&definition) {
        let of = |row: &Row| row.all.iter().position(|field| field.name == name);
        if rows.iter().all(|row| of(row).is_none()) {
            continue;
        }
        let (label, _, kind) = shown::describe(&definition, name);
        let given: Vec<_> = rows.iter().map(|row| given(of(row).map(|place| &row.all[place]))).collect();
        let compared = compare(kind, &given);
        match compared.common {
            true => common.push(name.to_owned()),
            false => columns.push(Column { name: name.to_owned(), label: label.clone() }),
        }
        mark(&mut rows, &label, compared.outliers);
    }
    // What is unlike the rest stands first; the rest keeps its order.
    rows.sort_by_key(|row| row.marks.is_empty());

    let now = engine.now();
    let expires_at = now + PRESENTATION_MS;
    let bulk = BulkRunId(engine.id());
    // In the order of the page.
    let mut presentations: Vec<_> = rows.iter().map(|_| PresentationId(engine.id())).collect();
    presentations.sort_unstable();
    let (mut items, mut records) = (Vec::with_capacity(rows.len()), Vec::with_capacity(rows.len()));
    for (row, presentation) in rows.into_iter().zip(presentations) {
        let Row { found, all, facts, marks, opened } = row;
        let Found { stored, permit, on_behalf, only_reject, held_by, .. } = found;
        let fields = if opened { all } else { in_table(&definition, all) };
        let (id, content) = (stored.id, stored.content_hash);
        let (body, seen) =
            shown::statement((id, content), &version.to_string(), &fields, BULK_TEMPLATE, None).seal()?;
        let item = BulkItem {
            id,
            title: titles.get(&id).cloned().unwrap_or_else(people::erased),
            content_hash: content.to_string(),
            due_at: stored.due_at,
            facts,
            fields,
            marks,
            opened,
            held_by,
            only_reject,
            seen: seen.to_string(),
        };
        let shown = Shown {
            statement: Some(Statement { label: Label::Seen, digest: seen, body }),
            presentation: Some(Presentation {
                id: presentation,
                decision: id,
                person,
                session,
                seen,
                content,
                issued_at: now,
                expires_at,
                bulk: Some(bulk),
                unopened: item.waits(),
                on_behalf: on_behalf.map(|(delegator, _)| delegator),
            }),
        };
        records.push((permit, Event::Viewed { decision: id, upto: stored.n, seen }, shown));
        items.push(item);
    }
    let sheet = Sheet {
        bulk,
        expires_at,
        type_title: definition.title.clone(),
        type_name: definition.name.clone(),
        policy_number: policy.number,
        facts,
        fact_columns,
        common,
        columns,
        items,
    };

    Ok((sheet, records))
}

fn mark(rows: &mut [Row], label: &str, outliers: Vec<Option<Outlier>>) {
    for (row, outlier) in rows.iter_mut().zip(outliers) {
        row.marks.extend(outlier.map(|outlier| Mark { label: label.to_owned(), outlier }));
    }
}

fn given(field: Option<&Field>) -> Given<'_> {
    match field {
        None => Given::Missing,
        Some(Field { value: Some(value), .. }) => Given::Value(value),
        Some(_) => Given::Hidden,
    }
}
