//! What exists in demo installations only: invented people and signing in as one of them.

use countersign_domain::{event::SignInMethod, ids::PersonId, problem::Code, role::Role, text::PersonName};

use crate::{
    Engine, authorize,
    caller::Caller,
    db,
    error::{Error, Result},
    people,
    sessions::{self, NewSession, SignInFacts},
};

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
/// `invalid_transition` outside a demo installation.
pub async fn seed_people(engine: &Engine) -> Result<()> {
    demo_only(engine)?;
    for (role, name, login) in PEOPLE {
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
