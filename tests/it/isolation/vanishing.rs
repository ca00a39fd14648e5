//! A hundred clients that vanish at once, over either transport, half of them with a process of their own:
//! nothing that they held is left, and whoever stays is served.

use super::{SOON, isolated, processes, shared};
use crate::support::both::join;
use crate::support::client::{Client, Sse, SseClient, Streamable, Transport};
use crate::support::gateway::Gateway;
use crate::support::servers::{gateway, text_of};
use crate::support::streamable::Endpoint;
use crate::support::{proc, wait};

const HALF: usize = 50;

/// A gateway, one who stays, and what the gateway has open for that one.
struct Scene {
    gateway: Gateway,
    witness: SseClient,
    files: usize,
    sockets: usize,
}

impl Scene {
    async fn set() -> Self {
        let gateway = gateway(&[isolated("own", &[]), shared("fx", &[])]).await;
        for server in ["own", "fx"] {
            let started = format!("Server '{server}' started");
            gateway.wait_for_log(&started, SOON).await;
        }
        let pid = gateway.pid();
        let sockets = proc::open_sockets(pid).expect("it runs") + 1;
        let witness = join::<Sse>(&gateway).await;
        witness.call_tool("fx__echo", "{}").await;
        witness.close_posts();
        wait::until("one connection", SOON, async || {
            (proc::open_sockets(pid)? == sockets).then_some(())
        })
        .await;
        Self {
            files: proc::open_files(pid).expect("it runs"),
            sockets,
            gateway,
            witness,
        }
    }

    /// Half of them have a process of their own, the others a call in flight that ends by itself.
    async fn crowd<T: Transport>(&self) -> Vec<Client<T>> {
        let mut crowd = Vec::new();
        for _ in 0..HALF {
            let own = join::<T>(&self.gateway).await;
            own.call_tool("own__echo", "{}").await;
            let calling = join::<T>(&self.gateway).await;
            let sleeping = r#"{"name":"fx__sleep","arguments":{"ms":2000}}"#;
            calling.request("tools/call", Some(sleeping)).await;
            crowd.extend([own, calling]);
        }
        assert_eq!(processes(&self.gateway, "own").len(), 1 + HALF);
        crowd
    }

    async fn until_no_connection_is_left(&self) {
        wait::until("all connections to be closed", SOON, async || {
            (proc::open_sockets(self.gateway.pid())? <= self.sockets).then_some(())
        })
        .await;
    }

    async fn until_nothing_is_left(&self) {
        wait::until("the template alone", SOON, async || {
            (processes(&self.gateway, "own").len() == 1).then_some(())
        })
        .await;
        wait::until("all files to be closed", SOON, async || {
            (proc::open_files(self.gateway.pid())? <= self.files).then_some(())
        })
        .await;
    }

    async fn serves(&self) {
        for tool in ["own__echo", "fx__echo"] {
            let answer = self.witness.call_tool(tool, r#"{"text":"still"}"#).await;
            assert_eq!(text_of(&answer), "still");
        }
    }
}

#[tokio::test]
async fn over_sse_they_leave_nothing() {
    let scene = Scene::set().await;
    drop(scene.crowd::<Sse>().await);
    scene.until_no_connection_is_left().await;
    scene.until_nothing_is_left().await;
    scene.serves().await;
}

/// A connection means nothing there: the sessions stay, with their processes, until others need the room.
#[tokio::test]
async fn over_streamable_http_they_leave_no_connection_and_make_room() {
    let scene = Scene::set().await;
    let crowd = scene.crowd::<Streamable>().await;
    let kept = crowd[0].endpoint();
    drop(crowd);
    scene.until_no_connection_is_left().await;
    assert_eq!(processes(&scene.gateway, "own").len(), 1 + HALF);
    assert_eq!(
        text_of(&kept.call_tool("own__echo", r#"{"text":"mine"}"#).await),
        "mine"
    );

    // As many as there may be: whoever has nothing to do ends for them.
    for _ in 0..1000 {
        Endpoint::new(scene.gateway.addr())
            .initialize("2025-11-25", "{}")
            .await;
    }
    scene.until_nothing_is_left().await;
    scene.serves().await;
}
