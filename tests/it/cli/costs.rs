//! `mcproxy check` on what tools cost: what a gateway has kept of its servers, as that gateway's `/status` has it.

#![cfg(test)]

use std::fs;
use std::time::Duration;

use serde_json::{Value, json};

use super::run;
use crate::support::gateway::{Gateway, GatewayOptions};
use crate::support::http;
use crate::support::servers::{configuration, fixture};
use crate::support::wait;

const SOON: Duration = Duration::from_secs(20);

/// The words of the line that begins so.
fn line(said: &str, start: &str) -> Vec<String> {
    let lines = said.lines().filter(|line| line.starts_with(start));
    let line: Vec<&str> = lines.collect();
    assert_eq!(line.len(), 1, "{start}: {said}");
    line[0].split_whitespace().map(str::to_owned).collect()
}

/// Two servers that are run, the second as said, and two profiles.
fn file(second: &Value) -> String {
    let off = json!({"name": "off", "command": "x", "enabled": false});
    let entries = [fixture("many", &["--tools=150"]), second.clone(), off];
    let profiles = json!({ "few": { "servers": ["filtered"] }, "most": {} });
    json!({ "servers": entries, "profiles": profiles }).to_string()
}

/// Tools, bytes and tokens of both servers, once they are known and kept.
async fn of_status(gateway: &Gateway) -> [Vec<String>; 2] {
    wait::until("the servers", SOON, async || {
        let status = http::get(gateway.addr(), "/status").await;
        let status: Value = serde_json::from_slice(&status.body).ok()?;
        let amounts = |at: usize| {
            let members = ["tools", "tools_bytes", "tools_tokens"].into_iter();
            let amounts = members.map(|member| status["servers"][at][member].as_u64());
            let amounts = amounts.map(|amount| Some(amount.filter(|it| *it > 0)?.to_string()));
            amounts.collect::<Option<Vec<String>>>()
        };
        let kept = ["many", "filtered"].map(|name| format!("catalogues/{name}.json"));
        let are_kept = kept.iter().all(|file| gateway.kept(file).exists());
        Some([amounts(0)?, amounts(1)?]).filter(|_| are_kept)
    })
    .await
}

#[tokio::test]
async fn what_was_seen_last_is_what_is_said_to_be_offered() {
    let home = tempfile::tempdir().unwrap();
    let mut filtered = fixture("filtered", &["--tools=150"]);
    filtered["tools"] = json!({ "allow": ["echo"] });
    let options = GatewayOptions::new(file(&filtered)).home(home.path());
    let mut gateway = Gateway::start(options).await;
    let of_status = of_status(&gateway).await;
    gateway.terminate().await;

    let state = gateway.state_dir().display().to_string();
    let args = ["--state-dir", &state, "check", "mcp-servers.json"];
    let check = || run(home.path(), &args, &[("TZ", "UTC")]);
    let said = check();
    assert_eq!(said.code, Some(0), "{}{}", said.stdout, said.stderr);
    let (_, costs) = said.stdout.split_once("\nOFFERED BY").unwrap();
    let (many, few) = (line(costs, "many "), line(costs, "filtered "));
    assert_eq!([&many[1..4], &few[1..4]], [&*of_status[0], &*of_status[1]]);
    let year = jiff::Zoned::now().year().to_string();
    assert!(many[4].starts_with(&year) && many[5].len() == 5, "{many:?}");
    let number = |words: &[String], at: usize| words[at].parse::<usize>().unwrap();
    let all = line(costs, "all together ");
    assert_eq!(number(&all, 2), number(&many, 1) + 1);
    assert_eq!(line(costs, "profile few ")[2..5], few[1..4]);
    assert_eq!(line(costs, "profile most ")[2..5], all[2..5]);
    assert!(!costs.contains("\noff "), "{costs}");
    for whom in ["Clients", "Clients of profile 'most'"] {
        let warning = format!("warning: {whom} are offered more than 128 tools");
        assert!(said.stdout.contains(&warning), "{}", said.stdout);
    }
    assert!(
        !said.stdout.contains("'few' are offered more"),
        "{}",
        said.stdout
    );

    // Of what would be run now nothing is known.
    let other = file(&fixture("filtered", &["--tools=2"]));
    fs::write(home.path().join("mcp-servers.json"), other).unwrap();
    let said = check();
    let unknown = line(&said.stdout, "filtered   ");
    assert_eq!(unknown, ["filtered", "unknown"], "{}", said.stdout);
    assert_eq!(line(&said.stdout, "all together ")[2..5], many[1..4]);
}

#[test]
fn where_nothing_is_kept_it_is_said_and_nothing_is_made() {
    let here = tempfile::tempdir().unwrap();
    let entry = json!({"name": "demo", "command": "mcproxy", "args": ["demo-server"]});
    fs::write(here.path().join("a.json"), configuration(&[entry])).unwrap();
    let state = here.path().join("state");
    let option = state.display().to_string();
    for (args, place) in [
        (vec!["--state-dir", &option, "check", "a.json"], &*option),
        (vec!["check", "a.json"], "any state directory"),
    ] {
        let said = run(here.path(), &args, &[]);
        assert_eq!(said.code, Some(0), "{}", said.stdout);
        let line = format!("what the tools cost a model is not known: {place} has nothing");
        assert!(said.stdout.contains(&line), "{}", said.stdout);
        assert!(!said.stdout.contains("OFFERED BY"), "{}", said.stdout);
    }
    assert!(!state.exists());
    // Nothing is run, and nothing asked.
    fs::write(here.path().join("a.json"), "[]").unwrap();
    let said = run(here.path(), &["check", "a.json"], &[]);
    assert!(!said.stdout.contains("not known"), "{}", said.stdout);
}
