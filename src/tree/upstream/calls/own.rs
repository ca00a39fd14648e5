//! The gateway's own requests, and what of the calls others have to know.

use std::sync::Arc;

use bytes::Bytes;
use tokio::time::Instant;

use super::{Calls, InFlight, Pending};
use crate::ids::CallId;
use crate::protocol::Era;
use crate::protocol::jsonrpc;
use crate::protocol::mcp::logging::Level;
use crate::protocol::modern::asker::Asker;
use crate::protocol::modern::extensions::Extensions;
use crate::tree::client::SessionSink;

/// The id of the first request, which begins it; calls come after it.
pub(in super::super) const HELLO_ID: u64 = 0;

/// Whose request asks for the log, and from which level on.
pub(in super::super) type Logger<'a> = (Level, &'a Arc<dyn SessionSink>);

/// Several requests in flight ask for the log.
#[derive(Debug)]
pub(in super::super) struct Several;

impl Calls {
    /// The server is of that era; `roots` is the answer to its `roots/list`, if its entry has one. It
    /// is told that these `extensions` are known.
    pub(in super::super) fn speak(
        &mut self,
        era: Era,
        roots: Option<Bytes>,
        extensions: Extensions,
    ) {
        self.era = era;
        self.extensions = extensions;
        self.roots = roots.filter(|_| era == Era::Modern);
    }

    /// The server's era.
    pub(in super::super) fn era(&self) -> Era {
        self.era
    }

    /// An id for a request of the gateway's own.
    pub(in super::super) fn take_id(&mut self) -> u64 {
        let id = self.next_id;
        self.next_id += 1;
        id
    }

    /// A request of the gateway's own, as servers of this era take it, and its id.
    pub(in super::super) fn own(&mut self, method: &str, params: Option<&[u8]>) -> (u64, Bytes) {
        let id = self.take_id();
        (id, self.own_as(id, method, params))
    }

    /// The same of one that may be about tasks: a server has to be told that they are known here.
    pub(in super::super) fn own_about(
        &mut self,
        has_tasks: bool,
        method: &str,
        params: &[u8],
    ) -> (u64, Bytes) {
        if !has_tasks {
            return self.own(method, Some(params));
        }
        let asker = Asker {
            extensions: self.extensions.with_tasks(),
            ..Asker::default()
        };
        let id = self.take_id();
        (
            id,
            jsonrpc::request(id, method, Some(&asker.params(Some(params)))),
        )
    }

    /// The same under an id that is taken already.
    pub(in super::super) fn own_as(&self, id: u64, method: &str, params: Option<&[u8]>) -> Bytes {
        match self.era {
            Era::Legacy => jsonrpc::request(id, method, params),
            Era::Modern => {
                let asker = Asker {
                    extensions: self.extensions.clone(),
                    ..Asker::default()
                };
                let params = asker.params(params);
                jsonrpc::request(id, method, Some(&params))
            }
        }
    }

    /// When something that is asked `now` has taken too long.
    pub(in super::super) fn deadline(&self, now: Instant) -> Instant {
        now + self.call_timeout
    }

    /// Whose `call` is, as long as its answer is awaited.
    pub(in super::super) fn client_of(&self, call: CallId) -> Option<&Arc<dyn SessionSink>> {
        let Some(Pending::Call(call)) = self.pending.get(self.ids.get(&call)?) else {
            return None;
        };
        Some(call.reply_token.client())
    }

    fn open(&self) -> impl Iterator<Item = &InFlight> {
        self.pending.values().filter_map(|pending| match pending {
            Pending::Call(call) => Some(&**call),
            Pending::Tombstone { .. } => None,
        })
    }

    /// The sessions that wait for an answer, each once for every call. What a server without a
    /// handshake logs is for those who asked for it.
    pub(in super::super) fn clients(&self) -> impl Iterator<Item = (u64, &Arc<dyn SessionSink>)> {
        let heard = self
            .open()
            .filter(|call| (call.era, self.era) == (Era::Legacy, Era::Legacy));
        heard.map(|call| (call.reply_token.call().session, call.reply_token.client()))
    }

    fn has_loggers(&self) -> bool {
        Arc::strong_count(&self.loggers) > 1
    }

    /// The most verbose level that a request asks for which is in flight.
    pub(in super::super) fn log_level(&self) -> Option<Level> {
        if !self.has_loggers() {
            return None;
        }
        let levels = self.open().filter_map(|call| call.logs.as_ref());
        levels.map(|(level, _)| *level).min()
    }

    /// The client of the only request in flight that asks for the log, and its level: no message says
    /// which request it belongs to, and none may reach another's.
    pub(in super::super) fn logger(&self) -> Result<Option<Logger<'_>>, Several> {
        if !self.has_loggers() {
            return Ok(None);
        }
        let loggers = self.open();
        let mut loggers = loggers.filter_map(|call| Some((call.logs.as_ref()?.0, call)));
        let first = loggers.next();
        let is_withdrawn = |pending: &Pending| match pending {
            Pending::Tombstone { asked_log, .. } => *asked_log,
            Pending::Call(_) => false,
        };
        if loggers.next().is_some() || self.pending.values().any(is_withdrawn) {
            return Err(Several);
        }
        Ok(first.map(|(level, call)| (level, call.reply_token.client())))
    }

    /// Counts a message that is not passed on because of that.
    pub(in super::super) fn withhold_log(&self) {
        self.metrics.logs_withheld.inc();
    }

    /// Whether this is a call's id, awaited or not.
    pub(in super::super) fn has(&self, id: u64) -> bool {
        self.pending.contains_key(&id)
    }
}
