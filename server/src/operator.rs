//! Commands beside a running installation: they write to its database as the operator, and the
//! serving process seals what they write.

use std::path::Path;

use countersign_engine::{Caller, Config, Engine, systems};

use crate::{cli::Failure, config::Urls, serve::Installation};

/// Registers an AI system.
pub(crate) async fn register_system(data: &Path, urls: Option<Urls>, name: &str) -> Result<(), Failure> {
    let engine = open(data, urls).await?;
    let result = systems::register(&engine, &Caller::operator(), name).await;
    engine.stop().await;
    println!("Registered {name} as {}.", result?);

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

async fn open(data: &Path, urls: Option<Urls>) -> Result<Engine, Failure> {
    let Installation { public_origin, keys, demo, database } = Installation::read(data)?;
    let urls = urls.or(database.map(Urls::from)).ok_or_else(|| {
        Failure::Told(
            "This installation uses a PostgreSQL server of its own choice. Set DATABASE_URL as for \"serve\".".into(),
        )
    })?;
    Ok(Engine::beside(Config { database: urls.into(), keys, public_origin, demo }).await?)
}
