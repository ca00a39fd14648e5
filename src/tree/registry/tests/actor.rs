//! The actor through its handle: pushes, joins, the latch's time, what it keeps.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ractor::Actor;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::{Instant, timeout};

use crate::ids::Generation;
use crate::protocol::mcp::item::Kind;
use crate::protocol::mcp::request::Subject;
use crate::state_dir::StateDir;
use crate::testing::{catalogue, listed, listener, name, registry_after, upstream, wanted};
use crate::tree::registry::{
    Registry, RegistryArgs, RegistryHandle, Routes, ServerState, Store, Subscriber,
};

type Tables = UnboundedReceiver<Arc<Routes>>;

/// Time enough for anything that is going to happen.
const SOON: Duration = Duration::from_secs(30);

fn offers(routes: &Routes, tool: &str) -> bool {
    listed(routes, Kind::Tools).iter().any(|name| name == tool)
}

async fn next(tables: &mut Tables) -> Arc<Routes> {
    timeout(SOON, tables.recv()).await.unwrap().unwrap()
}

async fn until(tables: &mut Tables, is_it: impl Fn(&Routes) -> bool) -> Arc<Routes> {
    loop {
        let routes = next(tables).await;
        if is_it(&routes) {
            return routes;
        }
    }
}

async fn keeping(directory: &Path, root: Arc<dyn Subscriber>) -> RegistryHandle {
    let args = RegistryArgs {
        last: None,
        store: Store::new(Some(&StateDir::new(directory)), Path::new("/etc/a.json")),
        root,
        latch_opens: Instant::now() + Duration::from_secs(10),
    };
    let (actor, _) = Actor::spawn(None, Registry, args).await.unwrap();
    RegistryHandle::new(actor)
}

#[tokio::test]
async fn whoever_joins_has_the_table_and_every_later_one_until_it_leaves() {
    let (root, mut told) = listener();
    let registry = registry_after(None, root).await;
    registry.wanted(vec![wanted("s")]);
    next(&mut told).await;
    let (stays, mut heard) = listener();
    let (goes, mut gone) = listener();
    registry.join(1, stays);
    registry.join(2, goes);
    let joined = next(&mut heard).await;
    assert_eq!(next(&mut gone).await.version, joined.version);

    registry.leave(2);
    let (handle, _, _) = upstream("s", 1, 1).await;
    registry.catalogue(&handle, Some(catalogue(&["t"])));
    let routes = next(&mut heard).await;
    assert!(routes.version > joined.version);
    assert!(offers(&routes, "s__t"));
    // Root comes first: it must know at least as much as any session when the registry dies.
    assert!(told.try_recv().is_ok());
    assert!(gone.recv().await.is_none(), "one who left is told nothing");
}

#[tokio::test]
async fn a_subscriber_that_is_gone_is_forgotten() {
    let (root, _told) = listener();
    let registry = registry_after(None, root).await;
    let (session, heard) = listener();
    let watch = Arc::downgrade(&session);
    registry.join(1, session);
    drop(heard);
    registry.wanted(Vec::new());
    let deadline = Instant::now() + SOON;
    while watch.strong_count() > 0 {
        assert!(Instant::now() < deadline, "the subscriber is still held");
        tokio::task::yield_now().await;
    }
}

#[tokio::test(start_paused = true)]
async fn the_latch_opens_after_its_time_without_a_configuration_too() {
    let (root, mut told) = listener();
    let start = Instant::now();
    let registry = registry_after(None, root).await;
    let (session, mut heard) = listener();
    registry.join(1, session);
    assert!(!next(&mut heard).await.is_complete);
    assert!(next(&mut heard).await.is_complete);
    assert!(start.elapsed() >= Duration::from_secs(10));
    assert!(next(&mut told).await.is_complete);
    registry.wanted(vec![wanted("s")]);
    assert!(next(&mut heard).await.is_complete);
}

