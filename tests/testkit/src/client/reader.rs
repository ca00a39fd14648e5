//! The task that reads one event stream into the inbox.

use std::sync::Arc;

use tokio::sync::watch;

use super::super::sse::{Parser, Pieces};
use super::inbox::Inbox;

/// Reads the one stream of a session until it ends, whatever the reason, and says so to the inbox.
pub(crate) async fn run(
    mut pieces: Pieces,
    inbox: Arc<Inbox>,
    mut may_read: watch::Receiver<bool>,
) {
    let reason = match read(&mut pieces, &inbox, &mut may_read).await {
        Ok(()) => "the server ended the stream".to_owned(),
        Err(reason) => reason,
    };
    inbox.end(reason);
}

/// Reads one of several streams until the server ends it.
///
/// # Errors
/// When it breaks, or says what nobody can read.
pub(crate) async fn read(
    pieces: &mut Pieces,
    inbox: &Inbox,
    may_read: &mut watch::Receiver<bool>,
) -> Result<(), String> {
    let mut parser = Parser::default();
    loop {
        // The sender lives as long as the client; without it this task is about to be ended.
        if may_read.wait_for(|reading| *reading).await.is_err() {
            return Err("the client has gone".to_owned());
        }
        let Some(payload) = pieces.next().await? else {
            return Ok(());
        };
        inbox.record(payload);
        let mut filed = Ok(());
        parser.push(payload, &mut |item| {
            if filed.is_ok() {
                filed = inbox.put(item);
            }
        });
        filed?;
    }
}
