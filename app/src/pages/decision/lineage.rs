//! Where a result came from, as a picture: each version, the rule that routed it, who ruled on which, what followed.
//!
//! One line runs down from the first version to the newest thing that happened. Reviews stand beside it: what led on is
//! joined to the line, what is void or was taken back only by dashes. A list behind the picture says the same, uncut.

use std::collections::BTreeSet;

use countersign_domain::{
    decision::{Effect, OutcomeResult, ResolutionOutcome, ReviewState, State, Verdict},
    policy::Route,
    text::{Segment, segments},
    view::{DecisionView, OutcomeRow, ResolutionSection, ReviewRow, VersionRow},
};
use leptos::prelude::*;

use super::sections::{maker_words, reach_words, result_words};
use crate::{
    components::{
        dialogue::Disclosure,
        marks::{Tone, outcome_words, state_words, verdict_tone, verdict_words},
        text::Literal,
        time::Moment,
    },
    pages::queue::quorum,
};

/// Steps that are drawn; what is older than these is one step.
const STEPS_MAX: usize = 40;

/// What is drawn, of a decision.
struct Story<'a> {
    versions: &'a [VersionRow],
    rule: (&'a str, Route),
    /// When that rule was asked last.
    routed_at: Option<u64>,
    /// When it went to the senior approvers, and by whom, where a person handed it up.
    escalated: Option<(u64, Option<&'a str>)>,
    /// Approvals there are, and needed.
    approvals: (u64, u64),
    reviews: &'a [ReviewRow],
    state: State,
    settling: Option<ResolutionOutcome>,
    resolution: Option<&'a ResolutionSection>,
    outcomes: &'a [OutcomeRow],
}

impl<'a> Story<'a> {
    fn of(shown: &'a DecisionView) -> Self {
        Self {
            versions: &shown.versions,
            rule: (&shown.policy.name, shown.policy.route),
            routed_at: shown.history.iter().rev().find(|row| row.kind == "decision.routed").map(|row| row.at),
            escalated: shown.policy.escalated_at.map(|at| (at, shown.policy.escalated_by.as_deref())),
            approvals: (shown.policy.given, shown.policy.need),
            reviews: &shown.reviews,
            state: shown.state,
            settling: shown.settling.as_ref().map(|settling| settling.outcome),
            resolution: shown.resolution.as_ref(),
            outcomes: &shown.outcomes,
        }
    }

    /// When the version after this one came; never for the newest.
    fn next_at(&self, place: usize) -> u64 {
        self.versions.get(place + 1).map_or(u64::MAX, |next| next.at)
    }

    /// Before anything happened there is nothing to draw.
    fn is_told(&self) -> bool {
        self.versions.len() > 1 || !self.reviews.is_empty() || self.resolution.is_some()
    }
}

/// How a step is joined to what follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Joined {
    /// It led there.
    Led,
    /// It stands, and what followed did not come of it.
    Beside,
    /// It is void, was taken back, or is still to come.
    Dashed,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Step {
    title: String,
    text: String,
    at: Option<u64>,
    tone: Tone,
    joined: Joined,
    /// A review stands beside the line; everything else is on it.
    aside: bool,
}

impl Step {
    fn on_line(title: impl Into<String>, text: impl Into<String>, at: Option<u64>, tone: Tone) -> Self {
        Self { title: title.into(), text: text.into(), at, tone, joined: Joined::Led, aside: false }
    }
}

fn steps(story: &Story<'_>) -> Vec<Step> {
    let mut steps = Vec::new();
    for (place, version) in story.versions.iter().enumerate() {
        let newest = place + 1 == story.versions.len();
        let made = format!("{} {}", maker_words(version.maker), version.by);
        steps.push(Step::on_line(format!("Version {}", version.number), made, Some(version.at), Tone::Plain));
        let mut round = Vec::new();
        if newest {
            let (name, route) = story.rule;
            round.push(Step::on_line(format!("Rule {name}"), route.label(), story.routed_at, Tone::Plain));
        }
        let reviews = story.reviews.iter().filter(|review| review.round == version.number);
        round.extend(reviews.map(|review| aside(story, review, newest)));
        if let Some((at, by)) = story.escalated.filter(|(at, _)| story.next_at(place) > *at && *at >= version.at) {
            let by = by.map_or_else(|| strings::BY_DEADLINE.to_owned(), |by| format!("by {by}"));
            round.push(Step::on_line(strings::HANDED_UP, by, Some(at), Tone::Escalate));
        }
        // Reviews of an earlier rule came before the one that is asked now.
        round.sort_by_key(|step| step.at);
        steps.append(&mut round);
    }
    match story.resolution {
        Some(resolution) => steps.extend(ending(story, resolution)),
        None => steps.push(open(story)),
    }
    grouped(steps)
}

fn aside(story: &Story<'_>, review: &ReviewRow, newest: bool) -> Step {
    let by_itself = story
        .resolution
        .is_some_and(|resolution| resolution.by_rule.is_some() || resolution.by_grant.is_some() || resolution.by_pause);
    let led = match review.verdict {
        // The next version came of it, even where the approval in it does not count.
        Verdict::ApproveWithEdits | Verdict::RequestChanges if !newest => review.state != ReviewState::Retracted,
        _ if review.state != ReviewState::Submitted || !newest => false,
        Verdict::Escalate | Verdict::RequestChanges => true,
        Verdict::Abstain | Verdict::Defer => false,
        _ if by_itself => false,
        verdict => match story.resolution.map(ResolutionSection::given).or(story.settling) {
            Some(ResolutionOutcome::Approved) => verdict != Verdict::Reject,
            Some(ResolutionOutcome::Rejected) => verdict == Verdict::Reject,
            Some(_) => false,
            None => true,
        },
    };
    let standing = match review.state {
        ReviewState::Submitted if led || !review.verdict.counts() => "",
        ReviewState::Submitted => "not counted · ",
        ReviewState::Retracted => "taken back · ",
        ReviewState::Void => "void · ",
    };
    let joined = match (led, review.state) {
        (true, _) => Joined::Led,
        (false, ReviewState::Submitted) => Joined::Beside,
        (false, ReviewState::Retracted | ReviewState::Void) => Joined::Dashed,
    };
    Step {
        title: verdict_words(review.verdict).into(),
        text: format!("{standing}{}", review.person),
        at: Some(review.at),
        tone: verdict_tone(review.verdict),
        joined,
        aside: true,
    }
}

/// What the decision waits for.
fn open(story: &Story<'_>) -> Step {
    let (given, need) = story.approvals;
    let (title, text) = match story.settling {
        Some(outcome) => (outcome_words(outcome), state_words(story.state).to_owned()),
        None => (state_words(story.state), quorum(given, need)),
    };
    Step { joined: Joined::Dashed, ..Step::on_line(title, text, None, Tone::Plain) }
}

/// The result, and what came after it in the order of time.
fn ending(story: &Story<'_>, resolution: &ResolutionSection) -> Vec<Step> {
    let given = resolution.given();
    let by = match resolution {
        ResolutionSection { by_rule: Some(rule), .. } => format!("by {rule}"),
        ResolutionSection { by_grant: Some(_), .. } => "by a grant".into(),
        ResolutionSection { by_pause: true, .. } => "the AI system was paused".into(),
        _ => match given {
            ResolutionOutcome::Expired => "at the deadline".into(),
            ResolutionOutcome::Withdrawn => "by the AI system".into(),
            _ => "by review".into(),
        },
    };
    let told = [
        resolution.released_at,
        resolution.overridden.as_ref().and_then(|overridden| overridden.told_at),
        resolution.revoked.as_ref().and_then(|revoked| revoked.told_at),
    ];
    // One reading tells the newest word only, and more than one of them names its moment.
    let told: BTreeSet<_> = told.into_iter().flatten().collect();
    let mut later: Vec<_> =
        told.into_iter().map(|at| Step::on_line(strings::TOLD, strings::TOLD_TEXT, Some(at), Tone::Plain)).collect();
    if let Some(overridden) = &resolution.overridden {
        let word = outcome_words(ResolutionOutcome::Approved);
        let by = format!("override by {}", overridden.by);
        later.push(Step::on_line(word, by, Some(overridden.at), Tone::Escalate));
    }
    if let Some(revoked) = &resolution.revoked {
        let word = outcome_words(ResolutionOutcome::Revoked);
        later.push(Step::on_line(word, format!("by {}", revoked.by), Some(revoked.at), Tone::Reject));
    }
    later.extend(story.outcomes.iter().map(|outcome| {
        let tone = match (outcome.result, outcome.effect) {
            (OutcomeResult::Failed, _) => Tone::Escalate,
            (_, Effect::Full | Effect::Partial) => Tone::Info,
            _ => Tone::Plain,
        };
        Step::on_line(result_words(outcome.result), reach_words(outcome.effect), Some(outcome.at), tone)
    }));
    later.sort_by_key(|step| step.at);
    let tone = match given {
        ResolutionOutcome::Approved => Tone::Approve,
        ResolutionOutcome::Rejected | ResolutionOutcome::Revoked => Tone::Reject,
        ResolutionOutcome::Expired | ResolutionOutcome::Withdrawn => Tone::Plain,
    };
    let mut steps = vec![Step::on_line(outcome_words(given), by, Some(resolution.at), tone)];
    steps.append(&mut later);
    steps
}

/// Puts the oldest steps into one when there are more than can be read.
fn grouped(steps: Vec<Step>) -> Vec<Step> {
    match steps.len().checked_sub(STEPS_MAX) {
        None | Some(0) => steps,
        Some(over) => {
            // The step that stands for them takes a place too.
            let (older, newer) = steps.split_at(over + 1);
            let first =
                Step::on_line(format!("{} earlier steps", older.len()), strings::EARLIER_TEXT, None, Tone::Plain);
            std::iter::once(first).chain(newer.iter().cloned()).collect()
        }
    }
}

/// Says what the picture shows.
fn caption(story: &Story<'_>) -> String {
    let counted = |count: usize, one: &str, many: &str| match count {
        0 => format!("no {one}"),
        1 => format!("1 {one}"),
        _ => format!("{count} {many}"),
    };
    let gone = story.reviews.iter().filter(|review| review.state != ReviewState::Submitted).count();
    let gone = match gone {
        0 => String::new(),
        _ if gone == story.reviews.len() => ", void or taken back".into(),
        _ => format!(", {gone} of them void or taken back"),
    };
    let result = match story.resolution {
        Some(resolution) => outcome_words(resolution.outcome),
        None => state_words(story.state),
    };
    format!(
        "{}, {}{gone}. {result}.",
        counted(story.versions.len(), "version", "versions"),
        counted(story.reviews.len(), "review", "reviews"),
    )
}

const WIDTH: usize = 360;
const MIDDLE: usize = WIDTH / 2;
const BOX_HEIGHT: usize = 46;
const ROW: usize = BOX_HEIGHT + 20;
/// Width of a box on the line, and of one beside it.
const WIDE: usize = 256;
const NARROW: usize = 160;

/// Where each step stands: left edge and top of its box, in units of the picture; and the height of the picture.
fn places(steps: &[Step]) -> (Vec<(usize, usize)>, usize) {
    let mut places = Vec::new();
    let (mut row, mut right) = (0, false);
    for (place, step) in steps.iter().enumerate() {
        let pairs = step.aside && place > 0 && steps[place - 1].aside && !right;
        row += usize::from(place > 0 && !pairs);
        right = pairs;
        let left = match (step.aside, right) {
            (false, _) => MIDDLE - WIDE / 2,
            (true, false) => 2,
            (true, true) => WIDTH - NARROW - 2,
        };
        places.push((left, row * ROW + 2));
    }
    (places, row * ROW + BOX_HEIGHT + 4)
}

/// Text of the picture: what hides in it is named, and what does not fit is cut; the list has it whole. Characters that are
/// as wide as two count twice.
fn fitted(text: &str, most: usize) -> String {
    let whole: String = segments(text)
        .into_iter()
        .map(|segment| match segment {
            Segment::Plain(text) => text,
            Segment::Marked { code, .. } => code,
        })
        .collect();
    let mut width = 0;
    let mut fits = String::new();
    for character in whole.chars() {
        width += if is_wide(character) { 2 } else { 1 };
        if width > most {
            fits.pop();
            fits.push('…');
            break;
        }
        fits.push(character);
    }
    fits
}

/// Han, Kana, Hangul, full-width forms and pictures (the wide ranges of Unicode Standard Annex 11).
const fn is_wide(character: char) -> bool {
    matches!(character, '\u{1100}'..='\u{115f}' | '\u{2e80}'..='\u{a4cf}' | '\u{ac00}'..='\u{d7a3}'
        | '\u{f900}'..='\u{faff}' | '\u{fe30}'..='\u{fe6f}' | '\u{ff00}'..='\u{ff60}' | '\u{ffe0}'..='\u{ffe6}'
        | '\u{1f300}'..='\u{1faff}' | '\u{20000}'..='\u{3fffd}')
}

/// The picture of a decision's way, once anything happened.
pub(super) fn lineage(shown: &DecisionView) -> Option<AnyView> {
    let story = Story::of(shown);
    if !story.is_told() {
        return None;
    }
    let steps = steps(&story);
    let figure = view! {
        <div class="grid gap-3">
            <h3 class="text-body font-semibold">{strings::TITLE}</h3>
            <figure class="grid gap-3">
                <figcaption id="lineage-caption" class="max-w-measure">
                    {caption(&story)}
                </figcaption>
                {picture(&steps)}
                <Disclosure summary=strings::LIST>{list(steps)}</Disclosure>
            </figure>
        </div>
    };
    Some(figure.into_any())
}

fn picture(steps: &[Step]) -> AnyView {
    let (places, height) = places(steps);
    let lines = steps
        .iter()
        .zip(&places)
        .enumerate()
        .map(|(place, (step, (left, top)))| {
            let y = top + BOX_HEIGHT / 2;
            let (class, dashes) = stroke(step);
            match step.aside {
                true => {
                    let edge = if *left < MIDDLE { left + NARROW } else { *left };
                    view! { <line x1=edge y1=y x2=MIDDLE y2=y class=class stroke-width="2" stroke-dasharray=dashes/> }
                        .into_any()
                }
                // From the box on the line above, past the reviews between.
                false => {
                    let above = (0..place).rev().find(|above| !steps[*above].aside);
                    above
                        .map(|above| {
                            let from = places[above].1 + BOX_HEIGHT;
                            view! { <line x1=MIDDLE y1=from x2=MIDDLE y2=*top class="stroke-control" stroke-width="2" stroke-dasharray=dashes/> }
                        })
                        .into_any()
                }
            }
        })
        .collect_view();
    let boxes = steps
        .iter()
        .zip(&places)
        .map(|(step, (left, top))| {
            let (width, most) = if step.aside { (NARROW, 21) } else { (WIDE, 36) };
            let (_, dashes) = stroke(step);
            let title = if step.aside && step.joined == Joined::Dashed {
                "fill-text text-[13px] font-semibold line-through"
            } else {
                "fill-text text-[13px] font-semibold"
            };
            view! {
                <rect
                    x=*left
                    y=*top
                    width=width
                    height=BOX_HEIGHT
                    rx="6"
                    class=filling(step)
                    stroke-width="1.5"
                    stroke-dasharray=dashes
                />
                // A picture of its own clips what is wider than its characters promised.
                <svg x=*left y=*top width=width - 4 height=BOX_HEIGHT>
                    <text x="10" y="19" class=title>
                        {fitted(&step.title, most)}
                    </text>
                    <text x="10" y="36" class="fill-text text-[12px]">
                        {fitted(&step.text, most + 2)}
                    </text>
                </svg>
            }
            .into_any()
        })
        .collect_view();

    view! {
        <svg
            role="img"
            aria-labelledby="lineage-caption"
            viewBox=format!("0 0 {WIDTH} {height}")
            width=WIDTH
            height=height
            class="h-auto max-w-full"
        >
            {lines}
            {boxes}
        </svg>
    }
    .into_any()
}

/// The line that joins a step, and its dashes.
const fn stroke(step: &Step) -> (&'static str, &'static str) {
    let class = match (step.joined, step.tone) {
        (Joined::Beside | Joined::Dashed, _) | (Joined::Led, Tone::Plain) => "stroke-control",
        (Joined::Led, Tone::Approve) => "stroke-approve",
        (Joined::Led, Tone::Reject) => "stroke-reject",
        (Joined::Led, Tone::Escalate) => "stroke-escalate",
        (Joined::Led, Tone::Info) => "stroke-info",
    };
    let dashes = match step.joined {
        Joined::Led | Joined::Beside => "none",
        Joined::Dashed => "4 3",
    };
    (class, dashes)
}

const fn filling(step: &Step) -> &'static str {
    match (step.joined, step.tone) {
        (Joined::Beside | Joined::Dashed, _) => "fill-surface stroke-control",
        (Joined::Led, Tone::Plain) => "fill-raised stroke-control",
        (Joined::Led, Tone::Approve) => "fill-approve-tint stroke-approve",
        (Joined::Led, Tone::Reject) => "fill-reject-tint stroke-reject",
        (Joined::Led, Tone::Escalate) => "fill-escalate-tint stroke-escalate",
        (Joined::Led, Tone::Info) => "fill-info-tint stroke-info",
    }
}

