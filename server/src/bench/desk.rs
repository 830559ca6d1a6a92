//! A serving installation and a signed-in approver who asks it by HTTP, as a browser without scripts does.

use std::{
    net::Ipv4Addr,
    time::{Duration, Instant},
};

use countersign_domain::ids::DecisionId;
use countersign_engine::{Actor, Caller, Engine, bench::percentile, demo as people};
use http::StatusCode;
use hyper_util::server::graceful::GracefulShutdown;
use reqwest::{RequestBuilder, redirect::Policy};
use serde::Serialize;
use tokio::{net::TcpListener, task::JoinHandle};
use url::form_urlencoded;
use uuid::Uuid;

use crate::{Server, cli::Failure, config::Origin, files::Files, routes, serve};

/// Pause between two requests, so that a person's request limit is never met.
const PAUSE: Duration = Duration::from_millis(25);

/// A serving installation with an approver's browser.
pub(super) struct Desk {
    pub(super) asker: Asker,
    pub(super) serving: JoinHandle<()>,
}

impl Desk {
    /// Serves on a free port of this machine and signs the demo's first approver in.
    pub(super) async fn open(engine: &Engine, files: Files) -> Result<Desk, Failure> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(Failure::io("listening"))?;
        let port = listener.local_addr().map_err(Failure::io("reading the port"))?.port();
        let server = Server::new(engine.clone(), Origin::loopback(port), Vec::new(), files);
        let router = routes::router(&server).map_err(Failure::Routes)?;
        let serving = tokio::spawn(async move { serve::accept(&listener, &router, &GracefulShutdown::new()).await });
        let visitor = Caller::new(Actor::Anonymous, "127.0.0.1", "bench", Uuid::nil());
        let session = people::sign_in_with(engine, &visitor, "approver-a").await?;
        let client = reqwest::Client::builder().redirect(Policy::none()).build();
        let asker = Asker {
            client: client.map_err(|error| Failure::Told(format!("making a client: {error}")))?,
            origin: format!("http://127.0.0.1:{port}"),
            cookie: format!("{}={}", server.cookie_name().0, session.token.reveal()),
        };

        Ok(Desk { asker, serving })
    }
}

/// Time to the first byte of one kind of page.
#[derive(Debug, Serialize)]
pub(super) struct Page {
    /// Its path.
    pub(super) path: &'static str,
    /// Requests that were measured.
    pub(super) requests: usize,
    /// Median, in milliseconds.
    pub(super) p50_ms: f64,
    /// The 95th percentile.
    pub(super) p95_ms: f64,
    /// Size of the last answer, uncompressed.
    pub(super) bytes: usize,
}

/// A signed-in person's browser, as far as the first byte.
pub(super) struct Asker {
    client: reqwest::Client,
    pub(super) origin: String,
    /// The session as a `Cookie` header.
    pub(super) cookie: String,
}

impl Asker {
    /// Asks for pages one after another; the first tenth of them warms up and does not count.
    pub(super) async fn measure(
        &self,
        name: &'static str,
        requests: usize,
        path: impl Fn(usize) -> String,
    ) -> Result<(Page, String), Failure> {
        let warm_up = requests / 10;
        let (mut times, mut last) = (Vec::with_capacity(requests), String::new());
        for number in 0..warm_up + requests {
            let (time, body) = self.ask(&path(number)).await?;
            if number >= warm_up {
                times.push(time);
            }
            last = body;
        }
        times.sort();
        let (p50_ms, p95_ms) = (percentile(&times, 50), percentile(&times, 95));

        Ok((Page { path: name, requests, p50_ms, p95_ms, bytes: last.len() }, last))
    }

    /// Asks for the queue so many times, or until told to end, and returns the 99th percentile.
    pub(super) async fn p99(&self, requests: usize, ended: impl Fn() -> bool) -> Result<f64, Failure> {
        let mut times = Vec::with_capacity(requests);
        while times.len() < requests && (times.is_empty() || !ended()) {
            times.push(self.ask("/queue").await?.0);
        }
        times.sort();
        Ok(percentile(&times, 99))
    }

