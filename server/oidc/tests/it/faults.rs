//! Our own cases beside the suite: what a hostile or broken provider, or a forged callback, may try.

use std::num::NonZeroU64;

use countersign_oidc::{Algorithm, Asked, Callback, ClientAuth, Fault, Secret, Transaction};
use p256::ecdsa::{Signature, SigningKey, VerifyingKey, signature::Verifier as _};
use serde_json::{Value, json};

use crate::rogue::{CLIENT_ID, CLIENT_SECRET, Desk, ISSUER, NOW, Pair};

/// What one case changes, and which check must then fail.
type Case = (&'static str, fn(&mut Desk), fn(&Fault) -> bool);

fn claims(desk: &mut Desk, with: Value) {
    desk.script().with_claims = with;
}

macro_rules! refused {
    ($($(#[$doc:meta])* $name:ident: $change:expr => $fault:pat),* $(,)?) => {
        $(
            $(#[$doc])*
            #[tokio::test]
            async fn $name() {
                let case: Case = (stringify!($name), $change, |fault| matches!(fault, $fault));
                let mut desk = Desk::new();
                (case.1)(&mut desk);
                let fault = desk.refusal().await;
                assert!((case.2)(&fault), "{}: {fault:?}", case.0);
            }
        )*
    };
}

refused! {
    /// Proves O3.
    an_id_token_without_an_issuer_is_refused:
        |desk| claims(desk, json!({ "iss": null })) => Fault::Claim { name: "iss", .. },
    an_audience_of_several_needs_an_authorised_party:
        |desk| claims(desk, json!({ "aud": [CLIENT_ID, "another"] })) => Fault::Claim { name: "azp", .. },
    another_authorised_party_is_refused:
        |desk| claims(desk, json!({ "aud": [CLIENT_ID, "another"], "azp": "another" })) => Fault::Claim { name: "azp", .. },
    another_authorised_party_of_one_audience_is_refused:
        |desk| claims(desk, json!({ "azp": "another" })) => Fault::Claim { name: "azp", .. },
    an_audience_that_is_no_text_is_refused:
        |desk| claims(desk, json!({ "aud": [CLIENT_ID, 7] })) => Fault::Claim { name: "aud", .. },
    an_id_token_that_is_over_is_refused:
        |desk| claims(desk, json!({ "exp": NOW - 60 })) => Fault::Claim { name: "exp", .. },
    an_id_token_without_an_end_is_refused:
        |desk| claims(desk, json!({ "exp": null })) => Fault::Claim { name: "exp", .. },
    an_end_that_is_text_is_refused:
        |desk| claims(desk, json!({ "exp": "2999-01-01" })) => Fault::Claim { name: "exp", .. },
    an_id_token_of_the_future_is_refused:
        |desk| claims(desk, json!({ "iat": NOW + 61 })) => Fault::Claim { name: "iat", .. },
    an_id_token_that_begins_later_is_refused:
        |desk| claims(desk, json!({ "nbf": NOW + 61 })) => Fault::Claim { name: "nbf", .. },
    an_id_token_without_a_nonce_is_refused:
        |desk| claims(desk, json!({ "nonce": null })) => Fault::Claim { name: "nonce", .. },
    an_empty_subject_is_refused:
        |desk| claims(desk, json!({ "sub": "" })) => Fault::Claim { name: "sub", .. },
    a_subject_of_256_characters_is_refused:
        |desk| claims(desk, json!({ "sub": "a".repeat(256) })) => Fault::Claim { name: "sub", .. },
    a_subject_that_is_a_number_is_refused:
        |desk| claims(desk, json!({ "sub": 1 })) => Fault::Claim { name: "sub", .. },
    an_access_token_type_is_refused:
        |desk| desk.script().with_header = json!({ "typ": "at+jwt" }) => Fault::Header("typ"),
    a_logout_token_is_no_id_token:
        |desk| desk.script().with_header = json!({ "typ": "logout+jwt" }) => Fault::Header("typ"),
    a_critical_header_is_refused:
        |desk| desk.script().with_header = json!({ "crit": ["exp"] }) => Fault::Header("crit"),
    an_algorithm_that_is_not_configured_is_refused:
        |desk| desk.sign_with(Pair::ed25519("ed"), "EdDSA") => Fault::Algorithm(_),
    a_key_of_another_kind_is_no_key:
        |desk| desk.script().published = vec![Pair::p256("one").public()] => Fault::NoKey,
    an_encryption_key_checks_nothing:
        |desk| desk.script().published[0]["use"] = json!("enc") => Fault::NoKey,
    a_key_for_another_algorithm_checks_nothing:
        |desk| desk.script().published[0]["alg"] = json!("PS256") => Fault::NoKey,
    a_key_that_may_not_verify_checks_nothing:
        |desk| desk.script().published[0]["key_ops"] = json!(["encrypt"]) => Fault::NoKey,
    a_key_in_the_header_is_never_used:
        |desk| {
            let mut script = desk.script();
            let stranger = Pair::other_rsa("one");
            script.with_header = json!({ "jwk": stranger.public(), "jku": "https://evil.example/jwks" });
            script.signer = stranger;
        } => Fault::Signature,
    a_claim_that_comes_twice_is_refused:
        |desk| desk.script().claims_text = Some(r#"{"sub":"subject-1","sub":"subject-2"}"#.into()) => Fault::Malformed(_),
    claims_that_are_no_object_are_refused:
        |desk| desk.script().claims_text = Some("[]".into()) => Fault::Malformed(_),
    an_answer_without_an_id_token_is_refused:
        |desk| desk.script().with_answer = json!({ "id_token": null }) => Fault::TokenAnswer("id_token"),
    an_answer_of_another_token_type_is_refused:
        |desk| desk.script().with_answer = json!({ "token_type": "DPoP" }) => Fault::TokenAnswer(_),
    a_key_set_of_a_thousand_keys_is_refused:
        |desk| {
            let mut script = desk.script();
            script.published = vec![script.published[0].clone(); 1_000];
        } => Fault::NotJson("key set"),
    /// Proves O4: `oidc::lying_discovery_is_refused`.
    a_discovery_document_over_a_megabyte_is_refused:
        |desk| {
            let long = vec![b' '; 1024 * 1024 + 1];
            desk.script().instead.insert("/.well-known/openid-configuration", (200, long));
        } => Fault::Transport(_),
    a_redirected_discovery_is_refused:
        |desk| {
            desk.script().instead.insert("/.well-known/openid-configuration", (302, Vec::new()));
        } => Fault::Status { status: 302, .. },
    a_plain_http_endpoint_is_refused:
        |desk| desk.script().with_discovery = json!({ "token_endpoint": "http://provider.example/token" })
            => Fault::Metadata("token_endpoint"),
    an_endpoint_with_a_password_is_refused:
        |desk| desk.script().with_discovery = json!({ "jwks_uri": "https://a:b@provider.example/jwks" })
            => Fault::Metadata("jwks_uri"),
    a_pkce_downgrade_is_refused:
        |desk| desk.script().with_discovery = json!({ "code_challenge_methods_supported": ["plain"] })
            => Fault::Metadata("code_challenge_methods_supported"),
    a_provider_without_the_code_flow_is_refused:
        |desk| desk.script().with_discovery = json!({ "response_types_supported": ["id_token"] })
            => Fault::Metadata("response_types_supported"),
    an_age_that_was_asked_for_and_is_missing_is_refused:
        |desk| {
            desk.asked = Asked { age_seconds_max: NonZeroU64::new(300), ..Asked::default() };
            claims(desk, json!({ "auth_time": null }));
        } => Fault::Claim { name: "auth_time", .. },
    an_authentication_older_than_asked_is_refused:
        |desk| {
            desk.asked = Asked { age_seconds_max: NonZeroU64::new(30), ..Asked::default() };
            claims(desk, json!({ "auth_time": NOW - 91 }));
        } => Fault::Claim { name: "auth_time", .. },
    a_weaker_authentication_than_asked_is_refused:
        |desk| {
            desk.asked = Asked { classes: vec!["phr".into()], ..Asked::default() };
        } => Fault::Claim { name: "acr", .. },
}

/// Proves O3: a fresh proof is asked for by age and by prompt. Debian's LemonLDAP::NG 2.21.3 takes `prompt=login` as
/// done within 300 s of a sign-in, so only a `max_age` above 0 makes it ask.
#[tokio::test]
async fn a_fresh_proof_is_asked_for_by_age_and_by_prompt() {
    let desk = Desk::new();
    let transaction = Transaction::new([1; 32], [2; 32], [3; 32]);
    let asked = Asked { age_seconds_max: NonZeroU64::new(30), ..Asked::default() };

    let address = desk.provider.begin(NOW, &transaction, &asked).await.unwrap();

    assert!(address.ends_with("&max_age=30&prompt=login"), "{address}");
}

/// Proves O3: 60 s of skew pass on either side.
#[tokio::test]
async fn a_clock_sixty_seconds_off_is_let_through() {
    for with in [json!({ "iat": NOW + 60, "nbf": NOW + 60 }), json!({ "iat": NOW - 400, "exp": NOW - 59 })] {
        let mut desk = Desk::new();
        claims(&mut desk, with);
        desk.sign_in().await.unwrap();
    }
}

/// Proves O3: each configured algorithm is taken, PS256 and EdDSA too.
#[tokio::test]
async fn every_configured_algorithm_is_taken() {
    for (pair, algorithm) in [
        (Pair::rsa("a"), Algorithm::Rs256),
        (Pair::rsa("b"), Algorithm::Ps256),
        (Pair::p256("c"), Algorithm::Es256),
        (Pair::ed25519("d"), Algorithm::EdDsa),
    ] {
        let desk = Desk::with(|client| client.algorithms = vec![algorithm]);
        desk.sign_with(pair, algorithm.name());
        // The half digest of EdDSA is of SHA-512.
        desk.script().with_claims = json!({ "at_hash": null });

        desk.sign_in().await.unwrap_or_else(|fault| panic!("{algorithm:?}: {fault}"));
    }
}

/// Proves O2: `oidc::mix_up_is_refused`.
#[tokio::test]
async fn an_answer_of_another_provider_is_refused() {
    let desk = Desk::new();
    let (transaction, query) = desk.walk().await.unwrap();

    let mixed = query.replace("provider.example", "other.example");
    let silent = query.split("&iss").next().unwrap();

    assert_eq!(desk.redeem(&transaction, &mixed).await, Err(Fault::Mixed("https://other.example".into())));
    assert_eq!(desk.redeem(&transaction, silent).await, Err(Fault::Missing("iss")));
    assert_eq!(desk.count("/token"), 0, "the code went to nobody");
}

#[tokio::test]
async fn repeated_parameters_are_refused() {
    for query in ["code=a&code=b&state=s", "state=s&state=s&code=a", "iss=a&iss=b", "x=1&x=2"] {
        assert!(matches!(Callback::read(query), Err(Fault::Repeated(_))), "{query}");
    }
}

#[tokio::test]
async fn the_state_of_another_sign_in_is_refused() {
    let desk = Desk::new();
    let (_, query) = desk.walk().await.unwrap();
    let other = Transaction::new([9; 32], [2; 32], [3; 32]);

    assert_eq!(desk.redeem(&other, &query).await, Err(Fault::State));
    assert_eq!(desk.redeem(&other, "code=a").await, Err(Fault::Missing("state")));
}

/// Proves O1: the verifier of another browser, and a code that was used, get nothing.
#[tokio::test]
async fn a_code_works_once_and_with_its_verifier_only() {
    let desk = Desk::new();
    let (transaction, query) = desk.walk().await.unwrap();
    let thief = Transaction { verifier: "another".into(), ..transaction.clone() };
    assert!(matches!(desk.redeem(&thief, &query).await, Err(Fault::Provider { .. })));
    let (transaction, query) = desk.walk().await.unwrap();
    desk.redeem(&transaction, &query).await.unwrap();

    assert!(matches!(desk.redeem(&transaction, &query).await, Err(Fault::Provider { .. })));
}

#[tokio::test]
async fn a_provider_s_own_error_is_told_and_cut() {
    let desk = Desk::new();
    let (transaction, query) = desk.walk().await.unwrap();
    let state = query.split("state=").nth(1).unwrap();
    let query = format!("error=access_denied&error_description=no%0Agroup&state={state}");

    let fault = desk.redeem(&transaction, &query).await.unwrap_err();

    assert_eq!(fault, Fault::Provider { code: "access_denied".into(), description: "nogroup".into() });
    assert_eq!(fault.to_string(), "the provider answered \"access_denied\": nogroup");
}

#[tokio::test]
async fn a_secret_never_stands_in_an_error() {
    let desk = Desk::with(|client| client.client_id = "unknown".into());

    let fault = desk.refusal().await;

    assert!(matches!(&fault, Fault::Provider { code, .. } if code == "invalid_client"));
    assert!(!format!("{fault} {fault:?}").contains(CLIENT_SECRET), "{fault}");
    assert!(!format!("{:?}", desk.provider.client()).contains(CLIENT_SECRET));
}

/// Proves O5: `oidc::a_kid_flood_makes_one_request`.
#[tokio::test]
async fn a_flood_of_unknown_keys_makes_one_request_a_minute() {
    let mut desk = Desk::new();
    desk.sign_in().await.unwrap();
    desk.script().with_header = json!({ "kid": "unknown" });

    for _ in 0..100 {
        assert_eq!(desk.refusal().await, Fault::NoKey);
    }

    assert_eq!(desk.count("/jwks"), 2);
    desk.now += 60;
    assert_eq!(desk.refusal().await, Fault::NoKey);
    assert_eq!(desk.count("/jwks"), 3);
}

/// Proves O5: a withdrawn key leaves with the next set.
#[tokio::test]
async fn a_withdrawn_key_leaves_within_a_quarter_of_an_hour() {
    let mut desk = Desk::new();
    desk.sign_in().await.unwrap();
    desk.script().published = vec![Pair::other_rsa("two").public()];
    desk.now += 15 * 60;
    let now = desk.now;
    claims(&mut desk, json!({ "iat": now, "exp": now + 300 }));

    assert_eq!(desk.refusal().await, Fault::NoKey);
}

/// Proves O5: keys and addresses that are known outlive an outage of the places they came from.
#[tokio::test]
async fn an_outage_of_discovery_and_keys_stops_no_sign_in() {
    let mut desk = Desk::new();
    desk.sign_in().await.unwrap();
    desk.script().down = vec!["/.well-known/openid-configuration", "/jwks"];
    desk.now += 2 * 3_600;
    let now = desk.now;
    claims(&mut desk, json!({ "iat": now, "exp": now + 300 }));

    desk.sign_in().await.unwrap();

    desk.script().down = vec!["/token"];
    assert!(matches!(desk.refusal().await, Fault::Transport(_)));
}

/// Proves O14: `private_key_jwt` carries a signature for this token endpoint, and no secret.
#[tokio::test]
async fn a_private_key_shows_who_the_client_is() {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

    let scalar = [5; 32];
    let auth = ClientAuth::PrivateKey { scalar: Secret::new(URL_SAFE_NO_PAD.encode(scalar)), key_id: "key-1".into() };
    let desk = Desk::with(|client| client.auth = auth);

    desk.sign_in().await.unwrap();

    let script = desk.script();
    let token = script.requests.iter().find(|asking| asking.path == "/token").unwrap();
    assert!(token.authorization.is_empty());
    let form: std::collections::BTreeMap<_, _> = url::form_urlencoded::parse(token.body.as_bytes()).collect();
    let (signed, signature) = form["client_assertion"].rsplit_once('.').unwrap();
    let signature = Signature::from_slice(&URL_SAFE_NO_PAD.decode(signature).unwrap()).unwrap();
    let public = VerifyingKey::from(&SigningKey::from_slice(&scalar).unwrap());
    public.verify(signed.as_bytes(), &signature).unwrap();
    let claims: Value =
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(signed.split('.').nth(1).unwrap()).unwrap()).unwrap();
    assert_eq!((&claims["iss"], &claims["aud"]), (&json!(CLIENT_ID), &json!(format!("{ISSUER}/token"))));
    assert_eq!(claims["exp"], json!(NOW + 60));
}

/// Proves O13: `oidc::logout_token_table`, beyond the suite's rows.
#[tokio::test]
async fn logout_tokens_are_refused_for_one_fault_each() {
    let event = "http://schemas.openid.net/event/backchannel-logout";
    for (header, claims, wanted) in [
        (json!({ "typ": "JWT" }), json!({}), "typ"),
        (json!({ "typ": null }), json!({}), "typ"),
        (json!({ "typ": "at+jwt" }), json!({}), "typ"),
        (json!({}), json!({ "iat": NOW - 121 }), "iat"),
        (json!({}), json!({ "iat": NOW + 61 }), "iat"),
        (json!({}), json!({ "iat": null }), "iat"),
        (json!({}), json!({ "exp": NOW - 60 }), "exp"),
        (json!({}), json!({ "jti": null }), "jti"),
        (json!({}), json!({ "jti": "" }), "jti"),
        (json!({}), json!({ "sub": null, "sid": null }), "sub"),
        (json!({}), json!({ "events": [event] }), "events"),
        (json!({}), json!({ "events": { event: true } }), "events"),
        (json!({}), json!({ "aud": [CLIENT_ID, "another"] }), "azp"),
    ] {
        let fault = Desk::new().log_out(header, claims.clone()).await.unwrap_err();
        let found = match fault {
            Fault::Claim { name, .. } | Fault::Header(name) => name,
            other => panic!("{claims}: {other:?}"),
        };
        assert_eq!(found, wanted, "{claims}");
    }
}

#[tokio::test]
async fn a_logout_token_without_a_type_passes_where_that_is_configured() {
    let desk = Desk::with(|client| client.logout_typ_required = false);

    desk.log_out(json!({ "typ": null }), json!({})).await.unwrap();
    let mistaken = desk.log_out(json!({ "typ": "at+jwt" }), json!({})).await;

    assert_eq!(mistaken, Err(Fault::Header("typ")));
}

#[tokio::test]
async fn a_provider_without_a_way_out_says_so() {
    let desk = Desk::new();
    desk.script().with_discovery = json!({ "end_session_endpoint": null });

    let refusal = desk.provider.end_session(NOW, "token", "https://desk.example/out", "st").await;

    assert_eq!(refusal, Err(Fault::NotOffered("end_session_endpoint")));
}
