//! Identity providers: opening one, being known by one, and what works once.

use countersign_domain::{
    ids::ProviderId,
    problem::Code,
    provider::{ClientAuth, ProviderSettings},
    role::Role,
};
use countersign_engine::{
    Actor, Caller, Error, invitations, people,
    providers::{self, Credential, Logout, Proven},
    sessions,
    testing::{Desk, again},
};
use zeroize::Zeroizing;

const SECRET: &str = "client-secret-in-the-clear";

/// Proves F1: nobody signs in through settings that signed nobody in yet.
#[tokio::test(flavor = "multi_thread")]
async fn a_provider_opens_only_after_a_test_sign_in_with_its_settings() {
    let desk = Desk::new().await;
    let id = providers::add(&desk.engine, &again(&desk.admin), settings("company"), SECRET).await.unwrap();

    let early = providers::enable(&desk.engine, &again(&desk.admin), id).await.unwrap_err();
    assert_eq!(code(early), Code::InvalidTransition);
    providers::keep_test(&desk.engine, &again(&desk.admin), proven(id, "a", "state-1")).await.unwrap();
    let changed = ProviderSettings { scopes: "profile".into(), ..settings("company") };
    providers::change(&desk.engine, &again(&desk.admin), id, changed, "").await.unwrap();
    let stale = providers::enable(&desk.engine, &again(&desk.admin), id).await.unwrap_err();
    assert_eq!(code(stale), Code::InvalidTransition);
    assert!(providers::links(&desk.engine).await.unwrap().is_empty());
    providers::keep_test(&desk.engine, &again(&desk.admin), proven(id, "a", "state-2")).await.unwrap();
    providers::enable(&desk.engine, &again(&desk.admin), id).await.unwrap();

    let links = providers::links(&desk.engine).await.unwrap();
    assert_eq!((links[0].slug.as_str(), links[0].name.as_str()), ("company", "Company account"));
    let view = providers::list(&desk.engine, &again(&desk.admin)).await.unwrap();
    assert!(view.providers[0].enabled && view.providers[0].tested);
    let claims = view.test.unwrap().claims;
    assert!(claims.iter().any(|claim| claim.name == "email" && claim.masked && !claim.value.contains('@')));
    desk.check_log().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_admins_connect_providers_and_faulty_settings_name_their_field() {
    let desk = Desk::new().await;

    for caller in [&desk.approver, &desk.auditor] {
        let refused = providers::add(&desk.engine, &again(caller), settings("company"), SECRET).await.unwrap_err();
        assert!(matches!(refused, Error::Forbidden(_)), "{refused:?}");
        assert!(matches!(providers::list(&desk.engine, &again(caller)).await.unwrap_err(), Error::Forbidden(_)));
    }
    for (pointer, faulty) in [
        ("/slug", ProviderSettings { slug: "../x".into(), ..settings("x") }),
        ("/name", ProviderSettings { name: " ".into(), ..settings("company") }),
        ("/issuer", ProviderSettings { issuer: "ftp://id.example.org".into(), ..settings("company") }),
        ("/issuer", ProviderSettings { issuer: "https://user@id.example.org".into(), ..settings("company") }),
        ("/client_id", ProviderSettings { client_id: String::new(), ..settings("company") }),
        ("/scopes", ProviderSettings { scopes: "a\"b".into(), ..settings("company") }),
        ("/algorithms", ProviderSettings { algorithms: vec!["HS256".into()], ..settings("company") }),
        ("/algorithms", ProviderSettings { algorithms: vec!["none".into()], ..settings("company") }),
        ("/subject_claim", ProviderSettings { subject_claim: "email".into(), ..settings("company") }),
        ("/subject_claim", ProviderSettings { subject_claim: "a b".into(), ..settings("company") }),
        ("/subject_claim", ProviderSettings { subject_claim: "a".repeat(65), ..settings("company") }),
    ] {
        match providers::add(&desk.engine, &again(&desk.admin), faulty, SECRET).await.unwrap_err() {
            Error::Refused(problem) => assert_eq!(problem.errors[0].pointer, pointer),
            other => panic!("{pointer}: {other:?}"),
        }
    }
    providers::add(&desk.engine, &again(&desk.admin), settings("company"), SECRET).await.unwrap();
    let again_same = providers::add(&desk.engine, &again(&desk.admin), settings("other"), SECRET).await.unwrap_err();
    assert_eq!(code(again_same), Code::NameTaken, "the same issuer and client");
}

/// Proves O14 and E1: no row of a dump shows the secret, the subject or a claim.
#[tokio::test(flavor = "multi_thread")]
async fn no_secret_of_a_provider_is_readable_in_a_dump() {
    let desk = Desk::new().await;
    let id = open(&desk, "company").await;
    providers::link_own(&desk.engine, &again(&desk.approver), proven(id, "subject-of-pia", "s1")).await.unwrap();
    providers::sign_in(&desk.engine, &visitor(), proven(id, "subject-of-pia", "s2")).await.unwrap();

    for table in
        ["identity_providers", "identities", "session_id_tokens", "provider_tests", "logout_tokens", "vault_values"]
    {
        for word in [SECRET, "subject-of-pia", "ada@example.org", "the-id-token"] {
            let hex: String = word.bytes().map(|byte| format!("{byte:02x}")).collect();
            let query = format!(
                "select count(*) from {table} t where position('{word}' in t::text) > 0 or position('{hex}' in t::text) > 0"
            );
            assert_eq!(desk.database.number(&query).await, 0, "{word} in {table}");
        }
    }
    let connection = providers::connection(&desk.engine, "company").await.unwrap().unwrap();
    let Credential::Secret(secret) = connection.credential else { panic!("no key was asked for") };
    assert_eq!(secret.as_str(), SECRET, "the server itself can open it");
}

/// Proves O1: each state signs in once, also when two callbacks race.
#[tokio::test(flavor = "multi_thread")]
async fn a_state_works_once() {
    let desk = Desk::new().await;
    let id = open(&desk, "company").await;
    providers::link_own(&desk.engine, &again(&desk.approver), proven(id, "pia", "s1")).await.unwrap();

    let (visitor_a, visitor_b) = (visitor(), visitor());
    let (first, second) = tokio::join!(
        providers::sign_in(&desk.engine, &visitor_a, proven(id, "pia", "s2")),
        providers::sign_in(&desk.engine, &visitor_b, proven(id, "pia", "s2")),
    );

    assert_eq!([&first, &second].iter().filter(|done| done.is_ok()).count(), 1);
    let refused = first.err().or(second.err()).unwrap();
    assert_eq!(code(refused), Code::Unauthenticated);
    desk.check_log().await;
}

/// Proves O6: `oidc::same_email_at_another_issuer_is_a_powerless_stranger`.
#[tokio::test(flavor = "multi_thread")]
async fn the_same_subject_and_mail_at_another_issuer_is_a_stranger() {
    let desk = Desk::new().await;
    let company = open(&desk, "company").await;
    let other = open(&desk, "second").await;
    providers::link_own(&desk.engine, &again(&desk.approver), proven(company, "pia", "s1")).await.unwrap();

    let stranger = providers::sign_in(&desk.engine, &visitor(), proven(other, "pia", "s2")).await.unwrap_err();
    let taken =
        providers::link_own(&desk.engine, &again(&desk.auditor), proven(company, "pia", "s3")).await.unwrap_err();

    assert_eq!((code(stranger), code(taken)), (Code::Unauthenticated, Code::NameTaken));
}

/// Proves O13 and S6: a logout token ends the provider's session here, once.
#[tokio::test(flavor = "multi_thread")]
async fn a_logout_token_ends_its_sign_in_and_works_once() {
    let desk = Desk::new().await;
    let id = open(&desk, "company").await;
    providers::link_own(&desk.engine, &again(&desk.approver), proven(id, "pia", "s1")).await.unwrap();
    let new = providers::sign_in(&desk.engine, &visitor(), proven(id, "pia", "s2")).await.unwrap();
    let other = Proven { session: Some("another".into()), ..proven(id, "pia", "s3") };
    let kept = providers::sign_in(&desk.engine, &visitor(), other).await.unwrap();
    let logout = |token_id: &str| Logout {
        subject: Some("pia".into()),
        session: Some("idp-session".into()),
        token_id: token_id.into(),
        remember_until: desk.engine.now() + 180_000,
    };

    let ended = providers::back_channel_logout(&desk.engine, &visitor(), id, logout("one")).await.unwrap();
    let replayed = providers::back_channel_logout(&desk.engine, &visitor(), id, logout("one")).await.unwrap_err();

    assert_eq!(ended, 1);
    assert_eq!(code(replayed), Code::Unauthenticated);
    assert!(!sessions::is_live(&desk.engine, new.session).await.unwrap());
    assert!(sessions::is_live(&desk.engine, kept.session).await.unwrap(), "another session of the provider");
    let all = Logout { session: None, ..logout("two") };
    assert_eq!(providers::back_channel_logout(&desk.engine, &visitor(), id, all).await.unwrap(), 1);
    let nobody = Logout { session: Some("unknown".into()), ..logout("three") };
    assert_eq!(providers::back_channel_logout(&desk.engine, &visitor(), id, nobody).await.unwrap(), 0);
    desk.check_log().await;
}

/// Proves O5: a provider that closes ends no running sign-in, and lets nobody else in.
#[tokio::test(flavor = "multi_thread")]
async fn closing_a_provider_ends_no_running_sign_in() {
    let desk = Desk::new().await;
    let id = open(&desk, "company").await;
    providers::link_own(&desk.engine, &again(&desk.approver), proven(id, "pia", "s1")).await.unwrap();
    let new = providers::sign_in(&desk.engine, &visitor(), proven(id, "pia", "s2")).await.unwrap();

    providers::disable(&desk.engine, &again(&desk.admin), id).await.unwrap();

    assert!(sessions::is_live(&desk.engine, new.session).await.unwrap());
    let refused = providers::sign_in(&desk.engine, &visitor(), proven(id, "pia", "s3")).await.unwrap_err();
    assert_eq!(code(refused), Code::Unauthenticated);
    providers::remove(&desk.engine, &again(&desk.admin), id).await.unwrap();
    assert!(providers::connection(&desk.engine, "company").await.unwrap().is_none());
}

/// Proves O12: signing out here ends the sign-in first; the way to the provider works for a minute.
#[tokio::test(flavor = "multi_thread")]
async fn signing_out_leaves_a_short_way_to_the_provider() {
    let desk = Desk::new().await;
    let id = open(&desk, "company").await;
    providers::link_own(&desk.engine, &again(&desk.approver), proven(id, "pia", "s1")).await.unwrap();
    let new = providers::sign_in(&desk.engine, &visitor(), proven(id, "pia", "s2")).await.unwrap();
    let actor = sessions::authenticate(&desk.engine, new.token.reveal()).await.unwrap().unwrap();
    let caller = Caller::new(actor, "192.0.2.1", "test", uuid::Uuid::nil());

    let address = providers::sign_out(&desk.engine, &caller).await.unwrap().unwrap();

    assert!(!sessions::is_live(&desk.engine, new.session).await.unwrap());
    let ticket = address.strip_prefix("/sign-out/company?of=").unwrap();
    let (engine, now) = (&desk.engine, desk.engine.now());
    let token = providers::leaving_token(engine, ticket, now, 60_000).await.unwrap().unwrap();
    assert_eq!(token.as_str(), "the-id-token");
    assert!(providers::leaving_token(engine, ticket, now + 61_000, 60_000).await.unwrap().is_none());
    let forged = ticket.replace(|last: char| last.is_ascii_digit(), "1");
    assert!(providers::leaving_token(engine, &forged, now, 60_000).await.unwrap().is_none());
}

/// Proves S8: at a provider nobody can step up as somebody else.
#[tokio::test(flavor = "multi_thread")]
async fn a_step_up_is_the_same_person_again() {
    let desk = Desk::new().await;
    let id = open(&desk, "company").await;
    providers::link_own(&desk.engine, &again(&desk.approver), proven(id, "pia", "s1")).await.unwrap();
    providers::link_own(&desk.engine, &again(&desk.auditor), proven(id, "uwe", "s2")).await.unwrap();

    let other = providers::step_up(&desk.engine, &again(&desk.approver), proven(id, "uwe", "s3")).await.unwrap_err();
    let now = Proven { auth_time: Some(desk.engine.now()), ..proven(id, "pia", "s4") };
    let same = providers::step_up(&desk.engine, &again(&desk.approver), now).await;

    assert_eq!(code(other), Code::Unauthenticated);
    assert_eq!(Some(same.unwrap().person), desk.approver.person());
    desk.check_log().await;
}

/// Proves O6: who people are by one claim, nobody is by another; the claim can be chosen until somebody is known.
#[tokio::test(flavor = "multi_thread")]
async fn the_claim_that_says_who_somebody_is_stays_once_somebody_is_known() {
    let desk = Desk::new().await;
    let by_oid = |slug: &str| ProviderSettings { subject_claim: "oid".into(), ..settings(slug) };
    let change = async |id, settings| providers::change(&desk.engine, &again(&desk.admin), id, settings, "").await;
    let claim = async || providers::connection(&desk.engine, "company").await.unwrap().unwrap().subject_claim;
    let oid = |id, subject: &str, state: &str| Proven { subject_claim: "oid".into(), ..proven(id, subject, state) };
    let id = providers::add(&desk.engine, &again(&desk.admin), settings("company"), SECRET).await.unwrap();

    change(id, by_oid("company")).await.unwrap();
    let early = providers::keep_test(&desk.engine, &again(&desk.admin), proven(id, "ada", "t1")).await.unwrap_err();
    providers::keep_test(&desk.engine, &again(&desk.admin), oid(id, "ada", "t2")).await.unwrap();
    providers::enable(&desk.engine, &again(&desk.admin), id).await.unwrap();
    providers::link_own(&desk.engine, &again(&desk.approver), oid(id, "pia", "s1")).await.unwrap();
    providers::sign_in(&desk.engine, &visitor(), oid(id, "pia", "s2")).await.unwrap();
    let by_sub = providers::sign_in(&desk.engine, &visitor(), proven(id, "pia", "s3")).await.unwrap_err();
    let late = change(id, ProviderSettings { subject_claim: "sub".into(), ..settings("company") }).await.unwrap_err();
    change(id, settings("company")).await.unwrap();

    assert_eq!((code(early), code(by_sub)), (Code::Unauthenticated, Code::Unauthenticated), "read by another claim");
    assert_eq!(claim().await, "oid", "an empty field leaves it as it is");
    let late = countersign_domain::Problem::from(late);
    assert_eq!(late.code, Code::InvalidTransition);
    assert!(late.detail.starts_with("People of this issuer are known here by another claim."), "{}", late.detail);

    // The issuer's people are found again by whoever connects it again, so the claim holds there too.
    let other_client = ProviderSettings { client_id: "another".into(), slug: "again".into(), ..settings("company") };
    let same_issuer = providers::add(&desk.engine, &again(&desk.admin), other_client, SECRET).await.unwrap_err();
    providers::disable(&desk.engine, &again(&desk.admin), id).await.unwrap();
    providers::remove(&desk.engine, &again(&desk.admin), id).await.unwrap();
    let removed = providers::add(&desk.engine, &again(&desk.admin), settings("company"), SECRET).await.unwrap_err();
    providers::add(&desk.engine, &again(&desk.admin), by_oid("company"), SECRET).await.unwrap();
    assert_eq!((code(same_issuer), code(removed)), (Code::InvalidTransition, Code::InvalidTransition));
    desk.check_log().await;
}

/// Proves O14: with `private_key_jwt` the private key is made here, sealed, and never shown; its public half is.
#[tokio::test(flavor = "multi_thread")]
async fn a_key_of_the_installation_takes_the_place_of_a_secret() {
    let desk = Desk::new().await;
    let by_key = || ProviderSettings { client_auth: ClientAuth::PrivateKeyJwt, ..settings("company") };
    let admin = || again(&desk.admin);
    let change = async |settings, secret: &str| {
        let id = providers::list(&desk.engine, &admin()).await?.providers[0].id;
        providers::change(&desk.engine, &admin(), id, settings, secret).await
    };
    let credential = async || match providers::connection(&desk.engine, "company").await.unwrap().unwrap().credential {
        Credential::Key { scalar, id } => (scalar.to_string(), id),
        Credential::Secret(_) => panic!("a secret"),
    };

    let both = providers::add(&desk.engine, &admin(), by_key(), SECRET).await.unwrap_err();
    let neither = providers::add(&desk.engine, &admin(), settings("company"), "").await.unwrap_err();
    let id = providers::add(&desk.engine, &admin(), by_key(), "").await.unwrap();
    let (scalar, key) = credential().await;
    let set = providers::client_keys(&desk.engine, "company").await.unwrap().unwrap();
    providers::keep_test(&desk.engine, &admin(), proven(id, "ada", "t1")).await.unwrap();
    let row = providers::list(&desk.engine, &admin()).await.unwrap().providers.remove(0);

    assert_eq!((field(both), field(neither)), ("/secret".into(), "/secret".into()));
    assert_eq!((set["keys"][0]["kid"].as_str(), set["keys"].as_array().unwrap().len()), (Some(key.as_str()), 1));
    assert!(set["keys"][0].get("d").is_none() && !set.to_string().contains(&scalar), "the public half only");
    assert_eq!(row.client_key.as_deref(), Some(set["keys"][0].to_string().as_str()));
    assert!(row.tested && row.client_auth == ClientAuth::PrivateKeyJwt);
    let hex: String = scalar.bytes().map(|byte| format!("{byte:02x}")).collect();
    let query = format!(
        "select count(*) from identity_providers t where position('{scalar}' in t::text) > 0 \
         or position('{hex}' in t::text) > 0"
    );
    assert_eq!(desk.database.number(&query).await, 0, "the private half is sealed");

    // Other settings keep the pair; asking for another one makes one, which has to be tested.
    change(ProviderSettings { name: "Another name".into(), ..by_key() }, "").await.unwrap();
    let kept = credential().await.1;
    change(ProviderSettings { new_key: true, ..by_key() }, "").await.unwrap();
    let turned = credential().await.1;
    assert_eq!(kept, key);
    assert_ne!(turned, key);
    assert!(!providers::list(&desk.engine, &admin()).await.unwrap().providers[0].tested);

    // Back to a secret, which has to be typed; then there is no key set any more.
    let untyped = change(settings("company"), "").await.unwrap_err();
    change(settings("company"), SECRET).await.unwrap();
    assert_eq!(field(untyped), "/secret");
    assert!(providers::client_keys(&desk.engine, "company").await.unwrap().is_none());
    assert!(providers::client_keys(&desk.engine, "nobody").await.unwrap().is_none());
    desk.check_log().await;
}

fn field(error: Error) -> String {
    countersign_domain::Problem::from(error).errors.remove(0).pointer
}

/// Proves S8: what the provider does not date is no recent proof, neither at sign-in nor as a step-up.
#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_without_its_time_is_no_recent_proof() {
    let desk = Desk::new().await;
    let id = open(&desk, "company").await;
    providers::link_own(&desk.engine, &again(&desk.approver), proven(id, "pia", "s1")).await.unwrap();
    let dated = |state: &str, ago: u64| Proven { auth_time: Some(desk.engine.now() - ago), ..proven(id, "pia", state) };

    let silent = signed_in(&desk, proven(id, "pia", "s2")).await;
    let fresh = signed_in(&desk, dated("s3", 60_000)).await;
    let old = signed_in(&desk, dated("s4", 6 * 60_000)).await;
    let step_up = providers::step_up(&desk.engine, &again(&silent), proven(id, "pia", "s5")).await.unwrap_err();
    let dated_step_up = providers::step_up(&desk.engine, &again(&silent), dated("s6", 0)).await;

    assert!(sessions::require_recent(&fresh).is_ok());
    for caller in [silent, old] {
        assert_eq!(code(sessions::require_recent(&caller).unwrap_err()), Code::StepUpRequired);
    }
    assert_eq!(code(step_up), Code::Unauthenticated);
    assert!(dated_step_up.is_ok(), "{dated_step_up:?}");
}

