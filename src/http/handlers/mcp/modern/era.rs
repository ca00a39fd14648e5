//! Of which era a message is: its body decides, as headers get lost on the way; where the body says
//! nothing, `MCP-Protocol-Version` does.

use super::super::post::Takes;
use super::super::post_body::{is_batch, is_initialize, request_id};
use super::answer;
use crate::http::Context;
use crate::http::connection::RequestContext;
use crate::http::headers::{self, VERSION};
use crate::http::misfit::Misfit;
use crate::http::problem::Problem;
use crate::protocol::jsonrpc::{self, Message};
use crate::protocol::mcp::method;
use crate::protocol::modern::envelope;
use crate::protocol::version::{MODERN, Version};
use crate::tree::beside;
use bytes::Bytes;
use hyper::header::HeaderMap;
use warp::reply::Response;

/// Whether a client names a revision that has no sessions, or none that is known.
pub(in super::super) fn is_another_revision(headers: &HeaderMap) -> bool {
    let asked = headers::only(headers, &VERSION);
    asked.map_or(true, |asked| {
        asked.is_some_and(|asked| Version::parse(asked).is_none())
    })
}

/// Whether `message` is of this era by what its body says, and the era is served. Costs any other message
/// a search for a few bytes.
pub(in super::super) fn is_modern(context: &Context, message: &Message) -> bool {
    envelope::is_claimed(params(message)) && context.serving.borrow().modern
}

/// Refuses a batch with a message of this era in it.
pub(in super::super) fn refuse_batch(
    context: &Context,
    body: &Bytes,
    most: usize,
) -> Result<(), Problem> {
    if !envelope::may_claim(body) {
        return Ok(());
    }
    let entries = beside(body.len(), || jsonrpc::decode_batch(body, most));
    let mut messages = entries.iter().flatten().flatten();
    if messages.any(|message| is_modern(context, message)) {
        return Err(Misfit::NotOne.into());
    }
    Ok(())
}

/// Answers what a client posted that names another revision than those with sessions.
pub(in super::super) async fn other_revision(
    context: &Context,
    headers: &HeaderMap,
    by: (RequestContext, Takes),
    body: Bytes,
) -> Result<Response, Problem> {
    let asked = headers::only(headers, &VERSION).map(Option::unwrap_or_default);
    let is_served = context.serving.borrow().modern;
    let is_meant = is_served && asked.as_ref().is_ok_and(|asked| is_this_or_later(asked));
    if is_batch(&body) {
        if is_meant {
            return Err(Misfit::NotOne.into());
        }
        refuse_batch(context, &body, by.0.limits.max_batch_length)?;
        return Err(Problem::version(asked?, None));
    }
    let message = match beside(body.len(), || jsonrpc::decode(&body)) {
        Ok(message) => message,
        Err(error) if is_meant => return Err(error.into()),
        Err(_) => return Err(Problem::version(asked?, None)),
    };
    drop(body);
    let id = || request_id(&message).cloned();
    if is_meant && !is_initialize(&message) {
        return answer(context, headers, by, message).await;
    }
    let is_claimed = envelope::is_claimed(params(&message));
    if is_served && (is_claimed || is_meant) {
        if !is_claimed && is_initialize(&message) {
            let text =
                format!("'initialize' is none of {MODERN}, which MCP-Protocol-Version names");
            return Err(Problem::from(Misfit::Header(text)).answering(id()));
        }
        return answer(context, headers, by, message).await;
    }
    not_offered(context, &message)?;
    Err(Problem::version(asked?, id()))
}

/// Refuses the question for this era where it is not served, in the one way that all clients take for that.
pub(in super::super) fn not_offered(context: &Context, message: &Message) -> Result<(), Problem> {
    if let Message::Request(request) = message
        && &*request.method == method::DISCOVER
        && !context.serving.borrow().modern
    {
        return Err(Problem::from(Misfit::NotOffered).answering(Some(request.id.clone())));
    }
    Ok(())
}

fn params(message: &Message) -> Option<&Bytes> {
    match message {
        Message::Request(request) => request.params.as_ref(),
        Message::Notification(told) => told.params.as_ref(),
        Message::Response(_) => None,
    }
}

/// Whether a revision is this one, or comes after it: they are called by their dates.
fn is_this_or_later(asked: &str) -> bool {
    let is_date = asked.len() == MODERN.len()
        && asked.bytes().zip(MODERN.bytes()).all(|(asked, ours)| {
            asked.is_ascii_digit() == ours.is_ascii_digit() && (asked != b'-') == (ours != b'-')
        });
    is_date && asked >= MODERN
}

#[cfg(test)]
mod tests {
    use super::is_this_or_later;

    #[test]
    fn revisions_are_dates() {
        for later in ["2026-07-28", "2026-07-29", "2027-01-01", "9999-99-99"] {
            assert!(is_this_or_later(later), "{later}");
        }
        for other in [
            "2025-11-25",
            "2026-07-27",
            "2026-07-2",
            "2026-07-28 ",
            "9",
            "latest",
            "",
            "2026_08_01",
        ] {
            assert!(!is_this_or_later(other), "{other}");
        }
    }
}
