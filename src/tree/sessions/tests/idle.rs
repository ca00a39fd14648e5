//! Room for sessions: who has nothing to do makes some, and ends after a day.

use std::time::Duration;

use tokio::time::sleep;

use super::{House, Mcp, last, settle, value};
use crate::protocol::version::Version;
use crate::supervise::Plain;
use crate::tree::call::CallError;

const HOUR: Duration = Duration::from_secs(3_600);

/// A client that has asked for something.
async fn mcp(house: &House) -> Mcp {
    let client = house.mcp(Version::LATEST).await;
    last(&mut client.asks(0, "ping")).await;
    client
}

/// Whether the actor behind this client's handle lives. Asking changes nothing.
fn lives(client: &Mcp) -> bool {
    client.session.cell().get_status() == ractor::ActorStatus::Running
}

#[tokio::test(start_paused = true)]
async fn at_the_limit_the_one_that_is_idle_for_longest_makes_room() {
    let mut house = House::with(&["s"], Plain, 5).await;
    let mut server = house.server("s", 1, &["t"]).await;
    let (listening, calling) = (mcp(&house).await, mcp(&house).await);
    let _stream = listening.listens(None).await.unwrap();
    let _call = calling.calls(1, "s__t");
    let _ticket = server.reply_token().await;
    let (old, older) = (mcp(&house).await, mcp(&house).await);
    let sse = house.client().await;
    sleep(HOUR).await;
    last(&mut old.asks(1, "ping")).await;
    settle().await;

    let new = mcp(&house).await;
    settle().await;
    assert!(!lives(&older));
    for client in [&listening, &calling, &old, &new] {
        assert!(lives(client));
    }
    assert_eq!(house.ended(), 1);
    // It comes back, and the next one makes room.
    sleep(HOUR).await;
    last(&mut new.asks(1, "ping")).await;
    let session = house.sessions.find_streamable(&older.id).await.unwrap();
    let older = Mcp { session, ..older };
    assert_eq!(value(&last(&mut older.asks(9, "ping")).await)["id"], 9);
    assert!(!lives(&old) && lives(&new));

    let _calls = [new.calls(1, "s__t"), older.calls(1, "s__t")];
    let _tickets = [server.reply_token().await, server.reply_token().await];
    let refused = house.sessions.open_sse().await;
    assert!(
        matches!(refused, Err(CallError::Overloaded(_))),
        "all are busy"
    );
    drop(sse);
    settle().await;
    assert!(house.sessions.open_sse().await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn after_a_day_without_anything_to_do_a_session_ends() {
    let mut house = House::of(&["s"]).await;
    let mut server = house.server("s", 1, &["t"]).await;
    let (idle, listening, calling) = (mcp(&house).await, mcp(&house).await, mcp(&house).await);
    let stream = listening.listens(None).await.unwrap();
    let _call = calling.calls(1, "s__t");
    let _ticket = server.reply_token().await;
    let sse = house.client().await;
    sleep(23 * HOUR).await;
    assert!(lives(&idle));
    sleep(2 * HOUR).await;
    assert!(!lives(&idle) && lives(&listening) && lives(&calling));
    assert_eq!(house.ended(), 1);
    // From when its stream ends, it is idle; a word of its client begins the time anew.
    drop(stream);
    sleep(23 * HOUR).await;
    last(&mut listening.asks(1, "ping")).await;
    sleep(23 * HOUR).await;
    assert!(lives(&listening));
    sleep(2 * HOUR).await;
    assert!(!lives(&listening) && lives(&calling));
    assert!(house.sessions.find(&sse.id).await.is_ok());
    assert!(house.sessions.find_streamable(&idle.id).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn who_only_said_hello_is_forgotten_after_a_minute_and_goes_on_with_the_id() {
    let mut house = House::of(&["s"]).await;
    let (new, used) = (house.mcp(Version::LATEST).await, mcp(&house).await);
    last(&mut new.asks(0, "initialize")).await;
    sleep(Duration::from_secs(59)).await;
    assert!(lives(&new) && lives(&used));
    sleep(Duration::from_secs(60)).await;
    settle().await;
    assert!(!lives(&new), "there is nothing to it");
    assert!(lives(&used));
    assert_eq!(house.ended(), 1);
    let session = house.sessions.find_streamable(&new.id).await.unwrap();
    let again = Mcp { session, ..new };
    sleep(HOUR).await;
    assert!(lives(&again), "what was taken up again was wanted");
    assert_eq!(value(&last(&mut again.asks(2, "ping")).await)["id"], 2);
}
