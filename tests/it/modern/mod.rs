//! Clients without a session (MCP 2026-07-28), through the real binary and byte for byte: what a request must
//! say of itself, what it is answered with, and what becomes of one whose client goes.

#![cfg(test)]

mod extensions;
mod ladder;
mod params;
mod replies;

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::both::ready;
use crate::support::gateway::Gateway;
use crate::support::http::Response;
use crate::support::servers::{fixture, gateway};
use crate::support::streamable::{Endpoint, Headers, Post, Reply};

/// For what a healthy gateway does at once, on a machine that is busy with other tests.
const SOON: Duration = Duration::from_secs(20);
/// The revision.
const MODERN: &str = "2026-07-28";

/// A gateway with one fixture server, `fx`, ready.
async fn open() -> Gateway {
    let gateway = gateway(&[fixture("fx", &["--offers"])]).await;
    ready(&gateway).await;
    gateway
}

/// What every request has in its `_meta`.
fn meta() -> Value {
    json!({
        "io.modelcontextprotocol/protocolVersion": MODERN,
        "io.modelcontextprotocol/clientCapabilities": {},
    })
}

/// A request of a good client; `params` without their `_meta`.
struct Asks {
    method: &'static str,
    params: Value,
    headers: Vec<(String, String)>,
}

impl Asks {
    fn new(method: &'static str, params: Value) -> Self {
        let mut headers = vec![
            ("mcp-protocol-version".to_owned(), MODERN.to_owned()),
            ("mcp-method".to_owned(), method.to_owned()),
        ];
        let name = params["name"].as_str().or(params["uri"].as_str());
        headers.extend(name.map(|name| ("mcp-name".to_owned(), name.to_owned())));
        let mut params = params;
        params["_meta"] = meta();
        Self {
            method,
            params,
            headers,
        }
    }

    fn call(name: &str, arguments: Value) -> Self {
        let mut params = json!({"name": name});
        params["arguments"] = arguments;
        Self::new("tools/call", params)
    }

    /// The same with one more header, or with this one in the place of its own; without it if it is empty.
    fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.retain(|(own, _)| own != name);
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    fn body(&self) -> String {
        let (method, params) = (self.method, &self.params);
        json!({"jsonrpc": "2.0", "id": 7, "method": method, "params": params}).to_string()
    }

    async fn begin(&self, addr: SocketAddr) -> Post {
        let headers = self.headers.iter();
        let headers: Vec<(&str, &str)> = headers.map(|(name, value)| (&**name, &**value)).collect();
        Endpoint::new(addr).begin_with(&headers, &self.body()).await
    }

    async fn reply(&self, addr: SocketAddr) -> Reply {
        self.begin(addr).await.reply().await
    }

    /// The result of an answer in JSON.
    async fn result(&self, addr: SocketAddr) -> Value {
        let answer = self.reply(addr).await.json();
        let answer: Value = serde_json::from_str(&answer).unwrap();
        assert_eq!(answer["id"], 7, "{answer}");
        assert!(answer["result"].is_object(), "{answer}");
        answer["result"].clone()
    }

    /// The status and the code of an error in JSON.
    async fn refusal(&self, addr: SocketAddr) -> (u16, i64) {
        let response = self.reply(addr).await.whole();
        let (id, code) = error(&response);
        assert_eq!(id, "7", "{}", response.text());
        (response.status, code)
    }
}

/// The id and the code of an error.
fn error(response: &Response) -> (String, i64) {
    let text = response.text();
    assert_eq!(response.header("content-type"), Some("application/json"));
    let error: Value = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e}: {text}"));
    let message = error["error"]["message"].as_str();
    assert!(message.is_some_and(|message| !message.is_empty()), "{text}");
    let code = error["error"]["code"].as_i64();
    (
        error["id"].to_string(),
        code.unwrap_or_else(|| panic!("{text}")),
    )
}

/// A POST of these bytes.
async fn post(addr: SocketAddr, headers: Headers<'_>, body: &str) -> Response {
    Endpoint::new(addr).post_with(headers, body).await.whole()
}
