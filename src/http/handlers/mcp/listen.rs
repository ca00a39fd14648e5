//! `GET /mcp`, and `/sse` with a session: the stream for what belongs to no request, or the rest of a stream that broke.

use super::{find, refused, unsupported_version};
use crate::http::connection::RequestContext;
use crate::http::farewell::Farewell;
use crate::http::handlers::place;
use crate::http::headers::{self, LAST_EVENT};
use crate::http::problem::Problem;
use crate::http::sse::EventStream;
use crate::http::{Context, accept, sse};
use crate::protocol::framing::sse::comment;
use hyper::header::{ACCEPT, HeaderMap};
use warp::reply::Response;

pub(in crate::http::handlers) async fn answer(
    context: &Context,
    headers: &HeaderMap,
    request_context: RequestContext,
) -> Result<Response, Problem> {
    let id = headers::session(headers)?.ok_or(Problem::NothingToHear)?;
    if !accept::allows(&headers.get_all(ACCEPT), "text/event-stream") {
        return Err(Problem::NotAcceptable("text/event-stream"));
    }
    if let Some(asked) = unsupported_version(headers)? {
        return Err(Problem::version(asked, None));
    }
    let last_event = headers::only(headers, &LAST_EVENT)?.filter(|id| !id.is_empty());
    let session = find(context, &request_context, id).await?;
    request_context.is_known().await?;
    let stream = session.listen(last_event).await.map_err(refused)?;
    let place = place(context, headers, &request_context);
    stream.cut_with(request_context.cut.clone());
    let events = EventStream::new(stream, request_context.limits.keepalive_interval);
    let farewell = Farewell::of_streamable(context, session.version().has_priming());
    let events = events.placed(place).with(farewell);
    Ok(sse::reply(events.after(comment("connected"))))
}
