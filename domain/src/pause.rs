//! Pauses of AI systems, as pages show them.

use serde::{Deserialize, Serialize};

use crate::ids::{EntryId, SystemId};

/// A running pause.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShownPause {
    /// The entry that paused, which names the pause.
    pub entry: EntryId,
    /// The system.
    pub system: SystemId,
    /// Its name.
    pub system_name: String,
    /// Who paused it, by name, or "erased".
    pub by: String,
    /// Since when, in milliseconds since 1970 UTC.
    pub at: u64,
    /// Why.
    pub reason: String,
}

/// The page of pauses: the systems in the reader's scope, or the one they chose.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PausesView {
    /// Paused systems first, then by name; empty where one is chosen.
    pub systems: Vec<PausableSystem>,
    /// What pausing or resuming the chosen one would do.
    pub chosen: Option<ChosenSystem>,
    /// Server time.
    pub now: u64,
}

/// A system, and whether it is paused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PausableSystem {
    /// The system.
    pub id: SystemId,
    /// Its name.
    pub name: String,
    /// The pause that runs.
    pub pause: Option<ShownPause>,
}

/// A system before it is paused or resumed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChosenSystem {
    /// The system and its pause.
    pub system: PausableSystem,
    /// Its open decisions.
    pub open_count: u64,
    /// Its approvals that were not told to it.
    pub untold_count: u64,
    /// Why this person may not do what comes next: pause it, or resume it.
    pub barred: Option<String>,
}
