//! The queue as the demo shows it first: decisions in each state that waits for somebody.

use std::{collections::BTreeMap, sync::Arc};

use countersign_domain::{
    decision::{ReasonCode, Verdict},
    notice::{ChannelForm, ChannelKind, SPANS_MINUTES, Topic},
};
use countersign_engine::{
    Engine, Error,
    demo::Past,
    notices::{self, channels},
    pauses,
};
use serde_json::Value;

use super::{
    cases,
    dice::Dice,
    granted,
    overrule::Release,
    revoked,
    staff::{Agent, Says, Staff, reason},
};
use crate::cli::Failure;

const MINUTE: u64 = 60_000;
const HOUR: u64 = 60 * MINUTE;
/// How many decisions are open then, beside those of the recorded agent.
pub(super) const OPEN: usize = 17;
/// Key of the last of them, which tells a past that is complete.
pub(super) const LAST_KEY: &str = "today:17";
/// When the first of today's decisions is proposed, before the present.
pub(super) const BEGINS: u64 = 26 * HOUR;

/// How many reports somebody settled by one act.
const REPORTS: u64 = 7;
const REFUND: usize = 0;
const MODERATION: usize = 1;
const LOAN: usize = 2;
const CLAIM: usize = 3;
const RELEASE: usize = 4;

/// What people have done to a decision by now.
#[derive(Clone, Copy, Debug)]
enum Done {
    /// It waits for the first to look.
    Nothing,
    /// Somebody has begun to look, moments ago.
    Started,
    /// So many said yes.
    Approved(&'static [&'static str]),
    Edited,
    SentBack,
    Revised,
    HandedUp,
    PutOff,
    Asked,
}

/// Proposes what is open at the end, each so many minutes before it, and lets people do what they did by then.
pub(super) async fn fill(
    engine: &Engine,
    past: &Past,
    staff: &Arc<Staff>,
    agents: &[Agent],
    now: u64,
) -> Result<(), Failure> {
    let mut dice = Dice::new(24);
    let mut refund = |number: u64, euros: u64| cases::refund_of(9_100 + number, euros, 59, &mut dice);
    let mut other = Dice::new(48);
    let open: [(u64, usize, Value, Done); OPEN] = [
        (26 * 60, MODERATION, removal(1), Done::Nothing),
        (23 * 60, LOAN, cases::loan_of(9_101, 64_000, true, &mut other), Done::Approved(&["approver-a"])),
        (22 * 60, LOAN, cases::loan_of(9_102, 420_000, false, &mut other), Done::Nothing),
        (21 * 60, CLAIM, cases::claim_of(9_103, 1_840, &mut other), Done::Asked),
        (20 * 60, CLAIM, cases::claim_of(9_104, 310, &mut other), Done::Nothing),
        // Its eight hours are over in five minutes.
        (8 * 60 - 5, REFUND, refund(1, 260), Done::Nothing),
        (7 * 60, REFUND, refund(2, 140), Done::PutOff),
        (6 * 60, REFUND, refund(3, 390), Done::SentBack),
        (5 * 60, REFUND, refund(4, 450), Done::Revised),
        (4 * 60, REFUND, refund(5, 930), Done::Approved(&["approver-b"])),
        (3 * 60, REFUND, refund(6, 1_210), Done::HandedUp),
        (2 * 60, RELEASE, cases::release_of(9_105, true, true, &mut other), Done::Approved(&["approver-c"])),
        (90, REFUND, refund(7, 720), Done::Edited),
        (60, LOAN, cases::loan_of(9_106, 130_000, false, &mut other), Done::Nothing),
        (20, RELEASE, cases::release_of(9_107, true, true, &mut other), Done::Nothing),
        (5, REFUND, refund(8, 640), Done::Approved(&["approver-a", "approver-b"])),
        (4, LOAN, cases::loan_of(9_108, 88_000, false, &mut other), Done::Started),
    ];
    past.pass_until(engine, now - BEGINS).await?;
    reports(engine, staff, &agents[MODERATION]).await?;
    let release = Release {
        key: "today:override",
        number: 9_151,
        euros: 2_180,
        day: 59,
        by: "senior-approver-b",
        says: "The customer was charged twice for one order; the bank's letter is in the evidence.",
    };
    release.live(engine, staff, &agents[REFUND]).await?;
    if let Err(error) = revoked::live(engine, staff, &agents[REFUND]).await {
        tracing::warn!(%error, "No approval of the demo is taken back");
    }
    // It has been read: what waits for them stands under Post-reviews.
    notices::read(engine, &staff.caller("senior-approver-a").await?, engine.now()).await?;
    for (place, (before, system, body, done)) in open.into_iter().enumerate() {
        past.pass_until(engine, now - before * MINUTE).await?;
        let id = agents[system].propose(engine, &format!("today:{}", place + 1), &body).await?;
        past.pass_until(engine, now - before * MINUTE + 2 * MINUTE).await?;
        let told = act(engine, staff, &agents[system], id, &body, done).await;
        if let Err(error) = told {
            tracing::warn!(%error, ?done, "A decision of the demo stays as it was proposed");
        }
    }
    staff
        .hand_over("approver-c", "The bookcase refunds are one batch of damaged parcels; the carrier confirms it.")
        .await?;
    for login in ["approver-a", "senior-approver-a"] {
        staff.keep_view(login, "Loans, newest first", "loan.decide").await?;
    }
    // A holiday to come, with somebody in her place.
    if let Err(error) = staff.go_away("approver-a", "approver-b", (now + 10 * 24 * HOUR, now + 17 * 24 * HOUR)).await {
        tracing::warn!(%error, "No absence of the demo is to come");
    }
    granted::live(engine, staff, &agents[REFUND]).await?;
    // The moderation agent stands still until somebody looks at it.
    let says = reason("The list of rules is being revised; what it reported before can be ruled on.")?;
    pauses::pause(engine, &staff.proven("senior-approver-b").await?, agents[MODERATION].system, says).await?;
    add_room(engine, staff).await
}

