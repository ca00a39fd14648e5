//! Servers made with each SDK, in each way that it serves HTTP.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tokio::process::Command;

use super::hosted::Hosted;
use crate::gateway;
use crate::servers::{self, Server};
use crate::sse::Session;
use crate::stage::Stage;

/// A server, and where and how it is asked.
const WAYS: [(&str, &str, &str); 8] = [
    ("python1-http", "/mcp", "http"),
    ("python1-stateless", "/mcp", "streamable-http"),
    ("python1-sse", "/sse", "sse"),
    ("python2-http", "/mcp", "http"),
    ("python2-stateless", "/mcp", "streamable-http"),
    ("python2-sse", "/sse", "http"),
    ("typescript1-http", "/mcp", "http"),
    ("typescript2-http", "/mcp", "http"),
];

#[tokio::test]
async fn the_servers_of_every_sdk_are_asked() -> Result<()> {
    let stage = Stage::furnish(&[]).await?;
    let (mut hosted, mut entries) = (Vec::new(), Vec::new());
    for (name, path, kind) in WAYS {
        let server = Hosted::start(|port| host(name, port)).await?;
        let entry = Server {
            name,
            ..Server::default()
        };
        entries.push(entry.at(server.url(path), kind));
        hosted.push(server);
    }
    gateway::with(stage.dir(), &entries, async |gateway| {
        let mut session = Session::begin(&gateway.address()).await?;
        let listed = session.request("tools/list", &json!({})).await?.result()?;
        let listed: Value = serde_json::from_str(listed.get())?;
        let listed = listed["tools"].as_array().context("no tools")?;
        for (server, ..) in WAYS {
            let name = format!("{server}__echo");
            ensure!(
                listed.iter().any(|tool| tool["name"] == *name),
                "no {name} in {listed:?}"
            );
            let params = json!({"name": name, "arguments": {"text": "grüße \u{1F600}"}});
            let answer = session.request("tools/call", &params).await?.result()?;
            let answer: Value = serde_json::from_str(answer.get())?;
            let text = &answer["content"][0]["text"];
            ensure!(*text == "grüße \u{1F600}", "{name}: {answer}");
        }
        Ok(())
    })
    .await
}

/// `python1-sse`: which SDK, and how it serves.
fn host(name: &str, port: u16) -> Command {
    let (sdk, way) = name.split_once('-').unwrap_or((name, ""));
    let file = |name: &str| servers::home().join("remote").join(name);
    let mut command = match sdk {
        "python1" => Command::new(servers::python(1)),
        "python2" => Command::new(servers::python(2)),
        _ => Command::new(servers::node()),
    };
    let script = match sdk {
        "python1" | "python2" => "server.py",
        "typescript1" => "server1.mjs",
        _ => "server2.mjs",
    };
    command.arg(file(script)).args([way, &port.to_string()]);
    command
}
