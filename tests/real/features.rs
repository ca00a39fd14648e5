//! Everything that servers offer and ask, by every SDK over both transports, and by mcp-remote: what
//! is seen through the gateway is what the same client sees over a bare pipe.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Result;

use crate::gateway;
use crate::job::{Job, Over};
use crate::script::{Script, Sdk};
use crate::servers::{self, Server};
use crate::stage::Stage;

#[tokio::test]
async fn python_1_uses_everything() -> Result<()> {
    everything(Sdk::Python1).await
}

#[tokio::test]
async fn python_2_uses_everything() -> Result<()> {
    everything(Sdk::Python2).await
}

#[tokio::test]
async fn typescript_1_uses_everything() -> Result<()> {
    everything(Sdk::TypeScript1).await
}

#[tokio::test]
async fn typescript_2_uses_everything() -> Result<()> {
    everything(Sdk::TypeScript2).await
}

/// mcp-remote turns the gateway into a stdio server again, for clients that know nothing else.
#[tokio::test]
async fn mcp_remote_passes_everything() -> Result<()> {
    let (stage, servers) = stage().await?;
    gateway::with(stage.dir(), &servers, async |gateway| {
        let wanted = Job::bare("features", &servers[0]);
        let default = Job::through(gateway, Over::Http, "features", "everything");
        let default = default.by(
            "mcp-remote",
            remote(&gateway.http(), &[]),
            home(stage.dir()),
        );
        let sse = Job::through(gateway, Over::Sse, "features", "everything");
        let only = ["--transport", "sse-only"];
        let sse = sse.by(
            "mcp-remote",
            remote(&gateway.sse(), &only),
            home(stage.dir()),
        );
        let jobs = [wanted, default, sse];
        let script = Script::start(Sdk::Python1, &jobs, &stage.plan)?;
        let seen = script.finish(&jobs).await?;
        let [wanted, through @ ..] = &jobs;
        through
            .iter()
            .try_for_each(|job| seen.ensure_same(job, wanted))
    })
    .await
}

async fn everything(sdk: Sdk) -> Result<()> {
    let (stage, servers) = stage().await?;
    let [server, fetch] = &servers;
    gateway::with(stage.dir(), &servers, async |gateway| {
        let page = &stage.page.base;
        let mut jobs = vec![
            Job::bare("features", server),
            Job::bare("cancel", fetch).with_page(page),
        ];
        for over in [Over::Http, Over::Sse] {
            jobs.push(Job::through(gateway, over, "features", server.name));
            jobs.push(Job::through(gateway, over, "cancel", fetch.name).with_page(page));
        }
        let script = Script::start(sdk, &jobs, &stage.plan)?;
        let seen = script.finish(&jobs).await?;
        let (wanted, through) = jobs.split_at(2);
        through
            .iter()
            .zip(wanted.iter().cycle())
            .try_for_each(|(job, wanted)| seen.ensure_same(job, wanted))
    })
    .await
}

/// The server that has everything, a process for each session so that it may ask its client, and the
/// one whose calls can be watched when they are cancelled.
pub(crate) async fn stage() -> Result<(Stage, [Server; 2])> {
    let stage = Stage::furnish(&["everything", "fetch"]).await?;
    let [everything, fetch] = [&stage.servers[0], &stage.servers[1]];
    let servers = [everything.clone().isolated(), fetch.clone()];
    Ok((stage, servers))
}

/// The command of mcp-remote.
pub(crate) fn remote(url: &str, options: &[&str]) -> Vec<String> {
    let node = servers::node().to_string_lossy().into_owned();
    let remote = servers::program("mcp-remote")
        .to_string_lossy()
        .into_owned();
    let mut command = vec![node, remote, url.to_owned()];
    command.extend(options.iter().map(|&option| option.to_owned()));
    command
}

/// What a program of the user remembers is kept out of the home of whoever runs the tests.
pub(crate) fn home(dir: &Path) -> BTreeMap<&'static str, String> {
    let dir = dir.join("mcp-remote").to_string_lossy().into_owned();
    BTreeMap::from([("MCP_REMOTE_CONFIG_DIR", dir)])
}
