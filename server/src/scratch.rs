//! A database for an installation that lives as long as one command: durable, in an empty directory, nothing in it real.

use std::path::{Path, PathBuf};

use countersign_domain::policy::RetractWindows;

use crate::{
    cli::Failure,
    config::{Postgres, Serve},
    serve::{self, Embedded},
};

/// Starts PostgreSQL in a directory and says how an engine reaches it.
///
/// # Errors
///
/// When PostgreSQL or the directory refuses.
pub(crate) async fn open(
    data: &Path,
    pg_bin: Option<PathBuf>,
) -> Result<(countersign_engine::Config, Option<Embedded>), Failure> {
    let config = Serve {
        data: data.to_owned(),
        keys: data.join("keys"),
        port: 0,
        public_origin: None,
        trusted_proxies: Vec::new(),
        allowed_networks: Vec::new(),
        plain_http: false,
        demo: true,
        demo_days: 0,
        free_bytes_min: None,
        retract_windows: RetractWindows::NONE,
        postgres: Postgres::Embedded { programs: pg_bin, user: None, socket_dir: None, keep: false },
        site: PathBuf::new(),
    };
    let (urls, cluster) = serve::open_database(&config).await?;
    serve::private_dir(&config.keys)?;
    let engine = countersign_engine::Config {
        database: urls.into(),
        keys: config.keys,
        public_origin: "http://127.0.0.1".into(),
        demo: true,
        free_bytes_min: None,
        retract_windows: RetractWindows::NONE,
    };

    Ok((engine, cluster))
}