fn list(steps: Vec<Step>) -> AnyView {
    let rows = steps
        .into_iter()
        .map(|step| {
            let class = if step.aside { "flex flex-wrap gap-x-2 pl-6" } else { "flex flex-wrap gap-x-2" };
            view! {
                <li class=class>
                    <span class="font-medium">{step.title}</span>
                    <span class="[overflow-wrap:anywhere]">
                        <Literal text=step.text/>
                    </span>
                    {step.at.map(|at| view! { <span class="text-muted"><Moment at/></span> })}
                </li>
            }
            .into_any()
        })
        .collect_view();
    view! { <ol class="grid gap-1">{rows}</ol> }.into_any()
}

mod strings {
    pub(super) const TITLE: &str = "Lineage";
    pub(super) const LIST: &str = "Lineage as a list";
    pub(super) const HANDED_UP: &str = "Handed to the senior approvers";
    pub(super) const BY_DEADLINE: &str = "at the deadline";
    pub(super) const TOLD: &str = "Told";
    pub(super) const TOLD_TEXT: &str = "the AI system read the answer";
    pub(super) const EARLIER_TEXT: &str = "they stand under Timeline";
}

#[cfg(test)]
mod tests {
    use countersign_domain::{decision::SealState, ids::EntryId, lineage::Maker, view::Seal};

