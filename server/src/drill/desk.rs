//! Recorded calls of an airline agent and loan files go through the desk under a policy with all four routes.
//!
//! Reviewers are scripted: for a call they know what would have been right, for a loan file what the bank decided. Every
//! proposal and every review is a whole use case; what is counted is read back as the agent reads it.

use std::{collections::BTreeMap, fmt::Write as _, sync::Arc, time::Duration};

use countersign_domain::{
    answer::AgentDecision,
    decision::{ReasonCode, ResolutionOutcome, Risk, Verdict},
    decision_type::TypeDefinition,
    ids::DecisionId,
    policy::{Known, PolicyBody, Route, Row},
    text::Reason,
};
use countersign_engine::{
    Actor, Caller, Engine, Error, changes, decision_types, decisions, demo, keys, policies, sessions, systems,
    testing::{self, again, id_of},
};
use serde::Serialize;
use serde_json::Value;
use tokio::task::JoinSet;
use uuid::Uuid;

use super::loans::{File, Guideline};
use crate::{
    cli::Failure,
    demo::LOAN_TYPES,
    recorded::{self, Expected},
};

const POLICY: &str = include_str!("../../demo/desk-policy.json");
/// Cases under way at once.
const AT_ONCE: usize = 16;
/// Above this amount in dollars no rule approves by itself.
const AMOUNT_MAX: u64 = 100_000;
/// Files of the data set, and how often the bank granted or declined against the guidelines.
const LOANS: (usize, u64, u64) = (1_989, 38, 111);

/// One proposal, and what a reviewer says to it.
struct Case {
    source: &'static str,
    key: String,
    body: Value,
    verdict: Verdict,
    code: ReasonCode,
    says: &'static str,
    /// The proposal does not say that it harms nobody.
    may_harm: bool,
}

/// Cases that went the same way, to the same end, for the same reason.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
struct Way {
    source: &'static str,
    route: &'static str,
    rule: String,
    resolution: &'static str,
    by: String,
    reason: &'static str,
}

/// What became of one case.
struct Ended {
    way: Way,
    guards: Vec<String>,
    right: bool,
    harms_by_rule: bool,
}

/// A number of cases of one way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Count {
    #[serde(flatten)]
    way: Way,
    cases: u64,
    /// The resolution is not what a reviewer of this case would have said.
    otherwise: u64,
}

/// A rule of the policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Rule {
    name: String,
    sentence: String,
}

/// What came of it all.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Report {
    /// Cases by source.
    sources: BTreeMap<&'static str, u64>,
    /// Cases by route, rule, resolution, who decided, and reason.
    ways: Vec<Count>,
    /// Where a rule would have approved by itself and a guard asked people.
    guards: BTreeMap<String, u64>,
    /// What each rule does, in words; the first that holds decides.
    rules: Vec<Rule>,
    /// What does not add up.
    pub(super) faults: Vec<String>,
}

/// Who reviews: each with the cookie of their browser.
struct Staff {
    approvers: [String; 2],
    seniors: [String; 2],
}

/// Takes the recorded calls and these loan files through the desk.
///
/// # Errors
///
/// What the engine refuses.
pub(super) async fn run(engine: &Engine, files: &[File]) -> Result<Report, Failure> {
    let (runs, mut types) = recorded::read()?;
    let mut cases = Vec::new();
    for run in &runs {
        cases.extend(run.acts(&types).into_iter().map(|act| call(crate::replay::key("desk", run, &act), act)));
    }
    cases.extend(files.iter().map(loan));
    types.extend(recorded::parse::<Vec<TypeDefinition>>(LOAN_TYPES)?);
    let total = cases.len();
    let table: PolicyBody = recorded::parse(POLICY)?;
    let (agents, staff) = open(engine, &types, &table).await?;

    let (agents, staff, table) = (Arc::new(agents), Arc::new(staff), Arc::new(table));
    let mut left = cases.into_iter();
    let (mut under_way, mut ended) = (JoinSet::new(), Vec::with_capacity(total));
    loop {
        while under_way.len() < AT_ONCE
            && let Some(case) = left.next()
        {
            let (engine, agents, staff, table) = (engine.clone(), agents.clone(), staff.clone(), table.clone());
            under_way.spawn(async move { decide(&engine, &agents[case.source], &staff, &table, case).await });
        }
        match under_way.join_next().await {
            Some(one) => ended.push(one.map_err(|error| Failure::Told(format!("a case ended early: {error}")))??),
            None => break,
        }
    }

    Ok(Report::new(&ended, total, files, &table, &types))
}

