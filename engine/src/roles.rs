//! Who holds which role: given and taken by hand, by the mapping of a provider, by time.
//!
//! An assignment is a role with its scope, limits and end, from one source. Each begin and end is one
//! numbered entry about the person, so that the authority of any moment can be computed from the log.
//! Whatever takes a role away ends the person's sign-ins and leaves an admin who can sign in.

use std::collections::{HashMap, HashSet, hash_map::Entry};

use countersign_domain::{
    Problem,
    decision::Risk,
    event::Event,
    holding::{AuthorityLimits, Holding, RoleScope, Source},
    ids::{ChangeId, PersonId, ProviderId, RoleAssignmentId, SystemId},
    problem::{Code, FieldError},
    proposal,
    role::Role,
    time::day,
    view::{HoldingForm, RolePreview, ShownHolding},
};
use sqlx::{PgConnection, Postgres, Transaction};

use crate::{
    Engine,
    authorize::{self, Action, Denial, Permit, Target},
    caller::Caller,
    changes, db,
    db::roles::Assignment,
    error::{Error, Result},
    seal, sessions,
};

/// Assignments ended in one look.
const ROWS_MAX: i64 = 200;
const DAY_MS: u64 = 24 * 3_600 * 1_000;

/// What a reconciliation did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RoleChanges {
    /// What the person got.
    pub gained: Vec<Holding>,
    /// What the person lost.
    pub lost: Vec<Holding>,
    /// What the person did not get, because one person may not hold it beside another role.
    pub refused: Vec<(Holding, &'static str)>,
}

/// What became of an assignment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Assigned {
    /// The person holds the role.
    Now(RoleAssignmentId),
    /// A second person has to confirm it.
    Waits(ChangeId),
}

/// Makes a person's assignments from one source equal to what is wanted.
///
/// A role that conflicts with one that the person keeps or would get is not given (R6, R7) and is named
/// in the result. Losing a role ends the person's sign-ins.
///
/// # Errors
///
/// `invalid_transition` when no admin would be left.
pub(crate) async fn reconcile(
    tx: &mut Transaction<'static, Postgres>,
    engine: &Engine,
    caller: &Caller,
    permit: &Permit,
    person: PersonId,
    source: Source,
    wanted: &[Holding],
) -> Result<RoleChanges> {
    let alone = db::roles::lock_guard(tx).await?;
    let account = db::people::lock(tx, person).await?.ok_or(Error::NotFound)?;
    let open = db::roles::list_open(tx, &[person]).await?;
    let Plan { leaving, given, refused } = work_out(open, source, wanted, alone, engine.now());
    let mut changes = RoleChanges { refused, ..RoleChanges::default() };

    let mut n = account.n;
    for assignment in &leaving {
        n += 1;
        end_one(tx, engine, caller, permit, assignment, n).await?;
    }
    for holding in &given {
        n += 1;
        begin_one(tx, engine, caller, permit, person, holding, source, n).await?;
    }
    db::people::set_n(tx, person, n).await?;
    changes.lost = leaving.iter().map(|left| left.holding.clone()).collect();
    let same = |one: &Holding, other: &Holding| one.role == other.role && one.scope_key() == other.scope_key();
    if changes.lost.iter().any(|lost| !given.iter().any(|given| same(lost, given))) {
        sessions::end_all(tx, engine, caller, permit, person).await?;
    }
    if changes.lost.iter().any(|lost| lost.role == Role::Admin) {
        keep_an_admin(tx, engine).await?;
    }
    changes.gained = given;

    Ok(changes)
}

/// Says what [`reconcile`] would do with a person who holds this, without doing it.
pub(crate) fn plan(open: Vec<Assignment>, source: Source, wanted: &[Holding], alone: bool, now: u64) -> RoleChanges {
    let Plan { leaving, given, refused } = work_out(open, source, wanted, alone, now);
    RoleChanges { gained: given, lost: leaving.into_iter().map(|left| left.holding).collect(), refused }
}