    use super::*;

    #[test]
    fn an_edit_leads_to_its_version_and_what_it_made_void_is_dashed() {
        let versions = [version(1, Maker::Proposed, "refund-agent"), version(2, Maker::Edited, "Approver B")];
        let reviews = [
            review(1, Verdict::Approve, ReviewState::Void),
            review(1, Verdict::ApproveWithEdits, ReviewState::Void),
            review(2, Verdict::Approve, ReviewState::Submitted),
            review(2, Verdict::Reject, ReviewState::Retracted),
        ];
        let resolution = resolution(ResolutionOutcome::Approved);
        let story = Story { resolution: Some(&resolution), ..story(&versions, &reviews) };

        let drawn: Vec<_> = steps(&story).into_iter().map(|step| (step.title, step.aside, step.joined)).collect();

        let led = |title: &str, aside| (title.to_owned(), aside, Joined::Led);
        let dashed = |title: &str| (title.to_owned(), true, Joined::Dashed);
        assert_eq!(
            drawn,
            [
                led("Version 1", false),
                dashed("Approved"),
                led("Approved with edits", true),
                led("Version 2", false),
                led("Rule refund-small", false),
                led("Approved", true),
                dashed("Rejected"),
                led("Approved", false),
                led("Told", false),
            ]
        );
        assert_eq!(caption(&story), "2 versions, 4 reviews, 3 of them void or taken back. Approved.");
    }

