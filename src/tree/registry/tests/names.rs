//! Whose a name is, whatever others list and in whatever order; and what a merge does not do again.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::offers::{merged, offering};
use super::profiles::narrow;
use super::views::own;
use crate::config::model::Isolation;
use crate::ids::Prefix;
use crate::protocol::mcp::item::Kind;
use crate::protocol::mcp::request::Subject;
use crate::testing::{catalogue, name};
use crate::tree::registry::merged::Merged;
use crate::tree::registry::source::Source;

fn source(server: &str, prefix: &str, tools: &[&str]) -> Source {
    let mut catalogue = (*catalogue(tools)).clone();
    catalogue.instructions = Some(format!("of {server}"));
    Source {
        server: name(server),
        prefix: Prefix::new(prefix).unwrap(),
        isolation: Isolation::Shared,
        view: Arc::default(),
        catalogue: Some(Arc::new(catalogue)),
        awaited: BTreeSet::new(),
        held: Arc::default(),
    }
}

/// The servers' tools and whose `tool` is, merged in this order and the other way round.
fn owners(sources: &[Source], tool: &str) -> [Option<(String, String)>; 2] {
    let owner = |sources: Vec<Source>| {
        let merged = Merged::build(sources, &[]);
        let route = merged.find(Subject::Tool, tool)?;
        let page = merged.pages(Kind::Tools).get(None).unwrap().whole();
        let page = String::from_utf8(page.to_vec()).unwrap();
        let count = page.matches(&format!(r#""{tool}""#)).count();
        assert_eq!(count, 1, "{page}");
        Some((route.server.to_string(), route.key.into()))
    };
    let turned = sources.iter().rev().cloned().collect();
    [owner(sources.to_vec()), owner(turned)]
}

fn to(server: &str, key: &str) -> [Option<(String, String)>; 2] {
    [(); 2].map(|()| Some((server.to_owned(), key.to_owned())))
}

#[test]
fn the_longer_prefix_has_the_name_in_every_order() {
    let sources = [
        source("a", "a", &["_x", "__x", "_y", "x"]),
        source("a_", "a_", &["x", "_x"]),
    ];
    assert_eq!(owners(&sources, "a___x"), to("a_", "x"));
    assert_eq!(owners(&sources, "a____x"), to("a_", "_x"));
    assert_eq!(owners(&sources, "a__x"), to("a", "x"));
    // Not what it lists makes a name a server's, but its prefix: it may list it later.
    assert_eq!(owners(&sources, "a___y"), [None, None]);
    let nothing_yet = Source {
        catalogue: None,
        ..sources[1].clone()
    };
    assert_eq!(
        owners(&[sources[0].clone(), nothing_yet], "a___x"),
        [None, None]
    );
    // Of a server that is not configured nobody can take anything.
    assert_eq!(owners(&sources[..1], "a___x"), to("a", "_x"));
}

#[test]
fn a_bare_name_is_nobody_elses() {
    let sources = [
        source(
            "evil",
            "",
            &["github__create_issue", "hub__x", "_a__x", "__x", "plain"],
        ),
        source("github", "github", &["create_issue"]),
        source("_a", "_a", &["x"]),
        source("other", "hub", &[]),
    ];
    assert_eq!(
        owners(&sources, "github__create_issue"),
        to("github", "create_issue")
    );
    assert_eq!(owners(&sources, "hub__x"), [None, None]);
    assert_eq!(owners(&sources, "_a__x"), to("_a", "x"));
    assert_eq!(owners(&sources, "__x"), to("evil", "__x"));
    assert_eq!(owners(&sources, "plain"), to("evil", "plain"));
    assert_eq!(owners(&sources, "evil__plain"), [None, None]);
}

#[test]
fn of_one_prefix_the_server_of_that_name_is_first() {
    let sources = [
        source("evil", "git", &["x", "y"]),
        source("git", "git", &["x"]),
    ];
    assert_eq!(owners(&sources, "git__x"), to("git", "x"));
    assert_eq!(owners(&sources, "git__y"), to("evil", "y"));
}

#[test]
fn one_warning_for_each_two_servers() {
    let tools: Vec<String> = (0..1_000).map(|n| format!("_{n}")).collect();
    let tools: Vec<&str> = tools.iter().map(String::as_str).collect();
    let sources = vec![source("a", "a", &tools), source("a_", "a_", &["0", "0"])];
    let oddities = Merged::build(sources, &[]).oddities();
    let oddities: Vec<String> = oddities
        .into_iter()
        .map(|(_, remark)| remark.to_string())
        .collect();
    assert_eq!(
        oddities,
        [
            "'a___0' (and 999 more) of server 'a' is left out of the tools: it has the prefix of server 'a_'",
            "'a___0' of server 'a_' is left out of the tools: server 'a_' has the name already",
        ]
    );
}

#[test]
fn a_change_lays_out_only_the_part_of_its_server() {
    let mut sources: Vec<Source> = ["a", "b", "c"].map(|s| source(s, s, &["t", "_t"])).into();
    let first = Merged::build(sources.clone(), &[]);
    sources[1] = source("b", "b", &["u"]);
    let second = Merged::build(sources.clone(), &[&first]);
    assert_eq!(second.built_since(&first), 1);
    assert!(second.changes(&first).tools && !second.changes(&first).prompts);

    // A server more is one part more, though it takes a name away from another: then two.
    sources.push(source("d", "d", &["t"]));
    let third = Merged::build(sources.clone(), &[&second]);
    assert_eq!(third.built_since(&second), 1);
    sources.push(source("d_", "d_", &["t"]));
    sources[0].catalogue = Some(catalogue(&["t", "_t"]));
    let fourth = Merged::build(sources.clone(), &[&third]);
    assert_eq!(fourth.built_since(&third), 3, "a, d and d_");

    // Nothing that a client can see: nothing is built, and nothing has to be compared.
    sources.push(source("e", "e", &[]));
    let fifth = Merged::build(sources, &[&fourth]);
    assert_eq!(fifth.built_since(&fourth), 0);
    assert!(!fifth.changes(&fourth).tools);
}

#[test]
fn a_new_server_changes_no_list_that_it_is_not_in() {
    let bare = source("bare", "", &["t"]);
    let nothing = source("other", "other", &[]);
    let alone = Merged::build(vec![bare.clone()], &[]);
    let both = Merged::build(vec![bare, nothing], &[&alone]);
    assert_eq!(both.built_since(&alone), 1, "names may be the other's now");
    assert!(!both.changes(&alone).tools);
}

#[test]
fn an_instances_table_shares_what_is_not_its_own() {
    let sources: Vec<Source> = ["a", "b", "c"].map(|s| source(s, s, &["t"])).into();
    let shared = Merged::build(sources, &[]);
    let own = catalogue(&["u"]);
    let mine = shared.with(&[(&name("b"), &own)], &shared);
    assert_eq!(mine.built_since(&shared), 1);
    let again = shared.with(&[(&name("b"), &own)], &mine);
    assert_eq!(again.built_since(&mine), 0);
    assert!(!again.changes(&mine).tools && again.changes(&shared).tools);
}

#[test]
fn the_elders_of_what_stayed_keep_their_names() {
    let mut sources: Vec<Source> = ["a", "b", "c", "d"]
        .map(|s| source(s, "", &["t", s]))
        .into();
    let first = Merged::build(sources.clone(), &[]);
    for (place, tools) in [(2, &["t", "a", "x"][..]), (3, &["x", "b", "t"])] {
        sources[place] = source(sources[place].server.as_str(), "", tools);
    }
    let second = Merged::build(sources, &[&first]);
    assert_eq!(second.built_since(&first), 2);
    for (tool, server) in [("t", "a"), ("a", "a"), ("b", "b"), ("x", "c")] {
        let route = second.find(Subject::Tool, tool).unwrap();
        assert_eq!(route.server, name(server), "{tool}");
    }
    assert!(second.find(Subject::Tool, "d").is_none());
    let says = |text: &str| {
        second
            .oddities()
            .iter()
            .any(|oddity| oddity.1.to_string().contains(text))
    };
    assert!(says(
        "'x' of server 'd' is left out of the tools: server 'c' has the name already"
    ));
}

/// Its page knows nothing of gateways, nor how many there are.
#[test]
fn a_bare_name_is_that_of_a_server_behind_a_gateway_too() {
    let worker = |server: &str, tools: &[&str]| Source {
        prefix: Prefix::bare(),
        ..offering(server, &[(Kind::Tools, tools)])
    };
    let one = worker(
        "w1",
        &["a__only", "a__both", "b__twice", "c__twice", "d__x__y"],
    );
    let merged = merged(&[
        one,
        worker("w2", &["e__both", "f__other"]),
        offering("s", &[(Kind::Tools, &["own__prefixed"])]),
    ]);
    for (bare, wanted) in [
        ("only", Some("w1: a__only")),
        ("other", Some("w2: f__other")),
        ("x__y", Some("w1: d__x__y")),
        ("both", None),
        ("twice", None),
        ("y", None),
        ("prefixed", None),
        ("none", None),
    ] {
        assert_eq!(own(&merged, bare).as_deref(), wanted, "{bare}");
    }
    let merged = Arc::new(merged);
    let narrowed = narrow(&merged, r#"{"tools": {"deny": ["a__only", "e__*"]}}"#);
    assert_eq!(own(&narrowed, "only"), None, "it is hidden");
    assert_eq!(own(&narrowed, "both").as_deref(), Some("w1: a__both"));
}
