//! A supervisor with toy children, all of them real actors: `Boss` embeds the supervisor, `Toy`
//! is a child that fails on command, `Stage` is what a test holds in its hands.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use ractor::concurrency::JoinHandle;
use ractor::{Actor, ActorCell, ActorProcessingErr, ActorRef, RpcReplyPort, SpawnErr};
use ractor::{SupervisionEvent, call};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::*;
use crate::supervise::{Spawn, Spawned, Supervisor, SupervisorHooks, Tick};

type Id = &'static str;

/// What kind of child it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Nature {
    Good,
    /// Its `pre_start` takes so long.
    Slow(Duration),
    /// Its `pre_start` returns an error.
    Stillborn,
    /// It does not react to being asked to stop.
    Deaf,
    /// Its state takes so long to be dropped.
    Clinging(Duration),
    /// The hooks cannot even spawn it.
    Unspawnable,
}

#[derive(Debug)]
pub(super) enum ToyMsg {
    Stop,
    Panic,
    Fail,
    FailWith(Failure),
    /// Answered never: the port stays in the state.
    Hold(RpcReplyPort<()>),
}

impl crate::turn::Kind for ToyMsg {}

#[derive(Debug, thiserror::Error)]
#[error("toy: {0}")]
struct ToyError(Failure);

pub(super) struct Toy;

/// A child's state: it counts as alive from `pre_start` until it is dropped.
pub(super) struct Life {
    nature: Nature,
    alive: Arc<AtomicUsize>,
    held: Vec<RpcReplyPort<()>>,
}

/// Holds the thread up, as code that must not be in an actor does.
fn block(time: Duration) {
    let (_keep, never) = std::sync::mpsc::channel::<()>();
    assert!(never.recv_timeout(time).is_err());
}

impl Drop for Life {
    fn drop(&mut self) {
        if let Nature::Clinging(time) = self.nature {
            block(time);
        }
        self.alive.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Actor for Toy {
    type Msg = ToyMsg;
    type State = Life;
    type Arguments = (Nature, Arc<AtomicUsize>, mpsc::UnboundedSender<usize>);

    async fn pre_start(
        &self,
        _: ActorRef<ToyMsg>,
        (nature, alive, births): Self::Arguments,
    ) -> Result<Life, ActorProcessingErr> {
        births
            .send(alive.fetch_add(1, Ordering::SeqCst) + 1)
            .unwrap();
        let life = Life {
            nature,
            alive,
            held: Vec::new(),
        };
        match nature {
            Nature::Slow(time) => tokio::time::sleep(time).await,
            Nature::Stillborn => return Err("stillborn".into()),
            Nature::Good | Nature::Deaf | Nature::Clinging(_) | Nature::Unspawnable => {}
        }
        Ok(life)
    }

    async fn handle(
        &self,
        myself: ActorRef<ToyMsg>,
        message: ToyMsg,
        life: &mut Life,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            ToyMsg::Stop if life.nature == Nature::Deaf => {}
            ToyMsg::Stop => myself.stop(None),
            ToyMsg::Panic => panic!("toy panics"),
            ToyMsg::Fail => return Err("toy fails".into()),
            ToyMsg::FailWith(failure) => return Err(ToyError(failure).into()),
            ToyMsg::Hold(port) => life.held.push(port),
        }
        Ok(())
    }
}

/// What the hooks were told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Saw {
    Spawned(Id, Generation),
    Exited(Id, Failure, bool),
    Killed(Id),
    Gone(Id),
    GaveUp(Id),
}

struct ToyHooks<P> {
    spawner: P,
    alive: Arc<AtomicUsize>,
    births: mpsc::UnboundedSender<usize>,
    saw: mpsc::UnboundedSender<Saw>,
}

impl<P> ToyHooks<P> {
    fn saw(&self, what: Saw) {
        drop(self.saw.send(what));
    }
}

impl<P: Spawn> SupervisorHooks for ToyHooks<P> {
    type Id = Id;
    type Spec = Nature;

    fn spawn(
        &mut self,
        id: &Id,
        generation: Generation,
        nature: &Nature,
        _: &Start,
        parent: ActorCell,
    ) -> Result<Spawned, SpawnErr> {
        if *nature == Nature::Unspawnable {
            return Err(SpawnErr::StartupFailed("unspawnable".into()));
        }
        self.saw(Saw::Spawned(id, generation));
        let args = (*nature, self.alive.clone(), self.births.clone());
        Ok(self.spawner.spawn("toy", Toy, args, parent)?.into())
    }

    fn stop(&mut self, _: &Id, cell: &ActorCell) {
        drop(cell.send_message(ToyMsg::Stop));
    }

    fn status_changed(&mut self, id: &Id, status: Option<&Status>) {
        if status.is_none() {
            self.saw(Saw::Gone(id));
        }
    }

    fn exited(&mut self, id: &Id, _: Generation, failure: &Failure, was_asked: bool) {
        self.saw(Saw::Exited(id, failure.clone(), was_asked));
    }

    fn killed(&mut self, id: &Id, _: Generation) {
        self.saw(Saw::Killed(id));
    }

    fn give_up(&mut self, id: &Id, _: &str) {
        self.saw(Saw::GaveUp(id));
    }

    fn failure_of(&self, error: &ActorProcessingErr) -> Option<Failure> {
        Some(error.downcast_ref::<ToyError>()?.0.clone())
    }
}

