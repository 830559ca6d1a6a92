//! OpenID Connect relying party, as a pure protocol.
//!
//! Holds discovery, the cache of a provider's keys, the code flow with PKCE, the checks of ID tokens,
//! userinfo and logout tokens, and the way out. Deliberately lacks a network of its own (a
//! [`Transport`] is handed in), a database, a clock and randomness: the time of each call and the random
//! values of each sign-in come in as arguments. Nothing here decides what a person may do.
//!
//! Start at [`Provider`].

mod error;
mod flow;
mod jose;
mod json;
mod keys;
mod provider;
mod token;

pub use error::{Fault, Result};
pub use flow::{Asked, Callback, Transaction, check_logout_return};
pub use jose::Algorithm;
pub use provider::{Client, ClientAuth, Metadata, Provider, Secret, SignIn, Transport, TransportError};
pub use token::{Logout, SKEW_SECONDS};
