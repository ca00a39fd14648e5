//! A syslogd of the test: a socket, and what came in by it.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::net::UnixDatagram;
use tokio::task::JoinSet;

use super::wait;

/// For a line to come.
const PATIENCE: Duration = Duration::from_secs(20);

/// A syslogd that keeps what it receives.
pub struct Syslogd {
    lines: Arc<Mutex<Vec<String>>>,
    task: JoinSet<()>,
}

impl Syslogd {
    /// Binds the socket, over what a dead one left there.
    pub fn start(path: &Path) -> Self {
        std::fs::remove_file(path).ok();
        let socket = UnixDatagram::bind(path).expect("the directory is ours");
        let lines = Arc::<Mutex<Vec<String>>>::default();
        let sink = Arc::clone(&lines);
        let mut task = JoinSet::new();
        task.spawn(async move {
            let mut buffer = vec![0; 64 * 1024];
            while let Ok(length) = socket.recv(&mut buffer).await {
                let line =
                    String::from_utf8_lossy(buffer.get(..length).unwrap_or_default()).into_owned();
                sink.lock().expect("no panic inside").push(line);
            }
        });
        Self { lines, task }
    }

    /// Ends it. The socket's file is still there, as after a real one's death.
    pub async fn die(mut self) {
        self.task.shutdown().await;
    }

    pub fn lines(&self) -> Vec<String> {
        self.lines.lock().expect("no panic inside").clone()
    }

    pub fn count(&self, part: &str) -> usize {
        self.lines()
            .iter()
            .filter(|line| line.contains(part))
            .count()
    }

    pub async fn wait_for(&self, part: &str) -> String {
        let what = format!("the syslog line {part:?}");
        wait::until(&what, PATIENCE, async || {
            let mut lines = self.lines().into_iter();
            lines.find(|line| line.contains(part))
        })
        .await
    }
}
