//! What a `subscriptions/listen` has come to: first it is asked for, then it is told which of that
//! there is, and from then on what happens.

use bytes::Bytes;
use tokio::time::Instant;

use super::super::delivery::StreamId;
use crate::protocol::jsonrpc::{self, Message, RequestId};
use crate::protocol::mcp::method;
use crate::protocol::mcp::updated::Updated;
use crate::protocol::modern::listen::{self, Filter};
use crate::protocol::modern::tasks::{self, Told};

/// How much of what happens before the acknowledgement is kept until then.
const MOST_EARLY: usize = 64;

/// So many servers' answers are waited for at once.
const WINDOW: usize = 16;

/// One stream that listens.
pub(super) struct Listening {
    /// What is told, once that is known.
    filter: Filter,
    /// What servers have answered for each of the resources and tasks.
    granted: Vec<Option<bool>>,
    /// How many of them none has answered for.
    unknown: usize,
    /// How many were asked for.
    asked: usize,
    /// When it is told what there is by then.
    pub(super) until: Option<Instant>,
    /// What has happened before.
    early: Vec<Bytes>,
}

impl Listening {
    pub(super) fn new(filter: Filter, until: Instant) -> Self {
        let count = filter.uris.len() + filter.tasks.len();
        Self {
            granted: vec![None; count],
            unknown: count,
            asked: 0,
            filter,
            until: Some(until),
            early: Vec::new(),
        }
    }

    /// A server has answered for a resource.
    pub(super) fn answered(&mut self, stream: StreamId, is_granted: bool) {
        let place = place(stream).and_then(|at| self.granted.get_mut(at));
        if let Some(place) = place.filter(|place| place.is_none()) {
            *place = Some(is_granted);
            self.unknown -= 1;
        }
    }

    /// The place and the wish of what is to be asked for next, if it is time.
    pub(super) fn next(&mut self) -> Option<(usize, String)> {
        let answered = self.granted.len() - self.unknown;
        let place = self.asked;
        if self.until.is_none() || place >= answered + WINDOW {
            return None;
        }
        let wish = self.filter.wish(place)?;
        self.asked += 1;
        Some((place, wish))
    }

    /// The requests that no server has answered.
    pub(super) fn unanswered(&self) -> Vec<RequestId> {
        let granted = self.granted.iter().take(self.asked).enumerate();
        let unknown = granted.filter(|(_, answer)| answer.is_none());
        unknown.map(|(position, _)| id(position)).collect()
    }

    /// Whether it can be told what there is.
    pub(super) fn is_known(&self) -> bool {
        self.until.is_some() && self.unknown == 0
    }

    /// What it is told first, and what has happened before.
    pub(super) fn acknowledge(&mut self, id: &RequestId) -> Vec<Bytes> {
        self.until = None;
        let mut granted = self.granted.iter();
        let mut is_granted = |_: &String| granted.next() == Some(&Some(true));
        self.filter.uris.retain(&mut is_granted);
        self.filter.tasks.retain(is_granted);
        let mut messages = vec![listen::acknowledged(id, &self.filter)];
        let early = std::mem::take(&mut self.early);
        messages.extend(early.iter().filter_map(|message| self.tells(id, message)));
        messages
    }

    /// Whether nothing will ever be told.
    pub(super) fn is_empty(&self) -> bool {
        self.filter.is_empty()
    }

    /// What a notification is on this stream; nothing if it is none that is told there, or not yet.
    pub(super) fn take(&mut self, id: &RequestId, message: Bytes) -> Option<Bytes> {
        if self.until.is_none() {
            return self.tells(id, &message);
        }
        if self.early.len() < MOST_EARLY {
            self.early.push(message);
        }
        None
    }

    fn tells(&self, id: &RequestId, message: &Bytes) -> Option<Bytes> {
        let Ok(Message::Notification(told)) = jsonrpc::decode(message) else {
            return None;
        };
        let filter = &self.filter;
        let is_told = match &*told.method {
            method::TOOLS_LIST_CHANGED => filter.tools,
            method::PROMPTS_LIST_CHANGED => filter.prompts,
            method::RESOURCES_LIST_CHANGED => filter.resources,
            method::RESOURCES_UPDATED => {
                let updated = Updated::parse(told.params.as_ref()?).ok()?;
                let is_it = |uri: &String| uri.as_str().cmp(updated.uri());
                filter.uris.binary_search_by(is_it).is_ok()
            }
            tasks::CHANGED => {
                let told = Told::read(told.params.as_ref()?)?;
                let is_it = |id: &String| id.as_str().cmp(told.id());
                filter.tasks.binary_search_by(is_it).is_ok()
            }
            _ => false,
        };
        is_told.then(|| match &told.params {
            Some(params) => jsonrpc::notification(&told.method, Some(&listen::with_id(id, params))),
            None => listen::notification(id, &told.method),
        })
    }
}

/// What the request for the resource at this place is called here.
pub(super) fn id(position: usize) -> RequestId {
    RequestId::from_number(position as u64)
}

/// Where a server's answer for the resource at this place goes.
pub(super) fn stream(position: usize) -> StreamId {
    StreamId(FIRST + position as u64)
}

fn place(stream: StreamId) -> Option<usize> {
    usize::try_from(stream.0.checked_sub(FIRST)?).ok()
}

/// The streams of this one and of what belongs to none are before it.
const FIRST: u64 = 2;
