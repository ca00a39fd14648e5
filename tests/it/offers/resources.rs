//! Resources and templates under the URIs of their servers. What happens when two have the same is in
//! `uris.rs`.

use super::{ask, drive, list, offering, outcome, own_answer};
use crate::support::both::serve;
use crate::support::client::Transport;
use crate::support::servers::error_code;

on_both_transports!(
    resources_are_merged_under_their_own_uris,
    definitions_pass_byte_for_byte,
    a_resource_is_read_from_its_server,
    a_uri_of_a_template_is_read_from_its_server,
    an_unknown_uri_is_an_error,
    an_unlisted_uri_goes_to_whoever_has_others_like_it,
);

async fn resources_are_merged_under_their_own_uris<T: Transport>() {
    let servers = [
        offering("b", &["--resources=3"]),
        offering("a", &["--templates=2"]),
        offering("none", &["--without=resources"]),
    ];
    let (_gateway, client) = serve::<T>(&servers).await;
    let uris = list(&client, "resources/list", "uri").await;
    let wanted = [
        "b://text/0",
        "b://blob/1",
        "b://text/2",
        "a://text/0",
        "a://blob/1",
    ];
    assert_eq!(uris, wanted);
    let templates = list(&client, "resources/templates/list", "uriTemplate").await;
    let wanted = ["b://items0/{id}", "a://items0/{id}", "a://items1/{id}"];
    assert_eq!(templates, wanted);
}

async fn definitions_pass_byte_for_byte<T: Transport>() {
    let (_gateway, client) = serve::<T>(&[offering("a", &[])]).await;
    for method in ["resources/list", "resources/templates/list"] {
        let merged = ask(&client, method, "{}").await;
        assert_eq!(outcome(&merged), outcome(&own_answer("a", method, "{}")));
    }
}

async fn a_resource_is_read_from_its_server<T: Transport>() {
    let servers = [offering("a", &[]), offering("b", &[])];
    let (_gateway, client) = serve::<T>(&servers).await;
    for server in ["a", "b"] {
        for kind in ["text/0", "blob/1"] {
            let params = format!(r#"{{ "uri":"{server}:\/\/{kind}","x":[1.10]}}"#);
            let got = ask(&client, "resources/read", &params).await;
            let own = own_answer(server, "resources/read", &params);
            assert!(own.contains("contents"), "{own}");
            assert_eq!(outcome(&got), outcome(&own));
        }
    }
    let seen = drive(&client, "a__received", r#"{"method":"resources/read"}"#).await;
    assert_eq!(
        seen,
        r#"[{ "uri":"a:\/\/text/0","x":[1.10]},{ "uri":"a:\/\/blob/1","x":[1.10]}]"#
    );
}

async fn a_uri_of_a_template_is_read_from_its_server<T: Transport>() {
    let servers = [offering("a", &[]), offering("b", &["--resources=0"])];
    let (_gateway, client) = serve::<T>(&servers).await;
    for uri in ["b://items0/7", "b://items0/caf%C3%A9", "a://items0/x-y.z"] {
        let answer = ask(&client, "resources/read", &format!(r#"{{"uri":"{uri}"}}"#)).await;
        let server = &uri[..1];
        let text = format!(r#""text":"{server} {uri}""#);
        assert!(answer.contains(&text), "{answer}");
    }
}

async fn an_unknown_uri_is_an_error<T: Transport>() {
    let servers = [offering("a", &[]), offering("b", &[])];
    let (_gateway, client) = serve::<T>(&servers).await;
    for method in ["resources/read", "resources/subscribe"] {
        for uri in ["other://x", "", "mcproxy://c/a://text/0", "not a uri"] {
            let params = format!(r#"{{"uri":"{uri}"}}"#);
            let answer = ask(&client, method, &params).await;
            assert_eq!(error_code(&answer), -32002, "{method} {uri}: {answer}");
        }
        let answer = ask(&client, method, r#"{"uri":7}"#).await;
        assert_eq!(error_code(&answer), -32602, "{method}: {answer}");
        let seen = format!(r#"{{"method":"{method}"}}"#);
        for server in ["a__received", "b__received"] {
            assert_eq!(drive(&client, server, &seen).await, "[]");
        }
    }
}

/// Servers need not list all that they have.
async fn an_unlisted_uri_goes_to_whoever_has_others_like_it<T: Transport>() {
    let servers = [offering("a", &[]), offering("b", &[])];
    let (_gateway, client) = serve::<T>(&servers).await;
    let params = r#"{"uri":"b://hidden"}"#;
    let answer = ask(&client, "resources/read", params).await;
    assert!(
        answer.contains("Resource not found: b://hidden"),
        "{answer}"
    );
    let seen = drive(&client, "b__received", r#"{"method":"resources/read"}"#).await;
    assert_eq!(seen, format!("[{params}]"));
}
