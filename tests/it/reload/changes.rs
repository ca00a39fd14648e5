//! What a save changes, and what it must not touch.

use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};

use super::{
    Bench, PATIENCE, SOON, applied, file, gone, lines_after, marked, server, server_with, started,
};
use crate::support::gateway::GatewayOptions;

const LIST_CHANGED: &str = "notifications/tools/list_changed";

#[tokio::test]
async fn only_what_changed_is_touched_and_one_line_says_so() {
    let others = ["a", "b", "c", "d", "e", "f", "g"];
    let github = |token: &str| {
        let fields = format!(r#", "env": {{ "GITHUB_TOKEN": "{token}" }}"#);
        server_with("github", &fields)
    };
    let mut entries: Vec<String> = others.iter().map(|name| server(name)).collect();
    entries.insert(3, github("first"));
    let mut names = others.to_vec();
    names.push("github");
    let bench = Bench::boot(GatewayOptions::new(file(&entries)), &names).await;
    let before: Vec<_> = others.iter().map(|name| bench.process(name)).collect();
    let changed = bench.process("github");

    entries[3] = github("second");
    entries.push(server("fetch"));
    let mark = bench
        .save(&entries, "+1 (fetch) ~1 (github: env) -0 =7")
        .await;
    started(&bench.gateway, mark, "github").await;
    started(&bench.gateway, mark, "fetch").await;
    let after: Vec<_> = others.iter().map(|name| bench.process(name)).collect();
    assert_eq!(after, before);
    assert_ne!(bench.process("github").pid, changed.pid);
    let env = bench.client.call_tool("github__env", "{}").await;
    assert!(env.contains("second") && !env.contains("first"), "{env}");
    assert_eq!(lines_after(&bench.gateway, mark, "reload: ").len(), 1);
}

#[tokio::test]
async fn every_field_that_differs_is_named() {
    let bench = Bench::start(&["one", "two"]).await;
    let all = r#", "env": {"A": "b"}, "cwd": "/", "timeout": 31, "call_timeout": 7, "inherit_env": true,
        "prefix": "1", "isolation": "session", "roots": ["file:///"],
        "protocol": "legacy", "start": "on-demand""#;
    let entries = [marked("one", "else.", all), server("two")];
    bench
        .save(
            &entries,
            "+0 ~1 (one: args env cwd inherit_env timeout call_timeout prefix isolation roots protocol start) -0 =1",
        )
        .await;
}

#[tokio::test]
async fn the_client_is_told_of_a_changed_list_and_gets_it() {
    let bench = Bench::start(&["one"]).await;
    assert!(!bench.list().await.contains("two__echo"));
    bench
        .save(&[server("one"), server("two")], "+1 (two) ~0 -0 =1")
        .await;
    bench.client.next_notification(LIST_CHANGED, PATIENCE).await;
    let list = bench.list().await;
    assert!(list.contains(r#""one__echo""#) && list.contains(r#""two__echo""#));
    bench.save(&[server("two")], "+0 ~0 -1 (one) =1").await;
    bench.client.next_notification(LIST_CHANGED, PATIENCE).await;
    let list = bench.list().await;
    assert!(!list.contains(r#""one__echo""#) && list.contains(r#""two__echo""#));
    let answer = bench.client.call_tool("one__echo", "{}").await;
    assert!(answer.contains("Unknown tool: one__echo"), "{answer}");
}

#[tokio::test]
async fn another_order_is_another_list_and_nothing_else() {
    let bench = Bench::start(&["a", "b", "c"]).await;
    let before = ["a", "b", "c"].map(|name| bench.process(name));
    let order = |list: &str| {
        let at = |name: &str| list.find(&format!(r#""{name}__echo""#)).unwrap();
        let mut names = ["a", "b", "c"];
        names.sort_by_key(|name| at(name));
        names.concat()
    };
    assert_eq!(order(&bench.list().await), "abc");
    let mark = bench.gateway.log_mark();
    bench
        .gateway
        .write_config(&file(&[server("c"), server("a"), server("b")]));
    bench.client.next_notification(LIST_CHANGED, SOON).await;
    assert_eq!(order(&bench.list().await), "cab");
    assert_eq!(["a", "b", "c"].map(|name| bench.process(name)), before);
    assert!(lines_after(&bench.gateway, mark, "started").is_empty());
}

#[tokio::test]
async fn an_empty_list_stops_all() {
    let bench = Bench::start(&["one", "two"]).await;
    let before = [bench.process("one"), bench.process("two")];
    bench
        .reload(
            || bench.gateway.write_config("[]"),
            "+0 ~0 -2 (one, two) =0",
            SOON,
        )
        .await;
    for process in &before {
        gone(process, PATIENCE).await;
    }
    assert!(bench.list().await.contains(r#""tools":[]"#));
    assert!(bench.gateway.children().is_empty());
    bench.save(&[server("one")], "+1 (one) ~0 -0 =0").await;
    bench.assert_answers("one").await;
}

#[tokio::test]
async fn a_disabled_server_stops_and_an_enabled_one_starts() {
    let bench = Bench::start(&["one", "two"]).await;
    let (one, two) = (bench.process("one"), bench.process("two"));
    for off in [r#", "enabled": false"#, r#", "disabled": true"#] {
        let running = bench.process("two");
        bench
            .save(
                &[server("one"), server_with("two", off)],
                "+0 ~0 -1 (two) =1",
            )
            .await;
        gone(&running, PATIENCE).await;
        let mark = bench
            .save(&[server("one"), server("two")], "+1 (two) ~0 -0 =1")
            .await;
        started(&bench.gateway, mark, "two").await;
        bench.assert_answers("two").await;
    }
    assert_eq!(bench.process("one"), one);
    assert_ne!(bench.process("two").pid, two.pid);
}

#[tokio::test]
async fn a_hundred_saves_in_ten_seconds_are_few_reloads() {
    let bench = Bench::start(&["stays", "busy"]).await;
    let before = bench.process("stays");
    let mark = bench.gateway.log_mark();
    let mut tick = interval(Duration::from_millis(100));
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    for number in 1..=100 {
        tick.tick().await;
        let busy = marked("busy", &format!("save-{number}"), "");
        bench.gateway.rename_config(&file(&[server("stays"), busy]));
    }
    let last = |said: String| said.contains(r#"\"marker\":\"save-100\""#).then_some(());
    support::wait::until("the last file", PATIENCE, async || {
        last(bench.asked("busy").await)
    })
    .await;
    let reloads = lines_after(&bench.gateway, mark, "reload: ");
    assert!((1..=20).contains(&reloads.len()), "{reloads:#?}");
    for line in &reloads {
        assert!(line.ends_with("+0 ~1 (busy: args) -0 =1"), "{line}");
    }
    assert_eq!(bench.process("stays"), before);
    assert!(lines_after(&bench.gateway, mark, "[ERROR]").is_empty());
}

#[tokio::test]
async fn sighup_tries_at_once_what_is_down() {
    let failing = server_with("down", "").replace("--marker", "--exit-at-start=3\", \"--marker");
    let entries = [server("up"), failing];
    let bench = Bench::boot(GatewayOptions::new(file(&entries)), &["up"]).await;
    let up = bench.process("up");
    for spoilt in [false, true] {
        bench
            .gateway
            .wait_for_log_after(
                bench.gateway.log_mark(),
                "'down' is started again",
                PATIENCE,
            )
            .await;
        let mark = bench.gateway.log_mark();
        bench
            .gateway
            .wait_for_log_after(mark, "failure 4 in a row", PATIENCE)
            .await;
        if spoilt {
            bench.gateway.write_config("{");
            bench
                .gateway
                .wait_for_log_after(mark, "[ERROR]", SOON)
                .await;
        }
        // The ladder starts over, which nothing else makes it do.
        let mark = bench
            .reload(|| bench.gateway.sighup(), "+0 ~0 -0 =2", SOON)
            .await;
        bench
            .gateway
            .wait_for_log_after(mark, "(failure 1 in a row)", SOON)
            .await;
    }
    assert_eq!(bench.process("up"), up);
}

#[tokio::test]
async fn a_change_tries_at_once_what_is_down() {
    let missing = r#"{ "name": "tool", "command": "/nowhere/tool" }"#.to_owned();
    let bench = Bench::boot(GatewayOptions::new(file(&[missing])), &[]).await;
    bench
        .gateway
        .wait_for_log("failure 2 in a row", PATIENCE)
        .await;
    let mark = bench.gateway.log_mark();
    bench.gateway.write_config(&file(&[server("tool")]));
    applied(
        &bench.gateway,
        mark,
        "+0 ~1 (tool: command args) -0 =0",
        SOON,
    )
    .await;
    started(&bench.gateway, mark, "tool").await;
    bench.assert_answers("tool").await;
}
