//! What is merged beside names: prefixes, prompts, resources and their URIs, pages, instructions.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::Arc;

use bytes::Bytes;

use crate::config::model::Isolation;
use crate::ids::Prefix;
use crate::protocol::mcp::item::{Item, Kind};
use crate::protocol::mcp::request::Subject;
use crate::protocol::uri::{self, Search};
use crate::testing::name;
use crate::tree::registry::catalogue::Catalogue;
use crate::tree::registry::merged::Merged;
use crate::tree::registry::source::Source;

/// A server that offers these, each by its key.
pub(super) fn offering(server: &str, lists: &[(Kind, &[&str])]) -> Source {
    let mut catalogue = Catalogue::default();
    catalogue.abilities.resources = true;
    for (kind, keys) in lists {
        let raw = |key: &&str| Bytes::from(format!(r#"{{"x":1.10,"{}":"{key}"}}"#, kind.key()));
        let items = keys.iter().map(raw);
        let items = items.map(|raw| Item::parse(*kind, &raw).unwrap());
        catalogue.set(*kind, items.collect::<Vec<_>>());
    }
    Source {
        server: name(server),
        prefix: Prefix::of(&name(server)),
        isolation: Isolation::Shared,
        view: Arc::default(),
        catalogue: Some(Arc::new(catalogue)),
        awaited: BTreeSet::new(),
        held: Arc::default(),
    }
}

pub(super) fn merged(sources: &[Source]) -> Merged {
    Merged::build(sources.to_vec(), &[])
}

pub(super) fn listed(merged: &Merged, kind: Kind) -> Vec<String> {
    let page = merged.pages(kind).get(None).unwrap().whole();
    let page: serde_json::Value = serde_json::from_slice(&page).unwrap();
    let entries = page[kind.member()].as_array().unwrap().iter();
    let key = |entry: &serde_json::Value| entry[kind.key()].as_str().unwrap().to_owned();
    entries.map(key).collect()
}

/// Where a URI leads: server and its own URI.
pub(super) fn leads(merged: &Merged, uri: &str) -> (String, String) {
    let route = merged.find(Subject::Resource, uri);
    route.map_or_else(nowhere, |route| {
        (route.server.to_string(), route.key.into())
    })
}

/// What clients know a URI of `server` by, if not by itself.
pub(super) fn outward(merged: &Merged, server: &str, uri: &str) -> Option<String> {
    merged.outward_uri(&name(server), uri, &mut Search::lookup())
}

pub(super) fn nowhere() -> (String, String) {
    to("", "")
}

pub(super) fn to(server: &str, key: &str) -> (String, String) {
    (server.to_owned(), key.to_owned())
}

#[test]
fn tools_and_prompts_are_called_by_their_servers_prefix() {
    let lists: &[(Kind, &[&str])] = &[(Kind::Tools, &["t"]), (Kind::Prompts, &["p"])];
    let mut sources = ["a", "b", "c"].map(|server| offering(server, lists));
    sources[1].prefix = Prefix::bare();
    sources[2].prefix = Prefix::new("a").unwrap();
    let merged = Merged::build(sources.to_vec(), &[]);
    let oddities = merged.oddities();
    assert_eq!(listed(&merged, Kind::Tools), ["a__t", "t"]);
    assert_eq!(listed(&merged, Kind::Prompts), ["a__p", "p"]);
    assert_eq!(oddities.len(), 2, "the third server's: {oddities:?}");
    let route = merged.find(Subject::Prompt, "p").unwrap();
    assert_eq!((route.server, &*route.key), (name("b"), "p"));
    assert_eq!(merged.find(Subject::Tool, "p"), None);
}

#[test]
fn uris_stay_native_while_they_are_unique_and_the_first_keeps_its_own() {
    let merged = merged(&[
        offering("a", &[(Kind::Resources, &["x:1", "x:2"])]),
        offering("b", &[(Kind::Resources, &["x:2", "y:1"])]),
    ]);
    let qualified = uri::qualified("b", "x:2");
    let all = listed(&merged, Kind::Resources);
    assert_eq!(all, ["x:1", "x:2", &qualified, "y:1"]);
    assert_eq!(leads(&merged, "x:2"), to("a", "x:2"));
    assert_eq!(leads(&merged, &qualified), to("b", "x:2"));
    assert_eq!(leads(&merged, "y:1"), to("b", "y:1"));
    // Whatever is qualified can be read, colliding or not; of a stranger it can't.
    assert_eq!(leads(&merged, &uri::qualified("b", "y:9")), to("b", "y:9"));
    assert_eq!(leads(&merged, &uri::qualified("c", "y:9")), nowhere());
    // On the way out: what would lead elsewhere, and nothing else.
    assert_eq!(outward(&merged, "b", "x:2"), Some(qualified));
    assert_eq!(outward(&merged, "a", "x:2"), None);
    assert_eq!(outward(&merged, "b", "y:7"), None);
    assert_eq!(outward(&merged, "b", "unheard:of"), None);
}

#[test]
fn templates_collide_by_their_shape_and_route_what_they_can_have_made() {
    let merged = merged(&[
        offering("a", &[(Kind::Templates, &["x://{id}/data"])]),
        offering("b", &[(Kind::Templates, &["x://{name}/data", "y://{n}"])]),
    ]);
    let qualified = uri::qualified("b", "x://{name}/data");
    let all = listed(&merged, Kind::Templates);
    assert_eq!(all, ["x://{id}/data", &qualified, "y://{n}"]);
    assert_eq!(leads(&merged, "x://7/data"), to("a", "x://7/data"));
    assert_eq!(leads(&merged, "y://7"), to("b", "y://7"));
    let made = uri::qualified("b", "x://7/data");
    assert_eq!(leads(&merged, &made), to("b", "x://7/data"));
    // A reference of `completion/complete` names the template itself.
    assert_eq!(leads(&merged, &qualified), to("b", "x://{name}/data"));
    assert_eq!(outward(&merged, "b", "x://7/data"), Some(made));
}

#[test]
fn an_unlisted_uri_leads_to_the_only_server_that_can_have_it() {
    let a = offering("a", &[(Kind::Resources, &["file:///a", "both:1"])]);
    let b = offering("b", &[(Kind::Resources, &["memo://b", "both:2"])]);
    let two = merged(&[a.clone(), b]);
    assert_eq!(leads(&two, "FILE:///other"), to("a", "FILE:///other"));
    assert_eq!(leads(&two, "memo://other"), to("b", "memo://other"));
    assert_eq!(leads(&two, "both:3"), nowhere());
    assert_eq!(leads(&two, "unheard:of"), nowhere());
    let alone = merged(&[a, offering_nothing("c")]);
    assert_eq!(leads(&alone, "unheard:of"), to("a", "unheard:of"));
    // Who has none may name it all the same; what anybody can fetch is nobody's.
    assert!(!alone.may_collide(&name("a")) && alone.may_collide(&name("c")));
    for (uri, is_taken) in [
        ("unheard:of", true),
        ("file:///a", true),
        ("https://x/", false),
    ] {
        assert_eq!(outward(&alone, "a", uri), None);
        let qualified = is_taken.then(|| uri::qualified("c", uri));
        assert_eq!(outward(&alone, "c", uri), qualified);
    }
}

#[test]
fn an_unlisted_uri_that_several_servers_can_have_is_qualified_on_its_way_out() {
    let keys: &[&str] = &["both:1", "https://x/1"];
    let a = offering("a", &[(Kind::Resources, keys)]);
    let b = offering("b", &[(Kind::Resources, keys)]);
    let two = merged(&[a.clone(), b]);
    let qualified = uri::qualified("b", "both:3");
    let made = outward(&two, "b", "both:3").unwrap();
    assert_eq!(made, qualified);
    assert_eq!(leads(&two, &made), to("b", "both:3"));
    for uri in ["https://x/3", "HTTP://x/3", "unheard:of", "no uri"] {
        assert_eq!(outward(&two, "b", uri), None, "{uri}");
    }
    let alone = merged(&[a]);
    assert_eq!(outward(&alone, "a", "both:3"), None);
}

#[test]
fn what_a_gateway_behind_this_one_qualified_leads_there() {
    let listed: &[&str] = &["mcproxy://deep/x:1"];
    let inner = offering("inner", &[(Kind::Resources, listed)]);
    let other = offering("other", &[(Kind::Resources, &["y:1"])]);
    let merged = merged(&[inner, other]);
    let unlisted = uri::qualified("deep", "x:2");
    assert_eq!(leads(&merged, &unlisted), to("inner", &unlisted));
    assert_eq!(
        leads(&merged, &uri::qualified("other", "y:2")),
        to("other", "y:2")
    );
}

fn offering_nothing(server: &str) -> Source {
    Source {
        catalogue: Some(Arc::default()),
        ..offering(server, &[])
    }
}

#[test]
fn a_long_list_comes_in_pages_with_cursors_of_our_own() {
    let keys: Vec<String> = (0..2_500).map(|number| format!("t{number}")).collect();
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    let merged = merged(&[offering("s", &[(Kind::Tools, &keys)])]);
    let pages = merged.pages(Kind::Tools);
    let (mut cursor, mut seen, mut count) = (None, Vec::new(), 0);
    loop {
        let page = pages.get(cursor.as_deref()).expect("a cursor of ours");
        let page: serde_json::Value = serde_json::from_slice(&page.whole()).unwrap();
        let tools = page["tools"].as_array().unwrap().iter();
        seen.extend(tools.map(|tool| tool["name"].as_str().unwrap().to_owned()));
        count += 1;
        let Some(next) = page["nextCursor"].as_str() else {
            break;
        };
        cursor = Some(next.to_owned());
    }
    assert_eq!((seen.len(), count), (2_500, 3));
    assert!(
        seen.iter()
            .zip(&keys)
            .all(|(seen, key)| *seen == format!("s__{key}"))
    );
    for wrong in [
        "",
        "1",
        "mcproxy-page-",
        "mcproxy-page-3",
        "mcproxy-page--1",
        "x",
    ] {
        assert_eq!(pages.get(Some(wrong)), None, "{wrong}");
    }
}

#[test]
fn a_page_is_not_larger_than_it_has_to_be() {
    let mut large = "x".repeat(3 << 20);
    let mut keys = Vec::new();
    for number in 0..3 {
        write!(large, "{number}").unwrap();
        keys.push(large.clone());
    }
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    let merged = merged(&[offering("s", &[(Kind::Resources, &keys)])]);
    assert_eq!(listed(&merged, Kind::Resources).len(), 1);
}

#[test]
fn instructions_are_joined_under_their_servers_names() {
    let says = |server: &str, text: Option<&str>| {
        let catalogue = Catalogue {
            instructions: text.map(str::to_owned),
            ..Catalogue::default()
        };
        let catalogue = Some(Arc::new(catalogue));
        Source {
            catalogue,
            ..offering(server, &[])
        }
    };
    let all = merged(&[
        says("a", Some("One.\n")),
        says("b", None),
        says("c", Some("Two.")),
        says("d", Some(" ")),
    ]);
    assert_eq!(all.instructions().unwrap(), "[a]\nOne.\n\n[c]\nTwo.");
    assert_eq!(merged(&[says("a", None)]).instructions(), None);
    // Where there is no room for all, the first ones speak, and it is said once that others don't.
    let long = "word ".repeat(100);
    let many: Vec<String> = (0..100)
        .map(|number| format!("server-{number:02}"))
        .collect();
    let many: Vec<Source> = many
        .iter()
        .map(|server| says(server, Some(&long)))
        .collect();
    let many = Merged::within(2048, many, &[]);
    let told = many.instructions().unwrap();
    let speakers = told.matches("[server-").count();
    assert!(told.len() <= 2048 && told.len() > 1900, "{}", told.len());
    assert!(
        speakers > 30 && told.starts_with("[server-00]\nword word"),
        "{told}"
    );
    let said = many
        .oddities()
        .into_iter()
        .map(|(_, remark)| remark.to_string());
    let left_out: Vec<String> = said.filter(|text| text.contains("are left out")).collect();
    let count = format!("and of {} more", 100 - speakers - 1);
    assert!(
        left_out.len() == 1 && left_out[0].contains(&count),
        "{left_out:?}"
    );
}

#[test]
fn a_sessions_own_catalogue_takes_the_place_of_the_templates() {
    let shared = merged(&[
        offering("a", &[(Kind::Tools, &["t"])]),
        offering("b", &[(Kind::Tools, &["t"])]),
    ]);
    let own = offering("b", &[(Kind::Tools, &["u"])]).catalogue.unwrap();
    let mine = shared.with(&[(&name("b"), &own)], &shared);
    assert_eq!(listed(&mine, Kind::Tools), ["a__t", "b__u"]);
    assert_eq!(listed(&shared, Kind::Tools), ["a__t", "b__t"]);
    let changes = shared.changes(&mine);
    assert!(changes.tools && !changes.prompts && !changes.resources);
}
