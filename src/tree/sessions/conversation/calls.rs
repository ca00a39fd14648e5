//! The calls of one client that have no answer yet: parked here, or sent to an upstream.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

use super::super::delivery::StreamId;
use crate::ids::{CallId, Generation, ServerName};
use crate::protocol::jsonrpc::RequestId;
use crate::protocol::mcp::request::ClientRequest;
use crate::telemetry::call_log::CallRecord;
use crate::telemetry::metrics::{Gauge, GaugeGuard};
use crate::tree::Share;
use crate::tree::upstream::{Hold, UpstreamHandle};

/// How long a call waits for a server that is starting.
pub(super) const PARK: Duration = Duration::from_secs(30);

/// Withdraws its call upstream when it is dropped, whatever ends the session.
pub(super) struct SentGuard {
    upstream: UpstreamHandle,
    call: CallId,
    is_open: bool,
}

impl SentGuard {
    pub(super) fn new(upstream: UpstreamHandle, call: CallId) -> Self {
        Self {
            upstream,
            call,
            is_open: true,
        }
    }

    /// The upstream is done with the call.
    pub(super) fn settle(mut self) {
        self.is_open = false;
    }

    /// The upstream's life.
    pub(super) fn generation(&self) -> Generation {
        self.upstream.generation()
    }

    /// The client itself withdraws the call.
    pub(super) fn cancel(mut self, params: Option<Bytes>) {
        self.is_open = false;
        self.upstream.cancel(self.call, params);
    }
}

impl Drop for SentGuard {
    fn drop(&mut self) {
        if self.is_open {
            self.upstream.cancel(self.call, None);
        }
    }
}

/// Where an open call is.
pub(super) enum CallStage {
    /// Waiting here for its server, or for one of a later generation.
    Parked {
        request: ClientRequest,
        after: Generation,
    },
    /// With its upstream.
    Sent(SentGuard),
    /// Its server asks the client something first; nothing of it is there meanwhile.
    Asked(Box<Asked>),
}

/// What was asked for a call.
pub(super) struct Asked {
    /// What is sent again.
    pub(super) request: ClientRequest,
    /// The server's own state, to be given back.
    pub(super) state: Option<Bytes>,
    /// What the server calls each question, and the client's answer.
    pub(super) answers: Vec<(Bytes, Option<Bytes>)>,
    /// The life that asks.
    pub(super) life: Generation,
    /// Keeps it awake.
    pub(super) hold: Option<Hold>,
}

/// A call without an answer.
pub(super) struct OpenCall {
    pub(super) id: RequestId,
    /// What was asked for: it decides how a failure is told.
    pub(super) method: &'static str,
    /// Where its answer goes.
    pub(super) stream: StreamId,
    /// The server it waits for, or went to last.
    pub(super) server: Option<ServerName>,
    /// The server's own URI, of one that subscribes or unsubscribes.
    pub(super) uri: Option<Box<str>>,
    /// The room that one that subscribes has taken for it.
    pub(super) room: Option<Share>,
    pub(super) stage: CallStage,
    /// How often its server has asked something.
    pub(super) rounds: u8,
    /// Since when it has been parked; kept over every bounce.
    pub(super) parked_since: Option<Instant>,
    /// Where there is a log of calls, what is written there when it ends.
    pub(super) record: Option<Box<CallRecord>>,
    /// Counts it among those without an answer.
    pub(super) counted: GaugeGuard,
}

/// All of them, in the order in which they came.
pub(super) struct Calls {
    open: BTreeMap<u64, OpenCall>,
    last_number: u64,
    /// Those that are sent again by themselves, and when.
    again: Vec<(Instant, u64)>,
    /// No call is parked for too long before this.
    next_deadline: Option<Instant>,
    /// How many there are of all sessions.
    of_all: Gauge,
}

