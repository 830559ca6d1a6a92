use std::io::{self, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use crate::PORT;

/// One connection over the cluster's socket, speaking the simple query protocol.
///
/// It exists so that pinging, creating roles and reading settings need neither `psql`, which a
/// program tree may lack, nor a database driver.
#[derive(Debug)]
pub struct Session {
    stream: BufReader<UnixStream>,
}

/// A row as text, `None` for null.
pub type Row = Vec<Option<String>>;

impl Session {
    /// Connects as a role to a database; each later read waits at most `timeout`.
    ///
    /// # Errors
    ///
    /// When nothing listens, or the server refuses; its message is the error's text.
    pub fn connect(socket_dir: &Path, role: &str, database: &str, timeout: Duration) -> io::Result<Session> {
        let stream = UnixStream::connect(socket_dir.join(format!(".s.PGSQL.{PORT}")))?;
        stream.set_read_timeout(Some(timeout))?;
        stream.set_write_timeout(Some(timeout))?;
        let mut session = Session { stream: BufReader::new(stream) };

        let mut body = 196_608_u32.to_be_bytes().to_vec(); // protocol 3.0
        for (name, value) in [("user", role), ("database", database), ("application_name", "countersign supervisor")] {
            for text in [name, value] {
                body.extend_from_slice(text.as_bytes());
                body.push(0);
            }
        }
        body.push(0);
        session.write(None, &body)?;
        loop {
            let (kind, body) = session.read()?;
            match kind {
                b'R' if body.starts_with(&[0, 0, 0, 0]) => {}
                b'R' => return Err(io::Error::other("the server asks for a password; its pg_hba.conf is not ours")),
                b'E' => return Err(io::Error::other(error_text(&body))),
                b'Z' => return Ok(session),
                _ => {}
            }
        }
    }

    /// Runs one or more statements and returns the rows of all of them.
    ///
    /// Several statements in one text are one transaction unless they say otherwise.
    ///
    /// # Errors
    ///
    /// When the server refuses a statement; its message is the error's text.
    pub fn run(&mut self, sql: &str) -> io::Result<Vec<Row>> {
        let mut body = sql.as_bytes().to_vec();
        body.push(0);
        self.write(Some(b'Q'), &body)?;
        let mut rows = Vec::new();
        let mut refusal = None;
        loop {
            let (kind, body) = self.read()?;
            match kind {
                b'D' => rows.push(row(&body).ok_or_else(|| io::Error::other("a row cut short"))?),
                b'E' => refusal = refusal.or_else(|| Some(error_text(&body))),
                b'Z' => return refusal.map_or(Ok(rows), |text| Err(io::Error::other(text))),
                _ => {}
            }
        }
    }

    /// Sets how long one read may wait, `None` for ever.
    ///
    /// # Errors
    ///
    /// When the socket is gone.
    pub fn set_timeout(&mut self, timeout: Option<Duration>) -> io::Result<()> {
        self.stream.get_ref().set_read_timeout(timeout)
    }

    fn write(&mut self, kind: Option<u8>, body: &[u8]) -> io::Result<()> {
        let length = u32::try_from(body.len() + 4).map_err(io::Error::other)?;
        let mut message: Vec<u8> = kind.into_iter().collect();
        message.extend_from_slice(&length.to_be_bytes());
        message.extend_from_slice(body);

        self.stream.get_mut().write_all(&message)
    }

    fn read(&mut self) -> io::Result<(u8, Vec<u8>)> {
        let mut head = [0; 5];
        self.stream.read_exact(&mut head)?;
        let length = u32::from_be_bytes([head[1], head[2], head[3], head[4]]).saturating_sub(4);
        let mut body = Vec::new();
        (&mut self.stream).take(u64::from(length)).read_to_end(&mut body)?;
        if body.len() as u64 != u64::from(length) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }

        Ok((head[0], body))
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // Terminate; a server that has gone already needs no goodbye.
        let _ = self.write(Some(b'X'), &[]);
    }
}

fn row(mut body: &[u8]) -> Option<Row> {
    let columns = u16::from_be_bytes(take(&mut body, 2)?.try_into().ok()?);
    (0..columns)
        .map(|_| {
            let length = i32::from_be_bytes(take(&mut body, 4)?.try_into().ok()?);
            match usize::try_from(length) {
                Ok(length) => Some(Some(String::from_utf8_lossy(take(&mut body, length)?).into_owned())),
                Err(_) => Some(None),
            }
        })
        .collect()
}

fn take<'a>(body: &mut &'a [u8], count: usize) -> Option<&'a [u8]> {
    let (head, tail) = body.split_at_checked(count)?;
    *body = tail;
    Some(head)
}

/// Severity, message, detail and position out of an ErrorResponse, as one line.
fn error_text(body: &[u8]) -> String {
    let mut parts = Vec::new();
    for field in body.split(|byte| *byte == 0) {
        if let Some((kind, text)) = field.split_first() {
            let text = String::from_utf8_lossy(text);
            match kind {
                b'S' | b'M' | b'D' | b'H' => parts.push(text.into_owned()),
                b'P' => parts.push(format!("at character {text}")),
                _ => {}
            }
        }
    }

    parts.join(": ")
}
