//! The baseline: one echo server, called over its own stdin and stdout. What the gateway adds is what is above this.

use std::collections::HashMap;
use std::env;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, anyhow};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::{Mutex, oneshot};
use tokio::task::JoinSet;
use tokio::time;

use crate::echo;
use crate::load::Caller;

const DEADLINE: Duration = Duration::from_secs(10);

type Waiting = Arc<std::sync::Mutex<HashMap<u64, oneshot::Sender<String>>>>;

/// An echo server of its own; ended, by pid, when dropped.
pub(crate) struct Pipe {
    stdin: Mutex<ChildStdin>,
    next_id: AtomicU64,
    waiting: Waiting,
    _reader: JoinSet<()>,
    _child: Child,
}

impl Pipe {
    /// Starts the server.
    ///
    /// # Errors
    /// When the process can't be started.
    pub(crate) fn start(tools: usize) -> anyhow::Result<Self> {
        let mut child = Command::new(env::current_exe()?)
            .args(echo::arguments(tools, "bare"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let stdin = child.stdin.take().context("stdin is piped")?;
        let stdout = child.stdout.take().context("stdout is piped")?;
        let waiting = Waiting::default();
        let mut reader = JoinSet::new();
        reader.spawn(read(stdout, Arc::clone(&waiting)));
        Ok(Self {
            stdin: Mutex::new(stdin),
            next_id: AtomicU64::new(1),
            waiting,
            _reader: reader,
            _child: child,
        })
    }
}

impl Caller for Pipe {
    async fn call(&self, _turn: usize, text: &str) -> anyhow::Result<String> {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let line = format!(
            "{{\"jsonrpc\":\"2.0\",\"id\":{id},\"method\":\"tools/call\",\"params\":{{\"name\":\"tool_00\",\"arguments\":{{\"text\":\"{text}\"}}}}}}\n"
        );
        let (sender, receiver) = oneshot::channel();
        self.waiting
            .lock()
            .map_err(|_| anyhow!("the reader died"))?
            .insert(id, sender);
        self.stdin.lock().await.write_all(line.as_bytes()).await?;
        let answer = time::timeout(DEADLINE, receiver).await;
        answer
            .with_context(|| format!("no answer to {id} in {DEADLINE:?}"))?
            .context("the server ended")
    }
}

/// Hands each line to whoever waits for its id, until stdout ends.
async fn read(stdout: ChildStdout, waiting: Waiting) {
    let mut lines = BufReader::with_capacity(64 * 1024, stdout).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        let waiter = id(&line).and_then(|id| waiting.lock().ok()?.remove(&id));
        // An answer that nobody waits for makes its caller run into the deadline: that is the report.
        if let Some(waiter) = waiter
            && waiter.send(line).is_err()
        {
            break;
        }
    }
    if let Ok(mut waiting) = waiting.lock() {
        waiting.clear();
    }
}

fn id(line: &str) -> Option<u64> {
    let rest = line.strip_prefix(r#"{"jsonrpc":"2.0","id":"#)?;
    rest.split(',').next()?.parse().ok()
}
