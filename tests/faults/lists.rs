//! Rows 250 to 255: lists that come late, not to their end, not at all, or that nobody said were there.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use super::metrics;
use super::stage::{Stage, configuration, wait as real_or};
use crate::support::both;
use crate::support::client::{Client, DEADLINE, Sse, SseClient, Streamable, Transport};
use crate::support::gateway::{Gateway, GatewayOptions};
use crate::support::http;
use crate::support::servers::{fixture, text_of, tool_names};
use crate::support::wait;

pub(super) const CHANGED: &str = "notifications/tools/list_changed";
pub(super) const LONG: Duration = Duration::from_secs(60);

/// A server that is at one thing at a time. Its list of tools is what `tools` writes, which has the id
/// of the request in `$id`; before it answers for another list it does what `others` says.
pub(super) fn one_at_a_time(capabilities: &str, tools: &str, others: &str) -> Value {
    let script = format!(
        r#"
say() {{ printf '{{"jsonrpc":"2.0","id":%s,%s}}\n' "$id" "$1"; }}
list='"result":{{"tools":[{{"name":"go","inputSchema":{{"type":"object"}}}}]}}'
while read -r line; do
    id=${{line#*\"id\":}}; id=${{id%%[,\}}]*}}
    case $line in
    *'"initialize"'*) say '"result":{{"protocolVersion":"2025-06-18","capabilities":{capabilities},"serverInfo":{{"name":"s","version":"1"}}}}';;
    *'"tools/list"'*) {tools};;
    *'"tools/call"'*) say '"result":{{"content":[{{"type":"text","text":"went"}}]}}';;
    *'/list"'*) echo "is asked for another list" >&2; {others}; say '"error":{{"code":-32601,"message":"none"}}';;
    esac
done"#
    );
    json!({ "name": "bad", "command": "/bin/sh", "args": ["-c", script] })
}

async fn status(gateway: &Gateway) -> Value {
    let text = http::get(gateway.addr(), "/status").await.text();
    serde_json::from_str(&text).expect("JSON")
}

async fn status_of(gateway: &Gateway, server: &str) -> Value {
    let status = status(gateway).await;
    let mut servers = status["servers"].as_array().expect("servers").iter();
    let found = servers.find(|found| found["name"] == server);
    found.expect("it is there").clone()
}

pub(super) async fn is_ready(gateway: &Gateway) -> bool {
    http::get(gateway.addr(), "/readyz").await.status == 200
}

/// The names that `server` has in the list.
pub(super) async fn tools_of<T: Transport>(client: &Client<T>, server: &str) -> Vec<String> {
    let names = tool_names(&client.call("tools/list", None, LONG).await);
    let prefix = format!("{server}__");
    let own = names.iter().filter_map(|name| name.strip_prefix(&prefix));
    own.map(str::to_owned).collect()
}

async fn until_listed(client: &SseClient, server: &str, tool: &str) {
    wait::until(&format!("{server}__{tool}"), LONG, async || {
        let tools = tools_of(client, server).await;
        tools.iter().any(|name| name == tool).then_some(())
    })
    .await;
}

