//! The task that reads one event stream into the inbox: takes off the body's framing, then the events.

use std::sync::Arc;

use tokio::io::AsyncReadExt;
use tokio::sync::watch;

use super::super::http::{Body, Connection};
use super::super::sse::Parser;
use super::inbox::Inbox;

/// Reads until the stream ends, whatever the reason, and says so to the inbox.
pub(super) async fn run(
    connection: Connection,
    body: Body,
    inbox: Arc<Inbox>,
    may_read: watch::Receiver<bool>,
) {
    let reason = match read(connection, body, &inbox, may_read).await {
        Ok(()) => "the server ended the stream".to_owned(),
        Err(reason) => reason,
    };
    inbox.end(reason);
}

async fn read(
    connection: Connection,
    mut body: Body,
    inbox: &Inbox,
    mut may_read: watch::Receiver<bool>,
) -> Result<(), String> {
    let (mut stream, mut received) = connection.into_parts();
    let mut parser = Parser::default();
    let mut payload = Vec::new();
    received.reserve(64 * 1024);
    loop {
        body.decode(&received, &mut payload)
            .map_err(|error| error.to_string())?;
        received.clear();
        inbox.record(&payload);
        let mut filed = Ok(());
        parser.push(&payload, &mut |item| {
            if filed.is_ok() {
                filed = inbox.put(item);
            }
        });
        filed?;
        payload.clear();
        if body.is_complete() {
            return Ok(());
        }
        // The sender lives as long as the client; without it this task is about to be ended.
        if may_read.wait_for(|reading| *reading).await.is_err() {
            return Err("the client has gone".to_owned());
        }
        match stream.read_buf(&mut received).await {
            Ok(0) => return Err("the server closed the connection".to_owned()),
            Ok(_) => {}
            Err(error) => return Err(format!("reading the stream: {error}")),
        }
    }
}
