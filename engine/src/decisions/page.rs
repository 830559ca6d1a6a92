//! The decision page: everything it draws, and the record of exactly that.

use std::collections::HashMap;

use countersign_domain::{
    decision::{ReasonCode, Ruling, State, Verdict},
    decision_type::TypeDefinition,
    delegation,
    event::Event,
    form::{self, Answered},
    ids::{DecisionId, EntryId, PersonId, PresentationId},
    lease::{Holder, seats},
    lineage::{self, Maker},
    overrides::{self, Overriding},
    owner,
    policy::{Approval, PolicyVersion, RowTrace},
    presence,
    shown::{
        self,
        said::{self, Said, Source, Standing},
    },
    turn::ShownTurn,
    view::{
        Composer, DECISION_TEMPLATE, DecisionView, Field, HistoryRow, OutcomeRow, PolicySection, RefusedVerdict,
        ResolutionSection, ReviewRow, SeatView, SettlingSection, VersionRow, Way,
    },
};
use countersign_ledger::{
    hash::{Hash, Label},
    leaf::{ActorKind, Leaf},
    statement::SeenPage,
};
use sqlx::{PgConnection, Postgres, Transaction};
use uuid::Uuid;

use super::{comments, lease, overrule, review, revoke, routing::Case, seal_at, settle, sign, turn};
use crate::{
    Engine, absences,
    authorize::{
        Action, Denial, Permit, Target,
        behalf::{self, Right},
    },
    caller::{Actor, Caller},
    db,
    error::{Error, Result},
    grants, ledger, owners, pauses, people, post_reviews,
    reads::{self, Presentation, Shown, Statement},
};

/// How long a form may stay open without JavaScript, in milliseconds.
pub(super) const PRESENTATION_MS: u64 = 15 * 60 * 1_000;
/// How often the page is read again when the decision changes meanwhile.
const TRIES: usize = 5;

/// Shows a decision. What is returned is what the ledger says was shown.
///
/// # Errors
///
/// [`Error::Hidden`] for anybody who may not read it, as if it did not exist.
pub async fn view(engine: &Engine, caller: &Caller, id: DecisionId) -> Result<DecisionView> {
    let mut found = engine.noted(caller, read(engine, caller, id).await).await?;
    for _ in 1..TRIES {
        // Several statements read the page; a decision that moved between them is read again.
        if found.settled {
            break;
        }
        found = engine.noted(caller, read(engine, caller, id).await).await?;
    }
    let Read { permit, mut view, content, page, .. } = found;
    let (body, seen) =
        shown::statement((view.id, content), &view.policy.version, &view.fields, DECISION_TEMPLATE, Some(page))
            .seal()?;
    let statement = Statement { label: Label::Seen, digest: seen, body };
    let form = match (&view.composer, &view.overriding) {
        (Composer::Open { presentation, expires_at, .. }, _)
        | (_, Some(Overriding::Open { presentation, expires_at, .. })) => Some((*presentation, *expires_at)),
        _ => None,
    };
    let presentation = match (form, &caller.actor) {
        (Some((presentation, expires_at)), Actor::Person { id: person, session, .. }) => Some(Presentation {
            id: presentation,
            decision: id,
            person: *person,
            session: *session,
            seen,
            content,
            issued_at: view.now,
            expires_at,
            bulk: None,
            unopened: false,
            on_behalf: None,
        }),
        _ => None,
    };
    let event = Event::Viewed { decision: id, upto: view.upto, seen };
    let shown = Shown { statement: Some(statement), presentation };
    view.recorded = reads::record(engine, caller, permit, &event, shown).await?;
    view.seen = seen.to_string();

    Ok(view)
}

struct Read {
    permit: Permit,
    view: DecisionView,
    content: Hash,
    /// What stands beside the fields.
    page: SeenPage,
    settled: bool,
}

