//! Who comes and who listens during a stop, with a socket of the gateway's own and with one that others
//! hold: served while servers live, then answered with words; newcomers are never refused with a 503,
//! and streams end last.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use nix::sys::signal::Signal;
use tempfile::TempDir;

use super::{LONGEST, SOON};
use crate::support::client::{SseClient, SseOptions};
use crate::support::gateway::{Gateway, GatewayOptions};
use crate::support::http::{self, Connection};
use crate::support::servers::{error_code, failed_text, fixtures, text_of, tool_names};
use crate::support::streamable::{Endpoint, call_tool};
use crate::support::wait;

const VERSION: &str = "2025-11-25";
const SLEEP: &str = r#"{"ms":1500,"steps":15}"#;

/// With a server that takes 1.5 s to stop.
async fn slow_to_stop(options: GatewayOptions) -> Gateway {
    let gateway = Gateway::start(options).await;
    let client = SseClient::connect(gateway.addr()).await;
    wait::until("its prompt, which comes last", SOON, async || {
        let list = client.call("prompts/list", None, SOON).await;
        list.contains("fx__prompt_0").then_some(())
    })
    .await;
    gateway
}

fn config() -> String {
    fixtures(&[("fx", &["--ignore-eof", "--offers"])])
}

/// Everything that a stream says until it ends.
async fn rest_of(mut stream: support::sse::Pieces) -> String {
    let mut text = Vec::new();
    while let Some(bytes) = wait::within(|| "the end".to_owned(), LONGEST, stream.next()).await {
        text.extend_from_slice(bytes);
    }
    String::from_utf8(text).expect("text")
}

fn prompt() -> String {
    r#"{"jsonrpc":"2.0","id":5,"method":"prompts/get","params":{"name":"fx__prompt_0"}}"#.to_owned()
}

async fn recording(gateway: &Gateway) -> SseClient {
    let options = SseOptions {
        record: true,
        ..SseOptions::default()
    };
    SseClient::connect_with(gateway.addr(), &options).await
}

