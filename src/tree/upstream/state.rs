//! What one generation holds, and what it does at each message: the process, the timers, the
//! phases from the spawn through draining to the end. What is said on the pipes is the dialogue's.

use std::process::ExitStatus;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use ractor::{ActorProcessingErr, ActorRef};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::UpstreamHandle;
use super::actor::{UpstreamArgs, UpstreamExit};
use super::dialogue::{Dialogue, Effect};
use super::launch;
use super::message::{Timer as Wait, UpstreamMsg};
use crate::ids::CallId;
use crate::process::{self, Grace, Output, Process, StdinFailure, StopReport};
use crate::supervise::{Failure, FailureKind};
use crate::tree::call::Ticket;
use crate::tree::registry::{Catalogue, RegistryHandle};
use crate::tree::timer::Timer;

/// What a dying process has to say is read for so long.
const LAST_WORDS: Duration = Duration::from_millis(50);
/// A server that says that its list changed may say so many times at once.
const RELIST_DEBOUNCE: Duration = Duration::from_millis(100);

pub(super) type Outcome = Result<(), ActorProcessingErr>;

/// The state: dropping it kills the process group and answers every call.
pub(crate) struct UpstreamState {
    args: UpstreamArgs,
    myself: ActorRef<UpstreamMsg>,
    handle: UpstreamHandle,
    process: Option<Process>,
    dialogue: Dialogue,
    hello: Option<Bytes>,
    catalogue: Option<Arc<Catalogue>>,
    ready_since: Option<Instant>,
    ending: Ending,
    is_draining: bool,
    stopping: JoinSet<()>,
    start_deadline: Option<Timer<UpstreamMsg>>,
    call_deadline: Option<(Instant, Timer<UpstreamMsg>)>,
    relist: Option<Timer<UpstreamMsg>>,
    last_words: Option<Timer<UpstreamMsg>>,
    drain_end: Option<Timer<UpstreamMsg>>,
}

/// What was seen of the process's end, in whatever order.
#[derive(Debug, Default)]
struct Ending {
    status: Option<ExitStatus>,
    stdout_closed: bool,
    stdin_broken: bool,
}

impl UpstreamState {
    pub(super) fn new(myself: ActorRef<UpstreamMsg>, args: UpstreamArgs) -> Self {
        let (dialogue, hello) = Dialogue::open(args.spec.name.clone(), args.spec.call_timeout);
        let permits = Arc::clone(&args.permits);
        let handle = UpstreamHandle::new(
            myself.clone(),
            args.spec.name.clone(),
            args.generation,
            permits,
        );
        Self {
            args,
            myself,
            handle,
            process: None,
            dialogue,
            hello: Some(hello),
            catalogue: None,
            ready_since: None,
            ending: Ending::default(),
            is_draining: false,
            stopping: JoinSet::new(),
            start_deadline: None,
            call_deadline: None,
            relist: None,
            last_words: None,
            drain_end: None,
        }
    }

    pub(super) fn on_start(&mut self) -> Outcome {
        if self.is_draining {
            return Ok(());
        }
        let myself = self.myself.clone();
        let sink = move |output| {
            // A dead actor needs no output: its process is being killed.
            drop(myself.cast(UpstreamMsg::Output(output)));
        };
        let args = &self.args;
        match launch::launch(&args.spec, &args.limits, &args.groups, sink) {
            Ok(process) => {
                log::debug!("Server '{}' runs as pid {}", args.spec.name, process.pid());
                self.process = Some(process);
            }
            Err(error) => {
                return self.die(FailureKind::StartFailed, &format!("can't start: {error}"));
            }
        }
        self.start_deadline = Some(self.after(self.args.start.deadline, Wait::StartDeadline));
        if let Some(hello) = self.hello.take() {
            self.write(hello);
        }
        Ok(())
    }

