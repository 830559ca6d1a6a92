//! `/admin/access` and `/me/access`: who read what.

use countersign_domain::{
    administration::{AccessFilter, AccessGroup, AccessRow, AccessView},
    problem::{Code, Problem},
};
use leptos::prelude::*;
use leptos_router::{hooks::use_query_map, params::ParamsMap};

use crate::{
    Error,
    components::{
        admin::{AdminNav, Choose, Line, LineKind},
        form::{ErrorSummary, Weight},
        kinds::kind_words,
        page::{Empty, PageHeader, PageTitle, Pager, Recorded, Refusal, Skeleton, TitleText},
        time::{Exact, Moment},
    },
    wire::Json,
};

/// Asks the access log.
#[server(prefix = "/act", endpoint = "access", output = Json)]
pub(crate) async fn access(
    #[server(default)] person: String,
    #[server(default)] object: String,
    #[server(default)] kind: String,
    #[server(default)] from: String,
    #[server(default)] to: String,
    #[server(default)] before: String,
) -> Result<AccessView, Error> {
    use countersign_engine::access;

    use crate::request::{request, shown};

    let (engine, caller) = request()?;
    let filter = AccessFilter { person, object, kind, from, to, before };
    shown(&caller, access::log(&engine, &caller, filter).await)
}

/// Reads what others read about this person, or what they read themselves.
#[server(prefix = "/act", endpoint = "my-access", output = Json)]
pub(crate) async fn my_access(
    #[server(default)] by: bool,
    #[server(default)] before: Option<u64>,
) -> Result<AccessView, Error> {
    use countersign_engine::access::{self, Side};

    use crate::request::{request, shown};

    let (engine, caller) = request()?;
    let side = if by { Side::By } else { Side::About };
    shown(&caller, access::own(&engine, &caller, side, before).await)
}

fn filter_of(query: &ParamsMap) -> AccessFilter {
    let text = |name: &str| query.get(name).unwrap_or_default();
    AccessFilter {
        person: text("person"),
        object: text("object"),
        kind: text("kind"),
        from: text("from"),
        to: text("to"),
        before: text("before"),
    }
}

/// Writes an address with a question.
fn address(path: &str, filter: &AccessFilter) -> String {
    let fields = [
        ("person", &filter.person),
        ("object", &filter.object),
        ("kind", &filter.kind),
        ("from", &filter.from),
        ("to", &filter.to),
        ("before", &filter.before),
    ];
    let asked = fields.iter().filter(|(_, value)| !value.trim().is_empty());
    let query: Vec<_> = asked.map(|(name, value)| format!("{name}={}", encode(value.trim()))).collect();
    if query.is_empty() { path.to_owned() } else { format!("{path}?{}", query.join("&")) }
}

fn encode(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => char::from(byte).to_string(),
            byte => format!("%{byte:02X}"),
        })
        .collect()
}

/// The access log.
#[component]
pub(crate) fn AccessPage() -> impl IntoView {
    let query = use_query_map();
    let filter = Memo::new(move |_| query.with(filter_of));
    let view = Resource::new(
        move || filter.get(),
        |filter| {
            let AccessFilter { person, object, kind, from, to, before } = filter;
            access(person, object, kind, from, to, before)
        },
    );

    view! {
        <PageTitle text=TitleText::page(strings::TITLE)/>
        <Transition fallback=|| {
            view! { <Skeleton rows=6/> }
        }>
            {move || Suspend::new(async move {
                let filter = filter.get_untracked();
                match view.await {
                    Ok(shown) => view! { <Log shown filter/> }.into_any(),
                    Err(error) if error.problem().code == Code::InvalidContent => {
                        view! { <Unreadable filter problem=error.problem()/> }.into_any()
                    }
                    Err(error) => view! { <Refusal error/> }.into_any(),
                }
            })}
        </Transition>
    }
}

