//! Tests of an upstream: the calls, the lists, the subscribers and the dialogue as plain state, and
//! the actor through its handle with small shell scripts as servers.

mod actor;
mod calls;
mod counts;
mod dialogue;
mod freshness;
mod instance;
mod listing;
mod lists;
mod malformed;
mod model;
mod modern;
mod properties;
mod server_requests;
mod subscribers;
mod talk;
mod torn;
mod undeclared;
mod unnamed;
mod unused;
mod work;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::mpsc::UnboundedReceiver;

use super::past::Past;
use super::server_label::ServerLabel;
use crate::config::model::{Isolation, Program, Protocol, Secret, ServerSpec, Target};
use crate::ids::{CallId, Generation, Prefix};
use crate::protocol::Era;
use crate::protocol::jsonrpc::{self, Message};
use crate::protocol::mcp::lifecycle::ClientCapabilities;
use crate::protocol::mcp::logging::Level;
use crate::protocol::mcp::method;
use crate::protocol::mcp::request::ClientRequest;
use crate::protocol::modern::asker::Asker;
use crate::protocol::modern::extensions::Extensions;
use crate::testing::{Listener, listener, name};
use crate::tree::Quota;
use crate::tree::call::{Answer, ReplyToken, RoutedRequest};
use crate::tree::client::{InstanceOwner, Interest, SessionEvent, SessionSink};

/// A server's entry; `script` is what its shell runs.
fn spec(script: &str, call_timeout: Duration) -> ServerSpec {
    ServerSpec {
        name: name("s"),
        target: Target::Program(Program {
            command: "sh".into(),
            args: ["-c", script]
                .map(|arg| Secret::new(arg.to_owned()))
                .to_vec(),
            ..Program::default()
        }),
        env_files: Vec::new(),
        start_timeout: Duration::from_secs(20),
        call_timeout,
        prefix: Prefix::of(&name("s")),
        isolation: Isolation::Shared,
        roots: Vec::new(),
        protocol: Protocol::Auto,
        idle_timeout: None,
        is_start_unclear: false,
    }
}

fn label() -> ServerLabel {
    ServerLabel::new(name("s"), None, &Past::default())
}

/// What a session wants to hear.
fn interest(level: Option<Level>, uris: &[&str]) -> Interest {
    let uris: BTreeSet<Arc<str>> = uris.iter().map(|&uri| uri.into()).collect();
    Interest {
        level,
        uris,
        has_left: false,
    }
}

/// The extensions that a server for all clients is told of.
fn apps() -> serde_json::Value {
    serde_json::from_str(&Extensions::apps().to_json().unwrap()).unwrap()
}

/// The session whose client can be asked for what `bits` declare.
fn owner(desk: &Desk, bits: u16) -> InstanceOwner {
    InstanceOwner {
        session: desk.session,
        name: "ab12".into(),
        client: desk.client(),
        capabilities: ClientCapabilities::from_bits(bits),
        extensions: Extensions::default(),
    }
}

/// A session: issues reply tokens and hears what comes of them.
struct Desk {
    session: u64,
    listener: Arc<Listener<SessionEvent>>,
    heard: UnboundedReceiver<SessionEvent>,
    permits: Quota,
    last_number: u64,
}

/// What was heard, in a form that can be compared.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Heard {
    Result(u64, String),
    Extended(u64, String),
    TaskChanged(String),
    Error(u64, String),
    InputRequired(u64, String),
    Failed(u64, String),
    Undelivered(u64),
    Progress(String),
    Logged(Option<Level>, bool, String),
    Updated(String),
    Asked(String, String),
    AskedInVain(&'static str),
    AskCancelled(String),
    Notified(String),
    /// The tools, and which instance's they are.
    Offers(Vec<String>, Option<u64>),
}

impl Desk {
    fn new(permits: usize) -> Self {
        Self::of(1, permits)
    }

    fn of(session: u64, permits: usize) -> Self {
        let (listener, heard) = listener();
        Self {
            session,
            listener,
            heard,
            permits: Quota::new(permits),
            last_number: 0,
        }
    }

    fn id(number: u64) -> CallId {
        CallId { session: 1, number }
    }

    fn client(&self) -> Arc<dyn SessionSink> {
        let client: Arc<Listener<SessionEvent>> = Arc::clone(&self.listener);
        client
    }

    /// The reply token of a call of a tool; its number is one more than the last.
    fn reply_token(&mut self, params: &str) -> ReplyToken {
        self.reply_token_for(method::TOOLS_CALL, "tool", params)
    }

