//! Use cases against a real PostgreSQL, as the roles of production.

mod access;
mod bench;
mod decisions;
mod export;
mod sealing;
