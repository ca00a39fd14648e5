//! `{server}__{tool}`: the merged list, its order, and names that could be taken apart in two ways.

use std::time::Duration;

use serde_json::{Value, json};

use super::SOON;
use crate::support::gateway::Gateway;
use crate::support::servers::{bare, fixture, gateway, join, serve, text_of, tool_names};
use crate::support::wait;

const LIST: &str = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#;

/// What a server with these flags lists under the name `server`.
fn expected(server: &str, flags: &[&str]) -> Vec<String> {
    let own = bare(flags, &[LIST]).remove(0);
    let own = tool_names(&own);
    own.iter().map(|tool| format!("{server}__{tool}")).collect()
}

/// The lines of the log with `part`, as soon as there are `count`; what is logged comes a little later than
/// what is answered.
async fn logged(gateway: &Gateway, part: &str, count: usize) -> Vec<String> {
    wait::until(&format!("{count} lines about {part}"), SOON, async || {
        let mut lines = gateway.logs();
        lines.retain(|line| line.contains(part));
        (lines.len() >= count).then_some(lines)
    })
    .await
}

#[tokio::test]
async fn tools_are_listed_in_the_order_of_the_configuration_then_the_servers_own() {
    // The first of the file is the last to be ready, and the alphabet says otherwise.
    let slow = ["--tools", "3", "--slow-start", "700", "--name-prefix", "z"];
    let quick = ["--tools", "2", "--name-prefix", "b"];
    let (_gateway, client) = serve(&[
        fixture("mid", &slow),
        fixture("zeta", &quick),
        fixture("alpha", &[]),
    ])
    .await;
    let wanted = [
        expected("mid", &slow),
        expected("zeta", &quick),
        expected("alpha", &[]),
    ];
    let listed = client.call("tools/list", None, SOON).await;
    assert_eq!(tool_names(&listed), wanted.concat());
}

#[tokio::test]
async fn a_name_is_looked_up_and_never_split() {
    let (_gateway, client) = serve(&[
        fixture("a", &["--tools", "1", "--name-prefix", "b__c"]),
        fixture("a_b", &["--tools", "1", "--name-prefix", "c"]),
        fixture("snake_case-1", &["--tools", "1", "--name-prefix", "__"]),
        fixture("-", &["--tools", "1", "--name-prefix", "a__"]),
    ])
    .await;
    for (name, tool) in [
        ("a__b__c0", "b__c0"),
        ("a_b__c0", "c0"),
        ("snake_case-1____0", "__0"),
        ("-__a__0", "a__0"),
    ] {
        let answer = client.call_tool(name, "{}").await;
        assert_eq!(text_of(&answer), tool, "{name}");
    }
}

