//! The form on `/verify`: built by hand, so that the module stays small and needs no framework.
//!
//! Only text nodes and classes are written, never HTML and never styles, so a strict content security policy holds.

use std::rc::Rc;

use countersign_ledger::{
    tlog_proof::PROOF_MAX,
    verify::{Check, Report, Status, Verdict},
};
use js_sys::{Uint8Array, futures::spawn_local};
use sha2::{Digest as _, Sha256};
use wasm_bindgen::{JsCast as _, JsValue, closure::Closure};
use web_sys::{
    Blob, Document, DragEvent, Element, Event, HtmlElement, HtmlInputElement, HtmlTextAreaElement, Response, Storage,
    Window,
};

use crate::check;

/// Where heads are kept: one key for each log.
const HEAD: &str = "countersign.head.";
/// Where trust policies are kept that this server gave: one key for each log id.
const GIVEN: &str = "countersign.given.";
/// Where the trust policy is kept that a person pasted.
const PINNED: &str = "countersign.trust";
/// The script that loaded the module.
const SCRIPT: &str = "verify-page";

const NOT_A_PROOF: &str = "This is not a proof file.";
const WHAT_IS_ONE: &str = "A proof file begins with the line c2sp.org/tlog-proof@v1; each decision and each ledger entry offers one for download.";

const BUTTON: &str = "inline-flex justify-self-start min-h-11 items-center justify-center gap-2 rounded-control no-underline border border-control bg-surface px-3 text-body font-medium text-text hover:bg-raised aria-disabled:opacity-60 sm:min-h-8 sm:text-compact";
const FILE: &str = "block w-full min-w-0 rounded-control border border-control bg-surface p-1.5 text-body text-text file:mr-3 file:min-h-8 file:cursor-pointer file:rounded-control file:border-0 file:bg-raised file:px-3 file:text-body file:font-medium file:text-text";
const TEXT: &str =
    "block w-full min-w-0 rounded-control border border-control bg-surface px-3 py-2 font-mono text-compact text-text";

struct Page {
    window: Window,
    document: Document,
    text: HtmlTextAreaElement,
    trust: HtmlTextAreaElement,
    results: Element,
    seen: Element,
}

/// Fills `#verify`, if the page has it.
pub(crate) fn mount() {
    let Some(window) = web_sys::window() else { return };
    let Some(document) = window.document() else { return };
    let Some(place) = document.get_element_by_id("verify") else { return };
    // A page without local storage still verifies; a fault below leaves the page's own text in place.
    if let Err(error) = build(&window, &document, &place) {
        let _ = append(&document, &place, "p", "text-reject", &format!("The verifier did not start: {error:?}"));
    }
}

fn build(window: &Window, document: &Document, place: &Element) -> Result<(), JsValue> {
    let file = field(document, place, ("input", FILE), "verify-file", "Proof file, chosen or dropped here")?;
    let file: HtmlInputElement = file.unchecked_into();
    file.set_type("file");
    let text: HtmlTextAreaElement =
        field(document, place, ("textarea", TEXT), "verify-text", "Or its text, pasted")?.unchecked_into();
    text.set_rows(4);
    text.set_spellcheck(false);
    let trust = field(
        document,
        place,
        ("textarea", TEXT),
        "verify-trust",
        "Trust policy you got elsewhere; without one, the key is taken from this same server",
    )?;
    let trust: HtmlTextAreaElement = trust.unchecked_into();
    trust.set_rows(2);
    trust.set_spellcheck(false);
    if let Some(pinned) = read(window, PINNED) {
        trust.set_value(&pinned);
    }
    let button: HtmlElement = append(document, place, "button", BUTTON, "Verify")?.unchecked_into();
    button.set_attribute("type", "button")?;
    let results = append(document, place, "div", "grid grid-cols-1 gap-4", "")?;
    results.set_attribute("role", "status")?;
    let seen =
        append(document, place, "p", "text-compact text-muted", "No head of a log was seen in this browser yet.")?;
    let digest = append(document, place, "p", "text-compact text-muted [overflow-wrap:anywhere]", "")?;
    let page = Rc::new(Page { window: window.clone(), document: document.clone(), text, trust, results, seen });

    on(&button, "click", {
        let page = page.clone();
        move |_: Event| {
            let text = page.text.value();
            spawn_local(run(page.clone(), text));
        }
    })?;
    on(&file, "change", {
        let (page, file) = (page.clone(), file.clone());
        move |_: Event| {
            if let Some(chosen) = file.files().and_then(|files| files.get(0)) {
                spawn_local(read_and_run(page.clone(), chosen.unchecked_into()));
            }
        }
    })?;
    on(place, "dragover", |event: Event| event.prevent_default())?;
    on(place, "drop", {
        let page = page.clone();
        move |event: Event| {
            event.prevent_default();
            let dropped = event.unchecked_into::<DragEvent>().data_transfer().and_then(|data| data.files()?.get(0));
            if let Some(dropped) = dropped {
                spawn_local(read_and_run(page.clone(), dropped.unchecked_into()));
            }
        }
    })?;
    spawn_local(async move {
        fetch_key(&page).await;
        show_digest(page, digest).await;
    });

    Ok(())
}

