//! The acts of the campaign: each is one that a person, the agent or the engine's own jobs can send.

use countersign_domain::{decision::Verdict, holding::Holding, ids::DecisionId, problem::Code};
use tokio::task::JoinSet;

use super::{Dice, tables, world::World};
use crate::{
    Error, Result, changes, db,
    decisions::{self, ReviewRequest},
    expiry, people, policies,
    roles::{self, Assigned},
    sessions,
    testing::{self, again},
};

/// One act. Another takes a row in [`Act::MIX`] and an arm in [`World::perform`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Act {
    Approve,
    Reject,
    View,
    SendOld,
    SendTwice,
    Together,
    AgentReads,
    Deadlines,
    AskOpen,
    Time,
    Policy,
    TakeRole,
    GiveRole,
    Disable,
    Enable,
    EndSignIn,
    Retract,
    Abstain,
    Defer,
    HandUp,
    AskForChanges,
    Edit,
    Revise,
    Withdraw,
    Pause,
    Resume,
    TakeOver,
    GiveUp,
    Revoke,
    Delegate,
    EndDelegation,
    GoAway,
    ComeBack,
    Bulk,
    Override,
    PostReview,
    NameOwner,
    AskGrant,
    JudgeGrant,
    RevokeGrant,
}

/// People who open their forms before the first of them sends one.
const TOGETHER: usize = 3;
/// So many of a thousand rulings reject, where nobody was told what to rule.
const REJECTS_PER_THOUSAND: u64 = 90;

impl Act {
    /// Every act with its name and its share.
    pub(crate) const MIX: &[(Act, &str, u64)] = &[
        (Act::Approve, "approve", 176),
        (Act::Reject, "reject", 25),
        (Act::View, "open a form and keep it", 70),
        (Act::SendOld, "send a kept form", 70),
        (Act::SendTwice, "send one form twice", 40),
        (Act::Together, "rule together", 120),
        (Act::AgentReads, "read as the agent", 120),
        (Act::Deadlines, "look at deadlines", 70),
        (Act::AskOpen, "ask open decisions again", 50),
        (Act::Time, "let time pass", 45),
        (Act::Policy, "put a version in force", 8),
        (Act::TakeRole, "take a role", 12),
        (Act::GiveRole, "give a role", 16),
        (Act::Disable, "disable a person", 8),
        (Act::Enable, "enable a person", 12),
        (Act::EndSignIn, "end a sign-in", 13),
        (Act::Retract, "retract", 45),
        (Act::Abstain, "abstain", 20),
        (Act::Defer, "defer", 16),
        (Act::HandUp, "escalate", 16),
        (Act::AskForChanges, "request changes", 20),
        (Act::Edit, "approve with edits", 24),
        (Act::Revise, "revise as the agent", 26),
        (Act::Withdraw, "withdraw as the agent", 10),
        (Act::Pause, "pause", 9),
        (Act::Resume, "resume", 16),
        (Act::TakeOver, "take over", 20),
        (Act::GiveUp, "release a lease", 20),
        (Act::Revoke, "revoke", 22),
        (Act::Delegate, "let somebody stand in", 10),
        (Act::EndDelegation, "end a delegation", 8),
        (Act::GoAway, "go away", 8),
        (Act::ComeBack, "come back", 12),
        (Act::Bulk, "rule on several by one form", 12),
        (Act::Override, "override", 16),
        (Act::PostReview, "look at an override", 16),
        (Act::NameOwner, "name an owner", 8),
        (Act::AskGrant, "ask for a grant", 10),
        (Act::JudgeGrant, "activate a grant", 12),
        (Act::RevokeGrant, "revoke a grant", 6),
    ];

    pub(crate) fn draw(dice: &mut Dice) -> Act {
        let mut left = dice.below(Act::MIX.iter().map(|(.., share)| share).sum());
        for (act, _, share) in Act::MIX {
            match left.checked_sub(*share) {
                Some(rest) => left = rest,
                None => return *act,
            }
        }
        unreachable!("the shares add up to their sum")
    }

    pub(crate) fn name(self) -> &'static str {
        Act::MIX.iter().find(|(act, ..)| *act == self).map_or("", |(_, name, _)| name)
    }
}

