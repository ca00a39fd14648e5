//! What is said to whoever started the gateway by hand, on stderr. A terminal may stop for good
//! (Ctrl-S, a suspended ssh), so one thread writes to it, and nobody waits for that one: what finds
//! no room is dropped and counted, and the count is said when the terminal goes on.

#![expect(
    clippy::disallowed_methods,
    reason = "the thread that writes to it, and the end of the program, which waits for that a moment"
)]

use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self as threads, Receiver, RecvTimeoutError, SyncSender};
use std::thread;
use std::time::Duration;

use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::task::JoinSet;

use crate::cli::banner;
use crate::telemetry::log::Screen;
use crate::tree::Notice;

/// Texts that may wait for the terminal.
const CAPACITY: usize = 256;
/// How long the end of the program waits for what is not written yet.
const LAST_WORDS: Duration = Duration::from_millis(250);

/// The way to the terminal. Never waits but in [`finish`].
#[derive(Debug, Clone)]
pub(super) struct Terminal {
    texts: SyncSender<String>,
    dropped: Arc<AtomicU64>,
    /// What is on it already.
    screen: Screen,
}

impl Terminal {
    /// To stderr. The second is closed when everything has been written.
    pub(super) fn open() -> io::Result<(Self, Receiver<()>)> {
        Self::to(io::stderr())
    }

    /// The same, for who has a log too.
    pub(super) fn beside(screen: Screen) -> io::Result<(Self, Receiver<()>)> {
        let (terminal, written) = Self::open()?;
        let terminal = Self { screen, ..terminal };
        Ok((terminal, written))
    }

    fn to(output: impl Write + Send + 'static) -> io::Result<(Self, Receiver<()>)> {
        let (texts, queue) = threads::sync_channel(CAPACITY);
        let (writing, written) = threads::channel();
        let dropped = Arc::default();
        let missing = Arc::clone(&dropped);
        thread::Builder::new()
            .name("terminal".to_owned())
            .spawn(move || {
                let _until_all_is_written = writing;
                write(&queue, &missing, output);
            })?;
        let terminal = Self {
            texts,
            dropped,
            screen: Screen::default(),
        };
        Ok((terminal, written))
    }

    /// Shows a text, or drops it while the terminal takes nothing.
    pub(super) fn show(&self, text: &str) {
        let text = text.trim_end();
        if !self.screen.show(text) && self.texts.try_send(text.to_owned()).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Waits a moment for what is not written yet. Every [`Terminal`] is dropped.
pub(super) fn finish(written: &Receiver<()>) -> bool {
    written.recv_timeout(LAST_WORDS) == Err(RecvTimeoutError::Disconnected)
}

/// The thread. A terminal that has gone is no reason to stop.
fn write(queue: &Receiver<String>, dropped: &AtomicU64, mut output: impl Write) {
    while let Ok(text) = queue.recv() {
        // At once: nobody else's line gets into it.
        output.write_all(format!("{text}\n").as_bytes()).ok();
        let count = dropped.swap(0, Ordering::Relaxed);
        if count > 0 {
            writeln!(
                output,
                "({count} messages were not shown: the terminal had stopped)"
            )
            .ok();
        }
    }
}

/// Says on a terminal what was started, and from then on what the servers do: whatever is sent to the
/// result. `None` if there is no terminal.
pub(super) fn attend(
    terminal: &Terminal,
    (addresses, config): (&[SocketAddr], &Path),
    background: &mut JoinSet<()>,
) -> Option<UnboundedSender<Notice>> {
    let (style, listen) = (banner::stderr_style()?, *addresses.first()?);
    let hostname = banner::hostname();
    let facts = banner::Facts {
        listen,
        hostname: hostname.as_deref(),
        config,
    };
    terminal.show(&banner::banner(&facts, style));
    let (sender, notices) = mpsc::unbounded_channel();
    background.spawn(show_notices(terminal.clone(), notices, style));
    Some(sender)
}

/// Shows each server as it becomes ready or fails.
async fn show_notices(
    terminal: Terminal,
    mut notices: UnboundedReceiver<Notice>,
    style: banner::Style,
) {
    while let Some(notice) = notices.recv().await {
        if terminal.screen.is_shown() {
            continue; // the log says so, before the same eyes
        }
        terminal.show(&match notice {
            Notice::ServerReady { server, tools } => {
                banner::server_ready(server.as_str(), tools, style)
            }
            Notice::ServerFailed { server, why, .. } => {
                banner::server_failed(server.as_str(), &why, style)
            }
        });
    }
}

/// Says on stderr why the program ends, and does not wait long for a terminal that has stopped.
#[must_use]
pub fn complain(code: u8, error: &anyhow::Error) -> ExitCode {
    if let Ok((terminal, written)) = Terminal::open() {
        terminal.show(&format!("mcproxy: error: {error:#}"));
        drop(terminal);
        finish(&written);
    }
    ExitCode::from(code)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::Sender;

    use super::*;

    /// Takes a text for each word that is sent to it.
    struct Stopped(Receiver<()>, Sender<String>);

    impl Write for Stopped {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.recv().ok();
            let text = String::from_utf8_lossy(bytes).into_owned();
            self.1.send(text).map_err(io::Error::other)?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_terminal_that_has_stopped_holds_nobody_up_and_is_told_what_it_missed() {
        let (go, gate) = threads::channel();
        let (sink, shown) = threads::channel();
        let (terminal, written) = Terminal::to(Stopped(gate, sink)).unwrap();
        for _ in 0..CAPACITY + 10 {
            terminal.show("text\n");
        }
        drop(terminal);
        assert!(!finish(&written), "nothing is written yet");
        drop(go);
        let ended = written.recv_timeout(Duration::from_secs(10));
        assert_eq!(ended, Err(RecvTimeoutError::Disconnected));
        let all: String = shown.try_iter().collect();
        assert!(all.contains("messages were not shown"), "{all}");
    }

    #[test]
    fn what_was_said_last_is_written_before_the_end() {
        let (sink, shown) = threads::channel();
        let (go, gate) = threads::channel();
        drop(go);
        let (terminal, written) = Terminal::to(Stopped(gate, sink)).unwrap();
        terminal.show("why it ends");
        drop(terminal);
        assert!(finish(&written));
        assert_eq!(shown.try_iter().collect::<String>(), "why it ends\n");
    }
}
