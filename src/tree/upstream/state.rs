//! What one generation holds, and what it does at each message: the process and the timers. What
//! is said on the pipes is the dialogue's; how it stops and dies is in `ending.rs`.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use log::Level;
use ractor::{ActorProcessingErr, ActorRef};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::UpstreamHandle;
use super::actor::UpstreamArgs;
use super::dialogue::{Dialogue, Effect};
use super::ending::Ending;
use super::launch::{Child, Heard, Launched};
use super::listing::Room;
use super::message::{UpstreamMsg, UpstreamTimer};
use super::unused::Unused;
use super::work::Work;
use crate::process::{LinePermit, Output, StdinFailure, UnusableLine};
use crate::protocol::jsonrpc::Request;
use crate::supervise::{Failure, FailureKind};
use crate::tree::beside;
use crate::tree::client::{ServerRequest, SessionEvent};
use crate::tree::registry::{Catalogue, Lessons, RegistryHandle};
use crate::tree::timer::Timer;

/// What a server waits for that has no process by its deadline.
const HANGS: &str = "the start of its program hangs: does the file system with its command, its \
                     \"cwd\" or its PATH answer?";

pub(super) type Outcome = Result<(), ActorProcessingErr>;

/// The state: dropping it kills the process group and answers every call.
pub(crate) struct UpstreamState {
    pub(super) args: UpstreamArgs,
    pub(super) myself: ActorRef<UpstreamMsg>,
    pub(super) handle: UpstreamHandle,
    /// None before the spawn, and again while it is being stopped.
    pub(super) process: Option<Box<dyn Child>>,
    /// The task that spawns the process.
    launching: JoinSet<()>,
    /// What the process said before that task did.
    early: Vec<Heard>,
    pub(super) dialogue: Dialogue,
    pub(super) catalogue: Option<Arc<Catalogue>>,
    pub(super) ready_since: Option<Instant>,
    pub(super) ending: Ending,
    pub(super) is_draining: bool,
    /// The task that stops the process, once there is no way back.
    pub(super) stopping: JoinSet<()>,
    pub(super) start_deadline: Option<Timer<UpstreamMsg>>,
    deadline: Option<(Instant, Timer<UpstreamMsg>)>,
    relist: Option<Timer<UpstreamMsg>>,
    pub(super) last_words: Option<Timer<UpstreamMsg>>,
    /// It has had more time for its exit than others.
    pub(super) is_late: bool,
    pub(super) drain_end: Option<Timer<UpstreamMsg>>,
    pub(super) work: Work,
    /// What the line about its end adds to that.
    pub(super) last_said: Option<String>,
    /// What was learnt, as the registry was told.
    pub(super) lessons: Lessons,
    pub(super) work_done: Option<Timer<UpstreamMsg>>,
    /// Of a server that is started on demand.
    pub(super) unused: Option<Unused>,
}

impl UpstreamState {
    pub(super) fn new(myself: ActorRef<UpstreamMsg>, args: UpstreamArgs) -> Self {
        let mut dialogue = Dialogue::open(
            &args.spec,
            args.owner.clone(),
            Room::of(&args.limits),
            Arc::clone(&args.past),
        );
        let unused = args.spec.idle_timeout;
        let unused = unused.map(|at_most| Unused::new(at_most, args.past.holds()));
        if let Some(unused) = &unused {
            dialogue.count_holds(unused.holds());
        }
        let permits = args.permits.clone();
        dialogue.count_in(Arc::clone(&args.metrics));
        dialogue.remember_in(Arc::clone(&args.history));
        let name = args.spec.name.clone();
        let handle = UpstreamHandle::new(myself.clone(), name, args.generation, permits);
        let handle = match &args.owner {
            Some(owner) => handle.owned_by(owner.session),
            None => handle,
        };
        Self {
            work: Work::new(Arc::clone(&args.past)),
            lessons: args.past.lessons(),
            unused,
            args,
            myself,
            handle,
            process: None,
            launching: JoinSet::new(),
            early: Vec::new(),
            dialogue,
            catalogue: None,
            ready_since: None,
            ending: Ending::default(),
            is_draining: false,
            is_late: false,
            stopping: JoinSet::new(),
            start_deadline: None,
            deadline: None,
            relist: None,
            last_words: None,
            drain_end: None,
            work_done: None,
            last_said: None,
        }
    }

