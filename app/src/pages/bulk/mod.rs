//! `/bulk`: several decisions side by side, what differs between them, and one ruling on them all.

mod run;
mod table;

use countersign_domain::{
    bulk::{BulkRunView, BulkView, Fact, Misfit, SentRow, Sheet, UnfitRow},
    decision::Verdict,
    ids::{BulkRunId, DecisionId},
    problem::Code,
};
use leptos::{form::ActionForm, prelude::*};
use leptos_router::{hooks::use_query_map, params::ParamsMap};

pub(crate) use self::run::BulkRunPage;
use self::table::{Comparison, Opened, SameForAll};
use super::decision::{composer::Draft, fields::ReasonFields};
use crate::{
    Error,
    answer::{Answer, answer_of, goes_on},
    components::{
        form::{ErrorSummary, Weight},
        icons::{Icon, Shape},
        marks::VerdictMark,
        page::{Banner, Bar, Empty, PageHeader, PageTitle, Panel, Refusal, Skeleton, TitleText},
        text::Literal,
        time::Moment,
    },
    wire::Json,
};

/// Shows several decisions side by side; the engine seals what is shown of each.
#[server(prefix = "/act", endpoint = "bulk", output = Json)]
async fn bulk(#[server(default)] ids: String, #[server(default)] open: String) -> Result<BulkView, Error> {
    use countersign_domain::problem::{FieldError, Problem};
    use countersign_engine::decisions;

    use crate::request::{request, shown};

    let (engine, caller) = request()?;
    let (Some(ids), Some(open)) = (read_ids(&ids), read_ids(&open)) else {
        let errors = vec![FieldError::new("/ids", "wrong_kind", strings::IDS)];
        let problem = Problem::fields(Code::InvalidContent, strings::IDS, errors);
        return Err(Error::Told { problem, request: String::new() });
    };
    shown(&caller, decisions::bulk(&engine, &caller, &ids, &open).await)
}

/// Begins to record one ruling on everything that a page showed.
#[server(prefix = "/act", endpoint = "review-in-bulk", output = Json)]
async fn review_in_bulk(
    bulk: BulkRunId,
    #[server(default)] ids: String,
    #[server(default)] open: String,
    verdict: Verdict,
    code: String,
    reason: String,
) -> Result<Answer, Error> {
    use countersign_engine::decisions::{self, BulkRequest};

    use super::decision::reason;
    use crate::request::{act, request, told};

    // By them the page is drawn again when this is refused.
    drop((ids, open));
    let (engine, caller) = request()?;
    let (code, reason) = match reason::read_both(&code, &reason) {
        Ok(read) => read,
        Err(problem) => return Ok(told(Err(problem))),
    };
    let asked = BulkRequest { bulk, verdict, code, reason };
    let begun = act(async move { decisions::review_in_bulk(&engine, &caller, asked).await }).await;

    Ok(told(begun.map(|()| Answer::done(format!("/bulk/{bulk}")))))
}

/// Reads what became of each decision of a run.
#[server(prefix = "/act", endpoint = "bulk-run", output = Json)]
async fn bulk_run(run: BulkRunId) -> Result<BulkRunView, Error> {
    use countersign_engine::decisions;

    use crate::request::{request, shown};

    let (engine, caller) = request()?;
    shown(&caller, decisions::bulk_run(&engine, &caller, run).await)
}

#[cfg(feature = "ssr")]
fn read_ids(text: &str) -> Option<Vec<DecisionId>> {
    text.split(',').filter(|id| !id.is_empty()).map(|id| id.parse().ok()).collect()
}

/// What the address asks for: decisions, and those of them to show whole; ids with commas between.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Asked {
    ids: String,
    open: String,
}

impl Asked {
    /// Reads an address; a form without JavaScript names each decision by itself.
    fn from_query(query: &ParamsMap) -> Self {
        let all = |name: &str| query.get_all(name).unwrap_or_default().join(",");
        Self { ids: all("ids"), open: all("open") }
    }

