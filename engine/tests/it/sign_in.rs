//! Local accounts: second factors, their changes, and guessers.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use countersign_domain::{
    holding::Holding,
    overrides::{PostReviewKind, PostReviewResult},
    problem::Code,
    role::Role,
    text::Reason,
    view::NoticeKind,
};
use countersign_engine::{
    Actor, Caller, Error, decisions, factors, invitations, ledger, passwords, people, post_reviews,
    sessions::{self, SignedIn, Typed},
    testing::{Desk, again, app_code},
};

use crate::providers;

const PASSWORD: &str = "a long enough phrase";

/// Proves L6: a password alone reaches the page that adds a factor, and nothing else.
#[tokio::test(flavor = "multi_thread")]
async fn a_password_alone_reaches_nothing_but_the_second_factor() {
    let desk = Desk::new().await;
    let token = joined(&desk, "carl").await;
    let limited = caller(&desk, &token).await;

    let page = ledger::view(&desk.engine, &limited, None).await.unwrap_err();
    let view = factors::view(&desk.engine, &again(&limited)).await.unwrap();
    with_app(&desk, &limited).await;
    let whole = caller(&desk, &token).await;
    // The page shows the signed head, and a log this young may have none yet.
    desk.sealed().await;

    assert!(matches!(&page, Error::Forbidden(denial) if denial.policies == ["second_factor_first"]), "{page:?}");
    assert!(view.missing && view.recent && !view.totp);
    ledger::view(&desk.engine, &whole, None).await.unwrap();
}

