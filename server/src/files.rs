//! The files that browsers fetch: the style sheet, the modules and their glue.
//!
//! They are read into memory once, so that a request can name nothing else on the disk.

use std::{collections::HashMap, fs, io, path::Path};

use axum::{
    body::{Body, Bytes},
    extract::{self, State},
    response::{IntoResponse, Response},
};
use countersign_app::site::{Module, SiteFiles};
use countersign_domain::problem::Code;
use http::{
    HeaderMap, HeaderValue, StatusCode,
    header::{ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, IF_NONE_MATCH, VARY},
};
use sha2::{Digest as _, Sha256};

use crate::{Refusal, Server};

/// Everything under `pkg/` of the site directory.
pub struct Files {
    names: SiteFiles,
    files: HashMap<String, File>,
}

struct File {
    media_type: HeaderValue,
    cache: HeaderValue,
    tag: HeaderValue,
    plain: Bytes,
    gzip: Option<Bytes>,
    brotli: Option<Bytes>,
}

impl Files {
    /// Reads the site directory. Without one, pages are served as plain HTML.
    ///
    /// # Errors
    ///
    /// When a file or the manifest cannot be read.
    pub fn read(site: &Path) -> io::Result<Self> {
        let pkg = site.join("pkg");
        if !pkg.is_dir() {
            return Ok(Self::none());
        }
        let manifest = fs::read(pkg.join("manifest.json"))?;
        let manifest: HashMap<String, String> = serde_json::from_slice(&manifest).map_err(io::Error::other)?;
        let mut contents = HashMap::new();
        collect(&pkg, "", &mut contents)?;
        let variant = |contents: &mut HashMap<String, Vec<u8>>, name: &str, suffix: &str| {
            contents.remove(&format!("{name}.{suffix}")).map(Bytes::from)
        };
        let names: Vec<_> =
            contents.keys().filter(|name| !is_variant(name, &contents) && *name != "manifest.json").cloned().collect();
        let mut files = HashMap::new();
        for name in names {
            let (gzip, brotli) = (variant(&mut contents, &name, "gz"), variant(&mut contents, &name, "br"));
            let plain = Bytes::from(contents.remove(&name).unwrap_or_default());
            // What the manifest names carries a hash: the file, or the directory that it stands in.
            let hashed = manifest
                .values()
                .any(|known| *known == name || top(known).is_some_and(|known| top(&name) == Some(known)));
            files.insert(name.clone(), File::new(&name, plain, gzip, brotli, hashed));
        }

        Ok(Self { names: site_files(&manifest), files })
    }

    /// Makes the site of a server without built files.
    pub fn none() -> Self {
        let names =
            SiteFiles { css: "/pkg/app.css".into(), app: None, verify: None, build: env!("CARGO_PKG_VERSION").into() };
        Self { names, files: HashMap::new() }
    }

    /// Returns the names that pages refer to.
    pub fn site_files(&self) -> &SiteFiles {
        &self.names
    }
}

fn site_files(manifest: &HashMap<String, String>) -> SiteFiles {
    let address = |name: &str| manifest.get(name).map(|hashed| format!("/pkg/{hashed}"));
    let module =
        |name: &str| Some(Module { js: address(&format!("{name}.js"))?, wasm: address(&format!("{name}_bg.wasm"))? });
    SiteFiles {
        css: address("app.css").unwrap_or_else(|| "/pkg/app.css".into()),
        app: module("countersign"),
        verify: module("verify"),
        build: manifest.get("build").cloned().unwrap_or_default(),
    }
}

fn collect(directory: &Path, prefix: &str, into: &mut HashMap<String, Vec<u8>>) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if entry.file_type()?.is_dir() {
            collect(&entry.path(), &format!("{name}/"), into)?;
        } else {
            into.insert(name, fs::read(entry.path())?);
        }
    }
    Ok(())
}

/// Returns the outermost directory of a name.
fn top(name: &str) -> Option<&str> {
    name.split_once('/').map(|(directory, _)| directory)
}

fn is_variant(name: &str, contents: &HashMap<String, Vec<u8>>) -> bool {
    ["gz", "br"]
        .iter()
        .any(|suffix| name.strip_suffix(&format!(".{suffix}")).is_some_and(|plain| contents.contains_key(plain)))
}

impl File {
    fn new(name: &str, plain: Bytes, gzip: Option<Bytes>, brotli: Option<Bytes>, hashed: bool) -> Self {
        let media_type = match name.rsplit('.').next() {
            Some("js") => "text/javascript; charset=utf-8",
            Some("wasm") => "application/wasm",
            Some("css") => "text/css; charset=utf-8",
            Some("svg") => "image/svg+xml",
            Some("woff2") => "font/woff2",
            _ => "application/octet-stream",
        };
        let cache = if hashed { "public, max-age=31536000, immutable" } else { "public, no-cache" };
        Self {
            media_type: HeaderValue::from_static(media_type),
            cache: HeaderValue::from_static(cache),
            tag: entity_tag(&plain),
            plain,
            gzip,
            brotli,
        }
    }

