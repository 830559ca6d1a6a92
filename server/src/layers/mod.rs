//! What holds for every request, in this order.
//!
//! 1. [`edge`]: an id, a log span, a nonce, the response headers, problems drawn for their reader,
//!    a panic turned into 500.
//! 2. [`entrance`]: the `Host` header, the size of address and headers.
//! 3. [`gate`], once per row of the route table: where the request comes from, whose it is, how many
//!    there have been, the size of its body, the time it takes, and that it was put on record.

mod credentials;
mod edge;
mod entrance;
mod gate;
mod network;
mod origin;
pub(crate) mod rate;

use axum::{Router, middleware::from_fn_with_state};

pub(crate) use gate::elsewhere;
pub use gate::{Gate, gate};
pub use network::Peer;
pub(crate) use origin::check_stream as check_stream_origin;

use crate::Server;

/// Puts the layers that need no row around the router.
pub fn around(router: Router, server: &Server) -> Router {
    router
        .layer(from_fn_with_state(server.clone(), entrance::entrance))
        .layer(from_fn_with_state(server.clone(), edge::edge))
}