/// What makes a person's assignments from one source equal to what is wanted.
struct Plan {
    leaving: Vec<Assignment>,
    given: Vec<Holding>,
    refused: Vec<(Holding, &'static str)>,
}

fn work_out(open: Vec<Assignment>, source: Source, wanted: &[Holding], alone: bool, now: u64) -> Plan {
    let mut wanted: Vec<Holding> = wanted.iter().cloned().map(Holding::sorted).collect();
    wanted.sort_unstable();
    wanted.dedup_by(|a, b| a.role == b.role && a.scope_key() == b.scope_key());
    wanted.retain(|holding| holding.until.is_none_or(|until| now < until));
    let (own, other): (Vec<_>, Vec<_>) = open.into_iter().partition(|assignment| assignment.source == source);
    let (staying, leaving): (Vec<_>, Vec<_>) =
        own.into_iter().partition(|assignment| wanted.contains(&assignment.holding));
    let kept: Vec<&Assignment> = other.iter().chain(&staying).collect();
    let new: Vec<Holding> =
        wanted.into_iter().filter(|holding| !staying.iter().any(|kept| kept.holding == *holding)).collect();
    let roles: Vec<Role> =
        kept.iter().map(|kept| kept.holding.role).chain(new.iter().map(|holding| holding.role)).collect();
    let (mut given, mut refused) = (Vec::with_capacity(new.len()), Vec::new());
    for holding in new {
        match roles.iter().find_map(|other| barred(holding.role, *other, alone)) {
            Some(why) => refused.push((holding, why)),
            None => given.push(holding),
        }
    }
    Plan { leaving, given, refused }
}

/// Gives a person a role. Admin, approver, senior approver, compliance officer and auditor wait for a second person.
///
/// # Errors
///
/// `invalid_content` naming the field, `invalid_transition` for a role that the person holds or may not
/// hold beside another; [`Error::Forbidden`] for anybody but an admin, and for one's own access.
pub async fn assign(engine: &Engine, caller: &Caller, person: PersonId, holding: Holding) -> Result<Assigned> {
    let holding = holding.sorted();
    engine
        .act(caller, move |engine, caller| {
            let holding = holding.clone();
            async move {
                let mut tx = engine.begin().await?;
                let alone = db::roles::lock_guard(&mut tx).await?;
                let permit = engine.authorize(&mut tx, &caller, Action::AssignRole, Target::Member(person)).await?;
                sessions::require_recent(&caller)?;
                let refuse =
                    |problem| Denial::by_rule(permit.clone(), Action::AssignRole, Target::Member(person), problem);
                check(&mut tx, &engine, person, &holding, alone)
                    .await?
                    .map_or(Ok(()), |problem| Err(refuse(problem)))?;
                let assigned = give_or_wait(&mut tx, &engine, &caller, &permit, person, &holding).await?;
                engine.commit(tx).await?;
                Ok(assigned)
            }
        })
        .await
}

/// Gives a person the role that a form describes.
///
/// # Errors
///
/// As [`assign`], and `step_up_required` when the sign-in is older than five minutes.
pub async fn assign_form(engine: &Engine, caller: &Caller, person: PersonId, form: &HoldingForm) -> Result<Assigned> {
    let holding = parse(&mut *engine.app.acquire().await?, form).await?;
    assign(engine, caller, person, holding).await
}

/// Reads what a form holds.
pub(crate) async fn parse(conn: &mut PgConnection, form: &HoldingForm) -> Result<Holding> {
    let unknown = |pointer: &str, detail: &str| Error::field(pointer, "unknown_value", detail);
    let words = |text: &str| -> Vec<String> {
        text.split([' ', ',']).filter(|word| !word.is_empty()).map(str::to_owned).collect()
    };
    let role = Role::from_word(form.role.trim()).ok_or_else(|| unknown("/role", "Choose a role from the list."))?;
    let mut systems = Vec::new();
    for name in words(&form.systems) {
        match db::systems::find_by_name(conn, &name).await? {
            Some(system) => systems.push(system.id),
            None => return Err(unknown("/systems", &format!("There is no AI system named {name}."))),
        }
    }
    let risk = match form.risk.trim() {
        "" => None,
        word => Some(Risk::from_word(word).ok_or_else(|| unknown("/risk", "Choose a risk from the list."))?),
    };
    let amount = match form.amount.trim() {
        "" => None,
        text => Some(text.parse().map_err(|_| unknown("/amount", "Write a whole number such as 500."))?),
    };
    let until = match form.until.trim() {
        "" => None,
        text => Some(day(text).ok_or_else(|| unknown("/until", "Write a day such as 2026-11-02."))? + DAY_MS),
    };
    let scope = if systems.is_empty() { RoleScope::All } else { RoleScope::Systems(systems) };
    let limits = AuthorityLimits { types: words(&form.types), risk, amount };
    Ok(Holding { role, scope, limits, until }.sorted())
}

/// Says what giving a role would do, without doing it.
pub(crate) async fn preview(
    conn: &mut PgConnection,
    engine: &Engine,
    person: PersonId,
    form: HoldingForm,
    systems: &HashMap<SystemId, String>,
) -> Result<RolePreview> {
    let holding = match parse(conn, &form).await {
        Ok(holding) => holding,
        Err(Error::Refused(problem)) => {
            return Ok(RolePreview { holding: None, problem: Some(problem), waits: false, form });
        }
        Err(error) => return Err(error),
    };
    let alone = db::roles::single_operator(conn).await?;
    let problem = check(conn, engine, person, &holding, alone).await?;
    let waits = holding.role.needs_second_person() && changes::needs_second_person(conn, engine).await?;
    Ok(RolePreview { holding: Some(shown(&holding, systems)), problem, waits, form })
}

/// Takes a role away, at once.
///
/// # Errors
///
/// `invalid_transition` when it ended already or no admin would be left; `step_up_required`.
pub async fn end(engine: &Engine, caller: &Caller, assignment: RoleAssignmentId) -> Result<()> {
    engine
        .act(caller, move |engine, caller| async move {
            let mut tx = engine.begin().await?;
            db::roles::lock_guard(&mut tx).await?;
            let found = db::roles::find(&mut tx, assignment).await?.ok_or(Error::NotFound)?;
            let target = Target::Member(found.person);
            let permit = engine.authorize(&mut tx, &caller, Action::EndRole, target).await?;
            sessions::require_recent(&caller)?;
            let account = db::people::lock(&mut tx, found.person).await?.ok_or(Error::NotFound)?;
            let refuse = |sentence: &str| {
                let problem = Problem::new(Code::InvalidTransition, sentence);
                Denial::by_rule(permit.clone(), Action::EndRole, target, problem)
            };
            // Read again under the person's lock.
            let found = db::roles::find(&mut tx, assignment).await?.ok_or(Error::NotFound)?;
            if found.ended.is_some() {
                return Err(refuse("This assignment has ended already."));
            }
            if let Source::Provider(_) = found.source {
                return Err(refuse(
                    "The identity provider gives this role and would give it again. Change the mapping or the group.",
                ));
            }
            end_one(&mut tx, &engine, &caller, &permit, &found, account.n + 1).await?;
            db::people::set_n(&mut tx, found.person, account.n + 1).await?;
            sessions::end_all(&mut tx, &engine, &caller, &permit, found.person).await?;
            if found.holding.role == Role::Admin {
                keep_an_admin(&mut tx, &engine).await?;
            }
            engine.commit(tx).await
        })
        .await
}

/// Ends every assignment whose time has run out; they count for nothing from that instant on, this only
/// puts it on record. Returns how many.
pub(crate) async fn end_run_out(engine: &Engine) -> Result<usize> {
    let run_out = db::roles::list_run_out(&mut *engine.app.acquire().await?, engine.now(), ROWS_MAX).await?;
    for id in &run_out {
        let id = *id;
        engine
            .act(&Caller::engine(), move |engine, caller| async move {
                let mut tx = engine.begin().await?;
                let found = db::roles::find(&mut tx, id).await?.ok_or(Error::NotFound)?;
                let account = db::people::lock(&mut tx, found.person).await?.ok_or(Error::NotFound)?;
                let found = db::roles::find(&mut tx, id).await?.ok_or(Error::NotFound)?;
                if found.ended.is_some() {
                    return Ok(());
                }
                let permit = authorize::unevaluated(authorize::engine_actor());
                end_one(&mut tx, &engine, &caller, &permit, &found, account.n + 1).await?;
                db::people::set_n(&mut tx, found.person, account.n + 1).await?;
                sessions::end_all(&mut tx, &engine, &caller, &permit, found.person).await?;
                engine.commit(tx).await
            })
            .await?;
    }
    Ok(run_out.len())
}

/// Refuses what would leave nobody to run access (O10). The guard row is locked by the caller.
///
/// # Errors
///
/// `invalid_transition` when no enabled admin who can sign in is left.
pub(crate) async fn keep_an_admin(conn: &mut PgConnection, engine: &Engine) -> Result<()> {
    match db::roles::able_admins(conn, engine.config().demo).await?.is_empty() {
        false => Ok(()),
        true => Err(Error::refused(
            Code::InvalidTransition,
            "Nobody could run access afterwards: this is the last admin who can sign in. Give somebody else the role first.",
        )),
    }
}

/// Says why a person may not get a role, if so. The guard row is locked by the caller.
pub(crate) async fn check(
    conn: &mut PgConnection,
    engine: &Engine,
    person: PersonId,
    holding: &Holding,
    alone: bool,
) -> Result<Option<Problem>> {
    let refused = |sentence: String| Ok(Some(Problem::new(Code::InvalidTransition, sentence)));
    if let Err(errors) = holding.check(engine.now()) {
        return Ok(Some(proposal::invalid(errors)));
    }
    if let RoleScope::Systems(systems) = &holding.scope {
        for system in systems {
            if db::systems::find(conn, *system).await?.is_none() {
                let detail = "One of these systems is not registered.";
                return Ok(Some(proposal::invalid(vec![FieldError::new("/systems", "unknown_system", detail)])));
            }
        }
    }
    for name in &holding.limits.types {
        if db::decision_types::find(conn, name, None).await?.is_none() {
            let detail = format!("There is no decision type {name}.");
            return Ok(Some(proposal::invalid(vec![FieldError::new("/types", "unknown_type", detail)])));
        }
    }
    let held = db::roles::list_open(conn, &[person]).await?;
    if let Some(why) = held.iter().find_map(|held| barred(holding.role, held.holding.role, alone)) {
        return refused(format!("{} cannot be added. {why}", holding.role.name()));
    }
    let same = |held: &&Assignment| {
        held.source == Source::Hand
            && held.holding.role == holding.role
            && held.holding.scope_key() == holding.scope_key()
    };
    if held.iter().any(|held| same(&held)) {
        return refused(format!("The person is {} there already. End that assignment first.", holding.role.word()));
    }
    Ok(None)
}

/// Begins an assignment by hand, or asks for a second person where the role needs one.
pub(crate) async fn give_or_wait(
    tx: &mut Transaction<'static, Postgres>,
    engine: &Engine,
    caller: &Caller,
    permit: &Permit,
    person: PersonId,
    holding: &Holding,
) -> Result<Assigned> {
    let change = countersign_domain::change::Change::AssignRole { person, holding: holding.clone() };
    if holding.role.needs_second_person() && changes::needs_second_person(tx, engine).await? {
        return Ok(Assigned::Waits(changes::request(tx, engine, caller, permit, &change).await?));
    }
    let permit = match holding.role.needs_second_person() {
        true => permit.clone().alone(),
        false => permit.clone(),
    };
    Ok(Assigned::Now(give(tx, engine, caller, &permit, person, holding).await?))
}

/// Begins an assignment by hand.
pub(crate) async fn give(
    tx: &mut Transaction<'static, Postgres>,
    engine: &Engine,
    caller: &Caller,
    permit: &Permit,
    person: PersonId,
    holding: &Holding,
) -> Result<RoleAssignmentId> {
    let account = db::people::lock(tx, person).await?.ok_or(Error::NotFound)?;
    let id = begin_one(tx, engine, caller, permit, person, holding, Source::Hand, account.n + 1).await?;
    db::people::set_n(tx, person, account.n + 1).await?;
    Ok(id)
}

/// Ends an assignment inside the transaction of what decided so; nothing happens when it has ended.
/// The guard row is locked by the caller.
pub(crate) async fn take(
    tx: &mut Transaction<'static, Postgres>,
    engine: &Engine,
    caller: &Caller,
    permit: &Permit,
    assignment: &Assignment,
) -> Result<()> {
    let account = db::people::lock(tx, assignment.person).await?.ok_or(Error::NotFound)?;
    // Read again under the person's lock.
    let found = db::roles::find(tx, assignment.id).await?.ok_or(Error::NotFound)?;
    if found.ended.is_some() {
        return Ok(());
    }
    end_one(tx, engine, caller, permit, &found, account.n + 1).await?;
    db::people::set_n(tx, found.person, account.n + 1).await?;
    sessions::end_all(tx, engine, caller, permit, found.person).await?;
    if found.holding.role == Role::Admin {
        keep_an_admin(tx, engine).await?;
    }
    Ok(())
}

/// Roles of a person at this moment, each once.
pub(crate) async fn words(conn: &mut PgConnection, engine: &Engine, person: PersonId) -> Result<Vec<Role>> {
    let held = db::roles::held(conn, person, engine.now()).await?;
    let mut seen = HashSet::new();
    let mut roles: Vec<Role> = held.iter().map(|held| held.holding.role).filter(|role| seen.insert(*role)).collect();
    roles.sort_unstable();
    Ok(roles)
}

/// Short names and names of the providers that give assignments.
pub(crate) async fn providers_of(
    conn: &mut PgConnection,
    assignments: &[Assignment],
) -> Result<HashMap<ProviderId, (String, String)>> {
    let mut found = HashMap::new();
    for assignment in assignments {
        let Source::Provider(id) = assignment.source else { continue };
        if let Entry::Vacant(place) = found.entry(id)
            && let Some(names) = db::providers::find_name(conn, id).await?
        {
            place.insert(names);
        }
    }
    Ok(found)
}

/// Says where an assignment comes from.
pub(crate) fn source_words(source: Source, providers: &HashMap<ProviderId, (String, String)>) -> String {
    match source {
        Source::Hand => "by hand".into(),
        Source::Provider(id) => match providers.get(&id) {
            Some((_, name)) => format!("groups of {name}"),
            None => "groups of an identity provider".into(),
        },
        Source::BreakGlass => "emergency sign-in".into(),
        Source::Window(_) => "audit window".into(),
    }
}

/// Puts names to a holding's systems.
pub(crate) fn shown(holding: &Holding, systems: &HashMap<SystemId, String>) -> ShownHolding {
    let name = |id: &SystemId| systems.get(id).cloned().unwrap_or_else(|| id.short());
    ShownHolding {
        role: holding.role,
        systems: match &holding.scope {
            RoleScope::All => None,
            RoleScope::Systems(systems) => Some(systems.iter().map(name).collect()),
        },
        types: holding.limits.types.clone(),
        risk: holding.limits.risk,
        amount: holding.limits.amount,
        until: holding.until,
    }
}

/// Why two roles exclude each other; a team of one may hold both sides of R6, never of R7.
fn barred(one: Role, other: Role, alone: bool) -> Option<&'static str> {
    let why = one.conflict(other)?;
    (!alone || one == Role::Auditor || other == Role::Auditor).then_some(why)
}

