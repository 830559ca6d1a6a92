//! A report as people read it.

use std::fmt::Write as _;

use serde_json::Value;

/// The report as people read it.
pub(super) fn table(report: &Value) -> String {
    let mut out = String::new();
    let number = |value: &Value| value.as_f64().unwrap_or(f64::NAN);
    let count = |value: &Value| value.as_u64().unwrap_or(0);
    let machine = &report["machine"];
    // Writing to a String cannot fail.
    let _ = writeln!(
        out,
        "{}, {} build, {} cores, load {:.2} before and {:.2} after, {:.0} fsyncs per second",
        report["name"].as_str().unwrap_or_default(),
        report["build"].as_str().unwrap_or_default(),
        machine["cores"],
        number(&machine["load_before"]),
        number(&machine["load_after"]),
        number(&machine["fsyncs_per_second"]),
    );
    let measured = &report["measured"];
    if let Some(rows) = measured["throughput"].as_array() {
        let _ = writeln!(
            out,
            "\n{:<10}{:>8}{:>12}{:>10}{:>10}{:>11}{:>11}",
            "pattern", "clients", "commits/s", "p50 ms", "p99 ms", "to plain", "to chain"
        );
        for row in rows {
            let _ = writeln!(
                out,
                "{:<10}{:>8}{:>12.0}{:>10.2}{:>10.2}{:>11.2}{:>11.2}",
                row["pattern"].as_str().unwrap_or_default(),
                count(&row["clients"]),
                number(&row["per_second"]),
                number(&row["p50_ms"]),
                number(&row["p99_ms"]),
                number(&row["to_plain"]),
                number(&row["to_chain"]),
            );
        }
        let sealing = &measured["sealing"];
        let _ = writeln!(
            out,
            "\nfrom commit to seal at {}/s: p50 {:.1} ms, p99 {:.1} ms over {} entries, {} later than 300 ms",
            sealing["per_second"],
            number(&sealing["p50_ms"]),
            number(&sealing["p99_ms"]),
            sealing["entries"],
            sealing["late"],
        );
    }
    if let Some(rows) = measured["pages"].as_array() {
        let (open, entries) = (&measured["open"], &measured["entries"]);
        let rate = number(&measured["proposals_per_second"]);
        let _ =
            writeln!(out, "\n{open} open decisions, proposed at {rate:.0} per second, in a log of {entries} entries");
        let _ =
            writeln!(out, "{:<18}{:>10}{:>10}{:>10}{:>12}", "first byte of", "requests", "p50 ms", "p95 ms", "bytes");
        for row in rows {
            let path = row["path"].as_str().unwrap_or_default();
            let (p50, p95) = (number(&row["p50_ms"]), number(&row["p95_ms"]));
            let _ = writeln!(
                out,
                "{path:<18}{:>10}{p50:>10.1}{p95:>10.1}{:>12}",
                count(&row["requests"]),
                count(&row["bytes"])
            );
        }
    }
    let approvals = &measured["approvals"];
    if approvals.is_object() {
        let at = |name: &str| number(&approvals[name]);
        let _ = writeln!(
            out,
            "approval to sealed answer: p50 {:.1} ms, p95 {:.1} ms, p99 {:.1} ms over {}, {} answered before the seal",
            at("p50_ms"),
            at("p95_ms"),
            at("p99_ms"),
            approvals["count"],
            approvals["unsealed"],
        );
    }
    let memory = &measured["memory"];
    if memory.is_object() {
        let (server, postgres) = (number(&memory["server_mb"]), number(&memory["postgres_mb"]));
        let _ = writeln!(out, "memory: {server:.0} MB of the server with its client, {postgres:.0} MB of PostgreSQL");
    }
    if let Some(browser) = measured["browser"].as_object() {
        let _ = writeln!(out, "\n{:<30}{:>8}{:>10}{:>10}{:>10}", "in a browser", "times", "p50 ms", "p95 ms", "p99 ms");
        for (item, times) in browser.iter().filter(|(_, times)| times.is_object()) {
            let (p50, p95, p99) = (number(&times["p50_ms"]), number(&times["p95_ms"]), number(&times["p99_ms"]));
            let item = item.replace('_', " ");
            let _ = writeln!(out, "{item:<30}{:>8}{p50:>10.1}{p95:>10.1}{p99:>10.1}", count(&times["count"]));
        }
    }
    if let Some(rows) = measured["refusals"].as_array() {
        let _ = writeln!(
            out,
            "\n{:<18}{:>8}{:>10}{:>10}{:>16}",
            "wrong password of", "tries", "p50 ms", "p99 ms", "to known ms"
        );
        for row in rows {
            let _ = writeln!(
                out,
                "{:<18}{:>8}{:>10.1}{:>10.1}{:>16.1}",
                row["kind"].as_str().unwrap_or_default(),
                count(&row["tries"]),
                number(&row["p50_ms"]),
                number(&row["p99_ms"]),
                number(&row["to_known_ms"]),
            );
        }
        let (guesses, flood) = (&measured["guesses"], &measured["flood"]);
        let _ = writeln!(
            out,
            "\n{} guesses at one account from as many networks in {:.1} s: {} checked, the others refused after {:.1} ms",
            guesses["sent"],
            number(&guesses["seconds"]),
            guesses["checked"],
            number(&guesses["refused_p50_ms"]),
        );
        let _ = writeln!(
            out,
            "/queue, first byte, p99: {:.1} ms quiet, {:.1} ms while {} people sign in at once ({} told to come back)",
            number(&flood["quiet_p99_ms"]),
            number(&flood["flooded_p99_ms"]),
            flood["sign_ins"],
            flood["turned_away"],
        );
    }
    if let Some(rows) = report["lazy"].as_array() {
        let _ = writeln!(out, "\n{:<18}{:>8}{:>12}{:>12}", "lazy part", "files", "raw kB", "brotli kB");
        for row in rows {
            let name = row["part"].as_str().unwrap_or_default();
            let (raw, brotli) = (number(&row["raw_kb"]), number(&row["brotli_kb"]));
            let _ = writeln!(out, "{name:<18}{:>8}{raw:>12.1}{brotli:>12.1}", count(&row["files"]));
        }
    }
    if let Some(rows) = report["budgets"].as_array() {
        let _ = writeln!(out, "\n{:<44}{:>10}{:>10}{:>10}  verdict", "budget", "value", "bound", "target");
        for row in rows {
            let item =
                format!("{}, {}", row["item"].as_str().unwrap_or_default(), row["unit"].as_str().unwrap_or_default());
            let known = |value: &Value| value.as_f64().map_or_else(String::new, |number| format!("{number:.1}"));
            let (value, bound, target) = (known(&row["value"]), known(&row["bound"]), known(&row["target"]));
            let verdict = row["verdict"].as_str().unwrap_or_default();
            let _ = writeln!(out, "{item:<44}{value:>10}{bound:>10}{target:>10}  {verdict}");
        }
    }

    out
}
