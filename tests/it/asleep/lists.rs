//! What is listed of servers that sleep.

use std::fs;

use tempfile::TempDir;

use super::{LATER, SOON, asleep, by_environment, echo, on_demand, server, server_in, start};
use crate::support::servers::{configuration, join, tool_names};
use crate::support::wait;

#[tokio::test]
async fn one_that_was_never_seen_is_started_once_to_be_listed() {
    let home = TempDir::new().expect("a temporary directory");
    let gateway = start(home.path(), &[on_demand("a", 0.3, &[])]).await;
    let client = join(&gateway).await;
    let tools = tool_names(&client.call("tools/list", None, SOON).await);
    assert!(tools.contains(&"a__echo".to_owned()), "{tools:?}");
    server_in(&gateway, "a", "asleep").await;
    wait::until("its end", SOON, async || {
        gateway.children().is_empty().then_some(())
    })
    .await;
    assert_eq!(server(&gateway, "a").await["restarts"], 0);
    assert_eq!(echo(&client, "a", "woken").await, "woken");
}

#[tokio::test]
async fn what_is_kept_of_it_is_written_again_when_it_wakes() {
    let (gateway, _home) = asleep(&[on_demand("a", LATER, &[])]).await;
    let file = gateway.kept("catalogues/a.json");
    let before = fs::read(&file).expect("it is kept");
    fs::remove_file(&file).expect("it is ours");
    let client = join(&gateway).await;
    echo(&client, "a", "x").await;
    let after = wait::until("the catalogue on disk", SOON, async || fs::read(&file).ok()).await;
    assert_eq!(after, before);
}

#[tokio::test]
async fn another_command_is_started_once_to_be_listed() {
    let (gateway, _home) = asleep(&[on_demand("a", 0.3, &[])]).await;
    let client = join(&gateway).await;
    client.call("tools/list", None, SOON).await;
    gateway.write_config(&configuration(&[on_demand("a", 0.3, &["--tools=1"])]));
    client
        .next_notification("notifications/tools/list_changed", SOON)
        .await;
    let tools = tool_names(&client.call("tools/list", None, SOON).await);
    assert!(tools.contains(&"a__tool_0".to_owned()), "{tools:?}");
    server_in(&gateway, "a", "asleep").await;
}

#[tokio::test]
async fn a_list_that_is_another_on_waking_is_announced() {
    let (gateway, _home) = asleep(&[by_environment("a", LATER, "")]).await;
    let client = join(&gateway).await;
    let before = tool_names(&client.call("tools/list", None, SOON).await);
    gateway.write_config(&configuration(&[by_environment("a", LATER, "--tools=1")]));
    gateway.wait_for_log("~1 (a: env)", SOON).await;
    assert_eq!(gateway.children(), []);
    echo(&client, "a", "x").await;
    client
        .next_notification("notifications/tools/list_changed", SOON)
        .await;
    let after = tool_names(&client.call("tools/list", None, SOON).await);
    assert_eq!(after.len(), before.len() + 1, "{after:?}");
}
