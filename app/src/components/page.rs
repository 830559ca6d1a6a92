//! The parts of a page: title, heading, sections, refusals, bars, empty states, paging.

use countersign_domain::{
    ids::{DecisionId, EntryId},
    problem::Code,
};
use leptos::{html, prelude::*};
use leptos_meta::Title;
use leptos_router::{hooks::use_url, location::Url};

use super::{
    icons::{Icon, Shape},
    text::CopyId,
};
use crate::{Error, frame::Surroundings};

/// Text of a document title: static words and ids only, because it is not escaped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TitleText(String);

impl TitleText {
    /// A page that is one of its kind.
    pub(crate) fn page(words: &'static str) -> Self {
        Self(format!("{words} · Countersign"))
    }

    /// The page of a decision.
    pub(crate) fn decision(id: DecisionId) -> Self {
        Self(format!("Decision {} · Countersign", id.short()))
    }

    /// The page of who answers for a decision.
    pub(crate) fn chain(id: DecisionId) -> Self {
        Self(format!("Accountability of {} · Countersign", id.short()))
    }

    /// The page of what a review saw.
    pub(crate) fn shown(id: DecisionId) -> Self {
        Self(format!("Shown of {} · Countersign", id.short()))
    }

    /// The page of an entry.
    pub(crate) fn entry(index: u64) -> Self {
        Self(format!("Entry {index} · Countersign"))
    }
}

/// The only writer of the document title.
#[component]
pub(crate) fn PageTitle(text: TitleText) -> impl IntoView {
    view! { <Title text=text.0/> }
}

/// The page's one heading, and what stands beside it. Takes focus after a move inside the application.
#[component]
pub(crate) fn PageHeader(
    /// The heading.
    #[prop(into)]
    title: ViewFn,
    /// What stands under the heading.
    #[prop(optional)]
    children: Option<Children>,
) -> impl IntoView {
    let heading = NodeRef::<html::H1>::new();
    Effect::new(move || {
        let Some(surroundings) = use_context::<Surroundings>() else { return };
        if let Some(heading) = heading.get()
            && surroundings.moved.get_value()
        {
            surroundings.moved.set_value(false);
            // The heading stands in the document only after this turn.
            request_animation_frame(move || {
                let _ = heading.focus();
            });
        }
    });

    view! {
        <header class="mb-5 grid gap-2">
            <h1 node_ref=heading tabindex="-1" class="max-w-[60ch] text-title font-semibold tracking-tight outline-none [overflow-wrap:anywhere]">
                {title.run()}
            </h1>
            {children.map(|children| children())}
        </header>
    }
}

/// A numbered part of a page, with an anchor.
#[component]
pub(crate) fn Section(
    /// The anchor.
    id: &'static str,
    /// The number key that leads here.
    number: u8,
    /// The heading.
    title: &'static str,
    children: Children,
) -> impl IntoView {
    let heading = format!("{id}-heading");
    let labelled_by = heading.clone();

    view! {
        <section
            id=id
            aria-labelledby=labelled_by
            tabindex="-1"
            class="scroll-mt-4 rounded-dialog border border-hairline bg-surface px-5 py-4 outline-none target:border-accent print:break-inside-avoid print:border-0 print:px-0"
        >
            <h2 id=heading class="mb-3 flex items-baseline gap-2.5 text-reading font-semibold">
                <span aria-hidden="true" class="text-compact font-normal text-muted tabular-nums">
                    {number}
                </span>
                {title}
            </h2>
            <div class="grid grid-cols-1 gap-4">{children()}</div>
        </section>
    }
}

/// A box with a heading, for pages whose parts have no fixed order.
#[component]
pub(crate) fn Panel(title: &'static str, children: Children) -> impl IntoView {
    view! {
        <section class="rounded-dialog border border-hairline bg-surface">
            <h2 class="border-b border-hairline px-5 py-3 text-reading font-semibold">{title}</h2>
            <div class="grid grid-cols-1 gap-4 px-5 py-4">{children()}</div>
        </section>
    }
}

/// One named value in a `<dl>`.
#[component]
pub(crate) fn Fact(name: &'static str, children: Children) -> impl IntoView {
    view! {
        <div class="grid gap-x-4 sm:grid-cols-[7rem_minmax(0,1fr)]">
            <dt class="text-compact text-muted">{name}</dt>
            <dd class="min-w-0">{children()}</dd>
        </div>
    }
}

/// What a bar is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bar {
    /// Something is settled.
    Done,
    /// Something to know.
    Note,
    /// What is shown is not what stands.
    Stale,
    /// An AI system is stopped.
    Pause,
}

