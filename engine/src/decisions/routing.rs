//! Where a decision goes: the table in force asked about its facts, guards over what a rule would approve, and again
//! when another version comes into force or the deadline hands it up.

use std::{cmp::Reverse, collections::HashMap};

use countersign_domain::{
    decision::{ResolutionOutcome, Risk},
    decision_type::TypeDefinition,
    event::Event,
    ids::{DecisionId, EntryId, SystemId},
    lease::LeaseEnd,
    notice::Topic,
    policy::{Facts, Impact, Known, OnTimeout, PolicyBody, PolicyVersion, Quorum, Route, Routed, Row, RowTrace, facts},
};
use sqlx::{PgConnection, Postgres, Transaction};

use super::{
    review::{Resolve, resolve, rules},
    settle,
};
use crate::{
    Engine,
    authorize::{self, Action, AutoDecision, Permit, Target},
    caller::Caller,
    db::{self, decisions::Decision},
    error::{Error, Result},
    notices::outbox,
    seal,
};

/// A decision as a table sees it.
pub(crate) struct Case<'a> {
    pub(crate) system: SystemId,
    pub(crate) definition: &'a TypeDefinition,
    pub(crate) risk: Risk,
    pub(crate) about_persons: bool,
    pub(crate) impact: Impact,
    pub(crate) amount: Option<u64>,
    pub(crate) facts: Facts,
    /// The system is paused at the proposal; what was open before keeps its route.
    pub(crate) paused: bool,
}

impl<'a> Case<'a> {
    /// Reads a case from its committed fields.
    pub(crate) fn new(
        system: (SystemId, &str),
        definition: &'a TypeDefinition,
        about_persons: bool,
        fields: &HashMap<String, String>,
    ) -> Self {
        let field = |name: &str| fields.get(name).cloned();
        let impact = Impact::read(field("impact").as_deref());
        let (risk, _) = facts::assess(definition, &impact);
        let source = facts::Source { system: system.1, definition, risk, fields: &field, about_persons };
        let bound: Vec<_> = definition.amount.iter().filter_map(|name| Some((name.clone(), field(name)?))).collect();
        Self {
            system: system.0,
            definition,
            risk,
            about_persons,
            facts: Facts::read(&source),
            amount: definition.amount_of(&bound),
            impact,
            paused: false,
        }
    }

    /// Asks a table, and the guards where the row that decides approves by itself.
    pub(crate) async fn route(
        &self,
        conn: &mut PgConnection,
        engine: &Engine,
        version: &PolicyVersion,
        now: u64,
    ) -> Result<(Routed, Vec<RowTrace>)> {
        let types = std::slice::from_ref(self.definition);
        let ruling = version.body.rule(&self.facts, &Known { systems: &[], types });
        let automatic = version.body.row(ruling.rule).is_some_and(|row| row.route == Route::AutoApprove);
        let guards = match automatic {
            false => Vec::new(),
            true => authorize::guards(&engine.policies, &self.automatic(conn, !ruling.incomplete).await?)?,
        };
        Ok((version.body.route(ruling.rule, guards, now), ruling.trace))
    }

    /// Returns the guards that would forbid a rule to approve this.
    pub(crate) async fn guards(
        &self,
        conn: &mut PgConnection,
        engine: &Engine,
        version: &PolicyVersion,
    ) -> Result<Vec<String>> {
        let types = std::slice::from_ref(self.definition);
        let ruling = version.body.rule(&self.facts, &Known { systems: &[], types });
        authorize::guards(&engine.policies, &self.automatic(conn, !ruling.incomplete).await?)
    }

    /// Returns the guards that would forbid a rule to approve this, and that nobody overrides.
    pub(crate) async fn absolute_guards(
        &self,
        conn: &mut PgConnection,
        engine: &Engine,
        version: &PolicyVersion,
    ) -> Result<Vec<String>> {
        let mut guards = self.guards(conn, engine, version).await?;
        guards.retain(|guard| engine.policies.is_absolute(guard));
        Ok(guards)
    }

