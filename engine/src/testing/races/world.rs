//! Whom and what the campaign acts on: people who come and go, a few open decisions, forms kept open.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use countersign_domain::{
    decision::Risk,
    decision_type::TypeDefinition,
    form::{AnswerKind, FormField},
    holding::Holding,
    ids::{DecisionId, PersonId, SystemId},
    problem::Code,
    role::Role,
};
use serde_json::json;

use super::{
    Dice, Tally,
    acts::Act,
    invariants::{self, open, untold},
    tables,
};
use crate::{
    Caller, Engine, Error, Result, decision_types,
    decisions::{self, ReviewRequest},
    expiry, keys, policies, sessions, systems,
    testing::{self, TestClock, admit, again, caller, id_of, refund, unique},
};

/// Decisions that are acted on at once; fewer than actors, so that several always meet.
const LIVE: usize = 10;
/// Forms kept open at most.
const KEPT_MAX: usize = 64;
/// People who are without their role, who are disabled, and who say that they are away, at most.
const AWAY_MAX: usize = 2;
/// The type of low risk, where an editor's own approval may be enough.
const SMALL: &str = "refund.small";
/// Acts at most, to those wanted, until one of each kind has taken effect.
const ACTS_TO_WANTED_MAX: u64 = 3;
/// Faults that are told in full.
const FAULTS_MAX: usize = 20;

/// A person with the cookie of their browser.
pub(crate) struct Member {
    pub(crate) id: PersonId,
    pub(crate) role: Role,
    pub(crate) login: String,
    token: Mutex<String>,
}

/// Reviewers who lack something for now, by their places: their role, leave to sign in, or time.
#[derive(Default)]
pub(crate) struct Away(Mutex<Gone>);

#[derive(Default)]
struct Gone {
    all: BTreeSet<usize>,
    /// Somebody gives it back to them at this moment.
    returning: BTreeSet<usize>,
}

impl Away {
    /// Takes note that a reviewer goes, unless they have or too many have.
    pub(crate) fn go(&self, reviewer: usize) -> bool {
        let mut gone = held(&self.0);
        gone.all.len() < AWAY_MAX && gone.all.insert(reviewer)
    }

    /// Returns somebody who is away and to whom nobody gives it back yet.
    pub(crate) fn some(&self) -> Option<usize> {
        let mut gone = held(&self.0);
        let found = gone.all.difference(&gone.returning).next().copied()?;
        gone.returning.insert(found);
        Some(found)
    }

    /// Takes note of how giving it back ended.
    pub(crate) fn returned(&self, reviewer: usize, ended: &Result<()>) {
        held(&self.0).returning.remove(&reviewer);
        if ended.is_ok() {
            self.stays(reviewer);
        }
    }

    /// Takes note that a reviewer lacks nothing.
    pub(crate) fn stays(&self, reviewer: usize) {
        held(&self.0).all.remove(&reviewer);
    }
}

/// Everything that the actors share.
pub(crate) struct World {
    pub(crate) engine: Engine,
    pub(crate) clock: TestClock,
    pub(crate) admins: [Member; 2],
    pub(crate) author: Member,
    pub(crate) officer: Member,
    /// Five approvers and three senior approvers.
    pub(crate) reviewers: Vec<Member>,
    pub(crate) agent: Caller,
    pub(crate) system: SystemId,
    name: String,
    proposed: AtomicU64,
    live: Vec<Mutex<DecisionId>>,
    kept: Mutex<Vec<(usize, ReviewRequest)>>,
    pub(crate) without: Away,
    pub(crate) barred: Away,
    pub(crate) absent: Away,
    wanted: u64,
    acts: AtomicU64,
    kinds: Mutex<BTreeMap<&'static str, Tally>>,
    faults: Mutex<Vec<String>>,
}

