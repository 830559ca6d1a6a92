//! The 35 applicable relying-party cases of the OpenID conformance suite, by name.
//! Proves O1, O3, O4, O5, O7, O12 and O13 as far as the suite reaches.

use countersign_oidc::{Algorithm, Fault, check_logout_return};
use serde_json::json;

use crate::rogue::{ACCESS_TOKEN, CLIENT_ID, Desk, NOW, Pair, query_of};

fn is_claim(fault: &Fault, wanted: &str) -> bool {
    matches!(fault, Fault::Claim { name, .. } if *name == wanted)
}

#[tokio::test]
async fn oidcc_client_test() {
    let signed_in = Desk::new().sign_in().await.unwrap();

    assert_eq!((signed_in.subject.as_str(), signed_in.session.as_deref()), ("subject-1", Some("session-1")));
    assert_eq!(signed_in.amr, ["pwd", "otp"]);
}

#[tokio::test]
async fn oidcc_client_test_client_secret_basic() {
    let desk = Desk::new();

    desk.sign_in().await.unwrap();

    let script = desk.script();
    let token = script.requests.iter().find(|asking| asking.path == "/token").unwrap();
    assert!(token.authorization.starts_with("Basic ") && !token.body.contains("client_secret"));
}

#[tokio::test]
async fn oidcc_client_test_discovery_openid_config() {
    let desk = Desk::new();
    desk.script().with_discovery = json!({ "authorization_endpoint": "https://login.example/start?tenant=7" });

    let (transaction, _) = desk.walk().await.unwrap();
    let address = desk.provider.begin(NOW, &transaction, &desk.asked).await.unwrap();

    assert!(address.starts_with("https://login.example/start?tenant=7&"), "{address}");
    assert_eq!(query_of(&address)["client_id"], CLIENT_ID);
    assert_eq!(desk.count("/.well-known/openid-configuration"), 1);
}

#[tokio::test]
async fn oidcc_client_test_discovery_jwks_uri_keys() {
    let desk = Desk::new();

    desk.sign_in().await.unwrap();

    assert_eq!(desk.count("/jwks"), 1);
}

#[tokio::test]
async fn oidcc_client_test_discovery_issuer_mismatch() {
    let desk = Desk::new();
    desk.script().with_discovery = json!({ "issuer": "https://provider.example/" });

    assert!(matches!(desk.refusal().await, Fault::IssuerMismatch { .. }));
}

#[tokio::test]
async fn oidcc_client_test_idtoken_sig_rs256() {
    let desk = Desk::new();

    desk.sign_in().await.unwrap();

    desk.script().spoil = |token| token.replacen('.', ".e", 1);
    assert!(matches!(desk.refusal().await, Fault::Signature | Fault::Malformed(_)));
}

#[tokio::test]
async fn oidcc_client_test_idtoken_sig_none() {
    let desk = Desk::new();
    desk.script().with_header = json!({ "alg": "none" });

    assert_eq!(desk.refusal().await, Fault::Algorithm("none".into()));
}

#[tokio::test]
async fn oidcc_client_test_invalid_sig_rs256() {
    let desk = Desk::new();
    desk.script().signer = Pair::other_rsa("one");

    assert_eq!(desk.refusal().await, Fault::Signature);
}

#[tokio::test]
async fn oidcc_client_test_invalid_sig_es256() {
    let desk = Desk::with(|client| client.algorithms = vec![Algorithm::Es256]);
    desk.sign_with(Pair::p256("ec"), "ES256");
    desk.sign_in().await.unwrap();

    desk.script().signer = Pair::p256("ec");

    assert_eq!(desk.refusal().await, Fault::Signature);
}

#[tokio::test]
async fn oidcc_client_test_invalid_sig_hs256() {
    let desk = Desk::with(|client| client.algorithms = Algorithm::ALL.to_vec());
    desk.script().with_header = json!({ "alg": "HS256" });

    assert_eq!(desk.refusal().await, Fault::Algorithm("HS256".into()));
}