#[tokio::test]
async fn calls_are_served_while_another_finishes_and_streams_end_last() {
    let mut gateway = slow_to_stop(GatewayOptions::new(config())).await;
    let busy = recording(&gateway).await;
    let running = format!(r#"{{"name":"fx__sleep","arguments":{SLEEP}}}"#);
    let running = busy.request("tools/call", Some(&running)).await;
    let idle = Endpoint::initialized(gateway.addr(), VERSION).await;
    let stream = idle.listen().await;
    busy.call_tool("fx__echo", "{}").await;
    gateway.signal(Signal::SIGTERM);
    gateway.wait_for_log("Stopping", SOON).await;

    assert_eq!(http::get(gateway.addr(), "/readyz").await.status, 503);
    let late = SseClient::connect(gateway.addr()).await;
    late.initialize_as(VERSION).await;
    let newcomer = Endpoint::initialized(gateway.addr(), VERSION).await;
    let held = newcomer.listen().await;
    let echo = r#"{"text":"x"}"#;
    assert_eq!(text_of(&late.call_tool("fx__echo", echo).await), "x");
    assert_eq!(text_of(&idle.call_tool("fx__echo", echo).await), "x");
    assert_eq!(text_of(&newcomer.call_tool("fx__echo", echo).await), "x");
    assert_eq!(text_of(&busy.wait_response(running, SOON).await), "slept");

    gateway.wait_for_log("Server 'fx' stopped", SOON).await;
    for stream in [stream, held] {
        let said = rest_of(stream.into_pieces()).await;
        assert!(said.ends_with("retry: 3000\ndata: \n\n"), "{said}");
    }
    for client in [&busy, &late] {
        let reason = client.wait_end(SOON).await;
        assert_eq!(reason, "the server ended the stream", "not cut off");
    }
    let said = String::from_utf8(busy.recorded()).expect("text");
    assert!(said.ends_with("\n\nretry: 1000\n"), "{said}");
    assert_eq!(gateway.wait_exit(LONGEST).await.code(), Some(0));
}

/// What is said when the servers are gone, over an open connection or a new one.
async fn is_answered_with_words(endpoint: &Endpoint, connection: &mut Connection) {
    let head = endpoint.post_head(&[]);
    let call = call_tool(4, "fx__echo", "{}");
    // Until its server is told to stop, what comes is served.
    wait::until("a call to be refused in words", SOON, async || {
        let answer = connection.exchange(&head, call.as_bytes()).await;
        let answer = answer.expect("an answer");
        assert_eq!(answer.status, 200, "{}", answer.text());
        let text = answer.text();
        let is_refused = text.contains("isError");
        is_refused.then(|| {
            let said = failed_text(&text);
            assert!(said.contains("the call was not run"), "{text}");
        })
    })
    .await;
    let answer = connection.exchange(&head, prompt().as_bytes()).await;
    let answer = answer.expect("an answer");
    let got = (answer.status, error_code(&answer.text()));
    assert_eq!(got, (200, -32000), "{}", answer.text());
    let list = r#"{"jsonrpc":"2.0","id":6,"method":"tools/list"}"#;
    let answer = connection.exchange(&head, list.as_bytes()).await;
    assert!(!tool_names(&answer.expect("an answer").text()).is_empty());
}

#[tokio::test]
async fn what_comes_when_servers_are_gone_is_answered_with_words() {
    let mut gateway = slow_to_stop(GatewayOptions::new(config())).await;
    let addr = gateway.addr();
    let sse = SseClient::connect(addr).await;
    sse.initialize_as(VERSION).await;
    let client = Endpoint::initialized(addr, VERSION).await;
    let mut open = Connection::open(addr).await.expect("the port is open");
    gateway.signal(Signal::SIGTERM);
    gateway.wait_for_log("Stopping", SOON).await;
    // Its server has a second and a half.
    is_answered_with_words(&client, &mut open).await;
    let mut new = Connection::open(addr).await.expect("it goes on accepting");
    let newcomer = Endpoint::initialized(addr, VERSION).await;
    is_answered_with_words(&newcomer, &mut new).await;
    let held = newcomer.listen().await;
    let text = failed_text(&sse.call_tool("fx__echo", "{}").await);
    assert!(text.contains("the call was not run"), "{text}");
    let late = SseClient::connect(addr).await;
    let text = failed_text(&late.call_tool("fx__echo", "{}").await);
    assert!(text.contains("the call was not run"), "{text}");
    assert!(rest_of(held.into_pieces()).await.contains("retry: 3000"));
    late.wait_end(SOON).await;
    assert_eq!(gateway.wait_exit(LONGEST).await.code(), Some(0));
}

#[tokio::test]
async fn newcomers_wait_for_the_next_gateway_where_the_socket_is_held() {
    let socket = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let home = TempDir::new().expect("a temporary directory");
    let options = || {
        let mut options = GatewayOptions::new(config()).home(home.path());
        options
            .passed
            .push(socket.try_clone().expect("a descriptor").into());
        options
    };
    let mut first = slow_to_stop(options()).await;
    let addr = first.addr();
    let client = Endpoint::initialized(addr, VERSION).await;
    let stream = client.listen().await;
    let sse = recording(&first).await;
    let mut open = Connection::open(addr).await.expect("the port is open");
    let list = r#"{"jsonrpc":"2.0","id":3,"method":"tools/list"}"#;
    let served = open.exchange(&client.post_head(&[]), list.as_bytes()).await;
    assert_eq!(served.expect("an answer").status, 200);
    first.signal(Signal::SIGTERM);
    first.wait_for_log("Stopping", SOON).await;
    is_answered_with_words(&client, &mut open).await;

    let mut newcomer = Connection::open(addr).await.expect("the port is open");
    let call = call_tool(4, "fx__echo", r#"{"text":"x"}"#);
    let sent = newcomer.post(&client.post_head(&[]), call.as_bytes()).await;
    sent.expect("the kernel takes it");
    let said = rest_of(stream.into_pieces()).await;
    assert!(said.ends_with("retry: 1000\ndata: \n\n"), "{said}");
    sse.wait_end(SOON).await;
    let said = String::from_utf8(sse.recorded()).expect("text");
    assert!(said.ends_with("\n\nretry: 100\n"), "{said}");
    assert_eq!(first.wait_exit(LONGEST).await.code(), Some(0));
    assert!(newcomer.is_idle(), "nobody has answered it");

    let _next = Gateway::start(options()).await;
    let answer = wait::within(|| "its answer".to_owned(), SOON, newcomer.response()).await;
    assert_eq!(text_of(&answer.text()), "x");
}

#[tokio::test]
async fn a_stop_without_anybody_is_as_quick_as_before() {
    let mut gateway = Gateway::start(GatewayOptions::new("[]")).await;
    let asked = tokio::time::Instant::now();
    assert_eq!(gateway.terminate().await.code(), Some(0));
    assert!(
        asked.elapsed() < Duration::from_secs(1),
        "{:?}",
        asked.elapsed()
    );
}

/// Asks on a new connection each time until there is none to be had; what it had in place of answers.
fn newcomers(addr: SocketAddr, answered: &AtomicUsize) -> Vec<String> {
    let ask = |mut socket: TcpStream| {
        socket.set_read_timeout(Some(SOON))?;
        socket
            .write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
        let mut reply = String::new();
        socket.read_to_string(&mut reply)?;
        Ok::<_, std::io::Error>(reply)
    };
    let mut let_down = Vec::new();
    while let Ok(socket) = TcpStream::connect(addr) {
        match ask(socket) {
            Ok(reply) if reply.starts_with("HTTP/1.1 200") => {
                answered.fetch_add(1, Ordering::Relaxed);
            }
            Ok(other) => let_down.push(other),
            Err(error) => let_down.push(error.to_string()),
        }
    }
    let_down
}

/// A proxy tries another gateway if it is refused; if its connection ends without an answer, it may not.
async fn nobody_is_let_down(options: GatewayOptions) {
    let mut gateway = Gateway::start(options).await;
    let (addr, answered) = (gateway.addr(), Arc::new(AtomicUsize::new(0)));
    let clients: Vec<_> = std::iter::repeat_with(|| Arc::clone(&answered))
        .map(|answered| std::thread::spawn(move || newcomers(addr, &answered)))
        .take(8)
        .collect();
    wait::until("clients at work", SOON, async || {
        (answered.load(Ordering::Relaxed) > 100).then_some(())
    })
    .await;
    assert_eq!(gateway.terminate().await.code(), Some(0));
    let ended = tokio::task::spawn_blocking(|| {
        let ended = clients.into_iter().map(std::thread::JoinHandle::join);
        ended
            .flat_map(|let_down| let_down.expect("no panic"))
            .collect()
    });
    let let_down: Vec<String> = ended.await.expect("no panic");
    // Nobody can save who is in the middle of a handshake as the socket closes. Where the kernel keeps who comes until
    // the end, it is all eight.
    assert!(let_down.len() < 4, "{let_down:?}");
}

#[tokio::test]
async fn who_is_let_in_is_answered_and_the_others_are_refused() {
    nobody_is_let_down(GatewayOptions::new("[]")).await;
}

#[tokio::test]
async fn so_they_are_where_a_parent_holds_the_port() {
    nobody_is_let_down(GatewayOptions::new("[]").arg("--hold-port")).await;
}

#[tokio::test]
async fn so_they_are_where_there_are_as_many_as_may_be() {
    let options = GatewayOptions::new("[]");
    nobody_is_let_down(options.arg("--max-connections").arg("3")).await;
}
