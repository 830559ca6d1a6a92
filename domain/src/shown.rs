//! What a decision's page showed: drawn by one piece of code for its reader, and again for whoever looks at a review of it
//! later. The second drawing is compared with the record that was sealed with the review.

pub mod said;

use std::collections::{HashMap, HashSet};

use countersign_ledger::{
    hash::{Hash, Label, digest},
    statement::{Content, Seen, SeenField, SeenMode, SeenPage},
};
use serde::{Deserialize, Serialize};

use crate::{
    bulk::{BULK_TEMPLATE, in_table},
    decision::{Risk, Verdict},
    decision_type::{Kind, RESERVED, TypeDefinition},
    event::Disclosed,
    ids::{DecisionId, EntryId},
    policy::{OnTimeout, PolicyBody, Route},
    time::screen,
    view::{DECISION_TEMPLATE, Field, Mode, Seal, Section},
};
use said::{Said, Source, Standing};

/// Language of every page.
const LOCALE: &str = "en";

/// Draws one committed field: where it stands, and how much of it is shown.
pub fn draw(definition: &TypeDefinition, name: &str, commitment: &str, value: Option<String>, withheld: bool) -> Field {
    let value = value.filter(|_| !withheld);
    let (label, section, kind) = describe(definition, name);
    let whole = if section == Section::Context { Mode::Collapsed } else { Mode::Full };
    Field {
        name: name.to_owned(),
        label,
        section,
        kind,
        mode: if value.is_some() { whole } else { Mode::Masked },
        commitment: commitment.to_owned(),
        value,
        withheld,
    }
}

/// Where the page has a field.
pub fn place(definition: &TypeDefinition, name: &str) -> Option<usize> {
    let parameters = definition.parameters.iter().map(|parameter| parameter.name.as_str());
    parameters.chain(RESERVED).position(|known| known == name)
}

/// What the screen calls a field, which section draws it, and how.
pub fn describe(definition: &TypeDefinition, name: &str) -> (String, Section, Kind) {
    if let Some(parameter) = definition.parameters.iter().find(|parameter| parameter.name == name) {
        return (parameter.label.clone(), Section::Action, parameter.kind);
    }
    let (label, section, kind) = match name {
        "intent" => ("Intent", Section::Reasoning, Kind::Text),
        "rationale" => ("Rationale", Section::Reasoning, Kind::Text),
        "alternatives" => ("Alternatives considered", Section::Reasoning, Kind::Structure),
        "confidence" => ("Confidence", Section::Reasoning, Kind::Decimal),
        "impact" => ("Impact on people", Section::Reasoning, Kind::Structure),
        "context" => ("What the agent had before it", Section::Context, Kind::Structure),
        other => (other, Section::Reasoning, Kind::Text),
    };
    (label.to_owned(), section, kind)
}

/// The statement of what a page of this layout shows of a decision: these fields, in order, each in its mode, and what
/// stands beside them, where the layout says that.
pub fn statement(
    (decision, content): (DecisionId, Hash),
    policy: &str,
    fields: &[Field],
    template: &str,
    page: Option<SeenPage>,
) -> Seen {
    let fields = fields.iter().filter_map(|field| {
        Some(SeenField {
            name: field.name.clone(),
            commitment: field.commitment.parse().ok()?,
            mode: match field.mode {
                Mode::Full => SeenMode::Full,
                Mode::Collapsed => SeenMode::Collapsed,
                Mode::Masked => SeenMode::Masked,
            },
        })
    });
    Seen {
        decision: decision.to_string(),
        content,
        fields: fields.collect(),
        template: digest(Label::Template, template.as_bytes()),
        locale: LOCALE.into(),
        policy: policy.to_owned(),
        precedents: Vec::new(),
        blind: false,
        page,
    }
}

