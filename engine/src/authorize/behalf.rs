//! Reviewing in somebody's place: asked of the policies twice, for who would be acted for and for who acts.
//!
//! A delegation gives what its delegator could do at this moment, so the first question is whether the delegator may
//! review the decision themselves, by the same policies and hard rules; the second, whether the delegate may by the roles
//! that were given. Both people's rows are locked for share, so that neither's rights change before the act commits.

use countersign_domain::{
    authority::Authority,
    delegation::OnBehalf,
    holding::Holding,
    ids::{DelegationId, EntryId, PersonId, SessionId},
    problem::{Code, Problem},
    role::Role,
};
use countersign_ledger::leaf;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{
    ALONE, Action, Denial, EMERGENCY, Facts, Opinion, Permit, Target, Viewer, actor, ask, authorize, is_senior, mark,
};
use crate::{
    Engine,
    caller::{Actor, Caller},
    db,
    error::{Error, Result},
};

/// In whose right a person may review a decision.
#[derive(Clone, Debug)]
pub(crate) struct Right {
    pub(crate) permit: Permit,
    /// It is not their own.
    pub(crate) behalf: Option<Behalf>,
    /// It is that of a senior approver, up to its limits.
    pub(crate) senior: bool,
}

impl Right {
    /// In whose place, where it is not the person's own.
    pub(crate) fn on_behalf(&self) -> Option<PersonId> {
        self.behalf.as_ref().map(|behalf| behalf.on_behalf.delegator)
    }
}

/// A right that was given.
#[derive(Clone, Debug)]
pub(crate) struct Behalf {
    pub(crate) delegation: DelegationId,
    /// What the leaf says of it.
    pub(crate) on_behalf: OnBehalf,
}

/// Decides whether the caller may review a decision, in their own right or in somebody's place.
///
/// # Errors
///
/// [`Error::Forbidden`], or [`Error::Hidden`] where the caller may not even read it.
pub(crate) async fn authorize_review(
    conn: &mut PgConnection,
    engine: &Engine,
    caller: &Caller,
    target: Target,
    on_behalf: Option<PersonId>,
) -> Result<Right> {
    let (person, session) = caller.signed_in()?;
    let now = engine.now();
    let Some(delegator) = on_behalf else {
        let (policies, action) = (&engine.policies, Action::ReviewDecision);
        let permit = authorize(conn, policies, engine.operator, caller, action, target, now).await?;
        let senior = match target {
            Target::Decision { id, .. } => is_senior(conn, person, id, now).await?,
            _ => false,
        };
        return Ok(Right { permit, behalf: None, senior });
    };
    let factor_missing = matches!(caller.actor, Actor::Person { factor_missing: true, .. });
    let judged = judge(conn, engine, (person, session, factor_missing), delegator, target).await?;
    let acting = leaf::Actor { for_: Some(delegator.to_string()), ..actor(&caller.actor, engine.operator) };
    let authz =
        leaf::Authz { ids: judged.opinion.policies.clone(), rev: engine.policies.revision, ok: judged.is_allowed() };
    let permit = Permit { actor: acting, authz: Some(authz), authority: Some(judged.authority.clone()) };
    if let (true, Some((delegation, entry)), Ok(())) = (judged.opinion.allowed, judged.given, &judged.own) {
        let authority = (judged.theirs.n, judged.theirs.set());
        let behalf = Behalf { delegation, on_behalf: OnBehalf { delegator, delegation: entry, authority } };
        return Ok(Right { permit, behalf: Some(behalf), senior: judged.senior });
    }
    let (said, policies) = match (&judged.given, judged.own) {
        (None, _) => (Some(NOT_GIVEN), judged.opinion.policies),
        (Some(_), Err(policies)) => (Some(NOT_THEIRS), policies),
        // A rule about who acts, in its own words.
        (Some(_), Ok(())) => (None, judged.opinion.policies),
    };
    let four_eyes = engine.policies.are_four_eyes(&policies);
    let code = if four_eyes { Code::FourEyes } else { Code::Forbidden };
    let problem = said.map(|said| Problem { policies: policies.clone(), ..Problem::new(code, said) });
    let (action, object) = (Action::ReviewDecision, target.object());
    let denial = Box::new(Denial { policies, problem, four_eyes, action, object, permit, able: None });
    match ask(conn, engine, person, Action::ViewDecision, target).await?.allowed {
        true => Err(Error::Forbidden(denial)),
        false => Err(Error::Hidden(denial)),
    }
}

/// Says whether somebody could review a decision now, in their own right or in another's place, and whether as a senior
/// approver: for what is counted later than it was given.
pub(crate) async fn could_review(
    conn: &mut PgConnection,
    engine: &Engine,
    (person, on_behalf): (PersonId, Option<PersonId>),
    target: Target,
) -> Result<(bool, bool)> {
    match (on_behalf, target) {
        (Some(delegator), _) => {
            let nobody = SessionId(Uuid::nil());
            let judged = judge(conn, engine, (person, nobody, false), delegator, target).await?;
            Ok((judged.is_allowed(), judged.senior))
        }
        (None, Target::Decision { id, .. }) => {
            let allowed = ask(conn, engine, person, Action::ReviewDecision, target).await?.allowed;
            Ok((allowed, is_senior(conn, person, id, engine.now()).await?))
        }
        (None, _) => Ok((false, false)),
    }
}

