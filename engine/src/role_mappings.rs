//! Which roles follow from what a provider says about people: drafts, what one would change, bringing it
//! into force, and evaluating it at every sign-in.
//!
//! A mapping gives roles of its own source only; what an admin gave by hand stays. What a provider said
//! about a person is kept, committed in the log and encrypted, so that a draft can be evaluated for
//! everybody before it takes effect. Whoever applies a draft names the digest of what they were shown.

use std::collections::HashMap;

use countersign_domain::{
    Problem,
    change::Change,
    event::{Event, Object, Place as At},
    holding::{AuthorityLimits, Holding, RoleScope, Source},
    ids::{ChangeId, MappingVersionId, PersonId, ProviderId, SystemId},
    json,
    mapping::{DryRun, Effect, MappingTest, MappingVersion, MappingView, RowForm, ShownRow},
    problem::Code,
    proposal,
    role::Role,
    role_map::{self, Group, Outcome, Row, Snapshot, Test},
    time::day,
    view::NoticeKind,
};
use countersign_ledger::hash::{Hash, Label, digest};
use sqlx::{PgConnection, Postgres, Transaction};

use crate::{
    Engine,
    authorize::{self, Action, Denial, Permit},
    caller::Caller,
    changes,
    clock::milliseconds,
    db::{self, role_mappings::Stored, roles::Assignment},
    error::{Error, Result},
    notices, people, providers, reads, roles, seal, secret, sessions,
};

const DAY_MS: u64 = 24 * 3_600 * 1_000;

/// Shows a provider's mapping: what is in force, the draft with what it would change, and the reader's test.
///
/// # Errors
///
/// [`Error::Forbidden`] for anybody but an admin; [`Error::NotFound`].
pub async fn view(engine: &Engine, caller: &Caller, slug: &str) -> Result<MappingView> {
    let found = async {
        let mut tx = engine.begin().await?;
        let permit = engine.authorize(&mut tx, caller, Action::ListProviders, engine.installation()).await?;
        let stored = db::providers::find_by_slug(&mut tx, slug).await?.ok_or(Error::NotFound)?;
        let provider = stored.id;
        let (active, draft) = current(&mut tx, provider).await?;
        let systems = system_names(&mut tx).await?;
        let people = db::role_mappings::people(&mut tx, provider).await?;
        let dry_run = match &draft {
            Some(draft) => Some(dry_run(&mut tx, engine, provider, draft).await?.shown),
            None => None,
        };
        let waiting = match &draft {
            Some(draft) => db::changes::find_waiting(&mut tx, "apply_mapping", &draft.id.to_string()).await?,
            None => None,
        };
        let rows = draft.as_ref().or(active.as_ref()).map(|version| version.rows.clone()).unwrap_or_default();
        let test = match caller.person() {
            Some(person) => providers::find_test(&mut tx, engine, person, provider).await?,
            None => None,
        };
        let test = test.map(|claims| tested(&claims, &rows, engine.now(), &systems));
        let overage_count = db::role_mappings::count_overage(&mut tx, provider).await?;
        let view = MappingView {
            provider,
            slug: stored.slug,
            name: stored.name,
            just_in_time: stored.just_in_time,
            active: shown_version(&mut tx, engine, active, &systems).await?,
            draft: shown_version(&mut tx, engine, draft, &systems).await?,
            dry_run,
            waiting,
            test,
            people_count: people.len() as u64,
            overage_count,
            systems: systems.values().cloned().collect(),
        };
        tx.commit().await?;
        Ok((permit, stored.n, view))
    };
    let (permit, n, mut view) = engine.noted(caller, found.await).await?;
    view.systems.sort_unstable();
    let object = Object { kind: "provider", id: view.provider.0, place: At::Read(n) };
    reads::record(engine, caller, permit, &Event::AccessViewed { object }, reads::Shown::default()).await?;

    Ok(view)
}