    /// Writes the address with one more decision shown whole.
    fn opening(&self, id: DecisionId) -> String {
        let open = if self.open.is_empty() { id.to_string() } else { format!("{},{id}", self.open) };
        format!("/bulk?ids={}&open={open}#opened-{id}", self.ids)
    }
}

/// Writes the address of a page of these decisions.
fn address(ids: impl IntoIterator<Item = DecisionId>) -> String {
    let ids: Vec<_> = ids.into_iter().map(|id| id.to_string()).collect();
    format!("/bulk?ids={}", ids.join(","))
}

/// The page of several decisions.
#[component]
pub(crate) fn BulkPage() -> impl IntoView {
    let query = use_query_map();
    let asked = Memo::new(move |_| query.with(Asked::from_query));
    let action = ServerAction::<ReviewInBulk>::new();
    let draft = Draft::of::<ReviewInBulk>();
    let view = Resource::new(move || asked.get(), |Asked { ids, open }| async move { bulk(ids, open).await });
    let answer = answer_of(action);
    goes_on(answer);
    let reload = Callback::new(move |()| {
        draft.keep();
        action.clear();
        view.refetch();
    });

    view! {
        <PageTitle text=TitleText::page(strings::TITLE)/>
        <Transition fallback=|| {
            view! { <Skeleton rows=6/> }
        }>
            {move || Suspend::new(async move {
                match view.await {
                    Ok(BulkView { sheet: Some(sheet), .. }) => {
                        view! { <Whole sheet asked=asked.get_untracked() action draft reload/> }.into_any()
                    }
                    Ok(view) => view! { <NoSheet view answer/> }.into_any(),
                    Err(error) => view! { <Refusal error/> }.into_any(),
                }
            })}
        </Transition>
    }
}

/// Decisions that fit together, and the form.
#[component]
fn Whole(
    sheet: Sheet,
    asked: Asked,
    action: ServerAction<ReviewInBulk>,
    draft: Draft,
    reload: Callback<()>,
) -> impl IntoView {
    let count = sheet.items.len();
    let about = format!("{} · {} · policy version {}", counted(count), sheet.type_title, sheet.policy_number);
    let bulk = sheet.bulk;
    let (unopened, expires_at) = (sheet.unopened(), sheet.expires_at);
    let in_place =
        sheet.fact_columns.contains(&Fact::Right) || sheet.facts.iter().any(|(fact, _)| *fact == Fact::Right);

    view! {
        <BackToQueue/>
        <PageHeader title=|| strings::TITLE>
            <p class="text-muted tabular-nums">{about}</p>
        </PageHeader>
        <p class="text-reading sm:hidden">{strings::NARROW}</p>
        <div class="grid min-w-0 gap-4 max-sm:hidden">
            <SameForAll sheet=sheet.clone()/>
            <Comparison sheet=sheet.clone() asked=asked.clone()/>
            {sheet
                .items
                .into_iter()
                .filter(|item| item.opened)
                .map(|item| view! { <Opened item/> }.into_any())
                .collect_view()}
            <Panel title=strings::RULING>
                <Form bulk asked count unopened in_place expires_at action draft reload/>
            </Panel>
            <p class="text-compact text-muted">{strings::RECORDED}</p>
        </div>
    }
}

