//! Which key does what, and when none does anything: one table and one pure function.
//!
//! The table names everybody's keys. What a person changed is read back to it ([`meant`]) before the function is asked,
//! and written over it ([`shown`]) where the table is shown.

use countersign_domain::keyboard::{Bound, KeyMap};

/// What a key asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Command {
    /// Selects the next row.
    Next,
    /// Selects the previous row.
    Previous,
    /// Opens the selected row.
    Open,
    /// Selects the row to be reviewed together with others, or leaves it out.
    Choose,
    /// Selects this row and the next or previous one, and goes there.
    Extend {
        /// The next one.
        forward: bool,
    },
    /// Goes to the composer and arms Approve; sends nothing.
    ArmApprove,
    /// Goes to the composer and arms Approve with edits; opens nothing.
    ArmEdits,
    /// Goes to the composer and arms Request changes; sends nothing.
    ArmChanges,
    /// Goes to the composer and arms Escalate; sends nothing.
    ArmEscalate,
    /// Goes to the composer and arms Reject; sends nothing.
    ArmReject,
    /// Goes to the composer and arms Defer; sends nothing.
    ArmDefer,
    /// Starts the review, or gives it up.
    Lease,
    /// Says that the review has to be started before a verdict is armed.
    StartFirst,
    /// Takes the person's own review back, or asks which of several.
    Retract,
    /// Goes to the field of a comment.
    Comment,
    /// Sends the armed verdict.
    Send,
    /// Disarms, or leaves the page for the list.
    Back,
    /// Disarms and leaves the field, never the page: what is typed stays.
    Release,
    /// Goes to a section of the decision.
    Section(u8),
    /// Shows the key sheet.
    Help,
    /// Opens the command palette.
    Palette,
    /// Waits for the letter of a page.
    Prefix,
    /// Goes to a page.
    Go(&'static str),
}

impl Command {
    /// Tells whether it arms a verdict, which only those can do who may rule.
    pub(crate) const fn arms(self) -> bool {
        matches!(
            self,
            Command::ArmApprove
                | Command::ArmEdits
                | Command::ArmChanges
                | Command::ArmEscalate
                | Command::ArmReject
                | Command::ArmDefer
        )
    }
}

/// A key as it went down.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Press<'a> {
    /// The browser's name of the key.
    pub(crate) key: &'a str,
    /// Ctrl is down.
    pub(crate) control: bool,
    /// Alt or the command key is down.
    pub(crate) modified: bool,
    /// Shift is down.
    pub(crate) shift: bool,
    /// The key is held.
    pub(crate) held: bool,
    /// An input method is composing a character.
    pub(crate) composing: bool,
}

/// Where focus stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Focus {
    /// On the page itself.
    #[default]
    Page,
    /// On a link, button or disclosure, which Enter and the space bar belong to.
    Control,
    /// In a field, which every character belongs to.
    Field,
}

/// What stands around the key: anything here can make it do nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Scene {
    /// Where focus stands.
    pub(crate) focus: Focus,
    /// A dialog is open.
    pub(crate) dialog: bool,
    /// A review, or the next item, is on its way.
    pub(crate) loading: bool,
    /// How long the item shown has been shown, in milliseconds.
    pub(crate) shown_ms: u64,
    /// The tab is not visible.
    pub(crate) hidden: bool,
    /// The form may be sent: the person may rule on exactly what is shown.
    pub(crate) may_rule: bool,
    /// The person may rule once the review is started.
    pub(crate) may_start: bool,
    /// The key before was the one that waits for the letter of a page.
    pub(crate) prefixed: bool,
}

/// An item must stand this long before a key may act on it.
const SETTLED_MS: u64 = 250;

