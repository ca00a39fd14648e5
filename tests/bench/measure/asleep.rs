//! Servers that sleep: what the gateway takes with ten of them, beside one without servers, and what a call that
//! wakes one waits for, beyond the start of the same server over its bare pipe.

use std::env;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, ensure};
use serde_json::json;
use tempfile::TempDir;
use tokio::time::{Instant, sleep};

use super::memory;
use crate::Plan;
use crate::echo;
use crate::load::{self, Caller, median};
use crate::report::Report;
use crate::session::{self, Session, TOOLS};
use crate::support::client::Sse;
use crate::support::gateway::{Gateway, GatewayOptions};

/// Until what has to come must be there.
const DEADLINE: Duration = Duration::from_secs(20);

pub(crate) async fn measure(plan: &Plan, report: &mut Report) -> anyhow::Result<()> {
    let home = TempDir::new()?;
    let options = |idle_timeout: f64| -> anyhow::Result<GatewayOptions> {
        let gateway = json!({ "start": "on-demand", "idle_timeout": idle_timeout });
        let options = session::options_with(plan, &json!({ "gateway": gateway }))?;
        Ok(options.home(home.path()))
    };
    // Once, so that it is known what they offer.
    let first = session::ready(options(0.1)?).await?;
    without_children(&first).await?;
    session::end(first).await?;

    let asleep = Gateway::start(options(0.1)?).await;
    let none = session::options_with(plan, &json!({ "servers": [] }))?;
    let none = Gateway::start(none).await;
    let ten = memory::settled(asleep.pid(), plan).await?;
    let alone = memory::settled(none.pid(), plan).await?;
    session::end(none).await?;
    ensure!(
        asleep.children().is_empty(),
        "a server runs that nobody uses"
    );
    report.add("asleep.memory", "PSS, 10 servers asleep", ten, "MiB");
    let what = "the same, more than without servers";
    report.add("asleep.more", what, ten - alone, "MiB");

    let session = Session::<Sse>::open(asleep.addr()).await;
    let (mut woken, mut bare) = (Vec::new(), Vec::new());
    for number in 0..4 * plan.starts {
        without_children(&asleep).await?;
        let begin = Instant::now();
        let answer = session.call(number, "good morning").await?;
        woken.push(begin.elapsed().as_secs_f64() * 1e3);
        load::check(&answer, "good morning")?;
        bare.push(start_bare()?.as_secs_f64() * 1e3);
    }
    let (woken, bare) = (median(woken), median(bare));
    report.add("asleep.wake", "a call that wakes its server", woken, "ms");
    let what = "the same, more than its start and a call over the bare pipe";
    report.add("asleep.wake.own", what, woken - bare, "ms");
    session::end(asleep).await
}

/// Waits until nobody is awake.
async fn without_children(gateway: &Gateway) -> anyhow::Result<()> {
    let begin = Instant::now();
    while !gateway.children().is_empty() {
        ensure!(begin.elapsed() < DEADLINE, "a server does not sleep");
        sleep(Duration::from_millis(20)).await;
    }
    // The gateway sees the end a little later.
    sleep(Duration::from_millis(50)).await;
    Ok(())
}

/// What the gateway does with a server until a call is answered, over its bare pipe.
fn start_bare() -> anyhow::Result<Duration> {
    let begin = Instant::now();
    let mut child = Command::new(env::current_exe()?)
        .args(echo::arguments(TOOLS, "bare"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut stdin = child.stdin.take().context("stdin is piped")?;
    let mut stdout = BufReader::new(child.stdout.take().context("stdout is piped")?);
    let client = json!({ "name": "x", "version": "1" });
    let hello =
        json!({ "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": client });
    let call = json!({ "name": "tool_00", "arguments": { "text": "x" } });
    let asks = [
        ("initialize", hello),
        ("tools/list", json!({})),
        ("tools/call", call),
    ];
    for (id, (method, params)) in asks.into_iter().enumerate() {
        let ask = json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params });
        writeln!(stdin, "{ask}")?;
        let mut answer = String::new();
        stdout.read_line(&mut answer)?;
        ensure!(answer.contains("result"), "{answer}");
    }
    let took = begin.elapsed();
    drop(stdin);
    child.wait()?;
    Ok(took)
}