    pub(super) fn on_start(&mut self) {
        if self.is_draining {
            return;
        }
        let myself = self.myself.clone();
        let sink = Box::new(move |output| {
            // A dead actor needs no output: its process is being killed.
            drop(myself.cast(UpstreamMsg::Output(output)));
        });
        let args = &self.args;
        let launching = (args.launch)(&args.spec, &args.limits, &args.groups, sink);
        let (myself, past) = (self.myself.clone(), Arc::clone(&args.past));
        self.launching.spawn(async move {
            let launched = launching.await;
            past.recalled().await;
            // Nor a process: what nobody takes is dropped, and killed by that.
            drop(myself.cast(UpstreamMsg::Launched(launched)));
        });
        let deadline = self.args.start.deadline;
        if deadline > args.spec.start_timeout {
            let (label, seconds) = (self.dialogue.label(), deadline.as_secs());
            log::info!(server = label.server(); "Server {label} was too slow to start; this time it gets {seconds} s");
        }
        self.start_deadline = Some(self.after(deadline, UpstreamTimer::StartDeadline));
    }

    pub(super) fn on_launched(&mut self, launched: Launched) -> Outcome {
        match launched {
            Ok(process) => {
                let label = self.dialogue.label();
                match process.pid() {
                    Some(pid) => log::debug!("Server {label} runs as pid {pid}"),
                    None => log::debug!("Server {label} is asked"),
                }
                self.args.root.spawned(&self.handle, process.pid());
                if let Some(secrets) = process.secrets() {
                    label.hides().learn(secrets);
                }
                self.process = Some(process);
            }
            Err(error) => {
                self.last_said = error.searched().map(|path| format!("its PATH: {path}"));
                return self.die(Failure::of_start(error.to_string()));
            }
        }
        let hello = self.dialogue.begin();
        self.write(hello);
        let early = std::mem::take(&mut self.early);
        early.into_iter().try_for_each(|heard| self.on_heard(heard))
    }

    pub(super) fn on_heard(&mut self, heard: Heard) -> Outcome {
        if let Heard::Process(Output::Stderr(line)) = heard {
            self.on_stderr(&line);
            return Ok(());
        }
        if let Heard::Process(Output::StderrDropped(count)) = heard {
            self.args.metrics.stderr_lines_dropped.inc_by(count);
            return Ok(());
        }
        if self.is_stopping() {
            return Ok(()); // its calls are answered, and the task that stops it sees its end
        }
        if self.process.is_none() {
            self.early.push(heard);
            return Ok(());
        }
        match heard {
            Heard::Process(output) => self.on_output(output),
            Heard::Remote(output) => self.on_remote(output),
        }
    }

    pub(super) fn on_message(&mut self, bytes: &Bytes, permit: LinePermit) -> Outcome {
        let take = || self.dialogue.on_line(Instant::now(), bytes);
        let effects = beside(bytes.len(), take);
        drop(permit);
        self.perform(effects)
    }

    fn on_output(&mut self, output: Output) -> Outcome {
        match output {
            Output::Line { bytes, permit } => return self.on_message(&bytes, permit),
            Output::Unusable {
                head,
                tail,
                length,
                why,
                permit,
            } => {
                let (now, text) = (Instant::now(), format!("{why} ({length} bytes)"));
                if why == UnusableLine::Partial {
                    self.dialogue.on_fragment(now, &head, &text);
                    return Ok(());
                }
                let effects = self.dialogue.on_unusable(now, &head, &tail, &text);
                drop(permit);
                return self.perform(effects);
            }
            Output::StdinFailed(StdinFailure::Stalled) => {
                let how = "did not read its stdin for too long";
                return self.die(Failure::new(FailureKind::Hung, how));
            }
            Output::StdinFailed(StdinFailure::Broken(error)) => {
                log::debug!("Server {} closed its stdin: {error}", self.dialogue.label());
                self.ending.stdin_broken = true;
            }
            Output::StdoutClosed => self.ending.stdout_closed = true,
            Output::StderrClosed => self.ending.stderr_closed = true,
            Output::Exited(status) => self.ending.status = Some(status),
            Output::Stderr(_) | Output::StderrDropped(_) => {}
        }
        self.on_end_seen()
    }

    pub(super) fn on_hello(&mut self, registry: RegistryHandle) {
        self.args.registry = registry;
        if self.dialogue.owner().is_none() {
            self.publish();
        }
    }

