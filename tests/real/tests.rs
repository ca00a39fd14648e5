//! The scenarios, each for each client: the same lists and answers, a server killed in the middle
//! of a call, the configuration edited while calls run.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use nix::sys::signal::Signal;
use serde_json::json;
use tempfile::TempDir;

use crate::gateway::{self, Gateway};
use crate::oracle::{self, Truth};
use crate::page::Page;
use crate::processes::{Process, child_of};
use crate::rpc::{self, ToolsPage};
use crate::script::{Script, Sdk};
use crate::servers::{self, Server};
use crate::sse::Session;

/// How long until an edit of the configuration is applied; the gateway promises 1 s.
const RELOAD: Duration = Duration::from_secs(5);

/// Every server of `servers::all`.
const ALL: [&str; 7] = [
    "everything",
    "filesystem",
    "memory",
    "thinking",
    "time",
    "git",
    "fetch",
];

/// What every test needs: the servers with their files, and what they say over a bare pipe.
struct Stage {
    dir: TempDir,
    _page: Page,
    servers: Vec<Server>,
    truths: Vec<Truth>,
    plan: PathBuf,
}

impl Stage {
    /// `names` are the servers that the scenario needs; starting all of them takes its time.
    async fn set(names: &[&str]) -> Result<Self> {
        servers::ensure_installed()?;
        let dir = tempfile::tempdir()?;
        servers::furnish(dir.path())?;
        let page = Page::serve().await?;
        let needed = |instance| {
            let mut servers = servers::all(dir.path(), instance, &page.url);
            servers.retain(|server| names.contains(&server.name));
            servers
        };
        let bare = needed("bare");
        let truths = oracle::consult(&bare).await?;
        let plan = dir.path().join("plan.json");
        oracle::write(&truths, &plan)?;
        let servers = needed("gateway");
        ensure!(servers.len() == names.len(), "an unknown name in {names:?}");
        Ok(Self {
            dir,
            _page: page,
            servers,
            truths,
            plan,
        })
    }

    /// The servers without `name`.
    fn without(&self, name: &str) -> Vec<Server> {
        let mut servers = self.servers.clone();
        servers.retain(|server| server.name != name);
        servers
    }
}

#[tokio::test]
async fn python_client_sees_what_the_servers_say() -> Result<()> {
    compare(Sdk::Python).await
}

#[tokio::test]
async fn typescript_client_sees_what_the_servers_say() -> Result<()> {
    compare(Sdk::TypeScript).await
}

#[tokio::test]
async fn python_client_lives_through_a_kill() -> Result<()> {
    crash(Sdk::Python).await
}

#[tokio::test]
async fn typescript_client_lives_through_a_kill() -> Result<()> {
    crash(Sdk::TypeScript).await
}

#[tokio::test]
async fn python_client_lives_through_an_edit() -> Result<()> {
    edit(Sdk::Python).await
}

#[tokio::test]
async fn typescript_client_lives_through_an_edit() -> Result<()> {
    edit(Sdk::TypeScript).await
}

#[tokio::test]
async fn every_result_passes_byte_for_byte() -> Result<()> {
    let stage = Stage::set(&ALL).await?;
    gateway::with(stage.dir.path(), &stage.servers, async |gateway| {
        let mut session = Session::open(&gateway.address()).await?;
        session
            .request("initialize", &rpc::initialize_params())
            .await?
            .result()?;
        session
            .post(&rpc::notification("notifications/initialized"))
            .await?;
        let page = session.request("tools/list", &json!({})).await?.result()?;
        let page: ToolsPage = serde_json::from_str(page.get())?;
        let seen: Vec<&str> = page.tools.iter().map(|tool| tool.get()).collect();
        ensure_same("tools/list", &seen, &prefixed(&stage.truths)?)?;
        for truth in &stage.truths {
            for answered in &truth.calls {
                let tool = format!("{}__{}", truth.name, answered.call.tool);
                let params = json!({ "name": tool, "arguments": answered.call.arguments });
                let outcome = session.request("tools/call", &params).await?;
                let what = format!("{tool} {}", answered.call.arguments);
                ensure_same(
                    &what,
                    &[outcome.raw()],
                    &[answered.outcome.raw().to_owned()],
                )?;
            }
        }
        Ok(())
    })
    .await
}