/// Adds a row to the draft, or puts it in the place of one. The first change makes the draft out of what is in force.
///
/// # Errors
///
/// What a field lacks; `stale` when the draft is no longer `base`, the version that the form was filled from.
pub async fn save_row(
    engine: &Engine,
    caller: &Caller,
    provider: ProviderId,
    base: Option<MappingVersionId>,
    at: Option<usize>,
    form: &RowForm,
) -> Result<()> {
    let row = parse(&mut *engine.app.acquire().await?, form).await?;
    let faults = row.check();
    if !faults.is_empty() {
        return Err(proposal::invalid(faults).into());
    }
    edit(engine, caller, provider, base, move |rows| {
        match at {
            Some(at) => *rows.get_mut(at).ok_or(Error::NotFound)? = row.clone(),
            None if rows.len() == role_map::ROWS_MAX => {
                let detail = format!("A mapping has at most {} rows.", role_map::ROWS_MAX);
                return Err(Error::field("/claim", "too_many_rows", detail));
            }
            None => rows.push(row.clone()),
        }
        Ok(())
    })
    .await
}

/// Takes a row out of the draft.
///
/// # Errors
///
/// As [`save_row`].
pub async fn remove_row(
    engine: &Engine,
    caller: &Caller,
    provider: ProviderId,
    base: Option<MappingVersionId>,
    at: usize,
) -> Result<()> {
    edit(engine, caller, provider, base, move |rows| {
        if at >= rows.len() {
            return Err(Error::NotFound);
        }
        rows.remove(at);
        Ok(())
    })
    .await
}

/// Throws the draft away: the rows on the page are again those in force.
///
/// # Errors
///
/// As [`save_row`]; `invalid_transition` when there is no draft.
pub async fn discard(engine: &Engine, caller: &Caller, provider: ProviderId, base: MappingVersionId) -> Result<()> {
    engine
        .act(caller, move |engine, caller| async move {
            let mut tx = engine.begin().await?;
            let target = engine.installation();
            let permit = engine.authorize(&mut tx, &caller, Action::ChangeProvider, target).await?;
            sessions::require_recent(&caller)?;
            db::providers::lock(&mut tx, provider).await?.ok_or(Error::NotFound)?;
            let (active, draft) = current(&mut tx, provider).await?;
            let Some(draft) = draft.filter(|draft| draft.id == base) else {
                return Err(Denial::by_rule(permit, Action::ChangeProvider, target, moved()));
            };
            // What stands in the place of the draft: the rows in force, or none.
            let rows = active.as_ref().map(|active| active.rows.clone()).unwrap_or_default();
            let event = Event::MappingChanged {
                provider,
                n: db::role_mappings::count(&mut tx, provider).await?,
                version: active.map_or(draft.id, |active| active.id),
                digest: role_map::rows_digest(&rows),
                dry_run: None,
            };
            let entry = seal::append(&mut tx, &engine, &caller, &permit, &event).await?;
            db::role_mappings::set_superseded(&mut tx, draft.id, entry.at).await?;
            engine.commit(tx).await
        })
        .await
}

/// Brings the draft into force, or asks for a second person where somebody gains a privileged role.
/// `accepted` is the digest of the dry run that the caller was shown.
///
/// # Errors
///
/// `stale` when the draft, the people or what is known of them changed since; `invalid_transition` when
/// nobody could run access afterwards; `step_up_required`.
pub async fn apply(
    engine: &Engine,
    caller: &Caller,
    provider: ProviderId,
    version: MappingVersionId,
    accepted: &str,
) -> Result<Option<ChangeId>> {
    let accepted = accepted.to_owned();
    engine
        .act(caller, move |engine, caller| {
            let accepted = accepted.clone();
            async move {
                let mut tx = engine.begin().await?;
                db::roles::lock_guard(&mut tx).await?;
                let target = engine.installation();
                let permit = engine.authorize(&mut tx, &caller, Action::ChangeProvider, target).await?;
                sessions::require_recent(&caller)?;
                let ready = match ready(&mut tx, &engine, provider, version, &accepted).await? {
                    Ok(ready) => ready,
                    Err(problem) => return Err(Denial::by_rule(permit, Action::ChangeProvider, target, problem)),
                };
                let waits = if ready.shown.needs_second_person {
                    let change = Change::ApplyMapping { provider, version, dry_run: accepted };
                    Some(changes::request(&mut tx, &engine, &caller, &permit, &change).await?)
                } else {
                    let permit = if ready.privileged { permit.alone() } else { permit };
                    bring_into_force(&mut tx, &engine, &caller, &permit, provider, version, &ready).await?;
                    None
                };
                engine.commit(tx).await?;
                Ok(waits)
            }
        })
        .await
}

