//! Keys in the browser: reads the scene, asks the pure table, runs the command.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    time::Duration,
};

use countersign_domain::keyboard::{Bound, KeyMap};
use leptos::{ev, html, prelude::*};
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement, KeyboardEvent};

use super::form::Weight;
use crate::{
    clock::steady_ms,
    frame::Surroundings,
    keys::{Command, Focus, PLACES, Press, Scene, TABLE, command, meant, shown, shown_place},
};

/// What a page knows about itself that the browser does not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Page {
    /// A review, or the next item, is on its way.
    pub(crate) loading: bool,
    /// Browser time at which the item shown appeared.
    pub(crate) shown_at: u64,
    /// The form may be sent.
    pub(crate) may_rule: bool,
    /// The form is there once the review is started.
    pub(crate) may_start: bool,
}

/// Who gets a command first, where several listen: the innermost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Layer {
    /// The frame around every page.
    Frame,
    /// A list.
    List,
    /// A decision, on its page or beside the list.
    Decision,
}

/// One who listens.
#[derive(Clone)]
struct Listener {
    id: u64,
    layer: Layer,
    page: Rc<dyn Fn() -> Page>,
    run: Rc<dyn Fn(Command) -> bool>,
}

thread_local! {
    /// Who listens now. A browser page has one thread; the server never listens.
    static LISTENERS: RefCell<Vec<Listener>> = const { RefCell::new(Vec::new()) };
    static NEXT: Cell<u64> = const { Cell::new(0) };
    static STARTED: Cell<bool> = const { Cell::new(false) };
    /// When the key that waits for the letter of a page went down.
    static PREFIXED_AT: Cell<Option<u64>> = const { Cell::new(None) };
    /// The keys of who is signed in.
    static OWN: RefCell<KeyMap> = RefCell::new(KeyMap::default());
}

/// Takes the keys of who is signed in; for effects only.
pub(crate) fn own(map: &KeyMap) {
    OWN.set(map.clone());
}

/// Returns the key of something as the person has it, unless keys are switched off.
pub(crate) fn key_of(bound: Bound) -> Option<String> {
    OWN.with_borrow(|map| (!map.off).then(|| map.key(bound).to_owned()))
}

/// How long a control shows that a key activated it.
const FLASH: Duration = Duration::from_millis(500);

/// Shows for a moment which control a key activated.
pub(crate) fn flash(control: &Element) {
    let _ = control.set_attribute("data-flash", "");
    let control = control.clone();
    set_timeout(
        move || {
            let _ = control.remove_attribute("data-flash");
        },
        FLASH,
    );
}

/// How long that key waits.
const PREFIX_MS: u64 = 1_500;

/// Listens to keys for as long as the calling component lives.
///
/// `page` tells the state at the moment of the key; `run` does the command and tells whether it did. What one does not
/// do goes on to the next layer; what one says about loading and about the item shown holds for all.
pub(crate) fn listen(layer: Layer, page: impl Fn() -> Page + 'static, run: impl Fn(Command) -> bool + 'static) {
    let page: Rc<dyn Fn() -> Page> = Rc::new(page);
    let run: Rc<dyn Fn(Command) -> bool> = Rc::new(run);
    Effect::new(move || {
        let id = NEXT.replace(NEXT.get() + 1);
        let listener = Listener { id, layer, page: Rc::clone(&page), run: Rc::clone(&run) };
        LISTENERS.with_borrow_mut(|all| {
            let place = all.partition_point(|before| before.layer >= layer);
            all.insert(place, listener);
        });
        on_cleanup(move || LISTENERS.with_borrow_mut(|all| all.retain(|listener| listener.id != id)));
        if !STARTED.replace(true) {
            // For as long as the page lives.
            let _ = window_event_listener(ev::keydown, press);
        }
    });
}

fn press(event: KeyboardEvent) {
    let Some(asked) = asked(&event) else { return };
    if asked == Command::Prefix {
        PREFIXED_AT.set(steady_ms());
        event.prevent_default();
    } else if run(asked) {
        event.prevent_default();
    }
}

/// Runs a command as its key would; tells whether anybody did it.
pub(crate) fn run(command: Command) -> bool {
    // Taken out first: a command may begin or end listening.
    let all = LISTENERS.with_borrow(Vec::clone);
    all.iter().any(|listener| (listener.run)(command))
}

/// Tells whether the person may rule on what is shown at this moment.
pub(crate) fn may_rule() -> bool {
    scene_of_all().may_rule
}

fn scene_of_all() -> Page {
    let all = LISTENERS.with_borrow(Vec::clone);
    all.iter().map(|listener| (listener.page)()).fold(Page::default(), |all, page| Page {
        loading: all.loading || page.loading,
        shown_at: all.shown_at.max(page.shown_at),
        may_rule: all.may_rule || page.may_rule,
        may_start: all.may_start || page.may_start,
    })
}

