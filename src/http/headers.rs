//! What handlers read in a request's headers. A header that means something here stands there once
//! or not at all: two readers of a repeated one could understand it differently.

use super::problem::Problem;
use hyper::header::{
    CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, TRANSFER_ENCODING,
};

/// By which a client of Streamable HTTP names its session.
pub(super) const SESSION: HeaderName = HeaderName::from_static("mcp-session-id");
/// The revision that a client of Streamable HTTP speaks, from its second request on.
pub(super) const VERSION: HeaderName = HeaderName::from_static("mcp-protocol-version");
/// What a request without a session asks for, in its headers too.
pub(super) const METHOD: HeaderName = HeaderName::from_static("mcp-method");
/// What that is about.
pub(super) const NAME: HeaderName = HeaderName::from_static("mcp-name");
/// The last event that a client saw of the stream it resumes.
pub(super) const LAST_EVENT: HeaderName = HeaderName::from_static("last-event-id");

/// The text of the header `name`.
pub(super) fn only<'a>(
    headers: &'a HeaderMap,
    name: &HeaderName,
) -> Result<Option<&'a str>, Problem> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    match (value.to_str(), values.next()) {
        (Ok(text), None) => Ok(Some(text)),
        (Err(_), _) | (_, Some(_)) => Err(Problem::Header(name.clone())),
    }
}

/// The session that a client of Streamable HTTP names. Some send the header before they have an id.
pub(super) fn session(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    Ok(only(headers, &SESSION)?.filter(|id| !id.is_empty()))
}

/// Whether there is exactly one Content-Type and it is JSON, with whatever parameters. A form or
/// plain text is what a web page may send without asking first.
pub(super) fn is_json(headers: &HeaderMap) -> bool {
    let mut values = headers.get_all(CONTENT_TYPE).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return false;
    };
    let essence = value.as_bytes().split(|b| *b == b';').next();
    let essence = essence.unwrap_or_default().trim_ascii();
    essence.eq_ignore_ascii_case(b"application/json")
}

/// Whether the body, if there is one, is coded in no other way than chunked, once: hyper looks at the
/// last coding only, and what is before it nobody here would decode (RFC 9112 §6.1, §7).
pub(super) fn is_coding_known(headers: &HeaderMap) -> bool {
    let mut values = headers.get_all(TRANSFER_ENCODING).iter();
    let is_chunked = |value: &HeaderValue| value.as_bytes().eq_ignore_ascii_case(b"chunked");
    values.next().is_none_or(is_chunked) && values.next().is_none()
}

/// The Content-Length; hyper has refused what is no number. One beyond `usize` is over any limit.
pub(super) fn declared_length(headers: &HeaderMap) -> Option<usize> {
    let value = headers.get(CONTENT_LENGTH)?.to_str().ok()?;
    Some(value.parse().unwrap_or(usize::MAX))
}