/// Brings a draft into force that a second person confirmed; says why it cannot be, if so. The guard row is locked.
pub(crate) async fn apply_confirmed(
    tx: &mut Transaction<'static, Postgres>,
    engine: &Engine,
    caller: &Caller,
    permit: &Permit,
    change: &Change,
) -> Result<Option<Problem>> {
    let Change::ApplyMapping { provider, version, dry_run } = change else {
        return Ok(None);
    };
    let ready = match ready(tx, engine, *provider, *version, dry_run).await? {
        Ok(ready) => ready,
        Err(problem) => return Ok(Some(problem)),
    };
    let gains = |effect: &Effect| effect.gains.iter().any(|holding| holding.role.needs_second_person());
    if ready.shown.effects.iter().any(|effect| Some(effect.person) == caller.person() && gains(effect)) {
        let sentence = "This mapping would give you a role, so somebody else has to confirm it.";
        return Ok(Some(Problem::new(Code::InvalidTransition, sentence)));
    }
    bring_into_force(tx, engine, caller, permit, *provider, *version, &ready).await?;
    Ok(None)
}

/// Returns what a waiting change would do at this moment, for the page of changes.
pub(crate) async fn effect(
    tx: &mut Transaction<'static, Postgres>,
    engine: &Engine,
    provider: ProviderId,
    version: MappingVersionId,
) -> Result<Option<DryRun>> {
    match current(tx, provider).await?.1.filter(|draft| draft.id == version) {
        Some(draft) => Ok(Some(dry_run(tx, engine, provider, &draft).await?.shown)),
        None => Ok(None),
    }
}

/// Keeps what a provider says about a person who signs in, and gives what follows from it. Where nothing
/// changed since the last time, nothing is written and nothing is locked.
///
/// A person who would lose the last admin role keeps their roles until somebody else can run access.
pub(crate) async fn evaluate_sign_in(
    tx: &mut Transaction<'static, Postgres>,
    engine: &Engine,
    caller: &Caller,
    provider: ProviderId,
    person: PersonId,
    claims: &serde_json::Value,
) -> Result<()> {
    let permit = authorize::unevaluated(authorize::engine_actor());
    let of = (provider, person);
    if look(tx, engine, of, claims).await?.changes_nothing() {
        return Ok(());
    }
    // A directory may have taken a group away since: what is given comes of what stands once nobody else gives or takes.
    db::roles::lock_guard(tx).await?;
    let evaluation = look(tx, engine, of, claims).await?;
    evaluate(tx, engine, caller, &permit, of, evaluation, LastAdmin::Keeps).await
}

/// Works out what follows from what a provider says now about a person.
async fn look(
    conn: &mut PgConnection,
    engine: &Engine,
    (provider, person): (ProviderId, PersonId),
    claims: &serde_json::Value,
) -> Result<Evaluation> {
    let groups = db::scim::groups_of(conn, provider, person).await?;
    let snapshot = Snapshot { claims: Some(role_map::kept(claims)), groups };
    let active = current(conn, provider).await?.0;
    let known = known(conn, engine, provider, &[person]).await?.remove(&person).unwrap_or_default();
    Ok(Evaluation::of(engine, provider, active.as_ref(), &snapshot, known))
}

