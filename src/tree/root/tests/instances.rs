//! Sessions' own instances under root: test listeners in the place of sessions, shell scripts as
//! servers, everything between them real.

use super::*;
use crate::ids::{Generation, ServerName};
use crate::testing::{listener, name};
use crate::tree::client::{InstanceOwner, SessionEvent};
use crate::tree::registry::RouteState;
use crate::tree::root::RootHandle;
use crate::tree::sessions::SessionsParent;

/// A server with instances per session. Its script finds its version in `$0`.
fn isolated(version: &str, script: &str) -> Value {
    json!({
        "name": "s", "command": "sh", "args": ["-c", script, version], "isolation": "session"
    })
}

/// An isolated server that is up and does nothing.
fn idle() -> Value {
    isolated("1", &hanging())
}

/// The session's end of what root and its instance tell it.
struct Stand {
    root: RootHandle,
    owner: InstanceOwner,
    heard: UnboundedReceiver<SessionEvent>,
}

impl House {
    /// A house in which the template of the isolated server `s` runs.
    async fn isolating(servers: &[Value]) -> Self {
        let house = Self::of_entries(servers).await;
        house.client().await.lists("s__t").await;
        house
    }

    /// Somebody in the place of a session of this life of the sessions' supervisor.
    fn stand(&self, session: u64, life: u64) -> Stand {
        let (client, heard) = listener::<SessionEvent>();
        let owner = InstanceOwner {
            session,
            name: format!("of {session}").into(),
            client,
            capabilities: crate::protocol::mcp::lifecycle::ClientCapabilities::default(),
            extensions: crate::protocol::modern::extensions::Extensions::default(),
        };
        let root = self.tree.root.for_sessions(Generation(life));
        Stand { root, owner, heard }
    }

    fn configures(&self, servers: &[Value]) {
        write_entries(self.directory.path(), servers);
        self.tree.reload();
    }
}

impl Stand {
    fn wants(&self, server: &str) {
        self.root.instance_wanted(name(server), self.owner.clone());
    }

    fn ends(&self) {
        self.root.session_ended(self.owner.session);
    }

    /// The next news of its instance of `s`; `None`: it is gone.
    async fn hears(&mut self) -> Option<RouteState> {
        let (server, state) = self.hears_of().await;
        assert_eq!(server, name("s"), "{state:?}");
        state
    }

    /// What root says next. What the instance itself says is no matter of these tests.
    async fn hears_of(&mut self) -> (ServerName, Option<RouteState>) {
        loop {
            let news = timeout(SOON, self.heard.recv()).await.unwrap();
            if let SessionEvent::Instance { server, state } = news.unwrap() {
                return (server, state);
            }
        }
    }

    async fn hears_starting(&mut self) {
        let state = self.hears().await;
        assert!(matches!(state, Some(RouteState::Starting)), "{state:?}");
    }

    async fn hears_that_it_is_gone(&mut self) {
        let state = self.hears().await;
        assert!(state.is_none(), "{state:?}");
    }

    /// Root has done all that it was told before, and said no more of `s` than was heard.
    async fn hears_nothing_more(&mut self) {
        self.wants("unknown");
        let (server, state) = self.hears_of().await;
        assert_eq!(server, name("unknown"), "{state:?}");
    }
}

/// The sessions' supervisor is the third child that root starts.
const FIRST_LIFE: u64 = 3;
/// After the listener, the template and one instance.
const SECOND_LIFE: u64 = 7;

#[tokio::test]
async fn a_wish_starts_one_instance_and_the_end_of_the_session_ends_it() {
    let house = House::isolating(&[idle()]).await;
    let (mut one, mut other) = (house.stand(700, FIRST_LIFE), house.stand(800, FIRST_LIFE));
    house.runs(1).await;
    one.wants("s");
    one.hears_starting().await;
    one.wants("s");
    other.wants("s");
    other.hears_starting().await;
    house.runs(3).await;
    one.hears_nothing_more().await;
    one.ends();
    house.runs(2).await;
    one.hears_nothing_more().await;
    other.hears_nothing_more().await;
    house.stops().await;
}

#[tokio::test]
async fn one_that_is_not_used_ends_and_starts_again_when_it_is() {
    let house = House::isolating(&[idle()]).await;
    let mut stand = house.stand(700, FIRST_LIFE);
    for _ in 0..2 {
        stand.wants("s");
        stand.hears_starting().await;
        house.runs(2).await;
        stand.root.instances_unused(700);
        house.runs(1).await;
        while stand.heard.try_recv().is_ok() {}
    }
    // At once, too: while the old one is ending.
    stand.wants("s");
    house.runs(2).await;
    stand.root.instances_unused(700);
    stand.wants("s");
    house.runs(2).await;
    stand.ends();
    house.runs(1).await;
    house.stops().await;
}

