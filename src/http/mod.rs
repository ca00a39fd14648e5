//! The port: an accept loop of our own, a guard against web pages, warp's routes behind it, and
//! MCP's two HTTP transports on them. It knows the tree by the handles it is given.
//!
//! ```text
//! listener.rs   an actor, root's last child; owns
//! ├ operators.rs  the accept loop of the control socket
//! └ acceptor.rs   that of the port: slots, shortages; both own
//!   └ connection.rs × n   hyper, its timers, socket options
//!     └ service.rs          guard/ first, auth/ if tokens are asked for, then
//!       └ routes.rs           which path and method goes to which of
//!         └ handlers/           the answers; body.rs, sse.rs: bytes in and out
//! ```
//!
//! Errors of every kind become replies in `problem.rs`.

mod accept;
mod acceptor;
mod auth;
mod body;
mod connection;
mod crowd;
mod endpoint;
mod farewell;
mod guard;
mod handlers;
mod headers;
mod limits;
mod linger;
mod listener;
mod misfit;
mod operators;
mod page;
mod path;
mod phase;
mod places;
mod pot;
mod presence;
mod problem;
mod profile;
mod refused;
mod routes;
mod service;
mod socket;
mod sse;
#[cfg(test)]
mod tests;
mod text;
mod times;
mod trust;

pub use self::auth::{InvalidToken, TokenError, TokenKeeper, Tokens};
#[cfg(any(test, fuzzing))]
pub(crate) use self::guard::checks::headers as check_headers;
pub use self::guard::{InvalidRule, Rules};
pub use self::listener::{
    ControlDoor, HttpFrontend, Listener, ListenerArgs, ListenerMsg, ListenerState,
};
pub use self::times::Times;

use crate::config::model;
use crate::telemetry::metrics::Metrics;
use crate::telemetry::readiness::Readiness;
use crate::tree::{Quota, SessionsHandle, StatusHandle, Steering};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::watch;

/// What `main` decides about the port.
#[derive(Clone)]
pub struct HttpOptions {
    /// The times that are no settings.
    pub times: Times,
    /// Which hosts and origins are let in.
    pub rules: Rules,
    /// Which tokens are let in, where one is asked for.
    pub tokens: watch::Receiver<Tokens>,
    /// What `/readyz` says.
    pub readiness: Readiness,
    /// What `/metrics` says.
    pub metrics: Metrics,
    /// Whether somebody else has the sockets too.
    pub held: SharedSockets,
}

/// Whether somebody else has the sockets too, and will pass them to the next process. Known for certain
/// when the gateway stops. Clones are the same.
#[derive(Debug, Clone)]
pub struct SharedSockets(Arc<AtomicBool>);

impl From<bool> for SharedSockets {
    fn from(are_held: bool) -> Self {
        Self(Arc::new(are_held.into()))
    }
}

impl SharedSockets {
    /// From now on that is so, or not.
    pub fn are(&self, are_held: bool) {
        self.0.store(are_held, Ordering::Release);
    }

    /// Whether somebody has, and will.
    #[must_use]
    pub fn is_so(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// What handlers work with.
struct Context {
    sessions: SessionsHandle,
    status: StatusHandle,
    steering: Steering,
    /// What the program is asked for by who comes by the control socket, and what he is told.
    door: Option<ControlDoor>,
    rules: Rules,
    /// The times that are no settings.
    times: Times,
    /// The settings, as they change.
    limits: watch::Receiver<Arc<model::Limits>>,
    /// What is served of 2026-07-28, as it changes.
    serving: watch::Receiver<model::Serving>,
    tokens: watch::Receiver<Tokens>,
    /// The profiles, as they change.
    profiles: profile::Known,
    /// What of them was asked for that is none.
    strangers: profile::Strangers,
    readiness: Readiness,
    /// Bytes of the bodies that are in flight. Survives a restart of the listener.
    budget: Quota,
    /// Of event streams that nobody asked for in so many words.
    pot: pot::Pot,
    /// What open pages read.
    feed: page::Feed,
    /// Room for those who read servers' logs.
    log_readers: Quota,
    /// Bytes of tools that clients are being shown.
    shown: Quota,
    metrics: Metrics,
    refusals: refused::Refusals,
    held: SharedSockets,
}