#[tokio::test]
async fn the_next_boot_starts_from_what_is_kept() {
    let directory = tempfile::tempdir().unwrap();
    let (root, mut told) = listener();
    let registry = keeping(directory.path(), root).await;
    registry.wanted(vec![wanted("a"), wanted("b"), wanted("c")]);
    // All at once: they are written one after the other, and of two for one server the later stays.
    for (server, tools) in [("a", "old"), ("b", "t"), ("c", "t"), ("a", "new")] {
        let (handle, _, _) = upstream(server, 1, 1).await;
        registry.catalogue(&handle, Some(catalogue(&[tools])));
    }
    until(&mut told, |routes| offers(routes, "a__new")).await;
    let is_kept = |name: &str, text: &str| {
        let of = std::fs::read_dir(directory.path().join("configurations"));
        let of = of.into_iter().flatten().flatten().next();
        let file = of.map(|of| of.path().join("catalogues").join(name));
        std::fs::read_to_string(file.unwrap_or_default()).is_ok_and(|kept| kept.contains(text))
    };
    let deadline = Instant::now() + SOON;
    while !(is_kept("a.json", "new") && is_kept("b.json", "t") && is_kept("c.json", "t")) {
        assert!(Instant::now() < deadline, "not everything was kept");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }

    let (root, mut told) = listener();
    let registry = keeping(directory.path(), root).await;
    registry.wanted(vec![wanted("a"), wanted("b"), wanted("c")]);
    let routes = next(&mut told).await;
    assert!(routes.is_complete, "every server has a catalogue");
    let mut names = listed(&routes, Kind::Tools);
    names.sort();
    assert_eq!(names, ["a__new", "b__t", "c__t"]);
    assert_eq!(routes.servers[&name("a")].generation(), None);
}

#[tokio::test]
async fn a_restarted_registry_loses_nothing_and_hears_no_ghosts() {
    let (root, mut told) = listener();
    let registry = registry_after(None, root.clone()).await;
    registry.wanted(vec![wanted("s")]);
    let (old, _, _) = upstream("s", 1, 1).await;
    let (new, _, _) = upstream("s", 2, 1).await;
    registry.catalogue(&new, Some(catalogue(&["t"])));
    let last = until(&mut told, |routes| {
        routes.servers[&name("s")].generation() == Some(Generation(2))
    })
    .await;

    let successor = registry_after(Some(last.clone()), root).await;
    successor.wanted(vec![wanted("s")]);
    successor.catalogue(&old, Some(catalogue(&["ghost"])));
    successor.server_state(
        name("s"),
        Generation(1),
        ServerState::Between { has_failed: true },
    );
    successor.catalogue(&new, Some(catalogue(&["t", "u"])));
    let routes = until(&mut told, |routes| offers(routes, "s__u")).await;
    assert!(routes.version > last.version);
    assert!(routes.merged.changes(&last.merged).tools);
    assert!(!offers(&routes, "s__ghost"));
}

#[tokio::test]
async fn a_long_merge_comes_back_and_the_last_word_counts() {
    let (root, mut told) = listener();
    let registry = registry_after(None, root).await;
    registry.wanted(vec![wanted("s")]);
    let many: Vec<String> = (0..5_000).map(|n| format!("t{n}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let (handle, _, _) = upstream("s", 1, 1).await;
    for last in ["a", "b", "c"] {
        let tools: Vec<&str> = many.iter().copied().chain([last]).collect();
        registry.catalogue(&handle, Some(catalogue(&tools)));
    }
    let has = |routes: &Routes, tool| routes.merged.find(Subject::Tool, tool).is_some();
    let last = until(&mut told, |routes| has(routes, "s__c")).await;
    assert!(last.is_complete && !has(&last, "s__a"));
    registry.wanted(Vec::new());
    let gone = next(&mut told).await;
    assert!(gone.version > last.version && !has(&gone, "s__c"));
}
