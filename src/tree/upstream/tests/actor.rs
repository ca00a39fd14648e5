//! The actor through its handle, with shell scripts as servers. A script knows the gateway's ids:
//! 0 for `initialize`, 1 for the first list, then one per request.

use std::sync::Arc;
use std::time::Duration;

use ractor::{Actor, ActorRef};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};

use super::{Desk, Heard, spec};
use crate::config::model::{Limits, ServerSpec};
use crate::ids::Generation;
use crate::process::Groups;
use crate::protocol::mcp::request::Subject;
use crate::supervise::{Ladder, Start};
use crate::testing::{self, listener, name, wanted};
use crate::tree::Quota;
use crate::tree::client::InstanceOwner;
use crate::tree::registry::Routes;
use crate::tree::root::{RootHandle, RootMsg};
use crate::tree::upstream::{Upstream, UpstreamArgs, UpstreamHandle, UpstreamMsg, launch};

/// The handshake and a list of one tool, `t`.
pub(super) const READY: &str = r#"
    read hello
    echo '{"jsonrpc":"2.0","id":0,"result":{"protocolVersion":"2025-06-18","capabilities":{"tools":{}}}}'
    read initialized; read list
    echo '{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"t","inputSchema":{"type":"object"}}]}}'
"#;
pub(super) const SOON: Duration = Duration::from_secs(20);

pub(super) struct Stage {
    pub(super) handle: UpstreamHandle,
    actor: ActorRef<UpstreamMsg>,
    ended: JoinHandle<()>,
    groups: Groups,
    root: RootHandle,
    pub(super) told: UnboundedReceiver<RootMsg>,
    pub(super) tables: UnboundedReceiver<Arc<Routes>>,
    pub(super) desk: Desk,
}

impl Stage {
    async fn set(script: &str, call_timeout: Duration) -> Self {
        Self::of(spec(script, call_timeout), None).await
    }

    pub(super) async fn of(spec: ServerSpec, owner: Option<InstanceOwner>) -> Self {
        let (root, told) = testing::root().await;
        let (pushed, tables) = listener();
        let registry = testing::registry_after(None, pushed).await;
        registry.wanted(vec![wanted("s")]);
        let (permits, groups) = (Quota::new(8), Groups::default());
        let args = UpstreamArgs {
            spec: Arc::new(spec),
            generation: Generation(1),
            permits: permits.clone(),
            start: Start {
                deadline: SOON,
                failures: 0,
                first: true,
            },
            ladder: Ladder::default(),
            owner,
            root: Arc::new(root.clone()),
            registry,
            groups: groups.clone(),
            limits: Arc::new(Limits::default()),
            metrics: Arc::default(),
            past: Arc::default(),
            history: Arc::default(),
            launch: Arc::new(launch),
        };
        let (actor, ended) = Actor::spawn(None, Upstream, args).await.unwrap();
        Self {
            handle: UpstreamHandle::new(actor.clone(), name("s"), Generation(1), permits),
            actor,
            ended,
            groups,
            root,
            told,
            tables,
            desk: Desk::new(8),
        }
    }

    async fn ready(script: &str) -> Self {
        let mut stage = Self::set(&format!("{READY}{script}"), SOON).await;
        stage.until_ready().await;
        stage
    }

    async fn until_ready(&mut self) {
        let is_ready = |routes: &Routes| routes.servers[&name("s")].generation().is_some();
        while !is_ready(&timeout(SOON, self.tables.recv()).await.unwrap().unwrap()) {}
    }

    fn call(&mut self) {
        let reply_token = self.desk.plain();
        self.handle.call(reply_token);
    }

    /// Waits for the end; nothing of the server is left then.
    pub(super) async fn ends(self) -> Desk {
        timeout(SOON, self.ended).await.unwrap().unwrap();
        assert!(self.groups.is_empty());
        drop(self.root);
        self.desk
    }
}

fn failed(heard: &Heard) -> &str {
    let Heard::Failed(_, text) = heard else {
        panic!("not a failure: {heard:?}");
    };
    text
}