    /// Says what the guards know of it.
    async fn automatic(&self, conn: &mut PgConnection, complete: bool) -> Result<AutoDecision> {
        Ok(AutoDecision {
            system: self.system,
            // Who says nothing about the people concerned has not said that it is harmless to them.
            adverse: self.impact.adverse.unwrap_or(self.about_persons),
            about_persons: self.about_persons,
            reversibility: self.definition.reversibility,
            risk: self.risk,
            complete,
            paused: self.paused,
            amount: self.amount,
            amount_max: db::policies::auto_amount_max(conn).await?,
        })
    }
}

/// A stored decision with what its case is read from.
pub(crate) struct Loaded {
    definition: TypeDefinition,
    system: (SystemId, String),
    about_persons: bool,
    fields: HashMap<String, String>,
}

impl Loaded {
    /// Opens every committed field; what was erased is missing.
    pub(crate) async fn read(conn: &mut PgConnection, engine: &Engine, stored: &Decision) -> Result<Self> {
        let missing = |column| Error::Row { table: "decisions", column, id: stored.id.to_string() };
        let types = db::decision_types::list(conn, &[stored.type_id.0]).await?;
        let (_, definition) = types.into_iter().next().ok_or_else(|| missing("type_id"))?;
        let system = db::systems::find(conn, stored.system).await?.ok_or_else(|| missing("system_id"))?;
        let mut fields = HashMap::new();
        for value in db::vault::list(conn, &[stored.entry.0]).await? {
            if let Some(text) = engine.vault.open(&value)? {
                fields.insert(value.field, text);
            }
        }
        Ok(Self { definition, system: (stored.system, system.name), about_persons: stored.about_persons, fields })
    }

    pub(crate) fn case(&self) -> Case<'_> {
        Case::new((self.system.0, &self.system.1), &self.definition, self.about_persons, &self.fields)
    }
}

/// Returns who has to approve a decision now.
pub(crate) fn quorum(stored: &Decision, version: &PolicyVersion) -> Quorum {
    let row = version.body.row(stored.rule).unwrap_or(&version.body.default);
    match stored.escalated_at {
        Some(_) => Row::escalated(stored.need),
        None => row.quorum(),
    }
}

/// Resolves a decision that its rule decides without people.
pub(crate) async fn resolve_by_rule(
    tx: &mut Transaction<'static, Postgres>,
    engine: &Engine,
    caller: &Caller,
    stored: &Decision,
) -> Result<Option<seal::Entry>> {
    let Some(resolved) = Resolve::by_rule(stored.route, stored.n + 1) else { return Ok(None) };
    resolve(tx, engine, caller, stored, resolved).await.map(Some)
}

