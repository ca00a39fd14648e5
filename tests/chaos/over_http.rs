//! A steady client over Streamable HTTP: one session for the whole run, whatever becomes of the gateway, as
//! its id is all that is needed to go on. Half of them keep the stream for what belongs to no post open.

#![cfg(test)]

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::time;

use crate::ledger::Outcome;
use crate::steady::{Client, Draft, INITIALIZED, LANES, hello};
use crate::support::http::{Connection, Head};
use crate::support::sse::{Item, Parser, Pieces};
use crate::support::streamable::Endpoint;

/// Between two attempts.
const AGAIN: Duration = Duration::from_millis(20);
/// No attempt takes longer.
const STEP: Duration = Duration::from_secs(20);
const VERSION: &str = "2025-11-25";

/// Calls until no new calls are wanted and all that were sent are settled; then ends its session.
pub(crate) async fn run(client: &Client) {
    let endpoint = open(client.stage.addr).await;
    let endpoint = &endpoint;
    let lane = |lane| async move {
        let mut connection = None;
        let send = async |draft: &Draft| {
            let cancel = async {
                if let Some(cancel) = &draft.cancel {
                    // Over a connection of its own it overtakes a call that nothing was heard of.
                    let is_begun = client.is_begun(draft.id).await;
                    let taken = exchange(client, endpoint, &mut None, cancel).await;
                    if is_begun && taken.is_ok() {
                        client.stage.ledger.withdrawn((client.number, draft.id));
                    }
                }
            };
            let called = exchange(client, endpoint, &mut connection, &draft.json);
            // The one answer may be to the call that was taken back, or none comes: its post ends then.
            let (called, ()) = tokio::join!(called, cancel);
            let why = called
                .err()
                .unwrap_or_else(|| "ended without an answer".to_owned());
            client.give_up(draft.id, Outcome::Lost(why));
        };
        client.lane(lane, send).await;
    };
    let lanes: [_; LANES] = std::array::from_fn(lane);
    let listening = async {
        loop {
            if client.number.is_multiple_of(2) {
                drop(listen(client, endpoint).await);
            }
            time::sleep(AGAIN).await;
        }
    };
    tokio::select! {
        _ = futures_util::future::join_all(lanes) => {}
        () = listening => {}
    }
    let left = time::timeout(STEP, endpoint.delete()).await;
    if !left.is_ok_and(|response| response.status == 200) {
        let complaint = format!("client {} could not end its session", client.number);
        client.stage.ledger.complain(complaint);
    }
}

/// A session, however often it takes.
pub(crate) async fn open(addr: SocketAddr) -> Endpoint {
    loop {
        let mut endpoint = Endpoint::new(addr);
        let begun = async {
            let (head, _) = one_post(&endpoint, &mut None, &hello()).await?;
            let session = head.header("mcp-session-id").ok_or("no session id")?;
            endpoint.session = Some(session.to_owned());
            endpoint.version = Some(VERSION.to_owned());
            one_post(&endpoint, &mut None, INITIALIZED).await
        };
        if matches!(time::timeout(STEP, begun).await, Ok(Ok(_))) {
            return endpoint;
        }
        time::sleep(AGAIN).await;
    }
}

/// Posts a message and takes all that comes back.
async fn exchange(
    client: &Client,
    endpoint: &Endpoint,
    connection: &mut Option<Connection>,
    json: &str,
) -> Result<(), String> {
    let post_head = endpoint.post_head(&[]);
    let post_to = (endpoint, post_head.as_str());
    let (head, body) = post(post_to, connection, json, |message| client.take(message)).await?;
    match head.status {
        200 | 202 => Ok(()),
        status => {
            let said: Vec<_> = body
                .iter()
                .map(|raw| String::from_utf8_lossy(raw))
                .collect();
            Err(format!("HTTP {status}: {said:?}"))
        }
    }
}

/// A post, over the connection there is or another, and the messages that came back.
pub(crate) async fn one_post(
    endpoint: &Endpoint,
    connection: &mut Option<Connection>,
    json: &str,
) -> Result<(Head, Vec<Vec<u8>>), String> {
    let post_head = endpoint.post_head(&[]);
    post((endpoint, &post_head), connection, json, |_| ()).await
}

/// The same with this head; each message of a success is shown to `see` as it comes.
pub(crate) async fn post(
    (endpoint, post_head): (&Endpoint, &str),
    connection: &mut Option<Connection>,
    json: &str,
    see: impl Fn(&[u8]),
) -> Result<(Head, Vec<Vec<u8>>), String> {
    let text = |error: io::Error| error.to_string();
    let mut kept = match connection.take().filter(Connection::is_idle) {
        Some(kept) => kept,
        None => Connection::open(endpoint.addr).await.map_err(text)?,
    };
    kept.post(post_head, json.as_bytes()).await.map_err(text)?;
    let head = kept.head().await.map_err(text)?;
    if head.header("content-type") == Some("text/event-stream") {
        let pieces = Pieces::of(kept, head.body().map_err(text)?);
        return Ok((head, read_stream(pieces, see).await?));
    }
    let response = kept.body(head).await.map_err(text)?;
    if response.header("connection") != Some("close") {
        *connection = Some(kept);
    }
    let messages = vec![response.body]
        .into_iter()
        .filter(|body| !body.is_empty());
    let messages: Vec<_> = messages.collect();
    if response.head.status == 200 {
        for message in &messages {
            see(message);
        }
    }
    Ok((response.head, messages))
}

/// The messages of a stream, each shown to `see` as it comes.
async fn read_stream(
    mut pieces: Pieces,
    mut see: impl FnMut(&[u8]),
) -> Result<Vec<Vec<u8>>, String> {
    let (mut parser, mut messages) = (Parser::default(), Vec::new());
    while let Some(payload) = pieces.next().await? {
        parser.push(payload, &mut |item| {
            if let Item::Event { data, .. } = item
                && !data.is_empty()
            {
                see(&data);
                messages.push(data);
            }
        });
    }
    Ok(messages)
}

async fn listen(client: &Client, endpoint: &Endpoint) -> Result<(), String> {
    let text = |error: io::Error| error.to_string();
    let session = endpoint.session.as_deref().unwrap_or_default();
    let headers = [
        ("accept", "text/event-stream"),
        ("mcp-session-id", session),
        ("mcp-protocol-version", VERSION),
    ];
    let get = support::http::request_head(endpoint.addr, "GET", &endpoint.path, &headers);
    let mut connection = Connection::open(endpoint.addr).await.map_err(text)?;
    let get = get + "\r\n";
    connection.send(get.as_bytes()).await.map_err(text)?;
    let head = connection.head().await.map_err(text)?;
    if head.status != 200 {
        return Err(format!("HTTP {}", head.status));
    }
    let pieces = Pieces::of(connection, head.body().map_err(text)?);
    read_stream(pieces, |message| client.take(message))
        .await
        .map(drop)
}