/// Proves L6.
#[tokio::test(flavor = "multi_thread")]
async fn a_totp_code_works_once() {
    let desk = Desk::new().await;
    let token = joined(&desk, "carl").await;
    let secret = with_app(&desk, &caller(&desk, &token).await).await;
    desk.clock.advance(60_000);
    let now = desk.engine.now();

    let missing = sign_in(&desk, "carl", "", None).await.unwrap_err();
    let wrong = sign_in(&desk, "carl", "000000", None).await.unwrap_err();
    let right = sign_in(&desk, "carl", &app_code(&secret, now), None).await;
    let again = sign_in(&desk, "carl", &app_code(&secret, now), None).await.unwrap_err();

    assert_eq!(field(missing), "code_missing");
    assert_eq!(field(wrong), "wrong_code");
    assert!(right.is_ok(), "{right:?}");
    assert_eq!(field(again), "wrong_code");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recovery_code_works_once_and_its_holder_is_told() {
    let desk = Desk::new().await;
    let token = joined(&desk, "carl").await;
    with_app(&desk, &caller(&desk, &token).await).await;
    let codes = factors::new_recovery_codes(&desk.engine, &caller(&desk, &token).await).await.unwrap().codes;

    let used = sign_in(&desk, "carl", &codes[3].to_lowercase(), None).await.unwrap();
    let again = sign_in(&desk, "carl", &codes[3], None).await.unwrap_err();

    assert_eq!(codes.len(), 10);
    assert_eq!(field(again), "wrong_code");
    let me = people::me(&desk.engine, &caller(&desk, used.session.token.reveal()).await).await.unwrap();
    assert_eq!(me.notices[0].kind, NoticeKind::RecoveryUsed);
    let view = factors::view(&desk.engine, &caller(&desk, used.session.token.reveal()).await).await.unwrap();
    assert_eq!(view.recovery_codes, 9);
}

/// Proves L6 and S8.
#[tokio::test(flavor = "multi_thread")]
async fn a_factor_change_needs_step_up_and_notifies() {
    let desk = Desk::new().await;
    let token = joined(&desk, "carl").await;
    let secret = with_app(&desk, &caller(&desk, &token).await).await;
    desk.clock.advance(6 * 60 * 1_000);

    let stale = factors::new_recovery_codes(&desk.engine, &caller(&desk, &token).await).await.unwrap_err();
    let code = app_code(&secret, desk.engine.now());
    let renewed = sessions::step_up(&desk.engine, &caller(&desk, &token).await, PASSWORD, &code).await.unwrap();
    let fresh = caller(&desk, renewed.token.reveal()).await;
    factors::new_recovery_codes(&desk.engine, &again(&fresh)).await.unwrap();
    let last = factors::remove_totp(&desk.engine, &again(&fresh)).await.unwrap_err();

    assert_eq!(code_of(stale), Code::StepUpRequired);
    assert!(sessions::authenticate(&desk.engine, &token).await.unwrap().is_none(), "the former token is dead");
    assert_eq!(code_of(last), Code::InvalidTransition, "the last factor stays");
    let notices = people::me(&desk.engine, &fresh).await.unwrap().notices;
    assert_eq!(notices.iter().map(|notice| notice.kind).collect::<Vec<_>>(), [NoticeKind::FactorAdded; 2]);
}

/// Proves L3: a known browser has a bucket of its own.
#[tokio::test(flavor = "multi_thread")]
async fn a_guesser_cannot_lock_the_owner_out() {
    let desk = Desk::new().await;
    let token = joined(&desk, "carl").await;
    let secret = with_app(&desk, &caller(&desk, &token).await).await;
    desk.clock.advance(60_000);
    let code = app_code(&secret, desk.engine.now());
    let device = sign_in(&desk, "carl", &code, None).await.unwrap().device;
    for _ in 0..7 {
        drop(guess(&desk, "carl", None).await);
    }
    desk.clock.advance(60_000);

    for login in ["carl", "approver-a"] {
        for _ in 0..6 {
            drop(guess(&desk, login, None).await);
        }
    }
    let stranger = guess(&desk, "carl", None).await.unwrap_err();
    let forged = guess(&desk, "carl", Some(&device.replace('.', "0."))).await.unwrap_err();
    let other_account = guess(&desk, "approver-a", Some(&device)).await.unwrap_err();
    let code = app_code(&secret, desk.engine.now());
    let owner = sign_in(&desk, "carl", &code, Some(&device)).await;

    assert_eq!(code_of(stranger), Code::RateLimited);
    assert_eq!(code_of(forged), Code::RateLimited);
    assert_eq!(code_of(other_account), Code::RateLimited, "a device is known to one account only");
    assert!(owner.is_ok(), "{owner:?}");
}

/// Proves L3: tries are counted before the password is looked at, so many at once have one allowance.
#[tokio::test(flavor = "multi_thread")]
async fn guesses_sent_at_once_share_one_allowance() {
    let desk = Desk::new().await;
    let guesses: Vec<_> = (0..64)
        .map(|at| {
            let engine = desk.engine.clone();
            tokio::spawn(async move {
                let from = Caller::new(Actor::Anonymous, format!("198.51.100.{at}"), "test", uuid::Uuid::nil());
                let typed = Typed { login: "approver-a".into(), password: "not this one".into(), ..Typed::default() };
                code_of(sessions::sign_in(&engine, &from, typed, None).await.unwrap_err())
            })
        })
        .collect();

    let mut verified = 0;
    for guess in guesses {
        match guess.await.unwrap() {
            Code::Unauthenticated => verified += 1,
            other => assert_eq!(other, Code::RateLimited),
        }
    }

    assert_eq!(verified, 6, "five that are free, and the one that begins the wait");
}

/// Proves L3: strangers who guess at the account keep nobody from a step-up, which has an allowance of its own.
#[tokio::test(flavor = "multi_thread")]
async fn a_guesser_cannot_deny_a_step_up() {
    let desk = Desk::new().await;
    let token = joined(&desk, "carl").await;
    let secret = with_app(&desk, &caller(&desk, &token).await).await;
    desk.clock.advance(60_000);
    for _ in 0..8 {
        drop(guess(&desk, "carl", None).await);
    }
    let stranger = guess(&desk, "carl", None).await.unwrap_err();
    let signed_in = caller(&desk, &token).await;

    let code = app_code(&secret, desk.engine.now());
    let renewed = sessions::step_up(&desk.engine, &again(&signed_in), PASSWORD, &code).await.unwrap();
    let signed_in = caller(&desk, renewed.token.reveal()).await;
    let mut wrong = Vec::new();
    for _ in 0..7 {
        wrong.push(code_of(sessions::step_up(&desk.engine, &again(&signed_in), "wrong", "").await.unwrap_err()));
    }

    assert_eq!(code_of(stranger), Code::RateLimited);
    assert_eq!(wrong[..6], [Code::Unauthenticated; 6]);
    assert_eq!(wrong[6], Code::RateLimited, "a stolen session guesses no faster than a stranger");
}

/// Proves L3 and L4: being slowed down says nothing about which names are in use.
#[tokio::test(flavor = "multi_thread")]
async fn a_network_is_slowed_alike_for_known_and_unknown_names() {
    let desk = Desk::new().await;
    let spray = async |names: &dyn Fn(usize) -> String, network: &str| {
        let mut told = Vec::new();
        for at in 0..33 {
            let from = Caller::new(Actor::Anonymous, network, "test", uuid::Uuid::nil());
            let typed = Typed { login: names(at), password: "not this one".into(), ..Typed::default() };
            told.push(code_of(sessions::sign_in(&desk.engine, &from, typed, None).await.unwrap_err()));
        }
        told
    };
    for at in 0..33 {
        desk.member(Box::leak(format!("member-{at}").into_boxed_str()), Vec::new()).await;
    }

    let known = spray(&|at| format!("member-{at}"), "198.51.100.1").await;
    let unknown = spray(&|at| format!("nobody-{at}"), "198.51.100.2").await;

    assert_eq!(known, unknown);
    assert_eq!(known.iter().filter(|code| **code == Code::Unauthenticated).count(), 31);
}

/// Proves L3: a flood from everywhere slows unknown browsers down and shuts nobody out.
#[tokio::test(flavor = "multi_thread")]
async fn a_flood_from_everywhere_refuses_nobody() {
    let desk = Desk::new().await;
    let token = joined(&desk, "carl").await;
    let secret = with_app(&desk, &caller(&desk, &token).await).await;
    drop(guess(&desk, "somebody", None).await);
    desk.database.attack("update sign_in_throttle set failures = 100000").await;
    desk.clock.advance(60_000);
    let code = app_code(&secret, desk.engine.now());

    let begun = std::time::Instant::now();
    let from = Caller::new(Actor::Anonymous, "203.0.113.9", "test", uuid::Uuid::nil());
    let typed = Typed { login: "carl".into(), password: PASSWORD.into(), code, ..Typed::default() };
    let first = sessions::sign_in(&desk.engine, &from, typed, None).await.unwrap();
    let slow = begun.elapsed();
    desk.clock.advance(60_000);
    let begun = std::time::Instant::now();
    sign_in(&desk, "carl", &app_code(&secret, desk.engine.now()), Some(&first.device)).await.unwrap();

    assert!(slow >= std::time::Duration::from_secs(2), "{slow:?}");
    assert!(begun.elapsed() < std::time::Duration::from_secs(2), "a known browser waits for nobody");
}

/// Proves L3: a right password whose code was left out costs no try.
#[tokio::test(flavor = "multi_thread")]
async fn a_try_that_did_not_fail_is_given_back() {
    let desk = Desk::new().await;
    let token = joined(&desk, "carl").await;
    with_app(&desk, &caller(&desk, &token).await).await;

    for _ in 0..12 {
        assert_eq!(field(sign_in(&desk, "carl", "", None).await.unwrap_err()), "code_missing");
    }
}

/// Proves L3.
#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_guesses_an_hour_verify_under_sixty() {
    let desk = Desk::new().await;
    let mut verified = 0;
    for _ in 0..1_000 {
        desk.clock.advance(3_600);
        match guess(&desk, "approver-a", None).await.map_err(code_of).unwrap_err() {
            Code::Unauthenticated => verified += 1,
            other => assert_eq!(other, Code::RateLimited),
        }
    }

    assert!(verified < 60, "{verified} guesses were verified");
}

