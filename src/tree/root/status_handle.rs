//! How others ask root how the tree is.

use std::time::Duration;

use ractor::rpc::CallResult;
use ractor::{ActorRef, RpcReplyPort};

use super::RootMsg;
use super::status::{Sampler, ServerDetail, ServerTools, TreeStatus};
use crate::ids::ServerName;
use crate::tree::call::CallError;

/// Root never waits; if its answer takes this long, something is very wrong.
pub(super) const ANSWER: Duration = Duration::from_secs(1);

/// Asks root.
#[derive(Clone, Debug)]
pub struct StatusHandle {
    root: ActorRef<RootMsg>,
    sampler: Option<Sampler>,
}

impl StatusHandle {
    pub(in crate::tree) fn new(root: ActorRef<RootMsg>) -> Self {
        let sampler = None;
        Self { root, sampler }
    }

    /// Who asks wants to know of the servers' processes, too.
    pub(super) fn with(self, sampler: Sampler) -> Self {
        let sampler = Some(sampler);
        Self { sampler, ..self }
    }

    /// Has what the metrics say of the servers' processes be of now, or of a moment ago.
    pub async fn look_at_processes(&self) {
        if let Some(sampler) = &self.sampler {
            sampler.look().await;
        }
    }

    /// The tree as it is now.
    ///
    /// Errors: `Timeout` if root is stuck, `Gone`.
    pub async fn get(&self) -> Result<TreeStatus, CallError> {
        self.look_at_processes().await;
        self.ask(|reply| RootMsg::GetStatus { reply }).await
    }

    /// One server; `None` if it is unknown.
    ///
    /// Errors: as [`Self::get`].
    pub async fn server(&self, server: ServerName) -> Result<Option<ServerDetail>, CallError> {
        self.look_at_processes().await;
        self.ask(|reply| RootMsg::GetServer { server, reply }).await
    }

    /// The tools of all servers.
    ///
    /// Errors: as [`Self::get`].
    pub async fn tools(&self) -> Result<Vec<ServerTools>, CallError> {
        self.ask(|reply| RootMsg::GetTools { reply }).await
    }

    async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(RpcReplyPort<T>) -> RootMsg,
    ) -> Result<T, CallError> {
        ask(&self.root, ANSWER, question).await
    }
}

/// Asks root, and waits for its answer for so long.
pub(super) async fn ask<T: Send + 'static>(
    root: &ActorRef<RootMsg>,
    within: Duration,
    question: impl FnOnce(RpcReplyPort<T>) -> RootMsg,
) -> Result<T, CallError> {
    match root.call(question, Some(within)).await {
        Ok(CallResult::Success(answer)) => Ok(answer),
        Ok(CallResult::Timeout) => Err(CallError::Timeout),
        Ok(CallResult::SenderError) | Err(_) => Err(CallError::Gone),
    }
}
