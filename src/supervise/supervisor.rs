//! Carries the decisions out on ractor. A `Supervisor` is a plain struct that an actor keeps in
//! its state: the actor passes it its supervision events and the ticks it gets back as messages,
//! the `SupervisorHooks` knows how to start, stop and talk about its children. Nothing in here waits.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use ractor::{ActorCell, ActorProcessingErr, SpawnErr, SupervisionEvent};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{Instant, sleep};

use super::backoff::Ladder;
use super::child::{Failure, FailureKind, Start, Status};
use super::decide::{Children, Settings};
use super::event::{ChildTimer, Effect, Event};
use super::hooks::SupervisorHooks;
use super::spawn::{Spawned, Started};
use super::wanted::{Diff, Want};
use crate::ids::Generation;

/// Something that the embedding actor gets as a message and hands on to
/// [`Supervisor::on_tick`], unread.
#[derive(Debug)]
pub struct Tick<K> {
    id: K,
    generation: Generation,
    what: TickKind,
}

#[derive(Debug)]
enum TickKind {
    Elapsed(ChildTimer),
    /// The instance and its state are gone. The error, if it did not even start.
    Gone(Option<SpawnErr>),
}

/// The children of one actor.
pub struct Supervisor<H: SupervisorHooks> {
    children: Children<H::Id, H::Spec>,
    hooks: H,
    parent: ActorCell,
    send: Arc<dyn Fn(Tick<H::Id>) + Send + Sync>,
    live: BTreeMap<H::Id, Live>,
    /// Timers and the watches over instances. Aborted with this struct, so with its actor.
    tasks: JoinSet<()>,
}

/// The living instance of a name.
struct Live {
    generation: Generation,
    cell: ActorCell,
    /// What ractor said about its end, once it has.
    end: Option<Failure>,
    /// Its timers, which are of no use after it: many short lives must not leave many behind.
    timers: Vec<AbortHandle>,
}

impl Drop for Live {
    fn drop(&mut self) {
        self.timers.iter().for_each(AbortHandle::abort);
    }
}

impl<H: SupervisorHooks> Supervisor<H> {
    /// No children yet. `parent` is the embedding actor; `send` gives it a message that carries
    /// the tick, and must not wait.
    pub fn new(
        hooks: H,
        settings: Settings,
        parent: ActorCell,
        send: impl Fn(Tick<H::Id>) + Send + Sync + 'static,
    ) -> Self {
        Self {
            children: Children::new(settings, fastrand::u64(..)),
            hooks,
            parent,
            send: Arc::new(send),
            live: BTreeMap::new(),
            tasks: JoinSet::new(),
        }
    }

    /// Adds a permanent child and starts it: [`Children::add_permanent`].
    pub fn add_permanent(&mut self, id: H::Id, spec: H::Spec, restarted_with: Option<H::Id>) {
        self.decide(|children| children.add_permanent(id, spec, restarted_with));
    }

    /// Makes `wanted` the full set of laddered children: [`Children::want`].
    pub fn want(&mut self, wanted: Vec<Want<H::Id, H::Spec>>, retry: bool) -> Diff<H::Id, H::Spec> {
        let (diff, effects) = self.children.want(wanted, retry);
        self.carry_out(effects);
        diff
    }

    /// Changes the delays of laddered children and the time that any has to stop, for what is
    /// decided from now on: [`Children::set_pace`].
    pub fn set_pace(&mut self, ladder: Ladder, stop_within: Duration) {
        self.children.set_pace(ladder, stop_within);
    }

    /// Sees to it that there is this laddered child beside those: [`Children::add`].
    pub fn add(&mut self, id: H::Id, spec: H::Spec, start_deadline: Duration) {
        self.decide(|children| children.add(id, spec, start_deadline));
    }

    /// Stops a child that was added, for good: [`Children::remove`].
    pub fn remove(&mut self, id: &H::Id) {
        self.decide(|children| children.remove(id));
    }

    /// Carries out what is decided of the children: that one sleeps, or is woken.
    pub fn decide(
        &mut self,
        how: impl FnOnce(&mut Children<H::Id, H::Spec>) -> Vec<Effect<H::Id, H::Spec>>,
    ) {
        let effects = how(&mut self.children);
        self.carry_out(effects);
    }

    /// Has a laddered child started afresh, and says whether there is one: [`Children::restart`].
    pub fn restart(&mut self, id: &H::Id) -> bool {
        let effects = self.children.restart(id);
        let is_there = effects.is_some();
        self.carry_out(effects.unwrap_or_default());
        is_there
    }