    pub(super) fn on_timer(&mut self, timer: UpstreamTimer) -> Outcome {
        if self.is_stopping() {
            return Ok(());
        }
        match timer {
            UpstreamTimer::StartDeadline => self.on_start_deadline(),
            UpstreamTimer::LastWords => self.on_last_words(),
            UpstreamTimer::Deadline => {
                self.deadline = None;
                let effects = self.dialogue.expire(Instant::now());
                self.perform(effects)?;
                self.watch(self.dialogue.next_deadline());
                Ok(())
            }
            UpstreamTimer::Relist => {
                self.relist = None;
                let effects = self.dialogue.relist(Instant::now());
                self.perform(effects)
            }
            UpstreamTimer::DrainEnd => {
                self.stop_process();
                Ok(())
            }
            UpstreamTimer::WorkDone => {
                self.on_work_done();
                Ok(())
            }
            UpstreamTimer::Unused => {
                self.on_unused();
                Ok(())
            }
        }
    }

    fn on_start_deadline(&mut self) -> Outcome {
        if self.ready_since.is_some() {
            return Ok(());
        }
        let waits_for = if self.process.is_some() {
            self.dialogue.waits_for()
        } else {
            HANGS.to_owned()
        };
        let seconds = self.args.start.deadline.as_secs_f32();
        let how = format!("was not ready within {seconds} s");
        self.die(Failure::new(FailureKind::StartTimedOut, how).because(waits_for))
    }

    pub(super) fn perform(&mut self, effects: Vec<Effect>) -> Outcome {
        let is_news = !effects.is_empty();
        for effect in effects {
            match effect {
                Effect::Write(line) => self.write(line),
                Effect::Initialized => self.args.root.initialized(&self.handle),
                Effect::Listed(catalogue) => self.on_listed(catalogue),
                // One that is armed already is not put off: the server may never be quiet.
                Effect::ListChanged(_) if self.relist.is_some() => {}
                Effect::ListChanged(wait) => {
                    self.relist = Some(self.after(wait, UpstreamTimer::Relist));
                }
                Effect::Watch => {} // as after every effect
                Effect::ServerRequest(request) => self.ask(request),
                Effect::Broken(failure) => return self.die(failure),
            }
        }
        if is_news {
            self.watch(self.dialogue.next_deadline());
            self.tell_lessons();
        }
        self.look_at_work();
        self.look_at_use();
        self.stop_if_drained();
        Ok(())
    }

    fn ask(&self, request: Request) {
        if let Some(owner) = self.dialogue.owner() {
            let timeout = self.args.spec.call_timeout;
            let ask = ServerRequest::new(self.handle.clone(), timeout, request);
            let ask = self.held_by(ask);
            owner.client.tell(SessionEvent::ServerRequested(ask));
        }
    }

    fn on_listed(&mut self, catalogue: Catalogue) {
        let tools = catalogue.tools.len();
        self.catalogue = Some(Arc::new(catalogue));
        let is_first = self.ready_since.is_none();
        if is_first {
            self.ready_since = Some(Instant::now());
            self.start_deadline = None;
            self.args.root.ready(&self.handle, tools);
            self.watch_use();
        }
        self.publish();
        if is_first {
            let label = self.dialogue.label();
            log::log!(label.level(Level::Info), server = label.server(); "Server {label} started");
        }
    }

    /// Tells the owner, or for everybody the registry, what it offers.
    fn publish(&self) {
        if self.catalogue.is_none() {
            return;
        }
        let (handle, catalogue) = (self.handle.clone(), self.catalogue.clone());
        match self.dialogue.owner() {
            Some(owner) => owner
                .client
                .tell(SessionEvent::Offers { handle, catalogue }),
            None => self.args.registry.catalogue(&handle, catalogue),
        }
    }

    /// Whether it is to be asked for its lists again.
    pub(super) fn has_relist(&self) -> bool {
        self.relist.is_some()
    }

    /// Hands a line of the gateway's own to the server. If its stdin has gone, its process says so;
    /// if it reads too slowly it will be found hung, or goes without an answer to some of its own
    /// requests.
    pub(super) fn write(&self, line: Bytes) {
        let refused = self.process.as_ref().map(|process| process.write(line));
        if let Some(Err(_)) = refused {
            log::debug!("Server {} was not told something", self.dialogue.label());
        }
    }

    /// Sees to it that the timer goes off at `due` at the latest. It may do so too early, and is
    /// armed anew then.
    pub(super) fn watch(&mut self, due: Option<Instant>) {
        let is_covered = |due| self.deadline.as_ref().is_some_and(|(at, _)| *at <= due);
        if let Some(due) = due.filter(|due| !is_covered(*due)) {
            let delay = due.saturating_duration_since(Instant::now());
            self.deadline = Some((due, self.after(delay, UpstreamTimer::Deadline)));
        }
    }

    pub(super) fn after(&self, delay: Duration, wait: UpstreamTimer) -> Timer<UpstreamMsg> {
        Timer::after(&self.myself, delay, move || UpstreamMsg::TimerElapsed(wait))
    }
}
