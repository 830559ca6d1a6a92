//! Access of outside auditors: read only, for a time, to some systems, asked for by one person and
//! confirmed by another.
//!
//! A window gives its auditor the role auditor with the window as source, on its systems and until its
//! end; so scope and end hold wherever authorisation looks. Every page and export is marked with it.

use std::collections::HashMap;

use countersign_domain::{
    Problem,
    administration::{AuditWindowRow, AuditWindowsView, Watermark},
    change::Change,
    event::{Event, List, Scope},
    holding::{Holding, Source},
    ids::{AuditWindowId, ChangeId, SystemId},
    problem::Code,
    role::Role,
    time::day,
    view::NewKey,
};
use sqlx::{PgConnection, Postgres, Transaction};

use crate::{
    Engine,
    authorize::{self, Action, Denial, Permit, Target},
    caller::Caller,
    changes, db,
    db::audit_windows::AuditWindow,
    error::{Error, Result},
    keys::{self, KeySettings},
    people, reads, roles, seal, secret, sessions,
};

/// Longest window, in milliseconds: a year.
const WINDOW_MS_MAX: u64 = 366 * DAY_MS;
const DAY_MS: u64 = 24 * 3_600 * 1_000;
/// Systems of one window.
const SYSTEMS_MAX: usize = 32;

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// What the audit is called: 2 to 64 lower-case letters, digits and hyphens.
    pub name: String,
    /// Sign-in name of the auditor, who is a member without a role.
    pub login: String,
    /// Names of the systems to show; all of them when empty.
    pub systems: Vec<String>,
    /// When it begins, milliseconds since 1970 UTC.
    pub from: u64,
    /// When it ends.
    pub until: u64,
}

impl Wanted {
    /// Reads what a form holds: names of systems with spaces between, and the first and last day in UTC.
    ///
    /// # Errors
    ///
    /// The field that needs a change.
    pub fn parse(engine: &Engine, form: WantedForm<'_>) -> Result<Self> {
        let now = engine.now();
        let a_day = |pointer: &str, text: &str| {
            day(text.trim()).ok_or_else(|| Error::field(pointer, "wrong_kind", "Write a day such as 2026-11-02."))
        };
        let from = if form.from.trim().is_empty() { now } else { a_day("/from", form.from)? };
        let until = a_day("/until", form.until)? + DAY_MS;
        let systems = form.systems.split([' ', ',']).filter(|name| !name.is_empty()).map(str::to_owned).collect();
        let wanted =
            Self { name: form.name.trim().to_owned(), login: form.login.trim().to_owned(), systems, from, until };
        check(&wanted, now)?;
        Ok(wanted)
    }
}

/// What a form holds, as it was typed.
#[derive(Clone, Copy, Debug)]
pub struct WantedForm<'a> {
    /// What the audit is called.
    pub name: &'a str,
    /// Sign-in name of the auditor.
    pub login: &'a str,
    /// Names of systems.
    pub systems: &'a str,
    /// First day; today when empty.
    pub from: &'a str,
    /// Last day.
    pub until: &'a str,
}

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opened {
    /// The window stands.
    Now(AuditWindowId),
    /// A second person has to confirm it.
    Waits(ChangeId),
}

/// Lists the windows.
///
/// # Errors
///
/// [`Error::Forbidden`] for anybody but admins and compliance officers.
pub async fn list(engine: &Engine, caller: &Caller) -> Result<AuditWindowsView> {
    let found = async {
        let mut tx = engine.begin().await?;
        let permit = engine.authorize(&mut tx, caller, Action::ListAuditWindows, engine.installation()).await?;
        let windows = db::audit_windows::list(&mut tx).await?;
        let people: Vec<_> = windows.iter().map(|window| window.person).collect();
        let names = people::names(&mut tx, engine, &people).await?;
        let systems = db::systems::list(&mut tx).await?;
        tx.commit().await?;
        let systems: Vec<_> = systems.into_iter().map(|(system, _)| (system.id, system.name)).collect();
        Ok((permit, windows, names, systems))
    };
    let (permit, windows, names, systems) = engine.noted(caller, found.await).await?;
    let named = |id: &SystemId| systems.iter().find(|(system, _)| system == id).map(|(_, name)| name.clone());
    let windows: Vec<_> = windows
        .into_iter()
        .map(|window| AuditWindowRow {
            id: window.id,
            name: window.name,
            person: names.get(&window.person).cloned().unwrap_or_else(people::erased),
            person_id: window.person,
            systems: window.systems.iter().filter_map(named).collect(),
            from: window.from,
            until: window.until,
            closed_at: window.closed_at,
        })
        .collect();
    let event = Event::AccessListed { list: List::AuditWindows, count: windows.len() as u64 };
    reads::record(engine, caller, permit, &event, reads::Shown::default()).await?;

    Ok(AuditWindowsView { windows, systems, now: engine.now() })
}

