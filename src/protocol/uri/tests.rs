//! Tests of schemes and qualified URIs.

use proptest::prelude::*;

use super::*;

#[test]
fn schemes_are_what_the_standard_calls_so() {
    for (uri, wanted) in [
        ("file:///a", Some("file")),
        ("HTTP+x-1.0:a:b", Some("HTTP+x-1.0")),
        ("a:", Some("a")),
        (":a", None),
        ("1a:b", None),
        ("a/b:c", None),
        ("{scheme}:x", None),
        ("é:x", None),
        ("path", None),
        ("", None),
    ] {
        assert_eq!(scheme(uri), wanted, "{uri}");
    }
}

#[test]
fn a_qualified_uri_is_one() {
    let ours = qualified("git-1", "file:///a/{path}?x#y");
    assert_eq!(ours, "mcproxy://git-1/file:///a/{path}?x#y");
    assert_eq!(scheme(&ours), Some("mcproxy"));
    for other in ["file:///a", "mcproxy://git", "xmcproxy://git/a", ""] {
        assert_eq!(unqualify(other), None, "{other}");
    }
    assert_eq!(unqualify("McProxy://git/a"), Some(("git", "a")));
    for open in ["mcproxy://{x}/y", "MCPROXY://a{x}", "mcproxy://{+x}"] {
        assert!(has_open_qualifier(open), "{open}");
    }
    for closed in [
        "mcproxy://a/{x}",
        "mcproxy://a",
        "{+x}",
        "file://{x}/",
        "mcprox{y}://",
    ] {
        assert!(!has_open_qualifier(closed), "{closed}");
    }
}

proptest! {
    #[test]
    fn what_was_qualified_comes_back(server in "[A-Za-z0-9_-]{1,64}", uri in any::<String>()) {
        let ours = qualified(&server, &uri);
        prop_assert_eq!(unqualify(&ours), Some((server.as_str(), uri.as_str())));
    }
}
