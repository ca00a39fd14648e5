//! `POST /mcp`: hands what a client says to its session, or opens one for it. The reply is the
//! answer as JSON if that is the first that comes, and a stream of events if anything comes before
//! it or it takes long.

use super::answers::Answers;
use super::post_body::{PendingReplies, PostBody, is_batch, is_initialize, request_id};
use super::{find, modern, refused};
use crate::http::connection::RequestContext;
use crate::http::handlers::read;
use crate::http::headers::{self, SESSION};
use crate::http::problem::Problem;
use crate::http::sse::EventStream;
use crate::http::{Context, Times, accept, sse};
use crate::protocol::framing::sse::{comment, event};
use crate::protocol::jsonrpc::{self, Message};
use crate::protocol::mcp::lifecycle;
use crate::tree::{CallError, Event, Outbound, SessionHandle, beside};
use bytes::{Buf, Bytes};
use futures_util::{Stream, StreamExt};
use hyper::StatusCode;
use hyper::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderValue};
use std::time::Duration;
use tokio::time::timeout;
use warp::Reply;
use warp::reply::Response;

pub(super) async fn answer<F, B>(
    context: &Context,
    headers: &HeaderMap,
    request_context: RequestContext,
    frames: F,
) -> Result<Response, Problem>
where
    F: Stream<Item = Result<B, warp::Error>>,
    B: Buf,
{
    if !headers::is_json(headers) {
        return Err(Problem::MediaType);
    }
    let takes = Takes::of(headers)?;
    if modern::is_another_revision(headers) {
        let body = read(context, &request_context, headers, frames).await?;
        let other = modern::other_revision(context, headers, (request_context, takes), body);
        return Box::pin(other).await;
    }
    if let Some(id) = headers::session(headers)? {
        // Before the body is read: nobody else's body costs us anything.
        let session = known(context, &request_context, id).await?;
        let body = read(context, &request_context, headers, frames).await?;
        let (version, most) = (session.version(), request_context.limits.max_batch_length);
        let posted = beside(body.len(), || PostBody::read(&body, version, most))?;
        drop(body);
        let is_modern = |message| modern::is_modern(context, message);
        if posted.messages.iter().any(is_modern) {
            let only =
                modern::answer_only(context, headers, (request_context, takes), posted.messages);
            return Box::pin(only).await;
        }
        if let [message] = posted.messages.as_slice()
            && is_initialize(message)
        {
            // A client that begins anew, as some do without forgetting the id that they had.
            return Box::pin(open(context, request_context, takes, posted)).await;
        }
        converse(context, request_context, &session, (takes, posted)).await
    } else {
        let body = read(context, &request_context, headers, frames).await?;
        Box::pin(begin(context, headers, (request_context, takes), body)).await
    }
}

/// As many as most clients send.
const HEADERS: usize = 12;

/// How a client takes answers. It should take both (2025-11-25, "Sending Messages to the Server");
/// one that says only half of that is served in what it takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Takes {
    /// It says so.
    Both,
    /// It says nothing.
    Anything,
    /// What a session says before an answer does not reach it.
    Json,
    Events,
}

impl Takes {
    fn of(headers: &HeaderMap) -> Result<Self, Problem> {
        let values = headers.get_all(ACCEPT);
        let takes = |media| accept::lists(&values, media);
        match (takes("application/json"), takes("text/event-stream")) {
            (true, true) => Ok(Self::Both),
            (true, false) => Ok(Self::Json),
            (false, true) => Ok(Self::Events),
            (false, false) if accept::is_silent(&values) => Ok(Self::Anything),
            (false, false) => Err(Problem::NotAcceptable(
                "application/json and text/event-stream",
            )),
        }
    }
}

/// The session called `id`: most likely the one that this connection knows.
async fn known(
    context: &Context,
    request_context: &RequestContext,
    id: &str,
) -> Result<SessionHandle, Problem> {
    if let Some(session) = request_context
        .session
        .get()
        .filter(|known| known.is_streamable(id, request_context.owner))
    {
        request_context.is_known().await?;
        return Ok(session.clone());
    }
    // Apart, as for most requests it is known.
    let session = Box::pin(find(context, request_context, id)).await?;
    request_context.remember(&session).await?;
    Ok(session)
}

/// Answers a client that has no session: it initializes, or does without.
async fn begin(
    context: &Context,
    headers: &HeaderMap,
    (request_context, takes): (RequestContext, Takes),
    body: Bytes,
) -> Result<Response, Problem> {
    if is_batch(&body) {
        modern::refuse_batch(context, &body, request_context.limits.max_batch_length)?;
        return Err(Problem::NotInitialized(None));
    }
    let message = beside(body.len(), || jsonrpc::decode(&body))?;
    drop(body);
    if modern::is_modern(context, &message) {
        return modern::answer(context, headers, (request_context, takes), message).await;
    }
    if !is_initialize(&message) {
        modern::not_offered(context, &message)?;
        return Err(Problem::NotInitialized(request_id(&message).cloned()));
    }
    open(context, request_context, takes, PostBody::one(message)).await
}

