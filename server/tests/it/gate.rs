//! The layers around handlers that misbehave, which no handler of the table does.

use std::time::Duration;

use axum::{Router, middleware::from_fn_with_state, routing::get};
use countersign_server::{
    layers::{self, Gate},
    routes::{Bucket, Class, Door, Handler, Idempotency, Limits, Object, Route, Verb},
};
use http::StatusCode;

use crate::installation::{Ask, Installation};

static READ: Route = Route {
    method: Verb::Get,
    path: "/misbehaving",
    door: Door::Public,
    action: None,
    object: Object::None,
    class: Class::Read,
    limits: Limits { body_bytes: 16, seconds: Some(1), bucket: Bucket::Free },
    idempotency: Idempotency::Natural,
    handler: Handler::Page,
};
static OFF_THE_RECORD: Route = Route { class: Class::None, ..READ };

/// Proves U1: what a handler forgot to put on record does not get out.
#[tokio::test]
async fn an_answer_without_an_entry_is_withheld() {
    let mut installation = Installation::new().await;
    serve(&mut installation, &READ, || async { "a secret" }).await;

    let answer = installation.send(Ask::get("/misbehaving")).await;

    assert_eq!((answer.status, answer.code().as_str()), (StatusCode::INTERNAL_SERVER_ERROR, "internal"));
    assert!(!answer.text().contains("a secret"));
}

/// Proves H9: a panic is 500 with every header, and the process lives.
#[tokio::test]
async fn a_panic_is_500_and_the_process_lives() {
    let mut installation = Installation::new().await;
    serve(&mut installation, &OFF_THE_RECORD, panicking).await;

    let first = installation.send(Ask::get("/misbehaving").html()).await;
    let second = installation.send(Ask::get("/misbehaving")).await;

    assert_eq!((first.status, second.status), (StatusCode::INTERNAL_SERVER_ERROR, StatusCode::INTERNAL_SERVER_ERROR));
    assert!(first.text().contains(first.header("request-id")) && !first.text().contains("a secret"));
    assert!(!first.header("content-security-policy").is_empty());
    assert_eq!(second.code(), "internal");
}

/// Proves I1.
#[tokio::test]
async fn a_slow_handler_is_cut_off() {
    let mut installation = Installation::new().await;
    serve(&mut installation, &OFF_THE_RECORD, || async {
        tokio::time::sleep(Duration::from_secs(60)).await;
    })
    .await;

    let answer = installation.send(Ask::get("/misbehaving")).await;

    assert_eq!((answer.status, answer.code().as_str()), (StatusCode::SERVICE_UNAVAILABLE, "unavailable"));
    assert_eq!(answer.header("retry-after"), "1");
}

/// Proves I1: the limit holds for bodies that a handler would never read.
#[tokio::test]
async fn an_unread_body_is_limited_too() {
    let mut installation = Installation::new().await;
    serve(&mut installation, &OFF_THE_RECORD, || async { "fine" }).await;

    let within = installation.send(Ask::get("/misbehaving").body("text/plain", vec![b'x'; 16])).await;
    let over = installation.send(Ask::get("/misbehaving").body("text/plain", vec![b'x'; 17])).await;

    assert_eq!((within.status, over.status), (StatusCode::OK, StatusCode::PAYLOAD_TOO_LARGE));
}

async fn panicking() -> StatusCode {
    panic!("a secret")
}

async fn serve<H, T>(installation: &mut Installation, route: &'static Route, handler: H)
where
    H: axum::handler::Handler<T, ()>,
    T: 'static,
{
    let gate = from_fn_with_state(Gate::new(&installation.server, route), layers::gate);
    let router: Router = Router::new().route(route.path, get(handler).route_layer(gate));
    installation.router = layers::around(router, &installation.server);
}