/// Proves L7: past active providers a local account opens for an hour, with a reason, and reviews nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_local_account_is_break_glass_once_a_provider_is_active() {
    let desk = Desk::new().await;
    let token = joined(&desk, "carl").await;
    let secret = with_app(&desk, &caller(&desk, &token).await).await;
    desk.database
        .attack(
            "insert into identity_providers (id, n, slug, name, issuer, client_id, secret, algorithms, scopes, \
             logout_typ_required, settings_digest, added_at, enabled_at, entry_id) \
             select gen_random_uuid(), 1, 'corp', 'Corp', 'https://idp.example.org', 'c', '', '{RS256}', '{openid}', \
             true, '', now(), now(), id from ledger_entries limit 1",
        )
        .await;
    desk.clock.advance(60_000);
    let typed = |reason: &str| Typed {
        login: "carl".into(),
        password: PASSWORD.into(),
        code: app_code(&secret, desk.engine.now()),
        reason: reason.into(),
    };

    let silent = sessions::sign_in(&desk.engine, &visitor(), typed(""), None).await.unwrap_err();
    desk.clock.advance(30_000);
    let opened = sessions::sign_in(&desk.engine, &visitor(), typed("The provider is down."), None).await.unwrap();
    let token = opened.session.token.reveal().to_owned();
    let emergency = caller(&desk, &token).await;
    let id = desk.queued_decision().await;
    let page = desk.open_form(&emergency, id, countersign_domain::decision::Verdict::Approve).await.unwrap_err();
    desk.clock.advance(25 * 60 * 1_000);
    assert!(sessions::authenticate(&desk.engine, &token).await.unwrap().is_some());
    desk.clock.advance(25 * 60 * 1_000);
    assert!(sessions::authenticate(&desk.engine, &token).await.unwrap().is_some());
    desk.clock.advance(15 * 60 * 1_000);

    assert_eq!(field(silent), "reason_missing");
    assert!(page.to_string().contains("emergency"), "{page}");
    let notices = people::me(&desk.engine, &again(&desk.admin)).await.unwrap().notices;
    assert_eq!((notices[0].kind, notices[0].about.as_deref()), (NoticeKind::BreakGlass, Some("carl")));
    assert!(sessions::authenticate(&desk.engine, &token).await.unwrap().is_none(), "an hour is over");
    let sealed = "select count(*) from ledger_entries where position('auth.break_glass_used'::bytea in bytes) > 0";
    assert_eq!(desk.database.number(sealed).await, 1);
    let marked = "select count(*) from ledger_entries where position('\"ids\":[\"break_glass\",'::bytea in bytes) > 0";
    assert!(desk.database.number(marked).await > 0, "what is done in it says so");
}

