//! `--hold-port`: a small process that has the port, starts the gateway as its child and starts it again
//! (`course.rs` says when), so that nobody is refused meanwhile. It may be a container's first process,
//! and so passes signals on and reaps orphans. No runtime, no second thread, no log but a line a restart.

mod child;
mod course;
mod mail;

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::ops::ControlFlow;
use std::process::ExitCode;
use std::time::Duration;

use ::log::Level;
use nix::sys::signal::{Signal, kill};
use tokio::time::Instant;

use self::child::Child;
use self::course::{Course, Step};
use self::mail::Mail;
use super::bootstrap::{StartError, broken, misconfigured};
use super::{complain, memory};
use crate::cli::Run;
use crate::config::limits::Limits;
use crate::process;
use crate::service::{Relay, Sockets};
use crate::telemetry::log::{Sink, say};

/// What a killed gateway's servers have left: from SIGTERM to SIGKILL, between two looks, and when what
/// hangs in the kernel is given up.
const GRACE: Duration = Duration::from_millis(500);
const LOOK_EVERY: Duration = Duration::from_millis(20);
const PATIENCE: Duration = Duration::from_millis(1500);

/// Holds the port until the gateway has ended for good.
pub fn hold(options: &Run) -> ExitCode {
    let code = Holder::new(options).and_then(|holder| holder.hold().map_err(broken));
    code.map_or_else(
        |StartError(code, error)| complain(code, &error),
        ExitCode::from,
    )
}

/// What the parent has.
struct Holder<'a> {
    options: &'a Run,
    sink: Sink,
    mail: Mail,
    child: Child,
    course: Course,
}

impl<'a> Holder<'a> {
    fn new(options: &'a Run) -> Result<Self, StartError> {
        process::keep_descriptors();
        // Before the first child: none ends unheard of.
        let mail = Mail::open().map_err(broken)?;
        let sockets = Sockets::obtain(options.listen, None).map_err(misconfigured)?;
        let sink = options.sink();
        for unusable in &sockets.unusable {
            let said = format_args!("The service manager passed what can't be served: {unusable}");
            say(&sink, Level::Warn, said);
        }
        let relay = Relay::open().unwrap_or_else(|error| {
            let said = format_args!("The service manager is told nothing: NOTIFY_SOCKET: {error}");
            say(&sink, Level::Warn, said);
            None
        });
        // The file is the gateway's to read: what it says of this does not reach the parent.
        let given = Limits::default().with(&options.limits.given, &Limits::default());
        let delay = given.shutdown_delay;
        Ok(Self {
            options,
            sink,
            mail,
            child: Child::new(sockets, relay),
            course: Course::new(Instant::now(), delay),
        })
    }

    fn hold(mut self) -> io::Result<u8> {
        let mut signals = Vec::new();
        loop {
            if let ControlFlow::Break(code) = self.turn(&signals) {
                self.end_orphans()?;
                return Ok(code);
            }
            signals = self.mail.wait(self.course.deadline(), self.child.relay())?;
        }
    }

    /// What these signals ask for, what follows from an end, and what is due. Breaks with the exit code.
    fn turn(&mut self, signals: &[Signal]) -> ControlFlow<u8> {
        self.child.pass_on(!self.course.is_restarting());
        for signal in signals {
            let step = self.course.on_signal(*signal, Instant::now());
            self.take(step)?;
        }
        let ended = self.child.reap();
        let step = ended.map(|status| self.course.on_end(status, Instant::now()));
        self.take(step)?;
        let step = self.course.on_time(Instant::now());
        self.take(step)
    }

    fn take(&mut self, step: Option<Step>) -> ControlFlow<u8> {
        match step {
            None => {}
            Some(Step::Start) => self.start(),
            Some(Step::Restart) => {
                let said = format_args!("Restarting the gateway; its port stays open");
                self.say(Level::Info, said);
                self.child.signal(Signal::SIGUSR2);
            }
            Some(Step::Pass(signal)) => {
                if self.course.is_stopping() {
                    self.child.let_go();
                }
                self.child.signal(signal);
            }
            Some(Step::Kill) => {
                let said = format_args!("The gateway does not end; it is killed");
                self.say(Level::Error, said);
                self.child.signal(Signal::SIGKILL);
            }
            Some(Step::Wait { after, pause }) => {
                let how = process::describe(&after);
                let said = format_args!("The gateway {how}; it is started again in {pause:?}");
                self.say(Level::Error, said);
            }
            Some(Step::End(code)) => return ControlFlow::Break(code),
        }
        ControlFlow::Continue(())
    }

    fn start(&mut self) {
        match self.child.start() {
            Ok(()) => self.course.started(Instant::now()),
            Err(error) => {
                let pause = self.course.failed(Instant::now());
                let said =
                    format_args!("The gateway can't be started: {error}; again in {pause:?}");
                self.say(Level::Error, said);
            }
        }
        memory::trim();
    }

    /// There is no next gateway that would end them. Each that ends leaves its own children here.
    fn end_orphans(&mut self) -> io::Result<()> {
        let end = Instant::now() + PATIENCE;
        let mut asked = HashMap::new();
        loop {
            self.child.reap();
            let (orphans, now) = (self.child.orphans(), Instant::now());
            if orphans.is_empty() {
                return Ok(());
            }
            if now >= end {
                let count = orphans.len();
                let said = format_args!("{count} processes that servers have left do not end");
                self.say(Level::Warn, said);
                return Ok(());
            }
            for pid in orphans {
                // Nobody else reaps them, so the number is its own.
                let since = *asked.entry(pid).or_insert_with(|| {
                    kill(pid, Signal::SIGTERM).ok();
                    now
                });
                if now.duration_since(since) >= GRACE {
                    kill(pid, Signal::SIGKILL).ok();
                }
            }
            self.mail.wait(Some(now + LOOK_EVERY), self.child.relay())?;
        }
    }

    fn say(&self, level: Level, text: fmt::Arguments<'_>) {
        if level <= self.options.log_level {
            say(&self.sink, level, text);
        }
    }
}
