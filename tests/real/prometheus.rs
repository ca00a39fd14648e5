//! `/metrics` as Prometheus reads it, and what `packaging/` has for whoever collects it: promtool's verdict on each, and that
//! no alert and no panel asks for a metric that there is not.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use testkit::gateway::Gateway;
use testkit::http;
use testkit::servers::{fixture, gateway};
use testkit::wait;

const SOON: Duration = Duration::from_secs(30);

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn promtool() -> Command {
    let program = file("tests/real/.prometheus/usr/bin/promtool");
    assert!(program.exists(), "no promtool: tests/run installs it");
    Command::new(program)
}

/// promtool's verdict on what a gateway says.
fn check_metrics(text: &str) -> Result<Output> {
    let mut command = promtool();
    command.args(["check", "metrics"]).stdin(Stdio::piped());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn()?;
    let mut stdin = child.stdin.take().context("a pipe")?;
    stdin.write_all(text.as_bytes())?;
    drop(stdin);
    Ok(child.wait_with_output()?)
}

/// Ten servers of which all have been called, and a request that was refused.
async fn ten_servers() -> Gateway {
    let entries: Vec<Value> = (0..10).map(|n| fixture(&format!("s{n}"), &[])).collect();
    let gateway = gateway(&entries).await;
    wait::until("all servers", SOON, async || {
        let up = metrics(&gateway).await;
        let up = up
            .lines()
            .filter(|line| line.starts_with("mcproxy_server_up{"));
        (up.filter(|line| line.ends_with(" 1")).count() == 10).then_some(())
    })
    .await;
    let nowhere = http::get(gateway.addr(), "/mcp").await;
    assert!(nowhere.status >= 400, "{}", nowhere.text());
    gateway
}

async fn metrics(gateway: &Gateway) -> String {
    let response = http::get(gateway.addr(), "/metrics").await;
    assert_eq!(response.status, 200, "{}", response.text());
    response.text()
}

#[tokio::test]
async fn promtool_has_nothing_to_say_of_the_metrics() -> Result<()> {
    let text = metrics(&ten_servers().await).await;
    let checked = check_metrics(&text)?;
    let is_silent = checked.stdout.is_empty() && checked.stderr.is_empty();
    ensure!(checked.status.success() && is_silent, "{checked:?}");
    let wrong = text.replace("mcproxy_reloads_total", "mcproxy_reloads");
    let checked = check_metrics(&wrong)?;
    ensure!(
        !checked.status.success(),
        "a counter without '_total' is let through"
    );
    Ok(())
}

/// The names of metrics in a text: its words that begin as they all do.
fn names(text: &str) -> BTreeSet<&str> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words.filter(|word| word.starts_with("mcproxy_")).collect()
}

#[tokio::test]
async fn alerts_and_panels_ask_for_metrics_that_there_are() -> Result<()> {
    let text = metrics(&ten_servers().await).await;
    let samples = text.lines().filter(|line| !line.starts_with('#'));
    let there: BTreeSet<&str> = samples
        .filter_map(|line| line.split(['{', ' ']).next())
        .collect();
    for (name, least) in [
        ("packaging/alerts.yaml", 7),
        ("packaging/grafana-dashboard.json", 20),
    ] {
        let asked = fs::read_to_string(file(name))?;
        let asked = names(&asked);
        ensure!(asked.len() >= least, "{name} asks for {asked:?} only");
        let missing: Vec<_> = asked.difference(&there).collect();
        ensure!(missing.is_empty(), "{name} asks for {missing:?}");
    }
    Ok(())
}

#[test]
fn the_alerts_tell_what_they_should_and_no_more() -> Result<()> {
    let (rules, cases) = (
        file("packaging/alerts.yaml"),
        file("tests/real/alerts.test.yaml"),
    );
    let checked = promtool().args(["check", "rules"]).arg(&rules).output()?;
    ensure!(checked.status.success(), "{checked:?}");
    let tested = promtool().args(["test", "rules"]).arg(&cases).output()?;
    ensure!(tested.status.success(), "{tested:?}");
    let (rules, cases) = (fs::read_to_string(rules)?, fs::read_to_string(cases)?);
    for alert in rules
        .lines()
        .filter_map(|line| line.trim().strip_prefix("- alert: "))
    {
        let case = format!("alertname: {alert}\n");
        ensure!(cases.contains(&case), "no case has {alert} told");
    }
    Ok(())
}

/// The configuration of the documentation, with the rules beside it.
#[test]
fn prometheus_takes_the_documented_configuration() -> Result<()> {
    let documentation = fs::read_to_string(file("docs/operations.md"))?;
    let begin = documentation.find("rule_files:").context("it is there")?;
    let (configuration, _) = documentation[begin..]
        .split_once("```")
        .context("its end")?;
    let home = tempfile::tempdir()?;
    let rules = home.path().join("mcproxy-alerts.yaml");
    fs::copy(file("packaging/alerts.yaml"), &rules)?;
    let written = home.path().join("prometheus.yml");
    let here = configuration.replace("/etc/prometheus", &home.path().to_string_lossy());
    fs::write(home.path().join("mcproxy.token"), "token")?;
    for text in [
        here.clone(),
        here.replace("# authorization", "authorization"),
    ] {
        fs::write(&written, text)?;
        let checked = promtool()
            .args(["check", "config"])
            .arg(&written)
            .output()?;
        let said = String::from_utf8_lossy(&checked.stdout);
        ensure!(
            checked.status.success() && said.contains("7 rules"),
            "{checked:?}"
        );
    }
    Ok(())
}

/// Its variables stand for anything here.
#[test]
fn the_panels_ask_in_prometheus_own_language() -> Result<()> {
    let dashboard: Value =
        serde_json::from_slice(&fs::read(file("packaging/grafana-dashboard.json"))?)?;
    let panels = dashboard["panels"].as_array().context("panels")?;
    let targets = panels
        .iter()
        .filter_map(|panel| panel["targets"].as_array());
    let rules = targets.flatten().map(|target| {
        let text = target["expr"].as_str().unwrap_or_default();
        let text = text.replace("$__rate_interval", "5m");
        json!({ "record": "panel", "expr": text, "labels": { "ref": target.to_string() } })
    });
    let rules: Vec<Value> = rules.collect();
    ensure!(rules.len() > 20, "{} questions", rules.len());
    let home = tempfile::tempdir()?;
    let written = home.path().join("rules.yaml");
    let group = json!({ "groups": [{ "name": "panels", "rules": rules }] });
    fs::write(&written, group.to_string())?;
    let checked = promtool().args(["check", "rules"]).arg(&written).output()?;
    ensure!(checked.status.success(), "{checked:?}");
    Ok(())
}
