//! One message, and what the server answers: JSON, or a stream that may be cut and resumed.

use std::time::Duration;

use bytes::Bytes;
use hyper::body::Incoming;
use hyper::{Response, StatusCode};
use tokio::time::{Instant, sleep, timeout};

use super::answers::{self, Taken};
use super::link::{Asked, Link};
use super::reading::{self, Events};
use super::refusal::{self, Refusal, Trouble};
use super::{End, Output, Unanswered, streams};
use crate::client::{ClientError, EVENTS, JSON, excerpt, media_type};
use crate::config::model::Transport;
use crate::protocol::jsonrpc::{self, Outline};
use crate::protocol::mcp::method;

/// A second try to connect, for a packet that was lost.
const RECONNECT: Duration = Duration::from_millis(200);
/// For what is not answered.
const TOLD_WITHIN: Duration = Duration::from_secs(30);
/// After its answer a stream has so long to end by itself: its connection serves others then.
const ENDS_WITHIN: Duration = Duration::from_secs(1);
/// A stream that is cut is resumed no later than this, however short it was; if the server says when, than that.
const RESUMED_AFTER: Duration = Duration::from_secs(8);
const RESUMED_AFTER_AT_MOST: Duration = Duration::from_secs(30);
/// So often in vain, and so often in all.
const TRIES: u32 = 5;
const RESUMED: u32 = 200;

/// Sends a message, and delivers what comes of it. Gives the request's id back.
pub(super) async fn send(link: &Link, message: Bytes) -> Option<u64> {
    match jsonrpc::outline(&message) {
        Outline::Request { id, method } if is_hello(method) => {
            // On the heap, as what is seldom is here: each request's task has room for what may happen to it.
            if let Err(trouble) = Box::pin(hello(link, &message, id, method)).await {
                let end = |trouble| link.end(refusal::end_of(trouble));
                answer_or(link, id, trouble, end).await;
            }
            Some(id)
        }
        Outline::Request { id, .. } => {
            if let Err(trouble) = exchange(link, &message, id).await {
                answer_or(link, id, trouble, |trouble| undone(link, id, trouble)).await;
            }
            Some(id)
        }
        Outline::Notification { .. } | Outline::Other => {
            Box::pin(tell(link, &message)).await;
            None
        }
    }
}

pub(super) fn is_hello(method: &str) -> bool {
    [method::INITIALIZE, method::DISCOVER].contains(&method)
}

/// The first message of a life. Where Streamable HTTP is not served it goes by HTTP+SSE, as all after it.
async fn hello(link: &Link, message: &Bytes, id: u64, method: &str) -> Result<(), Trouble> {
    link.begin(method);
    if link.transport == Transport::Sse && !link.is_sse() {
        return streams::sse(link, message, None).await;
    }
    let response = match link.send(&Asked::Post(message)).await {
        Err(trouble) if link.transport == Transport::Auto && trouble.is_of_older_server() => {
            return streams::sse(link, message, Some(trouble)).await;
        }
        response => response?,
    };
    if link.is_sse() {
        return Ok(());
    }
    link.learn_session(response.headers());
    match read(link, response, Awaited { id, is_hello: true }).await? {
        Answered::Yes => Ok(()),
        Answered::No(said) => Err(Trouble::Broken(ClientError::Protocol(format!(
            "the answer to the first request is missing{said}"
        )))),
    }
}

async fn exchange(link: &Link, message: &Bytes, id: u64) -> Result<(), Trouble> {
    let response = match link.send(&Asked::Post(message)).await {
        Err(Trouble::Unconnected(_)) => {
            sleep(RECONNECT).await;
            link.send(&Asked::Post(message)).await?
        }
        response => response?,
    };
    if link.is_sse() {
        return Ok(());
    }
    let status = response.status();
    let is_hello = false;
    if let Answered::No(said) = read(link, response, Awaited { id, is_hello }).await? {
        let why = if status == StatusCode::OK {
            format!("ended its answer before the answer{said}")
        } else if said.is_empty() {
            format!("answers with status {} and no content", status.as_u16())
        } else {
            format!(
                "answers with status {} and no answer{said}",
                status.as_u16()
            )
        };
        let why = Unanswered::Lost(why);
        link.tell(Output::Unanswered { id, why });
    }
    Ok(())
}

/// Whether what came holds the answer, or else what was said in its place, after a colon.
#[derive(Debug, PartialEq, Eq)]
enum Answered {
    Yes,
    No(String),
}

/// The request that is to be answered.
#[derive(Debug, Clone, Copy)]
struct Awaited {
    id: u64,
    is_hello: bool,
}

async fn read(
    link: &Link,
    response: Response<Incoming>,
    awaited: Awaited,
) -> Result<Answered, Trouble> {
    let media = media_type(response.headers());
    if media.as_bytes() == JSON.as_bytes() {
        let body = reading::body(link, response.into_body())
            .await
            .map_err(Trouble::Broken)?;
        if body.is_empty() {
            return Ok(Answered::No(String::new()));
        }
        return Ok(take(link, body, awaited).await);
    }
    if media.as_bytes() == EVENTS.as_bytes() {
        return Box::pin(read_events(link, response, awaited)).await;
    }
    if media.is_empty() {
        return Ok(Answered::No(String::new()));
    }
    let status = response.status();
    Err(Trouble::Broken(crate::client::no_mcp(status, &media)))
}

/// Passes a message on that came where the answer is awaited.
async fn take(link: &Link, message: Bytes, awaited: Awaited) -> Answered {
    let (taken, message) = answers::take(message, awaited.id).await;
    if taken == Taken::Answer && awaited.is_hello {
        link.learn_version(&message);
    }
    let answered = match taken {
        Taken::Answer => Answered::Yes,
        Taken::Message => Answered::No(String::new()),
        Taken::Junk => Answered::No(format!(": {}", link.hide(&excerpt(&message)))),
    };
    link.deliver(message).await;
    answered
}

