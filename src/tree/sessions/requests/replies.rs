//! What one request is answered with, message by message.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::Stream;

/// One message to the client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spoken {
    /// A JSON-RPC message on one line.
    pub message: Bytes,
    /// Its error's code, if it is one.
    pub error: Option<i64>,
    /// Whether it is the answer, after which nothing comes.
    pub is_last: bool,
}

/// What becomes of one request. Dropping it takes the request back.
#[derive(Debug)]
pub struct Replies(());

impl Stream for Replies {
    type Item = Spoken;

    fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Spoken>> {
        Poll::Ready(None)
    }
}
