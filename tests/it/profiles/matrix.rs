//! Each token at each address, by each way in: what it is shown, and that the rest is not there.

use std::collections::BTreeSet;

use super::*;
use crate::support::client::{SseClient, SseOptions};
use crate::support::modern::{Ask, ModernClient};
use crate::support::servers::error_code;

/// What a client is shown; nothing if it is not let in.
type Shown = Option<(&'static [&'static str], bool)>;

const ALL: Shown = Some((&["office", "play"], true));
const OFFICE: Shown = Some((&["office"], false));
const KIDS: Shown = Some((&["play"], false));

/// What each address shows to who is not pinned, to `anna` and to `bob`.
const ADDRESSES: [(&str, [Shown; 3]); 7] = [
    ("/mcp", [ALL, KIDS, OFFICE]),
    ("/p/kids/mcp", [KIDS, KIDS, KIDS]),
    ("/p/office/mcp", [OFFICE, None, OFFICE]),
    ("/p/none/mcp", [None, None, None]),
    ("/metamcp/kids/mcp", [KIDS, KIDS, KIDS]),
    ("/metamcp/office/mcp", [OFFICE, None, OFFICE]),
    ("/metamcp/none/mcp", [None, None, None]),
];

#[tokio::test]
async fn each_token_is_shown_its_own_at_each_address_by_each_way() {
    let home = tempfile::tempdir().expect("a directory");
    let gateway = guarded(home.path(), &two()).await;
    let mut refusals = BTreeSet::new();
    for (path, shown) in ADDRESSES {
        for (token, expected) in [FREE, ANNA, BOB].into_iter().zip(shown) {
            let what = format!("{path} {token}");
            let expected = expected.map(|(servers, has_abort)| (servers.to_vec(), has_abort));
            // With a session, as a bearer and with MetaMCP's header.
            let found = match begin(&gateway, path, token).await {
                Ok(endpoint) => Some(ask(&endpoint, token, "tools/list", "{}").await.1),
                Err(refused) => {
                    assert_eq!(refused.status, 404, "{what}");
                    refusals.insert(refused.text());
                    None
                }
            };
            assert_eq!(found.as_deref().map(super::shown), expected, "{what}");
            let hello = initialize(1, "2025-11-25", "{}");
            let by_key = Endpoint::at(gateway.addr(), path);
            let by_key = by_key.post_with(&[("x-api-key", token)], &hello).await;
            assert_eq!(by_key.status() == 200, expected.is_some(), "{what}");
            // Without one.
            let modern = ModernClient::new(gateway.addr()).at(path).with_token(token);
            let (status, list) = modern.answer(&Ask::new("tools/list", "{}")).await;
            if expected.is_none() {
                assert_eq!(status, 404, "{what}");
                refusals.insert(list);
            } else {
                assert_eq!(Some(super::shown(&list)), expected, "{what}");
            }
            // Over HTTP+SSE.
            let sse = format!("{}/sse", path.trim_end_matches("/mcp"));
            assert_eq!(
                over_sse(&gateway, &sse, token).await,
                expected,
                "{sse} {token}"
            );
        }
        let (status, _) = ModernClient::new(gateway.addr())
            .at(path)
            .answer(&Ask::new("tools/list", "{}"))
            .await;
        assert_eq!(status, 401, "{path} without a token");
    }
    let refusals: BTreeSet<String> = refusals.into_iter().map(|text| words(&text)).collect();
    assert_eq!(
        refusals.len(),
        1,
        "unknown and forbidden are one: {refusals:?}"
    );
    assert_eq!(gateway.children().len(), 2, "one process for each server");
}

/// The words of an error.
fn words(answer: &str) -> String {
    let answer: Value = serde_json::from_str(answer).expect("JSON");
    answer["error"]["message"]
        .as_str()
        .expect("words")
        .to_owned()
}

async fn over_sse(gateway: &Gateway, path: &str, token: &str) -> Option<(Vec<&'static str>, bool)> {
    let headers = [("authorization", &*bearer(token))];
    let options = SseOptions {
        headers: &headers,
        path,
        ..SseOptions::default()
    };
    let client = match SseClient::try_connect(gateway.addr(), &options).await {
        Ok(client) => client,
        Err(refused) => {
            assert!(refused.to_string().contains("404"), "{refused}");
            return None;
        }
    };
    let (base, _) = path.rsplit_once('/').expect("a path");
    assert!(client.endpoint().starts_with(base), "{}", client.endpoint());
    client.initialize().await;
    let list = client.call("tools/list", None, SOON).await;
    Some(shown(&list))
}

