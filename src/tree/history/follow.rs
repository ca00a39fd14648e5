//! A reader of a server's stderr. It has no queue: who reads slowly misses what the ring has lost, and
//! is told how much that is.

use std::pin::pin;
use std::sync::Arc;

use super::{Line, ServerHistory};

/// Reads line after line.
#[derive(Debug)]
pub struct Follower {
    history: Arc<ServerHistory>,
    /// So many lines were read, or missed.
    seen: u64,
}

/// What there is to be read.
#[derive(Debug, PartialEq, Eq)]
pub struct LogNews {
    /// So many lines were missed before these.
    pub missed: u64,
    /// The lines, oldest first.
    pub lines: Vec<Line>,
}

impl Follower {
    pub(super) fn of(history: Arc<ServerHistory>) -> Self {
        Self { history, seen: 0 }
    }

    /// The next lines, as soon as there are any; `None` when the server is not configured any more.
    /// May be dropped at any time.
    pub async fn next(&mut self) -> Option<LogNews> {
        let history = Arc::clone(&self.history);
        loop {
            let mut coming = pin!(history.news.notified());
            // Before looking, so that nothing falls between.
            coming.as_mut().enable();
            let (news, is_over) = self.take();
            if !news.lines.is_empty() {
                return Some(news);
            }
            if is_over {
                return None;
            }
            coming.await;
        }
    }

    fn take(&mut self) -> (LogNews, bool) {
        let noted = self.history.noted();
        let lines = noted.stderr.after(self.seen);
        let unread = noted.stderr.count() - self.seen;
        let kept = u64::try_from(lines.len()).unwrap_or(u64::MAX);
        // What was lost before it came is no loss to it.
        let missed = if self.seen == 0 { 0 } else { unread - kept };
        self.seen = noted.stderr.count();
        (LogNews { missed, lines }, noted.is_over)
    }
}
