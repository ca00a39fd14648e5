//! What becomes known of a refused request beside its reply: it is counted under a reason and said in the
//! log, with who asked for what and what to change. `problem.rs` puts the reason beside the reply,
//! `service.rs` hands it over: every reply passes there. What is no request at all comes from `connection.rs`.
//!
//! A client that is refused tries again, for days: the same words come again after a minute, then ever more
//! rarely, with how many were left out.

mod book;
mod label;

use self::book::Book;
use self::label::{Weight, label, weight};
use super::connection::RequestContext;
use super::linger::FirstBytes;
use super::problem::Problem;
use crate::telemetry::metrics::Metrics;
use hyper::header::{HeaderValue, USER_AGENT};
use hyper::{Method, Request, Uri};
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use tokio::time::Instant;
use warp::reply::Response;

/// What browsers look for by themselves on every server.
const UNASKED: [&str; 3] = ["/favicon", "/robots.txt", "/apple-touch-icon"];

/// Beside a reply that refuses: the value of the label `reason`, and what the log says.
#[derive(Debug, Clone)]
pub(super) struct Reason {
    label: &'static str,
    weight: Weight,
    text: String,
}

impl From<&Problem> for Reason {
    fn from(problem: &Problem) -> Self {
        Self {
            label: label(problem),
            weight: weight(problem),
            text: problem.to_string(),
        }
    }
}

/// Who asked for what.
pub(super) struct Asker {
    method: Method,
    uri: Uri,
    agent: Option<HeaderValue>,
    peer: Option<IpAddr>,
}

impl Asker {
    pub(super) fn of<B>(request: &Request<B>) -> Self {
        Self {
            method: request.method().clone(),
            uri: request.uri().clone(),
            agent: request.headers().get(USER_AGENT).cloned(),
            peer: request.extensions().get().map(RequestContext::peer),
        }
    }

    /// What it asked, without the query: keys and the ids of sessions are there.
    fn path(&self) -> String {
        cut(self.uri.path(), 120)
    }
}

impl fmt::Display for Asker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", cut(self.method.as_str(), 20), self.path())?;
        if let Some(peer) = self.peer {
            write!(f, " from {peer}")?;
        }
        match &self.agent {
            Some(agent) => write!(
                f,
                ", {}",
                cut(&String::from_utf8_lossy(agent.as_bytes()), 80)
            ),
            None => Ok(()),
        }
    }
}

fn cut(text: &str, most: usize) -> String {
    text.chars().take(most).collect()
}

/// Where refusals are counted and said. Those who have a copy share what was said.
#[derive(Debug, Clone)]
pub(super) struct Refusals {
    metrics: Metrics,
    book: Arc<Book>,
}

impl Refusals {
    pub(super) fn new(metrics: Metrics) -> Self {
        Self {
            metrics,
            book: Arc::default(),
        }
    }

    /// Takes note of the reply to `asker`, if it refuses.
    pub(super) fn note(&self, asker: &Asker, response: &Response) {
        let Some(reason) = response.extensions().get::<Reason>() else {
            return;
        };
        self.metrics.refused(reason.label);
        let path = asker.path();
        let level = match reason.weight {
            Weight::Nothing => return,
            Weight::Address if UNASKED.iter().any(|start| path.starts_with(start)) => return,
            Weight::Address if asker.method == Method::GET => log::Level::Info,
            Weight::Life => log::Level::Info,
            Weight::Address | Weight::Mistake => log::Level::Warn,
        };
        if let Some(more) = self
            .book
            .admits(reason.label, (&path, &reason.text), Instant::now())
        {
            let text = &reason.text;
            log::log!(level, "A request was refused ({asker}): {text}{more}");
        }
    }

    /// Takes note of a connection that brought what is no request, or one whose head is larger than
    /// `most`: it began with `first`.
    pub(super) fn unreadable(
        &self,
        peer: IpAddr,
        error: &hyper::Error,
        (first, most): (FirstBytes, usize),
    ) {
        let (label, text) = if error.is_parse_too_large() {
            (
                "header",
                format!("its headers are larger than {most} bytes (max_header_bytes)"),
            )
        } else {
            match label::foreign(first) {
                Some((label, words)) => (label, words.to_owned()),
                None => ("http", format!("it is no HTTP request: {error}")),
            }
        };
        self.without_a_request(label, peer, &text);
    }

    /// Takes note of a connection that was closed in the middle of a request's headers.
    pub(super) fn slow(&self, peer: IpAddr) {
        let text = "its headers came too slowly (header_timeout)";
        self.without_a_request("header", peer, text);
    }

    fn without_a_request(&self, label: &'static str, peer: IpAddr, text: &str) {
        self.metrics.refused(label);
        if let Some(more) = self.book.admits(label, ("", text), Instant::now()) {
            log::warn!("A request was refused (from {peer}): {text}{more}");
        }
    }
}
