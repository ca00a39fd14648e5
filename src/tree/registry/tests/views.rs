//! What of a server clients see, and as what: in the lists, and by the names and URIs that lead somewhere.

use std::sync::Arc;

use super::offers::{leads, listed, merged, offering, outward};
use crate::config;
use crate::config::model::{Entry, View};
use crate::protocol::mcp::item::Kind;
use crate::protocol::mcp::request::Subject;
use crate::protocol::uri::Search;
use crate::testing::name;
use crate::tree::registry::catalogue::Gap;
use crate::tree::registry::merged::Merged;
use crate::tree::registry::source::Source;

/// The view of an entry with these fields.
fn view(fields: &str) -> Arc<View> {
    let text = format!(r#"[{{"name": "x", "command": "x", {fields}}}]"#);
    let parsed = config::parse(&text, &|_| None).unwrap();
    match &parsed.config.servers[..] {
        [Entry::Run(_, view)] => Arc::clone(view),
        _ => panic!("{:?}", parsed.problems),
    }
}

pub(super) fn seen(source: Source, fields: &str) -> Source {
    let view = view(fields);
    Source { view, ..source }
}

pub(super) fn tools(server: &str, names: &[&str], fields: &str) -> Source {
    seen(offering(server, &[(Kind::Tools, names)]), fields)
}

/// Where a tool leads: the server's own name.
pub(super) fn own(merged: &Merged, tool: &str) -> Option<String> {
    let route = merged.find(Subject::Tool, tool)?;
    Some(format!("{}: {}", route.server, route.key))
}

/// What is odd, without whose it is.
pub(super) fn said(merged: &Merged) -> Vec<String> {
    merged
        .oddities()
        .into_iter()
        .map(|(_, remark)| remark.to_string())
        .collect()
}

#[test]
fn what_is_not_shown_is_in_no_list_and_leads_nowhere() {
    let fields = r#""tools": {"allow": ["a*", "b"], "deny": ["a2"]}, "prompts": {"allow": []}"#;
    let lists = [
        (Kind::Tools, &["a1", "a2", "b", "c"][..]),
        (Kind::Prompts, &["p"]),
    ];
    let merged = merged(&[seen(offering("s", &lists), fields), offering("t", &lists)]);
    assert_eq!(
        listed(&merged, Kind::Tools)[..3],
        ["s__a1", "s__b", "t__a1"]
    );
    assert_eq!(listed(&merged, Kind::Prompts), ["t__p"]);
    assert_eq!(own(&merged, "s__a1").as_deref(), Some("s: a1"));
    for hidden in ["s__a2", "s__c", "s__", "s__p"] {
        assert_eq!(own(&merged, hidden), None, "{hidden}");
    }
    assert_eq!(own(&merged, "t__a2").as_deref(), Some("t: a2"));
    assert_eq!(merged.find(Subject::Prompt, "s__p"), None);
    assert_eq!(said(&merged), [""; 0]);
}

#[test]
fn a_tool_has_the_name_that_it_is_given_and_no_other() {
    let fields = r#""tools": {"rename": {"issue_read": "read", "x": "issue_read"}}"#;
    let source = tools("s", &["issue_read", "write"], fields);
    let merged = merged(&[source]);
    assert_eq!(listed(&merged, Kind::Tools), ["s__read", "s__write"]);
    assert_eq!(own(&merged, "s__read").as_deref(), Some("s: issue_read"));
    assert_eq!(own(&merged, "s__issue_read"), None);
    assert_eq!(
        said(&merged),
        ["Server 's', 'tools' in its entry: 'x' in 'rename' matches nothing"]
    );
}

#[test]
fn of_two_with_one_name_the_first_has_it_and_a_warning_says_so() {
    for (names, winner) in [(["a", "b"], "a"), (["b", "a"], "b")] {
        let merged = merged(&[tools("s", &names, r#""tools": {"rename": {"a": "b"}}"#)]);
        assert_eq!(listed(&merged, Kind::Tools), ["s__b"]);
        assert_eq!(own(&merged, "s__b"), Some(format!("s: {winner}")));
        let said = said(&merged);
        assert!(
            said[0].contains("'s__b' of server 's' is left out") && said[0].contains("'rename'"),
            "{said:?}"
        );
    }
}

#[test]
fn an_override_sets_its_members_and_leaves_the_rest() {
    let fields = r#""tools": {"override": {
        "a": {"title": "T\n", "description": "new", "annotations": {"readOnlyHint": true, "title": "A"}},
        "b": {"annotations": {"openWorldHint": false}}}}"#;
    let mut catalogue = (**offering("s", &[]).catalogue.as_ref().unwrap()).clone();
    let item = |raw: &str| {
        let raw = bytes::Bytes::from(raw.to_owned());
        crate::protocol::mcp::item::Item::parse(Kind::Tools, &raw).unwrap()
    };
    catalogue.set(
        Kind::Tools,
        vec![
            item(r#"{"d\u0065scription": "old", "name": "a", "n":1.10, "annotations": {"readOnlyHint" : false,"x":1e40}}"#),
            item(r#"{"name":"b","inputSchema":{"description":"stays"},"annotations":null}"#),
            item(r#"{"name":"c","description":"old"}"#),
        ],
    );
    let source = Source {
        catalogue: Some(Arc::new(catalogue)),
        ..seen(offering("s", &[]), fields)
    };
    let merged = merged(&[source]);
    let page = merged.pages(Kind::Tools).get(None).unwrap().whole();
    assert_eq!(
        std::str::from_utf8(&page).unwrap(),
        concat!(
            r#"{"tools":["#,
            r#"{"title":"T\n","d\u0065scription": "new", "name": "s__a", "n":1.10, "annotations": {"title":"A","readOnlyHint" : true,"x":1e40}},"#,
            r#"{"name":"s__b","inputSchema":{"description":"stays"},"annotations":{"openWorldHint":false}},"#,
            r#"{"name":"s__c","description":"old"}]}"#
        )
    );
}

#[test]
fn safe_names_pass_everywhere_and_lead_back() {
    let long = "x".repeat(80);
    let longer = format!("{long}y");
    let names = [
        "get.it", "get/it", "get_it", "查询", &long, &longer, "fine", "get.it",
    ];
    let merged = merged(&[tools("s", &names, r#""names": "safe""#)]);
    let shown = listed(&merged, Kind::Tools);
    assert_eq!(shown.len(), 7, "{shown:?}");
    assert_eq!(shown[2], "s__get_it", "it is its own");
    assert_eq!(shown[6], "s__fine");
    let mut unique = shown.clone();
    unique.sort();
    unique.dedup();
    assert_eq!(unique.len(), 7);
    for (shown, name) in shown.iter().zip(names) {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
        assert!(shown.len() < 50 && shown.chars().all(is_plain), "{shown}");
        assert_eq!(own(&merged, shown), Some(format!("s: {name}")));
    }
    assert!(merged.warnings(&name("s")).is_empty());
    // The same name tomorrow, whatever else there is by then.
    let alone = super::offers::merged(&[tools("s", &[&longer], r#""names": "safe""#)]);
    assert_eq!(listed(&alone, Kind::Tools), [shown[5].clone()]);
    let prefixed = tools("s", &[&long], r#""names": "safe""#);
    let prefix = crate::ids::Prefix::new(&"p".repeat(64)).unwrap();
    let merged = super::offers::merged(&[Source { prefix, ..prefixed }]);
    assert_eq!(listed(&merged, Kind::Tools)[0].len(), 64 + 2 + 16);
}

#[test]
fn a_safe_name_is_one_tool_s_whatever_else_is_listed() {
    let safe = |names: &[&str]| merged(&[tools("s", names, r#""names": "safe""#)]);
    for names in [&["x.y"][..], &["x.y", "x_y"], &["x_y", "x/y", "x.y"]] {
        let merged = safe(names);
        assert_eq!(own(&merged, "s__x_y_b24ca9b7").as_deref(), Some("s: x.y"));
        let plain = names.contains(&"x_y").then(|| "s: x_y".to_owned());
        assert_eq!(own(&merged, "s__x_y"), plain, "{names:?}");
    }
}

fn resources(fields: &str) -> Merged {
    let lists = [
        (
            Kind::Resources,
            &["f:///pub/1", "f:///secret/1", "f:///other"][..],
        ),
        (Kind::Templates, &["f:///pub/{id}", "f:///{id}.txt"]),
    ];
    merged(&[seen(offering("s", &lists), fields)])
}

fn reads(merged: &Merged, uri: &str) -> bool {
    leads(merged, uri).0 == "s"
}

#[test]
fn a_hidden_resource_is_read_by_no_name() {
    let open = resources(r#""tools": {}"#);
    let denied = resources(r#""resources": {"deny": ["f:///secret/*", "f:///{id}.txt"]}"#);
    assert_eq!(
        listed(&denied, Kind::Resources),
        ["f:///pub/1", "f:///other"]
    );
    assert_eq!(listed(&denied, Kind::Templates), ["f:///pub/{id}"]);
    let allowed = resources(r#""resources": {"allow": ["f:///pub/*"]}"#);
    assert_eq!(listed(&allowed, Kind::Resources), ["f:///pub/1"]);
    let nothing = resources(r#""resources": {"allow": []}"#);
    assert_eq!(listed(&nothing, Kind::Templates), [""; 0]);
    for (uri, by_denied, by_allowed) in [
        ("f:///pub/1", true, true),
        ("f:///pub/2", true, true),
        ("f:///other", true, false),
        ("f:///secret/1", false, false),
        ("f:///secret/2", false, false),
        ("f:///a.txt", false, false),
        ("f:///unlisted/x", true, false),
        ("f:///{id}.txt", false, false),
        ("f:///pub/{id}", true, true),
    ] {
        for uri in [
            uri.to_owned(),
            format!("mcproxy://s/{uri}"),
            format!("MCPROXY://S/{uri}"),
        ] {
            assert!(reads(&open, &uri), "{uri}");
            assert_eq!(reads(&denied, &uri), by_denied, "denied {uri}");
            assert_eq!(reads(&allowed, &uri), by_allowed, "allowed {uri}");
            assert!(!reads(&nothing, &uri), "{uri}");
        }
    }
    for (merged, is_denied) in [(&open, false), (&allowed, false), (&denied, true)] {
        let secret = merged.denies_resource(&name("s"), "f:///secret/1");
        assert_eq!(secret, is_denied);
    }
    let mut search = Search::lookup();
    assert!(!denied.may_be_read(&name("s"), "f:///secret/1", &mut search));
    assert!(denied.may_be_read(&name("other"), "f:///secret/1", &mut search));
    assert!(open.shows_all_resources() && !denied.shows_all_resources());
    assert_eq!(outward(&denied, "s", "f:///pub/1"), None);
}

#[test]
fn a_hidden_resource_is_read_by_no_other_spelling() {
    let of = |fields: &str, template: &str, listed: &[&str]| {
        let lists = [(Kind::Resources, listed), (Kind::Templates, &[template])];
        merged(&[seen(offering("s", &lists), fields)])
    };
    let deny =
        r#""resources": {"deny": ["file:///secret/*", "file:///one", "file:///my%20own/*"]}"#;
    let denied = of(deny, "file:///{+path}", &["file:///a/../b"]);
    for uri in [
        "file:///pub/../secret/b",
        "file:///%73ecret/b",
        "file:///%2573ecret/b",
        "file:///secret%2fb",
        "file:////secret/b",
        "file:///secret\\b",
        "FILE:///SECRET/b",
        "file://localhost/secret/b",
        "file://anywhere/secret/b",
        "file:/secret/b",
        "file:///one#x",
        "file:///one/",
        "file:///one?x",
        "file:///my own/b",
    ] {
        assert!(!reads(&denied, uri), "{uri}");
    }
    for uri in [
        "file:///pub/b",
        "file:///a%20b//c",
        "file:///ones",
        "file:///a/../b",
    ] {
        assert!(reads(&denied, uri), "{uri}");
    }
    let allow = r#""resources": {"allow": ["file:///pub/*", "file:///my%20own/*"]}"#;
    let allowed = of(allow, "file:///pub/{+path}", &[]);
    for uri in [
        "file:///pub/../secret/b",
        "file:///pub/%2e%2e/secret/b",
        "file:///pub/..%2fsecret/b",
        "file:///pub/..\\secret/b",
        "file:///my%20own/%2e%2e/b",
    ] {
        assert!(!reads(&allowed, uri), "{uri}");
    }
    for uri in ["file:///pub/b", "file:///pub/B%20c?d", "file:///my%20own/b"] {
        assert!(reads(&allowed, uri), "{uri}");
    }
    let hidden = of(
        r#""resources": {"deny": ["my%20x://{id}"]}"#,
        "my%20x://{id}",
        &[],
    );
    assert!(!reads(&hidden, "my%20x://1") && !reads(&hidden, "MY x:///1"));
    assert!(reads(&hidden, "your://1"));
}

#[test]
fn what_can_not_be_compared_is_not_opened() {
    let hostile: Vec<String> = (0..300)
        .map(|number| format!("f:{}{number}", "{+a}z".repeat(400)))
        .collect();
    let hostile: Vec<&str> = hostile.iter().map(String::as_str).collect();
    let of = |templates: &[&str]| {
        let source = offering("s", &[(Kind::Templates, templates)]);
        merged(&[seen(source, r#""resources": {"deny": ["f:{*"]}"#)])
    };
    let reads = |merged: &Merged, uri: &str, search: &mut Search| {
        merged.may_be_read(&name("s"), uri, search)
    };
    let (given_up, uri) = (of(&hostile), format!("f:{}1", "z".repeat(8_000)));
    let mut search = Search::lookup();
    assert!(!reads(&given_up, &uri, &mut search));
    assert!(search.given_up().count() > 0, "it is a short search");
    let plain = of(&["f:{id}.txt"]);
    assert!(reads(&plain, "f:x", &mut Search::lookup()));
    let long = format!("f:{}", "z".repeat(100_000));
    assert!(
        !reads(&plain, &long, &mut Search::lookup()),
        "it is too long"
    );
    let long = format!("f:{{id}}{}", "z".repeat(100_000));
    assert!(
        !reads(&of(&[&long]), "f:x", &mut Search::lookup()),
        "it is too long"
    );
}

#[test]
fn a_rule_that_matches_nothing_is_judged_by_whole_lists() {
    let fields = r#""tools": {"allow": ["red"], "override": {"get": {"title": "x"}}, "rename": {"read": "get"}},
                    "prompts": {"deny": ["x"]}, "resources": {"deny": ["f:///x", "f:///y/*"]}"#;
    let lists = [
        (Kind::Tools, &["read"][..]),
        (Kind::Resources, &["f:///y/1"]),
    ];
    let source = seen(offering("s", &lists), fields);
    assert_eq!(
        said(&merged(std::slice::from_ref(&source))),
        [
            "Server 's', 'prompts' in its entry: 'x' in 'deny' matches nothing",
            "Server 's', 'resources' in its entry: 'f:///x' in 'deny' matches nothing",
            "Server 's', 'tools' in its entry: 'get' in 'override' matches nothing; did you mean 'read'?",
            "Server 's', 'tools' in its entry: 'red' in 'allow' matches nothing; did you mean 'read'?",
        ]
    );
    let mut torn = (**source.catalogue.as_ref().unwrap()).clone();
    for kind in Kind::ALL {
        torn.gaps.insert(kind, Gap::Torn("no".into()));
    }
    let torn = Source {
        catalogue: Some(Arc::new(torn)),
        ..source.clone()
    };
    assert_eq!(said(&merged(&[torn])), [""; 0], "more may come");
    let unknown = Source {
        catalogue: None,
        ..source
    };
    assert_eq!(said(&merged(&[unknown])), [""; 0]);
}

#[test]
fn another_view_lays_out_its_own_server_alone() {
    let sources = |fields: &str| {
        [
            tools("s", &["a", "b"], fields),
            tools("t", &["c"], r#""tools": {}"#),
        ]
    };
    let before = merged(&sources(r#""tools": {"deny": ["a"]}"#));
    let same = Merged::build(sources(r#""tools": {"deny": ["a"]}"#).to_vec(), &[&before]);
    assert!(!before.changes(&same).tools);
    let other = Merged::build(sources(r#""tools": {"deny": ["b"]}"#).to_vec(), &[&before]);
    assert!(before.changes(&other).tools && !before.changes(&other).resources);
    assert_eq!(listed(&other, Kind::Tools), ["s__a", "t__c"]);
    // An instance of a session's own is seen in the same way.
    let own = offering("s", &[(Kind::Tools, &["a", "b", "d"])]);
    let mine = other.with(&[(&name("s"), own.catalogue.as_ref().unwrap())], &other);
    assert_eq!(listed(&mine, Kind::Tools), ["s__a", "s__d", "t__c"]);
    assert_eq!(self::own(&mine, "s__b"), None);
}
