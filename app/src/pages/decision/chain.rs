//! `/decisions/{id}/chain`: who answers for a decision, one card per link, down a line. What is missing keeps its place.

use countersign_domain::{
    chain::{Allowed, ChainAct, ChainView, Grant, Lack, Link, LinkKind, Standing, Who, chain_file},
    ids::DecisionId,
};
use leptos::prelude::*;

use super::{BackLine, named};
use crate::{
    Error,
    components::{
        form::Weight,
        holding::Held,
        icons::{Icon, Shape},
        marks::{Chip, SealMark, StateMark, Tone},
        page::{Banner, Bar, PageHeader, PageTitle, Recorded, Refusal, Skeleton, TitleText},
        text::Literal,
        time::Exact,
    },
    wire::Json,
};

/// Shows who answers for a decision; the engine puts that on record.
#[server(prefix = "/act", endpoint = "chain", output = Json)]
pub(crate) async fn chain(id: DecisionId) -> Result<ChainView, Error> {
    use countersign_engine::decisions;

    use crate::request::{request, shown};

    let (engine, caller) = request()?;
    shown(&caller, decisions::chain(&engine, &caller, id).await)
}

/// The page of the accountability chain.
#[component]
pub(crate) fn ChainPage() -> impl IntoView {
    let view = named(chain);

    view! {
        <Transition fallback=|| {
            view! { <Skeleton rows=7/> }
        }>
            {move || Suspend::new(async move {
                match view.await {
                    Ok(shown) => view! { <Whole shown/> }.into_any(),
                    Err(error) => view! { <Refusal error/> }.into_any(),
                }
            })}
        </Transition>
    }
}

#[component]
fn Whole(shown: ChainView) -> impl IntoView {
    let ChainView { decision: id, title, state, recorded, .. } = shown.clone();
    let (bar, summary) = summary(&shown);
    let now = shown.now;
    let last = shown.links.len().saturating_sub(1);
    let links = shown
        .links
        .into_iter()
        .enumerate()
        .map(|(place, link)| view! { <Card link last=place == last/> }.into_any())
        .collect_view();

    view! {
        <PageTitle text=TitleText::chain(id)/>
        <BackLine id/>
        <PageHeader title=|| strings::TITLE>
            <p class="flex flex-wrap items-center gap-x-3 gap-y-1 text-reading [overflow-wrap:anywhere]">
                <span>
                    <Literal text=title/>
                </span>
                <StateMark state outcome=None/>
            </p>
            <p class="hidden font-mono text-compact print:block">{id.to_string()}</p>
        </PageHeader>
        <div class="min-w-0 max-w-3xl">
            <Banner bar>
                <p>{summary}</p>
            </Banner>
            <ol class="grid" aria-label=strings::TITLE>
                {links}
            </ol>
            <div class="mt-4 flex flex-wrap items-center gap-3 print:hidden">
                <a href=format!("/decisions/{id}/chain.json") download=chain_file(id) class=Weight::Plain.class()>
                    <Icon shape=Shape::Download class="size-4"/>
                    {strings::FILE}
                </a>
                <span class="text-compact text-muted">{strings::FILE_TEXT}</span>
            </div>
            <p class="mt-4 text-compact text-muted">{strings::READ_AT} " " <Exact at=now/> "."</p>
            <Recorded entry=recorded/>
        </div>
    }
}

/// Says first what a reader wants to know: whether anything is missing, and what.
fn summary(shown: &ChainView) -> (Bar, String) {
    let names = |wanted: fn(&Link) -> bool| -> Vec<&'static str> {
        let mut names: Vec<_> = shown.links.iter().filter(|link| wanted(link)).map(|link| heading(link.kind)).collect();
        names.dedup();
        names
    };
    let missing = names(Link::is_missing);
    let waiting = names(|link| link.standing == Standing::Waiting);
    let later = match waiting.is_empty() {
        true => String::new(),
        false => format!(" Not there yet: {}.", waiting.join(", ")),
    };
    match missing.len() {
        0 => (Bar::Done, format!("No link of this chain is missing.{later}")),
        _ => (Bar::Stale, format!("Missing in this chain: {}.{later}", missing.join(", "))),
    }
}

