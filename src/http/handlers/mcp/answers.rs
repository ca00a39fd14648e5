//! The events of a POST that is answered by a stream. A session that ends too early leaves requests
//! without an answer: each gets an error here, so that no client waits for ever.

use super::post_body;
use crate::http::sse::Messages;
use crate::protocol::jsonrpc::{self, Message, RequestId};
use crate::tree::{Event, Outbound, beside};
use futures_util::{Stream, StreamExt};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// What the session says, and what it owes.
#[derive(Debug)]
pub(super) struct Answers {
    outbound: Outbound,
    /// The requests whose answer has not been seen.
    asked: Vec<RequestId>,
}

impl Answers {
    /// The answers to `asked`, of which `outbound` has given none but `first`.
    pub(super) fn new(outbound: Outbound, asked: Vec<RequestId>, first: Option<&Event>) -> Self {
        let mut answers = Self { outbound, asked };
        if let Some(first) = first {
            answers.see(first);
        }
        answers
    }

    /// Strikes off what `event` answers. The last event leaves nothing; only of a batch is there
    /// an answer before it.
    fn see(&mut self, event: &Event) {
        if event.is_last {
            self.asked.clear();
        } else if self.asked.len() > 1
            && let message = &event.message
            && let Ok(Message::Response(response)) =
                beside(message.len(), || jsonrpc::decode(message))
        {
            let mut asked = self.asked.iter();
            if let Some(at) = asked.position(|id| response.id.as_ref() == Some(id)) {
                self.asked.swap_remove(at);
            }
        }
    }
}

impl Stream for Answers {
    type Item = Event;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        if let Some(event) = ready!(self.outbound.poll_next_unpin(cx)) {
            self.see(&event);
            return Poll::Ready(Some(event));
        }
        Poll::Ready(self.asked.pop().map(|id| Event {
            id: None,
            message: post_body::unanswered(&id),
            is_last: self.asked.is_empty(),
        }))
    }
}

impl Messages for Answers {
    fn taken(&self) {
        self.outbound.touch();
    }
}
