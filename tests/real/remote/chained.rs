//! One gateway that asks another, over both transports: clients of the first see the servers of the second as if
//! they were its own.

use anyhow::Result;

use crate::features;
use crate::gateway;
use crate::job::{Job, Over};
use crate::script::{Script, Sdk};
use crate::servers::Server;

#[tokio::test]
async fn a_gateway_is_a_server_over_streamable_http() -> Result<()> {
    chained(Sdk::TypeScript2, Over::Http).await
}

#[tokio::test]
async fn a_gateway_is_a_server_over_http_sse() -> Result<()> {
    chained(Sdk::Python2, Over::Sse).await
}

/// The loggers have the names of both gateways' servers before theirs.
const ITS_OWN: [&str; 2] = ["logs", "logs of roots"];

async fn chained(sdk: Sdk, over: Over) -> Result<()> {
    let (stage, servers) = features::stage().await?;
    let [server, fetch] = &servers;
    let inner_home = stage.dir().join("inner");
    gateway::with(&inner_home, &servers, async |inner| {
        let (url, kind) = match over {
            Over::Http => (inner.http(), "http"),
            Over::Sse => (inner.sse(), "sse"),
        };
        let entry = Server {
            name: "inner",
            prefix: Some(""),
            ..Server::default()
        };
        let entry = [entry.isolated().at(url, kind)];
        gateway::with(&stage.dir().join("outer"), &entry, async |outer| {
            let page = &stage.page.base;
            let jobs = [
                Job::bare("features", server),
                Job::bare("cancel", fetch).with_page(page),
                Job::through(outer, Over::Http, "features", server.name),
                Job::through(outer, Over::Http, "cancel", fetch.name).with_page(page),
            ];
            let script = Script::start(sdk, &jobs, &stage.plan)?;
            let seen = script.finish(&jobs).await?;
            let (wanted, through) = jobs.split_at(2);
            through
                .iter()
                .zip(wanted)
                .try_for_each(|(job, wanted)| seen.ensure_same_but(&ITS_OWN, job, wanted))
        })
        .await
    })
    .await
}