#[component]
fn Form(
    bulk: BulkRunId,
    asked: Asked,
    count: usize,
    /// What is unlike the rest and was not opened.
    unopened: usize,
    /// Some of them are reviewed in somebody's place.
    in_place: bool,
    expires_at: u64,
    action: ServerAction<ReviewInBulk>,
    draft: Draft,
    reload: Callback<()>,
) -> impl IntoView {
    let answer = answer_of(action);
    let problem = Signal::derive(move || answer.get().and_then(Answer::problem));
    let outdated = move || {
        action.version().get() > 0
            && problem.with(|problem| problem.as_ref().is_some_and(|problem| problem.code == Code::Stale))
    };
    let pending = action.pending();
    let blocked = Signal::derive(move || unopened > 0 || outdated());
    let Asked { ids, open } = asked;

    view! {
        <ActionForm action attr:class="grid max-w-2xl gap-4" on:input=move |_| draft.keep()>
            // The form's default button: Enter in a field can approve nothing.
            <button type="submit" disabled hidden></button>
            <input type="hidden" name="bulk" value=bulk.to_string()/>
            <input type="hidden" name="ids" value=ids/>
            <input type="hidden" name="open" value=open/>
            <ErrorSummary problem/>
            {move || {
                outdated()
                    .then(|| {
                        view! {
                            <p>
                                <button type="button" on:click=move |_| reload.run(()) class=Weight::Plain.class()>
                                    {strings::SHOW_CURRENT}
                                </button>
                            </p>
                        }
                    })
            }}
            <ReasonFields draft problem readers=strings::READER/>
            {in_place.then(|| view! { <p>{strings::IN_PLACE}</p> })}
            {(unopened > 0)
                .then(|| {
                    view! {
                        <p class="flex items-start gap-1.5 font-medium text-escalate">
                            <Icon shape=Shape::Alert class="mt-0.5 size-4 shrink-0"/>
                            {wait_words(unopened)}
                        </p>
                    }
                })}
            <div class="grid grid-cols-2 gap-3">
                <VerdictButton verdict=Verdict::Approve count pending blocked/>
                <VerdictButton verdict=Verdict::Reject count pending blocked/>
            </div>
            <p id="bulk-note" class="text-compact text-muted">
                {strings::WHAT_HAPPENS} " " {strings::UNTIL} " " <Moment at=expires_at/> "."
            </p>
        </ActionForm>
    }
}

/// One of two buttons of equal size; neither is easier than the other.
#[component]
fn VerdictButton(
    verdict: Verdict,
    count: usize,
    #[prop(into)] pending: Signal<bool>,
    blocked: Signal<bool>,
) -> impl IntoView {
    let (shape, class) = match verdict {
        Verdict::Approve => (
            Shape::Tick,
            "inline-flex min-h-12 scroll-mb-24 items-center justify-center gap-2 rounded-control border-2 border-approve bg-approve px-2 text-reading font-semibold text-on-fill hover:opacity-90 aria-disabled:opacity-60 data-[armed]:ring-2 data-[armed]:ring-accent data-[armed]:ring-offset-2",
        ),
        _ => (
            Shape::Cross,
            "inline-flex min-h-12 scroll-mb-24 items-center justify-center gap-2 rounded-control border-2 border-reject bg-reject px-2 text-reading font-semibold text-on-fill hover:opacity-90 aria-disabled:opacity-60 data-[armed]:ring-2 data-[armed]:ring-accent data-[armed]:ring-offset-2",
        ),
    };
    let waits = move || pending.get() || blocked.get();
    let guard = move |event: leptos::ev::MouseEvent| {
        if pending.get_untracked() || blocked.get_untracked() {
            event.prevent_default();
        }
    };

    view! {
        <button
            type="submit"
            name="verdict"
            value=verdict.word()
            on:click=guard
            aria-describedby="bulk-note"
            aria-disabled=move || waits().then_some("true")
            class=class
        >
            <Icon shape class="size-5 shrink-0"/>
            {format!("{} {count}", verdict.label())}
        </button>
    }
}

