//! Lines over the limit of 64 MiB: the call learns it, the next one works, the memory is given back.

use std::time::Duration;

use serde_json::json;

use super::{SOON, echo, logged};
use crate::support::proc;
use crate::support::servers::{failed_text, fixture, serve_ready};
use crate::support::wait;

const MIB: u64 = 1 << 20;
/// The limit on a line, in MiB.
const LIMIT: u64 = 64;
/// An unoptimised build copies 70 MiB, beside other tests.
const LONG: Duration = Duration::from_secs(120);

#[tokio::test]
async fn a_line_over_the_limit_fails_its_call_and_the_memory_is_given_back() {
    let (gateway, client) = serve_ready(&[fixture("a", &[]), fixture("b", &[])]).await;
    echo(&client, "a", "before").await;
    let pss = || proc::pss(gateway.pid()).expect("it runs");
    let before = pss();
    for id_last in [false, true] {
        let arguments = json!({ "bytes": (LIMIT + 6) * MIB, "id_last": id_last });
        let params = format!(r#"{{"name":"a__huge","arguments":{arguments}}}"#);
        let call = client.call("tools/call", Some(&params), LONG);
        let mut peak = before;
        let watch = async {
            loop {
                peak = peak.max(pss());
                echo(&client, "b", "meanwhile").await;
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let answer = tokio::select! {
            answer = call => answer,
            () = watch => unreachable!("it goes on for ever"),
        };
        let text = failed_text(&answer);
        assert!(text.contains("'a'") && text.contains("too long"), "{text}");
        let grown = peak.saturating_sub(before) / MIB;
        assert!(grown <= 2 * LIMIT, "{grown} MiB more at the peak");
        echo(&client, "a", "after").await;
        wait::until("the memory to be given back", SOON, async || {
            (pss() < before + 16 * MIB).then_some(())
        })
        .await;
    }
    assert_eq!(logged(&gateway, &["started again"]), Vec::<String>::new());
    let line = gateway.wait_for_log("too long", SOON).await;
    assert!(line.contains("[WARN]") && line.contains("'a'"), "{line}");
}

/// As long as a line may be, or nearly: it passes, and costs no more than a copy or two for the moment.
#[tokio::test]
async fn a_line_under_the_limit_passes_and_the_memory_is_given_back() {
    let (gateway, client) = serve_ready(&[fixture("a", &[])]).await;
    echo(&client, "a", "before").await;
    let pss = || proc::pss(gateway.pid()).expect("it runs");
    let before = pss();
    let bytes = (LIMIT - 1) * MIB;
    let params = format!(r#"{{"name":"a__huge","arguments":{{"bytes":{bytes}}}}}"#);
    let answer = client.call("tools/call", Some(&params), LONG).await;
    assert!(answer.len() as u64 > bytes, "{answer:.300}");
    assert!(!answer.contains("isError"));
    drop(answer);
    client.close_posts(); // about to be closed by the gateway: they have been idle for long
    echo(&client, "a", "after").await;
    wait::until("the memory to be given back", SOON, async || {
        (pss() < before + 16 * MIB).then_some(())
    })
    .await;
}

/// It never ends: nobody may wait for its end.
#[tokio::test]
async fn a_line_without_end_costs_no_memory() {
    let script = r#"while read -r line; do case $line in
        *'"initialize"'*) echo '{"jsonrpc":"2.0","id":0,"result":{"protocolVersion":"2025-11-25","capabilities":{"tools":{}},"serverInfo":{"name":"e","version":"1"}}}';;
        *tools/list*) echo '{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"go","inputSchema":{"type":"object"}}]}}';;
        *tools/call*) exec cat /dev/zero;;
    esac; done"#;
    let endless = json!({
        "name": "e", "command": "/bin/sh", "args": ["-c", script], "call_timeout": 4,
    });
    let (gateway, client) = serve_ready(&[endless, fixture("b", &[])]).await;
    let before = proc::pss(gateway.pid()).expect("it runs");
    let call = client.call("tools/call", Some(r#"{"name":"e__go"}"#), LONG);
    let mut peak = before;
    let watch = async {
        loop {
            peak = peak.max(proc::pss(gateway.pid()).expect("it runs"));
            echo(&client, "b", "by").await;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let answer = tokio::select! {
        answer = call => answer,
        () = watch => unreachable!("it goes on for ever"),
    };
    // Nothing in it tells whose answer it is: the call times out.
    let text = failed_text(&answer);
    assert!(text.contains("call_timeout"), "{text}");
    let grown = peak.saturating_sub(before) / MIB;
    assert!(grown <= 2 * LIMIT, "{grown} MiB more at the peak");
}
