//! How a generation ends: asked to, with its calls drained and its process stopped in its own time;
//! or by itself, in whatever order exit, stdout's end and stdin's failure are seen.

use std::process::ExitStatus;
use std::time::Duration;

use log::Level;
use tokio::time::Instant;

use super::actor::UpstreamExit;
use super::message::{UpstreamMsg, UpstreamTimer};
use super::state::{Outcome, UpstreamState};
use super::work::ENDS_WITHIN;
use crate::config::model::Target;
use crate::process::{self, Grace, StopReport};
use crate::protocol::mcp::item::Kind;
use crate::supervise::{Failure, FailureKind};
use crate::tree::call::uncertain;

/// What a dying process has to say is read for so long.
const LAST_WORDS: Duration = Duration::from_millis(50);

/// What was seen of the process's end, in whatever order.
#[derive(Debug, Default)]
pub(super) struct Ending {
    pub(super) status: Option<ExitStatus>,
    pub(super) stdout_closed: bool,
    pub(super) stderr_closed: bool,
    pub(super) stdin_broken: bool,
}

impl UpstreamState {
    /// After the exit or the loss of a pipe: a dying process has a moment for its last words, on
    /// stderr too, where it says why. A server may do without a stderr: that is no end.
    pub(super) fn on_end_seen(&mut self) -> Outcome {
        let Ending {
            status,
            stdout_closed,
            stderr_closed,
            stdin_broken,
        } = &self.ending;
        if status.is_some() && *stdout_closed && *stderr_closed {
            return self.die_as_seen();
        }
        if status.is_some() || *stdout_closed || *stdin_broken {
            self.hear_last_words();
        }
        Ok(())
    }

    /// The end is near: no more calls, but what the process still says is heard for a moment.
    pub(super) fn hear_last_words(&mut self) {
        if self.last_words.is_none() {
            self.last_words = Some(self.after(LAST_WORDS, UpstreamTimer::LastWords));
        }
    }

    /// Whether the process is being stopped: nothing that it says or does matters any more.
    pub(super) fn is_stopping(&self) -> bool {
        !self.stopping.is_empty()
    }

    pub(super) fn on_stop(&mut self, drain: Duration) {
        self.is_draining = true;
        self.work.let_go();
        if drain.is_zero() {
            return self.stop_process();
        }
        if self.drain_end.is_none() {
            self.drain_end = Some(self.after(drain, UpstreamTimer::DrainEnd));
        }
        self.stop_if_drained();
    }

    pub(super) fn on_stopped(&mut self, report: &StopReport) {
        let how = report
            .exit
            .as_ref()
            .map_or_else(|| "has ended".to_owned(), process::describe);
        let force = if report.forced { ", killed" } else { "" };
        let label = self.dialogue.label();
        log::info!(server = label.server(); "Server {label} stopped ({how}{force})");
        self.myself.stop(Some("stopped".into()));
    }

    pub(super) fn stop_if_drained(&mut self) {
        if self.is_draining && self.dialogue.calls().in_flight() == 0 {
            self.stop_process();
        }
    }

    pub(super) fn stop_process(&mut self) {
        if self.is_stopping() {
            return;
        }
        self.dialogue.say_rest(Instant::now());
        self.dialogue.calls().fail_all(&format!(
            uncertain!(
                "server '{}' is being stopped or replaced, and the call did not finish in time; it"
            ),
            self.args.spec.name
        ));
        let Some(process) = self.process.take() else {
            self.myself.stop(Some("stopped".into()));
            return;
        };
        let myself = self.myself.clone();
        self.stopping.spawn(async move {
            let report = process.stop(Grace::default()).await;
            drop(myself.cast(UpstreamMsg::Stopped(report)));
        });
    }

    /// Who has done its work may be slow to exit: its code says whether that was all.
    pub(super) fn on_last_words(&mut self) -> Outcome {
        let is_idle = self.dialogue.calls().in_flight() == 0 && self.work.done() > 0;
        if is_idle && self.ending.status.is_none() && !std::mem::replace(&mut self.is_late, true) {
            self.last_words = Some(self.after(ENDS_WITHIN, UpstreamTimer::LastWords));
            return Ok(());
        }
        self.die_as_seen()
    }

