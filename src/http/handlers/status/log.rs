//! `GET /status/servers/NAME/log`: what the server writes to its stderr, as it comes, after what is kept
//! of it. Only for who may read it. A slow reader misses lines, and is told how many.

use super::servers;
use crate::http::auth::Tokens;
use crate::http::connection::RequestContext;
use crate::http::handlers::place;
use crate::http::pot::Place;
use crate::http::problem::Problem;
use crate::http::trust::Trust;
use crate::http::{Context, accept, sse};
use crate::protocol::framing::sse::{comment, event};
use crate::telemetry::readiness::Readiness;
use crate::tree::{CallError, Follower, Share, Taker};
use bytes::Bytes;
use futures_util::stream;
use hyper::header::{ACCEPT, HeaderMap};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, timeout};
use warp::reply::Response;

/// So many may be read at a time.
pub(in crate::http) const READERS: usize = 64;
const ALL_TAKEN: &str = "as many as may do read the logs of servers already";
/// How soon a reader is let go when the gateway stops.
const LOOK: Duration = Duration::from_millis(500);

pub(in crate::http) async fn open(
    name: String,
    context: Arc<Context>,
    headers: HeaderMap,
    request_context: RequestContext,
) -> Result<Response, Problem> {
    if !request_context.trust.reads_output() {
        return Err(Problem::Untrusted);
    }
    if !accept::allows(&headers.get_all(ACCEPT), "text/event-stream") {
        return Err(Problem::NotAcceptable("text/event-stream"));
    }
    let follower = servers::detail(&context, &name).await?.history.follow();
    let reader = match request_context.trust {
        // The control socket has few connections, which is bound enough.
        Trust::Operator => None,
        Trust::Anybody | Trust::Token => {
            let (holder, session) = (request_context.holder(), None);
            let taker = Arc::new(Taker { holder, session });
            let share = context.log_readers.take_for(&taker, 1);
            Some(share.ok_or(CallError::Overloaded(ALL_TAKEN))?)
        }
    };
    request_context.is_known().await?;
    let mut tokens = context.tokens.clone();
    tokens.mark_unchanged();
    let reading = LogReader {
        follower,
        tokens,
        readiness: context.readiness.clone(),
        keepalive: request_context.limits.keepalive_interval,
        sent: Instant::now(),
        _place: place(&context, &headers, &request_context),
        _reader: reader,
    };
    let first = stream::iter([Ok::<_, Infallible>(comment("connected"))]);
    let lines = stream::unfold(reading, |mut reading| async move {
        let piece = reading.next().await?;
        Some((Ok(piece), reading))
    });
    Ok(sse::reply(stream::StreamExt::chain(first, lines)))
}

/// One reader.
struct LogReader {
    follower: Follower,
    /// When they change it ends: who has a valid one comes back.
    tokens: watch::Receiver<Tokens>,
    readiness: Readiness,
    keepalive: Duration,
    sent: Instant,
    _place: Option<Place>,
    _reader: Option<Share>,
}

impl LogReader {
    /// What goes out next; `None` when the server is gone, or the gateway stops.
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            let news = tokio::select! {
                biased;
                _changed = self.tokens.changed() => return None,
                news = timeout(LOOK, self.follower.next()) => news,
            };
            if let Ok(news) = news {
                let news = news?;
                self.sent = Instant::now();
                let missed = news.missed;
                let missed = (missed > 0).then(|| comment(&format!("{missed} lines missed")));
                let lines = news.lines.iter().filter_map(|line| {
                    let json = serde_json::to_vec(line).ok()?;
                    Some(event("line", &json))
                });
                let pieces = missed.into_iter().chain(lines);
                return Some(pieces.collect::<Vec<Bytes>>().concat().into());
            }
            if self.readiness.is_stopping() {
                return None;
            }
            if self.sent.elapsed() >= self.keepalive {
                self.sent = Instant::now();
                return Some(comment("keepalive"));
            }
        }
    }
}
