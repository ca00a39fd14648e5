//! `GET /sse`: opens a session and streams what it says, as MCP 2024-11-05 has it ("HTTP with SSE").

use super::place;
use crate::http::connection::Wire;
use crate::http::farewell::Farewell;
use crate::http::problem::Problem;
use crate::http::sse::EventStream;
use crate::http::{Context, accept, sse};
use crate::protocol::framing::sse::{comment, event};
use crate::tree::OpenedSse;
use hyper::header::{ACCEPT, HeaderMap, HeaderName};
use std::sync::Arc;
use warp::reply::Response;

/// Opens a session. `base` is the path that the client asked below: empty, or MetaMCP's.
pub(in crate::http) async fn open(
    base: String,
    context: Arc<Context>,
    headers: HeaderMap,
    wire: Wire,
) -> Result<Response, Problem> {
    if !accept::allows(headers.get_all(ACCEPT), "text", "event-stream") {
        return Err(Problem::NotAcceptable("text/event-stream"));
    }
    let OpenedSse { id, stream } = context.sessions.of(wire.holder()).open_sse().await?;
    wire.presence.is_known();
    let place = place(&context, &headers, &wire);
    stream.cut_with(wire.cut);
    // Relative: SDKs refuse an endpoint on another origin than the one they connected to, and
    // behind a proxy we do not know ours.
    let (prefix, id) = (prefix(&headers), id.secret());
    let endpoint = if base.is_empty() {
        format!("{prefix}/messages?session_id={id}")
    } else {
        format!("{prefix}{base}/message?sessionId={id}")
    };
    // A proxy that waits for a second line before it lets the first one through gets it.
    let first = [event("endpoint", endpoint.as_bytes()), comment("connected")].concat();
    let events = EventStream::new(stream, wire.limits.keepalive_interval);
    let events = events.placed(place).with(Farewell::of_sse(&context));
    Ok(sse::reply(events.after(first.into())))
}

/// The path under which a proxy serves us (`X-Forwarded-Prefix`), without a slash at its end;
/// empty if there is none or it is not a plain path.
fn prefix(headers: &HeaderMap) -> &str {
    let value = headers.get(HeaderName::from_static("x-forwarded-prefix"));
    let value = value.and_then(|value| value.to_str().ok());
    value.and_then(plain_path).unwrap_or_default()
}

/// `path` without a slash at its end, if it starts with one and is made of plain segments: two
/// slashes in a row would name another host, dots would climb.
fn plain_path(path: &str) -> Option<&str> {
    let path = path.strip_suffix('/').unwrap_or(path);
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'~');
    let is_segment = |segment: &str| {
        !segment.is_empty() && !matches!(segment, "." | "..") && segment.bytes().all(plain)
    };
    let is_plain = path.len() <= 256 && path.strip_prefix('/')?.split('/').all(is_segment);
    is_plain.then_some(path)
}

#[cfg(test)]
mod tests {
    use super::plain_path;

    #[test]
    fn only_plain_paths_are_prefixes() {
        for (text, expected) in [
            ("/mcp", Some("/mcp")),
            ("/mcp/", Some("/mcp")),
            ("/a/b-c_d.e~f", Some("/a/b-c_d.e~f")),
            ("/", None),
            ("", None),
            ("mcp", None),
            ("//evil.com", None),
            ("/a//b", None),
            ("/a/../b", None),
            ("/a\nb", None),
            ("/a?b", None),
            ("/a, /b", None),
            ("/a:b@c", None),
        ] {
            assert_eq!(plain_path(text), expected, "{text:?}");
        }
    }
}
