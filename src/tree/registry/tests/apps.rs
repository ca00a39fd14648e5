//! Apps: their pages stay `ui://…` and lead to the server that names them, and they call tools by their
//! server's own names.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use serde_json::Value;

use super::offers::{leads, listed, merged, nowhere, offering, outward, to};
use super::profiles::narrow;
use super::views::{own, said, seen};
use crate::ids::Prefix;
use crate::protocol::mcp::item::{Item, Kind};
use crate::testing;
use crate::tree::registry::merged::Merged;
use crate::tree::registry::source::Source;
use crate::tree::registry::state::Merge;

const PAGE: &str = "ui://x/app.html";

/// A server with these resources and a tool `show` that names `page` in all forms.
fn app(server: &str, resources: &[&str], page: &str) -> Source {
    let source = offering(server, &[(Kind::Resources, resources)]);
    let meta = format!(r#"{{"ui":{{"resourceUri":"{page}"}},"ui/resourceUri":"{page}"}}"#);
    let show = format!(r#"{{"name":"show","_meta":{meta}}}"#);
    let tools = [&show, r#"{"name":"plain"}"#].map(|raw| Bytes::from(raw.to_owned()));
    let tools = tools.map(|raw| Item::parse(Kind::Tools, &raw).unwrap());
    let mut catalogue = source.catalogue.as_deref().cloned().unwrap();
    catalogue.set(Kind::Tools, tools.to_vec());
    let catalogue = Some(Arc::new(catalogue));
    Source {
        catalogue,
        ..source
    }
}

/// A server that others have to be told from.
fn other(server: &str, resources: &[&str]) -> Source {
    offering(server, &[(Kind::Resources, resources)])
}

/// The page that `tool` names, the same in all forms.
fn page_of(merged: &Merged, tool: &str) -> String {
    let page = merged.pages(Kind::Tools).get(None).unwrap().whole();
    let page: Value = serde_json::from_slice(&page).unwrap();
    let mut tools = page["tools"].as_array().unwrap().iter();
    let tool = tools.find(|entry| entry["name"] == tool).unwrap();
    let meta = &tool["_meta"];
    assert_eq!(meta["ui"]["resourceUri"], meta["ui/resourceUri"]);
    meta["ui/resourceUri"].as_str().unwrap().to_owned()
}

#[test]
fn of_two_that_collide_each_tool_names_its_own() {
    let merged = merged(&[app("a", &[PAGE], PAGE), app("b", &[PAGE, "ui://y"], PAGE)]);
    let qualified = "ui://b/ui://x/app.html";
    assert_eq!(
        listed(&merged, Kind::Resources),
        [PAGE, qualified, "ui://y"]
    );
    assert_eq!(page_of(&merged, "a__show"), PAGE);
    assert_eq!(page_of(&merged, "b__show"), qualified);
    assert_eq!(leads(&merged, PAGE), to("a", PAGE));
    assert_eq!(leads(&merged, qualified), to("b", PAGE));
    assert_eq!(leads(&merged, "UI://B/ui://x/app.html"), to("b", PAGE));
    assert_eq!(outward(&merged, "b", PAGE).as_deref(), Some(qualified));
    assert_eq!(outward(&merged, "b", "ui://y"), None);
    // A profile shows them under the same names.
    let merged = Arc::new(merged);
    let b = narrow(&merged, r#"{"servers": ["b"]}"#);
    assert_eq!(page_of(&b, "b__show"), qualified);
    assert_eq!(leads(&b, qualified), to("b", PAGE));
}

#[test]
fn what_changes_beside_a_tool_renames_its_page_and_lays_out_no_other() {
    let quiet = offering("c", &[(Kind::Tools, &["t"])]);
    let sources = [other("a", &["file:///a"]), app("b", &[PAGE], PAGE), quiet];
    let before = merged(&sources);
    assert_eq!(page_of(&before, "b__show"), PAGE);
    let [_, b, c] = sources;
    let after = Merged::build(vec![other("a", &[PAGE]), b.clone(), c.clone()], &[&before]);
    assert_eq!(page_of(&after, "b__show"), "ui://b/ui://x/app.html");
    assert_eq!(after.built_since(&before), 1);
    assert!(before.changes(&after).tools);
    let again = Merged::build(vec![other("a", &[PAGE, "file:///b"]), b, c], &[&after]);
    assert_eq!(again.built_since(&after), 0);
}

#[test]
fn a_page_is_looked_up_once() {
    let lists: &[(Kind, &[&str])] = &[(Kind::Tools, &["t"])];
    let sources = [
        other("a", &[PAGE]),
        app("b", &[PAGE], PAGE),
        offering("c", lists),
    ];
    let before = merged(&sources);
    let [a, b, _] = sources;
    let c = offering("c", &[(Kind::Tools, &["t", "u"])]);
    let after = Merged::build(vec![a.clone(), b.clone(), c], &[&before]);
    let known = before.page_names(&b, &before);
    assert_eq!(known.len(), 1);
    assert!(Arc::ptr_eq(&known, &before.page_names(&b, &before)));
    assert!(Arc::ptr_eq(&known, &after.page_names(&b, &before)));
    // Other tools, or other resources of anybody.
    let told = app("b", &[PAGE], "ui://y/p");
    assert!(!Arc::ptr_eq(&known, &before.page_names(&told, &before)));
    let other = merged(&[other("a", &[]), b.clone()]);
    assert!(other.page_names(&b, &before).is_empty());
}

#[tokio::test]
async fn many_pages_are_a_long_job() {
    for (member, is_long) in [("resourceUri", true), ("other", false)] {
        let tool = |n| {
            let raw = format!(r#"{{"name":"t{n}","_meta":{{"ui":{{"{member}":"ui://x/{n}"}}}}}}"#);
            Item::parse(Kind::Tools, &Bytes::from(raw)).unwrap()
        };
        let mut offered = (*testing::catalogue(&[])).clone();
        offered.set(Kind::Tools, (0..200).map(tool).collect::<Vec<_>>());
        let mut merge = Merge::new(HashMap::new(), None);
        merge.wanted(vec![testing::wanted("a")]);
        let a = testing::upstream("a", 1, 1).await.0;
        merge.catalogue(a, Some(Arc::new(offered)));
        assert_eq!(merge.has_long_job(), is_long, "{member}");
    }
}

#[test]
fn all_pages_of_a_merge_share_a_budget_and_what_is_in_doubt_leads_home() {
    let made: Vec<String> = (1_000..5_000)
        .map(|n| format!("{{+x}}{n}{{+y}}{}{{+z}}p", n + 1))
        .collect();
    let made: Vec<&str> = made.iter().map(String::as_str).collect();
    let page = "ui://free/p";
    let evil = offering("evil", &[(Kind::Templates, &made)]);
    let last = app("last", &["ui://x/listed"], page);
    let few = merged(&[evil.clone(), last.clone()]);
    assert_eq!(page_of(&few, "last__show"), page);
    let others = (0..20).map(|n| app(&format!("s{n}"), &[], &format!("ui://free{n}/p")));
    let all: Vec<Source> = [evil].into_iter().chain(others).chain([last]).collect();
    let many = merged(&all);
    let long = page_of(&many, "last__show");
    assert_eq!(long, "ui://last/ui://free/p");
    assert_eq!(leads(&many, &long), to("last", page));
    assert_eq!(outward(&many, "last", "ui://x/listed"), None);
}

#[test]
fn a_page_that_is_not_listed_leads_to_who_names_it() {
    let alone = merged(&[app("b", &[], PAGE), offering("a", &[(Kind::Tools, &["t"])])]);
    assert_eq!(leads(&alone, &page_of(&alone, "b__show")), to("b", PAGE));
    for beside in [&["file:///a"][..], &["ui://z"], &[PAGE]] {
        let both = merged(&[other("a", beside), app("b", &[], PAGE)]);
        let page = page_of(&both, "b__show");
        assert!(page.starts_with("ui://"));
        assert_eq!(leads(&both, &page), to("b", PAGE), "{beside:?}");
    }
}

#[test]
fn nobody_names_the_pages_of_another() {
    let own_page = "ui://victim/app.html";
    let spoofed: &[&str] = &[
        own_page,
        "ui://Victim/ui://x/app.html",
        "ui://attacker/ui://x",
        PAGE,
    ];
    let attacker = app("attacker", spoofed, own_page);
    let victim = app("victim", &[PAGE], own_page);
    for order in [[&attacker, &victim], [&victim, &attacker]] {
        let merged = merged(&order.map(Clone::clone));
        assert_eq!(page_of(&merged, "victim__show"), own_page);
        for (uri, key) in [
            (own_page, own_page),
            ("UI://VICTIM/app.html", "UI://VICTIM/app.html"),
            ("ui://victim/ui://x/app.html", PAGE),
            ("ui://victim/ui://unheard", "ui://unheard"),
        ] {
            assert_eq!(leads(&merged, uri), to("victim", key), "{uri}");
        }
        let listed = listed(&merged, Kind::Resources);
        for spoofed in &spoofed[..3] {
            let ours = format!("ui://attacker/{spoofed}");
            assert!(listed.contains(&ours), "{listed:?}");
            assert_eq!(leads(&merged, &ours), to("attacker", spoofed));
            assert_eq!(outward(&merged, "attacker", spoofed), Some(ours));
        }
        let named = page_of(&merged, "attacker__show");
        assert_eq!(leads(&merged, &named), to("attacker", own_page));
        let said = said(&merged);
        let [said] = &said[..] else {
            unreachable!("{said:?}")
        };
        assert!(said.contains("(ui://victim/…)") && said.contains("ui://attacker/ui://victim/…"));
    }
    // What is the victim's leads to no other, whether it is there or not.
    let gone = offering("victim", &[(Kind::Tools, &["t"])]);
    let mut catalogue = gone.catalogue.as_deref().cloned().unwrap();
    catalogue.abilities.resources = false;
    let catalogue = Some(Arc::new(catalogue));
    let merged = merged(&[attacker, Source { catalogue, ..gone }]);
    assert_eq!(leads(&merged, own_page), nowhere());
    let named = page_of(&merged, "attacker__show");
    assert_eq!(leads(&merged, &named), to("attacker", own_page));
}

#[test]
fn who_has_no_resources_names_nobodys_pages() {
    let victims: &[&str] = &["ui://victim/p", PAGE];
    let victim = app("victim", victims, PAGE);
    for page in [
        PAGE,
        "ui://victim/p",
        "ui://victim/ui://x/app.html",
        "ui://unlisted/p",
    ] {
        let mut evil = app("evil", &[], page);
        let mut catalogue = evil.catalogue.as_deref().cloned().unwrap();
        catalogue.abilities.resources = false;
        evil.catalogue = Some(Arc::new(catalogue));
        for order in [[&evil, &victim], [&victim, &evil]] {
            let merged = merged(&order.map(Clone::clone));
            let own = format!("ui://evil/{page}");
            assert_eq!(page_of(&merged, "evil__show"), own);
            assert_eq!(outward(&merged, "evil", page).as_ref(), Some(&own));
            assert_eq!(leads(&merged, &own), nowhere());
            assert_eq!(page_of(&merged, "victim__show"), PAGE);
            assert_eq!(outward(&merged, "victim", PAGE), None);
            let link = "mcproxy://victim/file:///etc";
            let own = format!("mcproxy://evil/{link}");
            assert_eq!(outward(&merged, "evil", link), Some(own));
        }
    }
}

#[test]
fn a_template_makes_no_page_of_another() {
    let made: &[&str] = &["ui://{x}/app.html", "ui://victim/{p}", "ui://v/{p}"];
    let attacker = offering("attacker", &[(Kind::Templates, made)]);
    let merged = merged(&[attacker, app("victim", &[], "ui://victim/app.html")]);
    let ours = made[..2].iter().map(|made| format!("ui://attacker/{made}"));
    let ours: Vec<String> = ours.chain([made[2].to_owned()]).collect();
    assert_eq!(listed(&merged, Kind::Templates), ours);
    assert_eq!(page_of(&merged, "victim__show"), "ui://victim/app.html");
    for uri in ["ui://victim/app.html", "ui://victim/other"] {
        assert_eq!(leads(&merged, uri), to("victim", uri));
    }
    assert_eq!(leads(&merged, "ui://v/1"), to("attacker", "ui://v/1"));
    // By its scheme it still finds its server.
    assert_eq!(
        leads(&merged, "ui://any/app.html"),
        to("attacker", "ui://any/app.html")
    );
}

fn tools(server: &str, names: &[&str], fields: &str) -> Source {
    seen(offering(server, &[(Kind::Tools, names)]), fields)
}

#[test]
fn a_bare_name_is_the_only_servers_that_has_it() {
    let open = r#""tools": {}"#;
    let filter = r#""tools": {"deny": ["hid*"], "rename": {"old": "new", "both": "mine"}}"#;
    let merged = merged(&[
        tools(
            "a",
            &["only", "both", "hid_1", "old", "a__x", "b__y", "c__z"],
            filter,
        ),
        tools("b", &["both", "hid_2", "new"], r#""names": "safe""#),
        tools("c", &["c"], open),
    ]);
    for (bare, wanted) in [
        ("only", Some("a: only")),
        ("old", Some("a: old")),
        ("a__old", None),
        ("new", Some("b: new")),
        ("hid_2", Some("b: hid_2")),
        ("c", Some("c: c")),
        ("a__x", Some("a: a__x")),
        // Several have it; it is hidden; it has another server's prefix; nobody has it.
        ("both", None),
        ("mine", None),
        ("hid_1", None),
        ("b__y", None),
        ("c__z", None),
        ("nobody", None),
        ("", None),
    ] {
        assert_eq!(own(&merged, bare).as_deref(), wanted, "{bare}");
    }
    assert!(merged.is_bare("old") && !merged.is_bare("a__only") && !merged.is_bare("both"));
    // Who hides a tool does not offer it; nor does who is not shown.
    let whole = Arc::new(merged);
    for (profile, wanted) in [
        (r#"{"servers": ["b", "c"]}"#, Some("b: both")),
        (r#"{"tools": {"deny": ["a__mine"]}}"#, Some("b: both")),
        (r#"{"tools": {"deny": ["a__*", "b__*"]}}"#, None),
        (r#"{"servers": ["c"]}"#, None),
    ] {
        let shown = narrow(&whole, profile);
        assert_eq!(own(&shown, "both").as_deref(), wanted, "{profile}");
    }
}

#[test]
fn a_hidden_merged_name_is_no_others_bare_one() {
    let mut plain = tools(
        "plain",
        &["del", "hid", "y"],
        r#""tools": {"deny": ["hid"]}"#,
    );
    plain.prefix = Prefix::bare();
    let both = tools("b", &["del", "hid", "only", "b__only"], r#""tools": {}"#);
    let whole = Arc::new(merged(&[plain, both]));
    assert_eq!(own(&whole, "hid"), None);
    assert_eq!(own(&whole, "b__hid").as_deref(), Some("b: hid"));
    for (profile, hidden) in [
        (r#"{"tools": {"deny": ["del"]}}"#, "del"),
        (r#"{"servers": ["b"]}"#, "del"),
        (r#"{"servers": ["b"]}"#, "hid"),
        (r#"{"tools": {"deny": ["b__only"]}}"#, "b__only"),
    ] {
        let shown = narrow(&whole, profile);
        assert_eq!(own(&shown, hidden), None, "{profile} {hidden}");
        assert!(!shown.is_bare(hidden));
        assert_eq!(own(&shown, "b__del").as_deref(), Some("b: del"));
    }
}

#[test]
fn who_lost_its_name_to_another_makes_the_bare_one_ambiguous() {
    let mut second = tools("d", &["only", "more"], r#""tools": {}"#);
    second.prefix = Prefix::new("b").unwrap();
    let first = tools("b", &["only", "x"], r#""tools": {}"#);
    let whole = Arc::new(merged(&[first, second]));
    for (bare, wanted) in [
        ("only", None),
        ("more", Some("d: more")),
        ("x", Some("b: x")),
    ] {
        assert_eq!(own(&whole, bare).as_deref(), wanted, "{bare}");
    }
    assert_eq!(own(&whole, "b__only").as_deref(), Some("b: only"));
    let alone = narrow(&whole, r#"{"servers": ["b"]}"#);
    assert_eq!(own(&alone, "only").as_deref(), Some("b: only"));
}

#[test]
fn a_bare_name_asks_what_was_decided_of_its_own_entry() {
    let fields = r#""tools": {"deny": ["a"], "rename": {"b": "z", "d": "b"}}"#;
    let whole = Arc::new(merged(&[tools("s", &["d", "a", "c", "b"], fields)]));
    for (profile, shown) in [
        (r#"{"tools": {"deny": ["s__z"]}}"#, ["d", "c"]),
        (r#"{"tools": {"deny": ["s__b"]}}"#, ["c", "b"]),
        (r#"{"tools": {"deny": ["s__c"]}}"#, ["d", "b"]),
    ] {
        let narrowed = narrow(&whole, profile);
        for bare in ["a", "b", "c", "d"] {
            let wanted = shown.contains(&bare).then(|| format!("s: {bare}"));
            assert_eq!(own(&narrowed, bare), wanted, "{profile} {bare}");
        }
    }
}

#[test]
fn a_merged_name_comes_before_a_bare_one() {
    let mut plain = tools("plain", &["x"], r#""tools": {"rename": {"x": "y"}}"#);
    plain.prefix = Prefix::bare();
    let merged = merged(&[tools("a", &["y"], r#""tools": {}"#), plain]);
    assert_eq!(own(&merged, "y").as_deref(), Some("plain: x"));
    assert_eq!(own(&merged, "x").as_deref(), Some("plain: x"));
    assert!(!merged.is_bare("y") && merged.is_bare("x"));
}
