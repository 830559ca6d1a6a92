//! `/admin/health`: how the installation stands, in plain words. Answers while the ledger is paused.

use countersign_domain::administration::{Health, HealthLine, HealthView};
use leptos::prelude::*;

use crate::{
    Error,
    components::{
        admin::AdminNav,
        marks::{Chip, Tone},
        page::{PageHeader, PageTitle, Refusal, Skeleton, TitleText},
        time::Exact,
    },
    wire::Json,
};

/// Reads how the installation stands; not sealed, because it reads no decision and no person.
#[server(prefix = "/act", endpoint = "health", output = Json)]
pub(crate) async fn read_health() -> Result<HealthView, Error> {
    use countersign_engine::health;

    use crate::request::{request, shown};

    let (engine, caller) = request()?;
    shown(&caller, health::view(&engine, &caller).await)
}

/// The health page.
#[component]
pub(crate) fn HealthPage() -> impl IntoView {
    let view = Resource::new(|| (), |()| read_health());

    view! {
        <PageTitle text=TitleText::page(strings::TITLE)/>
        <Transition fallback=|| {
            view! { <Skeleton rows=8/> }
        }>
            {move || Suspend::new(async move {
                match view.await {
                    Ok(shown) => view! { <Lines shown/> }.into_any(),
                    Err(error) => view! { <Refusal error/> }.into_any(),
                }
            })}
        </Transition>
    }
}

#[component]
fn Lines(shown: HealthView) -> impl IntoView {
    let summary = summary(&shown.lines);
    let lines = shown.lines.into_iter().map(|line| view! { <Line line/> }.into_any()).collect_view();

    view! {
        <PageHeader title=|| strings::TITLE>
            <p class="text-reading">{summary}</p>
        </PageHeader>
        <AdminNav/>
        <ul class="max-w-5xl divide-y divide-hairline rounded-dialog border border-hairline bg-surface">{lines}</ul>
    }
}

/// Says what to look at first.
fn summary(lines: &[HealthLine]) -> String {
    let named = |state| lines.iter().filter(move |line| line.state == state).map(|line| line.name.clone());
    let broken: Vec<_> = named(Health::Broken).collect();
    let watch: Vec<_> = named(Health::Watch).collect();
    match (broken.is_empty(), watch.is_empty()) {
        (true, true) => "Everything stands as it should.".to_owned(),
        (true, false) => format!("To look at: {}.", watch.join(", ")),
        (false, _) => format!("To act on at once: {}.", broken.join(", ")),
    }
}

#[component]
fn Line(line: HealthLine) -> impl IntoView {
    let (tone, word) = match line.state {
        Health::Fine => (Tone::Approve, "Fine"),
        Health::Watch => (Tone::Escalate, "Look at it"),
        Health::Broken => (Tone::Reject, "Act now"),
    };

    view! {
        <li class="grid gap-x-5 gap-y-1 px-5 py-3 sm:grid-cols-[11rem_minmax(0,1fr)_auto]">
            <p class="flex flex-wrap items-center gap-2 font-medium">{line.name} <Chip tone text=word/></p>
            <div class="min-w-0 [overflow-wrap:anywhere]">
                <p>{line.value}</p>
                {line.advice.map(|advice| view! { <p class="text-muted">{advice}</p> })}
            </div>
            <p class="text-compact text-muted">
                <Exact at=line.at/>
            </p>
        </li>
    }
}

mod strings {
    pub(super) const TITLE: &str = "Health";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_is_named_first() {
        let line =
            |name: &str, state| HealthLine { name: name.into(), state, value: String::new(), at: 0, advice: None };
        let (fine, watch, broken) = (line("A", Health::Fine), line("B", Health::Watch), line("C", Health::Broken));

        assert_eq!(summary(std::slice::from_ref(&fine)), "Everything stands as it should.");
        assert_eq!(summary(&[fine, watch.clone()]), "To look at: B.");
        assert_eq!(summary(&[watch, broken]), "To act on at once: C.");
    }
}
