//! What is said to whoever started the gateway by hand, on stderr.

use std::io::{self, Write as _};
use std::process::ExitCode;

use tokio::sync::mpsc::UnboundedReceiver;

use crate::cli::banner;
use crate::tree::Notice;

/// Shows each server as it becomes ready or fails.
pub(super) async fn show_notices(mut notices: UnboundedReceiver<Notice>, style: banner::Style) {
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
pub(super) fn show(text: &str) {
    drop(writeln!(io::stderr(), "{}", text.trim_end()));
}

/// Says on stderr why the program ends.
#[must_use]
pub fn complain(code: u8, error: &anyhow::Error) -> ExitCode {
    drop(writeln!(io::stderr(), "mcproxy: error: {error:#}"));
    ExitCode::from(code)
}