#[tokio::test]
async fn f250_slow_first_starts() {
    let takes = real_or(6_000, 20_000);
    let (first_list, readiness) = (real_or(3, 8), real_or(12, 60));
    let mut mute = fixture("mute", &["--mute"]);
    mute["timeout"] = json!(readiness + 20);
    let entries = [
        fixture("slow", &["--slow-start", &takes.to_string()]),
        fixture("broken", &["--exit-at-start", "1"]),
        mute,
    ];
    let settings = json!({ "first_list_timeout": first_list, "readiness_timeout": readiness });
    let options = GatewayOptions::new(configuration(&entries, &settings));
    let mut stage = Stage::early(250, options).await;
    let start = stage.gateway.started();
    let second = Duration::from_secs(1);
    let client = stage.client::<Sse>().await;
    for method in ["prompts/list", "resources/list", "tools/list"] {
        let list = client.call(method, None, LONG).await;
        let is_late =
            !list.contains("slow__") && (method != "tools/list" || list.contains("by1__echo"));
        stage.holds("lists are given without who is late", is_late);
    }
    stage.within(
        "the lists after",
        start.elapsed(),
        first_list * second + second,
    );
    let line = stage
        .gateway
        .wait_for_log("Lists are given without", DEADLINE)
        .await;
    stage.holds(
        "the log names them",
        line.contains("'slow', 'mute'") && !line.contains("broken"),
    );
    let missing = status(&stage.gateway).await["missing"].clone();
    stage.holds(
        "the status too",
        missing == json!(["slow", "broken", "mute"]),
    );
    stage.holds("not ready yet", !is_ready(&stage.gateway).await);
    client.next_notification(CHANGED, LONG).await;
    stage.struck(format!("told of after {:.1?}", start.elapsed()));
    until_listed(&client, "slow", "echo").await;
    stage.holds(
        "waits for who never answers",
        !is_ready(&stage.gateway).await,
    );
    wait::until("/readyz", 2 * LONG, async || {
        is_ready(&stage.gateway).await.then_some(())
    })
    .await;
    stage.within("ready after", start.elapsed(), readiness * second + second);
    let line = stage
        .gateway
        .wait_for_log("Ready without 'mute'", DEADLINE)
        .await;
    stage.holds("the log names it", !line.contains("slow"));
    stage.resume().await;
    client.close().await;
    stage.close().await;
}

#[tokio::test]
async fn f251_later_page_fails() {
    let paged = ["--tools=40", "--page-size=30"];
    let with = |name: &str, flag: &str| fixture(name, &[&paged[..], &[flag]].concat());
    let entries = [
        with("torn", "--torn"),
        with("hangs", "--torn-in-silence"),
        with("go", "--cursor-at-the-end"),
    ];
    let home = tempfile::tempdir().expect("a directory");
    let options = |entries: &[Value]| {
        GatewayOptions::new(configuration(entries, &json!({}))).home(home.path())
    };
    let mut stage = Stage::early(251, options(&entries)).await;
    let start = Instant::now();
    both::ready(&stage.gateway).await;
    stage.within("ready after", start.elapsed(), Duration::from_secs(10));
    stage.resume().await;
    let client = stage.client::<Sse>().await;
    let line = "Lists are given with the first pages of 'hangs' alone";
    stage.gateway.wait_for_log(line, LONG).await;
    for server in ["torn", "hangs"] {
        let count = tools_of(&client, server).await.len();
        stage.struck(format!("{count} tools of {server}"));
        stage.holds("the first page is offered", count == 30);
        let unread = status_of(&stage.gateway, server).await["unread"].clone();
        stage.holds(
            "the status says so",
            unread[0]["list"] == "tools/list" && unread[0]["entries"] == 30,
        );
    }
    let go = tools_of(&client, "go").await.len();
    stage.holds("to its end, if an empty cursor is the end", go > 40);
    stage.holds(
        "that is no fault",
        status_of(&stage.gateway, "go").await["unread"].is_null(),
    );
    let said = "lists 30 entries, and no page after them (tools/list): ";
    let said = stage.gateway.wait_for_log(said, DEADLINE).await;
    stage.holds(
        "the log says so",
        said.contains("WARN") && said.contains("'torn'"),
    );
    let name = (
        "mcproxy_lists_unread_total",
        &[("server", "torn"), ("list", "tools")][..],
    );
    metrics::at_least(&stage.gateway, name, 1.0, DEADLINE).await;
    client.close().await;
    stage.pause().await;
    assert!(stage.gateway.terminate().await.success());

    // Once it could list to its end, a page that fails in a later life takes nothing away.
    let whole = [fixture("torn", &paged)];
    let next = Gateway::start(options(&whole)).await;
    stage.replace(next);
    both::ready(&stage.gateway).await;
    let client = stage.client::<Sse>().await;
    let all = tools_of(&client, "torn").await;
    stage.holds("all of it, once it can", all.len() > 40);
    stage.resume().await;
    client.close().await;
    stage.close().await;
}

