//! The streams that stay open: the one on which a server says what belongs to no request, and the one of HTTP+SSE
//! (2024-11-05), on which it says everything.

use std::pin::pin;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::{Either, select};
use hyper::StatusCode;
use tokio::time::{Instant, sleep, timeout};

use super::End;
use super::link::{Asked, Link};
use super::reading::Events;
use super::refusal::{self, Refusal, Trouble};
use crate::client::{ClientError, EVENTS, media_type, no_mcp};

/// A stream that ends is opened again after this, if the server does not say when, and never sooner; and ever more
/// rarely, if it was open for a short time only.
const AGAIN: Duration = Duration::from_secs(1);
const AGAIN_AT_LAST: Duration = Duration::from_secs(60);
const SHORT: Duration = Duration::from_secs(10);
/// After so many tries without a connection there is no server.
const TRIES: u32 = 3;
/// The stream of HTTP+SSE begins with an address. One that does not by then is another stream, if it was looked for only
/// because a POST was refused.
const NAMES_WITHIN: Duration = Duration::from_secs(5);

/// When a stream is opened again that was opened after `last`, and `lasted` so long.
pub(super) fn pause(
    last: Duration,
    lasted: Duration,
    retry: Option<Duration>,
    grown: Duration,
) -> Duration {
    let first = retry.map_or(AGAIN, |retry| retry.clamp(AGAIN, AGAIN_AT_LAST));
    if lasted >= SHORT {
        return first;
    }
    (last * 2).min(grown).max(first)
}

/// What the server says by itself, as long as it lives. Most have no such stream.
pub(super) async fn standalone(link: &Link) {
    let (mut wait, mut misses, mut was_open) = (Duration::ZERO, 0, false);
    let (mut last, mut retry): (Option<Vec<u8>>, _) = (None, None);
    loop {
        let mut asks = None;
        let mut lasted = Duration::ZERO;
        match link.send(&Asked::Stream(last.as_deref())).await {
            Ok(response) if media_type(response.headers()).as_bytes() == EVENTS.as_bytes() => {
                (was_open, misses) = (true, 0);
                let opened = Instant::now();
                let mut events = Events::new(link, response.into_body());
                while let Ok(Some(event)) = events.next().await {
                    link.deliver(event.data.into()).await;
                }
                let reader = events.reader();
                last = reader.last_id().map(<[u8]>::to_vec).or(last);
                retry = reader.retry().or(retry);
                lasted = opened.elapsed();
            }
            Err(Trouble::Unconnected(error)) if was_open => {
                misses += 1;
                if misses >= TRIES {
                    return link.end(refusal::failed(&error));
                }
                sleep(wait.max(AGAIN)).await;
                continue;
            }
            Err(Trouble::Refused(refusal)) => match refused(refusal, was_open, last.is_some()) {
                Next::End(end) => return link.end(end),
                Next::Never => return,
                // An event that is too old for the server is not asked for again.
                Next::Afresh => last = None,
                Next::Again(wait) => asks = wait,
            },
            Ok(_) | Err(Trouble::Broken(_)) if was_open => {}
            Ok(_) | Err(_) => return,
        }
        wait = pause(wait, lasted, retry, AGAIN_AT_LAST);
        sleep(asks.map_or(wait, |asks| asks.max(wait))).await;
    }
}

/// What becomes of the stream when it is refused.
enum Next {
    End(End),
    Never,
    Afresh,
    /// Not before so long.
    Again(Option<Duration>),
}

fn refused(refusal: Refusal, was_open: bool, is_resumed: bool) -> Next {
    let is_busy = refusal.status == StatusCode::TOO_MANY_REQUESTS
        || refusal.status.is_server_error() && refusal.status != StatusCode::NOT_IMPLEMENTED;
    match refusal.status {
        _ if was_open && refusal.is_forgotten() => Next::End(End::Forgotten),
        StatusCode::UNAUTHORIZED if was_open => {
            Next::End(refusal::end_of(Trouble::Refused(refusal)))
        }
        StatusCode::BAD_REQUEST if is_resumed => Next::Afresh,
        _ if was_open || is_busy => Next::Again(refusal.wait),
        _ => Next::Never,
    }
}

/// Opens the stream of HTTP+SSE, sends `hello` to the address that it names, and reads until its end, which is the
/// server's. What it is tried after is the reason where there is no such stream.
pub(super) async fn sse(
    link: &Link,
    hello: &Bytes,
    refused: Option<Trouble>,
) -> Result<(), Trouble> {
    let opened = link.send(&Asked::Stream(None)).await;
    let response = match (opened, &refused) {
        (Err(Trouble::Refused(stream)), Some(Trouble::Refused(first)))
            if stream.says_less_than(first) =>
        {
            return refused.map_or(Ok(()), Err);
        }
        (opened, _) => opened?,
    };
    let media = media_type(response.headers());
    if media.as_bytes() != EVENTS.as_bytes() {
        return Err(Trouble::Broken(no_mcp(response.status(), &media)));
    }
    let mut events = Events::new(link, response.into_body());
    match refused {
        None => named(link, &mut events).await?,
        Some(first) => match timeout(NAMES_WITHIN, named(link, &mut events)).await {
            Err(_) | Ok(Err(Trouble::Broken(_))) => return Err(first),
            Ok(named) => named?,
        },
    }
    let read = pin!(read(link, events));
    let asked = Asked::Post(hello);
    let tell = pin!(link.send(&asked));
    // What is answered is answered on the stream.
    match select(tell, read).await {
        Either::Left((told, read)) => {
            told?;
            read.await
        }
        Either::Right((read, _)) => read,
    }
}

/// Reads until it is said where messages go.
async fn named(link: &Link, events: &mut Events<'_>) -> Result<(), Trouble> {
    loop {
        let Some(event) = events.next().await.map_err(Trouble::Broken)? else {
            return Err(Trouble::Broken(ended()));
        };
        if event.name == "endpoint" {
            return link.post_to(&event.data);
        }
    }
}

async fn read(link: &Link, mut events: Events<'_>) -> Result<(), Trouble> {
    loop {
        match events.next().await {
            Ok(Some(event)) => link.deliver(event.data.into()).await,
            Ok(None) => return Err(Trouble::Broken(ended())),
            Err(error) => return Err(Trouble::Broken(error)),
        }
    }
}

fn ended() -> ClientError {
    ClientError::Broken("its event stream ended".to_owned())
}