/// Opens a session for a client that initializes, and tells it the session's id.
async fn open(
    context: &Context,
    request_context: RequestContext,
    takes: Takes,
    posted: PostBody,
) -> Result<Response, Problem> {
    let params = match posted.messages.first() {
        Some(Message::Request(request)) => request.params.as_ref(),
        _ => None,
    };
    let client = lifecycle::client_info(params);
    // Before there is a session, which whoever is refused would leave behind.
    request_context.is_known().await?;
    let (id, session) = context
        .sessions
        .of(request_context.client())
        .open_streamable(client)
        .await?;
    request_context.remember(&session).await?;
    let id = HeaderValue::try_from(id).map_err(|_| CallError::Gone)?;
    let mut reply = converse(context, request_context, &session, (takes, posted)).await?;
    reply.headers_mut().insert(SESSION, id);
    Ok(reply)
}

/// Gives `posted` to its session and replies with what comes back. A client that leaves meanwhile
/// cancels nothing (2025-11-25, "Sending Messages to the Server"): only its stream is let go.
async fn converse(
    context: &Context,
    request_context: RequestContext,
    session: &SessionHandle,
    (takes, posted): (Takes, PostBody),
) -> Result<Response, Problem> {
    let PostBody { messages, owed } = posted;
    if takes == Takes::Json && messages.len() > 1 {
        // Its answers come one by one.
        return Err(Problem::NotAcceptable("text/event-stream"));
    }
    if !owed.has_requests() {
        for message in messages {
            session.deliver(message).map_err(refused)?;
        }
        return Ok(owed.reply(None).map_or_else(accepted, json));
    }
    let may_stream = takes != Takes::Json;
    let outbound = session.exchange(messages, may_stream);
    let mut outbound = outbound.map_err(refused)?;
    outbound.cut_with(request_context.cut.clone());
    let first = match takes {
        Takes::Both | Takes::Anything => timeout(patience(context, session), outbound.next())
            .await
            .ok(),
        Takes::Json => Some(last(&mut outbound).await),
        Takes::Events => None,
    };
    let body = match first {
        Some(Some(only)) if only.is_last => owed.reply(Some(only.message)),
        Some(Some(first)) => return Ok(stream(&request_context, outbound, owed, Some(first))),
        Some(None) if outbound.is_forgone() => owed.reply(None),
        Some(None) => owed.failure(),
        None => {
            outbound.begin_stream();
            return Ok(stream(&request_context, outbound, owed, None));
        }
    };
    Ok(body.map_or_else(accepted, json))
}

/// How long an answer may take before the reply becomes a stream.
fn patience(context: &Context, session: &SessionHandle) -> Duration {
    let Times {
        stream_after,
        resumable_after,
        ..
    } = context.times;
    let is_resumable = session.version().has_priming();
    if is_resumable {
        resumable_after
    } else {
        stream_after
    }
}

/// What ends the exchange.
async fn last(outbound: &mut Outbound) -> Option<Event> {
    while let Some(event) = outbound.next().await {
        if event.is_last {
            return Some(event);
        }
    }
    None
}

/// A reply that goes on: what is known already, and what `outbound` will say.
fn stream(
    request_context: &RequestContext,
    outbound: Outbound,
    owed: PendingReplies,
    first: Option<Event>,
) -> Response {
    let (asked, refusals) = owed.into_parts();
    let answers = Answers::new(outbound, asked, first.as_ref());
    let mut events = EventStream::new(answers, request_context.limits.keepalive_interval);
    for refusal in refusals {
        events = events.after(event("message", &refusal));
    }
    sse::reply(match first {
        Some(first) => events.beginning(first),
        // Whoever holds a reply back until there is something in it gets something.
        None => events.after(comment("keepalive")),
    })
}

/// There is nothing to be said to what came.
pub(super) fn accepted() -> Response {
    StatusCode::ACCEPTED.into_response()
}

pub(super) fn json(body: Bytes) -> Response {
    let mut reply = Response::new(body.into());
    // Into this map hyper reads the headers of the next request, which would have it grow.
    *reply.headers_mut() = HeaderMap::with_capacity(HEADERS);
    let json = HeaderValue::from_static("application/json");
    reply.headers_mut().insert(CONTENT_TYPE, json);
    reply
}
