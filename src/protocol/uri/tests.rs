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

#[test]
fn a_page_of_an_app_stays_one() {
    let ours = qualified("git-1", "ui://x/{path}?y#z");
    assert_eq!(ours, "ui://git-1/ui://x/{path}?y#z");
    assert_eq!(unqualify(&ours), Some(("git-1", "ui://x/{path}?y#z")));
    assert_eq!(qualified("a", &ours), format!("ui://a/{ours}"));
    assert_eq!(unqualify("UI://a/Ui://x"), Some(("a", "Ui://x")));
    assert_eq!(unqualify("mcproxy://a/ui://x"), Some(("a", "ui://x")));
    for own in [
        "ui://git/app.html",
        "ui://git",
        "ui://",
        "ui://a/file:///x",
        "ui:a/ui://b",
    ] {
        assert_eq!(unqualify(own), None, "{own}");
    }
    let link = linked("a", "SEAL", "ui://x/y");
    assert_eq!(link, "ui://a/link.SEAL/ui://x/y");
    assert_eq!(unlink(&link), Some(("a", "SEAL", "ui://x/y")));
    assert_eq!(unqualify(&link), Some(("a", "link.SEAL/ui://x/y")));
    assert_eq!(unqualify("ui://a/link.html/x"), None);
    let hosts = [
        "ui://a/b",
        "UI://a",
        "ui://a?b",
        "ui://a#b",
        "ui:a",
        "file://a/",
    ]
    .map(page_host);
    assert_eq!(
        hosts,
        [Some("a"), Some("a"), Some("a"), Some("a"), None, None]
    );
    assert!(has_open_qualifier("ui://{x}/y") && !has_open_qualifier("ui://x/{y}"));
}

proptest! {
    #[test]
    fn what_was_qualified_comes_back(server in "[A-Za-z0-9_-]{1,64}", uri in any::<String>()) {
        let ours = qualified(&server, &uri);
        prop_assert_eq!(unqualify(&ours), Some((server.as_str(), uri.as_str())));
        let page = format!("ui://{uri}");
        let ours = qualified(&server, &page);
        prop_assert_eq!(unqualify(&ours), Some((server.as_str(), page.as_str())));
    }
}
