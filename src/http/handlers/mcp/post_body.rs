//! What the body of one POST holds, and what is owed for it: one message, or a batch of them where
//! the session's revision knows batches.

use crate::http::problem::Problem;
use crate::protocol::jsonrpc::{self, Message, RequestId, code};
use crate::protocol::version::Version;
use crate::tree::uncertain;
use bytes::Bytes;

/// The request that opens a session.
const INITIALIZE: &str = "initialize";

/// The messages of a POST.
#[derive(Debug)]
pub(super) struct PostBody {
    /// In their order.
    pub(super) messages: Vec<Message>,
    /// What the reply has to hold.
    pub(super) owed: PendingReplies,
}

/// What a POST must be answered with.
#[derive(Debug)]
pub(super) struct PendingReplies {
    /// The ids of its requests.
    asked: Vec<RequestId>,
    /// The answers to entries of a batch that are no messages.
    refusals: Vec<Bytes>,
    is_batch: bool,
}

/// Whether `body` is an array.
pub(in crate::http::handlers) fn is_batch(body: &Bytes) -> bool {
    body.trim_ascii_start().first() == Some(&b'[')
}

/// Whether `message` opens a session.
pub(in crate::http::handlers) fn is_initialize(message: &Message) -> bool {
    matches!(message, Message::Request(request) if &*request.method == INITIALIZE)
}

/// The id to which the answer goes, if there is to be one.
pub(super) fn request_id(message: &Message) -> Option<&RequestId> {
    match message {
        Message::Request(request) => Some(&request.id),
        Message::Notification(_) | Message::Response(_) => None,
    }
}

impl PostBody {
    /// Reads what the client of a session that speaks `version` posted: up to `most` messages.
    pub(super) fn read(body: &Bytes, version: Version, most: usize) -> Result<Self, Problem> {
        if is_batch(body) {
            return Self::read_batch(body, version, most);
        }
        Ok(Self::one(jsonrpc::decode(body)?))
    }

    /// A POST of one message.
    pub(super) fn one(message: Message) -> Self {
        Self::new(vec![message], Vec::new(), false)
    }

    fn read_batch(body: &Bytes, version: Version, most: usize) -> Result<Self, Problem> {
        if !version.has_batches() {
            return Err(Problem::Batch);
        }
        let (mut messages, mut refusals) = (Vec::new(), Vec::new());
        for entry in jsonrpc::decode_batch(body, most)? {
            match entry {
                // 2025-03-26, basic/lifecycle: it must not be part of a batch.
                Ok(message) if is_initialize(&message) => return Err(Problem::InitializeInBatch),
                Ok(message) => messages.push(message),
                Err(error) => refusals.push(error.response()),
            }
        }
        Ok(Self::new(messages, refusals, true))
    }

    fn new(messages: Vec<Message>, refusals: Vec<Bytes>, is_batch: bool) -> Self {
        let asked = messages.iter().filter_map(request_id).cloned().collect();
        let owed = PendingReplies {
            asked,
            refusals,
            is_batch,
        };
        Self { messages, owed }
    }
}

impl PendingReplies {
    /// Whether a session has something to answer.
    pub(super) fn has_requests(&self) -> bool {
        !self.asked.is_empty()
    }

    /// The requests that the session has to answer, and what needs no session to be answered.
    pub(super) fn into_parts(self) -> (Vec<RequestId>, Vec<Bytes>) {
        (self.asked, self.refusals)
    }

    /// The body of a reply with nothing to come after it: the refusals and the session's `answer`.
    /// `None` where nothing is owed.
    pub(super) fn reply(mut self, answer: Option<Bytes>) -> Option<Bytes> {
        if !self.is_batch {
            return answer;
        }
        self.refusals.extend(answer);
        (!self.refusals.is_empty()).then(|| array(&self.refusals))
    }

    /// The body of a reply whose session ended before it said anything.
    pub(super) fn failure(mut self) -> Option<Bytes> {
        let mut errors = self.asked.iter().map(unanswered);
        if self.is_batch {
            self.refusals.extend(errors);
            return self.reply(None);
        }
        errors.next()
    }
}

/// The answer to request `id` of a session that ended without one.
pub(super) fn unanswered(id: &RequestId) -> Bytes {
    let error = jsonrpc::error_object(
        code::SERVER_UNAVAILABLE,
        uncertain!("the session ended before there was an answer; the request"),
    );
    jsonrpc::error(Some(id), &error)
}

/// Messages as a batch.
fn array(messages: &[Bytes]) -> Bytes {
    let mut out = Vec::with_capacity(
        messages
            .iter()
            .map(|message| message.len() + 1)
            .sum::<usize>()
            + 1,
    );
    let mut separator = b'[';
    for message in messages {
        out.push(separator);
        out.extend_from_slice(message);
        separator = b',';
    }
    out.push(b']');
    out.into()
}
