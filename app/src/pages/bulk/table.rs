//! What decisions have in common, said once, and what differs between them, in a table; and those that were opened, whole.

use countersign_domain::{
    bulk::{BulkItem, Column, Fact, Mark, Outlier, Sheet},
    decision::Risk,
    decision_type::Kind,
    view::{Field, Mode},
};
use leptos::prelude::*;

use super::Asked;
use crate::components::{
    icons::{Icon, Shape},
    marks::RiskMark,
    page::Panel,
    text::{CopyId, Literal, Payload, indent},
    time::Moment,
};

/// What is the same for all of them.
#[component]
pub(super) fn SameForAll(sheet: Sheet) -> impl IntoView {
    let Sheet { facts, common, items, .. } = sheet;
    let first = items.into_iter().next().map(|item| item.fields).unwrap_or_default();
    let fields = common.into_iter().filter_map(|name| first.iter().find(|field| field.name == name).cloned());
    let facts = facts
        .into_iter()
        .map(|(fact, value)| {
            view! {
                <div class="grid gap-x-4 sm:grid-cols-[12rem_minmax(0,1fr)] sm:items-baseline">
                    <dt class="text-body font-medium">{fact.label()}</dt>
                    <dd class="min-w-0"><FactValue fact value/></dd>
                </div>
            }
            .into_any()
        })
        .collect_view();
    let fields = fields
        .map(|field| {
            view! {
                <div class="grid gap-x-4 sm:grid-cols-[12rem_minmax(0,1fr)] sm:items-baseline">
                    <dt class="text-body font-medium [overflow-wrap:anywhere]">{field.label.clone()}</dt>
                    <dd class="min-w-0"><Value field/></dd>
                </div>
            }
            .into_any()
        })
        .collect_view();

    view! {
        <Panel title=strings::SAME>
            <dl class="grid gap-1.5">{facts} {fields}</dl>
        </Panel>
    }
}

/// The decisions below each other, with a column for everything that differs.
#[component]
pub(super) fn Comparison(sheet: Sheet, asked: Asked) -> impl IntoView {
    let Sheet { fact_columns, columns, items, .. } = sheet;
    let rows = items
        .into_iter()
        .map(|item| {
            let (fact_columns, columns) = (fact_columns.clone(), columns.clone());
            view! { <ItemRow item fact_columns columns asked=asked.clone()/> }.into_any()
        })
        .collect_view();
    let head = fact_columns
        .iter()
        .map(|fact| fact.label().to_owned())
        .chain(columns.iter().map(|column| column.label.clone()))
        .map(|label| {
            view! {
                <th scope="col" class="px-3 py-2 text-compact font-medium text-muted">
                    {label}
                </th>
            }
        })
        .collect_view();

    view! {
        <section class="rounded-dialog border border-hairline bg-surface">
            <h2 id="differs" class="border-b border-hairline px-5 py-3 text-reading font-semibold">{strings::DIFFERS}</h2>
            <div class="overflow-x-auto" tabindex="0" role="region" aria-labelledby="differs">
                <table class="w-full text-left text-body">
                    <thead>
                        <tr class="border-b border-hairline">
                            <th scope="col" class="px-3 py-2 text-compact font-medium text-muted">
                                {strings::DECISION}
                            </th>
                            {head}
                        </tr>
                    </thead>
                    <tbody class="divide-y divide-hairline">{rows}</tbody>
                </table>
            </div>
        </section>
    }
}

#[component]
fn ItemRow(item: BulkItem, fact_columns: Vec<Fact>, columns: Vec<Column>, asked: Asked) -> impl IntoView {
    let waits = item.waits();
    let BulkItem { id, title, due_at, facts, fields, marks, opened, held_by, only_reject, .. } = item;
    let marked = |label: &str| marks.iter().any(|mark| mark.label == label);
    let facts = fact_columns
        .into_iter()
        .map(|fact| {
            let value = facts.get(fact as usize).cloned().unwrap_or_default();
            let class = cell_class(marked(fact.label()));
            view! { <td class=class><FactValue fact value/></td> }.into_any()
        })
        .collect_view();
    let cells = columns
        .into_iter()
        .map(|column| {
            let class = cell_class(marked(&column.label));
            match fields.iter().find(|field| field.name == column.name).cloned() {
                Some(field) => view! { <td class=class><Value field/></td> }.into_any(),
                None => view! { <td class=class><span class="text-muted">{strings::NOT_GIVEN}</span></td> }.into_any(),
            }
        })
        .collect_view();
    let why = marks
        .iter()
        .map(|mark| {
            view! {
                <li class="flex items-start gap-1.5 text-compact text-escalate">
                    <Icon shape=Shape::Alert class="mt-0.5 size-4 shrink-0"/>
                    {mark_words(mark)}
                </li>
            }
        })
        .collect_view();
    let to_open = match (opened, waits) {
        (true, _) => view! {
            <a href=format!("#opened-{id}") rel="external" class="text-accent underline">
                {strings::OPENED}
            </a>
        }
        .into_any(),
        (false, true) => view! {
            <a href=asked.opening(id) class="font-semibold text-accent underline">
                {strings::OPEN_FIRST} <span class="sr-only">" " {id.short()}</span>
            </a>
        }
        .into_any(),
        (false, false) => view! {
            <a href=asked.opening(id) class="text-accent underline">
                {strings::OPEN} <span class="sr-only">" " {id.short()}</span>
            </a>
        }
        .into_any(),
    };

    view! {
        <tr class="align-top">
            <th scope="row" class="min-w-48 px-3 py-2 font-normal">
                <div class="grid gap-1">
                    <a href=format!("/decisions/{id}") class="font-medium text-text underline [overflow-wrap:anywhere]">
                        <Literal text=title/>
                    </a>
                    <span class="text-compact text-muted">{strings::DUE} " " <Moment at=due_at/></span>
                    {(!marks.is_empty()).then(|| view! { <ul class="grid gap-1">{why}</ul> })}
                    {held_words(&held_by).map(|words| view! { <span class="text-compact text-info">{words}</span> })}
                    {only_reject.map(|why| view! { <span class="text-compact text-escalate">{why}</span> })}
                    <span class="text-compact">{to_open}</span>
                </div>
            </th>
            {facts}
            {cells}
        </tr>
    }
}