async fn read(engine: &Engine, caller: &Caller, id: DecisionId) -> Result<Read> {
    let (reader, _) = caller.signed_in()?;
    let mut tx = engine.begin().await?;
    let stored = db::decisions::find(&mut tx, id).await?.ok_or(Error::NotFound)?;
    let target = Target::Decision { id, system: stored.system, n: stored.n };
    let permit = engine.authorize(&mut tx, caller, Action::ViewDecision, target).await?;
    let missing = |table, column| Error::Row { table, column, id: id.to_string() };
    let types = db::decision_types::list(&mut tx, &[stored.type_id.0]).await?;
    let (_, definition) = types.into_iter().next().ok_or_else(|| missing("decisions", "type_id"))?;
    let system = db::systems::find(&mut tx, stored.system).await?.ok_or_else(|| missing("decisions", "system_id"))?;
    let key =
        db::agent_keys::find(&mut tx, stored.agent_key).await?.ok_or_else(|| missing("decisions", "agent_key_id"))?;
    let policy = db::policies::find(&mut tx, stored.policy_version)
        .await?
        .ok_or_else(|| missing("decisions", "policy_version_id"))?;
    let opened = match caller.actor {
        Actor::Person { session, .. } => db::openings::list(&mut tx, id, session, engine.now()).await?,
        _ => Vec::new(),
    };
    let Opened { fields, values, salts } = fields(&mut tx, engine, stored.entry, &definition, &opened).await?;
    let may_open =
        fields.iter().any(|field| field.withheld) && may(&mut tx, engine, caller, Action::UnmaskField, target).await?;
    let open_until = opened.iter().map(|(_, until)| *until).min();
    let reviews = db::reviews::list(&mut tx, id).await?;
    let revisions = db::revisions::list(&mut tx, id).await?;
    let editors = revisions.iter().filter_map(|revision| revision.person);
    let delegators = reviews.iter().filter_map(|review| review.on_behalf).map(|(delegator, _)| delegator);
    let reviewers: Vec<_> = reviews.iter().map(|review| review.person).chain(editors).chain(delegators).collect();
    let names = people::names(&mut tx, engine, &reviewers).await?;
    let given: Vec<_> = reviews.iter().map(|review| review.entry.0).collect();
    let reasons = comments::texts(&mut tx, engine, &given, "reason").await?;
    let answered: Vec<_> = reviews.iter().filter(|review| review.formed).map(|review| review.entry.0).collect();
    let answers = comments::texts(&mut tx, engine, &answered, "form").await?;
    let resolution = db::resolutions::find(&mut tx, id).await?;
    let revoked = match resolution.as_ref().and_then(|resolution| resolution.revoked.as_ref()) {
        Some(revoked) => Some(revoke::section(&mut tx, engine, revoked).await?),
        None => None,
    };
    let may_revoke = resolution.as_ref().is_some_and(db::resolutions::Resolution::is_approval)
        && may(&mut tx, engine, caller, Action::RevokeDecision, target).await?;
    let outcomes = db::outcomes::list(&mut tx, id).await?;
    let history = history(&mut tx, engine, id, &system.name).await?;
    let versions = Versions { revisions: &revisions, history: &history, names: &names, system: &system.name };
    let versions = versions.rows(&mut tx, engine, &definition).await?;
    let rules = review::rules_now(&mut tx, &stored, &policy, engine.now()).await?;
    let withheld: Vec<_> = fields.iter().filter(|field| field.withheld).map(|field| field.name.clone()).collect();
    let mut case = Case::new((stored.system, &system.name), &definition, stored.about_persons, &values);
    case.facts.mask(&definition, &withheld);
    let turn::Handed { turn, escalated_by } = turn::find(&mut tx, &stored).await?;
    let handed: Vec<_> = [turn.and_then(|turn| turn.by), escalated_by].into_iter().flatten().collect();
    let handed = people::names(&mut tx, engine, &handed).await?;
    let handed = |person: PersonId| handed.get(&person).cloned().unwrap_or_else(people::erased);
    let said = Said::of(&Source {
        definition: &definition,
        system: &system.name,
        about_persons: stored.about_persons,
        values: &values,
        withheld: &withheld,
        table: &policy.body,
        rule: stored.rule,
    });
    let standing = Standing {
        due: stored.due_at,
        on_timeout: stored.on_timeout,
        guards: stored.guards.clone(),
        revision: stored.revision,
        risk: stored.risk,
        route: stored.route,
        rule: stored.rule,
    };
    let page = standing.page(stored.about_persons, said.commitments(&said::salt(salts.iter())));
    let policy_section = PolicySection {
        escalated_by: escalated_by.map(handed),
        grants: grants::misses(&mut tx, engine, id, &case).await?,
        ..policy_section(engine, &policy, &stored, (&said.rule, &said.trace), &rules)
    };
    let label = overrides::label(&policy_section.name, policy.number);
    let overridden = match resolution.as_ref().and_then(|resolution| resolution.overridden.as_ref()) {
        Some(overridden) => Some(overrule::section(&mut tx, engine, overridden, label).await?),
        None => None,
    };
    let expires_at = engine.now() + PRESENTATION_MS;
    let offered = (&case, &policy);
    let overriding = overrule::offer(&mut tx, engine, caller, target, resolution.as_ref(), offered, expires_at).await?;
    let post_reviews = post_reviews::of_decision(&mut tx, engine, caller.person(), id).await?;
    let readable = |denial: &Denial| format!("You can read this. {}", denial.sentence());
    let ways = ways(&mut tx, engine, caller, target, readable).await?;
    let signed = policy.body.row(stored.rule).is_some_and(|row| row.signed);
    let signing = match (signed, caller.person()) {
        (true, Some(person)) => match db::passkeys::list(&mut tx, person).await?.iter().any(|key| key.confirmed) {
            true => Signing::Able,
            false => Signing::Unable,
        },
        _ => Signing::NotAsked,
    };
    let pause = pauses::find_shown(&mut tx, engine, stored.system).await?;
    let owner = owners::of_decision(&mut tx, engine, caller, stored.system).await?;
    let comments = comments::section(&mut tx, engine, caller, target, id).await?;
    let held = db::leases::list_held(&mut tx, id, engine.now()).await?;
    let holders = lease::holders(&mut tx, engine, caller, &held).await?;
    let state = stored.state.while_held(!holders.is_empty());
    let checkpoint = ledger::newest(&mut tx, engine).await?;
    let settled = db::decisions::find(&mut tx, id).await?.is_some_and(|again| again.n == stored.n);
    if let Actor::Person { id: person, session, .. } = &caller.actor {
        let now = engine.now();
        db::decision_readers::open(&mut tx, id, (*person, *session), (now, now + presence::EXPIRY_MS)).await?;
    }
    tx.commit().await?;

    let now = engine.now();
    let others = held.iter().filter(|held| Some(held.person) != caller.person()).count() as u64;
    let composer = match rules.state {
        State::ChangesRequested => Composer::Closed { reason: owner::asked_for_change(owner.as_ref()) },
        _ => composer(engine, caller, ways, &rules, signing, (&holders, others), now),
    };
    let composer = without_edits(composer, &definition);
    let by_rule = format!("rule {}, version {}", policy_section.name, policy.number);
    let view = DecisionView {
        id,
        reader,
        title: said.title,
        state,
        system: stored.system,
        system_name: system.name,
        owner,
        turn: turn.map(|turn| ShownTurn { of: turn.of, since: turn.since, why: turn.why, by: turn.by.map(handed) }),
        key_id: key.key_id,
        type_name: definition.name.clone(),
        type_version: definition.version,
        type_title: definition.title.clone(),
        risk: stored.risk,
        risk_reasons: said.risk,
        reversibility: definition.reversibility,
        proposed_at: stored.proposed_at,
        due_at: stored.due_at,
        at_zero: stored.on_timeout.sentence().to_owned(),
        revision: stored.revision,
        content_hash: stored.content_hash.to_string(),
        external_id: stored.external_id.clone(),
        conversation: stored.conversation.clone(),
        fields,
        parameters: definition.parameters.clone(),
        form: definition.form.clone(),
        versions,
        policy: policy_section,
        reviews: reviews
            .iter()
            .map(|review| ReviewRow {
                person: signature(&names, review),
                verdict: review.verdict,
                code: review.code,
                reason: review.reasoned.then(|| reasons.get(&review.entry.0).cloned().unwrap_or_else(people::erased)),
                form: answers_of(review, &definition, &answers),
                follow_up: review.follow_up,
                state: review.state,
                round: review.round,
                retractable: (Some(review.person) == caller.person()
                    && stored.state.is_open()
                    && review.verdict.is_retractable()
                    && settle::stands(review, &stored))
                .then_some(review.entry),
                entry: review.entry,
                at: review.at,
                seal: seal_at(engine, review.index),
            })
            .collect(),
        settling: stored.settling.map(|settling| SettlingSection { outcome: settling.outcome, until: settling.until }),
        pause,
        resolution: resolution.map(|resolution| ResolutionSection {
            outcome: resolution.standing(),
            by_pause: resolution.code == Some(ReasonCode::SystemPaused),
            by_rule: resolution.by_rule.then_some(by_rule),
            by_grant: resolution.by_grant.map(|(grant, _)| grant),
            at: resolution.at,
            seal: seal_at(engine, resolution.index.map(|index| index as i64)),
            released_at: resolution.released_at,
            overridden,
            revoked,
            may_revoke,
        }),
        overriding,
        post_reviews,
        outcomes: outcomes
            .iter()
            .map(|outcome| OutcomeRow {
                result: outcome.result,
                effect: outcome.effect,
                at: outcome.at,
                seal: seal_at(engine, outcome.index),
            })
            .collect(),
        history,
        comments,
        holders,
        composer,
        may_open,
        open_until,
        upto: stored.n,
        recorded: EntryId(Uuid::nil()),
        seen: String::new(),
        now,
        checkpoint,
    };

    Ok(Read { permit, view, content: stored.content_hash, page, settled })
}

