//! D4: openings and statements are what was committed to.

use std::collections::HashMap;

use countersign_ledger::{
    commit::Opening,
    hash::{Hash, Label, digest},
    leaf::Leaf,
    statement::{Content, Seen, SeenMode},
    value::Value,
};

use super::{Act, Statements, findings::Findings, number};

pub(super) struct Values<'a> {
    statements: Statements<'a>,
    /// Openings whose entry was not met yet, by entry.
    openings: HashMap<u128, Vec<Opening>>,
    opened: u64,
    matched: u64,
    absent: u64,
}

impl<'a> Values<'a> {
    pub(super) fn new(statements: Statements<'a>) -> Self {
        Self { statements, openings: HashMap::new(), opened: 0, matched: 0, absent: 0 }
    }

    pub(super) fn add(&mut self, subject: &str, bytes: &[u8], findings: &mut Findings) {
        let openings = match bytes.first() {
            Some(b'[') => Opening::parse_list(bytes),
            _ => Opening::parse(bytes).map(|opening| vec![opening]),
        };
        match openings {
            Ok(openings) => {
                for opening in openings {
                    self.openings.entry(number(&opening.entry)).or_default().push(opening);
                }
            }
            Err(error) => findings.fail_on("D4", subject, error.to_string()),
        }
    }

    pub(super) fn visit(&mut self, act: &Act<'_>, findings: &mut Findings) {
        let content = match act.leaf.kind.as_str() {
            "decision.proposed" | "decision.revised" | "decision.edited" => self.content(act, findings),
            "decision.viewed" => {
                self.seen(act, findings);
                None
            }
            "decision.reviewed" => {
                self.disclosed(act, findings);
                None
            }
            _ => None,
        };
        for opening in self.openings.remove(&act.id).unwrap_or_default() {
            let named = |content: &Content| content.fields.get(&opening.field).copied();
            let sealed = act.leaf.cm.get(&opening.field).copied().or_else(|| content.as_ref().and_then(named));
            match sealed {
                None => findings.fail("D4", act.index, format!("no commitment to {} at hand", opening.field)),
                Some(sealed) => match opening.verify(&sealed) {
                    Ok(()) => self.opened += 1,
                    Err(error) => findings.fail("D4", act.index, error.to_string()),
                },
            }
        }
    }

    pub(super) fn finish(&mut self, findings: &mut Findings) {
        for entry in std::mem::take(&mut self.openings).into_values().flatten().map(|opening| opening.entry) {
            findings.fail_on("D4", &format!("entry {entry}"), "it has an opening and is not in the log".to_owned());
        }
    }

    pub(super) fn summary(&self) -> String {
        let Self { opened, matched, absent, .. } = self;
        format!("{matched} statements match what names them, {absent} were not at hand, {opened} texts open")
    }

    /// The content statement of a proposal or of a later version, if it is at hand and the one that was sealed.
    fn content(&mut self, act: &Act<'_>, findings: &mut Findings) -> Option<Content> {
        let bytes = self.statement(act, "content", Label::Content, findings)?;
        let content = match Content::parse(&bytes) {
            Ok(content) => content,
            Err(error) => {
                findings.fail("D4", act.index, error.to_string());
                return None;
            }
        };
        // A later version says neither type nor tier, and a person's edit is no act of the system.
        let said = [
            ("decision", content.decision.as_str(), object(act.leaf)),
            ("system", content.system.as_str(), act.leaf.actor.sid.as_deref().filter(|_| !edits(act))),
            ("type", content.type_.as_str(), act.text("type")),
            ("tier", content.tier.as_str(), act.text("tier")),
        ];
        if let Some((name, ..)) = said.iter().find(|(_, stated, sealed)| sealed.is_some_and(|sealed| sealed != *stated))
        {
            findings.fail("D4", act.index, format!("the content statement names another {name}"));
        }

        Some(content)
    }

    fn seen(&mut self, act: &Act<'_>, findings: &mut Findings) {
        let Some(bytes) = self.statement(act, "seen", Label::Seen, findings) else { return };
        match Seen::parse(&bytes) {
            Ok(seen) if Some(seen.decision.as_str()) == object(act.leaf) => {}
            Ok(_) => findings.fail("D4", act.index, "the statement of what was seen names another decision".to_owned()),
            Err(error) => findings.fail("D4", act.index, error.to_string()),
        }
    }

    /// What a review says was opened and left closed, together, is what stood behind a control.
    fn disclosed(&self, act: &Act<'_>, findings: &mut Findings) {
        let mut said: Vec<_> = ["opened", "left_closed"]
            .into_iter()
            .filter_map(|name| act.member(name)?.as_array())
            .flat_map(|names| names.iter().filter_map(Value::as_text))
            .collect();
        let shown = act.hash("seen").and_then(|seen| (self.statements)(&seen));
        let (false, Some(Ok(shown))) = (said.is_empty(), shown.map(|bytes| Seen::parse(&bytes))) else { return };
        let collapsed = shown.fields.iter().filter(|field| field.mode == SeenMode::Collapsed);
        let mut collapsed: Vec<_> = collapsed.map(|field| field.name.as_str()).collect();
        said.sort_unstable();
        collapsed.sort_unstable();
        if said != collapsed {
            let detail = "what it says was opened or left closed is not what stood behind a control".to_owned();
            findings.fail("D4", act.index, detail);
        }
    }

    fn statement(&mut self, act: &Act<'_>, name: &str, label: Label, findings: &mut Findings) -> Option<Vec<u8>> {
        let named: Hash = act.hash(name)?;
        let Some(bytes) = (self.statements)(&named) else {
            self.absent += 1;
            return None;
        };
        if digest(label, &bytes) != named {
            findings.fail("D4", act.index, format!("the statement {named} does not have this digest"));
            return None;
        }
        self.matched += 1;

        Some(bytes)
    }
}

fn edits(act: &Act<'_>) -> bool {
    act.leaf.kind == "decision.edited"
}

fn object(leaf: &Leaf) -> Option<&str> {
    leaf.obj.as_ref().map(|obj| obj.id.as_str())
}
