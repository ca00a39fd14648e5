//! Signals, waited for by a thread of its own outside of the program's runtime, whose workers may all
//! be busy. It tells the program what is asked for; when that does not end in time, or is asked to
//! end at once and does not, the thread kills every server's group and ends the process, without the
//! runtime and the log.

use std::future::{Future, pending};
use std::io;
use std::path::Path;
use std::pin::pin;
use std::thread;
use std::time::Duration;

use signal_hook::low_level;
use tokio::runtime::{self, Runtime};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::BROKEN;
use crate::control::ControlSocket;
use crate::http::{ControlDoor, SharedSockets, TokenKeeper};
use crate::process::Groups;
use crate::service::Manager;
use crate::state_dir::StateDir;
use crate::telemetry::call_log::CallLog;
use crate::tree::{Settings, ShutdownDelay, Signer, Tree};

/// Two signals within this time are one that was sent twice: terminals and wrappers signal a program
/// and its group at once.
const SAME_SIGNAL: Duration = Duration::from_millis(250);
/// How long a stop may take: what it promises.
const STOP_LIMIT: Duration = Duration::from_secs(10);
/// How long an end at once may take, in which what servers left behind is found.
const KILL_LIMIT: Duration = Duration::from_secs(1);

/// What signals ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    Reload,
    Stop,
    /// The same; the holder of the sockets starts the next gateway at once.
    MakeRoom,
    /// Every group has been killed.
    Kill,
}

/// What signals ask the program for.
#[derive(Debug)]
pub(super) struct Signals {
    asked: UnboundedReceiver<Asked>,
    /// Reloads that the operator asks for by the control socket.
    reloads: (UnboundedSender<()>, UnboundedReceiver<()>),
    /// Tells the thread that the program ends by itself.
    ends: watch::Sender<bool>,
    /// How long a stop is put off.
    delay: ShutdownDelay,
    /// What is reopened with a reload.
    call_log: Option<CallLog>,
    /// Whose keys are read again with it.
    signer: Option<Signer>,
}

impl Signals {
    /// Starts the thread, which handles the signals when this returns; that of a holder too, if there
    /// is one.
    pub(super) fn watch(
        groups: Groups,
        delay: ShutdownDelay,
        has_holder: bool,
    ) -> io::Result<Self> {
        // Of its own, with a driver of its own: whichever runtime's driver looks first passes signals
        // on to those who wait in either.
        let runtime = runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let (tell, asked) = mpsc::unbounded_channel();
        let (ends, is_ending) = watch::channel(false);
        let heard = {
            let _inside = runtime.enter();
            Heard::new(has_holder)?
        };
        let keeper = Keeper {
            groups,
            delay: delay.clone(),
            tell,
            is_ending,
            asked_at: None,
            deadline: None,
        };
        thread::Builder::new()
            .name("signals".to_owned())
            .spawn(move || keep(&runtime, keeper, heard))?;
        Ok(Self {
            asked,
            reloads: mpsc::unbounded_channel(),
            ends,
            delay,
            call_log: None,
            signer: None,
        })
    }

    /// By which the operator asks for what SIGHUP asks for.
    pub(super) fn door(&self, control: &ControlSocket, settings: &Settings) -> ControlDoor {
        let state_dir = settings.state_dir.as_ref().map(StateDir::path);
        ControlDoor {
            socket: control.listener(),
            reload: self.reloads.0.clone(),
            config: settings.config_path.clone(),
            state_dir: state_dir.map(Path::to_owned),
        }
    }

    /// The next that is asked for. May be dropped and called again.
    async fn next(&mut self) -> Option<Asked> {
        tokio::select! {
            biased;
            asked = self.asked.recv() => asked,
            Some(()) = self.reloads.1.recv() => Some(Asked::Reload),
        }
    }

    /// From now on a reload reopens the log of calls, and has the keys of `signer` read again.
    pub(super) fn renews(&mut self, call_log: Option<&CallLog>, signer: Option<&Signer>) {
        self.call_log = call_log.cloned();
        self.signer = signer.cloned();
    }

    fn reload(&self, tokens: &TokenKeeper) {
        tokens.reload();
        if let Some(signer) = &self.signer {
            signer.reload();
        }
        if let Some(log) = &self.call_log {
            log.reopen();
        }
    }

    /// What comes of `work`, which is before the tree and may hang, unless a stop is asked for.
    pub(super) async fn unless_stopped<T>(
        &mut self,
        work: impl Future<Output = T>,
        tokens: &TokenKeeper,
    ) -> Option<T> {
        let mut work = pin!(work);
        loop {
            tokio::select! {
                done = &mut work => return Some(done),
                Some(asked) = self.next() => match asked {
                    // The configuration is not read yet.
                    Asked::Reload => self.reload(tokens),
                    Asked::Stop | Asked::MakeRoom | Asked::Kill => {
                        self.ends.send_replace(true);
                        return None;
                    }
                },
            }
        }
    }

