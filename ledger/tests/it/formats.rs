//! Strict readers: whatever they accept is written back byte for byte, and what they must refuse they refuse.

use std::collections::BTreeMap;

use countersign_ledger::Error;
use countersign_ledger::checkpoint::Checkpoint;
use countersign_ledger::hash::{Hash, Label};
use countersign_ledger::leaf::{Actor, ActorKind, Authz, Leaf, Obj};
use countersign_ledger::note::{self, Note, Verifier};
use countersign_ledger::policy::TrustPolicy;
use countersign_ledger::tile::{BundleId, TileId, parse_bundle};
use countersign_ledger::tlog_proof::TlogProof;
use countersign_ledger::value::{INTEGER_MAX, Limits, Value};
use countersign_ledger::witness::AddCheckpoint;
use proptest::prelude::*;

use crate::countersign::{leaves, log_key};
use crate::export::plain_leaf;
use crate::vectors;

#[test]
fn labels_are_unique_and_no_label_is_the_start_of_another() {
    for (at, label) in Label::ALL.iter().enumerate() {
        assert!(label.as_str().starts_with("countersign/") && label.as_str().ends_with("/v1"));
        for other in &Label::ALL[at + 1..] {
            assert_ne!(label.as_str(), other.as_str());
        }
    }
    assert_eq!(Label::ALL.len(), 23);
}