/// Returns in whose right the caller may review a decision: their own first, then of those in whose place they act.
///
/// # Errors
///
/// Why they may not: by what was given to them, or by their own right where nothing was.
pub(crate) async fn rights(
    conn: &mut PgConnection,
    engine: &Engine,
    caller: &Caller,
    target: Target,
) -> Result<Vec<Right>> {
    let (person, _) = caller.signed_in()?;
    let mut rights = Vec::new();
    let mut refused = None;
    match authorize_review(conn, engine, caller, target, None).await {
        Ok(right) => rights.push(right),
        Err(error @ (Error::Forbidden(_) | Error::Hidden(_))) => refused = Some(error),
        Err(error) => return Err(error),
    }
    let mut delegators: Vec<_> =
        db::delegations::held(conn, person, engine.now()).await?.into_iter().map(|one| one.delegator).collect();
    delegators.dedup();
    for delegator in delegators {
        match authorize_review(conn, engine, caller, target, Some(delegator)).await {
            Ok(right) => rights.push(right),
            Err(error @ Error::Forbidden(_)) => refused = refused.map(|_| error),
            Err(Error::Hidden(_)) => {}
            Err(error) => return Err(error),
        }
    }
    match refused {
        Some(error) if rights.is_empty() => Err(error),
        _ => Ok(rights),
    }
}

/// What is known of a review in somebody's place.
struct Judged {
    /// The delegation that reaches it, and its entry.
    given: Option<(DelegationId, EntryId)>,
    /// Whether the delegator may review it themselves; else the policies that say no.
    own: std::result::Result<(), Vec<String>>,
    /// What the policies say of the delegate, by what was given.
    opinion: Opinion,
    /// What was given is a senior approver's.
    senior: bool,
    /// The delegate's authority, and the delegator's.
    authority: Authority,
    theirs: Authority,
}

impl Judged {
    fn is_allowed(&self) -> bool {
        self.given.is_some() && self.own.is_ok() && self.opinion.allowed
    }
}

async fn judge(
    conn: &mut PgConnection,
    engine: &Engine,
    (person, session, factor_missing): (PersonId, SessionId, bool),
    delegator: PersonId,
    target: Target,
) -> Result<Judged> {
    let now = engine.now();
    let mut facts = Facts::of(conn, target).await?;
    let matter = facts.matter.clone().ok_or(Error::NotFound)?;
    let account = db::people::lock_share(conn, person, session).await?.ok_or(Error::NotFound)?;
    let own = ask(conn, engine, delegator, Action::ReviewDecision, target).await?;
    // Both people are locked: what changes for either of them meanwhile is seen by the next act.
    let reaching: Vec<_> = db::delegations::held(conn, person, now)
        .await?
        .into_iter()
        .filter(|one| one.delegator == delegator && one.holding.reaches(&matter))
        .collect();
    let given = match reaching.first() {
        Some(one) => db::delegations::find(conn, one.delegation).await?.map(|found| (found.id, found.entry)),
        None => None,
    };
    facts.own(conn, target).await?;
    let held: Vec<Holding> = db::roles::held(conn, person, now).await?.into_iter().map(|held| held.holding).collect();
    let acts_for: Vec<Holding> = reaching.into_iter().map(|one| one.holding).collect();
    let viewer = Viewer {
        id: person,
        disabled: account.disabled,
        ended: account.ended,
        break_glass: account.break_glass,
        factor_missing,
        alone: account.alone,
        held: &held,
        stands_in: &acts_for,
        acts_for: Some(&acts_for),
    };
    let principal = viewer.entity(target, Some(&matter))?;
    let (allowed, mut policies) = engine.policies.decide(principal, Action::ReviewDecision, target.entity(&facts)?)?;
    for (is_so, word) in [(account.alone, ALONE), (account.break_glass, EMERGENCY)] {
        if allowed && is_so {
            mark(&mut policies, word);
        }
    }
    let authority = Authority { n: account.n, held: held.iter().flat_map(Holding::held).collect() };
    let account = db::people::lock_share(conn, delegator, SessionId(Uuid::nil())).await?.ok_or(Error::NotFound)?;
    let theirs = db::roles::held(conn, delegator, now).await?;
    let theirs = Authority { n: account.n, held: theirs.iter().flat_map(|held| held.holding.held()).collect() };
    Ok(Judged {
        given,
        own: if own.allowed { Ok(()) } else { Err(own.policies) },
        opinion: Opinion { allowed, policies },
        senior: acts_for.iter().any(|holding| holding.role == Role::SeniorApprover),
        authority,
        theirs,
    })
}

const NOT_GIVEN: &str = "You do not review in this person's place at present, or not as far as this reaches: the delegation ended, or something was taken from one of you. Show the decision as it is now.";
const NOT_THEIRS: &str = "In whose place you would review, may not review this themselves at present, and a delegation gives no more than that.";
