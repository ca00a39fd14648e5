//! What it means that a request came to nothing, in words that follow the server's name. Nothing of a header, and
//! nothing of an address that may be a key, is in any of them.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use hyper::body::Incoming;
use hyper::header::{DATE, HeaderMap, RETRY_AFTER, WWW_AUTHENTICATE};
use hyper::{Response, StatusCode};
use url::Url;

use super::End;
use super::link::Link;
use super::via::Ring;
use crate::client::{self, ClientError, Failed, beginning, excerpt, moved_to};
use crate::protocol::jsonrpc::{self, Message};

/// A server that wants to be left alone for longer is asked again after this.
const LONGEST_WAIT: Duration = Duration::from_secs(300);
/// Of a place where a server says it is now so much is shown.
const LONGEST_ORIGIN: usize = 100;

/// Why a request came to nothing.
#[derive(Debug)]
pub(super) enum Trouble {
    /// No connection: nothing was sent.
    Unconnected(ClientError),
    /// It was sent, or some of it, and its answer did not come.
    Broken(ClientError),
    /// Another status than 2xx.
    Refused(Refusal),
    /// It is sent from one address of the server to another, and on.
    Astray,
    /// The stream of HTTP+SSE names another server's address.
    Elsewhere,
    /// It leads to this gateway itself.
    Loop(Ring),
}

/// An answer with another status than 2xx.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    /// In words.
    pub(super) text: String,
    /// The beginning of its body.
    pub(super) body: Bytes,
    /// How long the server wants to be left alone.
    pub(super) wait: Option<Duration>,
    /// Whether somebody has to log in.
    wants_login: bool,
}

impl From<Failed> for Trouble {
    fn from(failed: Failed) -> Self {
        if failed.is_unsent {
            Self::Unconnected(failed.error)
        } else {
            Self::Broken(failed.error)
        }
    }
}

impl Trouble {
    /// What a server of HTTP+SSE answers a POST with (2025-11-25, basic/transports, "Backwards Compatibility").
    /// One that speaks JSON-RPC understands the POST, unless it says that there is none.
    pub(super) fn is_of_older_server(&self) -> bool {
        let Self::Refused(refusal) = self else {
            return false;
        };
        match refusal.status {
            StatusCode::METHOD_NOT_ALLOWED => true,
            StatusCode::BAD_REQUEST | StatusCode::NOT_FOUND => refusal.error().is_none(),
            _ => false,
        }
    }
}

impl Refusal {
    /// The raw error of JSON-RPC in its body.
    pub(super) fn error(&self) -> Option<Bytes> {
        let Ok(Message::Response(answer)) = jsonrpc::decode(&self.body) else {
            return None;
        };
        answer.outcome.err()
    }

    /// Whether this, which a stream was refused with, is only that there is none, or the same as the POST before it.
    pub(super) fn says_less_than(&self, post: &Self) -> bool {
        let none = [StatusCode::NOT_FOUND, StatusCode::METHOD_NOT_ALLOWED];
        none.contains(&self.status) || self.status == post.status
    }

    /// Whether the server says that it does not know the session: by 404, or, as many do, in words.
    pub(super) fn is_forgotten(&self) -> bool {
        let says_so = || {
            let error = self.error();
            let said = error.map(|error| jsonrpc::message_of(&error).to_ascii_lowercase());
            said.is_some_and(|said| said.contains("session"))
        };
        self.status == StatusCode::NOT_FOUND
            || (self.status == StatusCode::BAD_REQUEST && says_so())
    }

    /// Whether it does not let in, in words.
    pub(super) fn unauthorized(&self) -> Option<String> {
        Some(match self.status {
            StatusCode::UNAUTHORIZED if self.wants_login => {
                "wants a login (status 401): let it be run by the command npx with the arguments mcp-remote and its \
                 URL, and log in once as the gateway's own user"
                    .to_owned()
            }
            StatusCode::UNAUTHORIZED => {
                "does not let in (status 401): the key in its \"headers\" is missing, wrong or too old".to_owned()
            }
            StatusCode::FORBIDDEN => {
                "does not let in (status 403): the key in its \"headers\", or this machine, may not use it".to_owned()
            }
            _ => return None,
        })
    }
}

/// What is to be made of a response without success.
pub(super) async fn read(link: &Link, response: Response<Incoming>, url: &Url) -> Trouble {
    let status = response.status();
    let headers = response.headers();
    let login = headers.get(WWW_AUTHENTICATE);
    let login = login.and_then(|value| value.to_str().ok());
    let wants_login = login.is_some_and(|value| value.contains("resource_metadata"));
    let wait = wait(headers);
    let to = moved_to(headers, url);
    let is_page = client::media_type(headers) == "text/html";
    let body = beginning(response.into_body()).await;
    let said = if is_page {
        String::new()
    } else {
        excerpt(&body)
    };
    let text = words(status, &link.hide(&said), wait, to.as_ref());
    Trouble::Refused(Refusal {
        status,
        text,
        body,
        wait,
        wants_login,
    })
}

