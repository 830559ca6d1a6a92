//! Statements: canonical documents too large for a leaf, named there by digest (ledger format, section 3).

mod members;

use std::collections::BTreeMap;

use crate::Result;
use crate::hash::{Hash, Label, digest};
use crate::value::{Limits, Value};

pub(crate) use members::Members;
use members::refuse;

/// Canonical bytes of the document and its digest under `label`, for statements whose shape lies elsewhere.
///
/// # Errors
///
/// As [`Value::to_bytes`].
pub fn seal(label: Label, document: &Value) -> Result<(Vec<u8>, Hash)> {
    let bytes = document.to_bytes(Limits::STATEMENT)?;
    let digest = digest(label, &bytes);

    Ok((bytes, digest))
}

/// What is proposed: every field as a commitment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    /// UUID of the decision.
    pub decision: String,
    /// `sid` of the system that proposes.
    pub system: String,
    /// UUID of the decision type.
    pub type_: String,
    /// Risk tier, a word.
    pub tier: String,
    /// Digest of the model description, where one is known.
    pub model: Option<Hash>,
    /// Commitment of each field, by field name.
    pub fields: BTreeMap<String, Hash>,
}

/// What a person was shown. It names no viewer, so equal screens share one document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// UUID of the decision.
    pub decision: String,
    /// Digest of the content shown.
    pub content: Hash,
    /// The fields in the order of the screen.
    pub fields: Vec<SeenField>,
    /// Digest of the template that rendered them.
    pub template: Hash,
    /// Language of the screen, such as `en`.
    pub locale: String,
    /// UUID of the policy version in force.
    pub policy: String,
    /// UUIDs of the precedents shown, in order.
    pub precedents: Vec<String>,
    /// True if other people's verdicts were hidden.
    pub blind: bool,
    /// What stood beside the fields; a document that has it is of version 2.
    pub page: Option<SeenPage>,
}

/// What a screen said beside the fields: what machines compare in clear, sentences as commitments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenPage {
    /// True if the decision names persons.
    pub about_persons: bool,
    /// The deadline, milliseconds since 1970 UTC.
    pub due: u64,
    /// What silence means then, a word.
    pub on_timeout: String,
    /// The guards that asked for people, as words.
    pub guards: Vec<String>,
    /// Number of the version of the content, from 1.
    pub revision: u64,
    /// The risk, a word.
    pub risk: String,
    /// The route taken, a word.
    pub route: String,
    /// Number of the policy row, from 1.
    pub rule: u64,
    /// Commitment to each sentence or group of sentences, by its place.
    pub text: BTreeMap<String, Hash>,
}

/// One field of a screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenField {
    /// Name of the field.
    pub name: String,
    /// Its commitment.
    pub commitment: Hash,
    /// How much of it was visible.
    pub mode: SeenMode,
}

/// How much of a field was visible.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SeenMode {
    /// All of it.
    Full,
    /// Hidden behind a control that opens it.
    Collapsed,
    /// Replaced, because the viewer may not see it.
    Masked,
    /// Its beginning.
    Truncated,
}

/// What a passkey signs for a review: the SHA-256 challenge is this document's digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Review {
    /// Log id, 16 hexadecimal digits.
    pub log: String,
    /// UUID of the decision.
    pub decision: String,
    /// Digest of the content under review.
    pub content: Hash,
    /// Digest of the screen it was seen on.
    pub seen: Hash,
    /// Review round, from 1.
    pub round: u64,
    /// The verdict, a word.
    pub verdict: String,
    /// Commitment of the reason, where one was given.
    pub reason: Option<Hash>,
    /// Commitment of the answers to the form of the type, where any were given.
    pub form: Option<Hash>,
    /// UUID of the policy version.
    pub policy: String,
    /// `sid` of the reviewer.
    pub person: String,
    /// Milliseconds since 1970 UTC after which the signature is too late.
    pub expires: u64,
    /// 16 random bytes as base64url.
    pub nonce: String,
    /// Reason code, a word.
    pub code: Option<String>,
    /// Whether other verdicts were hidden, where the review says so.
    pub blind: Option<bool>,
    /// Digest of the edited content.
    pub edited: Option<Hash>,
    /// The citations, as the leaf has them.
    pub citations: Vec<Value>,
    /// `sid` of the person in whose place the reviewer acts, where they do.
    pub for_: Option<String>,
}

