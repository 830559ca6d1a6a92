//! The program itself: started, asked, told to stop.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use countersign_engine::testing::app_code;
use reqwest::{Client, Response, StatusCode, redirect::Policy};

use crate::installation::PASSWORD;

/// Proves G1 and L5: an installation starts from nothing, offers its first admin one link, serves
/// agents whose keys the command line makes, and stops within 20 s with streams open.
#[tokio::test]
async fn an_installation_starts_serves_and_stops() {
    let parent = tempfile::tempdir().unwrap();
    // PostgreSQL's own user has to pass.
    fs::set_permissions(parent.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let data = parent.path().join("data");
    let http = Client::builder().redirect(Policy::none()).build().unwrap();

    let mut program = Program::start(&data);
    let link = fs::read_to_string(data.join("setup-link")).unwrap().trim().to_owned();
    assert_eq!(mode(&data.join("setup-link")), 0o600);
    assert_eq!(mode(&data.join("keys")), 0o700);
    let token = link.rsplit('=').next().unwrap().to_owned();
    assert!(
        link.starts_with(&program.origin) && program.said.iter().any(|line| line.contains(&link)),
        "{:?}",
        program.said
    );
    let form = [("token", token.as_str()), ("name", "Ada"), ("login", "ada"), ("password", PASSWORD)];
    let set_up = post(&http, &format!("{}/act/finish-setup", program.origin), &form).await;
    assert_eq!(set_up.status(), StatusCode::OK);
    let cookie = set_up.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
    let secret = with_app(&http, &program.origin, &cookie).await;
    let again = post(&http, &format!("{}/act/finish-setup", program.origin), &form).await;
    assert_eq!(again.headers()["countersign-refusal"], "link_expired");

    let registered = run(&data, &["system", "register", "loan-agent"]);
    assert!(registered.starts_with("Registered loan-agent as "), "{registered}");
    let key = run(&data, &["key", "create", "--system", "loan-agent"]);
    let types =
        http.get(format!("{}/api/v1/decision_types", program.origin)).bearer_auth(key.trim()).send().await.unwrap();
    assert_eq!(types.status(), StatusCode::OK);

    let invite = [("name", "Pia"), ("login", "pia"), ("role", "approver")];
    let invited = post_as(&http, &format!("{}/act/invite", program.origin), &invite, &cookie).await;
    let invitation = invited.json::<serde_json::Value>().await.unwrap();
    let token = once(&invitation)["url"].as_str().unwrap().rsplit('=').next().unwrap().to_owned();
    let joined =
        post(&http, &format!("{}/act/join", program.origin), &[("token", token.as_str()), ("password", PASSWORD)])
            .await;
    let cookie = joined.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
    with_app(&http, &program.origin, &cookie).await;
    let stream = http.get(format!("{}/stream/queue", program.origin)).header("cookie", &cookie).send().await.unwrap();
    assert_eq!(stream.status(), StatusCode::OK);

    program.terminate();
    let told = Instant::now();
    let events = tokio::time::timeout(Duration::from_secs(20), stream.text()).await.expect("the stream ends").unwrap();
    let status = tokio::task::spawn_blocking(move || program.child.wait().unwrap()).await.unwrap();
    assert!(events.contains("event: bye") && events.contains("retry: "), "{events}");
    assert!(status.success(), "{status}");
    assert!(told.elapsed() < Duration::from_secs(20), "{:?}", told.elapsed());

    let mut program = Program::start(&data);
    assert!(!data.join("setup-link").exists());
    let opened = post(&http, &format!("{}/act/open-sign-in", program.origin), &[]).await;
    let tied = opened.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
    let tie = tied.split('=').next().unwrap().trim_start_matches("txn-").to_owned();
    // The step that the enrolment used up is over in half a minute; the next one is taken already.
    let code = app_code(&secret, now() + 30_000);
    let form = [("txn", tie.as_str()), ("login", "ada"), ("password", PASSWORD), ("code", &code), ("next", "")];
    let signed_in = post_as(&http, &format!("{}/act/sign-in", program.origin), &form, &tied).await;
    let cookies: Vec<_> = signed_in.headers().get_all("set-cookie").iter().collect();
    assert!(cookies.iter().any(|cookie| cookie.to_str().unwrap().starts_with("sid=")), "{cookies:?}");
    program.terminate();
    let status = tokio::task::spawn_blocking(move || program.child.wait().unwrap()).await.unwrap();
    assert!(status.success(), "{status}");
}

/// Proves E2 for the program's own log: with everything logged that it can say, no line holds what somebody typed or
/// carries as a secret, and every line is the program's.
#[tokio::test]
async fn the_log_holds_no_secret_and_no_line_of_somebody_else() {
    const WRONG: &str = "seeded+wrong+password";
    let parent = tempfile::tempdir().unwrap();
    fs::set_permissions(parent.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let (data, log) = (parent.path().join("data"), parent.path().join("log"));
    let http = Client::builder().redirect(Policy::none()).build().unwrap();
    let mut command = countersign(&data, &["serve", "--port", "0", "--log-format", "json"]);
    command.env("COUNTERSIGN_LOG", "debug").stderr(fs::File::create(&log).unwrap());

    let mut program = Program::started(&mut command);
    let link = fs::read_to_string(data.join("setup-link")).unwrap().trim().to_owned();
    let token = link.rsplit('=').next().unwrap().to_owned();
    let form = [("token", token.as_str()), ("name", "Ada"), ("login", "ada"), ("password", PASSWORD)];
    let set_up = post(&http, &format!("{}/act/finish-setup", program.origin), &form).await;
    let cookie = set_up.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
    let secret = with_app(&http, &program.origin, &cookie).await;
    run(&data, &["system", "register", "loan-agent"]);
    let key = run(&data, &["key", "create", "--system", "loan-agent"]).trim().to_owned();
    let ask = |path: &str| http.get(format!("{}{path}", program.origin));
    assert_eq!(ask("/api/v1/decision_types").bearer_auth(&key).send().await.unwrap().status(), StatusCode::OK);
    let mistyped = format!("{key}x");
    ask("/api/v1/decision_types").bearer_auth(&mistyped).send().await.unwrap();
    ask("/nowhere%0A%7B%22level%22%3A%22ERROR%22%2C%22message%22%3A%22forged%22%7D").send().await.unwrap();
    let opened = post(&http, &format!("{}/act/open-sign-in", program.origin), &[]).await;
    let tied = opened.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
    let tie = tied.split('=').next().unwrap().trim_start_matches("txn-").to_owned();
    let form = [("txn", tie.as_str()), ("login", "ada"), ("password", WRONG), ("code", ""), ("next", "")];
    post_as(&http, &format!("{}/act/sign-in", program.origin), &form, &tied).await;
    program.terminate();
    tokio::task::spawn_blocking(move || program.child.wait().unwrap()).await.unwrap();

    let written = fs::read_to_string(&log).unwrap();
    assert!(written.lines().count() > 20, "{written}");
    for line in written.lines() {
        let read: serde_json::Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        assert!(read["timestamp"].is_string() && read["level"].is_string(), "{line}");
        assert!(!read["message"].as_str().unwrap_or_default().starts_with("forged"), "{line}");
    }
    let carried = cookie.split('=').nth(1).unwrap();
    let typed = PASSWORD.replace(' ', "+");
    for held in [token.as_str(), PASSWORD, &typed, carried, &secret, &key, WRONG, &WRONG.replace('+', " ")] {
        let line = written.lines().find(|line| line.contains(held));
        assert!(line.is_none(), "a secret stands in the log: {line:?}");
    }
}

#[test]
fn a_wrong_setting_ends_with_its_own_status() {
    let data = tempfile::tempdir().unwrap();
    let keys = data.path().join("keys");
    fs::create_dir(&keys).unwrap();
    fs::set_permissions(&keys, fs::Permissions::from_mode(0o755)).unwrap();

    let output =
        countersign(data.path(), &["serve", "--port", "0", "--database-url", "postgres://nobody@localhost/none"])
            .output()
            .unwrap();

    assert_eq!(output.status.code(), Some(78));
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("open to other users") && told.contains("chmod 700"), "{told}");
}

struct Program {
    child: Child,
    origin: String,
    said: Vec<String>,
}

impl Program {
    /// Starts the program and waits until it says that it is ready.
    fn start(data: &Path) -> Self {
        Self::started(&mut countersign(data, &["serve", "--port", "0"]))
    }

    fn started(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut said = Vec::new();
        let mut ready = None;
        for line in BufReader::new(child.stdout.take().unwrap()).lines() {
            let line = line.unwrap();
            ready = line.strip_prefix("ready ").map(str::to_owned);
            said.push(line);
            if ready.is_some() {
                break;
            }
        }
        let origin = ready.unwrap_or_else(|| panic!("the program ended early: {said:?}"));
        Self { child, origin, said }
    }

    fn terminate(&self) {
        let told = Command::new("kill").arg(self.child.id().to_string()).status().unwrap();
        assert!(told.success());
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Only after a failed assertion is it still running.
        let _ = self.child.kill();
    }
}

/// Runs a command beside the running program and returns what it prints.
fn run(data: &Path, arguments: &[&str]) -> String {
    let output = countersign(data, arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn countersign(data: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_countersign"));
    command.args(arguments).arg("--data").arg(data).env("COUNTERSIGN_LOG", "warn");
    for name in ["DATABASE_URL", "COUNTERSIGN_SEQUENCER_URL", "COUNTERSIGN_OWNER_URL"] {
        command.env_remove(name);
    }
    command
}

async fn post(http: &Client, url: &str, form: &[(&str, &str)]) -> Response {
    post_as(http, url, form, "").await
}

async fn post_as(http: &Client, url: &str, form: &[(&str, &str)], cookie: &str) -> Response {
    let body: Vec<_> = form.iter().map(|(name, value)| format!("{name}={}", value.replace(' ', "+"))).collect();
    let request = http
        .post(url)
        .header("sec-fetch-site", "same-origin")
        .header("cookie", cookie)
        .header("content-type", "application/x-www-form-urlencoded")
        .body(body.join("&"));
    request.send().await.unwrap()
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

/// Reads what an answer shows this once.
fn once(answer: &serde_json::Value) -> serde_json::Value {
    serde_json::from_str(answer["once"]["json"].as_str().unwrap()).unwrap()
}

/// Sets up an authenticator app for whoever signed in with this cookie, and returns its secret.
async fn with_app(http: &reqwest::Client, origin: &str, cookie: &str) -> String {
    let begun = post_as(http, &format!("{origin}/act/begin-totp"), &[], cookie).await;
    let begun = begun.json::<serde_json::Value>().await.unwrap();
    let secret = once(&begun)["secret"].as_str().unwrap().to_owned();
    let code = app_code(&secret, now());
    let enrolled = post_as(http, &format!("{origin}/act/enrol-totp"), &[("code", &code)], cookie).await;
    assert!(enrolled.json::<serde_json::Value>().await.unwrap()["done"].is_object());
    secret
}

fn now() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    u64::try_from(since.as_millis()).unwrap()
}
