//! Rules of a profile about resources: what they hide is in no list and leads nowhere.

use std::sync::Arc;

use super::offers::{leads, listed, merged, nowhere, offering, outward};
use super::profiles::{idle, narrow, profile};
use super::views::seen;
use crate::protocol::mcp::item::Kind;
use crate::testing::name;
use crate::tree::registry::merged::Merged;
use crate::tree::registry::pages::Changes;
use crate::tree::registry::source::Source;

/// Two servers that list a URI in common, and templates of one.
fn library() -> [Source; 2] {
    let lists = [
        (Kind::Resources, &["f:///pub/1", "f:///secret/1"][..]),
        (Kind::Templates, &["f:///pub/{id}", "f:///secret/{id}"]),
    ];
    let other = [(Kind::Resources, &["f:///pub/1", "t:///2"][..])];
    [offering("s", &lists), offering("t", &other)]
}

#[test]
fn what_a_profile_hides_of_resources_is_in_no_list_and_leads_nowhere() {
    let whole = Arc::new(merged(&library()));
    let (first, second) = ("f:///pub/1", "mcproxy://t/f:///pub/1");
    let (secret, template) = ("f:///secret/1", "f:///pub/{id}");
    let (made, spelt) = ("mcproxy://s/f:///secret/7", "mcproxy://s/f:///%73ecret/1");
    let all = [
        first,
        second,
        secret,
        "t:///2",
        "f:///pub/7",
        "f:///secret/7",
        made,
        spelt,
        "mcproxy://s/f:///secret/1",
    ];
    for (rules, resources, templates, readable) in [
        (
            r#"{"deny": ["f:///secret/*"]}"#,
            &[first, second, "t:///2"][..],
            &[template][..],
            [1, 1, 0, 1, 1, 0, 0, 0, 0],
        ),
        (
            r#"{"deny": ["mcproxy://t/*"]}"#,
            &[first, secret],
            &[template, "f:///secret/{id}"],
            [1, 0, 1, 0, 1, 1, 1, 1, 1],
        ),
        (
            r#"{"deny": ["f:///secret/{id}", "*/pub/1"]}"#,
            &[secret, "t:///2"],
            &[template],
            [0, 0, 1, 1, 1, 0, 0, 0, 1],
        ),
        (
            r#"{"allow": ["mcproxy://t/*"]}"#,
            &[second, "t:///2"],
            &[],
            [0, 1, 0, 1, 0, 0, 0, 0, 0],
        ),
        (
            r#"{"allow": ["f:///*"], "deny": ["mcproxy://s/f:///secret/*"]}"#,
            &[first, second],
            &[template],
            [1, 1, 0, 0, 1, 0, 0, 0, 0],
        ),
        (r#"{"allow": []}"#, &[], &[], [0; 9]),
    ] {
        let narrowed = narrow(&whole, &format!(r#"{{"resources": {rules}}}"#));
        assert_eq!(listed(&narrowed, Kind::Resources), resources, "{rules}");
        assert_eq!(listed(&narrowed, Kind::Templates), templates, "{rules}");
        for (uri, is_readable) in all.into_iter().zip(readable) {
            let found = leads(&narrowed, uri) != nowhere();
            assert_eq!(found, is_readable == 1, "{rules} {uri}");
        }
        assert!(!narrowed.shows_all_resources());
    }
}

#[test]
fn a_rule_goes_by_a_page_as_clients_see_it() {
    const PAGE: &str = "ui://x/p";
    let (own, twin, made) = ("ui://b/own", "ui://b/ui://x/p", "ui://b/ui://x/%70");
    let pages: &[&str] = &[PAGE, own, "f:///b"];
    let a = offering("a", &[(Kind::Resources, &[PAGE])]);
    let whole = Arc::new(merged(&[a, offering("b", &[(Kind::Resources, pages)])]));
    let all = [PAGE, twin, own, "f:///b"];
    assert_eq!(listed(&whole, Kind::Resources), all);
    for (rules, shown) in [
        (
            r#"{"deny": ["ui://b/ui://x/p"]}"#,
            &[PAGE, own, "f:///b"][..],
        ),
        (r#"{"deny": ["ui://b/ui://*"]}"#, &[PAGE, "f:///b"]),
        (r#"{"deny": ["ui://b/*"]}"#, &[PAGE, "f:///b"]),
        (r#"{"deny": ["mcproxy://b/*"]}"#, &[PAGE]),
        (
            r#"{"deny": ["mcproxy://b/ui://x/*"]}"#,
            &[PAGE, own, "f:///b"],
        ),
        (r#"{"deny": ["ui://x/*"]}"#, &[own, "f:///b"]),
        (r#"{"allow": ["ui://b/ui://x/p"]}"#, &[twin]),
        (r#"{"allow": ["ui://b/*"]}"#, &[twin, own]),
    ] {
        let narrowed = narrow(&whole, &format!(r#"{{"resources": {rules}}}"#));
        assert_eq!(listed(&narrowed, Kind::Resources), shown, "{rules}");
        for uri in all {
            let found = leads(&narrowed, uri) != nowhere();
            assert_eq!(found, shown.contains(&uri), "{rules} {uri}");
        }
        if !shown.contains(&twin) {
            assert_eq!(leads(&narrowed, made), nowhere(), "{rules}");
            assert!(narrowed.denies_resource(&name("b"), PAGE), "{rules}");
        }
        assert_eq!(idle(&narrowed), [""; 0], "{rules}");
    }
    let slip = narrow(&whole, r#"{"resources": {"deny": ["ui://b/f:///b"]}}"#);
    assert_eq!(listed(&slip, Kind::Resources), all);
    assert_eq!(idle(&slip).len(), 1);
}

#[test]
fn links_know_what_a_profile_hides() {
    let whole = Arc::new(merged(&library()));
    let secret = "f:///secret/1";
    assert!(narrow(&whole, "{}").shows_all_resources());
    let denied = r#"{"resources": {"deny": ["mcproxy://s/f:///secret/*"]}}"#;
    let denied = narrow(&whole, denied);
    assert!(denied.denies_resource(&name("s"), secret));
    assert!(!denied.denies_resource(&name("t"), secret));
    // What would lead to a hidden one of another server is known by its long name.
    let own = [(Kind::Resources, &["g:///1"][..])];
    let whole = Arc::new(merged(&[offering("s", &own), offering("t", &[])]));
    let hidden = narrow(&whole, r#"{"resources": {"deny": ["mcproxy://s/*"]}}"#);
    assert_eq!(
        outward(&hidden, "t", "g:///1"),
        Some("mcproxy://t/g:///1".into())
    );
}

#[test]
fn a_profile_opens_nothing_that_an_entry_closes() {
    let deny = r#""resources": {"deny": ["f:///secret/*"]}"#;
    let [s, t] = library();
    let whole = Arc::new(merged(&[seen(s, deny), t]));
    let all = narrow(&whole, r#"{"resources": {"allow": ["*"]}}"#);
    assert_eq!(listed(&all, Kind::Resources).len(), 3);
    assert_eq!(leads(&all, "f:///secret/1"), nowhere());
    assert!(all.denies_resource(&name("s"), "f:///secret/1"));
    assert_eq!(leads(&all, "f:///pub/1").0, "s");
}

#[test]
fn a_change_of_one_server_makes_its_gate_alone() {
    let sources = library();
    let rules = profile(r#"{"resources": {"deny": ["f:///secret/*", "f:///secrt/*"]}}"#);
    let whole = Arc::new(merged(&sources));
    let before = Merged::narrow(&whole, &rules, &[]);
    let said = idle(&before);
    assert!(
        said.len() == 1 && said[0].starts_with("Profile 'p', resources: 'f:///secrt/*' in 'deny'"),
        "{said:?}"
    );
    let [s, _] = sources;
    let t = offering("t", &[(Kind::Resources, &["t:///3"])]);
    let whole = Arc::new(Merged::build(vec![s, t], &[&whole]));
    let after = Merged::narrow(&whole, &rules, &[&before]);
    assert_eq!(after.gates_since(&before), 1, "that of t");
    assert_eq!(listed(&after, Kind::Resources), ["f:///pub/1", "t:///3"]);
    let again = Merged::narrow(&whole, &rules, &[&after]);
    assert_eq!(again.gates_since(&after), 0);
    assert_eq!(again.changes(&after), Changes::default());
    let other = profile(r#"{"resources": {"deny": ["f:///pub/*"]}}"#);
    let other = Merged::narrow(&whole, &other, &[&after]);
    assert_eq!(other.gates_since(&after), 2);
    assert!(other.changes(&after).resources);
}
