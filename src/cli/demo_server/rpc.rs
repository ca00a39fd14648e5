//! JSON-RPC as a small server needs it: one line in, one message out. A copy of nothing: the
//! gateway's own envelope keeps raw bytes, this one wants values.

use serde_json::{Value, json};

pub(super) const PARSE_ERROR: i64 = -32700;
pub(super) const INVALID_REQUEST: i64 = -32600;
pub(super) const METHOD_NOT_FOUND: i64 = -32601;
pub(super) const INVALID_PARAMS: i64 = -32602;

/// What a line was.
#[derive(Debug, PartialEq)]
pub(super) enum Incoming {
    /// To be answered with this id.
    Request {
        id: Value,
        method: String,
        params: Value,
    },
    /// Not to be answered.
    Notification { method: String, params: Value },
    /// An answer to something that this server never asked, or a blank line.
    Nothing,
    /// To be answered with this error.
    Wrong { id: Value, error: Error },
}

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

/// Reads one line.
pub(super) fn decode(line: &[u8]) -> Incoming {
    if line.trim_ascii().is_empty() {
        return Incoming::Nothing;
    }
    match serde_json::from_slice(line) {
        Ok(Value::Object(mut message)) => {
            let mut take = |key: &str| message.remove(key);
            let (id, method) = (take("id"), take("method"));
            let params = take("params").unwrap_or(Value::Null);
            let is_answer = take("result").or_else(|| take("error")).is_some();
            if take("jsonrpc") != Some(json!("2.0")) {
                return wrong(id, "\"jsonrpc\" must be \"2.0\"");
            }
            match (id, method) {
                (None, Some(Value::String(method))) => Incoming::Notification { method, params },
                (Some(id), Some(Value::String(method))) if is_id(&id) => {
                    Incoming::Request { id, method, params }
                }
                (Some(_), Some(Value::String(_))) => {
                    wrong(None, "\"id\" must be a string or an integer")
                }
                (_, None) if is_answer => Incoming::Nothing,
                (id, _) => wrong(id, "\"method\" must be a string"),
            }
        }
        Ok(Value::Array(_)) => wrong(None, "batches are not served"),
        Ok(_) => wrong(None, "a message must be an object"),
        Err(error) => Incoming::Wrong {
            id: Value::Null,
            error: Error::new(PARSE_ERROR, format!("not JSON: {error}")),
        },
    }
}

fn wrong(id: Option<Value>, message: &str) -> Incoming {
    let id = id.filter(is_id).unwrap_or(Value::Null);
    let error = Error::new(INVALID_REQUEST, message);
    Incoming::Wrong { id, error }
}

fn is_id(id: &Value) -> bool {
    id.is_string() || id.is_i64() || id.is_u64()
}

/// The answer to a request, as a line without its newline.
pub(super) fn answer(id: &Value, outcome: Result<Value, Error>) -> Vec<u8> {
    let message = match outcome {
        Ok(result) => json!({ "jsonrpc": "2.0", "id": id, "result": result }),
        Err(Error { code, message }) => {
            json!({ "jsonrpc": "2.0", "id": id, "error": { "code": code, "message": message } })
        }
    };
    message.to_string().into_bytes()
}

/// A notification, as a line without its newline.
pub(super) fn notification(method: &str, params: &Value) -> Vec<u8> {
    let message = json!({ "jsonrpc": "2.0", "method": method, "params": params });
    message.to_string().into_bytes()
}
