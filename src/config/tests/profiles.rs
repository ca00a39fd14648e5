//! `profiles` and `default_profile`: what is read, what is refused with its place, and what holds then.

use super::*;
use crate::config::Severity;
use crate::config::model::{DefaultProfile, Patterns, ProfileInstructions, Profiles};

fn parsed(profiles: &str) -> Parsed {
    let text =
        format!("{{\"servers\": [{{\"name\": \"time\", \"command\": \"x\"}}],\n{profiles}}}");
    parse(&text, &|_| None).unwrap()
}

/// What holds when the file says so, after `before`.
fn held(profiles: &str, before: Option<&Profiles>) -> (Profiles, Vec<String>) {
    let mut said = Vec::new();
    let written = parsed(profiles).config.profiles;
    (Profiles::of(&written, before, &mut said), said)
}

fn names(profiles: &Profiles) -> Vec<&str> {
    let names = profiles.known.iter().map(|profile| profile.name.as_str());
    names.collect()
}

#[test]
fn every_field_is_read() {
    let (profiles, said) = held(
        r#""profiles": {
            "//": {"of": "the house"}, "_comment": ["x"],
            "kids": {
                "servers": ["t*"], "description": "no harm",
                "tools": {"allow": ["*"], "deny": ["*__set_*"]},
                "prompts": {"allow": []},
                "resources": {"deny": ["x:*"]},
                "instructions": "Be kind."
            },
            "all": {}, "quiet": {"instructions": false}, "loud": {"instructions": true}
        }, "default_profile": "kids""#,
        None,
    );
    assert!(said.is_empty() && profiles.are_used, "{said:?}");
    assert_eq!(names(&profiles), ["kids", "all", "quiet", "loud"]);
    let kids = profiles.find("kids").unwrap();
    let texts = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect();
    assert!(kids.servers.shows("time") && !kids.servers.shows("git"));
    assert_eq!(
        kids.tools,
        Patterns::new(Some(texts(&["*"])), texts(&["*__set_*"]))
    );
    assert!(!kids.prompts.shows("time__x"), "nothing is allowed");
    assert!(kids.resources.denies("x:1") && kids.resources.shows("y:1"));
    assert_eq!(
        kids.instructions,
        ProfileInstructions::Own("Be kind.".into())
    );
    assert_eq!(profiles.default, DefaultProfile::Named(kids.name.clone()));
    let all = profiles.find("all").unwrap();
    assert!(all.servers.is_open() && all.tools.is_open() && all.prompts.is_open());
    let told =
        ["all", "quiet", "loud"].map(|name| profiles.find(name).unwrap().instructions.clone());
    let (all, nothing) = (ProfileInstructions::OfServers, ProfileInstructions::None);
    assert_eq!(told, [all.clone(), nothing, all]);
    let (none, _) = held(r#""gateway": null"#, None);
    assert_eq!(none, Profiles::default());
    assert!(held(r#""profiles": {}"#, None).0.are_used, "no name is one");
}

/// What is written, where the mistake is, and what is said of it.
type Mistake = (&'static str, (usize, usize), &'static str, &'static str);

const MISTAKES: &[Mistake] = &[
    (
        r#""profiles": []"#,
        (2, 13),
        "'profiles' must be an object",
        "write",
    ),
    (
        r#""profiles": {"a b": {}}"#,
        (2, 14),
        "' ' is none of them",
        "a part of addresses",
    ),
    (
        r#""profiles": {"kids": []}"#,
        (2, 22),
        "must be an object",
        "404",
    ),
    (
        r#""profiles": {"kids": {"server": []}}"#,
        (2, 23),
        "'server'",
        "'servers'",
    ),
    (
        r#""profiles": {"kids": {"servers": "time"}}"#,
        (2, 34),
        "a list of texts",
        "",
    ),
    (
        r#""profiles": {"kids": {"servers": [""]}}"#,
        (2, 35),
        "empty",
        "",
    ),
    (
        r#""profiles": {"kids": {"tools": ["x"]}}"#,
        (2, 32),
        "must be an object",
        "deny",
    ),
    (
        r#""profiles": {"kids": {"tools": {"denny": []}}}"#,
        (2, 33),
        "'denny'",
        "'deny'",
    ),
    (
        r#""profiles": {"kids": {"instructions": 1}}"#,
        (2, 39),
        "true, false or a text",
        "",
    ),
    (
        r#""profiles": {"kids": {}, "kids": {}}"#,
        (2, 26),
        "is here twice",
        "rename",
    ),
    (
        r#""profiles": {}, "profiles": {}"#,
        (2, 29),
        "is here twice",
        "one of the two",
    ),
];

#[test]
fn what_is_wrong_has_its_place_and_closes_its_profile() {
    for (profiles, place, what, help) in MISTAKES.iter().copied() {
        let problems = parsed(profiles).problems;
        let [problem] = &*problems else {
            panic!("{profiles}: {problems:?}");
        };
        assert_eq!(problem.severity, Severity::Error, "{profiles}");
        assert_eq!((problem.line, problem.column), place, "{problem}");
        let text = problem.to_string();
        assert!(text.contains(what) && text.contains(help), "{text}");
        let (profiles, _) = held(profiles, None);
        assert!(profiles.are_used && profiles.find("kids").is_none());
    }
}

#[test]
fn a_misspelt_field_opens_nothing() {
    let good = r#""profiles": {"kids": {"servers": ["time"]}}, "default_profile": "kids""#;
    let (before, _) = held(good, None);
    for bad in [
        r#""profiles": {"kids": {}}, "default_profil": "kids""#,
        r#""profile": {"kids": {}}, "default": "kids""#,
        r#""profiles": {"kids": {}}, "default": "kids""#,
        r#""DefaultProfile": "kids", "profiles": {"kids": {}}"#,
        r#""profiles": {"kids": {}}, "defaultProfile": "kids""#,
        r#""profiles": {"kids": {}}, "default-profile": "kids""#,
        r#""Profiles": {"kids": {}}, "default_profile": "kids""#,
        r#""Profiles": {"kids": {}}"#,
        r#""profiles": {"kids": {}}, "default_profile": null"#,
        r#""profiles": null, "default_profile": "kids""#,
    ] {
        let problems = parsed(bad).problems;
        let is_error = |problem: &crate::config::Problem| problem.severity == Severity::Error;
        assert!(problems.iter().any(is_error), "{bad}: {problems:?}");
        let (first, _) = held(bad, None);
        assert!(
            first.are_used && first.default == DefaultProfile::Closed,
            "{bad}"
        );
        let (after, _) = held(bad, Some(&before));
        assert_eq!(names(&after), ["kids"], "{bad}");
        assert_eq!(after.default, before.default, "{bad}");
    }
    for other in [
        r#""//profiles": {"kids": {}}"#,
        r#""default": "x""#,
        r#""projects": {}"#,
        r#""files": 1"#,
    ] {
        let (open, said) = held(other, None);
        assert!(open == Profiles::default() && said.is_empty(), "{other}");
    }
    for closed in [
        r#"{"servers": null}"#,
        r#"{"tools": null}"#,
        r#"{"prompts": {"deny": null}}"#,
    ] {
        let (closed, _) = held(&format!(r#""profiles": {{"kids": {closed}}}"#), None);
        assert!(closed.find("kids").is_none());
    }
}

#[test]
fn names_that_lead_nowhere_are_said_with_what_may_be_meant() {
    let text = r#""profiles": {"kids": {"servers": ["tme"]}}, "default_profile": "kid""#;
    let problems = parsed(text).problems;
    let said: Vec<String> = problems.iter().map(ToString::to_string).collect();
    assert!(
        said[0].contains("'tme' is none of the servers; did you mean 'time'?"),
        "{said:?}"
    );
    assert!(
        said[1].contains("'kid', which is no profile; did you mean 'kids'?"),
        "{said:?}"
    );
}

#[test]
fn what_became_wrong_stays_what_it_was() {
    let good =
        r#""profiles": {"kids": {"servers": ["time"]}, "work": {}}, "default_profile": "kids""#;
    let (before, _) = held(good, None);
    let bad = r#""profiles": {"kids": {"servers": 1}, "new": {"x": 1}}, "default_profile": "kdis""#;
    let (after, said) = held(bad, Some(&before));
    assert_eq!(names(&after), ["kids"], "the other has gone");
    assert_eq!(after.find("kids"), before.find("kids"));
    assert_eq!(after.default, before.default);
    let said = said.join("\n");
    for line in [
        "Profile 'kids' can't be used and stays as it was",
        "Profile 'new' can't be used: its addresses answer 404",
        "'default_profile' can't be used: /mcp and /sse show profile 'kids', as before",
    ] {
        assert!(said.contains(line), "{said}");
    }
    let (unreadable, said) = held(r#""profiles": 1"#, Some(&before));
    assert_eq!(names(&unreadable), ["kids", "work"]);
    assert!(said[0].contains("stay as they were"), "{said:?}");
    // At a start there is nothing to keep: it hides.
    let (first, said) = held(bad, None);
    assert_eq!(
        (names(&first), &first.default),
        (Vec::new(), &DefaultProfile::Closed)
    );
    assert!(first.are_used && said.len() == 2, "{said:?}");
    // Without profiles everything was shown: a slip in the first ones shows as much as before, and no more.
    let (open, _) = held(r#""gateway": null"#, None);
    let (after, _) = held(bad, Some(&open));
    assert_eq!(after.default, DefaultProfile::Everything);
}

#[test]
fn rules_and_instructions_are_read_as_an_entry_s_are() {
    let (profiles, said) = held(
        r#""profiles": {"a": {
            "tools": {"//": ["x"], "_comment": null, "comment": {"y": 1}, "deny": ["x"]}, "instructions": " "
        }}"#,
        None,
    );
    assert_eq!(said, [""; 0]);
    let a = profiles.find("a").unwrap();
    assert_eq!(a.instructions, ProfileInstructions::None, "a blank text");
    assert!(a.tools.denies("x"));
}

#[test]
fn there_are_so_many_profiles() {
    let many: Vec<String> = (0..300)
        .map(|number| format!(r#""p{number}": {{}}"#))
        .collect();
    let text = format!(r#""profiles": {{{}}}"#, many.join(", "));
    assert_eq!(held(&text, None).0.known.len(), 256);
    assert!(parsed(&text).problems[0].message.contains("more than 256"));
    // Who had been shown one that is too many now is shown it still, as with any mistake.
    let (before, _) = held(r#""profiles": {"p299": {"servers": []}}"#, None);
    let (after, said) = held(&text, Some(&before));
    assert_eq!(after.known.len(), 257);
    let last = after.find("p299").unwrap();
    assert!(!last.servers.is_open(), "its last good form");
    assert!(said.contains(&"Profile 'p299' can't be used and stays as it was".to_owned()));
    let closed = "Profile 'p298' can't be used: its addresses answer 404".to_owned();
    assert!(said.contains(&closed) && after.find("p298").is_none());
    // However often all of them are replaced, no more than so many are kept.
    let mut held_now = after;
    for round in 0..3 {
        let again: Vec<String> = (0..256)
            .map(|number| format!(r#""r{round}-{number}": {{}}"#))
            .chain(
                names(&held_now)
                    .iter()
                    .map(|name| format!("\"{name}\": {{}}")),
            )
            .collect();
        let text = format!(r#""profiles": {{{}}}"#, again.join(", "));
        held_now = held(&text, Some(&held_now)).0;
        assert!(held_now.known.len() <= 512);
    }
}

#[test]
fn the_rules_of_all_profiles_together_are_bounded() {
    let rules = |name: &str, count: usize| {
        let rules: Vec<String> = (0..count).map(|n| format!("\"{name}{n}*\"")).collect();
        let rules = rules.join(", ");
        format!(r#""{name}": {{"tools": {{"deny": [{rules}]}}}}"#)
    };
    let mut profiles: Vec<String> = (0..10).map(|n| rules(&format!("p{n}"), 999)).collect();
    profiles.extend([rules("over", 11), rules("fits", 10)]);
    let text = format!("\"profiles\": {{\n{}}}", profiles.join(",\n"));
    let parsed = parsed(&text);
    let [problem] = &parsed.problems[..] else {
        panic!("{:?}", parsed.problems);
    };
    let said = problem.to_string();
    assert!(said.contains("more than 10000 rules together"), "{said}");
    assert!(said.contains("line 13, column 9"), "{said}");
    let written = parsed.config.profiles.profiles.unwrap();
    let closed = written.iter().filter(|(_, profile)| profile.is_none());
    let closed: Vec<&str> = closed.map(|(name, _)| name.as_str()).collect();
    assert_eq!(closed, ["over"]);
}
