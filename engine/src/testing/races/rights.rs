//! Acts by which rights change hands, by which one form rules on several decisions, and by which one person or a grant
//! decides what others would be asked about.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use countersign_domain::{
    bulk::{ItemResult, RunState},
    decision::{ReasonCode, ResolutionOutcome, Verdict},
    grant::GrantForm,
    ids::{BulkRunId, DecisionId, PersonId},
    overrides::{Overriding, PostReviewResult},
    problem::Code,
    time::{DAY_MS, date},
};

use super::{
    Dice,
    acts::some_verdict,
    hands::{nothing, reason},
    invariants::{delegations, grants as stored_grants, refused_by_rule, to_look_at},
    tables,
    world::World,
};
use crate::{
    Caller, Error, Result,
    absences::{self, AbsenceForm},
    db,
    decisions::{self, BulkRequest, OverrideRequest},
    delegations::{self as delegating, DelegationForm},
    grants::{self, GrantRequest},
    owners::{self, NamingRequest},
    post_reviews,
    testing::again,
};

/// Delegations that run at once at most: of two people who are tied one counts, and a quorum has to stay in reach.
const DELEGATIONS_MAX: usize = 2;
/// How often it is looked whether a page of several decisions is done, and how long that takes.
const LOOKS: (u32, Duration) = (600, Duration::from_millis(50));
/// How long a commit may take to its seal with the machine loaded as it is here.
const SEALED_WITHIN: Duration = Duration::from_secs(30);

impl World {
    /// Lets a colleague review in one's place; or ends that, where enough do.
    pub(super) async fn delegate(&self, dice: &mut Dice) -> Result<()> {
        if delegations(&mut *self.engine.app.acquire().await?).await?.len() >= DELEGATIONS_MAX {
            return self.end_delegation(dice).await;
        }
        let (from, to) = (dice.place(self.reviewers.len()), dice.place(self.reviewers.len()));
        let caller = self.door(&self.reviewers[from]).await?;
        let form = DelegationForm {
            to: self.reviewers[to].id.to_string(),
            until: date(self.engine.now() + DAY_MS),
            ..DelegationForm::default()
        };
        delegating::give(&self.engine, &caller, form).await.map(|_| ())
    }

    /// Ends a delegation, as either of the two.
    pub(super) async fn end_delegation(&self, dice: &mut Dice) -> Result<()> {
        let running = delegations(&mut *self.engine.app.acquire().await?).await?;
        if running.is_empty() {
            return Err(nothing());
        }
        let (id, between) = running[dice.place(running.len())];
        let caller = self.door_of(between[dice.place(between.len())]).await?;
        delegating::end(&self.engine, &caller, id).await
    }

    /// Says that one is away; or that somebody is back, where enough are.
    pub(super) async fn go_away(&self, dice: &mut Dice) -> Result<()> {
        let reviewer = dice.place(self.reviewers.len());
        if !self.absent.go(reviewer) {
            return self.come_back().await;
        }
        let ended = async {
            let caller = self.door(&self.reviewers[reviewer]).await?;
            let form = AbsenceForm { until: date(self.engine.now() + DAY_MS), ..AbsenceForm::default() };
            absences::set(&self.engine, &caller, form).await
        };
        let ended = ended.await;
        if ended.is_err() {
            self.absent.stays(reviewer);
        }
        ended
    }

    /// Somebody who is away is back.
    pub(super) async fn come_back(&self) -> Result<()> {
        let Some(reviewer) = self.absent.some() else { return Err(nothing()) };
        let ended = async { absences::clear(&self.engine, &self.door(&self.reviewers[reviewer]).await?).await };
        let ended = ended.await;
        self.absent.returned(reviewer, &ended);
        ended
    }

    /// Rules on all of the few decisions that fit together by one form, which is sent twice; each has its own end.
    pub(super) async fn bulk(&self, dice: &mut Dice) -> Vec<Result<()>> {
        let ids = self.all_live();
        let (reviewer, verdict) = (dice.place(self.reviewers.len()), some_verdict(dice));
        let ended = match self.send_bulk(reviewer, &ids, verdict).await {
            Ok(results) => results.into_iter().map(ended).collect(),
            Err(error) => vec![Err(error)],
        };
        for (slot, decision) in self.slots().enumerate().collect::<Vec<_>>() {
            if let Err(error) = self.read_and_renew(slot, decision).await {
                return vec![Err(error)];
            }
        }
        ended
    }