const fn heading(kind: LinkKind) -> &'static str {
    match kind {
        LinkKind::AgentKey => "Key of the AI system",
        LinkKind::Owner => "Owner of the AI system",
        LinkKind::Policy => "Policy",
        LinkKind::Review => "Review",
        LinkKind::Delegation => "Delegation",
        LinkKind::Resolution => "Resolution",
        LinkKind::Release => "Answer told",
        LinkKind::Outcome => "Outcome",
    }
}

const fn shape(kind: LinkKind) -> Shape {
    match kind {
        LinkKind::AgentKey => Shape::Robot,
        LinkKind::Owner => Shape::Person,
        LinkKind::Policy => Shape::Rows,
        LinkKind::Review => Shape::Check,
        LinkKind::Delegation => Shape::Person,
        LinkKind::Resolution => Shape::Seal,
        LinkKind::Release => Shape::Reply,
        LinkKind::Outcome => Shape::Inbox,
    }
}

/// A word for how a link stands, with its colours: those of the chip, of the mark on the line, and of the card's edge.
const fn looks(standing: Standing) -> (Tone, &'static str, &'static str, &'static str) {
    match standing {
        Standing::Present => (
            Tone::Approve,
            "On record",
            "z-1 grid size-9 shrink-0 place-items-center rounded-full border-2 border-approve bg-surface text-approve",
            "min-w-0 flex-1 rounded-dialog border border-hairline bg-surface px-4 py-3",
        ),
        Standing::Missing => (
            Tone::Reject,
            "Missing",
            "z-1 grid size-9 shrink-0 place-items-center rounded-full border-2 border-dashed border-reject bg-surface text-reject",
            "min-w-0 flex-1 rounded-dialog border-2 border-dashed border-reject bg-surface px-4 py-3",
        ),
        Standing::Waiting => (
            Tone::Info,
            "Not yet",
            "z-1 grid size-9 shrink-0 place-items-center rounded-full border-2 border-dashed border-control bg-surface text-muted",
            "min-w-0 flex-1 rounded-dialog border border-dashed border-control bg-surface px-4 py-3",
        ),
        Standing::NotNeeded => (
            Tone::Plain,
            "Not needed",
            "z-1 grid size-9 shrink-0 place-items-center rounded-full border border-control bg-surface text-muted",
            "min-w-0 flex-1 rounded-dialog border border-hairline bg-surface px-4 py-3",
        ),
    }
}