impl World {
    /// Does one act, which may be several of its kind at once, and returns what became of each.
    pub(crate) async fn perform(&self, act: Act, dice: &mut Dice) -> Vec<Result<()>> {
        match act {
            Act::Approve => vec![self.rule(dice, Verdict::Approve).await],
            Act::Reject => vec![self.rule(dice, Verdict::Reject).await],
            Act::View => vec![self.keep_form(dice).await],
            Act::SendOld => vec![self.send_old(dice).await],
            Act::SendTwice => self.send_twice(dice).await,
            Act::Together => self.together(dice).await,
            Act::AgentReads => vec![self.agent_reads(dice).await],
            Act::Deadlines => vec![expiry::expire_due(&self.engine).await.map(|_| ()), self.settle_due().await],
            Act::AskOpen => vec![decisions::ask_open(&self.engine, 50).await.map(|_| ())],
            Act::Time => {
                self.clock.advance(500 + dice.below(4_000));
                vec![Ok(())]
            }
            Act::Policy => vec![self.another_policy(dice).await],
            Act::TakeRole => vec![self.take_role(dice).await],
            Act::GiveRole => vec![self.give_role().await],
            Act::Disable => vec![self.disable(dice).await],
            Act::Enable => vec![self.enable().await],
            Act::EndSignIn => vec![self.end_sign_in(dice).await],
            Act::Retract => vec![self.retract(dice).await],
            Act::Abstain => vec![self.hand_on(dice, Verdict::Abstain).await],
            Act::Defer => vec![self.hand_on(dice, Verdict::Defer).await],
            Act::HandUp => vec![self.hand_on(dice, Verdict::Escalate).await],
            Act::AskForChanges => vec![self.hand_on(dice, Verdict::RequestChanges).await],
            Act::Edit => vec![self.edit(dice).await],
            Act::Revise => vec![self.revise(dice).await],
            Act::Withdraw => vec![self.withdraw(dice).await],
            Act::Pause => vec![self.pause(dice).await],
            Act::Resume => vec![self.resume().await],
            Act::TakeOver => vec![self.take_over(dice).await],
            Act::GiveUp => vec![self.give_up(dice).await],
            Act::Revoke => self.revoke(dice).await,
            Act::Delegate => vec![self.delegate(dice).await],
            Act::EndDelegation => vec![self.end_delegation(dice).await],
            Act::GoAway => vec![self.go_away(dice).await],
            Act::ComeBack => vec![self.come_back().await],
            Act::Bulk => self.bulk(dice).await,
            Act::Override => self.overrule(dice).await,
            Act::PostReview => vec![self.post_review(dice).await],
            Act::NameOwner => vec![self.name_owner(dice).await],
            Act::AskGrant => vec![self.ask_grant(dice).await],
            Act::JudgeGrant => self.judge_grant(dice).await,
            Act::RevokeGrant => vec![self.revoke_grant(dice).await],
        }
    }

    async fn rule(&self, dice: &mut Dice, verdict: Verdict) -> Result<()> {
        let (slot, decision) = self.some_decision(dice);
        let reviewer = dice.place(self.reviewers.len());
        let ruled = async {
            let form = self.form(reviewer, decision, verdict).await?;
            self.send(reviewer, form).await
        };
        let ended = ruled.await;
        self.after(slot, decision, &ended).await?;
        ended
    }

    pub(super) async fn form(&self, reviewer: usize, decision: DecisionId, verdict: Verdict) -> Result<ReviewRequest> {
        let caller = self.door(&self.reviewers[reviewer]).await?;
        testing::form(&self.engine, &caller, decision, verdict).await
    }

    pub(super) async fn send(&self, reviewer: usize, form: ReviewRequest) -> Result<()> {
        let caller = self.door(&self.reviewers[reviewer]).await?;
        decisions::review(&self.engine, &caller, form).await.map(|_| ())
    }

    async fn keep_form(&self, dice: &mut Dice) -> Result<()> {
        let (slot, decision) = self.some_decision(dice);
        let (reviewer, verdict) = (dice.place(self.reviewers.len()), some_verdict(dice));
        let opened = self.form(reviewer, decision, verdict).await;
        match opened {
            Ok(form) => {
                self.keep(reviewer, form);
                Ok(())
            }
            Err(error) => {
                let ended = Err(error);
                self.after(slot, decision, &ended).await?;
                ended
            }
        }
    }

    /// A form that was opened some time ago: the decision, its policy or its person may have changed since.
    async fn send_old(&self, dice: &mut Dice) -> Result<()> {
        match self.take_kept(dice) {
            Some((reviewer, form)) => self.send(reviewer, form).await,
            None => self.keep_form(dice).await,
        }
    }

    /// A double click: one form, two requests at once. Both taking effect is a fault.
    async fn send_twice(&self, dice: &mut Dice) -> Vec<Result<()>> {
        let (_, decision) = self.some_decision(dice);
        let (reviewer, verdict) = (dice.place(self.reviewers.len()), some_verdict(dice));
        let form = match self.form(reviewer, decision, verdict).await {
            Ok(form) => form,
            Err(error) => return vec![Err(error)],
        };
        let (first, second) = tokio::join!(self.send(reviewer, form.clone()), self.send(reviewer, form));
        if first.is_ok() && second.is_ok() {
            return vec![first, Err(Error::Setup(format!("one form for {decision} was recorded twice")))];
        }
        vec![first, second]
    }

