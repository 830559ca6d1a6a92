//! Instants and deadlines on screen: absolute first, relative only beside it.

use leptos::prelude::*;

use crate::clock::{Instant, Urgency, ago, instant, local, time_left, urgency};

/// An instant. UTC from the server; by the browser's zone after hydration, where that was chosen.
#[component]
pub(crate) fn Moment(at: u64) -> impl IntoView {
    let Instant { machine, screen } = instant(at);
    let shown = RwSignal::new((screen.clone(), None));
    let utc = StoredValue::new(screen.clone());
    Effect::new(move || {
        if let Some(local) = local(at) {
            let beside = utc.with_value(|utc| beside(&local, utc));
            shown.set((local, beside));
        }
    });

    view! {
        <time datetime=machine title=screen class="tabular-nums">
            <span class="whitespace-nowrap">{move || shown.with(|(screen, _)| screen.clone())}</span>
            {move || {
                shown
                    .with(|(_, beside)| beside.clone())
                    .map(|beside| view! { <span class="whitespace-nowrap text-muted">{format!(" ({beside})")}</span> })
            }}
        </time>
    }
}

/// Says what stands in UTC beside a local time, the day only where it is another; nothing where both are UTC.
fn beside(local: &str, utc: &str) -> Option<String> {
    if local == utc {
        return None;
    }
    Some(match (local.split_once(", "), utc.split_once(", ")) {
        (Some((day, _)), Some((utc_day, time))) if day == utc_day => time.to_owned(),
        _ => utc.to_owned(),
    })
}

/// An instant to the second, in UTC: for records.
#[component]
pub(crate) fn Exact(at: u64) -> impl IntoView {
    let Instant { machine, .. } = instant(at);
    let shown = exact(&machine);

    view! {
        <time datetime=machine class="whitespace-nowrap tabular-nums">
            {shown}
        </time>
    }
}

/// Cuts `2026-11-02T09:02:30.001Z` to `2026-11-02 09:02:30 UTC`.
fn exact(machine: &str) -> String {
    machine.split_once('.').map_or_else(|| machine.to_owned(), |(second, _)| second.replace('T', " ") + " UTC")
}

/// An instant with how long ago it was.
#[component]
pub(crate) fn Since(at: u64, #[prop(into)] now: Signal<u64>) -> impl IntoView {
    view! {
        <span class="tabular-nums">
            <Moment at/>
            <span class="text-muted">{move || format!(" · {}", ago(at, now.get()))}</span>
        </span>
    }
}

/// A deadline: how much time is left, and when it is.
#[component]
pub(crate) fn TimeLeft(until: u64, #[prop(into)] now: Signal<u64>) -> impl IntoView {
    let class = move || match urgency(until, now.get()) {
        Urgency::Calm => "font-medium whitespace-nowrap tabular-nums text-text",
        Urgency::Soon => "font-semibold whitespace-nowrap tabular-nums text-escalate",
        Urgency::Over => "font-semibold whitespace-nowrap tabular-nums text-reject",
    };

    view! {
        <span class="inline-flex flex-col leading-5">
            <span class=class>{move || time_left(until, now.get())}</span>
            <span class="text-compact text-muted">
                <Moment at=until/>
            </span>
        </span>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn utc_stands_beside_with_its_day_where_that_is_another() {
        let utc = "2 Nov 2026, 23:30 UTC";

        assert_eq!(beside("2 Nov 2026, 20:00 UTC-3:30", utc).as_deref(), Some("23:30 UTC"));
        assert_eq!(beside("3 Nov 2026, 00:30 UTC+1", utc).as_deref(), Some(utc));
        assert_eq!(beside(utc, utc), None);
    }

    #[test]
    fn a_record_shows_the_second() {
        assert_eq!(exact("2026-11-02T09:02:30.001Z"), "2026-11-02 09:02:30 UTC");
    }
}
