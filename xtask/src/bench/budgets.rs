//! What may be reached, and what should be: section 18 of the interface design.

use serde_json::{Value, json};

use crate::site::Mode;

/// One item of the design's table.
struct Budget {
    item: &'static str,
    unit: &'static str,
    bound: Bound,
    target: f64,
}

/// What a release must hold.
#[derive(Clone, Copy)]
enum Bound {
    Most(f64),
    Least(f64),
}

const fn most(item: &'static str, unit: &'static str, most: f64, target: f64) -> Budget {
    Budget { item, unit, bound: Bound::Most(most), target }
}

const fn score(item: &'static str, least: f64, target: f64) -> Budget {
    Budget { item, unit: "of 100", bound: Bound::Least(least), target }
}

const BUDGETS: [Budget; 19] = [
    most("/queue WASM, raw", "kB", 1_900.0, 1_250.0),
    most("/queue WASM, brotli", "kB", 450.0, 300.0),
    most("JS glue, brotli", "kB", 20.0, 12.0),
    most("CSS, brotli", "kB", 16.0, 10.0),
    most("verify WASM, brotli", "kB", 120.0, 80.0),
    most("/queue HTML, 50 rows, brotli", "kB", 40.0, 25.0),
    most("/queue, first byte, p95", "ms", 80.0, 40.0),
    most("/decisions/{id}, first byte, p95", "ms", 80.0, 40.0),
    most("approval to sealed answer, p50", "ms", 60.0, 60.0),
    most("approval to sealed answer, p99", "ms", 200.0, 200.0),
    most("key to selected row, p95", "ms", 100.0, 50.0),
    most("proposal to row on screen, p95", "ms", 500.0, 200.0),
    most("click to recorded on screen, p95", "ms", 200.0, 100.0),
    score("/queue, performance", 90.0, 98.0),
    score("/queue, accessibility", 100.0, 100.0),
    score("/queue, best practices", 95.0, 100.0),
    score("/decisions/{id}, performance", 90.0, 98.0),
    score("/decisions/{id}, accessibility", 100.0, 100.0),
    score("/decisions/{id}, best practices", 95.0, 100.0),
];

/// What a run measured of times and scores, by the names of their budgets.
pub(super) fn values(measured: &Value) -> Vec<(&'static str, f64)> {
    let of = |rows: &Value, path: &str, field: &str| {
        rows.as_array().into_iter().flatten().find(|row| row["path"] == path).and_then(|row| row[field].as_f64())
    };
    let (pages, approvals, browser) = (&measured["pages"], &measured["approvals"], &measured["browser"]);
    let scores = &browser["lighthouse"];
    [
        ("/queue, first byte, p95", of(pages, "/queue", "p95_ms")),
        ("/decisions/{id}, first byte, p95", of(pages, "/decisions/{id}", "p95_ms")),
        ("approval to sealed answer, p50", approvals["p50_ms"].as_f64()),
        ("approval to sealed answer, p99", approvals["p99_ms"].as_f64()),
        ("key to selected row, p95", browser["key_to_row"]["p95_ms"].as_f64()),
        ("proposal to row on screen, p95", browser["event_to_row"]["p95_ms"].as_f64()),
        ("click to recorded on screen, p95", browser["click_to_recorded"]["p95_ms"].as_f64()),
        ("/queue, performance", of(scores, "/queue", "performance")),
        ("/queue, accessibility", of(scores, "/queue", "accessibility")),
        ("/queue, best practices", of(scores, "/queue", "best_practices")),
        ("/decisions/{id}, performance", of(scores, "/decisions/{id}", "performance")),
        ("/decisions/{id}, accessibility", of(scores, "/decisions/{id}", "accessibility")),
        ("/decisions/{id}, best practices", of(scores, "/decisions/{id}", "best_practices")),
    ]
    .into_iter()
    .filter_map(|(item, value)| Some((item, value?)))
    .collect()
}

/// Every budget with what was measured, null where nothing was; only a release is judged by them.
pub(super) fn compared(values: &[(&'static str, f64)], mode: Mode) -> Value {
    let rows = BUDGETS.iter().map(|budget| {
        let value = values.iter().find(|(item, _)| *item == budget.item).map(|(_, value)| *value);
        let (bound, holds, on_target) = match budget.bound {
            Bound::Most(most) => (most, value <= Some(most), value <= Some(budget.target)),
            Bound::Least(least) => (least, value >= Some(least), value >= Some(budget.target)),
        };
        let verdict = match value {
            None => "not measured",
            Some(_) if mode == Mode::Development => "not judged",
            Some(_) if !holds => "missed",
            Some(_) if !on_target => "within",
            Some(_) => "on target",
        };
        json!({
            "item": budget.item, "unit": budget.unit, "value": value,
            "bound": bound, "target": budget.target, "verdict": verdict,
        })
    });

    rows.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_budget_has_a_row_and_a_verdict_and_scores_are_judged_from_below() {
        let measured = json!({
            "pages": [{"path": "/queue", "p95_ms": 41.0}, {"path": "/decisions/{id}", "p95_ms": 81.0}],
            "approvals": {"p50_ms": 60.0, "p99_ms": 200.5},
            "browser": {
                "key_to_row": {"p95_ms": 20.0},
                "lighthouse": [{"path": "/queue", "performance": 89, "accessibility": 100, "best_practices": 96}],
            },
        });
        let values = [vec![("CSS, brotli", 9.0)], values(&measured)].concat();

        let (rows, early) = (compared(&values, Mode::Release), compared(&values, Mode::Development));

        let found: Vec<_> = rows
            .as_array()
            .unwrap()
            .iter()
            .map(|row| (row["item"].as_str().unwrap(), row["verdict"].as_str().unwrap()))
            .filter(|(_, verdict)| *verdict != "not measured")
            .collect();
        let expected = [
            ("CSS, brotli", "on target"),
            ("/queue, first byte, p95", "within"),
            ("/decisions/{id}, first byte, p95", "missed"),
            ("approval to sealed answer, p50", "on target"),
            ("approval to sealed answer, p99", "missed"),
            ("key to selected row, p95", "on target"),
            ("/queue, performance", "missed"),
            ("/queue, accessibility", "on target"),
            ("/queue, best practices", "within"),
        ];
        assert_eq!(found, expected);
        assert!(early.as_array().unwrap().iter().all(|row| row["verdict"].as_str().unwrap().starts_with("not ")));
        let shown = super::super::table::table(&json!({"machine": {}, "measured": measured, "budgets": rows}));
        assert!(BUDGETS.iter().all(|budget| shown.contains(budget.item)), "{shown}");
    }
}