    /// Several people with open forms for one decision send them at once; one of them may be there twice.
    async fn together(&self, dice: &mut Dice) -> Vec<Result<()>> {
        let (slot, decision) = self.some_decision(dice);
        let (mut ended, mut opened) = (Vec::new(), Vec::new());
        for _ in 0..TOGETHER {
            let (reviewer, verdict) = (dice.place(self.reviewers.len()), some_verdict(dice));
            match self.form(reviewer, decision, verdict).await {
                Ok(form) => opened.push((reviewer, form)),
                Err(error) => {
                    let closed = [Err(error)];
                    // It may be over; then nobody waits for the others.
                    if let Err(error) = self.after(slot, decision, &closed[0]).await {
                        return vec![Err(error)];
                    }
                    ended.extend(closed);
                    break;
                }
            }
        }
        let mut sent = JoinSet::new();
        for (reviewer, form) in opened {
            match self.door(&self.reviewers[reviewer]).await {
                Ok(caller) => {
                    let engine = self.engine.clone();
                    sent.spawn(async move { decisions::review(&engine, &caller, form).await.map(|_| ()) });
                }
                Err(error) => ended.push(Err(error)),
            }
        }
        while let Some(one) = sent.join_next().await {
            ended.push(one.unwrap_or_else(|error| Err(Error::Setup(format!("a ruling ended early: {error}")))));
        }
        ended
    }

    async fn agent_reads(&self, dice: &mut Dice) -> Result<()> {
        let (slot, decision) = self.some_decision(dice);
        self.read_and_renew(slot, decision).await
    }

    async fn another_policy(&self, dice: &mut Dice) -> Result<()> {
        let (author, officer) = (self.door(&self.author).await?, self.fresh(&self.officer).await?);
        let table = tables::draw(dice);
        policies::enforce(&self.engine, &author, &officer, &table).await.map(|_| ())
    }

    async fn take_role(&self, dice: &mut Dice) -> Result<()> {
        let reviewer = dice.place(self.reviewers.len());
        if !self.without.go(reviewer) {
            return self.give_role().await;
        }
        let ended = async {
            let admin = self.fresh(&self.admins[0]).await?;
            let person = self.reviewers[reviewer].id;
            let held = db::roles::held(&mut *self.engine.app.acquire().await?, person, self.engine.now()).await?;
            let Some(assignment) = held.first() else { return Err(Error::NotFound) };
            roles::end(&self.engine, &admin, assignment.id).await
        };
        let ended = ended.await;
        if ended.is_err() {
            self.without.stays(reviewer);
        }
        ended
    }

    /// Gives a role back: one admin asks, the other confirms.
    async fn give_role(&self) -> Result<()> {
        let Some(reviewer) = self.without.some() else { return Err(nobody()) };
        let given = async {
            let (admin, other) = (self.fresh(&self.admins[0]).await?, self.fresh(&self.admins[1]).await?);
            let member = &self.reviewers[reviewer];
            let holding = Holding::everywhere(member.role);
            match roles::assign(&self.engine, &admin, member.id, holding).await? {
                Assigned::Now(_) => Ok(()),
                Assigned::Waits(change) => changes::confirm(&self.engine, &other, change).await,
            }
        };
        let given = given.await;
        self.without.returned(reviewer, &given);
        given
    }

    async fn disable(&self, dice: &mut Dice) -> Result<()> {
        let reviewer = dice.place(self.reviewers.len());
        if !self.barred.go(reviewer) {
            return self.enable().await;
        }
        let ended = async {
            let admin = self.fresh(&self.admins[0]).await?;
            people::disable(&self.engine, &admin, self.reviewers[reviewer].id).await
        };
        let ended = ended.await;
        if ended.is_err() {
            self.barred.stays(reviewer);
        }
        ended
    }

    async fn enable(&self) -> Result<()> {
        let Some(reviewer) = self.barred.some() else { return Err(nobody()) };
        let ended = async {
            let admin = self.fresh(&self.admins[1]).await?;
            people::enable(&self.engine, &admin, self.reviewers[reviewer].id).await
        };
        let ended = ended.await;
        self.barred.returned(reviewer, &ended);
        ended
    }

    async fn end_sign_in(&self, dice: &mut Dice) -> Result<()> {
        let reviewer = &self.reviewers[dice.place(self.reviewers.len())];
        let caller = self.door(reviewer).await?;
        let (_, session) = caller.signed_in()?;
        sessions::end(&self.engine, &again(&caller), session).await
    }
}

pub(super) fn some_verdict(dice: &mut Dice) -> Verdict {
    if dice.below(1_000) < REJECTS_PER_THOUSAND { Verdict::Reject } else { Verdict::Approve }
}

/// Nobody is there to act on; it counts as refused.
fn nobody() -> Error {
    Error::refused(Code::InvalidTransition, "Nobody has lost what would be given back.")
}
