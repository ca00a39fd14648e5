//! The merge: names, order, collisions, states, generations, versions, the boot latch.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::time::Instant;

use crate::ids::{Generation, Prefix};
use crate::protocol::mcp::item::Kind;
use crate::protocol::mcp::request::Subject;
use crate::testing::{catalogue, listed, name, upstream, wanted};
use crate::tree::registry::catalogue::{Gap, Lessons};
use crate::tree::registry::kept_catalogue::KeptCatalogue;
use crate::tree::registry::message::{ConfiguredServer, ServerState};
use crate::tree::registry::pages::Changes;
use crate::tree::registry::routes::{RouteState, Routes};
use crate::tree::registry::state::Merge;
use crate::tree::upstream::UpstreamHandle;

fn fresh(servers: &[&str]) -> Merge {
    let mut merge = Merge::new(HashMap::new(), None);
    merge.wanted(servers.iter().map(|server| wanted(server)).collect());
    merge
}

async fn handle(server: &str, generation: u64) -> UpstreamHandle {
    upstream(server, generation, 1).await.0
}

/// The table as it stands, whether or not it is news.
fn table(merge: &mut Merge) -> Arc<Routes> {
    merge.publish(false);
    Arc::clone(merge.routes())
}

fn names(routes: &Routes) -> Vec<String> {
    listed(routes, Kind::Tools)
}

fn is_same_set(one: &Routes, other: &Routes) -> bool {
    one.merged.changes(&other.merged) == Changes::default()
}

fn ready(routes: &Routes, server: &str) -> Option<u64> {
    let state = routes.servers.get(&name(server)).unwrap();
    state.generation().map(|Generation(number)| number)
}

fn is_starting(routes: &Routes, server: &str) -> bool {
    matches!(
        routes.servers.get(&name(server)),
        Some(RouteState::Starting)
    )
}

fn starting(has_failed: bool) -> ServerState {
    ServerState::Starting { has_failed }
}

fn between(has_failed: bool) -> ServerState {
    ServerState::Between { has_failed }
}

fn down() -> ServerState {
    ServerState::Down {
        why: "exited with code 1".into(),
        next_try: Instant::now(),
    }
}

#[tokio::test]
async fn tools_are_listed_in_configuration_order_and_then_in_their_servers() {
    let mut merge = fresh(&["zoo", "ant"]);
    merge.catalogue(handle("ant", 2).await, Some(catalogue(&["b", "a"])));
    merge.catalogue(handle("zoo", 1).await, Some(catalogue(&["z", "y"])));
    let routes = table(&mut merge);
    assert_eq!(names(&routes), ["zoo__z", "zoo__y", "ant__b", "ant__a"]);
    let route = routes.merged.find(Subject::Tool, "ant__a").unwrap();
    assert_eq!((&route.server, &*route.key), (&name("ant"), "a"));

    merge.wanted(vec![wanted("ant"), wanted("zoo")]);
    let reordered = table(&mut merge);
    assert_eq!(names(&reordered), ["ant__b", "ant__a", "zoo__z", "zoo__y"]);
    assert!(!is_same_set(&reordered, &routes));
}

#[tokio::test]
async fn a_name_over_64_characters_is_offered_and_noted_also_when_it_collides() {
    let exact = "x".repeat(61);
    let long = "x".repeat(62);
    let mut merge = fresh(&["s"]);
    let tools = catalogue(&[&exact, &long, &long]);
    merge.catalogue(handle("s", 1).await, Some(tools));
    assert_eq!(names(&table(&mut merge)).len(), 2);
    assert_eq!(merge.reports.oddities.len(), 3);
    let oddities = merge.reports.oddities.iter();
    let oddities: Vec<String> = oddities.map(|(_, odd)| odd.to_string()).collect();
    let said = |text: &str| oddities.iter().any(|odd| odd.contains(text));
    assert!(said("more than 64") && said("of 50 characters") && said("is left out"));
}

