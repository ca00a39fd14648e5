//! The task of a remote server: which message goes when. Requests go side by side; what begins a life, and what ends
//! its beginning, goes alone.

use std::collections::{HashMap, VecDeque};
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::mpsc::Receiver;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{Instant, sleep_until};

use super::link::Link;
use super::{Output, Unanswered, post, streams};
use crate::protocol::jsonrpc::{self, Message, Outline};
use crate::protocol::mcp::method;
use crate::turn;

/// A request that was withdrawn may still be answered for so long.
const LATE: Duration = Duration::from_secs(60);
/// With so many of them it is looked which were answered.
const KNOWN: usize = 256;
/// So many of what is not answered are on their way at once, and so many wait for that. What comes then is dropped: a
/// server that takes none of them has them all the same.
const TELLING: usize = 8;
const UNTOLD: usize = 256;

/// Sends what is written, until nothing is written any more or the server has ended.
pub(super) async fn run(link: Arc<Link>, mut lines: Receiver<Bytes>, most: usize) {
    let mut posts = Posts::new(Arc::clone(&link));
    loop {
        let late = posts.late.front().map(|(due, _)| *due);
        tokio::select! {
            biased;
            () = link.ended.notified() => break,
            Some(done) = posts.tasks.join_next(), if !posts.tasks.is_empty() => {
                if let Ok(Some(id)) = done {
                    posts.by_id.remove(&id);
                }
            }
            Some(_) = posts.telling.join_next(), if !posts.telling.is_empty() => posts.tell_next(),
            () = until(late) => posts.drop_late(),
            message = lines.recv(), if posts.tasks.len() < most => match message {
                Some(message) => posts.begin(message).await,
                None => return,
            }
        }
    }
    lines.close();
    while let Ok(message) = lines.try_recv() {
        if let Outline::Request { id, .. } = jsonrpc::outline(&message) {
            let why = Unanswered::Unsent;
            link.tell(Output::Unanswered { id, why });
        }
    }
    if let Some(end) = link.take_end() {
        link.tell(Output::Ended(end));
    }
}

async fn until(due: Option<Instant>) {
    match due {
        Some(due) => sleep_until(due).await,
        None => pending().await,
    }
}

struct Posts {
    link: Arc<Link>,
    tasks: JoinSet<Option<u64>>,
    by_id: HashMap<u64, AbortHandle>,
    /// Requests that were withdrawn, and when their answers are not waited for any more.
    late: VecDeque<(Instant, u64)>,
    /// What is not answered: on its way, and not yet.
    telling: JoinSet<()>,
    untold: VecDeque<Bytes>,
    stream: JoinSet<()>,
}

impl Posts {
    fn new(link: Arc<Link>) -> Self {
        Self {
            link,
            tasks: JoinSet::new(),
            by_id: HashMap::new(),
            late: VecDeque::new(),
            telling: JoinSet::new(),
            untold: VecDeque::new(),
            stream: JoinSet::new(),
        }
    }

    async fn begin(&mut self, message: Bytes) {
        let id = match jsonrpc::outline(&message) {
            Outline::Request { id, .. } => id,
            Outline::Notification { method } if method == method::INITIALIZED => {
                return self.initialized(message).await;
            }
            Outline::Notification { method } if method == method::CANCELLED => {
                self.withdraw(&message);
                if !self.link.is_modern() {
                    self.tell(message);
                } // else the end of its connection says it
                return;
            }
            Outline::Notification { .. } | Outline::Other => return self.tell(message),
        };
        let link = Arc::clone(&self.link);
        let sent = async move { post::send(&link, message).await };
        let task = self.tasks.spawn(turn::of("remote", "post", sent));
        self.by_id.insert(id, task);
    }

    /// A server that takes no answers keeps few connections by it, and none from its requests.
    fn tell(&mut self, message: Bytes) {
        if self.untold.len() >= UNTOLD {
            return log::debug!("a remote server takes no answers: one is not sent");
        }
        self.untold.push_back(message);
        self.tell_next();
    }

    fn tell_next(&mut self) {
        if self.telling.len() >= TELLING {
            return;
        }
        if let Some(message) = self.untold.pop_front() {
            let link = Arc::clone(&self.link);
            let sent = async move {
                post::send(&link, message).await;
            };
            self.telling.spawn(turn::of("remote", "post", sent));
        }
    }

    /// Some servers refuse what comes before this: it goes alone. Then what the server says by itself is heard.
    async fn initialized(&mut self, message: Bytes) {
        post::send(&self.link, message).await;
        if !self.link.is_sse() {
            let link = Arc::clone(&self.link);
            let stream = async move { streams::standalone(&link).await };
            self.stream.spawn(turn::of("remote", "stream", stream));
        }
    }

    fn withdraw(&mut self, message: &Bytes) {
        let Some(id) = withdrawn(message).filter(|id| self.by_id.contains_key(id)) else {
            return;
        };
        if self.link.is_modern() {
            self.drop_one(id);
        } else {
            if self.late.len() >= KNOWN {
                self.late.retain(|(_, id)| self.by_id.contains_key(id));
            }
            self.late.push_back((Instant::now() + LATE, id));
        }
    }

    fn drop_one(&mut self, id: u64) {
        if let Some(task) = self.by_id.remove(&id) {
            task.abort();
            let why = Unanswered::Withdrawn;
            self.link.tell(Output::Unanswered { id, why });
        }
    }

    fn drop_late(&mut self) {
        if let Some((_, id)) = self.late.pop_front() {
            self.drop_one(id);
        }
    }
}

/// The id of the request that is not waited for any more.
fn withdrawn(message: &Bytes) -> Option<u64> {
    let Ok(Message::Notification(told)) = jsonrpc::decode(message) else {
        return None;
    };
    let params: serde_json::Value = serde_json::from_slice(&told.params?).ok()?;
    params.get("requestId")?.as_u64()
}