/// Gives what follows from the groups that a directory pushed for people, beside what the provider said last.
///
/// # Errors
///
/// `invalid_transition` when nobody could run access afterwards.
pub(crate) async fn evaluate_pushed(
    tx: &mut Transaction<'static, Postgres>,
    engine: &Engine,
    caller: &Caller,
    permit: &Permit,
    provider: ProviderId,
    people: &[PersonId],
    last_admin: LastAdmin,
) -> Result<()> {
    let mut known = known(tx, engine, provider, people).await?;
    let mut groups: HashMap<PersonId, Vec<Group>> = HashMap::new();
    for (person, group) in db::scim::groups(tx, provider, Some(people)).await? {
        groups.entry(person).or_default().push(group);
    }
    let active = current(tx, provider).await?.0;
    for person in people {
        let known = known.remove(person).unwrap_or_default();
        let former = known.former.as_ref().and_then(|(_, text)| serde_json::from_str::<Snapshot>(text).ok());
        let groups = groups.remove(person).unwrap_or_default();
        let snapshot = Snapshot { claims: former.and_then(|former| former.claims), groups };
        let evaluation = Evaluation::of(engine, provider, active.as_ref(), &snapshot, known);
        evaluate(tx, engine, caller, permit, (provider, *person), evaluation, last_admin).await?;
    }
    Ok(())
}

/// What is known of a person before an evaluation.
#[derive(Default)]
struct Known {
    /// The snapshot of the last one: by which version, and its text.
    former: Option<(Option<MappingVersionId>, String)>,
    held: Vec<Assignment>,
    /// The mode of teams of one is on.
    alone: bool,
}

async fn known(
    conn: &mut PgConnection,
    engine: &Engine,
    provider: ProviderId,
    people: &[PersonId],
) -> Result<HashMap<PersonId, Known>> {
    let snapshots = db::role_mappings::snapshots(conn, provider, people).await?;
    let mut texts = opened(conn, engine, &snapshots).await?;
    let alone = db::roles::single_operator(conn).await?;
    let mut known: HashMap<_, _> = people.iter().map(|person| (*person, Known { alone, ..Known::default() })).collect();
    for snapshot in snapshots {
        let text = texts.remove(&snapshot.person);
        if let Some(known) = known.get_mut(&snapshot.person) {
            known.former = text.map(|text| (snapshot.mapping, text));
        }
    }
    for assignment in db::roles::list_open(conn, people).await? {
        if let Some(known) = known.get_mut(&assignment.person) {
            known.held.push(assignment);
        }
    }
    Ok(known)
}

/// What becomes of an evaluation that would take the last admin away.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum LastAdmin {
    /// The person keeps what they hold, and whatever else was asked for goes on.
    Keeps,
    /// It is refused.
    Refuses,
}

/// What follows for one person from what is known of them.
struct Evaluation {
    outcome: Outcome,
    /// The version that it comes of.
    version: Option<MappingVersionId>,
    /// The snapshot that it comes of, as it is kept.
    text: String,
    /// Version and snapshot are those of the last evaluation.
    same: bool,
    /// Roles are to be given or taken.
    moves: bool,
}

impl Evaluation {
    fn of(engine: &Engine, provider: ProviderId, active: Option<&Version>, snapshot: &Snapshot, known: Known) -> Self {
        let outcome = outcome(snapshot, active, engine.now());
        let version = active.map(|active| active.id);
        let text = serde_json::to_string(snapshot).expect("a snapshot is plain data");
        let same = known.former.is_some_and(|(mapping, former)| mapping == version && former == text);
        let plan = roles::plan(known.held, Source::Provider(provider), &outcome.holdings, known.alone, engine.now());
        let moves = !plan.gained.is_empty() || !plan.lost.is_empty();
        Self { outcome, version, text, same, moves }
    }

    fn changes_nothing(&self) -> bool {
        self.same && !self.moves
    }
}

