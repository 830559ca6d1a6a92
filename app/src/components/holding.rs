//! An assignment in words: a role, where it holds, how far it reaches, until when.

use countersign_domain::view::ShownHolding;
use leptos::prelude::*;

use super::time::Moment;

/// Says where and how far a role holds.
pub(crate) fn reach(holding: &ShownHolding) -> String {
    let mut words = match &holding.systems {
        None => "on every AI system".to_owned(),
        Some(systems) => format!("on {}", systems.join(", ")),
    };
    if !holding.types.is_empty() {
        words += &format!("; only {}", holding.types.join(", "));
    }
    if let Some(risk) = holding.risk {
        words += &format!("; up to {} risk", risk.word());
    }
    if let Some(amount) = holding.amount {
        words += &format!("; up to {amount}");
    }
    words
}

/// A role with its scope, limits and end.
#[component]
pub(crate) fn Held(holding: ShownHolding) -> impl IntoView {
    let words = reach(&holding);

    view! {
        <span class="[overflow-wrap:anywhere]">
            <strong class="font-medium">{holding.role.name()}</strong>
            " "
            {words}
            {holding
                .until
                .map(|until| {
                    view! {
                        ", until "
                        <Moment at=until/>
                    }
                })}
        </span>
    }
}

#[cfg(test)]
mod tests {
    use countersign_domain::{decision::Risk, role::Role};

    use super::*;

    #[test]
    fn scope_and_limits_read_as_one_sentence() {
        let everywhere = ShownHolding {
            role: Role::Approver,
            systems: None,
            types: Vec::new(),
            risk: None,
            amount: None,
            until: None,
        };
        let limited = ShownHolding {
            systems: Some(vec!["refund-agent".into()]),
            types: vec!["refund.issue".into()],
            risk: Some(Risk::Medium),
            amount: Some(500),
            ..everywhere.clone()
        };

        assert_eq!(reach(&everywhere), "on every AI system");
        assert_eq!(reach(&limited), "on refund-agent; only refund.issue; up to medium risk; up to 500");
    }
}
