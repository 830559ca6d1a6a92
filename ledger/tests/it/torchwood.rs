//! The witness transcript of FiloSottile/torchwood.

use countersign_ledger::cosign::{self, Cosigner};
use countersign_ledger::note::Verifier;
use countersign_ledger::witness::{AddCheckpoint, Cosigned, Refusal, check};

use crate::vectors;

const LOG_KEY: &str = "ffdc2d4d98e4124d3feaf788c0c2f9abfd796083d1f0495437f302ec79cf100f";
const ORIGIN: &str = "sigsum.org/v1/tree/4d6d8825a6bb689d459628312889dfbb0bcd41b5211d9e1ce768b0ff0309e562";

#[test]
fn the_nine_exchanges_end_as_recorded() {
    let transcript = vectors::text("torchwood/litewitness.txt");
    let exchanges: Vec<_> =
        transcript.split("POST http://localhost:7380/add-checkpoint\n```\n").skip(1).map(exchange).collect();
    assert_eq!(exchanges.len(), 9);
    let mut last = None;

    for (at, (body, status, conflict)) in exchanges.into_iter().enumerate() {
        let answer = AddCheckpoint::parse(&body).and_then(|request| {
            assert_eq!(request.to_string(), body);
            let cosigned = check(&request, &keys(request.origin()), last)?;
            assert_cosigned(&request);
            Ok(cosigned)
        });

        match answer {
            Ok(cosigned) => {
                assert_eq!(status, 200, "exchange {at}");
                last = Some(cosigned);
            }
            Err(refusal @ Refusal::UnknownLog) => {
                // The transcript predates tlog-witness v1.0.0, which asks for 404.
                assert_eq!((status, refusal.status()), (403, 404), "exchange {at}");
            }
            Err(refusal) => {
                assert_eq!(refusal.status(), status, "exchange {at}: {refusal}");
                assert_eq!(conflict, (status == 409).then(|| refusal.body()), "exchange {at}");
            }
        }
    }
    assert_eq!(last.map(|last: Cosigned| last.size), Some(5));
}

/// Body of the request, recorded status and, for a conflict, recorded body.
fn exchange(text: &str) -> (String, u16, Option<String>) {
    let (body, answer) = text.split_once("```\n").unwrap();
    let status = answer.strip_prefix("HTTP ").unwrap()[..3].parse().unwrap();
    let conflict =
        answer.split_once("body == \"").map(|(_, rest)| rest.split_once('"').unwrap().0.replace("\\n", "\n"));

    (body.to_owned(), status, conflict)
}

/// Keys of the one log the witness knows.
fn keys(origin: &str) -> Vec<Verifier> {
    if origin != ORIGIN {
        return Vec::new();
    }

    vec![crate::ed25519::verifier(ORIGIN, &hex::decode(LOG_KEY).unwrap()).unwrap()]
}

fn assert_cosigned(request: &AddCheckpoint) {
    let cosigner = Cosigner::new("example.com/witness", &[7; 32]).unwrap();

    let line = cosigner.sign(&request.note.text, 1_700_000_000).unwrap();

    assert_eq!(cosign::verify(&request.note.text, &line, cosigner.verifier()), Ok(1_700_000_000));
    assert!(cosign::verify("other\n", &line, cosigner.verifier()).is_err());
}