async fn read_and_run(page: Rc<Page>, blob: Blob) {
    if blob.size() > PROOF_MAX as f64 {
        return show(&page, NOT_A_PROOF, "It is larger than any proof.", None);
    }
    match blob.text().await {
        Ok(text) => {
            let text = text.as_string().unwrap_or_default();
            page.text.set_value(&text);
            run(page, text).await;
        }
        Err(_) => show(&page, "The file cannot be read.", "If it was moved or changed, choose it again.", None),
    }
}

/// Verifies a proof file and lists what was found.
async fn run(page: Rc<Page>, text: String) {
    // A text area and some editors drop or double the last line break; the format has exactly one.
    let text = format!("{}\n", text.trim_end_matches(['\r', '\n']));
    if let Some(report) = check::unreadable(&text) {
        return show(&page, NOT_A_PROOF, WHAT_IS_ONE, Some(&report));
    }
    let head = check::head(&text);
    let origin = head.as_deref().and_then(check::origin).unwrap_or_default().to_owned();
    let pinned = page.trust.value();
    let pinned = if pinned.trim().is_empty() { None } else { Some(format!("{}\n", pinned.trim_end())) };
    store(&page.window, PINNED, pinned.as_deref());
    let (trust, source) = match &pinned {
        Some(pinned) => (Some(pinned.clone()), None),
        None => from_server(&page, &origin).await,
    };
    let kept = format!("{HEAD}{origin}");
    let held = read(&page.window, &kept);
    let mut report = match &trust {
        Some(trust) => check::verify(&text, trust, held.clone()),
        None => Report::default(),
    };
    report.checks.extend(source.map(|(status, detail)| Check {
        check: "L2",
        status,
        subject: "trust policy".to_owned(),
        detail: detail.to_owned(),
    }));
    show(&page, check::headline(&report), &check::sentence(&report), Some(&report));
    if let Some(head) = &head
        && check::keep(&report, head, held.as_deref())
    {
        store(&page.window, &kept, Some(head));
    }
    if let Some((size, root)) = read(&page.window, &kept).as_deref().and_then(check::size_and_root) {
        page.seen
            .set_text_content(Some(&format!("Newest head of {origin} seen in this browser: size {size}, root {root}")));
    }
}

fn show(page: &Page, headline: &str, sentence: &str, report: Option<&Report>) {
    page.results.set_text_content(None);
    // Appending to an element of this page fails only when the page is gone.
    let _ = list(&page.document, &page.results, (headline, sentence), report);
}

fn list(
    document: &Document,
    place: &Element,
    (headline, sentence): (&str, &str),
    report: Option<&Report>,
) -> Result<(), JsValue> {
    let class = match report.map(Report::verdict) {
        Some(Verdict::Incomplete) => "text-reading font-semibold",
        Some(Verdict::Verified) => "text-reading font-semibold text-approve",
        Some(Verdict::Failed) | None => "text-reading font-semibold text-reject",
    };
    append(document, place, "p", class, headline)?;
    append(document, place, "p", "", sentence)?;
    let Some(report) = report else { return Ok(()) };
    append(document, place, "p", "font-mono text-compact [overflow-wrap:anywhere]", &report.summary())?;
    let checks = append(document, place, "ol", "divide-y divide-hairline", "")?;
    for check in &report.checks {
        let (mark, class) = match check.status {
            Status::Passed => ("✓ passed", "text-approve"),
            Status::Failed => ("✕ failed", "text-reject"),
            Status::Notice => ("! notice", "text-escalate"),
            Status::NotMade => ("– not made", "text-muted"),
        };
        let line = append(document, &checks, "li", "grid gap-x-4 gap-y-1 py-3 sm:grid-cols-[9rem_minmax(0,1fr)]", "")?;
        append(document, &line, "p", class, mark)?;
        let said = append(document, &line, "div", "grid min-w-0 gap-2", "")?;
        append(
            document,
            &said,
            "p",
            "text-body font-medium",
            &format!("{} · {}", check.check, check::name(check.check)),
        )?;
        let detail = format!("{}: {}", check.subject, check.detail);
        append(document, &said, "p", "text-compact text-muted [overflow-wrap:anywhere]", &detail)?;
    }
    if report.verdict() != Verdict::Failed {
        append(document, place, "p", "max-w-[72ch] text-muted", &report.limit())?;
    }

    Ok(())
}

