//! What a server without a handshake answers, as its client takes it: one of the same era as it is
//! written, any other without what it does not know.

use bytes::Bytes;

use super::super::awake::Holds;
use super::{Calls, InFlight};
use crate::protocol::Era;
use crate::protocol::jsonrpc::{self, code};
use crate::protocol::mcp::method;
use crate::protocol::modern::outcome::{self, ResultType};
use crate::tree::call::{Answer, Failure, InputRequired};

impl Calls {
    /// The answer to `call` as its client takes it.
    pub(super) fn outward(&self, call: &mut InFlight, answer: Answer) -> Answer {
        if self.era == Era::Legacy {
            return self.fit(call.method, answer);
        }
        match answer {
            Answer::Result(result) => self.result(call, result),
            Answer::Error(error) => self.error(call, error),
            Answer::Extended(_) | Answer::InputRequired(_) | Answer::Failed(..) => answer,
        }
    }

    fn result(&self, call: &mut InFlight, result: Bytes) -> Answer {
        match (outcome::type_of(&result), call.era) {
            (ResultType::InputRequired, Era::Modern) => Answer::Result(result),
            (ResultType::Other, Era::Modern) => Answer::Extended(result),
            (ResultType::InputRequired, Era::Legacy) => {
                let Some(routed) = call.routed.take() else {
                    return Answer::Result(result); // it was not asked this way
                };
                let roots = self.roots.clone();
                Answer::InputRequired(Box::new(InputRequired {
                    result,
                    routed,
                    roots,
                    hold: self.holds.as_ref().map(Holds::question),
                }))
            }
            (ResultType::Other, Era::Legacy) => Answer::Failed(
                Failure::Refused,
                format!(
                    "server '{}' answered '{}' in a way that only clients of a later revision understand",
                    self.server, call.method
                ),
            ),
            (ResultType::Complete, era) => {
                let answer = self.fit(call.method, Answer::Result(result));
                if let (Answer::Result(result), Era::Legacy) = (&answer, era) {
                    return Answer::Result(outcome::without_modern(result));
                }
                answer
            }
        }
    }

    fn error(&self, call: &InFlight, error: Bytes) -> Answer {
        let answer = self.fit(call.method, Answer::Error(error));
        let Answer::Error(error) = &answer else {
            return answer;
        };
        if is_legacy_read(call) {
            return outcome::not_found(error).map_or(answer, Answer::Error);
        }
        if is_incapable(call, error) {
            // Models read results of tools.
            return Answer::Failed(
                Failure::Refused,
                format!(
                    "server '{}' needs what this client did not declare: {}",
                    self.server,
                    self.hides.text(&jsonrpc::message_of(error))
                ),
            );
        }
        answer
    }
}

/// Whether a tool would have to ask what the client, which was told of by the gateway, can't be asked.
fn is_incapable(call: &InFlight, error: &Bytes) -> bool {
    let is_tool = call.era == Era::Legacy && call.method == method::TOOLS_CALL;
    is_tool && code::of(error) == Some(code::MISSING_CAPABILITY)
}

fn is_legacy_read(call: &InFlight) -> bool {
    call.era == Era::Legacy && call.method == method::RESOURCES_READ
}
