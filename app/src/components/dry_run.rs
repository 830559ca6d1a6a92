//! What a mapping would change for whom: on its own page and where it waits for a second person.

use countersign_domain::{
    mapping::{DryRun, Effect},
    view::ShownHolding,
};
use leptos::prelude::*;

use super::holding::reach;

/// Says what a dry run found in one sentence.
pub(crate) fn summary(dry_run: &DryRun) -> String {
    let people = |count: usize| if count == 1 { "1 person".to_owned() } else { format!("{count} people") };
    match dry_run.counts() {
        (0, 0) => "Nobody gains or loses a role.".into(),
        (gaining, 0) => format!("{} would gain a role; nobody would lose one.", people(gaining)),
        (0, losing) => format!("{} would lose a role; nobody would gain one.", people(losing)),
        (gaining, losing) => format!("{} would gain a role, {} would lose one.", people(gaining), people(losing)),
    }
}

/// The people whom a mapping would change, a row each.
#[component]
pub(crate) fn EffectTable(effects: Vec<Effect>) -> impl IntoView {
    if effects.is_empty() {
        return ().into_any();
    }
    let rows = effects
        .into_iter()
        .map(|Effect { person, name, gains, losses, refused, findings }| {
            let notes = refused
                .into_iter()
                .map(|(holding, why)| format!("Does not get {}: {why}", holding.role.name().to_ascii_lowercase()))
                .chain(findings)
                .map(|note| view! { <p class="text-compact text-muted">{note}</p> })
                .collect_view();
            view! {
                <tr class="border-t border-hairline align-top">
                    <th scope="row" class="py-2 pr-4 text-left font-normal">
                        <a href=format!("/admin/people/{person}") class="text-accent underline">{name}</a>
                    </th>
                    <td class="py-2 pr-4">{holdings("+ ", gains)}</td>
                    <td class="py-2">{holdings("− ", losses)} {notes}</td>
                </tr>
            }
            .into_any()
        })
        .collect_view();

    view! {
        <div class="overflow-x-auto">
            <table class="w-full">
                <caption class="sr-only">{strings::WHO}</caption>
                <thead class="text-left text-compact text-muted">
                    <tr>
                        <th scope="col" class="py-2 pr-4 font-normal">{strings::PERSON}</th>
                        <th scope="col" class="py-2 pr-4 font-normal">{strings::GAINS}</th>
                        <th scope="col" class="py-2 font-normal">{strings::LOSES}</th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
    .into_any()
}

fn holdings(sign: &'static str, holdings: Vec<ShownHolding>) -> AnyView {
    holdings
        .into_iter()
        .map(|holding| {
            view! {
                <p class="[overflow-wrap:anywhere]">
                    {sign} <strong class="font-medium">{holding.role.name()}</strong> " " {reach(&holding)}
                </p>
            }
        })
        .collect_view()
        .into_any()
}

mod strings {
    pub(super) const WHO: &str = "Who gains and loses roles";
    pub(super) const PERSON: &str = "Person";
    pub(super) const GAINS: &str = "Gains";
    pub(super) const LOSES: &str = "Loses";
}