/// Everything that there is of one decision, because somebody asked for it.
#[component]
pub(super) fn Opened(item: BulkItem) -> impl IntoView {
    let BulkItem { id, title, content_hash, fields, .. } = item;
    let fields = fields
        .into_iter()
        .map(|field| {
            view! {
                <div class="grid gap-1">
                    <dt class="text-body font-medium [overflow-wrap:anywhere]">{field.label.clone()}</dt>
                    <dd class="min-w-0"><Value field/></dd>
                </div>
            }
            .into_any()
        })
        .collect_view();

    view! {
        <section id=format!("opened-{id}") tabindex="-1" class="scroll-mt-4 rounded-dialog border border-hairline bg-surface px-5 py-4 outline-none target:border-accent print:break-inside-avoid print:border-0 print:px-0">
            <h2 class="mb-3 text-reading font-semibold [overflow-wrap:anywhere]">
                <Literal text=title/>
            </h2>
            <dl class="grid grid-cols-1 gap-4">{fields}</dl>
            <p class="mt-4 text-compact text-muted">
                {strings::CONTENT_HASH} " " <CopyId id=content_hash label="content hash"/>
            </p>
        </section>
    }
}

/// A value as it is committed, complete; what is long stands behind a disclosure.
#[component]
fn Value(field: Field) -> impl IntoView {
    let Field { kind, mode, value, withheld, .. } = field;
    let shown = match (value, mode) {
        (None, _) if withheld => return view! { <span class="text-muted">{strings::MASKED}</span> }.into_any(),
        (None, _) => return view! { <span class="text-muted">{strings::ERASED}</span> }.into_any(),
        (Some(_), Mode::Masked) => return view! { <span class="text-muted">{strings::MASKED}</span> }.into_any(),
        (Some(value), _) if kind == Kind::Structure => view! { <Payload value=indent(&value)/> }.into_any(),
        (Some(value), Mode::Collapsed) => view! { <Payload value/> }.into_any(),
        (Some(value), _) => view! {
            <span class="whitespace-pre-wrap tabular-nums [overflow-wrap:anywhere]">
                <Literal text=value/>
            </span>
        }
        .into_any(),
    };
    if mode != Mode::Collapsed {
        return shown;
    }

    view! {
        <details>
            <summary class="cursor-pointer text-accent underline">{strings::SHOW}</summary>
            {shown}
        </details>
    }
    .into_any()
}

#[component]
fn FactValue(fact: Fact, value: String) -> impl IntoView {
    match (fact, Risk::from_word(&value)) {
        (Fact::Risk, Some(level)) => view! { <RiskMark level/> }.into_any(),
        _ => view! { <span class="[overflow-wrap:anywhere]">{value}</span> }.into_any(),
    }
}

const fn cell_class(marked: bool) -> &'static str {
    if marked { "bg-escalate-tint px-3 py-2 font-medium text-escalate-ink" } else { "px-3 py-2" }
}

/// Says how a value is unlike the rest.
fn mark_words(mark: &Mark) -> String {
    match &mark.outlier {
        Outlier::Far { median } => {
            format!("{} is far from the others, half of which are at {median} or less", mark.label)
        }
        Outlier::Rare { count: 1, of } => format!("{} is its own; most of the {of} have the same", mark.label),
        Outlier::Rare { count, of } => format!("{} is that of {count} among {of}; most have the same", mark.label),
    }
}

fn held_words(held_by: &[String]) -> Option<String> {
    let names = held_by.join(", ");
    (!held_by.is_empty())
        .then(|| format!("{names} reviews this now. Unless that ends before you send this, it is left out."))
}

mod strings {
    pub(super) const SAME: &str = "The same for all";
    pub(super) const DIFFERS: &str = "What differs";
    pub(super) const DECISION: &str = "Decision";
    pub(super) const DUE: &str = "Due";
    pub(super) const NOT_GIVEN: &str = "Not given";
    pub(super) const MASKED: &str = "Masked: personal. It is not compared.";
    pub(super) const ERASED: &str = "Erased; the commitment is present.";
    pub(super) const SHOW: &str = "Show it whole";
    pub(super) const OPEN: &str = "Open";
    pub(super) const OPEN_FIRST: &str = "Open before you rule";
    pub(super) const OPENED: &str = "Opened, shown below";
    pub(super) const CONTENT_HASH: &str = "Content hash";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_says_what_is_unlike_and_how() {
        let mark = |outlier| Mark { label: "Amount".into(), outlier };

        assert!(mark_words(&mark(Outlier::Far { median: "44.90".into() })).contains("44.90"));
        assert_eq!(
            mark_words(&mark(Outlier::Rare { count: 1, of: 12 })),
            "Amount is its own; most of the 12 have the same"
        );
        assert!(mark_words(&mark(Outlier::Rare { count: 2, of: 30 })).contains("2 among 30"));
    }

    #[test]
    fn who_has_a_decision_is_named() {
        assert_eq!(held_words(&[]), None);
        assert!(held_words(&["Ada".into()]).is_some_and(|words| words.starts_with("Ada reviews this now")));
    }
}
