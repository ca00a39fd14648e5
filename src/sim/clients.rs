//! The clients of a simulation, over both transports: they call, several at a time, cancel, vanish
//! in the middle and come back. Each uses the same ids in each of its sessions as everybody else.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use tokio::time::{Instant, sleep, timeout_at};

use super::calls::Calls;
use super::world::{Dice, World};
use crate::protocol::jsonrpc::Message;
use crate::protocol::mcp::lifecycle;
use crate::tree::{CallError, Outbound, SessionHandle};

/// No call takes longer, however often it is parked, and its server restarted.
pub(super) const LONG: Duration = Duration::from_secs(400);
const HELLO: &str = r#"{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"sim","version":"1"}}"#;

/// A client, and what it has left to do.
pub(super) struct Client {
    pub(super) world: Arc<World>,
    pub(super) dice: Dice,
    /// How many messages it still has to say.
    pub(super) budget: u64,
}

impl Client {
    /// Comes and goes over HTTP+SSE until it has nothing more to say.
    pub(super) async fn over_sse(mut self) {
        while self.budget > 0 {
            sleep(self.dice.millis(300)).await;
            if let Some((session, stream)) = open_sse(&self.world).await {
                self.world.note("opens", "sse", 0);
                self.sse_session(&session, stream).await;
            }
        }
    }

    async fn sse_session(&mut self, session: &SessionHandle, mut stream: Outbound) {
        let mut calls = Calls::new(&self.world);
        if self.dice.below(4) > 0 {
            let hello = calls.ask("initialize", HELLO);
            if session.deliver(hello).is_err() {
                return calls.lost(None);
            }
        }
        while self.budget > 0 {
            self.budget -= 1;
            let said = match self.dice.below(12) {
                0 if self.dice.one_in(3) => return calls.lost(Some("client left")),
                0 | 1 => calls.cancel(),
                2 => Some(calls.ask("tools/list", "{}")),
                _ if calls.awaited() < 8 => Some(self.call(&mut calls)),
                _ => None,
            };
            if said.is_some_and(|said| session.deliver(said).is_err()) {
                return calls.lost(None);
            }
            let until = Instant::now() + self.dice.millis(400);
            if !hear(&mut stream, &mut calls, until, false).await {
                return calls.lost(None);
            }
        }
        if !hear(&mut stream, &mut calls, Instant::now() + LONG, true).await {
            return calls.lost(None);
        }
        calls.overdue();
    }

    pub(super) fn call(&self, calls: &mut Calls) -> Message {
        let server = *self.dice.pick(&super::SERVERS).unwrap();
        let tool = if self.dice.one_in(8) { "t1" } else { "t0" };
        calls.call(server, tool, super::is_good(server))
    }

    /// The same over Streamable HTTP, one POST at a time.
    pub(super) async fn over_streamable(mut self) {
        let mut calls = Calls::new(&self.world);
        let Some(mut known) = self.open_streamable().await else {
            return;
        };
        while self.budget > 0 {
            self.budget -= 1;
            sleep(self.dice.millis(200)).await;
            let Some(sessions) = self.world.sessions() else {
                continue;
            };
            let found = match sessions.find_streamable(&known.0).await {
                Ok(found) => found,
                Err(CallError::UnknownSession) => {
                    calls.complain("a session that was not deleted is unknown".into());
                    return;
                }
                Err(_) => continue,
            };
            if self.dice.one_in(16) {
                sessions.delete_streamable(&known.0).await.ok();
                let Some(next) = self.open_streamable().await else {
                    return;
                };
                known = next;
            } else {
                self.post(&found, &mut calls).await;
            }
        }
    }

    async fn open_streamable(&self) -> Option<(String, SessionHandle)> {
        for _ in 0..100 {
            if let Some(sessions) = self.world.sessions() {
                let client = lifecycle::client_info(Some(&HELLO.into()));
                if let Ok(opened) = sessions.open_streamable(client).await {
                    self.world.note("opens", "streamable", 0);
                    return Some(opened);
                }
            }
            sleep(Duration::from_millis(50)).await;
        }
        self.world.complain("no session could be opened".into());
        None
    }

    async fn post(&mut self, session: &SessionHandle, calls: &mut Calls) {
        let count = 1 + self.dice.below(3);
        let messages = (0..count).map(|_| self.call(calls)).collect();
        let Ok(mut stream) = session.exchange(messages, true) else {
            return calls.lost(None);
        };
        if self.dice.one_in(3) {
            stream.begin_stream();
        }
        if self.dice.one_in(4) {
            let until = Instant::now() + self.dice.millis(50);
            if !hear_post(&mut stream, calls, until).await {
                return;
            }
            if self.dice.one_in(4) {
                return calls.lost(Some("client left"));
            }
            if let Some(cancel) = calls.cancel()
                && session.deliver(cancel).is_err()
            {
                return calls.lost(None);
            }
        }
        if hear_post(&mut stream, calls, Instant::now() + LONG).await {
            calls.overdue();
            calls.lost(Some("overdue"));
        }
    }
}

/// Opens an SSE session; `None` while the sessions are being restarted.
pub(super) async fn open_sse(world: &World) -> Option<(SessionHandle, Outbound)> {
    let sessions = world.sessions()?;
    let opened = sessions.open_sse().await.ok()?;
    let session = sessions.find(&opened.id).await.ok()?;
    Some((session, opened.stream))
}

/// Reads until `until`, or only until all is answered. `false` if the session has ended.
pub(super) async fn hear(
    stream: &mut Outbound,
    calls: &mut Calls,
    until: Instant,
    is_last: bool,
) -> bool {
    while !is_last || calls.awaited() > 0 {
        match timeout_at(until, stream.next()).await {
            Ok(Some(event)) => {
                calls.hear(&event.message);
            }
            Ok(None) => return false,
            Err(_) => return true,
        }
    }
    true
}

/// Reads a POST's stream; `false` once it is at its end.
async fn hear_post(stream: &mut Outbound, calls: &mut Calls, until: Instant) -> bool {
    loop {
        match timeout_at(until, stream.next()).await {
            Err(_) => return true,
            Ok(Some(event)) => {
                if !event.message.is_empty() {
                    calls.hear(&event.message);
                }
                if event.is_last {
                    calls.overdue();
                    calls.lost(Some("all answered"));
                    return false;
                }
            }
            Ok(None) if stream.is_forgone() => {
                calls.overdue();
                calls.lost(Some("all cancelled"));
                return false;
            }
            Ok(None) => {
                calls.lost(None);
                return false;
            }
        }
    }
}
