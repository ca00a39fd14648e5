//! The same lists and answers: every server behind one gateway, and every client must see what each
//! says over a bare pipe.

use anyhow::{Result, ensure};
use serde_json::json;

use crate::gateway;
use crate::job::{Job, Over};
use crate::lists::List;
use crate::rpc::Page;
use crate::script::{Script, Sdk};
use crate::sse::Session;
use crate::stage::{ALL, Stage};

/// Every SDK, at the same time, over one transport after the other.
#[tokio::test]
async fn every_sdk_sees_what_the_servers_say() -> Result<()> {
    let stage = Stage::set(&ALL).await?;
    gateway::with(stage.dir(), &stage.servers, async |gateway| {
        let jobs = [Over::Http, Over::Sse].map(|over| Job::through(gateway, over, "compare", ""));
        let sdks = [
            Sdk::Python1,
            Sdk::Python2,
            Sdk::TypeScript1,
            Sdk::TypeScript2,
        ];
        let started: Result<Vec<Script>> = sdks
            .map(|sdk| Script::start(sdk, &jobs, &stage.plan))
            .into_iter()
            .collect();
        for script in started? {
            script.finish(&jobs).await?;
        }
        Ok(())
    })
    .await
}

#[tokio::test]
async fn every_result_passes_byte_for_byte() -> Result<()> {
    let stage = Stage::set(&ALL).await?;
    gateway::with(stage.dir(), &stage.servers, async |gateway| {
        let mut session = Session::begin(&gateway.address()).await?;
        for list in List::ALL {
            let page = session.request(list.method(), &json!({})).await?;
            let page: Page = serde_json::from_str(page.result()?.get())?;
            let seen: Vec<&str> = page.items.iter().map(|item| item.get()).collect();
            ensure_same(list.method(), &seen, &list.merged(&stage.truths)?)?;
        }
        for truth in &stage.truths {
            let name = |own| format!("{}__{own}", truth.name);
            let calls = truth.calls.iter().map(|call| {
                let asked = &call.asked;
                let params = json!({ "name": name(asked.tool), "arguments": asked.arguments });
                ("tools/call", params, &call.outcome)
            });
            let gets = truth.gets.iter().map(|get| {
                let asked = &get.asked;
                let params = json!({ "name": name(asked.prompt), "arguments": asked.arguments });
                ("prompts/get", params, &get.outcome)
            });
            let reads = truth.reads.iter().map(|read| {
                let params = json!({ "uri": read.asked.uri });
                ("resources/read", params, &read.outcome)
            });
            for (method, params, outcome) in calls.chain(gets).chain(reads) {
                let seen = session.request(method, &params).await?;
                let what = format!("{method} {params}");
                ensure_same(&what, &[seen.raw()], &[outcome.raw().to_owned()])?;
            }
        }
        Ok(())
    })
    .await
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
