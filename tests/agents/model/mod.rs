//! A model that plays a script: an HTTP server on loopback that speaks what the programs ask, streamed or
//! whole. What it says next depends on nothing but how many results of tools it has been shown.

mod chat;
mod gemini;
mod messages;
mod responses;

use std::sync::Arc;

use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use warp::Filter;
use warp::http::{Method, Response};
use warp::hyper::body::Bytes;
use warp::path::FullPath;

use crate::play::Play;

/// What a program tells its model, in any dialect.
#[derive(Default)]
pub(crate) struct Asked {
    pub(crate) tools: Vec<Tool>,
    /// What came of the calls so far, as text or JSON.
    pub(crate) results: Vec<String>,
}

/// A tool as it is offered to the model: Codex has a namespace for each server.
#[derive(Clone, Debug)]
pub(crate) struct Tool {
    pub(crate) name: String,
    pub(crate) space: Option<String>,
}

impl Tool {
    fn named(definition: &Value) -> Option<Self> {
        let name = definition.get("name")?.as_str()?.to_owned();
        Some(Self { name, space: None })
    }
}

/// What the model says next.
pub(crate) enum Act {
    Call {
        /// Unlike that of any other call of this conversation.
        id: String,
        tool: Tool,
        arguments: Value,
    },
    Say(String),
}

/// A body: the events of a stream, each with its name if it has one, or a whole answer.
enum Reply {
    Events(Vec<(Option<String>, String)>),
    Whole(Value),
}

/// Serves until it is dropped.
pub(crate) struct Model {
    pub(crate) address: String,
    _server: JoinSet<()>,
}

impl Model {
    pub(crate) async fn serve(play: Arc<Play>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await;
        let listener = listener.expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let request = warp::method().and(warp::path::full());
        let route =
            request
                .and(warp::body::bytes())
                .then(move |method, path: FullPath, body: Bytes| {
                    let play = play.clone();
                    async move { answer(&play, &method, path.as_str(), &body).await }
                });
        let mut server = JoinSet::new();
        server.spawn(warp::serve(route).incoming(listener).run());
        Self {
            address: format!("http://{address}"),
            _server: server,
        }
    }
}

async fn answer(play: &Play, method: &Method, path: &str, body: &[u8]) -> Response<Bytes> {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let is_streamed = body.get("stream") == Some(&Value::Bool(true));
    let reply = if method != Method::POST {
        return whole(200, &json!({ "object": "list", "data": [], "models": [] }));
    } else if path.ends_with("/messages") {
        let act = play.next(messages::read(&body)).await;
        messages::reply(&act, is_streamed)
    } else if path.ends_with("/chat/completions") {
        let act = play.next(chat::read(&body)).await;
        chat::reply(&act, is_streamed)
    } else if path.ends_with("/responses") {
        let act = play.next(responses::read(&body)).await;
        responses::reply(&act, is_streamed)
    } else if path.ends_with("enerateContent") {
        let act = play.next(gemini::read(&body)).await;
        gemini::reply(&act, path.ends_with(":streamGenerateContent"))
    } else if path.ends_with("/count_tokens") || path.ends_with(":countTokens") {
        Reply::Whole(json!({ "input_tokens": 9, "totalTokens": 9 }))
    } else {
        return whole(404, &json!({ "error": { "message": "not here" } }));
    };
    match reply {
        Reply::Whole(json) => whole(200, &json),
        Reply::Events(events) => stream(&events),
    }
}

fn whole(status: u16, json: &Value) -> Response<Bytes> {
    response(status, "application/json", json.to_string())
}

fn stream(events: &[(Option<String>, String)]) -> Response<Bytes> {
    let event = |(name, data): &(Option<String>, String)| {
        let name = name.as_ref().map(|name| format!("event: {name}\n"));
        format!("{}data: {data}\n\n", name.unwrap_or_default())
    };
    response(200, "text/event-stream", events.iter().map(event).collect())
}

fn response(status: u16, kind: &str, body: String) -> Response<Bytes> {
    let response = Response::builder().status(status);
    let response = response.header("content-type", kind);
    response.body(body.into()).expect("it is well formed")
}

/// The elements at `key`; none where there is no array.
fn elements<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    let elements = value.get(key).and_then(Value::as_array);
    elements.into_iter().flatten()
}

/// A text as it is, anything else as JSON.
fn text(value: Option<&Value>) -> String {
    match value {
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
        None => String::new(),
    }
}
