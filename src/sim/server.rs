//! What a simulated server says, and when: a good one answers every request once, in any order;
//! another does by the dice whatever real ones were seen doing.

use std::collections::BTreeMap;
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep};

use super::child::Life;
use super::world::Dice;
use crate::process::{LinePermit, Output, StdinFailure, UnusableLine};
use crate::protocol::jsonrpc::{self, Message, Request};

/// Far enough away to be never.
const NEVER: Duration = Duration::from_secs(100_000);
/// A child that reads nothing for so long is reported.
const STALL: Duration = Duration::from_secs(10);
/// An instance that has asked its client something answers its call so long afterwards.
const ASKED: Duration = Duration::from_millis(100);

/// What a server is going to do.
enum Act {
    Say(Bytes),
    Unusable(Bytes),
    Exit(i32),
    CloseStdout,
    CloseStdin,
    /// Is there something that it has not read for long?
    Stall,
    /// A server that can do nothing right any more ends, once nobody is to misbehave.
    Mend,
}

/// The server.
pub(super) struct Server {
    life: Arc<Life>,
    dice: Dice,
    agenda: BTreeMap<(Instant, u64), Act>,
    count: u64,
    is_deaf: bool,
    is_stdin_closed: bool,
    is_stdout_closed: bool,
    lines: Arc<Semaphore>,
}

impl Server {
    pub(super) fn new(life: Arc<Life>) -> Self {
        let dice = life.world.dice.fork();
        let mut server = Self {
            life,
            dice,
            agenda: BTreeMap::new(),
            count: 0,
            is_deaf: false,
            is_stdin_closed: false,
            is_stdout_closed: false,
            lines: Arc::new(Semaphore::new(1_000)),
        };
        if server.misbehaves(24) {
            let at = server.dice.millis(3_000);
            server.plan(at, Act::Exit(1));
        }
        server
    }

    pub(super) fn life(&self) -> &Life {
        &self.life
    }

    pub(super) fn does_not_start(&self) -> bool {
        self.misbehaves(24)
    }

    pub(super) fn is_deaf(&self) -> bool {
        self.is_deaf
    }

    pub(super) fn is_stdin_closed(&self) -> bool {
        self.is_stdin_closed
    }

    /// When there is something to do.
    pub(super) fn due(&self) -> Instant {
        let first = self.agenda.first_key_value();
        first.map_or_else(|| Instant::now() + NEVER, |((at, _), _)| *at)
    }

    fn misbehaves(&self, one_in: u64) -> bool {
        let is_good = super::is_good(&self.life.who.0);
        !is_good && !self.life.world.is_calm() && self.dice.one_in(one_in)
    }

    fn plan(&mut self, after: Duration, act: Act) {
        self.count += 1;
        self.agenda
            .insert((Instant::now() + after, self.count), act);
    }

    /// Something is wrong with it that does not pass.
    fn wedge(&mut self) {
        self.plan(Duration::from_secs(5), Act::Mend);
    }

    fn say(&mut self, after: Duration, line: impl Into<Bytes>) {
        self.plan(after, Act::Say(line.into()));
    }

    fn soon(&self) -> Duration {
        match self.dice.below(8) {
            0..5 => self.dice.millis(5),
            5 | 6 => self.dice.millis(60),
            _ => self.dice.millis(900),
        }
    }

