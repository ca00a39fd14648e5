//! What is done with an answer that names no request: the error of a server that could not read one.

use tokio::time::Instant;

use super::super::calls::Stray;
use super::super::malformed::Shown;
use super::{Dialogue, Effect, Phase};
use crate::protocol::jsonrpc::{RequestId, Response, code};
use crate::tree::call::Answer;

impl Dialogue {
    /// Ends the call that it certainly belongs to, if there is one. Else it is nobody's: the start
    /// has a deadline of its own, as lists and calls have.
    pub(super) fn on_unnamed(&mut self, now: Instant, response: Response) -> Vec<Effect> {
        let error = match (response.id, response.outcome) {
            (None, Err(error)) => error,
            (id, Ok(body) | Err(body)) => {
                self.calls.drop_unknown();
                let id = id.as_ref().map_or("null", RequestId::as_raw);
                self.say_stray(&Shown(&self.label, id.as_bytes()), Stray::Unknown, &body);
                return Vec::new();
            }
        };
        let is_alone =
            !self.subscribers.awaits_an_answer() && self.lists.awaited().next().is_none();
        let code = code::of(&error);
        let is_stuck = matches!(code, Some(code::PARSE_ERROR | code::INVALID_REQUEST));
        let is_ready = self.phase == Phase::Ready;
        if let Some(id) = self.calls.unnamed(is_alone, is_stuck).filter(|_| is_ready) {
            return self.settle(now, id, Answer::Error(error));
        }
        self.calls.drop_unknown();
        self.history
            .dropped("an error that names no request, and no call is certainly meant");
        let (label, text) = (&self.label, self.label.excerpt(&error));
        log::warn!(
            server = label.server();
            "Server {label} refused a message without saying which, and no call is certainly meant: {text}"
        );
        Vec::new()
    }
}
