//! Directories: the protocol, its dialects, and what a push does.

use std::time::{Duration, Instant};

use countersign_domain::{
    ids::PersonId,
    mapping::RowForm,
    role::Role,
    role_map::SCIM_GROUPS,
    scim::{MEDIA_TYPE, PATCH, Resource},
};
use countersign_engine::{
    Actor, Caller, changes, people,
    providers::{self, Proven},
    role_mappings,
    scim::tokens::{self, TokenSettings},
    sessions,
    testing::again,
};
use countersign_server::routes::{Door, ROUTES};
use http::{Method, StatusCode};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::installation::{Answer, Ask, Installation, Member};

/// What it is, the request, and what comes back: the status and the `scimType`.
type Row = (&'static str, Method, String, Option<Value>, u16, &'static str);

/// Proves M1: each row is a request and what RFC 7644 answers.
#[tokio::test]
async fn protocol_table() {
    let installation = Installation::new().await;
    let scim = Scim::of(&installation);
    let anna = scim.user("anna@example.org", Some("sub-anna")).await;
    let group = scim.post("/Groups", &group("Reviewers", &[&id(&anna)])).await;
    assert_eq!(group.status, StatusCode::CREATED, "{}", group.text());
    let group = group.json();
    let (user_path, group_path) = (format!("/Users/{}", id(&anna)), format!("/Groups/{}", id(&group)));
    let user = |name: &str| json!({"schemas": [Resource::User.schema()], "userName": name});
    let absent = "/Users/7d3f0a9e-0000-4000-8000-000000000000".to_owned();
    let bad_filter = "/Users?filter=userName%20co%20%22a%22";

    let table: Vec<Row> = vec![
        ("the offer", Method::GET, "/ServiceProviderConfig".into(), None, 200, ""),
        ("schemas", Method::GET, "/Schemas".into(), None, 200, ""),
        ("one schema", Method::GET, format!("/Schemas/{}", Resource::Group.schema()), None, 200, ""),
        ("no such schema", Method::GET, "/Schemas/urn:none".into(), None, 404, ""),
        ("types", Method::GET, "/ResourceTypes".into(), None, 200, ""),
        ("one type", Method::GET, "/ResourceTypes/User".into(), None, 200, ""),
        ("no bulk", Method::POST, "/Bulk".into(), Some(json!({})), 404, ""),
        ("a user", Method::GET, user_path.clone(), None, 200, ""),
        ("nobody", Method::GET, absent.clone(), None, 404, ""),
        ("no id at all", Method::GET, "/Users/anna".into(), None, 404, ""),
        ("users", Method::GET, "/Users".into(), None, 200, ""),
        ("a filter that is not offered", Method::GET, bad_filter.into(), None, 400, "invalidFilter"),
        (
            "an attribute that is not found by",
            Method::GET,
            "/Users?filter=active%20eq%20true".into(),
            None,
            400,
            "invalidFilter",
        ),
        ("a count in words", Method::GET, "/Users?count=ten".into(), None, 400, "invalidValue"),
        ("a name that is taken", Method::POST, "/Users".into(), Some(user("ANNA@example.org")), 409, "uniqueness"),
        (
            "no name",
            Method::POST,
            "/Users".into(),
            Some(json!({"schemas": [Resource::User.schema()]})),
            400,
            "invalidValue",
        ),
        ("no schema", Method::POST, "/Users".into(), Some(json!({"userName": "x"})), 400, "invalidSyntax"),
        ("another schema", Method::POST, "/Users".into(), Some(group_of("x")), 400, "invalidSyntax"),
        ("another subject", Method::PUT, user_path.clone(), Some(user("anna@example.org")), 400, "mutability"),
        (
            "a patch of nothing",
            Method::PATCH,
            user_path.clone(),
            Some(json!({"schemas": [PATCH], "Operations": []})),
            400,
            "invalidSyntax",
        ),
        (
            "a patch of the id",
            Method::PATCH,
            user_path.clone(),
            Some(patch("replace", "id", json!("x"))),
            400,
            "mutability",
        ),
        (
            "a patch of what is unknown",
            Method::PATCH,
            user_path.clone(),
            Some(patch("replace", "shoeSize", json!(1))),
            400,
            "invalidPath",
        ),
        ("a patch", Method::PATCH, user_path.clone(), Some(patch("replace", "displayName", json!("Anna B."))), 200, ""),
        (
            "a patch of nobody",
            Method::PATCH,
            absent.clone(),
            Some(patch("replace", "displayName", json!("x"))),
            404,
            "",
        ),
        ("a group", Method::GET, group_path.clone(), None, 200, ""),
        ("a group name that is taken", Method::POST, "/Groups".into(), Some(group_of("REVIEWERS")), 409, "uniqueness"),
        (
            "a member who is nobody",
            Method::PATCH,
            group_path.clone(),
            Some(patch("add", "members", json!([{"value": "x"}]))),
            400,
            "invalidValue",
        ),
        (
            "a group patch",
            Method::PATCH,
            group_path.clone(),
            Some(patch("replace", "displayName", json!("Seniors"))),
            204,
            "",
        ),
        ("the end of a group", Method::DELETE, group_path.clone(), None, 204, ""),
        ("its second end", Method::DELETE, group_path.clone(), None, 404, ""),
        ("the end of a user", Method::DELETE, user_path.clone(), None, 204, ""),
        ("after the end", Method::GET, user_path.clone(), None, 404, ""),
    ];
    for (what, method, path, body, status, word) in table {
        let answer = scim.send(method, &path, body.as_ref()).await;
        assert_eq!(answer.status.as_u16(), status, "{what}: {}", answer.text());
        if status >= 400 {
            let error = answer.json();
            assert_eq!(answer.header("content-type"), MEDIA_TYPE, "{what}");
            assert_eq!(error["schemas"], json!(["urn:ietf:params:scim:api:messages:2.0:Error"]), "{what}");
            assert_eq!(error["status"], status.to_string(), "{what}");
            assert_eq!(error["scimType"].as_str().unwrap_or_default(), word, "{what}");
        }
    }
}

