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

use crate::rpc::{self, Outcome, ToolsPage};
use crate::servers::{Call, Server};

/// How long all servers together may take for all that they are asked.
const PATIENCE: Duration = Duration::from_secs(45);

/// What one server says.
#[derive(Debug, Serialize)]
pub(crate) struct Truth {
    pub(crate) name: &'static str,
    pub(crate) tools: Vec<Box<RawValue>>,
    pub(crate) calls: Vec<Answered>,
}

/// One call and what came back.
#[derive(Debug, Serialize)]
pub(crate) struct Answered {
    #[serde(flatten)]
    pub(crate) call: Call,
    pub(crate) outcome: Outcome,
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
    let tools = pipe.tools().await?;
    let mut calls = Vec::new();
    for call in &server.calls {
        let params = json!({ "name": call.tool, "arguments": call.arguments });
        let outcome = pipe.request("tools/call", &params).await?;
        // A call that fails by accident (a missing file, a changed schema) would compare equal too.
        ensure!(
            outcome.is_failure() == call.fails,
            "{} {} was to {}: {}",
            call.tool,
            call.arguments,
            if call.fails { "fail" } else { "succeed" },
            outcome.raw()
        );
        calls.push(Answered {
            call: call.clone(),
            outcome,
        });
    }
    pipe.close().await?;
    Ok(Truth {
        name: server.name,
        tools,
        calls,
    })
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

    async fn tools(&mut self) -> Result<Vec<Box<RawValue>>> {
        let mut tools = Vec::new();
        let mut params = json!({});
        loop {
            let page = self.request("tools/list", &params).await?.result()?;
            let page: ToolsPage = serde_json::from_str(page.get())?;
            tools.extend(page.tools);
            match page.next_cursor {
                Some(cursor) => params = json!({ "cursor": cursor }),
                None => return Ok(tools),
            }
        }
    }

    async fn close(mut self) -> Result<()> {
        drop(self.stdin);
        self.child.wait().await?;
        Ok(())
    }
}
