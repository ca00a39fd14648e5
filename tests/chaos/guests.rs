//! Clients that behave badly, go without a word, or want too much. What becomes of them is their own affair, but
//! for one thing: no call of theirs is answered twice either. Nobody else may notice them.

#![cfg(test)]

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use socket2::SockRef;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{self, Instant};

use crate::ledger::Scope;
use crate::over_http::{one_post, open};
use crate::plan::Guest;
use crate::steady::{INITIALIZED, Stage, hello};
use crate::support::http::{Connection, request_head};
use crate::support::streamable::{Endpoint, call_tool};
use crate::world::{GOOD, OWN};

/// However long a guest stays.
const STAY: Duration = Duration::from_secs(20);
/// More calls than one session may have in flight.
const FLOOD: usize = 200;
const CONNECTIONS: usize = 300;

/// Sessions over Streamable HTTP that were left behind: they would be idle for a day.
#[derive(Default)]
pub(crate) struct Lobby(Mutex<Vec<Endpoint>>);

impl Lobby {
    fn leave(&self, endpoint: Endpoint) {
        self.0.lock().expect("no panic inside").push(endpoint);
    }

    /// Ends them all.
    pub(crate) async fn clear(&self) {
        let left = std::mem::take(&mut *self.0.lock().expect("no panic inside"));
        for endpoint in left {
            endpoint.delete().await;
        }
    }
}

pub(crate) async fn visit(
    guest: Guest,
    pick: usize,
    mut servers: Vec<String>,
    stage: Arc<Stage>,
    lobby: Arc<Lobby>,
) {
    servers.retain(|name| !GOOD.contains(&name.as_str()) && name != OWN);
    let server = servers[pick % servers.len()].clone();
    let (addr, is_rude) = (stage.addr, pick.is_multiple_of(2));
    let stay = async {
        match guest {
            Guest::HalfRequest => half_request(addr, is_rude).await,
            Guest::GoneFromStream => gone_from_stream(addr, &server, is_rude).await,
            Guest::GoneFromPost => gone_from_post(addr, &server, &lobby).await,
            Guest::Deletes => deletes(addr, &server, &lobby).await,
            Guest::FloodsCalls => floods_calls(&stage, &server).await,
            Guest::FloodsLines => floods_lines(addr, &server, &lobby).await,
            Guest::FloodsConnections => floods_connections(addr).await,
            Guest::Junk => junk(addr, &server).await,
        }
    };
    // Its connection may break with the gateway at any time.
    drop(time::timeout(STAY, stay).await);
}

/// Closes with a reset if it is rude.
fn close(stream: &TcpStream, is_rude: bool) {
    if is_rude {
        drop(SockRef::from(stream).set_linger(Some(Duration::ZERO)));
    }
}

async fn half_request(addr: SocketAddr, is_rude: bool) -> io::Result<()> {
    let mut stream = TcpStream::connect(addr).await?;
    let head = request_head(
        addr,
        "POST",
        "/mcp",
        &[("content-type", "application/json")],
    );
    let half = format!("{head}content-length: 1000\r\n\r\n{{\"jsonrpc\":");
    stream.write_all(half.as_bytes()).await?;
    close(&stream, is_rude);
    Ok(())
}

/// Opens an event stream; with it the address to post to.
async fn stream(addr: SocketAddr) -> io::Result<(TcpStream, Vec<u8>, String)> {
    let mut stream = TcpStream::connect(addr).await?;
    let get = request_head(addr, "GET", "/sse", &[("accept", "text/event-stream")]) + "\r\n";
    stream.write_all(get.as_bytes()).await?;
    let mut seen = Vec::new();
    loop {
        if stream.read_buf(&mut seen).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let text = String::from_utf8_lossy(&seen);
        if let Some((_, rest)) = text.split_once("event: endpoint\ndata: ")
            && let Some((endpoint, _)) = rest.split_once('\n')
        {
            let endpoint = endpoint.trim().to_owned();
            return Ok((stream, seen, endpoint));
        }
    }
}

async fn post(addr: SocketAddr, endpoint: &str, messages: &[String]) -> io::Result<()> {
    let mut connection = Connection::open(addr).await?;
    let head = request_head(
        addr,
        "POST",
        endpoint,
        &[("content-type", "application/json")],
    );
    for message in messages {
        connection.exchange(&head, message.as_bytes()).await?;
    }
    Ok(())
}

fn sleep(id: u32, server: &str, ms: u32) -> String {
    call_tool(
        id,
        &format!("{server}__sleep"),
        &json!({ "ms": ms, "ignore_cancel": true }).to_string(),
    )
}

async fn gone_from_stream(addr: SocketAddr, server: &str, is_rude: bool) -> io::Result<()> {
    let (stream, _, endpoint) = stream(addr).await?;
    let subscribe =
        r#"{"jsonrpc":"2.0","id":1,"method":"resources/subscribe","params":{"uri":"fx://text/0"}}"#;
    let mut messages = vec![hello(), INITIALIZED.to_owned(), subscribe.to_owned()];
    messages.extend((2..10).map(|id| sleep(id, server, 5_000)));
    post(addr, &endpoint, &messages).await?;
    close(&stream, is_rude);
    Ok(())
}