    pub(super) fn on_output(&mut self, output: Output) -> Outcome {
        let name = &self.args.spec.name;
        match output {
            Output::Line { bytes, permit } => {
                let effects = self.dialogue.on_line(Instant::now(), &bytes);
                drop(permit);
                return self.perform(effects);
            }
            Output::Unusable {
                head,
                tail,
                length,
                why,
                ..
            } => {
                let (now, why) = (Instant::now(), format!("it {why} ({length} bytes)"));
                let effects = self.dialogue.on_unusable(now, &head, &tail, &why);
                return self.perform(effects);
            }
            Output::Stderr(line) => log::info!("Server '{name}' stderr: {line}"),
            Output::StdinFailed(StdinFailure::Stalled) => {
                return self.die(FailureKind::Hung, "did not read its stdin for too long");
            }
            Output::StdinFailed(StdinFailure::Broken(error)) => {
                log::debug!("Server '{name}' closed its stdin: {error}");
                self.ending.stdin_broken = true;
            }
            Output::StdoutClosed => self.ending.stdout_closed = true,
            Output::Exited(status) => self.ending.status = Some(status),
        }
        self.on_end_seen()
    }

    /// After the exit or the loss of a pipe: a dying process has a moment for its last words.
    pub(super) fn on_end_seen(&mut self) -> Outcome {
        let Ending {
            status,
            stdout_closed,
            stdin_broken,
        } = &self.ending;
        if !self.stopping.is_empty() {
            return Ok(());
        }
        if status.is_some() && *stdout_closed {
            return self.die_as_seen();
        }
        let is_ending = status.is_some() || *stdout_closed || *stdin_broken;
        if is_ending && self.last_words.is_none() {
            self.last_words = Some(self.after(LAST_WORDS, Wait::LastWords));
        }
        Ok(())
    }

    pub(super) fn on_call(&mut self, ticket: Ticket) {
        let takes_calls =
            self.dialogue.is_ready() && !self.is_draining && self.last_words.is_none();
        let Some(process) = self.process.as_ref().filter(|_| takes_calls) else {
            return; // the ticket bounces
        };
        let write = |line| process.write(line).is_ok();
        let now = Instant::now();
        self.dialogue.calls().send(now, ticket, write);
        if self.is_watched_too_late(now + self.args.spec.call_timeout) {
            self.watch_deadlines();
        }
    }

    pub(super) fn on_cancel(&mut self, call: CallId, params: Option<&Bytes>) {
        let line = self.dialogue.calls().cancel(Instant::now(), call, params);
        if let Some(line) = line {
            self.write(line);
        }
        self.watch_deadlines();
        self.stop_if_drained();
    }

    pub(super) fn on_hello(&mut self, registry: RegistryHandle) {
        self.args.registry = registry;
        self.publish();
    }

    pub(super) fn on_stop(&mut self, drain: Duration) {
        self.is_draining = true;
        self.start_deadline = None;
        if drain.is_zero() {
            return self.stop_process();
        }
        if self.drain_end.is_none() {
            self.drain_end = Some(self.after(drain, Wait::DrainEnd));
        }
        self.stop_if_drained();
    }

    pub(super) fn on_timer(&mut self, timer: Wait) -> Outcome {
        match timer {
            Wait::StartDeadline => self.on_start_deadline(),
            Wait::LastWords => self.die_as_seen(),
            Wait::CallDeadline => self.on_call_deadline(),
            Wait::Relist => {
                self.relist = None;
                let effects = self.dialogue.list();
                self.perform(effects)
            }
            Wait::DrainEnd => {
                self.stop_process();
                Ok(())
            }
        }
    }

    pub(super) fn on_start_deadline(&mut self) -> Outcome {
        if self.ready_since.is_some() {
            return Ok(());
        }
        let text = format!(
            "was not ready within {} s: {}",
            self.args.start.deadline.as_secs_f32(),
            self.dialogue.waits_for()
        );
        self.die(FailureKind::StartTimedOut, &text)
    }

    pub(super) fn on_call_deadline(&mut self) -> Outcome {
        self.call_deadline = None;
        let lines = self.dialogue.calls().expire(Instant::now());
        if self.dialogue.calls().is_hung() {
            return self.die(
                FailureKind::Hung,
                "is hung: three calls in a row timed out without a byte from it",
            );
        }
        for line in lines {
            self.write(line);
        }
        self.watch_deadlines();
        self.stop_if_drained();
        Ok(())
    }