/// A bar that stays until the page changes.
#[component]
pub(crate) fn Banner(bar: Bar, children: Children) -> impl IntoView {
    let (class, shape) = match bar {
        Bar::Done => (
            "mb-4 flex items-start gap-3 rounded-control border-l-4 border-approve bg-approve-tint px-4 py-3 text-body text-approve-ink",
            Shape::Seal,
        ),
        Bar::Note => (
            "mb-4 flex items-start gap-3 rounded-control border-l-4 border-info bg-info-tint px-4 py-3 text-body text-info-ink",
            Shape::Info,
        ),
        Bar::Stale => (
            "mb-4 flex items-start gap-3 rounded-control border-l-4 border-escalate bg-escalate-tint px-4 py-3 text-body text-escalate-ink",
            Shape::Alert,
        ),
        Bar::Pause => (
            "mb-4 flex items-start gap-3 rounded-control border-l-4 border-reject bg-reject-tint px-4 py-3 text-body text-reject-ink",
            Shape::Pause,
        ),
    };

    view! {
        <div class=class>
            <Icon shape class="mt-0.5 size-4 shrink-0"/>
            <div class="flex min-w-0 flex-1 flex-wrap items-center gap-x-4 gap-y-1">{children()}</div>
        </div>
    }
}

/// A page or list with nothing in it: what that means and what to do next.
#[component]
pub(crate) fn Empty(
    title: &'static str,
    #[prop(into)] reason: String,
    #[prop(optional)] children: Option<Children>,
) -> impl IntoView {
    view! {
        <div class="grid justify-items-start gap-2 rounded-dialog border border-dashed border-hairline px-6 py-10">
            <p class="text-reading font-semibold">{title}</p>
            <p class="max-w-[60ch] text-muted">{reason}</p>
            {children.map(|children| view! { <div class="mt-2">{children()}</div> })}
        </div>
    }
}

/// Links to what is newer and older.
#[component]
pub(crate) fn Pager(label: &'static str, newest: Option<String>, older: Option<String>) -> impl IntoView {
    if newest.is_none() && older.is_none() {
        return ().into_any();
    }
    const LINK: &str = "no-underline inline-flex min-h-11 items-center rounded-control border border-control bg-surface px-4 text-body font-medium hover:bg-raised sm:min-h-9";

    view! {
        <nav aria-label=label class="mt-4 flex flex-wrap gap-3 print:hidden">
            {newest.map(|href| view! { <a href=href class=LINK>"Back to the start"</a> })}
            {older.map(|href| view! { <a href=href class=LINK>"Next page"</a> })}
        </nav>
    }
    .into_any()
}

/// The line under a page that names its own record.
#[component]
pub(crate) fn Recorded(entry: EntryId) -> impl IntoView {
    view! {
        <footer class="mt-6 flex flex-wrap items-center gap-x-2 text-compact text-muted">
            "This view was recorded: entry "
            <CopyId id=entry.to_string() label="entry id"/>
        </footer>
    }
}

/// Bars of the height of what is coming: a line above the page first, the bars when it takes longer, and a way out when it
/// takes long. The style sheet alone keeps the time.
#[component]
pub(crate) fn Skeleton(rows: u8) -> impl IntoView {
    view! {
        <div aria-busy="true" class="grid gap-3">
            <p class="sr-only">"Loading"</p>
            <div aria-hidden="true" class="fixed inset-x-0 top-0 z-30 h-0.5 bg-accent [animation:late_1ms_150ms_both]"></div>
            <div class="grid gap-3 [animation:late_1ms_400ms_both]">
                {(0..rows).map(|_| view! { <div class="h-16 rounded-dialog bg-raised motion-safe:animate-pulse"></div> }).collect_view()}
            </div>
            <p class="text-compact text-muted [animation:late_1ms_4s_both]">
                "Still loading. "
                <a href="" rel="external" class="text-accent underline">
                    "Load the page again"
                </a>
            </p>
        </div>
    }
}