/// Gives and takes what follows, and keeps what it comes of.
async fn evaluate(
    tx: &mut Transaction<'static, Postgres>,
    engine: &Engine,
    caller: &Caller,
    permit: &Permit,
    (provider, person): (ProviderId, PersonId),
    evaluation: Evaluation,
    last_admin: LastAdmin,
) -> Result<()> {
    if evaluation.changes_nothing() {
        return Ok(());
    }
    let Evaluation { outcome, version, text, same, .. } = evaluation;
    let source = Source::Provider(provider);
    db::roles::lock_guard(tx).await?;
    if !same {
        let account = db::people::lock(tx, person).await?.ok_or(Error::NotFound)?;
        let n = account.n + 1;
        let overage = outcome.findings.contains(&role_map::Finding::Overage);
        let matched = outcome.rows.iter().filter(|reason| reason.matched()).count() as u64;
        let event = Event::MappingApplied { person, n, version, matched, overage, snapshot: text };
        let entry = seal::append(tx, engine, caller, permit, &event).await?;
        db::people::set_n(tx, person, n).await?;
        let of = (entry.at, entry.id);
        db::role_mappings::put_snapshot(tx, provider, person, version, overage, of).await?;
        if overage {
            let told = notices::guardians(tx).await?;
            notices::tell(tx, engine, &told, NoticeKind::GroupOverage, Some(person), &entry).await?;
        }
    }
    if last_admin == LastAdmin::Keeps && leaves_no_admin(tx, engine, person, source, &outcome.holdings).await? {
        tracing::warn!(person.id = %person, "A mapping would take the last admin away; the roles stay as they are");
        return Ok(());
    }
    roles::reconcile(tx, engine, caller, permit, person, source, &outcome.holdings).await?;
    Ok(())
}

/// Tells whether giving a person exactly this from this source would leave nobody to run access.
async fn leaves_no_admin(
    conn: &mut PgConnection,
    engine: &Engine,
    person: PersonId,
    source: Source,
    wanted: &[Holding],
) -> Result<bool> {
    let is_admin = |holding: &Holding| holding.role == Role::Admin && holding.until.is_none();
    let held = db::roles::list_open(conn, &[person]).await?;
    let loses = held.iter().any(|held| held.source == source && is_admin(&held.holding))
        && !wanted.iter().any(is_admin)
        && !held.iter().any(|held| held.source != source && is_admin(&held.holding));
    if !loses {
        return Ok(false);
    }
    let able = db::roles::able_admins(conn, engine.config().demo).await?;
    Ok(able.iter().all(|admin| *admin == person))
}

/// One version with its rows read.
#[derive(Clone)]
struct Version {
    id: MappingVersionId,
    rows: Vec<Row>,
    saved_by: PersonId,
    at: u64,
}

/// A dry run with what it would give each person it changes.
struct Ready {
    shown: DryRun,
    draft: Version,
    changed: Vec<PersonId>,
    /// It gives somebody, or whoever comes, a role that needs a second person.
    privileged: bool,
}

/// Returns the rows of a provider's mapping in force.
pub(crate) async fn rows_in_force(conn: &mut PgConnection, provider: ProviderId) -> Result<Vec<Row>> {
    Ok(current(conn, provider).await?.0.map(|active| active.rows).unwrap_or_default())
}

/// Returns the version in force and the draft.
async fn current(conn: &mut PgConnection, provider: ProviderId) -> Result<(Option<Version>, Option<Version>)> {
    let (mut active, mut draft) = (None, None);
    for Stored { id, rows, saved_by, saved_at, activated_at } in db::role_mappings::current(conn, provider).await? {
        let unreadable = |_| Error::Row { table: "role_mappings", column: "rows", id: id.to_string() };
        let rows = serde_json::from_str(&rows).map_err(unreadable)?;
        let version = Version { id, rows, saved_by, at: milliseconds(activated_at.unwrap_or(saved_at)) };
        match activated_at {
            Some(_) => active = Some(version),
            None => draft = Some(version),
        }
    }
    Ok((active, draft))
}