fn call(key: String, act: recorded::Act) -> Case {
    let (verdict, code, says) = match act.expected {
        Expected::Correct => (Verdict::Approve, ReasonCode::WithinPolicy, "It is one of the correct actions."),
        Expected::OtherArguments => {
            (Verdict::Reject, ReasonCode::WrongParameters, "The action is right, its parameters are not.")
        }
        Expected::NotCalledFor => (Verdict::Reject, ReasonCode::AgainstPolicy, "Nothing of the kind was called for."),
    };
    Case { source: "airline-agent", key, body: act.body, verdict, code, says, may_harm: true }
}

fn loan(file: &File) -> Case {
    let (verdict, code, says) = match (file.is_right(), file.unverified) {
        (true, _) => (Verdict::Approve, ReasonCode::WithinPolicy, "The bank decided so."),
        (false, true) => {
            (Verdict::Reject, ReasonCode::MissingInformation, "The bank decided otherwise; something was not verified.")
        }
        (false, false) => (Verdict::Reject, ReasonCode::Other, "The bank decided otherwise."),
    };
    Case {
        source: "loan-prescreen",
        key: format!("desk:loan:{}", file.number),
        body: file.body(),
        verdict,
        code,
        says,
        may_harm: file.guideline != Guideline::Met,
    }
}

/// Makes people, systems and types, puts the policy in force, and raises the limit of the guards as two people do.
async fn open(
    engine: &Engine,
    types: &[TypeDefinition],
    table: &PolicyBody,
) -> Result<(BTreeMap<&'static str, Caller>, Staff), Failure> {
    demo::seed_people(engine).await?;
    for definition in types {
        decision_types::define(engine, &Caller::operator(), definition.clone()).await?;
    }
    let mut agents = BTreeMap::new();
    for name in [recorded::SYSTEM, "loan-prescreen"] {
        let system = systems::register(engine, &Caller::operator(), name).await?;
        let key = systems::issue_key(engine, &Caller::operator(), system).await?.key;
        let actor = keys::authenticate(engine, &key, std::net::Ipv4Addr::LOCALHOST.into()).await?;
        agents.insert(name, Caller::new(actor, "127.0.0.1", "drill", Uuid::nil()));
    }
    let staff = Staff {
        approvers: [sign_in(engine, "approver-a").await?, sign_in(engine, "approver-b").await?],
        seniors: [sign_in(engine, "senior-approver-a").await?, sign_in(engine, "senior-approver-b").await?],
    };
    let author = person(engine, &sign_in(engine, "policy-author-a").await?).await?;
    let officer = person(engine, &sign_in(engine, "compliance-officer-a").await?).await?;
    policies::enforce(engine, &author, &officer, table).await?;
    if let Some(change) = policies::set_guards(engine, &again(&officer), AMOUNT_MAX).await? {
        changes::confirm(engine, &person(engine, &staff.seniors[0]).await?, change).await?;
    }

    Ok((agents, staff))
}

async fn sign_in(engine: &Engine, login: &str) -> Result<String, Failure> {
    let visitor = Caller::new(Actor::Anonymous, "127.0.0.1", "drill", Uuid::nil());
    Ok(demo::sign_in_with(engine, &visitor, login).await?.token.reveal().to_owned())
}

/// Comes in as a request does, by the cookie.
async fn person(engine: &Engine, token: &str) -> Result<Caller, Failure> {
    let actor = sessions::authenticate(engine, token).await?;
    let actor = actor.ok_or_else(|| Failure::Told("a sign-in of the drill has run out".into()))?;
    Ok(again(&Caller::new(actor, "127.0.0.1", "drill", Uuid::nil())))
}