/// Proves M1: what answers carry, versions, filters, pages and projections.
#[tokio::test]
async fn answers_versions_filters_and_pages() {
    let installation = Installation::new().await;
    let scim = Scim::of(&installation);

    let created = scim.post("/Users", &user_of("berta@example.org", Some("sub-berta"))).await;
    let body = created.json();
    let location = format!("http://127.0.0.1:3000/scim/v2/Users/{}", id(&body));
    assert_eq!(created.status, StatusCode::CREATED);
    assert_eq!(created.header("content-type"), MEDIA_TYPE);
    assert_eq!((created.header("location"), created.header("etag")), (location.as_str(), "W/\"1\""));
    assert_eq!(body["meta"]["location"], location);
    assert_eq!(body["meta"]["version"], "W/\"1\"");
    assert_eq!((&body["userName"], &body["active"]), (&json!("berta@example.org"), &json!(true)));

    let path = format!("/Users/{}", id(&body));
    let held = scim.with(Method::GET, &path, None, &[("if-none-match", "W/\"1\"")]).await;
    let stale = patch("replace", "displayName", json!("B"));
    let changed = scim.with(Method::PATCH, &path, Some(&stale), &[("if-match", "W/\"1\"")]).await;
    let late = scim.with(Method::PATCH, &path, Some(&stale), &[("if-match", "W/\"1\"")]).await;
    let late_delete = scim.with(Method::DELETE, &path, None, &[("if-match", "W/\"1\"")]).await;
    let any = scim.with(Method::PATCH, &path, Some(&stale), &[("if-match", "*")]).await;
    assert_eq!((held.status, held.body.len()), (StatusCode::NOT_MODIFIED, 0));
    assert_eq!((changed.status, changed.header("etag")), (StatusCode::OK, "W/\"2\""));
    assert_eq!((late.status, late_delete.status), (StatusCode::PRECONDITION_FAILED, StatusCode::PRECONDITION_FAILED));
    assert_eq!((any.status, any.header("etag")), (StatusCode::OK, "W/\"3\""));

    for number in 0..5 {
        scim.user(&format!("user-{number}@example.org"), None).await;
    }
    let all = scim.get("/Users").await.json();
    let total = all["totalResults"].as_u64().unwrap();
    let second = scim.get("/Users?startIndex=3&count=2").await.json();
    assert!(total >= 6);
    assert_eq!(
        (second["startIndex"].as_u64(), second["itemsPerPage"].as_u64(), second["totalResults"].as_u64()),
        (Some(3), Some(2), Some(total))
    );
    assert_eq!(second["Resources"][0]["id"], all["Resources"][2]["id"]);
    let none = scim.get("/Users?count=0").await.json();
    assert_eq!((none["Resources"].as_array().unwrap().len(), none["totalResults"].as_u64()), (0, Some(total)));
    let before_first = scim.get("/Users?startIndex=-4&count=-1").await.json();
    assert_eq!((before_first["startIndex"].as_u64(), before_first["itemsPerPage"].as_u64()), (Some(1), Some(0)));

    for filter in [
        "userName eq \"BERTA@example.org\"",
        "externalId eq \"sub-berta\"",
        &format!("id eq \"{}\" and userName eq \"berta@example.org\"", id(&body)),
        "urn:ietf:params:scim:schemas:core:2.0:User:userName Eq \"berta@example.org\"",
    ] {
        let found = scim.get(&format!("/Users?filter={}", escaped(filter))).await.json();
        assert_eq!((found["totalResults"].as_u64(), &found["Resources"][0]["id"]), (Some(1), &body["id"]), "{filter}");
    }
    for filter in
        ["externalId eq \"SUB-BERTA\"", "id eq \"x\"", "userName eq \"nobody\" and externalId eq \"sub-berta\""]
    {
        let found = scim.get(&format!("/Users?filter={}", escaped(filter))).await.json();
        assert_eq!(found["totalResults"], 0, "{filter}");
    }
    let few = scim.get(&format!("{path}?attributes=userName")).await.json();
    assert!(few.get("userName").is_some() && few.get("active").is_none() && few.get("id").is_some());
    let group = scim.post("/Groups", &group("Crew", &[&id(&body)])).await.json();
    let without = scim.get(&format!("/Groups/{}?excludedAttributes=members", id(&group))).await.json();
    let of_member = escaped(&format!("members eq \"{}\"", id(&body)));
    assert!(group["members"][0]["$ref"].as_str().unwrap().ends_with(&id(&body)) && without.get("members").is_none());
    assert_eq!(scim.get(&format!("/Groups?filter={of_member}")).await.json()["totalResults"], 1);
    assert_eq!(scim.get("/Groups?filter=displayName%20eq%20%22crew%22").await.json()["totalResults"], 1);

    let text = scim.raw(Method::POST, "/Users", "text/plain", "{}").await;
    let broken = scim.raw(Method::POST, "/Users", MEDIA_TYPE, "{\"userName\":").await;
    let twice = scim.raw(Method::POST, "/Users", MEDIA_TYPE, r#"{"userName":"a","userName":"b"}"#).await;
    assert_eq!(text.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    assert_eq!((broken.status, broken.code().as_str()), (StatusCode::BAD_REQUEST, "invalidSyntax"));
    assert_eq!((twice.status, twice.code().as_str()), (StatusCode::BAD_REQUEST, "invalidSyntax"));
    installation.desk.check_log().await;
}

/// Proves M2: what common directories send.
#[tokio::test]
async fn dialect_fixtures() {
    let installation = Installation::new().await;
    let scim = Scim::of(&installation);
    let entra = scim.user("carla@example.org", Some("sub-carla")).await;
    let okta = scim.user("dora@example.org", Some("sub-dora")).await;
    let (carla, dora) = (id(&entra), id(&okta));
    let group = id(&scim.post("/Groups", &group("Crew", &[&carla, &dora])).await.json());

    // Microsoft Entra: operations in capitals, truth as text, replace without a path, dotted names.
    let off = json!({"schemas": [PATCH], "Operations": [{"op": "Replace", "path": "active", "value": "False"}]});
    assert_eq!(scim.patch(&format!("/Users/{carla}"), &off).await.json()["active"], json!(false));
    let on = json!({"schemas": [PATCH], "Operations": [
        {"op": "Replace", "value": {"active": "True", "name.givenName": "Carla", "displayName": "Carla C."}},
        {"op": "Add", "path": "emails[type eq \"work\"].value", "value": "carla@example.org"},
    ]});
    let changed = scim.patch(&format!("/Users/{carla}"), &on).await.json();
    assert_eq!((&changed["active"], &changed["name"]["givenName"]), (&json!(true), &json!("Carla")));
    assert_eq!(changed["emails"][0]["value"], "carla@example.org");
    let by_filter = json!({"schemas": [PATCH], "Operations": [
        {"op": "Remove", "path": format!("members[value eq \"{carla}\"]")},
    ]});
    assert_eq!(scim.patch(&format!("/Groups/{group}"), &by_filter).await.status, StatusCode::NO_CONTENT);
    assert_eq!(scim.members(&group).await, [dora.as_str()]);
    let add =
        json!({"schemas": [PATCH], "Operations": [{"op": "Add", "path": "members", "value": [{"value": carla}]}]});
    assert_eq!(scim.patch(&format!("/Groups/{group}"), &add).await.status, StatusCode::NO_CONTENT);
    assert_eq!(scim.members(&group).await.len(), 2);

    // Okta: replace without a path, members taken away by list, the whole user by PUT.
    let off = json!({"schemas": [PATCH], "Operations": [{"op": "replace", "value": {"active": false}}]});
    assert_eq!(scim.patch(&format!("/Users/{dora}"), &off).await.json()["active"], json!(false));
    let mut whole = user_of("dora@example.org", Some("sub-dora"));
    whole["active"] = json!(true);
    whole["password"] = json!("never kept");
    let put = scim.send(Method::PUT, &format!("/Users/{dora}"), Some(&whole)).await;
    assert_eq!((put.status, &put.json()["active"]), (StatusCode::OK, &json!(true)));
    assert!(put.json().get("password").is_none());
    let by_list = json!({"schemas": [PATCH], "Operations": [
        {"op": "remove", "path": "members", "value": [{"value": dora}]},
    ]});
    assert_eq!(scim.patch(&format!("/Groups/{group}"), &by_list).await.status, StatusCode::NO_CONTENT);
    assert_eq!(scim.members(&group).await, [carla.as_str()]);
    let rename = json!({"schemas": [PATCH], "Operations": [
        {"op": "replace", "value": {"id": group, "displayName": "Crew B"}},
    ]});
    assert_eq!(scim.patch(&format!("/Groups/{group}"), &rename).await.status, StatusCode::NO_CONTENT);
    assert_eq!(scim.get(&format!("/Groups/{group}")).await.json()["displayName"], "Crew B");

    // Attribute names in any case, also in the body that makes a user.
    let shouted = json!({
        "SCHEMAS": [Resource::User.schema()], "USERNAME": "erna@example.org", "EXTERNALID": "sub-erna", "Active": "TRUE",
    });
    let erna = scim.post("/Users", &shouted).await;
    assert_eq!((erna.status, &erna.json()["userName"]), (StatusCode::CREATED, &json!("erna@example.org")));
}

/// Proves M3 and S6: a push that deactivates ends sign-ins and streams within a second, and the person stays.
#[tokio::test]
async fn deactivation_ends_everything() {
    let installation = Installation::new().await;
    let scim = Scim::of(&installation);
    for (way, gone) in [("active", false), ("delete", true)] {
        let member = installation_member(&installation, way).await;
        let user = scim.user(&format!("{way}@example.org"), Some(&format!("sub-{way}"))).await;
        let path = format!("/Users/{}", id(&user));
        let response = installation.open(Ask::get("/stream/queue").session(&member.token)).await;
        assert_eq!(response.status(), StatusCode::OK);
        let mut body = response.into_body();

        let pushed = match gone {
            false => scim.patch(&path, &patch("replace", "active", json!(false))).await,
            true => scim.send(Method::DELETE, &path, None).await,
        };
        let since = Instant::now();
        assert!(pushed.status.is_success(), "{}", pushed.text());
        while let Some(frame) = tokio::time::timeout(Duration::from_secs(5), body.frame()).await.expect("it ends") {
            frame.unwrap();
        }
        let elapsed = since.elapsed();
        let queue = installation.send(Ask::get("/queue").html().session(&member.token)).await;

        assert!(elapsed < Duration::from_secs(1), "{way}: the stream went on for {elapsed:?}");
        assert_eq!(queue.status, StatusCode::SEE_OTHER, "{way}");
        assert!(sessions::authenticate(&installation.desk.engine, &member.token).await.unwrap().is_none());
        assert!(is_disabled(&installation, member.person).await, "{way}: the row stays");

        // Pushed again, the same subject is the same person.
        let back = match gone {
            false => scim.patch(&path, &patch("replace", "active", json!(true))).await,
            true => scim.post("/Users", &user_of(&format!("{way}@example.org"), Some(&format!("sub-{way}")))).await,
        };
        assert!(back.status.is_success(), "{}", back.text());
        assert!(!is_disabled(&installation, member.person).await, "{way}");
    }
    installation.desk.check_log().await;
}

/// Proves M3: a directory lifts only what it imposed itself.
#[tokio::test]
async fn a_directory_enables_nobody_whom_an_admin_disabled() {
    let installation = Installation::new().await;
    let scim = Scim::of(&installation);
    let member = installation_member(&installation, "fred").await;
    let path = format!("/Users/{}", id(&scim.user("fred@example.org", Some("sub-fred")).await));
    people::disable(&installation.desk.engine, &again(&installation.desk.admin), member.person).await.unwrap();

    for active in [true, false, true] {
        let pushed = scim.patch(&path, &patch("replace", "active", json!(active))).await;
        assert_eq!(pushed.status, StatusCode::OK);
        assert!(is_disabled(&installation, member.person).await, "active={active}");
    }
}

/// Proves M3 and O10: the last admin who can sign in cannot be pushed away.
#[tokio::test]
async fn the_last_admin_stays() {
    let installation = Installation::new().await;
    let scim = Scim::of(&installation);
    let engine = &installation.desk.engine;
    link(&installation, &installation.admin, "sub-admin").await;
    let path = format!("/Users/{}", id(&scim.user("ada@example.org", Some("sub-admin")).await));
    let other = installation.desk.admin.person().unwrap();
    people::disable(engine, &again(&caller_of(&installation, &installation.admin).await), other).await.unwrap();

    let off = scim.patch(&path, &patch("replace", "active", json!(false))).await;
    let gone = scim.send(Method::DELETE, &path, None).await;

    assert_eq!((off.status, gone.status), (StatusCode::CONFLICT, StatusCode::CONFLICT));
    assert_eq!(scim.get(&path).await.json()["active"], json!(true));
    assert!(!is_disabled(&installation, installation.admin.person).await);
}

/// Proves M4: users join people by subject at the token's provider, never by mail or name.
#[tokio::test]
async fn a_mail_match_never_joins() {
    let installation = Installation::new().await;
    let scim = Scim::of(&installation);
    link(&installation, &installation.approver, "sub-pia").await;
    let number = async |query: &str| installation.desk.database.number(query).await;
    let people_before = number("select count(*) from people").await;

    // The sign-in name and the mail of a member, and another subject: somebody new, without a role.
    let mut body = user_of(&installation.approver.login, Some("sub-of-somebody-else"));
    body["emails"] = json!([{"value": installation.approver.login, "primary": true}]);
    body["active"] = json!(false);
    let stranger = scim.post("/Users", &body).await;
    assert_eq!(stranger.status, StatusCode::CREATED, "{}", stranger.text());
    assert_eq!(number("select count(*) from people").await, people_before + 1);
    assert!(!is_disabled(&installation, installation.approver.person).await);
    let roles = "select count(*) from role_assignments r join scim_users u on u.person_id = r.person_id";
    assert_eq!(number(roles).await, 0, "a pushed person has no role");

    // No subject: kept, and nobody.
    let nobody = scim.user("no-subject@example.org", None).await;
    assert_eq!(number("select count(*) from people").await, people_before + 1);
    // Its subject arrives: the member whose it is.
    let named = scim.patch(&format!("/Users/{}", id(&nobody)), &patch("add", "externalId", json!("sub-pia"))).await;
    assert_eq!(named.status, StatusCode::OK, "{}", named.text());
    assert_eq!(number("select count(*) from people").await, people_before + 1);
    let joined = format!(
        "select count(*) from scim_users where id = '{}' and person_id = '{}'",
        id(&nobody),
        installation.approver.person
    );
    assert_eq!(number(&joined).await, 1);

    // Nothing that describes a person stands in the clear.
    let clear = "select count(*) from scim_users u where u::text like '%example.org%' or u::text like '%sub-%'";
    assert_eq!(number(clear).await, 0);
    let leaves = "select count(*) from ledger_entries where encode(bytes, 'escape') like '%example.org%' \
        or encode(bytes, 'escape') like '%sub-pia%'";
    assert_eq!(number(leaves).await, 0);
}

/// Proves M4: memberships stand under the ceilings of the tokens that pushed name and membership.
#[tokio::test]
async fn a_token_cannot_grant_above_its_ceiling() {
    let installation = Installation::new().await;
    let scim = Scim::of(&installation);
    let anna = id(&scim.user("anna@example.org", Some("sub-anna")).await);
    let bert = id(&scim.user("bert@example.org", Some("sub-bert")).await);
    map(&installation, "Crew\nSeniors", &[Role::Viewer, Role::Approver]).await;
    let held = async || held(&installation, &anna).await;
    let above = async || {
        let view = tokens::list(&installation.desk.engine, &again(&installation.desk.admin)).await.unwrap();
        view.directories.iter().map(|directory| directory.above_count).sum::<u64>()
    };
    assert_eq!((held().await, above().await), ((0, 0), 0));
    let crew = id(&scim.post("/Groups", &group("Crew", &[&anna])).await.json());
    let ceilings = async || {
        let groups = installation.desk.groups_of(installation.provider, "sub-anna").await;
        groups.into_iter().map(|group| (group.name, group.ceiling)).collect::<Vec<_>>()
    };
    assert_eq!(ceilings().await, [("Crew".to_owned(), vec![Role::Viewer])]);
    assert_eq!((held().await, above().await), ((1, 0), 1), "viewer is given, approver is stored and reported");

    // A token with a privileged ceiling opens nothing before a second person confirmed it.
    let engine = &installation.desk.engine;
    let ceiling = vec![Role::Viewer, Role::Approver];
    let settings = TokenSettings { provider: installation.provider, ceiling, days: 90 };
    let made = tokens::issue(engine, &again(&installation.desk.admin), settings).await.unwrap();
    let higher = Scim { installation: &installation, token: made.token.clone() };
    assert!(made.waits);
    assert_eq!(higher.send(Method::GET, "/Users", None).await.status, StatusCode::UNAUTHORIZED);
    let second = caller_of(&installation, &installation.admin).await;
    let waiting = changes::list(engine, &again(&second)).await.unwrap().changes;
    let change = waiting.iter().find(|change| change.decided.is_none()).unwrap().id;
    assert!(changes::confirm(engine, &again(&installation.desk.admin), change).await.is_err(), "not who asked for it");
    changes::confirm(engine, &again(&second), change).await.unwrap();
    assert_eq!(higher.send(Method::GET, "/Users", None).await.status, StatusCode::OK);

    // A membership that the lower token prepared gains nothing by another push of the higher one.
    let add = patch("add", "members", json!([{"value": bert}]));
    assert_eq!(higher.send(Method::PATCH, &format!("/Groups/{crew}"), Some(&add)).await.status, StatusCode::NO_CONTENT);
    assert_eq!(ceilings().await, [("Crew".to_owned(), vec![Role::Viewer])]);
    // Nor does a name: both must be the higher token's.
    let rename = patch("replace", "displayName", json!("Seniors"));
    higher.send(Method::PATCH, &format!("/Groups/{crew}"), Some(&rename)).await;
    assert_eq!(ceilings().await, [("Seniors".to_owned(), vec![Role::Viewer])]);
    assert_eq!((held().await, above().await), ((1, 0), 1));
    higher.send(Method::PUT, &format!("/Groups/{crew}"), Some(&group("Seniors", &[&anna, &bert]))).await;
    assert_eq!(ceilings().await, [("Seniors".to_owned(), vec![Role::Viewer, Role::Approver])]);
    assert_eq!((held().await, above().await), ((1, 1), 0));
    // The lower token gives a group another name: it is worth no more than its own ceiling from then on.
    scim.patch(&format!("/Groups/{crew}"), &patch("replace", "displayName", json!("Admins"))).await;
    assert_eq!(ceilings().await, [("Admins".to_owned(), vec![Role::Viewer])]);
    assert_eq!(held().await, (0, 0), "no row names this group");
    // The end of a group and of a user end their memberships.
    scim.send(Method::DELETE, &format!("/Users/{anna}"), None).await;
    assert_eq!(ceilings().await, []);
    assert_eq!(scim.members(&crew).await, [bert]);
}

/// Proves M4: a directory's token opens the door for directories and no other, and nothing else opens that door.
#[tokio::test]
async fn a_token_opens_no_other_door() {
    let installation = Installation::new().await;
    let mut own = 0;
    for route in ROUTES {
        let ask = installation.ask(route).await;
        let answer = installation.send(ask.clone().key(&installation.token)).await;
        if route.door == Door::Scim {
            own += 1;
            assert!(answer.status.is_success(), "{} {}: {}", route.method.word(), route.path, answer.text());
            let session = installation.send(ask.clone().session(&installation.admin.token)).await;
            let agent = installation.send(ask.clone().key(&installation.desk.key)).await;
            let nothing = installation.send(ask).await;
            for refused in [session, agent, nothing] {
                assert_eq!(refused.status, StatusCode::UNAUTHORIZED, "{}", route.path);
                assert_eq!(refused.header("www-authenticate"), "Bearer");
            }
        } else {
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{} {}", route.method.word(), route.path);
        }
    }
    assert_eq!(own, 17);
}

/// Proves M4: a revoked token opens nothing from that instant on, and one directory sees nothing of another.
#[tokio::test]
async fn tokens_end_and_directories_are_apart() {
    let installation = Installation::new().await;
    let scim = Scim::of(&installation);
    let (engine, admin) = (&installation.desk.engine, &installation.desk.admin);
    let user = id(&scim.user("anna@example.org", Some("sub-anna")).await);
    let settings = countersign_domain::provider::ProviderSettings {
        slug: "other".into(),
        name: "Other".into(),
        issuer: "https://other.example.org".into(),
        client_id: "countersign".into(),
        scopes: String::new(),
        algorithms: vec!["RS256".into()],
        logout_typ_required: true,
        ..countersign_domain::provider::ProviderSettings::default()
    };
    let provider = providers::add(engine, &again(admin), settings, "another-client-secret").await.unwrap();
    let settings = TokenSettings { provider, ceiling: Vec::new(), days: 90 };
    let made = tokens::issue(engine, &again(admin), settings).await.unwrap();
    let other = Scim { installation: &installation, token: made.token.clone() };

    assert_eq!(other.send(Method::GET, &format!("/Users/{user}"), None).await.status, StatusCode::NOT_FOUND);
    assert_eq!(other.send(Method::DELETE, &format!("/Users/{user}"), None).await.status, StatusCode::NOT_FOUND);
    assert_eq!(other.send(Method::GET, "/Users", None).await.json()["totalResults"], 0);
    let foreign = other.send(Method::POST, "/Groups", Some(&group("Crew", &[&user]))).await;
    assert_eq!((foreign.status, foreign.code().as_str()), (StatusCode::BAD_REQUEST, "invalidValue"));

    let view = tokens::list(engine, &again(admin)).await.unwrap();
    let row = view.directories.iter().flat_map(|row| &row.tokens).find(|row| made.token.contains(&row.key_id)).unwrap();
    assert!(row.last_used_at.is_some());
    tokens::revoke(engine, &again(admin), row.id).await.unwrap();
    assert_eq!(other.send(Method::GET, "/Users", None).await.status, StatusCode::UNAUTHORIZED);
    assert!(tokens::revoke(engine, &again(admin), row.id).await.is_err());
    installation.desk.clock.advance(91 * 24 * 3_600 * 1_000);
    assert_eq!(scim.get("/Users").await.status, StatusCode::UNAUTHORIZED, "expired");
    let secret = installation.token.rsplit('_').next().unwrap();
    let readable = format!("select count(*) from scim_tokens t where t::text like '%{secret}%'");
    assert_eq!(installation.desk.database.number(&readable).await, 0);
}

/// A directory.
struct Scim<'a> {
    installation: &'a Installation,
    token: String,
}

impl<'a> Scim<'a> {
    /// The one that every installation has.
    fn of(installation: &'a Installation) -> Self {
        Self { installation, token: installation.token.clone() }
    }

    async fn with(&self, method: Method, path: &str, body: Option<&Value>, headers: &[(&str, &str)]) -> Answer {
        let mut ask = Ask::new(method, &format!("/scim/v2{path}")).key(&self.token);
        if let Some(body) = body {
            ask = ask.body(MEDIA_TYPE, body.to_string());
        }
        let ask = headers.iter().fold(ask, |ask, (name, value)| ask.header(name, value));
        self.installation.send(ask).await
    }

    async fn send(&self, method: Method, path: &str, body: Option<&Value>) -> Answer {
        self.with(method, path, body, &[]).await
    }

    async fn raw(&self, method: Method, path: &str, media_type: &str, body: &str) -> Answer {
        let ask = Ask::new(method, &format!("/scim/v2{path}")).key(&self.token);
        self.installation.send(ask.body(media_type, body.to_owned())).await
    }

    async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, None).await
    }

    async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send(Method::POST, path, Some(body)).await
    }

    async fn patch(&self, path: &str, body: &Value) -> Answer {
        self.send(Method::PATCH, path, Some(body)).await
    }

    async fn user(&self, name: &str, subject: Option<&str>) -> Value {
        let answer = self.post("/Users", &user_of(name, subject)).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
        answer.json()
    }

    async fn members(&self, group: &str) -> Vec<String> {
        let group = self.get(&format!("/Groups/{group}")).await.json();
        let members = group["members"].as_array().cloned().unwrap_or_default();
        members.iter().map(|member| member["value"].as_str().unwrap().to_owned()).collect()
    }
}

