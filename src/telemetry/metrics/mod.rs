//! What is counted, and the text behind `/metrics`. Main
//! makes one [`Metrics`]; every room that counts something holds a clone, or the handles it needs
//! of it: counting is an atomic addition, whatever happens to the rooms.

mod call_times;
mod figures;
mod gauge_guard;
mod server;
#[cfg(test)]
mod tests;
mod text;

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::info::Info;
pub use prometheus_client::metrics::{counter::Counter, gauge::Gauge};
use prometheus_client::registry::Registry;
use tokio::time::Instant;

pub use call_times::{CallTimes, Recent};
pub use figures::Figures;
pub use gauge_guard::GaugeGuard;
pub use server::{Dropped, ServerMetrics};
pub use text::CONTENT_TYPE;

use super::call_log::CallLog;
use crate::ids::{ProfileId, ServerName};
use crate::turn;
use server::Servers;

/// Everything that is counted. Clones are the same counters.
#[derive(Clone)]
pub struct Metrics(Arc<Shared>);

struct Shared {
    started: Instant,
    registry: Registry,
    servers: Servers,
    sessions: Gauge,
    sessions_limit: Gauge,
    sessions_total: Counter,
    /// Those of them that are shown a profile, for the status.
    by_profile: Mutex<HashMap<ProfileId, Gauge>>,
    session_calls: Gauge,
    connections: Gauge,
    bodies: Gauge,
    outgoing: Gauge,
    refused: Family<Reason, Counter>,
    restarts: Family<Actor, Counter>,
    reloads: Counter,
    call_log: Option<CallLog>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Reason {
    reason: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Actor {
    actor: &'static str,
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new(Counter::default(), None)
    }
}

impl Metrics {
    /// All zero, but for the lines that the log has dropped, which it counts itself; and the log of calls,
    /// if there is one.
    #[must_use]
    pub fn new(log_lines_dropped: Counter, call_log: Option<CallLog>) -> Self {
        let mut registry = Registry::default();
        let version = Info::new([("version", env!("CARGO_PKG_VERSION"))]);
        registry.register("mcproxy", "The running gateway", version);
        let mut shared = Shared {
            started: Instant::now(),
            servers: Servers::register(registry.sub_registry_with_prefix("mcproxy")),
            registry,
            sessions: Gauge::default(),
            sessions_limit: Gauge::default(),
            sessions_total: Counter::default(),
            by_profile: Mutex::default(),
            session_calls: Gauge::default(),
            connections: Gauge::default(),
            bodies: Gauge::default(),
            outgoing: Gauge::default(),
            refused: Family::default(),
            restarts: Family::default(),
            reloads: Counter::default(),
            call_log,
        };
        shared.register(log_lines_dropped);
        Self(Arc::new(shared))
    }

    /// How long ago it was made: with the program.
    #[must_use]
    pub fn uptime(&self) -> Duration {
        self.0.started.elapsed()
    }

    /// The counters of a server, which are there from now on. Look them up once and keep them.
    #[must_use]
    pub fn server(&self, name: &ServerName) -> Arc<ServerMetrics> {
        self.0.servers.get_or_create(name)
    }

    /// The figures of a server that is counted; who sets one of another would bring its series back.
    #[must_use]
    pub fn figures(&self, name: &ServerName) -> Option<Figures> {
        self.0.servers.figures(name)
    }

    /// The server is not configured any more: its series end. Who still counts, counts for nobody.
    pub fn forget(&self, name: &ServerName) {
        self.0.servers.remove(name);
    }

    /// A notification of this server found no room at a client; nothing for an unknown one.
    pub fn notification_dropped(&self, name: &ServerName) {
        self.0.servers.notification_dropped(name);
    }

    /// A lookup, or a result, was not compared with all templates of this server; whether it is the
    /// first time. Nothing for an unknown one.
    #[must_use]
    pub fn search_cut(&self, name: &ServerName) -> bool {
        self.0.servers.search_cut(name)
    }

    /// A call was answered without this server, which can't take it; nothing for an unknown one.
    pub fn call_refused(&self, name: &ServerName) {
        self.0.servers.call_refused(name);
    }

    /// A session is open as long as the result lives.
    #[must_use]
    pub fn session(&self) -> GaugeGuard {
        self.0.sessions_total.inc();
        GaugeGuard::one(&self.0.sessions)
    }