#[tokio::test]
async fn only_an_isolated_server_has_instances() {
    let house = House::isolating(&[idle(), entry("shared", &hanging())]).await;
    let mut stand = house.stand(700, FIRST_LIFE);
    stand.wants("shared");
    let (server, state) = stand.hears_of().await;
    assert_eq!(server, name("shared"));
    assert!(state.is_none(), "{state:?}");
    stand.hears_nothing_more().await;
    house.runs(2).await;
    house.stops().await;
}

#[tokio::test]
async fn an_instance_climbs_the_ladder_while_its_session_lives() {
    // Only the first life, the template, stays.
    let directory = tempfile::tempdir().unwrap();
    let mark = directory.path().join("mark");
    let script = format!("mkdir {} || exit 3; {}", mark.display(), hanging());
    let house = House::isolating(&[isolated("1", &script)]).await;
    let mut stand = house.stand(700, FIRST_LIFE);
    stand.wants("s");
    let down = loop {
        match stand.hears().await {
            Some(RouteState::Starting) => {}
            Some(RouteState::Down { why, next_try }) => break (why, next_try),
            state => panic!("{state:?}"),
        }
    };
    assert_eq!(down.0, "exited with code 3");
    assert!(down.1 > Instant::now());
    stand.hears_starting().await;
    stand.ends();
    while stand.heard.try_recv().is_ok() {}
    stand.hears_nothing_more().await;
    house.runs(1).await;
    house.stops().await;
}

#[tokio::test]
async fn a_reload_restarts_keeps_and_ends_instances_as_their_entry_says() {
    let house = House::isolating(&[idle()]).await;
    let mut stand = house.stand(700, FIRST_LIFE);
    stand.wants("s");
    stand.hears_starting().await;
    house.runs(2).await;

    house.configures(&[idle(), entry("new", &hanging())]);
    house.runs(3).await;
    stand.hears_nothing_more().await;

    let refused = json!({"name": "s", "command": 7});
    house.configures(&[refused]);
    house.runs(2).await;
    stand.hears_nothing_more().await;

    house.configures(&[isolated("2", &hanging())]);
    // Asked to stop; and started anew.
    stand.hears_starting().await;
    stand.hears_starting().await;
    house.runs(2).await;

    house.configures(&[entry("s", &hanging())]);
    stand.hears_starting().await;
    stand.hears_that_it_is_gone().await;
    stand.wants("s");
    stand.hears_that_it_is_gone().await;
    house.runs(1).await;

    house.configures(&[idle()]);
    house.client().await.lists("s__t").await;
    house.runs(1).await;
    stand.hears_nothing_more().await;
    house.stops().await;
}

#[tokio::test]
async fn instances_end_with_the_sessions_and_late_wishes_start_none() {
    let mut house = House::isolating(&[idle()]).await;
    let mut late = house.stand(700, FIRST_LIFE);
    late.wants("s");
    house.runs(2).await;
    house
        .chaos
        .plan("sessions", Moment::Message, 0, Fault::Error);
    assert!(house.sessions.open_sse().await.is_err());
    house.sessions = timeout(SOON, house.doors.recv())
        .await
        .unwrap()
        .unwrap()
        .sessions;
    house.runs(1).await;
    while late.heard.try_recv().is_ok() {}
    late.wants("s");
    // Root has dealt with that when it answers somebody of this life.
    let mut stand = house.stand(900, SECOND_LIFE);
    stand.wants("s");
    stand.hears_starting().await;
    house.runs(2).await;
    assert!(late.heard.try_recv().is_err(), "nobody answers it");
    house.stops().await;
}

#[tokio::test]
async fn a_stop_ends_instances_with_the_servers() {
    let house = House::isolating(&[idle()]).await;
    let stand = house.stand(700, FIRST_LIFE);
    stand.wants("s");
    house.runs(2).await;
    house.stops().await;
}

#[tokio::test]
async fn a_session_that_ends_at_once_leaves_no_instance() {
    let house = House::isolating(&[idle()]).await;
    let mut last = house.stand(9_900, FIRST_LIFE);
    for session in 1_000..1_020 {
        let stand = house.stand(session, FIRST_LIFE);
        stand.wants("s");
        stand.ends();
    }
    // Every slot is free again, and whoever comes last is served.
    last.wants("s");
    last.hears_starting().await;
    house.runs(2).await;
    last.ends();
    house.runs(1).await;
    house.stops().await;
}
