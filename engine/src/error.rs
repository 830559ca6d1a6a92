//! Why a use case did not happen.

use countersign_domain::{
    problem::{Code, FieldError, Problem},
    scim::{Fault, FaultKind},
};

use crate::authorize::Denial;

/// The result of a use case.
pub type Result<T> = std::result::Result<T, Error>;

/// A refusal or a fault.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Authorisation says no; the refusal is on record.
    #[error("refused by {:?}", .0.policies)]
    Forbidden(Box<Denial>),
    /// Authorisation says no to something whose existence the caller may not learn either.
    #[error("hidden by {:?}", .0.policies)]
    Hidden(Box<Denial>),
    /// Nothing there.
    #[error("nothing found")]
    NotFound,
    /// A rule says no.
    #[error("{0}")]
    Refused(Problem),
    /// What a directory sent was not taken.
    #[error("{0}")]
    Scim(#[from] Fault),
    /// The ledger takes no entries.
    #[error("the ledger takes no entries: {0}")]
    CannotSeal(String),
    /// The connection broke while a commit was under way.
    #[error("the outcome of the commit is unknown")]
    OutcomeUnknown(#[source] sqlx::Error),
    /// The database does not answer.
    #[error("the database does not answer")]
    Unavailable(#[source] sqlx::Error),
    /// The database refused a statement.
    #[error("a database statement failed")]
    Database(#[source] sqlx::Error),
    /// A stored row does not fit its type.
    #[error("{table}.{column} of {id} cannot be read")]
    Row {
        /// Table.
        table: &'static str,
        /// Column.
        column: &'static str,
        /// Primary key.
        id: String,
    },
    /// A parallel transaction made what this one was about to make; running again finds it.
    #[error("a parallel request won")]
    LostRace,
    /// Bytes of the ledger do not fit their format.
    #[error("the ledger's bytes cannot be written or read")]
    Ledger(#[from] countersign_ledger::Error),
    /// The authorisation policies failed to evaluate, which denies.
    #[error("authorisation failed to evaluate: {0}")]
    Authorization(String),
    /// The installation cannot start or go on as configured.
    #[error("{0}")]
    Setup(String),
}

impl Error {
    /// Makes a refusal with a code and a sentence.
    pub fn refused(code: Code, detail: impl Into<String>) -> Self {
        Error::Refused(Problem::new(code, detail))
    }

    /// Makes a refusal of one field.
    pub fn field(pointer: &str, code: &str, detail: impl Into<String>) -> Self {
        Error::Refused(countersign_domain::proposal::invalid(vec![FieldError::new(pointer, code, detail)]))
    }

    /// Tells whether the same transaction may succeed when run again.
    pub(crate) fn is_transient(&self) -> bool {
        match self {
            Error::LostRace => true,
            Error::Database(sqlx::Error::Database(error)) => matches!(error.code().as_deref(), Some("40001" | "40P01")),
            _ => false,
        }
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::Io(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed
            | sqlx::Error::Tls(_)
            | sqlx::Error::Protocol(_) => Error::Unavailable(error),
            // 57P0x: the server is shutting down or starting; 53300: no connection left; 25006: read only; 55P03 and
            // 57014: a lock or a statement took longer than anybody waits, as on a machine that has too much to do.
            sqlx::Error::Database(database)
                if matches!(
                    database.code().as_deref(),
                    Some("57P01" | "57P02" | "57P03" | "53300" | "25006" | "55P03" | "57014")
                ) =>
            {
                Error::Unavailable(error)
            }
            _ => Error::Database(error),
        }
    }
}

impl From<Problem> for Error {
    fn from(problem: Problem) -> Self {
        Error::Refused(problem)
    }
}

/// The one place where internals are hidden and the whole chain is logged.
impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::Refused(problem) => problem,
            Error::Scim(fault) => match fault.kind {
                FaultKind::Uniqueness => Problem::new(Code::NameTaken, fault.detail),
                _ => Problem::new(Code::MalformedRequest, fault.detail),
            },
            Error::NotFound | Error::Hidden(_) => Problem::new(
                Code::NotFound,
                "There is nothing here that you may read. If you followed a link, ask whoever sent it for access.",
            ),
            Error::Forbidden(denial) => {
                let (code, sentence) = (denial.code(), denial.sentence());
                match denial.problem {
                    Some(problem) => problem,
                    None => Problem { policies: denial.policies, ..Problem::new(code, sentence) },
                }
            }
            Error::CannotSeal(reason) => {
                tracing::error!(reason, "An entry could not be written");
                Problem::new(
                    Code::CannotSeal,
                    format!("Nothing was changed or shown: the ledger takes no entries ({reason})."),
                )
            }
            Error::OutcomeUnknown(source) => {
                tracing::error!(error = %Chain(&source), "The outcome of a commit is unknown");
                Problem::new(
                    Code::OutcomeUnknown,
                    "The connection to the database broke while this was being recorded. Send the same request again with the same key: it happens at most once.",
                )
            }
            Error::Unavailable(source) => {
                tracing::error!(error = %Chain(&source), "The database does not answer");
                Problem::new(
                    Code::Unavailable,
                    "The database does not answer. Nothing was changed; try again in a moment.",
                )
            }
            other => {
                tracing::error!(error = %Chain(&other), "A use case failed");
                Problem::new(
                    Code::Internal,
                    "Something failed on the server. Nothing was changed. Tell your administrator the request id.",
                )
            }
        }
    }
}

struct Chain<'a>(&'a dyn std::error::Error);

impl std::fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)?;
        let mut source = self.0.source();
        while let Some(error) = source {
            write!(f, ": {error}")?;
            source = error.source();
        }
        Ok(())
    }
}