/// What sent the decision here, as the table that did says of its facts, and how far its seats are filled.
fn policy_section(
    engine: &Engine,
    policy: &PolicyVersion,
    stored: &db::decisions::Decision,
    (sentence, trace): (&str, &[RowTrace]),
    rules: &countersign_domain::decision::Decision,
) -> PolicySection {
    let row = policy.body.row(stored.rule).unwrap_or(&policy.body.default);
    let seats = rules.quorum.fill(&rules.approvals);
    let people = stored.route.has_people();
    PolicySection {
        version: policy.id.to_string(),
        number: policy.number,
        rule: stored.rule,
        name: row.label().to_owned(),
        route: stored.route,
        sentence: sentence.to_owned(),
        reasoned: row.reasoned,
        guards: stored.guards.iter().map(|guard| engine.policies.says(guard)).collect(),
        trace: trace.to_vec(),
        grants: Vec::new(),
        seats: seats
            .iter()
            .filter(|_| people)
            .map(|filled| SeatView {
                stage: filled.stage,
                role: filled.seat.role,
                given: filled.given,
                need: filled.seat.need,
                open: filled.open && stored.state.is_open(),
            })
            .collect(),
        again_ms: row.due_seconds * 1_000,
        escalated_at: stored.escalated_at,
        escalated_by: None,
        given: seats.iter().map(|filled| filled.given).sum(),
        need: stored.need,
        rejections: rules.rejections,
        reject_threshold: stored.reject_threshold,
        kept_threshold: people && stored.reject_threshold != row.reject_threshold,
    }
}