/// What is stored of a review and of what it ruled on.
pub struct Record<'a> {
    /// The decision.
    pub decision: DecisionId,
    /// Digest of what was seen, as the review was sealed with it.
    pub sealed: Hash,
    /// Digest of the content ruled on, as the review was sealed with it.
    pub content: Hash,
    /// The policy version, as the review was sealed with it.
    pub policy: &'a str,
    /// What the form of the review says was seen.
    pub presented: Option<Hash>,
    /// The stored statement under the sealed digest.
    pub statement: Option<&'a [u8]>,
    /// The stored statement of the content.
    pub proposal: Option<&'a [u8]>,
    /// The type of the decision.
    pub definition: &'a TypeDefinition,
    /// The stored fields of that content, in any order.
    pub fields: Vec<StoredField>,
    /// The personal fields that the reviewer had open.
    pub opened: &'a [String],
    /// Name of the proposing system.
    pub system: &'a str,
    /// The table of that policy version.
    pub table: &'a PolicyBody,
    /// Where the decision stood then, as its entries say.
    pub standing: Standing,
}

/// One stored field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredField {
    /// Its name in the content.
    pub name: String,
    /// The stored commitment.
    pub commitment: Hash,
    /// What became of the value.
    pub value: StoredValue,
}

/// A stored value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoredValue {
    /// It opens, and this is what it commits to.
    Opens {
        /// The value.
        text: String,
        /// The commitment to it.
        commits: Hash,
        /// The salt of that commitment.
        salt: [u8; 32],
    },
    /// It was erased.
    Erased,
    /// Key and ciphertext do not fit: somebody changed them.
    Unreadable,
}

/// Something that is not as it was sealed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// The field, as the screen calls it; nothing where it is the record as a whole.
    pub field: Option<String>,
    /// What, in a sentence.
    pub says: String,
}

/// What was shown, drawn again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redrawn {
    /// The fields, in the order of the page.
    pub fields: Vec<Field>,
    /// What stood beside them, said without what is personal; nothing where the record holds fields alone.
    pub beside: Option<Beside>,
    /// The drawing as a statement, canonical.
    pub statement: Vec<u8>,
    /// Digest of the drawing.
    pub digest: Hash,
    /// What differs from what was sealed; nothing where this is what was shown.
    pub differences: Vec<Difference>,
    /// What a reader should know beside.
    pub notes: Vec<String>,
}

/// The page of what a review saw.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShownView {
    /// The decision.
    pub decision: DecisionId,
    /// The review, by its entry.
    pub review: EntryId,
    /// Who reviewed, by name, or "erased".
    pub person: String,
    /// The ruling.
    pub verdict: Verdict,
    /// The round that it belongs to.
    pub round: u64,
    /// When it was given.
    pub at: u64,
    /// Its seal.
    pub seal: Seal,
    /// When the screen was sent.
    pub shown_at: u64,
    /// The entry that recorded that, and its seal.
    pub shown_entry: EntryId,
    /// That entry's seal.
    pub shown_seal: Seal,
    /// The fields as they were drawn; personal ones without their values.
    pub fields: Vec<Field>,
    /// What stood beside them, without what is personal; nothing where the record holds fields alone.
    pub beside: Option<Beside>,
    /// Which of the fields behind a control the reviewer opened, where their browser said so.
    pub disclosed: Option<Disclosed>,
    /// Digest that was sealed with the review.
    pub sealed: String,
    /// Digest of the drawing made for this page.
    pub redrawn: String,
    /// The drawing as a statement, so that a browser makes its digest too.
    pub statement: String,
    /// What differs; nothing where this is what was shown.
    pub differences: Vec<Difference>,
    /// What to know beside.
    pub notes: Vec<String>,
    /// Number of the last entry about the decision.
    pub upto: u64,
    /// The entry that put this reading on record.
    pub recorded: EntryId,
    /// Server time.
    pub now: u64,
}

/// What stood on a page beside the fields.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Beside {
    /// The sentences; nothing where they cannot be written again.
    pub said: Option<Said>,
    /// The risk.
    pub risk: Risk,
    /// The deadline, milliseconds since 1970 UTC.
    pub due: u64,
    /// What silence means then.
    pub on_timeout: OnTimeout,
    /// The route taken.
    pub route: Route,
    /// The rule's id.
    pub rule: String,
    /// Number of its row.
    pub row: u64,
    /// Number of the version of the content.
    pub revision: u64,
}