/// Proves R8 for emergency sign-ins: somebody else looks at each.
#[tokio::test(flavor = "multi_thread")]
async fn another_person_looks_at_an_emergency_sign_in() {
    let desk = Desk::new().await;
    providers::open(&desk, "company").await;
    let token = joined(&desk, "carl").await;
    let limited = caller(&desk, &token).await;
    with_app(&desk, &limited).await;
    let emergency = caller(&desk, &token).await;
    let officer = desk.member("officer-a", vec![Holding::everywhere(Role::ComplianceOfficer)]).await;

    let view = post_reviews::view(&desk.engine, &again(&desk.admin)).await.unwrap();
    let act = view.waiting[0].act;
    let give = async |by: &Caller| {
        let reason = Reason::new("The provider was down.").unwrap();
        post_reviews::give(&desk.engine, &again(by), act, PostReviewResult::Upheld, reason).await
    };
    let own = give(&emergency).await.unwrap_err();
    let reviewer = give(&desk.approver).await.unwrap_err();
    give(&officer).await.unwrap();

    assert_eq!(view.waiting.len(), 1);
    assert_eq!((view.waiting[0].kind, view.waiting[0].decision.as_ref()), (PostReviewKind::BreakGlass, None));
    assert_eq!((view.waiting[0].by.as_str(), view.waiting[0].barred.as_deref()), ("carl", None));
    assert!(matches!(own, Error::Forbidden(_)), "{own:?}");
    assert!(matches!(reviewer, Error::Forbidden(_)), "{reviewer:?}");
    desk.check_log().await;
}

