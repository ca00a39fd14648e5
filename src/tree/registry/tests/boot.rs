//! Who waits for servers in their first start, and for how long.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::{Instant, timeout};

use crate::protocol::mcp::item::Kind;
use crate::testing::{catalogue, listed, listener, name, registry_after, upstream, wanted};
use crate::tree::registry::RegistryHandle;
use crate::tree::registry::catalogue::{Catalogue, Gap};
use crate::tree::registry::routes::Routes;
use crate::tree::registry::state::Merge;

const SOON: Duration = Duration::from_secs(30);

async fn next(tables: &mut UnboundedReceiver<Arc<Routes>>) -> Arc<Routes> {
    timeout(SOON, tables.recv()).await.unwrap().unwrap()
}

fn with_gap(names: &[&str], gap: Gap) -> Arc<Catalogue> {
    let mut told = (*catalogue(names)).clone();
    told.gaps = [(Kind::Tools, gap)].into();
    Arc::new(told)
}

#[tokio::test]
async fn first_pages_are_awaited_until_the_others_come_or_fail() {
    for (rest, count) in [
        (with_gap(&["a"], Gap::Torn("it ended".into())), 1),
        (catalogue(&["a", "b"]), 2),
    ] {
        let mut merge = Merge::new(HashMap::new(), None);
        merge.wanted(vec![wanted("s")]);
        let (handle, _, _) = upstream("s", 1, 1).await;
        merge.catalogue(handle.clone(), Some(with_gap(&["a"], Gap::Paging)));
        let early = merge.publish(false).unwrap();
        assert!(!early.is_complete);
        assert_eq!(early.awaited, Some(Vec::new()), "it is ready");
        assert_eq!(listed(&early, Kind::Tools).len(), 1, "for calls");
        let source = early.merged.source(&name("s")).unwrap();
        let gap = &source.catalogue.as_ref().unwrap().gaps[&Kind::Tools];
        assert_eq!(gap.why(), Some("its later pages have not come yet"));
        merge.catalogue(handle, Some(rest));
        let late = merge.publish(false).unwrap();
        assert!(late.is_complete);
        assert_eq!(listed(&late, Kind::Tools).len(), count);
    }
}

#[tokio::test]
async fn the_first_servers_after_none_are_waited_for_by_those_who_come_then() {
    let none: [fn(&RegistryHandle); 2] = [RegistryHandle::unconfigured, |registry| {
        registry.wanted(Vec::new());
    }];
    for none in none {
        the_first_servers_are_waited_for_after(none).await;
    }
}

async fn the_first_servers_are_waited_for_after(none: fn(&RegistryHandle)) {
    let (root, mut told) = listener();
    let registry = registry_after(None, root).await;
    let (elder, mut heard) = listener();
    registry.join(1, elder);
    assert!(!next(&mut heard).await.is_complete);
    none(&registry);
    let open = next(&mut heard).await;
    assert!(open.is_complete, "at once");

    registry.latch_opens(Instant::now() + SOON);
    registry.wanted(vec![wanted("s")]);
    assert!(
        next(&mut heard).await.is_complete,
        "it has seen a whole one"
    );
    let (newcomer, mut waits) = listener();
    registry.join(2, newcomer);
    let closed = next(&mut waits).await;
    assert!(!closed.is_complete);
    let (handle, _, _) = upstream("s", 1, 1).await;
    registry.catalogue(&handle, Some(catalogue(&["t"])));
    for tables in [&mut heard, &mut waits] {
        let whole = next(tables).await;
        assert!(whole.is_complete);
        assert_eq!(listed(&whole, Kind::Tools), ["s__t"]);
    }
    assert_eq!(next(&mut told).await.version, open.version);

    // Once: it is a reload from then on.
    registry.wanted(vec![wanted("s"), wanted("more")]);
    assert!(next(&mut waits).await.is_complete);
    let (later, mut sees) = listener();
    registry.join(3, later);
    assert!(next(&mut sees).await.is_complete);
}

#[tokio::test(start_paused = true)]
async fn nor_do_they_wait_for_longer_than_at_a_start() {
    let (root, _told) = listener();
    let registry = registry_after(None, root).await;
    registry.unconfigured();
    let wait = Duration::from_secs(8);
    registry.latch_opens(Instant::now() + wait);
    registry.wanted(vec![wanted("s")]);
    let (newcomer, mut waits) = listener();
    registry.join(1, newcomer);
    let start = Instant::now();
    assert!(!next(&mut waits).await.is_complete);
    assert!(next(&mut waits).await.is_complete);
    assert!(start.elapsed() >= wait && start.elapsed() < wait + Duration::from_secs(1));
}

#[tokio::test]
async fn while_a_long_merge_is_put_off_the_same_table_is_not_sent_again() {
    let many: Vec<String> = (0..5_000).map(|n| format!("t{n}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let mut merge = Merge::new(HashMap::new(), None);
    merge.wanted(vec![wanted("s")]);
    let (handle, _, _) = upstream("s", 1, 1).await;
    merge.catalogue(handle.clone(), Some(catalogue(&many)));
    assert!(merge.publish_merged(false).is_some(), "it is ready");
    assert!(merge.publish_merged(false).is_none());
    merge.catalogue(handle, Some(catalogue(&many[1..])));
    assert!(merge.publish_merged(false).is_none(), "of lists alone");
    let job = merge.long_job().unwrap();
    merge.take(job.run());
    assert!(merge.publish(false).is_some());
    assert!(merge.publish(false).is_none());
}