/// Proves O6 and L7: nobody makes a way in as somebody who is known by a provider.
#[tokio::test(flavor = "multi_thread")]
async fn a_person_of_a_provider_gets_no_invitation() {
    let desk = Desk::new().await;
    let id = open(&desk, "company").await;
    providers::set_just_in_time(&desk.engine, &again(&desk.admin), id, true).await.unwrap();
    let claims = serde_json::json!({ "sub": "pia", "name": "Pia New" });
    let came =
        providers::sign_in(&desk.engine, &visitor(), Proven { claims, ..proven(id, "pia", "s1") }).await.unwrap();
    let invite = |login: &'static str| {
        let admin = again(&desk.admin);
        let engine = desk.engine.clone();
        async move { people::invite(&engine, &admin, login, login, Role::Viewer).await.unwrap() }
    };
    invite("late").await;
    let early = invite("early").await;
    let listed = people::list(&desk.engine, &again(&desk.admin)).await.unwrap().people;
    let of = |login: &str| listed.iter().find(|person| person.login == login).unwrap().id;

    let of_provider = people::renew_invitation(&desk.engine, &again(&desk.admin), came.person).await.unwrap_err();
    let of_session = desk.approver.person().unwrap();
    let of_session = people::renew_invitation(&desk.engine, &again(&desk.admin), of_session).await.unwrap_err();
    let not_yet = people::renew_invitation(&desk.engine, &again(&desk.admin), of("late")).await;
    // A directory gave this person an identity after the invitation went out.
    let link = format!(
        "insert into identities select 'by directory'::bytea, provider_id, '{}'::uuid, linked_at, gen_random_uuid() from identities limit 1",
        of("early").0
    );
    desk.database.attack(&link).await;
    let token = early.url.split_once("token=").unwrap().1;
    let accepted = invitations::accept(&desk.engine, &visitor(), token, "a long enough phrase").await.unwrap_err();

    assert_eq!((code(of_provider), code(of_session)), (Code::InvalidTransition, Code::InvalidTransition));
    assert!(not_yet.is_ok(), "{not_yet:?}");
    assert_eq!(code(accepted), Code::LinkExpired);
    let listed = people::list(&desk.engine, &again(&desk.admin)).await.unwrap().people;
    let invited = |id| listed.iter().find(|person| person.id == id).unwrap().invited_until.is_some();
    assert!(invited(of("late")), "nobody has come in by this link yet");
    assert!(!invited(of("early")) && !invited(came.person), "who came in by another way is invited no longer");
    assert_eq!(desk.database.number("select count(*) from people where password_hash is not null").await, 0);
}