#[expect(clippy::too_many_arguments, reason = "one private step, and a struct would only rename its arguments")]
async fn begin_one(
    conn: &mut PgConnection,
    engine: &Engine,
    caller: &Caller,
    permit: &Permit,
    person: PersonId,
    holding: &Holding,
    source: Source,
    n: u64,
) -> Result<RoleAssignmentId> {
    let id = RoleAssignmentId(engine.id());
    let event = Event::RoleAssigned { person, n, assignment: id, holding: holding.clone(), source };
    let entry = seal::append(conn, engine, caller, permit, &event).await?;
    let new = Assignment {
        id,
        person,
        holding: holding.clone(),
        source,
        assigned_at: entry.at,
        entry: entry.id,
        ended: None,
    };
    db::roles::insert(conn, &new).await?;
    Ok(id)
}

async fn end_one(
    conn: &mut PgConnection,
    engine: &Engine,
    caller: &Caller,
    permit: &Permit,
    assignment: &Assignment,
    n: u64,
) -> Result<()> {
    let (person, role) = (assignment.person, assignment.holding.role);
    let event = Event::RoleUnassigned { person, n, assignment: assignment.id, role };
    let entry = seal::append(conn, engine, caller, permit, &event).await?;
    db::roles::end(conn, assignment.id, entry.at, entry.id).await?;
    Ok(())
}