/// What a review answered to the form of the type.
fn answers_of(
    review: &db::reviews::Review,
    definition: &TypeDefinition,
    answers: &HashMap<Uuid, String>,
) -> Vec<Answered> {
    match (review.formed, answers.get(&review.entry.0)) {
        (false, _) => Vec::new(),
        (true, Some(text)) => form::answered(&definition.form, text),
        (true, None) => vec![Answered { label: "Form".to_owned(), text: people::erased() }],
    }
}

/// Says whose review it is: both names where it was given in somebody's place.
fn signature(names: &HashMap<PersonId, String>, review: &db::reviews::Review) -> String {
    let name = |person: &PersonId| names.get(person).cloned().unwrap_or_else(people::erased);
    match &review.on_behalf {
        None => name(&review.person),
        Some((delegator, _)) => delegation::both(&name(&review.person), &name(delegator)),
    }
}

/// In whose right the reader may rule, or why in nobody's.
pub(super) type Ways = std::result::Result<Vec<(Way, bool)>, String>;

/// Asks in whose right the reader may rule, each with whether it is a senior approver's; `says` words a refusal.
pub(super) async fn ways(
    tx: &mut Transaction<'static, Postgres>,
    engine: &Engine,
    caller: &Caller,
    target: Target,
    says: fn(&Denial) -> String,
) -> Result<Ways> {
    let Some(person) = caller.person() else { return Ok(Err("Agents never review.".to_owned())) };
    let rights = match behalf::rights(tx, engine, caller, target).await {
        Ok(rights) => rights,
        Err(Error::Forbidden(denial) | Error::Hidden(denial)) => {
            return Ok(Err(says(&denial)));
        }
        Err(error) => return Err(error),
    };
    if let Err(problem) = absences::admits(tx, person, engine.now()).await? {
        return Ok(Err(problem.detail));
    }
    let delegators: Vec<_> = rights.iter().filter_map(Right::on_behalf).collect();
    let names = people::names(tx, engine, &delegators).await?;
    let name = |person: PersonId| (person, names.get(&person).cloned().unwrap_or_else(people::erased));
    Ok(Ok(rights.iter().map(|right| (Way { on_behalf: right.on_behalf().map(name) }, right.senior)).collect()))
}