#[component]
fn Log(shown: AccessView, filter: AccessFilter) -> impl IntoView {
    let older = shown
        .older
        .map(|before| address("/admin/access", &AccessFilter { before: before.to_string(), ..filter.clone() }));
    let start = AccessFilter { before: String::new(), ..filter.clone() };
    let newest = (!filter.before.is_empty()).then(|| address("/admin/access", &start));
    let export = address("/admin/access/export", &start);
    let asked = start != AccessFilter::default();
    let covered = shown.size.saturating_sub(1);
    let nothing = shown.rows.is_empty();

    view! {
        <PageHeader title=|| strings::TITLE>
            <p class="max-w-measure text-muted">{shown.reach.sentence()}</p>
        </PageHeader>
        <AdminNav/>
        <FilterForm filter problem=None/>
        <div class="mb-3 flex flex-wrap items-center gap-x-4 gap-y-2">
            <p class="text-compact text-muted tabular-nums">
                {format!("Up to entry #{covered}, as of ")} <Moment at=shown.now/> "."
            </p>
            {(!nothing)
                .then(|| {
                    view! {
                        <a href=export download="access.csv" rel="external" class=Weight::Plain.class()>
                            {strings::EXPORT}
                        </a>
                    }
                })}
        </div>
        {if nothing {
            let reason = if asked { strings::NONE_ASKED } else { strings::NONE };
            view! { <Empty title=strings::NOTHING reason/> }.into_any()
        } else {
            view! { <Rows rows=shown.rows/> }.into_any()
        }}
        <Pager label=strings::PAGES newest older/>
        <Recorded entry=shown.recorded/>
    }
}

#[component]
fn Unreadable(filter: AccessFilter, problem: Problem) -> impl IntoView {
    let said = problem.clone();
    view! {
        <PageHeader title=|| strings::TITLE/>
        <AdminNav/>
        <div class="mb-4 max-w-3xl">
            <ErrorSummary problem=Signal::stored(Some(said))/>
        </div>
        <FilterForm filter problem=Some(problem)/>
    }
}

#[component]
fn FilterForm(filter: AccessFilter, problem: Option<Problem>) -> impl IntoView {
    let problem = Signal::stored(problem);
    let kinds = [("".to_owned(), strings::ANY.to_owned(), filter.kind.is_empty())]
        .into_iter()
        .chain(
            AccessGroup::ALL
                .iter()
                .map(|group| (group.word().to_owned(), group.name().to_owned(), filter.kind == group.word())),
        )
        .collect();
    let narrows = AccessFilter { before: String::new(), ..filter.clone() } != AccessFilter::default();

    view! {
        <div role="search" class="mb-5 print:hidden">
            <form method="get" action="/admin/access" class="grid max-w-5xl gap-3 sm:grid-cols-3">
                <Line id="person" name="person" label=strings::PERSON kind=LineKind::Text value=filter.person problem/>
                <Line id="object" name="object" label=strings::OBJECT kind=LineKind::Text value=filter.object problem/>
                <Choose id="kind" name="kind" label=strings::KIND options=kinds/>
                <Line id="from" name="from" label=strings::FROM kind=LineKind::Day value=filter.from problem/>
                <Line id="to" name="to" label=strings::TO kind=LineKind::Day value=filter.to problem/>
                <div class="flex flex-wrap items-end gap-3">
                    <button type="submit" class=Weight::Primary.class()>
                        {strings::ASK}
                    </button>
                    {narrows
                        .then(|| {
                            view! {
                                <a href="/admin/access" class="inline-flex min-h-11 items-center text-compact text-accent underline sm:min-h-9">
                                    {strings::CLEAR}
                                </a>
                            }
                        })}
                </div>
            </form>
        </div>
    }
}

