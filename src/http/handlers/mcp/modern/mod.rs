//! A POST of a client without a session (MCP 2026-07-28, basic/transports): whether it is one, what it
//! must say of itself, and its reply. One message after the other can come from anybody; nothing is kept
//! between them.

mod era;
mod ladder;
mod reply;

pub(super) use era::{is_another_revision, is_modern, not_offered, other_revision, refuse_batch};

use super::post::Takes;
use crate::http::Context;
use crate::http::connection::RequestContext;
use crate::http::misfit::Misfit;
use crate::http::problem::Problem;
use crate::protocol::jsonrpc::{Message, Request, RequestId};
use crate::protocol::mcp::method;
use crate::protocol::modern::request::ModernRequest;
use hyper::header::HeaderMap;
use warp::reply::Response;

/// Answers one message of this era.
pub(super) async fn answer(
    context: &Context,
    headers: &HeaderMap,
    (request_context, takes): (RequestContext, Takes),
    message: Message,
) -> Result<Response, Problem> {
    let asked = match &message {
        Message::Request(request) => Some(request.id.clone()),
        Message::Notification(_) | Message::Response(_) => None,
    };
    let answering = |problem: Problem| problem.answering(asked.clone());
    // A client has to take an answer in either form: which it will be is not known before.
    if takes != Takes::Both {
        let both = "application/json and text/event-stream";
        return Err(answering(Problem::NotAcceptable(both)));
    }
    match message {
        Message::Request(request) => {
            let id = request.id.clone();
            let request = read(context, headers, request).map_err(answering)?;
            converse(context, request_context, request, id)
                .await
                .map_err(answering)
        }
        // Nothing that a client can tell has a meaning here. One that does not want an answer any more
        // closes its connection: an id is not only its own.
        Message::Notification(told) => {
            log::debug!(
                "a client without a session sent '{}', which is dropped",
                told.method
            );
            Ok(super::post::accepted())
        }
        Message::Response(_) => Err(Misfit::NotOne.into()),
    }
}

/// The same of what was read as the messages of a session: one of them is of this era, and must be the
/// only one.
pub(super) async fn answer_only(
    context: &Context,
    headers: &HeaderMap,
    by: (RequestContext, Takes),
    mut messages: Vec<Message>,
) -> Result<Response, Problem> {
    match (messages.pop(), messages.pop()) {
        (Some(message), None) => answer(context, headers, by, message).await,
        _ => Err(Misfit::NotOne.into()),
    }
}

/// The request, if it is right in all that can be known without the servers.
fn read(
    context: &Context,
    headers: &HeaderMap,
    request: Request,
) -> Result<ModernRequest, Problem> {
    let meta = ladder::climb(headers, &request).map_err(Problem::from)?;
    if &*request.method == method::DISCOVER && !context.serving.borrow().discover {
        return Err(Misfit::NotOffered.into());
    }
    let param_headers = ladder::param_headers(headers, &request.method);
    Ok(ModernRequest {
        request,
        meta,
        param_headers,
    })
}

/// Has the request done. Dropping this takes it back: so does a client that closes its connection,
/// whether anything has been said on it yet or not.
async fn converse(
    context: &Context,
    request_context: RequestContext,
    request: ModernRequest,
    id: RequestId,
) -> Result<Response, Problem> {
    request_context.is_known().await.map_err(Misfit::Call)?;
    let sessions = context.sessions.of(request_context.client());
    let replies = sessions.request(request).map_err(Misfit::Call)?;
    replies.cut_with(request_context.cut.clone());
    reply::of(context, &request_context, replies, id).await
}
