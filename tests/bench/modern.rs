//! A client without a handshake (MCP 2026-07-28): calls one by one, and streams that listen.

use std::net::SocketAddr;

use anyhow::{Context, ensure};

use crate::load::Caller;
use crate::session::{TOOLS, UPSTREAMS, upstream};
use crate::support::client::pool::Pool;
use crate::support::modern::{Ask, ModernClient, VERSION};
use crate::support::streamable::{Endpoint, EventStream};

/// One client: its connections are used again. What is the same in all calls of a tool is written once, as
/// what a client of an earlier revision has to say of itself is said once.
pub(crate) struct Modern {
    pool: Pool,
    /// One for each tool in turn.
    prepared: Vec<Prepared>,
}

/// A call but for its text.
struct Prepared {
    head: String,
    before: String,
    after: String,
}

/// Stands for the text.
const TEXT: &str = "@";

impl Modern {
    pub(crate) fn new(addr: SocketAddr) -> Self {
        let endpoint = Endpoint::new(addr);
        let turns = (0..UPSTREAMS * TOOLS).map(|turn| Prepared::new(&endpoint, turn));
        Self {
            pool: Pool::new(addr),
            prepared: turns.collect(),
        }
    }
}

impl Prepared {
    fn new(endpoint: &Endpoint, turn: usize) -> Self {
        let name = format!("{}__tool_{:02}", upstream(turn), turn % TOOLS);
        let line = Ask::tool(&name, &format!(r#"{{"text":"{TEXT}"}}"#)).line();
        let (before, after) = line.split_once(TEXT).unwrap_or_default();
        Self {
            head: endpoint.post_head(&[
                ("mcp-protocol-version", VERSION),
                ("mcp-method", "tools/call"),
                ("mcp-name", &name),
            ]),
            before: before.to_owned(),
            after: after.to_owned(),
        }
    }
}

impl Caller for Modern {
    async fn call(&self, turn: usize, text: &str) -> anyhow::Result<String> {
        let prepared = self.prepared.get(turn % self.prepared.len());
        let Prepared {
            head,
            before,
            after,
        } = prepared.context("there are tools")?;
        let line = [before, text, after].concat();
        let response = self.pool.exchange(head, line.as_bytes()).await?;
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