#[tokio::test]
async fn a_crash_takes_no_name_away() {
    let mut merge = fresh(&["s"]);
    merge.catalogue(handle("s", 1).await, Some(catalogue(&["t"])));
    let before = table(&mut merge);
    for state in [between(true), starting(true), between(true), down()] {
        merge.server_state(&name("s"), Generation(1), state);
        let routes = table(&mut merge);
        assert_eq!(names(&routes), ["s__t"]);
        assert!(is_same_set(&routes, &before));
    }
    // Nor does a successor that can't say what it offers.
    merge.catalogue(handle("s", 2).await, None);
    let routes = table(&mut merge);
    assert_eq!(
        (names(&routes), ready(&routes, "s")),
        (vec!["s__t".into()], Some(2))
    );

    // Its own list does, and so does the configuration.
    merge.catalogue(handle("s", 2).await, Some(catalogue(&[])));
    assert!(names(&table(&mut merge)).is_empty());
    merge.catalogue(handle("s", 2).await, Some(catalogue(&["t"])));
    assert_eq!(names(&table(&mut merge)), ["s__t"]);
    merge.wanted(Vec::new());
    let routes = table(&mut merge);
    assert!(names(&routes).is_empty() && routes.servers.is_empty());
}

#[tokio::test]
async fn news_of_older_generations_is_ignored() {
    let mut merge = fresh(&["s"]);
    merge.server_state(&name("s"), Generation(7), starting(false));
    merge.catalogue(handle("s", 6).await, Some(catalogue(&["old"])));
    assert!(names(&table(&mut merge)).is_empty());
    merge.catalogue(handle("s", 7).await, Some(catalogue(&["new"])));
    merge.server_state(&name("s"), Generation(6), down());
    merge.catalogue(handle("s", 6).await, Some(catalogue(&["old"])));
    let routes = table(&mut merge);
    assert_eq!(
        (names(&routes), ready(&routes, "s")),
        (vec!["s__new".into()], Some(7))
    );
}

#[tokio::test]
async fn a_server_that_is_quicker_than_the_news_of_its_start_stays_ready() {
    let mut merge = fresh(&["s"]);
    merge.catalogue(handle("s", 3).await, Some(catalogue(&["t"])));
    merge.server_state(&name("s"), Generation(3), starting(false));
    assert_eq!(ready(&table(&mut merge), "s"), Some(3));
    // That it is on its way out is no such news.
    merge.server_state(&name("s"), Generation(3), between(false));
    assert!(is_starting(&table(&mut merge), "s"));
    // And neither is the start of its successor.
    merge.catalogue(handle("s", 3).await, Some(catalogue(&["t"])));
    merge.server_state(&name("s"), Generation(4), starting(false));
    assert!(is_starting(&table(&mut merge), "s"));
}

#[tokio::test]
async fn only_what_clients_can_see_makes_another_set() {
    let mut merge = fresh(&["s"]);
    let empty = table(&mut merge);
    merge.catalogue(handle("s", 1).await, Some(catalogue(&["t"])));
    let first = table(&mut merge);
    assert!(!is_same_set(&first, &empty));

    merge.server_state(&name("s"), Generation(1), between(true));
    merge.catalogue(handle("s", 2).await, Some(catalogue(&["t"])));
    let second = table(&mut merge);
    assert!(second.version > first.version);
    assert!(
        Arc::ptr_eq(&second.merged, &first.merged),
        "nothing to compare"
    );
    assert_eq!(ready(&second, "s"), Some(2));

    // The same again is no news at all, nor is what concerns nobody.
    merge.catalogue(handle("s", 2).await, Some(catalogue(&["t"])));
    merge.server_state(&name("stranger"), Generation(9), down());
    merge.catalogue(handle("stranger", 9).await, Some(catalogue(&["t"])));
    assert!(merge.publish(false).is_none());
}

#[tokio::test]
async fn the_latch_waits_for_a_catalogue_or_a_failed_start_of_each() {
    let mut merge = Merge::new(HashMap::new(), None);
    assert!(merge.publish(false).is_none());
    merge.wanted(vec![wanted("a"), wanted("b")]);
    assert!(!table(&mut merge).is_complete);
    merge.catalogue(handle("a", 1).await, Some(catalogue(&[])));
    merge.server_state(&name("b"), Generation(2), starting(false));
    merge.server_state(&name("b"), Generation(2), between(false));
    assert!(!table(&mut merge).is_complete);
    merge.server_state(&name("b"), Generation(2), between(true));
    assert!(table(&mut merge).is_complete);
    // Once per boot: a newcomer does not close it.
    merge.wanted(vec![wanted("a"), wanted("b"), wanted("c")]);
    assert!(table(&mut merge).is_complete);
}

