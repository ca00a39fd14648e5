//! The oracle: what each server says over a bare pipe, with nothing of ours between. The clients
//! get it as a file (`plan.json`) and must see the same through the gateway.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::{Instant, timeout_at};

use crate::rpc::{self, Outcome, Page};
use crate::servers::{Call, Get, Server};

/// How long all servers together may take for all that they are asked.
const PATIENCE: Duration = Duration::from_secs(45);

/// What one server says.
#[derive(Debug, Serialize)]
pub(crate) struct Truth {
    pub(crate) name: &'static str,
    pub(crate) tools: Vec<Box<RawValue>>,
    pub(crate) prompts: Vec<Box<RawValue>>,
    pub(crate) resources: Vec<Box<RawValue>>,
    pub(crate) templates: Vec<Box<RawValue>>,
    pub(crate) calls: Vec<Answered<Call>>,
    pub(crate) gets: Vec<Answered<Get>>,
    pub(crate) reads: Vec<Answered<Read>>,
}

/// One question and what came back.
#[derive(Debug, Serialize)]
pub(crate) struct Answered<Q> {
    #[serde(flatten)]
    pub(crate) asked: Q,
    pub(crate) outcome: Outcome,
}

/// One resource to read.
#[derive(Debug, Serialize)]
pub(crate) struct Read {
    pub(crate) uri: &'static str,
}

/// Asks every server, one after another.
pub(crate) async fn consult(servers: &[Server]) -> Result<Vec<Truth>> {
    let deadline = Instant::now() + PATIENCE;
    let mut truths = Vec::new();
    for server in servers {
        let asked = timeout_at(deadline, ask(server)).await;
        let truth = asked.with_context(|| format!("{} did not answer a bare pipe", server.name))?;
        truths.push(truth.with_context(|| format!("{} over a bare pipe", server.name))?);
    }
    Ok(truths)
}

/// Writes the truths where the client scripts read them.
pub(crate) fn write(truths: &[Truth], path: &Path) -> Result<()> {
    Ok(std::fs::write(path, serde_json::to_string(truths)?)?)
}

async fn ask(server: &Server) -> Result<Truth> {
    let mut pipe = Pipe::open(server)?;
    pipe.request("initialize", &rpc::initialize_params())
        .await?
        .result()?;
    pipe.send(&rpc::notification("notifications/initialized"))
        .await?;
    let truth = Truth {
        name: server.name,
        tools: pipe.list("tools/list").await?,
        prompts: pipe.list("prompts/list").await?,
        resources: pipe.list("resources/list").await?,
        templates: pipe.list("resources/templates/list").await?,
        calls: pipe.calls(&server.calls).await?,
        gets: pipe.gets(&server.gets).await?,
        reads: pipe.reads(&server.reads).await?,
    };
    pipe.close().await?;
    Ok(truth)
}

struct Pipe {
    child: Child,
    stdin: ChildStdin,
    stdout: Lines<BufReader<ChildStdout>>,
    next_id: u64,
}

impl Pipe {
    fn open(server: &Server) -> Result<Self> {
        let mut command = Command::new(&server.command);
        command
            .args(&server.args)
            .envs(&server.env)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true);
        if let Some(cwd) = &server.cwd {
            command.current_dir(cwd);
        }
        let mut child = command
            .spawn()
            .with_context(|| format!("starting {}", server.command))?;
        let stdin = child.stdin.take().context("no stdin")?;
        let stdout = child.stdout.take().context("no stdout")?;
        Ok(Self {
            child,
            stdin,
            stdout: BufReader::new(stdout).lines(),
            next_id: 1,
        })
    }

    async fn send(&mut self, line: &str) -> Result<()> {
        self.stdin.write_all(format!("{line}\n").as_bytes()).await?;
        Ok(self.stdin.flush().await?)
    }

    async fn request(&mut self, method: &str, params: &Value) -> Result<Outcome> {
        let id = self.next_id;
        self.next_id += 1;
        self.send(&rpc::request(id, method, params)).await?;
        loop {
            let line = self.stdout.next_line().await?.context("it ended")?;
            if let Some(outcome) = rpc::answer(&line, id)? {
                return Ok(outcome);
            }
        }
    }

    /// Every page's items; a server that does not know the method has none.
    async fn list(&mut self, method: &str) -> Result<Vec<Box<RawValue>>> {
        let mut items = Vec::new();
        let mut params = json!({});
        loop {
            let page = match self.request(method, &params).await? {
                Outcome::Error(error) if error.get().contains("-32601") => return Ok(items),
                outcome @ (Outcome::Result(_) | Outcome::Error(_)) => outcome.result()?,
            };
            let page: Page = serde_json::from_str(page.get())?;
            items.extend(page.items);
            match page.next_cursor {
                Some(cursor) => params = json!({ "cursor": cursor }),
                None => return Ok(items),
            }
        }
    }

    async fn calls(&mut self, calls: &[Call]) -> Result<Vec<Answered<Call>>> {
        let mut answered = Vec::new();
        for call in calls {
            let params = json!({ "name": call.tool, "arguments": call.arguments });
            let outcome = self.request("tools/call", &params).await?;
            // A call that fails by accident (a missing file, a changed schema) would compare equal too.
            ensure!(
                outcome.is_failure() == call.fails,
                "{} {} was to {}: {}",
                call.tool,
                call.arguments,
                if call.fails { "fail" } else { "succeed" },
                outcome.raw()
            );
            let asked = call.clone();
            answered.push(Answered { asked, outcome });
        }
        Ok(answered)
    }

    async fn gets(&mut self, gets: &[Get]) -> Result<Vec<Answered<Get>>> {
        let mut answered = Vec::new();
        for get in gets {
            let params = json!({ "name": get.prompt, "arguments": get.arguments });
            let outcome = self.request("prompts/get", &params).await?;
            ensure!(!outcome.is_failure(), "{}: {}", get.prompt, outcome.raw());
            let asked = get.clone();
            answered.push(Answered { asked, outcome });
        }
        Ok(answered)
    }

    async fn reads(&mut self, uris: &[&'static str]) -> Result<Vec<Answered<Read>>> {
        let mut answered = Vec::new();
        for &uri in uris {
            let outcome = self
                .request("resources/read", &json!({ "uri": uri }))
                .await?;
            ensure!(!outcome.is_failure(), "{uri}: {}", outcome.raw());
            let asked = Read { uri };
            answered.push(Answered { asked, outcome });
        }
        Ok(answered)
    }

    async fn close(mut self) -> Result<()> {
        drop(self.stdin);
        self.child.wait().await?;
        Ok(())
    }
}