    async fn send_bulk(&self, reviewer: usize, ids: &[DecisionId], verdict: Verdict) -> Result<Vec<ItemResult>> {
        let caller = self.door(&self.reviewers[reviewer]).await?;
        let open = async |ids: &[DecisionId]| decisions::bulk(&self.engine, &again(&caller), ids, ids).await;
        let mut page = open(ids).await?;
        if page.sheet.is_none() && !page.fitting.is_empty() {
            page = open(&page.fitting).await?;
        }
        let Some(sheet) = page.sheet else { return Err(nothing()) };
        let code = if verdict == Verdict::Approve { ReasonCode::WithinPolicy } else { ReasonCode::AgainstPolicy };
        let request = BulkRequest { bulk: sheet.bulk, verdict, code, reason: reason()? };
        let send = async |request| decisions::review_in_bulk(&self.engine, &again(&caller), request).await;
        let (first, second) = tokio::join!(send(request.clone()), send(request));
        first.and(second)?;
        self.results(&caller, sheet.bulk).await
    }

    async fn results(&self, caller: &Caller, bulk: BulkRunId) -> Result<Vec<ItemResult>> {
        let (times, between) = LOOKS;
        for _ in 0..times {
            let run = decisions::bulk_run(&self.engine, &again(caller), bulk).await?;
            if run.state == RunState::Finished {
                return Ok(run.rows.iter().map(|row| row.result).collect());
            }
            tokio::time::sleep(between).await;
        }
        Err(Error::Setup(format!("the page {bulk} of several decisions did not come to its end")))
    }

    /// Two people release what a rule refused at once, while the agent reads it; both taking effect is a fault.
    pub(super) async fn overrule(&self, dice: &mut Dice) -> Vec<Result<()>> {
        let chosen = async {
            let refused = refused_by_rule(&mut *self.engine.app.acquire().await?).await?;
            if refused.is_empty() { Err(nothing()) } else { Ok(refused[dice.place(refused.len())]) }
        };
        let decision = match chosen.await {
            Ok(decision) => decision,
            Err(error) => return vec![Err(error)],
        };
        let (one, other) = (dice.place(self.reviewers.len()), dice.place(self.reviewers.len()));
        let agent = again(&self.agent);
        let (first, second, read) = tokio::join!(
            self.release(one, decision),
            self.release(other, decision),
            decisions::get(&self.engine, &agent, decision)
        );
        let read = match (read, first.is_ok() || second.is_ok()) {
            (Err(error), _) => Err(error),
            (Ok(_), false) => Ok(()),
            (Ok(_), true) => self.reads_released(decision).await,
        };
        match (&first, &second) {
            (Ok(()), Ok(())) => vec![first, Err(Error::Setup(format!("{decision} was released twice")))],
            _ => [first, second].into_iter().chain(read.err().map(Err)).collect(),
        }
    }

    async fn release(&self, reviewer: usize, decision: DecisionId) -> Result<()> {
        let caller = self.fresh(&self.reviewers[reviewer]).await?;
        let page = decisions::view(&self.engine, &again(&caller), decision).await?;
        let Some(Overriding::Open { presentation, resolution, policy, .. }) = page.overriding else {
            return Err(Error::refused(Code::InvalidTransition, "It is not released now, or not by this person."));
        };
        let (code, reason) = (ReasonCode::Other, reason()?);
        let form = OverrideRequest { decision, presentation, resolution, policy, code, reason };
        decisions::overrule(&self.engine, &again(&caller), form).await
    }

    /// Once a release is sealed its agent reads an approval, unless that was revoked, or is kept from it by a pause. Whoever
    /// releases waits for the seal only for a moment: under load it comes later, and the agent is told later.
    async fn reads_released(&self, decision: DecisionId) -> Result<()> {
        let begun = Instant::now();
        loop {
            let told = decisions::get(&self.engine, &again(&self.agent), decision).await?;
            let paused = told.paused;
            match told.resolution.map(|resolution| resolution.outcome) {
                None | Some(ResolutionOutcome::Approved | ResolutionOutcome::Revoked) => return Ok(()),
                Some(ResolutionOutcome::Rejected) if paused => return Ok(()),
                Some(ResolutionOutcome::Rejected) if begun.elapsed() < SEALED_WITHIN => {
                    tokio::time::sleep(SEALED_WITHIN / 100).await;
                }
                other => {
                    return Err(Error::Setup(format!("{decision} is released, and its agent reads {other:?}")));
                }
            }
        }
    }

