//! The page goes on: through a crash, a recovery, a reload and a restart of the gateway, in place.

use std::fs;
use std::path::Path;

use anyhow::Result;
use nix::sys::signal::Signal;
use serde_json::{Value, json};
use testkit::gateway::{Gateway, GatewayOptions, fixture_server};
use testkit::servers::{configuration, fixture, serve_ready};

use crate::page::Page;

/// What a browser says in its console of a gateway that is not there.
const AWAY: [&str; 2] = [
    "error: Failed to load resource: net::ERR_",
    "error: Failed to load resource: the server responded with a status of 503",
];

/// A server that starts only while the file `gate` is there.
fn gated(name: &str, gate: &Path) -> Value {
    let script = "[ -e \"$1\" ] || exit 3; exec \"$0\" --marker gated";
    json!({ "name": name, "command": "/bin/sh", "args": ["-c", script, fixture_server(), gate] })
}

async fn summary(page: &mut Page, text: &str) -> Result<()> {
    let text = json!(text);
    let script = format!("document.querySelector('#summary').innerText.startsWith({text})");
    page.wait(&script).await
}

#[tokio::test]
async fn it_is_right_through_a_crash_a_recovery_a_reload_and_a_restart() -> Result<()> {
    let home = tempfile::tempdir()?;
    let gate = home.path().join("gate");
    fs::write(&gate, "")?;
    let entries = [fixture("alpha", &["--tools", "5"]), gated("beta", &gate)];
    let options = GatewayOptions::new(configuration(&entries)).home(home.path());
    let mut gateway = Gateway::start(options).await;
    let address = gateway.addr();
    let mut page = Page::open(&format!("http://{address}/")).await?;
    summary(&mut page, "All 2 servers ready").await?;
    for server in ["alpha", "beta"] {
        page.cell(server, "state", "text === 'ready'").await?;
    }
    page.is_for_everybody("two").await?;

    // What somebody does there stays.
    page.click("tr.server button.open").await?;
    page.fill("#servers-search", "a").await?;
    let keep = "window.kept = document.querySelector('tr.server'); document.activeElement.id";
    assert_eq!(page.eval(keep).await?, "servers-search");

    fs::remove_file(&gate)?;
    let beta = gateway.child("gated").expect("it runs");
    beta.signal(Signal::SIGKILL);
    summary(&mut page, "1 of 2 servers down:\nbeta").await?;
    page.cell("beta", "state", "/^(backoff|crash)/.test(text)")
        .await?;
    page.wait("document.title === '(1 down) mcproxy'").await?;
    page.wait("document.querySelector('#said').textContent.includes('beta')")
        .await?;
    page.cell("alpha", "state", "text === 'ready'").await?;
    page.is_for_everybody("down").await?;

    fs::write(&gate, "")?;
    summary(&mut page, "All 2 servers ready").await?;

    let three = [&entries[..], &[fixture("gamma", &[])]].concat();
    gateway.rename_config(&configuration(&three));
    page.cell("gamma", "state", "text === 'ready'").await?;
    gateway.rename_config(&configuration(&entries));
    page.wait("document.querySelectorAll('tr.server').length === 2")
        .await?;
    let is_kept = "window.kept === document.querySelector('tr.server') && window.kept.isConnected
        && window.kept.companion.isConnected && document.activeElement.id === 'servers-search'
        && document.activeElement.value === 'a'";
    assert_eq!(page.eval(is_kept).await?, true);

    gateway.terminate().await;
    drop(gateway);
    page.shows("The gateway does not answer").await?;
    let again = GatewayOptions::default()
        .home(home.path())
        .arg(format!("--listen={address}"));
    let _gateway = Gateway::start(again).await;
    page.wait("document.querySelector('#link').dataset.state === 'live'")
        .await?;
    summary(&mut page, "All 2 servers ready").await?;
    assert_eq!(page.eval(is_kept).await?, true, "nothing was built anew");
    page.behaved(&AWAY).await
}

#[tokio::test]
async fn what_servers_do_and_for_whom_is_shown() -> Result<()> {
    let (gateway, client) = serve_ready(&[fixture("alpha", &[])]).await;
    let mut page = Page::open(&format!("http://{}/", gateway.addr())).await?;
    for _ in 0..3 {
        client.call_tool("alpha__pid", "{}").await;
    }
    page.cell("alpha", "rate", "Number(text) >= 3").await?;
    page.cell("alpha", "memory", "/[KM]iB$/.test(text)").await?;
    page.cell("alpha", "p50", "/ ms$/.test(text)").await?;
    page.cell("alpha", "uptime", "text !== ''").await?;
    let drawn = "document.querySelector('tr.server polyline').getAttribute('points').split(' ').length === 60";
    page.wait(drawn).await?;
    let labelled =
        "/^3 calls in the last hour/.test(document.querySelector('tr.server svg').ariaLabel)";
    page.wait(labelled).await?;
    page.wait("document.querySelectorAll('#session-list tr').length === 1")
        .await?;
    page.wait("document.querySelector('#event-list').innerText.includes('alpha')")
        .await?;
    gateway
        .child("fixture")
        .expect("it runs")
        .signal(Signal::SIGKILL);
    page.click("tr.server button.open").await?;
    page.wait("document.querySelectorAll('.exits li').length === 1")
        .await?;
    page.is_for_everybody("busy").await?;
    page.behaved(&[]).await
}

#[tokio::test]
async fn with_nothing_configured_it_says_how_to_begin() -> Result<()> {
    let gateway = Gateway::start(GatewayOptions::new("{\"servers\": []}")).await;
    let mut page = Page::open(&format!("http://{}/", gateway.addr())).await?;
    page.shows("Nothing is configured yet").await?;
    page.shows(&format!(
        "claude mcp add --transport http mcproxy http://{}/mcp",
        gateway.addr()
    ))
    .await?;
    for (width, height) in [(390, 844), (1280, 900)] {
        page.size(width, height).await?;
        page.is_for_everybody(&format!("empty-{width}")).await?;
    }
    gateway.rename_config(&configuration(&[fixture("first", &[])]));
    page.cell("first", "state", "text === 'ready'").await?;
    page.wait("document.querySelector('#begin').hidden").await?;
    page.behaved(&[]).await
}

#[tokio::test]
async fn a_file_that_is_wrong_is_shown_to_be() -> Result<()> {
    let entries = [fixture("alpha", &[])];
    let gateway = Gateway::start(GatewayOptions::new(configuration(&entries))).await;
    let mut page = Page::open(&format!("http://{}/", gateway.addr())).await?;
    summary(&mut page, "The one server is ready").await?;
    gateway.rename_config("{\"servers\": [");
    page.shows("The configuration is not used as it stands")
        .await?;
    page.is_for_everybody("faulty").await?;
    gateway.rename_config(&configuration(&entries));
    page.wait("document.querySelector('#faults').hidden")
        .await?;
    page.behaved(&[]).await
}

#[tokio::test]
async fn what_is_held_back_is_said_with_how_it_is_approved() -> Result<()> {
    let mut alpha = fixture("alpha", &[]);
    alpha["on_changed_tools"] = json!("hold");
    let (gateway, client) = serve_ready(&[alpha]).await;
    let mut page = Page::open(&format!("http://{}/", gateway.addr())).await?;
    page.cell("alpha", "state", "text === 'ready'").await?;
    page.click("tr.server button.open").await?;
    client
        .call_tool("alpha__set_tools", r#"{"names":["extra"]}"#)
        .await;
    page.shows("Held back until it is approved: extra").await?;
    page.shows("'mcproxy approve alpha' shows what is held back")
        .await
}
