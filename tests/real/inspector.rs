//! The Inspector's CLI over Streamable HTTP: one process for each method, whose output is the result.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::value::RawValue;
use serde_json::{Value, json};
use tokio::process::Command;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::gateway;
use crate::servers;
use crate::stage::Stage;

/// How long one call of the CLI may take; it loads for seconds.
const PATIENCE: Duration = Duration::from_secs(45);

#[tokio::test]
async fn inspector_sees_what_the_servers_say() -> Result<()> {
    let stage = Stage::set(&["everything", "sqlite"]).await?;
    gateway::with(stage.dir(), &stage.servers, async |gateway| {
        let mut asked = JoinSet::new();
        for (arguments, wanted) in questions(&stage)? {
            asked.spawn(ask(
                gateway.http(),
                stage.dir().to_owned(),
                arguments,
                wanted,
            ));
        }
        while let Some(done) = asked.join_next().await {
            done??;
        }
        Ok(())
    })
    .await
}

/// Arguments of the CLI, and what it must print.
fn questions(stage: &Stage) -> Result<Vec<(Vec<&'static str>, Value)>> {
    let [everything, sqlite] = &stage.truths[..] else {
        anyhow::bail!("two servers were asked for");
    };
    let both = |key: &str, ours: &[Box<RawValue>], theirs: &[Box<RawValue>], named: bool| {
        let mut items = Vec::new();
        for (server, list) in [("everything", ours), ("sqlite", theirs)] {
            for item in list {
                let mut item: Value = serde_json::from_str(item.get())?;
                if named {
                    item["name"] = json!(format!(
                        "{server}__{}",
                        item["name"].as_str().context("a name")?
                    ));
                }
                items.push(item);
            }
        }
        anyhow::Ok(json!({ key: items }))
    };
    let result = |raw: &str| serde_json::from_str::<Value>(raw);
    let read = &sqlite.reads[0];
    let call = everything
        .calls
        .iter()
        .find(|call| call.asked.tool == "get-sum");
    let call = call.context("get-sum is called")?;
    let get = everything
        .gets
        .iter()
        .find(|get| get.asked.prompt == "completable-prompt");
    let get = get.context("the prompt is got")?;
    Ok(vec![
        (
            vec!["tools/list"],
            both("tools", &everything.tools, &sqlite.tools, true)?,
        ),
        (
            vec!["prompts/list"],
            both("prompts", &everything.prompts, &sqlite.prompts, true)?,
        ),
        (
            vec!["resources/list"],
            both("resources", &everything.resources, &sqlite.resources, false)?,
        ),
        (
            vec!["resources/templates/list"],
            both(
                "resourceTemplates",
                &everything.templates,
                &sqlite.templates,
                false,
            )?,
        ),
        (
            vec!["resources/read", "--uri", read.asked.uri],
            result(read.outcome.raw())?,
        ),
        (
            vec![
                "tools/call",
                "--tool-name",
                "everything__get-sum",
                "--tool-arg",
                "a=1",
                "b=2.5",
            ],
            result(call.outcome.raw())?,
        ),
        (
            vec![
                "prompts/get",
                "--prompt-name",
                "everything__completable-prompt",
                "--prompt-args",
                "department=Sales",
                "name=Eve",
            ],
            result(get.outcome.raw())?,
        ),
        (vec!["logging/setLevel", "--log-level", "debug"], json!({})),
    ])
}

async fn ask(
    url: String,
    dir: std::path::PathBuf,
    arguments: Vec<&'static str>,
    wanted: Value,
) -> Result<()> {
    let run = inspector(&url, &dir)
        .arg("--method")
        .args(&arguments)
        .output();
    let output = timeout(PATIENCE, run)
        .await
        .with_context(|| format!("{arguments:?}: no end within {PATIENCE:?}"))??;
    let printed = String::from_utf8_lossy(&output.stdout);
    ensure!(output.status.success(), "{arguments:?}: {output:?}");
    let seen: Value = serde_json::from_str(&printed)
        .with_context(|| format!("{arguments:?} printed {printed}"))?;
    ensure!(
        seen == wanted,
        "{arguments:?}:\nthrough the gateway: {seen:#}\nover a bare pipe: {wanted:#}"
    );
    Ok(())
}

/// Its home is `dir`: what it remembers is kept out of that of whoever runs the tests.
fn inspector(url: &str, dir: &Path) -> Command {
    let mut command = Command::new(servers::node());
    command
        .arg(servers::program("mcp-inspector"))
        .args(["--cli", url, "--transport", "http"])
        .env("HOME", dir)
        .stdin(Stdio::null())
        .kill_on_drop(true);
    command
}
