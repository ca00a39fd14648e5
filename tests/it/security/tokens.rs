//! Bearer tokens through the real binary: from a file and a variable, over both transports, over a restart and
//! a change of the file; and what is said where something is wrong with them.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use nix::sys::signal::Signal;

use super::{OTHER, SOON, TOKEN, bearer};
use crate::support::client::{SseClient, SseOptions};
use crate::support::gateway::{Gateway, GatewayOptions};
use crate::support::http;
use crate::support::servers::{fixtures, text_of};
use crate::support::streamable::{Endpoint, call_tool, initialize};
use crate::support::wait;

const ECHO: &str = r#"{"text":"here"}"#;

/// A gateway with `fx` that takes the tokens in this file.
fn options(home: &Path, file: &Path) -> GatewayOptions {
    let config = fixtures(&[("fx", &[])]);
    let file = format!("--token-file={}", file.display());
    GatewayOptions::new(config).home(home).arg(file)
}

fn write(file: &Path, text: &str) {
    fs::write(file, text).expect("the directory is ours");
    fs::set_permissions(file, Permissions::from_mode(0o600)).expect("it is ours");
}

async fn connect_sse(gateway: &Gateway, token: &str) -> SseClient {
    let headers = [("authorization", &*bearer(token))];
    let options = SseOptions {
        headers: &headers,
        ..SseOptions::default()
    };
    let client = SseClient::connect_with(gateway.addr(), &options).await;
    client.initialize().await;
    client
}

/// Posts to `/mcp` with a token; the status and, where it was a call, the answer.
async fn post(endpoint: &Endpoint, token: &str, json: &str) -> (u16, Option<String>) {
    let headers = [("authorization", &*bearer(token))];
    let reply = endpoint.post_with(&headers, json).await;
    let status = reply.status();
    let answer = match status {
        200 => Some(reply.message().await),
        _ => None,
    };
    (status, answer)
}

async fn connect_mcp(gateway: &Gateway, token: &str) -> Endpoint {
    let mut endpoint = Endpoint::new(gateway.addr());
    let headers = [("authorization", &*bearer(token))];
    let hello = initialize(1, "2025-11-25", "{}");
    let reply = endpoint.post_with(&headers, &hello).await;
    endpoint.session = reply.head().header("mcp-session-id").map(str::to_owned);
    assert_eq!(reply.status(), 200);
    endpoint
}

async fn call(endpoint: &Endpoint, token: &str) -> u16 {
    let (status, answer) = post(endpoint, token, &call_tool(2, "fx__echo", ECHO)).await;
    assert_eq!(
        answer.map(|answer| text_of(&answer)).is_some(),
        status == 200
    );
    status
}

async fn status(gateway: &Gateway, path: &str, token: Option<&str>) -> u16 {
    let value = token.map(bearer).unwrap_or_default();
    let headers: &[_] = match token {
        Some(_) => &[("authorization", &*value)],
        None => &[],
    };
    let answer = http::request(gateway.addr(), "GET", path, headers, b"").await;
    answer.status
}

#[tokio::test]
async fn tokens_of_the_file_and_the_variable_let_in_and_nothing_else() {
    let home = tempfile::tempdir().expect("a directory");
    let file = home.path().join("tokens");
    write(&file, &format!("# of the laptop\n{TOKEN}\n"));
    let options = options(home.path(), &file).env("MCPROXY_TOKEN", OTHER);
    let gateway = Gateway::start(options).await;
    gateway.wait_for_log("Server 'fx' started", SOON).await;
    for token in [TOKEN, OTHER] {
        let client = connect_sse(&gateway, token).await;
        assert_eq!(text_of(&client.call_tool("fx__echo", ECHO).await), "here");
        let endpoint = connect_mcp(&gateway, token).await;
        assert_eq!(call(&endpoint, token).await, 200);
        let foreign = if token == TOKEN { OTHER } else { TOKEN };
        assert_eq!(call(&endpoint, foreign).await, 404);
        assert_eq!(call(&endpoint, "no-token-of-this-gateway").await, 401);
    }
    for path in ["/", "/sse", "/mcp", "/nothing", "/metamcp/x/sse"] {
        assert_eq!(status(&gateway, path, None).await, 401, "{path}");
    }
    assert_eq!(status(&gateway, "/healthz", None).await, 200);
    let mut logs = gateway.logs().into_iter();
    // Who was refused is said, and nothing else is amiss.
    assert!(logs.all(|line| !line.contains("[WARN]") || line.contains("A request was refused")));
}

#[tokio::test]
async fn a_session_that_is_taken_up_again_is_still_its_tokens() {
    let home = tempfile::tempdir().expect("a directory");
    let file = home.path().join("tokens");
    write(&file, &format!("{TOKEN}\n{OTHER}\n"));
    let mut gateway = Gateway::start(options(home.path(), &file)).await;
    gateway.wait_for_log("Server 'fx' started", SOON).await;
    let mut endpoint = connect_mcp(&gateway, TOKEN).await;
    gateway.children();
    gateway.signal(Signal::SIGKILL);
    gateway.wait_exit(SOON).await;
    drop(gateway);
    let gateway = Gateway::start(options(home.path(), &file)).await;
    gateway.wait_for_log("Server 'fx' started", SOON).await;
    endpoint.addr = gateway.addr();
    assert_eq!(call(&endpoint, OTHER).await, 404);
    assert_eq!(call(&endpoint, TOKEN).await, 200);
}

