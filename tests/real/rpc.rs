//! JSON-RPC as both sides of the comparison read it: bodies stay raw text, so that "identical"
//! means the same bytes. Used by the oracle (a bare pipe) and by the raw SSE client.

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Value, json};

/// How a request ended, in the server's own bytes.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Outcome {
    /// The `result` member.
    Result(Box<RawValue>),
    /// The `error` member.
    Error(Box<RawValue>),
}

impl Outcome {
    /// The raw text of either member.
    pub(crate) fn raw(&self) -> &str {
        match self {
            Self::Result(raw) | Self::Error(raw) => raw.get(),
        }
    }

    /// Whether a user would call it a failure: an error, or a result that says `isError`.
    pub(crate) fn is_failure(&self) -> bool {
        match self {
            Self::Error(_) => true,
            Self::Result(raw) => serde_json::from_str::<Value>(raw.get())
                .is_ok_and(|result| result.get("isError") == Some(&json!(true))),
        }
    }

    /// The result's text; an error is one for the caller too.
    pub(crate) fn result(self) -> Result<Box<RawValue>> {
        match self {
            Self::Result(raw) => Ok(raw),
            Self::Error(raw) => bail!("an error instead of a result: {raw}"),
        }
    }
}

/// One page of a list, each item in its own bytes.
#[derive(Debug, Deserialize)]
pub(crate) struct Page {
    #[serde(
        alias = "tools",
        alias = "prompts",
        alias = "resources",
        alias = "resourceTemplates"
    )]
    pub(crate) items: Vec<Box<RawValue>>,
    #[serde(rename = "nextCursor")]
    pub(crate) next_cursor: Option<String>,
}

#[derive(Deserialize)]
struct Envelope<'a> {
    id: Option<u64>,
    method: Option<String>,
    #[serde(borrow)]
    result: Option<&'a RawValue>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
}

/// A request as one line, without the line end.
pub(crate) fn request(id: u64, method: &str, params: &Value) -> String {
    json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }).to_string()
}

/// A notification as one line, without the line end.
pub(crate) fn notification(method: &str) -> String {
    json!({ "jsonrpc": "2.0", "method": method }).to_string()
}

/// What `initialize` is sent with, to the bare server and to the gateway alike.
pub(crate) fn initialize_params() -> Value {
    json!({
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": { "name": "tests-real", "version": "1" },
    })
}

/// The answer to request `id` if `message` is it; `None` for notifications and other answers.
pub(crate) fn answer(message: &str, id: u64) -> Result<Option<Outcome>> {
    let envelope: Envelope = serde_json::from_str(message)
        .with_context(|| format!("not a JSON-RPC message: {message:?}"))?;
    if envelope.method.is_some() || envelope.id != Some(id) {
        return Ok(None);
    }
    match (envelope.result, envelope.error) {
        (Some(result), None) => Ok(Some(Outcome::Result(result.to_owned()))),
        (None, Some(error)) => Ok(Some(Outcome::Error(error.to_owned()))),
        _ => bail!("neither a result nor an error: {message}"),
    }
}
