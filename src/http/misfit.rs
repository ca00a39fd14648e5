//! What can be wrong with a request of 2026-07-28 alone. How it is answered is in `problem.rs`.

use crate::protocol::version::MODERN;
use crate::tree::{CallError, uncertain};

/// Why such a request is answered with an error. The text goes into the reply.
#[derive(Debug, thiserror::Error)]
pub(super) enum Misfit {
    /// Its `_meta` does not say of its client what each request has to say.
    #[error("Invalid params: {0}; every request of {MODERN} says so by itself")]
    Envelope(String),
    /// It says one thing in its headers and another in its body.
    #[error("Header mismatch: {0}")]
    Header(String),
    #[error("Unsupported protocol version: {0:?}; without a session {MODERN} is spoken here")]
    Version(String),
    #[error("Method not found: {0}")]
    Method(String),
    /// Clients that can do without are to take a revision with sessions.
    #[error("Method not found: server/discover; what is offered here begins with 'initialize'")]
    NotOffered,
    /// It is an array, or answers something.
    #[error(
        "in {MODERN} a client POSTs one request, or one notification: no batches, no responses"
    )]
    NotOne,
    #[error("{0}")]
    Call(CallError),
    /// The worker that had it died.
    #[error(
        "{}",
        uncertain!("a part of the gateway was restarted before there was an answer; the request")
    )]
    Unanswered,
}

impl Misfit {
    /// What a program reads beside the text, as raw JSON.
    pub(super) fn data(&self) -> Option<String> {
        let Self::Version(asked) = self else {
            return None;
        };
        let requested = serde_json::Value::from(asked.as_str());
        Some(format!(
            r#"{{"supported":["{MODERN}"],"requested":{requested}}}"#
        ))
    }
}
