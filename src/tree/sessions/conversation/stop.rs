//! What is said while the gateway stops: what can be served is served, and the rest is answered with
//! words.

use ractor::ActorId;

use super::routing::Routing;
use super::{Conversation, Effects, ReplyTo};
use crate::protocol::jsonrpc::code;
use crate::tree::call::{Answer, Failure, uncertain};

/// How far it has come: the steps, in their order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stop {
    /// There is none.
    #[default]
    No,
    /// Servers that take calls still get them; nobody waits for another to start.
    Draining,
    /// No call goes to a server any more, they are answered with words; those that are there are finished, then servers
    /// are stopped.
    NoServers,
    /// Every call is answered and streams end; what comes is still answered.
    Ending,
}

/// Who wants to know, while the gateway stops, whether a client's call has no answer yet.
pub(in super::super) trait CallWatch: Send + Sync {
    /// Whether one of those that `actor`, which knows of `step`, holds has none.
    fn calling(&self, actor: ActorId, step: Stop, is_calling: bool);
}

/// Why what is not done now is not done at all.
pub(in super::super) const STOPPING: &str = "the gateway is stopping";

impl Conversation {
    /// The stop has come so far.
    pub(in super::super) fn on_stop(&mut self, fx: &mut dyn Effects, step: Stop) {
        self.stop = step;
        for waiting in std::mem::take(&mut self.waiting) {
            self.answer_or_keep(fx, waiting);
        }
        self.dispatch_parked(fx);
        if step == Stop::Ending {
            for number in self.calls.numbers() {
                self.answer(fx, number, Answer::Failed(Failure::Lost, unknown_end()));
            }
        }
    }

    /// Whether what has to wait for a server, or for the boot latch, waits in vain: nothing is
    /// started any more. The table itself comes in no time.
    pub(super) fn waits_in_vain(&self) -> bool {
        match self.stop {
            Stop::No => false,
            Stop::Draining | Stop::NoServers => self.routes.is_some(),
            Stop::Ending => true,
        }
    }

    /// Whether the stop keeps a call from going this way.
    pub(super) fn is_cut_off(&self, routing: &Routing) -> bool {
        match routing {
            Routing::Done | Routing::Refuse(..) => false,
            Routing::Send { .. } => self.stop >= Stop::NoServers,
            Routing::Park(_) | Routing::Start(_) | Routing::Fail(..) => self.waits_in_vain(),
        }
    }
}

/// Refuses what the stop leaves no time for.
pub(super) fn refuse_stopping(fx: &mut dyn Effects, asked: &ReplyTo) {
    fx.refuse(asked, code::SERVER_UNAVAILABLE, STOPPING);
}

/// The answer to a call that did not leave the gateway before its stop.
pub(super) fn not_run() -> Answer {
    Answer::Failed(
        Failure::Refused,
        format!("{STOPPING}; the call was not run: try again in a few seconds"),
    )
}

/// What is said of a call that is still with its server when streams end.
fn unknown_end() -> String {
    [STOPPING, uncertain!("; the call")].concat()
}