/// Changes the rows of the draft and saves them as another draft.
async fn edit(
    engine: &Engine,
    caller: &Caller,
    provider: ProviderId,
    base: Option<MappingVersionId>,
    change: impl Fn(&mut Vec<Row>) -> Result<()> + Clone + Send + Sync + 'static,
) -> Result<()> {
    engine
        .act(caller, move |engine, caller| {
            let change = change.clone();
            async move {
                let mut tx = engine.begin().await?;
                let target = engine.installation();
                let permit = engine.authorize(&mut tx, &caller, Action::ChangeProvider, target).await?;
                sessions::require_recent(&caller)?;
                let saved_by = caller.person().ok_or(Error::NotFound)?;
                db::providers::lock(&mut tx, provider).await?.ok_or(Error::NotFound)?;
                let (active, draft) = current(&mut tx, provider).await?;
                let shown = draft.as_ref().or(active.as_ref());
                if shown.map(|version| version.id) != base {
                    return Err(Denial::by_rule(permit, Action::ChangeProvider, target, moved()));
                }
                let mut rows = shown.map(|version| version.rows.clone()).unwrap_or_default();
                change(&mut rows)?;
                let version = MappingVersionId(secret::random_id());
                let event = Event::MappingChanged {
                    provider,
                    n: db::role_mappings::count(&mut tx, provider).await?,
                    version,
                    digest: role_map::rows_digest(&rows),
                    dry_run: None,
                };
                let entry = seal::append(&mut tx, &engine, &caller, &permit, &event).await?;
                if let Some(draft) = &draft {
                    db::role_mappings::set_superseded(&mut tx, draft.id, entry.at).await?;
                }
                let (text, of) = (role_map::text(&rows), (entry.at, entry.id));
                db::role_mappings::insert_draft(&mut tx, version, provider, &text, saved_by, of).await?;
                engine.commit(tx).await
            }
        })
        .await
}

/// Evaluates a draft again and compares it with what was accepted.
async fn ready(
    tx: &mut Transaction<'static, Postgres>,
    engine: &Engine,
    provider: ProviderId,
    version: MappingVersionId,
    accepted: &str,
) -> Result<std::result::Result<Ready, Problem>> {
    db::providers::lock(tx, provider).await?.ok_or(Error::NotFound)?;
    let Some(draft) = current(tx, provider).await?.1.filter(|draft| draft.id == version) else {
        return Ok(Err(moved()));
    };
    let ready = dry_run(tx, engine, provider, &draft).await?;
    if ready.shown.digest != accepted {
        return Ok(Err(Problem::new(
            Code::Stale,
            "People, groups or roles changed since this was worked out. Look at who gains and loses once more, then apply it.",
        )));
    }
    Ok(match &ready.shown.blocked {
        Some(why) => Err(Problem::new(Code::InvalidTransition, why.clone())),
        None => Ok(ready),
    })
}

/// Works out what a draft would change for everybody whom the provider knows.
async fn dry_run(
    tx: &mut Transaction<'static, Postgres>,
    engine: &Engine,
    provider: ProviderId,
    draft: &Version,
) -> Result<Ready> {
    let now = engine.now();
    let source = Source::Provider(provider);
    let alone = db::roles::single_operator(tx).await?;
    let people = db::role_mappings::people(tx, provider).await?;
    let stored = db::role_mappings::snapshots(tx, provider, &people).await?;
    let texts = opened(tx, engine, &stored).await?;
    let mut open: HashMap<PersonId, Vec<_>> = HashMap::new();
    for assignment in db::roles::list_open(tx, &people).await? {
        open.entry(assignment.person).or_default().push(assignment);
    }
    let names = people::names(tx, engine, &people).await?;
    let systems = system_names(tx).await?;
    let shown = |holding: &Holding| roles::shown(holding, &systems);
    let mut inputs = Vec::with_capacity(people.len());
    let (mut effects, mut changed, mut losing_admins) = (Vec::new(), Vec::new(), Vec::new());
    for person in &people {
        let Some(kept) = stored.iter().find(|kept| kept.person == *person) else { continue };
        // An erased snapshot gives nothing.
        let snapshot: Snapshot = match texts.get(person) {
            Some(text) => serde_json::from_str(text).map_err(|_| Error::Row {
                table: "person_snapshots",
                column: "entry_id",
                id: person.to_string(),
            })?,
            None => Snapshot::default(),
        };
        let outcome = outcome(&snapshot, Some(draft), now);
        let plan = roles::plan(open.remove(person).unwrap_or_default(), source, &outcome.holdings, alone, now);
        inputs.push(serde_json::json!({
            "entry": kept.entry.0,
            "gained": plan.gained,
            "lost": plan.lost,
            "person": person.0,
        }));
        let is_admin = |holding: &&Holding| holding.role == Role::Admin;
        if plan.lost.iter().any(|lost| is_admin(&lost)) && !plan.gained.iter().any(|gained| is_admin(&gained)) {
            losing_admins.push(*person);
        }
        if !plan.gained.is_empty() || !plan.lost.is_empty() {
            changed.push(*person);
        }
        let effect = Effect {
            person: *person,
            name: names.get(person).cloned().unwrap_or_else(people::erased),
            gains: plan.gained.iter().map(shown).collect(),
            losses: plan.lost.iter().map(shown).collect(),
            refused: plan.refused.iter().map(|(holding, why)| (shown(holding), (*why).to_owned())).collect(),
            findings: outcome.findings.iter().map(|finding| finding.sentence().to_owned()).collect(),
        };
        if changed.last() == Some(person) || !effect.refused.is_empty() || !effect.findings.is_empty() {
            effects.push(effect);
        }
    }
    let blocked = match losing_admins.is_empty() {
        true => None,
        false => {
            let able = db::roles::able_admins(tx, engine.config().demo).await?;
            able.iter().all(|admin| losing_admins.contains(admin)).then(|| {
                "Nobody could run access afterwards: this takes the role from every admin who can sign in. Keep a row or an assignment that gives somebody the role.".to_owned()
            })
        }
    };
    // Who signs in later gains by a row as surely as who is known already.
    let active = current(tx, provider).await?.0.map(|active| active.rows).unwrap_or_default();
    let privileged = draft.rows.iter().any(|row| row.role.needs_second_person() && !active.contains(row))
        || effects.iter().flat_map(|effect| &effect.gains).any(|holding| holding.role.needs_second_person());
    let needs_second_person = privileged && changes::needs_second_person(tx, engine).await?;
    let basis = serde_json::json!({
        "draft": draft.id.0,
        "people": inputs,
        "provider": provider.0,
        "rows": role_map::rows_digest(&draft.rows).to_string(),
        "second_person": needs_second_person,
    });
    let shown = DryRun {
        digest: digest(Label::DryRun, json::canonical(&basis).as_bytes()).to_string(),
        people: people.len() as u64,
        without_snapshot: (people.len() - stored.len()) as u64,
        effects,
        needs_second_person,
        blocked,
    };
    Ok(Ready { shown, draft: draft.clone(), changed, privileged })
}

