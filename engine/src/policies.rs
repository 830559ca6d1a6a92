//! The policy in force.

use countersign_domain::{
    event::Event,
    ids::{PolicyId, PolicyVersionId},
    json,
    policy::{PolicyBody, PolicyVersion},
    problem::Code,
};

use crate::{
    Engine,
    authorize::Action,
    caller::Caller,
    db,
    error::{Error, Result},
    seal, secret,
};

/// Activates the table an installation starts with, unless a policy is in force.
pub(crate) async fn activate_bootstrap(engine: &Engine) -> Result<()> {
    engine
        .act(&Caller::operator(), |engine, caller| async move {
            let mut tx = engine.begin().await?;
            if db::policies::find_active(&mut tx).await?.is_some() {
                return Ok(());
            }
            let permit = engine.authorize(&mut tx, &caller, Action::ActivatePolicy, engine.installation()).await?;
            let version = PolicyVersion {
                id: PolicyVersionId(secret::random_id()),
                policy: PolicyId(secret::random_id()),
                number: 1,
                body: PolicyBody::bootstrap(),
            };
            let digest = version.body.digest();
            let event = Event::PolicyActivated { policy: version.policy, n: 1, version: version.id, digest };
            let entry = seal::append(&mut tx, &engine, &caller, &permit, &event).await?;
            let value = serde_json::to_value(&version.body).map_err(|error| Error::Setup(error.to_string()))?;
            db::policies::insert_policy(&mut tx, version.policy).await?;
            db::policies::insert_version(&mut tx, &version, &json::canonical(&value), entry.at, entry.id).await?;
            engine.commit(tx).await
        })
        .await
}

/// Puts a version in force by which reviews have to be signed with a passkey, or need not be. It holds for decisions
/// proposed from then on.
///
/// # Errors
///
/// `invalid_transition` when the version in force says so already.
pub async fn demand_signatures(engine: &Engine, caller: &Caller, signed: bool) -> Result<u64> {
    engine
        .act(caller, move |engine, caller| async move {
            let mut tx = engine.begin().await?;
            let permit = engine.authorize(&mut tx, &caller, Action::ActivatePolicy, engine.installation()).await?;
            let active = db::policies::find_active(&mut tx).await?.ok_or(Error::NotFound)?;
            let n = db::policies::lock(&mut tx, active.policy).await? + 1;
            if active.body.default.signed == signed {
                return Err(Error::refused(Code::InvalidTransition, "The policy in force says so already."));
            }
            let mut body = active.body.clone();
            body.default.signed = signed;
            let version = PolicyVersion {
                id: PolicyVersionId(secret::random_id()),
                policy: active.policy,
                number: active.number + 1,
                body,
            };
            let digest = version.body.digest();
            let event = Event::PolicyActivated { policy: version.policy, n, version: version.id, digest };
            let entry = seal::append(&mut tx, &engine, &caller, &permit, &event).await?;
            let value = serde_json::to_value(&version.body).map_err(|error| Error::Setup(error.to_string()))?;
            db::policies::supersede(&mut tx, active.policy, n, entry.at).await?;
            db::policies::insert_version(&mut tx, &version, &json::canonical(&value), entry.at, entry.id).await?;
            engine.commit(tx).await?;
            Ok(version.number)
        })
        .await
}
