//! What callers see of a server's death, in whatever way it comes: an error at once that says what happened and
//! when it is tried again; and then, in the same session, it works again.

use std::time::Duration;

use nix::sys::signal::Signal;
use tokio::time::Instant;

use super::STEP;
use crate::support::client::SseClient;
use crate::support::fleet::{self, Answer, Entry, Identity, echo, fixture, identify, successor};
use crate::support::gateway::Gateway;
use crate::support::proc;

/// The promise is 100 ms; the machine may be busy.
const AT_ONCE: Duration = Duration::from_millis(500);

struct Scene {
    _gateway: Gateway,
    client: SseClient,
    victim: Identity,
    in_flight: Vec<u64>,
}

/// Two calls in flight at the victim, of which nothing is heard.
async fn set(victim: Entry) -> Scene {
    let (gateway, client) = fleet::open([victim, fixture("bystander", &[])]).await;
    let victim = identify(&client, "victim").await;
    let mut in_flight = Vec::new();
    for _ in 0..2 {
        in_flight.push(fleet::send(&client, "victim__sleep", r#"{"ms":600000}"#).await);
    }
    identify(&client, "victim").await; // comes after them, so they have arrived
    Scene {
        _gateway: gateway,
        client,
        victim,
        in_flight,
    }
}

impl Scene {
    /// Both calls are answered at once, with `how` and when; then the server works again.
    async fn expect_answers(self, since: Instant, how: &str) {
        for call in &self.in_flight {
            let answer = fleet::answer(&self.client, *call).await;
            says_all(&answer, how);
        }
        let took = since.elapsed();
        assert!(took < AT_ONCE, "{took:?}");
        // Parked for the first step of the ladder, 0.5 s, and the start.
        let answer = echo(&self.client, "victim", "again").await;
        assert_eq!((answer.text.as_str(), answer.is_error), ("again", false));
        let took = since.elapsed();
        assert!(took < Duration::from_secs(5), "{took:?}");
        assert_ne!(identify(&self.client, "victim").await, self.victim);
        assert_eq!(echo(&self.client, "bystander", "here").await.text, "here");
    }
}

fn says_all(answer: &Answer, how: &str) {
    assert!(answer.is_error, "{answer:?}");
    for part in ["server 'victim'", "started again in about 0.5 s"] {
        assert!(answer.text.contains(part), "{part}: {answer:?}");
    }
    // 50 ms after its stdout was closed no more is waited for: a busy machine may not have told by then.
    let is_said = [how, "closed its stdout"]
        .iter()
        .any(|how| answer.text.contains(how));
    assert!(is_said, "{how}: {answer:?}");
}

#[tokio::test]
async fn by_sigkill() {
    let scene = set(fixture("victim", &[])).await;
    let since = Instant::now();
    assert!(proc::send(scene.victim.pid, Signal::SIGKILL));
    scene
        .expect_answers(since, "was killed by signal 9 (SIGKILL)")
        .await;
}

#[tokio::test]
async fn by_its_own_exit() {
    let scene = set(fixture("victim", &[])).await;
    let since = Instant::now();
    let last = fleet::send(&scene.client, "victim__exit", r#"{"code":7}"#).await;
    says_all(
        &fleet::answer(&scene.client, last).await,
        "exited with code 7",
    );
    scene.expect_answers(since, "exited with code 7").await;
}

#[tokio::test]
async fn by_abort() {
    let scene = set(fixture("victim", &[])).await;
    let since = Instant::now();
    let last = fleet::send(&scene.client, "victim__abort", "{}").await;
    says_all(
        &fleet::answer(&scene.client, last).await,
        "signal 6 (SIGABRT",
    );
    scene.expect_answers(since, "signal 6 (SIGABRT").await;
}

/// The grandchild has left the process group and ignores SIGTERM, so it keeps stdout open for a moment: no end
/// of file comes. Then it is ended too.
#[tokio::test]
async fn while_a_grandchild_holds_stdout() {
    let scene = set(fixture("victim", &["--setsid-grandchild"])).await;
    let grandchild = scene.victim.grandchild.expect("it has one");
    assert!(proc::is_alive(grandchild));
    let since = Instant::now();
    assert!(proc::send(scene.victim.pid, Signal::SIGKILL));
    let gateway_and_client = (&scene.client, scene.victim.clone());
    let next = async {
        let (client, old) = gateway_and_client;
        successor(client, "victim", &old, STEP).await
    };
    let next = next.await;
    let took = since.elapsed();
    assert!(took < Duration::from_secs(5), "{took:?}");
    for call in &scene.in_flight {
        let answer = fleet::answer(&scene.client, *call).await;
        says_all(&answer, "was killed by signal 9 (SIGKILL)");
    }
    scene.victim.gone(Duration::from_secs(2)).await;
    assert!(next.grandchild.is_some_and(proc::is_alive), "the new one's");
}

#[tokio::test]
async fn a_hung_server_is_restarted_after_three_timeouts() {
    let hangs = fixture("victim", &["--hang-on", "echo"]).with("call_timeout", 0.4);
    let (gateway, client) = fleet::open([hangs, fixture("bystander", &[])]).await;
    let victim = identify(&client, "victim").await;
    let bystander = identify(&client, "bystander").await;
    for number in 1..=3 {
        let answer = echo(&client, "victim", "?").await;
        assert!(
            answer.is_error && answer.text.contains("server 'victim'"),
            "{answer:?}"
        );
        assert!(
            answer.text.contains("did not answer within 0.4 s"),
            "{number}: {answer:?}"
        );
    }
    gateway.wait_for_log("Server 'victim' is hung", STEP).await;
    victim.gone(STEP).await;
    successor(&client, "victim", &victim, STEP).await;
    assert_eq!(identify(&client, "bystander").await, bystander);
}

#[tokio::test]
async fn a_slow_server_that_says_something_is_not_hung() {
    let slow = fixture("victim", &["--hang-on", "echo"]).with("call_timeout", 0.3);
    let (_gateway, client) = fleet::open([slow]).await;
    let victim = identify(&client, "victim").await;
    for _ in 0..4 {
        let start = Instant::now();
        assert!(echo(&client, "victim", "?").await.is_error);
        let took = start.elapsed();
        assert!(
            took < Duration::from_secs(2),
            "its own timeout, not an earlier call's: {took:?}"
        );
        assert_eq!(identify(&client, "victim").await, victim);
    }
}
