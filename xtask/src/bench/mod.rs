//! `cargo xtask bench`: measurements with something beside them, in one run on one machine.
//!
//! Measuring is the work of the hidden command `countersign bench`, which is compiled for this only;
//! here is what surrounds it: builds, an empty data directory, sizes of the built files, budgets, the
//! table and the JSON. No number ever fails a build or a test.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::serve::build_server;
use crate::site::{self, Mode};
use crate::split::{self, Parts};
use crate::step::{Doing as _, Failure, Result, say, status, target};
use crate::tools::Tools;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// What to measure.
    #[arg(value_enum)]
    name: Name,
    /// Development builds and less of everything, for a first look.
    #[arg(long)]
    quick: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Name {
    /// Sealed writes beside plain ones and a hash chain.
    Ledger,
    /// First bytes of pages over a full queue, and sizes of what browsers load.
    Pages,
    /// What refused sign-ins tell by their time, how many guesses are checked, what a flood does to a page.
    Login,
}

impl Name {
    fn word(self) -> &'static str {
        match self {
            Name::Ledger => "ledger",
            Name::Pages => "pages",
            Name::Login => "login",
        }
    }
}

/// What may be reached, and what should be: section 18 of the interface design.
struct Budget {
    item: &'static str,
    unit: &'static str,
    most: f64,
    target: f64,
}

const fn budget(item: &'static str, unit: &'static str, most: f64, target: f64) -> Budget {
    Budget { item, unit, most, target }
}

const BUDGETS: [Budget; 8] = [
    budget("/queue WASM, raw", "kB", 1_900.0, 1_250.0),
    budget("/queue WASM, brotli", "kB", 450.0, 300.0),
    budget("JS glue, brotli", "kB", 20.0, 12.0),
    budget("CSS, brotli", "kB", 16.0, 10.0),
    budget("verify WASM, brotli", "kB", 120.0, 80.0),
    budget("/queue HTML, 50 rows, brotli", "kB", 40.0, 25.0),
    budget("/queue, first byte, p95", "ms", 80.0, 40.0),
    budget("/decisions/{id}, first byte, p95", "ms", 80.0, 40.0),
];

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let mode = if arguments.quick { Mode::Development } else { Mode::Release };
    let tools = Tools::for_running()?;
    let site = match arguments.name {
        Name::Ledger | Name::Login => target().join("site"),
        Name::Pages => site::build(mode)?,
    };
    let server = build_server(mode, &["countersign-server/bench"])?;
    let scratch = Scratch::new()?;

    say(format!("Measuring in {} …", scratch.0.display()));
    let load_before = load()?;
    let result = scratch.0.join("result.json");
    let mut command = Command::new(server);
    command.args(["--log", "warn", "bench", arguments.name.word()]);
    command.arg("--data").arg(scratch.0.join("data")).arg("--site").arg(&site).arg("--out").arg(&result);
    if arguments.quick {
        command.arg("--quick");
    }
    tools.export(&mut command);
    status(&mut command)?;
    let measured = fs::read_to_string(&result).doing("reading the result")?;
    let measured: Value = serde_json::from_str(&measured).doing("reading the result")?;

    let mut report = json!({
        "name": arguments.name.word(),
        "build": if arguments.quick { "development" } else { "release" },
        "machine": {
            "cores": std::thread::available_parallelism().map_or(0, usize::from),
            "load_before": load_before,
            "load_after": load()?,
            "fsyncs_per_second": measured["fsyncs_per_second"],
        },
        "measured": measured,
    });
    if arguments.name == Name::Pages {
        let html = fs::read(result.with_extension("html")).doing("reading the queue's page")?;
        report["lazy"] = lazy(&site)?;
        let values = [sizes(&site)?, vec![("/queue HTML, 50 rows, brotli", brotli(&html)?)], times(&measured)].concat();
        report["budgets"] = compared(&values, mode);
    }
    print!("{}", table(&report));

    keep(arguments.name, &report)
}

/// Writes the report beside what was built.
fn keep(name: Name, report: &Value) -> Result<()> {
    let directory = target().join("bench");
    fs::create_dir_all(&directory).doing(format!("creating {}", directory.display()))?;
    let path = directory.join(format!("{}.json", name.word()));
    fs::write(&path, format!("{report:#}\n")).doing(format!("writing {}", path.display()))?;
    say(format!("Wrote {}.", path.display()));

    Ok(())
}

/// A directory that goes with the run; PostgreSQL's own user can pass it.
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn new() -> Result<Scratch> {
        let path = std::env::temp_dir().join(format!("countersign-bench-{}", std::process::id()));
        fs::create_dir_all(&path).doing(format!("creating {}", path.display()))?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o711)).doing("opening the way")?;
        Ok(Scratch(path))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            say(format!("Removing {}: {error}", self.0.display()));
        }
    }
}

