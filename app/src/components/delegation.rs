//! Who reviews in whose place, and who is away, as lists say it.

use countersign_domain::delegation::{AbsenceRow, DelegationRow, DelegationState};
use leptos::prelude::*;

use super::{
    marks::{Chip, SealMark, Tone},
    time::Moment,
};

/// One delegation: both names, how far, for how long, and where it stands; below it what somebody may do about it.
#[component]
pub(crate) fn DelegationLine(row: DelegationRow, #[prop(optional)] children: Option<Children>) -> impl IntoView {
    let tone = match row.state {
        DelegationState::Active if row.idle.is_some() => Tone::Escalate,
        DelegationState::Active => Tone::Approve,
        DelegationState::Scheduled => Tone::Info,
        DelegationState::Ended | DelegationState::Revoked => Tone::Plain,
    };
    let reach = reach(&row);

    view! {
        <li class="grid gap-1 py-3">
            <p class="flex flex-wrap items-center gap-x-3 gap-y-1">
                <span class="font-medium [overflow-wrap:anywhere]">
                    <bdi>{row.delegate}</bdi>
                    {strings::FOR}
                    <bdi>{row.delegator}</bdi>
                </span>
                <Chip tone text=row.state.label()/>
                <SealMark seal=row.seal/>
            </p>
            <p class="text-compact text-muted [overflow-wrap:anywhere]">
                {reach} " · " <Moment at=row.from/> {strings::TO} <Moment at=row.until/>
            </p>
            {row
                .ended
                .map(|(at, by)| {
                    view! {
                        <p class="text-compact text-muted">
                            {strings::ENDED} <Moment at/> {strings::BY} <bdi>{by}</bdi>
                        </p>
                    }
                })}
            {row.idle.map(|why| view! { <p class="text-compact text-escalate">{why}</p> })}
            {children.map(|children| children())}
        </li>
    }
}

/// When somebody is away, and who reviews in their place.
#[component]
pub(crate) fn AbsenceLine(row: AbsenceRow) -> impl IntoView {
    let to = match row.stand_in {
        Some(name) => view! { {strings::STAND_IN} <bdi>{name}</bdi> }.into_any(),
        None => view! { {strings::NOBODY} }.into_any(),
    };

    view! {
        <li class="flex flex-wrap items-center gap-x-3 gap-y-1 py-2.5">
            <span class="font-medium">
                <bdi>{row.person}</bdi>
            </span>
            <span class="text-compact text-muted">
                <Moment at=row.from/> {strings::TO} <Moment at=row.until/> " · " {to}
            </span>
            <SealMark seal=row.seal/>
        </li>
    }
}

/// Says how far a delegation reaches.
fn reach(row: &DelegationRow) -> String {
    let mut parts = vec![match &row.systems {
        None => "Every AI system that the delegator reviews".to_owned(),
        Some(systems) => systems.join(", "),
    }];
    if !row.types.is_empty() {
        parts.push(row.types.join(", "));
    }
    parts.extend(row.risk.map(|risk| format!("risk up to {}", risk.word())));
    parts.extend(row.amount.map(|amount| format!("amounts up to {amount}")));
    parts.join("; ")
}

mod strings {
    pub(super) const FOR: &str = " for ";
    pub(super) const TO: &str = " to ";
    pub(super) const ENDED: &str = "Ended ";
    pub(super) const BY: &str = " by ";
    pub(super) const STAND_IN: &str = "turns go to ";
    pub(super) const NOBODY: &str = "turns go to whoever else may fill a free seat";
}

#[cfg(test)]
mod tests {
    use countersign_domain::{
        decision::{Risk, SealState},
        view::Seal,
    };

    use super::*;

    #[test]
    fn a_scope_is_said_with_each_of_its_bounds() {
        let all = DelegationRow {
            id: "01920000-0000-7000-8000-000000000001".parse().unwrap(),
            delegator: "Ben".into(),
            delegate: "Ana".into(),
            systems: None,
            types: Vec::new(),
            risk: None,
            amount: None,
            from: 0,
            until: 1,
            state: DelegationState::Active,
            ended: None,
            idle: None,
            seal: Seal { state: SealState::Sealed, index: Some(1) },
        };
        let narrow = DelegationRow {
            systems: Some(vec!["refund-agent".into(), "loan-agent".into()]),
            types: vec!["refund.issue".into()],
            risk: Some(Risk::Medium),
            amount: Some(500),
            ..all.clone()
        };

        assert_eq!(reach(&all), "Every AI system that the delegator reviews");
        assert_eq!(reach(&narrow), "refund-agent, loan-agent; refund.issue; risk up to medium; amounts up to 500");
    }
}