#[test]
fn the_strict_reader_refuses_everything_outside_the_value_set() {
    let refused = [
        (r#"{"a":1 }"#, "expected `,`"),
        (r#"{"a": 1}"#, "expected an object"),
        (r#"{"b":1,"a":1}"#, "sorted"),
        (r#"{"a":1,"a":1}"#, "never repeated"),
        (r#"{"A":1}"#, "a word"),
        (r#"{"a-b":1}"#, "a word"),
        (r#"{"a":"\u0041"}"#, "without space, quotation mark and backslash"),
        ("{\"a\":\"\u{e9}\"}", "is ASCII"),
        (r#"{"a":"two words"}"#, "without space"),
        (r#"{"a":1.0}"#, "expected `,`"),
        (r#"{"a":1e3}"#, "expected `,`"),
        (r#"{"a":-1}"#, "expected an object"),
        (r#"{"a":01}"#, "leading zeros"),
        (r#"{"a":9007199254740992}"#, "2^53 - 1"),
        (r#"{"a":99999999999999999999}"#, "2^53 - 1"),
        (r#"{"a":null}"#, "expected an object"),
        (r#"{"a":{}}"#, "empty container"),
        (r#"{"a":[]}"#, "empty container"),
        (r#"{"a":""}"#, "empty text"),
        (r#"{"a":1}x"#, "trailing"),
        (r#"{"a":tru}"#, "true or false"),
        (r#"{"a":[[[[1]]]]}"#, "too deep"),
        (r#"{"a":1"#, "expected `,`"),
        (r#"{"a":"b"#, "ends with a quotation mark"),
        ("", "expected an object"),
    ];
    for (text, reason) in refused {
        let error = Value::parse(text.as_bytes(), Limits::LEAF).unwrap_err();

        assert!(error.to_string().contains(reason), "{text}: {error}");
    }
}

#[test]
fn limits_hold_on_both_sides() {
    let keys = |count: usize| Value::object((0..count).map(|at| (format!("k{at:03}"), true)));
    let elements = |count: usize| Value::array((0..count).map(|_| true));
    for (fits, exceeds, limits) in [
        (keys(32), keys(33), Limits::LEAF),
        (elements(32), elements(33), Limits::LEAF),
        (elements(1_024), elements(1_025), Limits::STATEMENT),
        (Value::from("x".repeat(300)), Value::from("x".repeat(301)), Limits::LEAF),
        (Value::from("x".repeat(1_024)), Value::from("x".repeat(1_025)), Limits::STATEMENT),
        (Value::from(INTEGER_MAX), Value::from(INTEGER_MAX + 1), Limits::LEAF),
        (Value::array(vec![elements(2); 2]), nested(5), Limits::LEAF),
        (nested(4), Value::object([("a", Value::from(""))]), Limits::LEAF),
    ] {
        let bytes = fits.to_bytes(limits).unwrap();
        assert_eq!(Value::parse(&bytes, limits).as_ref(), Ok(&fits));
        assert!(exceeds.to_bytes(limits).is_err());
        assert!(Value::parse(&serde_jcs_like(&exceeds), limits).is_err(), "{exceeds:?}");
    }
    let wide = Value::array((0..32).map(|_| "x".repeat(200)));
    assert!(matches!(wide.to_bytes(Limits::LEAF), Err(Error::Limit { max: 4_096, .. })));
    assert!(matches!(Value::parse(&serde_jcs_like(&wide), Limits::LEAF), Err(Error::Limit { max: 4_096, .. })));
}

#[test]
fn a_leaf_outside_its_schema_is_refused_by_reader_and_writer() {
    let line = &leaves()[10];
    for (from, to) in [
        (r#""as":"person""#, r#""as":"robot""#),
        (r#""as":"person""#, r#""as":"engine""#),
        (r#"{"as":"person","#, r#"{"as":"person","by":"x","#),
        ("99d24cfb-2763-4559", "99d24cfb-2763-1559"),
        (r#""via":"01a19b7c-f4a0-7"#, r#""via":"01A19B7C-f4a0-7"#),
        (r#""via":"01a19b7c-f4a0-7"#, r#""via":"01a19b7c-f4a0-4"#),
        (r#""at":1793610150000,"#, ""),
        (r#"["review_assigned","four_eyes"]"#, r#"["review assigned"]"#),
        (r#"["review_assigned","four_eyes"]"#, r#"["a","b","c","d","e","f","g","h","i"]"#),
        (r#""rev":"#, r#""ok":true,"rev":"#),
        (r#"xF_GANj0X55kbIG4tQlLxK70kF2D2kJ4QifApZFwJ_0"#, r#"xF_GANj0X55kbIG4tQlLxK70kF2D2kJ4QifApZFwJ_1"#),
        (r#""id":"01a19b7e-f070-7afe"#, r#""id":"01a19b7e-f070-4afe"#),
        ("decision.reviewed", "decision"),
        ("decision.reviewed", "decision.reviewed.twice"),
        (r#""n":3,"t""#, r#""n":0,"t""#),
        (r#""n":3,"t":"decision""#, r#""n":3,"t":"decision","upto":3"#),
        (r#","n":3,"t""#, r#","t""#),
        (r#","v":1}"#, r#","w":1}"#),
        (r#","v":1}"#, "}"),
        (r#","v":1}"#, r#","v":1,"w":1}"#),
    ] {
        assert!(line.contains(from), "{from}");
        let changed = line.replacen(from, to, if from.contains("authority") { 2 } else { 1 });
        let last = line.rfind(from).map(|at| format!("{}{to}{}", &line[..at], &line[at + from.len()..])).unwrap();

        assert!(Leaf::parse(changed.as_bytes()).is_err() || Leaf::parse(last.as_bytes()).is_err(), "{from} to {to}");
    }
    let newer = line.replace(r#","v":1}"#, r#","v":2}"#);
    assert_eq!(Leaf::parse(newer.as_bytes()), Err(Error::Version { what: "leaf", version: 2 }));
    let broken: [fn(&mut Leaf); 8] = [
        |leaf| leaf.id = leaf.id.to_uppercase(),
        |leaf| leaf.kind = "heartbeat".to_owned(),
        |leaf| leaf.at = INTEGER_MAX + 1,
        |leaf| leaf.actor.sid = Some("42c721e3-b925-48b3-87b2-803454babda0".to_owned()),
        |leaf| leaf.d = Some(Value::from(true)),
        |leaf| leaf.d = Some(Value::object([("a", "two words")])),
        |leaf| leaf.cm = (0..17).map(|at| (format!("f{at}"), Hash::default())).collect(),
        |leaf| leaf.obj = Some(Obj { t: "log".to_owned(), id: leaf.id.clone(), n: None, upto: None }),
    ];
    for change in broken {
        let mut leaf = plain_leaf(1);
        change(&mut leaf);

        assert!(matches!(leaf.encode(), Err(Error::Field { what: "leaf", .. })), "{leaf:?}");
    }
}

#[test]
fn malformed_notes_are_refused() {
    let text = vectors::text("countersign-v1/checkpoint.16");
    let line = "— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n";
    assert!(Note::parse(&format!("text\n\n{}", line.repeat(32))).is_ok());
    for malformed in [
        String::new(),
        "text\n".to_owned(),
        "text\n\n".to_owned(),
        format!("text\n\n{}", line.repeat(33)),
        format!("text\n\n{}", &line[..line.len() - 1]),
        format!("text\n\n{line}more\n"),
        format!("te\u{1}xt\n\n{line}"),
        format!("text\r\n\n{line}"),
        line.replace("— ", "-- "),
        format!("text\n\n{}", line.replace(" Uw", "  Uw")),
        format!("text\n\n{}", line.replace("QM=", "QN=")),
        format!("text\n\n{}", line.replace("foo", "f+o")),
        format!("text\n\n{}", line.replace("foo", "f\u{2003}o")),
        "text\n\n— example.com/foo Uw2QOg==\n".to_owned(),
        format!("{}\n\n{line}", "x".repeat(65_536)),
        text.replacen("\n\n", "\n", 1),
    ] {
        assert!(Note::parse(&malformed).is_err(), "{malformed:.60}");
    }
}

#[test]
fn malformed_checkpoints_are_refused() {
    let root = "KGik0qZ0kmDexajuF7wdXjyxuzEfM9f/DJ2oCQGw2l0=";
    assert!(Checkpoint::parse(&format!("log\n16\n{root}\nextension\n")).is_ok());
    for malformed in [
        String::new(),
        "log\n16\n".to_owned(),
        format!("log\n16\n{root}"),
        format!("\n16\n{root}\n"),
        format!("log\n016\n{root}\n"),
        format!("log\n-1\n{root}\n"),
        format!("log\n+1\n{root}\n"),
        format!("log\n18446744073709551616\n{root}\n"),
        format!("log\n16\n{root}\n\nx\n"),
        format!("log\n16\n{}\n", &root[..43]),
        format!("log\n16\n{}\n", root.replace("0=", "1=")),
    ] {
        assert!(Checkpoint::parse(&malformed).is_err(), "{malformed:?}");
    }
}

#[test]
fn a_known_key_with_a_wrong_signature_refuses_the_whole_note() {
    let mut note = Note::parse(&vectors::text("countersign-v1/checkpoint.16")).unwrap();
    let policy = TrustPolicy::parse(&vectors::text("countersign-v1/trust-policy.txt")).unwrap();
    let known = [policy.logs[0].key.clone(), policy.witnesses[0].key.clone()];
    assert_eq!(note::verify(&note, &known).unwrap().len(), 2);

    note.signatures[1].bytes[40] ^= 1;

    assert_eq!(note::verify(&note, &known), Err(Error::Signature { name: "witness.example.net/w1".to_owned() }));
}

#[test]
fn verifier_keys_split_on_the_first_two_plus_signs_only() {
    let with_plus = (0..=255_u8)
        .map(|seed| countersign_ledger::note::Signer::ed25519("log.example", &[seed; 32]).unwrap().vkey())
        .find(|vkey| vkey.matches('+').count() > 2)
        .unwrap();
    assert_eq!(with_plus.parse::<Verifier>().unwrap().to_string(), with_plus);
    let vkey = log_key().vkey();
    for malformed in [
        vkey.replacen('+', "-", 1),
        vkey.replace("4efb17f5", "4efb17f4"),
        vkey.replace("4efb17f5", "4EFB17F5"),
        vkey.replace("ledger", "ledge r"),
        vkey.replace("+AY", "+Ag"),
        vkey[..vkey.len() - 4].to_owned(),
        format!("{vkey}="),
    ] {
        assert!(malformed.parse::<Verifier>().is_err(), "{malformed}");
    }
}

#[test]
fn malformed_tile_paths_and_bundles_are_refused() {
    for path in [
        "tile/0/1",
        "tile/0/0001",
        "tile/0/x000/001",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000.p/01",
        "tile/00/000",
        "tile/64/000",
        "tile/0/x001",
        "tile/0/001/002",
        "tile/0/x001/x234/67",
        "tile/0/",
        "tile/000",
        "tile/0/000/",
        "tile/0/-01",
        "tile/0/x999/x999/x999/x999/x999/x999/x999/999",
    ] {
        assert!(TileId::parse(path).is_err(), "{path}");
    }
    assert_eq!(BundleId::parse("tile/entries/x001/000.p/7"), Ok(BundleId { n: 1_000, width: 7 }));
    for (bytes, width) in [(&b"\x00\x01a"[..], 2), (b"\x00\x02a", 1), (b"\x00\x01ab", 1), (b"\x00", 1), (b"", 1)] {
        assert!(parse_bundle(bytes, width).is_err());
    }
}

#[test]
fn malformed_proof_files_and_requests_are_refused() {
    let proof = vectors::text("countersign-v1/decision.resolved.tlog-proof");
    let hash = "3/B+PCidRmf953uH1Kl+sTkpqw+I2O0uzxoyw7onA/4=\n";
    for (from, to) in [
        ("@v1", "@v2"),
        ("index 11", "index 011"),
        ("index 11\n", ""),
        ("extra ", "extra  "),
        ("extra e", "extra =e"),
        (hash, "3/B+PCidRmf953uH1Kl+sTkpqw\n"),
        (hash, &hash.repeat(70)),
        ("\n\n", "\n"),
    ] {
        assert!(TlogProof::parse(&proof.replacen(from, to, if from == "\n\n" { 2 } else { 1 })).is_err(), "{from:?}");
    }
    let request = vectors::text("c2sp/parse-only/add-checkpoint-request.txt");
    let hash = "PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=\n";
    for (from, to) in
        [("old 2", "old 02"), ("old 2", "old  2"), (hash, "x\n"), (hash, &hash.repeat(61)), ("\n\n", "\n")]
    {
        assert!(
            AddCheckpoint::parse(&request.replacen(from, to, if from == "\n\n" { 2 } else { 1 })).is_err(),
            "{from:?}"
        );
    }
}

#[test]
fn trust_policies_count_groups_and_refuse_what_the_format_forbids() {
    let witness =
        |at: u8| countersign_ledger::cosign::Cosigner::new(&format!("w{at}.example"), &[at; 32]).unwrap().vkey();
    let head = format!("# ours\nlog {}\n\n", log_key().vkey())
        + &(1..=5).map(|at| format!("witness  w{at}\t{} https://w{at}.example\n", witness(at))).collect::<String>();
    let nested = format!("{head}group a 2 w1 w2 w3\ngroup b any w4 w5\ngroup both all a b\nquorum both\n");

    let policy = TrustPolicy::parse(&nested).unwrap();

    let met = |names: &[&str]| policy.quorum_met(|witness| names.contains(&witness.name.as_str()));
    assert!(met(&["w1", "w3", "w5"]));
    assert!(!met(&["w1", "w2", "w3"]));
    assert!(!met(&["w1", "w4", "w5"]));
    assert!(TrustPolicy::parse(&format!("{head}quorum none\n")).unwrap().without_witnesses());
    for lines in [
        "",
        "quorum w9\n",
        "quorum w1\nquorum w2\n",
        "group g 0 w1\nquorum g\n",
        "group g 2 w1\nquorum g\n",
        "group g 01 w1\nquorum g\n",
        "group g any\nquorum g\n",
        "group g any w1 w1\nquorum g\n",
        "group g any w1\ngroup h any w1\nquorum h\n",
        "group g any none\nquorum g\n",
        "group none any w1\nquorum none\n",
        "group w1 any w2\nquorum w1\n",
        "quorum w1",
        "quorum w1\u{7}\n",
        "unknown w1\nquorum w1\n",
        "log https://log.example\nquorum w1\n",
    ] {
        assert!(TrustPolicy::parse(&format!("{head}{lines}")).is_err(), "{lines}");
    }
    let twice = format!("{head}witness w6 {}\nquorum w6\n", witness(1));
    assert!(TrustPolicy::parse(&twice).is_err());
    let wrong_type = format!("log {}\nwitness w1 {}\nquorum w1\n", witness(1), log_key().vkey());
    assert!(TrustPolicy::parse(&wrong_type).is_err());
}

proptest! {
    #[test]
    fn every_leaf_round_trips(leaf in any_leaf()) {
        let bytes = leaf.encode().unwrap();

        prop_assert_eq!(serde_jcs::to_vec(&serde_json::from_slice::<serde_json::Value>(&bytes).unwrap()).unwrap(), bytes.clone());
        prop_assert_eq!(Leaf::parse(&bytes), Ok(leaf));
    }

    #[test]
    fn a_leaf_that_is_accepted_is_written_back_unchanged(line in 0_usize..16, at in 0_usize..900, byte in 0x20_u8..0x7f) {
        let mut bytes = leaves()[line].clone().into_bytes();
        let at = at % bytes.len();
        bytes[at] = byte;
        if let Ok(leaf) = Leaf::parse(&bytes) {
            prop_assert_eq!(leaf.encode().unwrap(), bytes);
        }
    }

    #[test]
    fn no_bytes_make_a_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = Leaf::parse(&bytes);
        let _ = parse_bundle(&bytes, 3);
        let text = String::from_utf8_lossy(&bytes);
        let _ = Note::parse(&text);
        let _ = Checkpoint::parse(&text);
        let _ = TlogProof::parse(&text);
        let _ = TrustPolicy::parse(&text);
        let _ = AddCheckpoint::parse(&text);
        let _ = TileId::parse(&text);
        let _ = text.parse::<Verifier>();
    }

    #[test]
    fn tile_paths_round_trip(level in 0_u8..64, n in any::<u64>(), width in 1_u16..=256) {
        let id = TileId { level, n, width };

        prop_assert_eq!(TileId::parse(&id.path()), Ok(id));
    }
}

fn any_leaf() -> impl Strategy<Value = Leaf> {
    let word = "[a-z][a-z0-9_]{0,47}";
    let entry = "[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}";
    let sid = "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}";
    let hash = any::<[u8; 32]>().prop_map(Hash);
    let named = (
        proptest::sample::select(vec![ActorKind::Person, ActorKind::Agent, ActorKind::Operator, ActorKind::Directory]),
        sid,
        proptest::option::of(entry),
        proptest::option::of(sid),
    )
        .prop_map(|(as_, sid, via, for_)| Actor { as_, sid: Some(sid), via, for_ });
    let actor = prop_oneof![Just(Actor::engine()), Just(Actor::anonymous()), named];
    let authz = (proptest::collection::vec("[A-Za-z0-9_-]{1,64}", 1..=8), hash.clone(), any::<bool>())
        .prop_map(|(ids, rev, ok)| Authz { ids, rev, ok });
    let place = prop_oneof![
        (1..=INTEGER_MAX).prop_map(|n| (Some(n), None)),
        (0..=INTEGER_MAX).prop_map(|upto| (None, Some(upto)))
    ];
    let obj = (word, entry, place).prop_map(|(t, id, (n, upto))| Obj { t, id, n, upto });
    let scalar = prop_oneof![
        (0..=INTEGER_MAX).prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
        "[!#-\\[\\]-~]{1,60}".prop_map(Value::from)
    ];
    let member = prop_oneof![
        scalar.clone(),
        proptest::collection::vec(scalar.clone(), 1..5).prop_map(Value::from),
        proptest::collection::btree_map(word, scalar, 1..4).prop_map(Value::from)
    ];
    let d = proptest::collection::btree_map("[a-z][a-z0-9_]{0,9}", member, 1..6).prop_map(Value::from);
    let cm = proptest::collection::btree_map("[a-z][a-z0-9_]{0,9}", hash, 0..5);

    (
        entry,
        0..=INTEGER_MAX,
        (word, word),
        actor,
        proptest::option::of(authz),
        proptest::option::of(obj),
        proptest::option::of(d),
        cm,
    )
        .prop_map(|(id, at, (object, act), actor, authz, obj, d, cm)| Leaf {
            id,
            at,
            kind: format!("{object}.{act}"),
            actor,
            authz,
            obj,
            d,
            cm,
        })
}

/// Arrays inside each other, `depth` of them.
fn nested(depth: usize) -> Value {
    (0..depth).fold(Value::from(true), |inner, _| Value::array([inner]))
}

/// Writes a value that may be outside the value set.
fn serde_jcs_like(value: &Value) -> Vec<u8> {
    fn general(value: &Value) -> serde_json::Value {
        match value {
            Value::Object(members) => members
                .iter()
                .map(|(key, value)| (key.clone(), general(value)))
                .collect::<BTreeMap<_, _>>()
                .into_iter()
                .collect(),
            Value::Array(elements) => elements.iter().map(general).collect(),
            Value::Text(text) => text.as_str().into(),
            Value::Integer(number) => (*number).into(),
            Value::Boolean(truth) => (*truth).into(),
        }
    }

    serde_json::to_vec(&general(value)).unwrap()
}
