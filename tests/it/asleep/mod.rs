//! Servers that run while somebody uses them: `"start": "on-demand"` and `idle_timeout`.

#![cfg(test)]

mod held;
mod lists;
mod operator;
mod races;
mod wakes;

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::status::{server, server_in};
use crate::support::client::SseClient;
use crate::support::gateway::{Gateway, GatewayOptions, fixture_server};
use crate::support::servers::{configuration, fixture, join, text_of};
use crate::support::{http, wait};

/// For what a healthy gateway does at once, on a machine that has other work.
const SOON: Duration = Duration::from_secs(20);
/// Long enough for nothing to fall asleep in a test.
const LATER: f64 = 600.0;

/// An entry that is started on demand, and sleeps when nobody has used it for so many seconds.
fn on_demand(name: &str, idle_timeout: f64, flags: &[&str]) -> Value {
    let mut entry = fixture(name, flags);
    entry["start"] = json!("on-demand");
    entry["idle_timeout"] = json!(idle_timeout);
    entry
}

/// The same with flags from its environment, which may change without making it another command.
fn by_environment(name: &str, idle_timeout: f64, flags: &str) -> Value {
    let script = format!("exec '{}' $FLAGS", fixture_server().display());
    json!({
        "name": name, "command": "sh", "args": ["-c", script], "env": { "FLAGS": flags },
        "start": "on-demand", "idle_timeout": idle_timeout
    })
}

/// A home where the catalogues of these servers are kept already.
async fn known(entries: &[Value]) -> TempDir {
    let home = TempDir::new().expect("a temporary directory");
    let awake: Vec<Value> = entries.iter().cloned().map(always).collect();
    let mut gateway = start(home.path(), &awake).await;
    for entry in entries {
        let name = entry["name"].as_str().expect("a name");
        wait::until("the catalogue on disk", SOON, async || {
            let file = gateway.kept(&format!("catalogues/{name}.json"));
            file.is_file().then_some(())
        })
        .await;
    }
    assert!(gateway.terminate().await.success());
    home
}

fn always(mut entry: Value) -> Value {
    let fields = entry.as_object_mut().expect("an object");
    fields.remove("start");
    fields.remove("idle_timeout");
    entry
}

async fn start(home: &Path, entries: &[Value]) -> Gateway {
    Gateway::start(GatewayOptions::new(configuration(entries)).home(home)).await
}

/// A gateway that knows these servers from before, and nobody uses them: no process runs.
async fn asleep(entries: &[Value]) -> (Gateway, TempDir) {
    let home = known(entries).await;
    let gateway = start(home.path(), entries).await;
    let client = join(&gateway).await;
    client.call("tools/list", None, SOON).await;
    client.leave().await;
    assert_eq!(gateway.children(), [], "nobody wants them");
    (gateway, home)
}

async fn metric(gateway: &Gateway, series: &str) -> Option<f64> {
    let text = http::get(gateway.addr(), "/metrics").await.text();
    let mut lines = text.lines();
    let line = lines.find_map(|line| line.strip_prefix(series))?;
    line.trim().parse().ok()
}

async fn echo(client: &SseClient, server: &str, said: &str) -> String {
    let arguments = json!({ "text": said }).to_string();
    text_of(
        &client
            .call_tool(&format!("{server}__echo"), &arguments)
            .await,
    )
}
