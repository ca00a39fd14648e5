//! What a remote server says and what becomes of it, in the words of its upstream.

use std::time::Duration;

use log::Level;
use tokio::time::Instant;

use super::dialogue::{Dialogue, Effect};
use super::state::{Outcome, UpstreamState};
use crate::protocol::jsonrpc::{self, RequestId, Response, code};
use crate::remote::{End, Output, Unanswered};
use crate::supervise::{Failure, FailureKind};
use crate::tree::call::{self, Answer, uncertain};

/// A server that forgets its session sooner is one that fails.
const REMEMBERS: Duration = Duration::from_secs(10);

impl UpstreamState {
    pub(super) fn on_remote(&mut self, output: Output) -> Outcome {
        match output {
            Output::Line { bytes, permit } => self.on_message(&bytes, permit),
            Output::Unusable {
                head,
                length,
                permit,
            } => {
                let text = format!("is not UTF-8 ({length} bytes)");
                let effects = self.dialogue.on_unusable(Instant::now(), &head, &[], &text);
                drop(permit);
                self.perform(effects)
            }
            Output::Unanswered { id, why } => {
                let effects = self.dialogue.on_unanswered(Instant::now(), id, why);
                self.perform(effects)
            }
            Output::Ended(end) => self.on_remote_end(end),
        }
    }

    fn on_remote_end(&mut self, end: End) -> Outcome {
        let was_ready = self.ready_since.is_some();
        let failure = match end {
            End::Failed { why, wait } if was_ready => Failure {
                wait,
                ..Failure::new(FailureKind::Exited, "was lost").because(why)
            },
            End::Failed { why, wait } => Failure {
                wait,
                ..Failure::new(FailureKind::StartFailed, "could not be used").because(why)
            },
            // All of it is in the gateway's own words.
            End::Unauthorized(why) => Failure::new(FailureKind::Unauthorized, why),
            End::Loop(why) => Failure::new(FailureKind::StartFailed, why),
            End::Forgotten => return self.on_forgotten(),
        };
        self.die(failure)
    }

    /// Its next life begins with a session of its own, at once.
    fn on_forgotten(&mut self) -> Outcome {
        let how = "has forgotten the session";
        let remembered = self.ready_since.map(|since| since.elapsed());
        if remembered.is_none_or(|time| time < REMEMBERS) {
            return self.die(Failure::new(FailureKind::Exited, how));
        }
        let is_known = self.args.past.finished() > 0;
        let level = if is_known { Level::Debug } else { Level::Info };
        let label = self.dialogue.label();
        log::log!(level, server = label.server(); "Server {label} {how}; it is begun anew at once");
        self.die(Failure::new(FailureKind::Finished, how))
    }
}

impl Dialogue {
    /// A request of this id is not answered by the server.
    pub(super) fn on_unanswered(&mut self, now: Instant, id: u64, why: Unanswered) -> Vec<Effect> {
        let server = self.label().server().to_owned();
        let (kind, text) = match why {
            Unanswered::Unsent => {
                self.calls().give_back(id);
                return Vec::new(); // all else ends with it
            }
            Unanswered::Withdrawn => {
                self.calls().unbury(id);
                return Vec::new();
            }
            Unanswered::Refused(why) => {
                (call::Failure::Refused, format!("server '{server}' {why}"))
            }
            Unanswered::Lost(why) => (
                call::Failure::Lost,
                format!(uncertain!("server '{}' {}; the call"), server, why),
            ),
        };
        if self.calls().is_open(id) {
            return self.settle(now, id, Answer::Failed(kind, text));
        }
        if self.calls().unbury(id) {
            return Vec::new();
        }
        let error = jsonrpc::error_object(code::INTERNAL_ERROR, &text);
        let (id, outcome) = (Some(RequestId::from_number(id)), Err(error));
        self.on_response(now, Response { id, outcome })
    }
}
