//! A client without a handshake (MCP 2026-07-28): calls one by one, and streams that listen.

use std::net::SocketAddr;

use anyhow::ensure;

use crate::load::Caller;
use crate::session::{TOOLS, upstream};
use crate::support::client::pool::Pool;
use crate::support::modern::{Ask, ModernClient};
use crate::support::streamable::{Endpoint, EventStream};

/// One client: its connections are used again, nothing else is the same from one call to the next.
pub(crate) struct Modern {
    pool: Pool,
    endpoint: Endpoint,
}

impl Modern {
    pub(crate) fn new(addr: SocketAddr) -> Self {
        Self {
            pool: Pool::new(addr),
            endpoint: Endpoint::new(addr),
        }
    }
}

impl Caller for Modern {
    async fn call(&self, turn: usize, text: &str) -> anyhow::Result<String> {
        let name = format!("{}__tool_{:02}", upstream(turn), turn % TOOLS);
        let ask = Ask::tool(&name, &format!(r#"{{"text":"{text}"}}"#));
        let head = self.endpoint.post_head(&[
            ("mcp-protocol-version", support::modern::VERSION),
            ("mcp-method", "tools/call"),
            ("mcp-name", &name),
        ]);
        let response = self.pool.exchange(&head, ask.line().as_bytes()).await?;
        ensure!(response.status == 200, "{}", response.text());
        Ok(response.text())
    }
}

/// Opens one stream that is told of all lists, and waits until it is.
pub(crate) async fn listen(addr: SocketAddr) -> EventStream {
    let filter =
        r#"{"toolsListChanged":true,"promptsListChanged":true,"resourcesListChanged":true}"#;
    let mut stream = ModernClient::new(addr).listen("0", filter).await;
    stream.expect().await;
    stream
}