async fn bring_into_force(
    tx: &mut Transaction<'static, Postgres>,
    engine: &Engine,
    caller: &Caller,
    permit: &Permit,
    provider: ProviderId,
    version: MappingVersionId,
    ready: &Ready,
) -> Result<()> {
    let accepted: Hash = ready.shown.digest.parse().map_err(|_| Error::NotFound)?;
    let event = Event::MappingChanged {
        provider,
        n: db::role_mappings::count(tx, provider).await?,
        version,
        digest: role_map::rows_digest(&ready.draft.rows),
        dry_run: Some(accepted),
    };
    let entry = seal::append(tx, engine, caller, permit, &event).await?;
    if let Some(former) = current(tx, provider).await?.0 {
        db::role_mappings::set_superseded(tx, former.id, entry.at).await?;
    }
    db::role_mappings::set_activated(tx, version, entry.at).await?;
    let mut known = known(tx, engine, provider, &ready.changed).await?;
    for person in &ready.changed {
        let known = known.remove(person).unwrap_or_default();
        let snapshot = known.former.as_ref().and_then(|(_, text)| serde_json::from_str::<Snapshot>(text).ok());
        let evaluation = Evaluation::of(engine, provider, Some(&ready.draft), &snapshot.unwrap_or_default(), known);
        evaluate(tx, engine, caller, permit, (provider, *person), evaluation, LastAdmin::Refuses).await?;
    }
    Ok(())
}

/// What rows give for a snapshot; no rows give nothing.
fn outcome(snapshot: &Snapshot, version: Option<&Version>, now: u64) -> Outcome {
    role_map::evaluate(snapshot, version.map_or(&[], |version| &version.rows), now)
}