impl World {
    pub(crate) async fn open(engine: &Engine, clock: &TestClock, wanted: u64) -> Result<Self> {
        let name = unique();
        let member = async |word: &str, role: Role| {
            let login = format!("{word}-{}", &name[..12]);
            let new = admit(engine, &login, &login, vec![Holding::everywhere(role)]).await?;
            Result::Ok(Member { id: new.person, role, login, token: Mutex::new(new.token.reveal().to_owned()) })
        };
        let admins = [member("admin-one", Role::Admin).await?, member("admin-two", Role::Admin).await?];
        let author = member("author", Role::PolicyAuthor).await?;
        let officer = member("officer", Role::ComplianceOfficer).await?;
        let mut reviewers = Vec::new();
        for number in 1..=8 {
            let role = if number <= 5 { Role::Approver } else { Role::SeniorApprover };
            reviewers.push(member(&format!("reviewer-{number}"), role).await?);
        }
        decision_types::define(engine, &Caller::operator(), refund()).await?;
        let noted = FormField {
            name: "noted".to_owned(),
            label: "Noted".to_owned(),
            hint: None,
            kind: AnswerKind::Boolean,
            choices: Vec::new(),
            // A page of several decisions answers nothing.
            required: false,
            verdicts: Vec::new(),
        };
        let small = TypeDefinition { name: SMALL.to_owned(), risk: Risk::Low, form: vec![noted], ..refund() };
        decision_types::define(engine, &Caller::operator(), small).await?;
        let system = systems::register(engine, &Caller::operator(), &format!("agent-{}", &name[..12])).await?;
        let key = systems::issue_key(engine, &Caller::operator(), system).await?.key;
        let agent = caller(keys::authenticate(engine, &key, std::net::Ipv4Addr::LOCALHOST.into()).await?);
        let mut world = Self {
            engine: engine.clone(),
            clock: clock.clone(),
            admins,
            author,
            officer,
            reviewers,
            agent,
            system,
            name,
            proposed: AtomicU64::new(0),
            live: Vec::new(),
            kept: Mutex::default(),
            without: Away::default(),
            barred: Away::default(),
            absent: Away::default(),
            wanted,
            acts: AtomicU64::new(0),
            kinds: Mutex::default(),
            faults: Mutex::default(),
        };
        let (author, officer) = (world.door(&world.author).await?, world.fresh(&world.officer).await?);
        let mut dice = Dice::new(0);
        policies::enforce(engine, &author, &officer, &tables::draw(&mut dice)).await?;
        for _ in 0..LIVE {
            let decision = world.propose().await?;
            world.live.push(Mutex::new(decision));
        }
        Ok(world)
    }

    /// Returns the next act, or nothing where there were enough: as many as wanted, and one of each kind that took effect.
    ///
    /// A rare kind may be refused each time for a while. Then it gets half of the acts that follow, up to
    /// [`ACTS_TO_WANTED_MAX`] times those wanted, so that whether a short campaign has raced it is not a matter of luck.
    pub(crate) fn next(&self, dice: &mut Dice) -> Option<Act> {
        let acts = self.acts.load(Ordering::Relaxed);
        if acts < self.wanted {
            return Some(Act::draw(dice));
        }
        let idle = self.idle();
        if idle.is_empty() || acts >= self.wanted * ACTS_TO_WANTED_MAX {
            return None;
        }
        Some(if dice.below(2) == 0 { idle[dice.place(idle.len())] } else { Act::draw(dice) })
    }

    /// The kinds of which none has taken effect yet.
    fn idle(&self) -> Vec<Act> {
        let kinds = held(&self.kinds);
        let took_effect = |name: &str| kinds.get(name).is_some_and(|tally| tally.done > 0);
        Act::MIX.iter().filter(|(_, name, _)| !took_effect(name)).map(|(act, ..)| *act).collect()
    }

    pub(crate) fn note(&self, act: Act, ended: Vec<Result<()>>) {
        self.acts.fetch_add(ended.len() as u64, Ordering::Relaxed);
        let mut kinds = held(&self.kinds);
        let tally = kinds.entry(act.name()).or_default();
        for one in ended {
            match one.map_err(refusal) {
                Ok(()) => tally.done += 1,
                Err(Ok(code)) => *tally.refused.entry(code).or_default() += 1,
                Err(Err(fault)) => {
                    let mut faults = held(&self.faults);
                    if faults.len() < FAULTS_MAX {
                        faults.push(format!("{}: {fault}", act.name()));
                    }
                }
            }
        }
    }

    pub(crate) fn tally(&self) -> (BTreeMap<&'static str, Tally>, Vec<String>, u64) {
        (held(&self.kinds).clone(), held(&self.faults).clone(), self.acts.load(Ordering::Relaxed))
    }

    /// Comes in as a request does: by the cookie, and by a new sign-in where it stands for nobody.
    pub(crate) async fn door(&self, member: &Member) -> Result<Caller> {
        let token = held(&member.token).clone();
        match sessions::authenticate(&self.engine, &token).await? {
            Some(actor) => Ok(caller(actor)),
            None => self.fresh(member).await,
        }
    }

    /// Signs in anew, as for what asks for a recent proof.
    pub(crate) async fn fresh(&self, member: &Member) -> Result<Caller> {
        let new = testing::sign_in(&self.engine, member.id).await?;
        let token = new.token.reveal().to_owned();
        held(&member.token).clone_from(&token);
        let unknown = || Error::refused(Code::Unauthenticated, "The sign-in ended at once.");
        sessions::authenticate(&self.engine, &token).await?.map(caller).ok_or_else(unknown)
    }

    pub(crate) fn some_decision(&self, dice: &mut Dice) -> (usize, DecisionId) {
        let slot = dice.place(self.live.len());
        (slot, *held(&self.live[slot]))
    }

    /// The decisions that are acted on now, by their places.
    pub(crate) fn slots(&self) -> impl Iterator<Item = DecisionId> {
        self.live.iter().map(|slot| *held(slot))
    }

    /// After a refusal the decision may be over; then the agent reads it and another takes its place.
    pub(crate) async fn after(&self, slot: usize, decision: DecisionId, ended: &Result<()>) -> Result<()> {
        let over = match ended {
            Err(Error::Forbidden(denial)) => denial.problem.as_ref().map(|problem| problem.code),
            Err(Error::Refused(problem)) => Some(problem.code),
            _ => None,
        };
        match over {
            Some(Code::AlreadyResolved | Code::InvalidTransition) => self.read_and_renew(slot, decision).await,
            _ => Ok(()),
        }
    }

