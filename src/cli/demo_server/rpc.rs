//! JSON-RPC as a small server needs it: bodies as values, around the messages of [`crate::protocol`].

use bytes::Bytes;
use serde_json::Value;

use crate::protocol::jsonrpc::{self, RequestId};

/// A JSON-RPC error.
#[derive(Debug, PartialEq)]
pub(super) struct Error {
    pub(super) code: i64,
    pub(super) message: String,
}

impl Error {
    pub(super) fn new(code: i64, message: impl Into<String>) -> Self {
        let message = message.into();
        Self { code, message }
    }
}

/// The params of a message; what is no JSON after all is as good as none.
pub(super) fn value(params: Option<&Bytes>) -> Value {
    let read = params.map(|params| serde_json::from_slice(params));
    read.and_then(Result::ok).unwrap_or_default()
}

/// The answer to a request, as a line without its newline.
pub(super) fn answer(id: &RequestId, outcome: Result<Value, Error>) -> Bytes {
    match outcome {
        Ok(result) => jsonrpc::result(id, result.to_string().as_bytes()),
        Err(Error { code, message }) => {
            jsonrpc::error(Some(id), &jsonrpc::error_object(code, &message))
        }
    }
}

/// A notification, as a line without its newline.
pub(super) fn notification(method: &str, params: &Value) -> Bytes {
    jsonrpc::notification(method, Some(params.to_string().as_bytes()))
}
