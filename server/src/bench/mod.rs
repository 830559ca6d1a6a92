//! The hidden command `bench`: measures what sealing costs and how fast pages are, on this machine.
//!
//! Compiled with the feature `bench`, which no release has. Each run has an installation of its own
//! in an empty data directory, with a durable PostgreSQL; the result is one JSON file.

use std::{
    fs::File,
    io::{Seek as _, SeekFrom, Write as _},
    net::Ipv4Addr,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use countersign_domain::{ids::DecisionId, problem::Code};
use countersign_engine::{
    Caller, Engine, Error,
    bench::{self, Plan, login, percentile},
    decisions, demo as people, keys, sessions,
};
use hyper_util::server::graceful::GracefulShutdown;
use serde::Serialize;
use tokio::{
    net::TcpListener,
    task::{JoinHandle, JoinSet},
};
use uuid::Uuid;

use crate::{
    Server,
    cli::Failure,
    config::Origin,
    demo,
    files::Files,
    recorded, routes, scratch,
    serve::{self, Embedded},
};

/// What to measure, and where.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[arg(value_enum)]
    subject: Subject,
    /// Empty directory for database and keys, on the disk to be measured.
    #[arg(long)]
    data: PathBuf,
    /// Directory of the built pages' files.
    #[arg(long)]
    site: PathBuf,
    /// File to write the result to.
    #[arg(long)]
    out: PathBuf,
    /// Measure less, for a first look.
    #[arg(long)]
    quick: bool,
    /// Directory of PostgreSQL's programs.
    #[arg(long, env = "COUNTERSIGN_PG_BIN", value_name = "DIR")]
    pg_bin: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Subject {
    /// Sealed writes beside plain ones and a hash chain.
    Ledger,
    /// Time to the first byte of pages over a full queue.
    Pages,
    /// What refused sign-ins tell by their time, and what a flood of them does to a page.
    Login,
}

/// What every result begins with.
#[derive(Serialize)]
struct Measured<T> {
    /// Writes of 8 KiB that reach this disk one after another in a second.
    fsyncs_per_second: f64,
    #[serde(flatten)]
    result: T,
}

/// Open decisions of the pages' queue.
const OPEN: usize = 10_000;
/// Proposals in flight while the queue is filled.
const SEEDERS: usize = 48;
/// Pause between two requests, so that a person's request limit is never met.
const PAUSE: Duration = Duration::from_millis(25);

/// Measures and writes the result; the database ends either way.
pub(crate) async fn run(arguments: Arguments) -> Result<(), Failure> {
    let (engine, cluster) = start(&arguments).await?;
    let measured = measure(&engine, &arguments).await;
    engine.stop().await;
    if let Some(cluster) = cluster {
        cluster.stop().await?;
    }

    std::fs::write(&arguments.out, measured?).map_err(Failure::io(format!("writing {}", arguments.out.display())))
}

async fn measure(engine: &Engine, arguments: &Arguments) -> Result<String, Failure> {
    let fsyncs_per_second = fsync_rate(&arguments.data)?;
    match arguments.subject {
        Subject::Ledger => {
            let result = bench::ledger(engine, &plan(arguments.quick)).await?;
            Ok(to_json(&Measured { fsyncs_per_second, result }))
        }
        Subject::Pages => {
            let files =
                Files::read(&arguments.site).map_err(Failure::io(format!("reading {}", arguments.site.display())))?;
            let (open, requests) = if arguments.quick { (OPEN / 10, 60) } else { (OPEN, 300) };
            let (result, queue) = pages(engine, files, open, requests).await?;
            // Compressed by whoever compares it with the budget.
            let html = arguments.out.with_extension("html");
            std::fs::write(&html, queue).map_err(Failure::io(format!("writing {}", html.display())))?;
            Ok(to_json(&Measured { fsyncs_per_second, result }))
        }
        Subject::Login => {
            let (accounts, guesses) = if arguments.quick { (4, 200) } else { (40, 1_000) };
            let result = login::login(engine, login::Plan { accounts, guesses }).await?;
            let flood = flood(engine, if arguments.quick { 40 } else { 200 }).await?;
            Ok(to_json(&Measured { fsyncs_per_second, result: Login { result, flood } }))
        }
    }
}

fn to_json(measured: &impl Serialize) -> String {
    serde_json::to_string_pretty(measured).expect("numbers and words are always JSON") + "\n"
}

fn plan(quick: bool) -> Plan {
    let (rounds, seconds, steady) = if quick { (3, 1, 5) } else { (5, 3, 30) };
    Plan {
        rounds,
        round: Duration::from_secs(seconds),
        clients: vec![1, 8, 32],
        steady: Duration::from_secs(steady),
        steady_per_second: 50,
    }
}

/// Starts an installation of its own: nothing in it is real.
async fn start(arguments: &Arguments) -> Result<(Engine, Option<Embedded>), Failure> {
    let (config, cluster) = scratch::open(&arguments.data, arguments.pg_bin.clone()).await?;
    Ok((Engine::start(config).await?, cluster))
}

/// Counts how many small writes a second reach the disk under a directory, one after another.
fn fsync_rate(directory: &Path) -> Result<f64, Failure> {
    let path = directory.join("fsync");
    let count = || {
        let mut file = File::create(&path)?;
        let started = Instant::now();
        let mut count = 0u32;
        while started.elapsed() < Duration::from_secs(1) {
            file.seek(SeekFrom::Start(0))?;
            file.write_all(&[count.to_le_bytes()[0]; 8_192])?;
            file.sync_data()?;
            count += 1;
        }
        let rate = f64::from(count) / started.elapsed().as_secs_f64();
        std::fs::remove_file(&path)?;
        Ok(rate)
    };
    count().map_err(Failure::io(format!("writing {}", path.display())))
}

/// Pages over a full queue.
#[derive(Debug, Serialize)]
struct Pages {
    /// Open decisions.
    open: usize,
    /// How fast the queue was filled: whole proposals, each sealed.
    proposals_per_second: f64,
    /// One line for each kind of page.
    pages: Vec<Page>,
}

/// Time to the first byte of one kind of page.
#[derive(Debug, Serialize)]
struct Page {
    /// Its path.
    path: &'static str,
    /// Requests that were measured.
    requests: usize,
    /// Median, in milliseconds.
    p50_ms: f64,
    /// The 95th percentile.
    p95_ms: f64,
    /// Size of the last answer, uncompressed.
    bytes: usize,
}

/// Fills the queue, signs an approver in, and asks for pages over HTTP one after another.
///
/// Returns the HTML of the queue too. The client runs in this process and on the same cores.
async fn pages(engine: &Engine, files: Files, open: usize, requests: usize) -> Result<(Pages, String), Failure> {
    let demo = demo::seed(engine, demo::OPEN_AT_START).await?;
    let (decisions, elapsed) = fill(engine, &demo.key, open).await?;
    let Desk { asker, serving } = desk(engine, files).await?;

    let (queue, html) = asker.measure("/queue", requests, |_| "/queue".to_owned()).await?;
    let path = |number: usize| format!("/decisions/{}", decisions[number % decisions.len()]);
    let (decision, _) = asker.measure("/decisions/{id}", requests, path).await?;
    serving.abort();

    let proposals_per_second = decisions.len() as f64 / elapsed.as_secs_f64();
    Ok((Pages { open, proposals_per_second, pages: vec![queue, decision] }, html))
}

/// A serving installation with an approver's browser.
struct Desk {
    asker: Asker,
    serving: JoinHandle<()>,
}

async fn desk(engine: &Engine, files: Files) -> Result<Desk, Failure> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(Failure::io("listening"))?;
    let port = listener.local_addr().map_err(Failure::io("reading the port"))?.port();
    let server = Server::new(engine.clone(), Origin::loopback(port), Vec::new(), files);
    let router = routes::router(&server).map_err(Failure::Routes)?;
    let serving = tokio::spawn(async move { serve::accept(&listener, &router, &GracefulShutdown::new()).await });
    let visitor = Caller::new(countersign_engine::Actor::Anonymous, "127.0.0.1", "bench", Uuid::nil());
    let session = people::sign_in_with(engine, &visitor, "approver-a").await?;
    let asker = Asker {
        client: reqwest::Client::new(),
        origin: format!("http://127.0.0.1:{port}"),
        cookie: format!("{}={}", server.cookie_name().0, session.token.reveal()),
    };

    Ok(Desk { asker, serving })
}