    pub(super) fn on_stopped(&mut self, report: &StopReport) {
        let how = report
            .exit
            .as_ref()
            .map_or_else(|| "has ended".to_owned(), process::describe);
        let force = if report.forced { ", killed" } else { "" };
        log::info!("Server '{}' stopped ({how}{force})", self.args.spec.name);
        self.myself.stop(Some("stopped".into()));
    }

    fn perform(&mut self, effects: Vec<Effect>) -> Outcome {
        for effect in effects {
            match effect {
                Effect::Write(line) => self.write(line),
                Effect::Initialized => self.args.root.initialized(&self.handle),
                Effect::Listed(catalogue) => self.on_listed(catalogue),
                Effect::ListChanged => self.relist_soon(),
                Effect::Broken(why) => return self.die(FailureKind::Exited, &why),
            }
        }
        self.stop_if_drained();
        Ok(())
    }

    pub(super) fn on_listed(&mut self, catalogue: Catalogue) {
        let tools = catalogue.tools.len();
        self.catalogue = Some(Arc::new(catalogue));
        if self.ready_since.is_none() {
            self.ready_since = Some(Instant::now());
            self.start_deadline = None;
            self.args.root.ready(&self.handle, tools);
            log::info!("Server '{}' started", self.args.spec.name);
        }
        self.publish();
    }

    /// Counted from the first notification: a server that never stops to say so is listed too.
    fn relist_soon(&mut self) {
        if self.relist.is_none() {
            self.relist = Some(self.after(RELIST_DEBOUNCE, Wait::Relist));
        }
    }

    fn publish(&self) {
        if let Some(catalogue) = &self.catalogue {
            self.args
                .registry
                .catalogue(&self.handle, Arc::clone(catalogue));
        }
    }

    /// Hands a line of the gateway's own to the server. If its stdin has gone, its process says so;
    /// if it reads too slowly it will be found hung, or goes without an answer to some of its own requests.
    fn write(&self, line: Bytes) {
        let refused = self.process.as_ref().map(|process| process.write(line));
        if let Some(Err(_)) = refused {
            log::debug!("Server '{}' was not told something", self.args.spec.name);
        }
    }

    fn watch_deadlines(&mut self) {
        let Some(next) = self.dialogue.calls().next_deadline() else {
            self.call_deadline = None;
            return;
        };
        if self.is_watched_too_late(next) {
            let delay = next.saturating_duration_since(Instant::now());
            self.call_deadline = Some((next, self.after(delay, Wait::CallDeadline)));
        }
    }

    fn is_watched_too_late(&self, deadline: Instant) -> bool {
        let watched = self.call_deadline.as_ref();
        watched.is_none_or(|(armed, _)| deadline < *armed)
    }

    fn stop_if_drained(&mut self) {
        if self.is_draining && self.dialogue.calls().in_flight() == 0 {
            self.stop_process();
        }
    }

    fn stop_process(&mut self) {
        if !self.stopping.is_empty() {
            return;
        }
        self.dialogue.calls().fail_all(&format!(
            "server '{}' is being stopped or replaced, and the call did not finish in time",
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

    fn die_as_seen(&mut self) -> Outcome {
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
        self.die(FailureKind::Exited, &how)
    }

    /// Answers every call and ends: the supervisor does the rest.
    fn die(&mut self, kind: FailureKind, how: &str) -> Outcome {
        let again = self.next_try();
        self.dialogue.calls().fail_all(&format!(
            "server '{}' {how}; it is started again {again}",
            self.args.spec.name
        ));
        let counters = self.dialogue.counters();
        log::debug!("Server '{}' ends: {how}; {counters:?}", self.args.spec.name);
        let text = how.to_owned();
        Err(Box::new(UpstreamExit(Failure { kind, text })))
    }

    /// When the ladder will try again, as far as one can tell from here: without the jitter.
    fn next_try(&self) -> String {
        let ladder = &self.args.ladder;
        let was_stable = self
            .ready_since
            .is_some_and(|since| ladder.is_stable(since.elapsed()));
        if was_stable {
            return "at once".into();
        }
        let step = ladder.step(self.args.start.failures + 1);
        format!("in about {} s", step.as_secs_f32())
    }

    fn after(&self, delay: Duration, wait: Wait) -> Timer<UpstreamMsg> {
        Timer::after(&self.myself, delay, move || UpstreamMsg::TimerElapsed(wait))
    }
}