async fn read_events(
    link: &Link,
    response: Response<Incoming>,
    awaited: Awaited,
) -> Result<Answered, Trouble> {
    let mut events = Events::new(link, response.into_body());
    let (mut tries, mut resumed, mut said) = (0, 0, String::new());
    let (mut wait, mut opened) = (Duration::ZERO, Instant::now());
    loop {
        let cut = match events.next().await {
            Ok(Some(event)) => {
                tries = 0;
                match take(link, event.data.into(), awaited).await {
                    Answered::Yes => {
                        timeout(ENDS_WITHIN, events.next()).await.ok();
                        return Ok(Answered::Yes);
                    }
                    Answered::No(junk) if junk.is_empty() => {}
                    Answered::No(junk) => said = junk,
                }
                continue;
            }
            Err(error @ ClientError::TooLarge { .. }) => return Err(Trouble::Broken(error)),
            Ok(None) => None,
            Err(error) => Some(error),
        };
        (tries, resumed) = (tries + 1, resumed + 1);
        let may = tries <= TRIES && resumed <= RESUMED;
        let Some(last) = events.reader().last_id().filter(|_| may) else {
            return cut.map_or(Ok(Answered::No(said)), |error| Err(Trouble::Broken(error)));
        };
        let last = last.to_vec();
        let retry = events.reader().retry();
        let retry = retry.map(|retry| retry.min(RESUMED_AFTER_AT_MOST));
        wait = streams::pause(wait, opened.elapsed(), retry, RESUMED_AFTER);
        sleep(wait).await;
        opened = Instant::now();
        match link.send(&Asked::Stream(Some(&last))).await {
            Ok(response) => events.resume(response.into_body()),
            // It may be on its way up again.
            Err(Trouble::Unconnected(_)) => {}
            Err(_) => {
                return cut.map_or(Ok(Answered::No(said)), |error| Err(Trouble::Broken(error)));
            }
        }
    }
}

/// What comes of a request that came to nothing: the server's own error, if there is one, or `otherwise`.
async fn answer_or(link: &Link, id: u64, trouble: Trouble, otherwise: impl FnOnce(Trouble)) {
    match own_error(link, &trouble) {
        Some(error) => {
            let id = jsonrpc::RequestId::from_number(id);
            let answer = jsonrpc::error(Some(&id), &error);
            link.deliver(answer).await;
        }
        None => otherwise(trouble),
    }
}

/// The error of JSON-RPC that a request was refused with, unless the status says more.
fn own_error(link: &Link, trouble: &Trouble) -> Option<Bytes> {
    let Trouble::Refused(refusal) = trouble else {
        return None;
    };
    let is_plain = matches!(
        refusal.status.as_u16(),
        400 | 404 | 405 | 406 | 415 | 422 | 500
    );
    let is_gone = link.has_session() && refusal.is_forgotten();
    refusal.error().filter(|_| is_plain && !is_gone)
}

/// What becomes of a request, and of the server, when it came to nothing.
fn undone(link: &Link, id: u64, trouble: Trouble) {
    let (why, end) = match trouble {
        Trouble::Unconnected(error) => (Unanswered::Unsent, Some(refusal::failed(&error))),
        Trouble::Broken(error) => (Unanswered::Lost(link.hide(&error.to_string())), None),
        Trouble::Refused(refusal) => refused(link, refusal),
        trouble @ Trouble::Loop(_) => {
            let text = "was found to be this gateway itself".to_owned();
            (Unanswered::Lost(text), Some(refusal::end_of(trouble)))
        }
        trouble @ (Trouble::Astray | Trouble::Elsewhere) => {
            let end = refusal::end_of(trouble);
            let text = "leads nowhere".to_owned();
            (Unanswered::Refused(text), Some(end))
        }
    };
    link.tell(Output::Unanswered { id, why });
    if let Some(end) = end {
        link.end(end);
    }
}

fn refused(link: &Link, refusal: Refusal) -> (Unanswered, Option<End>) {
    // What one request may not do others may: it is let in.
    if refusal.status == StatusCode::UNAUTHORIZED
        && let Some(why) = refusal.unauthorized()
    {
        return (
            Unanswered::Refused(why.clone()),
            Some(End::Unauthorized(why)),
        );
    }
    if link.has_session() && refusal.is_forgotten() {
        let text = "has forgotten the session: it is begun anew".to_owned();
        return (Unanswered::Refused(text), Some(End::Forgotten));
    }
    let is_end = refusal.status.is_server_error() && link.is_one_too_many();
    let end = is_end.then(|| End::Failed {
        why: refusal.text.clone(),
        wait: refusal.wait,
    });
    (Unanswered::Refused(refusal.text), end)
}

/// Sends what is not answered.
async fn tell(link: &Link, message: &Bytes) {
    match timeout(TOLD_WITHIN, link.send(&Asked::Post(message))).await {
        Ok(Ok(_)) => {}
        Ok(Err(Trouble::Refused(refusal))) => {
            let is_gone = link.has_session() && refusal.is_forgotten();
            match refusal.unauthorized() {
                Some(why) if refusal.status == StatusCode::UNAUTHORIZED => {
                    link.end(End::Unauthorized(why));
                }
                Some(_) | None if is_gone => link.end(End::Forgotten),
                Some(_) | None => {
                    log::debug!("a remote server refused a notification: {}", refusal.text);
                }
            }
        }
        Ok(Err(trouble)) => log::debug!("a remote server was not told something: {trouble:?}"),
        Err(_) => log::debug!("a remote server did not take a notification"),
    }
}
