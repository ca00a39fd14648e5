//! What a server without a handshake is listened to for: changes of its lists, and of the resources
//! that somebody wants to hear of. One request of the gateway's own asks for all of it, and stays
//! without an answer; where something else is wanted a new one is sent, and the old one is withdrawn
//! when the server has taken that. Part of [`super::subscribers`]: plain state.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

use super::calls::Calls;
use crate::protocol::jsonrpc::{self, code};
use crate::protocol::mcp::lifecycle::Changes;
use crate::protocol::mcp::{cancelled, method};
use crate::protocol::modern::listen::LISTEN;
use crate::protocol::modern::{subscription, tasks};

/// Wishes that come together are told together.
const GAP: Duration = Duration::from_millis(50);
/// Who has not said so by then is taken to have heard.
const HEARD: Duration = Duration::from_secs(5);
/// A server that ends it is asked again after so long, and ever more rarely.
const AGAIN: Duration = Duration::from_secs(1);
const AGAIN_AT_LAST: Duration = Duration::from_secs(60);

/// The request.
#[derive(Debug)]
pub(super) struct Listening {
    lists: Changes,
    /// The server has taken it.
    open: Option<u64>,
    /// It is on its way, and taken to be there by then.
    next: Option<(u64, Instant)>,
    /// Something else is wanted, and may be asked for then.
    due: Option<Instant>,
    again: Duration,
    /// The server says that it does not know the method.
    is_in_vain: bool,
}

impl Listening {
    pub(super) fn new() -> Self {
        Self {
            lists: Changes::default(),
            open: None,
            next: None,
            due: None,
            again: AGAIN,
            is_in_vain: false,
        }
    }

    /// It begins, with the lists that the server tells of.
    pub(super) fn begin(&mut self, now: Instant, lists: Changes) {
        self.lists = lists;
        self.due = Some(now);
    }

    /// Something else is wanted than before.
    pub(super) fn change(&mut self, now: Instant) {
        if !self.is_in_vain && self.due.is_none() {
            self.due = Some(now + GAP);
        }
    }

    /// Asks for what is `wanted`, if it is time. Gives the lines to write.
    pub(super) fn turn<'a>(
        &mut self,
        now: Instant,
        wanted: impl Iterator<Item = &'a Arc<str>>,
        calls: &mut Calls,
    ) -> Option<Bytes> {
        if self.next.is_some() || self.due.is_none_or(|due| due > now) {
            return None;
        }
        self.due = None;
        let mut has_tasks = false;
        let wanted = wanted.map(|topic| &**topic);
        let wanted = wanted.inspect(|topic| has_tasks |= tasks::of_topic(topic).is_some());
        let Some(params) = subscription::listen_params(self.lists, wanted) else {
            return self.open.take().map(|old| end(old, calls));
        };
        let (id, line) = calls.own_about(has_tasks, LISTEN, &params);
        self.next = Some((id, now + HEARD));
        Some(line)
    }

    /// The server has begun with request `id`. Gives the line that ends the one before.
    pub(super) fn acknowledged(&mut self, id: u64, calls: &mut Calls) -> Option<Bytes> {
        let (next, _) = self.next.take_if(|(next, _)| *next == id)?;
        self.again = AGAIN;
        self.open.replace(next).map(|old| end(old, calls))
    }

    /// Whether request `id` is one of these, which the server has ended: with this error, or by itself.
    pub(super) fn on_answer(&mut self, now: Instant, id: u64, error: Option<&Bytes>) -> bool {
        let is_next = self.next.take_if(|(next, _)| *next == id).is_some();
        if !is_next && self.open.take_if(|open| *open == id).is_none() {
            return false;
        }
        if error.is_some_and(|error| code::of(error) == Some(code::METHOD_NOT_FOUND)) {
            self.is_in_vain = true;
            self.due = None;
        } else {
            self.due = Some(now + self.again);
            self.again = (self.again * 2).min(AGAIN_AT_LAST);
        }
        true
    }

    /// Whether the server has not said yet that it has begun.
    pub(super) fn is_asking(&self) -> bool {
        self.next.is_some()
    }

    /// When something is [`Self::overdue`], or [`Self::turn`] has something to do.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        match self.next {
            Some((_, until)) => Some(until),
            None => self.due,
        }
    }

    /// The request that is on its way for long enough to be there.
    pub(super) fn overdue(&self, now: Instant) -> Option<u64> {
        let (id, _) = self.next.filter(|(_, until)| *until <= now)?;
        Some(id)
    }

    /// The request that the server has not taken yet.
    pub(super) fn asking(&self) -> Option<u64> {
        self.next.map(|(id, _)| id)
    }

    /// Whether the server says that it tells of nothing.
    pub(super) fn is_in_vain(&self) -> bool {
        self.is_in_vain
    }
}

fn end(id: u64, calls: &mut Calls) -> Bytes {
    calls.give_up(id);
    let params = cancelled::cancelled_params(id, "something else is wanted now");
    jsonrpc::notification(method::CANCELLED, Some(&params))
}
