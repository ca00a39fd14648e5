//! `POST /messages?session_id=…` of HTTP+SSE: hands one message, or a batch where the revision has
//! batches, to its session. The answer comes on the session's stream, so all that is said here is
//! "Accepted".

use super::mcp::post_body::{is_batch, is_initialize};
use super::read;
use crate::http::connection::RequestContext;
use crate::http::problem::Problem;
use crate::http::{Context, headers};
use crate::ids::SessionId;
use crate::protocol::jsonrpc::{self, Message};
use crate::tree::{CallError, SessionHandle, beside};
use bytes::{Buf, Bytes};
use futures_util::Stream;
use hyper::StatusCode;
use hyper::header::HeaderMap;
use std::sync::Arc;
use warp::Reply;
use warp::reply::Response;

pub(in crate::http) async fn deliver<F, B>(
    context: Arc<Context>,
    query: String,
    headers: HeaderMap,
    request_context: RequestContext,
    frames: F,
) -> Result<Response, Problem>
where
    F: Stream<Item = Result<B, warp::Error>>,
    B: Buf,
{
    let id = session_id(&query).ok_or(Problem::NoSession)?;
    let id = SessionId::parse(id).ok_or(CallError::UnknownSession)?;
    if !headers::is_json(&headers) {
        return Err(Problem::MediaType);
    }
    // Before the body is read: nobody else's body costs us anything.
    let session = match request_context
        .session
        .get()
        .filter(|known| known.is_sse(&id, request_context.owner))
    {
        Some(session) => session.clone(),
        // Apart, as for most requests it is known; batches are rare too.
        None => Box::pin(context.sessions.of(request_context.client()).find(&id)).await?,
    };
    request_context.remember(&session).await?;
    let body = read(&context, &request_context, &headers, frames).await?;
    if is_batch(&body) {
        let batch = read_batch(&session, &body, request_context.limits.max_batch_length);
        session.deliver_all(Box::pin(batch).await?)?;
    } else {
        session.deliver(beside(body.len(), || jsonrpc::decode(&body))?)?;
    }
    Ok(warp::reply::with_status("Accepted", StatusCode::ACCEPTED).into_response())
}

/// The messages of a batch, if the session's revision has batches. One that is no message has
/// nowhere to be answered but here, so that nothing is done for the others.
async fn read_batch(
    session: &SessionHandle,
    body: &Bytes,
    most: usize,
) -> Result<Vec<Message>, Problem> {
    if !session.agreed_version().await?.has_batches() {
        return Err(Problem::Batch);
    }
    let messages = beside(body.len(), || jsonrpc::decode_batch(body, most))?;
    let messages: Vec<Message> = messages.into_iter().collect::<Result<_, _>>()?;
    if messages.iter().any(is_initialize) {
        return Err(Problem::InitializeInBatch);
    }
    Ok(messages)
}

/// The value of `session_id` or `sessionId` (the TypeScript SDK's spelling) in a query.
fn session_id(query: &str) -> Option<&str> {
    let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs
        .find(|(key, _)| matches!(*key, "session_id" | "sessionId"))
        .map(|(_, value)| value)
        .filter(|value| !value.is_empty())
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
