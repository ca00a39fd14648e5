//! The boot: how long the first lists, and readiness, wait for servers in their first start. A server
//! that failed is not waited for, nor one whose catalogue is kept.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::RootMsg;
use super::actor::RootState;
use super::host::RootHost;
use crate::ids::ServerName;
use crate::supervise::Spawn;
use crate::tree::edge::Edge;
use crate::tree::registry::{Routes, Wanted, naming};
use crate::tree::timer::Timer;

/// What the readiness calls it.
const PART: &str = "boot";

/// The boot of this process.
pub(super) struct Boot {
    began: Instant,
    /// When readiness waits no longer; gone when it does not wait.
    overdue: Option<Timer<RootMsg>>,
    is_over: bool,
    /// It begins with the first configuration that can be used and has servers.
    is_unconfigured: bool,
}

impl Boot {
    pub(super) fn begin() -> Self {
        Self {
            began: Instant::now(),
            overdue: None,
            is_over: false,
            is_unconfigured: false,
        }
    }

    /// When lists are given, whoever is missing.
    pub(super) fn latch_opens(&self, first_list_timeout: Duration) -> Instant {
        if self.is_unconfigured {
            return self.began;
        }
        self.began + first_list_timeout
    }
}

impl<S: Spawn, E: Edge> RootState<S, E> {
    /// Has both waits end when the limits say so.
    pub(super) fn time_boot(&mut self) {
        let limits = self.supervisor.host().limits();
        let host = self.supervisor.host_mut();
        if let Some(registry) = &host.registry {
            registry.latch_opens(host.boot.latch_opens(limits.first_list_timeout));
        }
        if !host.boot.is_over {
            let wait = limits.readiness_timeout;
            let wait = wait.saturating_sub(host.boot.began.elapsed());
            let elapsed = || RootMsg::BootElapsed;
            host.boot.overdue = Some(Timer::after(&self.myself, wait, elapsed));
        }
    }

    /// At the start there is no configuration that can be used: clients need not wait for servers.
    pub(super) fn begin_unconfigured(&mut self) {
        let host = self.supervisor.host_mut();
        host.boot.is_unconfigured = true;
        host.profiles.unconfigured();
        if let Some(registry) = &host.registry {
            registry.unconfigured();
        }
    }

    /// With the first servers the boot begins, if it did not with the process. Who was ready stays it.
    pub(super) fn begin_with(&mut self, wanted: &[Wanted]) {
        let host = self.supervisor.host_mut();
        if wanted.is_empty() {
            host.boot.is_unconfigured |= !self.is_configured;
        } else if host.boot.is_unconfigured {
            let is_over = host.boot.is_over;
            host.boot = Boot {
                is_over,
                ..Boot::begin()
            };
            self.time_boot();
        }
    }

    /// Takes the new table.
    pub(super) fn on_routes(&mut self, routes: Arc<Routes>) {
        let is_settled = routes.awaited.as_ref().is_some_and(Vec::is_empty);
        let host = self.supervisor.host_mut();
        host.routes = Some(routes);
        host.recall_eras();
        if is_settled {
            host.end_boot();
        }
    }

    /// Readiness has waited for long enough.
    pub(super) fn on_boot_elapsed(&mut self) {
        let most = self.supervisor.host().limits().readiness_timeout;
        let host = self.supervisor.host_mut();
        let boot = &host.boot;
        // It may have been on its way when another boot began.
        if boot.is_over || boot.is_unconfigured || boot.began.elapsed() < most {
            return;
        }
        let routes = host.routes.as_ref();
        let awaited = routes.and_then(|routes| routes.awaited.as_deref());
        if let Some(names) = awaited.filter(|names| !names.is_empty()) {
            log::warn!(
                "Ready without {}, still in the first start (readiness_timeout)",
                naming(names)
            );
        }
        host.end_boot();
    }
}

impl<S, E> RootHost<S, E> {
    fn end_boot(&mut self) {
        self.boot.is_over = true;
        self.boot.overdue = None;
        self.settings.readiness.release(PART);
    }

    /// The configured servers that have never told what they offer: lists are without them.
    pub(super) fn missing(&self) -> Vec<&ServerName> {
        let merged = self.routes.as_ref().map(|routes| &routes.merged);
        let has_told = |server: &&ServerName| {
            let source = merged.and_then(|merged| merged.source(server));
            source.is_some_and(|source| source.catalogue.is_some())
        };
        let wanted = self.wanted.iter().flatten().map(|wanted| &wanted.server);
        wanted.filter(|server| !has_told(server)).collect()
    }
}