/// Tells what a key does in a scene.
///
/// A verdict key only arms; Ctrl+Enter, or the button itself, sends.
pub(crate) fn command(press: Press<'_>, scene: Scene) -> Option<Command> {
    if press.held || press.composing || press.modified || scene.dialog || scene.hidden {
        return None;
    }
    // It rules on nothing and types nothing, so it works in fields and while something loads.
    if press.control && press.key.eq_ignore_ascii_case("k") && !press.shift {
        return Some(Command::Palette);
    }
    if scene.loading || scene.shown_ms < SETTLED_MS {
        return None;
    }
    if press.control {
        return (press.key == "Enter" && scene.may_rule).then_some(Command::Send);
    }
    if scene.prefixed && scene.focus != Focus::Field {
        // No letter means two things: after the prefix it is a page or nothing.
        let place = PLACES.iter().find(|place| place.letter == press.key && !press.shift)?;
        return Some(Command::Go(place.path));
    }
    match (press.key, scene.focus) {
        ("Escape", Focus::Field) => Some(Command::Release),
        ("Escape", _) => Some(Command::Back),
        (_, Focus::Field) => None,
        ("Enter", Focus::Control) => None,
        ("?", _) => Some(Command::Help),
        ("J", _) if press.shift => Some(Command::Extend { forward: true }),
        ("K", _) if press.shift => Some(Command::Extend { forward: false }),
        _ if press.shift => None,
        ("j" | "ArrowDown", _) => Some(Command::Next),
        ("k" | "ArrowUp", _) => Some(Command::Previous),
        ("Enter" | "o", _) => Some(Command::Open),
        ("[", _) => Some(Command::Back),
        ("x", _) => Some(Command::Choose),
        ("g", _) => Some(Command::Prefix),
        ("a", _) => armed(scene, Command::ArmApprove),
        ("e", _) => armed(scene, Command::ArmEdits),
        ("c", _) => armed(scene, Command::ArmChanges),
        ("s", _) => armed(scene, Command::ArmEscalate),
        ("r", _) => armed(scene, Command::ArmReject),
        ("d", _) => armed(scene, Command::ArmDefer),
        ("l", _) => Some(Command::Lease),
        ("u", _) => Some(Command::Retract),
        ("m", _) => Some(Command::Comment),
        (digit, _) => match digit.as_bytes() {
            [digit @ b'1'..=b'8'] => Some(Command::Section(digit - b'0')),
            _ => None,
        },
    }
}

/// A verdict key arms where the person may rule, and says what is missing where only the start of the review is.
fn armed(scene: Scene, command: Command) -> Option<Command> {
    match (scene.may_rule, scene.may_start) {
        (true, _) => Some(command),
        (false, true) => Some(Command::StartFirst),
        (false, false) => None,
    }
}

/// Returns the key of the table that a person's key stands for, if for any.
///
/// With Ctrl, and after the key that waits for the letter of a page, keys are everybody's.
pub(crate) fn meant<'a>(map: &KeyMap, key: &'a str, control: bool, prefixed: bool) -> Option<&'a str> {
    if control || prefixed { Some(key) } else { map.read(key) }
}

/// Writes the keys of a row of the table as a person has them; empty when all of them are switched off.
pub(crate) fn shown(map: &KeyMap, keys: &str) -> String {
    let own = |key: &str| match Bound::of(key) {
        Some(_) if map.off => None,
        Some(bound) => Some(map.key(bound).to_owned()),
        // They have no others, and are switched off with the rest.
        None if map.off && key == SECTIONS => None,
        None => Some(key.to_owned()),
    };
    keys.split("  ").filter_map(own).collect::<Vec<_>>().join("  ")
}

/// Writes the two keys that lead to a page as a person has them; empty when they are switched off.
pub(crate) fn shown_place(map: &KeyMap, place: &Place) -> String {
    if map.off { String::new() } else { place.keys.replacen(Bound::Go.key(), map.key(Bound::Go), 1) }
}

/// Where a key does something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// On every page.
    Everywhere,
    /// In the queue.
    List,
    /// Where a decision is shown.
    Decision,
}

/// A row of the key table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Key {
    /// The keys as people read them.
    pub(crate) keys: &'static str,
    /// The keys as the browser names them.
    pub(crate) presses: &'static [&'static str],
    /// What they do.
    pub(crate) what: &'static str,
    /// The command that the palette gives too.
    pub(crate) command: Option<Command>,
    /// Where.
    pub(crate) scope: Scope,
}

