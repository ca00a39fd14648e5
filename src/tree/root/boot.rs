//! The boot: how long the first lists, and readiness, wait for servers in their first start. A server
//! that failed is not waited for, nor one whose catalogue is kept.

use std::time::Duration;

use tokio::time::Instant;

use super::RootMsg;
use super::actor::RootState;
use super::hooks::RootHooks;
use crate::tree::registry::{ConfiguredServer, naming};
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

impl RootState {
    /// Has both waits end when the limits say so.
    pub(super) fn time_boot(&mut self) {
        let limits = self.supervisor.hooks().limits();
        let hooks = self.supervisor.hooks_mut();
        if let Some(registry) = &hooks.registry {
            registry.latch_opens(hooks.boot.latch_opens(limits.first_list_timeout));
        }
        if !hooks.boot.is_over {
            let wait = limits.readiness_timeout;
            let wait = wait.saturating_sub(hooks.boot.began.elapsed());
            let elapsed = || RootMsg::BootElapsed;
            hooks.boot.overdue = Some(Timer::after(&self.myself, wait, elapsed));
        }
    }

    /// At the start there is no configuration that can be used: clients need not wait for servers.
    pub(super) fn begin_unconfigured(&mut self) {
        let hooks = self.supervisor.hooks_mut();
        hooks.boot.is_unconfigured = true;
        hooks.profiles.unconfigured();
        if let Some(registry) = &hooks.registry {
            registry.unconfigured();
        }
    }

    /// With the first servers the boot begins, if it did not with the process. Who was ready stays it.
    pub(super) fn begin_with(&mut self, wanted: &[ConfiguredServer]) {
        let hooks = self.supervisor.hooks_mut();
        if wanted.is_empty() {
            hooks.boot.is_unconfigured |= !self.is_configured;
        } else if hooks.boot.is_unconfigured {
            let is_over = hooks.boot.is_over;
            hooks.boot = Boot {
                is_over,
                ..Boot::begin()
            };
            self.time_boot();
        }
    }

    /// Readiness has waited for long enough.
    pub(super) fn on_boot_elapsed(&mut self) {
        let most = self.supervisor.hooks().limits().readiness_timeout;
        let hooks = self.supervisor.hooks_mut();
        let boot = &hooks.boot;
        // It may have been on its way when another boot began.
        if boot.is_over || boot.is_unconfigured || boot.began.elapsed() < most {
            return;
        }
        let routes = hooks.routes.as_ref();
        let awaited = routes.and_then(|routes| routes.awaited.as_deref());
        if let Some(names) = awaited.filter(|names| !names.is_empty()) {
            log::warn!(
                "Ready without {}, still in the first start (readiness_timeout)",
                naming(names)
            );
        }
        hooks.end_boot();
    }
}

impl RootHooks {
    pub(super) fn end_boot(&mut self) {
        self.boot.is_over = true;
        self.boot.overdue = None;
        self.settings.readiness.release(PART);
    }
}