    fn encoded(&self, accepted: &str) -> (&Bytes, Option<&'static str>) {
        match (&self.brotli, &self.gzip) {
            (Some(brotli), _) if accepts(accepted, "br") => (brotli, Some("br")),
            (_, Some(gzip)) if accepts(accepted, "gzip") => (gzip, Some("gzip")),
            _ => (&self.plain, None),
        }
    }
}

/// Tells whether `Accept-Encoding` names a coding, and not with weight zero.
pub(crate) fn accepts(header: &str, coding: &str) -> bool {
    header.split(',').any(|item| {
        let mut parts = item.split(';').map(str::trim);
        parts.next() == Some(coding)
            && !parts.any(|weight| weight.strip_prefix("q=").is_some_and(|weight| weight.parse() == Ok(0.0)))
    })
}

/// Returns the value of `Accept-Encoding`.
pub(crate) fn accept_encoding(headers: &HeaderMap) -> &str {
    headers.get(ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// Names bytes by their hash.
pub(crate) fn entity_tag(bytes: &[u8]) -> HeaderValue {
    let hash = Sha256::digest(bytes);
    let hex: String = hash[..16].iter().map(|byte| format!("{byte:02x}")).collect();
    HeaderValue::from_str(&format!("\"{hex}\"")).expect("hex digits are a header value")
}

/// Tells whether the client holds these bytes.
pub(crate) fn is_held(headers: &HeaderMap, tag: &HeaderValue) -> bool {
    let tag = tag.to_str().unwrap_or_default();
    let held = headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    held.flat_map(|value| value.split(',')).any(|item| item.trim().trim_start_matches("W/") == tag)
}

pub(crate) async fn show(
    State(server): State<Server>,
    extract::Path(name): extract::Path<String>,
    headers: HeaderMap,
) -> Response {
    let Some(file) = server.files().files.get(&name) else {
        return Refusal::new(Code::NotFound, "There is no such file; a page of another version may have asked for it.")
            .into_response();
    };
    let (bytes, coding) = file.encoded(accept_encoding(&headers));
    let held = is_held(&headers, &file.tag);
    let mut response = Response::new(if held { Body::empty() } else { Body::from(bytes.clone()) });
    let answer = response.headers_mut();
    answer.insert(CACHE_CONTROL, file.cache.clone());
    answer.insert(ETAG, file.tag.clone());
    answer.insert(VARY, HeaderValue::from_static("accept-encoding"));
    if !held {
        answer.insert(CONTENT_TYPE, file.media_type.clone());
        if let Some(coding) = coding {
            answer.insert(CONTENT_ENCODING, HeaderValue::from_static(coding));
        }
    } else {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_site_is_its_manifest_and_compressed_files_stand_behind_their_names() {
        let site = tempfile::tempdir().unwrap();
        let pkg = site.path().join("pkg");
        fs::create_dir_all(pkg.join("countersign.22/snippets/glue-1a2b")).unwrap();
        fs::create_dir_all(pkg.join("loose")).unwrap();
        let manifest = serde_json::json!({
            "app.css": "app.11.css",
            "countersign.js": "countersign.22/countersign.js",
            "countersign_bg.wasm": "countersign.22/countersign_bg.wasm",
            "build": "44",
        });
        fs::write(pkg.join("manifest.json"), manifest.to_string()).unwrap();
        for (name, content) in [
            ("app.11.css", "a{}"),
            ("app.11.css.br", "B"),
            ("app.11.css.gz", "G"),
            ("countersign.22/part.wasm", "p"),
            ("countersign.22/snippets/glue-1a2b/x.js", "x"),
            ("loose.txt", "t"),
            ("loose/y.js", "y"),
        ] {
            fs::write(pkg.join(name), content).unwrap();
        }

        let files = Files::read(site.path()).unwrap();

        assert_eq!(files.site_files().css, "/pkg/app.11.css");
        assert_eq!(files.site_files().app.as_ref().unwrap().wasm, "/pkg/countersign.22/countersign_bg.wasm");
        assert_eq!(files.site_files().verify, None);
        let css = &files.files["app.11.css"];
        assert_eq!(css.encoded("gzip, br").1, Some("br"));
        assert_eq!(css.encoded("gzip, br;q=0").1, Some("gzip"));
        assert_eq!(css.encoded("identity").1, None);
        let kept = |name: &str| files.files[name].cache.to_str().unwrap().contains("immutable");
        let (mut hashed, mut loose): (Vec<_>, Vec<_>) =
            files.files.keys().map(String::as_str).partition(|name| kept(name));
        hashed.sort_unstable();
        loose.sort_unstable();
        assert_eq!(hashed, ["app.11.css", "countersign.22/part.wasm", "countersign.22/snippets/glue-1a2b/x.js"]);
        assert_eq!(loose, ["loose.txt", "loose/y.js"]);
    }

    #[test]
    fn a_missing_site_serves_pages_without_scripts() {
        let empty = tempfile::tempdir().unwrap();

        assert_eq!(Files::read(empty.path()).unwrap().site_files().app, None);
    }
}