    /// Another person looks at an override or a revocation.
    pub(super) async fn post_review(&self, dice: &mut Dice) -> Result<()> {
        let acts = to_look_at(&mut *self.engine.app.acquire().await?).await?;
        if acts.is_empty() {
            return Err(nothing());
        }
        let act = acts[dice.place(acts.len())];
        let caller = match dice.below(2) {
            0 => self.door(&self.officer).await?,
            _ => self.door(&self.reviewers[dice.place(self.reviewers.len())]).await?,
        };
        let result = if dice.below(4) == 0 { PostReviewResult::NotUpheld } else { PostReviewResult::Upheld };
        post_reviews::give(&self.engine, &caller, act, result, reason()?).await
    }

    /// Names somebody to answer for the system: a reviewer, who reviews no more, the author of policies, or nobody.
    pub(super) async fn name_owner(&self, dice: &mut Dice) -> Result<()> {
        let admin = self.fresh(&self.admins[0]).await?;
        let before = db::owners::list(&mut *self.engine.app.acquire().await?).await?;
        let before = before.into_iter().find(|owner| owner.system == self.system).map(|owner| owner.entry);
        let login = match dice.place(self.reviewers.len() + 2) {
            place if place < self.reviewers.len() => self.reviewers[place].login.clone(),
            place if place == self.reviewers.len() => self.author.login.clone(),
            _ => String::new(),
        };
        owners::name(&self.engine, &admin, NamingRequest { system: self.system, login, before, reason: reason()? })
            .await
    }

    /// Asks that the system may do something a few times without anybody being asked.
    pub(super) async fn ask_grant(&self, dice: &mut Dice) -> Result<()> {
        let types = db::decision_types::list_all(&mut *self.engine.app.acquire().await?).await?;
        let (type_id, _) = &types[dice.place(types.len())];
        let form = GrantForm {
            system: self.system.to_string(),
            type_id: type_id.to_string(),
            uses: (1 + dice.below(3)).to_string(),
            hours: "1".to_owned(),
            fields: [("max_amount".to_owned(), tables::amount(dice).to_string())].into(),
        };
        let caller = self.door(&self.reviewers[dice.place(self.reviewers.len())]).await?;
        grants::request(&self.engine, &caller, GrantRequest { form, reason: reason()? }).await.map(|_| ())
    }

    /// One person activates a grant while another one refuses it; both taking effect is a fault.
    pub(super) async fn judge_grant(&self, dice: &mut Dice) -> Vec<Result<()>> {
        let chosen = async {
            let asked = stored_grants(&mut *self.engine.app.acquire().await?, "requested").await?;
            let id = *asked.first().ok_or_else(nothing)?;
            let activates = self.fresh(&self.reviewers[dice.place(self.reviewers.len())]).await?;
            Ok((id, activates, self.fresh(&self.officer).await?, dice.below(3) == 0))
        };
        let (id, one, officer, contested) = match chosen.await {
            Ok(chosen) => chosen,
            Err(error) => return vec![Err(error)],
        };
        let activate = async { grants::activate(&self.engine, &one, id, reason()?).await };
        let refuse = async { grants::refuse(&self.engine, &officer, id, reason()?).await };
        if !contested {
            return vec![activate.await];
        }
        match tokio::join!(activate, refuse) {
            (Ok(()), Ok(())) => vec![Ok(()), Err(Error::Setup(format!("grant {id} was activated and refused")))],
            (activated, refused) => vec![activated, refused],
        }
    }

    /// Ends an active grant alone.
    pub(super) async fn revoke_grant(&self, dice: &mut Dice) -> Result<()> {
        let active = stored_grants(&mut *self.engine.app.acquire().await?, "active").await?;
        if active.is_empty() {
            return Err(nothing());
        }
        let caller = self.door(&self.reviewers[dice.place(self.reviewers.len())]).await?;
        grants::revoke(&self.engine, &caller, active[dice.place(active.len())], reason()?).await
    }

    async fn door_of(&self, person: PersonId) -> Result<Caller> {
        let member = self.reviewers.iter().find(|member| member.id == person).ok_or(Error::NotFound)?;
        self.door(member).await
    }

    /// The decisions that are acted on now, each once.
    fn all_live(&self) -> Vec<DecisionId> {
        let live: BTreeSet<_> = self.slots().collect();
        live.into_iter().collect()
    }
}

fn ended(result: ItemResult) -> Result<()> {
    match result {
        ItemResult::Applied => Ok(()),
        ItemResult::Conflict => Err(Error::refused(Code::Stale, "It had changed.")),
        ItemResult::NotAllowed => Err(Error::refused(Code::Forbidden, "The person may not.")),
        ItemResult::NotDone => Err(Error::refused(Code::Unavailable, "The server did not record it.")),
        ItemResult::Waiting => Err(Error::Setup("a page that came to its end has decisions without a result".into())),
    }
}