impl SeenMode {
    /// Every mode.
    pub const ALL: [SeenMode; 4] = [Self::Full, Self::Collapsed, Self::Masked, Self::Truncated];

    /// The word that is sealed.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Collapsed => "collapsed",
            Self::Masked => "masked",
            Self::Truncated => "truncated",
        }
    }
}

impl Content {
    /// The statement as a document.
    pub fn to_value(&self) -> Value {
        let fields = Value::object(self.fields.iter().map(|(name, commitment)| (name, *commitment)));
        let mut members = vec![
            ("decision", Value::from(&self.decision)),
            ("fields", fields),
            ("system", Value::from(&self.system)),
            ("tier", Value::from(&self.tier)),
            ("type", Value::from(&self.type_)),
            ("v", Value::from(1_u64)),
        ];
        members.extend(self.model.map(|model| ("model", Value::from(model))));

        Value::object(members)
    }

    /// Canonical bytes and digest.
    ///
    /// # Errors
    ///
    /// [`crate::Error::Field`] names the first member outside its class.
    pub fn seal(&self) -> Result<(Vec<u8>, Hash)> {
        Self::from_value(&self.to_value())?;
        seal(Label::Content, &self.to_value())
    }

    /// Reads canonical bytes.
    ///
    /// # Errors
    ///
    /// [`crate::Error::Syntax`] or [`crate::Error::Field`] says what breaks the format.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        Self::from_value(&Value::parse(bytes, Limits::STATEMENT)?)
    }

    fn from_value(document: &Value) -> Result<Self> {
        let mut members = Members::of("content statement", document)?;
        members.version()?;
        let content = Self {
            decision: members.uuid("decision")?,
            system: members.uuid("system")?,
            type_: members.uuid("type")?,
            tier: members.word("tier")?,
            model: members.optional("model", Members::hash)?,
            fields: members.hashes("fields")?,
        };
        members.end()?;

        Ok(content)
    }
}

impl Seen {
    /// The statement as a document.
    pub fn to_value(&self) -> Value {
        let fields = self.fields.iter().map(|field| {
            Value::object([
                ("c", Value::from(field.commitment)),
                ("mode", Value::from(field.mode.as_str())),
                ("name", Value::from(&field.name)),
            ])
        });
        let mut members = vec![
            ("blind", Value::from(self.blind)),
            ("content", Value::from(self.content)),
            ("decision", Value::from(&self.decision)),
            ("fields", Value::array(fields)),
            ("locale", Value::from(&self.locale)),
            ("policy", Value::from(&self.policy)),
            ("template", Value::from(self.template)),
            ("v", Value::from(if self.page.is_some() { 2_u64 } else { 1 })),
        ];
        if !self.precedents.is_empty() {
            members.push(("precedents", Value::array(&self.precedents)));
        }
        members.extend(self.page.as_ref().map(|page| ("page", page.to_value())));

        Value::object(members)
    }

    /// Canonical bytes and digest.
    ///
    /// # Errors
    ///
    /// [`crate::Error::Field`] names the first member outside its class.
    pub fn seal(&self) -> Result<(Vec<u8>, Hash)> {
        Self::from_value(&self.to_value())?;
        seal(Label::Seen, &self.to_value())
    }

    /// Reads canonical bytes.
    ///
    /// # Errors
    ///
    /// [`crate::Error::Syntax`] or [`crate::Error::Field`] says what breaks the format.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        Self::from_value(&Value::parse(bytes, Limits::STATEMENT)?)
    }

    fn from_value(document: &Value) -> Result<Self> {
        let mut members = Members::of("seen statement", document)?;
        let version = members.version_up_to(2)?;
        let seen = Self {
            decision: members.uuid("decision")?,
            content: members.hash("content")?,
            fields: members.array("fields")?.iter().map(SeenField::from_value).collect::<Result<_>>()?,
            template: members.hash("template")?,
            locale: members.text("locale")?,
            policy: members.uuid("policy")?,
            precedents: members.optional("precedents", Members::uuids)?.unwrap_or_default(),
            blind: members.boolean("blind")?,
            page: match version {
                1 => None,
                _ => Some(SeenPage::from_members(members.object("page")?)?),
            },
        };
        members.end()?;

        Ok(seen)
    }
}