/// Asks for a window; a second person confirms it, unless there is none.
///
/// # Errors
///
/// The field that needs a change; [`Error::Forbidden`] for anybody but admins and compliance officers;
/// `step_up_required`.
pub async fn request(engine: &Engine, caller: &Caller, wanted: Wanted) -> Result<Opened> {
    check(&wanted, engine.now())?;
    let lookup = sessions::login_lookup(engine, &wanted.login);
    engine
        .act(caller, move |engine, caller| {
            let (wanted, lookup) = (wanted.clone(), lookup.clone());
            async move {
                let mut tx = engine.begin().await?;
                db::roles::lock_guard(&mut tx).await?;
                let Some(account) = db::people::find_by_login(&mut tx, &lookup).await? else {
                    // Who may not see windows does not learn who is a member either.
                    engine.authorize(&mut tx, &caller, Action::ListAuditWindows, engine.installation()).await?;
                    return Err(Error::field(
                        "/login",
                        "unknown",
                        "Nobody has this sign-in name. Invite the auditor under People first, with no role yet.",
                    ));
                };
                let person = account.id;
                let target = Target::Member(person);
                let permit = engine.authorize(&mut tx, &caller, Action::OpenAuditWindow, target).await?;
                sessions::require_recent(&caller)?;
                let Wanted { name, systems: named, from, until, .. } = wanted;
                let mut systems = Vec::with_capacity(named.len());
                for name in &named {
                    let found = db::systems::find_by_name(&mut tx, name).await?;
                    let found = found.ok_or_else(|| {
                        Error::field("/systems", "unknown_system", format!("There is no AI system named {name}."))
                    })?;
                    systems.push(found.id);
                }
                let change = Change::OpenAuditWindow { person, name, systems, from, until };
                let opened = match changes::needs_second_person(&mut tx, &engine).await? {
                    true => Opened::Waits(changes::request(&mut tx, &engine, &caller, &permit, &change).await?),
                    false => match open(&mut tx, &engine, &caller, &permit.alone(), &change).await? {
                        Ok(window) => Opened::Now(window),
                        Err(problem) => {
                            let permit = engine.authorize(&mut tx, &caller, Action::OpenAuditWindow, target).await?;
                            return Err(Denial::by_rule(permit, Action::OpenAuditWindow, target, problem));
                        }
                    },
                };
                engine.commit(tx).await?;
                Ok(opened)
            }
        })
        .await
}

fn check(wanted: &Wanted, now: u64) -> Result<()> {
    let name = &wanted.name;
    let fits = (2..=64).contains(&name.len())
        && name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    if !fits {
        return Err(Error::field(
            "/name",
            "invalid_name",
            "Use 2 to 64 lower-case letters, digits and hyphens, such as iso-27001-2026.",
        ));
    }
    if wanted.until <= wanted.from || wanted.until <= now {
        return Err(Error::field("/until", "past", "The last day is in the future and not before the first."));
    }
    if wanted.until - wanted.from > WINDOW_MS_MAX {
        return Err(Error::field("/until", "too_long", "A window lasts a year at most."));
    }
    if wanted.systems.len() > SYSTEMS_MAX {
        let detail = format!("Choose at most {SYSTEMS_MAX} systems, or none for all of them.");
        return Err(Error::field("/systems", "too_many", detail));
    }
    Ok(())
}

/// Opens a confirmed window; says why that cannot be done any more, if so.
pub(crate) async fn open(
    tx: &mut Transaction<'static, Postgres>,
    engine: &Engine,
    caller: &Caller,
    permit: &Permit,
    change: &Change,
) -> Result<std::result::Result<AuditWindowId, Problem>> {
    let Change::OpenAuditWindow { person, name, systems, from, until } = change else {
        return Err(Error::NotFound);
    };
    let refused = |sentence: &str| Ok(Err(Problem::new(Code::InvalidTransition, sentence)));
    let now = engine.now();
    if now >= *until {
        return refused("The last day of this window has passed. Ask for another one.");
    }
    let id = AuditWindowId(secret::random_id());
    let event = Event::AuditWindowOpened {
        window: id,
        person: *person,
        systems: systems.clone(),
        from: *from,
        until: *until,
        name: name.clone(),
    };
    let entry = seal::append(tx, engine, caller, permit, &event).await?;
    let window = AuditWindow {
        id,
        n: 1,
        name: name.clone(),
        person: *person,
        systems: systems.clone(),
        from: *from,
        until: *until,
        closed_at: None,
        begun: *from <= now,
        entry: entry.id,
    };
    db::audit_windows::insert(tx, &window, entry.at).await?;
    if window.begun && !begin(tx, engine, caller, permit, &window).await? {
        return refused("An auditor holds no other role. End the person's other roles first.");
    }
    Ok(Ok(id))
}

/// Gives the auditor the role; false when they hold another.
async fn begin(
    tx: &mut Transaction<'static, Postgres>,
    engine: &Engine,
    caller: &Caller,
    permit: &Permit,
    window: &AuditWindow,
) -> Result<bool> {
    let holding = match window.systems.is_empty() {
        true => Holding::everywhere(Role::Auditor),
        false => Holding::on(Role::Auditor, window.systems.clone()),
    };
    let wanted = [Holding { until: Some(window.until), ..holding }];
    let source = Source::Window(window.id);
    let changes = roles::reconcile(tx, engine, caller, permit, window.person, source, &wanted).await?;
    Ok(changes.refused.is_empty())
}