async fn gone_from_post(addr: SocketAddr, server: &str, lobby: &Lobby) -> io::Result<()> {
    let endpoint = open(addr).await;
    lobby.leave(endpoint.clone());
    let mut connection = Connection::open(addr).await?;
    let call = sleep(1, server, 3_000);
    connection
        .post(&endpoint.post_head(&[]), call.as_bytes())
        .await
}

async fn deletes(addr: SocketAddr, server: &str, lobby: &Lobby) -> io::Result<()> {
    let endpoint = open(addr).await;
    lobby.leave(endpoint.clone()); // should the gateway be gone before
    let mut connection = Connection::open(addr).await?;
    let call = sleep(1, server, 3_000);
    connection
        .post(&endpoint.post_head(&[]), call.as_bytes())
        .await?;
    let gone = Connection::open(addr).await?;
    let session = endpoint.session.as_deref().unwrap_or_default();
    let head = request_head(addr, "DELETE", "/mcp", &[("mcp-session-id", session)]);
    let mut gone = gone;
    gone.send((head + "\r\n").as_bytes()).await?;
    gone.response().await?;
    connection.head().await.map(drop)
}

/// Each of its calls is answered, with what it asked for or by "busy"; none twice.
async fn floods_calls(stage: &Stage, server: &str) -> io::Result<()> {
    let scope = Scope::Server(server.to_owned());
    let strike = stage.ledger.struck(scope, Instant::now());
    let flooded = flood(stage, server).await;
    stage.ledger.healed(strike);
    flooded
}

async fn flood(stage: &Stage, server: &str) -> io::Result<()> {
    let (mut stream, mut seen, endpoint) = stream(stage.addr).await?;
    let ids = 1..=u32::try_from(FLOOD).unwrap_or(u32::MAX);
    let mut messages = vec![hello(), INITIALIZED.to_owned()];
    messages.extend(ids.map(|id| sleep(id, server, 200)));
    let posting = post(stage.addr, &endpoint, &messages);
    let reading = async {
        while answers(&seen).values().filter(|count| **count > 0).count() <= FLOOD {
            if stream.read_buf(&mut seen).await? == 0 {
                break;
            }
        }
        Ok::<_, io::Error>(())
    };
    let done = tokio::try_join!(posting, reading);
    let twice: Vec<_> = answers(&seen).into_iter().filter(|(_, n)| *n > 1).collect();
    if !twice.is_empty() {
        let complaint = format!("a second answer, to a guest that flooded {server}: {twice:?}");
        stage.ledger.complain(complaint);
    }
    done.map(drop)
}

/// How many answers to each id there are in an event stream.
fn answers(seen: &[u8]) -> HashMap<u64, usize> {
    let text = String::from_utf8_lossy(seen);
    let mut counts = HashMap::new();
    for data in text.lines().filter_map(|line| line.strip_prefix("data: ")) {
        let message: Value = serde_json::from_str(data).unwrap_or_default();
        if let (None, Some(id)) = (
            message.get("method"),
            message.get("id").and_then(Value::as_u64),
        ) {
            *counts.entry(id).or_default() += 1;
        }
    }
    counts
}

/// A server answers twice, and in a name that is nobody's, and writes thousands of lines that are no messages.
async fn floods_lines(addr: SocketAddr, server: &str, lobby: &Lobby) -> io::Result<()> {
    let endpoint = open(addr).await;
    lobby.leave(endpoint.clone());
    let junk = "[debug] one more line that is no message\n".repeat(2_000);
    let stranger = r#"{"jsonrpc":"2.0","id":987654321,"result":{}}"#;
    let twice = r#"{"jsonrpc":"2.0","id":$ID,"result":{"content":[]}}"#;
    let arguments =
        json!({ "text": "?", "stdout": format!("{junk}{stranger}\n{twice}\n{twice}\n") });
    let call = call_tool(1, &format!("{server}__echo"), &arguments.to_string());
    let answered = one_post(&endpoint, &mut None, &call).await;
    answered.map(drop).map_err(io::Error::other)
}

async fn floods_connections(addr: SocketAddr) -> io::Result<()> {
    let mut open = Vec::new();
    for number in 0..CONNECTIONS {
        let mut stream = TcpStream::connect(addr).await?;
        if number % 3 == 0 {
            stream.write_all(b"GET /healthz HTTP/1.1\r\n").await?;
        }
        close(&stream, number % 2 == 0);
        open.push(stream);
    }
    Ok(())
}

async fn junk(addr: SocketAddr, server: &str) -> io::Result<()> {
    let json = [("content-type", "application/json")];
    let head = request_head(addr, "POST", "/mcp", &json);
    let deep = "[".repeat(10_000);
    let bad_call =
        format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":"{server}"}}"#);
    for body in [
        "",
        "{",
        "null",
        "[]",
        "[1,2]",
        "\u{0}",
        &deep,
        &bad_call,
        r#"{"id":{}}"#,
    ] {
        let mut connection = Connection::open(addr).await?;
        connection.exchange(&head, body.as_bytes()).await?;
    }
    for bytes in [
        "\r\n\r\n",
        "BREW / HTTP/9\r\n\r\n",
        "GET /sse HTTP/1.1\r\n\r\n",
        "\u{16}\u{3}\u{1}",
    ] {
        let mut stream = TcpStream::connect(addr).await?;
        stream.write_all(bytes.as_bytes()).await?;
    }
    Ok(())
}
