//! Envelopes around raw bodies. Every message is one line without a line break at its end; bodies
//! must be valid JSON and lose their line breaks on the way.

use bytes::Bytes;

use super::super::raw;
use super::RequestId;

/// A request of the gateway's own.
#[must_use]
pub fn request(id: u64, method: &str, params: Option<&[u8]>) -> Bytes {
    let mut out = open(method.len() + params.map_or(0, <[u8]>::len));
    member(&mut out, "id", id.to_string().as_bytes());
    call(out, method, params)
}

/// A notification.
#[must_use]
pub fn notification(method: &str, params: Option<&[u8]>) -> Bytes {
    let out = open(method.len() + params.map_or(0, <[u8]>::len));
    call(out, method, params)
}

/// The answer to request `id`: its raw result.
#[must_use]
pub fn result(id: &RequestId, result: &[u8]) -> Bytes {
    answer(id.as_raw(), "result", result)
}

/// The same for a result in pieces, none of which has a line break: nothing is copied twice.
#[must_use]
pub fn result_of<'a>(id: &RequestId, pieces: impl Iterator<Item = &'a [u8]> + Clone) -> Bytes {
    let length: usize = pieces.clone().map(<[u8]>::len).sum();
    let mut out = open(id.as_raw().len() + length);
    member(&mut out, "id", id.as_raw().as_bytes());
    member(&mut out, "result", b"");
    pieces.for_each(|piece| out.extend_from_slice(piece));
    out.push(b'}');
    out.into()
}

/// The answer to request `id`: a raw error object, for example [`error_object`]'s. `None` says
/// that the request's id could not be read.
#[must_use]
pub fn error(id: Option<&RequestId>, error: &[u8]) -> Bytes {
    answer(id.map_or("null", RequestId::as_raw), "error", error)
}

/// An error object of the gateway's own; codes are in [`super::code`].
#[must_use]
pub fn error_object(code: i64, message: &str) -> Bytes {
    let mut out = format!("{{\"code\":{code},\"message\":").into_bytes();
    raw::push_string(&mut out, message);
    out.push(b'}');
    out.into()
}

/// The same with `data`, raw JSON.
#[must_use]
pub fn error_object_with(code: i64, message: &str, data: &[u8]) -> Bytes {
    let mut out = format!("{{\"code\":{code},\"message\":").into_bytes();
    raw::push_string(&mut out, message);
    out.extend_from_slice(b",\"data\":");
    raw::push_single_line(&mut out, data);
    out.push(b'}');
    out.into()
}

/// What a raw error says, not more than a line of it.
#[must_use]
pub fn message_of(error: &[u8]) -> String {
    const LONGEST: usize = 300;
    let [message] = raw::members(std::str::from_utf8(error).ok(), ["message"]);
    let message = message.and_then(raw::string).unwrap_or_default();
    message
        .chars()
        .filter(|c| !c.is_control())
        .take(LONGEST)
        .collect()
}

/// Room for the envelope beside `body` bytes, so that a large body is copied once.
fn open(body: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(body + 96);
    out.extend_from_slice(br#"{"jsonrpc":"2.0""#);
    out
}

fn member(out: &mut Vec<u8>, name: &str, json: &[u8]) {
    out.push(b',');
    raw::push_string(out, name);
    out.push(b':');
    raw::push_single_line(out, json);
}

fn call(mut out: Vec<u8>, method: &str, params: Option<&[u8]>) -> Bytes {
    member(&mut out, "method", &raw::quoted(method));
    if let Some(params) = params {
        member(&mut out, "params", params);
    }
    out.push(b'}');
    out.into()
}

fn answer(id: &str, name: &str, body: &[u8]) -> Bytes {
    let mut out = open(id.len() + body.len());
    member(&mut out, "id", id.as_bytes());
    member(&mut out, name, body);
    out.push(b'}');
    out.into()
}
