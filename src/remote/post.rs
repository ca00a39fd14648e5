//! One message, and what the server answers: JSON, or a stream that may be cut and resumed.

use std::time::Duration;

use bytes::Bytes;
use reqwest::{Response, StatusCode};
use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep, timeout};

use super::link::{Asked, Link};
use super::reading::{self, Events};
use super::refusal::{self, Refusal, Trouble};
use super::{End, Output, Unanswered, streams};
use crate::client::{ClientError, EVENTS, JSON, media_type};
use crate::config::model::Transport;
use crate::protocol::jsonrpc::{self, Message, Outline};
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
/// More than this is large.
const LARGE: usize = 512 * 1024;

/// Sends a message, and delivers what comes of it. Gives the request's id back.
pub(super) async fn send(link: &Link, message: Bytes) -> Option<u64> {
    match jsonrpc::outline(&message) {
        Outline::Request { id, method } if is_hello(method) => {
            if let Err(trouble) = hello(link, &message, method).await {
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
            tell(link, &message).await;
            None
        }
    }
}

pub(super) fn is_hello(method: &str) -> bool {
    [method::INITIALIZE, method::DISCOVER].contains(&method)
}

/// The first message of a life. Where Streamable HTTP is not served it goes by HTTP+SSE, as all after it.
async fn hello(link: &Link, message: &Bytes, method: &str) -> Result<(), Trouble> {
    link.begin(method);
    if link.transport == Transport::Sse && !link.is_sse() {
        return streams::sse(link, message).await;
    }
    let response = match link.send(&Asked::Post(message)).await {
        Err(trouble) if link.transport == Transport::Auto && trouble.is_of_older_server() => {
            return match streams::sse(link, message).await {
                // There is nothing at all.
                Err(Trouble::Refused(_)) => Err(trouble),
                outcome => outcome,
            };
        }
        response => response?,
    };
    if link.is_sse() {
        return Ok(());
    }
    link.learn_session(response.headers());
    let answer = read(link, response, true).await?;
    if answer == Answered::No {
        return Err(Trouble::Broken(ClientError::Protocol(
            "the answer to the first request is missing".to_owned(),
        )));
    }
    Ok(())
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
    if read(link, response, false).await? == Answered::No {
        let why = if status == StatusCode::OK {
            "ended its answer before the answer".to_owned()
        } else {
            format!("answers with status {} and no content", status.as_u16())
        };
        let why = Unanswered::Lost(why);
        link.tell(Output::Unanswered { id, why });
    }
    Ok(())
}

/// Whether what came holds an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answered {
    Yes,
    No,
}

async fn read(link: &Link, response: Response, is_hello: bool) -> Result<Answered, Trouble> {
    let media = media_type(&response);
    if media.as_bytes() == JSON.as_bytes() {
        let body = reading::body(link, response)
            .await
            .map_err(Trouble::Broken)?;
        if body.is_empty() {
            return Ok(Answered::No);
        }
        if is_hello {
            link.learn_version(&body);
        }
        link.deliver(body).await;
        return Ok(Answered::Yes);
    }
    if media.as_bytes() == EVENTS.as_bytes() {
        return read_events(link, response, is_hello).await;
    }
    if media.is_empty() {
        return Ok(Answered::No);
    }
    let status = response.status();
    Err(Trouble::Broken(crate::client::no_mcp(status, &media)))
}

async fn read_events(link: &Link, response: Response, is_hello: bool) -> Result<Answered, Trouble> {
    let mut events = Events::new(link, response);
    let (mut tries, mut resumed) = (0, 0);
    let (mut wait, mut opened) = (Duration::ZERO, Instant::now());
    loop {
        let cut = match events.next().await {
            Ok(Some(event)) => {
                tries = 0;
                let message = Bytes::from(event.data);
                let is_answer = is_answer(message.clone()).await;
                if is_answer && is_hello {
                    link.learn_version(&message);
                }
                link.deliver(message).await;
                if is_answer {
                    timeout(ENDS_WITHIN, events.next()).await.ok();
                    return Ok(Answered::Yes);
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
            return cut.map_or(Ok(Answered::No), |error| Err(Trouble::Broken(error)));
        };
        let last = last.to_vec();
        let retry = events.reader().retry();
        let retry = retry.map(|retry| retry.min(RESUMED_AFTER_AT_MOST));
        wait = streams::pause(wait, opened.elapsed(), retry, RESUMED_AFTER);
        sleep(wait).await;
        opened = Instant::now();
        match link.send(&Asked::Stream(Some(&last))).await {
            Ok(response) => events.resume(response),
            // It may be on its way up again.
            Err(Trouble::Unconnected(_)) => {}
            Err(_) => return cut.map_or(Ok(Answered::No), |error| Err(Trouble::Broken(error))),
        }
    }
}

/// Reading what is large takes longer than a worker may be kept.
async fn is_answer(message: Bytes) -> bool {
    if message.len() <= LARGE {
        return reads_as_answer(&message);
    }
    let read = spawn_blocking(move || reads_as_answer(&message)).await;
    read.unwrap_or(false)
}

fn reads_as_answer(message: &Bytes) -> bool {
    match jsonrpc::decode(message) {
        Ok(message) => matches!(message, Message::Response(_)),
        // A batch ends with what it is for.
        Err(_) => message.trim_ascii_start().starts_with(b"["),
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
    if let Some(why) = refusal.unauthorized() {
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
                Some(why) => link.end(End::Unauthorized(why)),
                None if is_gone => link.end(End::Forgotten),
                None => log::debug!("a remote server refused a notification: {}", refusal.text),
            }
        }
        Ok(Err(trouble)) => log::debug!("a remote server was not told something: {trouble:?}"),
        Err(_) => log::debug!("a remote server did not take a notification"),
    }
}
