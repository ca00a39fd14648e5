//! What profiles show of what is merged: under the same names, laid out once for all, and with news for
//! those alone whose lists have changed.

use std::collections::HashMap;
use std::sync::Arc;

use super::offers::{leads, listed, merged, offering, outward};
use crate::config;
use crate::config::model::{Profile, Profiles};
use crate::ids::{ProfileId, ProfileName};
use crate::protocol::mcp::item::Kind;
use crate::protocol::mcp::request::Subject;
use crate::protocol::uri::Search;
use crate::testing::{self, catalogue, name, offer, upstream, wanted};
use crate::tree::registry::merged::Merged;
use crate::tree::registry::pages::Changes;
use crate::tree::registry::state::Merge;

pub(super) fn profiles(text: &str) -> Arc<Profiles> {
    let text = format!(r#"{{"servers": [], {text}}}"#);
    let written = config::parse(&text, &|_| None).unwrap().config.profiles;
    Arc::new(Profiles::of(&written, None, &mut Vec::new()))
}

pub(super) fn profile(body: &str) -> Arc<Profile> {
    let profiles = profiles(&format!(r#""profiles": {{"p": {body}}}"#));
    Arc::clone(&profiles.known[0])
}

fn id(name: &str) -> ProfileId {
    ProfileName::new(name).unwrap().id()
}

pub(super) fn narrow(whole: &Arc<Merged>, body: &str) -> Merged {
    Merged::narrow(whole, &profile(body), &[])
}

/// What is said of its rules that match nothing.
pub(super) fn idle(narrowed: &Merged) -> Vec<String> {
    let rules = narrowed.idle_rules().into_iter();
    rules.map(|remark| remark.to_string()).collect()
}

fn house() -> Arc<Merged> {
    Arc::new(merged(&[
        offering("git", &[(Kind::Tools, &["get", "set_x", "set_y", "list"])]),
        offering(
            "time",
            &[(Kind::Tools, &["now"]), (Kind::Prompts, &["ask", "tell"])],
        ),
    ]))
}

#[test]
fn a_profile_shows_its_servers_and_of_their_names_what_it_allows() {
    let whole = house();
    for (body, tools, prompts) in [
        (
            r#"{"servers": ["time"]}"#,
            &["time__now"][..],
            &["time__ask", "time__tell"][..],
        ),
        (
            r#"{"servers": ["g*", "time"], "tools": {"deny": ["*__set_*"]}, "prompts": {"allow": ["*__ask"]}}"#,
            &["git__get", "git__list", "time__now"],
            &["time__ask"],
        ),
        (
            r#"{"tools": {"allow": []}}"#,
            &[],
            &["time__ask", "time__tell"],
        ),
        (r#"{"servers": []}"#, &[], &[]),
    ] {
        let narrowed = narrow(&whole, body);
        assert_eq!(listed(&narrowed, Kind::Tools), tools, "{body}");
        assert_eq!(listed(&narrowed, Kind::Prompts), prompts, "{body}");
        for tool in listed(&whole, Kind::Tools) {
            let is_shown = tools.contains(&&*tool);
            let found = narrowed.find(Subject::Tool, &tool);
            assert_eq!(found.is_some(), is_shown, "{body} {tool}");
        }
        for prompt in listed(&whole, Kind::Prompts) {
            let found = narrowed.find(Subject::Prompt, &prompt);
            assert_eq!(
                found.is_some(),
                prompts.contains(&&*prompt),
                "{body} {prompt}"
            );
        }
    }
}

#[test]
fn what_is_laid_out_is_shared() {
    let whole = house();
    let begins = |merged: &Merged| -> Vec<*const u8> {
        let page = merged.pages(Kind::Tools).get(None).unwrap();
        page.pieces().map(<[u8]>::as_ptr).collect()
    };
    let all = begins(&whole);
    let narrowed = begins(&narrow(
        &whole,
        r#"{"servers": ["git"], "tools": {"deny": ["git__set_x"]}}"#,
    ));
    assert_eq!(narrowed[1], all[1], "the first tool is where it was");
    // A name is the same in every profile, also where its rival is not shown.
    let bare = |server, tools| {
        let mut source = offering(server, &[(Kind::Tools, tools)]);
        source.prefix = crate::ids::Prefix::bare();
        source
    };
    let whole = Arc::new(merged(&[
        bare("one", &["x", "y"]),
        bare("two", &["x", "z"]),
    ]));
    let two = narrow(&whole, r#"{"servers": ["two"]}"#);
    assert_eq!(listed(&two, Kind::Tools), ["z"]);
    assert_eq!(two.find(Subject::Tool, "x"), None);
}

#[test]
fn resources_lead_to_shown_servers_only() {
    let whole = Arc::new(merged(&[
        offering(
            "a",
            &[
                (Kind::Resources, &["x://1", "y://1"]),
                (Kind::Templates, &["t://{id}"]),
            ],
        ),
        offering(
            "b",
            &[
                (Kind::Resources, &["x://1", "z://1"]),
                (Kind::Templates, &["t://b/{id}"]),
            ],
        ),
        offering("c", &[(Kind::Resources, &["z://2"])]),
    ]));
    let b = narrow(&whole, r#"{"servers": ["b"]}"#);
    assert_eq!(
        listed(&b, Kind::Resources),
        ["mcproxy://b/x://1", "z://1"],
        "as everywhere"
    );
    let nowhere = leads(&whole, "mcproxy://d/x://1");
    for (uri, expected) in [
        ("mcproxy://b/x://1", Some("x://1")),
        ("x://1", Some("x://1")),
        ("z://1", Some("z://1")),
        ("t://b/7", Some("t://b/7")),
        // Only what the others have: b may know it too, as the only one there is.
        ("z://2", Some("z://2")),
        ("mcproxy://a/y://1", None),
        ("mcproxy://c/z://2", None),
    ] {
        let expected = expected.map_or(nowhere.clone(), |key| ("b".into(), key.into()));
        assert_eq!(leads(&b, uri), expected, "{uri}");
    }
    assert_eq!(outward(&b, "b", "z://9"), None, "nobody else is there");
    assert!(!b.may_collide(&name("b")) && whole.may_collide(&name("b")));
    let both = narrow(&whole, r#"{"servers": ["b", "c"]}"#);
    assert_eq!(
        outward(&both, "c", "z://9"),
        Some("mcproxy://c/z://9".into())
    );
    assert_eq!(leads(&both, "y://1"), nowhere);
    assert!(!both.may_be_read(&name("a"), "y://1", &mut Search::lookup()));
}

#[test]
fn a_profile_has_its_own_words_for_models() {
    let mut source = offering("a", &[]);
    let mut told = (**source.catalogue.as_ref().unwrap()).clone();
    told.instructions = Some("of a".into());
    source.catalogue = Some(Arc::new(told));
    let whole = Arc::new(merged(&[source, offering("b", &[])]));
    for (body, expected) in [
        (r#"{"servers": ["a"]}"#, Some("[a]\nof a")),
        (r#"{"servers": ["b"]}"#, None),
        (r#"{"instructions": false}"#, None),
        (
            r#"{"servers": ["b"], "instructions": "Be kind."}"#,
            Some("Be kind."),
        ),
    ] {
        assert_eq!(narrow(&whole, body).instructions(), expected, "{body}");
    }
}

#[tokio::test]
async fn only_those_whose_lists_changed_are_told() {
    let mut merge = Merge::new(HashMap::new(), None);
    merge.profiles(profiles(
        r#""profiles": {"git": {"servers": ["git"]}, "quiet": {"tools": {"deny": ["time__*"]}}, "all": {}}"#,
    ));
    merge.wanted(vec![wanted("git"), wanted("time")]);
    let (git, time) = (
        upstream("git", 1, 1).await.0,
        upstream("time", 1, 1).await.0,
    );
    merge.catalogue(git.clone(), Some(catalogue(&["get"])));
    merge.catalogue(time.clone(), Some(catalogue(&["now"])));
    let before = merge.publish(false).unwrap();
    let shown = |name| testing::listed(before.shown(Some(id(name))).unwrap(), Kind::Tools);
    assert_eq!(shown("git"), ["git__get"]);
    assert_eq!(shown("quiet"), ["git__get"]);
    assert_eq!(shown("all"), ["git__get", "time__now"]);
    assert!(before.shown(None).is_some() && before.shown(Some(id("none"))).is_none());
    merge.catalogue(time, Some(catalogue(&["now", "then"])));
    let after = merge.publish(false).unwrap();
    for (name, is_told) in [("git", false), ("quiet", false), ("all", true)] {
        let [before, after] = [&before, &after].map(|all| all.shown(Some(id(name))).unwrap());
        let changes = after.merged.changes(&before.merged);
        assert_eq!(changes.tools, is_told, "{name}");
        assert_eq!(
            changes,
            Changes {
                tools: is_told,
                ..Changes::default()
            }
        );
        assert_eq!(after.version, before.version + 1);
    }
    // A default profile is shown where everything was, and one that is gone nowhere.
    merge.profiles(profiles(
        r#""profiles": {"all": {}}, "default_profile": "all""#,
    ));
    merge.wanted(vec![wanted("git"), wanted("time")]);
    let last = merge.publish(false).unwrap();
    assert!(last.shown(None).is_none() && last.shown(Some(id("git"))).is_none());
    let [before, after] = [&after, &last].map(|all| all.shown(Some(id("all"))).unwrap());
    assert_eq!(after.merged.changes(&before.merged), Changes::default());
    // A new life of the registry begins with all of them.
    let successor = Merge::new(HashMap::new(), Some(Arc::clone(&last)));
    assert_eq!(
        testing::listed(
            successor.routes().shown(Some(id("all"))).unwrap(),
            Kind::Tools
        )
        .len(),
        3
    );
}

#[test]
fn an_instance_that_offers_something_else_does_so_within_its_profile() {
    let whole = house();
    let narrowed = narrow(
        &whole,
        r#"{"servers": ["git"], "tools": {"deny": ["*__set_*"]}}"#,
    );
    let own = catalogue(&["get", "set_z", "more"]);
    let mine = narrowed.with(&[(&name("git"), &own)], &narrowed);
    assert_eq!(listed(&mine, Kind::Tools), ["git__get", "git__more"]);
    let again = mine.with(&[(&name("git"), &own)], &mine);
    assert_eq!(again.changes(&mine), Changes::default());
    assert_eq!(again.find(Subject::Tool, "time__now"), None);
}

#[test]
fn rules_that_match_nothing_are_said_once_all_is_known() {
    let whole = house();
    let said = narrow(
        &whole,
        r#"{"servers": ["git"], "tools": {"deny": ["git__st_*", "time__now", "git__get"]}}"#,
    );
    let said = idle(&said);
    assert_eq!(said.len(), 2, "{said:?}");
    assert!(
        said.iter()
            .all(|line| line.starts_with("Profile 'p', tools: ")),
        "{said:?}"
    );
    let mut unknown = offering("git", &[]);
    unknown.catalogue = None;
    let early = Arc::new(merged(&[unknown]));
    let early = narrow(&early, r#"{"tools": {"deny": ["git__st_*"]}}"#);
    assert_eq!(idle(&early), [""; 0]);
}

#[test]
fn a_change_of_one_server_asks_the_rules_for_its_names_alone() {
    let sources = |tools| {
        let git = offering("git", &[(Kind::Tools, tools)]);
        let time = offering("time", &[(Kind::Tools, &["now", "set"])]);
        [git, time]
    };
    let whole = merged(&sources(&["get", "set"]));
    let body = profile(r#"{"tools": {"deny": ["*__set", "git__list", "x*"]}}"#);
    let whole = Arc::new(whole);
    let first = Merged::narrow(&whole, &body, &[]);
    assert_eq!(first.idle_rules().len(), 2);
    let mut changed = sources(&["get", "list", "set"]).to_vec();
    changed[1] = whole.sources[1].clone();
    let whole = Arc::new(Merged::build(changed, &[&whole]));
    let second = Merged::narrow(&whole, &body, &[&first]);
    assert_eq!(second.decided_since(&first), 1, "that of git");
    assert_eq!(listed(&second, Kind::Tools), ["git__get", "time__now"]);
    let said = idle(&second);
    assert!(
        said.len() == 1 && said[0].contains("'x*' in 'deny'"),
        "{said:?}"
    );
    // Other rules are asked for everything.
    let body = profile(r#"{"tools": {"deny": ["*__get"]}}"#);
    let third = Merged::narrow(&whole, &body, &[&second]);
    assert_eq!(third.decided_since(&second), 2);
    let shown = listed(&third, Kind::Tools);
    assert_eq!(shown, ["git__list", "git__set", "time__now", "time__set"]);
}

#[tokio::test]
async fn many_rules_for_many_names_are_a_long_job() {
    for (rules, is_long) in [(10, false), (1000, true)] {
        let rules: Vec<String> = (0..rules).map(|n| format!("\"x{n}*\"")).collect();
        let text = format!(
            r#""profiles": {{"p": {{"tools": {{"deny": [{}]}}}}}}"#,
            rules.join(",")
        );
        let of_resources = text.replace("tools", "resources");
        let names: Vec<String> = (0..200).map(|n| format!("t:{n}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        for (text, offered) in [
            (text, catalogue(&names)),
            (of_resources, offer(&[], &names)),
        ] {
            let mut merge = Merge::new(HashMap::new(), None);
            merge.profiles(profiles(&text));
            merge.wanted(vec![wanted("git")]);
            let git = upstream("git", 1, 1).await.0;
            merge.catalogue(git, Some(offered));
            assert_eq!(merge.has_long_job(), is_long);
        }
    }
}
