//! What is said to whoever started the gateway by hand, on stderr.

use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::path::Path;
use std::process::ExitCode;

use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::task::JoinSet;

use crate::cli::banner;
use crate::tree::Notice;

/// Says on a terminal what was started, and from then on what the servers do: whatever is sent to the
/// result. `None` if there is no terminal.
pub(super) fn open(
    addresses: &[SocketAddr],
    config: &Path,
    onlookers: &mut JoinSet<()>,
) -> Option<UnboundedSender<Notice>> {
    let (style, listen) = (banner::stderr_style()?, *addresses.first()?);
    let hostname = banner::hostname();
    let facts = banner::Facts {
        listen,
        hostname: hostname.as_deref(),
        config,
    };
    show(&banner::banner(&facts, style));
    let (sender, notices) = mpsc::unbounded_channel();
    onlookers.spawn(show_notices(notices, style));
    Some(sender)
}

/// Shows each server as it becomes ready or fails.
async fn show_notices(mut notices: UnboundedReceiver<Notice>, style: banner::Style) {
    while let Some(notice) = notices.recv().await {
        show(&match notice {
            Notice::ServerReady { server, tools } => {
                banner::server_ready(server.as_str(), tools, style)
            }
            Notice::ServerFailed { server, why } => {
                banner::server_failed(server.as_str(), &why, style)
            }
        });
    }
}

/// Writes to the terminal; one that has gone is no reason to stop.
fn show(text: &str) {
    drop(writeln!(io::stderr(), "{}", text.trim_end()));
}

/// Says on stderr why the program ends.
#[must_use]
pub fn complain(code: u8, error: &anyhow::Error) -> ExitCode {
    drop(writeln!(io::stderr(), "mcproxy: error: {error:#}"));
    ExitCode::from(code)
}
