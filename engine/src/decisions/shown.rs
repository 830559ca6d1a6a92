//! What a reviewer's page showed, drawn again from what is stored and held to what was sealed with the review.

use countersign_domain::{
    decision::Risk,
    decision_type::TypeDefinition,
    event::{Disclosed, Event, Object, Place},
    ids::{DecisionId, EntryId},
    policy::{OnTimeout, PolicyVersion, Route},
    shown::{Record, ShownView, StoredField, StoredValue, redraw, said::Standing},
};
use countersign_ledger::{commit::commitment, hash::Hash, leaf::Leaf, statement::Content};
use sqlx::PgConnection;

use super::seal_at;
use crate::{
    Engine,
    authorize::{Action, Permit, Target},
    caller::Caller,
    db,
    error::{Error, Result},
    people, reads,
};

/// Shows what a review saw, and whether that is what was sealed. Looking is on record; personal fields keep their values.
///
/// # Errors
///
/// [`Error::Hidden`] for anybody who may not read the decision, as if it did not exist; [`Error::NotFound`] for a review
/// that is not one of it.
pub async fn shown(engine: &Engine, caller: &Caller, id: DecisionId, review: EntryId) -> Result<ShownView> {
    let (permit, mut view) = engine.noted(caller, read(engine, caller, id, review).await).await?;
    let object = Object { kind: "decision", id: id.0, place: Place::Read(view.upto) };
    let event = Event::AccessViewed { object };
    view.recorded = reads::record(engine, caller, permit, &event, reads::Shown::default()).await?;
    Ok(view)
}

async fn read(engine: &Engine, caller: &Caller, id: DecisionId, review: EntryId) -> Result<(Permit, ShownView)> {
    let mut tx = engine.begin().await?;
    let stored = db::decisions::find(&mut tx, id).await?.ok_or(Error::NotFound)?;
    let target = Target::Decision { id, system: stored.system, n: stored.n };
    let permit = engine.authorize(&mut tx, caller, Action::ViewDecision, target).await?;
    let given = db::reviews::list(&mut tx, id).await?.into_iter().find(|given| given.entry == review);
    let given = given.ok_or(Error::NotFound)?;
    let missing = |table, column| Error::Row { table, column, id: review.to_string() };
    let screen = db::presentations::find_reviewed(&mut tx, id, review).await?;
    let screen = screen.ok_or_else(|| missing("reviews", "presentation_id"))?;
    let sealed = Sealed::read(&mut tx, review).await?.ok_or_else(|| missing("reviews", "entry_id"))?;
    let types = db::decision_types::list(&mut tx, &[stored.type_id.0]).await?;
    let (_, definition) = types.into_iter().next().ok_or_else(|| missing("decisions", "type_id"))?;
    let revisions = db::revisions::list(&mut tx, id).await?;
    let version = revisions.iter().find(|revision| revision.number == given.round);
    let version = version.ok_or_else(|| missing("reviews", "round"))?.entry;
    let statement = db::statements::find(&mut tx, &sealed.seen.0).await?;
    let proposal = db::statements::find(&mut tx, &sealed.content.0).await?;
    let opened = db::openings::list_at(&mut tx, id, screen.session, screen.issued_at).await?;
    let fields = fields(&mut tx, engine, version).await?;
    let system = db::systems::find(&mut tx, stored.system).await?.ok_or_else(|| missing("decisions", "system_id"))?;
    let standing = Stood::read(&mut tx, id, screen.entry).await?;
    let policy = sealed.policy.parse().map_err(|_| missing("reviews", "entry_id"))?;
    let policy = db::policies::find(&mut tx, policy).await?.ok_or_else(|| missing("reviews", "entry_id"))?;
    // A later version may be of another risk: each says its own.
    let content = proposal.as_deref().and_then(|bytes| Content::parse(bytes).ok());
    let risk = content.and_then(|content| Risk::from_word(&content.tier)).unwrap_or(stored.risk);
    let standing = standing.complete(&policy, given.round, risk);
    let names = people::names(&mut tx, engine, &[given.person]).await?;
    tx.commit().await?;

    let mut redrawn = redraw(Record {
        decision: id,
        sealed: sealed.seen,
        content: sealed.content,
        policy: &sealed.policy,
        presented: Hash::from_slice(&screen.seen).ok(),
        statement: statement.as_deref(),
        proposal: proposal.as_deref(),
        definition: &definition,
        fields,
        opened: &opened,
        system: &system.name,
        table: &policy.body,
        standing,
    });
    withhold(&mut redrawn.fields, &definition);
    let view = ShownView {
        decision: id,
        review,
        person: names.get(&given.person).cloned().unwrap_or_else(people::erased),
        verdict: given.verdict,
        round: given.round,
        at: given.at,
        seal: seal_at(engine, given.index),
        shown_at: screen.issued_at,
        shown_entry: screen.entry,
        shown_seal: seal_at(engine, screen.index),
        fields: redrawn.fields,
        beside: redrawn.beside,
        disclosed: sealed.disclosed,
        statement: String::from_utf8(redrawn.statement).unwrap_or_default(),
        sealed: sealed.seen.to_string(),
        redrawn: redrawn.digest.to_string(),
        differences: redrawn.differences,
        notes: redrawn.notes,
        upto: stored.n,
        recorded: EntryId(uuid::Uuid::nil()),
        now: engine.now(),
    };
    Ok((permit, view))
}