/// Proposes a case, reviews it where people are asked, and reads the resolution as the agent.
async fn decide(
    engine: &Engine,
    agent: &Caller,
    staff: &Staff,
    table: &PolicyBody,
    case: Case,
) -> Result<Ended, Failure> {
    let body = case.body.to_string();
    let stored = decisions::propose(engine, &again(agent), &case.key, body.as_bytes()).await?;
    let id = id_of(&stored);
    let routed = decisions::get(engine, &again(agent), id).await?;
    let row = table.row(routed.route.rule).unwrap_or(&table.default);
    let mut guards = Vec::new();
    if routed.route.outcome.has_people() {
        let seniors = row.quorum().need_senior() > 0 || routed.risk == Risk::High;
        let people = if seniors { &staff.seniors } else { &staff.approvers };
        if row.route == Route::AutoApprove {
            guards = decisions::view(engine, &person(engine, &people[0]).await?, id).await?.policy.guards;
        }
        let asked = if case.verdict == Verdict::Approve { routed.route.reviews_needed as usize } else { 1 };
        for token in people.iter().cycle().take(asked) {
            review(engine, &person(engine, token).await?, &case, id).await?;
        }
    }
    let told = resolved(engine, agent, id).await?;
    let Some(resolution) = &told.resolution else {
        return Err(Failure::Told(format!("decision {id} has no resolution a minute after its last review")));
    };
    let approved = resolution.outcome == ResolutionOutcome::Approved;
    Ok(Ended {
        right: approved == (case.verdict == Verdict::Approve),
        harms_by_rule: approved && case.may_harm && resolution.decided_by.kind == "rule",
        guards,
        way: Way {
            source: case.source,
            route: told.route.outcome.word(),
            rule: row.label().to_owned(),
            resolution: resolution.outcome.word(),
            by: resolution.decided_by.kind.clone(),
            reason: resolution.reason_code.map_or("none", ReasonCode::word),
        },
    })
}

async fn review(engine: &Engine, reviewer: &Caller, case: &Case, id: DecisionId) -> Result<(), Failure> {
    let mut form = testing::form(engine, reviewer, id, case.verdict).await?;
    form.code = Some(case.code);
    form.reason = Some(Reason::new(case.says).map_err(|error| Failure::Told(error.to_string()))?);
    decisions::review(engine, &again(reviewer), form).await?;

    Ok(())
}

/// Waits for the sealed resolution, a minute at most.
async fn resolved(engine: &Engine, agent: &Caller, id: DecisionId) -> Result<AgentDecision, Error> {
    let told = decisions::wait(engine, &again(agent), id, Duration::from_secs(30), None).await?;
    match told.resolution {
        Some(_) => Ok(told),
        None => decisions::wait(engine, &again(agent), id, Duration::from_secs(30), None).await,
    }
}

impl Report {
    fn new(ended: &[Ended], total: usize, files: &[File], table: &PolicyBody, types: &[TypeDefinition]) -> Self {
        let mut counts: BTreeMap<&Way, (u64, u64)> = BTreeMap::new();
        let (mut sources, mut guards) = (BTreeMap::new(), BTreeMap::new());
        for one in ended {
            let count = counts.entry(&one.way).or_default();
            count.0 += 1;
            count.1 += u64::from(!one.right);
            *sources.entry(one.way.source).or_default() += 1;
            for guard in &one.guards {
                *guards.entry(guard.clone()).or_default() += 1;
            }
        }
        let known = Known { systems: &[], types };
        let rule = |row: &Row| Rule { name: row.label().to_owned(), sentence: row.rule_sentence(&known) };
        let rules = table.all().map(rule).collect();
        let ways = counts.into_iter().map(|(way, (cases, otherwise))| Count { way: way.clone(), cases, otherwise });
        let mut report = Self { sources, ways: ways.collect(), guards, rules, faults: Vec::new() };
        report.faults = report.faults_of(total, files);
        if ended.iter().any(|one| one.harms_by_rule) {
            report.faults.push("a rule approved what may be to a person's disadvantage".to_owned());
        }
        report
    }