const fn key(
    keys: &'static str,
    presses: &'static [&'static str],
    what: &'static str,
    command: Option<Command>,
    scope: Scope,
) -> Key {
    Key { keys, presses, what, command, scope }
}

/// The keys of the sections, as people read them.
pub(crate) const SECTIONS: &str = "1 … 8";

/// The one table: the guard, the sheet, the palette and the page that changes keys read it.
pub(crate) const TABLE: [Key; 20] = [
    key("j  ↓", &["j", "ArrowDown"], "Next row", Some(Command::Next), Scope::List),
    key("k  ↑", &["k", "ArrowUp"], "Previous row", Some(Command::Previous), Scope::List),
    key("Enter  o", &["Enter", "o"], "Open the page of the selected decision", Some(Command::Open), Scope::List),
    key("x", &["x"], "Select the row to be reviewed with others, or leave it out", Some(Command::Choose), Scope::List),
    key("Shift + j  k", &[], "Select on to the next or previous row", None, Scope::List),
    key(SECTIONS, &[], "Go to a section of the decision", None, Scope::Decision),
    key("l", &["l"], "Start the review, or give it up", Some(Command::Lease), Scope::Decision),
    key("a", &["a"], "Go to the review and arm Approve", Some(Command::ArmApprove), Scope::Decision),
    key("e", &["e"], "Go to the review and arm Approve with edits", Some(Command::ArmEdits), Scope::Decision),
    key("c", &["c"], "Go to the review and arm Request changes", Some(Command::ArmChanges), Scope::Decision),
    key("s", &["s"], "Go to the review and arm Escalate", Some(Command::ArmEscalate), Scope::Decision),
    key("r", &["r"], "Go to the review and arm Reject", Some(Command::ArmReject), Scope::Decision),
    key("d", &["d"], "Go to the review and arm Defer", Some(Command::ArmDefer), Scope::Decision),
    key("u", &["u"], "Take your review back, while it is not final", Some(Command::Retract), Scope::Decision),
    key("m", &["m"], "Go to the field of a comment", Some(Command::Comment), Scope::Decision),
    key("Ctrl + Enter", &[], "Send the armed review, also inside a text field", None, Scope::Decision),
    key("Esc  [", &["Escape", "["], "Disarm, or back to the list", Some(Command::Back), Scope::Decision),
    key("Ctrl + K", &[], "Find a command or a page", None, Scope::Everywhere),
    key("?", &["?"], "Show the keys", Some(Command::Help), Scope::Everywhere),
    key("Tab", &[], "Everything here is also reached without single keys", None, Scope::Everywhere),
];

/// A page that two keys lead to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// The second key; the first is g.
    pub(crate) letter: &'static str,
    /// The keys as people read them.
    pub(crate) keys: &'static str,
    /// The page.
    pub(crate) path: &'static str,
    /// Its name.
    pub(crate) label: &'static str,
}

const fn place(letter: &'static str, keys: &'static str, path: &'static str, label: &'static str) -> Place {
    Place { letter, keys, path, label }
}

