//! What `/status` says, over and over, for all pages that are open: made once for all of them, never while
//! none is, at most once in two seconds, and sent if something else has changed than the time.

use crate::http::auth::Tokens;
use crate::ids::Holder;
use crate::tree::{Event, Quota, Share, Taker};
use bytes::Bytes;
use futures_util::Stream;
use memchr::memmem;
use std::hash::{DefaultHasher, Hasher as _};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, watch};
use tokio::time::sleep;

/// How long at least there is between two.
const PACE: Duration = Duration::from_secs(2);
/// How many pages may be open.
const PAGES: usize = 64;

/// What pages read.
#[derive(Debug)]
pub(in crate::http) struct Feed {
    /// The newest; empty while nobody reads. Ends with the `Feeder`.
    newest: watch::Receiver<Bytes>,
    opened: Arc<Notify>,
    pages: Quota,
}

/// Who makes it.
#[derive(Debug)]
pub(in crate::http) struct Feeder {
    newest: watch::Sender<Bytes>,
    opened: Arc<Notify>,
}

/// What one open page has been sent.
struct Reader {
    newest: watch::Receiver<Bytes>,
    tokens: watch::Receiver<Tokens>,
    _place: Share,
}

impl Feed {
    /// Nothing yet, and who is to make it.
    pub(in crate::http) fn new() -> (Self, Feeder) {
        let (sender, newest) = watch::channel(Bytes::new());
        let opened = Arc::new(Notify::new());
        let feed = Self {
            newest,
            opened: opened.clone(),
            pages: Quota::new(PAGES),
        };
        let newest = sender;
        (feed, Feeder { newest, opened })
    }

    /// For one more page, which `holder` opens. It ends when the tokens change: who has a valid one comes back.
    /// `None` if there are as many as may be.
    pub(in crate::http) fn open(
        &self,
        holder: Holder,
        mut tokens: watch::Receiver<Tokens>,
    ) -> Option<impl Stream<Item = Event> + Send + Sync + use<>> {
        let session = None;
        let taker = Arc::new(Taker { holder, session });
        tokens.mark_unchanged();
        let reader = Reader {
            _place: self.pages.take_for(&taker, 1)?,
            newest: self.newest.clone(),
            tokens,
        };
        self.opened.notify_one();
        let next = |mut reader: Reader| async move {
            let message = reader.next().await?;
            let event = Event {
                id: None,
                message,
                is_last: false,
            };
            Some((event, reader))
        };
        Some(futures_util::stream::unfold(reader, next))
    }
}

impl Reader {
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            tokio::select! {
                changed = self.newest.changed() => changed.ok()?,
                _changed = self.tokens.changed() => return None,
            }
            let newest = self.newest.borrow_and_update().clone();
            if !newest.is_empty() {
                return Some(newest);
            }
        }
    }
}

impl Feeder {
    /// Asks `status` for as long as somebody reads. Without an answer there is nothing new.
    pub(in crate::http) async fn run(self, status: impl AsyncFn() -> Option<Bytes>) {
        loop {
            self.opened.notified().await;
            let mut last = None;
            // The feed's own is one of them.
            while self.newest.receiver_count() > 1 {
                if let Some(now) = status().await {
                    let print = fingerprint(&now);
                    if last.replace(print) != Some(print) {
                        self.newest.send_replace(now);
                    }
                }
                sleep(PACE).await;
            }
            self.newest.send_replace(Bytes::new());
        }
    }
}

