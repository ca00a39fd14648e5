//! Clients that ask for 2026-07-28 first, where they are to begin with `initialize`, and what they see of
//! both eras at one address. What a request must say of itself is tested against the whole program.

use super::mcp_clients::{Client, TAKES, request};
use super::*;

const LATEST: &str = "2025-11-25";
const META: &str = r#"{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}"#;

/// A request of this era as bytes, with more header lines.
fn modern(method: &str, headers: &str) -> String {
    let headers =
        format!("{TAKES}MCP-Protocol-Version: 2026-07-28\r\nMcp-Method: {method}\r\n{headers}");
    request("POST", &headers, &body(method))
}

fn body(method: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":"probe-1","method":"{method}","params":{{"_meta":{META}}}}}"#)
}

/// The id and the code of an error.
fn error(reply: &Reply) -> (String, i64) {
    let error: serde_json::Value = serde_json::from_str(&reply.body).unwrap();
    let code = error["error"]["code"].as_i64().unwrap();
    (error["id"].to_string(), code)
}

#[tokio::test]
async fn where_it_is_not_offered_the_question_for_it_has_the_answer_that_all_clients_take() {
    let server = Server::start().await;
    let client = Client::open(&server, LATEST).await;
    let discover = modern("server/discover", "");
    let asked = [
        discover.clone(),
        discover.replace(" /mcp ", " /sse "),
        discover.replace(" /mcp ", " /metamcp/x/mcp "),
        modern(
            "server/discover",
            &format!("Mcp-Session-Id: {}\r\n", client.id),
        ),
    ];
    // Whether the rest of it is served or not.
    for modern in [true, false] {
        let discover = false;
        server
            .serving
            .send_replace(model::Serving { modern, discover });
        for request in &asked {
            let reply = server.ask(request).await;
            let seen = (reply.status, error(&reply));
            assert_eq!(
                seen,
                (400, ("\"probe-1\"".to_owned(), -32601)),
                "{modern} {request}"
            );
            assert!(reply.body.contains("'initialize'"), "{}", reply.body);
        }
    }
    // Without its headers too, which may have got lost on the way.
    let bare = request("POST", TAKES, &body("server/discover"));
    let reply = server.ask(&bare).await;
    assert_eq!((reply.status, error(&reply).1), (400, -32601));
}

#[tokio::test]
async fn where_it_is_not_served_clients_are_told_what_is() {
    let server = Server::start().await;
    let client = Client::open(&server, LATEST).await;
    let nothing = model::Serving {
        modern: false,
        discover: false,
    };
    server.serving.send_replace(nothing);
    for request in [
        modern("tools/list", ""),
        modern("tools/list", &format!("Mcp-Session-Id: {}\r\n", client.id)),
        modern("tools/list", "").replace("2026-07-28\r\n", "2027-01-01\r\n"),
    ] {
        let reply = server.ask(&request).await;
        assert_eq!(
            (reply.status, error(&reply)),
            (400, ("\"probe-1\"".to_owned(), -32600))
        );
        for version in ["2024-11-05", "2025-03-26", "2025-06-18", LATEST] {
            assert!(reply.body.contains(version), "{}", reply.body);
        }
    }
    // What a body says beside is nothing to the session that it is for.
    let answered = client.post(&body("ping")).await;
    assert_eq!(answered.status, 200, "{}", answered.body);
    // In a session without the header it is one more unknown method.
    let unknown = client.post(&body("server/discover")).await;
    assert_eq!((unknown.status, error(&unknown).1), (200, -32601));
}

#[tokio::test]
async fn on_a_stream_of_the_older_transport_it_is_an_unknown_method() {
    let server = Server::start().await;
    let (mut stream, path) = server.open_sse().await;
    assert_eq!(
        server.post(&path, &body("server/discover")).await.status,
        202
    );
    let answer = stream.read_until("\n\n").await;
    assert!(
        answer.contains("-32601") && answer.contains("probe-1"),
        "{answer}"
    );
}

#[tokio::test]
async fn a_page_may_send_the_headers_that_its_requests_need() {
    let server = Server::start().await;
    let origin = strangers::LISTED_ORIGINS[0];
    let preflight = format!(
        "OPTIONS /mcp HTTP/1.1\r\nHost: localhost\r\nOrigin: {origin}\r\n\
         Access-Control-Request-Method: POST\r\n\
         Access-Control-Request-Headers: content-type,mcp-param-region, Mcp-Param-X,x-other,mcp-param-\u{e9}\r\n\r\n"
    );
    let reply = server.ask(&preflight).await;
    let lines = reply.head.lines().filter_map(|line| line.split_once(": "));
    let allowed =
        lines.filter(|(name, _)| name.eq_ignore_ascii_case("access-control-allow-headers"));
    let allowed: Vec<&str> = allowed.flat_map(|(_, names)| names.split(", ")).collect();
    for name in ["mcp-method", "mcp-name", "mcp-param-region", "mcp-param-x"] {
        assert!(allowed.contains(&name), "{name}: {allowed:?}");
    }
    assert!(!allowed.contains(&"x-other"), "{allowed:?}");
    assert_eq!(allowed.len(), 12, "{allowed:?}");
}

/// Before a server that never comes up.
async fn hurried() -> Server {
    let limits = model::Limits {
        keepalive_interval: Duration::from_millis(50),
        ..model::Limits::default()
    };
    let times = Times {
        stream_after: Duration::from_millis(20),
        ..Times::default()
    };
    Server::bounded(&["late"], limits, times).await
}

#[tokio::test]
async fn an_answer_that_takes_long_comes_on_a_stream_that_cannot_be_resumed() {
    let server = hurried().await;
    let mut stream = server.connect().await;
    stream.send(&modern("tools/list", "")).await;
    let head = stream.read_until("\r\n\r\n").await.to_ascii_lowercase();
    for line in [
        "http/1.1 200 ok\r\n",
        "\r\ncontent-type: text/event-stream\r\n",
        "\r\nx-accel-buffering: no\r\n",
    ] {
        assert!(head.contains(line), "{line:?} is missing in {head}");
    }
    assert!(!head.contains("mcp-session-id"), "{head}");
    let mut said = stream.read_until(": keepalive\n\n").await;
    for _ in 0..2 {
        said += &stream.read_until(": keepalive\n\n").await;
    }
    for word in ["id:", "retry:", "data:"] {
        assert!(!said.contains(word), "{word}: {said}");
    }
}
