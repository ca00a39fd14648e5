//! What a server without a handshake asks before it answers a call: its questions become requests to
//! the client, and when the client has answered all of them the call is sent again, with the answers.
//! Nothing waits at the server meanwhile.

use std::mem;
use std::time::Duration;

use bytes::Bytes;

use super::calls::{Asked, CallStage, OpenCall};
use super::logging::heard_at;
use super::server_requests::AskedBy;
use super::{Conversation, Effects};
use crate::ids::{Generation, ServerName};
use crate::protocol::jsonrpc::{self, code};
use crate::protocol::mcp::logging::Level;
use crate::protocol::mcp::method;
use crate::protocol::modern::asker::Asker;
use crate::protocol::modern::input::{self, Question};
use crate::protocol::version::Version;
use crate::tree::call::{Answer, Failure, InputRequired};
use crate::tree::registry::RouteState;

/// A call is sent so often at most: official SDKs stop there too.
const ROUNDS: u8 = 10;
/// The client has so long for the questions of one round.
pub(super) const ROUND: Duration = Duration::from_secs(600);
/// Who has no question is asked again after so long, and ever more rarely.
const AGAIN: Duration = Duration::from_millis(50);
const AGAIN_AT_MOST: Duration = Duration::from_millis(250);

impl Conversation {
    /// Who asks, as a server without a handshake is told.
    pub(super) fn asker(&self) -> Asker {
        let capabilities = self.client.capabilities;
        Asker {
            capabilities: if self.client.version < Version::V2025_11_25 {
                capabilities.without_url()
            } else {
                capabilities
            },
            log_level: self.log_level.or(self.interests.level),
            info: self.info.clone(),
            // Such a result no client with a handshake understands.
            extensions: self.declared.without_tasks(),
        }
    }

    /// From which level on the client of a request without a session wants to hear the log meanwhile.
    pub(in super::super) fn hear_logs(&mut self, from: Option<Level>) {
        self.log_level = from;
    }

    /// The server of a call asks something first.
    pub(super) fn on_input_required(
        &mut self,
        fx: &mut dyn Effects,
        number: u64,
        required: InputRequired,
    ) {
        let most = self.limits.max_questions_per_session;
        let InputRequired {
            result,
            routed,
            roots,
            hold,
        } = required;
        let Some(open) = self.calls.get_mut(number) else {
            return;
        };
        open.rounds += 1;
        let rounds = open.rounds;
        let input = match input::read(&result, most) {
            Ok(_) if rounds > ROUNDS => Err(format!("asks more than {ROUNDS} times")),
            Ok(input) => Ok(input),
            Err(why) => Err(format!("asks what it can't be told: {why}")),
        };
        let server = open.server.as_ref().map_or("", ServerName::as_str);
        let input = match input.map_err(|why| format!("server '{server}' {why}")) {
            Ok(input) => input,
            Err(text) => return self.fail_asked(fx, number, &text),
        };
        // What the server's entry answers is not the client's to say.
        let answer =
            |asked: &Question| roots.clone().filter(|_| asked.method == method::ROOTS_LIST);
        let answers = input.questions.iter();
        let answers = answers.map(|asked| (asked.key.clone(), answer(asked)));
        let asked = Asked {
            request: routed.request,
            state: input.state,
            answers: answers.collect(),
            life: Generation(0),
            hold,
        };
        let is_idle = input.questions.is_empty();
        let open = input.questions.into_iter().enumerate();
        let open: Vec<_> = open.filter(|(_, asked)| answer(asked).is_none()).collect();
        if let Some(text) = self.why_not(fx, open.iter().map(|(_, asked)| asked)) {
            return self.fail_asked(fx, number, &text);
        }
        self.ask_first(number, asked);
        if is_idle {
            let wait = AGAIN
                .saturating_mul(1 << (rounds - 1).min(4))
                .min(AGAIN_AT_MOST);
            return self.calls.send_again_at(fx.now() + wait, number);
        }
        if open.is_empty() {
            return self.send_again(fx, number);
        }
        for (place, question) in open {
            self.ask_for_call(fx, (number, place), question);
        }
    }

    fn ask_first(&mut self, number: u64, mut asked: Asked) {
        let Some(open) = self.calls.get_mut(number) else {
            return;
        };
        if let CallStage::Sent(guard) = &open.stage {
            asked.life = guard.generation();
        }
        let stage = CallStage::Asked(Box::new(asked));
        if let CallStage::Sent(guard) = mem::replace(&mut open.stage, stage) {
            guard.settle();
        }
    }

