//! One page in a browser of its own: Debian's Chromium, driven by Playwright in a Node beside the test
//! (`drive.mjs`). A step that fails carries what the page shows and what it should not have done.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

/// How long a step may take; its own waiting ends before.
const STEP: Duration = Duration::from_secs(40);

/// A browser with the page open.
pub(crate) struct Page {
    _node: Child,
    stdin: ChildStdin,
    outcomes: Lines<BufReader<ChildStdout>>,
    /// Where the browser keeps what it keeps.
    _dir: TempDir,
}

impl Page {
    /// Opens `url`, in the light.
    pub(crate) async fn open(url: &str) -> Result<Self> {
        let home = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser");
        ensure!(
            home.join("node_modules/playwright-core").is_dir(),
            "Playwright is missing: run tests/run, which installs it"
        );
        let dir = tempfile::tempdir()?;
        let job = json!({
            "url": url, "theme": "light", "width": 1280, "height": 900, "browser": chromium()?,
        });
        let mut node = Command::new("node")
            .arg(home.join("drive.mjs"))
            .arg(job.to_string())
            .env("TMPDIR", dir.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context("node")?;
        let stdin = node.stdin.take().context("no stdin")?;
        let stdout = node.stdout.take().context("no stdout")?;
        let mut page = Self {
            _node: node,
            stdin,
            outcomes: BufReader::new(stdout).lines(),
            _dir: dir,
        };
        page.step(json!({"do": "goto"})).await?;
        Ok(page)
    }

    async fn step(&mut self, step: Value) -> Result<Value> {
        self.stdin.write_all(format!("{step}\n").as_bytes()).await?;
        let outcome = timeout(STEP, self.outcomes.next_line()).await;
        let outcome = outcome.with_context(|| format!("{step}: no end"))??;
        let outcome = outcome.with_context(|| format!("{step}: the browser has gone"))?;
        let mut outcome: Value = serde_json::from_str(&outcome)?;
        if let Some(problem) = outcome["problem"].as_str() {
            bail!("{step}: {problem}");
        }
        Ok(outcome["value"].take())
    }

    pub(crate) async fn reload(&mut self) -> Result<()> {
        self.step(json!({"do": "reload"})).await.map(drop)
    }

    pub(crate) async fn click(&mut self, on: &str) -> Result<()> {
        self.step(json!({"do": "click", "on": on})).await.map(drop)
    }

    pub(crate) async fn fill(&mut self, on: &str, text: &str) -> Result<()> {
        let step = json!({"do": "fill", "on": on, "text": text});
        self.step(step).await.map(drop)
    }

    pub(crate) async fn press(&mut self, key: &str) -> Result<()> {
        let step = json!({"do": "press", "key": key});
        self.step(step).await.map(drop)
    }

    /// Waits until this expression is true.
    pub(crate) async fn wait(&mut self, script: &str) -> Result<()> {
        let step = json!({"do": "wait", "script": script});
        self.step(step).await.map(drop)
    }

    /// Waits until the page shows this text.
    pub(crate) async fn shows(&mut self, text: &str) -> Result<()> {
        let text = json!(text);
        self.wait(&format!("document.body.innerText.includes({text})"))
            .await
    }

    /// Waits until the first cell of this class in the row of a server is as `is` has it, where `text` is what it
    /// shows.
    pub(crate) async fn cell(&mut self, server: &str, class: &str, is: &str) -> Result<()> {
        let (server, class) = (json!(server), json!(format!(".c-{class}")));
        let script = format!(
            "[...document.querySelectorAll('tr.server')].some((row) => {{
                const text = row.querySelector({class}).innerText;
                return row.querySelector('button').textContent === {server} && ({is});
            }})"
        );
        self.wait(&script).await
    }

    pub(crate) async fn eval(&mut self, script: &str) -> Result<Value> {
        self.step(json!({"do": "eval", "script": script})).await
    }

    pub(crate) async fn size(&mut self, width: u32, height: u32) -> Result<()> {
        let step = json!({"do": "size", "width": width, "height": height});
        self.step(step).await.map(drop)
    }

    /// Nothing keeps anybody out, in the light and in the dark, and nothing is wider than the window. With
    /// `MCPROXY_SHOTS` there are pictures in that folder to be looked at.
    pub(crate) async fn is_for_everybody(&mut self, name: &str) -> Result<()> {
        for theme in ["light", "dark"] {
            self.step(json!({"do": "theme", "theme": theme})).await?;
            let violations = self.step(json!({"do": "axe"})).await?;
            ensure!(violations == json!([]), "{name}, {theme}: {violations:#}");
            if let Some(folder) = std::env::var_os("MCPROXY_SHOTS") {
                let file = Path::new(&folder).join(format!("{name}-{theme}.png"));
                self.step(json!({"do": "shot", "file": file})).await?;
            }
        }
        let beyond = self
            .eval("document.documentElement.scrollWidth - innerWidth")
            .await?;
        ensure!(beyond.as_i64() <= Some(0), "{name}: {beyond} px too wide");
        Ok(())
    }

    /// It asked nobody else, broke no policy, threw nothing, set no cookie, and said nothing in the console but
    /// what begins so: a browser tells there of each request that fails.
    pub(crate) async fn behaved(&mut self, expected: &[&str]) -> Result<()> {
        let noted = self.step(json!({"do": "noted"})).await?;
        let noted = noted.as_array().context("a list")?;
        let is_bad = |note: &&Value| {
            let note = note.as_str().unwrap_or_default();
            !expected.iter().any(|start| note.starts_with(start))
        };
        let bad: Vec<&Value> = noted.iter().filter(is_bad).collect();
        ensure!(bad.is_empty(), "{bad:#?}");
        let cookies = self.step(json!({"do": "cookies"})).await?;
        ensure!(cookies == json!([]), "{cookies}");
        Ok(())
    }
}

/// Where Debian and others have it.
fn chromium() -> Result<&'static str> {
    let places = [
        "/usr/bin/chromium",
        "/usr/bin/chromium-browser",
        "/usr/bin/google-chrome",
    ];
    let found = places.into_iter().find(|place| Path::new(place).exists());
    found.context("there is no Chromium: run tests/run, which installs it")
}
