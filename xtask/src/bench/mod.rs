//! `cargo xtask bench`: measurements with something beside them, in one run on one machine.
//!
//! Measuring is the work of the hidden command `countersign bench`, which is compiled for this only;
//! here is what surrounds it: builds, an empty data directory, sizes of the built files, budgets, the
//! table and the JSON. No number ever fails a build or a test.

mod budgets;
mod table;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::serve::build_server;
use crate::site::{self, Mode};
use crate::split::{self, Parts};
use crate::step::{Doing as _, Failure, Result, root, say, status, target};
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
    /// Pages over a full queue and a long log: first bytes, keys, clicks, Lighthouse, memory, sizes of what browsers load.
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

/// What measures in a browser.
const BROWSER_SCRIPT: &str = "end2end/bench/desk.ts";

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let mode = if arguments.quick { Mode::Development } else { Mode::Release };
    let tools = match arguments.name {
        Name::Ledger | Name::Login => Tools::for_running()?,
        Name::Pages => Tools::for_measuring()?,
    };
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
    if arguments.name == Name::Pages {
        command.arg("--browser").arg(root().join(BROWSER_SCRIPT));
    }
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
        let sizes = [sizes(&site)?, vec![("/queue HTML, 50 rows, brotli", brotli(&html)?)]].concat();
        report["budgets"] = budgets::compared(&[sizes, budgets::values(&measured)].concat(), mode);
    }
    print!("{}", table::table(&report));

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

#[cfg(test)]
mod tests {
    use super::{table::table, *};

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