    /// Passes on what is asked for until the tree has ended. The exit code, and whether all was to end
    /// at once. From then on the end of the program has its time too.
    pub(super) async fn attend(
        &mut self,
        mut tree: Tree,
        (manager, tokens, held): (&Manager, &TokenKeeper, &SharedSockets),
    ) -> (u8, bool) {
        let (mut is_stopping, mut was_held) = (false, None);
        let outcome = loop {
            tokio::select! {
                biased; // a second signal ends the tree, too
                Some(asked) = self.next() => match asked {
                    Asked::Reload if is_stopping => {}
                    // There is no next gateway then, for which the holder would have kept the port.
                    Asked::Stop if is_stopping => {
                        if let Some(was_held) = was_held.take() {
                            held.are(was_held);
                        }
                    }
                    Asked::Reload => {
                        manager.reloading();
                        self.reload(tokens);
                        tree.reload();
                    }
                    Asked::Stop | Asked::MakeRoom => {
                        is_stopping = true;
                        if asked == Asked::MakeRoom {
                            was_held = Some(held.is_so());
                            held.are(true);
                        }
                        manager.stopping(self.delay.get());
                        tree.stop();
                    }
                    Asked::Kill => {
                        log::warn!("Second signal: every server is killed, the gateway ends at once");
                        break (BROKEN, true);
                    }
                },
                exit = tree.wait() => break (exit.code(), false),
            }
        };
        self.ends.send_replace(true);
        outcome
    }
}

/// The thread. Once nobody is told any more the program has ended, or a test's has.
fn keep(runtime: &Runtime, mut keeper: Keeper, mut heard: Heard) {
    runtime.block_on(async {
        loop {
            let asked = tokio::select! {
                () = at(keeper.deadline) => keeper.end_now(),
                () = keeper.told_to_end() => continue,
                asked = heard.next() => asked,
            };
            keeper.on(asked);
        }
    });
}

/// What is listened for.
struct Heard {
    hangup: Signal,
    terminate: Signal,
    interrupt: Signal,
    make_room: Signal,
    /// Whether that is from a holder, who starts the next gateway.
    has_holder: bool,
}

impl Heard {
    fn new(has_holder: bool) -> io::Result<Self> {
        Ok(Self {
            hangup: signal(SignalKind::hangup())?,
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            make_room: signal(SignalKind::user_defined2())?,
            has_holder,
        })
    }

    async fn next(&mut self) -> Asked {
        loop {
            tokio::select! {
                _ = self.hangup.recv() => return Asked::Reload,
                _ = self.terminate.recv() => return Asked::Stop,
                _ = self.interrupt.recv() => return Asked::Stop,
                _ = self.make_room.recv() => {}
            }
            if self.has_holder {
                return Asked::MakeRoom;
            }
            log::warn!(
                "SIGUSR2 restarts a gateway that was started with --hold-port; this one was not"
            );
        }
    }
}

/// What the thread knows.
struct Keeper {
    groups: Groups,
    delay: ShutdownDelay,
    tell: UnboundedSender<Asked>,
    is_ending: watch::Receiver<bool>,
    /// When the stop was asked for.
    asked_at: Option<Instant>,
    /// When the process ends, whatever it is doing.
    deadline: Option<Instant>,
}

impl Keeper {
    fn on(&mut self, asked: Asked) {
        match (asked, self.asked_at) {
            (Asked::Reload, _) => self.pass(Asked::Reload),
            // It is stopping already.
            (Asked::MakeRoom, Some(_)) => {}
            // From the holder: a terminal's signal after it is the first.
            (Asked::MakeRoom, None) => {
                self.end_within(STOP_LIMIT);
                self.pass(Asked::MakeRoom);
            }
            (Asked::Stop | Asked::Kill, None) => {
                self.asked_at = Some(Instant::now());
                self.end_within(self.delay.get() + STOP_LIMIT);
                self.pass(Asked::Stop);
            }
            (Asked::Stop | Asked::Kill, Some(since)) if since.elapsed() < SAME_SIGNAL => {}
            (Asked::Stop | Asked::Kill, Some(_)) => {
                // Known before its consequences are.
                self.pass(Asked::Kill);
                self.groups.kill_all();
                self.end_within(KILL_LIMIT);
            }
        }
    }

    /// Returns when the program says that it ends, for which it has as long as for a stop.
    async fn told_to_end(&mut self) {
        if self.is_ending.changed().await.is_err() {
            return pending().await;
        }
        self.end_within(STOP_LIMIT);
    }

    fn end_within(&mut self, limit: Duration) {
        let latest = Instant::now() + limit;
        self.deadline = Some(
            self.deadline
                .map_or(latest, |deadline| deadline.min(latest)),
        );
    }

    fn pass(&self, asked: Asked) {
        // Nobody listens once the tree has ended; then the deadline runs.
        self.tell.send(asked).ok();
    }

    fn end_now(&self) -> ! {
        self.groups.kill_all();
        // Not `process::exit`: handlers of C libraries that run then may wait for a lock.
        low_level::exit(BROKEN.into())
    }
}

/// Resolves then, or never.
async fn at(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline).await,
        None => pending().await,
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    /// What the program is asked for when these come, each after the one before has been heard.
    async fn passed(signals: &[Asked]) -> Vec<Asked> {
        let (tell, mut asked) = mpsc::unbounded_channel();
        let mut keeper = Keeper {
            groups: Groups::default(),
            delay: ShutdownDelay::default(),
            tell,
            is_ending: watch::channel(false).1,
            asked_at: None,
            deadline: None,
        };
        for signal in signals {
            keeper.on(*signal);
            advance(SAME_SIGNAL).await;
        }
        std::iter::from_fn(|| asked.try_recv().ok()).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn what_the_holder_says_is_nobodys_first_signal() {
        use Asked::{Kill, MakeRoom, Stop};
        assert_eq!(passed(&[Stop, Stop]).await, [Stop, Kill]);
        assert_eq!(passed(&[MakeRoom, Stop]).await, [MakeRoom, Stop]);
        assert_eq!(
            passed(&[MakeRoom, Stop, Stop]).await,
            [MakeRoom, Stop, Kill]
        );
        assert_eq!(passed(&[Stop, MakeRoom]).await, [Stop]);
    }
}
