//! A gateway that is killed has no chance to stop anybody; its servers see the end of their stdin.

use std::os::unix::process::ExitStatusExt;

use nix::sys::signal::Signal;

use super::{SOON, assert_gone, start};
use crate::support::client::SseClient;
use crate::support::gateway::{Gateway, GatewayOptions};

#[tokio::test]
async fn servers_of_a_killed_gateway_see_the_end_and_go() {
    let home = tempfile::TempDir::new().expect("a temporary directory");
    let mut gateway = start(&[("a", &[]), ("b", &[]), ("c", &["--noisy-stderr"])]).await;
    let client = SseClient::connect(gateway.addr()).await;
    client.call_tool("a__echo", "{}").await;
    let children = gateway.children();
    assert_eq!(children.len(), 3);
    let address = gateway.addr().to_string();
    gateway.signal(Signal::SIGKILL);
    let status = gateway.wait_exit(SOON).await;
    assert_eq!(status.signal(), Some(Signal::SIGKILL as i32));
    assert_gone(&children).await;
    client.wait_end(SOON).await;

    // Nobody holds the port either: the next one can have it at once.
    let options = GatewayOptions::new("[]")
        .home(home.path())
        .arg(format!("--listen={address}"));
    let next = Gateway::start(options).await;
    assert_eq!(next.addr().to_string(), address);
}
