//! What servers offer beside tools, merged: prompts, resources, templates, completions, subscriptions, logging,
//! and word of changes; over both transports.

#![cfg(test)]

mod calls;
mod changes;
mod completion;
mod fidelity;
mod handshake;
mod levels;
mod logging;
mod paging;
mod prompts;
mod resources;
mod subscriptions;

use std::time::Duration;

use serde_json::Value;

use crate::support::client::{Client, Transport};
use crate::support::servers::{bare, fixture, text_of};
use crate::support::wait;

/// For what a healthy gateway does at once, on a machine that has other work.
const SOON: Duration = Duration::from_secs(20);

/// An entry of a server that offers everything, under URIs of its own.
fn offering(name: &str, flags: &[&str]) -> Value {
    let own = flags_of(name, flags);
    let own: Vec<&str> = own.iter().map(String::as_str).collect();
    fixture(name, &own)
}

fn flags_of(name: &str, flags: &[&str]) -> Vec<String> {
    let mut own = vec![
        "--offers".to_owned(),
        format!("--marker={name}"),
        format!("--uri-base={name}://"),
    ];
    own.extend(flags.iter().map(|&flag| flag.to_owned()));
    own
}

/// What the same server answers to a request on a bare pipe.
fn own_answer(name: &str, method: &str, params: &str) -> String {
    let flags = flags_of(name, &[]);
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    let request = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{params}}}"#);
    bare(&flags, &[&request]).remove(0)
}

/// What is behind the envelope of an answer: `"result":…` or `"error":…`.
fn outcome(answer: &str) -> &str {
    let rest = answer.strip_prefix(r#"{"jsonrpc":"2.0","id":"#);
    let rest = rest.and_then(|rest| rest.split_once(','));
    let rest = rest.and_then(|(_, rest)| rest.strip_suffix('}'));
    rest.unwrap_or_else(|| panic!("another envelope: {answer:.300}"))
}

/// A request with these params, raw; the raw answer.
async fn ask<T: Transport>(client: &Client<T>, method: &str, params: &str) -> String {
    client.call(method, Some(params), SOON).await
}

/// What a tool of a fixture says.
async fn drive<T: Transport>(client: &Client<T>, tool: &str, arguments: &str) -> String {
    text_of(&client.call_tool(tool, arguments).await)
}

/// The level, the subscriptions and the handshake that a fixture has seen.
async fn state<T: Transport>(client: &Client<T>, server: &str) -> Value {
    let state = drive(client, &format!("{server}__state"), "{}").await;
    serde_json::from_str(&state).expect("JSON")
}

/// Waits until the state of a server is so.
async fn until_state<T: Transport>(
    client: &Client<T>,
    server: &str,
    what: &str,
    is_so: impl Fn(&Value) -> bool,
) {
    wait::until(&format!("{what} at '{server}'"), SOON, async || {
        is_so(&state(client, server).await).then_some(())
    })
    .await;
}

/// The entries of a list, all pages of it: what `member` says in each.
async fn list<T: Transport>(client: &Client<T>, method: &str, member: &str) -> Vec<String> {
    let mut params = "{}".to_owned();
    let mut found = Vec::new();
    loop {
        let answer = ask(client, method, &params).await;
        // Some numbers of the fixture are beyond what a value can hold.
        let readable = answer.replace("1e400", "1");
        let page: Value = serde_json::from_str(&readable).expect("JSON");
        let result = page["result"]
            .as_object()
            .unwrap_or_else(|| panic!("no list: {answer:.300}"));
        let entries = result.values().find_map(Value::as_array).expect("a list");
        let text = |entry: &Value| entry[member].as_str().expect("its name").to_owned();
        found.extend(entries.iter().map(text));
        let Some(cursor) = result.get("nextCursor") else {
            return found;
        };
        params = format!(r#"{{"cursor":{cursor}}}"#);
    }
}

/// Until this returns, everything the session was told before has been said to the client.
async fn settle<T: Transport>(client: &Client<T>) {
    client.call("ping", None, SOON).await;
}