/// A room that is known and paused: nothing leaves a demo until somebody lets it.
async fn add_room(engine: &Engine, staff: &Staff) -> Result<(), Failure> {
    let form = ChannelForm {
        name: "Reviews room".into(),
        kind: ChannelKind::Slack.word().into(),
        topics: [Topic::YourTurn, Topic::Reminder, Topic::Escalated].map(|topic| topic.word().to_owned()).to_vec(),
        span: SPANS_MINUTES[0].to_string(),
        ..ChannelForm::default()
    };
    let admin = staff.proven("admin-a").await?;
    let room = channels::add(engine, &admin, form, "https://hooks.example.org/services/demo").await?;
    channels::pause(engine, &admin.again(), room).await?;

    Ok(())
}

/// Reports of one kind that somebody looked at side by side and settled by one act.
async fn reports(engine: &Engine, staff: &Staff, agent: &Agent) -> Result<(), Failure> {
    let mut ids = Vec::new();
    for number in 1..=REPORTS {
        ids.push(agent.propose(engine, &format!("reports:{number}"), &dismissal(number)).await?);
    }
    let says =
        Says::new(Verdict::Approve, ReasonCode::WithinPolicy, "Looked at side by side: none of them breaks the rule.");
    if let Err(error) = staff.rule_together("approver-a", &ids, &says).await {
        tracing::warn!(%error, "Reports of the demo stay as they were proposed");
    }
    Ok(())
}

async fn act(
    engine: &Engine,
    staff: &Staff,
    agent: &Agent,
    id: countersign_domain::ids::DecisionId,
    body: &Value,
    done: Done,
) -> Result<(), Error> {
    let says = |verdict, code, text| Says::new(verdict, code, text);
    let sent_back = || {
        says(
            Verdict::RequestChanges,
            ReasonCode::WrongParameters,
            "The invoice says less. Please take the sum of the invoice.",
        )
    };
    match done {
        Done::Nothing => {}
        Done::Started => staff.start("approver-d", id).await?,
        Done::Approved(people) => {
            let says = says(Verdict::Approve, ReasonCode::WithinPolicy, "The record carries it.");
            for login in people {
                staff.rule(login, id, &says).await?;
            }
        }
        Done::Edited => {
            let mut says = says(
                Verdict::ApproveWithEdits,
                ReasonCode::WrongParameters,
                "Without the delivery, which the shop does not pay back.",
            );
            says.edits = BTreeMap::from([("amount".to_owned(), "695.00".to_owned())]);
            staff.rule("approver-d", id, &says).await?;
        }
        Done::SentBack => {
            staff.rule("approver-c", id, &sent_back()).await?;
        }
        Done::Revised => {
            staff.rule("approver-b", id, &sent_back()).await?;
            let mut body = body.clone();
            body["action"]["parameters"]["amount"] = "412.00".into();
            agent.revise(engine, id, &body).await?;
        }
        Done::HandedUp => {
            let says = says(
                Verdict::Escalate,
                ReasonCode::Other,
                "The customer had three refunds this year. Somebody senior should look.",
            );
            staff.rule("approver-d", id, &says).await?;
        }
        Done::PutOff => {
            let mut says = says(
                Verdict::Defer,
                ReasonCode::MissingInformation,
                "The warehouse looks for the parcel this morning.",
            );
            says.follow_up = Some(engine.now() + 4 * HOUR);
            staff.rule("approver-a", id, &says).await?;
        }
        Done::Asked => {
            let says = "Is the bill of the hospital complete? The days do not add up to the sum.";
            staff.comment("senior-approver-a", id, says, "senior-approver-b").await?;
        }
    }
    Ok(())
}

/// A report that the agent would dismiss and is not sure of, so that people are asked.
fn dismissal(number: u64) -> Value {
    let mut dice = Dice::new(7_500 + number);
    loop {
        let proposal = cases::draw(MODERATION, 9_300 + number, 59, &mut dice);
        let sure = proposal.body["confidence"].as_str().is_some_and(|confidence| confidence >= "0.9");
        if proposal.body["action"]["type"] == "report.dismiss" && !sure {
            return proposal.body;
        }
    }
}

fn removal(number: u64) -> Value {
    let mut dice = Dice::new(7_000 + number);
    loop {
        let proposal = cases::draw(MODERATION, 9_200 + number, 59, &mut dice);
        if proposal.body["action"]["type"] == "content.remove" {
            return proposal.body;
        }
    }
}
