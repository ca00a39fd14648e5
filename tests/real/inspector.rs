//! The Inspector's CLI over Streamable HTTP: one process for each method, whose output is the result.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use tokio::process::Command;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::gateway::{self, Gateway};
use crate::lists::List;
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

/// It asks for the newest revision, and is served without a handshake.
#[tokio::test]
async fn inspector_sees_the_same_in_its_time() -> Result<()> {
    let stage = Stage::set(&["everything", "sqlite"]).await?;
    gateway::with(stage.dir(), &stage.servers, async |gateway| {
        let mut asked = JoinSet::new();
        for era in ["auto", "modern"] {
            for (mut arguments, mut wanted) in questions(&stage)? {
                let is_common = ["resources/read", "tools/call", "resources/list"];
                if is_common.contains(&arguments[0]) {
                    arguments.extend(["--protocol-era", era]);
                    asked.spawn(ask(
                        gateway.http(),
                        stage.dir().to_owned(),
                        arguments,
                        wanted.take(),
                    ));
                }
            }
        }
        while let Some(done) = asked.join_next().await {
            done??;
        }
        Ok(())
    })
    .await
}

/// It gets in with a token.
pub(crate) async fn lists_tools_with(gateway: &Gateway, stage: &Stage, token: &str) -> Result<()> {
    let tools = List::ALL[0];
    let items: Result<Vec<Value>> = tools
        .merged(&stage.truths)?
        .iter()
        .map(|item| parse(item))
        .collect();
    let wanted = json!({ tools.key(): items? });
    let header = format!("Authorization: Bearer {token}");
    let arguments = vec![tools.method(), "--header", &header];
    ask(gateway.http(), stage.dir().to_owned(), arguments, wanted).await
}

/// Arguments of the CLI, and what it must print.
fn questions(stage: &Stage) -> Result<Vec<(Vec<&'static str>, Value)>> {
    let [everything, sqlite] = &stage.truths[..] else {
        bail!("two servers were asked for");
    };
    let [insights] = &sqlite.reads[..] else {
        bail!("one resource was asked for");
    };
    let sum = everything
        .calls
        .iter()
        .find(|call| call.asked.tool == "get-sum");
    let team = everything
        .gets
        .iter()
        .find(|get| get.asked.prompt == "completable-prompt");
    let mut questions = vec![
        (
            vec!["resources/read", "--uri", insights.asked.uri],
            parse(insights.outcome.raw())?,
        ),
        (
            words("tools/call --tool-name everything__get-sum --tool-arg a=1 b=2.5"),
            parse(sum.context("a sum")?.outcome.raw())?,
        ),
        (
            words(
                "prompts/get --prompt-name everything__completable-prompt --prompt-args department=Sales name=Eve",
            ),
            parse(team.context("a team")?.outcome.raw())?,
        ),
        (words("logging/setLevel --log-level debug"), json!({})),
    ];
    for list in List::ALL {
        let items = list.merged(&stage.truths)?;
        let items: Result<Vec<Value>> = items.iter().map(|item| parse(item)).collect();
        questions.push((vec![list.method()], json!({ list.key(): items? })));
    }
    Ok(questions)
}

fn words(line: &'static str) -> Vec<&'static str> {
    line.split(' ').collect()
}

fn parse(raw: &str) -> Result<Value> {
    Ok(serde_json::from_str(raw)?)
}

async fn ask(url: String, dir: PathBuf, arguments: Vec<&str>, wanted: Value) -> Result<()> {
    let run = inspector(&url, &dir)
        .arg("--method")
        .args(&arguments)
        .output();
    let output = timeout(PATIENCE, run)
        .await
        .with_context(|| format!("{arguments:?}: no end within {PATIENCE:?}"))??;
    let printed = String::from_utf8_lossy(&output.stdout);
    ensure!(output.status.success(), "{arguments:?}: {output:?}");
    let mut seen: Value = serde_json::from_str(&printed)
        .with_context(|| format!("{arguments:?} printed {printed}"))?;
    if let (true, Value::Object(result)) = (arguments.contains(&"--protocol-era"), &mut seen) {
        for name in ["resultType", "ttlMs", "cacheScope", "_meta"] {
            result.remove(name);
        }
    }
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
