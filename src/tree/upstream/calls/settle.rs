//! How a call ends with its answer, and what becomes of answers that nobody waits for.

use bytes::Bytes;

use tokio::time::Instant;

use super::{Calls, Pending};
use crate::tree::call::Answer;

/// Why nobody waits for an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Stray {
    /// The call was given up before.
    Late,
    /// It was answered before.
    Duplicate,
    /// There was none.
    Unknown,
}

impl Calls {
    /// Ends the call with this id, if it is one that somebody waits for. The error says why it is
    /// none, with what the answer says.
    pub(in super::super) fn settle(
        &mut self,
        now: Instant,
        id: u64,
        answer: Answer,
    ) -> Result<(), (Stray, Bytes)> {
        let stray = match self.pending.remove(&id) {
            Some(Pending::Call(mut call)) => {
                self.ids.remove(&call.reply_token.call());
                let figures = &self.metrics.figures;
                figures.times.ended(call.sent, now);
                if matches!(answer, Answer::Error(_)) {
                    figures.errors.inc();
                }
                let answer = self.outward(&mut call, answer);
                match answer {
                    Answer::Result(_)
                    | Answer::Extended(_)
                    | Answer::Error(_)
                    | Answer::InputRequired(_) => self.metrics.answered.inc(),
                    Answer::Failed(..) => self.metrics.lost.inc(),
                };
                drop(call.counted);
                call.reply_token.answer(answer);
                return Ok(());
            }
            Some(Pending::Tombstone { .. }) => Stray::Late,
            None if self.was_given_up(id) => Stray::Late,
            None if id < self.next_id => Stray::Duplicate,
            None => Stray::Unknown,
        };
        self.dropped_answers += 1;
        let dropped = &self.metrics.answers_dropped;
        match stray {
            Stray::Late => dropped.late.inc(),
            Stray::Duplicate => dropped.duplicate.inc(),
            Stray::Unknown => dropped.unknown.inc(),
        };
        let body = match answer {
            Answer::Result(body) | Answer::Extended(body) | Answer::Error(body) => body,
            Answer::InputRequired(asked) => asked.result,
            Answer::Failed(_, text) => text.into(),
        };
        Err((stray, body))
    }

    /// The call was not sent: its client's session has it again.
    pub(in super::super) fn give_back(&mut self, id: u64) {
        if let Some(Pending::Call(call)) = self.pending.remove(&id) {
            self.ids.remove(&call.reply_token.call());
            call.reply_token.come_back(call.routed);
        }
    }

    /// Whether somebody waits for the answer to this id.
    pub(in super::super) fn is_open(&self, id: u64) -> bool {
        matches!(self.pending.get(&id), Some(Pending::Call(_)))
    }

    /// Nothing comes any more of this, if it was withdrawn.
    pub(in super::super) fn unbury(&mut self, id: u64) -> bool {
        let is_withdrawn = matches!(self.pending.get(&id), Some(Pending::Tombstone { .. }));
        is_withdrawn && self.pending.remove(&id).is_some()
    }

    /// Whether the call was given up long ago. It is asked once: a second answer is one too many.
    fn was_given_up(&mut self, id: u64) -> bool {
        let at = self.given_up.iter().position(|given_up| *given_up == id);
        at.and_then(|at| self.given_up.remove(at)).is_some()
    }

    /// Counts an answer to a request that there never was.
    pub(in super::super) fn drop_unknown(&mut self) {
        self.dropped_answers += 1;
        self.metrics.answers_dropped.unknown.inc();
    }
}
