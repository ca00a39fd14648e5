//! A steady client over HTTP+SSE: a stream for all answers, and posts that are answered 202. When its stream
//! ends it opens another, which is another session.

#![cfg(test)]

use std::io;
use std::time::Duration;

use tokio::time;

use crate::ledger::Outcome;
use crate::steady::{Client, Draft, INITIALIZED, LANES, hello};
use crate::support::http::{Connection, request_head};
use crate::support::sse::{Item, Parser, Pieces};

/// Between two attempts to connect.
const AGAIN: Duration = Duration::from_millis(20);
/// No attempt takes longer.
const STEP: Duration = Duration::from_secs(20);

/// Calls until no new calls are wanted and all that were sent are settled.
pub(crate) async fn run(client: &Client) {
    while !client.is_over() {
        let opened = time::timeout(STEP, open(client)).await;
        let Ok(Ok((stream, post_head))) = opened else {
            time::sleep(AGAIN).await;
            continue;
        };
        session(client, stream, &post_head).await;
    }
}

struct Stream {
    pieces: Pieces,
    parser: Parser,
}

impl Stream {
    /// The next events; an error when the stream has ended, with the reason.
    async fn events(&mut self) -> Result<Vec<(String, Vec<u8>)>, String> {
        let payload = self.pieces.next().await?;
        let payload = payload.ok_or("the server ended the stream")?;
        let mut events = Vec::new();
        self.parser.push(payload, &mut |item| {
            if let Item::Event { name, data, .. } = item {
                events.push((name, data));
            }
        });
        Ok(events)
    }
}

/// Opens the stream, and gives the beginning of every post.
async fn open(client: &Client) -> Result<(Stream, String), String> {
    let addr = client.stage.addr;
    let get = request_head(addr, "GET", "/sse", &[("accept", "text/event-stream")]) + "\r\n";
    let text = |error: io::Error| error.to_string();
    let mut connection = Connection::open(addr).await.map_err(text)?;
    connection.send(get.as_bytes()).await.map_err(text)?;
    let head = connection.head().await.map_err(text)?;
    if head.status != 200 {
        return Err(format!("HTTP {}", head.status));
    }
    let pieces = Pieces::of(connection, head.body().map_err(text)?);
    let parser = Parser::default();
    let mut stream = Stream { pieces, parser };
    loop {
        for (name, data) in stream.events().await? {
            if name == "endpoint" {
                let endpoint = String::from_utf8_lossy(&data).into_owned();
                let headers = [("content-type", "application/json")];
                return Ok((stream, request_head(addr, "POST", &endpoint, &headers)));
            }
        }
    }
}

async fn session(client: &Client, mut stream: Stream, post_head: &str) {
    let reading = async {
        loop {
            match stream.events().await {
                Ok(events) => events.iter().for_each(|(_, data)| client.take(data)),
                Err(why) => return why,
            }
        }
    };
    let calling = async {
        let mut connection = None;
        // Nobody calls before it has introduced itself; the answer is like any other's, and not waited for.
        for message in [hello(), INITIALIZED.to_owned()] {
            drop(post(client, &mut connection, post_head, &message).await);
        }
        let lane = |lane| async move {
            let mut connection = None;
            let send = async |draft: &Draft| {
                for message in [Some(&draft.json), draft.cancel.as_ref()]
                    .into_iter()
                    .flatten()
                {
                    let posted = post(client, &mut connection, post_head, message).await;
                    if let Err(why) = posted {
                        return client.give_up(draft.id, Outcome::Lost(why));
                    }
                }
                if draft.cancel.is_some() {
                    client.stage.ledger.withdrawn((client.number, draft.id));
                }
            };
            client.lane(lane, send).await;
        };
        let lanes: [_; LANES] = std::array::from_fn(lane);
        futures_util::future::join_all(lanes).await;
    };
    tokio::select! {
        why = reading => client.lose(&why),
        () = calling => {}
    }
}

/// Posts over the connection there is, or another.
async fn post(
    client: &Client,
    connection: &mut Option<Connection>,
    head: &str,
    json: &str,
) -> Result<(), String> {
    let exchange = async {
        let mut kept = match connection.take().filter(Connection::is_idle) {
            Some(kept) => kept,
            None => Connection::open(client.stage.addr).await?,
        };
        let response = kept.exchange(head, json.as_bytes()).await?;
        if response.header("connection") != Some("close") {
            *connection = Some(kept);
        }
        Ok::<_, io::Error>(response)
    };
    let response = time::timeout(STEP, exchange).await;
    let response = response.map_err(|_| "no answer to a post")?;
    let response = response.map_err(|error| format!("posting: {error}"))?;
    match response.status {
        202 => Ok(()),
        status => Err(format!("HTTP {status}: {}", response.text())),
    }
}