    /// Does what is due. `Some` with its exit code if it exits.
    pub(super) fn act(&mut self, has_unread: bool) -> Option<i32> {
        let (_, act) = self.agenda.pop_first()?;
        match act {
            Act::Say(line) => {
                if !self.is_stdout_closed {
                    self.life.world.note("says", &self.life.who.0, hash(&line));
                    let permit = self.permit();
                    self.life.deliver(Output::Line {
                        bytes: line,
                        permit,
                    });
                }
            }
            Act::Unusable(head) => self.life.deliver(Output::Unusable {
                length: 1 << 20,
                head,
                tail: Bytes::new(),
                why: UnusableLine::TooLong,
                permit: self.permit(),
            }),
            Act::Exit(code) => return Some(code),
            Act::CloseStdout => {
                self.is_stdout_closed = true;
                self.life.deliver(Output::StdoutClosed);
            }
            Act::CloseStdin => {
                self.is_stdin_closed = true;
                let error = std::io::ErrorKind::BrokenPipe.into();
                self.life
                    .deliver(Output::StdinFailed(StdinFailure::Broken(error)));
            }
            Act::Stall if has_unread => {
                self.is_stdin_closed = true;
                self.life
                    .deliver(Output::StdinFailed(StdinFailure::Stalled));
            }
            Act::Stall => self.plan(STALL, Act::Stall),
            Act::Mend if self.life.world.is_calm() => return Some(3),
            Act::Mend => self.wedge(),
        }
        None
    }

    fn permit(&self) -> LinePermit {
        LinePermit::new(Arc::clone(&self.lines).try_acquire_owned().unwrap())
    }

    pub(super) fn on_eof(&mut self) {
        if !self.misbehaves(4) {
            let at = self.dice.millis(300);
            self.plan(at, Act::Exit(0));
        }
    }

    pub(super) fn on_term(&mut self) {
        if !self.misbehaves(4) {
            let at = self.dice.millis(300);
            self.plan(at, Act::Exit(0));
        }
    }

    /// What is seen of its end, in any order; of a pipe that somebody else holds, nothing.
    pub(super) async fn last_words(&mut self, status: ExitStatus) {
        let mut words = vec![Output::Exited(status), Output::StderrClosed];
        if !self.is_stdout_closed && !self.misbehaves(4) {
            words.push(Output::StdoutClosed);
        }
        if self.dice.one_in(2) && !self.is_stdin_closed {
            let error = std::io::ErrorKind::BrokenPipe.into();
            words.push(Output::StdinFailed(StdinFailure::Broken(error)));
        }
        while !words.is_empty() {
            let count = u64::try_from(words.len()).unwrap();
            let next = usize::try_from(self.dice.below(count)).unwrap();
            self.life.deliver(words.swap_remove(next));
            sleep(self.dice.millis(8)).await;
        }
    }

    pub(super) fn on_line(&mut self, line: &Bytes) {
        let message = match jsonrpc::decode(line) {
            Ok(message) => message,
            Err(error) => {
                let who = &self.life.who;
                return self
                    .life
                    .world
                    .complain(format!("{who:?} was sent {line:?}: {error}"));
            }
        };
        self.life.world.note("reads", &self.life.who.0, hash(line));
        if let Message::Request(request) = message {
            self.on_request(&request);
        }
    }

