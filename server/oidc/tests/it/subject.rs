//! Who somebody is where another claim than `sub` says so.

use countersign_oidc::{Fault, SignIn};
use serde_json::{Value, json};

use crate::rogue::{Desk, ISSUER};

fn desk(claim: &'static str, with: Value) -> Desk {
    let desk = Desk::with(|client| client.subject_claim = claim.into());
    desk.script().with_claims = with;
    desk
}

#[tokio::test]
async fn the_configured_claim_of_the_id_token_says_who_it_is() {
    let desk = desk("employee", json!({ "employee": "4711" }));
    // Userinfo is not signed: what it says of the claim counts for nothing.
    desk.script().with_userinfo = json!({ "employee": "1" });

    let SignIn { subject, claims, .. } = desk.sign_in().await.unwrap();

    assert_eq!(subject, "4711");
    assert_eq!((&claims["sub"], &claims["employee"]), (&json!("subject-1"), &json!("4711")));
}

/// A claim that lacks, or is no text, names nobody: `sub` never stands in for it, nor does userinfo.
#[tokio::test]
async fn a_claim_that_is_missing_or_no_text_names_nobody() {
    for with in [
        json!({}),
        json!({ "employee": null }),
        json!({ "employee": "" }),
        json!({ "employee": 4711 }),
        json!({ "employee": ["4711"] }),
        json!({ "employee": "a".repeat(256) }),
        json!({ "employee": "J\u{fc}rgen" }),
    ] {
        let desk = desk("employee", with.clone());
        desk.script().with_userinfo = json!({ "employee": "4711" });
        let fault = desk.refusal().await;

        assert_eq!(fault, Fault::SubjectClaim("employee".into()), "{with}");
        assert!(fault.to_string().contains("\"employee\", which says who somebody is, is missing"), "{fault}");
    }
}

/// The checks of `sub` go on: another claim comes beside them.
#[tokio::test]
async fn sub_is_still_asked_for_and_compared_with_userinfo() {
    let without = desk("employee", json!({ "employee": "4711", "sub": null }));
    let other = desk("employee", json!({ "employee": "4711" }));
    other.script().with_userinfo = json!({ "sub": "subject-2" });

    for desk in [without, other] {
        assert!(matches!(desk.refusal().await, Fault::Claim { name: "sub", .. }));
    }
}

/// Entra ID: `oid` is unique in one tenant, so the token's tenant is the issuer's.
#[tokio::test]
async fn oid_is_taken_from_the_tenant_of_the_issuer_only() {
    const TENANT: &str = "6babcaad-604b-40ac-a9d7-9fd97c0b779f";
    let entra = |tenant: Value| {
        let issuer = format!("{ISSUER}/{TENANT}/v2.0");
        let desk = Desk::with(|client| {
            client.subject_claim = "oid".into();
            client.issuer = issuer.clone();
        });
        let mut script = desk.script();
        let document = json!({
            "issuer": issuer, "authorization_endpoint": format!("{ISSUER}/authorize"),
            "token_endpoint": format!("{ISSUER}/token"), "jwks_uri": format!("{ISSUER}/jwks"),
        });
        let path = "/6babcaad-604b-40ac-a9d7-9fd97c0b779f/v2.0/.well-known/openid-configuration";
        script.instead.insert(path, (200, document.to_string().into_bytes()));
        script.with_claims = json!({ "iss": issuer, "oid": "object-1", "tid": tenant });
        drop(script);
        desk
    };
    let sign_in = async |desk: &Desk| {
        let (transaction, query) = desk.walk().await?;
        desk.redeem(&transaction, query.split("&iss=").next().unwrap()).await
    };

    assert_eq!(sign_in(&entra(json!(TENANT))).await.unwrap().subject, "object-1");
    for tenant in [json!("9188040d-6c67-4c5b-b112-36a304b66dad"), json!(""), json!("v2"), Value::Null] {
        let fault = sign_in(&entra(tenant.clone())).await.unwrap_err();
        assert!(matches!(fault, Fault::Claim { name: "tid", .. }), "{tenant}: {fault:?}");
    }
}

/// A logout token names a session, or brings the claim: its `sub` is nobody here.
#[tokio::test]
async fn a_logout_token_needs_a_session_or_the_configured_claim() {
    let desk = desk("employee", json!({ "employee": "4711" }));

    let by_session = desk.log_out(json!({}), json!({})).await.unwrap();
    let by_claim = desk.log_out(json!({}), json!({ "sid": null, "employee": "4711" })).await.unwrap();
    let by_sub = desk.log_out(json!({}), json!({ "sid": null })).await.unwrap_err();

    assert_eq!((by_session.subject, by_session.session.as_deref()), (None, Some("session-1")));
    assert_eq!((by_claim.subject.as_deref(), by_claim.session), (Some("4711"), None));
    assert_eq!(by_sub, Fault::SubjectClaim("employee".into()));
}
