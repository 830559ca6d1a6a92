//! `cargo xtask test`: every test of the project, one summary.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use crate::cluster::Throwaway;
use crate::products::Products;
use crate::serve::{NATIVE, build_server};
use crate::site::{self, Mode};
use crate::step::{Doing as _, Failure, Result, cargo, root};
use crate::tools::Tools;
use crate::{css, queries};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Also what takes long: more random cases, drills, whole-machine checks.
    #[arg(long)]
    full: bool,
}

/// Tests that ran, and how they ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Count {
    passed: u64,
    failed: u64,
}

/// The whole run: what every step needs, and the sum.
struct Suite {
    tools: Tools,
    cluster: Throwaway,
    /// Set up in the full run only.
    products: Option<Products>,
    sum: Count,
}

/// Runs everything and returns whether all of it passed; a failing step does not keep others from running.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let tools = Tools::for_testing()?;
    let products = arguments.full.then(Products::set_up);
    let cluster = Throwaway::start(&tools)?;
    let mut suite = Suite { tools, cluster, products, sum: Count::default() };

    suite.step("Style sheet is fresh", |suite| css::check(&suite.tools).map(|()| Count::passed(1)));
    suite.step("Query descriptions are fresh", |suite| queries::check(&suite.cluster).map(|()| Count::passed(1)));
    suite.step("Rust tests", Suite::rust);
    let mut site = None;
    suite.step("What the browser runs", |_| {
        site = Some(site::build(Mode::Development)?);
        Ok(Count::default())
    });
    suite.step("Browser tests", |suite| match &site {
        Some(site) => suite.browser(site),
        None => Err(Failure::new("there is nothing to run in a browser")),
    });
    suite.step("Interoperability", Suite::interop);

    let Count { passed, failed } = suite.sum;
    drop(suite);
    println!("{passed} passed, {failed} failed");
    if failed == 0 { Ok(()) } else { Err(Failure::new("")) }
}

impl Count {
    fn passed(passed: u64) -> Count {
        Count { passed, failed: 0 }
    }
}

impl Suite {
    fn step(&mut self, name: &str, work: impl FnOnce(&mut Suite) -> Result<Count>) {
        println!("\n== {name}");
        let begin = Instant::now();
        let count = work(self).unwrap_or_else(|failure| {
            println!("{}", failure.text);
            Count { passed: 0, failed: 1 }
        });
        self.sum.passed += count.passed;
        self.sum.failed += count.failed;
        let seconds = begin.elapsed().as_secs_f64();
        println!("-- {name}: {} passed, {} failed, {seconds:.1} s", count.passed, count.failed);
    }

    /// All crates that run natively, in one call so that they share one set of features.
    fn rust(&mut self) -> Result<Count> {
        let mut command = cargo();
        command.arg("test").args(NATIVE).arg("--no-fail-fast");
        self.export(&mut command);
        let (mut count, success) = follow(&mut command, cargo_line)?;
        if !success && count.failed == 0 {
            count.failed = 1;
        }

        Ok(count)
    }

    /// The specs in `end2end/tests`, against the real server and Debian's Chromium.
    fn browser(&mut self, site: &Path) -> Result<Count> {
        let specs = files("end2end/tests", ".spec.ts")?;
        if specs.is_empty() {
            return Ok(Count::default());
        }
        let server = build_server(Mode::Development, &["countersign-server/test-clock"])?;
        let mut command = self.tools.node();
        command.args(["--test", "--test-concurrency=1"]).args(specs);
        command.env("COUNTERSIGN_SITE", site).env("COUNTERSIGN_SERVER", server);
        self.export(&mut command);

        self.node_tests(&mut command)
    }

    /// Other people's implementations judge what ours made.
    fn interop(&mut self) -> Result<Count> {
        let mut count = Count::default();
        let specs = files("end2end/interop", ".spec.ts")?;
        if !specs.is_empty() {
            let mut command = self.tools.node();
            command.arg("--test").args(specs);
            self.export(&mut command);
            count = self.node_tests(&mut command)?;
        }
        for test in files("end2end/interop", ".py")? {
            let python = self.tools.python.clone().ok_or_else(|| Failure::new("no Python"))?;
            let mut command = Command::new(python);
            command.current_dir(root()).arg("-m").arg("unittest").arg("--verbose").arg(test).stderr(Stdio::piped());
            self.export(&mut command);
            let (more, success) = follow_stderr(&mut command, unittest_line)?;
            count.passed += more.passed;
            count.failed += more.failed + u64::from(!success && more.failed == 0);
        }

        Ok(count)
    }

