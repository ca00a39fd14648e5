//! The two words `protocol`: of an entry, and of the `gateway` object.

use super::{entries, load, problems, spec};
use crate::config::model::{Offer, Protocol, Serving};
use crate::ids::ServerName;

#[test]
fn an_entry_says_in_which_era_its_server_is_spoken_to() {
    let parsed = load(
        r#"{"mcpServers": {
            "a": {"command": "x"},
            "b": {"command": "x", "protocol": null},
            "c": {"command": "x", "protocol": "auto"},
            "d": {"command": "x", "protocol": "legacy"},
            "e": {"command": "x", "protocol": "modern"}}}"#,
    );
    assert_eq!(problems(&parsed), [""; 0]);
    let said: Vec<_> = (0..5).map(|index| spec(&parsed, index).protocol).collect();
    let auto = Protocol::Auto;
    assert_eq!(said, [auto, auto, auto, Protocol::Legacy, Protocol::Modern]);
    let [a, d, e] = [0, 3, 4].map(|index| spec(&parsed, index));
    assert_eq!(a.differences(d), ["prefix", "protocol"]);
    assert_eq!(d.differences(e), ["prefix", "protocol"]);
}

#[test]
fn words_that_are_none() {
    let parsed = load(
        r#"[
{"name": "a", "command": "x", "protocol": "Modern"},
{"name": "b", "command": "x", "protocol": "both"},
{"name": "c", "command": "x", "protocol": "2026-07-28"},
{"name": "d", "command": "x", "protocol": true},
{"name": "e", "command": "x", "protocol": "modern\u0000"},
{"name": "f", "command": "x", "protocol": "new", "enabled": false},
{"name": "g", "command": "x", "protocl": "modern"}
]"#,
    );
    insta::assert_snapshot!(problems(&parsed).join("\n"), @r#"
    error at line 2, column 43 (server 'a', [0].protocol): 'protocol' is 'Modern', which is not known; did you mean "modern"?
    error at line 3, column 43 (server 'b', [1].protocol): 'protocol' is 'both', which is not known; write "auto" (it is found out), "legacy" (with initialize, as all older servers) or "modern" (by 2026-07-28, without it)
    error at line 4, column 43 (server 'c', [2].protocol): 'protocol' is '2026-07-28', which is not known; write "auto" (it is found out), "legacy" (with initialize, as all older servers) or "modern" (by 2026-07-28, without it)
    error at line 5, column 43 (server 'd', [3].protocol): 'protocol' must be a text, not true or false
    error at line 6, column 43 (server 'e', [4].protocol): 'protocol' holds the character NUL, which no process can be given
    warning at line 7, column 43 (server 'f', [5].protocol): 'protocol' is 'new', which is not known; write "auto" (it is found out), "legacy" (with initialize, as all older servers) or "modern" (by 2026-07-28, without it)
    warning at line 8, column 31 (server 'g', [6].protocl): unknown field 'protocl', ignored; did you mean 'protocol'?
    "#);
    insta::assert_snapshot!(entries(&parsed).join(", "), @"a (refused), b (refused), c (refused), d (refused), e (refused), f (off), g");
}

/// Files of other programs are read as they were before the word was ours.
#[test]
fn another_programs_word_for_a_transport_is_not_ours() {
    for other in ["stdio", "STDIO", "http", "streamable-http", "sse", "mcp"] {
        let text =
            format!(r#"{{"mcpServers": {{"a": {{"command": "x", "protocol": "{other}"}}}}}}"#);
        let parsed = load(&text);
        assert_eq!(entries(&parsed), ["a"]);
        assert_eq!(spec(&parsed, 0).protocol, Protocol::Auto);
        let said = problems(&parsed).join("\n");
        assert!(said.starts_with("warning at line 1, column 51"), "{said}");
    }
}

#[test]
fn the_gateway_says_what_clients_are_offered() {
    for (gateway, offer) in [
        ("{}", Offer::Auto),
        (r#"{"protocol": null}"#, Offer::Auto),
        (r#"{"protocol": "auto"}"#, Offer::Auto),
        (r#"{"protocol": "both"}"#, Offer::Both),
        (
            r#"{"max_sessions": 7, "protocol": "legacy"}"#,
            Offer::Legacy,
        ),
        ("null", Offer::Auto),
    ] {
        let parsed = load(&format!(r#"{{"gateway": {gateway}, "servers": {{}}}}"#));
        assert_eq!(problems(&parsed), [""; 0]);
        assert_eq!(parsed.config.offer, Some(offer), "{gateway}");
    }
    assert_eq!(load("[]").config.offer, Some(Offer::Auto));
}

#[test]
fn what_is_wrong_there_changes_nothing() {
    let said = |gateway: &str| {
        let parsed = load(&format!(r#"{{"gateway": {gateway}, "servers": []}}"#));
        assert_eq!(parsed.config.offer, None);
        problems(&parsed).join("\n")
    };
    let wrong = [
        r#"{"protocol": "moth"}"#,
        r#"{"protocol": "modern"}"#,
        r#"{"protocol": ["both"]}"#,
        "[]",
    ];
    insta::assert_snapshot!(wrong.map(said).join("\n"), @r#"
    error at line 1, column 26 (gateway.protocol): 'protocol' is 'moth', which is not known; until it is mended it stays what it is; did you mean "both"?
    error at line 1, column 26 (gateway.protocol): 'protocol' is 'modern', which is not known; until it is mended it stays what it is; write "auto" (2026-07-28 is offered where nobody's session is lost by it), "both" (it is always offered) or "legacy" (it is not served)
    error at line 1, column 26 (gateway.protocol): 'protocol' must be a text, not a list
    error at line 1, column 13 (gateway): 'gateway' is an object, not a list; write "gateway": {"max_sessions": 500}
    "#);
    let parsed = load(r#"{"gateway": {"protcol": "both"}, "servers": []}"#);
    assert_eq!(parsed.config.offer, Some(Offer::Auto));
    assert!(
        problems(&parsed)
            .join("")
            .ends_with("did you mean 'protocol'?")
    );
}

#[test]
fn what_is_served() {
    let browser = ServerName::new("browser").unwrap();
    let mut table = Vec::new();
    for offer in [Offer::Auto, Offer::Both, Offer::Legacy] {
        for isolated in [None, Some(&browser)] {
            let serving = offer.serving(isolated);
            let Serving { modern, discover } = serving;
            let (offer, said) = (offer.as_str(), serving.said(isolated));
            table.push(format!(
                "{offer}, {isolated:?}: {modern} {discover}: {said}"
            ));
        }
    }
    insta::assert_snapshot!(table.join("\n"), @r#"
    auto, None: true true: clients are offered 2026-07-28
    auto, Some('browser'): true false: clients are served in 2026-07-28, but not told of it, so that each keeps its session's own 'browser'
    both, None: true true: clients are offered 2026-07-28
    both, Some('browser'): true true: clients are offered 2026-07-28
    legacy, None: false false: clients are not served in 2026-07-28
    legacy, Some('browser'): false false: clients are not served in 2026-07-28
    "#);
}