/// Keeps this server's key while there is a network, so that a proof of its log can be checked without one.
async fn fetch_key(page: &Page) {
    let Some(log) = page.document.get_element_by_id(SCRIPT).and_then(|script| script.get_attribute("data-log")) else {
        return;
    };
    let kept = format!("{GIVEN}{log}");
    if read(&page.window, &kept).is_none()
        && let Some(given) = asked(&page.window, &log).await
    {
        store(&page.window, &kept, Some(&given));
    }
}

/// The trust policy that the server gives for a log of its own, or gave before, and what to think of it.
async fn from_server(Page { window, .. }: &Page, origin: &str) -> (Option<String>, Option<(Status, &'static str)>) {
    let log = origin.rsplit('/').next().unwrap_or_default();
    let kept = format!("{GIVEN}{log}");
    let before = read(window, &kept);
    match (asked(window, log).await, before) {
        (Some(given), before) => {
            store(window, &kept, Some(&given));
            let detail = match before {
                Some(before) if before != given => "this server gives another trust policy than on an earlier visit",
                _ => "the key comes from this same server; paste a trust policy you got elsewhere to pin it",
            };
            (Some(given), Some((Status::Notice, detail)))
        }
        (None, Some(before)) => {
            (Some(before), Some((Status::Notice, "the key came from this same server on an earlier visit")))
        }
        (None, None) => (
            None,
            Some((
                Status::NotMade,
                "no key at hand: this server gives none for this log, and no trust policy was pasted",
            )),
        ),
    }
}

async fn asked(window: &Window, log: &str) -> Option<String> {
    if log.len() != 16 || !log.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let response = fetch(window, &format!("/ledger/{log}/trust-policy")).await?;

    response.text().ok()?.await.ok()?.as_string()
}

/// Shows what this module hashes to, so that it can be compared with a build of one's own.
async fn show_digest(page: Rc<Page>, place: Element) {
    // The address stands in the script that loaded the module.
    let script = page.document.get_element_by_id(SCRIPT).and_then(|script| script.text_content()).unwrap_or_default();
    let Some(address) = script.split('"').find(|part| part.ends_with(".wasm")) else { return };
    let Some(response) = fetch(&page.window, address).await else { return };
    let Ok(body) = response.array_buffer() else { return };
    let Ok(body) = body.await else { return };
    let digest = Sha256::digest(Uint8Array::new(&body).to_vec());
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    place.set_text_content(Some(&format!("SHA-256 of {address}: {hex}")));
}

async fn fetch(window: &Window, address: &str) -> Option<Response> {
    let response: Response = window.fetch_with_str(address).await.ok()?.unchecked_into();

    response.ok().then_some(response)
}

/// Adds a labelled control.
fn field(
    document: &Document,
    place: &Element,
    (tag, class): (&str, &str),
    id: &str,
    label: &str,
) -> Result<Element, JsValue> {
    let group = append(document, place, "div", "grid grid-cols-1 gap-1", "")?;
    append(document, &group, "label", "text-body font-medium", label)?.set_attribute("for", id)?;
    let control = append(document, &group, tag, class, "")?;
    control.set_id(id);

    Ok(control)
}

fn append(document: &Document, place: &Element, tag: &str, class: &str, text: &str) -> Result<Element, JsValue> {
    let element = document.create_element(tag)?;
    if !class.is_empty() {
        element.set_class_name(class);
    }
    if !text.is_empty() {
        element.set_text_content(Some(text));
    }
    place.append_child(&element)?;

    Ok(element)
}

/// Listens for as long as the page lives.
fn on(target: &Element, event: &str, listener: impl Fn(Event) + 'static) -> Result<(), JsValue> {
    let listener = Closure::<dyn Fn(Event)>::new(listener);
    target.add_event_listener_with_callback(event, listener.as_ref().unchecked_ref())?;
    listener.forget();

    Ok(())
}

fn storage(window: &Window) -> Option<Storage> {
    window.local_storage().ok().flatten()
}

fn read(window: &Window, key: &str) -> Option<String> {
    storage(window)?.get_item(key).ok().flatten()
}

fn store(window: &Window, key: &str, value: Option<&str>) {
    let Some(storage) = storage(window) else { return };
    // Storage may be full or switched off; then nothing is remembered.
    let _ = match value {
        Some(value) => storage.set_item(key, value),
        None => storage.remove_item(key),
    };
}
