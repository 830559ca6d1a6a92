//! Kinds of ledger entries in words.

/// Says what an entry is about; a kind without words stands as it is.
pub(crate) fn kind_words(kind: &str) -> &str {
    match kind {
        "ledger.opened" => "Ledger opened",
        "ledger.heartbeat" => "Heartbeat",
        "policy.activated" => "Policy activated",
        "policy.drafted" => "Policy draft saved",
        "policy.submitted" => "Policy draft handed over",
        "policy.staffed" => "People for a seat of the policy missing, or there again",
        "policy.rejected" => "Policy draft rejected or taken back",
        "guard.changed" => "Limit of the guards set",
        "settings.changed" => "Settings changed",
        "system.approved" => "AI system registered",
        "system.paused" => "AI system paused",
        "system.resumed" => "AI system resumed",
        "system.owner_named" => "Owner of an AI system named",
        "agent_key.issued" => "Key issued",
        "agent_key.revoked" => "Key revoked",
        "person.created" => "Person added",
        "person.disabled" => "Person disabled",
        "person.enabled" => "Person enabled",
        "role.assigned" => "Role assigned",
        "role.unassigned" => "Role taken",
        "person.linked" => "Known by an identity provider",
        "sso.provider_changed" => "Identity provider changed",
        "auth.password_changed" => "Password set",
        "auth.signed_in" => "Signed in",
        "auth.failed" => "Sign-in failed",
        "auth.signed_out" => "Signed out",
        "auth.ended" => "Sign-in ended",
        "auth.stepped_up" => "Proven anew",
        "auth.recovery_used" => "Recovery code used",
        "auth.break_glass_used" => "Emergency sign-in",
        "auth.credential_enrolled" => "Passkey or app added",
        "auth.credential_confirmed" => "Passkey confirmed",
        "auth.credential_removed" => "Passkey or app removed",
        "sso.mapping_changed" => "Roles from groups changed",
        "sso.mapping_applied" => "Roles from groups worked out",
        "scim.token_issued" => "Directory token issued",
        "scim.token_revoked" => "Directory token revoked",
        "scim.applied" => "Pushed by a directory",
        "change.requested" => "Change asked for",
        "change.confirmed" => "Change confirmed",
        "change.refused" => "Change refused",
        "change.withdrawn" => "Change taken back",
        "change.lapsed" => "Change lapsed",
        "settings.single_operator" => "Mode of one person set",
        "decision.proposed" => "Decision proposed",
        "decision.routed" => "Routed by policy",
        "decision.escalated" => "Handed to the senior approvers",
        "decision.commented" => "Commented",
        "decision.leased" => "Review started",
        "decision.lease_ended" => "Review given up or taken over",
        "decision.revised" => "Revised by the AI system",
        "decision.edited" => "Edited by a reviewer",
        "decision.withdrawn" => "Withdrawn by the AI system",
        "decision.quorum_met" => "Decided; a review may still be taken back",
        "decision.review_retracted" => "Review taken back",
        "decision.review_voided" => "Review void",
        "decision.viewed" => "Decision shown",
        "decision.reviewed" => "Reviewed",
        "decision.resolved" => "Resolved",
        "decision.overridden" => "Released by override",
        "post_review.given" => "Looked at by another person",
        "decision.revoked" => "Approval revoked",
        "decision.compensated" => "Compensation recorded",
        "decision.released" => "Released to the AI system",
        "decision.outcome_reported" => "Outcome reported",
        "bulk.started" => "Several decisions reviewed by one act",
        "delegation.given" => "Right to review in one's place given",
        "delegation.ended" => "Right to review in one's place ended",
        "role.requested" => "Role asked for",
        "role.request_answered" => "Request for a role answered",
        "absence.set" => "Away from a day to another",
        "absence.cleared" => "Back again",
        "grant.requested" => "Grant asked for",
        "grant.activated" => "Grant activated",
        "grant.refused" => "Grant refused",
        "grant.used" => "Approved by a grant",
        "grant.exhausted" => "Grant used up",
        "grant.expired" => "Time of a grant over",
        "grant.revoked" => "Grant revoked",
        "handover.noted" => "Note left for the next shift",
        "handover.ended" => "Note for the next shift ended",
        "access.viewed" => "Read",
        "access.listed" => "List read",
        "access.downloaded" => "Downloaded",
        "access.log_read" => "Log read",
        "access.denied" => "Refused",
        "access.unmasked" => "Masked field opened",
        "access.searched" => "Searched",
        "access.exported" => "Exported",
        "access_review.started" => "Access review started",
        "access_review.decided" => "Assignment reviewed",
        "access_review.completed" => "Access review completed",
        "agent_key.rotated" => "Key rotated",
        "audit_window.opened" => "Audit window opened",
        "audit_window.closed" => "Audit window closed",
        "decision.reminded" => "Reminder sent",
        "channel.created" => "Channel of notices added",
        "channel.changed" => "Channel of notices changed",
        "channel.removed" => "Channel of notices removed",
        "ledger.anomaly" => "Something is wrong",
        other => other,
    }
}

/// Tells whether an entry of this kind can change what a list or a decision page shows.
pub(crate) fn changes_decisions(kind: &str) -> bool {
    let beside =
        ["decision.viewed", "decision.commented", "decision.leased", "decision.lease_ended", "decision.reminded"];
    kind.starts_with("decision.") && !beside.contains(&kind)
}

/// Tells whether an entry of this kind can change which systems are paused.
pub(crate) fn changes_pauses(kind: &str) -> bool {
    matches!(kind, "system.paused" | "system.resumed")
}

/// Tells whether an entry of this kind can change a queue though nothing happened to a decision: which systems are
/// paused, who owns them, which notes stand above it.
pub(crate) fn changes_beside(kind: &str) -> bool {
    changes_pauses(kind) || matches!(kind, "system.owner_named" | "handover.noted" | "handover.ended")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_entry_has_words() {
        let without: Vec<_> = countersign_domain::audit::kinds().filter(|kind| kind_words(kind) == *kind).collect();
        assert_eq!(without, Vec::<&str>::new());
    }

    #[test]
    fn showing_a_decision_does_not_change_it() {
        assert!(changes_decisions("decision.reviewed"));
        assert!(!changes_decisions("decision.viewed"));
        assert!(!changes_decisions("decision.commented"));
        assert!(!changes_decisions("decision.leased"));
        assert!(!changes_decisions("access.listed"));
    }
}
