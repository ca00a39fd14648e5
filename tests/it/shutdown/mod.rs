//! The end of the gateway, asked for and not: how long it takes, what it still answers, and that it
//! leaves no process behind.

#![cfg(test)]

mod calls;
mod doors;
mod leftovers;
mod signals;
mod timing;

use std::process::ExitStatus;
use std::time::Duration;

use nix::sys::signal::Signal;
use tokio::time::Instant;

use crate::support::gateway::{Gateway, GatewayOptions};
use crate::support::proc::Process;
use crate::support::servers::fixtures;
use crate::support::wait;

/// For what a healthy gateway does at once, on a machine that is busy with other tests.
const SOON: Duration = Duration::from_secs(20);
/// The promise is 1 s when servers obey; the machine is shared.
const PROMPT: Duration = Duration::from_secs(3);
/// The promise for the worst case.
const LONGEST: Duration = Duration::from_secs(10);

async fn start(list: &[(&str, &[&str])]) -> Gateway {
    let gateway = Gateway::start(GatewayOptions::new(fixtures(list))).await;
    for (name, _) in list {
        let started = format!("Server '{name}' started");
        gateway.wait_for_log(&started, SOON).await;
    }
    gateway
}

/// Sends `signal` and waits for the end: how it ended, and how long it took.
async fn end(gateway: &mut Gateway, signal: Signal) -> (ExitStatus, Duration) {
    gateway.children();
    let asked = Instant::now();
    gateway.signal(signal);
    let status = gateway.wait_exit(Duration::from_secs(20)).await;
    (status, asked.elapsed())
}

/// No process of these is left 2 s after the end.
async fn assert_gone(processes: &[Process]) {
    let what = format!("the end of {processes:?}");
    wait::until(&what, Duration::from_secs(2), async || {
        processes
            .iter()
            .all(|process| !process.is_alive())
            .then_some(())
    })
    .await;
}
