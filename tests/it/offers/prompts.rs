//! Prompts: prefixed like tools, and otherwise as their servers say.

use super::{ask, list, offering, outcome, own_answer};
use crate::support::both::serve;
use crate::support::client::Transport;
use crate::support::servers::error_code;

on_both_transports!(
    prompts_are_merged_under_their_servers_names,
    a_definition_keeps_everything_but_its_name,
    a_prompt_is_got_from_its_server,
    an_unknown_prompt_is_an_error,
);

async fn prompts_are_merged_under_their_servers_names<T: Transport>() {
    let servers = [
        offering("b", &["--prompts=3"]),
        offering("a", &["--prompts=1", "--slow-start=300"]),
        offering("none", &["--without=prompts"]),
    ];
    let (_gateway, client) = serve::<T>(&servers).await;
    let names = list(&client, "prompts/list", "name").await;
    let wanted = ["b__prompt_0", "b__prompt_1", "b__prompt_2", "a__prompt_0"];
    assert_eq!(names, wanted);
}

async fn a_definition_keeps_everything_but_its_name<T: Transport>() {
    let (_gateway, client) = serve::<T>(&[offering("a", &[])]).await;
    let merged = ask(&client, "prompts/list", "{}").await;
    let own = own_answer("a", "prompts/list", "{}");
    let renamed = outcome(&own).replace(r#"{"name":"prompt"#, r#"{"name":"a__prompt"#);
    assert_ne!(renamed, outcome(&own));
    assert_eq!(outcome(&merged), renamed);
}

async fn a_prompt_is_got_from_its_server<T: Transport>() {
    let servers = [offering("a", &[]), offering("b", &[])];
    let (_gateway, client) = serve::<T>(&servers).await;
    for server in ["a", "b"] {
        let params = |name: &str| {
            format!(r#"{{"_meta":{{"x":1.10}},"name":"{name}","arguments":{{"topic":"\u00e9"}}}}"#)
        };
        let got = ask(
            &client,
            "prompts/get",
            &params(&format!("{server}__prompt_1")),
        )
        .await;
        let own = own_answer(server, "prompts/get", &params("prompt_1"));
        assert_eq!(outcome(&got), outcome(&own));
        let received = format!("{server}__received");
        let seen = super::drive(&client, &received, r#"{"method":"prompts/get"}"#).await;
        assert_eq!(seen, format!("[{}]", params("prompt_1")));
    }
}

async fn an_unknown_prompt_is_an_error<T: Transport>() {
    let (_gateway, client) = serve::<T>(&[offering("a", &[])]).await;
    for name in ["prompt_0", "a__none", "b__prompt_0", "", "a__echo"] {
        let params = format!(r#"{{"name":"{name}"}}"#);
        let answer = ask(&client, "prompts/get", &params).await;
        assert_eq!(error_code(&answer), -32602, "{name}: {answer}");
        assert!(answer.contains(name), "{answer}");
    }
    for params in ["{}", r#"{"name":7}"#, "[]"] {
        let answer = ask(&client, "prompts/get", params).await;
        assert_eq!(error_code(&answer), -32602, "{params}: {answer}");
    }
    // None of them has reached the server.
    let seen = super::drive(&client, "a__received", r#"{"method":"prompts/get"}"#).await;
    assert_eq!(seen, "[]");
}