    fn on_request(&mut self, request: &Request) {
        let (id, params) = (request.id.as_raw(), text(request.params.as_ref()));
        match &*request.method {
            "initialize" => {
                if self.misbehaves(24) {
                    return self.wedge(); // it never answers
                }
                let slow = if self.misbehaves(8) { 4_000 } else { 0 };
                let after = self.soon() + Duration::from_millis(slow);
                self.say(after, answer(id, r#"{"protocolVersion":"2025-06-18","capabilities":{"tools":{"listChanged":true},"logging":{}},"serverInfo":{"name":"sim","version":"1"}}"#));
            }
            "tools/list" => self.on_list(id),
            "tools/call" => self.on_call(id, params),
            _ => {
                let after = self.soon();
                self.say(after, answer(id, "{}"));
            }
        }
    }

    fn on_list(&mut self, id: &str) {
        if self.misbehaves(16) {
            self.wedge();
            if self.dice.one_in(2) {
                let after = self.soon();
                self.say(after, refusal(id));
            }
            return;
        }
        let tools: Vec<String> = self
            .life
            .world
            .tools_of(&self.life.who.0)
            .map(|tool| format!(r#"{{"name":"{tool}","inputSchema":{{"type":"object"}}}}"#))
            .collect();
        self.life
            .world
            .ladders
            .lock()
            .unwrap()
            .listed(&self.life.who);
        let after = self.soon();
        let tools = tools.join(",");
        self.say(after, answer(id, &format!(r#"{{"tools":[{tools}]}}"#)));
    }

    fn on_call(&mut self, id: &str, params: &str) {
        self.life.called();
        let nonce = between(params, r#""n":""#, "\"").unwrap_or_default();
        let of = nonce.split_once('@').map_or("", |(_, of)| of);
        if of != self.life.who.0 {
            let who = &self.life.who;
            self.life
                .world
                .complain(format!("{who:?} was sent the call of another: {params}"));
        }
        if let Some(token) = between(params, r#""progressToken":"#, "}")
            && self.dice.one_in(2)
        {
            let after = self.dice.millis(5);
            let line = format!(
                r#"{{"jsonrpc":"2.0","method":"notifications/progress","params":{{"progressToken":{token},"progress":1}}}}"#
            );
            self.say(after, line);
        }
        let result = format!(r#"{{"content":[{{"type":"text","text":"{nonce}"}}]}}"#);
        let reply = answer(id, &result);
        let after = self.soon();
        if super::is_isolated(&self.life.who.0) && self.dice.one_in(4) {
            let asked = format!(r#"{{"jsonrpc":"2.0","id":"a{id}","method":"roots/list"}}"#);
            self.say(after, asked);
            return self.say(after + ASKED, reply);
        }
        if !self.misbehaves(3) {
            return self.say(after, reply);
        }
        self.misanswer(id, &result, after);
    }

    fn misanswer(&mut self, id: &str, result: &str, after: Duration) {
        let later = after + self.soon();
        let reply = answer(id, result);
        match self.dice.below(18) {
            0 | 1 => {
                self.say(after, reply.clone());
                self.say(later, reply);
            }
            2 => self.say(after, answer(&format!("\"{id}\""), result)),
            3 => {
                self.say(after, answer("987654", result));
                self.say(later, reply);
            }
            4 => {
                self.say(after, "Listening on stdio ...");
                self.say(later, reply);
            }
            5 => self.plan(after, Act::Unusable(reply.into())),
            6 => {} // never
            7 => self.say(after + Duration::from_secs(30), reply),
            8 => self.plan(after, Act::Exit(139)),
            9 => {
                self.say(after, reply);
                self.plan(after, Act::Exit(0));
            }
            10 => {
                self.say(after, reply);
                if self.life.who.1.is_none() && !super::is_isolated(&self.life.who.0) {
                    self.life.world.change_tools(&self.life.who.0);
                }
                self.say(
                    later,
                    r#"{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}"#,
                );
            }
            11 => {
                self.is_deaf = true;
                self.wedge();
                self.plan(STALL, Act::Stall);
                self.say(after, reply);
            }
            12 => {
                self.wedge();
                self.plan(after, Act::CloseStdout);
            }
            13 => {
                self.wedge();
                self.plan(after, Act::CloseStdin);
                self.say(later, reply);
            }
            14 => {
                self.say(after, r#"{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":"x"}}"#);
                self.say(later, reply);
            }
            15 => {
                self.say(after, r#"{"jsonrpc":"2.0","id":5,"method":"roots/list"}"#);
                self.say(later, reply);
            }
            16 => self.say(after, refusal(id)),
            _ => self.say(after, format!("[{reply},{reply}]")),
        }
    }
}

fn answer(id: &str, result: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{result}}}"#)
}

fn refusal(id: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{{"code":-32603,"message":"no"}}}}"#)
}

fn text(bytes: Option<&Bytes>) -> &str {
    bytes.map_or("", |bytes| std::str::from_utf8(bytes).unwrap())
}

/// What is between the first `from` and the next `to`.
pub(super) fn between<'a>(text: &'a str, from: &str, to: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(from)?;
    rest.split_once(to).map(|(found, _)| found)
}

/// A number for the trace.
pub(super) fn hash(bytes: &[u8]) -> u64 {
    let step = |sum: u64, byte: &u8| sum.wrapping_mul(31).wrapping_add(u64::from(*byte));
    bytes.iter().fold(0, step)
}
