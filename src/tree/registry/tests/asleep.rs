//! Servers that sleep: they are listed as they were known, and one that is not is woken to say what it
//! offers.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::mpsc::UnboundedReceiver;

use crate::ids::Generation;
use crate::protocol::mcp::item::Kind;
use crate::testing::{catalogue, listed, name, upstream, wanted};
use crate::tree::alarm::{Alarm, Use};
use crate::tree::registry::catalogue::{Catalogue, Gap, Lessons};
use crate::tree::registry::kept_catalogue::KeptCatalogue;
use crate::tree::registry::message::{ConfiguredServer, ServerState};
use crate::tree::registry::routes::RouteState;
use crate::tree::registry::state::Merge;

fn kept(fingerprint: u64) -> Merge {
    let kept = KeptCatalogue {
        fingerprint,
        catalogue: catalogue(&["t"]),
        lessons: Lessons::default(),
        approved: None,
    };
    Merge::new(HashMap::from([(name("s"), kept)]), None)
}

fn sleeps(merge: &mut Merge) -> UnboundedReceiver<Use> {
    let (alarm, rung) = Alarm::in_hand();
    let state = ServerState::Asleep { alarm };
    merge.server_state(&name("s"), Generation(0), state);
    rung
}

#[test]
fn one_that_is_known_sleeps_on_and_is_not_waited_for() {
    let mut merge = kept(1);
    merge.wanted(vec![wanted("s")]);
    assert!(sleeps(&mut merge).try_recv().is_err());
    let routes = merge.publish(false).unwrap();
    assert_eq!(listed(&routes, Kind::Tools), ["s__t"]);
    assert!(routes.is_complete);
    let state = routes.servers.get(&name("s"));
    assert!(
        matches!(state, Some(RouteState::Asleep { .. })),
        "{state:?}"
    );
}

#[test]
fn one_that_is_not_known_is_woken_and_waited_for() {
    for mut merge in [Merge::new(HashMap::new(), None), kept(2)] {
        merge.wanted(vec![wanted("s")]);
        assert_eq!(sleeps(&mut merge).try_recv(), Ok(Use::List));
        assert_eq!(merge.awaited(), Some(vec![name("s")]));
    }
}

#[test]
fn one_whose_lists_could_not_be_read_is_woken_at_the_next_start() {
    for (gap, is_known) in [
        (Gap::Unread("no".into()), false),
        (Gap::Torn("no".into()), false),
        (Gap::Stale("no".into()), true),
    ] {
        let mut told = Catalogue::default();
        told.gaps.insert(Kind::Tools, gap.clone());
        let kept = KeptCatalogue {
            fingerprint: 1,
            catalogue: Arc::new(told),
            lessons: Lessons::default(),
            approved: None,
        };
        let kept = KeptCatalogue::decode(kept.encode().unwrap()).unwrap();
        let mut merge = Merge::new(HashMap::from([(name("s"), kept)]), None);
        merge.wanted(vec![wanted("s")]);
        assert_eq!(sleeps(&mut merge).try_recv().is_err(), is_known, "{gap:?}");
    }
}

#[tokio::test]
async fn another_command_is_woken_and_keeps_its_names_until_it_has_told() {
    let mut merge = kept(1);
    merge.wanted(vec![wanted("s")]);
    let fingerprint = 2;
    let renewed = || ConfiguredServer {
        fingerprint,
        ..wanted("s")
    };
    merge.wanted(vec![renewed()]);
    assert_eq!(sleeps(&mut merge).try_recv(), Ok(Use::List));
    let routes = merge.publish(false).unwrap();
    assert_eq!(listed(&routes, Kind::Tools), ["s__t"]);
    let handle = upstream("s", 1, 1).await.0;
    merge.catalogue(handle, Some(catalogue(&["u"])));
    let (alarm, mut rung) = Alarm::in_hand();
    let state = ServerState::Asleep { alarm };
    merge.server_state(&name("s"), Generation(1), state);
    assert!(rung.try_recv().is_err(), "it has told");
    let routes = merge.publish(false).unwrap();
    assert_eq!(listed(&routes, Kind::Tools), ["s__u"]);
}
