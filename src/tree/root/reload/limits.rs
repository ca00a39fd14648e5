//! The limits: root keeps those that hold, starts everything with them, and tells what runs when
//! the file changes them. Nothing is restarted for it.

use std::sync::Arc;
use std::time::Duration;

use crate::config::model::{Given, Limits};
use crate::supervise;
use crate::tree::root::actor::RootState;
use crate::tree::root::hooks::RootHooks;

/// A server is asked to end for 1.5 s, and told to for 1.5 s, after its calls had their time; the
/// rest is air.
const STOP: Duration = Duration::from_secs(5);

impl RootHooks {
    /// Those that hold now.
    pub(in crate::tree::root) fn limits(&self) -> Arc<Limits> {
        Arc::clone(&self.limits.borrow())
    }

    /// The supervision's numbers, with those of them that are settings.
    pub(in crate::tree::root) fn supervision(&self) -> supervise::Settings {
        let (limits, settings) = (self.limits(), self.settings.supervision.clone());
        let first = limits.restart_delay;
        let cap = limits.max_restart_delay.max(first);
        let ladder = settings.ladder.timed(first, cap, limits.stable_after);
        supervise::Settings {
            ladder: ladder.unwrap_or(settings.ladder),
            stop_within: limits.drain_timeout + STOP,
            ..settings
        }
    }
}

impl RootState {
    /// Puts what the file says now in the place of what it said. What differs.
    pub(super) fn take_limits(&mut self, given: &Given) -> Option<String> {
        let hooks = self.supervisor.hooks();
        let (settings, former) = (&hooks.settings, hooks.limits());
        let limits = settings.limits.with(given, &former);
        let limits = Arc::new(limits.with(&settings.command_line, &former));
        let changes = former.changes(&limits).join(", ");
        if changes.is_empty() {
            return None;
        }
        let occasion = if self.is_configured {
            "reload"
        } else {
            "configuration"
        };
        log::info!("{occasion}: gateway: {changes}");
        for upstream in hooks.upstreams.values() {
            upstream.set_room(limits.max_calls_per_server);
        }
        if let Some(sessions) = &hooks.sessions {
            sessions.limits(Arc::clone(&limits));
        }
        hooks.settings.shutdown_delay.set(limits.shutdown_delay);
        hooks.settings.metrics.limit_sessions(limits.max_sessions);
        hooks.limits.send_replace(limits);
        let supervision = hooks.supervision();
        self.supervisor
            .set_pace(supervision.ladder, supervision.stop_within);
        self.time_boot();
        Some(changes)
    }
}