impl ShownView {
    /// Holds fields, risk, deadline, route, row and version of this page to its record, and the digest of that to the sealed
    /// one; the reader's browser does so too. Values and sentences have no digest of their own: those the server compares.
    ///
    /// # Errors
    ///
    /// What does not fit, in a sentence.
    pub fn recheck(&self) -> Result<(), String> {
        let seen =
            Seen::parse(self.statement.as_bytes()).map_err(|error| format!("The record cannot be read: {error}."))?;
        let fields = self.fields.iter().map(|field| (field.name.as_str(), field.commitment.clone(), field.mode.word()));
        let stated = seen.fields.iter().map(|one| (one.name.as_str(), one.commitment.to_string(), one.mode.as_str()));
        if seen.decision != self.decision.to_string() || !fields.eq(stated) {
            return Err("The fields on this page are not those of the record.".to_owned());
        }
        if !self.differences.is_empty() {
            return Err("The server names what differs, above.".to_owned());
        }
        let stands = |page: &SeenPage, beside: &Beside| {
            let words = (page.risk.as_str(), page.on_timeout.as_str(), page.route.as_str());
            (page.due, page.revision, page.rule) == (beside.due, beside.revision, beside.row)
                && words == (beside.risk.word(), beside.on_timeout.word(), beside.route.word())
        };
        match (&seen.page, &self.beside) {
            (None, None) => {}
            (Some(page), Some(beside)) if stands(page, beside) => {}
            _ => return Err("What stands beside the fields on this page is not what the record says.".to_owned()),
        }
        let digest = digest(Label::Seen, self.statement.as_bytes()).to_string();
        if digest == self.sealed { Ok(()) } else { Err(format!("Its digest is {digest}, and another was sealed.")) }
    }
}

/// Draws again what a review saw, and compares it with what was sealed.
pub fn redraw(record: Record<'_>) -> Redrawn {
    let mut differences = Vec::new();
    let mut notes = Vec::new();
    let stated = record.statement.and_then(|bytes| Seen::parse(bytes).ok());
    let mut fields = draw_all(&record, stated.as_ref(), &mut differences, &mut notes);
    let mut template = DECISION_TEMPLATE;
    if let Some(stated) = &stated
        && stated.template == digest(Label::Template, BULK_TEMPLATE.as_bytes())
    {
        template = BULK_TEMPLATE;
        notes.push("It was shown beside others, on the page that reviews several at once.".to_owned());
        // Opened there, it showed everything.
        if stated.fields.len() < fields.len() {
            fields = tabled(record.definition, fields, stated);
        }
    }
    let stated_page = stated.as_ref().and_then(|stated| stated.page.as_ref());
    let with = |page| statement((record.decision, record.content), record.policy, &fields, template, page);
    let mut beside = match &stated {
        Some(_) => stated_page.map(|page| Drawing::new(&record, page.about_persons)),
        // Without the record it is not known whether persons were named: either way may be the sealed one.
        None => [true, false]
            .map(|about_persons| Drawing::new(&record, about_persons))
            .into_iter()
            .find(|drawing| with(Some(drawing.page.clone())).seal().is_ok_and(|(_, digest)| digest == record.sealed)),
    };
    let mut seen = with(beside.as_ref().map(|drawing| drawing.page.clone()));
    if let (Some(page), Some(drawn)) = (stated_page, &mut seen.page)
        && page.text != drawn.text
        && let Some(why) = incomparable(&record, stated.as_ref(), &differences)
    {
        // With a value its salt is gone, and with that of one the salt of every sentence.
        drawn.text.clone_from(&page.text);
        if let Some(drawing) = &mut beside {
            drawing.beside.said = None;
        }
        notes.push(format!("What the page said beside the fields is not compared, because {why}."));
    }
    if let Some(stated) = &stated
        && stated.template != seen.template
        && let Some(layout) = earlier_layout(&stated.template)
    {
        // How an earlier layout placed things is not known to this build; which fields it showed, and how much, is.
        seen.template = stated.template;
        notes.push(format!("It was laid out as {layout} then; this build lays pages out as {DECISION_TEMPLATE}."));
    }
    let (statement, redrawn) = seen.seal().unwrap_or((Vec::new(), Hash([0; 32])));
    if redrawn != record.sealed {
        let before = differences.len();
        compare_record(&record, stated.as_ref(), &mut differences);
        if let Some(stated) = &stated {
            compare(record.definition, stated, &seen, &mut differences);
        }
        if differences.len() == before {
            differences.push(whole("It comes out otherwise than it was sealed, and no part says which."));
        }
    }
    if record.presented.is_some_and(|presented| presented != record.sealed) {
        differences.push(whole("The form that the review was sent with was stored as showing something else."));
    }
    compare_proposal(&record, &mut differences);
    let beside = beside.map(|drawing| drawing.beside);
    Redrawn { fields, beside, statement, digest: redrawn, differences, notes }
}