/// Asks the version in force about a decision that an earlier one routed; the stricter route wins. Returns whether
/// the decision goes elsewhere now.
pub(crate) async fn ask_again(
    tx: &mut Transaction<'static, Postgres>,
    engine: &Engine,
    caller: &Caller,
    stored: &mut Decision,
    version: &PolicyVersion,
) -> Result<bool> {
    if stored.asked_version == version.id || !stored.state.is_reviewed() {
        return Ok(false);
    }
    let earlier = db::policies::find(tx, stored.policy_version).await?.ok_or(Error::NotFound)?;
    let loaded = Loaded::read(tx, engine, stored).await?;
    let (routed, _) = loaded.case().route(tx, engine, version, stored.proposed_at).await?;
    // A no that stands never counts for less than when it was given.
    let stands = !settle::counted(tx, stored, ResolutionOutcome::Rejected).await?.is_empty();
    let most = if stands { stored.reject_threshold } else { u64::MAX };
    let routed = Routed { reject_threshold: routed.reject_threshold.min(most), ..routed };
    stored.asked_version = version.id;
    let before =
        strictness(stored.route, &quorum(stored, &earlier), demands(&earlier, stored.rule), stored.reject_threshold);
    let row = version.body.row(routed.rule).unwrap_or(&version.body.default);
    let after = strictness(routed.route, &row.quorum(), demands(version, routed.rule), routed.reject_threshold);
    let stricter = after > before;
    if stricter {
        stored.n += 1;
        stored.policy_version = version.id;
        stored.rule = routed.rule;
        stored.route = routed.route;
        stored.guards.clone_from(&routed.guards);
        stored.need = routed.need;
        stored.reject_threshold = routed.reject_threshold;
        // Nobody gets less time than was promised.
        stored.due_at = stored.due_at.max(routed.due_at);
        stored.on_timeout = routed.on_timeout;
        stored.escalated_at = None;
        let routed = Routed { due_at: stored.due_at, ..routed };
        let permit = authorize::unevaluated(authorize::engine_actor());
        let event = Event::Routed { decision: stored.id, n: stored.n, policy: version.id, routed };
        let entry = seal::append(tx, engine, caller, &permit, &event).await?;
        db::decisions::insert_route(tx, stored, stored.n, "decision.routed", entry.id, None).await?;
    }
    db::decisions::set_route(tx, stored).await?;
    if stricter {
        db::leases::end_all(tx, stored.id, LeaseEnd::Rerouted, engine.now()).await?;
        keep_free_seat(tx, engine, stored, version).await?;
    }
    if stricter && resolve_by_rule(tx, engine, caller, stored).await?.is_none() {
        // Fewer people of a higher role, or fewer rejections: those who have ruled may be enough.
        if let Some(outcome) = rules(tx, stored, version).await?.decided() {
            settle::decide(tx, engine, caller, stored, outcome, version).await?;
        }
    }
    Ok(stricter)
}

/// Asks the version in force about open decisions that it was not asked about; returns how many.
pub(crate) async fn ask_open(engine: &Engine, limit: i64) -> Result<usize> {
    let open = db::decisions::list_unasked(&mut *engine.app.acquire().await?, limit).await?;
    for id in &open {
        let id = *id;
        engine
            .act(&Caller::engine(), move |engine, caller| async move {
                let mut tx = engine.begin().await?;
                let mut stored = db::decisions::lock(&mut tx, id).await?.ok_or(Error::NotFound)?;
                // Looked up for each of many: the next version may come into force in the middle of them.
                if let Some(version) = db::policies::find_active(&mut tx).await? {
                    ask_again(&mut tx, &engine, &caller, &mut stored, &version).await?;
                }
                engine.commit(tx).await
            })
            .await?;
    }
    Ok(open.len())
}

/// Hands a locked decision to the senior approvers, by its deadline or by a review, with as much time again; then
/// silence means no.
pub(crate) async fn hand_up(
    tx: &mut Transaction<'static, Postgres>,
    engine: &Engine,
    caller: &Caller,
    stored: &mut Decision,
    version: &PolicyVersion,
    now: u64,
    by: Option<EntryId>,
) -> Result<seal::Entry> {
    let row = version.body.row(stored.rule).unwrap_or(&version.body.default);
    stored.n += 1;
    stored.due_at = now + row.due_seconds * 1_000;
    stored.on_timeout = OnTimeout::Deny;
    stored.escalated_at = Some(now);
    let permit = authorize::unevaluated(authorize::engine_actor());
    let event =
        Event::Escalated { decision: stored.id, n: stored.n, need: stored.need, due: stored.due_at, review: by };
    let entry = seal::append(tx, engine, caller, &permit, &event).await?;
    db::decisions::insert_route(tx, stored, stored.n, "decision.escalated", entry.id, by).await?;
    db::decisions::set_route(tx, stored).await?;
    db::leases::end_all(tx, stored.id, LeaseEnd::Rerouted, entry.at).await?;
    keep_free_seat(tx, engine, stored, version).await?;
    outbox::leave_about(tx, engine, Topic::Escalated, stored.id, &entry).await?;
    Ok(entry)
}

