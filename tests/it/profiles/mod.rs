//! Profiles through the real binary: who is shown what at which address and with which token, over both
//! transports and in both eras; that no id leaves its profile; and what a reload changes for whom.

#![cfg(test)]

mod matrix;
mod reload;
mod said;
mod sessions;

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::gateway::{Gateway, GatewayOptions};
use crate::support::http;
use crate::support::servers::{fixture, tool_names};
use crate::support::streamable::{Endpoint, Reply, initialize};

/// For what a healthy gateway does at once, on a machine that has other office.
const SOON: Duration = Duration::from_secs(20);
/// Not pinned.
const FREE: &str = "t0k3n-free-0123456789";
/// Pinned to `kids`.
const ANNA: &str = "t0k3n-anna-0123456789";
/// Pinned to `office` and `kids`.
const BOB: &str = "t0k3n-bob-0123456789";

/// A server that offers everything, under URIs of its own.
fn offering(name: &str) -> Value {
    let (marker, base) = (format!("--marker={name}"), format!("--uri-base={name}://"));
    fixture(name, &["--offers", &marker, &base])
}

/// Two servers, `office` and `play`, and these profiles.
fn file(profiles: &Value, more: &Value) -> String {
    let mut file = json!({
        "gateway": { "protocol": "both" },
        "servers": [offering("office"), offering("play")],
        "profiles": profiles,
    });
    for (name, value) in more.as_object().expect("fields of the file") {
        file[name] = value.clone();
    }
    file.to_string()
}

/// `office` with one server; `kids` with the other, without one of its tools and one of its prompts.
fn two() -> Value {
    json!({
        "office": { "servers": ["office"] },
        "kids": { "servers": ["pl*"], "tools": { "deny": ["*__abort"] }, "prompts": { "deny": ["*"] } },
    })
}

fn write_tokens(file: &Path, text: &str) {
    fs::write(file, text).expect("the directory is ours");
    fs::set_permissions(file, Permissions::from_mode(0o600)).expect("it is ours");
}

/// A gateway with these profiles and all three tokens, its servers ready.
async fn guarded(home: &Path, profiles: &Value) -> Gateway {
    let tokens = home.join("tokens");
    let text = format!(
        "{FREE} name=free\n{ANNA} name=anna profile=kids\n{BOB} profile=office profile=kids # two\n"
    );
    write_tokens(&tokens, &text);
    let options = GatewayOptions::new(file(profiles, &json!({})));
    let options = options.home(home);
    let gateway = Gateway::start(options.arg(format!("--token-file={}", tokens.display()))).await;
    ready(&gateway).await;
    gateway
}

/// A gateway without tokens, its servers ready.
async fn open(config: String) -> Gateway {
    let gateway = Gateway::start(GatewayOptions::new(config)).await;
    ready(&gateway).await;
    gateway
}

async fn ready(gateway: &Gateway) {
    for server in ["office", "play"] {
        let line = format!("Server '{server}' started");
        gateway.wait_for_log(&line, SOON).await;
    }
}

/// The headers of who shows this token.
fn bearer(token: &str) -> String {
    format!("Bearer {token}")
}

/// Opens a session at `path` with this token, if it is let in.
async fn begin(gateway: &Gateway, path: &str, token: &str) -> Result<Endpoint, http::Response> {
    let mut endpoint = Endpoint::at(gateway.addr(), path);
    let headers = [("authorization", &*bearer(token))];
    let hello = initialize(1, "2025-11-25", "{}");
    let reply = endpoint.post_with(&headers, &hello).await;
    match reply.head().header("mcp-session-id").map(str::to_owned) {
        Some(session) => {
            endpoint.session = Some(session);
            reply.message().await;
            Ok(endpoint)
        }
        None => Err(reply.whole()),
    }
}

/// A request in a session: the status, and the answer if there is one.
async fn ask(endpoint: &Endpoint, token: &str, method: &str, params: &str) -> (u16, String) {
    let headers = [("authorization", &*bearer(token))];
    let json = format!(r#"{{"jsonrpc":"2.0","id":7,"method":"{method}","params":{params}}}"#);
    match endpoint.post_with(&headers, &json).await {
        Reply::Whole(response) => (response.status, response.text()),
        stream @ Reply::Stream(_) => (stream.status(), stream.message().await),
    }
}

/// The servers whose tools are in a raw list, and whether `play__abort` is.
fn shown(list: &str) -> (Vec<&'static str>, bool) {
    let names = tool_names(list);
    let has = |server: &str| {
        names
            .iter()
            .any(|name| name.starts_with(&format!("{server}__")))
    };
    let servers = ["office", "play"].into_iter().filter(|server| has(server));
    let has_abort = names.iter().any(|name| name == "play__abort");
    (servers.collect(), has_abort)
}