/// A queue page while many wrong passwords arrive at once.
#[derive(Debug, Serialize)]
struct Flood {
    /// Sign-ins at once.
    sign_ins: usize,
    /// Sign-ins that were told to come back later, unchecked.
    turned_away: usize,
    /// `/queue` with nobody signing in: 99th percentile of the first byte, in milliseconds.
    quiet_p99_ms: f64,
    /// The same while they sign in.
    flooded_p99_ms: f64,
}

#[derive(Debug, Serialize)]
struct Login {
    #[serde(flatten)]
    result: login::Login,
    flood: Flood,
}

/// Sends wrong passwords, each for a name and from a forwarded network of its own, and asks for the queue meanwhile.
async fn flood(engine: &Engine, sign_ins: usize) -> Result<Flood, Failure> {
    demo::seed(engine, demo::OPEN_AT_START).await?;
    let Desk { asker, serving } = desk(engine, Files::none()).await?;
    let quiet_p99_ms = asker.p99(60, || false).await?;
    let mut visitors = JoinSet::new();
    for number in 0..sign_ins {
        let engine = engine.clone();
        visitors.spawn(async move {
            let network = Ipv4Addr::from_bits(u32::from(Ipv4Addr::new(172, 16, 0, 1)) + number as u32).to_string();
            let visitor = Caller::new(countersign_engine::Actor::Anonymous, network, "bench", Uuid::nil());
            let typed =
                sessions::Typed { login: format!("flood-{number}"), password: "wrong".into(), ..Default::default() };
            match sessions::sign_in(&engine, &visitor, typed, None).await {
                Err(Error::Refused(problem)) => Ok(problem.code == Code::RateLimited),
                Err(error) => Err(Failure::from(error)),
                Ok(_) => Err(Failure::Told("a wrong password signed in".into())),
            }
        });
    }
    let answers = tokio::spawn(async move {
        let mut turned_away = 0;
        while let Some(answer) = visitors.join_next().await {
            turned_away += usize::from(answer.map_err(|error| Failure::Told(format!("signing in: {error}")))??);
        }
        Ok::<_, Failure>(turned_away)
    });
    let flooded_p99_ms = asker.p99(60, || answers.is_finished()).await?;
    let turned_away = answers.await.map_err(|error| Failure::Told(format!("signing in: {error}")))??;
    serving.abort();

    Ok(Flood { sign_ins, turned_away, quiet_p99_ms, flooded_p99_ms })
}

