//! The files the browser fetches: the two WASM modules with their glue, and the style sheet.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};
use wasm_bindgen_cli_support::Bindgen;

use crate::cluster::hex;
use crate::css;
use crate::step::{Doing as _, Failure, Result, cargo, root, say, status, target};

/// Debug or release.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Fast to build.
    Development,
    /// Small, and compressed ahead of time.
    Release,
}

/// The packages, and the names their modules go by.
const MODULES: [(&str, &str); 2] = [("countersign_frontend", "countersign"), ("countersign_verify", "verify")];

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
/// Names carry the first 16 hex digits of the content's SHA-256; `manifest.json` maps the plain
/// names to them.
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
    for (library, name) in MODULES {
        pkg.bind(&built.join(format!("{library}.wasm")), name)?;
    }
    pkg.add("app.css", &fs::read(root().join(css::SHEET)).doing(format!("reading {}", css::SHEET))?)?;
    let fresh = pkg.finish()?;

    let place = site.join("pkg");
    if place.exists() {
        fs::remove_dir_all(&place).doing("removing the previous site")?;
    }
    fs::rename(&fresh, &place).doing("putting the site in place")?;

    Ok(site)
}

struct Package {
    directory: PathBuf,
    mode: Mode,
    /// Plain names to hashed ones.
    names: BTreeMap<String, String>,
}

impl Package {
    /// Runs wasm-bindgen over a module and adds both halves under their hashes.
    fn bind(&mut self, module: &Path, name: &str) -> Result<()> {
        let failed = |error| Failure::new(format!("wasm-bindgen of {}: {error:#}", module.display()));
        let scratch = self.directory.join(format!("{name}.bindgen"));
        Bindgen::new()
            .input_path(module)
            .out_name(name)
            .web(true)
            .map_err(failed)?
            .typescript(false)
            .omit_default_module_path(true)
            .remove_name_section(self.mode == Mode::Release)
            .remove_producers_section(self.mode == Mode::Release)
            .generate(&scratch)
            .map_err(failed)?;
        for file in [format!("{name}.js"), format!("{name}_bg.wasm")] {
            let content = fs::read(scratch.join(&file)).doing(format!("reading {file}"))?;
            self.add(&file, &content)?;
        }
        // The glue imports these by relative path; their directory names carry a hash of their own.
        copy(&scratch.join("snippets"), &self.directory.join("snippets"))?;

        fs::remove_dir_all(&scratch).doing(format!("removing {}", scratch.display()))
    }

    fn add(&mut self, name: &str, content: &[u8]) -> Result<()> {
        let (stem, extension) =
            name.rsplit_once('.').ok_or_else(|| Failure::new(format!("{name} has no extension")))?;
        let hashed = format!("{stem}.{}.{extension}", &hex(&Sha256::digest(content))[..16]);
        let path = self.directory.join(&hashed);
        fs::write(&path, content).doing(format!("writing {}", path.display()))?;
        if self.mode == Mode::Release {
            compress(&path, content)?;
        }
        self.names.insert(name.to_owned(), hashed);

        Ok(())
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

fn copy(from: &Path, to: &Path) -> Result<()> {
    if from.is_file() {
        return fs::copy(from, to).doing(format!("copying {}", from.display())).map(drop);
    }
    for entry in fs::read_dir(from).into_iter().flatten().flatten() {
        fs::create_dir_all(to).doing(format!("creating {}", to.display()))?;
        copy(&entry.path(), &to.join(entry.file_name()))?;
    }

    Ok(())
}