#[component]
fn Rows(rows: Vec<AccessRow>) -> impl IntoView {
    const HEAD: &str = "px-4 py-2 text-left text-compact font-medium text-muted";
    const CELL: &str = "px-4 py-2 align-top [overflow-wrap:anywhere] max-sm:block max-sm:py-0.5";
    let rows = rows
        .into_iter()
        .map(|row| {
            let what = what(&row);
            view! {
                <tr class="hover:bg-raised max-sm:block max-sm:py-2">
                    <td class=CELL>
                        <Exact at=row.at/>
                    </td>
                    <td class=CELL>
                        <span class="font-medium">{row.who}</span>
                    </td>
                    <td class=CELL>
                        {kind_words(&row.kind).to_owned()} {what.map(|what| view! { <span class="text-muted">{format!(" · {what}")}</span> })}
                    </td>
                    <td class=CELL>
                        <Object object=row.object id=row.object_id/>
                    </td>
                    <td class=CELL>
                        <a href=format!("/ledger/{}", row.index) class="text-accent tabular-nums hover:underline no-underline">
                            {format!("#{}", row.index)}
                        </a>
                    </td>
                </tr>
            }
            .into_any()
        })
        .collect_view();

    view! {
        <div class="overflow-x-auto rounded-dialog border border-hairline bg-surface">
            <table class="w-full max-sm:block">
                <caption class="sr-only">{strings::TITLE}</caption>
                <thead class="border-b border-hairline max-sm:sr-only">
                    <tr>
                        <th scope="col" class=HEAD>{strings::WHEN}</th>
                        <th scope="col" class=HEAD>{strings::WHO}</th>
                        <th scope="col" class=HEAD>{strings::DID}</th>
                        <th scope="col" class=HEAD>{strings::WHAT}</th>
                        <th scope="col" class=HEAD>{strings::ENTRY}</th>
                    </tr>
                </thead>
                <tbody class="divide-y divide-hairline max-sm:block">{rows}</tbody>
            </table>
        </div>
    }
}

/// Says more of an entry: which list, what was refused and why, how much.
fn what(row: &AccessRow) -> Option<String> {
    let count = row.count.map(|count| if count == 1 { "1".to_owned() } else { count.to_string() });
    match (row.detail.is_empty(), count) {
        (true, None) => None,
        (true, Some(count)) => Some(count),
        (false, None) => Some(row.detail.clone()),
        (false, Some(count)) => Some(format!("{} ({count})", row.detail)),
    }
}

#[component]
fn Object(object: Option<String>, id: Option<String>) -> impl IntoView {
    match (object, id) {
        (Some(object), Some(id)) if object == "decision" => view! {
            <a href=format!("/decisions/{id}") class="text-accent hover:underline no-underline">
                "Decision " <span class="font-mono text-compact">{end_of(&id)}</span>
            </a>
        }
        .into_any(),
        (Some(object), Some(id)) => view! {
            {object.replace('_', " ")}
            " "
            <span class="font-mono text-compact text-muted" title=id.clone()>
                {end_of(&id)}
            </span>
        }
        .into_any(),
        _ => "–".into_any(),
    }
}

/// The end of an id, as screens print it.
fn end_of(id: &str) -> String {
    let digits: String = id.chars().filter(|character| *character != '-').collect();
    digits[digits.len().saturating_sub(8)..].to_ascii_uppercase()
}

/// A person's own side of the access log.
#[component]
pub(crate) fn MyAccessPage() -> impl IntoView {
    let query = use_query_map();
    let asked = Memo::new(move |_| {
        query.with(|query| {
            let by = query.get("side").is_some_and(|side| side == "by");
            (by, query.get("before").and_then(|before| before.parse::<u64>().ok()))
        })
    });
    let view = Resource::new(move || asked.get(), |(by, before)| my_access(by, before));

    view! {
        <PageTitle text=TitleText::page(strings::MINE)/>
        <Transition fallback=|| {
            view! { <Skeleton rows=6/> }
        }>
            {move || Suspend::new(async move {
                let (by, before) = asked.get_untracked();
                match view.await {
                    Ok(shown) => view! { <Mine shown by paged=before.is_some()/> }.into_any(),
                    Err(error) => view! { <Refusal error/> }.into_any(),
                }
            })}
        </Transition>
    }
}

