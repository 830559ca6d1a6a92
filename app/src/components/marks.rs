//! States as words with shapes: never colour alone.

use countersign_domain::{
    decision::{ResolutionOutcome, Risk, SealState, State, Verdict},
    view::Seal,
};
use leptos::prelude::*;

use super::icons::{Icon, Shape};

/// Which colours a chip wears.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    /// Nothing to notice.
    Plain,
    /// Approved.
    Approve,
    /// Rejected, over.
    Reject,
    /// Wants attention.
    Escalate,
    /// Under way.
    Info,
}

impl Tone {
    pub(crate) const fn chip(self) -> &'static str {
        match self {
            Tone::Plain => {
                "inline-flex items-center gap-1 rounded-chip px-1.5 py-px text-compact font-medium whitespace-nowrap bg-raised text-text forced-colors:border"
            }
            Tone::Approve => {
                "inline-flex items-center gap-1 rounded-chip px-1.5 py-px text-compact font-medium whitespace-nowrap bg-approve-tint text-approve-ink forced-colors:border"
            }
            Tone::Reject => {
                "inline-flex items-center gap-1 rounded-chip px-1.5 py-px text-compact font-medium whitespace-nowrap bg-reject-tint text-reject-ink forced-colors:border"
            }
            Tone::Escalate => {
                "inline-flex items-center gap-1 rounded-chip px-1.5 py-px text-compact font-medium whitespace-nowrap bg-escalate-tint text-escalate-ink forced-colors:border"
            }
            Tone::Info => {
                "inline-flex items-center gap-1 rounded-chip px-1.5 py-px text-compact font-medium whitespace-nowrap bg-info-tint text-info-ink forced-colors:border"
            }
        }
    }
}

/// A short word in a tinted box.
#[component]
pub(crate) fn Chip(tone: Tone, #[prop(into)] text: String) -> impl IntoView {
    view! { <span class=tone.chip()>{text}</span> }
}

/// The risk: a shape and its word.
#[component]
pub(crate) fn RiskMark(level: Risk) -> impl IntoView {
    let (shape, word, class) = match level {
        Risk::High => ("▲", "High", "inline-flex items-center gap-1.5 font-medium whitespace-nowrap text-reject"),
        Risk::Medium => ("◆", "Medium", "inline-flex items-center gap-1.5 font-medium whitespace-nowrap text-escalate"),
        Risk::Low => ("●", "Low", "inline-flex items-center gap-1.5 font-medium whitespace-nowrap text-muted"),
    };

    view! {
        <span class=class>
            <span aria-hidden="true" class="text-[11px]">
                {shape}
            </span>
            {word}
            <span class="sr-only">" risk"</span>
        </span>
    }
}

/// Returns the words of a state.
pub(crate) const fn state_words(state: State) -> &'static str {
    match state {
        State::Received => "Received",
        State::Queued => "Waits for review",
        State::InReview => "In review",
        State::ChangesRequested => "Change asked for",
        State::Settling => "Decided, not final yet",
        State::Resolved => "Resolved",
        State::Released => "Released to the AI system",
        State::Closed => "Closed",
    }
}

/// Returns the words of a final word.
pub(crate) const fn outcome_words(outcome: ResolutionOutcome) -> &'static str {
    match outcome {
        ResolutionOutcome::Approved => "Approved",
        ResolutionOutcome::Rejected => "Rejected",
        ResolutionOutcome::Expired => "Expired",
        ResolutionOutcome::Withdrawn => "Withdrawn",
        ResolutionOutcome::Revoked => "Revoked",
    }
}

/// Where a decision stands.
#[component]
pub(crate) fn StateMark(state: State, outcome: Option<ResolutionOutcome>) -> impl IntoView {
    let (tone, text) = match outcome {
        Some(outcome @ ResolutionOutcome::Approved) => (Tone::Approve, outcome_words(outcome)),
        Some(outcome @ (ResolutionOutcome::Rejected | ResolutionOutcome::Revoked)) => {
            (Tone::Reject, outcome_words(outcome))
        }
        Some(outcome @ (ResolutionOutcome::Expired | ResolutionOutcome::Withdrawn)) => {
            (Tone::Plain, outcome_words(outcome))
        }
        None if state.is_open() => (Tone::Info, state_words(state)),
        None => (Tone::Plain, state_words(state)),
    };

    view! { <Chip tone text/> }
}

/// A ruling, with its icon.
#[component]
pub(crate) fn VerdictMark(verdict: Verdict) -> impl IntoView {
    view! {
        <span class=verdict_tone(verdict).chip()>
            <Icon shape=verdict_shape(verdict) class="size-3.5"/>
            {verdict_words(verdict)}
        </span>
    }
}

/// Returns the icon of a ruling.
pub(crate) const fn verdict_shape(verdict: Verdict) -> Shape {
    match verdict {
        Verdict::Approve => Shape::Tick,
        Verdict::ApproveWithEdits => Shape::Pencil,
        Verdict::RequestChanges => Shape::Reply,
        Verdict::Escalate => Shape::Up,
        Verdict::Reject => Shape::Cross,
        Verdict::Abstain => Shape::Minus,
        Verdict::Defer => Shape::Clock,
    }
}

/// Returns the colours of a ruling.
pub(crate) const fn verdict_tone(verdict: Verdict) -> Tone {
    match verdict {
        Verdict::Approve => Tone::Approve,
        Verdict::ApproveWithEdits | Verdict::RequestChanges => Tone::Info,
        Verdict::Escalate => Tone::Escalate,
        Verdict::Reject => Tone::Reject,
        Verdict::Abstain | Verdict::Defer => Tone::Plain,
    }
}

/// Returns the words of a ruling that somebody gave.
pub(crate) const fn verdict_words(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Approve => "Approved",
        Verdict::ApproveWithEdits => "Approved with edits",
        Verdict::RequestChanges => "Asked for changes",
        Verdict::Escalate => "Escalated",
        Verdict::Reject => "Rejected",
        Verdict::Abstain => "Abstained",
        Verdict::Defer => "Put off",
    }
}

/// Returns the words of a seal.
pub(crate) fn seal_words(seal: Seal) -> String {
    match (seal.state, seal.index) {
        (SealState::Recorded, _) | (_, None) => "Recorded, not sealed yet".into(),
        (SealState::Sealed, Some(index)) => format!("Sealed #{index}"),
        (SealState::Published, Some(index)) => format!("Published #{index}"),
    }
}

/// How far an entry has come, linked to the entry once it has its place.
#[component]
pub(crate) fn SealMark(seal: Seal) -> impl IntoView {
    let words = seal_words(seal);
    match seal.index {
        Some(index) => view! {
            <a
                href=format!("/ledger/{index}")
                class="inline-flex items-center gap-1 rounded-chip whitespace-nowrap text-compact text-muted tabular-nums hover:text-accent hover:underline no-underline"
            >
                <Icon shape=Shape::Seal class="size-3.5 text-approve"/>
                {words}
            </a>
        }
        .into_any(),
        None => view! {
            <span class="inline-flex items-center gap-1 whitespace-nowrap text-compact text-muted">
                <Icon shape=Shape::Clock class="size-3.5"/>
                {words}
            </span>
        }
        .into_any(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seal_is_named_only_with_its_place() {
        let seal = |state, index| seal_words(Seal { state, index });

        assert_eq!(seal(SealState::Recorded, None), "Recorded, not sealed yet");
        assert_eq!(seal(SealState::Sealed, Some(48_213)), "Sealed #48213");
        assert_eq!(seal(SealState::Published, Some(7)), "Published #7");
    }
}
