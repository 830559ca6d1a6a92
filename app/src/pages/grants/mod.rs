//! `/grants`: what systems may do a few times without anybody being asked, who asked for it, and what became of it.

pub(crate) mod new;
pub(crate) mod one;

use countersign_domain::grant::{GrantRow, GrantState, GrantsView};
use leptos::prelude::*;

use crate::{
    Error,
    components::{
        form::Weight,
        icons::{Icon, Shape},
        marks::{Chip, Tone},
        page::{Empty, PageHeader, PageTitle, Refusal, Skeleton, TitleText},
        text::Literal,
        time::Moment,
    },
    wire::Json,
};

/// Reads the grants whose decisions the reader may read.
#[server(prefix = "/act", endpoint = "grants", output = Json)]
pub(crate) async fn grants() -> Result<GrantsView, Error> {
    use countersign_engine::grants;

    use crate::request::{request, shown};

    let (engine, caller) = request()?;
    shown(&caller, grants::list(&engine, &caller).await)
}

/// The list of grants.
#[component]
pub(crate) fn GrantsPage() -> impl IntoView {
    let view = Resource::new(|| (), |()| grants());

    view! {
        <PageTitle text=TitleText::page(strings::TITLE)/>
        <Transition fallback=|| {
            view! { <Skeleton rows=4/> }
        }>
            {move || Suspend::new(async move {
                match view.await {
                    Ok(shown) => view! { <List shown/> }.into_any(),
                    Err(error) => view! { <Refusal error/> }.into_any(),
                }
            })}
        </Transition>
    }
}

#[component]
fn List(shown: GrantsView) -> impl IntoView {
    let GrantsView { grants, approved, may_request, now } = shown;
    let (open, over): (Vec<_>, Vec<_>) =
        grants.into_iter().partition(|row| matches!(row.state, GrantState::Requested | GrantState::Active));
    let list = |heading: &'static str, rows: Vec<GrantRow>| {
        let rows = rows.into_iter().map(|row| view! { <Row row now/> }.into_any()).collect_view();
        view! {
            <section class="grid gap-2">
                <h2 class="text-reading font-semibold">{heading}</h2>
                <ul class="divide-y divide-hairline rounded-dialog border border-hairline bg-surface">{rows}</ul>
            </section>
        }
    };
    let none = open.is_empty();
    let open = (!none).then(|| list(strings::OPEN, open));
    let over = (!over.is_empty()).then(|| list(strings::OVER, over));
    let ask = move || {
        may_request.then(|| {
            view! {
                <a href="/grants/new" class=Weight::Primary.class()>
                    {strings::ASK}
                </a>
            }
        })
    };

    view! {
        <PageHeader title=|| strings::TITLE>
            <p class="max-w-measure text-muted">{strings::INTRO}</p>
            {(approved > 0).then(|| view! { <p class="tabular-nums">{approvals(approved)}</p> })}
            {(!none).then(|| view! { <p>{ask()}</p> })}
        </PageHeader>
        <div class="grid max-w-4xl gap-6">
            {match open {
                Some(open) => open.into_any(),
                None => view! {
                    <Empty title=strings::NONE reason=strings::NONE_REASON>
                        {ask()}
                    </Empty>
                }
                .into_any(),
            }}
            {over}
        </div>
    }
}

#[component]
fn Row(row: GrantRow, now: u64) -> impl IntoView {
    let GrantRow {
        id, state, system, action: (title, _), bounds, uses, used, requested_by, requested_at, ends_at, ..
    } = row;
    let name = format!("Grant {}", id.short());
    let label = format!("{} {name}", strings::READ);
    let left = uses_words(used, uses);
    let end = ends_at.filter(|_| state == GrantState::Active);

    view! {
        <li class="flex flex-wrap items-center gap-x-4 gap-y-2 px-5 py-3">
            <div class="grid min-w-0 gap-0.5">
                <p class="flex flex-wrap items-center gap-x-3 gap-y-1">
                    <span class="font-mono text-compact">{id.short()}</span>
                    <span class="font-medium [overflow-wrap:anywhere]">
                        <Literal text=title/>
                    </span>
                    <GrantMark state ends_at now/>
                </p>
                <p class="text-compact [overflow-wrap:anywhere]">
                    <Literal text=system/> ". " <Literal text=bounds.join(" ")/>
                </p>
                <p class="flex flex-wrap gap-x-3 text-compact text-muted">
                    <span class="tabular-nums">{left}</span>
                    {end
                        .map(|at| {
                            view! {
                                <span>{strings::ENDS} " " <Moment at/></span>
                            }
                        })}
                    <span>
                        {strings::ASKED_BY} " " <Literal text=requested_by/> ", " <Moment at=requested_at/>
                    </span>
                </p>
            </div>
            <p class="ml-auto">
                <a href=format!("/grants/{id}") aria-label=label class=Weight::Plain.class()>
                    {strings::READ}
                </a>
            </p>
        </li>
    }
}

/// Where a grant stands, in a chip; one whose time has just passed says so before that is on record.
#[component]
fn GrantMark(state: GrantState, ends_at: Option<u64>, now: u64) -> impl IntoView {
    let late = state == GrantState::Active && ends_at.is_some_and(|end| now >= end);
    let state = if late { GrantState::Expired } else { state };
    let tone = match state {
        GrantState::Requested => Tone::Info,
        GrantState::Active => Tone::Approve,
        GrantState::Refused | GrantState::Revoked => Tone::Reject,
        GrantState::Exhausted | GrantState::Expired => Tone::Plain,
    };
    view! { <Chip tone text=state.label()/> }
}

/// The link back to the list.
#[component]
fn BackToList() -> impl IntoView {
    view! {
        <div class="mb-2 text-compact text-muted print:hidden">
            <a href="/grants" class="inline-flex items-center gap-1 rounded-chip hover:text-text hover:underline no-underline">
                <Icon shape=Shape::Back class="size-4"/>
                {strings::TITLE}
            </a>
        </div>
    }
}

/// "2 of 5 uses made, 3 left".
fn uses_words(used: u64, uses: u64) -> String {
    let all = if uses == 1 { "1 use".to_owned() } else { format!("{uses} uses") };
    format!("{used} of {all} made, {} left", uses.saturating_sub(used))
}

fn approvals(count: u64) -> String {
    match count {
        1 => "1 decision was approved by these grants; no person was asked about it.".to_owned(),
        count => format!("{count} decisions were approved by these grants; no person was asked about them."),
    }
}

mod strings {
    pub(super) const TITLE: &str = "Grants";
    pub(super) const INTRO: &str = "A grant lets an AI system do one kind of thing a few times without anybody being asked. One person asks for it, another one activates it, and anybody who reviews for the system ends it alone.";
    pub(super) const NONE: &str = "No grants. Each action is asked for.";
    pub(super) const NONE_REASON: &str = "Whoever reviews for an AI system may ask for one; a senior approver of it or a compliance officer activates it.";
    pub(super) const ASK: &str = "Ask for a grant";
    pub(super) const OPEN: &str = "Waiting and active";
    pub(super) const OVER: &str = "Over";
    pub(super) const READ: &str = "Read";
    pub(super) const ENDS: &str = "Ends";
    pub(super) const ASKED_BY: &str = "Asked for by";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uses_are_counted_in_words() {
        assert_eq!(uses_words(2, 5), "2 of 5 uses made, 3 left");
        assert_eq!(uses_words(0, 1), "0 of 1 use made, 1 left");
        assert!(approvals(1).starts_with("1 decision was") && approvals(2).starts_with("2 decisions were"));
    }
}
