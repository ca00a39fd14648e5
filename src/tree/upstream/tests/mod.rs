//! Tests of an upstream: the calls and the dialogue as plain state, and the actor through its
//! handle with small shell scripts as servers.

mod actor;
mod calls;
mod dialogue;
mod junk;
mod listing;
mod properties;

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::Semaphore;
use tokio::sync::mpsc::UnboundedReceiver;

use crate::ids::{CallId, Generation};
use crate::protocol::mcp::tools::ToolCall;
use crate::tree::call::{Answer, Reply, Ticket, ToolRequest};
use crate::tree::testing::{Listener, listener};

/// A session's end of calls: issues tickets and hears what comes of them.
struct Desk {
    reply_to: Arc<Listener<Reply>>,
    heard: UnboundedReceiver<Reply>,
    permits: Arc<Semaphore>,
    last_number: u64,
}

/// What was heard, in a form that can be compared.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Heard {
    Result(u64, String),
    Error(u64, String),
    Failed(u64, String),
    Bounced(u64),
    Progress(String),
}

impl Desk {
    fn new(permits: usize) -> Self {
        let (reply_to, heard) = listener();
        Self {
            reply_to,
            heard,
            permits: Arc::new(Semaphore::new(permits)),
            last_number: 0,
        }
    }

    fn id(number: u64) -> CallId {
        CallId { session: 1, number }
    }

    /// A ticket for a call with these params; its number is one more than the last.
    fn ticket(&mut self, params: &str) -> Ticket {
        self.last_number += 1;
        let params = ToolCall::parse(&Bytes::from(params.to_owned())).unwrap();
        let request = ToolRequest {
            tool: "tool".into(),
            params,
        };
        let permit = Arc::clone(&self.permits).try_acquire_owned().unwrap();
        let reply_to: Arc<Listener<Reply>> = Arc::clone(&self.reply_to);
        let id = Self::id(self.last_number);
        Ticket::new(id, Generation(1), request, permit, reply_to)
    }

    fn plain(&mut self) -> Ticket {
        self.ticket(r#"{"name":"s__tool"}"#)
    }

    /// What has been heard since the last look.
    fn hear(&mut self) -> Vec<Heard> {
        std::iter::from_fn(|| self.heard.try_recv().ok().map(read)).collect()
    }

    async fn next(&mut self) -> Heard {
        let within = std::time::Duration::from_secs(20);
        let reply = tokio::time::timeout(within, self.heard.recv()).await;
        read(reply.unwrap().unwrap())
    }
}

fn read(reply: Reply) -> Heard {
    let text = |bytes: Bytes| String::from_utf8(bytes.to_vec()).unwrap();
    match reply {
        Reply::Answered { call, answer } => match answer {
            Answer::Result(result) => Heard::Result(call.number, text(result)),
            Answer::Error(error) => Heard::Error(call.number, text(error)),
            Answer::Failed(why) => Heard::Failed(call.number, why),
        },
        Reply::Bounced { call, .. } => Heard::Bounced(call.number),
        Reply::Progress { notification } => Heard::Progress(text(notification)),
    }
}
