//! What the program does at signals, until the tree has ended.

use std::io;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::Instant;

use super::BROKEN;
use crate::http::TokenKeeper;
use crate::service::Manager;
use crate::tree::Tree;

/// Two signals within this time are one that was sent twice.
const SAME_SIGNAL: Duration = Duration::from_millis(250);

/// Passes signals on until the tree has ended. The second one to stop does not wait, unless it
/// comes with the first: terminals and wrappers signal a program and its group at once. The exit
/// code, and whether there was a second.
pub(super) async fn attend(
    mut tree: Tree,
    signals: Signals,
    (manager, tokens): (&Manager, &TokenKeeper),
) -> (u8, bool) {
    let Signals {
        mut hangup,
        mut terminate,
        mut interrupt,
    } = signals;
    let mut stopping_since: Option<Instant> = None;
    loop {
        let stop = async {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
        };
        tokio::select! {
            exit = tree.wait() => return (exit.code(), false),
            _ = hangup.recv(), if stopping_since.is_none() => {
                manager.reloading();
                tokens.reload();
                tree.reload();
            }
            () = stop => match stopping_since {
                None => {
                    stopping_since = Some(Instant::now());
                    manager.stopping();
                    tree.stop();
                }
                Some(since) if since.elapsed() < SAME_SIGNAL => {}
                Some(_) => {
                    log::warn!("Second signal: every server is killed, the gateway ends at once");
                    tree.kill_all();
                    return (BROKEN, true);
                }
            },
        }
    }
}

/// What is listened for.
pub(super) struct Signals {
    hangup: Signal,
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self {
            hangup: signal(SignalKind::hangup())?,
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }
}
