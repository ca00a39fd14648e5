//! `GET /status/stream`: what `/status` says, at once and whenever it changes, for the page.

use crate::http::connection::RequestContext;
use crate::http::problem::Problem;
use crate::http::sse::{EventStream, Messages};
use crate::http::{Context, accept, handlers, sse};
use crate::tree::{CallError, Event};
use futures_util::Stream;
use hyper::header::{ACCEPT, HeaderMap};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{self, Poll};
use std::time::Duration;
use warp::reply::Response;

pub(in crate::http) async fn open(
    context: Arc<Context>,
    headers: HeaderMap,
    request_context: RequestContext,
) -> Result<Response, Problem> {
    if !accept::allows(&headers.get_all(ACCEPT), "text/event-stream") {
        return Err(Problem::NotAcceptable("text/event-stream"));
    }
    request_context.is_known().await?;
    let (holder, tokens) = (request_context.holder(), context.tokens.clone());
    let events = context.feed.open(holder, tokens);
    let events = events.ok_or(CallError::Overloaded(
        "as many pages are open as may be; GET /status says the same",
    ))?;
    let place = handlers::place(&context, &headers, &request_context);
    let pause = request_context.limits.keepalive_interval.min(HEARTBEAT);
    let events = EventStream::new(Snapshots(Box::pin(events)), pause);
    Ok(sse::reply(
        events.named(b"event: status\ndata: ").placed(place),
    ))
}

/// What a page hears at least so often, so that it knows of a gateway that has gone without a word.
const HEARTBEAT: Duration = Duration::from_secs(10);

/// What one open page reads.
struct Snapshots<S>(Pin<Box<S>>);

impl<S: Stream<Item = Event>> Stream for Snapshots<S> {
    type Item = Event;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<Option<Event>> {
        self.0.as_mut().poll_next(cx)
    }
}

impl<S: Stream<Item = Event>> Messages for Snapshots<S> {}
