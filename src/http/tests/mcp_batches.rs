//! Batches, which revision 2025-03-26 alone has.

use super::mcp_clients::{Client, TAKES, initialize, list};
use super::*;
use serde_json::{Value, json};

const TOLD: &str = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;

fn ids(reply: &Reply) -> Value {
    let answers: Vec<Value> = serde_json::from_str(&reply.body).unwrap();
    answers.iter().map(|answer| answer["id"].clone()).collect()
}

#[tokio::test]
async fn one_answer_to_a_batch_is_a_batch() {
    let server = Server::start().await;
    let client = Client::open(&server, "2025-03-26").await;
    let reply = client.post(&format!("[{TOLD}, {PING}]")).await;
    assert_eq!((reply.status, reply.body), (200, format!("[{PONG}]")));
    // What is no message has an answer of its own.
    let reply = client
        .post(&format!(r#"[{{"id":8,"method":"x"}},{PING},7]"#))
        .await;
    assert_eq!((reply.status, ids(&reply)), (200, json!([8, null, 1])));
    let reply = client.post(&format!("[7,{TOLD}]")).await;
    assert_eq!((reply.status, ids(&reply)), (200, json!([null])));
    let reply = client.post(&format!("[{TOLD},{TOLD}]")).await;
    assert_eq!((reply.status, reply.body.as_str()), (202, ""));
}

#[tokio::test]
async fn several_answers_come_on_a_stream() {
    let server = Server::start().await;
    let client = Client::open(&server, "2025-03-26").await;
    let other = PING.replace('1', "2");
    let mut stream = client.stream(&format!("[{PING},7,{other}]")).await;
    let text = stream.read_until("\r\n0\r\n\r\n").await;
    for answer in [PONG, &PONG.replace("\"id\":1", "\"id\":2"), "\"id\":null"] {
        assert!(text.contains(answer), "{answer} is missing in {text}");
    }
    assert_eq!(text.matches("data: {").count(), 3, "{text}");
}

#[tokio::test]
async fn a_batch_of_a_session_that_ends_is_answered() {
    let server = Server::before(&["late"], |_| {}).await;
    let client = Client::open(&server, "2025-03-26").await;
    let mut connection = server.connect().await;
    let body = format!("[{},{}]", list(5), list(6));

    connection.send(&client.request("POST", TAKES, &body)).await;
    assert_eq!(client.post(PING).await.body, PONG);
    let delete = client.request("DELETE", "", "");
    assert_eq!(server.ask(&delete).await.status, 200);
    let reply = connection.reply().await;
    assert_eq!((reply.status, ids(&reply)), (200, json!([5, 6])));
}

#[tokio::test]
async fn what_is_no_batch_is_refused_as_a_whole() {
    let server = Server::start().await;
    let client = Client::open(&server, "2025-03-26").await;
    let many = |count: usize| format!("[{}]", vec![TOLD; count].join(","));
    for (body, status, code) in [
        ("[]", 400, -32600),
        ("[", 400, -32700),
        (&format!("[{PING},"), 400, -32700),
        (
            &format!("[{PING},{}]", initialize("2025-03-26")),
            400,
            -32600,
        ),
        (&many(101), 400, -32600),
    ] {
        let reply = client.post(body).await;
        assert_eq!(
            (reply.status, reply.error_code()),
            (status, code),
            "{body:.80}"
        );
    }
    assert_eq!(client.post(&many(100)).await.status, 202);
    for version in ["2024-11-05", "2025-06-18", "2025-11-25"] {
        let client = Client::open(&server, version).await;
        let reply = client.post(&format!("[{PING}]")).await;
        assert_eq!(
            (reply.status, reply.error_code()),
            (400, -32600),
            "{version}"
        );
        assert!(reply.body.contains("batches"), "{}", reply.body);
    }
}

/// Over HTTP+SSE the answers come on the stream, so that a batch is taken whole or not at all.
#[tokio::test]
async fn a_batch_over_sse_is_taken_whole_or_not_at_all() {
    let server = Server::start().await;
    let (mut stream, path) = server.open_sse().await;
    assert_eq!(server.post(&path, &format!("[{PING}]")).await.status, 400);
    let first = server.post(&path, &initialize("2025-03-26")).await;
    assert_eq!(first.status, 202);
    // Not waiting for the answer: what was posted before has been read by then.
    let many = vec![TOLD; 101].join(",");
    for (body, text) in [
        (format!("[{PING},7]"), "-32600"),
        (format!("[{PING},{}]", initialize("2025-11-25")), "alone"),
        (format!("[{many}]"), "-32600"),
        ("[]".to_owned(), "-32600"),
        (format!("[{PING}"), "-32700"),
    ] {
        let reply = server.post(&path, &body).await;
        assert_eq!(reply.status, 400, "{body:.99}");
        assert!(reply.body.contains(text), "{}", reply.body);
    }
    let other = PING.replace('1', "2");
    let reply = server.post(&path, &format!("[{TOLD},{other}]")).await;
    assert_eq!(reply.status, 202);
    let heard = stream.read_until("\"id\":2,\"result\"").await;
    assert!(
        heard.contains("\"2025-03-26\"") && !heard.contains(PONG),
        "{heard}"
    );
}