/// Begins windows whose first day has come; returns how many.
pub(crate) async fn begin_due(engine: &Engine) -> Result<usize> {
    let due = db::audit_windows::list_due(&mut *engine.app.acquire().await?, engine.now()).await?;
    for id in &due {
        let id = *id;
        engine
            .act(&Caller::engine(), move |engine, caller| async move {
                let mut tx = engine.begin().await?;
                let window = db::audit_windows::lock(&mut tx, id).await?.ok_or(Error::NotFound)?;
                if window.begun || !window.is_open(engine.now()) {
                    return Ok(());
                }
                let permit = authorize::unevaluated(authorize::engine_actor());
                if !begin(&mut tx, &engine, &caller, &permit, &window).await? {
                    tracing::warn!(audit_window.id = %id, "An auditor got another role before the window began");
                }
                db::audit_windows::set_begun(&mut tx, id).await?;
                engine.commit(tx).await
            })
            .await?;
    }
    Ok(due.len())
}

/// Ends a window before its time, with its tokens.
///
/// # Errors
///
/// `invalid_transition` for one that has ended.
pub async fn close(engine: &Engine, caller: &Caller, id: AuditWindowId) -> Result<()> {
    engine
        .act(caller, move |engine, caller| async move {
            let mut tx = engine.begin().await?;
            let window = db::audit_windows::lock(&mut tx, id).await?.ok_or(Error::NotFound)?;
            let target = Target::Member(window.person);
            let permit = engine.authorize(&mut tx, &caller, Action::CloseAuditWindow, target).await?;
            if window.closed_at.is_some() || engine.now() >= window.until {
                let problem = Problem::new(Code::InvalidTransition, "This window has ended already.");
                return Err(Denial::by_rule(permit, Action::CloseAuditWindow, target, problem));
            }
            let n = window.n + 1;
            let event = Event::AuditWindowClosed { window: id, n };
            let entry = seal::append(&mut tx, &engine, &caller, &permit, &event).await?;
            db::audit_windows::set_closed(&mut tx, id, n, entry.at).await?;
            let source = Source::Window(id);
            roles::reconcile(&mut tx, &engine, &caller, &permit, window.person, source, &[]).await?;
            engine.commit(tx).await
        })
        .await
}

/// Makes a token with which the auditor's programs fetch files of the log, until the window ends.
///
/// # Errors
///
/// `invalid_transition` for a window that is not open; `step_up_required`.
pub async fn issue_token(engine: &Engine, caller: &Caller, id: AuditWindowId, networks: &str) -> Result<NewKey> {
    let settings = KeySettings { scopes: vec![Scope::Export], ..KeySettings::parse("", "", networks)? };
    engine
        .act(caller, move |engine, caller| {
            let settings = settings.clone();
            async move {
                let mut tx = engine.begin().await?;
                let window = db::audit_windows::lock(&mut tx, id).await?.ok_or(Error::NotFound)?;
                let target = Target::Member(window.person);
                let permit = engine.authorize(&mut tx, &caller, Action::IssueToken, target).await?;
                sessions::require_recent(&caller)?;
                if window.closed_at.is_some() || engine.now() >= window.until {
                    let problem = Problem::new(Code::InvalidTransition, "This window has ended.");
                    return Err(Denial::by_rule(permit, Action::IssueToken, target, problem));
                }
                let (owner, until) = (SystemId(id.0), window.until);
                let text = keys::make(&mut tx, &engine, &caller, &permit, owner, true, settings, until).await?;
                engine.commit(tx).await?;
                Ok(NewKey { key: text.reveal(), system: window.name, expires_at: until })
            }
        })
        .await
}

/// Tells whether a window is open at this moment.
pub(crate) async fn is_open(conn: &mut PgConnection, id: AuditWindowId, now: u64) -> Result<bool> {
    Ok(db::audit_windows::find(conn, id).await?.is_some_and(|window| window.is_open(now)))
}

/// Returns what every window is called.
pub(crate) async fn names(conn: &mut PgConnection) -> Result<HashMap<AuditWindowId, String>> {
    Ok(db::audit_windows::list(conn).await?.into_iter().map(|window| (window.id, window.name)).collect())
}

/// Returns what the caller's pages are marked with, while a window shows them.
///
/// # Errors
///
/// When the database does not answer.
pub async fn watermark(engine: &Engine, caller: &Caller, name: &str) -> Result<Option<Watermark>> {
    let Some(person) = caller.person() else { return Ok(None) };
    let window = db::audit_windows::open_of(&mut *engine.app.acquire().await?, person, engine.now()).await?;
    Ok(window.map(|window| Watermark { person: name.to_owned(), window: window.name, until: window.until }))
}
