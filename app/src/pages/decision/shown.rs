//! `/decisions/{id}/shown/{review}`: what a reviewer's page showed, drawn again, and whether it is what was sealed.

use countersign_domain::{
    decision_type::Kind,
    event::Disclosed,
    ids::{DecisionId, EntryId},
    shown::{Beside, Difference, ShownView, said::Said},
    view::{Field, Mode, Section as Place},
};
use leptos::prelude::*;
use leptos_router::hooks::use_params_map;

use super::{BackLine, nothing_here};
use crate::{
    Error,
    components::{
        icons::{Icon, Shape},
        marks::{Chip, RiskMark, SealMark, Tone, VerdictMark},
        page::{Banner, Bar, PageHeader, PageTitle, Panel, Recorded, Refusal, Skeleton, TitleText},
        text::{CopyId, Literal, Payload, Prose, indent},
        time::{Exact, Moment},
        trace::TraceList,
    },
    wire::Json,
};

/// Draws again what a review saw; the engine puts the reading on record.
#[server(prefix = "/act", endpoint = "shown", output = Json)]
pub(crate) async fn shown(id: DecisionId, review: EntryId) -> Result<ShownView, Error> {
    use countersign_engine::decisions;

    use crate::request::{request, shown};

    let (engine, caller) = request()?;
    shown(&caller, decisions::shown(&engine, &caller, id, review).await)
}