impl SeenPage {
    fn to_value(&self) -> Value {
        let mut members = vec![
            ("about_persons", Value::from(self.about_persons)),
            ("due", Value::from(self.due)),
            ("on_timeout", Value::from(&self.on_timeout)),
            ("revision", Value::from(self.revision)),
            ("risk", Value::from(&self.risk)),
            ("route", Value::from(&self.route)),
            ("rule", Value::from(self.rule)),
            ("text", Value::object(self.text.iter().map(|(place, commitment)| (place, *commitment)))),
        ];
        if !self.guards.is_empty() {
            members.push(("guards", Value::array(&self.guards)));
        }

        Value::object(members)
    }

    fn from_members(members: &BTreeMap<String, Value>) -> Result<Self> {
        let mut members = Members::of_object("seen statement", members);
        let page = Self {
            about_persons: members.boolean("about_persons")?,
            due: members.integer("due")?,
            on_timeout: members.word("on_timeout")?,
            guards: members.optional("guards", Members::words)?.unwrap_or_default(),
            revision: members.integer("revision")?,
            risk: members.word("risk")?,
            route: members.word("route")?,
            rule: members.integer("rule")?,
            text: members.hashes("text")?,
        };
        members.end()?;

        Ok(page)
    }
}

impl SeenField {
    fn from_value(document: &Value) -> Result<Self> {
        let mut members = Members::of("seen statement", document)?;
        let mode = members.text("mode")?;
        let field = Self {
            name: members.word("name")?,
            commitment: members.hash("c")?,
            mode: SeenMode::ALL
                .into_iter()
                .find(|known| known.as_str() == mode)
                .ok_or_else(|| refuse("seen statement", "mode", "expected full, collapsed, masked or truncated"))?,
        };
        members.end()?;

        Ok(field)
    }
}

impl Review {
    /// The statement as a document.
    pub fn to_value(&self) -> Value {
        let mut members = vec![
            ("content", Value::from(self.content)),
            ("decision", Value::from(&self.decision)),
            ("expires", Value::from(self.expires)),
            ("log", Value::from(&self.log)),
            ("nonce", Value::from(&self.nonce)),
            ("person", Value::from(&self.person)),
            ("policy", Value::from(&self.policy)),
            ("round", Value::from(self.round)),
            ("seen", Value::from(self.seen)),
            ("v", Value::from(1_u64)),
            ("verdict", Value::from(&self.verdict)),
        ];
        members.extend(self.reason.map(|reason| ("reason", Value::from(reason))));
        members.extend(self.form.map(|form| ("form", Value::from(form))));
        members.extend(self.code.as_ref().map(|code| ("code", Value::from(code))));
        members.extend(self.blind.map(|blind| ("blind", Value::from(blind))));
        members.extend(self.edited.map(|edited| ("edited", Value::from(edited))));
        if !self.citations.is_empty() {
            members.push(("citations", Value::from(self.citations.clone())));
        }
        members.extend(self.for_.as_ref().map(|person| ("for", Value::from(person))));

        Value::object(members)
    }

    /// Canonical bytes and digest; the digest is the challenge for the passkey.
    ///
    /// # Errors
    ///
    /// [`crate::Error::Field`] names the first member outside its class.
    pub fn seal(&self) -> Result<(Vec<u8>, Hash)> {
        Self::from_value(&self.to_value())?;
        seal(Label::Review, &self.to_value())
    }

    /// Reads canonical bytes.
    ///
    /// # Errors
    ///
    /// [`crate::Error::Syntax`] or [`crate::Error::Field`] says what breaks the format.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        Self::from_value(&Value::parse(bytes, Limits::STATEMENT)?)
    }

    fn from_value(document: &Value) -> Result<Self> {
        let mut members = Members::of("review statement", document)?;
        members.version()?;
        let review = Self {
            log: members.log_id("log")?,
            decision: members.uuid("decision")?,
            content: members.hash("content")?,
            seen: members.hash("seen")?,
            round: members.integer("round")?,
            verdict: members.word("verdict")?,
            reason: members.optional("reason", Members::hash)?,
            form: members.optional("form", Members::hash)?,
            policy: members.uuid("policy")?,
            person: members.uuid("person")?,
            expires: members.integer("expires")?,
            nonce: members.nonce("nonce")?,
            code: members.optional("code", Members::word)?,
            blind: members.optional("blind", Members::boolean)?,
            edited: members.optional("edited", Members::hash)?,
            citations: members.optional("citations", Members::array)?.unwrap_or_default(),
            for_: members.optional("for", Members::uuid)?,
        };
        members.end()?;

        Ok(review)
    }
}