/// The same for two that differ in running times only: members whose names end with `seconds` or `seconds_ago`.
/// Within a text a quotation mark is escaped, so that none of a server can look like a member.
fn fingerprint(json: &[u8]) -> u64 {
    const RUNNING: &[u8] = b"seconds";
    let mut hasher = DefaultHasher::new();
    let mut rest = json;
    while let Some(at) = memmem::find(rest, RUNNING) {
        let (before, after) = rest.split_at(at + RUNNING.len());
        hasher.write(before);
        rest = after;
        let ends = [&b"\":"[..], b"_ago\":"];
        if let Some(value) = ends.iter().find_map(|end| rest.strip_prefix(*end)) {
            let is_number = |byte: &&u8| byte.is_ascii_digit() || **byte == b'.';
            let digits = value.iter().take_while(is_number).count();
            rest = value.get(digits..).unwrap_or_default();
        }
    }
    hasher.write(rest);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::Owner;
    use futures_util::{FutureExt as _, StreamExt as _};
    use std::net::{IpAddr, Ipv4Addr};
    use std::pin::pin;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use tokio::time::{Instant, advance};

    fn holder(number: u8) -> Holder {
        let address = Ipv4Addr::new(10, 0, 0, number);
        Holder::new(Owner::ANYBODY, IpAddr::V4(address))
    }

    fn text(number: usize) -> Bytes {
        format!("{{\"uptime_seconds\":{number},\"n\":{}}}", number / 3).into()
    }

    #[test]
    fn only_time_goes_by() {
        let print = |text: &str| fingerprint(text.as_bytes());
        let one = r#"{"uptime_seconds":1,"next_try_seconds":0.5,"n":1}"#;
        let ago = |seconds: u8| print(&format!("{{\"seconds_ago\":{seconds}}}"));
        assert_eq!(ago(1), ago(2));
        assert_eq!(
            print(one),
            print(r#"{"uptime_seconds":22,"next_try_seconds":60.0,"n":1}"#)
        );
        assert_ne!(
            print(one),
            print(r#"{"uptime_seconds":1,"next_try_seconds":0.5,"n":2}"#)
        );
        assert_ne!(print(r#"["seconds\":1"]"#), print(r#"["seconds\":2"]"#));
        assert_ne!(print(r#"{"seconds":null}"#), print(r#"{"seconds":1}"#));
    }

    #[tokio::test(start_paused = true)]
    async fn it_is_made_once_for_all_and_never_for_nobody() {
        let (feed, feeder) = Feed::new();
        let made = Arc::new(AtomicUsize::new(0));
        let counted = made.clone();
        let run = feeder.run(async move || Some(text(counted.fetch_add(1, Ordering::Relaxed))));
        let running = tokio::task::JoinSet::from_iter([run]);
        advance(10 * PACE).await;
        assert_eq!(made.load(Ordering::Relaxed), 0);
        let (tokens, _) = watch::channel(Tokens::default());
        let open = |number| Box::pin(feed.open(holder(number), tokens.subscribe()).unwrap());
        let began = Instant::now();
        let mut first = open(1);
        assert_eq!(first.next().await.unwrap().message, text(0));
        let mut second = open(2);
        assert_eq!(
            second.next().await.unwrap().message,
            text(0),
            "what there is"
        );
        assert_eq!(began.elapsed(), Duration::ZERO);
        // The time alone is no news.
        for reader in [&mut first, &mut second] {
            assert_eq!(reader.next().await.unwrap().message, text(3));
        }
        assert_eq!(began.elapsed(), 3 * PACE);
        assert_eq!(made.load(Ordering::Relaxed), 4);
        drop((first, second));
        sleep(2 * PACE).await;
        let until_now = made.load(Ordering::Relaxed);
        sleep(10 * PACE).await;
        assert_eq!(made.load(Ordering::Relaxed), until_now);
        let mut third = open(1);
        assert_eq!(
            third.next().await.unwrap().message,
            text(until_now),
            "nothing old"
        );
        tokens.send_replace(Tokens::default());
        assert!(third.next().await.is_none(), "other tokens");
        let mut fourth = open(1);
        assert!(fourth.next().await.is_some());
        drop(running);
        assert!(fourth.next().await.is_none(), "the gateway stops");
    }

    #[tokio::test]
    async fn pages_are_bounded_and_nobody_has_all() {
        let (feed, _feeder) = Feed::new();
        let (tokens, _) = watch::channel(Tokens::default());
        let open = |number| feed.open(holder(number), tokens.subscribe());
        let greedy: Vec<_> = (0..2 * PAGES).map_while(|_| open(1)).collect();
        assert!(
            greedy.len() < PAGES && greedy.len() > PAGES / 2,
            "{}",
            greedy.len()
        );
        let mut other = pin!(open(2).unwrap());
        assert!(other.next().now_or_never().is_none());
        drop(greedy);
        assert!(open(1).is_some());
    }
}
