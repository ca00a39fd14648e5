//! The page at `/` with a hundred servers of 200 tools each: how soon it is there, and what it takes of a core
//! while it is open and calls are made. The browser is that of `tests/browser`.

use std::env;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, ensure};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep};

use crate::Plan;
use crate::echo;
use crate::report::Report;
use crate::session;
use crate::support::client::{DEADLINE, SseClient};
use crate::support::gateway::{Gateway, GatewayOptions};
use crate::support::{proc, servers};

const SERVERS: usize = 100;
const TOOLS: usize = 200;
/// Of calls, while the page is open.
const PAUSE: Duration = Duration::from_millis(100);

pub(crate) async fn measure(plan: &Plan, report: &mut Report) -> anyhow::Result<()> {
    let (gateway, client) = gateway(plan).await?;
    let seconds = plan.time.as_secs().max(3) * 6;
    let mut browser = browser(&gateway, plan, seconds)?;
    let mut lines = BufReader::new(browser.stdout.take().context("no stdout")?).lines();
    let opened = lines.next_line().await?;
    ensure!(
        opened.as_deref() == Some("open"),
        "{opened:?}: see tests/run"
    );

    let open = Busy::from_now(&gateway)?;
    let figures = loop {
        tokio::select! {
            line = lines.next_line() => break line?.context("no figures")?,
            () = call(&client) => {}
        }
    };
    let open = open.share(&gateway)?;
    ensure!(browser.wait().await?.success(), "the browser failed");
    // The same calls while nobody looks.
    sleep(Duration::from_secs(3)).await;
    let closed = Busy::from_now(&gateway)?;
    while closed.began.elapsed() < Duration::from_secs(seconds) {
        call(&client).await;
    }
    let closed = closed.share(&gateway)?;

    let figures: Value = serde_json::from_str(&figures)?;
    for (key, what, unit) in [
        ("painted", "first paint, 100 servers × 200 tools", "ms"),
        ("shown", "all servers shown", "ms"),
        ("page", "the browser's part of a core, page open", "%"),
    ] {
        let figure = figures.get(key).and_then(Value::as_f64);
        report.add(&format!("page.{key}"), what, figure.context(key)?, unit);
    }
    let what = "the gateway's part of a core for one open page";
    report.add("page.gateway", what, open - closed, "%");
    drop(client);
    session::end(gateway).await
}

/// All servers, ready, and a client.
async fn gateway(plan: &Plan) -> anyhow::Result<(Gateway, SseClient)> {
    let own = env::current_exe()?;
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
    Ok((gateway, client))
}

/// What opens the page, says so, and then tells its figures.
fn browser(gateway: &Gateway, plan: &Plan, seconds: u64) -> anyhow::Result<Child> {
    let job = json!({
        "url": format!("http://{}/", gateway.addr()), "servers": SERVERS, "seconds": seconds,
        "rounds": plan.rounds.max(2) * 2 + 1, "browser": "/usr/bin/chromium",
    });
    let home = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser");
    let mut command = Command::new("node");
    command.arg(home.join("measure.mjs")).arg(job.to_string());
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    command.kill_on_drop(true).spawn().context("node")
}

fn name(number: usize) -> String {
    format!("server-{number:02}")
}

async fn call(client: &SseClient) {
    let tool = format!("{}__tool_00", name(0));
    client.call_tool(&tool, r#"{"text":"x"}"#).await;
    sleep(PAUSE).await;
}

/// What the gateway takes of a core.
struct Busy {
    began: Instant,
    before: Duration,
}

impl Busy {
    fn from_now(gateway: &Gateway) -> anyhow::Result<Self> {
        let before = proc::cpu_time(gateway.pid()).context("it has gone")?;
        let began = Instant::now();
        Ok(Self { began, before })
    }

    /// In percent.
    fn share(&self, gateway: &Gateway) -> anyhow::Result<f64> {
        let now = proc::cpu_time(gateway.pid()).context("it has gone")?;
        let busy = now.saturating_sub(self.before);
        Ok(100.0 * busy.as_secs_f64() / self.began.elapsed().as_secs_f64())
    }
}
