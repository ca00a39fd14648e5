//! How the real actors are started in a simulation: each in a wrapper that takes its time before
//! every message, so that across actors any order comes about, and that fails when it is its turn.
//! Between two actors messages keep their order, as they do in the program.

use std::any::Any;
use std::future::pending;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::time::Duration;

use ractor::{
    Actor, ActorCell, ActorProcessingErr, ActorRef, ActorRuntime, Message, SpawnErr,
    SupervisionEvent,
};
use tokio::time::sleep;

use super::child;
use super::world::{Dice, How, World};
use crate::supervise::{Spawn, Started};
use crate::tree::inside::{ConfigArgs, UpstreamArgs};
use crate::tree::{Beat, Frontend, FrontendLinks};
use crate::turn::Kind;

/// The kind of actor that is never struck: what it serves is to stay good.
const GOOD: &str = "good upstream";

/// The spawner.
#[derive(Clone)]
pub(super) struct Stage(pub(super) Arc<World>);

impl Stage {
    /// An actor in its wrapper.
    pub(super) fn wrap<A>(&self, kind: &'static str, name: String, actor: A) -> Hasty<A> {
        self.0.actor_started(kind);
        Hasty {
            actor,
            kind,
            name,
            dice: self.0.dice.fork(),
            world: Arc::clone(&self.0),
        }
    }

    /// Puts a simulated server in the place of the process, and gives what the actor is called.
    fn prepare(&self, kind: &'static str, args: &mut dyn Any) -> (&'static str, String) {
        if let Some(config) = args.downcast_ref::<ConfigArgs>() {
            self.0.set_root(config.root.clone());
        }
        let Some(upstream) = args.downcast_mut::<UpstreamArgs>() else {
            return (kind, kind.to_owned());
        };
        upstream.launch = child::launcher(&self.0, upstream);
        let name = upstream.spec.name.to_string();
        (if super::is_good(&name) { GOOD } else { kind }, name)
    }
}

impl Spawn for Stage {
    fn spawn<A: Actor<Msg: Kind>>(
        &self,
        kind: &'static str,
        actor: A,
        mut args: A::Arguments,
        parent: ActorCell,
    ) -> Result<(ActorRef<A::Msg>, Started), SpawnErr> {
        let (kind, name) = self.prepare(kind, &mut args);
        let actor = self.wrap(kind, name, actor);
        ActorRuntime::spawn_linked_instant(None, actor, args, parent)
    }
}

/// An actor that does what the one in it does, in its own time.
pub(super) struct Hasty<A> {
    actor: A,
    kind: &'static str,
    name: String,
    dice: Dice,
    world: Arc<World>,
}

impl<A> Drop for Hasty<A> {
    fn drop(&mut self) {
        self.world.actor_ended(self.kind);
    }
}

impl<A> Hasty<A> {
    async fn pass<M: Message>(&self, myself: &ActorRef<M>) -> Result<(), ActorProcessingErr> {
        match self.dice.below(16) {
            0..9 => {}
            9..13 => tokio::task::yield_now().await,
            13 | 14 => sleep(self.dice.millis(4)).await,
            _ if self.dice.one_in(16) => sleep(self.dice.millis(200)).await,
            _ => sleep(self.dice.millis(20)).await,
        }
        match self.world.strike(self.kind, &self.name) {
            None => Ok(()),
            // A panic that no hook makes words of.
            Some(How::Panic) => resume_unwind(Box::new("struck")),
            Some(How::Error) => Err("struck".into()),
            Some(How::Kill) => {
                myself.kill();
                pending().await
            }
        }
    }
}

impl<A: Actor> Actor for Hasty<A> {
    type Msg = A::Msg;
    /// None of the config actor, which has no file to watch here.
    type State = Option<A::State>;
    type Arguments = A::Arguments;

    async fn pre_start(
        &self,
        myself: ActorRef<A::Msg>,
        args: A::Arguments,
    ) -> Result<Option<A::State>, ActorProcessingErr> {
        if self.kind == "config" {
            sleep(Duration::from_millis(1) + self.dice.millis(20)).await;
            if let Some(root) = self.world.root() {
                root.configured(Some(self.world.config()), false);
            }
            return Ok(None);
        }
        self.actor.pre_start(myself, args).await.map(Some)
    }

    async fn post_start(
        &self,
        myself: ActorRef<A::Msg>,
        state: &mut Option<A::State>,
    ) -> Result<(), ActorProcessingErr> {
        match state {
            Some(state) => self.actor.post_start(myself, state).await,
            None => Ok(()),
        }
    }

    async fn post_stop(
        &self,
        myself: ActorRef<A::Msg>,
        state: &mut Option<A::State>,
    ) -> Result<(), ActorProcessingErr> {
        match state {
            Some(state) => self.actor.post_stop(myself, state).await,
            None => Ok(()),
        }
    }

    async fn handle(
        &self,
        myself: ActorRef<A::Msg>,
        message: A::Msg,
        state: &mut Option<A::State>,
    ) -> Result<(), ActorProcessingErr> {
        self.pass(&myself).await?;
        match state {
            Some(state) => self.actor.handle(myself, message, state).await,
            None => Ok(()),
        }
    }

    async fn handle_supervisor_evt(
        &self,
        myself: ActorRef<A::Msg>,
        event: SupervisionEvent,
        state: &mut Option<A::State>,
    ) -> Result<(), ActorProcessingErr> {
        self.pass(&myself).await?;
        match state {
            Some(state) => self.actor.handle_supervisor_evt(myself, event, state).await,
            None => Ok(()),
        }
    }
}

/// Hands the sessions over at each start, and serves nothing.
pub(super) struct Door(pub(super) Arc<World>);
/// The listener: it hears nothing.
pub(super) struct Silent;

impl Frontend for Door {
    type Listener = Silent;

    fn listener(&self, links: FrontendLinks) -> (Silent, ()) {
        self.0.set_sessions(links.sessions);
        (Silent, ())
    }

    fn stopping(&self, _: Option<&ActorRef<()>>) {}

    fn beat(_: &ActorRef<()>, _: Beat) {}
}

impl Actor for Silent {
    type Msg = ();
    type State = ();
    type Arguments = ();

    async fn pre_start(&self, _: ActorRef<()>, (): ()) -> Result<(), ActorProcessingErr> {
        Ok(())
    }
}

impl Kind for () {}
