//! Sessions over Streamable HTTP and their signed ids: taken up again, deleted, never forged.

use serde_json::json;

use super::{House, Mcp, last, next, result, settle, value};
use crate::ids::{Holder, Owner, SessionId};
use crate::protocol::mcp::lifecycle::{ClientCapabilities, ClientInfo};
use crate::protocol::version::Version;
use crate::supervise::Plain;
use crate::supervise::chaos::Chaos;
use crate::supervise::{Fault, Moment};
use crate::testing::catalogue;
use crate::tree::call::CallError;
use crate::tree::sessions::{Signer, Stop};

#[tokio::test(start_paused = true)]
async fn an_id_outlives_the_gateway_that_signed_it() {
    let signer = Signer::load(None);
    let house = House::signed(&["s"], Plain, 10, signer.clone()).await;
    let Mcp { id, session } = house.mcp(Version::V2025_06_18).await;
    assert_eq!(
        house.sessions.find_streamable(&id).await.unwrap().cell(),
        session.cell()
    );

    let house = House::signed(&["s"], Plain, 10, signer).await;
    let mut server = house.server("s", 1, &["t"]).await;
    let session = house.sessions.find_streamable(&id).await.unwrap();
    assert_eq!(session.version(), Version::V2025_06_18);
    let again = house.sessions.find_streamable(&id).await.unwrap();
    assert_eq!(again.cell(), session.cell(), "it is taken up once");
    // It goes on without another handshake: calls are run, changes are told.
    let client = Mcp { id, session };
    let mut call = client.calls(1, "s__t");
    server.reply_token().await.answer(result("{}"));
    last(&mut call).await;
    house
        .registry
        .catalogue(&server.handle, Some(catalogue(&["u"])));
    settle().await;
    let mut stream = client.listens(None).await.unwrap();
    let told = next(&mut stream).await.unwrap();
    assert_eq!(value(&told)["method"], super::LIST_CHANGED);
}

