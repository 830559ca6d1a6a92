//! Rules that the compiler cannot check, proved on the source text.

use std::{
    fs,
    path::{Path, PathBuf},
};

#[test]
fn only_the_safe_text_area_prints_a_textarea() {
    assert_eq!(files_with("<textarea"), ["components/text.rs"]);
    assert_eq!(source("components/text.rs").matches("<textarea").count(), 1);
}

#[test]
fn nothing_else_sets_inner_html() {
    assert_eq!(files_with("inner_html"), ["components/text.rs"]);
    assert_eq!(files_with("set_inner_html"), Vec::<String>::new());
}

#[test]
fn no_other_element_whose_children_are_not_escaped() {
    for tag in ["<noscript", "<style", "<iframe", "<template"] {
        assert_eq!(files_with(tag), Vec::<String>::new(), "{tag}");
    }
    assert_eq!(files_with("<script type"), ["shell.rs"]);
}

#[test]
fn only_the_page_title_writes_the_title() {
    assert_eq!(files_with("<Title "), ["components/page.rs"]);
}

#[test]
fn no_style_attributes() {
    for attribute in [" style=", "style:", "set_attribute(\"style\""] {
        assert_eq!(files_with(attribute), Vec::<String>::new(), "{attribute}");
    }
}

#[test]
fn class_names_stand_whole_in_the_source() {
    assert_eq!(files_with("class=format!"), Vec::<String>::new());
}

#[test]
fn the_nonce_leaking_tags_of_the_framework_are_not_used() {
    assert_eq!(files_with("HydrationScripts"), Vec::<String>::new());
    assert_eq!(files_with("AutoReload"), Vec::<String>::new());
}

#[test]
fn every_server_function_names_its_endpoint_and_is_post() {
    let mut found = 0;
    for file in sources() {
        let text = read(&file);
        for (place, _) in text.match_indices("#[server") {
            let attribute = text[place..].split(']').next().unwrap();
            // An argument that may be missing.
            if attribute == "#[server(default)" {
                continue;
            }
            assert!(attribute.starts_with("#[server(prefix = \"/act\", endpoint = \""), "{attribute} in {file:?}");
            assert!(attribute.ends_with("output = Json)"), "{attribute} in {file:?}");
            assert!(!attribute.contains("input"), "{attribute} in {file:?}");
            found += 1;
        }
    }
    assert!(found >= 20, "{found}");
}

#[test]
fn every_form_posts_to_a_fixed_address_or_only_filters() {
    for file in sources() {
        let text = read(&file);
        for (place, _) in text.match_indices("<form ") {
            let tag = text[place..].split('>').next().unwrap();
            let known = [
                "method=\"post\" action=",
                "method=\"get\" action=\"/queue\"",
                "method=\"get\" action=\"/bulk\"",
                "method=\"get\" action=\"/admin/access\"",
                "method=\"get\" action=\"/grants/new\"",
                "method=\"get\" action=\"/admin/roles\"",
                "method=\"get\" action=format!(\"/admin/people/{person}\")",
                "method=\"get\" action=format!(\"/policies/drafts/{id}\")",
                "method=\"dialog\"",
            ];
            assert!(known.iter().any(|start| tag.contains(start)), "{tag} in {file:?}");
        }
    }
}

#[test]
fn views_ask_no_clock_and_no_dice() {
    assert_eq!(files_with("Date::now"), ["live.rs"]);
    for source in ["SystemTime", "Instant::now", "Math::random", "new_v4", "now_v7"] {
        assert_eq!(files_with(source), Vec::<String>::new(), "{source}");
    }
}

fn files_with(text: &str) -> Vec<String> {
    sources()
        .into_iter()
        .filter(|file| read(file).contains(text))
        .map(|file| file.strip_prefix(root()).expect("sources stand under the root").to_string_lossy().into_owned())
        .collect()
}

fn source(path: &str) -> String {
    read(&root().join(path))
}

fn read(file: &Path) -> String {
    fs::read_to_string(file).expect("a source can be read")
}

fn sources() -> Vec<PathBuf> {
    let mut files = Vec::new();
    collect(&root(), &mut files);
    files.sort();
    files
}

fn collect(directory: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).expect("a source directory can be read") {
        let path = entry.expect("a directory entry can be read").path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}
