//! JSON-RPC 2.0 envelopes over raw JSON. [`decode()`] takes one message apart without looking into
//! its body ([`decode_batch`] takes several): `params`, `result` and `error` are slices of the bytes that came in. The writers put
//! an envelope around raw bodies again; what they give is always on one line.

mod batch;
pub mod code;
mod decode;
mod encode;
mod id;
mod outline;
#[cfg(test)]
mod tests;

use std::fmt;

use bytes::Bytes;

pub use batch::{batch_entries, decode_batch};
pub use decode::{DecodeError, decode};
pub use encode::{
    error, error_object, error_object_with, message_of, notification, request, result, result_of,
};
pub use id::RequestId;
pub use outline::{Outline, outline};

/// Something that wants an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The sender's id for it, to be given back as it is written.
    pub id: RequestId,
    /// What is asked for, decoded.
    pub method: Box<str>,
    /// An object or array, raw; `null` counts as absent.
    pub params: Option<Bytes>,
}

/// Something that must not be answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notification {
    /// What is told, decoded.
    pub method: Box<str>,
    /// An object or array, raw; `null` counts as absent.
    pub params: Option<Bytes>,
}

/// The answer to a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// `None` only for an error whose sender could not read the request's id.
    pub id: Option<RequestId>,
    /// The raw result, or the raw error object.
    pub outcome: Result<Bytes, Bytes>,
}

/// One JSON-RPC message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// Wants an answer.
    Request(Request),
    /// Wants none.
    Notification(Notification),
    /// Is one.
    Response(Response),
}

impl Message {
    /// How large its body is.
    #[must_use]
    pub fn size(&self) -> usize {
        let body = match self {
            Self::Request(Request { params, .. })
            | Self::Notification(Notification { params, .. }) => params.as_ref(),
            Self::Response(Response { outcome, .. }) => {
                Some(outcome.as_ref().unwrap_or_else(|e| e))
            }
        };
        body.map_or(0, Bytes::len)
    }
}

/// Says what it is and how large, never what is in it: bodies do not belong in a log.
impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let size = self.size();
        match self {
            Self::Request(request) => {
                let (id, method) = (&request.id, &request.method);
                write!(f, "request {id} {method:?} ({size} bytes)")
            }
            Self::Notification(told) => {
                write!(f, "notification {:?} ({size} bytes)", told.method)
            }
            Self::Response(response) => {
                let kind = response.outcome.as_ref().map_or("error", |_| "result");
                let id = response.id.as_ref().map_or("null", RequestId::as_raw);
                write!(f, "{kind} of {id} ({size} bytes)")
            }
        }
    }
}
