//! How clients meet a server: `prefix`, `isolation` and `roots`.

use super::{entries, load, problems, spec};
use crate::config::model::Isolation;
use crate::ids::Prefix;

#[test]
fn what_they_are_without_a_word() {
    for fields in ["", r#", "prefix": null, "isolation": null, "roots": null"#] {
        let parsed = load(&format!(r#"[{{"name": "a", "command": "x"{fields}}}]"#));
        assert_eq!(problems(&parsed), [""; 0]);
        let a = spec(&parsed, 0);
        assert_eq!(a.prefix.join("t"), "a__t");
        assert_eq!(a.isolation, Isolation::Shared);
        assert!(a.roots.is_empty());
    }
}

#[test]
fn they_are_read() {
    let parsed = load(
        r#"{"mcpServers": {
            "a": {"command": "x", "prefix": "", "isolation": "session", "roots": []},
            "b": {"command": "x", "prefix": "B-2", "isolation": "shared",
                  "roots": ["file://${HOME}/%C3%BC/a:b", "file://localhost/", "file:///${NOPE:-d}"]}}}"#,
    );
    assert_eq!(problems(&parsed), [""; 0]);
    let (a, b) = (spec(&parsed, 0), spec(&parsed, 1));
    assert_eq!(
        (&a.prefix, a.isolation),
        (&Prefix::bare(), Isolation::Session)
    );
    assert_eq!(b.prefix, Prefix::new("B-2").unwrap());
    assert_eq!(b.isolation, Isolation::Shared);
    assert_eq!(
        b.roots,
        [
            "file:///home/me/%C3%BC/a:b",
            "file://localhost/",
            "file:///d"
        ]
    );
}