#[tokio::test]
async fn oidcc_client_test_invalid_iss() {
    let desk = Desk::new();
    desk.script().with_claims = json!({ "iss": "https://provider.example/other" });

    assert!(is_claim(&desk.refusal().await, "iss"));
}

#[tokio::test]
async fn oidcc_client_test_invalid_aud() {
    let desk = Desk::new();
    desk.script().with_claims = json!({ "aud": "another client" });

    assert!(is_claim(&desk.refusal().await, "aud"));
}

#[tokio::test]
async fn oidcc_client_test_invalid_athash() {
    let desk = Desk::new();
    desk.script().with_claims = json!({ "at_hash": "AAAAAAAAAAAAAAAAAAAAAA" });

    assert!(is_claim(&desk.refusal().await, "at_hash"));
}

#[tokio::test]
async fn oidcc_client_test_missing_iat() {
    let desk = Desk::new();
    desk.script().with_claims = json!({ "iat": null });

    assert!(is_claim(&desk.refusal().await, "iat"));
}

#[tokio::test]
async fn oidcc_client_test_missing_sub() {
    let desk = Desk::new();
    desk.script().with_claims = json!({ "sub": null });

    assert!(is_claim(&desk.refusal().await, "sub"));
}

#[tokio::test]
async fn oidcc_client_test_missing_aud() {
    let desk = Desk::new();
    desk.script().with_claims = json!({ "aud": null });

    assert!(is_claim(&desk.refusal().await, "aud"));
}

#[tokio::test]
async fn oidcc_client_test_nonce_invalid() {
    let desk = Desk::new();
    desk.script().with_claims = json!({ "nonce": "another" });

    assert!(is_claim(&desk.refusal().await, "nonce"));
}

#[tokio::test]
async fn oidcc_client_test_kid_absent_single_jwks() {
    let desk = Desk::new();
    desk.script().with_header = json!({ "kid": null });

    desk.sign_in().await.unwrap();
}

#[tokio::test]
async fn oidcc_client_test_kid_absent_multiple_jwks() {
    let desk = Desk::new();
    {
        let mut script = desk.script();
        script.with_header = json!({ "kid": null });
        script.published.push(Pair::other_rsa("two").public());
    }

    assert_eq!(desk.refusal().await, Fault::ManyKeys(2));
}

#[tokio::test]
async fn oidcc_client_test_signing_key_rotation() {
    let desk = Desk::new();
    desk.sign_in().await.unwrap();

    desk.sign_with(Pair::other_rsa("two"), "RS256");

    desk.sign_in().await.unwrap();
    assert_eq!(desk.count("/jwks"), 2);
}

#[tokio::test]
async fn oidcc_client_test_signing_key_rotation_just_before_signing() {
    let desk = Desk::new();
    desk.sign_in().await.unwrap();
    let (transaction, query) = desk.walk().await.unwrap();

    desk.sign_with(Pair::other_rsa("two"), "RS256");

    desk.redeem(&transaction, &query).await.unwrap();
}

#[tokio::test]
async fn oidcc_client_test_scope_userinfo_claims() {
    let desk = Desk::new();

    let signed_in = desk.sign_in().await.unwrap();

    assert_eq!(signed_in.claims["groups"], json!(["payments"]));
    let (transaction, _) = desk.walk().await.unwrap();
    let address = desk.provider.begin(NOW, &transaction, &desk.asked).await.unwrap();
    assert_eq!(query_of(&address)["scope"], "openid profile groups");
}

#[tokio::test]
async fn oidcc_client_test_userinfo_bearer_header() {
    let desk = Desk::new();

    desk.sign_in().await.unwrap();

    let script = desk.script();
    let userinfo = script.requests.iter().find(|asking| asking.path == "/userinfo").unwrap();
    assert_eq!(userinfo.authorization, format!("Bearer {ACCESS_TOKEN}"));
    assert!(userinfo.query.is_empty() && userinfo.body.is_empty());
}

