//! The calls of one client that have no answer yet: parked here, or sent to an upstream.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;

use super::message::SessionMsg;
use super::streams::Lane;
use crate::ids::{CallId, Generation, ServerName};
use crate::protocol::jsonrpc::{RequestId, code};
use crate::protocol::mcp::request::{ServerRequest, Subject};
use crate::tree::registry::{Route, RouteState, Routes};
use crate::tree::timer::Timer;
use crate::tree::upstream::UpstreamHandle;

/// How many calls of one session may be without an answer.
pub(in crate::tree::sessions) const LIMIT: usize = 64;
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

    /// The client itself withdraws the call.
    pub(super) fn cancel(mut self, params: Option<bytes::Bytes>) {
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
pub(super) enum Stage {
    /// Waiting here for its server, or for one of a later generation.
    Parked {
        request: ServerRequest,
        after: Generation,
    },
    /// With its upstream.
    Sent(SentGuard),
}

/// A call without an answer.
pub(super) struct OpenCall {
    pub(super) id: RequestId,
    /// What was asked for: it decides how a failure is told.
    pub(super) method: &'static str,
    /// Where its answer goes.
    pub(super) lane: Lane,
    /// The server it went to last.
    pub(super) server: Option<ServerName>,
    pub(super) stage: Stage,
    /// Since when it has been parked, and the end of that; kept over every bounce.
    pub(super) parked: Option<(Instant, Timer<SessionMsg>)>,
}

/// All of them, in the order in which they came.
#[derive(Default)]
pub(super) struct Calls {
    open: BTreeMap<u64, OpenCall>,
    last_number: u64,
}

impl Calls {
    pub(super) fn len(&self) -> usize {
        self.open.len()
    }

    /// Takes a call in, parked.
    pub(super) fn insert(&mut self, id: RequestId, lane: Lane, request: ServerRequest) -> u64 {
        self.last_number += 1;
        let call = OpenCall {
            id,
            method: request.method(),
            lane,
            server: None,
            stage: Stage::Parked {
                request,
                after: Generation(0),
            },
            parked: None,
        };
        self.open.insert(self.last_number, call);
        self.last_number
    }

    pub(super) fn get_mut(&mut self, number: u64) -> Option<&mut OpenCall> {
        self.open.get_mut(&number)
    }

    pub(super) fn remove(&mut self, number: u64) -> Option<OpenCall> {
        self.open.remove(&number)
    }

    /// The latest call that the client knows under this id.
    pub(super) fn find(&self, id: &RequestId) -> Option<u64> {
        let mut latest_first = self.open.iter().rev();
        latest_first.find_map(|(number, call)| (call.id == *id).then_some(*number))
    }

    /// The parked ones, oldest first.
    pub(super) fn parked(&self) -> Vec<u64> {
        self.open
            .iter()
            .filter_map(|(number, call)| {
                matches!(call.stage, Stage::Parked { .. }).then_some(*number)
            })
            .collect()
    }
}

/// What is to become of a call, by the table at hand.
pub(super) enum Way {
    /// To this upstream, under this name.
    Send {
        upstream: UpstreamHandle,
        permit: OwnedSemaphorePermit,
        route: Route,
    },
    /// Wait for a better table.
    Park,
    /// Answer at once, for the model to read.
    Fail(String),
    /// Answer at once, as a JSON-RPC error with this code.
    Refuse(i64, String),
}

/// Finds the way for `request`; `after` is the generation that did not take it.
pub(super) fn way(routes: Option<&Routes>, request: &ServerRequest, after: Generation) -> Way {
    let Some(routes) = routes else {
        return Way::Park;
    };
    let Some(route) = routes.merged.find(request.subject(), request.key()) else {
        if !routes.is_complete {
            return Way::Park;
        }
        return unknown(request);
    };
    match routes.servers.get(&route.server) {
        Some(RouteState::Ready { handle }) if handle.generation() > after => match handle.admit() {
            Some(permit) => Way::Send {
                upstream: handle.clone(),
                permit,
                route,
            },
            None => Way::Fail(format!(
                "server '{}' is busy: it has as many calls in flight as it may; try again later",
                route.server
            )),
        },
        Some(RouteState::Ready { .. } | RouteState::Starting) | None => Way::Park,
        Some(RouteState::Down { why, next_try }) => {
            let wait = next_try.saturating_duration_since(Instant::now());
            Way::Fail(format!(
                "server '{}' is down: {why}; it is started again in {:.1} s",
                route.server,
                wait.as_secs_f32()
            ))
        }
    }
}

/// Nobody offers it (2025-11-25, server/tools, server/prompts and server/resources, "Error
/// Handling").
fn unknown(request: &ServerRequest) -> Way {
    let key = request.key();
    match request.subject() {
        Subject::Tool => Way::Refuse(code::INVALID_PARAMS, format!("Unknown tool: {key}")),
        Subject::Prompt => Way::Refuse(code::INVALID_PARAMS, format!("Unknown prompt: {key}")),
        Subject::Resource => Way::Refuse(
            code::RESOURCE_NOT_FOUND,
            format!("Resource not found: {key}"),
        ),
    }
}
