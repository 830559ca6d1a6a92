//! Which key does what, and when none does anything: one table and one pure function.

/// What a key asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Command {
    /// Selects the next row.
    Next,
    /// Selects the previous row.
    Previous,
    /// Opens the selected row.
    Open,
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
    /// Takes the person's own review back.
    Retract,
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
}

/// An item must stand this long before a key may act on it.
const SETTLED_MS: u64 = 250;

/// Tells what a key does in a scene.
///
/// A verdict key only arms; Ctrl+Enter, or the button itself, sends.
pub(crate) fn command(press: Press<'_>, scene: Scene) -> Option<Command> {
    if press.held || press.composing || press.modified || scene.dialog || scene.loading || scene.hidden {
        return None;
    }
    if scene.shown_ms < SETTLED_MS {
        return None;
    }
    if press.control {
        return (press.key == "Enter" && scene.may_rule).then_some(Command::Send);
    }
    match (press.key, scene.focus) {
        ("Escape", Focus::Field) => Some(Command::Release),
        ("Escape", _) => Some(Command::Back),
        (_, Focus::Field) => None,
        ("Enter", Focus::Control) => None,
        ("?", _) => Some(Command::Help),
        _ if press.shift => None,
        ("j" | "ArrowDown", _) => Some(Command::Next),
        ("k" | "ArrowUp", _) => Some(Command::Previous),
        ("Enter" | "o", _) => Some(Command::Open),
        ("[", _) => Some(Command::Back),
        ("a", _) => scene.may_rule.then_some(Command::ArmApprove),
        ("e", _) => scene.may_rule.then_some(Command::ArmEdits),
        ("c", _) => scene.may_rule.then_some(Command::ArmChanges),
        ("s", _) => scene.may_rule.then_some(Command::ArmEscalate),
        ("r", _) => scene.may_rule.then_some(Command::ArmReject),
        ("d", _) => scene.may_rule.then_some(Command::ArmDefer),
        ("u", _) => Some(Command::Retract),
        (digit, _) => match digit.as_bytes() {
            [digit @ b'1'..=b'7'] => Some(Command::Section(digit - b'0')),
            _ => None,
        },
    }
}

/// The key sheet: keys and what they do.
pub(crate) const SHEET: [(&str, &str); 14] = [
    ("j  k", "Next row, previous row"),
    ("Enter  o", "Open the selected decision"),
    ("1 … 7", "Go to a section of the decision"),
    ("a", "Go to the review and arm Approve"),
    ("e", "Go to the review and arm Approve with edits"),
    ("c", "Go to the review and arm Request changes"),
    ("s", "Go to the review and arm Escalate"),
    ("r", "Go to the review and arm Reject"),
    ("d", "Go to the review and arm Defer"),
    ("u", "Take your review back, while it is not final"),
    ("Ctrl + Enter", "Send the armed review, also inside a text field"),
    ("Esc  [", "Disarm, or back to the list"),
    ("?", "Show these keys"),
    ("Tab", "Everything here is also reached without single keys"),
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
            ("a", Command::ArmApprove),
            ("e", Command::ArmEdits),
            ("c", Command::ArmChanges),
            ("s", Command::ArmEscalate),
            ("r", Command::ArmReject),
            ("d", Command::ArmDefer),
            ("u", Command::Retract),
            ("Escape", Command::Back),
            ("[", Command::Back),
            ("?", Command::Help),
            ("7", Command::Section(7)),
        ];

        for (key, wanted) in expected {
            assert_eq!(command(press(key), scene()), Some(wanted), "{key}");
        }
        assert_eq!(command(press("8"), scene()), None);
        assert_eq!(command(press("x"), scene()), None);
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

    fn press(key: &str) -> Press<'_> {
        Press { key, ..Press::default() }
    }

    fn scene() -> Scene {
        Scene { focus: Focus::Page, dialog: false, loading: false, shown_ms: 1_000, hidden: false, may_rule: true }
    }
}
