//! The gateway as the first process of a PID namespace, as in a container: all orphans come to it, and none of
//! its own children is taken for one.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use nix::sys::signal::Signal;
use tempfile::TempDir;

use super::{GONE, SOON, family, sleep, with_family};
use crate::support::fleet::{config, script};
use crate::support::gateway::{Gateway, GatewayOptions, mcproxy};
use crate::support::proc::{self, Process};
use crate::support::wait;

/// The gateway promises 10 s.
const STOP: Duration = Duration::from_secs(12);

/// The words in front of a program that make it a first process, where that is allowed.
fn namespace() -> Option<&'static str> {
    let ways = [
        "unshare --pid --fork --mount-proc",
        "unshare --user --map-root-user --pid --fork --mount-proc",
    ];
    ways.into_iter().find(|way| {
        let mut words = way.split(' ');
        let mut command = Command::new(words.next().expect("a program"));
        let command = command.args(words).args(["sh", "-c", "[ $$ = 1 ]"]);
        let status = command.stderr(Stdio::null()).status();
        status.is_ok_and(|status| status.success())
    })
}

/// A program that runs the gateway behind `way`.
fn wrapper(directory: &Path, way: &str) -> PathBuf {
    let wrapper = directory.join("wrapper");
    let text = format!("#!/bin/sh\nexec {way} '{}' \"$@\"\n", mcproxy().display());
    // In a process of its own: a descriptor open for writing here could reach another test's child.
    let mut writer = Command::new("/bin/sh");
    writer.args(["-c", r#"printf %s "$2" > "$1" && chmod 755 "$1""#, "sh"]);
    let written = writer.arg(&wrapper).arg(text).status();
    assert!(written.expect("every system has it").success());
    wrapper
}

/// Five daemons that end by themselves, then the server's own end.
const SHORT_LIVED: &str =
    "for i in 1 2 3 4 5; do (setsid sh -c 'sleep 0.1 & exit 5' >/dev/null 2>&1 &); done; exit 7";

#[tokio::test]
async fn orphans_are_reaped_and_the_gateways_own_children_are_not_stolen() {
    let directory = TempDir::new().expect("a temporary directory");
    let mut options =
        GatewayOptions::new(config([with_family("a", ""), script("short", SHORT_LIVED)]));
    // Where what repeats is said each time.
    options.args.push("--log-level=debug".to_owned());
    let way = namespace();
    match way {
        Some(way) => {
            eprintln!("as the first process of a namespace: {way}");
            options.binary = Some(wrapper(directory.path(), way));
        }
        None => eprintln!("no namespaces here: as a child subreaper, to which orphans come too"),
    }
    let mut gateway = Gateway::start(options).await;
    let first = match way {
        Some(_) => proc::children(gateway.pid()).remove(0).pid,
        None => gateway.pid(),
    };
    if way.is_some() {
        assert_eq!(number_inside(first), "1");
    }
    let all = family(&gateway, "a").await;

    // Of many ends at once each is seen by who waits for it, with its own code.
    for _ in 0..3 {
        let mark = gateway.log_mark();
        let said = gateway.wait_for_log_after(mark, "Server 'short' exited", SOON);
        assert!(said.await.contains("exited with code 7"));
    }
    let server = gateway.child("(a)").expect("it runs");
    let mark = gateway.log_mark();
    proc::send(server.pid, Signal::SIGKILL);
    let said = gateway
        .wait_for_log_after(mark, "[WARN] Server 'a'", SOON)
        .await;
    assert!(said.contains("SIGKILL"), "{said}");

    // An orphan without environment may have been started here by hand, so it stays.
    let is_there =
        |process: &Process| process.command != sleep("a", 3) && proc::stat(process.pid).is_some();
    wait::until(
        "the old family, zombies included, to go",
        GONE,
        async || (!all.iter().any(is_there)).then_some(()),
    )
    .await;
    let all = family(&gateway, "a").await;
    wait::until("no zombies", SOON, async || {
        let children = proc::children(first);
        let mut states = children.iter().filter_map(|child| proc::stat(child.pid));
        (!states.any(|stat| stat.state == 'Z')).then_some(())
    })
    .await;

    proc::send(first, Signal::SIGTERM);
    let status = gateway.wait_exit(STOP).await;
    assert_eq!(status.code(), Some(0));
    gateway.wait_for_log("Stopped", SOON).await;
    assert!(!all.iter().any(Process::is_alive), "at its end: {all:?}");
}

/// The pid as the process itself sees it; see proc(5).
fn number_inside(pid: u32) -> String {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("it runs");
    let line = status.lines().find_map(|line| line.strip_prefix("NSpid:"));
    let numbers = line.expect("proc(5)").split_whitespace();
    numbers.last().expect("its own").to_owned()
}
