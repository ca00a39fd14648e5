//! The handshake: what the gateway says first, and what comes of the answer.

use bytes::Bytes;
use tokio::time::Instant;

use super::super::calls::INITIALIZE_ID;
use super::super::lists::Step;
use super::super::malformed::excerpt;
use super::{Dialogue, Effect, LIST_LAG, Phase};
use crate::protocol::jsonrpc;
use crate::protocol::mcp::{lifecycle, method};
use crate::supervise::{Failure, FailureKind};

impl Dialogue {
    /// `initialize`, in the latest revision or in the one that a refusal named.
    pub(super) fn hello(&self) -> Bytes {
        let capabilities = self.server_requests.capabilities().to_json();
        let params = lifecycle::initialize_params(self.revision, &capabilities);
        jsonrpc::request(self.hello_id, method::INITIALIZE, Some(&params))
    }

    pub(super) fn on_initialized(
        &mut self,
        now: Instant,
        outcome: Result<Bytes, Bytes>,
    ) -> Vec<Effect> {
        let result = match outcome {
            Ok(result) => result,
            Err(error) => return vec![self.on_refused(&error)],
        };
        let info = match lifecycle::server_info(&result) {
            Ok(info) => info,
            Err(why) => return vec![failed(&why)],
        };
        self.lists.declare(info);
        self.audience.declare(self.lists.abilities());
        self.phase = Phase::Listing(now + LIST_LAG);
        let initialized = jsonrpc::notification(method::INITIALIZED, None);
        let mut effects = vec![Effect::Write(initialized), Effect::Initialized];
        let lines = self.lists.ask_all(now, &mut self.calls);
        let is_news = false;
        effects.extend(self.listed(now, Step { lines, is_news }));
        effects
    }

    /// A server may refuse a revision that is too new for it, where it should have answered with
    /// its own. Its next life is asked rightly at once: some end with their refusal.
    fn on_refused(&mut self, error: &Bytes) -> Effect {
        let asked = self.revision;
        let is_first = self.hello_id == INITIALIZE_ID;
        let named = lifecycle::supported(error, asked);
        named.inspect(|named| self.past.learn_revision(named));
        if let Some(named) = named.filter(|_| is_first) {
            let who = &self.who;
            log::info!(server = who.server(); "Server {who} refused revision {asked}; it is asked for {named}");
            self.hello_id = self.calls.take_id();
            self.revision = named;
            return Effect::Write(self.hello());
        }
        failed(&format!(
            "it refused 'initialize': {} (asked for revision {asked})",
            excerpt(error)
        ))
    }
}

pub(super) fn failed(why: &str) -> Effect {
    Effect::Broken(Failure::new(FailureKind::Exited, "failed the handshake").because(why))
}
