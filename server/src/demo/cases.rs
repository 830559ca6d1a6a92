//! What the invented agents propose. Nothing here is about anybody: names, orders and sums are drawn from a seed.

use serde_json::{Value, json};

use super::dice::Dice;

/// The invented systems, with what each proposes out of a hundred decisions.
pub(super) const SYSTEMS: [(&str, u64); 5] = [
    ("refund-agent", 42),
    ("content-moderation", 26),
    ("loan-prescreen", 16),
    ("claims-triage", 9),
    ("deploy-agent", 7),
];
/// The day on which the refund agent gets another model, after which it asks for more.
pub(super) const NEW_MODEL_DAY: u64 = 43;

/// One proposal.
#[derive(Clone, Debug)]
pub(super) struct Proposal {
    /// Place of its system in [`SYSTEMS`].
    pub(super) system: usize,
    /// Body as the agent sends it.
    pub(super) body: Value,
    /// How well it fits: out of a thousand people who look, so many would agree.
    pub(super) fits: u64,
}

const CAUSES: [(&str, &str); 6] = [
    ("not received", "The carrier says it was delivered; the customer has not received it."),
    ("damaged", "The customer sent a photograph of the damage."),
    ("wrong item", "Another item than the one ordered was in the parcel."),
    ("late", "It came nine days after the date that was promised."),
    ("charged twice", "The payment was taken twice for one order."),
    ("changed mind", "The customer sent it back within the time that the shop allows."),
];
const ITEMS: [&str; 10] = [
    "Desk lamp",
    "Running shoes",
    "Rain jacket",
    "Coffee grinder",
    "Headphones",
    "Bookcase",
    "Backpack",
    "Office chair",
    "Tent for two",
    "Bicycle light",
];
const POSTS: [(&str, &str); 6] = [
    ("spam", "Earn from home, write to me for the link, only today."),
    ("harassment", "Nobody here wants to read your posts. Leave."),
    ("off topic", "Does anybody know a good bakery near the station?"),
    ("advertising", "My shop has the same part for half the price."),
    ("misleading", "This update breaks every phone, they all confirm it."),
    ("personal data", "He lives in the yellow house next to the school."),
];
const SERVICES: [&str; 6] = ["checkout", "search", "accounts", "invoices", "mail", "catalogue"];
const DIAGNOSES: [(&str, &str); 5] = [
    ("Fracture of the wrist", "Accident"),
    ("Inflammation of the appendix", "Hospital"),
    ("Torn ligament of the knee", "Accident"),
    ("Loss of a filling", "Dental"),
    ("Pneumonia", "Hospital"),
];

/// Draws what a system proposes on a day of the past.
pub(super) fn draw(system: usize, number: u64, day: u64, dice: &mut Dice) -> Proposal {
    let (body, fits) = match SYSTEMS[system].0 {
        "refund-agent" => refund(number, day, dice),
        "content-moderation" => moderation(number, dice),
        "loan-prescreen" => loan(number, dice),
        "claims-triage" => claim(number, dice),
        _ => release(number, dice),
    };
    Proposal { system, body, fits }
}

/// A refund of so many euros.
pub(super) fn refund_of(number: u64, euros: u64, day: u64, dice: &mut Dice) -> Value {
    let (cause, says) = dice.one(&CAUSES);
    let item = dice.one(&ITEMS);
    let after = dice.between(1, 28);
    let (version, prompt) = if day >= NEW_MODEL_DAY { ("2026-09", "refund-12") } else { ("2026-04", "refund-11") };
    let (confidence, cents) = (decimal(dice.between(82, 98)), dice.between(0, 99));
    json!({
        "mode": "propose",
        "channel": "sdk",
        "action": {"type": "refund.issue", "parameters": {
            "order": format!("O-{}", 48_000 + number),
            "item": item,
            "cause": cause,
            "amount": format!("{euros}.{cents:02}"),
            "days_since_delivery": after,
        }},
        "intent": format!("Pay back order O-{}: {cause}.", 48_000 + number),
        "rationale": format!("{says} The order is {after} days old; the shop takes things back for 30 days."),
        "alternatives": [{"action": "Send it again", "why_not": "The customer asks for the money."}],
        "confidence": confidence,
        "model": {"provider": "example", "name": "support-large", "version": version},
        "prompt_version": prompt,
        "subjects": [{"ref": format!("customer {}", 2_000 + number % 700), "kind": "person"}],
        "impact": {"effects": ["financial"], "adverse": false, "affected": 1},
        "context": {
            "conversation": format!("chat-{number}"),
            "steps": [
                {"role": "user", "text": format!("{says} I would like my money back.")},
                {"role": "assistant", "tool": "get_order", "arguments": {"order": format!("O-{}", 48_000 + number)}},
                {"role": "tool", "tool": "get_order", "result": format!("{item}, delivered {after} days ago, paid by card")},
            ],
        },
    })
}

fn refund(number: u64, day: u64, dice: &mut Dice) -> (Value, u64) {
    let drifts = day >= NEW_MODEL_DAY;
    let weights: [u64; 4] = if drifts { [38, 38, 21, 3] } else { [62, 28, 9, 1] };
    let (low, high) = [(8, 49), (50, 480), (520, 1_900), (2_050, 2_600)][dice.weighed(&weights)];
    let euros = dice.between(low, high);
    (refund_of(number, euros, day, dice), if drifts { 740 } else { 880 })
}

