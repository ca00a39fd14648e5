//! A server that listens on a port of this machine.

use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep};

use crate::servers;

/// How long it may take until it listens.
const START: Duration = Duration::from_secs(40);

/// It runs as long as this is held.
pub(super) struct Hosted {
    port: u16,
    _child: Child,
}

impl Hosted {
    /// Starts what `command` makes for a port, and waits until it listens there.
    pub(super) async fn start(command: impl FnOnce(u16) -> Command) -> Result<Self> {
        servers::ensure_installed()?;
        let port = free_port().await?;
        let mut child = command(port)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        let deadline = Instant::now() + START;
        while TcpStream::connect(("127.0.0.1", port)).await.is_err() {
            ensure!(child.try_wait()?.is_none(), "it ended: {child:?}");
            ensure!(Instant::now() < deadline, "nobody listens: {child:?}");
            sleep(Duration::from_millis(20)).await;
        }
        Ok(Self {
            port,
            _child: child,
        })
    }

    /// The address of `path` there.
    pub(super) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }
}

/// A port that was free a moment ago.
pub(super) async fn free_port() -> Result<u16> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr().context("no address")?;
    Ok(address.port())
}
