//! A desk for tests: a database of its own, a clock that tests move, people in each role.
//!
//! Tests connect as the roles of production, never as superuser. The server is named by
//! `COUNTERSIGN_TEST_PG`, the directory of its socket; its superuser `countersign` makes and drops the
//! databases, each from one migrated template.

pub mod passkey;
pub mod races;

use std::{
    path::PathBuf,
    str::FromStr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use countersign_domain::{
    decision::{ReasonCode, Risk, Verdict},
    decision_type::{Kind, Parameter, Reversibility, TypeDefinition},
    event::SignInMethod,
    form,
    holding::{Holding, Source},
    ids::{DecisionId, LeaseId, PersonId, ProviderId, SystemId},
    policy::RetractWindows,
    role::Role,
    role_map::Group,
    text::{PersonName, Reason},
    view::Composer,
};
use sqlx::{Connection, PgConnection, postgres::PgConnectOptions};

use crate::{
    Actor, Caller, Clock, Config, Database, Engine, Error, Result, authorize, db, decision_types,
    decisions::{self, ReviewRequest, Reviewed, Stored},
    instance::Durability,
    people, providers, roles, secret,
    sessions::{self, NewSession, SignInFacts},
    systems,
};

/// A clock that tests set.
#[derive(Clone)]
pub struct TestClock(Arc<AtomicU64>);

impl TestClock {
    /// Makes a clock that shows this time, in milliseconds since 1970 UTC.
    pub fn starting_at(milliseconds: u64) -> Self {
        Self(Arc::new(AtomicU64::new(milliseconds)))
    }

    /// Moves the clock forward, in milliseconds.
    pub fn advance(&self, milliseconds: u64) {
        self.0.fetch_add(milliseconds, Ordering::Relaxed);
    }
}

impl Clock for TestClock {
    fn now(&self) -> u64 {
        // A millisecond a reading, so that ids and times of one test keep their order.
        self.0.fetch_add(1, Ordering::Relaxed)
    }
}

/// An engine over a database of its own, with one system, one key, one type and people in each role.
pub struct Desk {
    /// The engine.
    pub engine: Engine,
    /// Its clock.
    pub clock: TestClock,
    /// An admin, signed in.
    pub admin: Caller,
    /// An approver, signed in.
    pub approver: Caller,
    /// A second approver, signed in.
    pub approver_b: Caller,
    /// An auditor, signed in.
    pub auditor: Caller,
    /// The agent of `system`.
    pub agent: Caller,
    /// The agent's key in the clear.
    pub key: String,
    /// The system.
    pub system: SystemId,
    /// Connection address of the database's owner and of the superuser, for attacks.
    pub database: TestDatabase,
    keys: tempfile::TempDir,
}

/// A database made for one test.
pub struct TestDatabase {
    socket: String,
    name: String,
}

impl TestDatabase {
    /// Makes a database from the migrated template.
    ///
    /// # Panics
    ///
    /// When `COUNTERSIGN_TEST_PG` names no running server; `cargo xtask db` starts one.
    pub async fn create() -> Self {
        let socket = std::env::var("COUNTERSIGN_TEST_PG")
            .expect("COUNTERSIGN_TEST_PG names the socket directory of a test server; `cargo xtask db` starts one");
        let template = template(&socket).await;
        let name = format!("test_{}", secret::random_id().simple());
        let database = Self { socket, name };
        let mut admin = connect(&database.url("countersign", "postgres")).await;
        // Two tests that copy the template at once would refuse each other.
        execute(&mut admin, "select pg_advisory_lock(7211)").await;
        execute(&mut admin, &format!("create database {} template {template} owner countersign_owner", database.name))
            .await;
        execute(&mut admin, "select pg_advisory_unlock(7211)").await;
        database
    }

    /// Returns the connection address for a role of the server.
    pub fn url_as(&self, role: &str) -> String {
        self.url(role, &self.name)
    }

    /// Runs a statement as superuser with triggers and constraints off, as an attacker of the database would.
    ///
    /// # Panics
    ///
    /// When the statement fails.
    pub async fn attack(&self, statement: &str) {
        let mut conn = connect(&self.url_as("countersign")).await;
        execute(&mut conn, "set session_replication_role = replica").await;
        execute(&mut conn, statement).await;
    }

    /// Runs a query as superuser that returns one number.
    ///
    /// # Panics
    ///
    /// When the query fails.
    pub async fn number(&self, query: &str) -> i64 {
        let mut conn = connect(&self.url_as("countersign")).await;
        sqlx::query_scalar(sqlx::AssertSqlSafe(query.to_owned()))
            .fetch_one(&mut conn)
            .await
            .expect("the query returns one number")
    }

    /// Connects as superuser.
    ///
    /// # Panics
    ///
    /// When the server does not answer.
    pub async fn connection(&self) -> PgConnection {
        connect(&self.url_as("countersign")).await
    }

    fn url(&self, role: &str, name: &str) -> String {
        url(&self.socket, role, name)
    }
}

impl Desk {
    /// Sets up a desk.
    ///
    /// # Panics
    ///
    /// When the test server or the set-up fails.
    pub async fn new() -> Self {
        Self::at("http://127.0.0.1:3000").await
    }

    /// Sets up a desk in a demo installation.
    ///
    /// # Panics
    ///
    /// As [`Desk::new`].
    pub async fn demo() -> Self {
        Self::set_up("http://127.0.0.1:3000", true).await.expect("a desk can be set up")
    }

    /// Sets up a desk at an address, such as one that allows passkeys.
    ///
    /// # Panics
    ///
    /// As [`Desk::new`].
    pub async fn at(origin: &str) -> Self {
        Self::set_up(origin, false).await.expect("a desk can be set up")
    }

    async fn set_up(origin: &str, demo: bool) -> Result<Self> {
        let database = TestDatabase::create().await;
        let keys = tempfile::tempdir().map_err(|error| Error::Setup(error.to_string()))?;
        let clock = TestClock::starting_at(1_793_610_000_000);
        let engine = open(&database, keys.path().join("keys"), origin, clock.clone(), demo).await?;
        let admin = person(&engine, "Admin A", "admin-a", Role::Admin).await?;
        let approver = person(&engine, "Approver A", "approver-a", Role::Approver).await?;
        let approver_b = person(&engine, "Approver B", "approver-b", Role::Approver).await?;
        let auditor = person(&engine, "Auditor A", "auditor-a", Role::Auditor).await?;
        let system = systems::register(&engine, &admin, "refund-agent").await?;
        let key = systems::issue_key(&engine, &admin, system).await?.key;
        let agent = caller(crate::keys::authenticate(&engine, &key, std::net::Ipv4Addr::LOCALHOST.into()).await?);
        decision_types::define(&engine, &Caller::operator(), refund()).await?;

        Ok(Self { engine, clock, admin, approver, approver_b, auditor, agent, key, system, database, keys })
    }

    /// Stops the engine and starts another over the same database and keys, as after a crash or an update.
    ///
    /// # Panics
    ///
    /// When the engine does not start.
    pub async fn restart(&mut self) {
        self.engine.stop().await;
        let demo = self.engine.config().demo;
        self.engine = open(&self.database, self.keys.path().join("keys"), &self.origin(), self.clock.clone(), demo)
            .await
            .expect("an engine starts over its own database");
    }

    fn origin(&self) -> String {
        self.engine.config().public_origin.clone()
    }

    /// Returns the key directory.
    pub fn keys(&self) -> PathBuf {
        self.keys.path().join("keys")
    }

    /// Proposes a refund that differs from every other, under a key of its own.
    ///
    /// # Panics
    ///
    /// When the proposal is refused.
    pub async fn queued_decision(&self) -> DecisionId {
        let order = secret::random_id().simple().to_string();
        self.propose(&order, &proposal(&order)).await.map(|stored| id_of(&stored)).expect("a proposal is taken")
    }

    /// Proposes with a key and a body.
    ///
    /// # Errors
    ///
    /// As `decisions::propose`.
    pub async fn propose(&self, key: &str, body: &str) -> Result<Stored> {
        decisions::propose(&self.engine, &again(&self.agent), key, body.as_bytes()).await
    }

    /// Opens the page and sends its form, as a person does.
    ///
    /// # Errors
    ///
    /// As `decisions::view` and `decisions::review`.
    pub async fn review(&self, caller: &Caller, decision: DecisionId, verdict: Verdict) -> Result<Reviewed> {
        let request = self.open_form(caller, decision, verdict).await?;
        decisions::review(&self.engine, &again(caller), request).await
    }

    /// Opens the page and fills its form without sending it.
    ///
    /// # Errors
    ///
    /// As `decisions::view`; a closed composer is a refusal.
    pub async fn open_form(&self, caller: &Caller, decision: DecisionId, verdict: Verdict) -> Result<ReviewRequest> {
        form(&self.engine, caller, decision, verdict).await
    }

    /// Waits until everything committed is sealed, and returns the size.
    ///
    /// # Panics
    ///
    /// When that takes longer than ten seconds.
    pub async fn sealed(&self) -> u64 {
        for _ in 0..1_000 {
            if self.database.number("select count(*) from ledger_entries where idx is null").await == 0 {
                let size = self.database.number("select signed_size from ledger_logs").await;
                if size == self.database.number("select size from ledger_logs").await {
                    return u64::try_from(size).expect("a size is not negative");
                }
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        panic!("entries were left without a place");
    }
}

/// Opens a decision's page, starts the review unless it has begun, and fills the form without sending it. Where others
/// hold every seat, it is taken over from who has held one longest.
///
/// # Errors
///
/// As `decisions::view` and `decisions::start_review`; a closed composer is a refusal.
pub async fn form(engine: &Engine, caller: &Caller, decision: DecisionId, verdict: Verdict) -> Result<ReviewRequest> {
    let mut page = decisions::view(engine, &again(caller), decision).await?;
    if let Composer::Ready { free, .. } = page.composer {
        match page.holders.first().filter(|_| !free) {
            Some(holder) => take_over(engine, caller, decision, holder.lease).await?,
            None => decisions::start_review(engine, &again(caller), decision).await?,
        }
        page = decisions::view(engine, &again(caller), decision).await?;
    }
    let (presentation, lease, ways) = match page.composer {
        Composer::Open { presentation, lease, ways, .. } => (presentation, lease, ways),
        Composer::Ready { .. } => {
            let detail = "The review was started, and it is somebody else's by now.";
            return Err(Error::refused(countersign_domain::problem::Code::LeaseLost, detail));
        }
        Composer::Closed { reason } => {
            return Err(Error::refused(countersign_domain::problem::Code::InvalidTransition, reason));
        }
    };
    let code = if verdict == Verdict::Approve { ReasonCode::WithinPolicy } else { ReasonCode::AgainstPolicy };
    let reason = Reason::new("Checked against the policy.").map_err(|error| Error::Setup(error.to_string()))?;
    // As the form begins: in their own right where they may.
    let on_behalf = ways.into_iter().next().and_then(|way| way.on_behalf).map(|(delegator, _)| delegator);
    Ok(ReviewRequest {
        code: Some(code),
        reason: Some(reason),
        form: form::sample(&page.form, verdict),
        opened: Some(Vec::new()),
        on_behalf,
        ..ReviewRequest::new(decision, presentation, lease, verdict)
    })
}

/// Takes a review over from its holder.
///
/// # Errors
///
/// As `decisions::take_over`.
pub async fn take_over(engine: &Engine, caller: &Caller, decision: DecisionId, lease: LeaseId) -> Result<()> {
    let reason = Reason::new("The shift changed.").map_err(|error| Error::Setup(error.to_string()))?;
    decisions::take_over(engine, &again(caller), decision, lease, reason).await
}

/// Returns a word that no other call returns.
pub fn unique() -> String {
    secret::random_id().simple().to_string()
}

/// Returns the same person or agent in a new request.
pub fn again(caller: &Caller) -> Caller {
    caller.again()
}

/// Returns the decision that an answer names.
///
/// # Panics
///
/// When the answer names none.
pub fn id_of(stored: &Stored) -> DecisionId {
    stored.body["id"].as_str().and_then(|id| id.parse().ok()).expect("the answer names its decision")
}

/// Writes the body of a proposal for one order.
pub fn proposal(order: &str) -> String {
    serde_json::json!({
        "mode": "propose",
        "action": {"type": "refund.issue", "parameters": {"order": order, "amount": "40.00"}},
        "rationale": "The parcel never arrived.",
        "subjects": [{"ref": "customer 4711", "kind": "person"}],
        "context": {"conversation": "run-1", "steps": [{"role": "user", "text": "Where is my parcel?"}]},
    })
    .to_string()
}

/// The decision type of the desk.
pub fn refund() -> TypeDefinition {
    let parameter =
        |name: &str, label: &str, kind| Parameter { name: name.into(), label: label.into(), kind, required: true };
    TypeDefinition {
        name: "refund.issue".into(),
        version: 1,
        title: "Issue a refund".into(),
        tool: None,
        risk: Risk::Medium,
        reversibility: Reversibility::Compensable,
        risk_reasons: vec!["Money leaves the company.".into()],
        amount: Some("amount".into()),
        personal: Vec::new(),
        hazards: Vec::new(),
        parameters: vec![parameter("order", "Order", Kind::Text), parameter("amount", "Amount", Kind::Decimal)],
        form: Vec::new(),
    }
}

/// Below so many free bytes nothing is taken in. Small: how full the disk of the testing machine is, is not what the
/// tests are about.
pub const FREE_BYTES_MIN: u64 = 1024 * 1024;

/// Starts an engine on a durable server under a clock that its caller moves.
///
/// # Errors
///
/// As [`Engine::start`].
pub async fn start(config: Config, clock: TestClock) -> Result<Engine> {
    Engine::start_with(config, Durability::Demanded, Box::new(clock)).await
}

async fn open(database: &TestDatabase, keys: PathBuf, origin: &str, clock: TestClock, demo: bool) -> Result<Engine> {
    let config = Config {
        database: Database {
            app: database.url_as("countersign_app"),
            sequencer: database.url_as("countersign_sequencer"),
            owner: database.url_as("countersign_owner"),
        },
        keys,
        public_origin: origin.to_owned(),
        demo,
        free_bytes_min: Some(FREE_BYTES_MIN),
        // A review is final at once, unless a table says otherwise.
        retract_windows: RetractWindows::NONE,
    };
    Engine::start_with(config, Durability::Waived, Box::new(clock)).await
}

async fn person(engine: &Engine, name: &'static str, login: &'static str, role: Role) -> Result<Caller> {
    join(engine, name, login, vec![Holding::everywhere(role)]).await
}

async fn join(engine: &Engine, name: &str, login: &str, holdings: Vec<Holding>) -> Result<Caller> {
    let session = admit(engine, name, login, holdings).await?;
    let actor = sessions::authenticate(engine, session.token.reveal()).await?.ok_or(Error::NotFound)?;
    Ok(caller(actor))
}

/// Makes a member with assignments by hand, and signs them in.
pub(crate) async fn admit(engine: &Engine, name: &str, login: &str, holdings: Vec<Holding>) -> Result<NewSession> {
    let (name, login) = (name.to_owned(), login.to_owned());
    engine
        .act(&Caller::operator(), move |engine, caller| {
            let (name, login, holdings) = (name.clone(), login.clone(), holdings.clone());
            async move {
                let mut tx = engine.begin().await?;
                let permit = authorize::unevaluated(authorize::operator_actor(engine.operator));
                let name = PersonName::new(&name).map_err(|error| Error::Setup(error.to_string()))?;
                let person = people::create_bare(&mut tx, &engine, &caller, &permit, &name, &login).await?;
                for holding in &holdings {
                    roles::give(&mut tx, &engine, &caller, &permit, person, holding).await?;
                }
                let new = sessions::open(&mut tx, &engine, &caller, person, facts(&engine)).await?;
                engine.commit(tx).await?;
                Ok(new)
            }
        })
        .await
}

/// Signs a member in again.
pub(crate) async fn sign_in(engine: &Engine, person: PersonId) -> Result<NewSession> {
    engine
        .act(&Caller::operator(), move |engine, caller| async move {
            let mut tx = engine.begin().await?;
            let new = sessions::open(&mut tx, &engine, &caller, person, facts(&engine)).await?;
            engine.commit(tx).await?;
            Ok(new)
        })
        .await
}

/// As after an authenticator app's code: who has only a password reaches nothing yet.
fn facts(engine: &Engine) -> SignInFacts {
    SignInFacts::new(SignInMethod::Totp, engine.now())
}

pub(crate) fn caller(actor: Actor) -> Caller {
    Caller::new(actor, "127.0.0.1", "test", secret::random_id())
}

fn url(socket: &str, role: &str, name: &str) -> String {
    let host: String =
        socket.bytes().map(|byte| if byte == b'/' { "%2F".to_owned() } else { char::from(byte).to_string() }).collect();
    format!("postgres://{role}@{host}/{name}")
}

async fn connect(url: &str) -> PgConnection {
    let options = PgConnectOptions::from_str(url).expect("the address of the test server can be read");
    PgConnection::connect_with(&options).await.expect("the test server answers")
}

async fn execute(conn: &mut PgConnection, statement: &str) {
    sqlx::raw_sql(sqlx::AssertSqlSafe(statement.to_owned()))
        .execute(conn)
        .await
        .unwrap_or_else(|error| panic!("{statement}: {error}"));
}

/// Makes the migrated template once for this set of migrations, and returns its name.
async fn template(socket: &str) -> String {
    let newest = crate::MIGRATOR.iter().fold(0u64, |sum, migration| {
        migration.checksum.iter().fold(sum, |sum, byte| sum.wrapping_mul(31).wrapping_add(u64::from(*byte)))
    });
    let name = format!("template_{newest:016x}");
    let mut admin = connect(&url(socket, "countersign", "postgres")).await;
    execute(&mut admin, "select pg_advisory_lock(7211)").await;
    let known: Option<i32> = sqlx::query_scalar("select 1 from pg_database where datname = $1 and datistemplate")
        .bind(&name)
        .fetch_optional(&mut admin)
        .await
        .expect("databases can be listed");
    if known.is_none() {
        execute(&mut admin, &format!("drop database if exists {name}")).await;
        execute(&mut admin, &format!("create database {name} owner countersign_owner")).await;
        let mut owner = connect(&url(socket, "countersign_owner", &name)).await;
        crate::MIGRATOR.run(&mut owner).await.expect("the migrations run");
        owner.close().await.expect("the template is left");
        execute(&mut admin, &format!("alter database {name} is_template true")).await;
    }
    execute(&mut admin, "select pg_advisory_unlock(7211)").await;
    name
}

/// A transaction of the superuser that holds locks until it is released.
pub struct Lock(PgConnection);

impl Lock {
    /// Ends the transaction.
    pub async fn release(mut self) {
        execute(&mut self.0, "rollback").await;
    }

    /// Waits until somebody waits for it, changes something past triggers and constraints, and commits: what happens between
    /// two looks of one act.
    ///
    /// # Panics
    ///
    /// When nobody waits within ten seconds, or a statement fails.
    pub async fn meanwhile(mut self, statement: &str) {
        const WAITING: &str =
            "select count(*) from pg_stat_activity where pg_backend_pid() = any(pg_blocking_pids(pid))";
        let waits = async {
            while sqlx::query_scalar::<_, i64>(WAITING).fetch_one(&mut self.0).await.expect("locks are listed") == 0 {
                tokio::time::sleep(std::time::Duration::from_millis(2)).await;
            }
        };
        tokio::time::timeout(std::time::Duration::from_secs(10), waits).await.expect("an act waits for the locks");
        for statement in ["set local session_replication_role = replica", statement, "commit"] {
            execute(&mut self.0, statement).await;
        }
    }
}

impl TestDatabase {
    /// Runs a statement as one of the roles.
    ///
    /// # Errors
    ///
    /// What the server refuses.
    pub async fn try_as(&self, role: &str, statement: &str) -> sqlx::Result<()> {
        let mut conn = connect(&self.url_as(role)).await;
        sqlx::raw_sql(sqlx::AssertSqlSafe(statement.to_owned())).execute(&mut conn).await.map(|_| ())
    }

    /// Begins a transaction as superuser, runs a statement, and keeps its locks.
    ///
    /// # Panics
    ///
    /// When the statement fails.
    pub async fn hold(&self, statement: &str) -> Lock {
        let mut conn = connect(&self.url_as("countersign")).await;
        execute(&mut conn, "begin").await;
        execute(&mut conn, statement).await;
        Lock(conn)
    }
}

impl Desk {
    /// Returns the kinds of all entries about a decision, in the order of their recording.
    ///
    /// # Panics
    ///
    /// When the database does not answer.
    pub async fn kinds_of(&self, decision: DecisionId) -> Vec<String> {
        let mut conn = connect(&self.database.url_as("countersign")).await;
        let rows: Vec<Vec<u8>> = sqlx::query_scalar(
            "select bytes from ledger_entries where position(convert_to($1, 'UTF8') in bytes) > 0 order by seq",
        )
        .bind(format!("\"id\":\"{decision}\""))
        .fetch_all(&mut conn)
        .await
        .expect("entries can be listed");
        rows.iter().map(|bytes| countersign_ledger::leaf::Leaf::parse(bytes).expect("a stored leaf").kind).collect()
    }

    /// Reads the whole log again: indexes without gap, hashes of the stored bytes, the root over them, the
    /// signature over the root. Returns the size.
    ///
    /// # Panics
    ///
    /// When anything does not fit.
    pub async fn check_log(&self) -> u64 {
        use sqlx::Row as _;
        let size = self.sealed().await;
        let mut conn = connect(&self.database.url_as("countersign")).await;
        let rows = sqlx::query("select idx, bytes, leaf_hash from ledger_entries order by idx")
            .fetch_all(&mut conn)
            .await
            .expect("entries can be listed");
        let mut tree = countersign_ledger::tree::Tree::empty();
        let mut hashes = Vec::with_capacity(rows.len());
        for (row, index) in rows.iter().zip(0i64..) {
            assert_eq!(row.get::<Option<i64>, _>("idx"), Some(index));
            let hash = countersign_ledger::hash::leaf_hash(&row.get::<Vec<u8>, _>("bytes"));
            assert_eq!(row.get::<Vec<u8>, _>("leaf_hash"), hash.0);
            hashes.push(hash);
        }
        tree.append(&hashes);
        let note: String =
            sqlx::query_scalar("select note from ledger_logs").fetch_one(&mut conn).await.expect("the log has a note");
        let (checkpoint, _) =
            countersign_ledger::checkpoint::open(&note, &self.engine.log.verifier).expect("the key signed the note");
        assert_eq!((checkpoint.size, checkpoint.root), (tree.size(), tree.root()));
        assert_eq!(checkpoint.size, size);
        size
    }

    /// Starts another engine over the same database and keys, whatever state an attack left them in.
    ///
    /// # Panics
    ///
    /// When the engine does not start at all.
    pub async fn start_again(&mut self) {
        let demo = self.engine.config().demo;
        self.engine = open(&self.database, self.keys(), &self.origin(), self.clock.clone(), demo)
            .await
            .expect("an engine starts and then refuses to sign");
    }

    /// Tries to start another engine over the same database and keys, and stops it again.
    ///
    /// # Errors
    ///
    /// What start refuses.
    pub async fn try_start_again(&self) -> Result<()> {
        let demo = self.engine.config().demo;
        let engine = open(&self.database, self.keys(), &self.origin(), self.clock.clone(), demo).await?;
        engine.stop().await;
        Ok(())
    }

    /// Waits for the sequencer to refuse, and returns why.
    ///
    /// # Panics
    ///
    /// When it does not within ten seconds.
    pub async fn stopped(&self) -> String {
        for _ in 0..1_000 {
            if let Some(reason) = self.engine.stopped() {
                return reason;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        panic!("the sequencer went on");
    }
}

impl Desk {
    /// Makes a member with one assignment by hand, signed in; nobody is asked to confirm it.
    ///
    /// # Panics
    ///
    /// When that is refused.
    pub async fn member(&self, login: &str, holdings: Vec<Holding>) -> Caller {
        join(&self.engine, login, login, holdings).await.expect("a member can be made")
    }

    /// Signs a person in once more, beside the sign-in that they have.
    ///
    /// # Panics
    ///
    /// When that is refused.
    pub async fn elsewhere(&self, known: &Caller) -> Caller {
        let person = known.person().expect("a person signs in");
        let session = sign_in(&self.engine, person).await.expect("a member signs in");
        let actor = sessions::authenticate(&self.engine, session.token.reveal()).await.expect("the sign-in is read");
        caller(actor.expect("the sign-in runs"))
    }

    /// Returns the roles that a person holds at this moment, each once.
    ///
    /// # Panics
    ///
    /// When the database does not answer.
    pub async fn roles_of(&self, person: PersonId) -> Vec<Role> {
        let mut conn = self.engine.app.acquire().await.expect("a connection");
        roles::words(&mut conn, &self.engine, person).await.expect("roles can be read")
    }

    /// Returns the groups that a provider's directory put somebody into, under what each may give.
    ///
    /// # Panics
    ///
    /// When the database does not answer or nobody is known by this subject.
    pub async fn groups_of(&self, provider: ProviderId, subject: &str) -> Vec<Group> {
        let mut tx = self.engine.begin().await.expect("a transaction begins");
        let person =
            providers::person_of(&mut tx, &self.engine, provider, subject).await.expect("the provider is there");
        let person = person.expect("somebody is known by this subject");
        db::scim::groups_of(&mut tx, provider, person).await.expect("groups can be listed")
    }

    /// Makes a person's assignments from one source equal to what is wanted, as a sign-in with a provider does.
    ///
    /// # Errors
    ///
    /// As `roles::reconcile`.
    pub async fn reconcile(
        &self,
        person: PersonId,
        source: Source,
        wanted: Vec<Holding>,
    ) -> Result<roles::RoleChanges> {
        self.engine
            .act(&Caller::operator(), move |engine, caller| {
                let wanted = wanted.clone();
                async move {
                    let mut tx = engine.begin().await?;
                    let permit = authorize::unevaluated(authorize::operator_actor(engine.operator));
                    let changes = roles::reconcile(&mut tx, &engine, &caller, &permit, person, source, &wanted).await?;
                    engine.commit(tx).await?;
                    Ok(changes)
                }
            })
            .await
    }
}

/// Returns the code that an authenticator app with this base32 secret shows at a moment.
///
/// # Panics
///
/// When the secret is not base32.
pub fn app_code(secret: &str, now: u64) -> String {
    let digit = |character: char| match character {
        'A'..='Z' => u32::from(character) - u32::from('A'),
        '2'..='7' => u32::from(character) - u32::from('2') + 26,
        _ => panic!("{secret} is base32"),
    };
    let bits: String = secret.chars().map(|character| format!("{:05b}", digit(character))).collect();
    let seed: Vec<u8> =
        (0..bits.len() / 8).map(|at| u8::from_str_radix(&bits[8 * at..8 * at + 8], 2).expect("eight bits")).collect();
    crate::totp::code_at(&seed, now / 30_000)
}
