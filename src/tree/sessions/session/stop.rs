//! What a session does while the gateway stops, beside what its conversation answers: it says whether
//! a call has no answer, and ends its streams last.

use super::super::conversation::STOPPING;
use super::super::conversation::Stop;
use super::SessionHandle;
use super::state::SessionState;

/// The stop, and what the supervisor was told meanwhile.
#[derive(Debug, Default)]
pub(super) struct SessionStop {
    step: Stop,
    told: Option<bool>,
}

impl SessionStop {
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
            session.report_calling(self.step, is_calling);
        }
    }
}

impl SessionState {
    pub(super) fn on_stop(&mut self, step: Stop) {
        self.stopping = SessionStop::at(step);
        self.conversation.on_stop(&mut self.outlets, step);
        if step == Stop::Ending {
            self.end_streams();
        }
    }

    /// An SSE session is nothing without its stream.
    fn end_streams(&mut self) {
        self.outlets.streams.end();
        if self.outlets.streams.is_sse() {
            self.end(STOPPING);
        }
    }
}
