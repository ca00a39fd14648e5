//! What the log of calls is told, where there is one: who asks what, and how it ended. Without one, no more is
//! done than to look whether there is.

use super::Conversation;
use crate::ids::ServerName;
use crate::protocol::mcp::attribution::{self, Attribution};
use crate::protocol::mcp::method;
use crate::protocol::mcp::request::{ClientRequest, Subject};
use crate::telemetry::call_log::{Asked, CallRecord, Outcome};
use crate::tree::call::{Answer, Failure};

impl Conversation {
    /// A call comes. The gateway's own requests are nobody's.
    pub(super) fn begin_record(&self, request: &ClientRequest) -> Option<Box<CallRecord>> {
        let log = self.caller.metrics.call_log()?;
        if request.params().is_empty() {
            return None;
        }
        let Attribution {
            client,
            client_version,
            traceparent,
        } = attribution::of(request.params(), self.info.as_deref());
        let is_tool = request.subject() == Subject::Tool;
        Some(Box::new(log.begin(&Asked {
            owner: self.caller.owner,
            client: client.as_deref(),
            client_version: client_version.as_deref(),
            method: request.own_method(),
            tool: is_tool.then(|| request.key()),
            request_bytes: request.size(),
            traceparent: traceparent.as_deref(),
        })))
    }
}

/// It ended so.
pub(super) fn ended(
    record: CallRecord,
    method: &str,
    server: Option<&ServerName>,
    answer: &Answer,
) {
    let (outcome, bytes) = match answer {
        Answer::Result(result) if method == method::TOOLS_CALL && attribution::is_error(result) => {
            (Outcome::ToolError, result.len())
        }
        Answer::Result(result) | Answer::Extended(result) => (Outcome::Ok, result.len()),
        Answer::Error(error) => (Outcome::Error(attribution::code_of(error)), error.len()),
        Answer::Failed(Failure::TimedOut, _) => (Outcome::TimedOut, 0),
        Answer::Failed(Failure::Lost, _) => (Outcome::Lost, 0),
        Answer::Failed(Failure::Refused, _) | Answer::InputRequired(_) => (Outcome::Error(None), 0),
    };
    record.end(server, outcome, bytes);
}

/// Its client took it back.
pub(super) fn cancelled(record: Option<Box<CallRecord>>, server: Option<&ServerName>) {
    if let Some(record) = record {
        record.end(server, Outcome::Cancelled, 0);
    }
}
