//! A server in memory, in the place of a process: a task that reads lines and says lines, and can
//! exit, stop reading, close a pipe, or outlive its end of stdin. What it says is `server`'s.

use std::future::{Future, ready};
use std::os::unix::process::ExitStatusExt;
use std::pin::Pin;
use std::process::ExitStatus;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{Notify, mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use super::is_on_demand;
use super::ladder::Who;
use super::server::Server;
use super::world::World;
use crate::process::{Grace, Output, SpawnError, StopReport};
use crate::tree::inside::{Child, Heard, Launch, Launched, Sink, UpstreamArgs};

/// How many lines may wait to be read, as in the program.
const QUEUE: usize = 256;

/// What starts the server of this generation.
pub(super) fn launcher(world: &Arc<World>, args: &UpstreamArgs) -> Launch {
    let owner = args.owner.as_ref().map(|owner| owner.session);
    let (world, permits) = (Arc::clone(world), args.permits.clone());
    let generation = args.generation.0;
    Arc::new(move |spec, _, _, sink| {
        let who = (spec.name.to_string(), owner);
        world.note("launch", &who.0, generation);
        world.count(|tally| tally.launches += 1);
        let is_on_the_ladder = world
            .ladders
            .lock()
            .unwrap()
            .launched(&who, permits.clone());
        if let Err(complaint) = is_on_the_ladder {
            world.complain(complaint);
        }
        let life = Arc::new(Life {
            who,
            world: Arc::clone(&world),
            sink,
            is_over: AtomicBool::new(false),
            was_called: AtomicBool::new(false),
            was_stopped: AtomicBool::new(false),
        });
        Box::pin(ready(Simulated::start(life)))
    })
}

/// One process: what is known of it on both sides of its pipes.
pub(super) struct Life {
    pub(super) who: Who,
    pub(super) world: Arc<World>,
    sink: Sink,
    is_over: AtomicBool,
    was_called: AtomicBool,
    was_stopped: AtomicBool,
}

impl Life {
    /// Nothing comes from a process whose handle was dropped.
    pub(super) fn deliver(&self, output: Output) {
        if !self.is_over.load(Ordering::Relaxed) {
            (self.sink)(Heard::Process(output));
        }
    }

    /// It is asked to do some work.
    pub(super) fn called(&self) {
        self.was_called.store(true, Ordering::Relaxed);
    }

    /// The process is gone.
    fn end(&self, code: Option<i32>) {
        let may_be_done = code == Some(0) && self.was_called.load(Ordering::Relaxed);
        let may_sleep = is_on_demand(&self.who.0) && self.was_stopped.load(Ordering::Relaxed);
        let mut ladders = self.world.ladders.lock().unwrap();
        ladders.ended(&self.who, may_be_done || may_sleep);
        drop(ladders);
        self.world.note("end", &self.who.0, 0);
    }
}

/// The upstream's end.
struct Simulated {
    stdin: Option<mpsc::Sender<Bytes>>,
    exit: watch::Receiver<Option<ExitStatus>>,
    term: Arc<Notify>,
    life: Arc<Life>,
    task: JoinSet<()>,
}

impl Simulated {
    fn start(life: Arc<Life>) -> Launched {
        let (stdin, lines) = mpsc::channel(QUEUE);
        let (ended, exit) = watch::channel(None);
        let term = Arc::new(Notify::new());
        let server = Server::new(Arc::clone(&life));
        if server.does_not_start() {
            life.end(None);
            let (program, path) = ("sim".into(), "/sim".into());
            return Err(SpawnError::NotFound { program, path }.into());
        }
        let mut task = JoinSet::new();
        task.spawn(run(server, lines, Arc::clone(&term), ended));
        Ok(Box::new(Self {
            stdin: Some(stdin),
            exit,
            term,
            life,
            task,
        }))
    }

    async fn exits_within(&mut self, grace: Duration) -> Option<ExitStatus> {
        let ended = timeout(grace, self.exit.wait_for(Option::is_some)).await;
        ended.ok().and_then(Result::ok).and_then(|status| *status)
    }
}

impl Child for Simulated {
    fn pid(&self) -> Option<u32> {
        Some(1)
    }

    fn write(&self, line: Bytes) -> Result<(), Bytes> {
        let Some(stdin) = &self.stdin else {
            return Err(line);
        };
        stdin
            .try_send(line)
            .map_err(mpsc::error::TrySendError::into_inner)
    }

    fn has_stdin(&self) -> bool {
        self.stdin.as_ref().is_some_and(|stdin| !stdin.is_closed())
    }

    fn stop(mut self: Box<Self>, grace: Grace) -> Pin<Box<dyn Future<Output = StopReport> + Send>> {
        Box::pin(async move {
            let start = Instant::now();
            self.life.was_stopped.store(true, Ordering::Relaxed);
            if is_on_demand(&self.life.who.0) {
                self.life.world.count(|tally| tally.slept += 1);
            }
            self.stdin = None;
            let mut exit = self.exits_within(grace.eof).await;
            if exit.is_none() {
                self.term.notify_one();
                exit = self.exits_within(grace.term).await;
            }
            StopReport {
                exit,
                forced: exit.is_none(),
                took: start.elapsed(),
            }
        })
    }
}

/// The kill.
impl Drop for Simulated {
    fn drop(&mut self) {
        self.life.is_over.store(true, Ordering::Relaxed);
        self.task.abort_all();
        if self.exit.borrow().is_none() {
            self.life.end(None);
        }
    }
}

/// The server's end: reads, waits, says, until it exits.
async fn run(
    mut server: Server,
    lines: mpsc::Receiver<Bytes>,
    term: Arc<Notify>,
    ended: watch::Sender<Option<ExitStatus>>,
) {
    let mut lines = Some(lines);
    let code = loop {
        let due = server.due();
        let reads = lines.is_some() && !server.is_deaf();
        let line = async {
            match &mut lines {
                Some(lines) if reads => lines.recv().await,
                _ => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = term.notified() => server.on_term(),
            line = line => if let Some(line) = line {
                server.on_line(&line);
            } else {
                lines = None;
                server.on_eof();
            },
            () = tokio::time::sleep_until(due) => {
                let has_unread = lines.as_ref().is_some_and(|lines| !lines.is_empty());
                if let Some(code) = server.act(has_unread) {
                    break code;
                }
                if server.is_stdin_closed() {
                    lines = None;
                }
            }
        }
    };
    drop(lines);
    let status = ExitStatus::from_raw(code << 8);
    server.life().end(Some(code));
    ended.send_replace(Some(status));
    server.last_words(status).await;
}