pub(super) enum BossMsg {
    Tick(Tick<Id>),
    Want(Vec<(Id, Nature)>),
    Permanent(Id, Nature, Option<Id>),
    Ready(Id),
    StopAll,
    /// Blocks the boss's thread for so long.
    Busy(Duration),
    GetCell(Id, RpcReplyPort<Option<(Generation, ActorCell)>>),
    GetStatus(Id, RpcReplyPort<Option<Status>>),
}

struct Boss<P>(P);

impl<P: Spawn> Actor for Boss<P> {
    type Msg = BossMsg;
    type State = Supervisor<ToyHooks<P>>;
    type Arguments = (ToyHooks<P>, Arc<()>);

    async fn pre_start(
        &self,
        myself: ActorRef<BossMsg>,
        (hooks, alive): Self::Arguments,
    ) -> Result<Self::State, ActorProcessingErr> {
        let parent = myself.get_cell();
        let send = move |tick| {
            let _ = &alive;
            drop(myself.cast(BossMsg::Tick(tick)));
        };
        Ok(Supervisor::new(hooks, Settings::default(), parent, send))
    }

    async fn handle(
        &self,
        _: ActorRef<BossMsg>,
        message: BossMsg,
        children: &mut Self::State,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            BossMsg::Tick(tick) => children.on_tick(tick),
            BossMsg::Want(wanted) => {
                let want = |(id, spec)| Want {
                    id,
                    what: Wanted::Run {
                        spec,
                        start_deadline: secs(30),
                        begin: Begin::Now,
                    },
                };
                children.want(wanted.into_iter().map(want).collect(), false);
            }
            BossMsg::Permanent(id, nature, with) => children.add_permanent(id, nature, with),
            BossMsg::Ready(id) => {
                let (generation, _) = children.cell(&id).expect("a live child");
                children.on_ready(id, generation);
            }
            BossMsg::StopAll => children.stop_all_laddered(),
            BossMsg::Busy(time) => block(time),
            BossMsg::GetCell(id, reply) => {
                let cell = children.cell(&id);
                drop(reply.send(cell.map(|(generation, cell)| (generation, cell.clone()))));
            }
            BossMsg::GetStatus(id, reply) => drop(reply.send(children.status(&id))),
        }
        Ok(())
    }

    async fn handle_supervisor_evt(
        &self,
        _: ActorRef<BossMsg>,
        event: SupervisionEvent,
        children: &mut Self::State,
    ) -> Result<(), ActorProcessingErr> {
        children.on_supervision_event(event);
        Ok(())
    }
}

/// A running boss, and what can be seen of it.
pub(super) struct Stage {
    pub(super) boss: ActorRef<BossMsg>,
    pub(super) end: JoinHandle<()>,
    /// Dead as soon as nothing of the supervisor is left, no task and no timer.
    pub(super) alive: std::sync::Weak<()>,
    /// How many children there are, dropping ones included.
    pub(super) children: Arc<AtomicUsize>,
    /// How many there were at each birth.
    pub(super) births: mpsc::UnboundedReceiver<usize>,
    saw: mpsc::UnboundedReceiver<Saw>,
}

impl Stage {
    pub(super) async fn open(spawner: impl Spawn) -> Self {
        let (saw_tx, saw) = mpsc::unbounded_channel();
        let (births_tx, births) = mpsc::unbounded_channel();
        let (children, token) = (Arc::new(AtomicUsize::new(0)), Arc::new(()));
        let alive = Arc::downgrade(&token);
        let hooks = ToyHooks {
            spawner: spawner.clone(),
            alive: children.clone(),
            births: births_tx,
            saw: saw_tx,
        };
        let (boss, end) = Actor::spawn(None, Boss(spawner), (hooks, token))
            .await
            .unwrap();
        Self {
            boss,
            end,
            alive,
            children,
            births,
            saw,
        }
    }

    pub(super) fn tell(&self, message: BossMsg) {
        self.boss.cast(message).unwrap();
    }

    pub(super) fn want(&self, wanted: &[(Id, Nature)]) {
        self.tell(BossMsg::Want(wanted.to_vec()));
    }

    pub(super) async fn status(&self, id: Id) -> Option<Status> {
        call!(self.boss, BossMsg::GetStatus, id).unwrap()
    }

    /// The living instance of a child.
    pub(super) async fn toy(&self, id: Id) -> ActorRef<ToyMsg> {
        let cell = call!(self.boss, BossMsg::GetCell, id).unwrap();
        cell.expect("a live child").1.into()
    }

    /// The next thing that the hooks were told, within two minutes (of a clock that tests pause).
    pub(super) async fn saw(&mut self) -> Saw {
        let saw = timeout(secs(120), self.saw.recv()).await;
        saw.expect("the hooks is told something").unwrap()
    }

    pub(super) async fn sees_spawned(&mut self, id: Id) {
        let saw = self.saw().await;
        assert!(
            matches!(saw, Saw::Spawned(which, _) if which == id),
            "{saw:?}"
        );
    }

    /// Expects an unasked exit and tells its kind.
    pub(super) async fn sees_failed(&mut self, id: Id) -> Failure {
        let saw = self.saw().await;
        if let Saw::Exited(which, failure, false) = &saw
            && *which == id
        {
            return failure.clone();
        }
        panic!("{saw:?}")
    }

    pub(super) async fn sees_stopped(&mut self, id: Id) {
        let saw = self.saw().await;
        assert!(
            matches!(saw, Saw::Exited(which, _, true) if which == id),
            "{saw:?}"
        );
    }

    pub(super) fn saw_nothing_more(&mut self) -> bool {
        self.saw.try_recv().is_err()
    }
}
