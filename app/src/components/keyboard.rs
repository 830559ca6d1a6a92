//! Keys in the browser: reads the scene, asks the pure table, runs the command.

use std::rc::Rc;

use leptos::{ev, html, prelude::*};
use wasm_bindgen::JsCast;
use web_sys::{HtmlElement, KeyboardEvent};

use super::form::Weight;
use crate::{
    clock::steady_ms,
    keys::{Command, Focus, Press, SHEET, Scene, command},
};

/// What a page knows about itself that the browser does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Page {
    /// A review, or the next item, is on its way.
    pub(crate) loading: bool,
    /// Browser time at which the item shown appeared.
    pub(crate) shown_at: u64,
    /// The form may be sent.
    pub(crate) may_rule: bool,
}

/// Listens to keys for as long as the calling component lives.
///
/// `page` tells the state at the moment of the key; `run` does the command and tells whether it did.
pub(crate) fn listen(page: impl Fn() -> Page + 'static, run: impl Fn(Command) -> bool + 'static) {
    let (page, run) = (Rc::new(page), Rc::new(run));
    Effect::new(move || {
        let (page, run) = (Rc::clone(&page), Rc::clone(&run));
        let handle = window_event_listener(ev::keydown, move |event: KeyboardEvent| {
            if let Some(asked) = asked(&event, page())
                && run(asked)
            {
                event.prevent_default();
            }
        });
        on_cleanup(move || handle.remove());
    });
}

fn asked(event: &KeyboardEvent, page: Page) -> Option<Command> {
    let key = event.key();
    let press = Press {
        key: &key,
        control: event.ctrl_key(),
        modified: event.alt_key() || event.meta_key(),
        shift: event.shift_key() && key != "?",
        held: event.repeat(),
        composing: event.is_composing(),
    };
    let document = document();
    let scene = Scene {
        focus: focus(document.active_element().and_then(|element| element.dyn_into().ok())),
        dialog: matches!(document.query_selector("dialog[open]"), Ok(Some(_))),
        loading: page.loading,
        shown_ms: steady_ms().unwrap_or_default().saturating_sub(page.shown_at),
        hidden: document.hidden(),
        may_rule: page.may_rule,
    };
    command(press, scene)
}

fn focus(element: Option<HtmlElement>) -> Focus {
    let Some(element) = element else { return Focus::Page };
    if element.is_content_editable() {
        return Focus::Field;
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
    let able = RwSignal::new(false);
    Effect::new(move || able.set(true));
    let open = move |_| show(dialog);

    view! {
        <button
            type="button"
            on:click=open
            hidden=move || !able.get()
            class="hidden min-h-8 items-center gap-1.5 rounded-control px-2 text-compact text-muted hover:bg-raised hover:text-text sm:inline-flex"
        >
            <kbd class="rounded-chip border border-control px-1 font-mono text-compact">"?"</kbd>
            "Keys"
        </button>
        <dialog
            node_ref=dialog
            aria-labelledby="key-sheet"
            class="m-auto w-[min(30rem,calc(100vw-2rem))] rounded-dialog border border-hairline bg-surface p-6 text-text shadow-overlay"
        >
            <h2 id="key-sheet" class="mb-3 text-reading font-semibold">
                "Keys"
            </h2>
            <dl class="grid gap-2">
                {SHEET
                    .iter()
                    .map(|(keys, what)| {
                        view! {
                            <div class="grid grid-cols-[8rem_minmax(0,1fr)] gap-3">
                                <dt>
                                    <kbd class="font-mono text-compact">{*keys}</kbd>
                                </dt>
                                <dd class="text-muted">{*what}</dd>
                            </div>
                        }
                    })
                    .collect_view()}
            </dl>
            <form method="dialog" class="mt-5">
                <button type="submit" class=Weight::Plain.class()>
                    "Close"
                </button>
            </form>
        </dialog>
    }
}

/// Opens a dialog.
pub(crate) fn show(dialog: NodeRef<html::Dialog>) {
    if let Some(dialog) = dialog.get_untracked() {
        let _ = dialog.show_modal();
    }
}