#[component]
fn Card(link: Link, last: bool) -> impl IntoView {
    let erased = link.is_erased();
    let broken = link.standing == Standing::Present && link.lacks.is_some();
    let (tone, word, mark, card) = match broken {
        true => looks(Standing::Missing),
        false => looks(link.standing),
    };
    let word = if broken { strings::BROKEN } else { word };
    let said = link.lacks.as_ref().is_some_and(|lack| lack.why == link.says);
    let line = match last {
        true => "hidden",
        false => "absolute left-[1.0625rem] top-9 bottom-0 w-0.5 bg-hairline print:bg-control",
    };
    let by = match link.acts.first() {
        Some(ChainAct { who: Who::Person { name: Some(name) }, .. }) if link.kind == LinkKind::Review => {
            Some(name.clone())
        }
        _ => None,
    };
    let acts = link.acts.into_iter().map(|act| view! { <Act act/> }.into_any()).collect_view();
    let grants = (!link.grants.is_empty()).then(|| {
        let grants = link.grants.into_iter().map(|grant| view! { <GrantBox grant/> }.into_any()).collect_view();
        view! {
            <div class="grid gap-2">
                <h3 class="text-body font-semibold">{strings::AUTHORITY}</h3>
                {grants}
            </div>
        }
    });

    view! {
        <li class="relative flex gap-3 pb-4 print:break-inside-avoid sm:gap-4">
            <span aria-hidden="true" class=line></span>
            <span aria-hidden="true" class=mark>
                <Icon shape=shape(link.kind) class="size-5"/>
            </span>
            <div class=card>
                <div class="grid grid-cols-1 gap-2">
                    <div class="flex flex-wrap items-center gap-x-3 gap-y-1">
                        <h2 class="text-reading font-semibold [overflow-wrap:anywhere]">
                            {heading(link.kind)} {by.map(|by| view! { " by " <Literal text=by/> })}
                        </h2>
                        <span class=tone.chip()>
                            <Icon shape=standing_shape(tone) class="size-3.5"/>
                            {word}
                        </span>
                        {erased.then(|| view! { <Chip tone=Tone::Escalate text=strings::ERASED/> })}
                    </div>
                    <p class="max-w-measure [overflow-wrap:anywhere]">{link.says}</p>
                    {link.lacks.map(|lack| view! { <Lacking lack said/> })}
                    <ul class="grid gap-2 empty:hidden">{acts}</ul>
                    {grants}
                </div>
            </div>
        </li>
    }
}

const fn standing_shape(tone: Tone) -> Shape {
    match tone {
        Tone::Approve => Shape::Tick,
        Tone::Reject | Tone::Escalate => Shape::Alert,
        Tone::Info => Shape::Clock,
        Tone::Plain => Shape::Minus,
    }
}

/// Why something is not there, unless the card says that already, and what to do about it.
#[component]
fn Lacking(lack: Lack, said: bool) -> impl IntoView {
    view! {
        {(!said).then(|| view! { <p class="max-w-measure font-medium text-reject">{lack.why}</p> })}
        {lack
            .remedy
            .map(|remedy| {
                view! {
                    <p class="max-w-measure text-compact text-muted">
                        <span class="font-medium">{strings::REMEDY}</span>
                        " "
                        {remedy}
                    </p>
                }
            })}
    }
}

#[component]
fn Act(act: ChainAct) -> impl IntoView {
    let rights = act.allowed_by.into_iter().map(|allowed| view! { <Right allowed/> }.into_any()).collect_view();

    view! {
        <li class="grid gap-0.5 border-l-2 border-hairline pl-3">
            <p class="[overflow-wrap:anywhere]">
                <Name who=act.who/>
                " "
                {act.did}
            </p>
            <p class="flex flex-wrap items-center gap-x-3 gap-y-0.5 text-compact text-muted">
                <Exact at=act.at/>
                <SealMark seal=act.seal/>
            </p>
            {rights}
        </li>
    }
}

#[component]
fn Name(who: Who) -> impl IntoView {
    match who {
        Who::Person { name: Some(name) } => view! {
            <strong class="font-semibold">
                <Literal text=name/>
            </strong>
        }
        .into_any(),
        Who::Person { name: None } => view! { <em class="text-escalate">{strings::ERASED_PERSON}</em> }.into_any(),
        Who::System { name, key } => view! {
            <strong class="font-semibold">{name}</strong>
            {key
                .map(|key| {
                    view! {
                        " ("
                        <span class="font-mono text-compact">{key}</span>
                        ")"
                    }
                })}
        }
        .into_any(),
        Who::Countersign => view! { <strong class="font-semibold">"Countersign"</strong> }.into_any(),
        Who::Operator => view! { <strong class="font-semibold">{strings::OPERATOR}</strong> }.into_any(),
        Who::Directory => view! { <strong class="font-semibold">{strings::DIRECTORY}</strong> }.into_any(),
        Who::Anonymous => view! { <strong class="font-semibold">{strings::ANONYMOUS}</strong> }.into_any(),
    }
}

