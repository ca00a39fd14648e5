//! Calls on their way to the server: sent, kept until there is room in its life, withdrawn.

use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

use super::calls::Refused;
use super::message::UpstreamTimer;
use super::state::UpstreamState;
use super::work::ENDS_WITHIN;
use crate::ids::CallId;
use crate::tree::beside;
use crate::tree::call::ReplyToken;

/// A call waits so long for the next life at most, if this one is still at a call.
const HELD_AT_MOST: Duration = Duration::from_secs(30);

impl UpstreamState {
    pub(super) fn on_call(&mut self, reply_token: ReplyToken) {
        let takes_calls =
            self.dialogue.is_ready() && !self.is_draining && self.last_words.is_none();
        self.used();
        let Some(process) = self.process.as_ref().filter(|_| takes_calls) else {
            return; // the reply token comes back
        };
        if self.work.is_enough() {
            if self.work_done.is_none() {
                self.work_done = Some(self.after(HELD_AT_MOST, UpstreamTimer::WorkDone));
            }
            return self.work.hold(reply_token);
        }
        let write = |line| {
            let is_there = process.has_stdin();
            let refused = if is_there {
                Refused::Full
            } else {
                Refused::Gone
            };
            process.write(line).map_err(|_| refused)
        };
        let due = self.dialogue.send(Instant::now(), reply_token, write);
        if due.is_some() {
            self.work.give();
        }
        self.watch(due.or_else(|| self.dialogue.next_deadline()));
    }

    pub(super) fn on_cancel(&mut self, call: CallId, params: Option<&Bytes>) {
        if let Some(reply_token) = self.work.withdraw(call) {
            return reply_token.close();
        }
        for line in self.dialogue.cancel(Instant::now(), call, params) {
            self.write(line);
        }
        self.watch(self.dialogue.next_deadline());
        self.look_at_work();
        self.look_at_use();
        self.stop_if_drained();
    }

    /// Some calls may have ended: has it done what it lives for?
    pub(super) fn look_at_work(&mut self) {
        let open = self.dialogue.calls().in_flight();
        if self.work.are_open(Instant::now(), open) {
            self.work_done = Some(self.after(ENDS_WITHIN, UpstreamTimer::WorkDone));
        }
    }

    /// It should have ended by now. It takes calls as any other, until it does; one in a turn, for each
    /// may be large.
    pub(super) fn on_work_done(&mut self) {
        self.work_done = None;
        self.work.goes_on();
        if let Some(reply_token) = self.work.next_held() {
            let size = reply_token
                .routed()
                .map_or(0, |routed| routed.request.size());
            beside(size, || self.on_call(reply_token));
        }
        if self.work.has_held() {
            self.work_done = Some(self.after(Duration::ZERO, UpstreamTimer::WorkDone));
        }
    }
}
