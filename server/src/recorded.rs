//! Recorded runs of a real agent, as decisions: what it wanted to do, and all it knew then.

use std::io::Read as _;

use countersign_domain::decision_type::TypeDefinition;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};

use crate::cli::Failure;

/// Name of the system that the recorded agent is.
pub(crate) const SYSTEM: &str = "airline-agent";

const RUNS: &[u8] = include_bytes!("../demo/airline-runs.json.gz");
const TYPES: &str = include_str!("../demo/airline-types.json");
const POLICY: &str = include_str!("../demo/airline-policy.md");

/// One recorded run.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Run {
    task: u32,
    trial: u32,
    /// The customer.
    user: String,
    messages: Vec<Message>,
    /// What would have been right to do.
    #[cfg(any(test, feature = "drill"))]
    correct: Vec<Call>,
}

#[cfg(any(test, feature = "drill"))]
#[derive(Clone, Debug, Deserialize)]
struct Call {
    name: String,
    arguments: Value,
}

/// What somebody who knows what would have been right says to a call.
#[cfg(any(test, feature = "drill"))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expected {
    /// It is one of the correct actions.
    Correct,
    /// One of them is a call of this tool, with other arguments.
    OtherArguments,
    /// None of them is a call of this tool.
    NotCalledFor,
}

#[derive(Clone, Debug, Deserialize)]
struct Message {
    role: String,
    text: Option<String>,
    tool: Option<String>,
    arguments: Option<Value>,
}

/// One state-changing call of a run, ready to be proposed.
#[derive(Clone, Debug)]
pub(crate) struct Act {
    /// Name within its run, from 1.
    pub(crate) number: usize,
    /// Body of the proposal.
    pub(crate) body: Value,
    /// What is right to say to it.
    #[cfg(any(test, feature = "drill"))]
    pub(crate) expected: Expected,
}

/// Reads the recorded runs and the types of their calls.
///
/// # Errors
///
/// When the files in this binary are broken, which a test rules out.
pub(crate) fn read() -> Result<(Vec<Run>, Vec<TypeDefinition>), Failure> {
    let mut text = String::new();
    flate2::read::GzDecoder::new(RUNS).read_to_string(&mut text).map_err(Failure::io("reading the recorded runs"))?;
    Ok((parse(&text)?, parse(TYPES)?))
}

/// Reads a file that is a part of this program.
///
/// # Errors
///
/// When it is broken, which a test rules out.
pub(crate) fn parse<T: DeserializeOwned>(text: &str) -> Result<T, Failure> {
    serde_json::from_str(text).map_err(|error| Failure::Told(format!("a file in this program is broken: {error}")))
}

impl Run {
    /// Opaque id of the run, the `conversation` of its decisions.
    pub(crate) fn name(&self) -> String {
        format!("airline-{}-{}", self.task, self.trial)
    }

    /// Where the run stands when one of each task comes before the second of any.
    pub(crate) fn turn(&self) -> (u32, u32) {
        (self.trial, self.task)
    }

    /// The run's state-changing calls, each with the conversation before it.
    pub(crate) fn acts(&self, types: &[TypeDefinition]) -> Vec<Act> {
        let mut acts = Vec::new();
        for (position, message) in self.messages.iter().enumerate() {
            let Some(tool) = &message.tool else { continue };
            let definition = types.iter().find(|definition| definition.tool.as_ref() == Some(tool));
            if let (Some(definition), Some(arguments), "assistant") =
                (definition, &message.arguments, message.role.as_str())
            {
                let body = self.body(definition, arguments, &self.messages[..position]);
                acts.push(Act {
                    number: acts.len() + 1,
                    body,
                    #[cfg(any(test, feature = "drill"))]
                    expected: self.expected(tool, arguments),
                });
            }
        }
        acts
    }

    #[cfg(any(test, feature = "drill"))]
    fn expected(&self, tool: &str, arguments: &Value) -> Expected {
        let same_tool: Vec<_> = self.correct.iter().filter(|call| call.name == tool).collect();
        match same_tool.iter().any(|call| call.arguments == *arguments) {
            true => Expected::Correct,
            false if same_tool.is_empty() => Expected::NotCalledFor,
            false => Expected::OtherArguments,
        }
    }

    fn body(&self, definition: &TypeDefinition, arguments: &Value, before: &[Message]) -> Value {
        let steps: Vec<_> = before.iter().map(Message::step).collect();
        let said = before.iter().rev().find(|message| message.role == "assistant" && message.text.is_some());
        let mut body = json!({
            "mode": "propose",
            "channel": "sdk",
            "action": {"type": definition.name, "type_version": definition.version, "parameters": arguments},
            "model": {"provider": "openai", "name": "gpt-4o"},
            "subjects": [{"ref": self.user, "kind": "person"}],
            "context": {
                "conversation": self.name(),
                "steps": steps,
                "documents": [{"name": "Airline agent policy", "text": POLICY}],
            },
            "second_act": true,
        });
        if let Some(text) = said.and_then(|message| message.text.as_ref()) {
            body["rationale"] = text.as_str().into();
        }
        body
    }
}

impl Message {
    fn step(&self) -> Value {
        let mut step = json!({"role": self.role});
        if let Some(tool) = &self.tool {
            step["tool"] = tool.as_str().into();
        }
        if let Some(arguments) = &self.arguments {
            step["arguments"] = arguments.clone();
        }
        if let Some(text) = &self.text {
            let place = if self.role == "tool" { "result" } else { "text" };
            step[place] = text.as_str().into();
        }
        step
    }
}

#[cfg(test)]
mod tests {
    use countersign_domain::proposal::Proposal;

    use super::*;

    #[test]
    fn all_250_calls_are_valid_proposals_of_their_types() {
        let (runs, types) = read().unwrap();
        let acts: Vec<_> = runs.iter().flat_map(|run| run.acts(&types)).collect();

        assert_eq!((runs.len(), acts.len()), (118, 250));
        let expected = |expected| acts.iter().filter(|act| act.expected == expected).count();
        assert_eq!([Expected::Correct, Expected::OtherArguments, Expected::NotCalledFor].map(expected), [88, 104, 58]);
        for act in &acts {
            let proposal = Proposal::parse(act.body.to_string().as_bytes()).unwrap();
            let definition = types.iter().find(|definition| definition.name == proposal.action_type).unwrap();
            definition.bind(&proposal.parameters).unwrap();
        }
    }

    #[test]
    fn the_types_are_well_formed() {
        let (_, types) = read().unwrap();

        assert_eq!(types.len(), 6);
        assert!(types.iter().all(|definition| definition.check().is_ok()));
    }
}
