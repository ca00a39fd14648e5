//! `POST /messages?session_id=…`: hands one message to its session. The answer comes on the
//! session's stream, so all that is said here is "Accepted".

use crate::http::problem::Problem;
use crate::http::{Context, body, depth};
use crate::ids::SessionId;
use crate::protocol::jsonrpc;
use crate::tree::CallError;
use bytes::{Buf, Bytes};
use futures_util::Stream;
use hyper::StatusCode;
use hyper::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderMap};
use std::sync::Arc;
use warp::Reply;
use warp::reply::Response;

pub(in crate::http) async fn deliver<F, B>(
    context: Arc<Context>,
    query: String,
    headers: HeaderMap,
    frames: F,
) -> Result<Response, Problem>
where
    F: Stream<Item = Result<B, warp::Error>>,
    B: Buf,
{
    let id = session_id(&query).ok_or(Problem::NoSession)?;
    let id = SessionId::parse(id).ok_or(CallError::UnknownSession)?;
    if !is_json(&headers) {
        return Err(Problem::MediaType);
    }
    // Before the body is read: nobody else's body costs us anything.
    let session = context.sessions.find(&id).await?;
    let declared = declared_length(&headers);
    let body = body::collect(frames, declared, &context.limits, &context.budget).await?;
    session.deliver(decode(&body, context.limits.depth)?)?;
    Ok(warp::reply::with_status("Accepted", StatusCode::ACCEPTED).into_response())
}

/// A body of at most `depth` levels as a message.
fn decode(body: &Bytes, depth: usize) -> Result<jsonrpc::Message, Problem> {
    if body.trim_ascii_start().first() == Some(&b'[') {
        return Err(Problem::Batch);
    }
    if depth::is_deeper_than(depth, body) {
        return Err(Problem::TooDeep(depth));
    }
    Ok(jsonrpc::decode(body)?)
}

/// The value of `session_id` or `sessionId` (the TypeScript SDK's spelling) in a query.
fn session_id(query: &str) -> Option<&str> {
    let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs
        .find(|(key, _)| matches!(*key, "session_id" | "sessionId"))
        .map(|(_, value)| value)
        .filter(|value| !value.is_empty())
}

/// Whether there is exactly one Content-Type and it is JSON, with whatever parameters. A form or
/// plain text is what a web page may send without asking first.
fn is_json(headers: &HeaderMap) -> bool {
    let mut values = headers.get_all(CONTENT_TYPE).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return false;
    };
    let essence = value.as_bytes().split(|b| *b == b';').next();
    let essence = essence.unwrap_or_default().trim_ascii();
    essence.eq_ignore_ascii_case(b"application/json")
}

/// The Content-Length; hyper has refused what is no number. One beyond `usize` is over any limit.
fn declared_length(headers: &HeaderMap) -> Option<usize> {
    let value = headers.get(CONTENT_LENGTH)?.to_str().ok()?;
    Some(value.parse().unwrap_or(usize::MAX))
}

#[cfg(test)]
mod tests {
    use super::session_id;

    #[test]
    fn both_spellings_of_the_session_are_read() {
        assert_eq!(session_id("session_id=a"), Some("a"));
        assert_eq!(session_id("x=1&sessionId=b&y"), Some("b"));
        assert_eq!(session_id("session_id="), None);
        assert_eq!(session_id("session=a"), None);
        assert_eq!(session_id(""), None);
    }
}
