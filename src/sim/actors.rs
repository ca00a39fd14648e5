//! How the real actors are started in a simulation: each in a wrapper that takes its time before
//! every message, so that across actors any order comes about, and that fails when it is its turn.
//! Between two actors messages keep their order, as they do in the program.

use std::any::Any;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use ractor::{Actor, ActorCell, ActorId, ActorProcessingErr, ActorRef, ActorRuntime, SpawnErr};
use tokio::time::sleep;

use super::child;
use super::world::{Dice, World};
use crate::supervise::{Fault, FaultPlan, Faulty, Moment, Spawn, Started};
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
    pub(super) fn wrap<A>(&self, kind: &'static str, name: String, actor: A) -> Faulty<A, Fate> {
        self.0.actor_started(kind);
        let fate = Fate {
            kind,
            name,
            dice: self.0.dice.fork(),
            world: Arc::clone(&self.0),
        };
        Faulty::new(actor, fate)
    }

    /// Puts a simulated server in the place of the process, and gives what the actor is called.
    fn prepare(&self, kind: &'static str, args: &mut dyn Any) -> (&'static str, String) {
        if let Some(config) = args.downcast_ref::<ConfigArgs>() {
            self.0.set_root(Arc::clone(&config.root));
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
        if kind == "config" {
            let stand_in = StandIn {
                world: Arc::clone(&self.0),
                dice: self.0.dice.fork(),
                of: PhantomData::<fn() -> A>,
            };
            let actor = self.wrap(kind, name, stand_in);
            return ActorRuntime::spawn_linked_instant(None, actor, args, parent);
        }
        let actor = self.wrap(kind, name, actor);
        ActorRuntime::spawn_linked_instant(None, actor, args, parent)
    }
}

/// An actor takes its time before every message and event, and fails there when it is its turn.
pub(super) struct Fate {
    kind: &'static str,
    name: String,
    dice: Dice,
    world: Arc<World>,
}

impl Drop for Fate {
    fn drop(&mut self) {
        self.world.actor_ended(self.kind);
    }
}

impl FaultPlan for Fate {
    async fn fault(&self, _: ActorId, moment: Moment) -> Option<Fault> {
        if !matches!(moment, Moment::Message | Moment::Event) {
            return None;
        }
        match self.dice.below(16) {
            0..9 => {}
            9..13 => tokio::task::yield_now().await,
            13 | 14 => sleep(self.dice.millis(4)).await,
            _ if self.dice.one_in(16) => sleep(self.dice.millis(200)).await,
            _ => sleep(self.dice.millis(20)).await,
        }
        self.world.strike(self.kind, &self.name)
    }
}

/// In the place of the config actor, which has no file to watch here: it says what the director wrote.
struct StandIn<A> {
    world: Arc<World>,
    dice: Dice,
    of: PhantomData<fn() -> A>,
}

impl<A: Actor> Actor for StandIn<A> {
    type Msg = A::Msg;
    type State = ();
    type Arguments = A::Arguments;

    async fn pre_start(
        &self,
        _: ActorRef<A::Msg>,
        _: A::Arguments,
    ) -> Result<(), ActorProcessingErr> {
        sleep(Duration::from_millis(1) + self.dice.millis(20)).await;
        if let Some(root) = self.world.root() {
            root.configured(Some(self.world.config()), false);
        }
        Ok(())
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

    fn let_go(&self, _: Option<&ActorRef<()>>) {}

    fn has_successor(&self) -> bool {
        false
    }

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