fn asked(event: &KeyboardEvent) -> Option<Command> {
    let now = steady_ms().unwrap_or_default();
    let prefixed = PREFIXED_AT.take().is_some_and(|at| now.saturating_sub(at) < PREFIX_MS);
    let pressed = event.key();
    let key = OWN.with_borrow(|map| meant(map, &pressed, event.ctrl_key(), prefixed))?;
    // Where a sign is typed with Shift is the keyboard's business.
    let sign = pressed.chars().count() == 1 && !pressed.chars().all(char::is_alphanumeric);
    let press = Press {
        key,
        control: event.ctrl_key(),
        modified: event.alt_key() || event.meta_key(),
        shift: event.shift_key() && !sign,
        held: event.repeat(),
        composing: event.is_composing(),
    };
    let document = document();
    let page = scene_of_all();
    let scene = Scene {
        focus: focus(document.active_element().and_then(|element| element.dyn_into().ok())),
        dialog: matches!(document.query_selector("dialog[open]"), Ok(Some(_))),
        loading: page.loading,
        shown_ms: now.saturating_sub(page.shown_at),
        hidden: document.hidden(),
        may_rule: page.may_rule,
        may_start: page.may_start,
        prefixed,
    };
    command(press, scene)
}

fn focus(element: Option<HtmlElement>) -> Focus {
    let Some(element) = element else { return Focus::Page };
    if element.is_content_editable() {
        return Focus::Field;
    }
    // A box takes the space bar and no characters.
    if element.get_attribute("type").as_deref() == Some("checkbox") {
        return Focus::Control;
    }
    match element.tag_name().as_str() {
        "INPUT" | "TEXTAREA" | "SELECT" => Focus::Field,
        "A" | "BUTTON" | "SUMMARY" => Focus::Control,
        _ => Focus::Page,
    }
}

/// Takes focus out of the field that has it.
pub(crate) fn leave_field() {
    if let Some(field) = document().active_element().and_then(|element| element.dyn_into::<HtmlElement>().ok()) {
        let _ = field.blur();
    }
}

/// The sheet of keys, opened by `?` or its button.
#[component]
pub(crate) fn KeySheet(dialog: NodeRef<html::Dialog>) -> impl IntoView {
    let keys = Surroundings::get().keys;
    let able = RwSignal::new(false);
    Effect::new(move || able.set(true));
    let open = move |_| {
        show(dialog);
    };

    view! {
        <button
            type="button"
            on:click=open
            hidden=move || !able.get()
            class="hidden min-h-8 items-center gap-1.5 rounded-control px-2 text-compact text-muted hover:bg-raised hover:text-text sm:inline-flex"
        >
            {move || {
                let key = keys.with(|map| (!map.off).then(|| map.key(Bound::Help).to_owned()));
                key.map(|key| view! { <kbd class="rounded-chip border border-control px-1 font-mono text-compact">{key}</kbd> })
            }}
            "Keys"
        </button>
        <Sheet dialog id="key-sheet"/>
    }
}

/// The sheet itself, read from the one table.
#[component]
pub(crate) fn Sheet(dialog: NodeRef<html::Dialog>, id: &'static str) -> impl IntoView {
    let map = Surroundings::get().keys;
    let commands = TABLE.map(|key| (Signal::derive(move || map.with(|map| shown(map, key.keys))), key.what.to_owned()));
    let places = PLACES.map(|place| {
        let keys = Signal::derive(move || map.with(|map| shown_place(map, &place)));
        (keys, format!("Go to {}, where you have it", place.label))
    });

    view! {
        <dialog
            node_ref=dialog
            aria-labelledby=id
            class="m-auto w-[min(32rem,calc(100vw-2rem))] rounded-dialog border border-hairline bg-surface p-6 text-text shadow-overlay"
        >
            <h2 id=id class="mb-3 text-reading font-semibold">
                "Keys"
            </h2>
            <dl class="grid gap-2">
                {commands
                    .into_iter()
                    .chain(places)
                    .map(|(keys, what)| {
                        view! {
                            <div class="grid grid-cols-[8rem_minmax(0,1fr)] gap-3">
                                <dt>
                                    {move || match keys.get() {
                                        keys if keys.is_empty() => view! { <span class="text-compact text-muted">"off"</span> }.into_any(),
                                        keys => view! { <kbd class="font-mono text-compact">{keys}</kbd> }.into_any(),
                                    }}
                                </dt>
                                <dd class="text-muted">{what}</dd>
                            </div>
                        }
                    })
                    .collect_view()}
            </dl>
            <form method="dialog" class="mt-5 flex flex-wrap items-center gap-4">
                <button type="submit" class=Weight::Plain.class()>
                    "Close"
                </button>
                <a href="/me/keys" class="text-accent underline">
                    "Change keys, or switch them off"
                </a>
            </form>
        </dialog>
    }
}

/// Opens a dialog; tells whether it stands on the page.
pub(crate) fn show(dialog: NodeRef<html::Dialog>) -> bool {
    dialog.get_untracked().is_some_and(|dialog| dialog.show_modal().is_ok())
}