/// Proves L7: while a provider is active, an invitation opens no more than an emergency sign-in, told to all admins.
#[tokio::test(flavor = "multi_thread")]
async fn an_invitation_past_an_active_provider_is_an_emergency() {
    let desk = Desk::new().await;
    providers::open(&desk, "company").await;
    let token = joined(&desk, "carl").await;
    let limited = caller(&desk, &token).await;
    let id = desk.queued_decision().await;

    let page = ledger::view(&desk.engine, &again(&limited), None).await.unwrap_err();
    with_app(&desk, &limited).await;
    let whole = caller(&desk, &token).await;
    let form = desk.open_form(&whole, id, countersign_domain::decision::Verdict::Approve).await.unwrap_err();
    for _ in 0..2 {
        desk.clock.advance(25 * 60 * 1_000);
        assert!(sessions::authenticate(&desk.engine, &token).await.unwrap().is_some());
    }
    desk.clock.advance(11 * 60 * 1_000);

    assert!(matches!(&page, Error::Forbidden(denial) if denial.policies == ["second_factor_first"]), "{page:?}");
    assert!(form.to_string().contains("emergency"), "{form}");
    let notices = people::me(&desk.engine, &again(&desk.admin)).await.unwrap().notices;
    assert_eq!((notices[0].kind, notices[0].about.as_deref()), (NoticeKind::BreakGlass, Some("carl")));
    assert!(sessions::authenticate(&desk.engine, &token).await.unwrap().is_none(), "an hour is over");
    desk.check_log().await;
}

/// Proves S5 and S6: what open streams ask ends with the sign-in, at whichever limit comes first.
#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_that_ran_out_is_not_live() {
    let desk = Desk::new().await;
    let token = joined(&desk, "carl").await;
    let Actor::Person { session, .. } = caller(&desk, &token).await.actor else { panic!("a person") };

    desk.clock.advance(29 * 60 * 1_000);
    let before = sessions::is_live(&desk.engine, session).await.unwrap();
    desk.clock.advance(60 * 1_000);
    let idle = sessions::is_live(&desk.engine, session).await.unwrap();
    desk.database.attack("update sessions set last_seen_at = last_seen_at + interval '12 hours'").await;
    let seen = sessions::is_live(&desk.engine, session).await.unwrap();
    desk.clock.advance(11 * 3_600 * 1_000 + 30 * 60 * 1_000);
    let absolute = sessions::is_live(&desk.engine, session).await.unwrap();

    assert_eq!([before, idle, seen, absolute], [true, false, true, false]);
}

/// A password is changed by who knows the old one; then nobody else is signed in, and the holder is told.
#[tokio::test(flavor = "multi_thread")]
async fn a_changed_password_asks_for_the_old_one_and_ends_the_other_sign_ins() {
    const NEXT: &str = "quite another long phrase";
    let desk = Desk::new().await;
    let token = joined(&desk, "carl").await;
    let secret = with_app(&desk, &caller(&desk, &token).await).await;
    desk.clock.advance(60_000);
    let code = app_code(&secret, desk.engine.now());
    let other = sign_in(&desk, "carl", &code, None).await.unwrap().session;
    let stale = caller(&desk, &token).await;
    let stale_actor = match stale.actor.clone() {
        Actor::Person { id, session, signed_in, factor_missing, .. } => {
            Actor::Person { id, session, signed_in, proven_ago_ms: sessions::RECENT_MS + 1, factor_missing }
        }
        other => panic!("{other:?}"),
    };
    let stale = Caller::new(stale_actor, "192.0.2.7", "test", uuid::Uuid::nil());
    let change = async |caller: &Caller, old: &str, new: &str| {
        passwords::change(&desk.engine, &again(caller), old, new).await.unwrap_err()
    };
    let mine = caller(&desk, &token).await;

    let late = change(&stale, PASSWORD, NEXT).await;
    let wrong = change(&mine, "not this one", NEXT).await;
    let weak = change(&mine, PASSWORD, "password").await;
    let name = change(&mine, PASSWORD, "carl-123").await;
    let same = change(&mine, PASSWORD, PASSWORD).await;
    let none = change(&desk.approver, PASSWORD, NEXT).await;
    assert!(sessions::is_live(&desk.engine, other.session).await.unwrap());
    passwords::change(&desk.engine, &again(&mine), PASSWORD, NEXT).await.unwrap();

    assert_eq!(code_of(late), Code::StepUpRequired);
    assert_eq!(field(wrong), "wrong_password");
    assert_eq!(field(weak), "password_common");
    assert_eq!(field(same), "password_same");
    assert_eq!(code_of(none), Code::InvalidTransition);
    assert_eq!(code_of(name), Code::InvalidContent);
    assert!(!sessions::is_live(&desk.engine, other.session).await.unwrap(), "signed in elsewhere");
    let mine = caller(&desk, &token).await;
    assert_eq!(people::me(&desk.engine, &mine).await.unwrap().notices[0].kind, NoticeKind::PasswordChanged);
    desk.clock.advance(60_000);
    let code = app_code(&secret, desk.engine.now());
    let old = sign_in(&desk, "carl", &code, None).await.unwrap_err();
    assert_eq!(code_of(old), Code::Unauthenticated);
    let typed = Typed { login: "carl".into(), password: NEXT.into(), code, ..Typed::default() };
    assert!(sessions::sign_in(&desk.engine, &visitor(), typed, None).await.is_ok());
    desk.check_log().await;
}

