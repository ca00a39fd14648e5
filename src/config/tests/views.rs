//! What of a server clients see, as the file says it.

use super::{entries, load, problems, view};
use crate::config::model::{Instructions, Naming, OnChangedTools, Patterns, View};

#[test]
fn an_entry_says_what_clients_see() {
    let parsed = load(
        r#"{"servers": [{"name": "a", "command": "x",
            "tools": {"allow": ["issue_*"], "deny": ["*_delete"], "rename": {"issue_get": "get"}, "//": "mine",
                      "override": {"issue_get": {"title": "T", "description": "D \"q\"",
                                                 "annotations": {"readOnlyHint": true, "title": "A"}}}},
            "prompts": {"allow": []}, "resources": {"deny": ["file:///secret/*"]},
            "names": "safe", "instructions": "Use it well.", "on_changed_tools": "hold"},
           {"name": "b", "command": "x", "instructions": false, "tools": {"//": ["a", {}], "_comment": null, "comment": 1}},
           {"name": "c", "command": "x", "instructions": true, "tools": {},
            "on_changed_tools": "offer"}]}"#,
    );
    assert_eq!(problems(&parsed), [""; 0]);
    let a = view(&parsed, 0);
    assert!(a.tools.shows("issue_get") && !a.tools.shows("issue_delete") && !a.tools.shows("x"));
    assert!(!a.prompts.shows("x") && a.resources.shows("file:///x"));
    assert!(!a.resources.shows("file:///secret/x"));
    assert_eq!(a.rename["issue_get"].as_ref(), "get");
    let set = &a.overrides["issue_get"];
    assert_eq!(
        set.members,
        [
            ("title", "\"T\"".to_owned()),
            ("description", r#""D \"q\"""#.to_owned())
        ]
    );
    assert_eq!(
        set.annotations,
        [
            ("title", "\"A\"".to_owned()),
            ("readOnlyHint", "true".to_owned())
        ]
    );
    assert_eq!(a.names, Some(Naming::Safe));
    assert_eq!(a.instructions, Instructions::Text("Use it well.".into()));
    assert_eq!(a.on_changed_tools, OnChangedTools::Hold);
    let b = View {
        instructions: Instructions::None,
        ..View::default()
    };
    assert_eq!((view(&parsed, 1), view(&parsed, 2)), (&b, &View::default()));
    assert_eq!(
        a.differences(&b),
        [
            "tools",
            "prompts",
            "resources",
            "names",
            "instructions",
            "on_changed_tools"
        ]
    );
    let other = Patterns::new(None, vec!["x".to_owned()]);
    assert_eq!(
        b.differences(&View {
            prompts: other,
            ..b.clone()
        }),
        ["prompts"]
    );
}

#[test]
fn a_wrong_filter_refuses_its_entry_and_opens_nothing() {
    let long = "x".repeat(1025);
    let parsed = load(&format!(
        r#"[
{{"name": "a", "command": "x", "tools": {{"alow": ["x"]}}}},
{{"name": "b", "command": "x", "tools": {{"allow": "x", "deny": [""]}}}},
{{"name": "c", "command": "x", "tools": "x", "prompts": ["x"]}},
{{"name": "d", "command": "x", "resources": {{"deny": ["{long}"], "rename": {{}}}}}},
{{"name": "e", "command": "x", "tools": {{"rename": {{"a": "b c", "b": 1}}, "override": []}}}},
{{"name": "f", "command": "x", "tools": {{"override": {{"a": {{"titel": "x", "annotations": {{"readonly": true, "openWorldHint": "no"}}}}}}}}}},
{{"name": "g", "command": "x", "names": "short", "instructions": 7}},
{{"name": "h", "command": "x", "tools": {{"deny": ["a"], "deny": ["b"]}}}},
{{"name": "i", "command": "x", "tolos": {{"deny": ["a"]}}}},
{{"name": "good", "command": "x"}}
]"#
    ));
    assert_eq!(
        entries(&parsed).join(", "),
        "a (refused), b (refused), c (refused), d (refused), e (refused), f (refused), g (refused), \
         h (refused), i (refused), good"
    );
    insta::assert_snapshot!(problems(&parsed).join("\n"), @r#"
    error at line 2, column 41 (server 'a', [0].tools.alow): 'alow' is not known here; did you mean 'allow'?
    error at line 3, column 50 (server 'b', [1].tools.allow): 'allow' must be a list of texts, not a text; one text for each: "allow": ["one", "two"]
    error at line 3, column 64 (server 'b', [1].tools.deny[0]): a pattern in 'deny' is empty; remove it; '*' stands for everything
    error at line 4, column 40 (server 'c', [2].tools): this must be an object, not a text; its members are "allow", "deny", "rename", "override"
    error at line 4, column 56 (server 'c', [2].prompts): this must be an object, not a list; its members are "allow", "deny"
    error at line 5, column 54 (server 'd', [3].resources.deny[0]): a pattern has at most 1024 bytes; shorten it with '*'
    error at line 5, column 1084 (server 'd', [3].resources.rename): 'rename' is not known here; what is known is "allow", "deny"
    error at line 6, column 57 (server 'e', [4].tools.rename.a): 'b c' is no name for a tool; write one of letters, digits, '_' and '-', at most 64 of them
    error at line 6, column 69 (server 'e', [4].tools.rename.b): 'rename' must be a text, not a number
    error at line 6, column 85 (server 'e', [4].tools.override): 'override' must be an object, not a list; its members have the names that the server has for its tools
    error at line 7, column 60 (server 'f', [5].tools.override.a.titel): 'titel' is not known here; did you mean 'title'?
    error at line 7, column 90 (server 'f', [5].tools.override.a.annotations.readonly): 'readonly' is not known here; what is known is "title", "readOnlyHint", "destructiveHint", "idempotentHint", "openWorldHint"
    error at line 7, column 125 (server 'f', [5].tools.override.a.annotations.openWorldHint): 'openWorldHint' must be true or false, not a text; write it without quotes
    error at line 8, column 40 (server 'g', [6].names): 'names' is 'short', which is not known; write "own" (as the server has them) or "safe" (so that no client breaks on them)
    error at line 8, column 65 (server 'g', [6].instructions): 'instructions' must be true, false or a text, not a number; a text stands for what servers say of themselves, false for nothing
    error at line 9, column 56 (server 'h', [7].tools.deny): 'deny' is here twice; keep one of them
    error at line 10, column 31 (server 'i', [8].tolos): 'tolos' limits what the server offers, in a way that mcproxy does not know; the server is not run with everything; write "tools": {"allow": […]} or {"deny": […]}, or remove the field if all of it may be offered
    "#);
}