fn words(status: StatusCode, said: &str, wait: Option<Duration>, to: Option<&Url>) -> String {
    if let Some(to) = to.filter(|_| status.is_redirection()) {
        let mut origin = to.origin().ascii_serialization();
        if origin.len() > LONGEST_ORIGIN {
            origin.truncate(LONGEST_ORIGIN); // ASCII, as it says
            origin.push('…');
        }
        return format!(
            "is somewhere else: status {}, at {origin}; if its headers may go there, write that into its URL",
            status.as_u16()
        );
    }
    let wait = wait.map_or_else(String::new, |wait| {
        format!(" (asks to wait {} s)", wait.as_secs())
    });
    let said = if said.is_empty() {
        String::new()
    } else {
        format!(": {said}")
    };
    format!("answers with status {}{wait}{said}", status.as_u16())
}

/// `Retry-After` (RFC 9110 §10.2.3): seconds, or a date, which is held against the server's own clock if it tells.
fn wait(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let wait = if let Ok(seconds) = text.parse() {
        Duration::from_secs(seconds)
    } else {
        let until = httpdate::parse_http_date(text).ok()?;
        until.duration_since(said_at(headers)).ok()?
    };
    Some(wait.min(LONGEST_WAIT))
}

/// When that was said.
fn said_at(headers: &HeaderMap) -> SystemTime {
    let text = headers.get(DATE).and_then(|value| value.to_str().ok());
    let date = text.and_then(|text| httpdate::parse_http_date(text.trim()).ok());
    date.unwrap_or_else(SystemTime::now)
}

/// What it means that it could not be begun with.
pub(super) fn end_of(trouble: Trouble) -> End {
    let failed = |why: String, wait| End::Failed { why, wait };
    match trouble {
        Trouble::Unconnected(error) | Trouble::Broken(error) => self::failed(&error),
        Trouble::Refused(refusal) => match refusal.unauthorized() {
            Some(why) => End::Unauthorized(why),
            None => failed(refusal.text, refusal.wait),
        },
        Trouble::Astray => failed(
            "sends from one of its addresses to the next, and on".into(),
            None,
        ),
        Trouble::Elsewhere => failed(
            "names another server's address for its messages".into(),
            None,
        ),
        Trouble::Loop(ring) => End::Loop(looped(ring)),
    }
}

pub(super) fn failed(error: &ClientError) -> End {
    let help = match error {
        ClientError::Unreachable(_)
        | ClientError::Tls(_)
        | ClientError::Certificates(_)
        | ClientError::Broken(_) => error.help(),
        ClientError::Late(..)
        | ClientError::Refused(_)
        | ClientError::Moved { .. }
        | ClientError::Status(..)
        | ClientError::NotMcp(_)
        | ClientError::TooLarge { .. }
        | ClientError::Protocol(_)
        | ClientError::Answered { .. } => None,
    };
    let help = help.map_or_else(String::new, |help| format!("; {help}"));
    End::Failed {
        why: format!("{error}{help}"),
        wait: None,
    }
}

fn looped(ring: Ring) -> String {
    let by = match ring {
        Ring::Itself => "",
        Ring::Others => ", by way of others",
    };
    format!(
        "is this gateway itself{by}: it would offer what it offers again, without an end; take the entry out of one of them"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(wait: &str, date: Option<&str>) -> Option<Duration> {
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, wait.parse().unwrap());
        date.map(|date| headers.insert(DATE, date.parse().unwrap()));
        super::wait(&headers)
    }

    #[test]
    fn a_server_may_say_when_it_is_to_be_asked_again() {
        let date = "Sun, 06 Nov 1994 08:49:37 GMT";
        for (wait, seconds) in [
            ("7", Some(7)),
            ("86400", Some(300)),
            ("Sun, 06 Nov 1994 08:49:44 GMT", Some(7)),
            ("Sunday, 06-Nov-94 08:49:44 GMT", Some(7)),
            ("Sun Nov  6 08:49:44 1994", Some(7)),
            ("Fri, 31 Dec 9999 23:59:59 GMT", Some(300)),
            ("Sun, 06 Nov 1994 08:49:30 GMT", None),
            ("Sun, 06 Nov 1994", None),
            ("soon", None),
            ("-1", None),
        ] {
            let seconds = seconds.map(Duration::from_secs);
            assert_eq!(of(wait, Some(date)), seconds, "{wait}");
        }
    }

    #[test]
    fn who_does_not_tell_the_time_is_held_against_our_clock() {
        let soon = SystemTime::now() + Duration::from_secs(60);
        let soon = httpdate::fmt_http_date(soon);
        for date in [None, Some("today")] {
            let wait = of(&soon, date).unwrap().as_secs();
            assert!((50..=60).contains(&wait), "{wait}");
            assert_eq!(of("Sun, 06 Nov 1994 08:49:37 GMT", date), None);
        }
    }
}