/// A sign-in by the former password, checked while it is changed, is none.
#[tokio::test(flavor = "multi_thread")]
async fn a_password_that_changes_while_it_is_checked_lets_nobody_in() {
    let desk = Desk::new().await;
    let token = joined(&desk, "carl").await;
    let carl = caller(&desk, &token).await.person().unwrap();
    let held = desk.database.hold(&format!("select from people where id = '{carl}' for no key update")).await;
    let sessions = format!("select count(*) from sessions where person_id = '{carl}'");
    let before = desk.database.number(&sessions).await;

    let changed = format!("update people set password_hash = 'another' where id = '{carl}'");
    let (signed_in, ()) = tokio::join!(sign_in(&desk, "carl", "", None), held.meanwhile(&changed));

    assert_eq!(code_of(signed_in.unwrap_err()), Code::Unauthenticated);
    assert_eq!(desk.database.number(&sessions).await, before);
}

/// An act that waits while its sign-in ends is none.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_acts_under_a_sign_in_that_ends_in_the_middle() {
    let desk = Desk::new().await;
    let id = desk.queued_decision().await;
    let approver = desk.approver.person().unwrap();
    let before = desk.check_log().await;
    let held = desk.database.hold(&format!("select from people where id = '{approver}' for no key update")).await;

    let ended = format!("update sessions set ended_at = now() where person_id = '{approver}'");
    let (started, ()) = tokio::join!(decisions::start_review(&desk.engine, &desk.approver, id), held.meanwhile(&ended));

    let refused = started.unwrap_err();
    assert!(matches!(&refused, Error::Hidden(denial) if denial.policies == ["ended_sign_in"]), "{refused:?}");
    assert_eq!(desk.database.number("select count(*) from leases").await, 0);
    assert_eq!(desk.check_log().await, before + 1, "that it was refused is on record");
}

/// Nobody guesses a password faster by asking to change it.
#[tokio::test(flavor = "multi_thread")]
async fn guesses_at_a_change_are_counted() {
    let desk = Desk::new().await;
    let token = joined(&desk, "carl").await;
    with_app(&desk, &caller(&desk, &token).await).await;
    let mine = caller(&desk, &token).await;
    let mut told = Vec::new();

    for _ in 0..7 {
        let refused = passwords::change(&desk.engine, &again(&mine), "not this one", "quite another phrase").await;
        told.push(code_of(refused.unwrap_err()));
    }

    assert_eq!(told[..6], [Code::InvalidContent; 6]);
    assert_eq!(told[6], Code::RateLimited);
}

/// Proves S7: everything but the sign-in that asks ends at once.
#[tokio::test(flavor = "multi_thread")]
async fn all_other_sign_ins_end_at_once() {
    let desk = Desk::new().await;
    let token = joined(&desk, "carl").await;
    let secret = with_app(&desk, &caller(&desk, &token).await).await;
    let mine = caller(&desk, &token).await;
    let alone = sessions::end_others(&desk.engine, &again(&mine)).await.unwrap_err();
    let mut others = Vec::new();
    for _ in 0..2 {
        desk.clock.advance(60_000);
        let code = app_code(&secret, desk.engine.now());
        others.push(sign_in(&desk, "carl", &code, None).await.unwrap().session);
    }

    let ended = sessions::end_others(&desk.engine, &again(&mine)).await.unwrap();

    assert_eq!(ended, 2);
    for other in others {
        assert!(sessions::authenticate(&desk.engine, other.token.reveal()).await.unwrap().is_none());
    }
    assert!(sessions::authenticate(&desk.engine, &token).await.unwrap().is_some());
    assert!(matches!(alone, Error::Forbidden(_)), "{alone:?}");
}

