//! What root remembers for the status alone, and the counters of its own actors.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use super::events::Events;
use super::shapes::ConfigurationStatus;
use crate::config::model::{Config, Entry};
use crate::ids::{Generation, ServerName};
use crate::supervise::Failure;
use crate::telemetry::metrics::{Counter, Metrics};
use crate::tree::config::ConfigurationFault;
use crate::tree::history::{Counts, Likely, ServerHistory};
use crate::tree::registry::{Changes, Merged};
use crate::tree::root::child_id::ChildId;

/// So many entries that can't be used are named; the log says what is wrong with them.
const REFUSED_AT_MOST: usize = 100;

/// The book.
#[derive(Debug, Default)]
pub(in crate::tree::root) struct StatusBook {
    pub(in crate::tree::root) processes: BTreeMap<ChildId, RunningProcess>,
    histories: BTreeMap<ServerName, Arc<ServerHistory>>,
    pub(in crate::tree::root) events: Events,
    pub(in crate::tree::root) catalogue: CatalogueStamp,
    pub(in crate::tree::root) whys: BTreeMap<ServerName, String>,
    restarts: BTreeMap<ChildId, Counter>,
    pub(in crate::tree::root) configuration: ConfigurationStatus,
}

/// A life of a server that runs: its process, if it has one.
#[derive(Debug)]
pub(in crate::tree::root) struct RunningProcess {
    generation: Generation,
    pub(in crate::tree::root) pid: Option<u32>,
    pub(in crate::tree::root) since: Instant,
}

/// A text that is another one whenever a list of a server is, also after another start of the gateway.
#[derive(Debug)]
pub(in crate::tree::root) struct CatalogueStamp {
    run: i64,
    changes: u64,
}

impl Default for CatalogueStamp {
    fn default() -> Self {
        let run = Timestamp::now().as_millisecond();
        Self { run, changes: 0 }
    }
}

impl CatalogueStamp {
    /// The lists are these now, and were those before.
    pub(in crate::tree::root) fn look(&mut self, now: &Merged, before: Option<&Merged>) {
        if before.is_none_or(|before| now.changes(before) != Changes::default()) {
            self.changes += 1;
        }
    }
}

impl fmt::Display for CatalogueStamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}-{}", self.run, self.changes)
    }
}

impl StatusBook {
    pub(in crate::tree::root) fn spawned(
        &mut self,
        child: ChildId,
        of: Generation,
        pid: Option<u32>,
    ) {
        if let ChildId::Upstream(server) = &child {
            let text = pid.map_or_else(
                || "is asked at its address".to_owned(),
                |pid| format!("started as process {pid}"),
            );
            self.events.note(Some(server), "start", &text);
        }
        let process = RunningProcess {
            generation: of,
            pid,
            since: Instant::now(),
        };
        self.processes.insert(child, process);
    }

    /// What is remembered of a server, from now on if nothing was.
    pub(in crate::tree::root) fn history(&mut self, server: &ServerName) -> Arc<ServerHistory> {
        Arc::clone(self.histories.entry(server.clone()).or_default())
    }

    /// The same without a place for more.
    pub(in crate::tree::root) fn counts(&self, server: &ServerName) -> Counts {
        let history = self.histories.get(server);
        history.map(|history| history.counts()).unwrap_or_default()
    }

    /// The server is not configured any more.
    pub(in crate::tree::root) fn forget(&mut self, server: &ServerName) {
        if let Some(history) = self.histories.remove(server) {
            history.end();
        }
    }

    /// An actor of the gateway's own has started, the first time or again.
    pub(in crate::tree::root) fn started(&mut self, child: &ChildId, metrics: &Metrics) {
        let Some(name) = child.actor() else {
            return;
        };
        match self.restarts.get(child) {
            Some(restarts) => drop(restarts.inc()),
            None => drop(self.restarts.insert(child.clone(), metrics.restarts(name))),
        }
    }

    /// The last line of the server's stderr, and the probable cause of its last failure.
    pub(in crate::tree::root) fn clue(
        &self,
        server: &ServerName,
    ) -> (Option<String>, Option<Likely>) {
        let history = self.histories.get(server);
        history.map_or((None, None), |history| {
            let said = history.log().stderr.pop();
            (said.map(|line| line.text), history.counts().likely)
        })
    }

    /// A life ended. `was_asked`: that is no failure.
    pub(in crate::tree::root) fn exited(
        &mut self,
        child: &ChildId,
        of: Generation,
        failure: &Failure,
        was_asked: bool,
    ) {
        let is_it = |process: &&RunningProcess| process.generation == of;
        let since = self.processes.get(child).filter(is_it);
        let lived = since.map_or(Duration::ZERO, |process| process.since.elapsed());
        if since.is_some() {
            self.processes.remove(child);
        }
        let (ChildId::Upstream(server) | ChildId::Instance(server, _)) = child else {
            return;
        };
        if let Some(history) = self.histories.get(server) {
            history.exited(failure, lived, was_asked);
        }
        if matches!(child, ChildId::Upstream(_)) || !was_asked {
            self.events.note(Some(server), "exit", &failure.summary);
        }
        if let (ChildId::Upstream(server), false) = (child, was_asked) {
            self.whys.insert(server.clone(), failure.summary.clone());
        }
    }

    /// The server is ready, or gone: how it ended before is of no interest.
    pub(in crate::tree::root) fn forgive(&mut self, server: &ServerName) {
        self.whys.remove(server);
    }

    pub(in crate::tree::root) fn configured(&mut self, config: &Config) {
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

    pub(in crate::tree::root) fn judged(
        &mut self,
        is_faulty: bool,
        faults: Vec<ConfigurationFault>,
    ) {
        if is_faulty && !self.configuration.faulty {
            let text = "the configuration has mistakes: what of it can't be used stays as it was";
            self.events.note(None, "fault", text);
        }
        self.configuration.faulty = is_faulty;
        self.configuration.faults = faults;
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
        book.exited(&child, Generation(1), &failure, false);
        assert_eq!(book.whys.get(&server).unwrap(), "failed the handshake");
        let missing = Failure::of_start("'/opt/x/bin' was not found");
        book.exited(&child, Generation(2), &missing, false);
        assert_eq!(book.whys.get(&server).unwrap(), "could not be started");
    }
}
