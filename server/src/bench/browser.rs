//! What only a browser can tell: a script that drives one, told where the installation is and who may what.

use std::{path::Path, process::Stdio};

use tokio::process::Command;

use super::desk::Asker;
use crate::cli::Failure;

/// Runs the script in Node and returns the JSON that it prints; what it says of its progress goes to standard error.
pub(super) async fn measure(
    script: &Path,
    asker: &Asker,
    agent_key: &str,
    quick: bool,
) -> Result<serde_json::Value, Failure> {
    let failed = |error: std::io::Error| Failure::Told(format!("running {}: {error}", script.display()));
    let node = std::env::var_os("COUNTERSIGN_NODE").unwrap_or_else(|| "node".into());
    // `output` would keep back what goes to standard error.
    let child = Command::new(node)
        .arg(script)
        .env("COUNTERSIGN_ORIGIN", &asker.origin)
        .env("COUNTERSIGN_COOKIE", &asker.cookie)
        .env("COUNTERSIGN_KEY", agent_key)
        .env("COUNTERSIGN_QUICK", if quick { "1" } else { "0" })
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .kill_on_drop(true)
        .spawn()
        .map_err(failed)?;
    let output = child.wait_with_output().await.map_err(failed)?;
    if !output.status.success() {
        return Err(Failure::Told(format!("{}: {}", script.display(), output.status)));
    }

    serde_json::from_slice(&output.stdout)
        .map_err(|error| Failure::Told(format!("{} printed no JSON: {error}", script.display())))
}