#[tokio::test]
async fn the_first_tools_of_a_server_are_awaited_and_those_that_stand_for_them_are_not() {
    let awaiting = |names: &[&str]| {
        let mut told = (*catalogue(names)).clone();
        told.gaps = [(Kind::Tools, Gap::Awaited)].into();
        Arc::new(told)
    };
    let mut merge = Merge::new(HashMap::new(), None);
    merge.wanted(vec![wanted("a"), wanted("b")]);
    merge.catalogue(handle("b", 1).await, Some(catalogue(&["t"])));
    merge.catalogue(handle("a", 2).await, Some(awaiting(&[])));
    let routes = table(&mut merge);
    assert_eq!(routes.awaited, Some(vec![name("a")]));
    assert!(!routes.is_complete);
    // By time the lists are given, and it is awaited all the same.
    assert!(merge.publish(true).unwrap().is_complete);
    let mut none = (*catalogue(&[])).clone();
    none.gaps = [(Kind::Tools, Gap::Silent)].into();
    merge.catalogue(handle("a", 2).await, Some(Arc::new(none)));
    assert_eq!(table(&mut merge).awaited, Some(Vec::new()));
    merge.catalogue(handle("b", 3).await, Some(awaiting(&[])));
    assert_eq!(table(&mut merge).awaited, Some(Vec::new()));
}

#[tokio::test]
async fn the_latch_opens_by_time_even_before_the_configuration_came() {
    let mut merge = Merge::new(HashMap::new(), None);
    assert!(merge.publish(true).unwrap().is_complete);
    merge.wanted(vec![wanted("a")]);
    assert!(merge.publish(true).unwrap().is_complete);
    assert!(merge.publish(true).is_none());
}

#[tokio::test]
async fn what_was_learnt_is_kept_beside_the_catalogue_for_the_same_command() {
    let mut merge = Merge::new(HashMap::new(), None);
    merge.wanted(vec![wanted("a")]);
    let lessons = Lessons {
        lacks: 2,
        ended_at: 1,
        calls_in_a_life: 1,
    };
    let learn = |merge: &mut Merge, generation| {
        let kept = merge.learnt(name("a"), Generation(generation), lessons);
        kept.map(|(_, kept)| kept)
    };
    assert!(learn(&mut merge, 1).is_none(), "of what is not kept");
    merge.catalogue(handle("a", 1).await, Some(catalogue(&["t"])));
    let kept = learn(&mut merge, 1).unwrap();
    assert_eq!(kept.lessons, lessons);
    assert!(learn(&mut merge, 1).is_none(), "nothing new");
    let next = merge.catalogue(handle("a", 2).await, Some(catalogue(&["u"])));
    assert_eq!(next.unwrap().1.lessons, lessons);
    assert_eq!(merge.lessons(&name("a")), lessons);

    let mut merge = Merge::new(HashMap::from([(name("a"), kept)]), None);
    merge.wanted(vec![ConfiguredServer {
        fingerprint: 2,
        ..wanted("a")
    }]);
    assert_eq!(merge.lessons(&name("a")), Lessons::default());
}

#[tokio::test]
async fn what_is_kept_is_offered_at_once_for_the_same_command_only() {
    let kept = |fingerprint| KeptCatalogue {
        fingerprint,
        catalogue: catalogue(&["t"]),
        lessons: Lessons::default(),
        approved: None,
    };
    let on_disk = HashMap::from([(name("a"), kept(1)), (name("b"), kept(2))]);
    let mut merge = Merge::new(on_disk, None);
    merge.wanted(vec![wanted("a"), wanted("b")]);
    let routes = table(&mut merge);
    assert_eq!(names(&routes), ["a__t"]);
    assert!(is_starting(&routes, "a") && !routes.is_complete);

    // To be written again only if it differs from what is there.
    let same = merge.catalogue(handle("a", 1).await, Some(catalogue(&["t"])));
    assert!(same.is_none());
    let other = merge.catalogue(handle("b", 2).await, Some(catalogue(&["t"])));
    assert_eq!(other.unwrap().0, name("b"));
    // Who can't say what it offers is not kept as offering nothing.
    assert!(merge.catalogue(handle("a", 1).await, None).is_none());
}

#[tokio::test]
async fn a_changed_entry_keeps_its_names_until_its_successor_lists() {
    let mut merge = fresh(&["s"]);
    merge.catalogue(handle("s", 1).await, Some(catalogue(&["t"])));
    let changed = ConfiguredServer {
        server: name("s"),
        fingerprint: 2,
        ..wanted("s")
    };
    merge.wanted(vec![changed]);
    assert_eq!(names(&table(&mut merge)), ["s__t"]);
    let (_, kept) = merge
        .catalogue(handle("s", 2).await, Some(catalogue(&["t"])))
        .unwrap();
    assert_eq!(kept.fingerprint, 2);
}