#[tokio::test]
async fn oidcc_client_test_userinfo_invalid_sub() {
    let desk = Desk::new();
    desk.script().with_userinfo = json!({ "sub": "subject-2" });

    assert!(is_claim(&desk.refusal().await, "sub"));
}

#[tokio::test]
async fn oidcc_client_test_rp_init_logout() {
    let desk = Desk::new();
    let signed_in = desk.sign_in().await.unwrap();

    let address = desk.provider.end_session(NOW, signed_in.id_token.reveal(), "https://desk.example/out", "st");

    let address = address.await.unwrap();
    assert!(address.starts_with("https://provider.example/end?"));
    let query = query_of(&address);
    assert_eq!(query["id_token_hint"], signed_in.id_token.reveal());
    assert_eq!((query["client_id"].as_str(), query["state"].as_str()), (CLIENT_ID, "st"));
    assert_eq!(query["post_logout_redirect_uri"], "https://desk.example/out");
    assert_eq!(check_logout_return("st", "state=st"), Ok(()));
}

#[tokio::test]
async fn oidcc_client_test_rp_init_logout_no_state() {
    assert_eq!(check_logout_return("st", ""), Err(Fault::Missing("state")));
}

#[tokio::test]
async fn oidcc_client_test_rp_init_logout_other_state() {
    assert_eq!(check_logout_return("st", "state=ts"), Err(Fault::State));
}

#[tokio::test]
async fn oidcc_client_test_rp_backchannel_rpinitlogout() {
    let ended = Desk::new().log_out(json!({}), json!({})).await.unwrap();

    assert_eq!((ended.subject.as_deref(), ended.session.as_deref()), (Some("subject-1"), Some("session-1")));
    assert_eq!(ended.token_id, "logout-1");
}

#[tokio::test]
async fn oidcc_client_test_rp_backchannel_rpinitlogout_alg_none() {
    let refusal = Desk::new().log_out(json!({ "alg": "none" }), json!({})).await.unwrap_err();

    assert_eq!(refusal, Fault::Algorithm("none".into()));
}

#[tokio::test]
async fn oidcc_client_test_rp_backchannel_rpinitlogout_no_event() {
    let refusal = Desk::new().log_out(json!({}), json!({ "events": null })).await.unwrap_err();

    assert!(is_claim(&refusal, "events"));
}

#[tokio::test]
async fn oidcc_client_test_rp_backchannel_rpinitlogout_with_nonce() {
    let refusal = Desk::new().log_out(json!({}), json!({ "nonce": "n" })).await.unwrap_err();

    assert!(is_claim(&refusal, "nonce"));
}

#[tokio::test]
async fn oidcc_client_test_rp_backchannel_rpinitlogout_wrong_alg() {
    let refusal = Desk::new().log_out(json!({ "alg": "PS256" }), json!({})).await.unwrap_err();

    assert_eq!(refusal, Fault::Algorithm("PS256".into()));
}

#[tokio::test]
async fn oidcc_client_test_rp_backchannel_rpinitlogout_wrong_aud() {
    let refusal = Desk::new().log_out(json!({}), json!({ "aud": "another" })).await.unwrap_err();

    assert!(is_claim(&refusal, "aud"));
}

#[tokio::test]
async fn oidcc_client_test_rp_backchannel_rpinitlogout_wrong_event() {
    let events = json!({ "http://schemas.openid.net/event/other": {} });

    let refusal = Desk::new().log_out(json!({}), json!({ "events": events })).await.unwrap_err();

    assert!(is_claim(&refusal, "events"));
}

#[tokio::test]
async fn oidcc_client_test_rp_backchannel_rpinitlogout_wrong_iss() {
    let refusal = Desk::new().log_out(json!({}), json!({ "iss": "https://other.example" })).await.unwrap_err();

    assert!(is_claim(&refusal, "iss"));
}
