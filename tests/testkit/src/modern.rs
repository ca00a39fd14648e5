//! A client without a handshake (MCP 2026-07-28): every request says who asks, in its body and in its headers.

use std::net::SocketAddr;

use serde::Deserialize;

use super::streamable::{Endpoint, EventStream, Headers, Post, Reply};

/// The revision.
pub const VERSION: &str = "2026-07-28";

/// One request, raw in all its parts.
#[derive(Clone, Debug)]
pub struct Ask {
    id: String,
    method: String,
    /// With its braces, without `_meta`.
    params: String,
    capabilities: String,
    /// More members of `_meta`, each behind a comma.
    meta: String,
}

impl Ask {
    pub fn new(method: &str, params: &str) -> Self {
        Self {
            id: "1".to_owned(),
            method: method.to_owned(),
            params: params.to_owned(),
            capabilities: "{}".to_owned(),
            meta: String::new(),
        }
    }

    /// A call of a tool with raw arguments.
    pub fn tool(name: &str, arguments: &str) -> Self {
        let params = format!(r#"{{"name":"{name}","arguments":{arguments}}}"#);
        Self::new("tools/call", &params)
    }

    /// The same under another raw id.
    pub fn id(self, id: &str) -> Self {
        let id = id.to_owned();
        Self { id, ..self }
    }

    /// The same of a client that has these capabilities.
    pub fn can(self, capabilities: &str) -> Self {
        let capabilities = capabilities.to_owned();
        Self {
            capabilities,
            ..self
        }
    }

    /// The same with one more member of `_meta`; of `…/logLevel` and its like only the end is given, behind a slash.
    pub fn meta(mut self, name: &str, value: &str) -> Self {
        let own = if name.starts_with('/') {
            "io.modelcontextprotocol"
        } else {
            ""
        };
        self.meta = format!(r#"{},"{own}{name}":{value}"#, self.meta);
        self
    }

    /// The same call again with the answers to what it was asked, and the state, each raw.
    pub fn retry(mut self, responses: &str, state: Option<&str>) -> Self {
        let state = state.map_or(String::new(), |state| format!(r#","requestState":{state}"#));
        let end = self.params.strip_suffix('}').expect("params are an object");
        let comma = if end == "{" { "" } else { "," };
        self.params = format!(r#"{end}{comma}"inputResponses":{responses}{state}}}"#);
        self
    }

    /// The message.
    pub fn line(&self) -> String {
        let Self {
            id,
            method,
            params,
            capabilities,
            meta,
        } = self;
        let rest = params.strip_prefix('{').expect("params are an object");
        let comma = if rest == "}" { "" } else { "," };
        format!(
            r#"{{"jsonrpc":"2.0","id":{id},"method":"{method}","params":{{"_meta":{{"io.modelcontextprotocol/protocolVersion":"{VERSION}","io.modelcontextprotocol/clientInfo":{{"name":"test","version":"1"}},"io.modelcontextprotocol/clientCapabilities":{capabilities}{meta}}}{comma}{rest}}}"#
        )
    }

    /// What `Mcp-Name` says, for the methods that have one.
    fn name(&self) -> Option<String> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Named {
            name: Option<String>,
            uri: Option<String>,
            task_id: Option<String>,
        }
        // The rest of it may hold what no value can.
        let named: Named = serde_json::from_str(&self.params).ok()?;
        match self.method.as_str() {
            "tools/call" | "prompts/get" => named.name,
            "resources/read" => named.uri,
            "tasks/get" | "tasks/update" | "tasks/cancel" => named.task_id,
            _ => None,
        }
    }
}

/// Where it posts. It keeps nothing from one request to the next.
#[derive(Clone, Debug)]
pub struct ModernClient {
    endpoint: Endpoint,
    token: Option<String>,
}

impl ModernClient {
    /// At `/mcp`.
    pub fn new(addr: SocketAddr) -> Self {
        Self {
            endpoint: Endpoint::new(addr),
            token: None,
        }
    }

    /// The same at another path.
    #[must_use]
    pub fn at(mut self, path: &str) -> Self {
        path.clone_into(&mut self.endpoint.path);
        self
    }

    /// The same, as who has this token.
    pub fn with_token(self, token: &str) -> Self {
        let token = Some(format!("Bearer {token}"));
        Self { token, ..self }
    }

    /// Posts a request and reads the head of the answer.
    pub async fn post(&self, ask: &Ask) -> Reply {
        self.begin(ask).await.reply().await
    }

    /// Posts a request and reads nothing yet; dropped, the request is cancelled.
    pub async fn begin(&self, ask: &Ask) -> Post {
        self.begin_with(&[], ask).await
    }

    /// As [`ModernClient::begin`], with other headers.
    pub async fn begin_with(&self, headers: Headers<'_>, ask: &Ask) -> Post {
        let name = ask.name();
        let own = [
            ("mcp-protocol-version", Some(VERSION)),
            ("mcp-method", Some(ask.method.as_str())),
            ("mcp-name", name.as_deref()),
            ("authorization", self.token.as_deref()),
        ];
        let is_given = |name: &str| headers.iter().any(|(given, _)| *given == name);
        let own = own
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?)));
        let all: Vec<_> = own
            .filter(|(name, _)| !is_given(name))
            .chain(headers.iter().copied())
            .collect();
        self.endpoint.begin_with(&all, &ask.line()).await
    }

    /// The status and the raw answer, whatever came before it.
    pub async fn answer(&self, ask: &Ask) -> (u16, String) {
        match self.post(ask).await {
            Reply::Whole(response) => (response.status, response.text()),
            stream @ Reply::Stream(_) => (stream.status(), stream.message().await),
        }
    }

    /// Calls a tool with raw arguments; the raw answer.
    pub async fn call_tool(&self, name: &str, arguments: &str) -> String {
        self.answer(&Ask::tool(name, arguments)).await.1
    }

    /// Opens `subscriptions/listen` with a raw filter, under a raw id; nothing of the stream is read yet.
    ///
    /// # Panics
    /// When it is refused.
    pub async fn listen(&self, id: &str, filter: &str) -> EventStream {
        let params = format!(r#"{{"notifications":{filter}}}"#);
        let ask = Ask::new("subscriptions/listen", &params).id(id);
        self.post(&ask).await.stream()
    }
}
