//! Commands beside a running installation: they write to its database as the operator, and the
//! serving process seals what they write.

use std::path::Path;

use countersign_domain::{decision_type::TypeDefinition, policy::RetractWindows};
use countersign_engine::{Caller, Config, Engine, decision_types, policies, systems};

use crate::{cli::Failure, config::Urls, serve::Installation};

/// Registers an AI system.
pub(crate) async fn register_system(data: &Path, urls: Option<Urls>, name: &str) -> Result<(), Failure> {
    let engine = open(data, urls).await?;
    let result = systems::register(&engine, &Caller::operator(), name).await;
    engine.stop().await;
    println!("Registered {name} as {}.", result?);

    Ok(())
}

/// Defines the decision types of a JSON file: one definition, or a list of them.
pub(crate) async fn define_types(data: &Path, urls: Option<Urls>, file: &Path) -> Result<(), Failure> {
    let text = std::fs::read_to_string(file).map_err(Failure::io(format!("reading {}", file.display())))?;
    let unreadable = |error| Failure::Told(format!("{} is no decision type: {error}", file.display()));
    let definitions: Vec<TypeDefinition> = match text.trim_start().starts_with('[') {
        true => serde_json::from_str(&text).map_err(unreadable)?,
        false => vec![serde_json::from_str(&text).map_err(unreadable)?],
    };
    let engine = open(data, urls).await?;
    let mut result = Ok(());
    for definition in definitions {
        let name = format!("{} version {}", definition.name, definition.version);
        result = decision_types::define(&engine, &Caller::operator(), definition).await.map(|_| ());
        if result.is_err() {
            break;
        }
        println!("Defined {name}.");
    }
    engine.stop().await;

    Ok(result?)
}

/// Activates a policy version by which reviews have to be signed, or need not be.
pub(crate) async fn demand_signatures(data: &Path, urls: Option<Urls>, signed: bool) -> Result<(), Failure> {
    let engine = open(data, urls).await?;
    let result = policies::demand_signatures(&engine, &Caller::operator(), signed).await;
    engine.stop().await;
    let how = if signed { "have to be signed with a passkey" } else { "need no signature" };
    println!("Version {} of the policy is in force: reviews {how}.", result?);

    Ok(())
}

/// Makes a key and prints it; it is stored nowhere.
pub(crate) async fn create_key(data: &Path, urls: Option<Urls>, system: &str) -> Result<(), Failure> {
    let engine = open(data, urls).await?;
    let key = key_for(&engine, system).await;
    engine.stop().await;
    println!("{}", key?);

    Ok(())
}

async fn key_for(engine: &Engine, name: &str) -> Result<String, Failure> {
    let caller = Caller::operator();
    let Some(system) = systems::find_by_name(engine, name).await? else {
        return Err(Failure::Told(format!(
            "There is no system named {name:?}. Register it first: countersign system register {name:?} --data DIR"
        )));
    };
    Ok(systems::issue_key(engine, &caller, system).await?.key)
}

/// Opens the engine beside the serving process.
pub(crate) async fn open(data: &Path, urls: Option<Urls>) -> Result<Engine, Failure> {
    let Installation { public_origin, keys, demo, database } = Installation::read(data)?;
    let urls = urls.or(database.map(Urls::from)).ok_or_else(|| {
        Failure::Told(
            "This installation uses a PostgreSQL server of its own choice. Set DATABASE_URL as for \"serve\".".into(),
        )
    })?;
    let config = Config {
        database: urls.into(),
        keys,
        public_origin,
        demo,
        free_bytes_min: None,
        retract_windows: RetractWindows::default(),
    };
    Ok(Engine::beside(config).await?)
}
