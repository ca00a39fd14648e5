//! What an upstream is told. Only its handle and its own tasks build these.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::launch::{Heard, Launched};
use crate::ids::CallId;
use crate::process::StopReport;
use crate::protocol::jsonrpc::Response;
use crate::protocol::mcp::item;
use crate::tree::call::ReplyToken;
use crate::tree::client::{Interest, SessionSink};
use crate::tree::registry::{Lessons, RegistryHandle};
use crate::turn::Kind;

pub(crate) enum UpstreamMsg {
    /// From itself, once: spawn the process.
    Start,
    /// From the task that spawned it.
    Launched(Launched),
    /// From the process's tasks, or the remote server's.
    Output(Heard),
    /// From a session. The reply token answers for itself if nobody does.
    Call(ReplyToken),
    /// From a session whose client cancelled the call or has gone: no answer is wanted.
    Cancel {
        call: CallId,
        /// The `params` of the client's `notifications/cancelled`, if there was one.
        params: Option<Bytes>,
    },
    /// From the session that owns this instance: the answer to a request of the server.
    Answered(Response),
    /// From the session that owns this instance: a notification for the server.
    Notify(Bytes),
    /// From the request that owns this instance: its client is still being asked.
    Extend,
    /// From a session: what it wants to hear from now on. Nothing, when it has ended.
    Interested {
        session: u64,
        client: Arc<dyn SessionSink>,
        interest: Interest,
    },
    /// From a session whose client asked for this list.
    Wanted(item::Kind),
    /// From root, at the start and whenever the registry was restarted: tell it the catalogue.
    Hello(RegistryHandle),
    /// From the registry, in answer to each catalogue: what is kept of what former lives taught.
    Remember(Lessons),
    /// From root: after how long without use it sleeps from now on; without, it always runs.
    IdleTimeout(Option<Duration>),
    /// From root: let the calls in flight finish within this time, then stop the process and end.
    /// It may come again with less.
    Stop { drain: Duration },
    /// From itself.
    TimerElapsed(UpstreamTimer),
    /// From the task that stops the process.
    Stopped(StopReport),
}

impl Kind for UpstreamMsg {
    fn kind(&self) -> &'static str {
        match self {
            Self::Start => "Start",
            Self::Launched(_) => "Launched",
            Self::Output(_) => "Output",
            Self::Call(_) => "Call",
            Self::Cancel { .. } => "Cancel",
            Self::Answered(_) => "Answered",
            Self::Notify(_) => "Notify",
            Self::Extend => "Extend",
            Self::Interested { .. } => "Interested",
            Self::Wanted(_) => "Wanted",
            Self::Hello(_) => "Hello",
            Self::Remember(_) => "Remember",
            Self::IdleTimeout(_) => "IdleTimeout",
            Self::Stop { .. } => "Stop",
            Self::TimerElapsed(_) => "TimerElapsed",
            Self::Stopped(_) => "Stopped",
        }
    }
}

/// What an upstream waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum UpstreamTimer {
    /// The handshake and the first catalogue must be done by now.
    StartDeadline,
    /// An answer is overdue, or a cancelled call has kept its permit for long enough.
    Deadline,
    /// The server said that its list changed, and has had time to say so again.
    Relist,
    /// A dying process has had its time for last words.
    LastWords,
    /// Calls in flight have had their time to finish.
    DrainEnd,
    /// It has done what its former life ended after, and had its time to end too.
    WorkDone,
    /// Nobody may have used it for long enough.
    Unused,
}

impl fmt::Display for UpstreamMsg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Start => f.write_str("Start"),
            Self::Launched(Ok(process)) => write!(f, "Launched {{ pid: {:?} }}", process.pid()),
            Self::Launched(Err(error)) => write!(f, "Launched {{ {error} }}"),
            Self::Output(_) => f.write_str("Output"),
            Self::Call(reply_token) => write!(f, "Call {{ {reply_token:?} }}"),
            Self::Cancel { call, .. } => write!(f, "Cancel {{ {call:?} }}"),
            Self::Answered(_) => f.write_str("Answered"),
            Self::Notify(line) => write!(f, "Notify {{ {} bytes }}", line.len()),
            Self::Interested {
                session, interest, ..
            } => write!(f, "Interested {{ {session}: {interest:?} }}"),
            Self::Extend => f.write_str("Extend"),
            Self::Wanted(kind) => write!(f, "Wanted {{ {} }}", kind.method()),
            Self::Hello(_) => f.write_str("Hello"),
            Self::Remember(lessons) => write!(f, "Remember {{ {lessons:?} }}"),
            Self::IdleTimeout(time) => write!(f, "IdleTimeout {{ {time:?} }}"),
            Self::Stop { drain } => write!(f, "Stop {{ drain: {drain:?} }}"),
            Self::TimerElapsed(timer) => write!(f, "TimerElapsed {{ {timer:?} }}"),
            Self::Stopped(_) => f.write_str("Stopped"),
        }
    }
}