/// What kids are not shown, and the error's code.
const HIDDEN: [(&str, &str, i64); 8] = [
    (
        "tools/call",
        r#"{"name":"office__echo","arguments":{}}"#,
        -32602,
    ),
    (
        "tools/call",
        r#"{"name":"play__abort","arguments":{}}"#,
        -32602,
    ),
    ("prompts/get", r#"{"name":"office__prompt_0"}"#, -32602),
    ("prompts/get", r#"{"name":"play__prompt_0"}"#, -32602),
    // The only server that is shown is asked.
    ("resources/read", r#"{"uri":"office://text/0"}"#, -32002),
    (
        "resources/read",
        r#"{"uri":"mcproxy://Office/office://text/0"}"#,
        -32002,
    ),
    (
        "resources/subscribe",
        r#"{"uri":"mcproxy://Office/office://text/0"}"#,
        -32002,
    ),
    (
        "completion/complete",
        r#"{"ref":{"type":"ref/prompt","name":"play__prompt_0"},"argument":{"name":"a","value":""}}"#,
        -32602,
    ),
];

#[tokio::test]
async fn what_is_not_shown_is_not_there() {
    let home = tempfile::tempdir().expect("a directory");
    let gateway = guarded(home.path(), &two()).await;
    let kids = begin(&gateway, "/mcp", ANNA).await.expect("anna's own");
    let all = begin(&gateway, "/mcp", FREE).await.expect("everything");
    let modern = ModernClient::new(gateway.addr())
        .at("/p/kids/mcp")
        .with_token(FREE);
    for (method, params, code) in HIDDEN {
        let (_, answer) = ask(&kids, ANNA, method, params).await;
        assert_eq!(error_code(&answer), code, "{method} {params}: {answer}");
        let unknown = params
            .replace("office", "offcie")
            .replace("play__", "paly__")
            .replace("play__abort", "paly__abort");
        let (_, unknown) = ask(&kids, ANNA, method, &unknown).await;
        let as_unknown = words(&unknown)
            .replace("offcie", "office")
            .replace("paly", "play");
        assert_eq!(
            words(&answer),
            as_unknown,
            "in the words for what nobody offers"
        );
        if method != "resources/subscribe" {
            let (_, answer) = modern.answer(&Ask::new(method, params)).await;
            assert!(answer.contains(r#""error""#), "{method} {params}: {answer}");
        }
    }
    for (method, member) in [
        ("prompts/list", "prompts"),
        ("resources/list", "resources"),
        ("resources/templates/list", "resourceTemplates"),
    ] {
        let (_, answer) = ask(&kids, ANNA, method, "{}").await;
        assert!(!answer.contains("office"), "{method}: {answer:.300}");
        assert!(answer.contains(member), "{answer:.300}");
        let (_, answer) = ask(&all, FREE, method, "{}").await;
        assert!(answer.contains("office"), "{method}: {answer:.300}");
    }
    let (_, answer) = ask(
        &kids,
        ANNA,
        "tools/call",
        r#"{"name":"play__echo","arguments":{"text":"hi"}}"#,
    )
    .await;
    assert!(answer.contains("hi"), "{answer}");
}

#[tokio::test]
async fn who_is_pinned_is_not_shown_the_gateway() {
    let home = tempfile::tempdir().expect("a directory");
    let gateway = guarded(home.path(), &two()).await;
    for (path, free, pinned) in [
        ("/status", 200, 404),
        ("/metrics", 200, 404),
        ("/", 200, 404),
        ("/healthz", 200, 200),
        ("/nothing", 404, 404),
        ("/p/kids/status", 404, 404),
    ] {
        for (token, expected) in [(FREE, free), (ANNA, pinned)] {
            let headers = [("authorization", &*bearer(token))];
            let answer = http::request(gateway.addr(), "GET", path, &headers, b"").await;
            assert_eq!(answer.status, expected, "{path} {token}");
        }
    }
}
