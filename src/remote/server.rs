//! The handle of a remote server. Dropping it ends all that is done for it.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hyper::header::HeaderMap;
use tokio::sync::mpsc;
use tokio::task::{JoinSet, spawn_blocking};
use tokio::time::timeout;
use url::Url;

use super::link::Link;
use super::{End, Output, Secrets, course, pools};
use crate::client::ClientError;
use crate::config::model::Transport;
use crate::turn;

/// Where a server is.
#[derive(Debug, Clone)]
pub struct Place {
    /// Its address, of http or https.
    pub url: Url,
    /// What it is sent with every request.
    pub headers: HeaderMap,
    /// Which transport it is spoken to by.
    pub transport: Transport,
}

/// How much a server may say, and have at once.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// The bytes of one message.
    pub message: usize,
    /// The bytes of messages that are handed out and not handled yet.
    pub buffered: usize,
    /// How many requests may be on their way.
    pub requests: usize,
}

/// A server that is spoken to.
pub struct Remote {
    lines: Option<mpsc::Sender<Bytes>>,
    link: Arc<Link>,
    tasks: JoinSet<()>,
}

/// Makes ready to speak with the server at `place`: the first message that is written connects. `sink` is called
/// from tasks, for all that it says: it must be quick, and must not panic.
///
/// # Errors
/// That the machine's certificates cannot be used.
pub async fn connect<S>(place: Place, limits: Limits, sink: S) -> Result<Remote, ClientError>
where
    S: Fn(Output) + Send + Sync + 'static,
{
    let url = place.url.clone();
    let made = spawn_blocking(move || pools::pool(&url)).await;
    let pool = made.map_err(|error| ClientError::Broken(error.to_string()))??;
    let link = Arc::new(Link::new(pool, place, limits, Box::new(sink)));
    let (lines, queue) = mpsc::channel(limits.requests.max(1));
    let mut tasks = JoinSet::new();
    let course = course::run(Arc::clone(&link), queue, limits.requests.max(1));
    tasks.spawn(turn::of("remote", "course", course));
    Ok(Remote {
        lines: Some(lines),
        link,
        tasks,
    })
}

impl Remote {
    /// Hands over one message, without line breaks, to be sent. From then on the server may have read it, even if it
    /// fails later.
    ///
    /// # Errors
    /// Gives it back, which was not and will not be sent: too many are on their way, or it has ended.
    pub fn write(&self, line: Bytes) -> Result<(), Bytes> {
        let Some(lines) = &self.lines else {
            return Err(line);
        };
        lines
            .try_send(line)
            .map_err(mpsc::error::TrySendError::into_inner)
    }

    /// Whether [`Self::write`] can succeed at all.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.lines.as_ref().is_some_and(|lines| !lines.is_closed())
    }

    /// What it is sent that nobody else may read.
    #[must_use]
    pub fn secrets(&self) -> Secrets {
        self.link.secrets()
    }

    /// Says goodbye, if the server has a session, and waits so long for it to be heard.
    pub async fn stop(mut self, within: Duration) {
        self.lines = None;
        self.tasks.shutdown().await;
        timeout(within, self.link.close()).await.ok();
    }
}

impl std::fmt::Debug for Remote {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut remote = f.debug_struct("Remote");
        remote.field("is_open", &self.is_open());
        remote.finish_non_exhaustive()
    }
}

impl From<ClientError> for End {
    fn from(error: ClientError) -> Self {
        super::refusal::failed(&error)
    }
}
