//! The port: an accept loop of our own, a guard against web pages, warp's routes behind it, and
//! MCP's two HTTP transports on them. It knows the tree by the handles it is given.
//!
//! ```text
//! listener.rs   an actor, root's last child; owns
//! └ acceptor.rs   the accept loop: slots, shortages; owns
//!   └ connection.rs × n   hyper, its timers, socket options
//!     └ service.rs          guard/ first, then
//!       └ routes.rs           which path and method goes to which of
//!         └ handlers/           the answers; body.rs, sse.rs: bytes in and out
//! ```
//!
//! Errors of every kind become replies in `problem.rs`.

mod accept;
mod acceptor;
mod body;
mod connection;
mod depth;
mod guard;
mod handlers;
mod headers;
mod limits;
mod linger;
mod listener;
mod problem;
mod routes;
mod service;
mod sse;
#[cfg(test)]
mod tests;

#[cfg(any(test, fuzzing))]
pub(crate) use self::guard::checks::headers as check_headers;
pub use self::guard::{InvalidRule, Rules};
pub use self::limits::Limits;
pub use self::listener::{HttpEdge, Listener, ListenerArgs, ListenerMsg, ListenerState};

use self::body::Budget;
use crate::telemetry::readiness::Readiness;
use crate::tree::SessionsHandle;

/// What `main` decides about the port.
#[derive(Clone)]
pub struct HttpOptions {
    /// Sizes and times.
    pub limits: Limits,
    /// Which hosts and origins are let in.
    pub rules: Rules,
    /// What `/readyz` says.
    pub readiness: Readiness,
}

/// What handlers work with.
struct Context {
    sessions: SessionsHandle,
    rules: Rules,
    limits: Limits,
    readiness: Readiness,
    budget: Budget,
}
