//! Tests of URIs: what a template made it also matches, what it cannot have made it does not, and no
//! template is slow.

use proptest::prelude::*;

use super::*;

fn assert_matches(template: &str, yes: &[&str], no: &[&str]) {
    let read = Template::parse(template);
    for uri in yes {
        assert!(read.matches(uri), "{template} and {uri}");
    }
    for uri in no {
        assert!(!read.matches(uri), "{template} and not {uri}");
    }
}

#[test]
fn an_expression_stands_for_one_segment_or_less() {
    let data = "test://template/{id}/data";
    assert_matches(
        data,
        &["test://template/123/data", "test://template/%2Fé/data"],
        &[
            "test://template//data",
            "test://template/1/2/data",
            "test://template/1/data/",
            "test://template/1/dat",
            "xtest://template/1/data",
            "",
        ],
    );
    assert_matches("{a}{b}.x", &["ab.x", "abc.x.x"], &["a.x", "a/b.x"]);
    assert_matches("{x,y}", &["1,2", "1"], &["", "1/2"]);
    assert_matches("file:///a", &["file:///a"], &["file:///a/", "file:///", ""]);
    assert_matches("", &[""], &["a"]);
}

#[test]
fn operators_begin_with_their_character_or_are_missing() {
    assert_matches(
        "file://{+path}",
        &["file:///a/b", "file://x?y#z"],
        &["file://"],
    );
    assert_matches("x{#part}", &["x", "x#", "x#a/b"], &["xa"]);
    assert_matches("x{.ext}", &["x", "x.tar.gz"], &["xa", "x.a/b"]);
    assert_matches("x{;a,b}", &["x", "x;a=1;b"], &["x;a/", "xa"]);
    assert_matches("x{/one}", &["x", "x/", "x/1"], &["x/1/2", "x1"]);
    assert_matches("x{/more*}/y", &["x/y", "x/1/2/y"], &["x1/y", "x/1"]);
    assert_matches(
        "x{?q,r*}{&s:3}",
        &["x", "x?q=1&s=/", "x&s=2", "x?q"],
        &["xq"],
    );
}

#[test]
fn braces_that_are_no_expression_stand_for_themselves() {
    for odd in ["a{", "a}", "a{}b", "a{{", "a}{", "{a b}", "{=x}", "{é}"] {
        assert_matches(odd, &[odd], &["a", "a1", "a1b", "{1", ""]);
    }
    assert_matches("{{x}}", &["{1}"], &["1", "{}", "{x"]);
    assert_matches("a{b{x}", &["a{b1"], &["a{b", "a{b{x/"]);
}

#[test]
fn nothing_is_too_hostile() {
    let (many, long) = ("{a}a".repeat(500), "a".repeat(LONGEST_URI - 1));
    let template = Template::parse(&many);
    assert!(template.matches(&long));
    assert!(!template.matches(&format!("{long}b")));
    assert!(
        !template.matches(&format!("{long}aa")),
        "too long to look at"
    );
    let huge = "a".repeat(LONGEST_TEMPLATE + 1);
    assert!(!Template::parse(&huge).matches(&huge));
}

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
    let template = Template::parse(&qualified("git", "x{a}"));
    assert!(template.matches("mcproxy://git/x1") && !template.matches("x1"));
}

/// The same as [`Template::matches`], by trying every length: the obvious way, and too slow.
fn tries(parts: &[Part], uri: &str) -> bool {
    let Some((part, rest)) = parts.split_first() else {
        return uri.is_empty();
    };
    match part {
        Part::Literal(text) => uri.strip_prefix(&**text).is_some_and(|u| tries(rest, u)),
        Part::Expression(expression) => (0..=uri.len()).any(|length| {
            let (value, after) = uri.split_at(length);
            is_value(*expression, value) && tries(rest, after)
        }),
    }
}

fn is_value(expression: Expression, value: &str) -> bool {
    let inner = match expression.first {
        None if value.is_empty() => return false,
        Some(_) if value.is_empty() => return true,
        None => value,
        Some(first) => match value.strip_prefix(char::from(first)) {
            Some(inner) => inner,
            None => return false,
        },
    };
    expression.may_hold_slash || !inner.contains('/')
}

proptest! {
    #[test]
    fn agrees_with_trying_everything(
        template in "([ab/]|\\{[ab]\\}|\\{[+#./;?&]a\\*?\\}){0,5}",
        uri in "[ab/#.;?&]{0,8}",
    ) {
        let read = Template::parse(&template);
        prop_assert_eq!(read.matches(&uri), tries(&read.parts, &uri), "{} and {}", template, uri);
    }

    #[test]
    fn any_text_is_a_template_of_any_uri(template in any::<String>(), uri in any::<String>()) {
        let read = Template::parse(&template);
        let has_braces = template.contains('{') && template.contains('}');
        prop_assert!(has_braces || read.matches(&template));
        prop_assert!(has_braces || read.matches(&uri) == (uri == template));
    }

    #[test]
    fn what_was_qualified_comes_back(server in "[A-Za-z0-9_-]{1,64}", uri in any::<String>()) {
        let ours = qualified(&server, &uri);
        prop_assert_eq!(unqualify(&ours), Some((server.as_str(), uri.as_str())));
    }
}