/// Proves S7: admins see and end anybody's sign-in; others see their own.
#[tokio::test(flavor = "multi_thread")]
async fn an_admin_ends_anybodys_sign_in() {
    let desk = Desk::new().await;
    let token = joined(&desk, "carl").await;

    let listed = sessions::list(&desk.engine, &again(&desk.admin)).await.unwrap();
    let carl = listed.sessions.iter().find(|row| row.name == "carl").unwrap();
    let refused = sessions::list(&desk.engine, &again(&desk.approver)).await.unwrap_err();
    let hidden = sessions::end(&desk.engine, &again(&desk.approver), carl.session.id).await.unwrap_err();
    sessions::end(&desk.engine, &again(&desk.admin), carl.session.id).await.unwrap();

    assert!(matches!(refused, Error::Forbidden(_)) && matches!(hidden, Error::Hidden(_)));
    assert!(sessions::authenticate(&desk.engine, &token).await.unwrap().is_none());
}

/// Proves E1: start refuses a key directory whose master key is missing or another one.
#[tokio::test(flavor = "multi_thread")]
async fn the_wrong_master_key_refuses_to_start() {
    let desk = Desk::new().await;
    let file = desk.keys().join("master").join("1");
    let right = std::fs::read_to_string(&file).unwrap();
    desk.engine.stop().await;

    std::fs::write(&file, format!("{}\n", "07".repeat(32))).unwrap();
    let other = desk.try_start_again().await.unwrap_err();
    std::fs::remove_file(&file).unwrap();
    let missing = desk.try_start_again().await.unwrap_err();
    std::fs::write(&file, right).unwrap();
    let restored = desk.try_start_again().await;

    for refused in [other, missing] {
        assert!(refused.to_string().contains("master/1"), "{refused}");
    }
    assert!(restored.is_ok());
}

/// Joins by an invitation: the token of the first session.
async fn joined(desk: &Desk, login: &str) -> String {
    let link = people::invite(&desk.engine, &again(&desk.admin), login, login, Role::Approver).await.unwrap();
    let token = link.url.split_once("token=").unwrap().1;
    let session = invitations::accept(&desk.engine, &visitor(), token, PASSWORD).await.unwrap();
    session.token.reveal().to_owned()
}

/// Sets up an authenticator app and returns its secret.
async fn with_app(desk: &Desk, caller: &Caller) -> String {
    let secret = factors::begin_totp(&desk.engine, &again(caller)).await.unwrap().secret;
    let code = app_code(&secret, desk.engine.now());
    factors::enrol_totp(&desk.engine, &again(caller), &code).await.unwrap();
    secret
}

async fn sign_in(desk: &Desk, login: &str, code: &str, device: Option<&str>) -> countersign_engine::Result<SignedIn> {
    let typed = Typed { login: login.into(), password: PASSWORD.into(), code: code.into(), ..Typed::default() };
    sessions::sign_in(&desk.engine, &visitor(), typed, device).await
}

async fn guess(desk: &Desk, login: &str, device: Option<&str>) -> countersign_engine::Result<SignedIn> {
    let typed = Typed { login: login.into(), password: "not this one".into(), ..sessions::Typed::default() };
    sessions::sign_in(&desk.engine, &visitor(), typed, device).await
}

async fn caller(desk: &Desk, token: &str) -> Caller {
    let actor = sessions::authenticate(&desk.engine, token).await.unwrap().unwrap();
    Caller::new(actor, "192.0.2.7", "test", uuid::Uuid::nil())
}

fn visitor() -> Caller {
    Caller::new(Actor::Anonymous, "192.0.2.7", "test", uuid::Uuid::nil())
}

fn code_of(error: Error) -> Code {
    countersign_domain::Problem::from(error).code
}

fn field(error: Error) -> String {
    countersign_domain::Problem::from(error).errors[0].code.clone()
}