#[test]
fn prefixes_and_isolations_that_are_none() {
    let parsed = load(&format!(
        r#"[
{{"name": "a", "command": "x", "prefix": "my tools"}},
{{"name": "b", "command": "x", "prefix": "b__"}},
{{"name": "c", "command": "x", "prefix": "{}"}},
{{"name": "d", "command": "x", "prefix": false}},
{{"name": "e", "command": "x", "prefix": "${{HOME}}"}},
{{"name": "f", "command": "x", "isolation": "Session"}},
{{"name": "g", "command": "x", "isolation": true}},
{{"name": "h", "command": "x", "isolation": "process", "enabled": false}}
]"#,
        "c".repeat(65)
    ));
    insta::assert_snapshot!(problems(&parsed).join("\n"), @r#"
    error at line 2, column 41 (server 'a', [0].prefix): 'prefix' follows the rules of a name: a name has only letters, digits, '_' and '-'; ' ' is none of them; leave it out for the server's name, or write "" for bare names
    error at line 3, column 41 (server 'b', [1].prefix): 'prefix' follows the rules of a name: a name must not contain '__', which separates server from tool; leave it out for the server's name, or write "" for bare names
    error at line 4, column 41 (server 'c', [2].prefix): 'prefix' follows the rules of a name: a name has at most 64 characters; leave it out for the server's name, or write "" for bare names
    error at line 5, column 41 (server 'd', [3].prefix): 'prefix' must be a text, not true or false
    error at line 6, column 41 (server 'e', [4].prefix): 'prefix' follows the rules of a name: a name has only letters, digits, '_' and '-'; '$' is none of them; leave it out for the server's name, or write "" for bare names
    error at line 7, column 44 (server 'f', [5].isolation): 'isolation' is 'Session', which is not known; write "shared" (one process for all) or "session" (one for each client)
    error at line 8, column 44 (server 'g', [6].isolation): 'isolation' must be a text, not true or false
    warning at line 9, column 44 (server 'h', [7].isolation): 'isolation' is 'process', which is not known; write "shared" (one process for all) or "session" (one for each client)
    "#);
    insta::assert_snapshot!(entries(&parsed).join(", "), @r#"a (refused), b (refused), c (refused), d (refused), e (refused), f (refused), g (refused), h (off)"#);
}

#[test]
fn roots_that_are_none() {
    let parsed = load(
        r#"[
{"name": "text", "command": "x", "roots": "file:///srv"},
{"name": "object", "command": "x", "roots": [{"uri": "file:///srv"}]},
{"name": "several", "command": "x", "roots": ["/srv", "https://x/", "FILE:///srv", "file:/srv", "file:///srv"]},
{"name": "path", "command": "x", "roots": ["file://", "file://srv"]},
{"name": "signs", "command": "x", "roots": ["file:///a b", "file:///ü", "file:///a#b", "file:///a?b", "file:///%", "file:///%2", "file:///%ü", "file:///%gg"]},
{"name": "unset", "command": "x", "roots": ["file://${NOPE}/x"]},
{"name": "host", "command": "x", "roots": ["file://home/me"]},
{"name": "off", "command": "x", "roots": ["file://${NOPE}/x", "${NOPE}", "/srv"], "enabled": false},
{"name": "asked", "command": "x", "roots": ["file:///srv"], "isolation": "session"}
]"#,
    );
    insta::assert_snapshot!(problems(&parsed).join("\n"), @r#"
    error at line 2, column 43 (server 'text', [0].roots): 'roots' must be a list of texts, not a text; one text for each: "roots": ["one", "two"]
    error at line 3, column 46 (server 'object', [1].roots[0]): 'roots[0]' must be a text, not an object
    error at line 4, column 47 (server 'several', [2].roots[0]): a root is a file:// URI; write "file://" before the whole path: "file:///srv/data"
    error at line 4, column 55 (server 'several', [2].roots[1]): a root is a file:// URI; write "file://" before the whole path: "file:///srv/data"
    error at line 4, column 69 (server 'several', [2].roots[2]): a root is a file:// URI; write "file://" before the whole path: "file:///srv/data"
    error at line 4, column 84 (server 'several', [2].roots[3]): a root is a file:// URI; write "file://" before the whole path: "file:///srv/data"
    error at line 5, column 44 (server 'path', [3].roots[0]): this root has no path; three slashes are before it: "file:///srv/data"
    error at line 5, column 55 (server 'path', [3].roots[1]): this root has no path; three slashes are before it: "file:///srv/data"
    error at line 6, column 45 (server 'signs', [4].roots[0]): this root has a character that a URI cannot have; write its bytes as %XX, a space as %20
    error at line 6, column 60 (server 'signs', [4].roots[1]): this root has a character that a URI cannot have; write its bytes as %XX, a space as %20
    error at line 6, column 73 (server 'signs', [4].roots[2]): this root has a character that a URI cannot have; write its bytes as %XX, a space as %20
    error at line 6, column 88 (server 'signs', [4].roots[3]): this root has a character that a URI cannot have; write its bytes as %XX, a space as %20
    error at line 6, column 103 (server 'signs', [4].roots[4]): this root has a character that a URI cannot have; write its bytes as %XX, a space as %20
    error at line 6, column 116 (server 'signs', [4].roots[5]): this root has a character that a URI cannot have; write its bytes as %XX, a space as %20
    error at line 6, column 130 (server 'signs', [4].roots[6]): this root has a character that a URI cannot have; write its bytes as %XX, a space as %20
    error at line 6, column 144 (server 'signs', [4].roots[7]): this root has a character that a URI cannot have; write its bytes as %XX, a space as %20
    error at line 7, column 45 (server 'unset', [5].roots[0]): this root has a character that a URI cannot have; write its bytes as %XX, a space as %20
    warning at line 7, column 45 (server 'unset', [5].roots[0]): the environment variable NOPE is not set; the reference stays as written; set it for the gateway, or write ${NOPE:-default}
    warning at line 8, column 44 (server 'host', [6].roots[0]): this root has a host, where mostly none is meant; a path starts at the third slash: "file:///srv/data"
    warning at line 9, column 74 (server 'off', [7].roots[2]): a root is a file:// URI; write "file://" before the whole path: "file:///srv/data"
    warning at line 10, column 44 (server 'asked', [8].roots): 'roots' has no effect with "isolation": "session"; the server is told the roots of its client
    "#);
    insta::assert_snapshot!(entries(&parsed).join(", "), @r#"text (refused), object (refused), several (refused), path (refused), signs (refused), unset (refused), host, off (off), asked"#);
}

#[test]
fn a_root_that_is_a_secret_is_not_shown() {
    let parsed =
        load(r#"[{"name": "a", "command": "x", "roots": ["${TOKEN}", "file://${TOKEN}/"]}]"#);
    assert_eq!(parsed.problems.len(), 2);
    assert!(!problems(&parsed).join(" ").contains("s3cret"));
}

#[test]
fn a_shared_prefix_is_a_warning() {
    let parsed = load(
        r#"[
{"name": "a", "command": "x", "prefix": "b"},
{"name": "b", "command": "x"},
{"name": "c", "command": "x", "prefix": "b"},
{"name": "d", "command": "x", "prefix": "b", "enabled": false},
{"name": "e", "command": "x", "prefix": ""},
{"name": "f", "command": "x", "prefix": ""},
{"name": "g", "command": "x", "prefix": "B"},
{"name": "h", "command": "x", "prefix": "a"},
{"name": "h", "command": "x", "prefix": "a"}
]"#,
    );
    insta::assert_snapshot!(problems(&parsed).join("\n"), @r#"
    warning at line 3, column 10 (server 'b', [1].name): servers 'a' and 'b' share the prefix 'b': on equal names the first keeps its own; give one of them another 'prefix'
    warning at line 4, column 41 (server 'c', [2].prefix): servers 'a' and 'c' share the prefix 'b': on equal names the first keeps its own; give one of them another 'prefix'
    error at line 10, column 10 (server 'h', [8].name): the name 'h' is taken by the entry in line 9; this one is not used; rename or remove one of the two
    "#);
    insta::assert_snapshot!(entries(&parsed).join(", "), @r#"a, b, c, d (off), e, f, g, h"#);
}

#[test]
fn a_reload_names_the_field_that_changed() {
    let parsed = load(
        r#"[{"name": "a", "command": "x"}, {"name": "b", "command": "x", "prefix": "a"},
            {"name": "c", "command": "x", "prefix": "a", "isolation": "session"},
            {"name": "d", "command": "x", "prefix": "a", "roots": ["file:///srv"]}]"#,
    );
    let a = spec(&parsed, 0);
    let differences = |index| a.differences(spec(&parsed, index));
    assert_eq!(differences(1), [""; 0]);
    assert_eq!(differences(2), ["isolation"]);
    assert_eq!(differences(3), ["roots"]);
    assert_eq!(
        spec(&parsed, 1).differences(&crate::config::model::ServerSpec {
            prefix: Prefix::bare(),
            ..a.clone()
        }),
        ["prefix"]
    );
}