    /// What does not add up.
    fn faults_of(&self, total: usize, files: &[File]) -> Vec<String> {
        let mut faults = Vec::new();
        let sum: u64 = self.ways.iter().map(|count| count.cases).sum();
        if sum != total as u64 {
            faults.push(format!("{total} cases were proposed and {sum} are counted"));
        }
        for route in Route::ALL {
            if !self.ways.iter().any(|count| count.way.route == route.word()) {
                faults.push(format!("no case took the route {}", route.word()));
            }
        }
        let by_people = self.ways.iter().filter(|count| count.way.by == "people");
        let otherwise: u64 = by_people.map(|count| count.otherwise).sum();
        if otherwise > 0 {
            faults.push(format!("{otherwise} cases came to another end than their reviewers gave them"));
        }
        let against = |guideline, granted| {
            let found = files.iter().filter(|file| file.guideline == guideline && file.granted == granted);
            found.count() as u64
        };
        let (granted, declined) = (against(Guideline::Missed, true), against(Guideline::Met, false));
        if files.len() == LOANS.0 && (granted, declined) != (LOANS.1, LOANS.2) {
            faults.push(format!(
                "the bank granted {granted} and declined {declined} against the guidelines, not {} and {}",
                LOANS.1, LOANS.2
            ));
        }
        faults
    }

    /// The counts as people read them, with what each rule and reason means.
    pub(super) fn table(&self) -> String {
        let mut out = String::new();
        let sources: Vec<_> = self.sources.iter().map(|(source, count)| format!("{source} {count}")).collect();
        // Writing to a String cannot fail.
        let _ = writeln!(out, "cases: {}\n", sources.join(", "));
        let _ = writeln!(
            out,
            "{:<16}{:<14}{:<24}{:<12}{:<10}{:<21}{:>6}{:>11}",
            "system", "route", "rule", "resolution", "by", "reason", "cases", "otherwise"
        );
        let mut sums: BTreeMap<(&str, &str), u64> = BTreeMap::new();
        for Count { way, cases, otherwise } in &self.ways {
            let _ = writeln!(
                out,
                "{:<16}{:<14}{:<24}{:<12}{:<10}{:<21}{cases:>6}{otherwise:>11}",
                way.source, way.route, way.rule, way.resolution, way.by, way.reason
            );
            for sum in [("route", way.route), ("resolution", way.resolution), ("reason", way.reason)] {
                *sums.entry(sum).or_default() += cases;
            }
        }
        let total: u64 = self.ways.iter().map(|count| count.cases).sum();
        let _ = writeln!(out, "{:<97}{total:>6}\n", "in all");
        for what in ["route", "resolution", "reason"] {
            let parts: Vec<_> = sums
                .iter()
                .filter(|((kind, _), _)| *kind == what)
                .map(|((_, word), count)| format!("{word} {count}"))
                .collect();
            let _ = writeln!(out, "by {what}: {}", parts.join(", "));
        }
        let _ = writeln!(out, "\nA rule would have approved by itself, and a guard asked people instead:");
        for (guard, count) in &self.guards {
            let _ = writeln!(out, "{count:>6}  {guard}");
        }
        let _ = writeln!(out, "\nRules of the policy, the first that holds decides:");
        for Rule { name, sentence } in &self.rules {
            let _ = writeln!(out, "  {name}: {sentence}");
        }
        let _ = write!(out, "\n{MEANING}");
        for fault in &self.faults {
            let _ = writeln!(out, "\nDOES NOT ADD UP: {fault}.");
        }

        out
    }
}

const MEANING: &str = "\
Reasons. within_policy: the call is one of the correct actions, the bank decided as was proposed, or a rule approved.
against_policy: nothing of the kind was called for, or a rule refused. wrong_parameters: the right action with other
parameters. missing_information: the bank decided otherwise, and something in the file was not verified. other: the bank
decided otherwise. \"Otherwise\" counts the cases that a rule ended in another way than a reviewer of the same case would
have; people's own are never among them. A rule that refuses tells the AI system no to declining: nobody is declined by it.
";