/// Opens what providers last said about people; an erased one is missing.
async fn opened(
    conn: &mut PgConnection,
    engine: &Engine,
    snapshots: &[db::role_mappings::Snapshot],
) -> Result<HashMap<PersonId, String>> {
    let people: HashMap<_, _> = snapshots.iter().map(|snapshot| (snapshot.entry.0, snapshot.person)).collect();
    let entries: Vec<_> = people.keys().copied().collect();
    let mut found = HashMap::new();
    for stored in db::vault::list_fields(conn, &entries, &["snapshot".to_owned()]).await? {
        if let (Some(person), Some(text)) = (people.get(&stored.entry_id), engine.vault.open(&stored)?) {
            found.insert(*person, text);
        }
    }
    Ok(found)
}

async fn system_names(conn: &mut PgConnection) -> Result<HashMap<SystemId, String>> {
    Ok(db::systems::list(conn).await?.into_iter().map(|(row, _)| (row.id, row.name)).collect())
}

async fn shown_version(
    conn: &mut PgConnection,
    engine: &Engine,
    version: Option<Version>,
    systems: &HashMap<SystemId, String>,
) -> Result<Option<MappingVersion>> {
    let Some(version) = version else { return Ok(None) };
    let names = people::names(conn, engine, &[version.saved_by]).await?;
    Ok(Some(MappingVersion {
        id: version.id,
        rows: version.rows.iter().map(|row| shown_row(row, systems)).collect(),
        saved_by: names.get(&version.saved_by).cloned().unwrap_or_else(people::erased),
        at: version.at,
    }))
}

fn shown_row(row: &Row, systems: &HashMap<SystemId, String>) -> ShownRow {
    let (test, values) = match &row.test {
        Test::Equals { value } => ("equals", vec![value.clone()]),
        Test::InList { values } => ("in_list", values.clone()),
        Test::Pattern { pattern } => ("pattern", vec![pattern.clone()]),
    };
    ShownRow { claim: row.claim.clone(), test: test.into(), values, holding: roles::shown(&row.holding(), systems) }
}

fn tested(claims: &serde_json::Value, rows: &[Row], now: u64, systems: &HashMap<SystemId, String>) -> MappingTest {
    let snapshot = Snapshot { claims: Some(role_map::kept(claims)), groups: Vec::new() };
    let outcome = role_map::evaluate(&snapshot, rows, now);
    MappingTest {
        claims: role_map::redacted(&snapshot, rows, &outcome),
        rows: outcome.rows.iter().map(|reason| (reason.matched(), reason.sentence())).collect(),
        holdings: outcome.holdings.iter().map(|holding| roles::shown(holding, systems)).collect(),
        findings: outcome.findings.iter().map(|finding| finding.sentence().to_owned()).collect(),
    }
}

/// Reads what a form holds.
async fn parse(conn: &mut PgConnection, form: &RowForm) -> Result<Row> {
    let refuse = |pointer: &str, sentence: &str| Error::field(pointer, "unknown_value", sentence);
    let lines = || form.value.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned);
    let test = match form.test.trim() {
        "equals" => Test::Equals { value: form.value.trim().to_owned() },
        "in_list" => Test::InList { values: lines().collect() },
        "pattern" => Test::Pattern { pattern: form.value.trim().to_owned() },
        _ => return Err(refuse("/test", "Choose how the value is compared.")),
    };
    let role = Role::from_word(form.role.trim()).ok_or_else(|| refuse("/role", "Choose a role from the list."))?;
    let mut systems = Vec::new();
    for name in form.systems.split([' ', ',']).filter(|word| !word.is_empty()) {
        match db::systems::find_by_name(conn, name).await? {
            Some(system) => systems.push(system.id),
            None => return Err(refuse("/systems", &format!("There is no AI system named {name}."))),
        }
    }
    let until = match form.until.trim() {
        "" => None,
        text => Some(day(text).ok_or_else(|| refuse("/until", "Write a day such as 2026-11-02."))? + DAY_MS),
    };
    let scope = if systems.is_empty() { RoleScope::All } else { RoleScope::Systems(systems) };
    let scope = Holding { role, scope, limits: AuthorityLimits::default(), until }.sorted().scope;
    Ok(Row { claim: form.claim.trim().to_owned(), test, role, scope, until })
}

fn moved() -> Problem {
    Problem::new(
        Code::Stale,
        "Somebody changed this mapping after you opened it. Look at it as it is, then change it again.",
    )
}