/// The page of what a review saw.
#[component]
pub(crate) fn ShownPage() -> impl IntoView {
    let params = use_params_map();
    let named = Memo::new(move |_| {
        params.with(|params| {
            let id = params.get("id")?.parse::<DecisionId>().ok()?;
            Some((id, params.get("review")?.parse::<EntryId>().ok()?))
        })
    });
    let view = Resource::new(
        move || named.get(),
        |named| async move {
            match named {
                Some((id, review)) => shown(id, review).await,
                None => Err(nothing_here()),
            }
        },
    );

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
fn Whole(shown: ShownView) -> impl IntoView {
    let ShownView { decision: id, recorded, now, .. } = shown;
    // Drawn a second time where nobody but the reader can meddle with it.
    let checked = RwSignal::new(None::<Result<(), String>>);
    let recheck = shown.clone();
    Effect::new(move || checked.set(Some(recheck.recheck())));
    let in_browser = move || match checked.get() {
        None => strings::NO_BROWSER.to_owned(),
        Some(Ok(())) => strings::BROWSER_AGREES.to_owned(),
        Some(Err(why)) => format!("{} {why}", strings::BROWSER_DIFFERS),
    };
    let notes = shown.notes.into_iter().map(|note| view! { <li>{note}</li> }).collect_view();
    let differs = |field: &Field| shown.differences.iter().any(|one| one.field.as_ref() == Some(&field.label));
    let disclosed = shown.disclosed.unwrap_or_default();
    let fields = shown
        .fields
        .into_iter()
        .map(|field| {
            let differs = differs(&field);
            let mark = mark(&field, &disclosed);
            view! { <Drawn field mark differs/> }.into_any()
        })
        .collect_view();

    view! {
        <PageTitle text=TitleText::shown(id)/>
        <BackLine id/>
        <PageHeader title=|| strings::TITLE>
            <p class="flex flex-wrap items-center gap-x-3 gap-y-1 text-reading [overflow-wrap:anywhere]">
                <span class="font-medium">
                    <Literal text=shown.person/>
                </span>
                <VerdictMark verdict=shown.verdict/>
                <Moment at=shown.at/>
                <SealMark seal=shown.seal/>
            </p>
            <p class="flex flex-wrap items-center gap-x-3 gap-y-1 text-muted">
                <span>{strings::SENT} " " <Moment at=shown.shown_at/></span>
                <SealMark seal=shown.shown_seal/>
            </p>
        </PageHeader>
        <div class="grid min-w-0 max-w-3xl gap-4">
            <Ruling differences=shown.differences/>
            <ul class="max-w-measure list-disc space-y-1 pl-5 text-compact text-muted">
                {notes} <li>{strings::LIMIT}</li>
            </ul>
            <Panel title=strings::DRAWN>
                <dl class="grid gap-4">{fields}</dl>
            </Panel>
            {shown.beside.map(|beside| view! { <Stood beside/> })}
            <Panel title=strings::DIGESTS>
                <dl class="grid gap-2">
                    <Digest name=strings::SEALED digest=shown.sealed/>
                    <Digest name=strings::REDRAWN digest=shown.redrawn/>
                </dl>
                <p role="status" class="max-w-measure text-compact text-muted">{in_browser}</p>
            </Panel>
            <p class="text-compact text-muted">{strings::READ_AT} " " <Exact at=now/> "."</p>
            <Recorded entry=recorded/>
        </div>
    }
}

/// What stood beside the fields.
#[component]
fn Stood(beside: Beside) -> impl IntoView {
    let Beside { said, risk, due, on_timeout, route, rule, row, revision } = beside;
    let gone = said.is_none().then(|| view! { <p class="text-muted">{strings::NOT_SAID_AGAIN}</p> });
    let (title, reasons, rest) = match said {
        Some(Said { title, risk, rule, trace }) => (Some(title), risk, Some((rule, trace))),
        None => (None, Vec::new(), None),
    };
    let reasons = reasons.into_iter().map(|reason| view! { <li>{reason}</li> }).collect_view();

    view! {
        <Panel title=strings::BESIDE>
            {gone}
            <dl class="grid gap-4">
                {title
                    .map(|title| {
                        view! {
                            <Line name=strings::ASKED>
                                <Literal text=title/>
                            </Line>
                        }
                    })}
                <Line name=strings::RISK>
                    <RiskMark level=risk/>
                    <ul class="list-disc pl-5">{reasons}</ul>
                </Line>
                <Line name=strings::DEADLINE>
                    <Exact at=due/>
                    {format!("; then it {}.", on_timeout.sentence())}
                </Line>
                <Line name=strings::VERSION>{revision}</Line>
                <Line name=strings::RULE>
                    <p>
                        <code class="font-mono">{rule}</code>
                        {format!(", row {row}: {}", route.label())}
                    </p>
                    {rest
                        .map(|(rule, trace)| {
                            view! {
                                <p class="max-w-measure">
                                    <Literal text=rule/>
                                </p>
                                <TraceList trace/>
                            }
                        })}
                </Line>
            </dl>
        </Panel>
    }
    .into_any()
}

#[component]
fn Line(name: &'static str, children: Children) -> impl IntoView {
    view! {
        <div class="grid gap-1">
            <dt class="text-compact font-medium">{name}</dt>
            <dd class="min-w-0 [overflow-wrap:anywhere]">{children()}</dd>
        </div>
    }
}

/// Whether it is what was shown; if not, what differs, in red.
#[component]
fn Ruling(differences: Vec<Difference>) -> impl IntoView {
    if differences.is_empty() {
        return view! {
            <Banner bar=Bar::Done>
                <p>
                    <strong class="font-semibold">{strings::SAME}</strong>
                    " "
                    {strings::SAME_TEXT}
                </p>
            </Banner>
        }
        .into_any();
    }
    let rows = differences
        .into_iter()
        .map(|difference| {
            view! {
                <li>
                    {difference.field.map(|field| view! { <strong class="font-semibold">{field}": "</strong> })}
                    {difference.says}
                </li>
            }
        })
        .collect_view();

    view! {
        <div
            role="alert"
            class="grid gap-1 rounded-control border-l-4 border-reject bg-reject-tint px-4 py-3 text-body text-reject-ink"
        >
            <p class="flex items-start gap-2 font-medium">
                <Icon shape=Shape::Alert class="mt-0.5 size-4 shrink-0"/>
                {strings::DIFFERS}
            </p>
            <ul class="list-disc pl-5">{rows}</ul>
            <p>{strings::DIFFERS_TEXT}</p>
        </div>
    }
    .into_any()
}

/// One field as it was drawn.
#[component]
fn Drawn(
    field: Field,
    /// How much of it was shown.
    mark: &'static str,
    differs: bool,
) -> impl IntoView {
    let Field { label, kind, mode, value, section, withheld, commitment, .. } = field;
    let class = if differs { "grid gap-1 border-l-4 border-reject pl-3" } else { "grid gap-1" };
    let body = match (value, mode) {
        (_, Mode::Masked) => view! { <Absent text=strings::WAS_MASKED commitment/> }.into_any(),
        (None, _) if withheld => view! { <Absent text=strings::PERSONAL commitment/> }.into_any(),
        (None, _) => view! { <Absent text=strings::GONE commitment/> }.into_any(),
        (Some(value), _) => match (section, kind) {
            (Place::Context, _) | (_, Kind::Structure) => view! { <Payload value=indent(&value)/> }.into_any(),
            (Place::Reasoning, Kind::Text) => view! { <Prose text=value/> }.into_any(),
            _ => view! { <Payload value/> }.into_any(),
        },
    };

    view! {
        <div class=class>
            <dt class="flex flex-wrap items-center gap-x-3 gap-y-1 text-compact font-medium">
                {label} <Chip tone=Tone::Plain text=mark/>
                {differs.then(|| view! { <Chip tone=Tone::Reject text=strings::DIFFERENT/> })}
            </dt>
            <dd class="min-w-0">{body}</dd>
        </div>
    }
}

/// Says how much of a field was shown.
fn mark(field: &Field, disclosed: &Disclosed) -> &'static str {
    match field.mode {
        Mode::Full => strings::FULL,
        Mode::Masked => strings::MASKED,
        Mode::Collapsed if disclosed.opened.contains(&field.name) => strings::OPENED,
        Mode::Collapsed if disclosed.left_closed.contains(&field.name) => strings::LEFT_CLOSED,
        Mode::Collapsed => strings::COLLAPSED,
    }
}

