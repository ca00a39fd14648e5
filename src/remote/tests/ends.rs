//! What can go wrong with a remote server, and what is said of it.

use serde_json::json;

use super::*;
use crate::remote::{End, Unanswered, via};

const ERROR: &str = r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32000,"message":"Bad Request: No valid session ID provided"}}"#;

pub(super) async fn end(stage: &mut Stage) -> End {
    let next = stage.next().await;
    let Output::Ended(end) = next else {
        panic!("{next:?}")
    };
    end
}

pub(super) async fn unanswered(stage: &mut Stage) -> (u64, Unanswered) {
    let next = stage.next().await;
    let Output::Unanswered { id, why } = next else {
        panic!("{next:?}")
    };
    (id, why)
}

/// A stage where every call is answered so.
pub(super) async fn calls(answer: impl Fn() -> Say + Send + 'static) -> Stage {
    let mut stage = Stage::new(move |asked| match asked.method() {
        "tools/call" => answer(),
        _ => usual(asked),
    })
    .await;
    stage.begin().await;
    stage.ask(1, "tools/call", None);
    stage
}

#[tokio::test]
async fn who_does_not_let_in_is_unauthorized_and_who_wants_a_login_is_named() {
    let login = "www-authenticate: Bearer resource_metadata=\"https://x/.well-known\"\r\n";
    for (status, headers, words) in [
        ("401 Unauthorized", "", "does not let in (status 401)"),
        ("401 Unauthorized", login, "wants a login (status 401)"),
        ("403 Forbidden", "", "does not let in (status 403)"),
    ] {
        let mut stage = Stage::new(move |_| whole(status, headers, "k3y-of-all-doors")).await;
        stage.ask(0, "initialize", None);
        let End::Unauthorized(why) = end(&mut stage).await else {
            panic!("{status}")
        };
        assert!(why.starts_with(words) && !why.contains("k3y"), "{why}");
        if status.starts_with("403") {
            continue;
        }
        let mut stage = calls(move || whole(status, headers, "")).await;
        let (1, Unanswered::Refused(text)) = unanswered(&mut stage).await else {
            panic!("{status}")
        };
        assert_eq!(text, why);
        assert_eq!(end(&mut stage).await, End::Unauthorized(why));
    }
}

#[tokio::test]
async fn what_one_call_may_not_do_is_that_calls_error_alone() {
    let scope = "www-authenticate: Bearer error=\"insufficient_scope\"\r\n";
    let mut stage = calls(move || whole("403 Forbidden", scope, "more scope")).await;
    let refused = Unanswered::Refused("answers with status 403: more scope".to_owned());
    assert_eq!(unanswered(&mut stage).await, (1, refused));
    stage.ask(2, "tools/list", None);
    assert_eq!(stage.line().await["result"]["ok"], true);
}

#[tokio::test]
async fn a_session_that_is_gone_is_begun_anew_and_its_call_not_sent_again() {
    for (status, body) in [("404 Not Found", ""), ("400 Bad Request", ERROR)] {
        let mut stage = calls(move || whole(status, JSON, body)).await;
        let (1, Unanswered::Refused(_)) = unanswered(&mut stage).await else {
            panic!("{status}")
        };
        assert_eq!(end(&mut stage).await, End::Forgotten);
        assert!(!stage.remote.as_ref().unwrap().is_open());
    }
}

#[tokio::test]
async fn who_wants_to_be_left_alone_is() {
    let busy = |wait: &str| {
        whole(
            "429 Too Many Requests",
            &format!("retry-after: {wait}\r\n"),
            "",
        )
    };
    let mut stage = Stage::new(move |_| busy("7")).await;
    stage.ask(0, "initialize", None);
    let wait = Some(Duration::from_secs(7));
    let why = "answers with status 429 (asks to wait 7 s)".to_owned();
    assert_eq!(end(&mut stage).await, End::Failed { why, wait });
    let mut stage = Stage::new(move |_| busy("86400")).await;
    stage.ask(0, "initialize", None);
    let End::Failed { wait, .. } = end(&mut stage).await else {
        panic!("a failure")
    };
    assert_eq!(wait, Some(Duration::from_secs(300)));
    let mut stage = calls(move || busy("9")).await;
    let (_, Unanswered::Refused(text)) = unanswered(&mut stage).await else {
        panic!("a refusal")
    };
    assert_eq!(text, "answers with status 429 (asks to wait 9 s)");
    stage.ask(2, "ping", None);
    assert_eq!(stage.line().await["id"], 2, "the server goes on");
}

