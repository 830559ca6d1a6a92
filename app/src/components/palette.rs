//! The command palette: every command of the key table and every page of the navigation, found by typing.

use countersign_domain::keyboard::KeyMap;
use leptos::{ev::KeyboardEvent, html, prelude::*};
use leptos_router::{
    NavigateOptions,
    hooks::{use_location, use_navigate},
};

use super::keyboard::{Layer, Page, Sheet, listen, may_rule, run, show};
use crate::{
    frame::Surroundings,
    keys::{Command, PLACES, Scope, TABLE, shown, shown_place},
};

/// A page that the person finds in the navigation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    /// Its path.
    pub(crate) path: &'static str,
    /// Its name.
    pub(crate) label: &'static str,
    /// It is opened by a whole load.
    pub(crate) whole: bool,
}

/// A line of the palette.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Line {
    label: String,
    /// The key that does the same, as the person has it.
    keys: String,
    act: Act,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Act {
    Run(Command),
    Go(Target),
}

/// Lists what can be done at a path.
fn lines(targets: &[Target], path: &str, may_rule: bool, map: &KeyMap) -> Vec<Line> {
    let in_list = path == "/queue";
    let on_decision = in_list || path.starts_with("/decisions/");
    let commands = TABLE.iter().filter_map(|key| {
        let command = key.command?;
        let here = match key.scope {
            Scope::Everywhere => true,
            Scope::List => in_list,
            Scope::Decision => on_decision,
        };
        let rules = command.arms();
        let line = Line { label: key.what.to_owned(), keys: shown(map, key.keys), act: Act::Run(command) };
        (here && (may_rule || !rules)).then_some(line)
    });
    let pages = targets.iter().map(|target| Line {
        label: format!("Go to {}", target.label),
        keys: PLACES
            .iter()
            .find(|place| place.path == target.path)
            .map(|place| shown_place(map, place))
            .unwrap_or_default(),
        act: Act::Go(*target),
    });
    commands.chain(pages).collect()
}

/// Keeps the lines that hold every typed word, in the order they had.
fn matching(lines: &[Line], typed: &str) -> Vec<Line> {
    let typed = typed.to_ascii_lowercase();
    let words: Vec<_> = typed.split_whitespace().collect();
    let holds = |line: &&Line| words.iter().all(|word| line.label.to_ascii_lowercase().contains(word));
    lines.iter().filter(holds).cloned().collect()
}

/// The palette, its button, and the keys that work on every page.
#[component]
pub(crate) fn Palette(targets: Vec<Target>) -> impl IntoView {
    let (dialog, sheet) = (NodeRef::<html::Dialog>::new(), NodeRef::<html::Dialog>::new());
    let input = NodeRef::<html::Input>::new();
    let able = RwSignal::new(false);
    let all = RwSignal::new(Vec::<Line>::new());
    let typed = RwSignal::new(String::new());
    let active = RwSignal::new(0_usize);
    let found = Memo::new(move |_| all.with(|all| typed.with(|typed| matching(all, typed))));
    Effect::new(move || able.set(true));

    let path = use_location().pathname;
    let map = Surroundings::get().keys;
    let offered = StoredValue::new(targets.clone());
    let open = move || {
        let here = path.get_untracked();
        all.set(offered.with_value(|targets| map.with_untracked(|map| lines(targets, &here, may_rule(), map))));
        typed.set(String::new());
        active.set(0);
        if let Some(input) = input.get_untracked() {
            input.set_value("");
        }
        show(dialog)
    };
    let navigate = StoredValue::new(use_navigate());
    let go = move |target: Target| {
        if target.whole {
            let _ = window().location().set_href(target.path);
        } else {
            navigate.with_value(|navigate| navigate(target.path, NavigateOptions::default()));
        }
    };
    let choose = move |line: Line| {
        if let Some(dialog) = dialog.get_untracked() {
            dialog.close();
        }
        // After the dialog gave focus back.
        set_timeout(
            move || match line.act {
                Act::Run(command) => {
                    run(command);
                }
                Act::Go(target) => go(target),
            },
            std::time::Duration::ZERO,
        );
    };
    listen(Layer::Frame, Page::default, move |command| match command {
        Command::Palette => open(),
        Command::Help => show(sheet),
        Command::Go(path) => {
            let target = offered.with_value(|targets| targets.iter().copied().find(|target| target.path == path));
            target.map(go).is_some()
        }
        _ => false,
    });
    let steer = move |event: KeyboardEvent| {
        let count = found.with_untracked(Vec::len);
        let place = active.get_untracked();
        match event.key().as_str() {
            "ArrowDown" => active.set((place + 1).min(count.saturating_sub(1))),
            "ArrowUp" => active.set(place.saturating_sub(1)),
            "Enter" => {
                if let Some(line) = found.with_untracked(|found| found.get(place).cloned()) {
                    choose(line);
                }
            }
            _ => return,
        }
        event.prevent_default();
    };

    view! {
        <button
            type="button"
            on:click=move |_| {
                open();
            }
            hidden=move || !able.get()
            class="hidden min-h-8 items-center gap-1.5 rounded-control px-2 text-compact text-muted hover:bg-raised hover:text-text sm:inline-flex"
        >
            <kbd class="rounded-chip border border-control px-1 font-mono text-compact">"Ctrl K"</kbd>
            "Find"
        </button>
        <dialog
            node_ref=dialog
            aria-label=strings::PALETTE
            class="mx-auto mt-[12vh] w-[min(36rem,calc(100vw-2rem))] rounded-dialog border border-hairline bg-surface p-3 text-text shadow-overlay"
        >
            <input
                node_ref=input
                id="palette"
                type="text"
                role="combobox"
                aria-label=strings::FIND
                aria-autocomplete="list"
                aria-expanded="true"
                aria-controls="palette-lines"
                aria-activedescendant=move || found.with(|found| found.get(active.get()).map(|_| line_id(active.get())))
                autocomplete="off"
                placeholder=strings::FIND
                class="block min-h-11 w-full rounded-control border border-control bg-surface px-3 text-body text-text"
                on:input=move |event| {
                    typed.set(event_target_value(&event));
                    active.set(0);
                }
                on:keydown=steer
            />
            <ul id="palette-lines" role="listbox" aria-label=strings::LINES class="mt-2 max-h-[50vh] overflow-y-auto">
                {move || {
                    found
                        .get()
                        .into_iter()
                        .enumerate()
                        .map(|(place, line)| {
                            let Line { label, keys, .. } = line.clone();
                            view! {
                                <li
                                    id=line_id(place)
                                    role="option"
                                    aria-selected=move || (active.get() == place).to_string()
                                    class="flex min-h-11 cursor-pointer items-center justify-between gap-3 rounded-control px-3 text-body hover:bg-raised aria-selected:bg-selected sm:min-h-9"
                                    on:click=move |_| choose(line.clone())
                                >
                                    <span>{label}</span>
                                    <kbd class="shrink-0 font-mono text-compact text-muted">{keys}</kbd>
                                </li>
                            }
                        })
                        .collect_view()
                }}
            </ul>
            <p role="status" class="px-3 text-compact text-muted">
                {move || found.with(Vec::is_empty).then_some(strings::NONE)}
            </p>
        </dialog>
        <Sheet dialog=sheet id="key-sheet-everywhere"/>
    }
}

