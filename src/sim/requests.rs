//! Clients without sessions (MCP 2026-07-28): each call by itself, taken back by dropping it; what its
//! server asks meanwhile is answered by asking again, or never.

use bytes::Bytes;
use futures_util::StreamExt;
use tokio::time::{Instant, sleep, timeout_at};

use super::calls::Calls;
use super::clients::{Client, LONG};
use super::server::between;
use crate::protocol::jsonrpc::{Message, Request};
use crate::protocol::mcp::lifecycle;
use crate::protocol::modern::extensions::Extensions;
use crate::protocol::modern::request::{ModernRequest, RequestMeta};
use crate::tree::Replies;

/// What each of them can be asked for, as an `initialize` would say it.
const CAPABILITIES: &[u8] = br#"{"capabilities":{"roots":{}}}"#;

/// How the replies to a request end.
enum End {
    Answered,
    /// The client is asked something first, and is to give back this.
    Asked(String),
    /// The client does not wait any longer.
    TakenBack,
    Broken,
}

impl Client {
    /// Calls until it has nothing more to say.
    pub(super) async fn without_session(mut self) {
        while self.budget > 0 {
            self.budget -= 1;
            sleep(self.dice.millis(200)).await;
            let mut calls = Calls::new(&self.world);
            if let Message::Request(request) = self.call(&mut calls) {
                self.request(request, &mut calls).await;
            }
        }
    }

    async fn request(&self, request: Request, calls: &mut Calls) {
        let mut now = request.clone();
        loop {
            let Some(mut replies) = self.begin(now.clone()) else {
                return calls.lost(Some("there are no sessions"));
            };
            let is_hasty = self.dice.one_in(5);
            let patience = if is_hasty {
                self.dice.millis(300)
            } else {
                LONG
            };
            match read(&mut replies, calls, Instant::now() + patience).await {
                End::Answered => return,
                End::Asked(state) => {
                    self.world.note("is asked", "", 0);
                    self.world.count(|tally| tally.asked += 1);
                    if self.dice.one_in(3) {
                        self.world.abandon();
                        return calls.lost(Some("client never comes again"));
                    }
                    sleep(self.dice.millis(2_000)).await;
                    now.params = again(&request, &state);
                }
                End::TakenBack if is_hasty => {
                    drop(replies);
                    self.world.count(|tally| tally.cancelled += 1);
                    return calls.lost(Some("client took it back"));
                }
                End::TakenBack => {
                    calls.overdue();
                    return calls.lost(Some("overdue"));
                }
                End::Broken => return calls.lost(None),
            }
        }
    }

    fn begin(&self, request: Request) -> Option<Replies> {
        let hello = Bytes::from_static(CAPABILITIES);
        let meta = RequestMeta {
            capabilities: lifecycle::client_info(Some(&hello)).capabilities,
            log_level: None,
            extensions: Extensions::default(),
        };
        let asked = ModernRequest {
            request,
            meta,
            param_headers: Vec::new(),
        };
        self.world.sessions()?.request(asked).ok()
    }
}

/// The params with the answers to all that may have been asked, and the state.
fn again(request: &Request, state: &str) -> Option<Bytes> {
    let params = request.params.as_ref()?.strip_suffix(b"}")?;
    let roots: Vec<String> = (1..5)
        .map(|key| format!(r#""r{key}":{{"roots":[]}}"#))
        .collect();
    let roots = roots.join(",");
    let back = format!(r#","requestState":"{state}","inputResponses":{{{roots}}}}}"#);
    Some([params, back.as_bytes()].concat().into())
}

async fn read(replies: &mut Replies, calls: &mut Calls, until: Instant) -> End {
    loop {
        let spoken = match timeout_at(until, replies.next()).await {
            Err(_) => return End::TakenBack,
            Ok(None) => return End::Broken,
            Ok(Some(spoken)) => spoken,
        };
        let text = std::str::from_utf8(&spoken.message).unwrap();
        if text.contains(r#""resultType":"input_required""#) {
            let state = between(text, r#""requestState":""#, "\"").unwrap_or_default();
            return End::Asked(state.to_owned());
        }
        calls.hear(&spoken.message);
        if spoken.is_last {
            return End::Answered;
        }
    }
}