#[tokio::test]
async fn what_an_error_says_is_short_and_without_secrets() {
    let said = format!(
        "cannot POST /secret-path/mcp for k3y-of-all-doors hush-hush {}",
        "x".repeat(9000)
    );
    let mut stage = calls(move || whole("502 Bad Gateway", "", &said)).await;
    let (_, Unanswered::Refused(text)) = unanswered(&mut stage).await else {
        panic!("a refusal")
    };
    assert!(
        text.starts_with("answers with status 502: cannot POST /…/mcp for … … xxx"),
        "{text}"
    );
    assert!(text.len() < 500);
}

#[tokio::test]
async fn a_server_that_only_fails_is_one_that_has_ended() {
    let mut stage = calls(|| whole("500 Internal Server Error", "", "")).await;
    for id in 1..5 {
        assert_eq!(unanswered(&mut stage).await.0, id);
        stage.ask(id + 1, "tools/call", None);
    }
    assert_eq!(unanswered(&mut stage).await.0, 5);
    let why = "answers with status 500".to_owned();
    assert_eq!(end(&mut stage).await, End::Failed { why, wait: None });
}

#[tokio::test]
async fn what_could_not_be_sent_comes_back() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/mcp", listener.local_addr().unwrap());
    drop(listener);
    let place = Place {
        url: url.parse().unwrap(),
        headers: HeaderMap::new(),
        transport: Transport::Auto,
    };
    let (remote, mut output) = connected(place).await;
    remote
        .write(jsonrpc::request(1, "tools/call", None))
        .unwrap();
    let first = timeout(SOON, output.recv()).await.unwrap().unwrap();
    assert!(
        matches!(
            first,
            Output::Unanswered {
                id: 1,
                why: Unanswered::Unsent
            }
        ),
        "{first:?}"
    );
    let Some(Output::Ended(End::Failed { why, .. })) = timeout(SOON, output.recv()).await.unwrap()
    else {
        panic!("an end")
    };
    assert!(
        why.starts_with("cannot be reached: Connection refused"),
        "{why}"
    );
}

#[tokio::test]
async fn keys_go_to_no_other_server() {
    let to = |place: &'static str| move |_: &Asked| whole("307 Temporary Redirect", place, "");
    let mut stage = Stage::new(to("location: http://elsewhere.test:1/a?b\r\n")).await;
    stage.ask(0, "initialize", None);
    let End::Failed { why, .. } = end(&mut stage).await else {
        panic!("a failure")
    };
    assert!(
        why.starts_with("is somewhere else: status 307, at http://elsewhere.test:1;"),
        "{why}"
    );
    let mut stage = Stage::new(to("location: /round\r\n")).await;
    stage.ask(0, "initialize", None);
    let End::Failed { why, .. } = end(&mut stage).await else {
        panic!("a failure")
    };
    assert_eq!(why, "sends from one of its addresses to the next, and on");
}

#[tokio::test]
async fn a_body_without_an_end_is_read_to_the_limit() {
    let body = "x".repeat(1_100_000);
    for events in [false, true] {
        let data = body.clone();
        let mut stage = calls(move || {
            if events {
                super::events("", &format!("data: {data}"), true)
            } else {
                Say(format!("HTTP/1.1 200 OK\r\n{JSON}\r\n\"{data}"), true)
            }
        })
        .await;
        let (1, Unanswered::Lost(text)) = unanswered(&mut stage).await else {
            panic!("a loss")
        };
        assert_eq!(
            text,
            "sends a message with more than 1000000 bytes (max_line_bytes)"
        );
        stage.ask(2, "ping", None);
        assert_eq!(stage.line().await["id"], 2, "the server goes on");
    }
}

#[tokio::test]
async fn a_page_for_people_is_no_server() {
    let page = "content-type: text/html; charset=utf-8\r\n";
    let mut stage = Stage::new(move |_| whole("200 OK", page, "<html>")).await;
    stage.ask(0, "initialize", None);
    let End::Failed { why, .. } = end(&mut stage).await else {
        panic!("a failure")
    };
    assert!(
        why.starts_with("is no MCP server: it answers with a web page"),
        "{why}"
    );
}

#[tokio::test]
async fn a_server_that_is_this_gateway_itself_is_found() {
    let ours = via::answer().to_str().unwrap().to_owned();
    for (ours, by) in [(None, ":"), (Some(ours), ", by way of others:")] {
        let mut stage = Stage::new(move |asked| {
            let via = asked.header("mcproxy-via").unwrap_or_default();
            let said = ours.as_deref().unwrap_or(via);
            let behind = format!("{JSON}mcproxy-behind: 00000000000000aa,{said}\r\n");
            whole("200 OK", &behind, &asked.result(&json!({})))
        })
        .await;
        stage.ask(0, "initialize", None);
        let End::Loop(why) = end(&mut stage).await else {
            panic!("a loop")
        };
        let words = format!("is this gateway itself{by}");
        assert!(why.starts_with(&words), "{why}");
    }
}