    /// To be called with every event that the embedding actor's `handle_supervisor_evt` gets.
    /// The state that a terminated actor leaves behind is dropped here, at once: it holds reply
    /// ports and processes that nobody else lets go of.
    pub fn on_supervision_event(&mut self, event: SupervisionEvent) {
        let (cell, end) = match event {
            SupervisionEvent::ActorStarted(cell) => return self.on_started(&cell),
            SupervisionEvent::ActorTerminated(cell, state, reason) => {
                drop(state);
                (cell, terminated(reason.as_deref()))
            }
            SupervisionEvent::ActorFailed(cell, error) => {
                (cell, self.failure(&error, Failure::of_fault))
            }
            SupervisionEvent::ProcessGroupChanged(_) => return,
        };
        // Not gone yet: ractor reports a failure before it drops the actor's state. The watch
        // over the instance says when that has happened, and then it may have a successor.
        let is_it = |live: &&mut Live| live.cell.get_id() == cell.get_id();
        if let Some(live) = self.live.values_mut().find(is_it) {
            live.end = Some(end);
        }
    }

    /// To be called with every tick.
    pub fn on_tick(&mut self, tick: Tick<H::Id>) {
        let (id, generation) = (tick.id, tick.generation);
        match tick.what {
            TickKind::Elapsed(timer) => self.on(Event::TimerElapsed {
                id,
                generation,
                timer,
            }),
            TickKind::Gone(error) => self.on_gone(id, generation, error),
        }
    }

    /// A child got through the costly part of its start.
    pub fn on_initialised(&mut self, id: H::Id, generation: Generation) {
        self.on(Event::Initialised { id, generation });
    }

    /// A child is at work.
    pub fn on_ready(&mut self, id: H::Id, generation: Generation) {
        self.on(Event::Ready { id, generation });
    }

    /// From now on nothing is started; who is asked to stop has `within`: [`Children::shut_down`].
    pub fn shut_down(&mut self, within: Duration) {
        self.decide(|children| children.shut_down(within));
    }

    /// Asks all laddered children to stop, for good: [`Children::stop_all_laddered`].
    pub fn stop_all_laddered(&mut self) {
        self.decide(Children::stop_all_laddered);
    }

    /// Asks one child to stop, for good: [`Children::stop_child`].
    pub fn stop_child(&mut self, id: &H::Id) {
        self.decide(|children| children.stop_child(id));
    }

    /// The decisions' own books, to read.
    pub fn children(&self) -> &Children<H::Id, H::Spec> {
        &self.children
    }

    /// Where a child is: [`Children::status`].
    pub fn status(&self, id: &H::Id) -> Option<Status> {
        self.children.status(id)
    }

    /// The hooks.
    pub fn hooks(&self) -> &H {
        &self.hooks
    }

    /// The hooks, to change.
    pub fn hooks_mut(&mut self) -> &mut H {
        &mut self.hooks
    }

    /// The living instance of a name.
    pub fn cell(&self, id: &H::Id) -> Option<(Generation, &ActorCell)> {
        let live = self.live.get(id)?;
        Some((live.generation, &live.cell))
    }

    fn on(&mut self, event: Event<H::Id>) {
        let effects = self.children.on(Instant::now(), event);
        self.carry_out(effects);
    }

    /// A permanent child is ready when it runs; a laddered one when it says so.
    fn on_started(&mut self, cell: &ActorCell) {
        let is_it = |(_, live): &(&H::Id, &Live)| live.cell.get_id() == cell.get_id();
        let found = self.live.iter().find(is_it);
        if let Some((id, generation)) = found.map(|(id, live)| (id.clone(), live.generation))
            && self.children.is_permanent(&id)
        {
            self.on(Event::Ready { id, generation });
        }
    }

    fn on_gone(&mut self, id: H::Id, generation: Generation, error: Option<SpawnErr>) {
        if self.live.get(&id).map(|live| live.generation) != Some(generation) {
            return;
        }
        let end = self.live.remove(&id).and_then(|mut live| live.end.take());
        let failure = match error {
            Some(error) => self.start_failure(&error),
            None => end.unwrap_or_else(|| terminated(None)),
        };
        let event = self.exit(id, generation, failure);
        self.on(event);
    }

    /// Tells the hooks of an end and makes it an event.
    fn exit(&mut self, id: H::Id, generation: Generation, failure: Failure) -> Event<H::Id> {
        let was_asked = matches!(self.children.status(&id), Some(Status::Stopping { .. }));
        self.hooks.exited(&id, generation, &failure, was_asked);
        Event::Exited {
            id,
            generation,
            failure,
        }
    }