#[component]
fn Absent(text: &'static str, commitment: String) -> impl IntoView {
    view! {
        <p class="text-muted">
            {text} " " <CopyId id=commitment label="commitment"/>
        </p>
    }
}

#[component]
fn Digest(name: &'static str, digest: String) -> impl IntoView {
    view! {
        <div class="grid gap-0.5">
            <dt class="text-compact text-muted">{name}</dt>
            <dd class="min-w-0 font-mono text-compact [overflow-wrap:anywhere]">{digest}</dd>
        </div>
    }
}

mod strings {
    pub(super) const TITLE: &str = "What was shown";
    pub(super) const SENT: &str = "Sent to their screen";
    pub(super) const SAME: &str = "This is what was shown.";
    pub(super) const SAME_TEXT: &str = "Drawn again from what is stored, it has the digest that was sealed with the review, and every value is the one that was committed to.";
    pub(super) const DIFFERS: &str = "This is not what was shown.";
    pub(super) const DIFFERS_TEXT: &str =
        "Somebody may have changed the database. “countersign verify” says which entries and records still hold.";
    pub(super) const LIMIT: &str = "It says what the server sent to the screen, and which controls were opened on that page as the browser told, not what somebody read of it.";
    pub(super) const DRAWN: &str = "The fields, as they were drawn";
    pub(super) const BESIDE: &str = "What stood beside them";
    pub(super) const ASKED: &str = "What the AI system asks to do";
    pub(super) const RISK: &str = "Risk";
    pub(super) const DEADLINE: &str = "Deadline";
    pub(super) const RULE: &str = "Rule";
    pub(super) const VERSION: &str = "Version of the content";
    pub(super) const NOT_SAID_AGAIN: &str =
        "Title, reasons and sentences were shown too, and cannot be written again: why, is said above.";
    pub(super) const NO_BROWSER: &str = "With JavaScript your browser makes the digest of this record too.";
    pub(super) const BROWSER_AGREES: &str = "Your browser made the digest of this record too, and it is the one that was sealed; fields, risk, deadline, route, row and version on this page are those of the record. Values and sentences are compared by the server.";
    pub(super) const BROWSER_DIFFERS: &str = "Your browser does not confirm this page.";
    pub(super) const FULL: &str = "Shown in full";
    pub(super) const COLLAPSED: &str = "Behind a control";
    pub(super) const OPENED: &str = "Behind a control, opened on that page";
    pub(super) const LEFT_CLOSED: &str = "Behind a control, not opened on that page";
    pub(super) const MASKED: &str = "Masked";
    pub(super) const DIFFERENT: &str = "Differs";
    pub(super) const WAS_MASKED: &str = "The reviewer did not see this value. It stands for";
    pub(super) const PERSONAL: &str =
        "The reviewer saw this personal value. Open it on the decision's page, with a reason. It stands for";
    pub(super) const GONE: &str = "The reviewer saw this value, which cannot be shown any more. It stands for";
    pub(super) const DIGESTS: &str = "Digests";
    pub(super) const SEALED: &str = "Sealed with the review";
    pub(super) const REDRAWN: &str = "Drawn for this page";
    pub(super) const READ_AT: &str = "Drawn again at";
}
