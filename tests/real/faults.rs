//! What clients live through: a server killed in the middle of their calls, the configuration edited
//! while their calls run. Four clients at once, one of each SDK, two over each transport.

use std::time::Duration;

use anyhow::{Result, ensure};
use nix::sys::signal::Signal;

use crate::gateway::{self, Gateway};
use crate::job::{Job, Over};
use crate::processes::{Process, child_of};
use crate::script::{Script, Sdk};
use crate::servers::Server;
use crate::stage::Stage;

/// How long until an edit of the configuration is applied; the gateway promises 1 s.
const RELOAD: Duration = Duration::from_secs(5);

const CLIENTS: [(Sdk, Over); 4] = [
    (Sdk::Python1, Over::Sse),
    (Sdk::Python2, Over::Http),
    (Sdk::TypeScript1, Over::Http),
    (Sdk::TypeScript2, Over::Sse),
];

#[tokio::test]
async fn clients_live_through_a_kill() -> Result<()> {
    let stage = Stage::set(&["everything", "filesystem", "memory", "git"]).await?;
    gateway::with(stage.dir(), &stage.servers, async |gateway| {
        let victim = child_of(gateway.pid, "mcp-server-everything")?;
        let others = pids(gateway, &stage.without("everything"))?;
        let mut clients = start(gateway, "crash", &stage)?;
        reach(&mut clients, "in flight").await?;
        victim.signal(Signal::SIGKILL)?;
        reach(&mut clients, "answered").await?;
        reach(&mut clients, "works again").await?;
        finish(clients).await?;
        let heir = child_of(gateway.pid, "mcp-server-everything")?;
        ensure!(heir != victim, "{victim:?} lives on");
        ensure_same_processes(&others, &pids(gateway, &stage.without("everything"))?)
    })
    .await
}

/// `git` goes and `time` comes, while calls to all the others run.
#[tokio::test]
async fn clients_live_through_an_edit() -> Result<()> {
    let stage = Stage::set(&["everything", "filesystem", "memory", "time", "git"]).await?;
    let before = stage.without("time");
    gateway::with(stage.dir(), &before, async |gateway| {
        let mut unchanged = before.clone();
        unchanged.retain(|server| server.name != "git");
        let processes = pids(gateway, &unchanged)?;
        let mut clients = start(gateway, "edit", &stage)?;
        reach(&mut clients, "calls run").await?;
        gateway.reconfigure(&stage.without("git"))?;
        let line = gateway
            .logged("a reload", RELOAD, |line| line.contains("reload: "))
            .await?;
        for part in ["+1 (time)", "-1 (git)", "=3"] {
            ensure!(line.contains(part), "no {part:?} in {line:?}");
        }
        reach(&mut clients, "changed").await?;
        finish(clients).await?;
        ensure_same_processes(&processes, &pids(gateway, &unchanged)?)?;
        ensure!(
            child_of(gateway.pid, "mcp-server-git").is_err(),
            "the removed server runs on"
        );
        Ok(())
    })
    .await
}

fn start(gateway: &Gateway, scenario: &'static str, stage: &Stage) -> Result<Vec<(Script, Job)>> {
    let clients = CLIENTS.iter().map(|&(sdk, over)| {
        let job = Job::through(gateway, over, scenario, "");
        let script = Script::start(sdk, std::slice::from_ref(&job), &stage.plan)?;
        Ok((script, job))
    });
    clients.collect()
}

async fn reach(clients: &mut [(Script, Job)], word: &str) -> Result<()> {
    for (script, _) in clients {
        script.reaches(word).await?;
    }
    Ok(())
}

async fn finish(clients: Vec<(Script, Job)>) -> Result<()> {
    for (script, job) in clients {
        script.finish(&[job]).await?;
    }
    Ok(())
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