/// What a review's entry says that it saw.
struct Sealed {
    seen: Hash,
    content: Hash,
    policy: String,
    disclosed: Option<Disclosed>,
}

impl Sealed {
    async fn read(conn: &mut PgConnection, review: EntryId) -> Result<Option<Self>> {
        let Some((.., bytes)) = db::entries::placed(conn, &[review.0]).await?.pop() else { return Ok(None) };
        let leaf = Leaf::parse(&bytes)?;
        let d = |name| leaf.d.as_ref().and_then(|d| d.get(name));
        let hash = |name| d(name).and_then(|value| value.as_hash());
        let policy = d("policy").and_then(|value| value.as_text()).map(str::to_owned);
        let names = |name| {
            let names = d(name)?.as_array()?;
            Some(names.iter().filter_map(|name| name.as_text().map(str::to_owned)).collect::<Vec<_>>())
        };
        let disclosed = match (names("opened"), names("left_closed")) {
            (None, None) => None,
            (opened, left_closed) => {
                Some(Disclosed { opened: opened.unwrap_or_default(), left_closed: left_closed.unwrap_or_default() })
            }
        };
        Ok(hash("seen").zip(hash("content")).zip(policy).map(|((seen, content), policy)| Self {
            seen,
            content,
            policy,
            disclosed,
        }))
    }
}

/// Where a decision stood when a page of it was drawn, by its entries up to the last one that the page showed.
struct Stood {
    rule: u64,
    route: Option<Route>,
    guards: Vec<String>,
    due: u64,
    escalated: bool,
}

impl Stood {
    async fn read(conn: &mut PgConnection, id: DecisionId, viewed: EntryId) -> Result<Self> {
        let routes = db::decisions::list_route_entries(conn, id).await?;
        let leaves = db::entries::placed(conn, &routes).await?;
        let mut leaves: Vec<_> =
            leaves.iter().map(|(.., bytes)| Leaf::parse(bytes)).collect::<std::result::Result<_, _>>()?;
        leaves.sort_by_key(|leaf| leaf.obj.as_ref().and_then(|obj| obj.n));
        let viewed = match db::entries::placed(conn, &[viewed.0]).await?.pop() {
            Some((.., bytes)) => Some(Leaf::parse(&bytes)?),
            None => None,
        };
        let upto = viewed.and_then(|leaf| leaf.obj?.upto).unwrap_or_default();
        let mut stood = Self { rule: 0, route: None, guards: Vec::new(), due: 0, escalated: false };
        for leaf in &leaves {
            if leaf.obj.as_ref().and_then(|obj| obj.n).is_none_or(|n| n > upto) {
                continue;
            }
            let d = |name| leaf.d.as_ref().and_then(|d| d.get(name));
            let number = |name| d(name).and_then(|value| value.as_integer());
            match leaf.kind.as_str() {
                "decision.routed" => {
                    let guards = d("guards").and_then(|value| value.as_array()).unwrap_or_default();
                    stood = Self {
                        rule: number("rule").unwrap_or_default(),
                        route: d("route").and_then(|value| value.as_text()).and_then(Route::from_word),
                        guards: guards.iter().filter_map(|guard| guard.as_text().map(str::to_owned)).collect(),
                        due: number("due").unwrap_or_default(),
                        escalated: false,
                    };
                }
                "decision.escalated" => {
                    stood.due = number("due").unwrap_or_default();
                    stood.escalated = true;
                }
                _ => {}
            }
        }
        Ok(stood)
    }

    fn complete(self, policy: &PolicyVersion, revision: u64, risk: Risk) -> Standing {
        let row = policy.body.row(self.rule).unwrap_or(&policy.body.default);
        Standing {
            due: self.due,
            on_timeout: if self.escalated { OnTimeout::Deny } else { row.on_timeout },
            guards: self.guards,
            revision,
            risk,
            route: self.route.unwrap_or(row.route),
            rule: self.rule,
        }
    }
}

/// Reads the fields of a version of the content; what does not open is told, and no fault here.
async fn fields(conn: &mut PgConnection, engine: &Engine, version: EntryId) -> Result<Vec<StoredField>> {
    let mut fields = Vec::new();
    for stored in db::vault::list(conn, &[version.0]).await? {
        let value = match engine.vault.open_salted(&stored) {
            Ok(Some((text, salt))) => {
                let commits = commitment(&salt, &stored.field, text.as_bytes());
                StoredValue::Opens { text, commits, salt }
            }
            Ok(None) => StoredValue::Erased,
            Err(Error::Row { .. }) => StoredValue::Unreadable,
            Err(error) => return Err(error),
        };
        let commitment = db::presentations::digest(&stored.commitment)?;
        fields.push(StoredField { name: stored.field, commitment, value });
    }
    Ok(fields)
}

/// Takes personal values out: who looks at a review opens them on the decision's own page, with a reason.
fn withhold(fields: &mut [countersign_domain::view::Field], definition: &TypeDefinition) {
    for field in fields.iter_mut().filter(|field| definition.personal.contains(&field.name)) {
        field.value = None;
        field.withheld = true;
    }
}
