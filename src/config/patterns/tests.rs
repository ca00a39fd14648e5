//! What a pattern matches, and what is said of one that matches nothing.

use std::time::Duration;

use tokio::time::Instant;

use super::*;

fn patterns(allow: Option<&[&str]>, deny: &[&str]) -> Patterns {
    let texts = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect();
    Patterns::new(allow.map(texts), texts(deny))
}

#[test]
fn a_pattern_matches_whole_names() {
    for (pattern, yes, no) in [
        ("read", &["read"][..], &["reads", "Read", ""][..]),
        ("*", &["", "a", "a/b", "日本"], &[]),
        ("?", &["a", "本"], &["", "ab"]),
        ("issue_*", &["issue_", "issue_x"], &["issue", "an_issue_x"]),
        ("*_delete", &["a_delete", "_delete"], &["a_deleted"]),
        ("*a*b*", &["ab", "xaxbx"], &["ba", "a"]),
        ("a*a", &["aa", "axa"], &["a", "ab"]),
        ("*ab*ab", &["abab", "xabxab"], &["ab", "aba"]),
        ("a*?c*d", &["abcd", "axxcd"], &["acd", "abc"]),
        (
            "x://{id}?q=*",
            &["x://{id}?q=1", "x://{id}aq="],
            &["x://1?q=1"],
        ),
        ("**", &["", "x"], &[]),
    ] {
        for name in yes {
            assert!(matches(pattern, name), "{pattern} {name}");
        }
        for name in no {
            assert!(!matches(pattern, name), "{pattern} {name}");
        }
    }
}

#[test]
fn a_rule_for_names_with_a_prefix_says_what_is_behind_it() {
    for (pattern, rest) in [
        ("x://a/b", &["b"][..]),
        ("x://a/*", &["*"]),
        ("*", &["*"]),
        ("x://*/b", &["b", "*/b"]),
        ("x://?/b*", &["b*"]),
        ("*a/b", &["b", "*a/b"]),
        ("x://b/*", &[]),
        ("x://a", &[]),
        ("b", &[]),
    ] {
        assert_eq!(rests(pattern, "x://a/"), rest, "{pattern}");
    }
    let rules = patterns(Some(&["x://a/b*", "c", "y:e"]), &["x://*/bd"])
        .behind(&["x://a/".to_owned(), "y:".to_owned()]);
    for (name, is_shown) in [
        ("b", true),
        ("bc", true),
        ("bd", false),
        ("c", true),
        ("d", false),
        ("e", true),
    ] {
        assert_eq!(rules.shows(name), is_shown, "{name}");
    }
    assert!(patterns(None, &[]).behind(&["x".to_owned()]).is_open());
}

#[test]
fn a_hostile_name_costs_what_its_length_costs() {
    let name = "ab".repeat(1 << 20);
    let began = Instant::now();
    for pattern in ["*abac*", "*a*b*a*c", &"*ab".repeat(300), "*aba?c*", "a*c"] {
        let is_shown = patterns(Some(&[pattern]), &[]).shows(&name);
        assert_eq!(is_shown, pattern.len() > 800, "{pattern}");
    }
    assert!(began.elapsed() < Duration::from_secs(5));
}

#[test]
fn what_is_denied_is_not_allowed() {
    let open = patterns(None, &[]);
    assert!(open.is_open() && open.shows("x") && open.idle(&[]).is_empty());
    let both = patterns(Some(&["issue_*", "read"]), &["*_delete"]);
    for (name, is_shown) in [
        ("issue_get", true),
        ("read", true),
        ("issue_delete", false),
        ("write", false),
    ] {
        assert_eq!(both.shows(name), is_shown, "{name}");
    }
    assert!(!patterns(Some(&[]), &[]).shows("x"), "nothing is allowed");
    let less = patterns(None, &["x"]);
    assert!(less.shows("y") && !less.shows("x") && less.allows("x").is_none());
    assert_eq!(less, less.clone());
    assert_ne!(less, patterns(None, &["y"]));
}

#[test]
fn a_rule_that_matches_nothing_is_named_with_what_may_be_meant() {
    let names = ["issue_get", "issue_list", "web__search"];
    let said = |allow: &[&str], deny: &[&str]| {
        let patterns = patterns(Some(allow), deny);
        let idle = patterns.idle(&names);
        idle.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(said(&["issue_*", "*"], &["web__search"]), [""; 0]);
    // The first of a list has a suggestion.
    assert_eq!(
        said(
            &["isue_get", "git__issue_*", "search"],
            &["x_*", "Issue-List"]
        ),
        [
            "'isue_get' in 'allow' matches nothing; did you mean 'issue_get'?",
            "'search' in 'allow' matches nothing",
            "'git__issue_*' in 'allow' matches nothing",
            "'Issue-List' in 'deny' matches nothing; did you mean 'issue_list'?",
            "'x_*' in 'deny' matches nothing",
        ]
    );
    assert_eq!(
        said(&["git__issue_*"], &["search"]),
        [
            "'git__issue_*' in 'allow' matches nothing; did you mean 'issue_*'?",
            "'search' in 'deny' matches nothing; did you mean '*__search'?",
        ]
    );
    assert_eq!(said(&["x_*"], &[]), ["'x_*' in 'allow' matches nothing"]);
    let many: Vec<String> = (0..1000)
        .map(|number| format!("nothing-{number}"))
        .collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let said = said(&many, &[]);
    assert_eq!(said.len(), NAMED);
    assert!(said[NAMED - 1].contains("(and 995 more)"), "{said:?}");
}

#[test]
fn a_suggestion_is_looked_for_among_so_many_names() {
    let names: Vec<String> = (0..=COMPARED).map(|number| format!("n-{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let meant = |rule: &str, names: &[&str]| {
        let patterns = patterns(None, &[rule]);
        patterns.idle(names)[0].meant.clone()
    };
    let last = names[COMPARED - 1];
    let near = format!("x__{last}");
    assert_eq!(meant(&near, &names).as_deref(), Some(last));
    let beyond = format!("x__{}", names[COMPARED]);
    assert_ne!(meant(&beyond, &names).as_deref(), Some(names[COMPARED]));
}