#[tokio::test]
async fn f252_lists_that_fail() {
    let mut stage = Stage::open(252, &[fixture("bad", &["--offers"])]).await;
    let client = stage.client::<Sse>().await;
    let before = tools_of(&client, "bad").await;
    let error = r#"{"code":-32603,"message":"hush: a secret"}"#;
    let script = |method: &str, outcome: &str| format!(r#"{{"method":"{method}",{outcome}}}"#);
    let fails = script("tools/list", &format!(r#""error":{error}"#));
    client.call_tool("bad__script", &fails).await;
    let unfit = script("prompts/list", r#""result":{"prompts":"x: hush"}"#);
    client.call_tool("bad__script", &unfit).await;
    for kind in ["tools", "prompts"] {
        let told = format!(r#"{{"method":"notifications/{kind}/list_changed"}}"#);
        client.call_tool("bad__notify", &told).await;
    }
    let unread = wait::until("the status to say so", DEADLINE, async || {
        let unread = status_of(&stage.gateway, "bad").await["unread"].clone();
        (unread.as_array()?.len() == 2).then_some(unread)
    })
    .await;
    stage.struck(&unread);
    let refused = json!({
        "list": "tools/list", "why": "it answered with error -32603", "entries": before.len(),
    });
    stage.holds(
        "it names list, reason and what stands",
        unread[0] == refused,
    );
    stage.holds("in our own words", !unread.to_string().contains("hush"));
    for (list, least) in [("tools", 1.0), ("prompts", 1.0)] {
        let name = (
            "mcproxy_lists_unread_total",
            &[("server", "bad"), ("list", list)][..],
        );
        metrics::at_least(&stage.gateway, name, least, DEADLINE).await;
    }
    stage.holds(
        "what was offered stands",
        tools_of(&client, "bad").await == before,
    );
    for method in ["tools/list", "prompts/list"] {
        let as_before = format!(r#"{{"method":"{method}"}}"#);
        client.call_tool("bad__script", &as_before).await;
    }
    for kind in ["tools", "prompts"] {
        let told = format!(r#"{{"method":"notifications/{kind}/list_changed"}}"#);
        client.call_tool("bad__notify", &told).await;
    }
    wait::until("the status to be clear", DEADLINE, async || {
        let unread = status_of(&stage.gateway, "bad").await["unread"].clone();
        unread.is_null().then_some(())
    })
    .await;
    stage.holds("clear again when they are read", true);
    client.close().await;
    stage.close().await;
}

#[tokio::test]
async fn f253_many_entries_left_out() {
    const ALIKE: usize = 40;
    const FAULTS: usize = 2_000;
    let mut stage = Stage::open(253, &[fixture("bad", &[])]).await;
    let client = stage.client::<Sse>().await;
    let mark = stage.gateway.log_mark();
    let alike = (0..ALIKE).map(|n| format!(r#"{{"name":"alike{n}"}}"#));
    // What is wrong is somewhere else in each.
    let of_its_own = (0..FAULTS).map(|n| {
        let deep = (0..12).fold("1".to_owned(), |schema, level| {
            let place = ["additionalProperties", "propertyNames"][n >> level & 1];
            format!(r#"{{"{place}":{schema}}}"#)
        });
        format!(
            r#"{{"name":"own{n}","inputSchema":{{"type":"object"}},"outputSchema":{{"type":"object","not":{deep}}}}}"#
        )
    });
    let all: Vec<String> = alike.chain(of_its_own).collect();
    let definitions = format!(r#"{{"definitions":[{}]}}"#, all.join(","));
    client.call_tool("bad__set_tools", &definitions).await;
    let left_out = wait::until("the status to say so", LONG, async || {
        let left_out = status_of(&stage.gateway, "bad").await["left_out"].clone();
        left_out.as_array().filter(|all| !all.is_empty()).cloned()
    })
    .await;
    let count = |left_out: &[Value]| -> usize {
        let counts = left_out.iter().filter_map(|one| one["count"].as_u64());
        usize::try_from(counts.sum::<u64>()).expect("it fits")
    };
    stage.struck(format!("{} entries left out", count(&left_out)));
    stage.holds("each is counted", count(&left_out) == ALIKE + FAULTS);
    let missing = |one: &&Value| one["why"] == "'inputSchema' is missing";
    let missing = left_out.iter().find(missing).expect("that one")["entries"].clone();
    let missing = missing.as_array().map_or(0, Vec::len);
    stage.holds("those alike are all named", missing == ALIKE);
    stage.at_most("faults in the status", &left_out.len(), &101);
    let size = Value::from(left_out).to_string().len();
    stage.at_most("bytes of it", &size, &200_000);
    let where_else = "/status names them (left_out)";
    let gateway = &stage.gateway;
    gateway.wait_for_log_after(mark, where_else, DEADLINE).await;
    let lines = gateway.logs();
    let lines = lines.iter().skip(mark);
    let lines = lines.filter(|line| line.contains("'bad'") && line.contains("left out"));
    let lines = lines.count();
    stage.at_most("lines of the log", &lines, &11);
    client.close().await;
    stage.close().await;
}

#[tokio::test]
async fn f254_slow_at_lists_it_did_not_declare() {
    let takes = real_or("3", "5");
    let bad = one_at_a_time("{}", r#"say "$list""#, &format!("sleep {takes}"));
    let options = GatewayOptions::new(configuration(&[bad], &json!({})));
    let mut stage = Stage::early(254, options).await;
    let client = stage.client::<Streamable>().await;
    // It waits until the tools are known.
    assert_eq!(text_of(&client.call_tool("bad__go", "{}").await), "went");
    let (start, mut slowest, mut calls) = (Instant::now(), Duration::ZERO, 0);
    while start.elapsed() < Duration::from_secs(4) {
        let called = Instant::now();
        assert_eq!(text_of(&client.call_tool("bad__go", "{}").await), "went");
        slowest = slowest.max(called.elapsed());
        calls += 1;
    }
    stage.within(
        &format!("the slowest of {calls} calls"),
        slowest,
        Duration::from_secs(1),
    );
    // When nobody calls it is asked.
    let asked = "'bad' stderr: is asked for another list";
    stage.gateway.wait_for_log(asked, DEADLINE).await;
    stage.struck(format!("asked for a list that takes {takes} s"));
    stage.resume().await;
    client.close().await;
    stage.close().await;
}

#[tokio::test]
async fn f255_undeclared_lists_fail_by_chance() {
    let home = tempfile::tempdir().expect("a directory");
    let asked = home.path().join("asked");
    // The first time its tools come too late, the second time there is an error in their place.
    let tools = format!(
        r#"echo x >>'{0}'; case $(wc -l <'{0}') in
        *1) sleep 6; say "$list";;
        *2) say '"error":{{"code":-32603,"message":"no memory"}}';;
        *) say "$list";;
        esac"#,
        asked.display()
    );
    let bad = one_at_a_time(r#"{"prompts":{}}"#, &tools, "true");
    let options = || {
        GatewayOptions::new(configuration(std::slice::from_ref(&bad), &json!({}))).home(home.path())
    };
    let mut stage = Stage::early(255, options()).await;
    both::ready(&stage.gateway).await;
    stage.resume().await;
    let client = stage.client::<Sse>().await;
    until_listed(&client, "bad", "go").await;
    stage.struck("tools 6 s after they were asked for");
    stage
        .gateway
        .wait_for_log("answers tools/list late", DEADLINE)
        .await;
    stage.holds("a late list counts", true);
    let lines = stage.gateway.logs();
    let second = lines.iter().filter(|line| line.contains("a second time"));
    stage.at_most("answers called a second one", &second.count(), &0);
    client.close().await;
    stage.pause().await;
    assert!(stage.gateway.terminate().await.success());

    // It stands through a life that has an error for it, and is asked for again in the next.
    for life in [2, 3] {
        let next = Gateway::start(options()).await;
        stage.replace(next);
        both::ready(&stage.gateway).await;
        let client = stage.client::<Sse>().await;
        wait::until("its question", DEADLINE, async || {
            let asked = std::fs::read_to_string(&asked).ok()?;
            (asked.lines().count() == life).then_some(())
        })
        .await;
        let text = text_of(&client.call_tool("bad__go", "{}").await);
        stage.holds(
            "offered through an error, and asked for again",
            text == "went",
        );
        client.close().await;
        if life == 2 {
            assert!(stage.gateway.terminate().await.success());
        }
    }
    stage.resume().await;
    stage.close().await;
}
