//! The files the browser fetches: the two WASM modules with their glue, and the style sheet.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};
use wasm_bindgen_cli_support::Bindgen;

use crate::cluster::hex;
use crate::css;
use crate::split::{self, Parts};
use crate::step::{Doing as _, Failure, Result, cargo, root, say, status, target};

/// Debug or release.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Fast to build.
    Development,
    /// Small, and compressed ahead of time.
    Release,
}

/// The packages, the names their modules go by, and whether they have lazy parts.
const MODULES: [(&str, &str, bool); 2] =
    [("countersign_frontend", "countersign", true), ("countersign_verify", "verify", false)];

/// Cargo's choice of profile for the modules.
///
/// Development uses `dev` with two settings changed rather than a profile of its own, so that
/// procedural macros and build scripts are those of the native build and are not compiled twice.
pub(crate) fn profile(mode: Mode) -> &'static [&'static str] {
    match mode {
        Mode::Development => &["--config", "profile.dev.opt-level=1", "--config", "profile.dev.debug=false"],
        Mode::Release => &["--profile", "wasm-release"],
    }
}

/// Builds everything and returns the site directory, whose `pkg/` the server serves.
///
/// Names carry the first 16 hex digits of the SHA-256 of what they name: of a file's content, or of
/// a directory whose files name each other. `manifest.json` maps the plain names to them;
/// `parts.json`, beside `pkg/`, lists what each lazy part fetches.
pub(crate) fn build(mode: Mode) -> Result<PathBuf> {
    say("Building what the browser runs …");
    let mut command = cargo();
    command.args(["build", "--package", "countersign-frontend", "--package", "countersign-verify"]);
    status(command.args(["--target", "wasm32-unknown-unknown"]).args(profile(mode)))?;
    let profile = if mode == Mode::Release { "wasm-release" } else { "debug" };
    let built = target().join("wasm32-unknown-unknown").join(profile);

    let site = target().join("site");
    let fresh = site.join(format!("pkg.tmp-{}", std::process::id()));
    if fresh.exists() {
        fs::remove_dir_all(&fresh).doing("clearing the unfinished site")?;
    }
    fs::create_dir_all(&fresh).doing(format!("creating {}", fresh.display()))?;
    let mut pkg = Package { directory: fresh, mode, names: BTreeMap::new() };
    let mut parts = Parts::new();
    for (library, name, lazy) in MODULES {
        let module = built.join(format!("{library}.wasm"));
        parts.extend(pkg.bind(&module, name, lazy)?);
    }
    pkg.add("app.css", &fs::read(root().join(css::SHEET)).doing(format!("reading {}", css::SHEET))?)?;
    let fresh = pkg.finish()?;

    let place = site.join("pkg");
    if place.exists() {
        fs::remove_dir_all(&place).doing("removing the previous site")?;
    }
    fs::rename(&fresh, &place).doing("putting the site in place")?;
    let parts = serde_json::to_string_pretty(&parts).doing("listing the lazy parts")?;
    fs::write(site.join(PARTS), parts + "\n").doing("listing the lazy parts")?;

    Ok(site)
}

/// Which files each lazy part fetches, below `pkg/`.
pub(crate) const PARTS: &str = "parts.json";

struct Package {
    directory: PathBuf,
    mode: Mode,
    /// Plain names to hashed ones.
    names: BTreeMap<String, String>,
}

impl Package {
    /// Runs wasm-bindgen over a module, cut into its parts first where it has any, and adds all of it
    /// as one directory: glue, module, parts and snippets find each other by relative path, some of
    /// them in a circle, so that no file of them could carry the others' hashes.
    fn bind(&mut self, module: &Path, name: &str, lazy: bool) -> Result<Parts> {
        let failed = |error| Failure::new(format!("wasm-bindgen of {}: {error:#}", module.display()));
        let release = self.mode == Mode::Release;
        let scratch = self.directory.join(format!("{name}.tmp"));
        let all = scratch.join("all");
        fs::create_dir_all(&all).doing(format!("creating {}", all.display()))?;
        let (main, parts) = if lazy {
            let main = scratch.join(format!("{name}.wasm"));
            let parts = split::cut(module, name, &main, &all, release)?;
            (main, parts)
        } else {
            (module.to_owned(), Parts::new())
        };
        Bindgen::new()
            .input_path(main)
            .out_name(name)
            .web(true)
            .map_err(failed)?
            .typescript(false)
            .omit_default_module_path(true)
            // The parts import table and memory by the linker's names.
            .keep_lld_exports(lazy)
            .remove_name_section(release)
            .remove_producers_section(release)
            .generate(&all)
            .map_err(failed)?;
        let directory = self.add_all(name, &all)?;
        for file in [format!("{name}.js"), format!("{name}_bg.wasm")] {
            let place = format!("{directory}/{file}");
            if !self.directory.join(&place).is_file() {
                return Err(Failure::new(format!("wasm-bindgen wrote no {file}")));
            }
            self.names.insert(file, place);
        }
        fs::remove_dir_all(&scratch).doing(format!("removing {}", scratch.display()))?;

        let placed = |files: Vec<String>| files.into_iter().map(|file| format!("{directory}/{file}")).collect();
        Ok(parts.into_iter().map(|(part, files)| (part, placed(files))).collect())
    }

