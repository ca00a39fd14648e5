//! `GET /sse`: opens a session and streams what it says, as MCP 2024-11-05 has it ("HTTP with SSE").
//! One that names a session of Streamable HTTP listens to that, as at `/mcp`.

use super::mcp::listen;
use super::place;
use crate::http::connection::RequestContext;
use crate::http::endpoint::Asked;
use crate::http::farewell::Farewell;
use crate::http::problem::Problem;
use crate::http::sse::EventStream;
use crate::http::{Context, accept, headers, sse};
use crate::protocol::framing::sse::{comment, event};
use crate::tree::OpenedSse;
use hyper::header::{ACCEPT, HeaderMap};
use std::sync::Arc;
use warp::path::FullPath;
use warp::reply::Response;

/// Opens a session. `base` is the part of the client's `path` that is before `/sse`: empty, or
/// the path of a profile, or MetaMCP's.
pub(in crate::http) async fn open(
    base: String,
    path: FullPath,
    context: Arc<Context>,
    headers: HeaderMap,
    request_context: RequestContext,
) -> Result<Response, Problem> {
    if headers::session(&headers)?.is_some() {
        // Apart, as in the other transport.
        return Box::pin(listen::answer(&context, &headers, request_context)).await;
    }
    if !accept::allows(&headers.get_all(ACCEPT), "text/event-stream") {
        return Err(Problem::NotAcceptable("text/event-stream"));
    }
    request_context.is_known().await?;
    let sessions = context.sessions.of(request_context.client());
    let OpenedSse { id, stream } = Box::pin(sessions.open_sse()).await?;
    let place = place(&context, &headers, &request_context);
    stream.cut_with(request_context.cut);
    let asked = Asked {
        base: &base,
        path: path.as_str(),
        headers: &headers,
        version: request_context.version,
    };
    let endpoint = asked.endpoint(id.secret());
    // A proxy that waits for a second line before it lets the first one through gets it.
    let first = [event("endpoint", endpoint.as_bytes()), comment("connected")].concat();
    let events = EventStream::new(stream, request_context.limits.keepalive_interval);
    let events = events.placed(place).with(Farewell::of_sse(&context));
    Ok(sse::reply(events.after(first.into())))
}
