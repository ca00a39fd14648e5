//! A client script: the Python or the TypeScript SDK in a process of its own. It says on stdout
//! what it has reached, one word a line; its findings go to stderr; exit code 0 means all is well.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::servers;

/// How long a script may take from one word to the next.
const PATIENCE: Duration = Duration::from_secs(60);

/// Which SDK talks.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Sdk {
    Python,
    TypeScript,
}

/// A running script.
pub(crate) struct Script {
    name: String,
    child: Child,
    stdout: Lines<BufReader<ChildStdout>>,
    stderr: JoinSet<String>,
}

impl Script {
    /// Starts `scenario` against `url`; `plan` is what the oracle wrote.
    pub(crate) fn start(sdk: Sdk, scenario: &str, url: &str, plan: &Path) -> Result<Self> {
        let (program, file) = match sdk {
            Sdk::Python => (servers::python(), "client.py"),
            Sdk::TypeScript => (PathBuf::from("node"), "client.mjs"),
        };
        let mut child = Command::new(&program)
            .arg(servers::home().join(file))
            .args([scenario, url])
            .arg(plan)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("starting {}", program.display()))?;
        let stdout = child.stdout.take().context("no stdout")?;
        let mut stderr = child.stderr.take().context("no stderr")?;
        let mut reader = JoinSet::new();
        reader.spawn(async move {
            let mut text = Vec::new();
            // What was read before a failure is still worth showing.
            stderr.read_to_end(&mut text).await.ok();
            String::from_utf8_lossy(&text).into_owned()
        });
        Ok(Self {
            name: format!("{file} {scenario}"),
            child,
            stdout: BufReader::new(stdout).lines(),
            stderr: reader,
        })
    }

    /// Waits until the script has come to `word`.
    pub(crate) async fn reaches(&mut self, word: &str) -> Result<()> {
        let Ok(line) = timeout(PATIENCE, self.stdout.next_line()).await else {
            self.child.start_kill()?;
            let findings = self.findings().await;
            bail!("{}: no {word:?} in {PATIENCE:?}:\n{findings}", self.name)
        };
        match line? {
            Some(said) if said == word => Ok(()),
            Some(said) => bail!("{} said {said:?} instead of {word:?}", self.name),
            None => self.finish().await.and_then(|()| bail!("no {word:?}")),
        }
    }

    /// Waits for its end; a failure carries what it found.
    pub(crate) async fn finish(&mut self) -> Result<()> {
        let ended = timeout(PATIENCE, self.child.wait()).await;
        self.child.start_kill().ok();
        let findings = self.findings().await;
        let status = ended.with_context(|| format!("{}: no end:\n{findings}", self.name))??;
        ensure!(
            status.success(),
            "{} ended with {status}:\n{findings}",
            self.name
        );
        Ok(())
    }

    async fn findings(&mut self) -> String {
        match self.stderr.join_next().await {
            Some(Ok(text)) => text,
            Some(Err(failure)) => failure.to_string(),
            None => String::new(),
        }
    }
}
