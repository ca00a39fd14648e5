//! A dialogue in a test's hands, and what is to be done by it in a form that can be compared.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{Desk, spec};
use crate::config::model::Limits;
use crate::config::model::ServerSpec;
use crate::protocol::jsonrpc::RequestId;
use crate::protocol::mcp::item::Kind;
use crate::supervise::FailureKind;
use crate::tree::call::ReplyToken;
use crate::tree::client::{InstanceOwner, Interest};
use crate::tree::registry::Lessons;
use crate::tree::upstream::Past;
use crate::tree::upstream::dialogue::{Dialogue, Effect};
use crate::tree::upstream::listing::Room;

pub(super) const TIMEOUT: Duration = Duration::from_secs(300);
/// A resource that was told of may be told of again.
pub(super) const AGAIN: Duration = Duration::from_millis(100);
pub(super) const CHANGED: &str = r#"{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}"#;

/// What is to be done.
#[derive(Debug, PartialEq)]
pub(super) enum Todo {
    Write(Value),
    Initialized,
    /// What all lists hold, one after the other, and which are not all that there is.
    Listed(Vec<String>, Vec<Kind>),
    ListChanged,
    Watch,
    ServerRequest(String, RequestId),
    Broken(FailureKind, String),
}

pub(super) fn read(effect: Effect) -> Todo {
    match effect {
        Effect::Write(line) => {
            assert!(!line.contains(&b'\n'), "one line");
            Todo::Write(serde_json::from_slice(&line).unwrap())
        }
        Effect::Initialized => Todo::Initialized,
        Effect::Listed(known) => {
            let items = Kind::ALL.into_iter().flat_map(|kind| known.items(kind));
            let keys = items.map(|item| item.key().to_owned()).collect();
            Todo::Listed(keys, known.gaps.keys().copied().collect())
        }
        Effect::ListChanged(_) => Todo::ListChanged,
        Effect::Watch => Todo::Watch,
        Effect::ServerRequest(request) => Todo::ServerRequest(request.method.into(), request.id),
        Effect::Broken(failure) => Todo::Broken(failure.kind, failure.to_string()),
    }
}

pub(super) struct Talk {
    pub(super) dialogue: Dialogue,
    pub(super) now: Instant,
    /// The `initialize` it began with.
    pub(super) hello: Value,
}

impl Talk {
    /// The time after a change has come at which it is looked at.
    pub(super) fn relist(&mut self) -> Vec<Effect> {
        loop {
            let effects = self.dialogue.relist(self.now);
            let [Effect::ListChanged(wait)] = &effects[..] else {
                return effects;
            };
            self.now += *wait;
        }
    }

    pub(super) fn open() -> Self {
        Self::open_with(&[], None)
    }

    pub(super) fn open_with(roots: &[&str], owner: Option<InstanceOwner>) -> Self {
        let mut spec = spec("", TIMEOUT);
        spec.roots = roots.iter().map(|&root| root.to_owned()).collect();
        Self::of(&spec, owner)
    }

    /// With a server whose former lives had nothing that it did not declare.
    pub(super) fn of(spec: &ServerSpec, owner: Option<InstanceOwner>) -> Self {
        let past = Past::default();
        for kind in Kind::ALL {
            past.learn_lack(kind);
        }
        Self::after(&Arc::new(past), spec, owner)
    }

    /// With a server of which nothing is known.
    pub(super) fn first() -> Self {
        Self::next(&Arc::default())
    }

    /// With the next life of a server.
    pub(super) fn next(past: &Arc<Past>) -> Self {
        Self::after(past, &spec("", TIMEOUT), None)
    }

    fn after(past: &Arc<Past>, spec: &ServerSpec, owner: Option<InstanceOwner>) -> Self {
        past.remember(Lessons::default());
        let room = Room::of(&Limits::default());
        let mut dialogue = Dialogue::open(spec, owner, room, Arc::clone(past));
        let now = Instant::now();
        let hello = serde_json::from_slice(&dialogue.begin()).unwrap();
        Self {
            dialogue,
            now,
            hello,
        }
    }

