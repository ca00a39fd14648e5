//! What can't heal ends with exit code 70 and no process: root itself dies, or permanent actors die too often.

use std::time::Duration;

use mcproxy::tree::Exit;

use super::house::{House, servers};
use crate::support::chaos::How;
use crate::support::client::SseClient;
use crate::support::fleet::{Identity, config, fixture};

/// Every process is gone at once: nobody is left to wait for them.
const GONE: Duration = Duration::from_secs(2);

async fn open() -> (House, SseClient, Vec<Identity>) {
    let house = House::open(servers()).await;
    let client = house.client().await;
    let processes = house.identities(&client).await;
    assert!(processes[0].grandchild.is_some());
    (house, client, processes)
}

async fn is_over(mut house: House, processes: &[Identity], expected: Exit) {
    let exit = house.end().await;
    assert_eq!((exit, exit.code()), (expected, 70));
    for process in processes {
        process.gone(GONE).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn root_is_killed() {
    let (house, client, processes) = open().await;
    house.tree.root().kill();
    is_over(house, &processes, Exit::RootDied).await;
    client.wait_end(GONE).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn root_is_stopped_by_somebody_else() {
    let (house, _client, processes) = open().await;
    house.tree.root().stop(None);
    is_over(house, &processes, Exit::RootDied).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn root_panics() {
    let (house, _client, processes) = open().await;
    // It happens in root's own handler, when it starts a server.
    house.chaos.refuse("upstream");
    house.write_config(&config([fixture("another", &[])]));
    is_over(house, &processes, Exit::RootDied).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_restarts_are_borne_and_the_sixth_is_not() {
    let (house, client, processes) = open().await;
    let victims = ["config", "registry", "config", "registry", "config"];
    for (number, kind) in (2..).zip(victims) {
        house.chaos.strike(kind, How::ALL[number % 3]).await;
        house.restarted(kind, number / 2 + 1).await;
    }
    assert_eq!(house.identities(&client).await, processes);
    house.chaos.strike("registry", How::Error).await;
    is_over(house, &processes, Exit::GaveUp).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn servers_and_sessions_never_end_the_program() {
    let (house, client, _) = open().await;
    for turn in 0..8 {
        let how = How::ALL[turn % 3];
        let victim = house.client().await;
        let lives = house.chaos.spawned("session");
        house.chaos.strike("session", how).await;
        victim.wait_end(GONE).await;
        assert_eq!(
            house.chaos.spawned("session"),
            lives,
            "nobody restarts a session"
        );
    }
    for turn in 0..3 {
        let lives = house.chaos.spawned("upstream");
        house.chaos.strike("upstream", How::ALL[turn]).await;
        support::wait::until("the next life", Duration::from_secs(10), async || {
            let is_back = house.chaos.spawned("upstream") > lives && house.groups() == 2;
            is_back.then_some(())
        })
        .await;
    }
    drop(client);
    let client = house.client().await;
    house.identities(&client).await;
    house.close().await;
}