    #[test]
    fn an_approval_beside_a_rejection_stands_and_leads_to_nothing() {
        let versions = [version(1, Maker::Proposed, "refund-agent")];
        let reviews = [
            review(1, Verdict::Approve, ReviewState::Submitted),
            review(1, Verdict::Reject, ReviewState::Submitted),
            review(1, Verdict::Abstain, ReviewState::Submitted),
        ];
        let resolution = resolution(ResolutionOutcome::Rejected);
        let story = Story { resolution: Some(&resolution), ..story(&versions, &reviews) };

        let joined: Vec<_> = steps(&story).into_iter().filter(|step| step.aside).map(|step| step.joined).collect();

        assert_eq!(joined, [Joined::Beside, Joined::Led, Joined::Beside]);
    }

    #[test]
    fn what_a_rule_decides_came_of_no_review_and_one_reading_is_told_once() {
        let versions = [version(1, Maker::Proposed, "refund-agent")];
        let reviews = [review(1, Verdict::Reject, ReviewState::Submitted)];
        let mut resolution = resolution(ResolutionOutcome::Rejected);
        resolution.by_rule = Some("rule refund-large, version 3".into());
        let later = Story { routed_at: Some(5), resolution: Some(&resolution), ..story(&versions, &reviews) };

        let drawn: Vec<_> = steps(&later).into_iter().map(|step| (step.title, step.text)).collect();

        let row = |title: &str, text: &str| (title.to_owned(), text.to_owned());
        assert_eq!(drawn[1], row("Rejected", "not counted · Approver A"), "under the rule before");
        assert_eq!(drawn[2].0, "Rule refund-small");
        assert_eq!(drawn[3], row("Rejected", "by rule refund-large, version 3"));
        assert_eq!(drawn.len(), 5);
    }