#[cfg(test)]
mod tests {
    use countersign_domain::policy::Staff;
    use countersign_engine::testing::Desk;

    use super::*;
    use crate::drill::loans::{self, tests::INVENTED};

    #[tokio::test(flavor = "multi_thread")]
    async fn recorded_calls_and_loan_files_take_all_four_routes_and_add_up() {
        let desk = Desk::demo().await;
        let place = tempfile::tempdir().unwrap();
        std::fs::write(place.path().join("loanapp.csv"), INVENTED).unwrap();
        let files = loans::read(place.path()).unwrap();

        let report = run(&desk.engine, &files).await.unwrap();

        let shown = report.table();
        assert_eq!(report.faults, Vec::<String>::new(), "{shown}");
        assert_eq!(report.sources, BTreeMap::from([("airline-agent", 250), ("loan-prescreen", 20)]));
        let cases = |way: (&str, &str, &str, &str, &str)| -> Vec<(u64, u64)> {
            let same = |count: &&Count| {
                (count.way.route, &*count.way.rule, count.way.resolution, &*count.way.by, count.way.reason) == way
            };
            report.ways.iter().filter(same).map(|count| (count.cases, count.otherwise)).collect()
        };
        // Two invented declines that their own ratios contradict.
        assert_eq!(cases(("deny", "loan-unfounded-decline", "rejected", "rule", "against_policy")), [(2, 1)]);
        assert_eq!(cases(("auto_approve", "loan-clear", "approved", "rule", "within_policy")), [(3, 1)]);
        assert_eq!(cases(("auto_approve", "loan-small", "approved", "rule", "within_policy")), [(2, 1)]);
        // Small too, and a guard asks: one declines somebody, one does not say that it harms nobody.
        assert_eq!(cases(("require", "loan-small", "approved", "people", "within_policy")), [(2, 0)]);
        assert_eq!(cases(("escalate", "loan-decline", "rejected", "people", "missing_information")), [(1, 0)]);
        let disadvantage = report.guards.iter().find(|(guard, _)| guard.contains("disadvantage")).unwrap();
        assert_eq!(*disadvantage.1, 2 + 14 + 6, "{shown}");
        for part in [
            "by route: auto_approve 5, deny 2, escalate",
            "in all",
            "wrong_parameters",
            "loan-clear: A decision",
            "first that holds",
        ] {
            assert!(shown.contains(part), "{part}: {shown}");
        }
        let by_rule = "select count(*) from resolutions where cause = 'rule' and outcome = 'approved'";
        assert_eq!(desk.database.number(by_rule).await, 5);
        desk.check_log().await;
    }

    #[test]
    fn the_policy_has_all_four_routes_and_can_be_satisfied() {
        let table: PolicyBody = recorded::parse(POLICY).unwrap();
        let (_, mut types) = recorded::read().unwrap();
        types.extend(recorded::parse::<Vec<TypeDefinition>>(LOAN_TYPES).unwrap());

        let checked = table.check(&Known { systems: &[], types: &types }, Staff { reviewers: 4, senior: 2 });

        assert_eq!(checked, Ok(()));
        assert!(Route::ALL.iter().all(|route| table.all().any(|row| row.route == *route)));
    }

    #[test]
    fn what_does_not_add_up_is_told() {
        let way = |route: &'static str| Way {
            source: "loan-prescreen",
            route,
            rule: "loan".to_owned(),
            resolution: "approved",
            by: "people".to_owned(),
            reason: "within_policy",
        };
        let report = Report {
            sources: BTreeMap::new(),
            ways: vec![Count { way: way("require"), cases: 3, otherwise: 1 }],
            guards: BTreeMap::new(),
            rules: Vec::new(),
            faults: Vec::new(),
        };

        let faults = report.faults_of(4, &[]);

        assert_eq!(faults.len(), 5, "{faults:?}");
        assert!(faults[0].contains("4 cases were proposed and 3 are counted"));
        assert!(faults[4].contains("1 cases came to another end"));
        assert!(Report { faults, ..report }.table().contains("DOES NOT ADD UP: no case took the route deny."));
    }
}