/// Keeps whether the seat that is free now takes a senior approver; every act that changes approvals or route calls
/// it, so that the queue can ask it of all open decisions at once. Whose turn it is then is told outside the page too.
pub(crate) async fn keep_free_seat(
    conn: &mut PgConnection,
    engine: &Engine,
    stored: &Decision,
    version: &PolicyVersion,
) -> Result<()> {
    let rules = rules(conn, stored, version).await?;
    db::queue::set_senior_only(conn, stored.id, rules.quorum.takes_senior(&rules.approvals)).await?;
    outbox::leave_turn(conn, engine, stored).await
}

/// Works out the free seat of open decisions whose row does not have it; returns how many.
pub(crate) async fn seat_open(engine: &Engine, limit: i64) -> Result<usize> {
    let unseated = db::queue::list_unseated(&mut *engine.app.acquire().await?, limit).await?;
    for id in &unseated {
        let mut tx = engine.begin().await?;
        if let Some(stored) = db::decisions::lock(&mut tx, *id).await? {
            let version = db::policies::find(&mut tx, stored.policy_version).await?.ok_or(Error::NotFound)?;
            keep_free_seat(&mut tx, engine, &stored, &version).await?;
        }
        engine.commit(tx).await?;
    }
    Ok(unseated.len())
}

/// What a table that is not in force would do with a decision.
pub(crate) struct Asked {
    pub(crate) permit: Permit,
    /// Number of the last entry about it.
    pub(crate) n: u64,
    pub(crate) title: String,
    /// The rule that routed it, and its route.
    pub(crate) before: (String, Route),
    pub(crate) after: (String, Route),
    pub(crate) guards: Vec<String>,
    pub(crate) trace: Vec<RowTrace>,
}

/// Asks a table about a decision that the caller may see; what is personal is compared and not said.
pub(crate) async fn asked(
    tx: &mut Transaction<'static, Postgres>,
    engine: &Engine,
    caller: &Caller,
    id: DecisionId,
    body: &PolicyBody,
) -> Result<Asked> {
    let stored = db::decisions::find(tx, id).await?.ok_or(Error::NotFound)?;
    let target = Target::Decision { id, system: stored.system, n: stored.n };
    let permit = engine.authorize(tx, caller, Action::ViewDecision, target).await?;
    let routed_by = db::policies::find(tx, stored.policy_version).await?.ok_or(Error::NotFound)?;
    let loaded = Loaded::read(tx, engine, &stored).await?;
    let mut case = loaded.case();
    case.facts.mask(&loaded.definition, &loaded.definition.personal);
    let table = PolicyVersion { body: body.clone(), ..routed_by.clone() };
    let (routed, trace) = case.route(tx, engine, &table, stored.proposed_at).await?;
    let label = |body: &PolicyBody, rule| body.row(rule).unwrap_or(&body.default).label().to_owned();
    let shown = |name: &str| match loaded.definition.personal.iter().any(|masked| masked == name) {
        true => None,
        false => loaded.fields.get(name).cloned(),
    };
    Ok(Asked {
        permit,
        n: stored.n,
        title: countersign_domain::shown::said::title(&loaded.definition, shown),
        before: (label(&routed_by.body, stored.rule), stored.route),
        after: (label(body, routed.rule), routed.route),
        guards: routed.guards,
        trace,
    })
}

/// What orders routes: rank, approvals, those by seniors, what is asked of each review, and how few rejections reject.
type Strictness = (u8, u64, u64, (bool, bool), Reverse<u64>);

/// An order of routes: what asks more of people is greater, and refusing is greatest.
fn strictness(route: Route, quorum: &Quorum, demands: (bool, bool), reject_threshold: u64) -> Strictness {
    let rank = match route {
        Route::AutoApprove => 0,
        Route::Require => 1,
        Route::Escalate => 2,
        Route::Deny => 3,
    };
    match route.has_people() {
        true => (rank, quorum.need(), quorum.need_senior(), demands, Reverse(reject_threshold)),
        false => (rank, 0, 0, (false, false), Reverse(1)),
    }
}

/// What a row asks of each review: a signature, and a reason for every approval.
fn demands(version: &PolicyVersion, rule: u64) -> (bool, bool) {
    version.body.row(rule).map_or((false, false), |row| (row.signed, row.reasoned))
}
