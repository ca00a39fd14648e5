//! The page at `/` with a hundred servers of 200 tools each: how soon it is there, and what it takes of a core
//! while it is open and calls are made. The browser is that of `tests/browser`.

use std::env;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, ensure};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Command;
use tokio::time::{Instant, sleep};

use crate::Plan;
use crate::echo;
use crate::report::Report;
use crate::session;
use crate::support::client::DEADLINE;
use crate::support::gateway::{Gateway, GatewayOptions};
use crate::support::{proc, servers};

const SERVERS: usize = 100;
const TOOLS: usize = 200;
/// Of calls, while the page is open.
const PAUSE: Duration = Duration::from_millis(100);

pub(crate) async fn measure(plan: &Plan, report: &mut Report) -> anyhow::Result<()> {
    let own = env::current_exe()?;
    let name = |number| format!("server-{number:02}");
    let entry = |number: usize| {
        let name = name(number);
        json!({ "name": name, "command": own, "args": echo::arguments(TOOLS, &name) })
    };
    let entries: Vec<Value> = (0..SERVERS).map(entry).collect();
    let mut options = GatewayOptions::new(servers::configuration(&entries));
    options.binary.clone_from(&plan.gateway);
    let gateway = Gateway::start(options).await;
    let client = servers::join(&gateway).await;
    client.call("tools/list", None, DEADLINE).await;

    let seconds = plan.time.as_secs().max(3) * 6;
    let job = json!({
        "url": format!("http://{}/", gateway.addr()), "servers": SERVERS, "seconds": seconds,
        "rounds": plan.rounds.max(2) * 2 + 1, "browser": "/usr/bin/chromium",
    });
    let home = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser");
    let mut node = Command::new("node")
        .arg(home.join("measure.mjs"))
        .arg(job.to_string())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .context("node")?;
    let mut lines = BufReader::new(node.stdout.take().context("no stdout")?).lines();
    let opened = lines.next_line().await?;
    ensure!(
        opened.as_deref() == Some("open"),
        "{opened:?}: see tests/run"
    );

    let busy = || proc::cpu_time(gateway.pid()).context("it has gone");
    let call = async || {
        let name = format!("{}__tool_00", name(0));
        let params = json!({ "name": name, "arguments": { "text": "x" } }).to_string();
        client.call("tools/call", Some(&params), DEADLINE).await;
        sleep(PAUSE).await;
    };
    let (before, began) = (busy()?, Instant::now());
    let figures = loop {
        tokio::select! {
            line = lines.next_line() => break line?.context("no figures")?,
            () = call() => {}
        }
    };
    let with_page = share(busy()? - before, began);
    ensure!(node.wait().await?.success(), "the browser failed");
    // The same calls while nobody looks.
    sleep(Duration::from_secs(3)).await;
    let (before, began) = (busy()?, Instant::now());
    while began.elapsed() < Duration::from_secs(seconds) {
        call().await;
    }
    let without = share(busy()? - before, began);

    let figures: Value = serde_json::from_str(&figures)?;
    let figure = |key: &str| figures[key].as_f64().context("a figure");
    for (key, what, unit) in [
        ("painted", "first paint, 100 servers × 200 tools", "ms"),
        ("shown", "all servers shown", "ms"),
        ("page", "the browser's part of a core, page open", "%"),
    ] {
        report.add(&format!("page.{key}"), what, figure(key)?, unit);
    }
    let what = "the gateway's part of a core for one open page";
    report.add("page.gateway", what, with_page - without, "%");
    drop(client);
    session::end(gateway).await
}

/// In percent of a core.
fn share(busy: Duration, began: Instant) -> f64 {
    100.0 * busy.as_secs_f64() / began.elapsed().as_secs_f64()
}