fn moderation(number: u64, dice: &mut Dice) -> (Value, u64) {
    let (rule, excerpt) = dice.one(&POSTS);
    let reports = dice.between(1, 9);
    let dismisses = dice.hits(720);
    let kind = if dismisses { "report.dismiss" } else { "content.remove" };
    let (says, adverse) = match dismisses {
        true => ("The post does not break the rule it was reported under.", false),
        false => ("The post breaks the rule it was reported under.", true),
    };
    let confidence = dice.between(if dismisses { 85 } else { 70 }, 99);
    let body = json!({
        "mode": "propose",
        "action": {"type": kind, "parameters": {
            "post": format!("P-{}", 910_000 + number), "rule": rule, "reports": reports, "excerpt": excerpt,
        }},
        "rationale": format!("{says} It was reported {reports} times."),
        "confidence": decimal(confidence),
        "model": {"provider": "example", "name": "reader-small", "version": "7"},
        "subjects": [{"ref": format!("member {}", number % 900), "kind": "person"}],
        "impact": {"effects": ["access"], "adverse": adverse, "affected": 1},
    });
    (body, 820 + confidence)
}

/// A loan that the guidelines speak for or against.
pub(super) fn loan_of(number: u64, euros: u64, declines: bool, dice: &mut Dice) -> Value {
    let obligations = if declines { dice.between(39, 58) } else { dice.between(18, 38) };
    let says = match declines {
        true => "The file does not meet the credit guidelines: too much of the income is bound already.",
        false => "The file meets the credit guidelines.",
    };
    json!({
        "mode": "propose",
        "action": {"type": "loan.decide", "parameters": {
            "file": format!("L-{}", 7_000 + number),
            "recommendation": if declines { "decline" } else { "grant" },
            "meets_guidelines": !declines,
            "amount": format!("{euros}.00"),
            "income": format!("{}.00", dice.between(26, 140) * 1_000),
            "obligation_ratio": format!("{obligations}.{}", dice.between(0, 9)),
            "housing_ratio": format!("{}.{}", dice.between(12, 31), dice.between(0, 9)),
            "loan_to_value": decimal(dice.between(45, 97)),
        }},
        "rationale": says,
        "confidence": decimal(dice.between(71, 97)),
        "model": {"provider": "example", "name": "scorecard", "version": "3.1"},
        "subjects": [{"ref": format!("applicant {}", 7_000 + number), "kind": "person"}],
        "impact": {"effects": ["financial"], "adverse": declines, "affected": 1},
    })
}

fn loan(number: u64, dice: &mut Dice) -> (Value, u64) {
    let declines = dice.hits(240);
    let (low, high) = [(20, 100), (100, 290), (310, 520)][dice.weighed(&[48, 44, 8])];
    let euros = dice.between(low, high) * 1_000;
    (loan_of(number, euros, declines, dice), if declines { 700 } else { 860 })
}

/// A claim of an insured person, whose illness is masked.
pub(super) fn claim_of(number: u64, euros: u64, dice: &mut Dice) -> Value {
    let (diagnosis, cover) = dice.one(&DIAGNOSES);
    json!({
        "mode": "propose",
        "action": {"type": "claim.settle", "parameters": {
            "claim": format!("C-{}", 30_500 + number),
            "claimant": format!("Insured person {}", 400 + number % 300),
            "diagnosis": diagnosis,
            "cover": cover,
            "amount": format!("{euros}.00"),
        }},
        "rationale": format!("The cover {cover} pays for this, and the bill has the usual sum."),
        "confidence": decimal(dice.between(64, 95)),
        "model": {"provider": "example", "name": "triage", "version": "2"},
        "subjects": [{"ref": format!("insured {}", 400 + number % 300), "kind": "person"}],
        "impact": {"effects": ["health", "financial"], "adverse": false, "affected": 1},
    })
}

fn claim(number: u64, dice: &mut Dice) -> (Value, u64) {
    let euros = dice.between(90, 4_200);
    (claim_of(number, euros, dice), 850)
}

/// A release of a service.
pub(super) fn release_of(number: u64, production: bool, tested: bool, dice: &mut Dice) -> Value {
    let service = dice.one(&SERVICES);
    let changes = dice.between(1, 34);
    let environment = if production { "production" } else { "staging" };
    json!({
        "mode": "propose",
        "channel": "sdk",
        "action": {"type": "deploy.release", "parameters": {
            "service": service,
            "version": format!("4.{}.{}", number % 60, number % 7),
            "environment": environment,
            "changes": changes,
            "tests_passed": tested,
            "migration": dice.hits(180),
        }},
        "rationale": format!("{changes} changes wait for {environment}. The error rate of the version before is low."),
        "confidence": decimal(dice.between(75, 99)),
        "model": {"provider": "example", "name": "release-planner", "version": "1.8"},
        "subjects": [],
        "impact": {"effects": [], "adverse": false, "affected": 0},
    })
}

fn release(number: u64, dice: &mut Dice) -> (Value, u64) {
    let (production, tested) = (dice.hits(420), dice.hits(930));
    (release_of(number, production, tested, dice), if tested { 900 } else { 400 })
}

/// Hundredths as a decimal.
fn decimal(hundredths: u64) -> String {
    format!("0.{hundredths:02}")
}