/// Tells whether the reader may do something to the decision.
async fn may(
    tx: &mut Transaction<'static, Postgres>,
    engine: &Engine,
    caller: &Caller,
    action: Action,
    target: Target,
) -> Result<bool> {
    match engine.authorize(tx, caller, action, target).await {
        Ok(_) => Ok(true),
        Err(Error::Forbidden(_) | Error::Hidden(_)) => Ok(false),
        Err(error) => Err(error),
    }
}

/// The values of one version of the content.
pub(super) struct Opened {
    /// As the page shows them.
    pub(super) fields: Vec<Field>,
    /// Every value, withheld ones too, for the table that compares them.
    pub(super) values: HashMap<String, String>,
    /// The salts of their commitments, in the order of the page.
    salts: Vec<[u8; 32]>,
}

/// Reads the fields of one version of the content.
pub(super) async fn fields(
    conn: &mut PgConnection,
    engine: &Engine,
    entry: EntryId,
    definition: &TypeDefinition,
    opened: &[(String, u64)],
) -> Result<Opened> {
    let mut stored = db::vault::list(conn, &[entry.0]).await?;
    stored.sort_by_key(|value| shown::place(definition, &value.field));
    let (mut values, mut salts) = (HashMap::new(), Vec::with_capacity(stored.len()));
    let mut fields = Vec::with_capacity(stored.len());
    for value in &stored {
        let withheld =
            definition.personal.contains(&value.field) && !opened.iter().any(|(name, _)| *name == value.field);
        let (opened, salt) = engine.vault.open_salted(value)?.unzip();
        salts.extend(salt);
        if let Some(text) = &opened {
            values.insert(value.field.clone(), text.clone());
        }
        let commitment = db::presentations::digest(&value.commitment)?.to_string();
        fields.push(shown::draw(definition, &value.field, &commitment, opened, withheld));
    }

    Ok(Opened { fields, values, salts })
}