fn line_id(place: usize) -> String {
    format!("palette-{place}")
}

mod strings {
    pub(super) const PALETTE: &str = "Commands and pages";
    pub(super) const FIND: &str = "Find a command or a page";
    pub(super) const LINES: &str = "What was found";
    pub(super) const NONE: &str = "No command and no page has these words. Clear the field to see all.";
}

#[cfg(test)]
mod tests {
    use countersign_domain::keyboard::Bound;

    use super::*;

    const TARGETS: [Target; 2] = [
        Target { path: "/queue", label: "Queue", whole: false },
        Target { path: "/verify", label: "Verify", whole: true },
    ];

    #[test]
    fn every_line_shows_its_key_and_verdicts_stand_only_where_one_may_rule() {
        let arms =
            |lines: &[Line]| lines.iter().filter(|line| matches!(line.act, Act::Run(Command::ArmApprove))).count();

        assert_eq!(arms(&lines(&TARGETS, "/decisions/1", true, &KeyMap::default())), 1);
        assert_eq!(arms(&lines(&TARGETS, "/decisions/1", false, &KeyMap::default())), 0);
        assert_eq!(arms(&lines(&TARGETS, "/ledger", true, &KeyMap::default())), 0);
        let queue = lines(&TARGETS, "/queue", true, &KeyMap::default());
        assert!(queue.iter().all(|line| !line.keys.is_empty()), "{queue:?}");
        assert!(queue.iter().any(|line| line.act == Act::Run(Command::Next)));
        assert!(
            !lines(&TARGETS, "/ledger", true, &KeyMap::default())
                .iter()
                .any(|line| line.act == Act::Run(Command::Next))
        );
        assert!(!queue.iter().any(|line| line.act == Act::Run(Command::Send)), "nothing sends from here");
    }

    #[test]
    fn a_changed_key_is_the_one_that_is_shown() {
        let map = KeyMap { off: false, changed: vec![(Bound::Next, "n".into())] };
        let next = |map: &KeyMap| {
            let lines = lines(&TARGETS, "/queue", true, map);
            lines.into_iter().find(|line| line.act == Act::Run(Command::Next)).unwrap().keys
        };

        assert_eq!(next(&map), "n  ↓");
        assert_eq!(next(&KeyMap { off: true, ..map }), "↓");
    }

    #[test]
    fn every_typed_word_has_to_stand_in_the_line() {
        let all = lines(&TARGETS, "/queue", true, &KeyMap::default());

        assert_eq!(matching(&all, ""), all);
        assert_eq!(matching(&all, "  GO queue ").len(), 1);
        assert_eq!(matching(&all, "queue verify"), []);
    }
}
