//! The stop, as phases of root's own handlers: all is served on for as long as a balancer needs to see it,
//! then calls finish, servers end, streams and then connections end, the rest. Sessions answer whatever comes until no connection is left. Each phase
//! ends when it is done or has taken long enough.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::actor::RootState;
use super::{ChildId, RootMsg};
use crate::supervise::Status;
use crate::tree::Exit;
use crate::tree::sessions::Stop;
use crate::tree::timer::Timer;

/// Calls are taken for so long while others are in flight, and what is in flight then has so long to be answered.
const TAKE_CALLS: Duration = Duration::from_secs(2);
const FINISH_CALLS: Duration = Duration::from_secs(1);
/// A server is killed after 1.5 s and 1.5 s; what is not gone after this never will be.
const STOP_UPSTREAMS: Duration = Duration::from_millis(4_500);
/// Streams and connections end at once; this is for the unforeseen. All phases together stay below
/// 10 s.
const CLOSE: Duration = Duration::from_millis(600);

/// How far the stop has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Phase {
    /// There is none.
    #[default]
    Running,
    /// All is served as ever, but the gateway says that it is not ready: who sends clients here is to see
    /// it first.
    Unready,
    /// Nobody new is taken any more; who came last is served.
    Leaving,
    /// Calls in flight are finished, and others are taken meanwhile. Newcomers are left to the next
    /// process where it has the socket too.
    Draining,
    /// No others are taken, and those in flight are finished.
    Completing,
    /// All servers at once are being stopped.
    StoppingUpstreams,
    /// Streams end, and connections after their reply.
    Closing,
    /// The sessions, and the registry.
    Finishing,
    /// Done; root itself is about to end.
    Stopped,
}

/// How long the gateway, told to stop, serves on, as its configuration says now. Clones are the same.
#[derive(Debug, Clone, Default)]
pub struct ShutdownDelay(Arc<AtomicU64>);

impl ShutdownDelay {
    pub(super) fn set(&self, delay: Duration) {
        let millis = u64::try_from(delay.as_millis()).unwrap_or(u64::MAX);
        self.0.store(millis, Ordering::Relaxed);
    }

    /// So long.
    #[must_use]
    pub fn get(&self) -> Duration {
        Duration::from_millis(self.0.load(Ordering::Relaxed))
    }
}

/// Who came last has so long to send a request, before there are no servers for it.
const LEAVE: Duration = Duration::from_millis(500);

/// The state of the stop.
#[derive(Default)]
pub(crate) struct Shutdown {
    pub(super) phase: Phase,
    /// What sessions were told last.
    told: Stop,
    /// Whether no session has a call without an answer, since it knows of that.
    are_calls_done: bool,
    is_elapsed: bool,
    timer: Option<Timer<RootMsg>>,
}

impl Shutdown {
    /// Sessions that know of `step` have calls without an answer, or none.
    pub(super) fn are_calling(&mut self, step: Stop, are_they: bool) {
        if step == self.told {
            self.are_calls_done = !are_they;
        }
    }

    pub(super) fn elapsed(&mut self, phase: Phase) {
        if phase == self.phase {
            self.is_elapsed = true;
        }
    }
}

impl RootState {
    /// Serves on for `shutdown_delay`, unready. Where the next process has the socket too, who comes now
    /// waits for that one, and nobody else has to be waited for.
    pub(super) fn begin_shutdown(&mut self) {
        if self.shutdown.phase != Phase::Running {
            return;
        }
        let hooks = self.supervisor.hooks();
        hooks.settings.readiness.stopping();
        hooks.settings.metrics.draining();
        let delay = hooks.limits().shutdown_delay;
        if delay.is_zero() || hooks.port.has_successor() {
            return self.drain();
        }
        let seconds = delay.as_secs_f64();
        log::info!(
            "Stopping: unready from now on, and serving on for {seconds} s (shutdown_delay)"
        );
        self.supervisor.hooks().settings.readiness.leaving();
        self.enter(Phase::Unready, delay);
    }