#[tokio::test]
async fn sighup_reads_the_tokens_again() {
    let home = tempfile::tempdir().expect("a directory");
    let file = home.path().join("tokens");
    write(&file, TOKEN);
    let gateway = Gateway::start(options(home.path(), &file)).await;
    gateway.wait_for_log("Server 'fx' started", SOON).await;
    let client = connect_sse(&gateway, TOKEN).await;
    let old = connect_mcp(&gateway, TOKEN).await;

    // What cannot be used changes nothing.
    for (text, why) in [
        (Some(""), "there is no token in it"),
        (Some("short"), "line 1: a token has at least 16"),
        (None, "can't read the token file"),
    ] {
        match text {
            Some(text) => write(&file, text),
            None => fs::remove_file(&file).expect("it was there"),
        }
        let mark = gateway.log_mark();
        gateway.sighup();
        let line = gateway
            .wait_for_log_after(mark, "The tokens stay", SOON)
            .await;
        assert!(line.contains("[ERROR]") && line.contains(why), "{line}");
        assert_eq!(call(&old, TOKEN).await, 200);
    }
    assert_eq!(client.ended(), None);

    write(&file, OTHER);
    gateway.sighup();
    gateway
        .wait_for_log("Tokens read again: 1 are valid", SOON)
        .await;
    wait::until("the old token's stream to end", SOON, async || {
        client.ended()
    })
    .await;
    assert_eq!(call(&old, TOKEN).await, 401);
    assert_eq!(call(&old, OTHER).await, 404, "it is another's");
    let new = connect_mcp(&gateway, OTHER).await;
    assert_eq!(call(&new, OTHER).await, 200);
}

#[tokio::test]
async fn without_a_token_where_there_should_be_one_it_does_not_start() {
    let home = tempfile::tempdir().expect("a directory");
    let file = home.path().join("tokens");
    for (text, variable, why) in [
        (None, "", "can't read the token file"),
        (Some("# nothing\n"), "", "there is no token in it"),
        (Some("p4ssw0rd"), "", "at least 16 characters"),
        (
            Some("p4ssw0rd p4ssw0rd p4ssw0rd"),
            "",
            "at least 16 characters",
        ),
        (
            Some("p4ssw0rd-p4ssw0rd p4ssw0rd"),
            "",
            "after a token there may be",
        ),
        (Some(TOKEN), "p4ssw0rd", "the variable MCPROXY_TOKEN"),
    ] {
        fs::remove_file(&file).ok();
        if let Some(text) = text {
            write(&file, text);
        }
        let options = options(home.path(), &file).env("MCPROXY_TOKEN", variable);
        let mut gateway = Gateway::launch(options);
        let status = gateway.wait_exit(SOON).await;
        assert_eq!(status.code(), Some(78), "{text:?}");
        let said = wait::until("a word on stderr", SOON, async || {
            let said = gateway.stderr().join("\n");
            (!said.is_empty()).then_some(said)
        })
        .await;
        assert!(said.contains(why), "{said}");
        assert!(!said.contains("p4ssw0rd"), "{said}");
    }
}

/// The warnings of a gateway that listens here, with this variable.
async fn warnings(listen: &str, variable: &str, value: &str) -> Vec<String> {
    let options = GatewayOptions::new("[]")
        .arg(format!("--listen={listen}"))
        .env(variable, value);
    let mut gateway = Gateway::start(options).await;
    gateway.terminate().await;
    gateway.wait_for_log("Stopped", SOON).await;
    let mut lines = gateway.logs();
    lines.retain(|line| line.contains("[WARN]"));
    lines
}

#[tokio::test]
async fn who_listens_for_others_without_a_token_is_warned_once() {
    let warned = warnings("0.0.0.0:0", "NO_TOKEN", "").await;
    let [line] = &*warned else {
        panic!("{warned:?}");
    };
    assert!(line.contains("--token-file"), "{line}");
    let none = warnings("127.0.0.1:0", "NO_TOKEN", "").await;
    assert!(none.is_empty(), "{none:?}");
    let none = warnings("0.0.0.0:0", "MCPROXY_TOKEN", TOKEN).await;
    assert!(none.is_empty(), "{none:?}");
}

#[tokio::test]
async fn an_empty_variable_that_was_to_ask_for_a_token_is_warned_of() {
    for variable in ["MCPROXY_TOKEN", "MCPROXY_TOKEN_FILE"] {
        let warned = warnings("127.0.0.1:0", variable, "").await;
        let [line] = &*warned else {
            panic!("{warned:?}");
        };
        assert!(
            line.contains(&format!("{variable} is set and empty")),
            "{line}"
        );
    }
}

#[tokio::test]
async fn a_token_file_for_all_to_read_is_warned_of() {
    let home = tempfile::tempdir().expect("a directory");
    let file = home.path().join("tokens");
    write(&file, TOKEN);
    fs::set_permissions(&file, Permissions::from_mode(0o644)).expect("it is ours");
    let gateway = Gateway::start(options(home.path(), &file)).await;
    let line = gateway
        .wait_for_log("every user of this machine", SOON)
        .await;
    assert!(
        line.contains("[WARN]") && line.contains("chmod 640"),
        "{line}"
    );
}