#[tokio::test]
async fn it_is_ready_once_and_says_so_to_root_before_the_registry() {
    let script = r#"
        echo '{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}'
        read again
        echo '{"jsonrpc":"2.0","id":2,"result":{"tools":[{"name":"u","inputSchema":{"type":"object"}}]}}'
        cat >/dev/null
    "#;
    let mut stage = Stage::ready(script).await;
    let has_u = |routes: &Routes| routes.merged.find(Subject::Tool, "s__u").is_some();
    while !has_u(&timeout(SOON, stage.tables.recv()).await.unwrap().unwrap()) {}
    let spawned = stage.told.try_recv().unwrap();
    assert!(matches!(spawned, RootMsg::Spawned { pid: Some(1..), .. }));
    let first = stage.told.try_recv().unwrap();
    assert!(matches!(first, RootMsg::Initialized { .. }));
    let second = stage.told.try_recv().unwrap();
    assert!(matches!(second, RootMsg::Ready { tools: 1, .. }));
    assert!(stage.told.try_recv().is_err(), "once");
    stage.handle.stop(Duration::ZERO);
    stage.ends().await;
}

#[tokio::test]
async fn a_server_that_always_says_that_its_list_changed_is_listed_all_the_same() {
    let script = r#"
        (while :; do
            echo '{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}'
        done) &
        read again
        echo '{"jsonrpc":"2.0","id":2,"result":{"tools":[{"name":"u","inputSchema":{"type":"object"}}]}}'
        cat >/dev/null
    "#;
    let mut stage = Stage::ready(script).await;
    let has_u = |routes: &Routes| routes.merged.find(Subject::Tool, "s__u").is_some();
    while !has_u(&timeout(SOON, stage.tables.recv()).await.unwrap().unwrap()) {}
    stage.handle.stop(Duration::ZERO);
    stage.ends().await;
}

#[tokio::test]
async fn a_death_answers_every_call_with_how_it_ended_and_what_comes_next() {
    let mut stage = Stage::ready("read one; read two; echo 'half a line'; exit 3").await;
    stage.call();
    stage.call();
    let heard = [stage.desk.next().await, stage.desk.next().await];
    for one in &heard {
        let text = failed(one);
        assert!(text.contains("server 's' exited with code 3"), "{text}");
        assert!(text.contains("started again in about 0.5 s"), "{text}");
    }
    let mut desk = stage.ends().await;
    assert!(desk.hear().is_empty());
    assert_eq!(desk.permits.free(), 8);
}

