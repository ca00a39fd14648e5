//! The demo server as a client sees it, on a paused clock; its pipes on memory.

use std::io::{self, BufRead, BufReader, Cursor, PipeReader, PipeWriter, Read, Write};
use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use super::server::serve;
use super::{FAREWELL, read_lines, serve_pipes};

struct Client {
    lines: Option<Sender<Bytes>>,
    answers: Receiver<Bytes>,
    server: JoinSet<()>,
}

impl Client {
    fn new() -> Self {
        let (lines, input) = channel(64);
        let (output, answers) = channel(64);
        let mut server = JoinSet::new();
        server.spawn(serve(input, output));
        Self {
            lines: Some(lines),
            answers,
            server,
        }
    }

    async fn initialized(revision: &str) -> Self {
        let mut client = Self::new();
        let params = json!({
            "protocolVersion": revision, "capabilities": {},
            "clientInfo": { "name": "test", "version": "1" },
        });
        let answer = client.request(json!("init"), "initialize", params).await;
        assert_eq!(answer["id"], "init");
        assert_eq!(answer["result"]["protocolVersion"], revision);
        assert_eq!(answer["result"]["serverInfo"]["name"], "mcproxy-demo");
        let ready = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
        client.send(&ready).await;
        client
    }

    async fn send(&self, message: &Value) {
        self.send_raw(&message.to_string()).await;
    }

    async fn send_raw(&self, line: &str) {
        let lines = self.lines.as_ref().unwrap();
        lines.send(line.to_owned().into()).await.unwrap();
    }

    async fn next(&mut self) -> Value {
        let limit = Duration::from_secs(700);
        let line = timeout(limit, self.answers.recv()).await.unwrap().unwrap();
        assert!(!line.contains(&b'\n'));
        serde_json::from_slice(&line).unwrap()
    }

    async fn request(&mut self, id: Value, method: &str, params: Value) -> Value {
        let message = json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params });
        self.send(&message).await;
        self.next().await
    }

    async fn start_call(&self, id: u64, name: &str, arguments: Value, meta: Value) {
        let params = json!({ "name": name, "arguments": arguments, "_meta": meta });
        let message =
            json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params });
        self.send(&message).await;
    }

    async fn call(&mut self, name: &str, arguments: Value) -> Value {
        self.start_call(7, name, arguments, json!({})).await;
        let answer = self.next().await;
        assert_eq!(answer["id"], 7);
        answer["result"].clone()
    }

    async fn failed_call(&mut self, name: &str, arguments: Value) -> String {
        let result = self.call(name, arguments).await;
        assert_eq!(result["isError"], true, "{result}");
        result["content"][0]["text"].as_str().unwrap().to_owned()
    }

    async fn error(&mut self, line: &str) -> (Value, i64) {
        self.send_raw(line).await;
        let answer = self.next().await;
        let code = answer["error"]["code"].as_i64().unwrap();
        (answer["id"].clone(), code)
    }
}

#[tokio::test(start_paused = true)]
async fn every_revision_shakes_hands() {
    for revision in ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"] {
        let mut client = Client::initialized(revision).await;
        let list = client.request(json!(1), "tools/list", json!({})).await;
        let tools = list["result"]["tools"].as_array().unwrap();
        let names: Vec<_> = tools.iter().map(|t| t["name"].as_str().unwrap()).collect();
        assert_eq!(names, ["echo", "add", "now", "wait", "fail"]);
        assert!(tools.iter().all(|t| t["inputSchema"]["type"] == "object"));
        let structured = revision >= "2025-06-18";
        assert_eq!(tools[1].get("outputSchema").is_some(), structured);
        assert_eq!(tools[1].get("title").is_some(), structured);
        let sum = client.call("add", json!({ "a": 1, "b": 2 })).await;
        assert_eq!(sum.get("structuredContent").is_some(), structured);
    }
    let mut client = Client::new();
    let params = json!({ "protocolVersion": "1999-01-01" });
    let answer = client.request(json!(0), "initialize", params).await;
    assert_eq!(answer["result"]["protocolVersion"], "2025-11-25");
    let pong = client.request(json!("p"), "ping", Value::Null).await;
    assert_eq!(pong, json!({ "jsonrpc": "2.0", "id": "p", "result": {} }));
}

#[tokio::test(start_paused = true)]
async fn the_quick_tools_do_what_they_say() {
    let mut client = Client::initialized("2025-11-25").await;
    let echo = client.call("echo", json!({ "text": "ä\n\"x\"" })).await;
    assert_eq!(echo["content"][0]["text"], "ä\n\"x\"");
    let sum = client.call("add", json!({ "a": i64::MAX, "b": -1 })).await;
    assert_eq!(sum["structuredContent"], json!({ "sum": i64::MAX - 1 }));
    let sum = client.call("add", json!({ "a": 0.5, "b": 1 })).await;
    assert_eq!(sum["content"][0]["text"], "1.5");
    let utc = client.call("now", json!({ "timezone": "Etc/UTC" })).await;
    let time = utc["structuredContent"]["time"].as_str().unwrap();
    assert!(time.ends_with("+00:00"), "{time}");
    time.parse::<jiff::Timestamp>().unwrap();
    assert_eq!(client.call("now", json!({})).await["isError"], false);
}

