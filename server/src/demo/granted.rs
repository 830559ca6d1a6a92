//! Grants of the refund agent: one that is used up, one that is active, and one that waits for another person.

use std::time::Duration;

use countersign_domain::{
    grant::GrantForm,
    ids::{DecisionTypeId, GrantId},
};
use countersign_engine::{
    Engine, Error,
    grants::{self, GrantRequest},
};

use super::{
    cases,
    dice::Dice,
    staff::{Agent, Staff, reason},
};

/// Looks at whether the activation of a grant is sealed.
const LOOKS_MAX: usize = 100;

/// Somebody asks for refunds up to an amount, and perhaps somebody else activates that.
struct Granted {
    by: &'static str,
    up_to: &'static str,
    uses: &'static str,
    hours: &'static str,
    says: &'static str,
    activated: Option<(&'static str, &'static str)>,
    /// Refunds that the agent makes by it then, in euros.
    made: &'static [u64],
}

const GRANTS: [Granted; 3] = [
    Granted {
        by: "approver-a",
        up_to: "75",
        uses: "2",
        hours: "4",
        says: "Two parcels of one customer were swapped in the warehouse; both come back.",
        activated: Some(("senior-approver-b", "The warehouse confirms both parcels.")),
        made: &[61, 68],
    },
    Granted {
        by: "approver-b",
        up_to: "120",
        uses: "6",
        hours: "24",
        says: "The carrier lost a lorry; its customers ask for small sums, one after the other.",
        activated: Some(("senior-approver-a", "The carrier's list has 31 parcels, all below 120 euros.")),
        made: &[84, 97],
    },
    Granted {
        by: "approver-c",
        up_to: "200",
        uses: "20",
        hours: "48",
        says: "The winter sale ends; returns of sold-out sizes are the same each time.",
        activated: None,
        made: &[],
    },
];

/// Has people ask for the grants and activate them, and the agent use them, unless that was done before.
pub(super) async fn live(engine: &Engine, staff: &Staff, agent: &Agent) -> Result<(), Error> {
    let shown = grants::list(engine, &staff.caller(GRANTS[0].by).await?).await?;
    if !shown.grants.is_empty() {
        return Ok(());
    }
    let mut number = 0;
    for grant in GRANTS {
        let id = grant.ask(engine, staff, agent).await?;
        let Some((by, says)) = grant.activated else { continue };
        grants::activate(engine, &staff.proven(by).await?, id, reason(says)?).await?;
        // It approves nothing before its activation is sealed.
        for _ in 0..LOOKS_MAX {
            if grants::view(engine, &staff.caller(by).await?, id).await?.effective {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        for euros in grant.made {
            number += 1;
            let body = cases::refund_of(9_400 + number, *euros, 59, &mut Dice::new(9_400 + number));
            let decision = agent.propose(engine, &format!("granted:{number}"), &body).await?;
            agent.read(engine, decision).await?;
            agent.report(engine, decision, "executed", "full").await?;
        }
    }
    Ok(())
}

impl Granted {
    async fn ask(&self, engine: &Engine, staff: &Staff, agent: &Agent) -> Result<GrantId, Error> {
        let caller = staff.caller(self.by).await?;
        let form = GrantForm {
            system: agent.system.to_string(),
            type_id: refund(engine, staff, self.by).await?.to_string(),
            uses: self.uses.to_owned(),
            hours: self.hours.to_owned(),
            fields: [("max_amount".to_owned(), self.up_to.to_owned())].into(),
        };
        grants::request(engine, &caller.again(), GrantRequest { form, reason: reason(self.says)? }).await
    }
}

/// The newest version of what the agent proposes.
async fn refund(engine: &Engine, staff: &Staff, by: &'static str) -> Result<DecisionTypeId, Error> {
    let shown = grants::form(engine, &staff.caller(by).await?, &GrantForm::default()).await?;
    let types = shown.grantable.types.into_iter();
    types
        .map(|(id, definition, _)| (id, definition.name))
        .find(|(_, name)| name == "refund.issue")
        .map(|(id, _)| id)
        .ok_or(Error::NotFound)
}
