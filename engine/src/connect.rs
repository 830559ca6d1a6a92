//! How the address of a database is read: over a network only to a server whose certificate names it.

use std::{io::ErrorKind, net::IpAddr, str::FromStr as _};

use sqlx::postgres::{PgConnectOptions, PgSslMode};

use crate::error::{Error, Result};

#[cfg(test)]
mod tls;

/// Reads an address. One on a network that says no `sslmode` is connected to as `verify-full`: encrypted, to a server
/// whose certificate names it and comes from an authority that the operating system or `sslrootcert` knows. Sockets and
/// loopback addresses leave no machine.
///
/// # Errors
///
/// [`Error::Setup`] for text that is no address.
pub(crate) fn options(url: &str) -> Result<PgConnectOptions> {
    let options = PgConnectOptions::from_str(url).map_err(|_| {
        Error::Setup("The database address cannot be read; it looks like postgres://user@host/database.".into())
    })?;
    if says_mode(url) || is_near(&options) {
        return Ok(options);
    }
    Ok(options.ssl_mode(PgSslMode::VerifyFull))
}

/// Says what to do about a server that refuses TLS or shows the wrong certificate.
pub(crate) fn failed(error: sqlx::Error) -> Error {
    let source = match error {
        sqlx::Error::Tls(source) => source.to_string(),
        // A refused certificate breaks the handshake off as data that does not fit.
        sqlx::Error::Io(source) if source.kind() == ErrorKind::InvalidData => source.to_string(),
        other => return other.into(),
    };
    Error::Setup(format!(
        "The database's server did not prove over TLS who it is: {source}. Let it show a certificate for the host in the address, and name the authority's file with sslrootcert=FILE unless this system knows it; or say another sslmode in the address, if the network between is yours alone."
    ))
}

fn says_mode(url: &str) -> bool {
    let query = url.split_once('?').map_or("", |(_, query)| query);
    query.split('&').filter_map(|pair| pair.split_once('=')).any(|(key, _)| matches!(key, "sslmode" | "ssl-mode"))
}

fn is_near(options: &PgConnectOptions) -> bool {
    let host = options.get_host();
    options.get_socket().is_some()
        || host.starts_with('/')
        || host == "localhost"
        || host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use sqlx::{Connection as _, PgConnection};
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::TcpListener,
    };

    use super::*;

    #[test]
    fn a_network_address_without_a_mode_is_verified_in_full() {
        for (url, mode) in [
            ("postgres://app@db.example.org/countersign", PgSslMode::VerifyFull),
            ("postgres://app:pw@192.0.2.7:5433/countersign?sslrootcert=/ca.pem", PgSslMode::VerifyFull),
            ("postgres://app@localhost/countersign?host=db.example.org", PgSslMode::VerifyFull),
            ("postgres://app@localhost/countersign?hostaddr=192.0.2.7", PgSslMode::VerifyFull),
            ("postgres://app@localhost.example.org/countersign", PgSslMode::VerifyFull),
            ("postgres://app@db.example.org/countersign?sslmode=require", PgSslMode::Require),
            ("postgres://app@db.example.org/countersign?ssl-mode=disable", PgSslMode::Disable),
            ("postgres://app@localhost/countersign", PgSslMode::Prefer),
            ("postgres://app@127.0.0.1/countersign", PgSslMode::Prefer),
            ("postgres://app@[::1]/countersign", PgSslMode::Prefer),
            ("postgres://app@%2Frun%2Fcountersign/countersign", PgSslMode::Prefer),
            ("postgres://app@localhost/countersign?host=/run/countersign", PgSslMode::Prefer),
        ] {
            let read = options(url).unwrap().get_ssl_mode();
            assert_eq!(std::mem::discriminant(&read), std::mem::discriminant(&mode), "{url}: {read:?}");
        }
        assert!(options("db.example.org").is_err());
    }

    /// A server that has no TLS says so; then it learns nothing more, least of all a name or a password.
    #[tokio::test]
    async fn a_server_without_tls_is_refused_before_it_learns_anything() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut asked = [0; 8];
            stream.read_exact(&mut asked).await.unwrap();
            stream.write_all(b"N").await.unwrap();
            let mut more = Vec::new();
            stream.read_to_end(&mut more).await.unwrap();
            (asked, more)
        });
        let far = options("postgres://app:secret@db.example.org/countersign").unwrap();

        let refused = PgConnection::connect_with(&far.host("127.0.0.1").port(port)).await.map(|_| ()).unwrap_err();
        let (asked, more) = server.await.unwrap();

        assert_eq!(asked, [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f], "PostgreSQL's request for TLS");
        assert!(more.is_empty(), "{more:?}");
        let told = failed(refused).to_string();
        assert!(told.contains("does not support TLS") && told.contains("sslrootcert"), "{told}");
    }
}
