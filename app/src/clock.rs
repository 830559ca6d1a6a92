//! Server time in the browser, and times in words.

use countersign_domain::time::{duration, rfc3339, screen};
use leptos::prelude::*;
use wasm_bindgen::{JsValue, prelude::Closure};

/// Says how much time is left, for a list or a header.
pub(crate) fn time_left(until: u64, now: u64) -> String {
    if until > now { format!("{} left", duration(until - now)) } else { "time is up".into() }
}

/// Says how much time is left to the second, such as "4:12 left", where every second counts.
pub(crate) fn countdown(until: u64, now: u64) -> String {
    match until.saturating_sub(now).div_ceil(1_000) {
        0 => time_left(until, now),
        seconds => format!("{}:{:02} left", seconds / 60, seconds % 60),
    }
}

/// Says how long ago something was.
pub(crate) fn ago(at: u64, now: u64) -> String {
    format!("{} ago", duration(now.saturating_sub(at)))
}

/// How urgent a deadline is; never the only sign, the words stand beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Urgency {
    /// More than an hour.
    Calm,
    /// Under an hour.
    Soon,
    /// Over.
    Over,
}

/// Tells how urgent a deadline is.
pub(crate) fn urgency(until: u64, now: u64) -> Urgency {
    match until.saturating_sub(now) {
        0 => Urgency::Over,
        left if left < 3_600_000 => Urgency::Soon,
        _ => Urgency::Calm,
    }
}

/// Returns server time as a signal: the page's own time, then carried on by the browser's steady
/// clock, which no change of the browser's wall clock moves.
pub(crate) fn ticking(now: u64) -> Signal<u64> {
    let current = RwSignal::new(now);
    Effect::new(move || {
        let Some(started) = steady_ms() else { return };
        let tick = Closure::<dyn Fn()>::new(move || {
            if let Some(steady) = steady_ms() {
                current.set(now + steady.saturating_sub(started));
            }
        });
        let every = window().set_interval_with_callback_and_timeout_and_arguments_0(
            wasm_bindgen::JsCast::unchecked_ref(tick.as_ref()),
            1_000,
        );
        let tick = StoredValue::new_local(Some(tick));
        on_cleanup(move || {
            if let Ok(handle) = every {
                window().clear_interval_with_handle(handle);
            }
            tick.try_set_value(None);
        });
    });

    current.into()
}

/// Milliseconds of the browser's steady clock since the page began.
pub(crate) fn steady_ms() -> Option<u64> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "milliseconds since the page began")]
    window().performance().map(|performance| performance.now() as u64)
}

/// The words of an instant: in UTC on the server and at first in the browser.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Instant {
    /// For the `datetime` attribute.
    pub(crate) machine: String,
    /// For the screen, in UTC.
    pub(crate) screen: String,
}

/// Writes an instant.
pub(crate) fn instant(at: u64) -> Instant {
    Instant { machine: rfc3339(at), screen: screen(at) }
}

/// Writes an instant by the browser's time zone, or nothing when UTC was chosen; for effects only.
pub(crate) fn local(at: u64) -> Option<String> {
    let zone = document().document_element()?.get_attribute("data-zone")?;
    if zone != "local" {
        return None;
    }
    let options = js_sys::Object::new();
    for (key, value) in [("dateStyle", "medium"), ("timeStyle", "short")] {
        js_sys::Reflect::set(&options, &key.into(), &value.into()).ok()?;
    }
    let locales = js_sys::Array::of1(&JsValue::from_str("en-GB"));
    #[expect(clippy::cast_precision_loss, reason = "milliseconds since 1970 fit a double")]
    let date = js_sys::Date::new(&JsValue::from_f64(at as f64));
    let written =
        js_sys::Intl::DateTimeFormat::new(&locales, &options).format().call1(&JsValue::UNDEFINED, &date).ok()?;
    let minutes = -date.get_timezone_offset();
    written.as_string().map(|written| format!("{written} {}", offset(minutes)))
}

/// Names an offset from UTC, given in minutes.
fn offset(minutes: f64) -> String {
    #[expect(clippy::cast_possible_truncation, reason = "at most 14 hours")]
    let minutes = minutes as i64;
    let (sign, size) = if minutes < 0 { ('-', -minutes) } else { ('+', minutes) };
    match (size / 60, size % 60) {
        (0, 0) => "UTC".into(),
        (hours, 0) => format!("UTC{sign}{hours}"),
        (hours, rest) => format!("UTC{sign}{hours}:{rest:02}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_left_names_two_units_and_says_when_it_is_up() {
        assert_eq!(time_left(7_800_000, 0), "2 h 10 m left");
        assert_eq!(time_left(60_000, 1_000), "59 s left");
        assert_eq!(time_left(1_000, 1_000), "time is up");
        assert_eq!(countdown(252_000, 0), "4:12 left");
        assert_eq!(countdown(900_000, 0), "15:00 left");
        assert_eq!(countdown(4_001, 4_000), "0:01 left");
        assert_eq!(countdown(4_000, 4_000), "time is up");
        assert_eq!(ago(0, 120_000), "2 m ago");
        assert_eq!(ago(10, 0), "0 s ago");
    }

    #[test]
    fn an_hour_is_the_line_between_calm_and_soon() {
        assert_eq!(urgency(3_600_000, 0), Urgency::Calm);
        assert_eq!(urgency(3_599_999, 0), Urgency::Soon);
        assert_eq!(urgency(5, 5), Urgency::Over);
    }

    #[test]
    fn offsets_are_named_from_utc() {
        assert_eq!(offset(0.0), "UTC");
        assert_eq!(offset(60.0), "UTC+1");
        assert_eq!(offset(-210.0), "UTC-3:30");
    }
}