    /// Stops watching, starts nothing more, and lets calls finish.
    fn drain(&mut self) {
        log::info!("Stopping");
        if self.supervisor.hooks().port.has_successor() {
            self.let_go();
        }
        self.supervisor.shut_down(STOP_UPSTREAMS);
        self.supervisor.stop_child(&ChildId::Config);
        self.tell_sessions(Stop::Draining);
        self.enter(Phase::Draining, TAKE_CALLS);
    }

    fn let_go(&self) {
        let listener = self.supervisor.cell(&ChildId::Listener);
        let listener = listener.map(|(_, cell)| cell);
        self.supervisor.hooks().port.let_go(listener);
    }

    fn tell_sessions(&mut self, step: Stop) {
        self.shutdown.told = step;
        self.shutdown.are_calls_done = false;
        if let Some(sessions) = &self.supervisor.hooks().sessions {
            sessions.stop(step);
        }
    }

    /// Goes as many phases further as are done.
    pub(super) fn go_on_stopping(&mut self) {
        while self.is_phase_done() {
            match self.shutdown.phase {
                Phase::Running | Phase::Stopped => return,
                Phase::Unready => {
                    self.let_go();
                    self.enter(Phase::Leaving, LEAVE);
                }
                Phase::Leaving => self.drain(),
                Phase::Draining => {
                    self.tell_sessions(Stop::NoServers);
                    self.enter(Phase::Completing, FINISH_CALLS);
                }
                Phase::Completing => {
                    self.supervisor.hooks_mut().is_stopping = true;
                    self.supervisor.stop_all_laddered();
                    self.enter(Phase::StoppingUpstreams, STOP_UPSTREAMS + CLOSE);
                }
                Phase::StoppingUpstreams => {
                    self.tell_sessions(Stop::Ending);
                    // Who comes now is refused: the kernel would have them wait until the end, and reset them then.
                    self.let_go();
                    self.supervisor.stop_child(&ChildId::Listener);
                    self.enter(Phase::Closing, CLOSE);
                }
                Phase::Closing => {
                    self.supervisor.stop_child(&ChildId::Sessions);
                    self.supervisor.stop_child(&ChildId::Registry);
                    self.enter(Phase::Finishing, CLOSE);
                }
                Phase::Finishing => {
                    log::info!("Stopped");
                    self.shutdown.phase = Phase::Stopped;
                    return self.end(Exit::Stopped);
                }
            }
        }
    }

    fn is_phase_done(&self) -> bool {
        if self.shutdown.is_elapsed {
            return true;
        }
        match self.shutdown.phase {
            Phase::Running | Phase::Unready | Phase::Leaving | Phase::Stopped => false,
            Phase::Draining | Phase::Completing => self.are_calls_done(),
            // The last answers come from the servers' ends, and must reach the streams.
            Phase::StoppingUpstreams => {
                self.supervisor.children().live_laddered() == 0 && self.are_calls_done()
            }
            Phase::Closing => self.is_gone(&ChildId::Listener),
            Phase::Finishing => {
                let rest = [ChildId::Sessions, ChildId::Registry, ChildId::Config];
                rest.iter().all(|id| self.is_gone(id))
            }
        }
    }

    fn are_calls_done(&self) -> bool {
        self.shutdown.are_calls_done || self.is_gone(&ChildId::Sessions)
    }

    fn is_gone(&self, id: &ChildId) -> bool {
        self.supervisor
            .status(id)
            .as_ref()
            .is_none_or(|status| !Status::is_live(status))
    }

    fn enter(&mut self, phase: Phase, at_most: Duration) {
        log::debug!("stop: {:?} → {phase:?}", self.shutdown.phase);
        let elapsed = move || RootMsg::PhaseElapsed(phase);
        self.shutdown.phase = phase;
        self.shutdown.is_elapsed = false;
        self.shutdown.timer = Some(Timer::after(&self.myself, at_most, elapsed));
    }
}
