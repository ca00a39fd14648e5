//! Rules that match nothing: when they are looked for, what that may cost, and that what is said of them
//! is said once.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::offers::{merged, offering};
use super::profiles::{profile, profiles};
use super::views::{said, seen, tools};
use crate::protocol::mcp::item::Kind;
use crate::protocol::mcp::request::Subject;
use crate::testing::{catalogue, name, upstream, wanted};
use crate::tree::registry::ConfiguredServer;
use crate::tree::registry::catalogue::Gap;
use crate::tree::registry::job::{Job, Tables};
use crate::tree::registry::merged::Merged;
use crate::tree::registry::routes::Routes;
use crate::tree::registry::source::Source;
use crate::tree::registry::state::Merge;

fn tables(sources: Vec<Source>, text: &str) -> Tables {
    let job = Job {
        sources,
        profiles: profiles(text),
        budget: 2048,
        before: Arc::new(Routes::default()),
    };
    job.run()
}

fn warnings(tables: &Tables) -> Vec<String> {
    let warnings = tables.warnings.iter();
    warnings.map(ToString::to_string).collect()
}

#[test]
fn rules_are_judged_for_the_gateway_s_own_table_alone() {
    let sources = [
        tools("s", &["a"], r#""tools": {"deny": ["x"]}"#),
        tools("t", &["b"], r#""tools": {}"#),
    ];
    let all = merged(&sources);
    let own = catalogue(&["a", "b"]);
    let mine = all.with(&[(&name("s"), &own)], &all);
    assert_eq!(
        (all.judged(), mine.judged()),
        (0, 0),
        "nobody reads of them"
    );
    assert_eq!(said(&all).len(), 1);
    assert_eq!((all.judged(), mine.judged()), (2, 1), "that of t is shared");
    // What was found is kept with what it was found of.
    let next = Merged::build(sources.to_vec(), &[&all]);
    assert_eq!(next.judged(), 2);
}

#[test]
fn a_profile_whose_parts_and_rules_stay_is_not_judged_again() {
    let sources = [offering("git", &[(Kind::Tools, &["get", "set"])])];
    let whole = Arc::new(merged(&sources));
    let kids = profile(r#"{"tools": {"deny": ["git__gett"]}}"#);
    let first = Merged::narrow(&whole, &kids, &[]);
    assert_eq!(first.idle_rules().len(), 1);
    let second = Merged::narrow(&whole, &kids, &[&first]);
    assert!(second.shares_idle_rules(&first));
    let other = profile(r#"{"tools": {"deny": ["git__sett"]}}"#);
    let other = Merged::narrow(&whole, &other, &[&second]);
    assert!(!other.shares_idle_rules(&second));
}

#[test]
fn of_many_profiles_some_are_named() {
    let sources = vec![offering("git", &[(Kind::Tools, &["get"])])];
    let idle = |count: usize| {
        let of = |number| format!(r#""p{number:03}": {{"tools": {{"deny": ["git__gett"]}}}}"#);
        let text: Vec<String> = (0..count).map(of).collect();
        let text = format!(r#""profiles": {{"fine": {{}}, {}}}"#, text.join(","));
        warnings(&tables(sources.clone(), &text))
    };
    let few = idle(20);
    assert!(
        few.len() == 20 && few[19].contains("'p019'") && few[19].contains("did you mean"),
        "{few:?}"
    );
    let many = idle(256 - 1);
    assert_eq!(many.len(), 21);
    assert!(
        many[0].starts_with("20 profiles have rules") && many[0].contains("'p020'"),
        "{}",
        many[0]
    );
}

/// The hostile case: profiles full of slips, and a server that lists another name each time.
#[test]
fn slips_in_every_profile_cost_a_merge_little() {
    let rules: Vec<String> = (0..38)
        .map(|n| format!("\"git__issue_gett_{n}\""))
        .collect();
    let of = |number| {
        format!(
            r#""p{number}": {{"tools": {{"deny": [{}]}}}}"#,
            rules.join(",")
        )
    };
    let text: Vec<String> = (0..256).map(of).collect();
    let text = format!(r#""profiles": {{{}}}"#, text.join(","));
    let names: Vec<String> = (0..5000).map(|n| format!("issue_got_{n:04}_x")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let began = Instant::now();
    let tables = tables(vec![offering("git", &[(Kind::Tools, &names)])], &text);
    let took = began.elapsed();
    assert!(took < Duration::from_secs(60), "{took:?}");
    assert!(warnings(&tables).len() > 20);
}

#[test]
fn another_suggestion_is_no_other_warning() {
    let oddities = |listed: &str| -> BTreeSet<_> {
        merged(&[tools(
            "s",
            &[listed],
            r#""tools": {"deny": ["issue_gett"]}"#,
        )])
        .oddities()
    };
    let (one, other) = (oddities("issue_get"), oddities("issue_getx"));
    let text = |all: &BTreeSet<(_, crate::tree::registry::remark::Remark)>| {
        all.iter()
            .map(|(_, odd)| odd.to_string())
            .collect::<String>()
    };
    assert!(text(&one).contains("'issue_get'?") && text(&other).contains("'issue_getx'?"));
    assert_eq!(one.difference(&other).count(), 0, "it was said");
    let of_profile = |listed: &str| {
        let text = r#""profiles": {"p": {"tools": {"allow": ["s__issue_gett"]}}}"#;
        tables(vec![offering("s", &[(Kind::Tools, &[listed])])], text).warnings
    };
    let (one, other) = (of_profile("issue_get"), of_profile("issue_getx"));
    assert!(one.len() == 1 && one.difference(&other).count() == 0);
}

#[tokio::test]
async fn an_entry_s_own_rules_for_many_names_are_a_long_job() {
    let names: Vec<String> = (0..200).map(|n| format!("t{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    for (rules, is_long) in [(10, false), (1000, true)] {
        let rules: Vec<String> = (0..rules).map(|n| format!("\"x{n}*\"")).collect();
        let fields = format!(r#""tools": {{"deny": [{}]}}"#, rules.join(","));
        let mut merge = Merge::new(HashMap::new(), None);
        let view = tools("git", &[], &fields).view;
        let wanted = ConfiguredServer {
            view,
            ..wanted("git")
        };
        merge.wanted(vec![wanted]);
        let git = upstream("git", 1, 1).await.0;
        merge.catalogue(git, Some(catalogue(&names)));
        assert_eq!(merge.has_long_job(), is_long);
    }
}

#[tokio::test]
async fn a_server_without_any_tools_is_said_to_have_none_of_those_it_is_to_rename() {
    for fields in [
        r#""tools": {"rename": {"a": "b"}}"#,
        r#""tools": {"override": {"a": {"title": "A"}}}"#,
        r#""tools": {"deny": ["a"]}"#,
        r#""resources": {"deny": ["a:"]}"#,
    ] {
        let mut merge = Merge::new(HashMap::new(), None);
        let view = tools("s", &[], fields).view;
        let wanted = ConfiguredServer {
            view,
            ..wanted("s")
        };
        merge.wanted(vec![wanted]);
        let mut early = (*catalogue(&[])).clone();
        for kind in Kind::ALL {
            early.gaps.insert(kind, Gap::Awaited);
        }
        let server = upstream("s", 1, 1).await.0;
        merge.catalogue(server.clone(), Some(Arc::new(early.clone())));
        merge.publish(true);
        assert_eq!(merge.reports.oddities.len(), 0, "{fields}: it may come");
        merge.catalogue(server, Some(catalogue(&[])));
        merge.publish(true);
        assert_eq!(merge.reports.oddities.len(), 1, "{fields}");
        // Its next life is asked anew, and what it has not was said.
        let server = upstream("s", 2, 1).await.0;
        merge.catalogue(server, Some(Arc::new(early)));
        merge.publish(true);
        assert_eq!(merge.reports.oddities.len(), 1, "{fields}");
    }
}

#[test]
fn a_name_that_nobody_has_is_held_against_no_rule() {
    let rules: Vec<String> = (0..1000).map(|n| format!("\"*a?{n}b?{n}c*\"")).collect();
    let kids = profile(&format!(
        r#"{{"tools": {{"deny": [{}]}}}}"#,
        rules.join(",")
    ));
    let whole = Arc::new(merged(&[offering("git", &[(Kind::Tools, &["get"])])]));
    let narrowed = Merged::narrow(&whole, &kids, &[]);
    let hostile = format!("git__{}", "a".repeat(1 << 20));
    let began = Instant::now();
    assert_eq!(narrowed.find(Subject::Tool, &hostile), None);
    assert!(
        began.elapsed() < Duration::from_secs(1),
        "it was looked up first"
    );
    assert!(narrowed.find(Subject::Tool, "git__get").is_some());
}

#[test]
fn what_is_said_to_be_offered_is_what_addresses_without_a_profile_show() {
    let sources = || {
        vec![
            offering("git", &[(Kind::Tools, &["get", "set"])]),
            seen(
                offering("time", &[(Kind::Tools, &["now"])]),
                r#""tools": {}"#,
            ),
        ]
    };
    let offered = |text: &str| tables(sources(), text).offered.unwrap_or_default();
    let kids = r#""profiles": {"kids": {"tools": {"allow": ["*__get"]}}}"#;
    let all = offered(r#""gateway": {}"#);
    assert!(
        all.starts_with("Clients are offered 3 tools, about ")
            && all.contains("git (2 tools")
            && !all.contains("profile"),
        "{all}"
    );
    let beside = offered(kids);
    assert!(
        beside.starts_with("Clients are offered 3 tools, about ")
            && beside.contains("; by profile: kids (1 tool, about"),
        "{beside}"
    );
    let default = offered(&format!(r#"{kids}, "default_profile": "kids""#));
    assert!(
        default.starts_with("Clients of /mcp (profile 'kids') are offered 1 tool, about ")
            && default.contains(": git (1 tool, about"),
        "{default}"
    );
    let nothing = tables(Vec::new(), kids).offered;
    assert_eq!(nothing, None);
}