impl Calls {
    /// None yet. They are counted in `of_all`.
    pub(super) fn new(of_all: &Gauge) -> Self {
        Self {
            open: BTreeMap::new(),
            last_number: 0,
            again: Vec::new(),
            next_deadline: None,
            of_all: of_all.clone(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.open.len()
    }

    /// Takes a call in, parked.
    pub(super) fn insert(
        &mut self,
        id: RequestId,
        stream: StreamId,
        request: ClientRequest,
    ) -> u64 {
        self.last_number += 1;
        let call = OpenCall {
            id,
            method: request.method(),
            stream,
            server: None,
            uri: None,
            room: None,
            rounds: 0,
            stage: CallStage::Parked {
                request,
                after: Generation(0),
            },
            parked_since: None,
            record: None,
            counted: GaugeGuard::one(&self.of_all),
        };
        self.open.insert(self.last_number, call);
        self.last_number
    }

    pub(super) fn get(&self, number: u64) -> Option<&OpenCall> {
        self.open.get(&number)
    }

    pub(super) fn get_mut(&mut self, number: u64) -> Option<&mut OpenCall> {
        self.open.get_mut(&number)
    }

    pub(super) fn remove(&mut self, number: u64) -> Option<OpenCall> {
        self.open.remove(&number)
    }

    /// Keeps a call waiting for `server`, for [`PARK`] in all, however often it comes back. Gives whether
    /// it may wait longer.
    pub(super) fn park(&mut self, number: u64, server: Option<ServerName>, now: Instant) -> bool {
        let Some(open) = self.open.get_mut(&number) else {
            return true;
        };
        open.server = server;
        let until = *open.parked_since.get_or_insert(now) + PARK;
        let next = self.next_deadline.map_or(until, |next| next.min(until));
        self.next_deadline = Some(next);
        until > now
    }

    /// When a parked call may have waited for long enough.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        let again = self.again.iter().map(|(at, _)| *at);
        self.next_deadline.into_iter().chain(again).min()
    }

    /// A call is to be sent again then, whatever it waits for.
    pub(super) fn send_again_at(&mut self, at: Instant, number: u64) {
        self.again.push((at, number));
    }

    /// Those whose time for that has come.
    pub(super) fn due_again(&mut self, now: Instant) -> Vec<u64> {
        let due = self.again.extract_if(.., |(at, _)| *at <= now);
        due.map(|(_, number)| number).collect()
    }

    /// Those whose servers ask something first, with the life that does.
    pub(super) fn asked(&self) -> Vec<(u64, ServerName, Generation)> {
        let open = self.open.iter();
        let asked = open.filter_map(|(number, call)| match (&call.stage, &call.server) {
            (CallStage::Asked(asked), Some(server)) => Some((*number, server.clone(), asked.life)),
            (CallStage::Asked(_) | CallStage::Parked { .. } | CallStage::Sent(_), _) => None,
        });
        asked.collect()
    }

    /// Whether its server asks something first.
    pub(super) fn is_asked(&self, number: u64) -> bool {
        let call = self.open.get(&number);
        call.is_some_and(|call| matches!(call.stage, CallStage::Asked(_)))
    }

    /// Those that have waited for long enough, oldest first.
    pub(super) fn overdue(&mut self, now: Instant) -> Vec<u64> {
        if self.next_deadline.is_none_or(|next| now < next) {
            return Vec::new();
        }
        let parked = self.open.iter().filter_map(|(number, call)| {
            let is_parked = matches!(call.stage, CallStage::Parked { .. });
            let since = call.parked_since.filter(|_| is_parked)?;
            Some((since + PARK, *number))
        });
        let (overdue, rest): (Vec<_>, Vec<_>) = parked.partition(|(until, _)| *until <= now);
        self.next_deadline = rest.into_iter().map(|(until, _)| until).min();
        overdue.into_iter().map(|(_, number)| number).collect()
    }

    /// The latest call that the client knows under this id.
    pub(super) fn find(&self, id: &RequestId) -> Option<u64> {
        let mut latest_first = self.open.iter().rev();
        latest_first.find_map(|(number, call)| (call.id == *id).then_some(*number))
    }

    /// Where the latest call at `server` came from: what it says meanwhile is most likely about that.
    pub(super) fn stream_at(&self, server: &ServerName) -> Option<StreamId> {
        let mut latest_first = self.open.values().rev();
        let latest = latest_first.find(|call| call.server.as_ref() == Some(server));
        latest.map(|call| call.stream)
    }

    /// Whether there is a call that came on `stream`.
    pub(super) fn has_stream(&self, stream: StreamId) -> bool {
        self.open.values().any(|call| call.stream == stream)
    }

    /// Whether `server` is about to change what it has this session down for.
    pub(super) fn is_subscribing(&self, server: &ServerName) -> bool {
        self.open.values().any(|call| {
            let is_sent = matches!(call.stage, CallStage::Sent(_));
            is_sent && call.uri.is_some() && call.server.as_ref() == Some(server)
        })
    }

    /// Those that wait for `server`, oldest first.
    pub(super) fn parked_for(&self, server: &ServerName) -> Vec<u64> {
        let waits = |number: &u64| {
            let call = self.open.get(number);
            call.is_some_and(|call| call.server.as_ref() == Some(server))
        };
        self.parked().into_iter().filter(waits).collect()
    }

    /// All, oldest first.
    pub(super) fn numbers(&self) -> Vec<u64> {
        self.open.keys().copied().collect()
    }

    /// The parked ones, oldest first.
    pub(super) fn parked(&self) -> Vec<u64> {
        self.open
            .iter()
            .filter_map(|(number, call)| {
                matches!(call.stage, CallStage::Parked { .. }).then_some(*number)
            })
            .collect()
    }
}
