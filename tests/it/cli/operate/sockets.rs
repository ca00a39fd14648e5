//! The control socket: whose it is, when it is replaced, and who finds it.

use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::path::Path;

use nix::sys::signal::Signal;

use super::{SOON, UNAVAILABLE, WRONG_ARGUMENTS, ask, complaints, json_of, ready, run, sockets};
use crate::support::client::SseClient;
use crate::support::gateway::{Gateway, GatewayOptions};
use crate::support::http;
use crate::support::servers::fixtures;
use crate::support::wait;

const TOKEN: &str = "a-token-of-some-length";

/// The status line of what is answered.
fn raw(socket: &Path, request: &str) -> String {
    let mut stream = UnixStream::connect(socket).unwrap();
    stream.set_read_timeout(Some(SOON)).unwrap();
    write!(stream, "{request}\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.lines().next().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn its_user_needs_neither_a_token_nor_a_known_host() {
    let options = GatewayOptions::new(fixtures(&[("fx", &[])])).env("MCPROXY_TOKEN", TOKEN);
    let mut gateway = Gateway::start(options).await;
    ready(&gateway, "fx").await;
    let [socket] = &sockets(&gateway)[..] else {
        panic!("{:?}", sockets(&gateway));
    };
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let directory = socket.parent().unwrap();
    assert_eq!((mode(directory), mode(socket)), (0o700, 0o600));

    let foreign = "Host: evil.example\r\nOrigin: https://evil.example\r\nContent-Length: 0";
    for (line, answer) in [
        ("GET /status", "HTTP/1.1 200 OK"),
        ("POST /control/reload", "HTTP/1.1 200 OK"),
        ("GET /control/reload", "HTTP/1.1 405 Method Not Allowed"),
        ("POST /control/nothing", "HTTP/1.1 404 Not Found"),
        (
            "POST /control/servers/a%2f/restart",
            "HTTP/1.1 404 Not Found",
        ),
    ] {
        let request = format!("{line} HTTP/1.1\r\n{foreign}");
        assert_eq!(raw(socket, &request), answer, "{line}");
    }
    let called = ask(&gateway, &["call", "fx__echo", r#"{"text":"hi"}"#]);
    assert_eq!(
        (called.code, &*called.stdout),
        (Some(0), "hi\n"),
        "{}",
        called.stderr
    );

    // On the port the same is not there, whoever asks.
    let mut connection = http::Connection::open(gateway.addr()).await.unwrap();
    let authorization = format!("Bearer {TOKEN}");
    let headers = [("authorization", authorization.as_str())];
    for path in ["/control/reload", "/control/servers/fx/restart"] {
        let head = http::request_head(gateway.addr(), "POST", path, &headers);
        let answer = connection.exchange(&head, b"").await.unwrap();
        assert_eq!(answer.status, 404, "{path}");
    }
    gateway.terminate().await;
    assert!(sockets(&gateway).is_empty(), "{:?}", sockets(&gateway));
}

#[tokio::test]
async fn a_full_port_can_still_be_looked_at() {
    let config = r#"{ "gateway": { "max_connections": 2 }, "servers": [] }"#;
    let gateway = Gateway::start(GatewayOptions::new(config)).await;
    let mut clients = Vec::new();
    for _ in 0..2 {
        clients.push(SseClient::connect(gateway.addr()).await);
    }
    let said = ask(&gateway, &["status"]);
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    assert!(
        said.stdout.contains("connections 2 of 2"),
        "{}",
        said.stdout
    );
}

#[tokio::test]
async fn what_a_killed_gateway_left_is_replaced() {
    let home = tempfile::tempdir().unwrap();
    let options = || GatewayOptions::new("[]").home(home.path());
    let mut killed = Gateway::start(options()).await;
    killed.signal(Signal::SIGKILL);
    killed.wait_exit(SOON).await;
    let left = sockets(&killed);
    assert_eq!(left.len(), 1);
    let said = ask(&killed, &["status"]);
    assert_eq!((said.code, &*said.stdout), (Some(UNAVAILABLE), ""));
    let nobody = format!("{}: nobody answers", left[0].display());
    assert!(said.stderr.contains(&nobody), "{}", said.stderr);
    assert_eq!(said.stderr.lines().count(), 1, "{}", said.stderr);

    let next = Gateway::start(options()).await;
    assert_eq!(ask(&next, &["status"]).code, Some(0));
    assert_eq!(sockets(&next).len(), 1, "{:?}", sockets(&next));
}

#[tokio::test]
async fn two_side_by_side_have_one_each() {
    let runtime = tempfile::tempdir().unwrap();
    let shared = runtime.path().display().to_string();
    let start = || GatewayOptions::new("[]").env("XDG_RUNTIME_DIR", &shared);
    let (mut one, two) = (Gateway::start(start()).await, Gateway::start(start()).await);
    let status = |args: &[&str]| {
        let args = [&["status"], args].concat();
        run(runtime.path(), &args, &[("XDG_RUNTIME_DIR", &shared)])
    };
    let said = status(&[]);
    assert_eq!(said.code, Some(WRONG_ARGUMENTS));
    let socket = |of: &Gateway| format!("{shared}/mcproxy/{}.sock", of.addr());
    for named in ["--socket", &socket(&one), &socket(&two)] {
        assert!(said.stderr.contains(named), "{named}: {}", said.stderr);
    }
    assert_eq!(status(&["--socket", &socket(&two)]).code, Some(0));
    one.terminate().await;
    assert_eq!(status(&[]).code, Some(0));
}

#[tokio::test]
async fn a_gateway_without_a_place_for_it_says_so_once_and_serves() {
    let home = tempfile::tempdir().unwrap();
    fs::create_dir(home.path().join("state")).unwrap();
    fs::write(home.path().join("state/control"), "").unwrap();
    fs::write(home.path().join("state.control"), "").unwrap();
    let gateway = Gateway::start(GatewayOptions::new("[]").home(home.path())).await;
    assert_eq!(http::get(gateway.addr(), "/healthz").await.status, 200);
    let complaints = complaints(&gateway);
    assert_eq!(complaints.len(), 1, "{complaints:?}");
    assert!(
        complaints[0].contains("Without a control socket"),
        "{complaints:?}"
    );
    let said = ask(&gateway, &["status"]);
    assert_eq!((said.code, &*said.stdout), (Some(UNAVAILABLE), ""));
    assert!(said.stderr.contains("state/control: "), "{}", said.stderr);
}

#[tokio::test]
async fn a_held_port_has_the_socket_of_the_gateway_that_runs() {
    let options = GatewayOptions::new("[]").arg("--hold-port");
    let mut holder = Gateway::start(options).await;
    assert_eq!(ask(&holder, &["status"]).code, Some(0));
    let mark = holder.log_mark();
    holder.signal(Signal::SIGUSR2);
    holder.wait_for_log_after(mark, "Listening on", SOON).await;
    let what = "the next gateway's status";
    let said = wait::until(what, SOON, async || {
        let said = ask(&holder, &["status", "--json"]);
        (said.code == Some(0)).then_some(said)
    });
    assert_eq!(json_of(&said.await)["ready"], true);
    assert_eq!(sockets(&holder).len(), 1);
    holder.terminate().await;
    assert!(sockets(&holder).is_empty());
}