/// The pages that two keys lead to, for whoever finds them in the navigation.
pub(crate) const PLACES: [Place; 10] = [
    place("q", "g q", "/queue", "Queue"),
    place("a", "g a", "/admin/access", "Access log"),
    place("l", "g l", "/ledger", "Ledger"),
    place("o", "g o", "/policies", "Policies"),
    place("n", "g n", "/admin/people", "People"),
    place("c", "g c", "/admin/changes", "Changes"),
    place("i", "g i", "/admin/sso", "Sign-in providers"),
    place("s", "g s", "/admin/systems", "AI systems"),
    place("v", "g v", "/verify", "Verify"),
    place("y", "g y", "/me", "You"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_do_what_the_sheet_says() {
        let expected = [
            ("j", Command::Next),
            ("ArrowDown", Command::Next),
            ("k", Command::Previous),
            ("ArrowUp", Command::Previous),
            ("Enter", Command::Open),
            ("o", Command::Open),
            ("x", Command::Choose),
            ("a", Command::ArmApprove),
            ("e", Command::ArmEdits),
            ("c", Command::ArmChanges),
            ("s", Command::ArmEscalate),
            ("r", Command::ArmReject),
            ("d", Command::ArmDefer),
            ("u", Command::Retract),
            ("m", Command::Comment),
            ("l", Command::Lease),
            ("Escape", Command::Back),
            ("[", Command::Back),
            ("?", Command::Help),
            ("7", Command::Section(7)),
            ("8", Command::Section(8)),
        ];

        for (key, wanted) in expected {
            assert_eq!(command(press(key), scene()), Some(wanted), "{key}");
        }
        for key in TABLE {
            for name in key.presses {
                assert_eq!(command(press(name), scene()), key.command, "{name}: {}", key.what);
            }
        }
        assert_eq!(command(press("9"), scene()), None);
        assert_eq!(command(press("z"), scene()), None);
        for (key, forward) in [("J", true), ("K", false)] {
            assert_eq!(command(Press { shift: true, ..press(key) }, scene()), Some(Command::Extend { forward }));
        }
    }

    #[test]
    fn nothing_fires_held_composing_modified_hidden_in_a_dialog_or_while_loading() {
        for key in ["a", "r", "j", "o", "?", "Escape"] {
            assert_eq!(command(Press { held: true, ..press(key) }, scene()), None);
            assert_eq!(command(Press { composing: true, ..press(key) }, scene()), None);
            assert_eq!(command(Press { modified: true, ..press(key) }, scene()), None);
            assert_eq!(command(Press { control: true, ..press(key) }, scene()), None);
            assert_eq!(command(press(key), Scene { dialog: true, ..scene() }), None);
            assert_eq!(command(press(key), Scene { loading: true, ..scene() }), None);
            assert_eq!(command(press(key), Scene { hidden: true, ..scene() }), None);
        }
    }

    #[test]
    fn after_g_a_letter_is_a_page_and_never_a_verdict() {
        let prefixed = Scene { prefixed: true, ..scene() };

        assert_eq!(command(press("g"), scene()), Some(Command::Prefix));
        for place in PLACES {
            assert_eq!(command(press(place.letter), prefixed), Some(Command::Go(place.path)));
            assert_eq!(command(press(place.letter), Scene { dialog: true, ..prefixed }), None);
            assert_eq!(command(Press { held: true, ..press(place.letter) }, prefixed), None);
        }
        for nothing in ["r", "j", "k", "Enter", "g", "1"] {
            assert_eq!(command(press(nothing), prefixed), None, "{nothing}");
        }
        assert_eq!(command(press("a"), Scene { focus: Focus::Field, ..prefixed }), None);
        let mut letters: Vec<_> = PLACES.iter().map(|place| place.letter).collect();
        letters.sort_unstable();
        letters.dedup();
        assert_eq!(letters.len(), PLACES.len(), "no letter leads to two pages");
    }

    #[test]
    fn the_palette_opens_from_fields_and_while_loading_and_never_over_a_dialog() {
        let open = Press { control: true, ..press("k") };

        for around in [
            scene(),
            Scene { focus: Focus::Field, ..scene() },
            Scene { loading: true, ..scene() },
            Scene { shown_ms: 0, ..scene() },
        ] {
            assert_eq!(command(open, around), Some(Command::Palette));
        }
        assert_eq!(command(open, Scene { dialog: true, ..scene() }), None);
        assert_eq!(command(open, Scene { hidden: true, ..scene() }), None);
        assert_eq!(command(Press { held: true, ..open }, scene()), None);
        assert_eq!(command(Press { shift: true, ..open }, scene()), None);
    }

    #[test]
    fn an_item_must_settle_before_a_key_acts_on_it() {
        assert_eq!(command(press("a"), Scene { shown_ms: 249, ..scene() }), None);
        assert_eq!(command(press("a"), Scene { shown_ms: 250, ..scene() }), Some(Command::ArmApprove));
    }

    #[test]
    fn characters_belong_to_fields_and_enter_belongs_to_controls() {
        let typing = Scene { focus: Focus::Field, ..scene() };
        let tabbing = Scene { focus: Focus::Control, ..scene() };

        for key in ["a", "r", "j", "k", "o", "?", "1", "Enter"] {
            assert_eq!(command(press(key), typing), None, "{key}");
        }
        assert_eq!(command(press("Escape"), typing), Some(Command::Release));
        assert_eq!(command(press("Enter"), tabbing), None);
        assert_eq!(command(press("j"), tabbing), Some(Command::Next));
    }

    #[test]
    fn only_control_enter_sends_and_only_where_the_person_may_rule() {
        let send = Press { control: true, ..press("Enter") };

        assert_eq!(command(send, Scene { focus: Focus::Field, ..scene() }), Some(Command::Send));
        assert_eq!(command(send, Scene { may_rule: false, ..scene() }), None);
        assert_eq!(command(press("a"), Scene { may_rule: false, ..scene() }), None);
        assert_eq!(command(Press { shift: true, ..press("a") }, scene()), None);
    }

    #[test]
    fn a_verdict_key_without_a_review_that_is_started_says_so_and_arms_nothing() {
        let before = Scene { may_rule: false, may_start: true, ..scene() };

        for key in ["a", "e", "c", "s", "r", "d"] {
            assert_eq!(command(press(key), before), Some(Command::StartFirst), "{key}");
            assert_eq!(command(press(key), Scene { focus: Focus::Field, ..before }), None, "{key}");
            assert_eq!(command(press(key), Scene { may_start: false, ..before }), None, "{key}");
        }
        assert_eq!(command(press("l"), before), Some(Command::Lease));
        assert_eq!(command(Press { control: true, ..press("Enter") }, before), None);
    }

    #[test]
    fn every_key_of_one_character_may_be_changed_and_stands_in_one_row() {
        let one = |key: &&&str| key.chars().count() == 1;
        let typed: Vec<_> = TABLE.iter().flat_map(|row| row.presses).filter(one).copied().collect();

        for key in &typed {
            assert!(Bound::of(key).is_some(), "{key} can be neither changed nor switched off");
        }
        let rows = |bound: Bound| typed.iter().filter(|key| **key == bound.key()).count();
        for bound in Bound::ALL.iter().copied().filter(|bound| *bound != Bound::Go) {
            assert_eq!(rows(bound), 1, "{bound:?}");
        }
        assert!(PLACES.iter().all(|place| place.keys.starts_with(Bound::Go.key())));
    }

    #[test]
    fn a_changed_key_is_read_back_to_the_table_and_written_over_it() {
        let map = KeyMap { off: false, changed: vec![(Bound::Next, "n".into()), (Bound::Go, "v".into())] };

        assert_eq!(meant(&map, "n", false, false), Some("j"));
        assert_eq!(meant(&map, "j", false, false), None);
        assert_eq!(meant(&map, "n", false, true), Some("n"), "the letter of a page");
        assert_eq!(shown(&map, "j  ↓"), "n  ↓");
        assert_eq!(shown(&map, "Ctrl + K"), "Ctrl + K");
        assert_eq!(shown_place(&map, &PLACES[0]), "v q");
    }

    #[test]
    fn ctrl_k_finds_commands_whatever_k_was_changed_to_and_with_keys_switched_off() {
        let map = KeyMap { off: true, changed: vec![(Bound::Previous, "p".into())] };
        let key = meant(&map, "k", true, false).unwrap();

        assert_eq!(command(Press { control: true, ..press(key) }, scene()), Some(Command::Palette));
        for row in TABLE {
            for name in row.presses.iter().filter(|name| name.chars().count() == 1) {
                assert_eq!(meant(&map, name, false, false), None, "{name}");
            }
        }
        assert_eq!(shown(&map, "k  ↑"), "↑");
        assert_eq!((shown(&map, SECTIONS), shown_place(&map, &PLACES[0])), (String::new(), String::new()));
    }

    fn press(key: &str) -> Press<'_> {
        Press { key, ..Press::default() }
    }

    fn scene() -> Scene {
        Scene {
            focus: Focus::Page,
            dialog: false,
            loading: false,
            shown_ms: 1_000,
            hidden: false,
            may_rule: true,
            may_start: false,
            prefixed: false,
        }
    }
}
