//! A server that its user signs in to with a browser: its own entry says so, and with what to do; mcp-remote as a
//! command, signed in once, is that.

use std::collections::BTreeMap;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Command;
use tokio::time::{sleep, timeout};

use testkit::http;

use super::authority::{Authority, LIFE};
use crate::features;
use crate::gateway::{self, Gateway};
use crate::servers::Server;
use crate::sse::Session;
use crate::stage::Stage;

const PATIENCE: Duration = Duration::from_secs(40);

#[tokio::test]
async fn its_own_entry_says_what_to_do_and_mcp_remote_signs_in_and_stays() -> Result<()> {
    let stage = Stage::furnish(&[]).await?;
    let authority = Authority::start().await?;
    let native = Server {
        name: "native",
        ..Server::default()
    };
    let native = native.at(authority.url(), "http");
    let home = features::home(stage.dir());
    sign_in(&authority, &home).await?;
    let mut bridge = features::remote(&authority.url(), &[]);
    let bridge = Server {
        name: "bridge",
        command: bridge.remove(0),
        args: bridge,
        env: home,
        ..Server::default()
    };
    gateway::with(
        stage.dir(),
        std::slice::from_ref(&bridge),
        async |gateway| {
            gateway.reconfigure(&[bridge.clone(), native])?;
            let is_remedy = |line: &str| {
                line.contains("'native'")
                    && line.contains("wants a login")
                    && line.contains("mcp-remote")
            };
            gateway.logged("the remedy", PATIENCE, is_remedy).await?;
            ensure!(state(gateway).await? == "unauthorized");
            let mut session = Session::begin(&gateway.address()).await?;
            let before = authority.refreshed();
            for _ in 0..3 {
                let call = json!({"name": "bridge__open", "arguments": {}});
                let answer = session.request("tools/call", &call).await?.result()?;
                ensure!(answer.get().contains("come in"), "{answer}");
                // The token's life has to end, and that is a time.
                sleep(LIFE + Duration::from_secs(1)).await;
            }
            ensure!(authority.refreshed() >= before + 2, "it was not replaced");
            Ok(())
        },
    )
    .await
}

/// What a person does: runs the command by hand, and goes with a browser where it says.
async fn sign_in(authority: &Authority, home: &BTreeMap<&'static str, String>) -> Result<()> {
    let command = features::remote(&authority.url(), &[]);
    let (program, args) = command.split_first().context("no command")?;
    let mut child = Command::new(program)
        .args(args)
        .envs(home)
        // No browser of this machine.
        .env("BROWSER", "true")
        .env("PATH", "/nonexistent")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let stderr = child.stderr.take().context("no stderr")?;
    let mut lines = BufReader::new(stderr).lines();
    let mut said = Vec::new();
    let mut has_signed_in = false;
    let signed_in = async {
        while let Some(line) = lines.next_line().await? {
            if let Some(at) = line.find("http").filter(|_| line.contains("/authorize?")) {
                let url = line.get(at..).context("it was found there")?;
                has_signed_in = visit(url.trim()).await?;
            }
            said.push(line);
            let is_over = said
                .last()
                .is_some_and(|line| line.contains("Proxy established"));
            if is_over && has_signed_in {
                return Ok(());
            }
        }
        anyhow::bail!("it ended")
    };
    let outcome = timeout(PATIENCE, signed_in).await;
    child.start_kill()?;
    child.wait().await?;
    let outcome = outcome.unwrap_or_else(|_| anyhow::bail!("not signed in in {PATIENCE:?}"));
    outcome.with_context(|| format!("mcp-remote said:\n{}", said.join("\n")))
}

/// The browser: it goes where it is sent. Answers whether it got there.
async fn visit(url: &str) -> Result<bool> {
    let mut url = url::Url::parse(url)?;
    for _ in 0..3 {
        let port = url.port().context("no port")?;
        let path = &url[url::Position::BeforePath..];
        let answer = http::get(([127, 0, 0, 1], port).into(), path).await;
        match answer.header("location") {
            Some(to) => url = url.join(to)?,
            None => return Ok(answer.status == 200),
        }
    }
    Ok(false)
}

/// What `/status` says of the server that wants a login.
async fn state(gateway: &Gateway) -> Result<String> {
    let answer = http::get(gateway.address().parse()?, "/status").await;
    let status: Value = serde_json::from_slice(answer.body.as_ref())?;
    let servers = status["servers"].as_array().context("no servers")?;
    let native = servers.iter().find(|server| server["name"] == "native");
    let state = native.and_then(|native| native["state"].as_str());
    Ok(state.context("it is not there")?.to_owned())
}
