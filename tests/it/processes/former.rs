//! A gateway that was killed: the next one of the same state directory ends what it left, and nothing else.

use nix::sys::signal::Signal;
use tempfile::TempDir;

use super::{Bystander, SOON, family, sleep, with_family};
use crate::support::fleet::config;
use crate::support::gateway::{Gateway, GatewayOptions};
use crate::support::proc::Process;

/// It neither hears that its stdin ends nor obeys: it lives on without its gateway.
fn immortal() -> String {
    config([with_family("a", "--ignore-eof --ignore-term")])
}

fn options(text: String, home: &TempDir) -> GatewayOptions {
    GatewayOptions::new(text).home(home.path())
}

async fn kill(mut gateway: Gateway) {
    gateway.signal(Signal::SIGKILL);
    gateway.wait_exit(SOON).await;
    // Dropping it would end what it left, which is the next one's task.
    std::mem::forget(gateway);
}

#[tokio::test]
async fn what_a_killed_gateway_left_is_ended_by_the_next_and_nothing_else() {
    let home = TempDir::new().expect("a temporary directory");
    let first = Gateway::start(options(immortal(), &home)).await;
    let other = Gateway::start(GatewayOptions::new(immortal())).await;
    let (left, others) = (family(&first, "a").await, family(&other, "a").await);
    let leader = first.child("(a)").expect("it runs");
    let mut twin = Bystander::start(&sleep("a", 1), None);
    let stranger = format!("{}:0", "0123456789abcdef".repeat(2));
    let mut marked = Bystander::start(&sleep("a", 2), Some(&stranger));

    kill(first).await;
    assert!(leader.is_alive(), "else the test shows nothing");
    let next = Gateway::start(options("[]".into(), &home)).await;
    let said = next.wait_for_log("A former gateway", SOON).await;
    assert!(said.contains("[WARN]") && said.contains("ended"), "{said}");
    // By the time it listens; one that lost its parent and its environment is nobody's any more.
    let survivors = left.iter().filter(|process| process.is_alive());
    let survivors: Vec<&Process> = survivors.collect();
    let nameless = |process: &Process| process.command == sleep("a", 3);
    let inside = |process: &Process| process.command == sleep("a", 4);
    assert!(
        survivors.iter().all(|process| nameless(process)),
        "{survivors:?}"
    );
    assert!(left.iter().any(inside) && !leader.is_alive());
    for process in &left {
        process.signal(Signal::SIGKILL);
    }

    assert!(others.iter().all(Process::is_alive), "another gateway's");
    assert!(twin.is_alive() && marked.is_alive(), "strangers");
    let lives = std::fs::read_dir(next.state_dir().join("lives"));
    assert_eq!(lives.expect("it was made").count(), 1, "its own");
}

#[tokio::test]
async fn gateways_with_one_state_directory_leave_each_other_alone() {
    let home = TempDir::new().expect("a temporary directory");
    let first = Gateway::start(options(immortal(), &home)).await;
    let of_first = family(&first, "a").await;
    let mut second = Gateway::start(options("[]".into(), &home)).await;
    assert!(second.terminate().await.success());
    assert!(of_first.iter().all(Process::is_alive));
}