#[tokio::test(start_paused = true)]
async fn an_id_of_another_gateway_or_of_nobody_is_unknown() {
    let (house, other) = (House::of(&[]).await, House::of(&[]).await);
    let Mcp { id, .. } = other.mcp(Version::LATEST).await;
    for id in [id.as_str(), "", "x", &id[1..]] {
        let found = house.sessions.find_streamable(id).await;
        assert_eq!(found.err(), Some(CallError::UnknownSession), "{id}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_deleted_session_is_gone_for_good() {
    let mut house = House::of(&["s"]).await;
    let mut server = house.server("s", 1, &["t"]).await;
    let client = house.mcp(Version::LATEST).await;
    let mut stream = client.calls(1, "s__t");
    let reply_token = server.reply_token().await;
    let deleted = house.sessions.delete_streamable(&client.id).await;
    assert_eq!(deleted, Ok(()));
    assert!(!client.session.is_streamable(&client.id, Owner::ANYBODY));
    let found = house.sessions.find_streamable(&client.id).await;
    assert_eq!(found.err(), Some(CallError::UnknownSession), "at once");
    assert_eq!(next(&mut stream).await, None);
    assert_eq!(server.cancelled().await.0, reply_token.call().number);
    settle().await;
    assert_eq!(house.ended(), 1);
    let again = house.sessions.delete_streamable(&client.id).await;
    assert_eq!(again, Err(CallError::UnknownSession));
    let found = house.sessions.find_streamable(&client.id).await;
    assert_eq!(found.err(), Some(CallError::UnknownSession));
}

/// Where all sessions that there may be are busy, too: nobody makes room for one that ends.
#[tokio::test(start_paused = true)]
async fn one_that_has_ended_is_deleted_without_being_taken_up() {
    let signer = Signer::load(None);
    let client = ClientInfo {
        version: Version::LATEST,
        capabilities: ClientCapabilities::default(),
        shows_apps: false,
    };
    let (id, _) = signer.issue(client, Owner::ANYBODY).unwrap();
    let house = House::signed(&["s"], Plain, 1, signer).await;
    let busy = house.mcp(Version::LATEST).await;
    let _stream = busy.listens(None).await.unwrap();
    let deleted = house.sessions.delete_streamable(&id).await;
    assert_eq!(deleted, Ok(()));
    let found = house.sessions.find_streamable(&id).await;
    assert_eq!(found.err(), Some(CallError::UnknownSession));
}

#[tokio::test(start_paused = true)]
async fn neither_transport_finds_the_sessions_of_the_other() {
    let house = House::of(&[]).await;
    let sse = house.client().await;
    let found = house.sessions.find_streamable(sse.id.secret()).await;
    assert_eq!(found.err(), Some(CallError::UnknownSession));
    let mcp = house.mcp(Version::LATEST).await;
    assert_eq!(SessionId::parse(&mcp.id), None);
}

#[tokio::test(start_paused = true)]
async fn a_session_that_dies_is_taken_up_and_root_hears_of_every_end() {
    for how in [Fault::Panic, Fault::Error, Fault::Kill] {
        let chaos = Chaos::default();
        let mut house = House::with(&["s"], chaos.clone(), 10).await;
        let client = house.mcp(Version::LATEST).await;
        settle().await;
        chaos.plan("session", Moment::Message, 0, how);
        let mut lost = client.asks(1, "ping");
        assert_eq!(next(&mut lost).await, None, "{how:?}");
        settle().await;
        assert_eq!(house.ended(), 1, "{how:?}");
        let session = house.sessions.find_streamable(&client.id).await.unwrap();
        let client = Mcp { session, ..client };
        assert_eq!(
            value(&last(&mut client.asks(2, "ping")).await)["id"],
            json!(2)
        );
        let deleted = house.sessions.delete_streamable(&client.id).await;
        assert_eq!(deleted, Ok(()));
        settle().await;
        assert_eq!(house.ended(), 1, "{how:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_session_is_taken_up_while_the_gateway_stops_too() {
    let signer = Signer::load(None);
    let client = ClientInfo {
        version: Version::LATEST,
        capabilities: ClientCapabilities::default(),
        shows_apps: false,
    };
    let (id, _) = signer.issue(client, Owner::ANYBODY).unwrap();
    let house = House::signed(&[], Plain, 10, signer).await;
    house.sessions.stop(Stop::Draining);
    house.sessions.find_streamable(&id).await.unwrap();
}

/// Whoever holds one of two tokens.
fn owners() -> (Owner, Owner) {
    (Owner::of([1; 32]), Owner::of([2; 32]))
}

#[tokio::test(start_paused = true)]
async fn who_holds_another_token_finds_no_session() {
    let (mine, theirs) = owners();
    let signer = Signer::load(None);
    let house = House::signed(&[], Plain, 10, signer.clone()).await;
    let client = ClientInfo {
        version: Version::LATEST,
        capabilities: ClientCapabilities::default(),
        shows_apps: false,
    };
    let my = house.sessions.of(Holder::of(mine));
    let (id, session) = my.open_streamable(client).await.unwrap();
    let sse = my.open_sse().await.unwrap();
    assert!(session.is_streamable(&id, mine) && !session.is_streamable(&id, theirs));
    let again = House::signed(&[], Plain, 10, signer).await;
    for sessions in [&house.sessions, &again.sessions] {
        for other in [theirs, Owner::ANYBODY] {
            let other = sessions.of(Holder::of(other));
            let found = other.find_streamable(&id).await;
            assert_eq!(found.err(), Some(CallError::UnknownSession));
            let found = other.find(&sse.id).await;
            assert_eq!(found.err(), Some(CallError::UnknownSession));
        }
        assert!(
            sessions
                .of(Holder::of(mine))
                .find_streamable(&id)
                .await
                .is_ok()
        );
    }
    let found = my.find(&sse.id).await.unwrap();
    assert!(found.is_sse(&sse.id, mine) && !found.is_sse(&sse.id, theirs));
}

#[tokio::test(start_paused = true)]
async fn sessions_end_with_their_token() {
    let (kept, removed) = owners();
    let house = House::of(&[]).await;
    let [kept, removed] = [kept, removed].map(|owner| house.sessions.of(Holder::of(owner)));
    let mut stays = kept.open_sse().await.unwrap();
    let mut goes = removed.open_sse().await.unwrap();
    let anybodys = house.client().await;
    let all = [Owner::ANYBODY, owners().0, owners().1];
    house.sessions.keep_owners(all.into_iter().collect());
    house
        .sessions
        .keep_owners([owners().0].into_iter().collect());
    assert_eq!(next(&mut goes.stream).await, None);
    let gone = [
        removed.find(&goes.id).await,
        house.sessions.find(&anybodys.id).await,
    ];
    for found in gone {
        assert_eq!(found.err(), Some(CallError::UnknownSession));
    }
    let refused = removed.open_sse().await;
    assert_eq!(
        refused.err(),
        Some(CallError::UnknownSession),
        "not even new ones"
    );
    assert!(kept.find(&stays.id).await.is_ok() && kept.open_sse().await.is_ok());
    settle().await;
    let more = futures_util::FutureExt::now_or_never(next(&mut stays.stream));
    assert_eq!(more, None, "nothing has ended it");
}

#[tokio::test(start_paused = true)]
async fn a_session_ends_when_the_last_key_that_knows_its_id_does() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("keys");
    let write = |keys: &[&str]| {
        let lines: Vec<String> = keys.iter().map(|digit| digit.repeat(64)).collect();
        std::fs::write(&file, lines.join("\n")).unwrap();
    };
    write(&["a"]);
    let signer = Signer::of_file(&file).unwrap();
    let house = House::signed(&[], Plain, 10, signer.clone()).await;
    let old = house.mcp(Version::LATEST).await;
    write(&["b", "a"]);
    signer.read_again(&file);
    settle().await;
    let new = house.mcp(Version::LATEST).await;
    for client in [&old, &new] {
        assert!(house.sessions.find_streamable(&client.id).await.is_ok());
    }
    write(&["b"]);
    signer.read_again(&file);
    settle().await;
    let found = house.sessions.find_streamable(&old.id).await;
    assert_eq!(found.err(), Some(CallError::UnknownSession));
    assert!(house.sessions.find_streamable(&new.id).await.is_ok());
}