#[tokio::test(start_paused = true)]
async fn wrong_arguments_are_results_that_say_what_is_needed() {
    let mut client = Client::initialized("2025-11-25").await;
    let cases = [
        ("echo", json!({}), "\"text\" is needed"),
        ("echo", json!({ "text": 5 }), "as a string"),
        ("add", json!({ "a": 1 }), "\"b\" is needed, as a number"),
        ("add", json!({ "a": 1e308, "b": 1e308 }), "too large"),
        (
            "now",
            json!({ "timezone": "Mars/Base" }),
            "time zone 'Mars/Base'",
        ),
        ("now", json!({ "timezone": 1 }), "must be a string"),
        ("wait", json!({ "seconds": 601 }), "from 0 to 600"),
        ("wait", json!({ "seconds": -1 }), "from 0 to 600"),
        ("fail", json!({ "message": "as asked" }), "as asked"),
        ("fail", json!({}), "always fails"),
    ];
    for (tool, arguments, expected) in cases {
        let text = client.failed_call(tool, arguments).await;
        assert!(text.contains(expected), "{tool}: {text}");
    }
}

#[tokio::test(start_paused = true)]
async fn wrong_messages_are_errors_and_the_server_goes_on() {
    let mut client = Client::new();
    let cases = [
        ("{not json", Value::Null, -32700),
        ("[]", Value::Null, -32600),
        ("5", Value::Null, -32600),
        (r#"{"jsonrpc":"2.0","id":1}"#, json!(1), -32600),
        (
            r#"{"jsonrpc":"1.0","id":"a","method":"ping"}"#,
            json!("a"),
            -32600,
        ),
        (
            r#"{"jsonrpc":"2.0","id":1.5,"method":"ping"}"#,
            Value::Null,
            -32600,
        ),
        (
            r#"{"jsonrpc":"2.0","id":2,"method":"server/discover"}"#,
            json!(2),
            -32601,
        ),
        (
            r#"{"jsonrpc":"2.0","id":3,"method":"tools/call"}"#,
            json!(3),
            -32602,
        ),
        (
            r#"{"jsonrpc":"2.0","id":4,"method":"tools/call","params":{"name":"nope"}}"#,
            json!(4),
            -32602,
        ),
        (
            r#"{"jsonrpc":"2.0","id":5,"method":"tools/call","params":{"name":"echo","arguments":[]}}"#,
            json!(5),
            -32602,
        ),
        (
            r#"{"jsonrpc":"2.0","id":6,"method":"tools/list","params":{"cursor":"x"}}"#,
            json!(6),
            -32602,
        ),
    ];
    for (line, id, code) in cases {
        assert_eq!(client.error(line).await, (id, code), "{line}");
    }
    for silent in [
        "",
        "  \r",
        r#"{"jsonrpc":"2.0","id":9,"result":{}}"#,
        r#"{"jsonrpc":"2.0","method":"x"}"#,
    ] {
        client.send_raw(silent).await;
    }
    let pong = client.request(json!(10), "ping", json!({})).await;
    assert_eq!(pong["id"], 10);
}

#[tokio::test(start_paused = true)]
async fn wait_tells_its_progress_before_its_answer() {
    let mut client = Client::initialized("2025-11-25").await;
    let since = Instant::now();
    let token = json!({ "progressToken": "t1" });
    client
        .start_call(1, "wait", json!({ "seconds": 3 }), token)
        .await;
    let mut told = Vec::new();
    let answer = loop {
        let message = client.next().await;
        if message.get("id").is_some() {
            break message;
        }
        assert_eq!(message["method"], "notifications/progress");
        assert_eq!(message["params"]["progressToken"], "t1");
        assert_eq!(message["params"]["total"], 3.0);
        told.push(message["params"]["progress"].as_f64().unwrap());
    };
    assert_eq!(answer["result"]["content"][0]["text"], "waited 3 seconds");
    assert_eq!(since.elapsed().as_secs(), 3);
    assert!(told.is_sorted() && told.len() >= 10, "{told:?}");
    assert_eq!(told.last(), Some(&3.0));
    let quiet = client.call("wait", json!({ "seconds": 0.2 })).await;
    assert_eq!(quiet["isError"], false);
}

#[tokio::test(start_paused = true)]
async fn wait_blocks_nobody_and_can_be_cancelled() {
    let mut client = Client::initialized("2025-11-25").await;
    client
        .start_call(1, "wait", json!({ "seconds": 600 }), json!({}))
        .await;
    client
        .start_call(2, "wait", json!({ "seconds": 5 }), json!({}))
        .await;
    let since = Instant::now();
    let echo = client.call("echo", json!({ "text": "meanwhile" })).await;
    assert_eq!(echo["content"][0]["text"], "meanwhile");
    assert_eq!(since.elapsed(), Duration::ZERO);
    client
        .start_call(1, "wait", json!({ "seconds": 1 }), json!({}))
        .await;
    assert_eq!(client.next().await["error"]["code"], -32600);

    for unknown in [json!("1"), json!(99), json!(1)] {
        let params = json!({ "requestId": unknown, "reason": "enough" });
        let method = "notifications/cancelled";
        client
            .send(&json!({ "jsonrpc": "2.0", "method": method, "params": params }))
            .await;
    }
    assert_eq!(client.next().await["id"], 2, "1 was cancelled");
    // The id is free again, and nothing of the old call is left.
    client
        .start_call(1, "wait", json!({ "seconds": 1 }), json!({}))
        .await;
    assert_eq!(client.next().await["id"], 1);
    assert!(since.elapsed() < Duration::from_secs(7));
    let silence = timeout(Duration::from_secs(700), client.answers.recv()).await;
    assert!(silence.is_err(), "a cancelled call was answered");
}

#[tokio::test(start_paused = true)]
async fn the_end_of_the_input_ends_a_wait_at_once() {
    let mut client = Client::initialized("2025-11-25").await;
    client
        .start_call(1, "wait", json!({ "seconds": 600 }), json!({}))
        .await;
    let since = Instant::now();
    client.lines = None;
    client.server.join_next().await.unwrap().unwrap();
    assert_eq!(since.elapsed(), Duration::ZERO);
    assert_eq!(client.answers.recv().await, None);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_takes_no_answers_ends_it_too() {
    let mut client = Client::initialized("2025-11-25").await;
    client
        .start_call(1, "wait", json!({ "seconds": 600 }), json!({}))
        .await;
    let since = Instant::now();
    client.answers.close();
    client.server.join_next().await.unwrap().unwrap();
    assert_eq!(since.elapsed(), Duration::ZERO);
}

/// The whole server on real pipes, in a thread; [`Pipes::end`] gives how it ended.
struct Pipes {
    input: PipeWriter,
    output: BufReader<PipeReader>,
    ended: std::sync::mpsc::Receiver<io::Result<()>>,
}

impl Pipes {
    fn new() -> Self {
        let (server_input, input) = io::pipe().unwrap();
        let (output, server_output) = io::pipe().unwrap();
        let (sender, ended) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let result = serve_pipes(BufReader::new(server_input), server_output);
            sender.send(result).ok();
        });
        let output = BufReader::new(output);
        Self {
            input,
            output,
            ended,
        }
    }

    fn line(&mut self, line: &str) -> Value {
        self.input.write_all(line.as_bytes()).unwrap();
        let mut answer = String::new();
        self.output.read_line(&mut answer).unwrap();
        serde_json::from_str(&answer).unwrap()
    }
}

