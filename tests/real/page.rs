//! A page for the fetch server: the smallest HTTP server that gives always the same answer.

use anyhow::Result;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 13\r\n\
Connection: close\r\n\r\nthe same text";

/// Serves until it is dropped.
pub(crate) struct Page {
    pub(crate) url: String,
    _server: JoinSet<()>,
}

impl Page {
    /// Listens on a port of its own.
    pub(crate) async fn serve() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}/page.txt", listener.local_addr()?);
        let mut server = JoinSet::new();
        server.spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                let mut request = [0; 4096];
                // A client that goes away early is its own affair.
                if client.read(&mut request).await.is_ok() {
                    client.write_all(ANSWER).await.ok();
                }
            }
        });
        Ok(Self {
            url,
            _server: server,
        })
    }
}