    /// Carries effects out in their order. A child that cannot even be spawned is an event of
    /// its own, whose effects come after these.
    fn carry_out(&mut self, effects: Vec<Effect<H::Id, H::Spec>>) {
        let mut queue = VecDeque::from(effects);
        while let Some(effect) = queue.pop_front() {
            if let Some(event) = self.execute(effect) {
                queue.extend(self.children.on(Instant::now(), event));
            }
        }
    }

    fn execute(&mut self, effect: Effect<H::Id, H::Spec>) -> Option<Event<H::Id>> {
        match effect {
            Effect::Spawn {
                id,
                generation,
                spec,
                start,
            } => return self.spawn(id, generation, &spec, &start),
            Effect::Stop { id, generation } => {
                if let Some(live) = self.live.get(&id).filter(|l| l.generation == generation) {
                    self.hooks.stop(&id, &live.cell);
                }
            }
            Effect::Kill { id, generation } => {
                if let Some(live) = self.live.get(&id).filter(|l| l.generation == generation) {
                    self.hooks.killed(&id, generation);
                    live.cell.kill();
                }
            }
            Effect::Arm {
                id,
                generation,
                timer,
                after,
            } => self.arm(&id, generation, timer, after),
            Effect::StatusChanged { id } => {
                let status = self.children.status(&id);
                self.hooks.status_changed(&id, status.as_ref());
            }
            Effect::Removed { id } => self.hooks.status_changed(&id, None),
            Effect::GiveUp { id, reason } => self.hooks.give_up(&id, &reason),
        }
        None
    }

    fn spawn(
        &mut self,
        id: H::Id,
        generation: Generation,
        spec: &H::Spec,
        start: &Start,
    ) -> Option<Event<H::Id>> {
        let parent = self.parent.clone();
        match self.hooks.spawn(&id, generation, spec, start, parent) {
            Ok(Spawned { cell, started }) => {
                let live = Live {
                    generation,
                    cell,
                    end: None,
                    timers: Vec::new(),
                };
                self.live.insert(id.clone(), live);
                self.watch(id, generation, started);
                None
            }
            Err(error) => {
                let failure = self.start_failure(&error);
                Some(self.exit(id, generation, failure))
            }
        }
    }

    /// Waits, in a task, until an instance is gone.
    fn watch(&mut self, id: H::Id, generation: Generation, started: Started) {
        let send = Arc::clone(&self.send);
        self.run(async move {
            let error = match started.await {
                Ok(Ok(running)) => {
                    // How it ended is in ractor's supervision event; this says only when.
                    drop(running.await);
                    None
                }
                Ok(Err(error)) => Some(error),
                Err(cut_short) => Some(SpawnErr::StartupFailed(Box::new(cut_short))),
            };
            send(Tick {
                id,
                generation,
                what: TickKind::Gone(error),
            });
        });
    }

    fn arm(&mut self, id: &H::Id, generation: Generation, timer: ChildTimer, after: Duration) {
        let send = Arc::clone(&self.send);
        let tick = Tick {
            id: id.clone(),
            generation,
            what: TickKind::Elapsed(timer),
        };
        let task = self.run(async move {
            sleep(after).await;
            send(tick);
        });
        if let Some(live) = self.live.get_mut(id)
            && live.generation == generation
        {
            live.timers.push(task);
        }
    }

    /// Starts a task of this supervisor and lets go of those that are done.
    fn run(&mut self, task: impl Future<Output = ()> + Send + 'static) -> AbortHandle {
        while self.tasks.try_join_next().is_some() {}
        self.tasks.spawn(task)
    }

    fn start_failure(&self, error: &SpawnErr) -> Failure {
        match error {
            SpawnErr::StartupFailed(error) => self.failure(error, Failure::of_start),
            SpawnErr::ActorAlreadyStarted | SpawnErr::ActorAlreadyRegistered(_) => {
                Failure::of_start(error.to_string())
            }
        }
    }

    fn failure(&self, error: &ActorProcessingErr, otherwise: fn(String) -> Failure) -> Failure {
        let known = self.hooks.failure_of(error);
        known.unwrap_or_else(|| otherwise(error.to_string()))
    }
}

/// What ractor calls terminated: a stop, asked for or not, and a kill, which it reports the same.
fn terminated(reason: Option<&str>) -> Failure {
    match reason {
        Some("killed") => Failure::new(FailureKind::Killed, "was killed by the gateway"),
        Some("actor_task_cancelled") => {
            Failure::new(FailureKind::Killed, "was cancelled by the gateway")
        }
        Some(reason) => Failure::new(FailureKind::Exited, "stopped").because(reason),
        None => Failure::new(FailureKind::Exited, "stopped"),
    }
}
