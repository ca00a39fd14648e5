//! The actor: one process from its spawn to its end. Dispatch only.

use std::fmt;
use std::sync::Arc;

use ractor::{Actor, ActorProcessingErr, ActorRef};

use super::launch::Launch;
use super::message::UpstreamMsg;
use super::parent::UpstreamParent;
use super::past::Past;
use super::state::{Outcome, UpstreamState};
use crate::config::model::{Limits, ServerSpec};
use crate::ids::Generation;
use crate::process::Groups;
use crate::supervise::{Failure, Ladder, Start};
use crate::telemetry::metrics::ServerMetrics;
use crate::tree::client::InstanceOwner;
use crate::tree::history::ServerHistory;
use crate::tree::registry::RegistryHandle;
use crate::tree::{Quota, beside};

/// One generation of one server.
pub(crate) struct Upstream;

/// What an upstream is started with.
pub(crate) struct UpstreamArgs {
    /// What to run.
    pub spec: Arc<ServerSpec>,
    /// Which life this is.
    pub generation: Generation,
    /// Room for calls; shared with all handles of this generation.
    pub permits: Quota,
    /// The start deadline, and how many failures came before.
    pub start: Start,
    /// When it would be tried again.
    pub ladder: Ladder,
    /// The session it belongs to, if it does: who is told what it offers, in place of the
    /// registry, and asked what it asks.
    pub owner: Option<InstanceOwner>,
    /// Who is told that it is ready.
    pub root: Arc<dyn UpstreamParent>,
    /// Who is told what it offers.
    pub registry: RegistryHandle,
    /// Where its process group is kept.
    pub groups: Groups,
    /// The limits as they are at its start.
    pub limits: Arc<Limits>,
    /// Where it counts.
    pub metrics: Arc<ServerMetrics>,
    /// What its former lives taught.
    pub past: Arc<Past>,
    /// Where it is kept what it says and how it ends.
    pub history: Arc<ServerHistory>,
    /// How its process is started.
    pub launch: Launch,
}

/// How a generation ended, for its supervisor.
#[derive(Debug, Clone)]
pub(crate) struct UpstreamExit(pub Failure);

impl fmt::Display for UpstreamExit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for UpstreamExit {}

impl Actor for Upstream {
    type Msg = UpstreamMsg;
    type State = UpstreamState;
    type Arguments = UpstreamArgs;

    async fn pre_start(
        &self,
        myself: ActorRef<UpstreamMsg>,
        args: UpstreamArgs,
    ) -> Result<UpstreamState, ActorProcessingErr> {
        myself.cast(UpstreamMsg::Start)?;
        Ok(UpstreamState::new(myself, args))
    }

    async fn handle(
        &self,
        _: ActorRef<UpstreamMsg>,
        message: UpstreamMsg,
        state: &mut UpstreamState,
    ) -> Outcome {
        match message {
            UpstreamMsg::Start => {
                state.on_start();
                Ok(())
            }
            UpstreamMsg::Launched(launched) => state.on_launched(launched),
            UpstreamMsg::Output(heard) => state.on_heard(heard),
            UpstreamMsg::Call(reply_token) => {
                let size = reply_token
                    .routed()
                    .map_or(0, |routed| routed.request.size());
                beside(size, || state.on_call(reply_token));
                Ok(())
            }
            UpstreamMsg::Cancel { call, params } => {
                state.on_cancel(call, params.as_ref());
                Ok(())
            }
            UpstreamMsg::Answered(response) => {
                state.on_answered(&response);
                Ok(())
            }
            UpstreamMsg::Notify(line) => {
                state.on_notify(line);
                Ok(())
            }
            UpstreamMsg::Extend => {
                state.on_extend();
                Ok(())
            }
            UpstreamMsg::Interested {
                session,
                client,
                interest,
            } => state.on_interested(session, client, interest),
            UpstreamMsg::Wanted(list) => state.on_wanted(list),
            UpstreamMsg::Hello(registry) => {
                state.on_hello(registry);
                Ok(())
            }
            UpstreamMsg::Remember(lessons) => state.on_remember(lessons),
            UpstreamMsg::IdleTimeout(time) => {
                state.on_idle_timeout(time);
                Ok(())
            }
            UpstreamMsg::Stop { drain } => {
                state.on_stop(drain);
                Ok(())
            }
            UpstreamMsg::TimerElapsed(timer) => state.on_timer(timer),
            UpstreamMsg::Stopped(report) => {
                state.on_stopped(&report);
                Ok(())
            }
        }
    }
}
