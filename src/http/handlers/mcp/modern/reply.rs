//! The reply to a request without a session: its answer as JSON if that is the first that comes, and a
//! stream of events if anything comes before it or it takes long. Nothing of it can be asked for again.

use crate::http::connection::RequestContext;
use crate::http::misfit::Misfit;
use crate::http::problem::{Problem, status_of};
use crate::http::sse::{EventStream, Messages};
use crate::http::{Context, sse};
use crate::protocol::framing::sse::comment;
use crate::protocol::jsonrpc::RequestId;
use crate::tree::{Event, Replies, Spoken};
use futures_util::{Stream, StreamExt};
use std::pin::Pin;
use std::task::{self, Poll, ready};
use tokio::time::timeout;
use warp::reply::Response;

/// Waits for the first of `replies`, the answer to `id` among them.
pub(super) async fn of(
    context: &Context,
    request_context: &RequestContext,
    mut replies: Replies,
    id: RequestId,
) -> Result<Response, Problem> {
    let first = match timeout(context.times.stream_after, replies.next()).await {
        Ok(Some(Spoken {
            message,
            error,
            is_last: true,
        })) => {
            let mut reply = super::super::post::json(message);
            *reply.status_mut() = status_of(error);
            return Ok(reply);
        }
        Ok(None) => return Err(Misfit::Unanswered.into()),
        Ok(Some(first)) => Some(first),
        Err(_) => None,
    };
    let said = Said {
        replies,
        owed: Some(id),
    };
    let events = EventStream::new(said, request_context.limits.keepalive_interval);
    Ok(sse::reply(match first {
        Some(first) => events.beginning(event(first)),
        // Whoever holds a reply back until there is something in it gets something.
        None => events.after(comment("keepalive")),
    }))
}

/// What is said, one event each, and to which request an answer is owed.
#[derive(Debug)]
struct Said {
    replies: Replies,
    owed: Option<RequestId>,
}

impl Stream for Said {
    type Item = Event;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<Option<Event>> {
        if let Some(spoken) = ready!(self.replies.poll_next_unpin(cx)) {
            if spoken.is_last {
                self.owed = None;
            }
            return Poll::Ready(Some(event(spoken)));
        }
        Poll::Ready(self.owed.take().map(|id| {
            Event {
                id: None,
                message: Problem::from(Misfit::Unanswered)
                    .answering(Some(id))
                    .message(),
                is_last: true,
            }
        }))
    }
}

impl Messages for Said {
    fn taken(&self) {
        self.replies.touch();
    }
}

fn event(spoken: Spoken) -> Event {
    Event {
        id: None,
        message: spoken.message,
        is_last: spoken.is_last,
    }
}