#[tokio::test]
async fn a_name_written_with_escapes_is_the_same_name() {
    let (_gateway, client) = serve(&[fixture("a", &[])]).await;
    let answer = client
        .call_tool(r"\u0061__ech\u006F", r#"{"text":"hi"}"#)
        .await;
    assert_eq!(text_of(&answer), "hi");
}

/// `a` + `_x0` and `a_` + `x0` are both `a___x0`: it has the longer prefix, so it is `a_`'s.
fn colliding() -> [Value; 2] {
    [
        fixture("a", &["--tools", "1", "--name-prefix", "_x"]),
        fixture("a_", &["--tools", "1", "--name-prefix", "x"]),
    ]
}

#[tokio::test]
async fn a_name_with_two_prefixes_goes_to_the_longer_one_and_is_logged_once() {
    let [shorter, longer] = colliding();
    for servers in [[shorter.clone(), longer.clone()], [longer, shorter]] {
        let gateway = gateway(&servers).await;
        let client = join(&gateway).await;
        let listed = client.call("tools/list", None, SOON).await;
        let times = tool_names(&listed)
            .iter()
            .filter(|name| *name == "a___x0")
            .count();
        assert_eq!(times, 1, "{listed}");
        assert_eq!(text_of(&client.call_tool("a___x0", "{}").await), "x0");
        // The set is merged anew: nothing more is said of what was said already.
        client
            .call_tool("a__set_tools", r#"{"names":["_x0","more"]}"#)
            .await;
        client
            .call_tool("a___set_tools", r#"{"names":["x0","more"]}"#)
            .await;
        for _ in 0..2 {
            client
                .next_notification("notifications/tools/list_changed", SOON)
                .await;
            if text_or_error(&client.call_tool("a___more", "{}").await).is_some() {
                break;
            }
        }
        let lines = logged(&gateway, "'a___x0'", 1).await;
        assert_eq!(lines.len(), 1, "{lines:#?}");
        assert!(lines[0].contains("[WARN"), "{lines:#?}");
    }
}

fn text_or_error(answer: &str) -> Option<String> {
    (!answer.contains(r#""error":"#)).then(|| text_of(answer))
}

#[tokio::test]
async fn a_name_over_64_characters_is_logged_once_and_offered_all_the_same() {
    let prefix = "n".repeat(61);
    // `s__` + 61 + one digit is 65.
    let flags = ["--tools", "1", "--name-prefix", &prefix];
    let (gateway, client) = serve(&[fixture("s", &flags), fixture("s_", &[])]).await;
    let name = format!("s__{prefix}0");
    assert_eq!(name.len(), 65);
    let listed = client.call("tools/list", None, SOON).await;
    assert!(tool_names(&listed).contains(&name));
    let answer = client.call_tool(&name, "{}").await;
    assert_eq!(text_of(&answer), format!("{prefix}0"));

    // 49 leave room for what clients put in front.
    let fits = "f".repeat(46);
    let names = json!({ "names": [format!("{prefix}0"), fits] }).to_string();
    client.call_tool("s__set_tools", &names).await;
    client
        .next_notification("notifications/tools/list_changed", SOON)
        .await;
    client.call_tool(&format!("s__{fits}"), "{}").await;
    let lines = logged(&gateway, &name, 1).await;
    assert_eq!(lines.len(), 1, "{lines:#?}");
    let lines = logged(&gateway, &fits, 0).await;
    assert!(lines.is_empty(), "49 characters are fine: {lines:#?}");
}

#[tokio::test]
async fn a_name_that_is_too_long_and_taken_is_logged_for_both() {
    let long = "l".repeat(70);
    let under = format!("_{long}");
    let (gateway, client) = serve(&[
        fixture("a", &["--tools", "1", "--name-prefix", &under]),
        fixture("a_", &["--tools", "1", "--name-prefix", &long]),
    ])
    .await;
    client.call("tools/list", None, SOON).await;
    let lines = logged(&gateway, &format!("'a___{long}0'"), 2).await;
    assert_eq!(lines.len(), 2, "{lines:#?}");
}

#[tokio::test]
async fn an_unknown_name_is_an_error_and_reaches_nobody() {
    let flags = ["--tools", "1", "--name-prefix", "b__c"];
    // Of two, since what one alone has is found by its own name.
    let (_gateway, client) = serve(&[fixture("a", &flags), fixture("c", &[])]).await;
    client.call("tools/list", None, SOON).await;
    for name in [
        "echo",
        "a__nothing",
        "b__echo",
        "a__",
        "__echo",
        "a_echo",
        "A__echo",
        "a__b",
        "a__echo ",
        "",
    ] {
        let answer = client.call_tool(name, "{}").await;
        let answer: Value = serde_json::from_str(&answer).expect("JSON");
        assert_eq!(answer["error"]["code"], -32602, "{name:?}: {answer}");
        let text = answer["error"]["message"].as_str().expect("a message");
        assert!(text.contains("Unknown tool"), "{name:?}: {text}");
        assert!(text.contains(name), "{name:?}: {text}");
    }
    // What a server with this name itself would say is told apart.
    let own = client.call_tool("a__raw", "{}").await;
    assert!(text_of(&own).contains(r#""name":"raw""#));
}

#[tokio::test]
async fn params_without_a_usable_name_are_an_error() {
    let (_gateway, client) = serve(&[fixture("a", &[])]).await;
    for params in [
        "{}",
        r#"{"name":7}"#,
        r#"{"name":null}"#,
        r#"{"arguments":{"name":"a__echo"}}"#,
        r#"{"name":"a__echo","name":"a__pid"}"#,
        r#"["a__echo"]"#,
    ] {
        let answer = client
            .call("tools/call", Some(params), Duration::from_secs(5))
            .await;
        assert!(answer.contains(r#""code":-32602"#), "{params}: {answer}");
    }
}