    /// The reply token of a request about `key`, as its server knows it.
    fn reply_token_for(&mut self, method: &'static str, key: &str, params: &str) -> ReplyToken {
        self.reply_token_of(Asker::default(), Era::Legacy, (method, key, params))
    }

    /// The reply token of a call by a client without a handshake, which hears the log from a level on.
    fn modern_reply_token(&mut self, params: &str, log_level: Option<Level>) -> ReplyToken {
        let asker = Asker {
            log_level,
            ..Asker::default()
        };
        self.reply_token_of(asker, Era::Modern, (method::TOOLS_CALL, "tool", params))
    }

    fn reply_token_of(
        &mut self,
        asker: Asker,
        era: Era,
        (method, key, params): (&'static str, &str, &str),
    ) -> ReplyToken {
        self.last_number += 1;
        let request = ClientRequest::parse(era, method, &Bytes::from(params.to_owned())).unwrap();
        let routed = RoutedRequest {
            key: key.into(),
            request,
            asker,
        };
        let permit = self.permits.take(1).unwrap();
        let call = CallId {
            session: self.session,
            number: self.last_number,
        };
        ReplyToken::new(call, Generation(1), routed, permit, self.client())
    }

    fn plain(&mut self) -> ReplyToken {
        self.reply_token(r#"{"name":"s__tool"}"#)
    }

    /// The reply token of the client's own wish to subscribe to `uri`, or to unsubscribe.
    fn wish(&mut self, uri: &str, is_on: bool) -> ReplyToken {
        let method = if is_on {
            method::RESOURCES_SUBSCRIBE
        } else {
            method::RESOURCES_UNSUBSCRIBE
        };
        self.reply_token_for(method, uri, &format!(r#"{{"uri":"out-{uri}"}}"#))
    }

    /// What has been heard since the last look.
    fn hear(&mut self) -> Vec<Heard> {
        std::iter::from_fn(|| self.heard.try_recv().ok().map(read)).collect()
    }

    async fn next(&mut self) -> Heard {
        read(self.next_event().await)
    }

    async fn next_event(&mut self) -> SessionEvent {
        let within = Duration::from_secs(20);
        let event = tokio::time::timeout(within, self.heard.recv()).await;
        event.unwrap().unwrap()
    }
}

fn read(event: SessionEvent) -> Heard {
    let text = |bytes: Bytes| String::from_utf8(bytes.to_vec()).unwrap();
    match event {
        SessionEvent::Answered { call, answer } => match answer {
            Answer::Result(result) => Heard::Result(call.number, text(result)),
            Answer::Extended(result) => Heard::Extended(call.number, text(result)),
            Answer::Error(error) => Heard::Error(call.number, text(error)),
            Answer::InputRequired(asked) => Heard::InputRequired(call.number, text(asked.result)),
            Answer::Failed(_, why) => Heard::Failed(call.number, why),
        },
        SessionEvent::Undelivered { call, .. } => Heard::Undelivered(call.number),
        SessionEvent::Progress { notification, .. } => Heard::Progress(text(notification)),
        SessionEvent::Logged {
            level,
            is_amplified,
            notification,
            ..
        } => match jsonrpc::decode(&notification) {
            Ok(Message::Notification(told)) => {
                Heard::Logged(level, is_amplified, text(told.params.unwrap()))
            }
            other => panic!("{other:?}"),
        },
        SessionEvent::Updated { params, .. } => Heard::Updated(text(params)),
        SessionEvent::TaskChanged { told, .. } => Heard::TaskChanged(told.id().to_owned()),
        SessionEvent::ServerRequested(ask) => {
            let (id, method) = (ask.id().to_string(), ask.request.method.to_string());
            ask.close();
            Heard::Asked(id, method)
        }
        SessionEvent::AskedInVain { missing } => Heard::AskedInVain(missing),
        SessionEvent::ServerRequestCancelled { params, .. } => Heard::AskCancelled(text(params)),
        SessionEvent::Notified { notification, .. } => Heard::Notified(text(notification)),
        SessionEvent::Offers { handle, catalogue } => {
            let catalogue = catalogue.unwrap();
            let tools = catalogue.tools.iter().map(|tool| tool.key().to_owned());
            Heard::Offers(tools.collect(), handle.session())
        }
        SessionEvent::Instance { .. } | SessionEvent::NoRoom { .. } => {
            unreachable!("that is root's to say")
        }
    }
}