#[test]
fn a_filter_in_another_spelling_refuses_its_entry() {
    for ours in ["tools", "prompts", "resources"] {
        let capital = format!("{}{}", ours[..1].to_uppercase(), &ours[1..]);
        let spellings = [
            capital,
            ours.to_uppercase(),
            format!("{ours}_"),
            ours.replacen('o', "o-", 1),
        ];
        for name in spellings {
            for value in [
                r#"{"deny": ["a"]}"#,
                r#"{"Deny": ["a"]}"#,
                "{}",
                "null",
                r#""a""#,
            ] {
                let parsed = load(&format!(
                    r#"[{{"name": "a", "command": "x", "{name}": {value}}}]"#
                ));
                assert_eq!(entries(&parsed), ["a (refused)"], "{name} {value}");
                let said = problems(&parsed).join("\n");
                assert!(said.contains(&format!("did you mean '{ours}'?")), "{said}");
            }
        }
    }
    let parsed = load(r#"[{"name": "a", "command": "x", "tolos": {"Deny": ["a"]}}]"#);
    assert_eq!(entries(&parsed), ["a (refused)"]);
}

#[test]
fn null_opens_nothing() {
    for fields in [
        r#""tools": null"#,
        r#""prompts": null"#,
        r#""resources": null"#,
        r#""tools": {"deny": null}"#,
        r#""resources": {"allow": null}"#,
        r#""includeTools": null"#,
        r#""disabled_tools": null"#,
    ] {
        let parsed = load(&format!(r#"[{{"name": "a", "command": "x", {fields}}}]"#));
        assert_eq!(entries(&parsed), ["a (refused)"], "{fields}");
        let said = problems(&parsed);
        assert!(
            said.len() == 1 && said[0].contains("is null; remove the field"),
            "{said:?}"
        );
    }
    for tools in ["[]", r#"{"allow": []}"#] {
        let parsed = load(&format!(
            r#"[{{"name": "a", "command": "x", "tools": {tools}}}]"#
        ));
        assert!(!view(&parsed, 0).tools.shows("a"), "{tools}");
    }
}

#[test]
fn names_are_written_as_the_gateway_says_where_the_entry_does_not() {
    let names = |gateway: &str| {
        let parsed = load(&format!(r#"{{"servers": [], "gateway": {{{gateway}}}}}"#));
        (parsed.config.names, problems(&parsed).join("\n"))
    };
    assert_eq!(
        names(r#""names": "safe""#),
        (Some(Naming::Safe), String::new())
    );
    assert_eq!(names(""), (Some(Naming::Own), String::new()));
    let (kept, said) = names(r#""names": "save""#);
    assert_eq!(kept, None, "it stays as it was");
    insta::assert_snapshot!(said, @r#"error at line 1, column 38 (gateway.names): 'names' is 'save', which is not known; write "own" (as the server has them) or "safe" (so that no client breaks on them)"#);
}
