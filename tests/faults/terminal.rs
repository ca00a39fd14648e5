//! Rows 120 and 121: the gateway's terminal is stopped, as by Ctrl-S.

use std::time::Duration;

use nix::pty::openpty;
use nix::sys::signal::Signal;
use nix::sys::termios::{FlowArg, tcflow};
use nix::unistd::ttyname;
use serde_json::json;
use tempfile::TempDir;
use tokio::time::Instant;

use super::stage::{Stage, configuration};
use super::wrapped::wrapped;
use crate::support::client::{DEADLINE, Streamable};
use crate::support::fleet::echo;
use crate::support::gateway::{GatewayOptions, mcproxy};
use crate::support::servers::fixture;
use crate::support::wait;

/// How many servers come, each with a line for the terminal.
const SERVERS: usize = 10;

async fn stopped_terminal(row: u16, prefix: &str) {
    let terminal = openpty(None, None).expect("a terminal");
    let name = ttyname(&terminal.slave).expect("its name");
    let directory = TempDir::new().expect("a temporary directory");
    let (name, gateway) = (name.display(), mcproxy().display());
    let script = format!("#!/bin/sh\nTERM=xterm exec {prefix} {gateway} \"$@\" 2>{name}\n");
    let binary = wrapped(&directory, &script);
    let change = |options: GatewayOptions| options.binary(binary);
    let mut stage = Stage::with(row, &[fixture("x", &[])], &json!({}), change).await;
    let client = stage.client::<Streamable>().await;

    tcflow(&terminal.slave, FlowArg::TCOOFF).expect("it can be stopped");
    let mut servers = vec![fixture("x", &[])];
    for number in 0..SERVERS {
        let server = format!("late{number}");
        servers.push(fixture(&server, &[]));
        let entries = configuration(&servers, &json!({}));
        stage.gateway.write_config(&entries);
        wait::until(&format!("{server} to be served"), DEADLINE, async || {
            let answer = echo(&client, &server, "here").await;
            (answer.text == "here").then_some(())
        })
        .await;
    }
    stage.struck(format!(
        "{SERVERS} servers became ready, each a line for it"
    ));
    let asked = Instant::now();
    assert_eq!(echo(&client, "x", "after").await.text, "after");
    stage.within("a call takes", asked.elapsed(), Duration::from_secs(1));
    client.close().await;
    stage.pause().await;
    let asked = Instant::now();
    stage.gateway.signal(Signal::SIGTERM);
    let status = stage.gateway.wait_exit(Duration::from_secs(15)).await;
    stage.within("exit after", asked.elapsed(), Duration::from_secs(10));
    stage.holds("exit code 0", status.code() == Some(0));
    stage.keep();
    tcflow(&terminal.slave, FlowArg::TCOON).expect("it is ours");
}

#[tokio::test]
async fn f120_stopped_terminal() {
    stopped_terminal(120, "").await;
}

#[tokio::test]
async fn f121_stopped_terminal_on_one_core() {
    stopped_terminal(121, "taskset -c 0").await;
}
