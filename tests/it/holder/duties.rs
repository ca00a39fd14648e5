//! The holder as a first process, and what it takes.

use nix::sys::signal::Signal;
use serde_json::json;

use super::{SOON, gateway_after, gateway_of, options, start};
use crate::support::fleet::{config, script};
use crate::support::gateway::{Gateway, fixture_server};
use crate::support::proc;
use crate::support::wait;

/// Debug builds have more to relocate, about 1.3 MiB; a benchmark shows what is shipped.
const MOST_MEMORY: u64 = if cfg!(debug_assertions) {
    3 << 20
} else {
    1 << 20
};

#[tokio::test]
async fn what_a_killed_gateway_leaves_is_reaped() {
    let text = format!(
        "setsid sleep 100074 </dev/null >/dev/null 2>&1 & exec '{}'",
        fixture_server().display()
    );
    let holder = start(config([script("fx", &text)])).await;
    holder.wait_for_log("Server 'fx' started", SOON).await;
    let gateway = gateway_of(&holder).await;
    let sleeper = wait::until("the sleeper", SOON, async || holder.child("sleep 100074")).await;
    gateway.signal(Signal::SIGKILL);
    let next = gateway_after(&holder, gateway.pid).await;
    // The next gateway kills it. A zombie has its number still.
    wait::until("its number to be free", SOON, async || {
        proc::stat(sleeper.pid).is_none().then_some(())
    })
    .await;
    let children = proc::children(holder.pid());
    assert_eq!(children, [next]);
}

#[tokio::test]
async fn it_is_one_small_thread() {
    let holder = start("[]").await;
    let files = proc::open_files(holder.pid());
    let mut pid = 0;
    for _ in 0..3 {
        let gateway = gateway_after(&holder, pid).await;
        pid = gateway.pid;
        gateway.signal(Signal::SIGKILL);
    }
    gateway_after(&holder, pid).await;
    let stat = proc::stat(holder.pid()).expect("it runs");
    assert_eq!(stat.threads, 1);
    let memory = proc::private(holder.pid()).expect("it runs");
    assert!(memory <= MOST_MEMORY, "{} KiB", memory >> 10);
    assert_eq!(proc::open_files(holder.pid()), files);
}

#[tokio::test]
async fn the_gateway_and_its_servers_get_what_they_should() {
    let plain =
        json!([{ "name": "s", "command": "sleep", "args": ["100075"], "inherit_env": true }]);
    let options = options(plain.to_string()).env("MCPROXY_HOLD_PORT", "yes");
    let holder = Gateway::start(options).await;
    let gateway = gateway_of(&holder).await;
    assert!(
        !gateway.command.contains("--hold-port"),
        "{}",
        gateway.command
    );
    assert!(gateway.command.contains("--log"), "{}", gateway.command);
    let server = wait::until("the server", SOON, async || holder.child("sleep 100075")).await;
    assert_eq!(server.parent, gateway.pid, "one holder is enough");
    assert_eq!(proc::open_files(server.pid), Some(3));
    let environment = std::fs::read(format!("/proc/{}/environ", server.pid)).expect("it runs");
    let environment = String::from_utf8_lossy(&environment);
    for name in ["LISTEN_", "MCPROXY_HOLD"] {
        assert!(!environment.contains(name), "{environment}");
    }
}