/// Says why the sentences of a page cannot be written anew, if they cannot.
fn incomparable(record: &Record<'_>, stated: Option<&Seen>, differences: &[Difference]) -> Option<&'static str> {
    let stored: HashSet<_> = record.fields.iter().map(|field| (field.name.as_str(), field.commitment)).collect();
    let shown: HashSet<_> = stated?.fields.iter().map(|field| (field.name.as_str(), field.commitment)).collect();
    if record.fields.iter().any(|field| matches!(field.value, StoredValue::Erased)) {
        return Some("a value was erased");
    }
    (!differences.is_empty() || stored != shown).then_some("a value is not the one that was shown")
}

/// What stood beside the fields, drawn again.
struct Drawing {
    page: SeenPage,
    /// The same for whoever looks at the review, who has nothing personal open.
    beside: Beside,
}

impl Drawing {
    fn new(record: &Record<'_>, about_persons: bool) -> Self {
        let definition = record.definition;
        let mut stored: Vec<_> = record.fields.iter().collect();
        stored.sort_by_key(|field| place(definition, &field.name));
        let mut values = HashMap::new();
        let mut salts = Vec::new();
        for field in stored {
            if let StoredValue::Opens { text, salt, .. } = &field.value {
                values.insert(field.name.clone(), text.clone());
                salts.push(*salt);
            }
        }
        let hidden =
            |name: &&String| !record.opened.contains(name) && record.fields.iter().any(|one| one.name == **name);
        let withheld: Vec<_> = definition.personal.iter().filter(hidden).cloned().collect();
        let said = |withheld: &[String]| {
            Said::of(&Source {
                definition,
                system: record.system,
                about_persons,
                values: &values,
                withheld,
                table: record.table,
                rule: record.standing.rule,
            })
        };
        let text = said(&withheld).commitments(&said::salt(salts.iter()));
        let standing = &record.standing;
        let row = record.table.row(standing.rule).unwrap_or(&record.table.default);
        Self {
            page: standing.page(about_persons, text),
            beside: Beside {
                said: Some(said(&definition.personal)),
                risk: standing.risk,
                due: standing.due,
                on_timeout: standing.on_timeout,
                route: standing.route,
                rule: row.label().to_owned(),
                row: standing.rule,
                revision: standing.revision,
            },
        }
    }
}

/// The fields as the table of several decisions shows them. How long an erased value was, only the record knows.
fn tabled(definition: &TypeDefinition, fields: Vec<Field>, stated: &Seen) -> Vec<Field> {
    let mut fields = in_table(definition, fields);
    for field in fields.iter_mut().filter(|field| field.value.is_none() && field.mode == Mode::Full) {
        if stated.fields.iter().any(|shown| shown.name == field.name && shown.mode == SeenMode::Collapsed) {
            field.mode = Mode::Collapsed;
        }
    }
    fields
}

/// The fields as they were drawn: by the rule of the page, from what is stored.
fn draw_all(
    record: &Record<'_>,
    stated: Option<&Seen>,
    differences: &mut Vec<Difference>,
    notes: &mut Vec<String>,
) -> Vec<Field> {
    let definition = record.definition;
    let modes: HashMap<&str, SeenMode> = stated
        .map(|seen| seen.fields.iter().map(|field| (field.name.as_str(), field.mode)).collect())
        .unwrap_or_default();
    let mut stored: Vec<&StoredField> = record.fields.iter().collect();
    stored.sort_by_key(|field| place(definition, &field.name));
    let mut erased = Vec::new();
    let fields = stored
        .into_iter()
        .map(|field| {
            let withheld = definition.personal.contains(&field.name) && !record.opened.contains(&field.name);
            let text = match &field.value {
                StoredValue::Opens { text, .. } => Some(text.clone()),
                // It was there to be shown, or had been erased by then: the record says which.
                StoredValue::Erased if modes.get(field.name.as_str()) == Some(&SeenMode::Masked) => None,
                StoredValue::Erased | StoredValue::Unreadable => Some(String::new()),
            };
            let mut drawn = draw(definition, &field.name, &field.commitment.to_string(), text, withheld);
            let named = || Some(drawn.label.clone());
            match &field.value {
                StoredValue::Opens { commits, .. } if *commits != field.commitment => differences.push(Difference {
                    field: named(),
                    says: "The stored value is not the one that was committed to.".to_owned(),
                }),
                StoredValue::Unreadable => differences.push(Difference {
                    field: named(),
                    says: "The stored value cannot be opened: its key or its bytes were changed.".to_owned(),
                }),
                StoredValue::Erased => erased.push(drawn.label.clone()),
                StoredValue::Opens { .. } => {}
            }
            if !matches!(field.value, StoredValue::Opens { .. }) {
                drawn.value = None;
            }
            drawn
        })
        .collect();
    if !erased.is_empty() {
        notes.push(format!(
            "Erased by now, so that its value is compared by its commitment alone: {}.",
            erased.join(", ")
        ));
    }
    fields
}

/// Compares the stored record of what was shown with its digest.
fn compare_record(record: &Record<'_>, stated: Option<&Seen>, differences: &mut Vec<Difference>) {
    let says = match (record.statement, stated) {
        (None, _) => "The record of what was shown is not stored any more.",
        (Some(bytes), _) if digest(Label::Seen, bytes) != record.sealed => {
            "The stored record of what was shown is not the one that was sealed."
        }
        (Some(_), None) => "The stored record of what was shown cannot be read.",
        (Some(_), Some(_)) => return,
    };
    differences.push(whole(says));
}

/// Compares two screens, field by field.
fn compare(definition: &TypeDefinition, stated: &Seen, redrawn: &Seen, differences: &mut Vec<Difference>) {
    let label = |name: &str| Some(describe(definition, name).0);
    let find = |seen: &Seen, name: &str| seen.fields.iter().find(|field| field.name == name).cloned();
    for shown in &stated.fields {
        let Some(now) = find(redrawn, &shown.name) else {
            let says = "It was shown, and is not stored any more.".to_owned();
            differences.push(Difference { field: label(&shown.name), says });
            continue;
        };
        if now.commitment != shown.commitment {
            let says = "Another value was shown than is stored.".to_owned();
            differences.push(Difference { field: label(&shown.name), says });
        }
        if now.mode != shown.mode {
            let says = format!("It was shown {}, and comes out {}.", mode(shown.mode), mode(now.mode));
            differences.push(Difference { field: label(&shown.name), says });
        }
    }
    for field in redrawn.fields.iter().filter(|field| find(stated, &field.name).is_none()) {
        let says = "It is stored, and was not shown.".to_owned();
        differences.push(Difference { field: label(&field.name), says });
    }
    let names = |seen: &Seen, other: &Seen| -> Vec<String> {
        seen.fields.iter().filter(|field| find(other, &field.name).is_some()).map(|field| field.name.clone()).collect()
    };
    if names(stated, redrawn) != names(redrawn, stated) {
        differences.push(whole("The fields stood in another order."));
    }
    if let (Some(stated), Some(redrawn)) = (&stated.page, &redrawn.page) {
        compare_pages(stated, redrawn, differences);
    }
    for (differs, says) in [
        (stated.decision != redrawn.decision, "The record is about another decision."),
        (stated.content != redrawn.content, "Another content was shown than the review rules on."),
        (stated.policy != redrawn.policy, "Another policy version was shown than the review names."),
        (stated.template != redrawn.template, "It was laid out by a layout that this build does not know."),
        (stated.locale != redrawn.locale, "It was shown in another language."),
        (stated.precedents != redrawn.precedents, "Other precedents were shown."),
        (stated.blind != redrawn.blind, "Whether other people's rulings were hidden comes out otherwise."),
    ] {
        if differs {
            differences.push(whole(says));
        }
    }
}

/// Compares what is stored with what was proposed.
fn compare_proposal(record: &Record<'_>, differences: &mut Vec<Difference>) {
    let proposal = record.proposal.filter(|bytes| digest(Label::Content, bytes) == record.content);
    let Some(proposal) = proposal.and_then(|bytes| Content::parse(bytes).ok()) else {
        return differences.push(whole("The record of what was proposed is not the one that the review names."));
    };
    for field in &record.fields {
        if proposal.fields.get(&field.name) != Some(&field.commitment) {
            let says = "What is stored is not what was proposed.".to_owned();
            differences.push(Difference { field: Some(describe(record.definition, &field.name).0), says });
        }
    }
    for name in proposal.fields.keys().filter(|name| record.fields.iter().all(|field| field.name != **name)) {
        let says = "It was proposed, and is not stored any more.".to_owned();
        differences.push(Difference { field: Some(describe(record.definition, name).0), says });
    }
}

/// Compares what stood beside the fields.
fn compare_pages(stated: &SeenPage, redrawn: &SeenPage, differences: &mut Vec<Difference>) {
    let mut differs = |field: &str, says: String| differences.push(Difference { field: Some(field.to_owned()), says });
    if stated.due != redrawn.due {
        differs("Deadline", format!("{} was shown, and its entries say {}.", screen(stated.due), screen(redrawn.due)));
    }
    let route = |page: &SeenPage| (page.rule, page.route.clone(), page.guards.clone());
    if route(stated) != route(redrawn) {
        let says = |page: &SeenPage| format!("row {} and {}", page.rule, page.route);
        differs("Rule", format!("{} were shown, and its entries say {}.", says(stated), says(redrawn)));
    }
    for (field, shown, comes_out) in
        [("Risk", &stated.risk, &redrawn.risk), ("At the deadline", &stated.on_timeout, &redrawn.on_timeout)]
    {
        if shown != comes_out {
            differs(field, format!("“{shown}” was shown, and it comes out “{comes_out}”."));
        }
    }
    if stated.revision != redrawn.revision {
        differs("Version", format!("{} was shown, and it comes out {}.", stated.revision, redrawn.revision));
    }
    for (place, shown) in &stated.text {
        if redrawn.text.get(place) != Some(shown) {
            differs(
                said::label(place),
                "The page said something else there than comes out of what is stored.".to_owned(),
            );
        }
    }
}

/// Returns the name of the layout of this digest, if it is one before the present.
fn earlier_layout(template: &Hash) -> Option<String> {
    let (name, version) = DECISION_TEMPLATE.split_once('/')?;
    (1..version.parse::<u32>().ok()?)
        .map(|version| format!("{name}/{version}"))
        .find(|layout| digest(Label::Template, layout.as_bytes()) == *template)
}

const fn mode(mode: SeenMode) -> &'static str {
    match mode {
        SeenMode::Full => "in full",
        SeenMode::Collapsed => "behind a control that opens it",
        SeenMode::Masked => "masked",
        SeenMode::Truncated => "in part",
    }
}

fn whole(says: &str) -> Difference {
    Difference { field: None, says: says.to_owned() }
}

#[cfg(test)]
mod tests;
