//! Row 44: a gateway that is stopped, and what its service manager makes of that.

use std::time::Duration;

use nix::sys::signal::Signal;
use serde_json::json;
use tempfile::TempDir;
use tokio::time::{Instant, timeout};

use super::stage::{Stage, configuration, wait as shortened};
use crate::support::client::{DEADLINE, Sse, Streamable};
use crate::support::fleet::echo;
use crate::support::gateway::{Gateway, GatewayOptions};
use crate::support::mailbox::Mailbox;
use crate::support::proc;
use crate::support::servers::fixture;

const FOOD: &str = "WATCHDOG=1";

/// Emulated: the service manager is the test. It does with what it hears what systemd does (`WatchdogSec=`,
/// `WatchdogSignal=`, `Restart=` in systemd.service(5)): without food for the watchdog's time SIGABRT, then SIGKILL,
/// then another start. What it hears, and what it does it to, are the real ones.
#[tokio::test]
async fn f44_stopped_gateway() {
    let watchdog = shortened(Duration::from_secs(2), Duration::from_secs(30));
    let home = TempDir::new().expect("a temporary directory");
    let mut manager = Mailbox::open();
    let servers = [fixture("x", &[])];
    let (name, microseconds) = (manager.name().to_owned(), watchdog.as_micros().to_string());
    let watched = |options: GatewayOptions| {
        let options = options.home(home.path()).env("NOTIFY_SOCKET", &name);
        options.env("WATCHDOG_USEC", &microseconds)
    };
    let mut stage = Stage::with(44, &servers, &json!({}), watched).await;
    let session = stage.client::<Streamable>().await;
    manager.next_of(FOOD).await;
    stage.pause().await;

    let pid = stage.gateway.pid();
    stage.gateway.signal(Signal::SIGSTOP);
    manager.read_all();
    let stopped = Instant::now();
    let silence = timeout(watchdog, manager.mail.recv()).await;
    let seen = proc::stat(pid).expect("it is there").state;
    stage.holds("no watchdog message while it is stopped", silence.is_err());
    stage.holds("it was stopped all the time", seen == 'T');
    stage.struck(format!(
        "pid {pid} is in state {seen} for {watchdog:?}, the watchdog's time; the manager is emulated: it sends SIGABRT and \
         SIGKILL, and starts another"
    ));
    stage.gateway.signal(Signal::SIGABRT);
    stage.gateway.signal(Signal::SIGKILL);
    stage.gateway.wait_exit(DEADLINE).await;

    let begin = Instant::now();
    let options = GatewayOptions::new(configuration(&servers, &json!({})));
    let address = stage.gateway.addr().to_string();
    let next = Gateway::start(watched(options).arg("--listen").arg(address)).await;
    stage.replace(next);
    let late = stage.client::<Sse>().await;
    assert_eq!(echo(&late, "x", "after").await.text, "after");
    stage.within("its successor serves after", begin.elapsed(), DEADLINE);
    let outage = watchdog + DEADLINE;
    stage.within("out of service for", stopped.elapsed(), outage);
    assert_eq!(echo(&session, "x", "again").await.text, "again");
    stage.holds("a session over /mcp goes on", true);
    manager.next_of(FOOD).await;
    stage.holds("the successor feeds the watchdog", true);
    stage.resume().await;
    session.close().await;
    late.close().await;
    stage.close().await;
}