/// How many programs wanted a core during the last minute, on average.
fn load() -> Result<f64> {
    let text = fs::read_to_string("/proc/loadavg").doing("reading /proc/loadavg")?;
    text.split(' ').next().and_then(|word| word.parse().ok()).ok_or_else(|| Failure::new("/proc/loadavg is unreadable"))
}

/// Sizes of what a first visit of the queue loads, in kB of 1,000 bytes; a decision loads the same.
/// That these pages fetch no lazy part is for a browser test to show.
fn sizes(site: &Path) -> Result<Vec<(&'static str, f64)>> {
    let pkg = site.join("pkg");
    let manifest = fs::read_to_string(pkg.join("manifest.json")).doing("reading the manifest")?;
    let manifest: Value = serde_json::from_str(&manifest).doing("reading the manifest")?;
    let read = |name: &str| {
        let hashed = manifest[name].as_str().ok_or_else(|| Failure::new(format!("the manifest has no {name}")))?;
        fs::read(pkg.join(hashed)).doing(format!("reading {hashed}"))
    };
    let app = read("countersign_bg.wasm")?;
    let glue = read("countersign.js")?;
    // The glue imports it, so it comes with every page.
    let fetching = manifest["countersign.js"].as_str().map(|glue| pkg.join(glue).with_file_name(split::SCRIPT));
    let fetching = fetching.map_or(Ok(Vec::new()), fs::read).doing("reading the script that fetches parts")?;

    Ok(vec![
        ("/queue WASM, raw", app.len() as f64 / 1_000.0),
        ("/queue WASM, brotli", brotli(&app)?),
        ("JS glue, brotli", brotli(&glue)? + brotli(&fetching)?),
        ("CSS, brotli", brotli(&read("app.css")?)?),
        ("verify WASM, brotli", brotli(&read("verify_bg.wasm")?)?),
    ])
}

/// Sizes of what each lazy part adds to the first load of one of its pages, and of all parts together,
/// where a file that several fetch counts once.
fn lazy(site: &Path) -> Result<Value> {
    let parts = fs::read_to_string(site.join(site::PARTS)).doing("reading the list of lazy parts")?;
    let parts: Parts = serde_json::from_str(&parts).doing("reading the list of lazy parts")?;
    let mut sizes = BTreeMap::new();
    for file in parts.values().flatten() {
        let content = fs::read(site.join("pkg").join(file)).doing(format!("reading {file}"))?;
        sizes.insert(file.as_str(), (content.len() as f64 / 1_000.0, brotli(&content)?));
    }
    let row = |name: &str, files: &mut dyn Iterator<Item = &str>| {
        let sizes: Vec<_> = files.filter_map(|file| sizes.get(file)).collect();
        let (raw, brotli) = sizes.iter().fold((0.0, 0.0), |sum, size| (sum.0 + size.0, sum.1 + size.1));
        json!({"part": name, "files": sizes.len(), "raw_kb": raw, "brotli_kb": brotli})
    };
    let mut rows: Vec<_> = parts.iter().map(|(name, files)| row(name, &mut files.iter().map(String::as_str))).collect();
    rows.push(row("all parts", &mut sizes.keys().copied()));

    Ok(rows.into())
}

/// Size under brotli at its strongest, as a release serves it.
fn brotli(content: &[u8]) -> Result<f64> {
    let mut out = Vec::new();
    let parameters = brotli::enc::BrotliEncoderParams { quality: 11, lgwin: 24, ..Default::default() };
    brotli::BrotliCompress(&mut &content[..], &mut out, &parameters).doing("compressing")?;

    Ok(out.len() as f64 / 1_000.0)
}

/// The pages' times, by the names of their budgets.
fn times(measured: &Value) -> Vec<(&'static str, f64)> {
    let p95 = |path: &str| {
        let pages = measured["pages"].as_array().into_iter().flatten();
        pages.filter(|page| page["path"] == path).find_map(|page| page["p95_ms"].as_f64())
    };
    [("/queue, first byte, p95", "/queue"), ("/decisions/{id}, first byte, p95", "/decisions/{id}")]
        .into_iter()
        .filter_map(|(item, path)| Some((item, p95(path)?)))
        .collect()
}

