//! What exists in demo installations only: invented people, signing in as one of them, and a past to live through.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use countersign_domain::{event::SignInMethod, ids::PersonId, problem::Code, role::Role, text::PersonName};

use crate::{
    Config, Engine, authorize,
    caller::Caller,
    clock::{Clock, SystemClock},
    db, decisions,
    error::{Error, Result},
    expiry,
    instance::Durability,
    people,
    sessions::{self, NewSession, SignInFacts},
};

/// Decisions that fall due in one look.
const DUE_MAX: i64 = 1_000;

/// The invented people: role, name, sign-in name. None has a password.
const PEOPLE: [(Role, &str, &str); 10] = [
    (Role::Admin, "Admin A", "admin-a"),
    (Role::Approver, "Approver A", "approver-a"),
    (Role::Approver, "Approver B", "approver-b"),
    (Role::Auditor, "Auditor A", "auditor-a"),
    (Role::Viewer, "Viewer A", "viewer-a"),
    (Role::SeniorApprover, "Senior approver A", "senior-approver-a"),
    (Role::SeniorApprover, "Senior approver B", "senior-approver-b"),
    (Role::PolicyAuthor, "Policy author A", "policy-author-a"),
    (Role::Admin, "Admin B", "admin-b"),
    (Role::ComplianceOfficer, "Compliance officer A", "compliance-officer-a"),
];

/// The invented people who are there once there is a past.
const COLLEAGUES: [(Role, &str, &str); 9] = [
    (Role::Approver, "Approver C", "approver-c"),
    (Role::Approver, "Approver D", "approver-d"),
    (Role::PolicyAuthor, "Policy author B", "policy-author-b"),
    (Role::ComplianceOfficer, "Compliance officer B", "compliance-officer-b"),
    (Role::Viewer, "Owner A", OWNERS[0]),
    (Role::Viewer, "Owner B", OWNERS[1]),
    (Role::Viewer, "Owner C", OWNERS[2]),
    (Role::Viewer, "Owner D", OWNERS[3]),
    (Role::Viewer, "Owner E", OWNERS[4]),
];

/// Sign-in names of those who own the five invented systems of a past.
pub const OWNERS: [&str; 5] = ["owner-a", "owner-b", "owner-c", "owner-d", "owner-e"];

/// Moves the time of a demo from its past to the present. Nothing else does, and no request is served meanwhile.
pub struct Past {
    behind: Arc<AtomicU64>,
    /// When it begins, in milliseconds since 1970 UTC: with the log.
    pub begin: u64,
}

/// The clock of the machine, so many milliseconds ago.
struct Behind(Arc<AtomicU64>);

impl Clock for Behind {
    fn now(&self) -> u64 {
        SystemClock.now().saturating_sub(self.0.load(Ordering::Relaxed))
    }
}

/// Starts the engine of a demo at a time before the present: so many milliseconds ago where the database is empty, else
/// where its log ends, so that a past that was cut off goes on. Without a past once `last_key` has been proposed.
///
/// # Errors
///
/// As [`Engine::start`]; `not_found` where the configuration is not that of a demo.
pub async fn start(config: Config, ago: u64, last_key: &str) -> Result<(Engine, Option<Past>)> {
    if !config.demo {
        return Err(Error::refused(Code::NotFound, "Only a demo installation has an invented past."));
    }
    let now = SystemClock.now();
    let (begin, reached) = match db::demo::reached(&config.database.app, last_key).await? {
        Some(reached) if reached.complete => return Ok((Engine::start(config).await?, None)),
        Some(reached) => (reached.oldest, reached.newest),
        None => (now - ago, now - ago),
    };
    let behind = Arc::new(AtomicU64::new(now.saturating_sub(reached)));
    let clock = Box::new(Behind(behind.clone()));
    let engine = Engine::start_with(config, Durability::Demanded, clock).await?;

    Ok((engine, Some(Past { behind, begin })))
}

