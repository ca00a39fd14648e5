//! What is done with lines that can't be used, and with answers that nobody waits for: a call they may
//! belong to is ended, and it is said what was thrown away.

use bytes::Bytes;
use tokio::time::Instant;

use super::super::malformed::{Shown, ends};
use super::{Dialogue, Effect, handshake};
use crate::protocol::framing::recover;
use crate::protocol::jsonrpc::{DecodeError, RequestId};
use crate::tree::call::{Answer, Failure};
use crate::tree::upstream::calls::Stray;
use crate::tree::upstream::lists::ListFailure;

impl Dialogue {
    /// Takes a line that is no message.
    pub(super) fn on_invalid(
        &mut self,
        now: Instant,
        line: &Bytes,
        error: &DecodeError,
    ) -> Vec<Effect> {
        let why = format!("is not a JSON-RPC message, {}", error.reason());
        if let Some(id) = error.answers().and_then(RequestId::as_number) {
            let noted = self.note_junk(now, line, &why);
            let failed = self.fail(now, id, &why);
            return noted.into_iter().chain(failed).collect();
        }
        if error.is_request() {
            let noted = self.note_junk(now, line, &why);
            let told = Effect::Write(error.response());
            return noted.into_iter().chain([told]).collect();
        }
        let (head, tail) = ends(line);
        self.on_unusable(now, head, tail, &why)
    }

    /// Takes what could be kept of a line that can't be used. It may have been an answer: the
    /// call it names gets an error instead of silence.
    pub(in super::super) fn on_unusable(
        &mut self,
        now: Instant,
        head: &[u8],
        tail: &[u8],
        why: &str,
    ) -> Vec<Effect> {
        self.calls.heard(now);
        let noted = self.note_junk(now, head, why);
        let failed = recover::recover_id(head, tail).map(|id| self.fail(now, id, why));
        noted
            .into_iter()
            .chain(failed.into_iter().flatten())
            .collect()
    }

    /// The answer to request `id` can't be used.
    fn fail(&mut self, now: Instant, id: u64, why: &str) -> Vec<Effect> {
        let why = self.label.hide(why).into_owned();
        self.history
            .dropped(&format!("the answer to request {id} {why}"));
        if self.is_hello(id) {
            let asked = self.opening();
            return vec![handshake::failed(&format!("its answer to '{asked}' {why}"))];
        }
        if let Some(kind) = self.lists.kind_of(id) {
            let unfit = ListFailure::Unfit(format!("its answer {why}"));
            let step = self.lists.fail(now, kind, &unfit, &mut self.calls);
            return self.listed(now, step);
        }
        let text = format!(
            "the answer of server {} can't be used: it {why}",
            self.label
        );
        self.settle(now, id, Answer::Failed(Failure::Refused, text))
    }

    /// Says that an answer is thrown away.
    pub(super) fn say_stray(&self, id: &dyn std::fmt::Display, stray: Stray, body: &Bytes) {
        let (label, text) = (&self.label, Shown(&self.label, body));
        let reason = match stray {
            Stray::Late => "was given up before",
            Stray::Duplicate => "was answered before",
            Stray::Unknown => "there never was",
        };
        self.history
            .dropped(&format!("an answer to request {id}, which {reason}"));
        let why = match stray {
            Stray::Late => {
                log::debug!("Server {label} answered request {id} after it was given up: {text}");
                return;
            }
            Stray::Duplicate => "a second time",
            Stray::Unknown => "which it was not asked",
        };
        log::warn!(
            server = label.server();
            "Server {label} answered request {id}, {why}; the answer is thrown away: {text}"
        );
    }
}