async fn history(conn: &mut PgConnection, engine: &Engine, id: DecisionId, system: &str) -> Result<Vec<HistoryRow>> {
    let rows = db::entries::list_about(conn, engine.log.row, id.0).await?;
    let mut leaves = Vec::with_capacity(rows.len());
    for row in &rows {
        leaves.push(Leaf::parse(&row.bytes)?);
    }
    let sids: Vec<PersonId> = leaves
        .iter()
        .filter(|leaf| leaf.actor.as_ == ActorKind::Person)
        .flat_map(|leaf| [&leaf.actor.sid, &leaf.actor.for_])
        .filter_map(|sid| sid.as_deref()?.parse().ok())
        .collect();
    let names = people::names(conn, engine, &sids).await?;
    let name = |sid: Option<&str>| {
        let person = sid.and_then(|sid| sid.parse().ok());
        person.and_then(|sid: PersonId| names.get(&sid).cloned()).unwrap_or_else(people::erased)
    };
    let actor = |leaf: &Leaf| match leaf.actor.as_ {
        ActorKind::Person => match &leaf.actor.for_ {
            None => name(leaf.actor.sid.as_deref()),
            Some(delegator) => delegation::both(&name(leaf.actor.sid.as_deref()), &name(Some(delegator))),
        },
        ActorKind::Agent => system.to_owned(),
        ActorKind::Engine => "Countersign".to_owned(),
        other => other.as_str().to_owned(),
    };
    Ok(rows
        .iter()
        .zip(&leaves)
        .map(|(row, leaf)| HistoryRow {
            n: leaf.obj.as_ref().and_then(|object| object.n),
            kind: leaf.kind.clone(),
            actor: actor(leaf),
            at: leaf.at,
            entry: row.id.into(),
            seal: seal_at(engine, row.idx),
        })
        .collect())
}

/// What the list of versions is made from.
struct Versions<'a> {
    revisions: &'a [db::revisions::Revision],
    history: &'a [HistoryRow],
    names: &'a HashMap<PersonId, String>,
    system: &'a str,
}

impl Versions<'_> {
    /// Says who made each version and what differs from the one before. Personal values are compared and not shown,
    /// those that were opened neither: they were opened in the running version only.
    async fn rows(
        &self,
        conn: &mut PgConnection,
        engine: &Engine,
        definition: &TypeDefinition,
    ) -> Result<Vec<VersionRow>> {
        let mut rows = Vec::with_capacity(self.revisions.len());
        // One version has nothing to be compared with.
        let mut stored = match self.revisions.len() {
            1 => HashMap::new(),
            _ => texts(conn, engine, self.revisions, definition).await?,
        };
        let mut before: Option<Vec<(String, Option<String>)>> = None;
        for revision in self.revisions {
            let texts = stored.remove(&revision.entry).unwrap_or_default();
            let mut changes = match &before {
                None => Vec::new(),
                Some(before) => lineage::compare(&borrowed(before), &borrowed(&texts)),
            };
            for change in &mut changes {
                change.label = shown::describe(definition, &change.name).0;
                if definition.personal.contains(&change.name) {
                    change.mask();
                }
            }
            rows.push(VersionRow {
                number: revision.number,
                maker: revision.maker,
                by: match (revision.maker, revision.person) {
                    (Maker::Edited, Some(person)) => self.names.get(&person).cloned().unwrap_or_else(people::erased),
                    _ => self.system.to_owned(),
                },
                at: self.history.iter().find(|row| row.entry == revision.entry).map_or(0, |row| row.at),
                changes,
                seal: seal_at(engine, revision.index),
            });
            before = Some(texts);
        }
        Ok(rows)
    }
}

/// The fields of each version in the order of the page, by the entry that holds them.
async fn texts(
    conn: &mut PgConnection,
    engine: &Engine,
    revisions: &[db::revisions::Revision],
    definition: &TypeDefinition,
) -> Result<HashMap<EntryId, Vec<(String, Option<String>)>>> {
    let entries: Vec<_> = revisions.iter().map(|revision| revision.entry.0).collect();
    let mut stored = db::vault::list(conn, &entries).await?;
    stored.sort_by_key(|value| shown::place(definition, &value.field));
    let mut texts = HashMap::<_, Vec<_>>::new();
    for value in stored {
        texts.entry(EntryId(value.entry_id)).or_default().push((value.field.clone(), engine.vault.open(&value)?));
    }
    Ok(texts)
}

