//! How busy the machine is: a server over a bare pipe, called as the bystanders are, with no gateway in between.

use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::Instant;

use crate::support::gateway::fixture_server;

/// The server and its pipes.
pub(crate) struct Control {
    _server: Child,
    stdin: ChildStdin,
    stdout: Lines<BufReader<ChildStdout>>,
}

impl Control {
    pub(crate) async fn start() -> Self {
        let mut server = Command::new(fixture_server())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("the fixture is built");
        let stdin = server.stdin.take().expect("it is piped");
        let stdout = BufReader::new(server.stdout.take().expect("it is piped")).lines();
        let mut control = Self {
            _server: server,
            stdin,
            stdout,
        };
        let hello = r#"{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"control","version":"1"}}"#;
        control.ask("initialize", hello).await;
        control
    }

    /// How long one call takes.
    pub(crate) async fn call(&mut self) -> Duration {
        let start = Instant::now();
        let answer = self
            .ask("tools/call", r#"{"name":"echo","arguments":{"text":"x"}}"#)
            .await;
        assert!(answer.contains(r#""result""#), "{answer}");
        start.elapsed()
    }

    async fn ask(&mut self, method: &str, params: &str) -> String {
        let line = format!(
            "{{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"{method}\",\"params\":{params}}}\n"
        );
        self.stdin
            .write_all(line.as_bytes())
            .await
            .expect("it reads");
        let line = self.stdout.next_line().await.expect("it speaks UTF-8");
        line.expect("it lives")
    }
}