/// Proves M3 and M4 for a company: what a push of ten thousand people means is given in parts, so that the push is
/// answered and whoever changes a role meanwhile is not held up.
#[tokio::test(flavor = "multi_thread")]
async fn a_group_of_ten_thousand_is_taken_in_and_holds_nobody_up() {
    // The rest comes in the same way and takes a minute.
    let (members, awaited) = (10_000, 1_000);
    let installation = Installation::new().await;
    let scim = Scim::of(&installation);
    map(&installation, "Everybody", &[Role::Viewer]).await;
    let ids = many(&installation, members).await;
    let database = &installation.desk.database;
    let given = async || database.number("select count(*) from role_assignments where source like 'provider:%'").await;
    let begun = Instant::now();
    let mut longest = Duration::ZERO;
    let body = group("Everybody", &ids.iter().map(String::as_str).collect::<Vec<_>>());

    let push = async {
        let answer = scim.post("/Groups", &body).await;
        (answer.status, begun.elapsed())
    };
    let others = async {
        loop {
            let asked = Instant::now();
            database.attack("select from safeguards for update").await;
            longest = longest.max(asked.elapsed());
            let held = given().await;
            if held >= awaited || begun.elapsed() > Duration::from_secs(300) {
                return held;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let ((status, answered), held) = tokio::join!(push, others);

    assert_eq!(status, StatusCode::CREATED);
    assert!(answered < Duration::from_secs(5), "answered after {answered:?}");
    assert!(longest < Duration::from_secs(5), "the guard row was waited for {longest:?}");
    assert!(held >= awaited, "{held}");
}

/// What follows from a large push comes soon, and goes again with the group.
#[tokio::test(flavor = "multi_thread")]
async fn roles_of_a_large_group_come_and_go_with_it() {
    let installation = Installation::new().await;
    let scim = Scim::of(&installation);
    map(&installation, "Everybody", &[Role::Viewer]).await;
    let ids = many(&installation, 120).await;
    let database = &installation.desk.database;
    let hold = async |wanted: i64| {
        let query = "select count(*) from role_assignments where source like 'provider:%' and ended_at is null and role = 'viewer'";
        for _ in 0..200 {
            if database.number(query).await == wanted && database.number("select count(*) from scim_due").await == 0 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("{} people hold the role, not {wanted}", database.number(query).await);
    };

    let body = group("Everybody", &ids.iter().map(String::as_str).collect::<Vec<_>>());
    let made = scim.post("/Groups", &body).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text());
    hold(120).await;
    let path = format!("/Groups/{}", id(&made.json()));
    let fewer = patch("remove", &format!("members[value eq \"{}\"]", ids[0]), Value::Null);
    assert_eq!(scim.send(Method::PATCH, &path, Some(&fewer)).await.status, StatusCode::NO_CONTENT);
    assert_eq!(
        database
            .number("select count(*) from role_assignments where ended_at is null and source like 'provider:%'")
            .await,
        119,
        "few people are worked out inside the push"
    );
    assert_eq!(scim.send(Method::DELETE, &path, None).await.status, StatusCode::NO_CONTENT);
    hold(0).await;
}

/// Makes so many users of the directory who are people here, as if each had been pushed; returns their ids.
async fn many(installation: &Installation, count: u32) -> Vec<String> {
    let (database, provider) = (&installation.desk.database, installation.provider);
    let uuid = |kind: char| format!("('0000000{kind}-0000-4000-8000-' || lpad(to_hex(i), 12, '0'))::uuid");
    let (user, person) = (uuid('1'), uuid('2'));
    // These people have no entry that created them.
    database.attack("alter table people drop constraint people_entry_id_fkey").await;
    database
        .attack(&format!(
            "insert into people (id, n, login_lookup, created_at, entry_id) \
             select {person}, 1, decode(md5('login' || i), 'hex'), now(), gen_random_uuid() \
             from generate_series(1, {count}) i"
        ))
        .await;
    database
        .attack(&format!(
            "insert into scim_users (id, n, provider_id, user_name_lookup, external_lookup, person_id, active, \
             created_at, changed_at, entry_id) \
             select {user}, 1, '{provider}', decode(md5('name' || i), 'hex'), decode(md5('subject' || i), 'hex'), {person}, \
             true, now(), now(), gen_random_uuid() from generate_series(1, {count}) i"
        ))
        .await;
    (1..=count).map(|at| format!("00000001-0000-4000-8000-{at:012x}")).collect()
}

fn user_of(name: &str, subject: Option<&str>) -> Value {
    let mut body =
        json!({"schemas": [Resource::User.schema()], "userName": name, "displayName": "Somebody", "active": true});
    if let Some(subject) = subject {
        body["externalId"] = json!(subject);
    }
    body
}

fn group_of(name: &str) -> Value {
    group(name, &[])
}

fn group(name: &str, members: &[&str]) -> Value {
    let members: Vec<_> = members.iter().map(|user| json!({"value": user})).collect();
    json!({"schemas": [Resource::Group.schema()], "displayName": name, "members": members})
}

fn patch(op: &str, path: &str, value: Value) -> Value {
    json!({"schemas": [PATCH], "Operations": [{"op": op, "path": path, "value": value}]})
}

fn id(body: &Value) -> String {
    body["id"].as_str().unwrap().to_owned()
}

fn escaped(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

/// A member who reads the queue and is known to the provider by `sub-<name>`.
async fn installation_member(installation: &Installation, name: &str) -> Member {
    let member = installation.member_named(name, Role::Viewer).await;
    link(installation, &member, &format!("sub-{name}")).await;
    member
}

async fn link(installation: &Installation, member: &Member, subject: &str) {
    let proven = Proven {
        provider: installation.provider,
        state: format!("state-{subject}"),
        subject_claim: "sub".into(),
        subject: subject.to_owned(),
        claims: json!({}),
        auth_time: None,
        acr: None,
        session: None,
        id_token: Zeroizing::new("id-token".to_owned()),
        skew_seconds: 0,
    };
    let caller = caller_of(installation, member).await;
    providers::link_own(&installation.desk.engine, &caller, proven).await.unwrap();
}

async fn caller_of(installation: &Installation, member: &Member) -> Caller {
    let actor = sessions::authenticate(&installation.desk.engine, &member.token).await.unwrap().unwrap();
    assert!(matches!(actor, Actor::Person { .. }));
    Caller::new(actor, "127.0.0.1", "test", uuid::Uuid::nil())
}

/// Brings a mapping of pushed groups into force.
async fn map(installation: &Installation, names: &str, roles: &[Role]) {
    let (engine, admin) = (&installation.desk.engine, &installation.desk.admin);
    let view = async || role_mappings::view(engine, &again(admin), "company").await.unwrap();
    for role in roles {
        let row = RowForm {
            claim: SCIM_GROUPS.into(),
            test: "in_list".into(),
            value: names.into(),
            role: role.word().into(),
            ..RowForm::default()
        };
        let base = view().await.draft.map(|draft| draft.id);
        role_mappings::save_row(engine, &again(admin), installation.provider, base, None, &row).await.unwrap();
    }
    let view = view().await;
    let (draft, digest) = (view.draft.unwrap().id, view.dry_run.unwrap().digest);
    let waits = role_mappings::apply(engine, &again(admin), installation.provider, draft, &digest).await.unwrap();
    // Rows that give a privileged role wait, although nobody gains by them yet.
    if let Some(change) = waits {
        let second = caller_of(installation, &installation.admin).await;
        changes::confirm(engine, &second, change).await.unwrap();
    }
}

/// How many times a pushed user holds the roles viewer and approver.
async fn held(installation: &Installation, user: &str) -> (i64, i64) {
    let count = async |role: &str| {
        let query = format!(
            "select count(*) from role_assignments r join scim_users u on u.person_id = r.person_id \
             where u.id = '{user}' and r.role = '{role}' and r.ended_at is null"
        );
        installation.desk.database.number(&query).await
    };
    (count("viewer").await, count("approver").await)
}

async fn is_disabled(installation: &Installation, person: PersonId) -> bool {
    let query = format!("select count(*) from people where id = '{person}' and disabled_at is not null");
    installation.desk.database.number(&query).await == 1
}
