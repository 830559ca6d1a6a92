//! What another person looks at afterwards, wherever it is shown.

use countersign_domain::overrides::{PostReview, PostReviewKind, PostReviewResult, PostReviewed};
use leptos::prelude::*;

use super::{
    marks::{Chip, SealMark, Tone},
    text::{Literal, Prose},
    time::Moment,
};

/// Returns the address at which one act is looked at.
pub(crate) fn post_review_address(review: &PostReview) -> String {
    format!("/post-reviews?act={}", review.act)
}

/// Returns the word of a kind.
pub(crate) const fn act_words(kind: PostReviewKind) -> &'static str {
    match kind {
        PostReviewKind::Override => "Override",
        PostReviewKind::Revocation => "Revocation",
        PostReviewKind::BreakGlass => "Emergency sign-in",
    }
}

/// Where a post-review stands, in a chip.
#[component]
pub(crate) fn PostReviewMark(review: PostReview, now: u64) -> impl IntoView {
    let overdue = review.is_overdue(now);
    match review.given.map(|given| given.result) {
        Some(PostReviewResult::Upheld) => view! { <Chip tone=Tone::Approve text=strings::UPHELD/> },
        Some(PostReviewResult::NotUpheld) => view! { <Chip tone=Tone::Reject text=strings::NOT_UPHELD/> },
        None if overdue => view! { <Chip tone=Tone::Escalate text=strings::OVERDUE/> },
        None => view! { <Chip tone=Tone::Info text=strings::WAITS/> },
    }
}

/// Until when somebody has to look at it, or what they said.
#[component]
pub(crate) fn PostReviewState(review: PostReview, now: u64) -> impl IntoView {
    let (due_at, given) = (review.due_at, review.given.clone());

    view! {
        <div class="grid gap-1">
            <p class="flex flex-wrap items-center gap-x-3 gap-y-1">
                <PostReviewMark review now/>
                {match &given {
                    Some(PostReviewed { by, at, seal, .. }) => {
                        let (by, at, seal) = (by.clone(), *at, *seal);
                        view! {
                            <span class="font-medium">
                                <Literal text=by/>
                            </span>
                            <Moment at/>
                            <SealMark seal/>
                        }
                            .into_any()
                    }
                    None => view! { <span>{strings::UNTIL} " " <Moment at=due_at/></span> }.into_any(),
                }}
            </p>
            {given.map(|given| view! { <Prose text=given.reason/> })}
        </div>
    }
}

mod strings {
    pub(super) const UPHELD: &str = "Upheld";
    pub(super) const NOT_UPHELD: &str = "Not upheld";
    pub(super) const OVERDUE: &str = "Overdue";
    pub(super) const WAITS: &str = "Waits for another person";
    pub(super) const UNTIL: &str = "Until";
}
