//! A spawner that ends actors on command: it wraps every actor in one that does the same, and that panics,
//! returns an error or is killed when the test says so. It also keeps a journal of who began and who ended.
//! So every kind of actor of the real tree can be crashed without a hook in production code.
//!
//! An actor that waits for its next message runs none of its code, so it cannot panic there. It is woken by
//! a supervision event that no actor of the tree ever gets, a change of a process group of ractor's own.

use std::collections::HashMap;
use std::future::pending;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

pub use mcproxy::supervise::Moment;
use mcproxy::supervise::{Fault, FaultPlan, Faulty, Spawn, Started, Watched};
use mcproxy::turn::Kind;
use ractor::{Actor, ActorCell, ActorId, ActorRef, ActorRuntime, ActorStatus, SpawnErr, pg};
use tokio::time::{Instant, sleep};

use super::client::DEADLINE;
use super::wait;

/// How often a stalled spawn looks whether it may go on.
const STALL: Duration = Duration::from_millis(10);
/// How often the end of a victim is looked for.
const LOOK: Duration = Duration::from_millis(2);

/// How an actor ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// It panics.
    Panic,
    /// It returns an error.
    Error,
    /// It is killed from outside.
    Kill,
    /// It does not end: it handles nothing more, until it is killed.
    Hang,
    /// It goes on when it is let, and keeps its worker busy until then.
    Spin,
}

impl How {
    pub const ALL: [Self; 3] = [Self::Panic, Self::Error, Self::Kill];
}