/// The page in place of the one asked for: what failed, whether anything changed, what to do.
#[component]
pub(crate) fn Refusal(error: Error) -> impl IntoView {
    let problem = error.problem();
    if problem.code == Code::Unauthenticated {
        return view! { <SignInFirst/> }.into_any();
    }
    let (heading, advice) = words(problem.code);
    let retry = matches!(
        problem.code,
        Code::CannotSeal | Code::OutcomeUnknown | Code::Unavailable | Code::Internal | Code::RateLimited
    );
    let request = error.request().map(str::to_owned);
    let here = here();
    // A rule that forbids is not changed by a role, and the page that asks for one is no way out of itself.
    let path = use_url().with_untracked(|url| url.path().to_owned());
    let helps = problem.policies.iter().all(|policy| policy == "default_deny") && path != "/me/role-requests";
    let ask =
        (problem.code == Code::Forbidden && helps).then(|| format!("/me/role-requests?page={}", Url::escape(&path)));

    view! {
        <PageTitle text=TitleText::page(heading)/>
        <PageHeader title=move || heading/>
        <div class="grid max-w-[60ch] gap-4 text-reading">
            <p>{problem.detail}</p>
            {(!advice.is_empty()).then(|| view! { <p class="text-muted">{advice}</p> })}
            {(!problem.policies.is_empty())
                .then(|| {
                    view! {
                        <p class="text-compact text-muted">
                            {format!("Decided by: {}", problem.policies.join(", "))}
                        </p>
                    }
                })}
            <div class="flex flex-wrap items-center gap-3">
                {retry
                    .then(|| {
                        view! {
                            <a href=here rel="external" class=super::form::Weight::Primary.class()>
                                "Retry"
                            </a>
                        }
                    })}
                {ask
                    .map(|address| {
                        view! {
                            <a href=address class=super::form::Weight::Plain.class()>
                                "Ask for a role"
                            </a>
                        }
                    })}
                <a href="/" class=super::form::Weight::Plain.class()>
                    "Go to your first page"
                </a>
            </div>
            {request
                .map(|id| {
                    view! {
                        <p class="text-compact text-muted">
                            "Request " <CopyId id label="request id"/>
                        </p>
                    }
                })}
        </div>
    }
    .into_any()
}

/// The page in place of one whose code did not come.
#[component]
pub(crate) fn NotLoaded() -> impl IntoView {
    const TITLE: &str = "This page did not load";
    let here = here();

    view! {
        <PageTitle text=TitleText::page(TITLE)/>
        <PageHeader title=|| TITLE/>
        <div class="grid max-w-[60ch] gap-4 text-reading">
            <p>
                "Nothing was changed. Either the connection is gone, or the server was updated since this window was opened."
            </p>
            <div>
                <a href=here rel="external" class=super::form::Weight::Primary.class()>
                    "Reload"
                </a>
            </div>
        </div>
    }
}

/// Says above a page, as the server drew it, that it stays that way: the code behind it did not come.
#[component]
pub(crate) fn NotLive() -> impl IntoView {
    view! {
        <div role="alert">
            <Banner bar=Bar::Stale>
                <p>"A part of this page did not load. Links and forms work; what changes meanwhile is not shown."</p>
                // Nothing routes here, so this asks the server for the same page again.
                <a href="" class="font-medium underline">
                    "Reload"
                </a>
            </Banner>
        </div>
    }
}

fn words(code: Code) -> (&'static str, &'static str) {
    match code {
        Code::NotFound => ("Not found", ""),
        Code::Forbidden => ("You may not do this", "An admin assigns roles under People."),
        Code::FourEyes => ("You may not do this", "Somebody else has to."),
        Code::CannotSeal => {
            ("The ledger takes no entries", "Nothing was changed or shown: what cannot be recorded does not happen.")
        }
        Code::Unavailable => ("The database does not answer", "Nothing was changed."),
        Code::OutcomeUnknown => ("No answer came", ""),
        Code::RateLimited => ("Too many requests", "Nothing was changed. Wait a moment."),
        Code::LinkExpired => ("This link has ended", ""),
        _ => ("This did not work", "Nothing was changed."),
    }
}

/// Sends a person without a session to sign in, and back here afterwards.
#[component]
fn SignInFirst() -> impl IntoView {
    let to = format!("/login?next={}", Url::escape(&here()));
    #[cfg(feature = "ssr")]
    crate::request::redirect(&to);
    let target = to.clone();
    Effect::new(move || {
        let _ = window().location().assign(&target);
    });

    view! {
        <PageTitle text=TitleText::page("Sign in")/>
        <PageHeader title=|| "Sign in first"/>
        <p>
            <a href=to rel="external" class="text-accent underline">
                "Sign in"
            </a>
        </p>
    }
}

/// The address of this page, from the site's root.
fn here() -> String {
    use_url().with_untracked(|url| {
        if url.search().is_empty() { url.path().to_owned() } else { format!("{}?{}", url.path(), url.search()) }
    })
}
