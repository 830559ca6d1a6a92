//! The invented people at their desks, and the invented agents, each act through the use case that a door would call.

use std::{
    collections::{BTreeMap, HashMap},
    net::Ipv4Addr,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use countersign_domain::{
    answer::AgentDecision,
    bulk::RunState,
    decision::{ReasonCode, State, Verdict},
    form,
    ids::{DecisionId, SystemId},
    queue::{Asked, Narrowed, Sort, View},
    saved::ViewName,
    talk::Note,
    text::Reason,
    time::date,
    view::Composer,
};
use countersign_engine::{
    Actor, Caller, Engine, Error,
    absences::{self, AbsenceForm},
    decisions::{self, BulkRequest, CommentRequest, ReviewRequest},
    delegations::{self, DelegationForm},
    demo,
    handovers::{self, HandoverRequest},
    keys,
    owners::{self, NamingRequest},
    saved_views, sessions, systems,
};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::cli::Failure;

/// After so many milliseconds somebody signs in anew.
const SIGNED_IN_MS: u64 = 20 * 60_000;

/// People who sign in when they have something to do.
pub(super) struct Staff {
    engine: Engine,
    signed_in: Mutex<HashMap<&'static str, (Caller, u64)>>,
}

/// An invented system with its agent.
#[derive(Clone)]
pub(super) struct Agent {
    pub(super) system: SystemId,
    caller: Caller,
}

/// What somebody says to a decision.
pub(super) struct Says {
    pub(super) verdict: Verdict,
    pub(super) code: ReasonCode,
    pub(super) reason: &'static str,
    /// When somebody who puts it off comes back.
    pub(super) follow_up: Option<u64>,
    /// Other parameters, where they approve with edits.
    pub(super) edits: BTreeMap<String, String>,
}

impl Says {
    pub(super) fn new(verdict: Verdict, code: ReasonCode, reason: &'static str) -> Self {
        Self { verdict, code, reason, follow_up: None, edits: BTreeMap::new() }
    }
}

impl Staff {
    pub(super) fn new(engine: &Engine) -> Self {
        Self { engine: engine.clone(), signed_in: Mutex::default() }
    }

    /// Somebody by sign-in name, signed in anew after a while.
    pub(super) async fn caller(&self, login: &'static str) -> Result<Caller, Error> {
        let now = self.engine.now();
        let known = self.signed_in.lock().unwrap_or_else(PoisonError::into_inner).get(login).cloned();
        if let Some((caller, since)) = known
            && now.saturating_sub(since) < SIGNED_IN_MS
        {
            return Ok(caller.again());
        }
        let caller = self.proven(login).await?;
        self.signed_in.lock().unwrap_or_else(PoisonError::into_inner).insert(login, (caller.clone(), now));
        Ok(caller)
    }

    /// Somebody who has just signed in, as for what asks for a fresh proof.
    pub(super) async fn proven(&self, login: &'static str) -> Result<Caller, Error> {
        let visitor = of(Actor::Anonymous);
        let token = demo::sign_in_with(&self.engine, &visitor, login).await?.token.reveal().to_owned();
        let actor = sessions::authenticate(&self.engine, &token).await?.ok_or(Error::NotFound)?;
        Ok(of(actor))
    }

    /// Opens a decision, starts the review, and rules on what is shown. Nothing where the person may not.
    pub(super) async fn rule(
        &self,
        login: &'static str,
        decision: DecisionId,
        says: &Says,
    ) -> Result<Option<State>, Error> {
        // A form is good for the sign-in that opened it.
        let caller = self.caller(login).await?;
        let mut shown = decisions::view(&self.engine, &caller, decision).await?;
        if let Composer::Ready { free: true, refused } = &shown.composer {
            if refused.iter().any(|refused| refused.verdict == says.verdict) {
                return Ok(None);
            }
            decisions::start_review(&self.engine, &caller.again(), decision).await?;
            shown = decisions::view(&self.engine, &caller.again(), decision).await?;
        }
        let Composer::Open { presentation, lease, ways, .. } = shown.composer else { return Ok(None) };
        // Who stands in for somebody does so where it is asked.
        let on_behalf = ways.last().and_then(|way| way.on_behalf.as_ref()).map(|(delegator, _)| *delegator);
        let form = ReviewRequest {
            code: Some(says.code),
            reason: Some(reason(says.reason)?),
            form: form::sample(&shown.form, says.verdict),
            opened: Some(vec!["context".to_owned()]),
            follow_up: says.follow_up,
            on_behalf,
            ..ReviewRequest::new(decision, presentation, lease, says.verdict)
        };
        let caller = caller.again();
        let reviewed = match says.verdict {
            Verdict::ApproveWithEdits => decisions::edit(&self.engine, &caller, form, says.edits.clone()).await?,
            _ => decisions::review(&self.engine, &caller, form).await?,
        };
        Ok(Some(reviewed.state))
    }

    /// Looks at several decisions side by side, opens what is unlike the rest, and rules on them by one act. Nothing where
    /// they do not fit together.
    pub(super) async fn rule_together(
        &self,
        login: &'static str,
        decisions: &[DecisionId],
        says: &Says,
    ) -> Result<(), Error> {
        let caller = self.caller(login).await?;
        let Some(first) = decisions::bulk(&self.engine, &caller, decisions, &[]).await?.sheet else { return Ok(()) };
        let unlike: Vec<_> = first.items.iter().filter(|item| item.waits()).map(|item| item.id).collect();
        let opened = decisions::bulk(&self.engine, &caller.again(), decisions, &unlike).await?;
        let Some(sheet) = opened.sheet else { return Ok(()) };
        let form =
            BulkRequest { bulk: sheet.bulk, verdict: says.verdict, code: says.code, reason: reason(says.reason)? };
        decisions::review_in_bulk(&self.engine, &caller.again(), form).await?;
        // The clock stays where it is until the last of them is reviewed.
        while decisions::bulk_run(&self.engine, &caller.again(), sheet.bulk).await?.state == RunState::Running {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }

    /// Takes a seat and does not rule yet.
    pub(super) async fn start(&self, login: &'static str, decision: DecisionId) -> Result<(), Error> {
        decisions::start_review(&self.engine, &self.caller(login).await?, decision).await
    }

    /// Takes back the person's own review while that is possible.
    pub(super) async fn retract(&self, login: &'static str, decision: DecisionId) -> Result<(), Error> {
        let shown = decisions::view(&self.engine, &self.caller(login).await?, decision).await?;
        if let Some(review) = shown.reviews.iter().find_map(|review| review.retractable) {
            decisions::retract(&self.engine, &self.caller(login).await?, decision, review).await?;
        }
        Ok(())
    }

    /// Says something about a decision, and asks somebody to answer where a name is given.
    pub(super) async fn comment(
        &self,
        login: &'static str,
        decision: DecisionId,
        text: &str,
        asks: &str,
    ) -> Result<(), Error> {
        let comment = Note::new(text).map_err(|error| Error::Setup(error.to_string()))?;
        let nonce = decisions::comments(&self.engine, &self.caller(login).await?, decision).await?.nonce;
        let request = CommentRequest { decision, nonce, comment, asks: asks.to_owned(), answers: None };
        decisions::comment(&self.engine, &self.caller(login).await?, request).await
    }

    /// Has the admin name somebody as the owner of a system that nobody owns.
    pub(super) async fn own(&self, login: &'static str, system: SystemId) -> Result<(), Error> {
        let shown = systems::list(&self.engine, &self.caller("admin-a").await?).await?;
        let Some(row) = shown.systems.iter().find(|row| row.id == system && row.owner.is_none()) else { return Ok(()) };
        let reason = reason("They run it and answer for what it proposes.")?;
        let naming = NamingRequest { system, login: login.to_owned(), before: row.owner_entry, reason };
        owners::name(&self.engine, &self.caller("admin-a").await?, naming).await
    }

    /// Is away from one day to another, both included, and lets somebody review in their place meanwhile.
    pub(super) async fn go_away(
        &self,
        login: &'static str,
        stand_in: &'static str,
        (from, until): (u64, u64),
    ) -> Result<(), Error> {
        let to = self.caller(stand_in).await?.person().ok_or(Error::NotFound)?.to_string();
        let (from, until) = (date(from), date(until));
        let form = DelegationForm { to, from: from.clone(), until: until.clone(), ..DelegationForm::default() };
        let given = delegations::give(&self.engine, &self.caller(login).await?, form).await?;
        let form = AbsenceForm { from, until, delegation: given.to_string() };
        absences::set(&self.engine, &self.caller(login).await?, form).await
    }

    /// Leaves a note for the next shift, about all systems.
    pub(super) async fn hand_over(&self, login: &'static str, text: &str) -> Result<(), Error> {
        let note = Note::new(text).map_err(|error| Error::Setup(error.to_string()))?;
        let writer = self.caller(login).await?;
        let nonce = handovers::view(&self.engine, &writer).await?.nonce;
        handovers::note(&self.engine, &writer.again(), HandoverRequest { system: None, nonce, note }).await
    }

    /// Keeps a view of open decisions of one type, the newest first.
    pub(super) async fn keep_view(&self, login: &'static str, name: &str, type_name: &str) -> Result<(), Error> {
        let name = ViewName::new(name).map_err(|error| Error::Setup(error.to_string()))?;
        let narrowed = Narrowed { type_name: Some(type_name.to_owned()), ..Narrowed::default() };
        let asked = Asked { view: View::Team, sort: Sort::Newest, narrowed };
        saved_views::save(&self.engine, &self.caller(login).await?, name, asked).await.map(|_| ())
    }
}

impl Agent {
    /// Registers a system, and gives its agent a key in place of any that it had. Returns the key too.
    pub(super) async fn register(engine: &Engine, name: &str) -> Result<(Self, String), Failure> {
        let operator = Caller::operator();
        let system = match systems::find_by_name(engine, name).await? {
            Some(system) => system,
            None => systems::register(engine, &operator, name).await?,
        };
        systems::revoke_keys(engine, &operator, system).await?;
        let key = systems::issue_key(engine, &operator, system).await?.key;
        let actor = keys::authenticate(engine, &key, Ipv4Addr::LOCALHOST.into()).await?;
        Ok((Self { system, caller: of(actor) }, key))
    }

    pub(super) async fn propose(&self, engine: &Engine, key: &str, body: &Value) -> Result<DecisionId, Error> {
        let stored = decisions::propose(engine, &self.caller.again(), key, body.to_string().as_bytes()).await?;
        let id = stored.body["id"].as_str().and_then(|id| id.parse().ok());
        id.ok_or_else(|| Error::Setup("an answer named no decision".into()))
    }

    pub(super) async fn read(&self, engine: &Engine, id: DecisionId) -> Result<AgentDecision, Error> {
        decisions::get(engine, &self.caller.again(), id).await
    }

    pub(super) async fn report(
        &self,
        engine: &Engine,
        id: DecisionId,
        result: &str,
        effect: &str,
    ) -> Result<(), Error> {
        let body = json!({"result": result, "effect": effect}).to_string();
        let key = format!("{id}:outcome");
        decisions::report_outcome(engine, &self.caller.again(), id, &key, body.as_bytes()).await.map(|_| ())
    }

    pub(super) async fn revise(&self, engine: &Engine, id: DecisionId, body: &Value) -> Result<(), Error> {
        let key = format!("{id}:revision");
        decisions::revise(engine, &self.caller.again(), id, &key, body.to_string().as_bytes()).await.map(|_| ())
    }

    pub(super) async fn withdraw(&self, engine: &Engine, id: DecisionId) -> Result<(), Error> {
        let body = json!({"reason_code": "no_longer_needed"}).to_string();
        let key = format!("{id}:withdrawal");
        decisions::withdraw(engine, &self.caller.again(), id, &key, body.as_bytes()).await.map(|_| ())
    }
}

/// The reason in full.
pub(super) fn reason(text: &str) -> Result<Reason, Error> {
    Reason::new(text).map_err(|error| Error::Setup(error.to_string()))
}

fn of(actor: Actor) -> Caller {
    Caller::new(actor, "127.0.0.1", "demo", Uuid::nil())
}
