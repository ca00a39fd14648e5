//! MCP Apps: a host with its bridge, as their SDK has them, shows the pages of their example server and
//! calls its tools as its page does; over both transports and in both eras.

use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tokio::process::Command;
use tokio::time::timeout;

use crate::gateway::{self, Gateway};
use crate::servers::{self, Server};
use crate::stage::Stage;

/// How long a host may take; it loads for seconds.
const PATIENCE: Duration = Duration::from_secs(45);

const PAGE: &str = "ui://budget-allocator/mcp-app.html";
const TOOL: &str = "get-budget-data";
/// What the tool says first.
const SAID: &str = "Budget Allocator Configuration";

/// What a host sees whose page calls these tools, the same over every transport and in every era.
async fn seen(gateway: &Gateway, calls: &[&str]) -> Result<Value> {
    let ways = [
        ("http", gateway.http(), "legacy"),
        ("http", gateway.http(), "modern"),
        ("sse", gateway.sse(), "legacy"),
    ];
    let mut all = Vec::new();
    for (transport, url, era) in ways {
        let job = json!({"transport": transport, "url": url, "era": era, "calls": calls});
        let seen = host(&job).await.with_context(|| job.to_string())?;
        ensure!(
            all.iter().all(|other| *other == seen),
            "{job}: {seen} {all:?}"
        );
        all.push(seen);
    }
    all.pop().context("no way")
}

async fn host(job: &Value) -> Result<Value> {
    let mut command = Command::new(servers::node());
    command
        .arg(servers::home().join("apps.mjs"))
        .arg(job.to_string());
    command.stdin(Stdio::null()).kill_on_drop(true);
    let done = timeout(PATIENCE, command.output())
        .await
        .context("no end")??;
    let findings = String::from_utf8_lossy(&done.stderr);
    ensure!(done.status.success(), "{}: {findings}", done.status);
    Ok(serde_json::from_slice(&done.stdout)?)
}

fn page(uri: &str) -> Value {
    json!({"uri": uri, "is": uri, "mimeType": "text/html;profile=mcp-app", "isHtml": true})
}

#[tokio::test]
async fn a_page_is_shown_and_calls_its_servers_tool_by_its_own_name() -> Result<()> {
    let stage = Stage::furnish(&["thinking", "budget"]).await?;
    gateway::with_both_eras(stage.dir(), &stage.servers, async |gateway| {
        let merged = format!("budget__{TOOL}");
        let seen = seen(gateway, &[TOOL, &merged, "nobody"]).await?;
        let wanted = json!({&merged: page(PAGE)});
        ensure!(seen["pages"] == wanted, "{seen}");
        let calls = &seen["calls"];
        ensure!(calls[TOOL] == SAID && calls[&merged] == SAID, "{seen}");
        let refused = calls["nobody"].as_str();
        ensure!(
            refused.is_some_and(|text| text.contains("Unknown tool: nobody")),
            "{seen}"
        );
        Ok(())
    })
    .await
}

/// The same server twice, the second time with a process for each session.
#[tokio::test]
async fn two_with_the_same_page_are_told_apart() -> Result<()> {
    let stage = Stage::furnish(&["budget"]).await?;
    let budget = stage.servers[0].clone();
    let twin = Server {
        name: "twin",
        ..budget.clone().isolated()
    };
    gateway::with_both_eras(stage.dir(), &[budget, twin], async |gateway| {
        let [first, second] = ["budget", "twin"].map(|server| format!("{server}__{TOOL}"));
        let seen = seen(gateway, &[TOOL, &first, &second]).await?;
        let wanted = json!({&first: page(PAGE), &second: page(&format!("ui://twin/{PAGE}"))});
        ensure!(seen["pages"] == wanted, "{seen}");
        let calls = &seen["calls"];
        ensure!(calls[&first] == SAID && calls[&second] == SAID, "{seen}");
        // Nobody could say whose page calls it.
        let refused = calls[TOOL].as_str();
        ensure!(
            refused.is_some_and(|text| text.contains("Unknown tool")),
            "{seen}"
        );
        Ok(())
    })
    .await
}
