//! What a session does while the gateway stops: it serves what can be served, answers the rest with
//! words, and ends its streams last.

use super::SessionHandle;
use super::conversation::routing::Routing;
use super::state::SessionState;
use crate::protocol::jsonrpc::code;
use crate::tree::call::Answer;
use crate::tree::sessions::stop::Stop;

/// Why what is not done now is not done at all.
const STOPPING: &str = "the gateway is stopping";

/// The stop, and what the supervisor was told meanwhile.
#[derive(Debug, Default)]
pub(super) struct Stopping {
    step: Stop,
    told: Option<bool>,
}

impl Stopping {
    pub(super) fn at(step: Stop) -> Self {
        Self { step, told: None }
    }

    /// Whether streams that are opened now end at once.
    pub(super) fn is_ending(&self) -> bool {
        self.step == Stop::Ending
    }

    /// Lets the supervisor know whether a call has no answer.
    pub(super) fn report(&mut self, session: &SessionHandle, is_calling: bool) {
        if self.step != Stop::No && self.told != Some(is_calling) {
            self.told = Some(is_calling);
            session.report_calling(is_calling);
        }
    }
}

impl SessionState {
    pub(super) fn on_stop(&mut self, step: Stop) {
        self.stopping.step = step;
        for waiting in std::mem::take(&mut self.waiting) {
            self.answer_or_keep(waiting);
        }
        self.dispatch_parked();
        if step == Stop::Ending {
            for number in self.calls.numbers() {
                self.answer(number, Answer::Failed(unknown_end()));
            }
            self.end_streams();
        }
    }

    /// An SSE session is nothing without its stream.
    fn end_streams(&mut self) {
        self.streams.end();
        if self.streams.is_sse() {
            self.end(STOPPING);
        }
    }

    /// Whether what has to wait for a server, or for the boot latch, waits in vain: nothing is
    /// started any more. The table itself comes in no time.
    pub(super) fn waits_in_vain(&self) -> bool {
        match self.stopping.step {
            Stop::No => false,
            Stop::Draining | Stop::NoServers => self.routes.is_some(),
            Stop::Ending => true,
        }
    }

    /// Whether the stop keeps a call from going this way.
    pub(super) fn is_cut_off(&self, routing: &Routing) -> bool {
        match routing {
            Routing::Refuse(..) => false,
            Routing::Send { .. } => self.stopping.step >= Stop::NoServers,
            Routing::Park(_) | Routing::Start(_) | Routing::Fail(..) => self.waits_in_vain(),
        }
    }

    pub(super) fn refuse_stopping(&mut self, asked: &super::state::ReplyTo) {
        self.respond_error(asked, code::SERVER_UNAVAILABLE, STOPPING);
    }
}

/// The answer to a call that did not leave the gateway before its stop.
pub(super) fn not_run() -> Answer {
    Answer::Failed(format!(
        "{STOPPING}; the call was not run: try again in a few seconds"
    ))
}

/// What is said of a call that is still with its server when streams end.
fn unknown_end() -> String {
    format!("{STOPPING}; the call may or may not have taken effect")
}
