//! `/mcp`: the Streamable HTTP transport (MCP 2025-11-25, basic/transports). With POST a client
//! speaks, with GET it listens, with DELETE it ends its session. At `/sse` too, where a GET without a
//! session is the older transport's. What clients without sessions POST is in [`modern`].

mod answers;
mod delete;
pub(super) mod listen;
mod modern;
mod post;
pub(super) mod post_body;

use crate::http::Context;
use crate::http::connection::RequestContext;
use crate::http::headers::{self, VERSION};
use crate::http::problem::Problem;
use crate::protocol::version::Version;
use crate::tree::{CallError, SessionHandle};
use bytes::Buf;
use futures_util::Stream;
use hyper::Method;
use hyper::header::HeaderMap;
use std::sync::Arc;
use warp::reply::Response;

pub(in crate::http) async fn answer<F, B>(
    context: Arc<Context>,
    method: Method,
    headers: HeaderMap,
    request_context: RequestContext,
    frames: F,
) -> Result<Response, Problem>
where
    F: Stream<Item = Result<B, warp::Error>>,
    B: Buf,
{
    match method {
        Method::POST => post::answer(&context, &headers, request_context, frames).await,
        // Apart: hardly any request needs the memory for these, which each connection would keep.
        Method::GET => Box::pin(listen::answer(&context, &headers, request_context)).await,
        Method::DELETE => Box::pin(delete::answer(&context, &headers, &request_context)).await,
        _ => Err(Problem::Method("GET, POST, DELETE")),
    }
}

/// What the client says to speak, if that is no revision with sessions. One that says nothing speaks
/// what was agreed on (2025-06-18, "Protocol Version Header").
fn unsupported_version(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    let asked = headers::only(headers, &VERSION)?;
    Ok(asked.filter(|asked| Version::parse(asked).is_none()))
}

/// The session called `id` of whose the request is. Without one its client has to initialize again, and by a 404 it knows.
async fn find(
    context: &Context,
    request_context: &RequestContext,
    id: &str,
) -> Result<SessionHandle, Problem> {
    let sessions = context.sessions.of(request_context.client());
    sessions.find_streamable(id).await.map_err(not_found)
}

/// Why no session was found.
fn not_found(error: CallError) -> Problem {
    if error == CallError::UnknownSession {
        return Problem::SessionNotFound;
    }
    error.into()
}

/// What a session's handle refused. One that ended between two steps of a request can be found
/// again by the next: its client need not initialize.
fn refused(error: CallError) -> Problem {
    let ended = error == CallError::UnknownSession;
    if ended { CallError::Gone } else { error }.into()
}
