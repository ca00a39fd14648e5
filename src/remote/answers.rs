//! Whether a message that came with a request's response is its answer. A server may say much before, and may end
//! without it: nobody waits for what does not come any more.

use bytes::Bytes;
use tokio::task::spawn_blocking;

use crate::protocol::framing::recover;
use crate::protocol::jsonrpc::{self, Message, RequestId, Response};

/// Reading what is larger takes longer than a worker may be kept.
const LARGE: usize = 512 * 1024;
/// A batch has so many messages at most.
const MAX_BATCH: usize = 10_000;
/// So much is looked at, at both ends, of what is no message.
const PIECE: usize = 4096;

/// What a message is to who waits for the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Taken {
    /// The answer, or what its owner takes for an unusable one.
    Answer,
    /// Something else.
    Message,
    /// No message at all.
    Junk,
}

/// What it is to request `id`. An error that names no request is an answer to the one that it comes with, and then does.
pub(super) async fn take(message: Bytes, id: u64) -> (Taken, Bytes) {
    if message.len() <= LARGE {
        return taken(&message, id);
    }
    let theirs = message.clone();
    let read = spawn_blocking(move || taken(&theirs, id)).await;
    read.unwrap_or((Taken::Junk, message))
}

fn taken(message: &Bytes, id: u64) -> (Taken, Bytes) {
    let marked = message.strip_prefix(b"\xef\xbb\xbf");
    let message = marked.map_or_else(|| message.clone(), |rest| message.slice_ref(rest));
    if message.trim_ascii_start().starts_with(b"[") {
        let entries = jsonrpc::batch_entries(&message, MAX_BATCH);
        let is_one = |entry: &Bytes| matches!(one(entry, id), (Taken::Answer, None));
        let taken = match entries {
            Ok(entries) if entries.iter().any(is_one) => Taken::Answer,
            Ok(_) => Taken::Message,
            Err(_) => Taken::Junk,
        };
        return (taken, message);
    }
    let (taken, named) = one(&message, id);
    (taken, named.unwrap_or(message))
}

fn one(message: &Bytes, id: u64) -> (Taken, Option<Bytes>) {
    match jsonrpc::decode(message) {
        Ok(Message::Response(Response {
            id: None,
            outcome: Err(error),
        })) => {
            let id = RequestId::from_number(id);
            (Taken::Answer, Some(jsonrpc::error(Some(&id), &error)))
        }
        Ok(Message::Response(answer)) => {
            let is_ours = answer.id.as_ref().and_then(RequestId::as_number) == Some(id);
            let taken = if is_ours {
                Taken::Answer
            } else {
                Taken::Message
            };
            (taken, None)
        }
        Ok(Message::Request(_) | Message::Notification(_)) => (Taken::Message, None),
        Err(error) => {
            let named = error.answers().and_then(RequestId::as_number);
            let head = message.get(..PIECE).unwrap_or(message);
            let tail = message.len().saturating_sub(PIECE);
            let tail = message.get(tail..).unwrap_or(message);
            let named = named.or_else(|| recover::recover_id(head, tail));
            let is_ours = named == Some(id);
            (if is_ours { Taken::Answer } else { Taken::Junk }, None)
        }
    }
}
