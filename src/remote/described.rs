//! What a message without a handshake says of itself in headers too (2026-07-28, basic/transports): its method, what
//! it is about, and the arguments that a tool wants repeated there.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use hyper::header::{HeaderMap, HeaderName, HeaderValue};

use crate::protocol::jsonrpc::{self, Message, Outline};
use crate::protocol::modern::envelope::Envelope;
use crate::protocol::modern::param_headers::{self, ParamHeaders};
use crate::protocol::modern::{header_value, methods};

const METHOD: HeaderName = HeaderName::from_static("mcp-method");
const NAME: HeaderName = HeaderName::from_static("mcp-name");
/// Of so many tools it is known what they want.
const MOST: usize = 10_000;

/// What the server's tools want to have repeated.
#[derive(Debug, Default)]
pub(super) struct Repeated(Mutex<HashMap<String, Arc<ParamHeaders>>>);

impl Repeated {
    /// Takes what is in a message of the server, if it is a list of tools.
    pub(super) fn learn(&self, message: &[u8]) {
        let listed = param_headers::listed(message);
        if listed.is_empty() {
            return;
        }
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (name, tool) in listed {
            if known.len() < MOST || known.contains_key(&name) {
                known.insert(name, tool);
            }
        }
    }

    fn of(&self, name: &str) -> Option<Arc<ParamHeaders>> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(name).cloned()
    }

    /// Adds to `headers` what they have to say of the message.
    pub(super) fn describe(&self, line: &Bytes, headers: &mut HeaderMap) {
        let Outline::Request { method, .. } = jsonrpc::outline(line) else {
            return;
        };
        if let Ok(value) = HeaderValue::from_str(method) {
            headers.insert(METHOD, value);
        }
        let Some(named) = methods::named_by(method) else {
            return;
        };
        let Ok(Message::Request(request)) = jsonrpc::decode(line) else {
            return;
        };
        let envelope = Envelope::parse(request.params.as_ref(), Some(named)).ok();
        let Some(name) = envelope.and_then(|envelope| envelope.name) else {
            return;
        };
        if let Ok(value) = HeaderValue::from_str(&header_value::encode(&name)) {
            headers.insert(NAME, value);
        }
        let tool = self.of(&name).zip(request.params.as_ref());
        let repeated = tool.map(|(tool, params)| tool.of_call(params));
        for (name, value) in repeated.into_iter().flatten() {
            let name = HeaderName::from_bytes(name.as_bytes());
            if let (Ok(name), Ok(value)) = (name, HeaderValue::from_str(&value)) {
                headers.insert(name, value);
            }
        }
    }
}
