//! A client of Streamable HTTP, for the tests of `/mcp`.

use super::*;

/// What every POST says of itself.
pub(super) const TAKES: &str =
    "Accept: application/json, text/event-stream\r\nContent-Type: application/json\r\n";

/// A request, as bytes.
pub(super) fn request(method: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "{method} /mcp HTTP/1.1\r\nHost: localhost\r\n{headers}Content-Length: {length}\r\n\r\n{body}"
    )
}

/// `initialize`, asking for `version`.
pub(super) fn initialize(version: &str) -> String {
    format!(
        r#"{{"jsonrpc":"2.0","id":0,"method":"initialize","params":{{"protocolVersion":"{version}"}}}}"#
    )
}

/// A request that nobody answers soon.
pub(super) fn list(id: u64) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/list"}}"#)
}

/// That `id` is not wanted any more.
pub(super) fn cancel(id: u64) -> String {
    format!(
        r#"{{"jsonrpc":"2.0","method":"notifications/cancelled","params":{{"requestId":{id}}}}}"#
    )
}

/// A client with a session.
pub(super) struct Client<'a> {
    pub(super) server: &'a Server,
    pub(super) id: String,
}

impl<'a> Client<'a> {
    /// Initializes with `version`.
    pub(super) async fn open(server: &'a Server, version: &str) -> Self {
        let reply = server
            .ask(&request("POST", TAKES, &initialize(version)))
            .await;
        assert_eq!(reply.status, 200, "{}", reply.body);
        assert!(reply.body.contains(version), "{}", reply.body);
        let id = reply.header("mcp-session-id").unwrap().to_owned();
        let client = Self { server, id };
        let told = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;
        assert_eq!(client.post(told).await.status, 202);
        client
    }

    /// A request in this session, as bytes.
    pub(super) fn request(&self, method: &str, headers: &str, body: &str) -> String {
        let id = &self.id;
        request(method, &format!("{headers}Mcp-Session-Id: {id}\r\n"), body)
    }

    /// A POST whose reply has a length.
    pub(super) async fn post(&self, body: &str) -> Reply {
        self.server.ask(&self.request("POST", TAKES, body)).await
    }

    /// A POST whose reply is a stream: its connection, after its head.
    pub(super) async fn stream(&self, body: &str) -> Connection {
        self.begin(&self.request("POST", TAKES, body)).await
    }

    /// The stream of GET, with more header lines.
    pub(super) async fn listen(&self, headers: &str) -> Connection {
        let headers = format!("Accept: text/event-stream\r\n{headers}");
        self.begin(&self.request("GET", &headers, "")).await
    }

    async fn begin(&self, request: &str) -> Connection {
        let mut connection = self.server.connect().await;
        connection.send(request).await;
        let head = connection.read_until("\r\n\r\n").await.to_ascii_lowercase();
        for line in [
            "http/1.1 200 ok\r\n",
            "\r\ncontent-type: text/event-stream\r\n",
            "\r\nx-accel-buffering: no\r\n",
        ] {
            assert!(head.contains(line), "{line:?} is missing in {head}");
        }
        connection
    }
}
