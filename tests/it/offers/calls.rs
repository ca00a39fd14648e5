//! What every routed request has, whatever its method: progress, cancellation, an answer when its server is
//! down, and errors for what nobody knows.

use super::{SOON, ask, drive, offering, settle};
use crate::support::both::serve;
use crate::support::client::{Client, Transport};
use crate::support::servers::{error_code, failed_text};
use crate::support::wait;

const READ: &str = r#"{"uri":"a://text/0"}"#;
const GET: &str = r#"{"name":"a__prompt_0"}"#;

on_both_transports!(
    a_server_that_is_down_is_an_error_at_once,
    any_request_can_be_cancelled,
    a_token_is_replaced_in_any_request,
    unknown_methods_and_notifications_have_their_rule,
);

async fn a_server_that_is_down_is_an_error_at_once<T: Transport>() {
    let servers = [offering("a", &["--exit-after=0"]), offering("b", &[])];
    let (_gateway, client) = serve::<T>(&servers).await;
    // After a few in a row it is down for a second or more.
    for _ in 0..3 {
        failed_text(&client.call_tool("a__echo", "{}").await);
    }
    for (method, params) in [
        ("prompts/get", GET),
        ("resources/read", READ),
        ("resources/subscribe", READ),
        (
            "completion/complete",
            r#"{"ref":{"type":"ref/prompt","name":"a__prompt_0"},"argument":{"name":"x","value":""}}"#,
        ),
    ] {
        let answer = ask(&client, method, params).await;
        assert_eq!(error_code(&answer), -32000, "{method}: {answer}");
        assert!(answer.contains("'a'"), "{method}: {answer}");
    }
    let answer = ask(&client, "prompts/get", r#"{"name":"b__prompt_0"}"#).await;
    assert!(answer.contains("result"), "{answer}");
}

/// Posts a request under the id 77 that its server does not answer.
async fn hang<T: Transport>(client: &Client<T>, method: &str, params: &str) {
    let json = format!(r#"{{"jsonrpc":"2.0","id":77,"method":"{method}","params":{params}}}"#);
    client.send(&json).await;
}

async fn any_request_can_be_cancelled<T: Transport>() {
    let hung = ["--hang-on=prompts/get", "--hang-on=resources/read"];
    let (_gateway, client) = serve::<T>(&[offering("a", &hung)]).await;
    for (count, (method, params)) in [("prompts/get", GET), ("resources/read", READ)]
        .into_iter()
        .enumerate()
    {
        hang(&client, method, params).await;
        let got = format!(r#"{{"method":"{method}"}}"#);
        wait::until("the request", SOON, async || {
            (drive(&client, "a__received", &got).await != "[]").then_some(())
        })
        .await;
        let cancel = r#"{"requestId":77,"reason":"\u0041"}"#;
        client.notify("notifications/cancelled", Some(cancel)).await;
        wait::until("its cancellation", SOON, async || {
            let seen = drive(&client, "a__received_cancels", "{}").await;
            (seen.matches(r#""reason":"\u0041""#).count() > count).then_some(())
        })
        .await;
    }
    settle(&client).await;
    assert_eq!(client.unclaimed(), Vec::<String>::new());
}

async fn a_token_is_replaced_in_any_request<T: Transport>() {
    let (_gateway, client) = serve::<T>(&[offering("a", &[])]).await;
    let params = r#"{"uri":"a://text/0","_meta":{"progressToken":"mine","x":1.10}}"#;
    ask(&client, "resources/read", params).await;
    let seen = drive(&client, "a__received", r#"{"method":"resources/read"}"#).await;
    let start = r#"[{"uri":"a://text/0","_meta":{"progressToken":"#;
    let token = seen
        .strip_prefix(start)
        .and_then(|seen| seen.strip_suffix(r#","x":1.10}}]"#));
    let token = token.unwrap_or_else(|| panic!("more than the token: {seen}"));
    assert!(token.parse::<u64>().is_ok(), "{seen}");
}

async fn unknown_methods_and_notifications_have_their_rule<T: Transport>() {
    let (_gateway, client) = serve::<T>(&[offering("a", &[])]).await;
    for method in [
        "server/discover",
        "tasks/list",
        "tasks/get",
        "prompts/nothing",
        "subscriptions/listen",
        "roots/list",
        "",
    ] {
        let answer = ask(&client, method, "{}").await;
        assert_eq!(error_code(&answer), -32601, "{method}: {answer}");
    }
    for method in ["notifications/unheard-of", "notifications/message", "x"] {
        client.notify(method, Some(r#"{"n":1e400}"#)).await;
        let seen = drive(
            &client,
            "a__received",
            &format!(r#"{{"method":"{method}"}}"#),
        )
        .await;
        assert_eq!(seen, "[]", "{method}");
    }
    // What a server announces that nobody knows is not passed on.
    let unknown = r#"{"method":"notifications/unheard-of","params":{"x":1}}"#;
    drive(&client, "a__notify", unknown).await;
    settle(&client).await;
    assert_eq!(client.notifications(), Vec::<String>::new());
}