    /// Approves a decision by the forms of its page; returns how long the answer to the approval took, or nothing where
    /// this person may not start a review.
    pub(super) async fn approve(&self, decision: DecisionId) -> Result<Option<Duration>, Failure> {
        let id = decision.to_string();
        let (_, status) = self.post("/act/start-review", &[("decision", id.as_str())]).await?;
        if status != StatusCode::SEE_OTHER {
            return Ok(None);
        }
        let (_, page) = self.ask(&format!("/decisions/{id}")).await?;
        let mut form = hidden_fields(&page, "/act/review");
        if form.is_empty() {
            return Err(Failure::Told(format!("the page of {id} has no form for a review that was started")));
        }
        form.extend([("code", "other"), ("reason", "It is what the policy allows."), ("verdict", "approve")]);
        let (time, status) = self.post("/act/review", &form).await?;
        match status {
            StatusCode::SEE_OTHER => Ok(Some(time)),
            _ => Err(Failure::Told(format!("an approval of {id} was answered by {status}"))),
        }
    }

    async fn ask(&self, path: &str) -> Result<(Duration, String), Failure> {
        let failed = |error: reqwest::Error| Failure::Told(format!("asking for {path}: {error}"));
        let (time, answer) = self.send(path, self.client.get(format!("{}{path}", self.origin))).await?;
        let body = answer.error_for_status().map_err(failed)?.text().await.map_err(failed)?;
        tokio::time::sleep(PAUSE).await;

        Ok((time, body))
    }

    async fn post(&self, path: &str, form: &[(&str, &str)]) -> Result<(Duration, StatusCode), Failure> {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let request = self.client.post(format!("{}{path}", self.origin)).header("origin", &self.origin);
        let request = request.header("content-type", "application/x-www-form-urlencoded").body(body);
        let (time, answer) = self.send(path, request).await?;
        tokio::time::sleep(PAUSE).await;

        Ok((time, answer.status()))
    }

    async fn send(&self, path: &str, request: RequestBuilder) -> Result<(Duration, reqwest::Response), Failure> {
        let request = request.header("cookie", &self.cookie).header("accept", "text/html");
        let started = Instant::now();
        let answer = request.send().await.map_err(|error| Failure::Told(format!("asking for {path}: {error}")))?;

        Ok((started.elapsed(), answer))
    }
}

/// Names and values of the hidden fields of the form that posts to `action`; none where the page has no such form.
fn hidden_fields<'a>(page: &'a str, action: &str) -> Vec<(&'a str, &'a str)> {
    let attribute = |tag: &'a str, name: &str| {
        let start = tag.find(&format!(" {name}=\""))? + name.len() + 3;
        tag[start..].split('"').next()
    };
    let forms = page.split("<form").skip(1).filter_map(|rest| rest.split("</form>").next());
    let Some(form) = forms.into_iter().find(|form| attribute(form, "action") == Some(action)) else {
        return Vec::new();
    };
    form.split("<input")
        .skip(1)
        .filter_map(|rest| rest.split('>').next())
        .filter(|tag| attribute(tag, "type") == Some("hidden"))
        .filter_map(|tag| Some((attribute(tag, "name")?, attribute(tag, "value").unwrap_or_default())))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_hidden_fields_of_the_form_asked_for_are_read() {
        let page = r#"<form method="post" action="/act/other"><input type="hidden" name="a" value="1"></form>
            <form class="x" action="/act/review" method="post"><input type="hidden" name="token" value="t-1">
            <input name="reason" type="text" value="no"><input value="d-2" type="hidden" name="decision"/></form>"#;

        assert_eq!(hidden_fields(page, "/act/review"), [("token", "t-1"), ("decision", "d-2")]);
        assert!(hidden_fields(page, "/act/third").is_empty());
    }
}
