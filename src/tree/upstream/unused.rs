//! A server that is started on demand stops when nobody has used it for its `idle_timeout`. Whatever
//! somebody waits for holds it: calls, subscriptions, questions to a client, lists on their way. One whose
//! lists could not be read runs on: nobody could wake it by what is not listed.
//!
//! What is decided here holds: from then on it takes nothing any more, so that a call that comes at that
//! very moment goes back to its session, which finds in its next table a server that sleeps, and wakes it.

use std::time::Duration;

use log::Level;
use tokio::time::Instant;

use super::awake::Holds;
use super::message::{UpstreamMsg, UpstreamTimer};
use super::state::UpstreamState;
use crate::tree::client::ServerRequest;
use crate::tree::timer::Timer;

/// How long a server is of no use to anybody.
pub(super) struct Unused {
    at_most: Duration,
    since: Instant,
    /// Calls in flight when that was looked at last.
    open: usize,
    holds: Holds,
    /// Whether clients were asked something when that was looked at last.
    was_asking: bool,
    timer: Option<Timer<UpstreamMsg>>,
}

impl Unused {
    /// Of a server that may be so for `at_most`. What holds its lives is counted in `holds`.
    pub(super) fn new(at_most: Duration, holds: &Holds) -> Self {
        Self {
            at_most,
            since: Instant::now(),
            open: 0,
            holds: holds.of_life(),
            was_asking: false,
            timer: None,
        }
    }

    /// Where what holds it is counted.
    pub(super) fn holds(&self) -> &Holds {
        &self.holds
    }

    /// Whether a client is asked something, or was until just now.
    fn is_asking(&mut self) -> bool {
        let is_asking = self.holds.is_asking();
        std::mem::replace(&mut self.was_asking, is_asking) || is_asking
    }

    fn due(&self) -> Duration {
        let due = self.since + self.at_most;
        due.saturating_duration_since(Instant::now())
    }
}

impl UpstreamState {
    /// Somebody uses it.
    pub(super) fn used(&mut self) {
        if let Some(unused) = &mut self.unused {
            unused.since = Instant::now();
        }
    }

    /// The same if a call has ended since this was looked at last.
    pub(super) fn look_at_use(&mut self) {
        if let Some(unused) = &mut self.unused {
            let open = self.dialogue.calls().in_flight();
            if std::mem::replace(&mut unused.open, open) != open {
                unused.since = Instant::now();
            }
        }
    }

    /// A question to its client holds it until it is answered.
    pub(super) fn held_by(&self, ask: ServerRequest) -> ServerRequest {
        match &self.unused {
            Some(unused) => ask.holding(unused.holds.question()),
            None => ask,
        }
    }

    /// From now on it sleeps after so long without use, or always runs.
    pub(super) fn on_idle_timeout(&mut self, time: Option<Duration>) {
        match (time, &mut self.unused) {
            (None, _) => self.unused = None,
            (Some(at_most), Some(unused)) => unused.at_most = at_most,
            (Some(at_most), None) => {
                let unused = Unused::new(at_most, self.args.past.holds());
                self.dialogue.count_holds(&unused.holds);
                self.unused = Some(unused);
            }
        }
        if self.ready_since.is_some() {
            let due = self.unused.as_ref().map(Unused::due);
            self.look_again(due);
        }
    }

    /// It is ready: its time runs.
    pub(super) fn watch_use(&mut self) {
        self.used();
        let due = self.unused.as_ref().map(Unused::due);
        self.look_again(due);
    }

    /// It may not have been used for long enough.
    pub(super) fn on_unused(&mut self) {
        let is_held = self.is_held();
        let Some(unused) = &mut self.unused else {
            return;
        };
        if is_held {
            unused.since = Instant::now();
        }
        let due = unused.due();
        if !due.is_zero() {
            return self.look_again(Some(due));
        }
        let (label, seconds) = (self.dialogue.label(), unused.at_most.as_secs_f32());
        log::log!(label.level(Level::Info), server = label.server(); "Server {label} goes to sleep: nobody has used it for {seconds} s");
        self.is_draining = true;
        self.args.root.unused(&self.handle);
    }

    fn is_held(&mut self) -> bool {
        let is_asking = self.unused.as_mut().is_some_and(Unused::is_asking);
        let known = self.catalogue.as_ref();
        let is_known = known.is_some_and(|known| known.is_current());
        is_asking
            || !is_known
            || self.is_draining
            || self.last_words.is_some()
            || self.has_relist()
            || self.work.has_held()
            || self.dialogue.is_held()
    }

    fn look_again(&mut self, due: Option<Duration>) {
        let timer = due.map(|due| self.after(due, UpstreamTimer::Unused));
        if let Some(unused) = &mut self.unused {
            unused.timer = timer;
        }
    }
}