const PING: &str = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}\r\n";

#[test]
fn on_pipes_the_end_of_the_input_ends_a_wait_without_delay() {
    let mut pipes = Pipes::new();
    assert_eq!(pipes.line(PING)["result"], json!({}));
    let params = json!({
        "name": "wait", "arguments": { "seconds": 600 }, "_meta": { "progressToken": 1 },
    });
    let call = json!({ "jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": params });
    let progress = pipes.line(&format!("{call}\n"));
    assert_eq!(progress["params"]["total"], 600.0, "the call has begun");
    let since = Instant::now();
    drop(pipes.input);
    let ended = pipes.ended.recv_timeout(Duration::from_secs(10)).unwrap();
    ended.unwrap();
    assert!(since.elapsed() < FAREWELL, "{:?}", since.elapsed());
    let mut rest = String::new();
    pipes.output.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "");
}

#[test]
fn on_pipes_a_client_that_went_away_is_no_error() {
    let mut pipes = Pipes::new();
    pipes.line(PING);
    drop(pipes.output);
    pipes.input.write_all(PING.as_bytes()).unwrap();
    let ended = pipes.ended.recv_timeout(Duration::from_secs(10)).unwrap();
    ended.unwrap();
}

#[test]
fn a_last_line_without_newline_counts() {
    let (sender, mut lines) = channel(8);
    read_lines(Cursor::new("one\n\nlast"), &sender);
    drop(sender);
    let mut seen = Vec::new();
    while let Some(line) = lines.blocking_recv() {
        seen.push(String::from_utf8(line.into()).unwrap());
    }
    assert_eq!(seen, ["one", "", "last"]);
}