    #[test]
    fn a_request_that_was_taken_back_led_to_no_version() {
        let versions = [version(1, Maker::Proposed, "refund-agent"), version(2, Maker::Edited, "Approver B")];
        let reviews = [
            review(1, Verdict::RequestChanges, ReviewState::Retracted),
            review(1, Verdict::ApproveWithEdits, ReviewState::Void),
        ];
        let story = Story { escalated: Some((7, None)), ..story(&versions, &reviews) };

        let drawn: Vec<_> = steps(&story).into_iter().map(|step| (step.title, step.joined)).collect();

        assert_eq!(drawn[1], ("Asked for changes".into(), Joined::Dashed));
        assert_eq!(drawn[2], ("Approved with edits".into(), Joined::Led));
        assert_eq!(drawn[5], ("Handed to the senior approvers".into(), Joined::Led));
        assert_eq!(caption(&story), "2 versions, 2 reviews, void or taken back. Waits for review.");
    }

    #[test]
    fn what_is_open_ends_in_what_it_waits_for() {
        let versions = [version(1, Maker::Proposed, "refund-agent")];
        let reviews = [review(1, Verdict::Approve, ReviewState::Submitted)];

        let last = steps(&story(&versions, &reviews)).pop().unwrap();

        assert_eq!((last.title.as_str(), last.joined), (state_words(State::Queued), Joined::Dashed));
        assert!(!story(&versions, &[]).is_told());
    }

