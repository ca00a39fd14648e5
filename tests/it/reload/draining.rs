//! Calls in flight when their server is changed, removed, or removed and wanted again.

use std::time::Duration;

use tokio::time::Instant;

use super::{Bench, PATIENCE, gone, marked, processes, server, server_with, started};
use crate::support::gateway::Gateway;
use crate::support::wait;

const SLEPT: &str = r#"{"type":"text","text":"slept"}"#;

impl Bench {
    /// A call that takes so long; it is with its server when this returns.
    async fn sleep(&self, server: &str, time: Duration) -> u64 {
        let ms = time.as_millis();
        let params = format!(
            r#"{{"name":"{server}__sleep","arguments":{{"ms":{ms},"steps":10}},"_meta":{{"progressToken":"s"}}}}"#
        );
        let id = self.client.request("tools/call", Some(&params)).await;
        self.client
            .next_notification("notifications/progress", PATIENCE)
            .await;
        id
    }
}

#[tokio::test]
async fn a_removed_server_finishes_its_calls() {
    let bench = Bench::start(&["stays", "goes"]).await;
    let process = bench.process("goes");
    let call = bench.sleep("goes", Duration::from_secs(3)).await;
    bench.save(&[server("stays")], "+0 ~0 -1 (goes) =1").await;
    let late = bench.client.call_tool("goes__echo", "{}").await;
    assert!(late.contains("Unknown tool: goes__echo"), "{late}");
    assert!(process.is_alive(), "it has a call to finish");
    let answer = bench.client.wait_response(call, PATIENCE).await;
    assert!(answer.contains(SLEPT), "{answer}");
    gone(&process, PATIENCE).await;
}

#[tokio::test]
async fn a_call_that_does_not_finish_in_time_gets_an_error() {
    let bench = Bench::start(&["stays", "goes"]).await;
    let process = bench.process("goes");
    let call = bench.sleep("goes", Duration::from_secs(120)).await;
    let since = Instant::now();
    bench.save(&[server("stays")], "+0 ~0 -1 (goes) =1").await;
    let answer = bench.client.wait_response(call, PATIENCE).await;
    let took = since.elapsed();
    assert!(answer.contains(r#""isError":true"#), "{answer}");
    assert!(answer.contains("server 'goes'"), "{answer}");
    let (least, most) = (Duration::from_secs(5), Duration::from_secs(10));
    assert!(least < took && took < most, "{took:?}");
    gone(&process, PATIENCE).await;
}

#[tokio::test]
async fn calls_that_arrive_meanwhile_are_answered_by_the_successor() {
    let bench = Bench::start(&["tool"]).await;
    let old = bench.process("tool");
    let running = bench.sleep("tool", Duration::from_secs(3)).await;
    let changed = server_with("tool", r#", "env": { "LIFE": "second" }"#);
    bench.save(&[changed], "+0 ~1 (tool: env) -0 =0").await;
    assert!(old.is_alive(), "it has a call to finish");
    let mut parked = Vec::new();
    for _ in 0..5 {
        let params = r#"{"name":"tool__env","arguments":{}}"#;
        parked.push(bench.client.request("tools/call", Some(params)).await);
    }
    let answer = bench.client.wait_response(running, PATIENCE).await;
    assert!(answer.contains(SLEPT), "{answer}");
    for call in parked {
        let answer = bench.client.wait_response(call, PATIENCE).await;
        assert!(answer.contains("second"), "{answer}");
    }
    gone(&old, PATIENCE).await;
    assert_ne!(bench.process("tool").pid, old.pid);
}

#[tokio::test]
async fn what_is_wanted_again_while_it_drains_comes_back() {
    let bench = Bench::start(&["stays", "tool"]).await;
    let old = bench.process("tool");
    let running = bench.sleep("tool", Duration::from_secs(3)).await;
    bench.save(&[server("stays")], "+0 ~0 -1 (tool) =1").await;
    let mark = bench
        .save(&[server("stays"), server("tool")], "+1 (tool) ~0 -0 =1")
        .await;
    assert!(old.is_alive(), "it has a call to finish");
    assert!(bench.list().await.contains(r#""tool__echo""#));
    let never_two = never_two(&bench.gateway, "tool", async {
        let answer = bench.client.wait_response(running, PATIENCE).await;
        assert!(answer.contains(SLEPT), "{answer}");
        started(&bench.gateway, mark, "tool").await;
    });
    let params = r#"{"name":"tool__echo","arguments":{"text":"parked"}}"#;
    let parked = bench.client.request("tools/call", Some(params)).await;
    never_two.await;
    let answer = bench.client.wait_response(parked, PATIENCE).await;
    assert!(answer.contains("parked"), "{answer}");
    gone(&old, PATIENCE).await;
    assert_ne!(bench.process("tool").pid, old.pid);
}

#[tokio::test]
async fn the_last_of_many_changes_during_one_drain_counts() {
    let bench = Bench::start(&["tool"]).await;
    let old = bench.process("tool");
    let running = bench.sleep("tool", Duration::from_secs(3)).await;
    let second = marked("tool", "second", "");
    let third = marked("tool", "third", "");
    let summary = "+0 ~1 (tool: args) -0 =0";
    bench.save(&[second], summary).await;
    let mark = bench.save(&[third], summary).await;
    let answer = bench.client.wait_response(running, PATIENCE).await;
    assert!(answer.contains(SLEPT), "{answer}");
    gone(&old, PATIENCE).await;
    started(&bench.gateway, mark, "tool").await;
    let said = bench.asked("tool").await;
    assert!(said.contains(r#"\"marker\":\"third\""#), "{said}");
    assert_eq!(super::lines_after(&bench.gateway, mark, "started").len(), 1);
}

/// Does `step` while it watches that the server never has two processes.
async fn never_two(gateway: &Gateway, name: &str, step: impl Future<Output = ()>) {
    let watching = wait::until::<()>("never", PATIENCE * 2, async || {
        let processes = processes(gateway, name);
        assert!(processes.len() < 2, "{processes:?}");
        None
    });
    tokio::select! {
        () = watching => {}
        () = step => {}
    }
}
