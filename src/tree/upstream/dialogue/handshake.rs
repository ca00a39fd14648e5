//! How it begins: with `initialize`, or, if the server knows no handshake, with `server/discover`;
//! and what comes of the answer. A process keeps to one of the two for ever.

use bytes::Bytes;
use tokio::time::Instant;

use super::super::calls::HELLO_ID;
use super::super::lists::Step;
use super::{Dialogue, Effect, LIST_LAG, Phase, writes};
use crate::config::model::Protocol;
use crate::protocol::Era;
use crate::protocol::jsonrpc;
use crate::protocol::mcp::item::Kind;
use crate::protocol::mcp::lifecycle::ServerInfo;
use crate::protocol::mcp::{lifecycle, method};
use crate::protocol::modern::discover;
use crate::protocol::version::MODERN;
use crate::supervise::{Failure, FailureKind};

/// What is said first.
#[derive(Debug)]
pub(super) struct Hello {
    /// What the entry says.
    protocol: Protocol,
    /// The id of the last one; none before the first.
    id: Option<u64>,
    /// The revision in the last `initialize`.
    revision: &'static str,
    /// Whether a refusal was answered with another `initialize`.
    is_second: bool,
    /// Whether the process was asked for a handshake at all.
    has_shaken: bool,
}

impl Hello {
    pub(super) fn new(protocol: Protocol, revision: &'static str) -> Self {
        Self {
            protocol,
            id: None,
            revision,
            is_second: false,
            has_shaken: false,
        }
    }
}

impl Dialogue {
    /// What the server has not done yet, for the message when its start runs out of time.
    pub(in super::super) fn waits_for(&self) -> String {
        match self.phase {
            Phase::Opening => {
                let framing = self.malformed.framing();
                let why = framing.map_or_else(String::new, |framing| format!("; {framing}"));
                let configured = self.as_configured();
                format!("it did not answer '{}'{why}{configured}", self.opening())
            }
            Phase::Listing(_) => {
                let missing: Vec<&str> = self.lists.awaited().map(Kind::method).collect();
                format!("it did not answer '{}'", missing.join("', '"))
            }
            Phase::Ready => "nothing is missing".to_owned(),
        }
    }

    /// What of the entry a server may have to be asked in another way for.
    fn as_configured(&self) -> &'static str {
        match self.hello.protocol {
            Protocol::Auto => "",
            Protocol::Legacy => r#"; its entry has "protocol": "legacy""#,
            Protocol::Modern => r#"; its entry has "protocol": "modern""#,
        }
    }

    /// The line that begins it, as the entry says or former lives teach.
    pub(in super::super) fn begin(&mut self) -> Bytes {
        let era = match self.hello.protocol {
            Protocol::Auto => self.past.era(),
            Protocol::Legacy => Era::Legacy,
            Protocol::Modern => Era::Modern,
        };
        self.say_hello(era)
    }

    /// `initialize`, in the latest revision or in the one that a refusal named; or `server/discover`.
    fn say_hello(&mut self, era: Era) -> Bytes {
        let extensions = self.server_requests.extensions();
        let roots = self.server_requests.roots();
        self.calls.speak(era, roots, extensions.clone());
        let id = self.hello.id.map_or(HELLO_ID, |_| self.calls.take_id());
        self.hello.id = Some(id);
        match era {
            Era::Legacy => {
                self.hello.has_shaken = true;
                let capabilities = self.server_requests.capabilities();
                let capabilities = capabilities.to_json_with(&extensions);
                let params = lifecycle::initialize_params(self.hello.revision, &capabilities);
                self.calls.own_as(id, method::INITIALIZE, Some(&params))
            }
            Era::Modern => self.calls.own_as(id, method::DISCOVER, None),
        }
    }

    /// Whether `id` is what the server has to answer first.
    pub(super) fn is_hello(&self, id: u64) -> bool {
        self.hello.id == Some(id) && self.phase == Phase::Opening
    }

    /// What it was asked first.
    pub(super) fn opening(&self) -> &'static str {
        match self.calls.era() {
            Era::Legacy => method::INITIALIZE,
            Era::Modern => method::DISCOVER,
        }
    }

    pub(super) fn on_hello(&mut self, now: Instant, outcome: &Result<Bytes, Bytes>) -> Vec<Effect> {
        let era = self.calls.era();
        let read = match (era, outcome) {
            (Era::Legacy, Ok(result)) => lifecycle::server_info(result),
            (Era::Modern, Ok(result)) => discover::server_info(result),
            (Era::Legacy, Err(error)) => return vec![self.on_refused(error)],
            (Era::Modern, Err(error)) => Err(format!(
                "it refused '{}': {} (asked in revision {MODERN}{})",
                method::DISCOVER,
                self.label.excerpt(error),
                self.as_configured()
            )),
        };
        let info = match read {
            Ok(info) => info,
            Err(why) => return vec![failed(&why)],
        };
        self.past.learn_era(era);
        self.on_info(now, era, info)
    }

    fn on_info(&mut self, now: Instant, era: Era, info: ServerInfo) -> Vec<Effect> {
        let changes = info.changes;
        self.lists.declare(era, info);
        self.subscribers.declare(self.lists.abilities());
        self.phase = Phase::Listing(now + LIST_LAG);
        let first = match era {
            Era::Legacy => Some(jsonrpc::notification(method::INITIALIZED, None)),
            // Before the lists are asked for, so that no change of them is missed.
            Era::Modern => self.subscribers.listen(now, changes, &mut self.calls),
        };
        let mut effects = writes(first);
        effects.push(Effect::Initialized);
        let lines = self.lists.ask_all(now, &mut self.calls);
        let is_news = false;
        effects.extend(self.listed(now, Step { lines, is_news }));
        effects
    }

    /// A server may refuse a revision that is too new for it, where it should have answered with
    /// its own. Its next life is asked rightly at once: some end with their refusal. One that knows no
    /// handshake is asked without it.
    fn on_refused(&mut self, error: &Bytes) -> Effect {
        let asked = self.hello.revision;
        let is_first = !self.hello.is_second;
        let named = lifecycle::supported(error, asked);
        named.inspect(|named| self.past.learn_revision(named));
        let label = &self.label;
        if let Some(named) = named.filter(|_| is_first) {
            log::info!(server = label.server(); "Server {label} refused revision {asked}; it is asked for {named}");
            self.hello.is_second = true;
            self.hello.revision = named;
            return Effect::Write(self.say_hello(Era::Legacy));
        }
        let is_free = self.hello.protocol != Protocol::Legacy;
        if is_free && discover::refuses_handshakes(error) {
            log::info!(server = label.server(); "Server {label} knows no handshake; it is asked without one, in revision {MODERN}");
            self.past.learn_era(Era::Modern);
            return Effect::Write(self.say_hello(Era::Modern));
        }
        failed(&format!(
            "it refused 'initialize': {} (asked for revision {asked}{})",
            self.label.excerpt(error),
            self.as_configured()
        ))
    }

    /// It ends before it was answered: what former lives taught of how to begin holds no more. What
    /// this life taught does.
    pub(in super::super) fn note_end(&self) {
        let is_opening = self.phase == Phase::Opening && self.hello.id.is_some();
        let is_recalled = !self.hello.has_shaken && self.hello.protocol == Protocol::Auto;
        if is_opening && is_recalled {
            self.past.learn_era(Era::Legacy);
        }
    }
}

pub(super) fn failed(why: &str) -> Effect {
    Effect::Broken(Failure::new(FailureKind::Exited, "failed the handshake").because(why))
}
