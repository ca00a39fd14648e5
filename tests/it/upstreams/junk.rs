//! stdout that is not what it should be: what is no message is skipped, what is merely odd is taken.

use std::time::Duration;

use serde_json::json;

use super::{SOON, echo, logged, write_and_echo};
use crate::support::gateway::Gateway;
use crate::support::servers::{failed_text, fixture, serve_ready, text_of};

/// How often unusable lines of 'a' were spoken of.
fn notes(gateway: &Gateway) -> Vec<String> {
    logged(gateway, &["[WARN]", "'a'", "can't be used"])
}

#[tokio::test]
async fn every_way_to_spoil_lines_is_survived() {
    let ways: [&[&str]; 9] = [
        &["--banner"],
        &["--garbage"],
        &["--invalid-utf8"],
        &["--nul"],
        &["--blank-lines"],
        &["--bom"],
        &["--crlf"],
        &["--bom", "--banner", "--crlf"],
        &[
            "--garbage",
            "--invalid-utf8",
            "--nul",
            "--blank-lines",
            "--crlf",
        ],
    ];
    let name = |index: usize| format!("s{index}");
    let servers: Vec<_> = ways
        .iter()
        .enumerate()
        .map(|(index, flags)| fixture(&name(index), flags))
        .collect();
    let (gateway, client) = serve_ready(&servers).await;
    for (index, flags) in ways.iter().enumerate() {
        for n in 0..5 {
            echo(&client, &name(index), &format!("{flags:?} {n}")).await;
        }
    }
    client.call("ping", None, SOON).await;
    assert!(client.unclaimed().is_empty() && client.notifications().is_empty());
    // None of them had to be restarted for it.
    assert_eq!(logged(&gateway, &["started again"]), Vec::<String>::new());
}

#[tokio::test]
async fn what_is_merely_odd_is_not_spoken_of() {
    let flags = ["--blank-lines", "--bom", "--crlf"];
    let (gateway, client) = serve_ready(&[fixture("a", &flags)]).await;
    echo(&client, "a", "x").await;
    assert_eq!(notes(&gateway), Vec::<String>::new());
}

#[tokio::test]
async fn what_is_dropped_is_said_with_the_reason_and_the_id() {
    let servers = [fixture("a", &["--garbage"]), fixture("b", &["--wrong-id"])];
    let (gateway, client) = serve_ready(&servers).await;
    echo(&client, "b", "x").await;
    gateway
        .wait_for_log("is not a JSON-RPC message, expected value at line 1", SOON)
        .await;
    let stray = gateway.wait_for_log("which it was not asked", SOON);
    let stray = stray.await;
    assert!(stray.contains("Server 'b' answered request "), "{stray}");
}

#[tokio::test]
async fn junk_is_logged_once_in_ten_seconds_with_what_it_was() {
    let (gateway, client) = serve_ready(&[fixture("a", &["--garbage"]), fixture("b", &[])]).await;
    for n in 0..200 {
        echo(&client, "a", &n.to_string()).await;
    }
    gateway.wait_for_log("can't be used", SOON).await;
    let lines = notes(&gateway);
    assert!((1..=2).contains(&lines.len()), "{lines:#?}");
    assert!(lines[0].contains("[debug]"), "an excerpt: {lines:#?}");
    let mark = gateway.log_mark();
    let speaking = async {
        loop {
            echo(&client, "a", "more").await;
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let next = tokio::select! {
        () = speaking => unreachable!("it goes on for ever"),
        line = gateway.wait_for_log_after(mark, "can't be used", Duration::from_secs(20)) => line,
    };
    // How many there were in between: the next one says so, or a line of its own at the same time.
    let count = next
        .split_once(" more lines")
        .or_else(|| next.split_once(" others since"))
        .and_then(|(before, _)| before.rsplit([' ', '(']).next());
    let count: u32 = count.expect("a number of lines").parse().expect("a number");
    assert!(count >= 150, "{next}");
}

#[tokio::test]
async fn junk_of_any_shape_answers_nobody_and_spoils_nothing() {
    let (_gateway, client) = serve_ready(&[fixture("a", &[])]).await;
    for junk in [
        "plain text\n",
        "{\"level\":30,\"id\":$ID,\"msg\":\"a log line in JSON\"}\n",
        "$ID\n",
        "null\n",
        "[]\n",
        "[1,[],{\"jsonrpc\":\"2.0\",\"id\":1.5,\"result\":{}}]\n",
        "\"jsonrpc\"\n",
        "{}\n",
        "{\"jsonrpc\":\"2.0\"}\n",
        "{\"jsonrpc\":\"2.0\",\"method\":7}\n",
        "{\"jsonrpc\":\"2.0\",\"id\":1.5,\"result\":{}}\n",
        "{\"jsonrpc\":\"2.0\",\"id\":null,\"result\":{}}\n",
        "{\"jsonrpc\":\"2.0\",\"id\":{},\"error\":{}}\n",
        "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/unheard_of\",\"params\":{\"x\":1}}\n",
        "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\"}\n",
        "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":$ID}}\n",
        "{\"result\":\n",
        "\u{1b}[31mred\u{1b}[0m \u{feff}\n",
        "\0\0\0\n",
        "\r\r\r\n\n \t \n",
        "}{\n",
    ] {
        let answer = write_and_echo(&client, "a", junk).await;
        assert_eq!(text_of(&answer), "after", "{junk:?}");
    }
    // Of the only call in flight even this is certain.
    let unnamed = r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"what?"}}"#;
    let answer = write_and_echo(&client, "a", &format!("{unnamed}\n")).await;
    assert!(answer.contains("-32700"), "{answer}");
    client.call("ping", None, SOON).await;
    assert!(client.unclaimed().is_empty() && client.notifications().is_empty());
}