    /// The same among those that are shown `profile`.
    #[must_use]
    pub fn session_in(&self, profile: ProfileId) -> GaugeGuard {
        let mut by_profile = self.by_profile();
        by_profile.retain(|other, gauge| *other == profile || gauge.get() > 0);
        GaugeGuard::one(by_profile.entry(profile).or_default())
    }

    /// How many of the open ones are shown `profile`.
    #[must_use]
    pub fn sessions_in(&self, profile: ProfileId) -> i64 {
        self.by_profile().get(&profile).map_or(0, Gauge::get)
    }

    fn by_profile(&self) -> MutexGuard<'_, HashMap<ProfileId, Gauge>> {
        let by_profile = self.0.by_profile.lock();
        by_profile.unwrap_or_else(PoisonError::into_inner)
    }

    /// So many sessions may be open from now on.
    pub fn limit_sessions(&self, limit: usize) {
        let limit = limit.try_into().unwrap_or(i64::MAX);
        self.0.sessions_limit.set(limit);
    }

    /// How many sessions are open.
    #[must_use]
    pub fn sessions(&self) -> i64 {
        self.0.sessions.get()
    }

    /// The calls that a client waits for, parked ones included.
    #[must_use]
    pub fn session_calls(&self) -> &Gauge {
        &self.0.session_calls
    }

    /// The open connections.
    #[must_use]
    pub fn connections(&self) -> &Gauge {
        &self.0.connections
    }

    /// The bytes of requests' bodies in memory.
    #[must_use]
    pub fn bodies(&self) -> &Gauge {
        &self.0.bodies
    }

    /// The bytes that wait for clients to read them.
    #[must_use]
    pub fn outgoing(&self) -> &Gauge {
        &self.0.outgoing
    }

    /// A request was answered with an error instead of being served.
    pub fn refused(&self, reason: &'static str) {
        self.0.refused.get_or_create(&Reason { reason }).inc();
    }

    /// How often this permanent actor was started again; from now on it is shown.
    #[must_use]
    pub fn restarts(&self, actor: &'static str) -> Counter {
        self.0.restarts.get_or_create_owned(&Actor { actor })
    }

    /// Where each call is recorded, if it is.
    #[must_use]
    pub fn call_log(&self) -> Option<&CallLog> {
        self.0.call_log.as_ref()
    }

    /// A configuration was applied in the place of another.
    pub fn reloaded(&self) {
        self.0.reloads.inc();
    }

    /// All of it as text, of the type [`CONTENT_TYPE`].
    #[must_use]
    pub fn text(&self) -> String {
        let mut open = String::with_capacity(8 * 1024);
        match encode(&mut open, &self.0.registry) {
            Ok(()) => text::classic(&open) + &text::worst_turns(&turn::worst()),
            Err(fmt::Error) => String::new(), // a String takes every write
        }
    }
}

impl Shared {
    fn register(&mut self, log_lines_dropped: Counter) {
        let to = self.registry.sub_registry_with_prefix("mcproxy");
        to.register("sessions", "Open sessions", self.sessions.clone());
        let limit = self.sessions_limit.clone();
        to.register("sessions_limit", "Sessions that may be open", limit);
        let opened = self.sessions_total.clone();
        to.register("sessions", "Sessions opened so far", opened);
        let calls = self.session_calls.clone();
        let help = "Calls of clients without an answer, parked ones included";
        to.register("session_calls_in_flight", help, calls);
        to.register("connections", "Open connections", self.connections.clone());
        let bodies = self.bodies.clone();
        let help = "Bytes of requests' bodies in memory";
        to.register("bodies_in_flight_bytes", help, bodies);
        let help = "Bytes that wait for clients to read them";
        to.register("outgoing_bytes", help, self.outgoing.clone());
        let refused = self.refused.clone();
        let help = "Requests answered with an error in place of being served";
        to.register("requests_refused", help, refused);
        let restarts = self.restarts.clone();
        let help = "Restarts of the gateway's own actors";
        to.register("actor_restarts", help, restarts);
        let help = "Log lines lost because the log was too slow";
        to.register("log_lines_dropped", help, log_lines_dropped);
        let help = "Configurations applied after the first";
        to.register("reloads", help, self.reloads.clone());
        if let Some(log) = &self.call_log {
            let help = "Records of calls that could not be written";
            to.register("call_records_lost", help, log.lost());
        }
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Metrics")
    }
}