#[tokio::test]
async fn last_words_count() {
    let script = r#"
        read one
        echo '{"jsonrpc":"2.0","id":2,"result":{"content":[],"said":"last words"}}'
        exit 1
    "#;
    let mut stage = Stage::ready(script).await;
    stage.call();
    assert_eq!(
        stage.desk.next().await,
        Heard::Result(1, r#"{"content":[],"said":"last words"}"#.into())
    );
    assert!(stage.ends().await.hear().is_empty());
}

#[tokio::test]
async fn a_grandchild_that_holds_stdout_open_does_not_delay_the_answers() {
    let mut stage = Stage::ready("read one; sleep 600 & exit 4").await;
    stage.call();
    let heard = stage.desk.next().await;
    assert!(failed(&heard).contains("exited with code 4"), "{heard:?}");
    stage.ends().await;
}

#[tokio::test]
async fn a_server_that_closes_its_stdout_is_dead_to_us() {
    let mut stage = Stage::ready("read one; exec 1>&-; sleep 600").await;
    stage.call();
    let heard = stage.desk.next().await;
    assert!(failed(&heard).contains("closed its stdout"), "{heard:?}");
    stage.ends().await;
}

#[tokio::test]
async fn a_kill_of_the_actor_answers_and_leaves_no_process() {
    let mut stage = Stage::ready("read one; touch \"$0\"; cat >/dev/null").await;
    stage.call();
    // Whatever comes first, the call or the kill: it is answered or given back.
    stage.actor.kill();
    let heard = stage.desk.next().await;
    assert!(
        matches!(heard, Heard::Failed(1, _) | Heard::Undelivered(1)),
        "{heard:?}"
    );
    stage.ends().await;
}

#[tokio::test]
async fn calls_it_cannot_take_are_given_back() {
    // Not ready yet.
    let mut stage = Stage::set("read hello; cat >/dev/null", SOON).await;
    stage.call();
    assert_eq!(stage.desk.next().await, Heard::Undelivered(1));
    // Dead.
    stage.handle.stop(Duration::ZERO);
    timeout(SOON, &mut stage.ended).await.unwrap().unwrap();
    stage.call();
    assert_eq!(stage.desk.next().await, Heard::Undelivered(2));
    assert_eq!(stage.desk.permits.free(), 8);
}

#[tokio::test]
async fn a_drain_lets_calls_finish_and_takes_no_more() {
    let script = r#"
        read one; read cancelled
        echo '{"jsonrpc":"2.0","id":2,"result":{"content":[]}}'
        cat >/dev/null
    "#;
    let mut stage = Stage::ready(script).await;
    stage.call();
    stage.call();
    stage.handle.stop(SOON);
    stage.handle.stop(SOON);
    stage.call();
    assert_eq!(stage.desk.next().await, Heard::Undelivered(3));
    // A cancelled call is nothing to wait for.
    stage.handle.cancel(Desk::id(2), None);
    assert_eq!(
        stage.desk.next().await,
        Heard::Result(1, r#"{"content":[]}"#.into())
    );
    assert!(stage.ends().await.hear().is_empty());
}

#[tokio::test]
async fn a_stop_that_is_urgent_overtakes_a_drain() {
    let mut stage = Stage::ready("cat >/dev/null").await;
    stage.call();
    stage.handle.stop(SOON);
    stage.handle.stop(Duration::ZERO);
    let start = Instant::now();
    let heard = stage.desk.next().await;
    assert!(
        failed(&heard).contains("being stopped or replaced"),
        "{heard:?}"
    );
    stage.ends().await;
    assert!(start.elapsed() < SOON / 2);
}

/// Whether root was told anything but that the process runs.
fn is_ready_told(told: &mut UnboundedReceiver<RootMsg>) -> bool {
    let mut told = std::iter::from_fn(|| told.try_recv().ok());
    told.any(|message| !matches!(message, RootMsg::Spawned { .. }))
}

#[tokio::test]
async fn a_stop_during_the_start_is_a_stop() {
    for drain in [Duration::ZERO, SOON] {
        let script = format!("sleep 0.2; {READY} cat >/dev/null");
        let mut stage = Stage::set(&script, SOON).await;
        stage.handle.stop(drain);
        let mut told = std::mem::replace(&mut stage.told, testing::root().await.1);
        stage.ends().await;
        assert!(!is_ready_told(&mut told), "it never got ready");
    }
}

#[tokio::test]
async fn what_a_server_says_while_it_is_stopped_does_not_make_it_ready() {
    // It answers only once its stdin is closed.
    let script = r#"
        cat >/dev/null
        echo '{"jsonrpc":"2.0","id":0,"result":{"protocolVersion":"2025-06-18","capabilities":{}}}'
        exec 1>&-
        sleep 0.2
    "#;
    let mut stage = Stage::set(script, SOON).await;
    stage.handle.stop(Duration::ZERO);
    let mut told = std::mem::replace(&mut stage.told, testing::root().await.1);
    stage.ends().await;
    assert!(!is_ready_told(&mut told), "it was on its way out");
}

#[tokio::test]
async fn a_call_times_out_in_its_own_time_also_after_a_cancelled_one() {
    let call_timeout = Duration::from_millis(400);
    let script = format!("{READY} cat >/dev/null");
    let mut stage = Stage::set(&script, call_timeout).await;
    stage.until_ready().await;
    stage.call();
    stage.handle.cancel(Desk::id(1), None);
    // Past the first call's time only the permit of the cancelled one is awaited, for a minute.
    tokio::time::sleep(call_timeout * 2).await;
    stage.call();
    let start = Instant::now();
    let heard = stage.desk.next().await;
    assert!(
        failed(&heard).contains("did not answer within 0.4 s"),
        "{heard:?}"
    );
    assert!(
        start.elapsed() < Duration::from_secs(10),
        "{:?}",
        start.elapsed()
    );
    stage.handle.stop(Duration::ZERO);
    stage.ends().await;
}

#[tokio::test]
async fn a_server_that_cannot_be_started_says_so() {
    let mut stage = Stage::set("exit 0", SOON).await;
    stage.call();
    assert_eq!(stage.desk.next().await, Heard::Undelivered(1));
    stage.ends().await;
}