/// What the journal says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// Its parent started it.
    Spawned(&'static str),
    /// It has gone, with its state, in whatever way.
    Gone(&'static str),
}

/// The spawner. Clones are the same one.
#[derive(Clone, Default)]
pub struct Chaos(Arc<Mutex<Book>>);

#[derive(Default)]
struct Book {
    journal: Vec<Entry>,
    root: Option<ActorCell>,
    /// In the order of their starts.
    actors: Vec<(&'static str, ActorCell)>,
    plans: Vec<Plan>,
    /// Those who are to end when they are woken.
    condemned: HashMap<ActorId, How>,
    /// Kinds whose spawn panics, in the hands of their parent.
    refused: Vec<&'static str>,
    /// Kinds whose spawn takes for ever.
    stalled: Vec<&'static str>,
    struck: usize,
}

/// Set when those who spin may rest.
static MAY_REST: AtomicBool = AtomicBool::new(false);
/// Nobody spins for longer.
const LONGEST_SPIN: Duration = Duration::from_secs(60);

struct Plan {
    kind: &'static str,
    moment: Moment,
    how: How,
}

impl Chaos {
    /// The next actor of this kind that comes to this moment ends there, once.
    pub fn plan(&self, kind: &'static str, moment: Moment, how: How) {
        self.book().plans.push(Plan { kind, moment, how });
    }

    /// From now on starting an actor of this kind panics in whoever starts it.
    pub fn refuse(&self, kind: &'static str) {
        self.book().refused.push(kind);
    }

    /// From now on starting an actor of this kind blocks whoever starts it, until [`Chaos::go_on`].
    pub fn stall(&self, kind: &'static str) {
        self.book().stalled.push(kind);
    }

    /// Ends what [`Chaos::stall`] began.
    pub fn go_on(&self) {
        self.book().stalled.clear();
    }

    /// The youngest actor of this kind handles nothing from now on; it lives until it is killed.
    ///
    /// # Panics
    /// When there is none after 10 s, or it does not hang by then.
    pub async fn hang(&self, kind: &'static str) {
        let what = format!("a {kind} actor to run");
        let victim = wait::until(&what, DEADLINE, async || self.youngest(kind)).await;
        let struck = self.struck();
        self.condemn(&victim, How::Hang);
        let what = format!("the {kind} actor to hang");
        wait::until(&what, DEADLINE, async || {
            (self.struck() > struck).then_some(())
        })
        .await;
    }

    /// How many faults have struck: the proof that one did.
    pub fn struck(&self) -> usize {
        self.book().struck
    }

    /// How many actors of this kind were started so far.
    pub fn spawned(&self, kind: &str) -> usize {
        self.count(|entry| matches!(entry, Entry::Spawned(of) if of == kind))
    }

    /// How many actors of this kind are there now.
    pub fn alive(&self, kind: &str) -> usize {
        self.spawned(kind) - self.count(|entry| matches!(entry, Entry::Gone(of) if of == kind))
    }

    /// All that happened, in order.
    pub fn journal(&self) -> Vec<Entry> {
        self.book().journal.clone()
    }

    /// Ends the youngest actor of this kind, whatever it is doing, as soon as there is one; waits until it
    /// has gone.
    ///
    /// # Panics
    /// When there is none, or it has not gone after 10 s.
    pub async fn strike(&self, kind: &'static str, how: How) {
        let what = format!("a {kind} actor to run");
        let victim = wait::until(&what, DEADLINE, async || self.youngest(kind)).await;
        self.condemn(&victim, how);
        let what = format!("the {kind} actor to end by {how:?}");
        wait::until(&what, DEADLINE, async || {
            (victim.get_status() == ActorStatus::Stopped).then_some(())
        })
        .await;
    }

    /// Ends one of the running actors of this kind, as soon as there is one, and waits until it has gone;
    /// `false` when either is not so after 10 s.
    pub async fn strike_any(&self, kind: &str, pick: usize, how: How) -> bool {
        let end = Instant::now() + DEADLINE;
        let mut running = self.running(kind);
        while running.is_empty() && Instant::now() < end {
            sleep(LOOK).await;
            running = self.running(kind);
        }
        let Some(victim) = running.get(pick % running.len().max(1)) else {
            return false;
        };
        self.condemn(victim, how);
        while victim.get_status() != ActorStatus::Stopped && Instant::now() < end {
            sleep(LOOK).await;
        }
        victim.get_status() == ActorStatus::Stopped
    }

    /// Keeps this actor's worker busy until [`Chaos::rest`]; `false` when it does not come to it in 10 s.
    pub async fn spin(&self, kind: &str, pick: usize) -> bool {
        let (running, struck) = (self.running(kind), self.struck());
        let Some(victim) = running.get(pick) else {
            return false;
        };
        self.condemn(victim, How::Spin);
        let end = Instant::now() + DEADLINE;
        while self.struck() == struck && Instant::now() < end {
            sleep(LOOK).await;
        }
        self.struck() > struck
    }

    /// Ends what [`Chaos::spin`] began.
    pub fn rest() {
        MAY_REST.store(true, Ordering::Relaxed);
    }

    /// The parent of the first actor that was started: root, which nobody spawns through here.
    pub fn root(&self) -> Option<ActorCell> {
        self.book().root.clone()
    }

    fn running(&self, kind: &str) -> Vec<ActorCell> {
        let book = self.book();
        let actors = book.actors.iter().filter(|(of, _)| *of == kind);
        let cells = actors.map(|(_, cell)| cell.clone());
        cells
            .filter(|cell| cell.get_status() == ActorStatus::Running)
            .collect()
    }

    /// `None` while it is still starting, too: an older one is not meant.
    fn youngest(&self, kind: &str) -> Option<ActorCell> {
        let ended = [ActorStatus::Stopping, ActorStatus::Stopped];
        let book = self.book();
        let mut youngest_first = book.actors.iter().rev();
        let is_it =
            |(of, cell): &&(&str, ActorCell)| *of == kind && !ended.contains(&cell.get_status());
        let (_, cell) = youngest_first.find(is_it)?;
        (cell.get_status() == ActorStatus::Running).then(|| cell.clone())
    }

    fn condemn(&self, victim: &ActorCell, how: How) {
        if how == How::Kill {
            self.book().struck += 1;
            return victim.kill();
        }
        self.book().condemned.insert(victim.get_id(), how);
        let group = format!("condemned {}", victim.get_id());
        pg::monitor(group.clone(), victim.clone());
        pg::join(group, vec![victim.clone()]);
    }

    fn count(&self, is_it: impl Fn(Entry) -> bool) -> usize {
        let book = self.book();
        book.journal.iter().filter(|entry| is_it(**entry)).count()
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.0.lock().expect("no panic inside")
    }

    /// The fault that strikes an actor of this kind now, if one was planned.
    fn due(&self, kind: &str, moment: Moment) -> Option<How> {
        let mut book = self.book();
        let is_it = |plan: &Plan| plan.kind == kind && plan.moment == moment;
        let at = book.plans.iter().position(is_it)?;
        book.struck += 1;
        Some(book.plans.remove(at).how)
    }

    fn verdict(&self, actor: ActorId) -> Option<How> {
        let mut book = self.book();
        let how = book.condemned.remove(&actor)?;
        book.struck += 1;
        Some(how)
    }
}

impl Spawn for Chaos {
    fn spawn<A: Actor<Msg: Kind>>(
        &self,
        kind: &'static str,
        actor: A,
        args: A::Arguments,
        parent: ActorCell,
    ) -> Result<(ActorRef<A::Msg>, Started), SpawnErr> {
        let is_refused = self.book().refused.contains(&kind);
        assert!(!is_refused, "chaos: the spawn of a {kind} actor");
        while self.book().stalled.contains(&kind) {
            std::thread::park_timeout(STALL);
        }
        let mut book = self.book();
        book.journal.push(Entry::Spawned(kind));
        book.root.get_or_insert_with(|| parent.clone());
        drop(book);
        let chaos = self.clone();
        let faulty = Watched::new(kind, Faulty::new(actor, Fate { kind, chaos }));
        let (actor, started) = ActorRuntime::spawn_linked_instant(None, faulty, args, parent)?;
        let mut book = self.book();
        book.actors
            .retain(|(_, cell)| cell.get_status() != ActorStatus::Stopped);
        book.actors.push((kind, actor.get_cell()));
        drop(book);
        Ok((actor, started))
    }
}

/// What is to become of an actor of this kind.
struct Fate {
    kind: &'static str,
    chaos: Chaos,
}

impl Drop for Fate {
    fn drop(&mut self) {
        self.chaos.book().journal.push(Entry::Gone(self.kind));
    }
}

impl FaultPlan for Fate {
    async fn fault(&self, actor: ActorId, moment: Moment) -> Option<Fault> {
        let how = match moment {
            Moment::Woken => self.chaos.verdict(actor),
            Moment::Start | Moment::Started | Moment::Message | Moment::Event | Moment::Stop => {
                self.chaos.due(self.kind, moment)
            }
        };
        match how? {
            // With a message, as a panic of the program's has one.
            How::Panic => panic!("chaos"),
            How::Error => Some(Fault::Error),
            How::Kill => Some(Fault::Kill),
            How::Hang => pending().await,
            How::Spin => {
                let end = Instant::now() + LONGEST_SPIN;
                while !MAY_REST.load(Ordering::Relaxed) && Instant::now() < end {
                    std::hint::spin_loop();
                }
                None
            }
        }
    }
}