/// What allowed an act.
#[component]
fn Right(allowed: Allowed) -> impl IntoView {
    let says = if allowed.says.is_empty() { strings::UNKNOWN_RIGHT.to_owned() } else { allowed.says };

    view! {
        <p class="text-compact text-muted [overflow-wrap:anywhere]">
            <span class="font-medium">{strings::ALLOWED}</span>
            " "
            {says}
            " "
            <span class="font-mono">{allowed.id}</span>
        </p>
    }
}

#[component]
fn GrantBox(grant: Grant) -> impl IntoView {
    let acts = grant.acts.into_iter().map(|act| view! { <Act act/> }.into_any()).collect_view();

    view! {
        <div class="grid gap-2 rounded-control bg-raised px-3 py-2 print:border print:border-hairline">
            <p>
                <Held holding=grant.holding/>
                <span class="text-muted">{format!(", given {}", grant.source)}</span>
                {grant
                    .ended_at
                    .map(|at| {
                        view! {
                            <span class="text-muted">
                                {strings::ENDED}
                                <Exact at/>
                            </span>
                        }
                    })}
            </p>
            <ul class="grid gap-2 empty:hidden">{acts}</ul>
        </div>
    }
}

mod strings {
    pub(super) const TITLE: &str = "Accountability chain";
    pub(super) const FILE: &str = "Download as JSON";
    pub(super) const FILE_TEXT: &str = "The same links for a program. Taking it is on record.";
    pub(super) const READ_AT: &str = "As the records stood at";
    pub(super) const BROKEN: &str = "Does not add up";
    pub(super) const ERASED: &str = "Person erased";
    pub(super) const ERASED_PERSON: &str = "A person who was erased";
    pub(super) const OPERATOR: &str = "The operator, on the command line,";
    pub(super) const DIRECTORY: &str = "The directory";
    pub(super) const ANONYMOUS: &str = "Nobody known";
    pub(super) const REMEDY: &str = "What to do:";
    pub(super) const ALLOWED: &str = "Right:";
    pub(super) const UNKNOWN_RIGHT: &str = "This build does not know the policy that allowed it.";
    pub(super) const AUTHORITY: &str = "Authority at that time";
    pub(super) const ENDED: &str = "; ended since, at ";
}

#[cfg(test)]
mod tests {
    use countersign_domain::chain::{Gap, Named};

    use super::*;

    #[test]
    fn the_summary_names_what_is_missing_and_what_comes_later() {
        let whole = view(&[(LinkKind::Policy, None), (LinkKind::Outcome, Some(Gap::NothingToRun))]);
        let open = view(&[
            (LinkKind::Owner, Some(Gap::NoOwner)),
            (LinkKind::Review, Some(Gap::NotReviewed)),
            (LinkKind::Outcome, Some(Gap::NoAnswer)),
        ]);

        assert_eq!(summary(&whole), (Bar::Done, "No link of this chain is missing.".to_owned()));
        assert_eq!(
            summary(&open),
            (Bar::Stale, "Missing in this chain: Owner of the AI system. Not there yet: Review, Outcome.".to_owned())
        );
    }

    fn view(links: &[(LinkKind, Option<Gap>)]) -> ChainView {
        let named = Named { system: "refund-agent", at_zero: "expires" };
        let links = links.iter().map(|(kind, gap)| Link {
            kind: *kind,
            standing: gap.map_or(Standing::Present, Gap::standing),
            says: String::new(),
            lacks: gap.map(|gap| gap.lack(named)),
            acts: Vec::new(),
            grants: Vec::new(),
        });
        ChainView {
            decision: "01920000-0000-7000-8000-000000000001".parse().unwrap(),
            title: String::new(),
            system: "refund-agent".into(),
            state: countersign_domain::decision::State::Queued,
            links: links.collect(),
            upto: 1,
            recorded: "01920000-0000-7000-8000-000000000002".parse().unwrap(),
            now: 0,
        }
    }
}