    /// Past the handshake of a server with these capabilities; gives what it was asked then.
    pub(super) fn initialized_as(mut self, capabilities: &str) -> (Self, Vec<Todo>) {
        let result = format!(r#"{{"protocolVersion":"2025-06-18","capabilities":{capabilities}}}"#);
        let todo = self.hears(&answer(0, &result));
        let begin = [
            Todo::Write(json!({"jsonrpc": "2.0", "method": "notifications/initialized"})),
            Todo::Initialized,
        ];
        assert_eq!(todo[..2], begin);
        (self, todo.into_iter().skip(2).collect())
    }

    /// Past the handshake; its list of tools has been asked for under id 1.
    pub(super) fn initialized() -> Self {
        let (talk, todo) = Self::open().initialized_as(r#"{"tools":{}}"#);
        assert_eq!(todo, [asks(1, None)]);
        assert!(!talk.dialogue.is_ready());
        talk
    }

    /// Ready, with one tool.
    pub(super) fn ready() -> Self {
        let mut talk = Self::initialized();
        assert_eq!(talk.hears(&answer(1, &tools(&["t"]))), [listed(&["t"])]);
        assert!(talk.dialogue.is_ready());
        talk
    }

    pub(super) fn hears(&mut self, line: &str) -> Vec<Todo> {
        let line = Bytes::from(line.to_owned());
        let effects = self.dialogue.on_line(self.now, &line);
        effects.into_iter().map(read).collect()
    }

    /// A notification of the server's.
    pub(super) fn told(&mut self, method: &str, params: &str) -> Vec<Todo> {
        self.hears(&format!(
            r#"{{"jsonrpc":"2.0","method":"{method}","params":{params}}}"#
        ))
    }

    /// A reply token comes; gives what is sent for it.
    pub(super) fn takes(&mut self, reply_token: ReplyToken) -> Option<Value> {
        self.takes_all(reply_token).pop()
    }

    /// The same; gives all that is sent.
    pub(super) fn takes_all(&mut self, reply_token: ReplyToken) -> Vec<Value> {
        let mut sent = Vec::new();
        self.dialogue.send(self.now, reply_token, |line| {
            sent.push(serde_json::from_slice(&line).unwrap());
            Ok(())
        });
        sent
    }

    /// A call is sent; gives its id.
    pub(super) fn sends(&mut self, desk: &mut Desk) -> u64 {
        self.takes(desk.plain()).unwrap()["id"].as_u64().unwrap()
    }

    /// The server says that its tools changed, and the time to ask for them has come.
    pub(super) fn relists(&mut self) -> Vec<Todo> {
        assert_eq!(self.hears(CHANGED), [Todo::ListChanged]);
        let effects = self.relist();
        effects.into_iter().map(read).collect()
    }

    pub(super) fn expires(&mut self) -> Vec<Todo> {
        let effects = self.dialogue.expire(self.now);
        effects.into_iter().map(read).collect()
    }

    pub(super) fn interested(&mut self, desk: &Desk, interest: Interest) -> Vec<Todo> {
        let (session, client) = (desk.session, desk.client());
        let effects = self
            .dialogue
            .interested(self.now, session, client, interest);
        effects.into_iter().map(read).collect()
    }
}

pub(super) fn answer(id: u64, result: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{result}}}"#)
}

pub(super) fn refusal(id: u64) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{{"code":-32603,"message":"no\nway"}}}}"#)
}

pub(super) fn tools(names: &[&str]) -> String {
    let tool = |name: &&str| json!({"name": name, "inputSchema": {"type": "object"}});
    let tools: Vec<Value> = names.iter().map(tool).collect();
    json!({"tools": tools}).to_string()
}

pub(super) fn request(id: u64, method: &str, params: Value) -> Todo {
    let mut line = json!({"jsonrpc": "2.0", "id": id, "method": method});
    if !params.is_null() {
        line["params"] = params;
    }
    Todo::Write(line)
}

pub(super) fn asks(id: u64, cursor: Option<&str>) -> Todo {
    let params = cursor.map_or(Value::Null, |cursor| json!({"cursor": cursor}));
    request(id, "tools/list", params)
}

pub(super) fn listed(keys: &[&str]) -> Todo {
    listed_but(keys, &[])
}

pub(super) fn listed_but(keys: &[&str], gaps: &[Kind]) -> Todo {
    let keys = keys.iter().map(|&key| key.to_owned()).collect();
    Todo::Listed(keys, gaps.to_vec())
}