    pub(super) fn die_as_seen(&mut self) -> Outcome {
        let how = match &self.ending {
            Ending {
                status: Some(status),
                ..
            } => process::describe(status),
            Ending {
                stdout_closed: true,
                ..
            } => "closed its stdout".to_owned(),
            Ending { .. } => "closed its stdin".to_owned(),
        };
        let is_clean = self.ending.status.is_some_and(|status| status.success());
        let is_done = is_clean && self.work.done() > 0;
        let asked = self.dialogue.looks_further_for().or_else(|| {
            let earlier = self.dialogue.looked_further_for();
            earlier.filter(|_| !is_done)
        });
        if is_done || asked.is_some() {
            return self.finish(&how, asked);
        }
        self.die(Failure::new(FailureKind::Exited, how))
    }

    /// Its end is no failure: some servers end when they have done what they were asked, and some
    /// when they are asked for what they did not declare.
    fn finish(&mut self, how: &str, asked: Option<Kind>) -> Outcome {
        let (label, done) = (self.dialogue.label(), self.work.done());
        let is_known = self.args.past.finished() > 0;
        let level = if is_known { Level::Debug } else { Level::Info };
        if let Some(kind) = asked {
            let is_again = self.args.past.learn_end(kind);
            let next = if is_again {
                "not asked that again"
            } else {
                "asked once more"
            };
            let method = kind.method();
            log::info!(
                server = label.server();
                "Server {label} {how} when it had been asked what it offers beside what it declared ({method}); it is {next}"
            );
        } else {
            self.work.learn(Instant::now());
            let calls = if done == 1 { "call" } else { "calls" };
            let next = if self.is_draining {
                ""
            } else {
                ", and it is started again at once, as often as it does so"
            };
            log::log!(
                level, server = label.server();
                "Server {label} {how} after {done} {calls}: its work is done{next}"
            );
        }
        self.die(Failure::new(FailureKind::Finished, how))
    }

    /// Answers every call and ends: the supervisor does the rest.
    pub(super) fn die(&mut self, failure: Failure) -> Outcome {
        let hide = |cause: String| self.dialogue.label().hide(&cause).into_owned();
        let failure = Failure {
            cause: failure.cause.map(hide),
            ..failure
        };
        let kind = failure.kind;
        let next = if self.is_draining {
            "it was being stopped or replaced".to_owned()
        } else {
            format!("it is started again {}", self.next_try(&failure))
        };
        self.dialogue.note_end();
        self.args.past.ended(kind == FailureKind::Finished);
        self.tell_lessons();
        self.dialogue.say_rest(Instant::now());
        let name = &self.args.spec.name;
        let text = match self.args.spec.target {
            Target::Program(_) => format!("server '{name}' {failure}; {next}"),
            // It goes on without the gateway, and so may what it was asked.
            Target::Remote(_) => format!(
                uncertain!("server '{}' {}; {}; the call"),
                name, failure, next
            ),
        };
        self.dialogue.calls().fail_all(&text);
        let counters = self.dialogue.counters();
        log::debug!(
            "Server {} ends: {failure}; {counters:?}",
            self.dialogue.label()
        );
        let detail = self.last_said.take();
        let status = self.ending.status;
        let failure = Failure {
            detail,
            status,
            ..failure
        };
        Err(Box::new(UpstreamExit(failure)))
    }

    /// When the ladder will try again, as far as one can tell from here: without the jitter.
    fn next_try(&self, failure: &Failure) -> String {
        let ladder = &self.args.ladder;
        let was_stable = self
            .ready_since
            .is_some_and(|since| ladder.is_stable(since.elapsed()));
        if (was_stable && failure.wait.is_none()) || failure.kind == FailureKind::Finished {
            return "at once".into();
        }
        let before = if was_stable {
            0
        } else {
            self.args.start.failures
        };
        let step = if failure.kind == FailureKind::Unauthorized {
            ladder.last_step()
        } else {
            ladder.step(before + 1)
        };
        let step = step.max(failure.wait.unwrap_or_default());
        format!("in about {} s", step.as_secs_f32())
    }
}