#[tokio::test]
async fn an_answer_that_cannot_be_used_fails_its_call_at_once() {
    let (_gateway, client) = serve_ready(&[fixture("a", &[])]).await;
    for spoiled in [
        // Not JSON: a bare NaN, a trailing comma, an unescaped tab.
        "{\"jsonrpc\":\"2.0\",\"id\":$ID,\"result\":{\"n\":NaN}}\n",
        "{\"jsonrpc\":\"2.0\",\"result\":{\"a\":1,},\"id\":$ID}\n",
        "{\"jsonrpc\":\"2.0\",\"id\":\"$ID\",\"result\":\"\t\"}\n",
        // An answer that says nothing, as Go leaves out what is nil.
        "{\"jsonrpc\":\"2.0\",\"id\":$ID}\n",
        // Not JSON-RPC 2.0.
        "{\"id\":$ID,\"result\":{}}\n",
        "{\"jsonrpc\":\"2.0\",\"id\":$ID,\"result\":{},\"error\":{}}\n",
        "{\"jsonrpc\":\"2.0\",\"id\":$ID,\"error\":\"just text\"}\n",
        "{\"jsonrpc\":\"2.0\",\"result\":{},\"id\":$ID,\"result\":{}}\n",
    ] {
        let arguments = json!({ "stdout": spoiled, "silent": true }).to_string();
        let text = failed_text(&client.call_tool("a__echo", &arguments).await);
        assert!(
            text.contains("'a'") && text.contains("can't be used"),
            "{spoiled}: {text}"
        );
    }
    echo(&client, "a", "goes on").await;
}

#[tokio::test]
async fn an_answer_in_pieces_is_whole_and_two_in_one_piece_are_two() {
    let (_gateway, client) = serve_ready(&[fixture("a", &[])]).await;
    // A second answer in the same write; the first counts.
    let both = "{\"jsonrpc\":\"2.0\",\"id\":$ID,\"result\":{\"content\":[],\"first\":1}}\n\
        {\"jsonrpc\":\"2.0\",\"id\":$ID,\"result\":{\"second\":2}}\n";
    let answer = write_and_echo(&client, "a", both).await;
    assert!(
        answer.ends_with(r#""result":{"content":[],"first":1}}"#),
        "{answer}"
    );
    // The beginning of a line now, its end with the next call's answer: that line is spoiled, and says whose it was.
    let start = "{\"jsonrpc\":\"2.0\",\"id\":$ID,\"result\":{\"content\":[],\"pieces\":";
    let arguments = json!({ "stdout": start, "silent": true }).to_string();
    let params = format!(r#"{{"name":"a__echo","arguments":{arguments}}}"#);
    let first = client.request("tools/call", Some(&params)).await;
    let end = json!({ "stdout": "1.10}}\n", "text": "second" }).to_string();
    let second = client.call_tool("a__echo", &end).await;
    assert_eq!(text_of(&second), "second");
    let first = client.wait_response(first, SOON).await;
    assert!(
        first.ends_with(r#""result":{"content":[],"pieces":1.10}}"#),
        "{first}"
    );
}