async fn compare(sdk: Sdk) -> Result<()> {
    let stage = Stage::set(&ALL).await?;
    gateway::with(stage.dir.path(), &stage.servers, async |gateway| {
        let mut script = Script::start(sdk, "compare", &gateway.url(), &stage.plan)?;
        script.reaches("same").await?;
        script.finish().await
    })
    .await
}

async fn crash(sdk: Sdk) -> Result<()> {
    let stage = Stage::set(&["everything", "filesystem", "memory", "git"]).await?;
    gateway::with(stage.dir.path(), &stage.servers, async |gateway| {
        let victim = child_of(gateway.pid, "mcp-server-everything")?;
        let others = pids(gateway, &stage.without("everything"))?;
        let mut script = Script::start(sdk, "crash", &gateway.url(), &stage.plan)?;
        script.reaches("in flight").await?;
        victim.signal(Signal::SIGKILL)?;
        script.reaches("answered").await?;
        script.reaches("works again").await?;
        script.finish().await?;
        let heir = child_of(gateway.pid, "mcp-server-everything")?;
        ensure!(heir != victim, "{victim:?} lives on");
        ensure_same_processes(&others, &pids(gateway, &stage.without("everything"))?)
    })
    .await
}

/// `git` goes and `time` comes, while calls to all the others run.
async fn edit(sdk: Sdk) -> Result<()> {
    let stage = Stage::set(&["everything", "filesystem", "memory", "time", "git"]).await?;
    let before = stage.without("time");
    gateway::with(stage.dir.path(), &before, async |gateway| {
        let mut unchanged = before.clone();
        unchanged.retain(|server| server.name != "git");
        let processes = pids(gateway, &unchanged)?;
        let mut script = Script::start(sdk, "edit", &gateway.url(), &stage.plan)?;
        script.reaches("calls run").await?;
        gateway.reconfigure(&stage.without("git"))?;
        let line = gateway
            .logged("a reload", RELOAD, |line| line.contains("reload: "))
            .await?;
        for part in ["+1 (time)", "-1 (git)", "=3"] {
            ensure!(line.contains(part), "no {part:?} in {line:?}");
        }
        script.reaches("changed").await?;
        script.finish().await?;
        ensure_same_processes(&processes, &pids(gateway, &unchanged)?)?;
        ensure!(
            child_of(gateway.pid, "mcp-server-git").is_err(),
            "the removed server runs on"
        );
        Ok(())
    })
    .await
}

/// The gateway's child of each server, in their order.
fn pids(gateway: &Gateway, servers: &[Server]) -> Result<Vec<Process>> {
    servers
        .iter()
        .map(|server| {
            let program = server.command.rsplit('/').next().unwrap_or_default();
            // `npx` renames itself after what it runs.
            let marker = match program {
                "npx" => "mcp-server-memory",
                other => other,
            };
            child_of(gateway.pid, marker)
        })
        .collect()
}

fn ensure_same_processes(before: &[Process], after: &[Process]) -> Result<()> {
    ensure!(
        before
            .iter()
            .map(|process| process.pid)
            .eq(after.iter().map(|process| process.pid)),
        "servers that nothing happened to changed their pids: {before:?} became {after:?}"
    );
    Ok(())
}

/// The merged list as it must be: every tool in its server's bytes, but for the name.
fn prefixed(truths: &[Truth]) -> Result<Vec<String>> {
    #[derive(serde::Deserialize)]
    struct Named<'a> {
        #[serde(borrow)]
        name: &'a serde_json::value::RawValue,
    }
    let mut tools = Vec::new();
    for truth in truths {
        for tool in &truth.tools {
            let raw = tool.get();
            let name = serde_json::from_str::<Named>(raw)?.name.get();
            let start = name.as_ptr().addr() - raw.as_ptr().addr();
            let (head, tail) = raw.split_at_checked(start + 1).context("a name")?;
            tools.push(format!("{head}{}__{tail}", truth.name));
        }
    }
    Ok(tools)
}

fn ensure_same(what: &str, seen: &[&str], wanted: &[String]) -> Result<()> {
    for (number, (seen, wanted)) in seen.iter().zip(wanted).enumerate() {
        ensure!(
            seen == wanted,
            "{what}, number {number}:\nthrough the gateway: {seen}\nover a bare pipe:    {wanted}"
        );
    }
    ensure!(
        seen.len() == wanted.len(),
        "{what}: {} through the gateway, {} over a bare pipe",
        seen.len(),
        wanted.len()
    );
    Ok(())
}
