//! Limits of what servers list, and of how many there are.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};

use super::{MIB, Memory};
use crate::bystanders;
use crate::stage::{Stage, configuration, wait as real_or};
use crate::support::client::{DEADLINE, Sse, SseClient};
use crate::support::servers::{fixture, text_of, tool_names};
use crate::support::{fleet, wait};

/// For a debug build that reads 100 000 entries.
const LATE: Duration = Duration::from_secs(60);
const LISTED: &str = "100000";

/// The names of all tools, page by page.
async fn tools(client: &SseClient) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut params = None;
    loop {
        let raw = client.call("tools/list", params.as_deref(), DEADLINE).await;
        let page: Value = serde_json::from_str(&raw).expect("JSON");
        names.extend(tool_names(&raw));
        let Some(cursor) = page["result"].get("nextCursor") else {
            return names;
        };
        params = Some(json!({ "cursor": cursor }).to_string());
    }
}

/// How many tools of this server are offered, when there are at least so many and its `echo` answers. A list that
/// changes between two pages may show fewer.
async fn offered(client: &SseClient, server: &str, least: usize) -> usize {
    let prefix = format!("{server}__");
    let offered = wait::until("its tools", LATE, async || {
        let names = tools(client).await;
        let count = names
            .iter()
            .filter(|name| name.starts_with(&prefix))
            .count();
        (count >= least).then_some(count)
    })
    .await;
    assert_eq!(fleet::echo(client, server, "x").await.text, "x");
    offered
}

/// How many entries beyond `max_servers` have a line of their own, and whether the others are summed up.
fn refusals<'a>(lines: impl Iterator<Item = &'a String>) -> (usize, bool) {
    lines.fold((0, false), |(named, is_summed), line| {
        let is_sum = line.contains(" more errors, the first") || line.contains(" like this in ");
        let is_named = !is_sum && line.contains("there are more servers than 'max_servers'");
        (named + usize::from(is_named), is_summed || is_sum)
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn l24_max_catalogue_items() {
    let limit = real_or(2_000, 10_000);
    let settings = json!({ "max_catalogue_items": limit });
    let mut stage = Stage::with("max_catalogue_items", &[], &settings, |options| options).await;
    let client = stage.client::<Sse>().await;
    let memory = Memory::watch(&stage);
    let paged = fixture("paged", &["--tools", LISTED, "--page-size", "1000"]);
    // A line of 10 MB takes a debug build a third of a second, in which it does little else.
    let on_one_page = real_or("20000", LISTED);
    let whole = fixture("whole", &["--tools", on_one_page]);
    stage
        .gateway
        .write_config(&configuration(&[paged, whole], &settings));
    let servers = [
        ("paged", LISTED, "1 000 a page"),
        ("whole", on_one_page, "on one page"),
    ];
    for (server, count, how) in servers {
        let offered = offered(&client, server, limit).await;
        stage.struck(format!("{count} tools, {how}"));
        stage.at_most("of them are offered", &offered, &limit);
        assert_eq!(offered, limit);
    }
    let lines = stage.gateway.logs();
    let kept = format!("the first {limit} are kept");
    let is_warning = |line: &&String| line.contains(&kept) && line.contains("max_catalogue_items");
    let warnings: Vec<&String> = lines.iter().filter(is_warning).collect();
    stage.at_most("warnings, one for each", &warnings.len(), &2);
    for server in ["'paged'", "'whole'"] {
        assert!(
            warnings.iter().any(|line| line.contains(server)),
            "{warnings:?}"
        );
    }
    // Twice max_catalogue_bytes for each: the line, what is read of it, and the tables of two sessions.
    memory.at_most(&mut stage, 64 * MIB);
    client.close().await;
    stage.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn l25_max_catalogue_bytes() {
    const LIMIT: usize = 256 << 10;
    let settings = json!({ "max_catalogue_bytes": LIMIT, "max_catalogue_items": 1_000_000 });
    let mut stage = Stage::with("max_catalogue_bytes", &[], &settings, |options| options).await;
    let client = stage.client::<Sse>().await;
    let memory = Memory::watch(&stage);
    let much = fixture("much", &["--tools", LISTED, "--page-size", "500"]);
    stage
        .gateway
        .write_config(&configuration(&[much], &settings));
    let offered = offered(&client, "much", 1).await;
    let warning = stage
        .gateway
        .wait_for_log("more than it may", DEADLINE)
        .await;
    let is_named = warning.contains("'much'") && warning.contains("max_catalogue_bytes");
    assert!(is_named, "{warning}");
    stage.struck(format!("a server with {LISTED} tools, 500 a page"));
    // Each takes 50 bytes at least.
    stage.at_most("of them are offered", &offered, &(LIMIT / 50));
    memory.at_most(&mut stage, 8 * MIB);
    client.close().await;
    stage.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn l27_max_servers() {
    const ENTRIES: usize = 300;
    let most = real_or(20, 256);
    let settings = json!({ "max_servers": most });
    let mut stage = Stage::with("max_servers", &[], &settings, |options| options).await;
    let client = stage.client::<Sse>().await;
    let memory = Memory::watch(&stage);
    let mark = stage.gateway.log_mark();
    let mut servers = bystanders::entries();
    servers.extend((servers.len()..ENTRIES).map(|number| fixture(&format!("s{number}"), &[])));
    let file = json!({ "servers": servers, "gateway": settings }).to_string();
    stage.gateway.write_config(&file);
    let last = format!("s{}", most - 1);
    let answer = wait::until("the last one that is run", LATE, async || {
        let answer = client
            .call_tool(&format!("{last}__echo"), r#"{"text":"x"}"#)
            .await;
        (!answer.contains("error")).then_some(answer)
    });
    assert_eq!(text_of(&answer.await), "x");
    let first = format!("s{most}");
    let answer = client.call_tool(&format!("{first}__echo"), "{}").await;
    stage.holds(
        "the first one beyond is not known",
        answer.contains("error"),
    );
    let refused = ENTRIES - most;
    let said = wait::until("what is refused", DEADLINE, async || {
        let lines = stage.gateway.logs();
        let (named, is_summed) = refusals(lines.iter().skip(mark));
        (named == refused || named > 0 && is_summed).then_some(named)
    });
    let said = said.await;
    stage.struck(format!(
        "{ENTRIES} entries, {refused} refused, {said} of them each with its place"
    ));
    let running = stage.gateway.children().len();
    stage.at_most("processes", &running, &most);
    let each = i64::try_from(most).expect("small") * MIB / 4;
    memory.at_most(&mut stage, 8 * MIB + each);
    client.close().await;
    stage.close().await;
}
