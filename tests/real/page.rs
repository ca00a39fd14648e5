//! Pages for the fetch server, and for those that watch it: one that gives always the same answer, one
//! that never gives any, and two that tell when a client of the latter has come and has gone.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;

const TEXT: &str = "the same text";

/// How long a client may take to come or go.
const PATIENCE: Duration = Duration::from_secs(30);

/// How far the client of `/never/KEY` has come, by key.
type Visits = Arc<watch::Sender<HashMap<String, &'static str>>>;

/// Serves until it is dropped.
pub(crate) struct Page {
    /// Where `/page.txt`, `/never/KEY`, `/arrived/KEY` and `/gone/KEY` are.
    pub(crate) base: String,
    visits: Visits,
    _server: JoinSet<()>,
}

impl Page {
    /// Listens on a port of its own.
    pub(crate) async fn serve() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let base = format!("http://{}", listener.local_addr()?);
        let visits = Visits::default();
        let mut server = JoinSet::new();
        let seen = visits.clone();
        server.spawn(async move {
            let mut visitors = JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                let visits = seen.clone();
                // A client that goes away early is its own affair.
                visitors.spawn(async move { serve(client, &visits).await.ok() });
            }
        });
        Ok(Self {
            base,
            visits,
            _server: server,
        })
    }

    /// Waits until the client of `/never/KEY` has `arrived` or is `gone`.
    pub(crate) async fn sees(&self, what: &str, key: &str) -> Result<()> {
        let seen = timeout(PATIENCE, seen(&self.visits, what, key)).await;
        seen.with_context(|| format!("{key}: nobody has {what}"))?
    }
}

async fn serve(mut client: TcpStream, visits: &Visits) -> Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(client.read_u8().await?);
    }
    let head = String::from_utf8(head)?;
    let path = head.split(' ').nth(1).context("no path")?;
    match path.trim_start_matches('/').split_once('/') {
        Some(("never", key)) => {
            note(visits, key, "arrived");
            // Until it goes: it has nothing more to say.
            let gone = client.read(&mut [0; 64]).await;
            note(visits, key, "gone");
            gone?;
        }
        Some((what, key)) => {
            seen(visits, what, key).await?;
            answer(&mut client, what).await?;
        }
        None => answer(&mut client, TEXT).await?,
    }
    Ok(())
}

async fn seen(visits: &Visits, what: &str, key: &str) -> Result<()> {
    let is_so = |now: &&str| what == "arrived" || *now == what;
    let mut watched = visits.subscribe();
    watched
        .wait_for(|all| all.get(key).is_some_and(is_so))
        .await?;
    Ok(())
}

fn note(visits: &Visits, key: &str, how_far: &'static str) {
    visits.send_modify(|all| {
        all.insert(key.to_owned(), how_far);
    });
}

async fn answer(client: &mut TcpStream, text: &str) -> Result<()> {
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        text.len()
    );
    Ok(client.write_all(format!("{head}{text}").as_bytes()).await?)
}
