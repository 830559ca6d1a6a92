//! A PostgreSQL that speaks TLS, with certificates made here: what is refused, and that nothing but the check refuses it.

use std::{
    net::TcpListener,
    os::unix::{fs::PermissionsExt as _, process::CommandExt as _},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use sqlx::{
    Connection as _, PgConnection,
    postgres::{PgConnectOptions, PgSslMode},
};

use super::{failed, options};

#[tokio::test]
async fn a_certificate_for_another_name_or_of_nobody_known_is_refused() {
    let server = Server::start("db.example.org").await;
    // An address on a network, as it is read; only the place is this machine.
    let far = options("postgres://app@db.example.net/postgres").unwrap().host("localhost").port(server.port);
    let trusting = |authority: &str| far.clone().ssl_root_cert(server.file(authority));

    let of_nobody_known = connect(far.clone()).await.map(|_| ()).unwrap_err();
    let of_another_authority = connect(trusting("other.pem")).await.map(|_| ()).unwrap_err();
    let for_another_name = connect(trusting("authority.pem")).await.map(|_| ()).unwrap_err();
    let authority_only = connect(trusting("authority.pem").ssl_mode(PgSslMode::VerifyCa)).await;
    let unverified = connect(far.clone().ssl_mode(PgSslMode::Require)).await;

    for refused in [of_nobody_known, of_another_authority, for_another_name] {
        let told = failed(refused).to_string();
        assert!(told.contains("did not prove over TLS who it is") && told.contains("sslrootcert"), "{told}");
    }
    // The same server opens to whoever does not look: nothing else than the check refused.
    assert!(speaks_tls(&mut authority_only.expect("the authority is known, the name is not looked at")).await);
    assert!(speaks_tls(&mut unverified.expect("nothing is looked at")).await);

    let server = Server::start("localhost").await;
    let far = options("postgres://app@db.example.net/postgres").unwrap().host("localhost").port(server.port);
    let named = connect(far.ssl_root_cert(server.file("authority.pem"))).await;
    assert!(speaks_tls(&mut named.expect("authority and name fit")).await);
}

async fn connect(options: PgConnectOptions) -> sqlx::Result<PgConnection> {
    PgConnection::connect_with(&options).await
}

async fn speaks_tls(conn: &mut PgConnection) -> bool {
    sqlx::query_scalar("select ssl from pg_stat_ssl where pid = pg_backend_pid()").fetch_one(conn).await.unwrap()
}

/// A server of its own on a free port of this machine, gone with the test.
struct Server {
    place: tempfile::TempDir,
    port: u16,
    user: Option<(u32, u32)>,
    process: Option<Child>,
}

impl Server {
    /// Starts one that shows a certificate for a name.
    async fn start(name: &str) -> Self {
        let place = tempfile::tempdir().unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut server = Self { place, port, user: server_user(), process: None };
        std::fs::set_permissions(server.place.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        if let Some((uid, gid)) = server.user {
            std::os::unix::fs::chown(server.place.path(), Some(uid), Some(gid)).unwrap();
        }
        server.authority("authority");
        server.authority("other");
        server.certificate(name);
        let data = server.file("data");
        server.run(
            server
                .program("initdb")
                .args(["-U", "app", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync", "-D"])
                .arg(&data),
        );
        let mut postgres = server.program("postgres");
        postgres.arg("-D").arg(&data).stdout(Stdio::null()).stderr(Stdio::null());
        for setting in [
            "listen_addresses=localhost".to_owned(),
            format!("port={port}"),
            format!("unix_socket_directories={}", server.place.path().display()),
            "fsync=off".to_owned(),
            "ssl=on".to_owned(),
            format!("ssl_cert_file={}", server.file("server.pem").display()),
            format!("ssl_key_file={}", server.file("server.key").display()),
        ] {
            postgres.arg("-c").arg(setting);
        }
        server.process = Some(postgres.spawn().expect("PostgreSQL starts"));
        let open = options(&format!("postgres://app@localhost:{port}/postgres?sslmode=require")).unwrap();
        for _ in 0..300 {
            if connect(open.clone()).await.is_ok() {
                return server;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("PostgreSQL did not answer over TLS within 30 s");
    }

    fn file(&self, name: &str) -> PathBuf {
        self.place.path().join(name)
    }

    /// Makes an authority: a key and a certificate that it signed itself.
    fn authority(&self, name: &str) {
        let (key, certificate) = (self.file(&format!("{name}.key")), self.file(&format!("{name}.pem")));
        let mut openssl = self.openssl(&["req", "-x509", "-days", "2"]);
        openssl.args(KEY).args(["-subj", &format!("/CN={name}"), "-addext", "keyUsage=critical,keyCertSign"]);
        self.run(openssl.arg("-keyout").arg(key).arg("-out").arg(certificate));
    }

    /// Makes the server's key, and its certificate for a name by `authority`.
    fn certificate(&self, name: &str) {
        let (key, certificate) = (self.file("server.key"), self.file("server.pem"));
        let mut openssl = self.openssl(&["req", "-x509", "-days", "2"]);
        openssl.args(KEY).args(["-subj", "/CN=server", "-addext", &format!("subjectAltName=DNS:{name}")]);
        openssl.args(["-addext", "basicConstraints=critical,CA:FALSE"]);
        openssl.arg("-CA").arg(self.file("authority.pem")).arg("-CAkey").arg(self.file("authority.key"));
        self.run(openssl.arg("-keyout").arg(key).arg("-out").arg(certificate));
    }

    fn openssl(&self, args: &[&str]) -> Command {
        let mut command = self.as_user("openssl".as_ref());
        command.args(args);
        command
    }

    fn program(&self, name: &str) -> Command {
        self.as_user(&tree().join(name))
    }

    /// A program as the server's user: PostgreSQL refuses root.
    fn as_user(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir(self.place.path()).stdin(Stdio::null()).env("LC_ALL", "C");
        if let Some((uid, gid)) = self.user {
            command.uid(uid).gid(gid);
        }
        command
    }

    fn run(&self, command: &mut Command) {
        let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let stopped = self.program("pg_ctl").args(["stop", "-m", "immediate", "-D"]).arg(self.file("data")).output();
        if let Some(mut process) = self.process.take() {
            if stopped.is_err() {
                let _ = process.kill();
            }
            let _ = process.wait();
        }
    }
}

/// A key on P-256, without a passphrase.
const KEY: [&str; 5] = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];

/// Where the system keeps the programs of the newest PostgreSQL.
fn tree() -> PathBuf {
    let debian = (15..=18).rev().map(|major| PathBuf::from(format!("/usr/lib/postgresql/{major}/bin")));
    let on_path = std::env::var_os("PATH").unwrap_or_default();
    let found = debian.chain(std::env::split_paths(&on_path)).find(|directory| directory.join("initdb").exists());
    found.expect("PostgreSQL 15 to 18 is installed")
}

/// Whom PostgreSQL runs as where the test runs as root: `postgres`, else `nobody`.
fn server_user() -> Option<(u32, u32)> {
    if !rustix::process::geteuid().is_root() {
        return None;
    }
    let users = std::fs::read_to_string("/etc/passwd").unwrap();
    let of = |name: &str| {
        let fields: Vec<_> = users.lines().map(|line| line.split(':').collect::<Vec<_>>()).collect();
        let line = fields.into_iter().find(|fields| fields[0] == name)?;
        Some((line[2].parse().ok()?, line[3].parse().ok()?))
    };
    of("postgres").or_else(|| of("nobody"))
}