#[component]
fn Mine(shown: AccessView, by: bool, paged: bool) -> impl IntoView {
    const TAB: &str = "inline-flex min-h-11 items-center border-b-2 border-transparent px-1 text-body text-accent no-underline aria-[current=page]:border-accent aria-[current=page]:font-semibold aria-[current=page]:text-text sm:min-h-9";
    let side = if by { "/me/access?side=by" } else { "/me/access" };
    let join = if by { '&' } else { '?' };
    let older = shown.older.map(|before| format!("{side}{join}before={before}"));
    let newest = paged.then(|| side.to_owned());
    let nothing = shown.rows.is_empty();

    view! {
        <PageHeader title=|| strings::MINE>
            <p class="max-w-measure text-muted">{if by { strings::BY_TEXT } else { strings::ABOUT_TEXT }}</p>
        </PageHeader>
        <nav aria-label=strings::MINE class="mb-4 flex gap-5 print:hidden">
            <a href="/me/access" aria-current=(!by).then_some("page") class=TAB>{strings::ABOUT}</a>
            <a href="/me/access?side=by" aria-current=by.then_some("page") class=TAB>{strings::BY}</a>
        </nav>
        {if nothing {
            let reason = if by { strings::NONE_BY } else { strings::NONE_ABOUT };
            view! { <Empty title=strings::NOTHING reason/> }.into_any()
        } else {
            view! { <Rows rows=shown.rows/> }.into_any()
        }}
        <Pager label=strings::PAGES newest older/>
        <Recorded entry=shown.recorded/>
    }
}

mod strings {
    pub(super) const TITLE: &str = "Access log";
    pub(super) const PERSON: &str = "Who (sign-in name or id)";
    pub(super) const OBJECT: &str = "What (whole id)";
    pub(super) const KIND: &str = "Kind";
    pub(super) const ANY: &str = "Every kind";
    pub(super) const FROM: &str = "From (UTC)";
    pub(super) const TO: &str = "To (UTC)";
    pub(super) const ASK: &str = "Show";
    pub(super) const CLEAR: &str = "Clear";
    pub(super) const EXPORT: &str = "Export as CSV";
    pub(super) const NOTHING: &str = "Nothing read in this period";
    pub(super) const NONE: &str = "Reads, searches, exports and refusals appear here once they are sealed.";
    pub(super) const NONE_ASKED: &str =
        "No sealed entry fits what you asked for. Widen the period or clear the fields.";
    pub(super) const PAGES: &str = "Pages of the access log";
    pub(super) const WHEN: &str = "When";
    pub(super) const WHO: &str = "Who";
    pub(super) const DID: &str = "Did";
    pub(super) const WHAT: &str = "What";
    pub(super) const ENTRY: &str = "Entry";
    pub(super) const MINE: &str = "Who read what about you";
    pub(super) const ABOUT: &str = "About you";
    pub(super) const BY: &str = "By you";
    pub(super) const ABOUT_TEXT: &str =
        "What others read about you and about decisions after you reviewed them. Every line is a sealed entry.";
    pub(super) const BY_TEXT: &str = "What you read, searched and took with you. Every line is a sealed entry.";
    pub(super) const NONE_ABOUT: &str = "Nobody read anything about you or your reviews yet.";
    pub(super) const NONE_BY: &str = "What you read appears here once it is sealed.";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_keeps_the_question_and_drops_what_is_empty() {
        let filter = AccessFilter { person: "ada & co".into(), kind: "read".into(), ..AccessFilter::default() };

        assert_eq!(address("/admin/access", &AccessFilter::default()), "/admin/access");
        assert_eq!(address("/admin/access", &filter), "/admin/access?person=ada%20%26%20co&kind=read");
    }
}
