//! How often a server is asked that gives reason to ask again.

use serde_json::json;
use tokio::time::Instant;

use super::*;
use crate::remote::End;
use crate::remote::streams::pause;

const SECOND: Duration = Duration::from_secs(1);
const NOTE: &str = "id: 1\nretry: 0\ndata: {\"n\":1}\n\n";

#[test]
fn a_stream_that_ends_soon_is_opened_ever_more_rarely_whatever_the_server_says() {
    let (soon, late, most) = (Duration::ZERO, 10 * SECOND, 8 * SECOND);
    let mut last = Duration::ZERO;
    for seconds in [1, 2, 4, 8, 8] {
        last = pause(last, soon, Some(Duration::ZERO), most);
        assert_eq!(last, seconds * SECOND);
    }
    assert_eq!(pause(last, late, None, most), SECOND);
    assert_eq!(pause(last, soon, Some(30 * SECOND), most), 30 * SECOND);
    assert_eq!(pause(last, late, Some(3 * SECOND), most), 3 * SECOND);
    assert_eq!(pause(last, late, Some(900 * SECOND), most), 60 * SECOND);
}

/// When the third stream is asked for, counted from the first.
async fn third(stage: &Stage) -> Duration {
    stage.asked(1, Asked::is_get).await;
    let first = Instant::now();
    stage.asked(3, Asked::is_get).await;
    first.elapsed()
}

#[tokio::test]
async fn a_server_that_has_its_stream_opened_again_at_once_has_no_storm() {
    let mut stage = Stage::new(|asked| {
        if asked.is_get() {
            events("", NOTE, false)
        } else {
            usual(asked)
        }
    })
    .await;
    stage.begin().await;
    let third = third(&stage).await;
    assert!(third > 2 * SECOND, "{third:?}");
}

#[tokio::test]
async fn a_server_that_has_an_answer_resumed_at_once_has_no_storm() {
    let mut stage = Stage::new(
        |asked| match (asked.method(), asked.header("last-event-id")) {
            ("tools/call", _) | (_, Some(_)) => events("", NOTE, false),
            _ => usual(asked),
        },
    )
    .await;
    stage.begin().await;
    stage.ask(1, "tools/call", None);
    stage.asked(2, Asked::is_get).await;
    let resumed = Instant::now();
    stage.asked(4, Asked::is_get).await;
    assert!(resumed.elapsed() > 2 * SECOND, "{:?}", resumed.elapsed());
}

#[tokio::test]
async fn a_stream_that_is_refused_for_a_while_is_asked_for_again() {
    for (status, headers) in [
        ("503 No", ""),
        ("502 No", ""),
        ("429 No", "retry-after: 2\r\n"),
    ] {
        let turn = std::sync::atomic::AtomicUsize::new(0);
        let mut stage = Stage::new(move |asked| {
            if !asked.is_get() {
                return usual(asked);
            }
            match turn.fetch_add(1, std::sync::atomic::Ordering::Relaxed) {
                0 => whole(status, headers, ""),
                _ => events("", &event(r#"{"n":2}"#), true),
            }
        })
        .await;
        let begun = Instant::now();
        stage.begin().await;
        assert_eq!(stage.line().await, json!({"n": 2}), "{status}");
        assert!(headers.is_empty() || begun.elapsed() > 2 * SECOND);
    }
}

#[tokio::test]
async fn a_stream_that_asks_for_a_key_all_at_once_ends_the_life() {
    let turn = std::sync::atomic::AtomicUsize::new(0);
    let mut stage = Stage::new(move |asked| {
        if !asked.is_get() {
            return usual(asked);
        }
        match turn.fetch_add(1, std::sync::atomic::Ordering::Relaxed) {
            0 => events("", NOTE, false),
            _ => whole("401 Unauthorized", "", ""),
        }
    })
    .await;
    stage.begin().await;
    stage.line().await;
    let end = stage.next().await;
    assert!(
        matches!(end, Output::Ended(End::Unauthorized(_))),
        "{end:?}"
    );
}

#[tokio::test]
async fn a_server_that_takes_no_answers_has_few_connections_for_them_and_none_of_its_calls() {
    let is_answer = |asked: &Asked| !asked.message["result"].is_null();
    let mut stage = Stage::new(move |asked| {
        if is_answer(asked) {
            Say(String::new(), true)
        } else {
            usual(asked)
        }
    })
    .await;
    stage.begin().await;
    for _ in 0..60 {
        stage.write(Bytes::from_static(
            br#"{"jsonrpc":"2.0","id":1,"result":{}}"#,
        ));
    }
    stage.asked(8, is_answer).await;
    stage.ask(7, "ping", None);
    assert_eq!(stage.line().await["id"], 7);
    assert_eq!(stage.asked(8, is_answer).await.len(), 8);
}

#[tokio::test]
async fn a_stream_of_comments_keeps_nobody_busy_and_its_events_come() {
    let noise = ":\n".repeat(512 * 1024);
    let mut stage = Stage::new(move |asked| match asked.method() {
        "tools/call" => {
            let answer = event(&asked.result(&json!(7)));
            events("", &format!("{noise}{answer}"), false)
        }
        _ => usual(asked),
    })
    .await;
    stage.begin().await;
    let begun = Instant::now();
    stage.ask(1, "tools/call", None);
    assert_eq!(stage.line().await["result"], 7);
    assert!(begun.elapsed() > SECOND / 2, "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_server_that_only_announces_an_answer_keeps_nobody_busy_and_is_given_up() {
    let small = "HTTP/1.1 103 Early Hints\r\n\r\n";
    let field = format!("x-field: {}\r\n", "x".repeat(3800));
    let large = format!("HTTP/1.1 103 Early Hints\r\n{}\r\n", field.repeat(90));
    for answer in [small.repeat(10_000), large] {
        is_given_up_after(answer).await;
    }
}

async fn is_given_up_after(answer: String) {
    use std::io::{Read as _, Write as _};

    // Beside the runtime: it writes while its client reads.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let writer = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        assert!(stream.read(&mut [0; 4096]).unwrap() > 0);
        let mut written = 0;
        while stream.write_all(answer.as_bytes()).is_ok() {
            written += answer.len();
        }
        written
    });
    let place = Place {
        url: format!("http://{address}/mcp").parse().unwrap(),
        headers: HeaderMap::new(),
        transport: Transport::Auto,
    };
    let (remote, mut output) = connected(place).await;
    remote
        .write(jsonrpc::request(0, "initialize", Some(b"{}")))
        .unwrap();
    let said = timeout(SOON, output.recv()).await.unwrap().unwrap();
    let Output::Ended(End::Failed { why, .. }) = said else {
        panic!("{said:?}")
    };
    assert!(why.contains("1xx"), "{why}");
    drop(remote);
    let written = writer.join().unwrap();
    assert!(written < 32 << 20, "{written} bytes were read");
}