/// Every budget with what was measured, null where nothing was; only a release is judged by them.
fn compared(values: &[(&'static str, f64)], mode: Mode) -> Value {
    let rows = BUDGETS.iter().map(|budget| {
        let value = values.iter().find(|(item, _)| *item == budget.item).map(|(_, value)| *value);
        let verdict = match value {
            None => "not measured",
            Some(_) if mode == Mode::Development => "not judged",
            Some(value) if value > budget.most => "over",
            Some(value) if value > budget.target => "within",
            Some(_) => "on target",
        };
        json!({
            "item": budget.item, "unit": budget.unit, "value": value,
            "most": budget.most, "target": budget.target, "verdict": verdict,
        })
    });

    rows.collect()
}

/// The report as people read it.
fn table(report: &Value) -> String {
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
        let (open, rate) = (&measured["open"], number(&measured["proposals_per_second"]));
        let _ = writeln!(out, "\n{open} open decisions, proposed at {rate:.0} per second");
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
        let _ = writeln!(out, "\n{:<36}{:>10}{:>10}{:>10}  verdict", "budget", "value", "most", "target");
        for row in rows {
            let item =
                format!("{}, {}", row["item"].as_str().unwrap_or_default(), row["unit"].as_str().unwrap_or_default());
            let (value, most, target) = (number(&row["value"]), number(&row["most"]), number(&row["target"]));
            let verdict = row["verdict"].as_str().unwrap_or_default();
            let _ = writeln!(out, "{item:<36}{value:>10.1}{most:>10.1}{target:>10.1}  {verdict}");
        }
    }

    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_budget_has_a_row_and_a_verdict() {
        let pages = json!({"pages": [{"path": "/queue", "p95_ms": 41.0}, {"path": "/decisions/{id}", "p95_ms": 81.0}]});
        let values = [vec![("CSS, brotli", 9.0)], times(&pages)].concat();

        let (rows, early) = (compared(&values, Mode::Release), compared(&values, Mode::Development));

        let verdicts: Vec<_> = rows.as_array().unwrap().iter().map(|row| row["verdict"].as_str().unwrap()).collect();
        let missing = "not measured";
        assert_eq!(verdicts, [missing, missing, missing, "on target", missing, missing, "within", "over"]);
        assert!(early.as_array().unwrap().iter().all(|row| row["verdict"].as_str().unwrap().starts_with("not ")));
        let shown = table(&json!({"machine": {}, "measured": pages, "budgets": rows}));
        assert!(BUDGETS.iter().all(|budget| shown.contains(budget.item)), "{shown}");
    }

    #[test]
    fn a_file_of_two_parts_counts_for_each_and_once_in_all() {
        let site = tempfile::tempdir().unwrap();
        fs::create_dir(site.path().join("pkg")).unwrap();
        for (name, bytes) in [("a.wasm", 1_000), ("b.wasm", 2_000), ("both.wasm", 4_000)] {
            fs::write(site.path().join("pkg").join(name), vec![7; bytes]).unwrap();
        }
        let parts = json!({"admin": ["both.wasm", "a.wasm"], "ledger": ["both.wasm", "b.wasm"]});
        fs::write(site.path().join(site::PARTS), parts.to_string()).unwrap();

        let rows = lazy(site.path()).unwrap();

        let raw: Vec<_> = rows.as_array().unwrap().iter().map(|row| row["raw_kb"].as_f64().unwrap()).collect();
        assert_eq!(raw, [5.0, 6.0, 7.0]);
        let shown = table(&json!({"machine": {}, "lazy": rows}));
        assert!(shown.lines().any(|line| line.starts_with("all parts") && line.contains(" 3 ")), "{shown}");
    }

    #[test]
    fn refused_sign_ins_are_all_shown() {
        let row = |kind: &str| json!({"kind": kind, "tries": 200, "p50_ms": 170.25, "to_known_ms": -0.5});
        let measured = json!({
            "refusals": [row("known"), row("disabled"), row("unknown")],
            "guesses": {"sent": 1000, "checked": 6},
            "flood": {"sign_ins": 200, "turned_away": 135, "quiet_p99_ms": 20.0, "flooded_p99_ms": 31.0},
        });

        let shown = table(&json!({"name": "login", "machine": {}, "measured": measured}));

        assert_eq!(shown.lines().filter(|line| line.contains("     200     170.2")).count(), 3, "{shown}");
        assert!(shown.contains("1000 guesses") && shown.contains("6 checked"), "{shown}");
        assert!(shown.contains("31.0 ms while 200 people") && shown.contains("(135 told"), "{shown}");
    }

    #[test]
    fn the_ledgers_rows_are_all_shown() {
        let row = |pattern: &str| json!({"pattern": pattern, "clients": 8, "per_second": 100.0, "to_plain": 0.5});
        let measured = json!({"throughput": [row("plain"), row("chain"), row("sealed")], "sealing": {"p99_ms": 30.25}});

        let shown = table(&json!({"name": "ledger", "machine": {}, "measured": measured}));

        assert_eq!(shown.lines().filter(|line| line.contains("      100 ")).count(), 3, "{shown}");
        assert!(shown.contains("p99 30.2 ms"), "{shown}");
    }
}