    /// Moves a directory's files to one named after the hash of them all, and returns its name.
    fn add_all(&mut self, name: &str, from: &Path) -> Result<String> {
        let mut files = BTreeMap::new();
        collect(from, "", &mut files)?;
        let mut hash = Sha256::new();
        for (file, content) in &files {
            for bytes in [file.as_bytes(), content.as_slice()] {
                hash.update((bytes.len() as u64).to_be_bytes());
                hash.update(bytes);
            }
        }
        let directory = format!("{name}.{}", &hex(&hash.finalize())[..16]);
        for (file, content) in &files {
            let path = self.directory.join(&directory).join(file);
            let parent = path.parent().unwrap_or(&path);
            fs::create_dir_all(parent).doing(format!("creating {}", parent.display()))?;
            self.write(&path, content)?;
        }

        Ok(directory)
    }

    fn add(&mut self, name: &str, content: &[u8]) -> Result<()> {
        let (stem, extension) =
            name.rsplit_once('.').ok_or_else(|| Failure::new(format!("{name} has no extension")))?;
        let hashed = format!("{stem}.{}.{extension}", &hex(&Sha256::digest(content))[..16]);
        self.write(&self.directory.join(&hashed), content)?;
        self.names.insert(name.to_owned(), hashed);

        Ok(())
    }

    /// Writes a file, and its compressed forms beside it in a release.
    fn write(&self, path: &Path, content: &[u8]) -> Result<()> {
        fs::write(path, content).doing(format!("writing {}", path.display()))?;
        if self.mode == Mode::Release { compress(path, content) } else { Ok(()) }
    }

    /// Writes the manifest and returns the directory.
    fn finish(mut self) -> Result<PathBuf> {
        let all: Vec<&str> = self.names.values().map(String::as_str).collect();
        let build = hex(&Sha256::digest(all.join("\n")))[..16].to_owned();
        self.names.insert("build".to_owned(), build);
        let manifest = serde_json::to_string_pretty(&self.names).doing("writing the manifest")?;
        fs::write(self.directory.join("manifest.json"), manifest + "\n").doing("writing the manifest")?;

        Ok(self.directory)
    }
}

fn compress(path: &Path, content: &[u8]) -> Result<()> {
    let beside = |extension: &str| PathBuf::from(format!("{}.{extension}", path.display()));
    let gz = fs::File::create(beside("gz")).doing("compressing")?;
    let mut gz = flate2::write::GzEncoder::new(gz, flate2::Compression::best());
    gz.write_all(content).and_then(|()| gz.finish()).doing(format!("compressing {}", path.display()))?;
    let mut br = fs::File::create(beside("br")).doing("compressing")?;
    let parameters = brotli::enc::BrotliEncoderParams { quality: 11, lgwin: 24, ..Default::default() };
    brotli::BrotliCompress(&mut &content[..], &mut br, &parameters).doing(format!("compressing {}", path.display()))?;

    Ok(())
}

/// Reads every file below a directory.
fn collect(directory: &Path, prefix: &str, into: &mut BTreeMap<String, Vec<u8>>) -> Result<()> {
    let reading = || format!("reading {}", directory.display());
    for entry in fs::read_dir(directory).doing(reading())? {
        let path = entry.doing(reading())?.path();
        let name = format!("{prefix}{}", path.file_name().unwrap_or_default().to_string_lossy());
        if path.is_dir() {
            collect(&path, &format!("{name}/"), into)?;
        } else {
            let content = fs::read(&path).doing(format!("reading {}", path.display()))?;
            into.insert(name, content);
        }
    }

    Ok(())
}