/// What was selected and does not fit together: there is no form until the rest is left.
#[component]
fn NoSheet(view: BulkView, answer: Signal<Option<Answer>>) -> impl IntoView {
    let BulkView { selected, beyond, unfit, fitting, sent, .. } = view;
    let problem = Signal::derive(move || answer.get().and_then(Answer::problem));
    if selected == 0 {
        return view! {
            <BackToQueue/>
            <PageHeader title=|| strings::TITLE/>
            <Empty title=strings::NOTHING reason=strings::NOTHING_REASON>
                <a href="/queue" class=Weight::Plain.class()>
                    {strings::TO_QUEUE}
                </a>
            </Empty>
            <SentBefore sent/>
        }
        .into_any();
    }
    let rest = fitting.len();
    let keep = (rest > 0).then(|| address(fitting));

    view! {
        <BackToQueue/>
        <PageHeader title=|| strings::TITLE>
            <p class="text-muted tabular-nums">{counted(usize::try_from(selected).unwrap_or(usize::MAX))}</p>
        </PageHeader>
        <ErrorSummary problem/>
        <Banner bar=Bar::Stale>
            <p>{strings::UNFIT}</p>
        </Banner>
        {(beyond > 0).then(|| view! { <p class="mb-4 max-w-measure text-reading">{beyond_words(beyond)}</p> })}
        {(!unfit.is_empty())
            .then(|| {
                view! {
                    <Panel title=strings::UNFIT_TITLE>
                        <ul class="divide-y divide-hairline">
                            {unfit.into_iter().map(|row| view! { <Unfit row/> }.into_any()).collect_view()}
                        </ul>
                    </Panel>
                }
            })}
        <p class="mt-4">
            {match keep {
                Some(keep) => view! {
                    <a href=keep class=Weight::Primary.class()>
                        {format!("{} {}", strings::GO_ON, counted(rest))}
                    </a>
                }
                .into_any(),
                None => view! { <span class="text-reading">{strings::NONE_FIT}</span> }.into_any(),
            }}
        </p>
    }
    .into_any()
}

/// What the person sent before: each has a page that can be read again.
#[component]
fn SentBefore(sent: Vec<SentRow>) -> impl IntoView {
    (!sent.is_empty()).then(|| {
        let rows = sent
            .into_iter()
            .map(|SentRow { id, verdict, count, at }| {
                let count = counted(usize::try_from(count).unwrap_or(usize::MAX));
                view! {
                    <li class="flex flex-wrap items-center gap-x-4 gap-y-1 py-2">
                        <VerdictMark verdict/>
                        <a href=format!("/bulk/{id}") class="font-medium text-accent underline">
                            {count}
                        </a>
                        <Moment at/>
                    </li>
                }
                .into_any()
            })
            .collect_view();
        view! {
            <div class="mt-4">
                <Panel title=strings::SENT_BEFORE>
                    <ul class="divide-y divide-hairline">{rows}</ul>
                </Panel>
            </div>
        }
    })
}

#[component]
fn Unfit(row: UnfitRow) -> impl IntoView {
    let UnfitRow { id, title, misfit, why } = row;
    let why = why.unwrap_or_else(|| misfit_words(misfit).to_owned());

    view! {
        <li class="grid gap-1 py-2">
            {match title {
                Some(title) => view! {
                    <a href=format!("/decisions/{id}") class="font-medium text-accent underline [overflow-wrap:anywhere]">
                        <Literal text=title/>
                    </a>
                }
                .into_any(),
                None => view! { <span class="font-medium">{format!("Decision {}", id.short())}</span> }.into_any(),
            }}
            <span class="max-w-measure text-muted">{why}</span>
        </li>
    }
}

#[component]
fn BackToQueue() -> impl IntoView {
    view! {
        <p class="mb-2 print:hidden">
            <a href="/queue" class="inline-flex min-h-8 items-center text-compact text-accent underline">
                {strings::TO_QUEUE}
            </a>
        </p>
    }
}

const fn misfit_words(misfit: Misfit) -> &'static str {
    match misfit {
        Misfit::Barred => {
            "There is nothing here that you may read. If you followed a link, ask whoever sent it for access."
        }
        Misfit::HighRisk => "High risk: each is reviewed by itself.",
        Misfit::Quorum => "It takes more than one approval, so it is reviewed by itself.",
        Misfit::Signed => {
            "The policy asks for a signature by passkey, and one signature is of one decision. Review it by itself."
        }
        Misfit::Form => "Its reviewers answer a form beside code and reason. Review it by itself.",
        Misfit::OtherType => "It asks for another action than most of the others, or for another version of it.",
        Misfit::OtherPolicy => "Another version of the policy routed it than most of the others.",
    }
}

