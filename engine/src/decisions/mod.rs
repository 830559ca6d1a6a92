//! Decisions: proposed by agents, shown to people, reviewed, resolved, and answered.

mod agent;
mod bulk;
mod chain;
mod comments;
mod edit;
mod lease;
mod overrule;
mod page;
mod propose;
mod queue;
mod review;
mod revise;
mod revoke;
mod routing;
mod settle;
mod shown;
mod sign;
mod title;
mod turn;
mod unmask;
mod withdraw;

use countersign_domain::{decision::SealState, view::Seal};

pub use agent::{get, proof, report_outcome, wait};
pub use bulk::{BulkRequest, bulk, bulk_run, review_in_bulk};
pub use chain::{chain, download_chain};
pub use comments::{CommentRequest, comment, comments};
pub(crate) use comments::{PERIOD_MS, SAME_MS, texts, too_many};
pub use edit::{Edits, edit};
pub use lease::{beat, release, start_review, take_over};
pub use overrule::{OverrideRequest, overrule};
pub use page::view;
pub use propose::propose;
pub use queue::{QueueFilter, queue};
pub(crate) use review::{Resolve, resolve, rules};
pub use review::{ReviewRequest, Reviewed, review};
pub use revise::revise;
pub use revoke::{compensate, revoke};
pub(crate) use routing::{Case, ask_open, asked, hand_up, seat_open};
pub use settle::retract;
pub(crate) use settle::settle_due;
pub use shown::shown;
pub use sign::{SignedAnswer, prepare};
pub(crate) use title::titles;
pub use unmask::open_field;
pub use withdraw::withdraw;

use crate::Engine;

/// The first answer to a key of an agent's write, or its repetition.
#[derive(Clone, Debug, PartialEq)]
pub struct Stored {
    /// HTTP status.
    pub status: u16,
    /// The answer.
    pub body: serde_json::Value,
    /// Whether the key had been used with the same content before.
    pub replayed: bool,
}

/// How far an entry with this index has come, as this instance knows the signed head.
pub(crate) fn seal_at(engine: &Engine, index: Option<i64>) -> Seal {
    let index = index.and_then(|index| u64::try_from(index).ok());
    let signed = engine.head.borrow().size;
    match index {
        Some(index) if index < signed => Seal { state: SealState::Sealed, index: Some(index) },
        _ => Seal { state: SealState::Recorded, index: None },
    }
}
