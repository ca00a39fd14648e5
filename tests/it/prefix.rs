//! `prefix`: what is before the names of a server's tools and prompts. Default its own name, `""` for bare names,
//! or another; over both transports.

#![cfg(test)]

use serde_json::{Value, json};

use crate::support::both::serve;
use crate::support::client::{Client, DEADLINE, Transport};
use crate::support::servers::{failed_text, fixture, text_of, tool_names};
use crate::support::wait;

on_both_transports!(
    names_are_under_the_prefix,
    a_collision_goes_to_the_first_of_the_configuration,
    a_bare_name_with_anothers_prefix_is_left_out,
    errors_and_loggers_name_the_server,
);

/// An entry with a prefix and two tools of its own.
fn prefixed(name: &str, prefix: &str, flags: &[&str]) -> Value {
    let mut entry = fixture(name, flags);
    entry["prefix"] = json!(prefix);
    entry
}

async fn prompts<T: Transport>(client: &Client<T>) -> Vec<String> {
    let answer = client.call("prompts/list", None, DEADLINE).await;
    let readable = answer.replace("1e400", "1");
    let parsed: Value = serde_json::from_str(&readable).expect("JSON");
    let prompts = parsed["result"]["prompts"].as_array().expect("a list");
    let name = |prompt: &Value| prompt["name"].as_str().expect("a name").to_owned();
    prompts.iter().map(name).collect()
}

async fn names_are_under_the_prefix<T: Transport>() {
    let marked = |name: &'static str| ["--offers", "--marker", name];
    let servers = [
        prefixed("one", "", &marked("one")),
        prefixed("two", "my-2", &marked("two")),
        fixture("three", &marked("three")),
    ];
    let (_gateway, client) = serve::<T>(&servers).await;
    let tools = tool_names(&client.call("tools/list", None, DEADLINE).await);
    for (name, marker) in [
        ("pid", "one"),
        ("my-2__pid", "two"),
        ("three__pid", "three"),
    ] {
        assert!(tools.contains(&name.to_owned()), "{name}: {tools:?}");
        let said = text_of(&client.call_tool(name, "{}").await);
        assert!(said.contains(&format!(r#""marker":"{marker}""#)), "{said}");
    }
    assert!(
        !tools
            .iter()
            .any(|name| name.starts_with("one__") || name.starts_with("two__"))
    );
    let wanted = [
        "prompt_0",
        "prompt_1",
        "my-2__prompt_0",
        "my-2__prompt_1",
        "three__prompt_0",
        "three__prompt_1",
    ];
    assert_eq!(prompts(&client).await, wanted);
    for (name, marker) in [("prompt_1", "one"), ("my-2__prompt_0", "two")] {
        let params = format!(r#"{{"name":"{name}"}}"#);
        let got = client.call("prompts/get", Some(&params), DEADLINE).await;
        assert!(got.contains(&format!(r#""text":"{marker} "#)), "{got}");
    }
    for gone in ["two__pid", "one__pid", "__pid"] {
        let answer = client.call_tool(gone, "{}").await;
        assert!(answer.contains("Unknown tool"), "{gone}: {answer}");
    }
}

async fn a_collision_goes_to_the_first_of_the_configuration<T: Transport>() {
    for (first, second) in [("a", "b"), ("b", "a")] {
        let entry = |name: &'static str| {
            let extra = if name == "a" { "from_a_" } else { "from_b_" };
            let flags = [
                "--offers",
                "--marker",
                name,
                "--tools=1",
                "--name-prefix",
                extra,
            ];
            prefixed(name, "", &flags)
        };
        let (gateway, client) = serve::<T>(&[entry(first), entry(second)]).await;
        let tools = tool_names(&client.call("tools/list", None, DEADLINE).await);
        assert_eq!(tools.iter().filter(|name| *name == "pid").count(), 1);
        for own in ["from_a_0", "from_b_0"] {
            assert_eq!(text_of(&client.call_tool(own, "{}").await), own);
        }
        let said = text_of(&client.call_tool("pid", "{}").await);
        assert!(said.contains(&format!(r#""marker":"{first}""#)), "{said}");
        assert_eq!(prompts(&client).await, ["prompt_0", "prompt_1"]);
        let loser = format!("of server '{second}' is left out of the tools");
        let holder = format!("server '{first}' has the name already");
        wait::until("a word in the log", DEADLINE, async || {
            let mut lines = gateway.logs();
            lines.retain(|line| line.contains(&loser) && line.contains(&holder));
            lines
                .iter()
                .any(|line| line.contains("[WARN"))
                .then_some(())
        })
        .await;
    }
}

async fn a_bare_name_with_anothers_prefix_is_left_out<T: Transport>() {
    let flags = ["--tools=1", "--name-prefix=b__echo_"];
    let servers = [prefixed("a", "", &flags), fixture("b", &[])];
    let (_gateway, client) = serve::<T>(&servers).await;
    let answer = client.call_tool("b__echo_0", "{}").await;
    assert!(answer.contains("Unknown tool"), "{answer}");
    let answer = client.call_tool("b__echo", r#"{"text":"b"}"#).await;
    assert_eq!(text_of(&answer), "b");
    let answer = client.call_tool("echo", r#"{"text":"a"}"#).await;
    assert_eq!(text_of(&answer), "a");
}

async fn errors_and_loggers_name_the_server<T: Transport>() {
    let (_gateway, client) = serve::<T>(&[prefixed("one", "", &["--offers"])]).await;
    client
        .call_tool("log", r#"{"text":"x","logger":"db"}"#)
        .await;
    let message = client
        .next_notification("notifications/message", DEADLINE)
        .await;
    assert!(message.contains(r#""logger":"one/db""#), "{message}");
    let text = failed_text(&client.call_tool("exit", r#"{"code":1}"#).await);
    assert!(text.contains("'one'"), "{text}");
}
