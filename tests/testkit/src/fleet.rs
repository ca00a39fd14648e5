//! Configured servers for tests of supervision: entries of `mcp-servers.json`, and who answers under a name:
//! which process, with which grandchild.

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

use super::client::{Client, DEADLINE, SseClient, Transport};
use super::gateway::{Gateway, GatewayOptions, fixture_server};
use super::{proc, wait};

/// One entry.
#[derive(Clone)]
pub struct Entry(Value);

/// The fixture server with these flags; its command line carries the name.
pub fn fixture(name: &str, flags: &[&str]) -> Entry {
    let mut args = vec![format!("--marker=({name})")];
    args.extend(flags.iter().map(|&flag| flag.to_owned()));
    Entry(json!({ "name": name, "command": fixture_server(), "args": args }))
}

/// A script of `/bin/sh`, for many starts in little time.
pub fn script(name: &str, text: &str) -> Entry {
    let text = text.replace("${", "$${"); // it is the shell's to expand
    Entry(json!({ "name": name, "command": "/bin/sh", "args": ["-c", text] }))
}

impl Entry {
    /// The entry with one more field.
    pub fn with(mut self, field: &str, value: impl Into<Value>) -> Self {
        let fields = self.0.as_object_mut().expect("an entry is an object");
        fields.insert(field.to_owned(), value.into());
        self
    }
}

/// The text of a file with these entries.
pub fn config(entries: impl IntoIterator<Item = Entry>) -> String {
    let entries: Vec<Value> = entries.into_iter().map(|entry| entry.0).collect();
    json!({ "servers": entries }).to_string()
}

/// The real gateway with these servers, and a client that has shaken hands.
pub async fn open(entries: impl IntoIterator<Item = Entry>) -> (Gateway, SseClient) {
    let gateway = Gateway::start(GatewayOptions::new(config(entries))).await;
    let client = SseClient::connect(gateway.addr()).await;
    client.initialize().await;
    (gateway, client)
}

/// Who answers under a server's name.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Identity {
    pub pid: u32,
    pub grandchild: Option<u32>,
}

impl Identity {
    /// Waits until neither the process nor its grandchild lives.
    ///
    /// # Panics
    /// When one is still there after `deadline`.
    pub async fn gone(&self, deadline: Duration) {
        wait::until(&format!("the end of {self:?}"), deadline, async || {
            let mut all = [Some(self.pid), self.grandchild].into_iter().flatten();
            (!all.any(proc::is_alive)).then_some(())
        })
        .await;
    }
}

/// Asks the fixture server of this name who it is; it may be starting.
///
/// # Panics
/// When it does not answer.
pub async fn identify<T: Transport>(client: &Client<T>, server: &str) -> Identity {
    let answer = Answer::of(&client.call_tool(&format!("{server}__pid"), "{}").await);
    assert!(
        !answer.is_error,
        "{server} does not say who it is: {answer:?}"
    );
    serde_json::from_str(&answer.text).expect("the tool gives JSON")
}

/// Waits until a server that is new answers: nobody knows what it offers before it has said so.
///
/// # Panics
/// When it does not in time.
pub async fn newcomer<T: Transport>(
    client: &Client<T>,
    server: &str,
    deadline: Duration,
) -> Identity {
    wait::until("a new server", deadline, async || {
        let answer = Answer::of(&client.call_tool(&format!("{server}__pid"), "{}").await);
        serde_json::from_str(&answer.text).ok()
    })
    .await
}

/// Waits until another process than `old` answers under this name, in this session.
///
/// # Panics
/// When none does in time.
pub async fn successor<T: Transport>(
    client: &Client<T>,
    server: &str,
    old: &Identity,
    deadline: Duration,
) -> Identity {
    let what = format!("a successor of {server}, {old:?}");
    wait::until(&what, deadline, async || {
        let answer = Answer::of(&client.call_tool(&format!("{server}__pid"), "{}").await);
        let identity: Identity = serde_json::from_str(&answer.text).ok()?;
        (identity.pid != old.pid).then_some(identity)
    })
    .await
}

/// `echo` of the fixture server of this name.
pub async fn echo<T: Transport>(client: &Client<T>, server: &str, text: &str) -> Answer {
    let arguments = json!({ "text": text }).to_string();
    Answer::of(
        &client
            .call_tool(&format!("{server}__echo"), &arguments)
            .await,
    )
}

/// What a call was answered: the text of its result, or of its error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub text: String,
    pub is_error: bool,
}

impl Answer {
    /// Reads a raw answer.
    ///
    /// # Panics
    /// When it is neither a result with a text nor an error with a message.
    pub fn of(raw: &str) -> Self {
        let answer: Value = serde_json::from_str(raw).expect("an answer is JSON");
        let text_at = |path| answer.pointer(path).and_then(Value::as_str);
        let text = text_at("/result/content/0/text");
        let message = text_at("/error/message");
        let is_error = answer.pointer("/result/isError").and_then(Value::as_bool);
        let Some(said) = text.or(message) else {
            panic!("neither text nor error: {raw:.500}");
        };
        Self {
            text: said.to_owned(),
            is_error: message.is_some() || is_error == Some(true),
        }
    }
}

/// Waits for the answer to a call that was sent.
///
/// # Panics
/// When there is none in time.
pub async fn answer<T: Transport>(client: &Client<T>, id: u64) -> Answer {
    Answer::of(&client.wait_response(id, DEADLINE).await)
}

/// Sends a call without waiting for its answer.
pub async fn send<T: Transport>(client: &Client<T>, tool: &str, arguments: &str) -> u64 {
    let params = format!(r#"{{"name":"{tool}","arguments":{arguments}}}"#);
    client.request("tools/call", Some(&params)).await
}