    /// Reads as the agent, which is the release of what is resolved and sealed, and puts another decision in its place.
    pub(crate) async fn read_and_renew(&self, slot: usize, decision: DecisionId) -> Result<()> {
        let told = decisions::get(&self.engine, &again(&self.agent), decision).await?;
        if told.resolution.is_none() || *held(&self.live[slot]) != decision {
            return Ok(());
        }
        let next = self.propose().await?;
        *held(&self.live[slot]) = next;
        Ok(())
    }

    async fn propose(&self) -> Result<DecisionId> {
        let number = self.proposed.fetch_add(1, Ordering::Relaxed);
        let amount = tables::amount(&mut Dice::new(number));
        let key = format!("{}-{number}", self.name);
        let kind = if number.is_multiple_of(3) { SMALL } else { "refund.issue" };
        let body = Self::proposal(kind, &key, amount);
        let stored = decisions::propose(&self.engine, &again(&self.agent), &key, body.as_bytes()).await?;
        Ok(id_of(&stored))
    }

    /// What the agent sends for a refund.
    pub(crate) fn proposal(kind: &str, order: &str, amount: u64) -> String {
        let body = json!({
            "mode": "propose",
            "action": {"type": kind, "parameters": {"order": order, "amount": amount.to_string()}},
            "rationale": "The parcel never arrived.",
            "subjects": [{"ref": "customer 4711", "kind": "person"}],
            "impact": {"effects": ["financial"], "adverse": false, "affected": 1},
        });
        body.to_string()
    }

    pub(crate) fn keep(&self, reviewer: usize, form: ReviewRequest) {
        let mut kept = held(&self.kept);
        if kept.len() >= KEPT_MAX {
            kept.remove(0);
        }
        kept.push((reviewer, form));
    }

    pub(crate) fn take_kept(&self, dice: &mut Dice) -> Option<(usize, ReviewRequest)> {
        let mut kept = held(&self.kept);
        if kept.is_empty() {
            return None;
        }
        let place = dice.place(kept.len());
        Some(kept.swap_remove(place))
    }

    /// Lets everything that is open run out, tells the agent every resolution, and waits for the last seal.
    pub(crate) async fn settle(&self) -> Result<()> {
        for _ in 0..500 {
            let left = open(&mut *self.engine.app.acquire().await?).await?;
            self.end_waits().await?;
            if left.is_empty() {
                break;
            }
            // What was handed up runs out a second time.
            self.clock.advance(60_000);
            decisions::ask_open(&self.engine, 200).await?;
            expiry::expire_due(&self.engine).await?;
        }
        self.sealed().await?;
        for decision in untold(&mut *self.engine.app.acquire().await?).await? {
            decisions::get(&self.engine, &again(&self.agent), decision).await?;
        }
        self.sealed().await
    }

    async fn sealed(&self) -> Result<()> {
        for _ in 0..6_000 {
            let size = invariants::size(&mut *self.engine.app.acquire().await?).await?;
            if size == Some(self.engine.head.borrow().size) {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Err(Error::Setup("entries were left without a place for a minute".to_owned()))
    }
}

/// The problem code of a refusal, or what a fault says.
fn refusal(error: Error) -> std::result::Result<&'static str, String> {
    match error {
        Error::Refused(problem) => Ok(problem.code.word()),
        Error::Forbidden(denial) => Ok(denial.code().word()),
        Error::Hidden(_) | Error::NotFound => Ok(Code::NotFound.word()),
        // A full house: nothing happened, and whoever asked may ask again.
        Error::Unavailable(_) => Ok(Code::Unavailable.word()),
        Error::CannotSeal(_) => Ok(Code::CannotSeal.word()),
        other => {
            let mut text = other.to_string();
            let mut source = std::error::Error::source(&other);
            while let Some(error) = source {
                text = format!("{text}: {error}");
                source = error.source();
            }
            Err(text)
        }
    }
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_so_many_are_away_and_each_is_given_back_to_by_one() {
        let away = Away::default();

        assert!(away.go(1) && !away.go(1) && away.go(2) && !away.go(3));
        assert_eq!((away.some(), away.some(), away.some()), (Some(1), Some(2), None));
        away.returned(1, &Err(Error::NotFound));
        away.returned(2, &Ok(()));
        assert_eq!((away.some(), away.some()), (Some(1), None));
        assert!(away.go(3));
    }

    #[test]
    fn a_refusal_is_told_from_a_fault() {
        assert_eq!(refusal(Error::NotFound), Ok("not_found"));
        assert_eq!(refusal(Error::refused(Code::Stale, "Too old.")), Ok("stale"));
        assert!(refusal(Error::LostRace).is_err());
        assert!(refusal(Error::Database(sqlx::Error::RowNotFound)).unwrap_err().contains(": "));
    }
}