/// Proposes recorded calls until so many decisions are open. Each is a whole proposal: checked,
/// committed to, routed and sealed as any other; no row is written past the use case.
async fn fill(engine: &Engine, key: &str, open: usize) -> Result<(Vec<DecisionId>, Duration), Failure> {
    let (runs, types) = recorded::read()?;
    let bodies: Arc<Vec<String>> =
        Arc::new(runs.iter().flat_map(|run| run.acts(&types)).map(|act| act.body.to_string()).collect());
    let agent = Caller::new(
        keys::authenticate(engine, key, Ipv4Addr::LOCALHOST.into()).await?,
        "127.0.0.1",
        "bench",
        Uuid::nil(),
    );
    let missing = open.saturating_sub(demo::OPEN_AT_START);
    let next = Arc::new(AtomicUsize::new(0));
    let started = Instant::now();
    let mut seeders = JoinSet::new();
    for _ in 0..SEEDERS {
        let (engine, agent, bodies, next) = (engine.clone(), agent.clone(), bodies.clone(), next.clone());
        seeders.spawn(async move {
            let mut made = Vec::new();
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= missing {
                    return Ok::<_, Failure>(made);
                }
                let body = bodies[number % bodies.len()].as_bytes();
                let stored = decisions::propose(&engine, &agent, &format!("bench-{number}"), body).await?;
                made.extend(stored.body["id"].as_str().and_then(|id| id.parse::<DecisionId>().ok()));
            }
        });
    }
    let mut made = Vec::with_capacity(missing);
    while let Some(ended) = seeders.join_next().await {
        made.extend(ended.map_err(|error| Failure::Told(format!("filling the queue: {error}")))??);
    }

    Ok((made, started.elapsed()))
}

/// A signed-in person's browser, as far as the first byte.
struct Asker {
    client: reqwest::Client,
    origin: String,
    cookie: String,
}

impl Asker {
    async fn measure(
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
            tokio::time::sleep(PAUSE).await;
        }
        times.sort();
        let (p50_ms, p95_ms) = (percentile(&times, 50), percentile(&times, 95));

        Ok((Page { path: name, requests, p50_ms, p95_ms, bytes: last.len() }, last))
    }

    /// Asks for the queue so many times, or until told to end, and returns the 99th percentile.
    async fn p99(&self, requests: usize, ended: impl Fn() -> bool) -> Result<f64, Failure> {
        let mut times = Vec::with_capacity(requests);
        while times.len() < requests && (times.is_empty() || !ended()) {
            times.push(self.ask("/queue").await?.0);
            tokio::time::sleep(PAUSE).await;
        }
        times.sort();
        Ok(percentile(&times, 99))
    }

    async fn ask(&self, path: &str) -> Result<(Duration, String), Failure> {
        let failed = |error: reqwest::Error| Failure::Told(format!("asking for {path}: {error}"));
        let request = self.client.get(format!("{}{path}", self.origin));
        let request = request.header("cookie", &self.cookie).header("accept", "text/html");
        let started = Instant::now();
        let answer = request.send().await.map_err(failed)?.error_for_status().map_err(failed)?;
        let time = started.elapsed();

        Ok((time, answer.text().await.map_err(failed)?))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use countersign_engine::testing::Desk;

    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn both_pages_are_measured_over_a_queue_that_proposals_filled() {
        let desk = Desk::demo().await;

        let (measured, html) = pages(&desk.engine, Files::none(), 60, 5).await.unwrap();

        let rows: Vec<_> = measured.pages.iter().map(|page| (page.path, page.requests)).collect();
        assert_eq!(rows, [("/queue", 5), ("/decisions/{id}", 5)]);
        assert!(
            measured.pages.iter().all(|page| page.p50_ms > 0.0 && page.p95_ms >= page.p50_ms && page.bytes > 1_000)
        );
        let shown: BTreeSet<_> = html.split("href=\"/decisions/").skip(1).map(|rest| &rest[..36]).collect();
        // High risk is for senior approvers, so not this approver's turn.
        let turns =
            desk.database.number("select count(*) from decisions where state = 'queued' and risk <> 'high'").await;
        assert_eq!(shown.len() as i64, turns.min(50), "one page of the approver's turns");
        let open = desk.database.number("select count(*) from decisions where state = 'queued'").await;
        assert_eq!(open, 60);
        desk.check_log().await;
    }
}