    #[test]
    fn boxes_never_overlap_and_stay_inside() {
        let versions = [version(1, Maker::Proposed, "refund-agent")];
        for count in 0..9 {
            let reviews = vec![review(1, Verdict::Approve, ReviewState::Submitted); count];
            let steps = steps(&story(&versions, &reviews));
            let (places, height) = places(&steps);
            let boxes: Vec<_> = steps
                .iter()
                .zip(places)
                .map(|(step, (left, top))| (left, left + if step.aside { NARROW } else { WIDE }, top))
                .collect();

            for (place, (left, right, top)) in boxes.iter().enumerate() {
                assert!(*right <= WIDTH && top + BOX_HEIGHT <= height, "{count}: {place}");
                for (from, to, other) in &boxes[..place] {
                    assert!(other + BOX_HEIGHT < *top || to < left || right < from, "{count}: {place}");
                }
            }
        }
    }

    #[test]
    fn more_steps_than_can_be_read_are_one() {
        let versions = [version(1, Maker::Proposed, "refund-agent")];
        let reviews = vec![review(1, Verdict::Defer, ReviewState::Submitted); 60];

        let steps = steps(&story(&versions, &reviews));

        assert_eq!(steps.len(), STEPS_MAX);
        // 60 reviews, a version, a rule and what it waits for.
        assert_eq!(steps[0].title, format!("{} earlier steps", 63 - (STEPS_MAX - 1)));
    }

    #[test]
    fn what_hides_in_a_name_is_named_and_what_is_long_is_cut() {
        assert_eq!(fitted("Ann\u{202e}a", 40), "AnnU+202Ea");
        assert_eq!(fitted("Approver of everything", 9), "Approver…");
        assert_eq!(fitted("Approver", 8), "Approver");
        assert_eq!(fitted("承認者A", 6), "承認…");
    }

    fn story<'a>(versions: &'a [VersionRow], reviews: &'a [ReviewRow]) -> Story<'a> {
        Story {
            versions,
            rule: ("refund-small", Route::Require),
            routed_at: Some(0),
            escalated: None,
            approvals: (1, 2),
            reviews,
            state: State::Queued,
            settling: None,
            resolution: None,
            outcomes: &[],
        }
    }

    fn version(number: u64, maker: Maker, by: &str) -> VersionRow {
        VersionRow { number, maker, by: by.into(), at: number - 1, changes: Vec::new(), seal: seal() }
    }

    fn review(round: u64, verdict: Verdict, state: ReviewState) -> ReviewRow {
        ReviewRow {
            person: "Approver A".into(),
            verdict,
            code: None,
            reason: None,
            form: Vec::new(),
            follow_up: None,
            state,
            round,
            retractable: None,
            entry: entry(),
            at: 0,
            seal: seal(),
        }
    }

    fn resolution(outcome: ResolutionOutcome) -> ResolutionSection {
        ResolutionSection {
            outcome,
            by_rule: None,
            by_pause: false,
            by_grant: None,
            at: 1,
            seal: seal(),
            released_at: Some(2),
            overridden: None,
            revoked: None,
            may_revoke: false,
        }
    }

    fn seal() -> Seal {
        Seal { state: SealState::Recorded, index: None }
    }

    fn entry() -> EntryId {
        "01920000-0000-7000-8000-000000000001".parse().unwrap()
    }
}