    /// Why the client can't be asked all of these.
    fn why_not<'a>(
        &self,
        fx: &dyn Effects,
        questions: impl ExactSizeIterator<Item = &'a Question>,
    ) -> Option<String> {
        let capabilities = self.asker().capabilities;
        let (count, most) = (questions.len(), self.limits.max_questions_per_session);
        let missing = |asked: &Question| capabilities.missing(asked.method, asked.is_url);
        let mut missing = questions.filter_map(missing);
        if let Some(missing) = missing.next() {
            return Some(format!(
                "this needs a client with '{missing}', which this one did not declare"
            ));
        }
        let is_full = self.server_requests.len() + count > most || fx.is_full();
        let text = "busy: the client has as many requests before it as it may";
        (is_full && count > 0).then(|| text.to_owned())
    }

    fn ask_for_call(&mut self, fx: &mut dyn Effects, of: (u64, usize), question: Question) {
        let params = question.params.map(|params| {
            if question.is_url {
                let id = format!("{:032x}", fastrand::u128(..));
                return input::with_elicitation_id(&params, &id);
            }
            params
        });
        let latest = self.calls.get(of.0).map(|open| open.stream);
        let stream = heard_at(fx, latest);
        let by = AskedBy::Call(of.0, of.1, question.method);
        self.put_question(fx, stream, (question.method, params.as_ref()), by);
    }

    /// The client has answered a question of a call, or refused to.
    pub(super) fn on_question_answered(
        &mut self,
        fx: &mut dyn Effects,
        (number, place): (u64, usize),
        (asked, outcome): (&str, Result<Bytes, Bytes>),
    ) {
        let Some(OpenCall {
            stage: CallStage::Asked(open),
            ..
        }) = self.calls.get_mut(number)
        else {
            return;
        };
        match outcome {
            Ok(result) => {
                if let Some((_, answer)) = open.answers.get_mut(place) {
                    // A copy, as it must not keep what it came in.
                    *answer = Some(Bytes::copy_from_slice(&result));
                }
                if open.answers.iter().all(|(_, answer)| answer.is_some()) {
                    self.send_again(fx, number);
                }
            }
            Err(error) => {
                let why = jsonrpc::message_of(&error);
                let text = format!("the client answered '{asked}' with an error: {why}");
                self.fail_asked(fx, number, &text);
            }
        }
    }

    /// Sends again the calls whose time has come.
    pub(super) fn send_due_again(&mut self, fx: &mut dyn Effects) {
        for number in self.calls.due_again(fx.now()) {
            self.send_again(fx, number);
        }
    }

    fn send_again(&mut self, fx: &mut dyn Effects, number: u64) {
        let Some(open) = self.calls.get_mut(number) else {
            return;
        };
        let CallStage::Asked(asked) = &mut open.stage else {
            return;
        };
        // Until it is sent.
        let _hold = asked.hold.take();
        let answers = asked.answers.iter();
        let answers = answers.filter_map(|(key, answer)| Some((&**key, answer.as_deref()?)));
        let members = input::answers(answers, asked.state.as_deref());
        open.stage = CallStage::Parked {
            request: asked.request.clone().with_input(members),
            after: Generation(0),
        };
        open.parked_since = None;
        self.dispatch(fx, number);
    }

    /// Ends the calls whose servers asked something in a life that is over: they may have forgotten.
    pub(super) fn end_questions_of_the_dead(&mut self, fx: &mut dyn Effects) {
        for (number, server, life) in self.calls.asked() {
            let state = self.state_of(&server);
            if state.and_then(RouteState::generation) != Some(life) {
                let text = format!(
                    "server '{server}' has ended or was replaced while its question was before the \
                     client; call it again"
                );
                self.fail_asked(fx, number, &text);
            }
        }
    }

    /// Nothing comes of what a call's server asked. Models read results of tools.
    pub(super) fn fail_asked(&mut self, fx: &mut dyn Effects, number: u64, text: &str) {
        let is_tool = self
            .calls
            .get(number)
            .is_some_and(|open| open.method == method::TOOLS_CALL);
        let answer = if is_tool {
            Answer::Failed(Failure::Refused, text.to_owned())
        } else {
            Answer::Error(jsonrpc::error_object(code::INTERNAL_ERROR, text))
        };
        self.answer(fx, number, answer);
    }
}