fn borrowed(texts: &[(String, Option<String>)]) -> Vec<lineage::Value<'_>> {
    texts.iter().map(|(name, text)| (name.as_str(), text.as_deref())).collect()
}

/// Takes the edits out of a form whose action has nothing to edit.
fn without_edits(mut composer: Composer, definition: &TypeDefinition) -> Composer {
    if let Composer::Open { refused, .. } = &mut composer
        && definition.parameters.is_empty()
        && refused.iter().all(|refused| refused.verdict != Verdict::ApproveWithEdits)
    {
        let why = "This action has no parameters, so there is nothing to edit.".to_owned();
        refused.push(RefusedVerdict { verdict: Verdict::ApproveWithEdits, why });
    }
    composer
}

/// Whether a ruling has to be signed, and whether the person can.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Signing {
    NotAsked,
    Able,
    Unable,
}

pub(super) fn composer(
    engine: &Engine,
    caller: &Caller,
    ways: Ways,
    rules: &countersign_domain::decision::Decision,
    signing: Signing,
    (holders, others): (&[Holder], u64),
    now: u64,
) -> Composer {
    let closed = |reason: &str| Composer::Closed { reason: reason.to_owned() };
    let Some(person) = caller.person() else { return closed("Agents never review.") };
    if !rules.state.is_open() {
        return closed("This decision is resolved. A second look is a new decision.");
    }
    if rules.expire(now).is_some() {
        return closed("The time for this decision has run out; the AI system is told no.");
    }
    let ways = match ways {
        Ok(ways) => ways,
        Err(reason) => return Composer::Closed { reason },
    };
    if rules.reviewed_by.contains(&person) {
        return closed("Your review is recorded; one person counts once. Another approver is needed.");
    }
    if signing == Signing::Unable {
        return Composer::Closed { reason: sign::no_passkey().detail };
    }
    // What the rules would say to each ruling on exactly what is shown, in each right.
    let follow_up = Some(now + 1);
    let refusal = |(way, senior): &(Way, bool), verdict| {
        let ruling = Ruling {
            reviewer: Approval { person, senior: *senior },
            on_behalf: way.on_behalf.as_ref().map(|(delegator, _)| *delegator),
            verdict,
            follow_up: follow_up.filter(|_| verdict == Verdict::Defer),
        };
        rules.review(ruling, &rules.content_hash, now).err().map(|problem| problem.detail)
    };
    let barred =
        |way: &(Way, bool)| Verdict::ALL.iter().map(|verdict| refusal(way, *verdict)).collect::<Option<Vec<_>>>();
    let open: Vec<_> = ways.iter().filter(|way| barred(way).is_none()).collect();
    if open.is_empty() {
        let why = ways.first().and_then(barred).and_then(|reasons| reasons.into_iter().next());
        return Composer::Closed { reason: why.unwrap_or_else(|| "Nobody gave you the right to this.".to_owned()) };
    }
    // A ruling is refused where no right allows it; whoever sends it in another right is told.
    let refused = |verdict: &Verdict| {
        let reasons = open.iter().map(|way| refusal(way, *verdict)).collect::<Option<Vec<_>>>()?;
        let why = reasons.into_iter().next()?;
        Some(RefusedVerdict { verdict: *verdict, why })
    };
    let refused: Vec<_> = Verdict::ALL.iter().filter_map(refused).collect();
    let Some(own) = holders.iter().find(|holder| holder.own) else {
        return Composer::Ready { free: others < seats(&rules.quorum, &rules.approvals), refused };
    };
    Composer::Open {
        presentation: PresentationId(engine.id()),
        expires_at: now + PRESENTATION_MS,
        lease: own.lease,
        lease_until: own.until,
        signed: signing == Signing::Able,
        refused,
        defer_before: rules.defer_before(),
        ways: open.into_iter().map(|(way, _)| way.clone()).collect(),
    }
}