    fn node_tests(&self, command: &mut Command) -> Result<Count> {
        let (mut count, success) = follow(command, node_line)?;
        if !success && count.failed == 0 {
            count.failed = 1;
        }

        Ok(count)
    }

    fn export(&self, command: &mut Command) {
        self.tools.export(command);
        command.env("COUNTERSIGN_TEST_PG", self.cluster.socket_dir()).env_remove("DATABASE_URL");
        if let Some(products) = &self.products {
            products.export(command);
            command.env("COUNTERSIGN_FULL", "1");
        }
    }
}

/// Files of a directory whose names end so, in order, as paths from the root.
fn files(directory: &str, end: &str) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(root().join(directory)).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().ends_with(end) {
            files.push(Path::new(directory).join(entry.file_name()));
        }
    }
    files.sort();

    Ok(files)
}

/// Runs a program, passes its output on line by line, and adds up what the lines say.
fn follow(command: &mut Command, read: fn(&str) -> Option<Count>) -> Result<(Count, bool)> {
    let mut child = command.stdout(Stdio::piped()).spawn().doing("starting the tests")?;
    let pipe = child.stdout.take().ok_or_else(|| Failure::new("no output to read"))?;
    let count = add_up(pipe, read)?;
    let status = child.wait().doing("waiting for the tests")?;

    Ok((count, status.success()))
}

/// The same for a program that reports on its standard error.
fn follow_stderr(command: &mut Command, read: fn(&str) -> Option<Count>) -> Result<(Count, bool)> {
    let mut child = command.stderr(Stdio::piped()).spawn().doing("starting the tests")?;
    let pipe = child.stderr.take().ok_or_else(|| Failure::new("no output to read"))?;
    let count = add_up(pipe, read)?;
    let status = child.wait().doing("waiting for the tests")?;

    Ok((count, status.success()))
}

fn add_up(pipe: impl std::io::Read, read: fn(&str) -> Option<Count>) -> Result<Count> {
    let mut sum = Count::default();
    let mut out = std::io::stdout();
    for line in BufReader::new(pipe).split(b'\n') {
        let line = line.doing("reading the tests' output")?;
        let line = String::from_utf8_lossy(&line);
        writeln!(out, "{line}").doing("writing")?;
        if let Some(count) = read(&line) {
            sum.passed += count.passed;
            sum.failed += count.failed;
        }
    }

    Ok(sum)
}

/// `test result: ok. 12 passed; 0 failed; 1 ignored; …`
fn cargo_line(line: &str) -> Option<Count> {
    let (_, counts) = line.strip_prefix("test result: ")?.split_once(". ")?;
    let mut counts = counts.split("; ");
    let passed = counts.next()?.strip_suffix(" passed")?.parse().ok()?;
    let failed = counts.next()?.strip_suffix(" failed")?.parse().ok()?;

    Some(Count { passed, failed })
}

/// `ℹ pass 3` and `ℹ fail 0`, which Node prints once each at the end; cancelled tests have failed.
fn node_line(line: &str) -> Option<Count> {
    let (word, number) = line.strip_prefix("ℹ ").or_else(|| line.strip_prefix("# "))?.split_once(' ')?;
    let number = number.trim().parse().ok()?;
    match word {
        "pass" => Some(Count { passed: number, failed: 0 }),
        "fail" | "cancelled" => Some(Count { passed: 0, failed: number }),
        _ => None,
    }
}

/// `test_root (tests.Roots.test_root) ... ok`, one line for each test.
fn unittest_line(line: &str) -> Option<Count> {
    let (_, end) = line.rsplit_once(" ... ")?;
    match end {
        "ok" => Some(Count { passed: 1, failed: 0 }),
        "FAIL" | "ERROR" | "unexpected success" => Some(Count { passed: 0, failed: 1 }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn result_lines_are_counted_and_others_are_not() {
        let cargo = "test result: FAILED. 12 passed; 3 failed; 1 ignored; 0 measured; 0 filtered out; finished in 1s";
        assert_eq!(cargo_line(cargo), Some(Count { passed: 12, failed: 3 }));
        assert_eq!(cargo_line("test result_lines ... ok"), None);
        assert_eq!(node_line("ℹ pass 4"), Some(Count { passed: 4, failed: 0 }));
        assert_eq!(node_line("ℹ cancelled 2"), Some(Count { passed: 0, failed: 2 }));
        assert_eq!(node_line("ℹ duration_ms 61.5"), None);
        assert_eq!(unittest_line("test_root (t.R.test_root) ... ok"), Some(Count { passed: 1, failed: 0 }));
        assert_eq!(unittest_line("test_root (t.R.test_root) ... FAIL"), Some(Count { passed: 0, failed: 1 }));
    }
}