async fn signed_in(desk: &Desk, proven: Proven) -> Caller {
    let new = providers::sign_in(&desk.engine, &visitor(), proven).await.unwrap();
    let actor = sessions::authenticate(&desk.engine, new.token.reveal()).await.unwrap().unwrap();
    Caller::new(actor, "192.0.2.1", "test", uuid::Uuid::nil())
}

/// Connects, tests and opens a provider.
pub(crate) async fn open(desk: &Desk, slug: &str) -> ProviderId {
    let id = providers::add(&desk.engine, &again(&desk.admin), settings(slug), SECRET).await.unwrap();
    let state = format!("test of {slug}");
    providers::keep_test(&desk.engine, &again(&desk.admin), proven(id, "ada", &state)).await.unwrap();
    providers::enable(&desk.engine, &again(&desk.admin), id).await.unwrap();
    id
}

fn settings(slug: &str) -> ProviderSettings {
    // Two short names for one issuer show that an issuer is connected once.
    let issuer = if slug == "second" { "https://id.example.net" } else { "https://id.example.org" };
    ProviderSettings {
        slug: slug.into(),
        name: "Company account".into(),
        issuer: issuer.into(),
        client_id: "countersign".into(),
        scopes: "profile groups".into(),
        algorithms: vec!["RS256".into()],
        logout_typ_required: true,
        ..ProviderSettings::default()
    }
}

pub(crate) fn proven(provider: ProviderId, subject: &str, state: &str) -> Proven {
    Proven {
        provider,
        state: state.into(),
        subject: subject.into(),
        subject_claim: "sub".into(),
        claims: serde_json::json!({ "sub": subject, "email": "ada@example.org", "groups": ["payments"] }),
        auth_time: None,
        acr: None,
        session: Some("idp-session".into()),
        id_token: Zeroizing::new("the-id-token".into()),
        skew_seconds: 0,
    }
}

pub(crate) fn visitor() -> Caller {
    Caller::new(Actor::Anonymous, "192.0.2.1", "test", uuid::Uuid::nil())
}

pub(crate) fn code(error: Error) -> Code {
    countersign_domain::Problem::from(error).code
}