#[tokio::test]
async fn a_successor_goes_on_from_the_last_table() {
    let mut first = fresh(&["a", "b"]);
    first.catalogue(handle("a", 1).await, Some(catalogue(&["t"])));
    first.catalogue(handle("b", 2).await, Some(catalogue(&["u"])));
    let last = table(&mut first);

    let mut second = Merge::new(HashMap::new(), Some(Arc::clone(&last)));
    assert_eq!(second.routes().version, last.version);
    second.wanted(vec![wanted("a"), wanted("b")]);
    second.server_state(&name("b"), Generation(2), down());
    let routes = table(&mut second);
    assert!(routes.version > last.version && routes.is_complete);
    assert!(is_same_set(&routes, &last));
    assert_eq!(names(&routes), ["a__t", "b__u"]);
    assert_eq!(ready(&routes, "a"), Some(1));
    assert_eq!(ready(&routes, "b"), None);

    // It still knows which generation counts.
    second.catalogue(handle("a", 0).await, Some(catalogue(&["old"])));
    assert_eq!(names(&table(&mut second)), ["a__t", "b__u"]);
}

#[tokio::test]
async fn what_takes_long_is_merged_elsewhere_and_what_is_told_meanwhile_comes_after_it() {
    let mut merge = fresh(&["big", "small"]);
    merge.catalogue(handle("small", 1).await, Some(catalogue(&["t"])));
    assert!(merge.long_job().is_none());
    table(&mut merge);

    let many: Vec<String> = (0..5_000).map(|n| format!("t{n}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    merge.catalogue(handle("big", 2).await, Some(catalogue(&many)));
    let job = merge.long_job().unwrap();
    merge.catalogue(handle("small", 1).await, Some(catalogue(&["u"])));
    merge.take(job.run());
    let first = merge.publish(false).unwrap();
    assert!(first.merged.find(Subject::Tool, "big__t4999").is_some());
    assert!(first.merged.find(Subject::Tool, "small__t").is_some());
    assert!(!first.is_complete, "not all that was told is in it");
    assert!(
        merge.long_job().is_none(),
        "what is laid out already is no work"
    );
    let second = merge.publish(false).unwrap();
    assert!(second.merged.find(Subject::Tool, "small__u").is_some());
    assert!(second.is_complete && second.version > first.version);
    assert!(merge.publish(false).is_none());
}

#[tokio::test]
async fn a_long_merge_that_is_put_off_holds_up_nothing_else() {
    let many: Vec<String> = (0..5_000).map(|n| format!("t{n}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let mut merge = fresh(&["big", "small"]);
    assert!(!merge.has_long_job());
    merge.catalogue(handle("big", 1).await, Some(catalogue(&many)));
    merge.catalogue(handle("small", 1).await, Some(catalogue(&["t"])));
    assert!(merge.has_long_job());
    let first = merge.publish_merged(false).unwrap();
    assert_eq!(ready(&first, "big"), Some(1));
    assert!(!first.is_complete && first.merged.find(Subject::Tool, "small__t").is_none());
    let job = merge.long_job().unwrap();
    merge.take(job.run());
    let second = merge.publish(false).unwrap();
    assert!(second.is_complete && second.merged.find(Subject::Tool, "small__t").is_some());
}

#[tokio::test]
async fn the_same_lists_under_other_names_are_as_long() {
    let many: Vec<String> = (0..5_000).map(|n| format!("t{n}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let bare = |server| ConfiguredServer {
        prefix: Prefix::bare(),
        ..wanted(server)
    };
    let mut merge = fresh(&["small", "big"]);
    merge.catalogue(handle("small", 1).await, Some(catalogue(&["t"])));
    merge.catalogue(handle("big", 1).await, Some(catalogue(&many)));
    table(&mut merge);
    merge.wanted(vec![bare("small"), bare("big")]);
    let job = merge.long_job().expect("its prefix is another");
    merge.take(job.run());
    table(&mut merge);
    merge.catalogue(handle("small", 1).await, Some(catalogue(&["t1"])));
    assert!(merge.long_job().is_some(), "one before it has its name");
}