impl Past {
    /// Lets time pass until then, in milliseconds since 1970 UTC, and does what falls due. Time never goes back, nor
    /// beyond the present.
    ///
    /// # Errors
    ///
    /// What settling and expiring decisions come to.
    pub async fn pass_until(&self, engine: &Engine, at: u64) -> Result<()> {
        let behind = SystemClock.now().saturating_sub(at);
        self.behind.fetch_min(behind, Ordering::Relaxed);
        decisions::settle_due(engine, DUE_MAX).await?;
        expiry::expire_due(engine).await?;

        Ok(())
    }

    /// Reaches the present.
    pub fn end(self) {
        self.behind.store(0, Ordering::Relaxed);
    }
}

/// Returns whom one can view as: each role once, with the name.
///
/// # Errors
///
/// [`Error::NotFound`] outside a demo installation.
pub async fn people(engine: &Engine) -> Result<Vec<(Role, String)>> {
    demo_only(engine)?;
    let mut found: Vec<(Role, String)> = Vec::new();
    for (role, name, _) in PEOPLE {
        if !found.iter().any(|(known, _)| *known == role) {
            found.push((role, name.to_owned()));
        }
    }
    Ok(found)
}

/// Signs in as the first invented person of a role.
///
/// # Errors
///
/// [`Error::NotFound`] outside a demo installation.
pub async fn sign_in_as(engine: &Engine, caller: &Caller, role: Role) -> Result<NewSession> {
    demo_only(engine)?;
    let (_, _, login) = PEOPLE.iter().find(|(known, ..)| *known == role).ok_or(Error::NotFound)?;
    sign_in_with(engine, caller, login).await
}

/// Signs in as one invented person by sign-in name.
///
/// # Errors
///
/// [`Error::NotFound`] outside a demo installation and for an unknown name.
pub async fn sign_in_with(engine: &Engine, caller: &Caller, login: &str) -> Result<NewSession> {
    demo_only(engine)?;
    let lookup = sessions::login_lookup(engine, login);
    engine
        .act(caller, move |engine, caller| {
            let lookup = lookup.clone();
            async move {
                let mut tx = engine.begin().await?;
                let account = db::people::find_by_login(&mut tx, &lookup).await?.ok_or(Error::NotFound)?;
                let facts = SignInFacts::new(SignInMethod::Demo, engine.now());
                let new = sessions::open(&mut tx, &engine, &caller, account.id, facts).await?;
                engine.commit(tx).await?;
                Ok(new)
            }
        })
        .await
}

/// Makes the invented people who are missing.
///
/// # Errors
///
/// [`Error::NotFound`] outside a demo installation.
pub async fn seed_people(engine: &Engine) -> Result<()> {
    seed(engine, &PEOPLE).await
}

/// Makes those invented people who are there once there is a past.
///
/// # Errors
///
/// [`Error::NotFound`] outside a demo installation.
pub async fn seed_colleagues(engine: &Engine) -> Result<()> {
    seed(engine, &COLLEAGUES).await
}

async fn seed(engine: &Engine, people: &'static [(Role, &str, &str)]) -> Result<()> {
    demo_only(engine)?;
    for &(role, name, login) in people {
        engine
            .act(&Caller::operator(), move |engine, caller| async move {
                let mut tx = engine.begin().await?;
                let lookup = sessions::login_lookup(&engine, login);
                if db::people::find_by_login(&mut tx, &lookup).await?.is_some() {
                    return Ok(None::<PersonId>);
                }
                let name = PersonName::new(name).map_err(|error| Error::Setup(error.to_string()))?;
                let permit = authorize::unevaluated(authorize::operator_actor(engine.operator));
                let person = people::create(&mut tx, &engine, &caller, &permit, &name, login, role).await?;
                engine.commit(tx).await?;
                Ok(Some(person))
            })
            .await?;
    }
    Ok(())
}

fn demo_only(engine: &Engine) -> Result<()> {
    match engine.config().demo {
        true => Ok(()),
        false => Err(Error::refused(Code::NotFound, "This exists in demo installations only.")),
    }
}
