//! What is done with an answer: one that names no call, and the error of a server that could not read
//! one, among them.

use std::fmt::Display;

use tokio::time::Instant;

use super::super::junk::excerpt;
use super::{Dialogue, Effect, Phase, writes};
use crate::protocol::jsonrpc::{Response, code};
use crate::tree::call::Answer;

impl Dialogue {
    /// The audience hears of an answer before the call does that it may belong to.
    pub(super) fn settle(&mut self, now: Instant, id: u64, answer: Answer) -> Vec<Effect> {
        let is_granted = matches!(answer, Answer::Result(_));
        let calls = &mut self.calls;
        let lines = self.audience.on_answer(now, id, is_granted, calls);
        if lines.is_none() && !self.calls.knows(id) {
            self.note_stray(now, &id, &answer);
        }
        if lines.is_none() || self.calls.has(id) {
            self.calls.settle(id, answer);
        }
        writes(lines.unwrap_or_default())
    }

    fn note_stray(&mut self, now: Instant, id: &dyn Display, answer: &Answer) {
        let text = match answer {
            Answer::Result(text) | Answer::Error(text) => text,
            Answer::Failed(text) => text.as_bytes(),
        };
        let why = format!("answers no request that waits for an answer (id {id})");
        self.strays.note(now, text, &why);
    }

    /// Ends the call that it certainly belongs to, if there is one. Else it is nobody's: the start
    /// has a deadline of its own, as lists and calls have.
    pub(super) fn on_unnamed(&mut self, now: Instant, response: Response) -> Vec<Effect> {
        let error = match (response.id, response.outcome) {
            (None, Err(error)) => error,
            (id, outcome) => {
                let id = id.map_or_else(|| "null".to_owned(), |id| excerpt(id.as_raw().as_bytes()));
                let answer = outcome.map_or_else(Answer::Error, Answer::Result);
                self.note_stray(now, &id, &answer);
                self.calls.drop_unknown();
                return Vec::new();
            }
        };
        let is_alone = !self.audience.awaits_an_answer() && self.lists.next_deadline().is_none();
        let code = code::of(&error);
        let is_stuck = matches!(code, Some(code::PARSE_ERROR | code::INVALID_REQUEST));
        let is_ready = self.phase == Phase::Ready;
        if let Some(id) = self.calls.unnamed(is_alone, is_stuck).filter(|_| is_ready) {
            return self.settle(now, id, Answer::Error(error));
        }
        self.calls.drop_unknown();
        let (who, text) = (&self.who, excerpt(&error));
        log::warn!(
            server = who.server();
            "Server {who} refused a message without saying which, and no call is certainly meant: {text}"
        );
        Vec::new()
    }
}
