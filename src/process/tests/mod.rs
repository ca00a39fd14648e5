//! Real children, made of small shell scripts: how they start, talk and end.

mod ends;
mod pipes;
mod starts;
mod usage;

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::{Instant, sleep, timeout};

use super::*;

/// What everything here is given to happen; the machine may be busy.
const DEADLINE: Duration = Duration::from_secs(20);

/// A child with what it said.
struct Child {
    process: Process,
    outputs: UnboundedReceiver<Output>,
}

fn command(program: &str, args: &[&str]) -> Command {
    Command {
        name: "fx".to_owned(),
        program: program.to_owned(),
        args: args.iter().map(|&arg| arg.to_owned()).collect(),
        env: environment(false, std::iter::empty()),
        cwd: None,
    }
}

fn start(command: &Command, limits: &Limits, groups: &Groups) -> Child {
    let (sender, outputs) = unbounded_channel();
    let sink = move |output| drop(sender.send(output));
    let process = spawn(command, limits, groups, sink).expect("it starts");
    Child { process, outputs }
}

/// A script run by `/bin/sh`.
fn sh(script: &str) -> Child {
    start(
        &command("/bin/sh", &["-c", script]),
        &Limits::default(),
        &Groups::default(),
    )
}

impl Child {
    async fn next(&mut self) -> Output {
        let output = timeout(DEADLINE, self.outputs.recv()).await;
        output
            .expect("something happens in time")
            .expect("the child is held")
    }

    /// The first output that `wanted` accepts; what comes before is dropped.
    async fn until<T>(&mut self, mut wanted: impl FnMut(Output) -> Option<T>) -> T {
        loop {
            if let Some(found) = wanted(self.next().await) {
                return found;
            }
        }
    }

    /// The next line of stdout.
    async fn line(&mut self) -> String {
        let line = |output| {
            if let Output::Line { bytes, .. } = output {
                Some(text(&bytes))
            } else {
                None
            }
        };
        self.until(line).await
    }

    /// The next line of stdout, which is a process id.
    async fn pid(&mut self) -> u32 {
        self.line().await.trim().parse().expect("a process id")
    }

    async fn exit(&mut self) -> String {
        let exit = |output| {
            if let Output::Exited(status) = output {
                Some(describe(&status))
            } else {
                None
            }
        };
        self.until(exit).await
    }

    async fn stdin_failure(&mut self) -> StdinFailure {
        let failure = |output| {
            if let Output::StdinFailed(failure) = output {
                Some(failure)
            } else {
                None
            }
        };
        self.until(failure).await
    }

    /// The next line of stdout that can't be used: why, its length, its head.
    async fn unusable(&mut self) -> (UnusableLine, u64, String) {
        let unusable = |output| {
            if let Output::Unusable {
                why, length, head, ..
            } = output
            {
                Some((why, length, String::from_utf8_lossy(&head).into_owned()))
            } else {
                None
            }
        };
        self.until(unusable).await
    }

    /// The next line of stderr.
    async fn stderr(&mut self) -> String {
        let stderr = |output| {
            if let Output::Stderr(line) = output {
                Some(line)
            } else {
                None
            }
        };
        self.until(stderr).await
    }

    async fn stdout_closed(&mut self) {
        self.until(|output| matches!(output, Output::StdoutClosed).then_some(()))
            .await;
    }
}

fn text(bytes: &Bytes) -> String {
    String::from_utf8(bytes.to_vec()).expect("lines are UTF-8")
}

fn proc_file(pid: u32, name: &str) -> PathBuf {
    PathBuf::from(format!("/proc/{pid}/{name}"))
}

/// Whether a process runs. A zombie does not: who reaps what was killed is not ours to say.
fn is_running(pid: u32) -> bool {
    let stat = fs::read_to_string(proc_file(pid, "stat")).unwrap_or_default();
    let state = stat
        .rsplit(')')
        .next()
        .and_then(|rest| rest.trim_start().chars().next());
    state.is_some_and(|state| !matches!(state, 'Z' | 'X'))
}

/// Waits until `condition` holds.
async fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < DEADLINE, "in vain: {what}");
        sleep(Duration::from_millis(5)).await;
    }
}

async fn gone(pid: u32) {
    eventually(&format!("{pid} ends"), || !is_running(pid)).await;
}
