//! What an engine needs to know at start.

use std::path::PathBuf;

use countersign_domain::policy::RetractWindows;

/// Read once at start; the rest of the code never looks at the environment.
#[derive(Clone, Debug)]
pub struct Config {
    /// How to reach PostgreSQL.
    pub database: Database,
    /// Key directory (mode 0700): signing key, key-encryption keys, high-water file. Never inside the database or its backups.
    pub keys: PathBuf,
    /// The address people and agents use, such as `https://desk.example.org`.
    pub public_origin: String,
    /// A demo installation: invented people, "View as", nothing real.
    pub demo: bool,
    /// Bytes that must be free on the volumes for anything to be taken in; a twentieth of the volume, within
    /// bounds, when absent.
    pub free_bytes_min: Option<u64>,
    /// How long a review may be taken back where the policy does not say.
    pub retract_windows: RetractWindows,
}

/// One connection address per database role.
#[derive(Clone, Debug)]
pub struct Database {
    /// Requests: `countersign_app`.
    pub app: String,
    /// Sealing: `countersign_sequencer`.
    pub sequencer: String,
    /// Migrations: `countersign_owner`.
    pub owner: String,
}

impl Config {
    /// Returns the host of the public origin, without port.
    pub fn host(&self) -> &str {
        let rest = self.public_origin.split_once("://").map_or(self.public_origin.as_str(), |(_, rest)| rest);
        let rest = rest.split('/').next().unwrap_or(rest);
        match rest.strip_prefix('[') {
            Some(bracketed) => bracketed.split(']').next().unwrap_or(bracketed),
            None => rest.split(':').next().unwrap_or(rest),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_has_no_scheme_and_no_port() {
        for (origin, host) in [
            ("https://desk.example.org", "desk.example.org"),
            ("http://127.0.0.1:3000", "127.0.0.1"),
            ("http://[::1]:3000", "::1"),
        ] {
            let database = Database { app: String::new(), sequencer: String::new(), owner: String::new() };
            let config = Config {
                database,
                keys: PathBuf::new(),
                public_origin: origin.into(),
                demo: false,
                free_bytes_min: None,
                retract_windows: RetractWindows::default(),
            };
            assert_eq!(config.host(), host);
        }
    }
}
