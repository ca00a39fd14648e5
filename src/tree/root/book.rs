//! What root remembers for the status alone, and the counters of its own actors.

use std::collections::BTreeMap;

use super::message::ChildId;
use super::status::ConfigurationStatus;
use crate::config::model::{Config, Entry};
use crate::ids::{Generation, ServerName};
use crate::supervise::Failure;
use crate::telemetry::metrics::{Counter, Metrics};

/// So many entries that can't be used are named; the log says what is wrong with them.
const REFUSED_AT_MOST: usize = 100;

/// The book.
#[derive(Debug, Default)]
pub(super) struct StatusBook {
    pub(super) pids: BTreeMap<ChildId, (Generation, u32)>,
    pub(super) whys: BTreeMap<ServerName, String>,
    pub(super) restarts: BTreeMap<ChildId, Counter>,
    pub(super) configuration: ConfigurationStatus,
}

impl StatusBook {
    pub(super) fn spawned(&mut self, child: ChildId, of: Generation, pid: u32) {
        self.pids.insert(child, (of, pid));
    }

    /// An actor of the gateway's own has started, the first time or again.
    pub(super) fn started(&mut self, child: &ChildId, metrics: &Metrics) {
        let Some(name) = child.actor() else {
            return;
        };
        match self.restarts.get(child) {
            Some(restarts) => drop(restarts.inc()),
            None => drop(self.restarts.insert(child.clone(), metrics.restarts(name))),
        }
    }

    pub(super) fn exited(&mut self, child: &ChildId, of: Generation, failure: Option<&Failure>) {
        if self.pids.get(child).is_some_and(|(life, _)| *life == of) {
            self.pids.remove(child);
        }
        if let (ChildId::Upstream(server), Some(failure)) = (child, failure) {
            self.whys.insert(server.clone(), failure.summary.clone());
        }
    }

    /// The server is ready, or gone: how it ended before is of no interest.
    pub(super) fn forgive(&mut self, server: &ServerName) {
        self.whys.remove(server);
    }

    pub(super) fn configured(&mut self, config: &Config) {
        let entries = || config.servers.iter();
        let is_run = |entry: &&Entry| matches!(entry, Entry::Run(..));
        let refused = entries().filter(|entry| matches!(entry, Entry::Refused(_)));
        self.configuration.servers = entries().filter(is_run).count();
        let refused = refused.map(|entry| entry.name().to_string());
        let nameless = config.nameless.iter().map(ToString::to_string);
        let mut refused = refused.chain(nameless);
        self.configuration.refused = refused.by_ref().take(REFUSED_AT_MOST).collect();
        let more = refused.count();
        if more > 0 {
            self.configuration.refused.push(format!("and {more} more"));
        }
    }

    pub(super) fn judged(&mut self, is_faulty: bool) {
        self.configuration.faulty = is_faulty;
    }
}

impl ChildId {
    /// The label of one of the gateway's own actors.
    fn actor(&self) -> Option<&'static str> {
        match self {
            Self::Config => Some("config"),
            Self::Registry => Some("registry"),
            Self::Sessions => Some("sessions"),
            Self::Listener => Some("listener"),
            Self::Upstream(_) | Self::Instance(..) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::supervise::FailureKind;

    #[test]
    fn the_status_says_how_a_server_ended_in_our_own_words_alone() {
        let server = ServerName::new("x").unwrap();
        let mut book = StatusBook::default();
        let failure = Failure::new(FailureKind::Exited, "failed the handshake")
            .because("it refused 'initialize': {\"token\":\"hush\"}");
        let child = ChildId::Upstream(server.clone());
        book.exited(&child, Generation(1), Some(&failure));
        assert_eq!(book.whys.get(&server).unwrap(), "failed the handshake");
        let missing = Failure::of_start("'/opt/x/bin' was not found");
        book.exited(&child, Generation(2), Some(&missing));
        assert_eq!(book.whys.get(&server).unwrap(), "could not be started");
    }
}
