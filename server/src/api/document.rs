use utoipa::{
    Modify, OpenApi,
    openapi::{
        self,
        security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};

use super::{decision_types, decisions, reference, schema};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Countersign",
        description = "AI systems propose decisions; people countersign them; every act is sealed in a ledger.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    paths(
        decisions::propose,
        decisions::show,
        decisions::report_outcome,
        decisions::revise,
        decisions::withdraw,
        decisions::proof,
        decision_types::list,
        reference::openapi,
        reference::errors,
    ),
    components(schemas(schema::Problem), responses(schema::Refused)),
    modifiers(&Key),
)]
struct Document;

struct Key;

impl Modify for Key {
    fn modify(&self, document: &mut openapi::OpenApi) {
        let scheme = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .bearer_format("csig_…")
            .description(Some("A key of one registered AI system."))
            .build();
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("agent_key", SecurityScheme::Http(scheme));
    }
}

/// Returns the description of the API.
pub fn openapi() -> openapi::OpenApi {
    Document::openapi()
}

/// Returns it as text, the form of the committed snapshot `sdk/openapi.json`.
pub(super) fn openapi_text() -> String {
    let mut text = openapi().to_pretty_json().expect("the document is plain data");
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use countersign_domain::{
        answer::AgentNext,
        decision::{Effect, OutcomeResult, ReasonCode, ResolutionOutcome, Risk, SealState, State},
        decision_type::{Hazard, Kind, Reversibility},
        event::WithdrawCode,
        form::{AnswerKind, FORM_VERDICTS},
        policy::{OnTimeout, Route},
        problem::Next,
    };
    use serde_json::{Value, json};

    use super::*;
    use crate::routes::{Door, ROUTES};

    #[test]
    fn the_document_describes_the_routes_of_the_api_and_no_others() {
        let document = serde_json::to_value(openapi()).unwrap();
        let mut described = BTreeSet::new();
        for (path, item) in document["paths"].as_object().unwrap() {
            described.extend(item.as_object().unwrap().keys().map(|method| (method.to_uppercase(), path.clone())));
        }

        let served: BTreeSet<_> = ROUTES
            .iter()
            .filter(|route| route.path.starts_with("/api/"))
            .map(|route| (route.method.word().to_owned(), route.path.to_owned()))
            .collect();

        assert_eq!(described, served);
        assert!(ROUTES.iter().filter(|route| route.door == Door::Api).all(|route| route.path.starts_with("/api/v1/")));
    }

    #[test]
    fn every_list_of_words_is_the_domain_s() {
        let document = serde_json::to_value(openapi()).unwrap();
        macro_rules! same {
            ($($name:ident)*) => {$(
                let words: Vec<_> = $name::ALL.iter().map(|value| serde_json::to_value(value).unwrap()).collect();
                assert_eq!(document["components"]["schemas"][stringify!($name)]["enum"], Value::Array(words), stringify!($name));
            )*};
        }

        same!(
            State Risk OnTimeout Route ResolutionOutcome ReasonCode SealState OutcomeResult Effect Reversibility Hazard Kind
            WithdrawCode AnswerKind
        );
        let words = |values: &[Value]| Value::Array(values.to_vec());
        let verdicts = FORM_VERDICTS.map(|verdict| serde_json::to_value(verdict).unwrap());
        assert_eq!(document["components"]["schemas"]["FormVerdict"]["enum"], words(&verdicts));
        let next = [Next::Retry, Next::Revise, Next::Stop].map(|next| serde_json::to_value(next).unwrap());
        let agent_next = [AgentNext::Act, AgentNext::Revise, AgentNext::Stop, AgentNext::Compensate]
            .map(|next| serde_json::to_value(next).unwrap());
        assert_eq!(document["components"]["schemas"]["Next"]["enum"], words(&next));
        assert_eq!(document["components"]["schemas"]["AgentNext"]["enum"], words(&agent_next));
    }

    #[test]
    fn every_answer_has_the_members_that_are_described() {
        let id = "01a19b7d-90e0-7f95-ae73-2979886b812a";
        let seal = json!({"state": "sealed", "index": 8, "size": 9});
        let decision = json!({
            "id": id, "state": "resolved", "version": 5, "revision": 1, "type_name": "a.b", "type_version": 1,
            "external_id": "x", "conversation": "y", "risk": "high", "content_hash": "h",
            "route": {"outcome": "require", "policy_version": id, "rule": 1, "reviews_needed": 1},
            "turn": {"of": "approvers", "since": "t", "why": "routed"}, "due_at": "t", "on_timeout": "deny", "paused": false,
            "resolution": {"outcome": "approved", "at": "t", "decided_by": {"kind": "people", "grant": id, "reviews": 1},
                "edited": true, "reason_code": "within_policy", "message": "m", "next": "act"},
            "action": {"type": "a.b", "type_version": 1, "parameters": {"n": "1"}},
            "message": "m", "reason_code": "other", "next": "revise",
            "seal": seal.clone(), "page": "p",
        });
        let definition = json!({
            "name": "a.b", "version": 1, "title": "t", "tool": "x", "risk": "low", "reversibility": "reversible",
            "risk_reasons": [], "amount": "n", "personal": ["n"], "hazards": ["adverse"],
            "parameters": [{"name": "n", "label": "l", "kind": "text", "required": true}],
            "form": [{"name": "f", "label": "l", "hint": "h", "kind": "choice", "choices": ["a", "b"], "required": true,
                "verdicts": ["approve"]}],
        });

        described::<countersign_domain::answer::AgentDecision>("AgentDecision", &decision);
        described::<countersign_domain::answer::AgentRoute>("AgentRoute", &decision["route"]);
        described::<countersign_domain::answer::AgentTurn>("AgentTurn", &decision["turn"]);
        described::<countersign_domain::answer::AgentResolution>("AgentResolution", &decision["resolution"]);
        described::<countersign_domain::answer::AgentAction>("AgentAction", &decision["action"]);
        described::<countersign_domain::answer::DecidedBy>("DecidedBy", &decision["resolution"]["decided_by"]);
        described::<countersign_domain::answer::AgentSeal>("AgentSeal", &seal);
        described::<countersign_domain::answer::AgentOutcome>("AgentOutcome", &json!({"id": id, "seal": seal}));
        described::<countersign_domain::decision_type::Parameter>("Parameter", &definition["parameters"][0]);
        described::<countersign_domain::form::FormField>("FormField", &definition["form"][0]);
        described::<countersign_domain::answer::ProblemDocument>(
            "Problem",
            &json!({
                "type": "t", "title": "t", "status": 422, "code": "invalid_content", "detail": "d",
                "errors": [{"pointer": "/a", "code": "c", "detail": "d"}], "policies": ["p"], "next": "stop", "request_id": "r",
            }),
        );
        described_with_id::<countersign_domain::decision_type::TypeDefinition>("DecisionType", &definition);
    }

    /// Holds a value of the domain, written and read back, against the schema of its name.
    fn described<T: serde::Serialize + serde::de::DeserializeOwned>(name: &str, example: &Value) {
        assert_eq!(properties(name), members::<T>(example), "{name}");
    }

    fn described_with_id<T: serde::Serialize + serde::de::DeserializeOwned>(name: &str, example: &Value) {
        let mut members = members::<T>(example);
        members.insert("id".into());
        assert_eq!(properties(name), members, "{name}");
    }

    fn members<T: serde::Serialize + serde::de::DeserializeOwned>(example: &Value) -> BTreeSet<String> {
        let value: T = serde_json::from_value(example.clone()).unwrap();
        serde_json::to_value(value).unwrap().as_object().unwrap().keys().cloned().collect()
    }

    fn properties(name: &str) -> BTreeSet<String> {
        let document = serde_json::to_value(openapi()).unwrap();
        document["components"]["schemas"][name]["properties"].as_object().unwrap().keys().cloned().collect()
    }
}
