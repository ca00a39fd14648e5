//! server-everything by its HTTP modes: all that it offers and asks, a session of its own for each client.

use anyhow::Result;
use tokio::process::Command;

use super::hosted::Hosted;
use crate::gateway;
use crate::job::{Job, Over};
use crate::script::{Script, Sdk};
use crate::servers::{self, Server};
use crate::stage::Stage;

#[tokio::test]
async fn it_is_the_same_over_streamable_http() -> Result<()> {
    let hosted = Hosted::start(|port| host("streamableHttp", port)).await?;
    same(Sdk::Python1, (hosted.url("/mcp"), "streamable-http")).await
}

#[tokio::test]
async fn it_is_the_same_over_http_sse() -> Result<()> {
    let hosted = Hosted::start(|port| host("sse", port)).await?;
    same(Sdk::TypeScript1, (hosted.url("/sse"), "sse")).await
}

/// Nobody says which of the two it is.
#[tokio::test]
async fn the_older_transport_is_found_out() -> Result<()> {
    let hosted = Hosted::start(|port| host("sse", port)).await?;
    same(Sdk::TypeScript2, (hosted.url("/sse"), "http")).await
}

/// The server in this mode.
fn host(mode: &str, port: u16) -> Command {
    let mut command = Command::new(servers::node());
    command
        .arg(servers::program("mcp-server-everything"))
        .arg(mode)
        .env("PORT", port.to_string());
    command
}

/// Over HTTP the server writes the ids of its sessions into what it logs.
const ITS_OWN: [&str; 1] = ["logs"];

async fn same(sdk: Sdk, (url, kind): (String, &'static str)) -> Result<()> {
    let stage = Stage::furnish(&["everything"]).await?;
    let bare: Server = stage.servers[0].clone();
    let servers = [bare.clone().isolated().at(url, kind)];
    gateway::with(stage.dir(), &servers, async |gateway| {
        let through = |over| Job::through(gateway, over, "features", "everything");
        let jobs = [
            Job::bare("features", &bare),
            through(Over::Http),
            through(Over::Sse),
        ];
        let script = Script::start(sdk, &jobs, &stage.plan)?;
        let seen = script.finish(&jobs).await?;
        let [wanted, through @ ..] = &jobs;
        through
            .iter()
            .try_for_each(|job| seen.ensure_same_but(&ITS_OWN, job, wanted))
    })
    .await
}