fn counted(count: usize) -> String {
    if count == 1 { "1 decision".to_owned() } else { format!("{count} decisions") }
}

fn beyond_words(beyond: u64) -> String {
    format!(
        "At most {} decisions are reviewed at once; {beyond} more were selected and not looked at.",
        countersign_domain::bulk::BULK_MAX
    )
}

fn wait_words(unopened: usize) -> String {
    match unopened {
        1 => "1 decision is unlike the others. Open it before you rule.".to_owned(),
        _ => format!("{unopened} decisions are unlike the others. Open each of them before you rule."),
    }
}

mod strings {
    pub(super) const TITLE: &str = "Review together";
    pub(super) const RULING: &str = "Your review of them all";
    pub(super) const NARROW: &str =
        "Use a wider screen to review several at once: what differs between them does not fit here side by side.";
    pub(super) const READER: &str =
        "One reason for all of them, kept with each for its auditors. The AI system is told the code.";
    pub(super) const WHAT_HAPPENS: &str = "Each decision gets a review of its own, sealed with exactly what this page showed of it. What somebody else holds or has changed is left out, and the next page says so.";
    pub(super) const IN_PLACE: &str = "Where you review in somebody's place, as the table says, both names are sealed with it, and of the two of you one counts.";
    pub(super) const UNTIL: &str = "This page can be sent until";
    pub(super) const RECORDED: &str =
        "This view was recorded, one entry for each decision, with what the page shows of it.";
    pub(super) const SHOW_CURRENT: &str = "Show current";
    pub(super) const UNFIT: &str = "These cannot be reviewed together as they are. Nothing was changed.";
    pub(super) const UNFIT_TITLE: &str = "What does not fit";
    pub(super) const GO_ON: &str = "Go on with";
    pub(super) const NONE_FIT: &str = "None of them is left to be reviewed together.";
    pub(super) const NOTHING: &str = "Nothing is selected";
    pub(super) const NOTHING_REASON: &str =
        "Select decisions of one type in the queue, by their boxes or with x, and choose Review together.";
    pub(super) const SENT_BEFORE: &str = "What you reviewed together before";
    pub(super) const TO_QUEUE: &str = "Back to the queue";
    #[cfg(feature = "ssr")]
    pub(super) const IDS: &str = "Name decisions by their whole ids, with commas between.";
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "01a19b7d-90e0-7f95-ae73-2979886b812a";
    const OTHER: &str = "01a19b7d-90e0-7f95-ae73-2979886b812b";

    #[test]
    fn a_selection_is_read_from_boxes_and_from_links_alike() {
        let mut boxes = ParamsMap::new();
        boxes.insert("ids", ONE.into());
        boxes.insert("ids", OTHER.into());
        let mut link = ParamsMap::new();
        link.insert("ids", format!("{ONE},{OTHER}"));

        assert_eq!(Asked::from_query(&boxes), Asked::from_query(&link));
        assert_eq!(Asked::from_query(&ParamsMap::new()), Asked::default());
    }

    #[test]
    fn opening_one_more_keeps_what_is_open() {
        let asked = Asked { ids: format!("{ONE},{OTHER}"), open: String::new() };
        let (one, other): (DecisionId, DecisionId) = (ONE.parse().unwrap(), OTHER.parse().unwrap());

        assert_eq!(asked.opening(one), format!("/bulk?ids={ONE},{OTHER}&open={ONE}#opened-{ONE}"));
        let opened = Asked { open: ONE.into(), ..asked };
        assert_eq!(opened.opening(other), format!("/bulk?ids={ONE},{OTHER}&open={ONE},{OTHER}#opened-{OTHER}"));
        assert_eq!(address([one, other]), format!("/bulk?ids={ONE},{OTHER}"));
    }

    #[test]
    fn counts_are_words() {
        assert_eq!(counted(1), "1 decision");
        assert_eq!(counted(50), "50 decisions");
        assert!(wait_words(1).starts_with("1 decision is"));
        assert!(beyond_words(3).contains("At most 50"));
    }
}
