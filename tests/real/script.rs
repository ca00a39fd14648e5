//! A client script: a Python or a TypeScript SDK in a process of its own. It says on stdout what it
//! has reached, one word a line, and what it sees, one JSON object a line; its findings go to
//! stderr; exit code 0 means all is well.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::job::{Job, Observations};
use crate::servers;

/// How long a script may take from one word to the next.
const PATIENCE: Duration = Duration::from_secs(60);

/// Which SDK talks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sdk {
    /// `mcp` 1.x
    Python1,
    /// `mcp` 2.x
    Python2,
    /// `@modelcontextprotocol/sdk`
    TypeScript1,
    /// `@modelcontextprotocol/client`
    TypeScript2,
}

impl Sdk {
    fn command(self) -> Command {
        let file = |name: &str| servers::home().join(name);
        let python = |version| {
            let mut command = Command::new(servers::python(version));
            // What is deprecated is used on purpose.
            command.args(["-W", "ignore"]).arg(file("client.py"));
            command
        };
        let typescript = |module| {
            let mut command = Command::new(servers::node());
            command.arg(file("client.mjs")).arg(module);
            command
        };
        match self {
            Self::Python1 => python(1),
            Self::Python2 => python(2),
            Self::TypeScript1 => typescript("sdk1"),
            Self::TypeScript2 => typescript("sdk2"),
        }
    }
}

/// A running script.
pub(crate) struct Script {
    pub(crate) name: String,
    child: Child,
    stdin: ChildStdin,
    stdout: Lines<BufReader<ChildStdout>>,
    stderr: JoinSet<String>,
    seen: Observations,
}

impl Script {
    /// Starts `jobs`, one after another; `plan` is what the oracle wrote.
    pub(crate) fn start(sdk: Sdk, jobs: &[Job], plan: &Path) -> Result<Self> {
        let names: Vec<&str> = jobs.iter().map(|job| job.name.as_str()).collect();
        let name = format!("{sdk:?}: {}", names.join(", "));
        let mut child = sdk
            .command()
            .arg(serde_json::to_string(jobs)?)
            .arg(plan)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("starting {name}"))?;
        let stdin = child.stdin.take().context("no stdin")?;
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
            name,
            child,
            stdin,
            stdout: BufReader::new(stdout).lines(),
            stderr: reader,
            seen: Observations::default(),
        })
    }

    /// Waits until the script has come to `word`, and keeps what it says on the way.
    pub(crate) async fn reaches(&mut self, word: &str) -> Result<()> {
        self.reaches_any(&[word]).await.map(drop)
    }

    /// The same for the first of `words` that it comes to.
    pub(crate) async fn reaches_any(&mut self, words: &[&str]) -> Result<String> {
        loop {
            let Ok(line) = timeout(PATIENCE, self.stdout.next_line()).await else {
                self.child.start_kill()?;
                let findings = self.findings().await;
                bail!(
                    "{}: none of {words:?} in {PATIENCE:?}:\n{findings}",
                    self.name
                )
            };
            match line? {
                Some(line) if line.starts_with('{') => self.seen.push(&line)?,
                Some(said) if words.contains(&said.as_str()) => return Ok(said),
                Some(said) => bail!("{} said {said:?} instead of {words:?}", self.name),
                None => {
                    return self
                        .ended()
                        .await
                        .and_then(|()| bail!("{}: none of {words:?}", self.name));
                }
            }
        }
    }

    /// Waits until it has done `jobs` and ended; a failure carries what it found.
    pub(crate) async fn finish(mut self, jobs: &[Job]) -> Result<Observations> {
        for job in jobs {
            self.reaches(&format!("done {}", job.name)).await?;
        }
        self.ended().await?;
        Ok(self.seen)
    }

    /// Says something to it.
    pub(crate) async fn tell(&mut self, word: &str) -> Result<()> {
        self.stdin.write_all(format!("{word}\n").as_bytes()).await?;
        Ok(self.stdin.flush().await?)
    }

    async fn ended(&mut self) -> Result<()> {
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
