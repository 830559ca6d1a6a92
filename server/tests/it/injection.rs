//! Five hundred records whose every text field tries to become markup.

use std::{collections::BTreeMap, time::Duration};

use countersign_domain::{decision::Verdict, ids::DecisionId, text::Reason};
use countersign_engine::{
    decisions,
    testing::{again, id_of},
};
use html5ever::{parse_document, tendril::TendrilSink as _};
use http::StatusCode;
use markup5ever_rcdom::{NodeData, RcDom};

use crate::installation::{Ask, Installation};

/// Ways out of the place where a text stands, and what would then run, load, submit or change the page.
#[derive(serde::Deserialize)]
struct Injections {
    exits: Vec<String>,
    payloads: Vec<String>,
}

const INJECTIONS: &str = include_str!("../../../end2end/lib/injections.json");

/// Elements by name and attributes of every element of a page; texts and values left out.
type Shape = Vec<(String, Vec<String>)>;

/// Proves H8 and H3: what agents and people write is text on every page, whatever it contains.
#[tokio::test(flavor = "multi_thread")]
async fn no_text_of_five_hundred_becomes_an_element_or_an_attribute() {
    let Injections { exits, payloads } = serde_json::from_str(INJECTIONS).unwrap();
    let hostile: Vec<String> =
        exits.iter().flat_map(|exit| payloads.iter().map(move |payload| format!("{exit}{payload}"))).collect();
    // The same length without a character that means anything to a parser.
    let harmless: Vec<String> = hostile.iter().map(|text| text.replace(['<', '>', '"', '\'', '&'], "_")).collect();
    assert_eq!(hostile.len(), 500);
    let attacked = Installation::new().await;
    let spared = Installation::new().await;

    let (there, here) = tokio::join!(pages(&attacked, &hostile), pages(&spared, &harmless));

    assert!(there.len() > 500, "only {} pages were read", there.len());
    assert_eq!(there.keys().collect::<Vec<_>>(), here.keys().collect::<Vec<_>>());
    for (place, shape) in &there {
        let other = &here[place];
        let first = shape.iter().zip(other).position(|(one, another)| one != another);
        let near =
            |shape: &Shape| first.map(|first| shape[first.saturating_sub(3)..shape.len().min(first + 3)].to_vec());
        assert!(shape == other, "{place}, element {first:?}: {:?} and without markup {:?}", near(shape), near(other));
    }
}

/// Records every text, rules on every fifth, and reads each page that shows them.
async fn pages(installation: &Installation, texts: &[String]) -> BTreeMap<String, Shape> {
    let mut decisions = Vec::new();
    for (number, text) in texts.iter().enumerate() {
        let stored = installation.desk.propose(&format!("k{number}"), &proposal(text)).await.unwrap();
        let id = id_of(&stored);
        if number % 5 == 0 {
            review(installation, id, text).await;
        }
        decisions.push(id);
    }
    installation.desk.sealed().await;

    let mut pages = BTreeMap::new();
    for (number, id) in decisions.iter().enumerate() {
        let html = read(installation, &format!("/decisions/{id}"), &installation.approver.token).await;
        pages.insert(format!("decision {number:03}"), shape(&html));
    }
    for (name, path) in [("queue", "/queue"), ("ledger", "/ledger"), ("me", "/me")] {
        // A page tells what is sealed and what waits; both installations have everything sealed.
        installation.desk.sealed().await;
        let html = read(installation, path, &installation.approver.token).await;
        pages.insert(name.to_owned(), shape(&html));
    }
    pages
}

async fn review(installation: &Installation, decision: DecisionId, text: &str) {
    let desk = &installation.desk;
    let mut request = desk.open_form(&desk.approver, decision, Verdict::Reject).await.unwrap();
    request.reason = Some(Reason::new(text).unwrap());
    decisions::review(&desk.engine, &again(&desk.approver), request).await.unwrap();
}

/// Asks as a browser would; a full bucket and a machine that is busy with other tests are waited for, as told.
async fn read(installation: &Installation, path: &str, token: &str) -> String {
    for _ in 0..100 {
        let answer = installation.send(Ask::get(path).html().session(token)).await;
        if matches!(answer.status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE) {
            assert_ne!(answer.header("retry-after"), "", "{path}: {}", answer.text());
            tokio::time::sleep(Duration::from_millis(200)).await;
            continue;
        }
        assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text());
        return answer.text().to_owned();
    }
    panic!("{path} was refused for twenty seconds");
}

fn proposal(text: &str) -> String {
    serde_json::json!({
        "mode": "propose",
        "action": {"type": "refund.issue", "parameters": {"order": text, "amount": "40.00"}},
        "intent": text,
        "rationale": text,
        "alternatives": [{"action": text, "why_not": text}],
        "model": {"name": text, "version": text},
        "prompt_version": text,
        "subjects": [{"ref": text, "kind": "person"}],
        "impact": {"effects": [text], "adverse": true, "affected": 1},
        "context": {"conversation": text, "steps": [{"role": "user", "text": text}, {"role": "assistant", "text": text}]},
        "external_id": text,
        "second_act": true,
    })
    .to_string()
}

fn shape(html: &str) -> Shape {
    let page = parse_document(RcDom::default(), html5ever::ParseOpts::default()).one(html);
    let mut shape = Shape::new();
    let mut rest = vec![page.document];
    while let Some(node) = rest.pop() {
        if let NodeData::Element { name, attrs, template_contents, .. } = &node.data {
            let mut attributes: Vec<String> = attrs.borrow().iter().map(|one| one.name.local.to_string()).collect();
            attributes.sort_unstable();
            shape.push((name.local.to_string(), attributes));
            rest.extend(template_contents.borrow().iter().cloned());
        }
        rest.extend(node.children.borrow().iter().rev().cloned());
    }
    shape
}
