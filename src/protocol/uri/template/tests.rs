//! Tests of templates: what a template made it also matches, what it cannot have made it does not,
//! and no template is slow.

use proptest::prelude::*;

use super::*;

fn is_match(template: &Template, uri: &str) -> bool {
    template.matches(uri, &mut Steps(usize::MAX))
}

fn assert_matches(template: &str, yes: &[&str], no: &[&str]) {
    let read = Template::parse(template);
    for uri in yes {
        assert!(is_match(&read, uri), "{template} and {uri}");
    }
    for uri in no {
        assert!(!is_match(&read, uri), "{template} and not {uri}");
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
fn expressions_in_a_row_are_one_part() {
    let many = Template::parse(&"{+a}".repeat(400));
    let part = Part::Some {
        least: 400,
        may_hold_slash: true,
    };
    assert_eq!(*many.parts, [part]);
    assert_matches("{a}{b}{+c}{+d}", &["abcd", "ab//"], &["abc", "a/cd"]);
}

/// How many steps it takes.
fn steps(template: &str, uri: &str) -> usize {
    let mut steps = Steps(usize::MAX);
    Template::parse(template).matches(uri, &mut steps);
    usize::MAX - steps.0
}

#[test]
fn nothing_is_too_hostile() {
    let (many, long) = ("{a}a".repeat(500), "a".repeat(LONGEST_URI - 1));
    let template = Template::parse(&many);
    assert!(is_match(&template, &long));
    assert!(!is_match(&template, &format!("{long}b")));
    let longer = format!("{long}aa");
    assert!(!is_match(&template, &longer), "too long to look at");
    let huge = "a".repeat(LONGEST_TEMPLATE + 1);
    assert!(!is_match(&Template::parse(&huge), &huge));

    let mut few = Steps(20_000);
    assert!(!template.matches(&long, &mut few) && !few.are_left());
    assert!(steps(&many, &long) < 3_001 * (LONGEST_URI + 1));
}

#[test]
fn what_is_fixed_at_the_ends_costs_nothing() {
    let long = "z".repeat(8_000);
    for (template, most) in [
        ("{+a}".repeat(400) + "q7", 1),
        ("zz://{+a}{b}{+c}".to_owned(), 1),
        ("{+a}".repeat(400), 9_000),
        ("zz{a}/{b}".to_owned(), 57_000),
    ] {
        assert!(steps(&template, &long) <= most, "{template}");
    }
}

/// The same as [`Template::matches`], by trying every length: the obvious way, and too slow.
fn tries(parts: &[Part], uri: &str) -> bool {
    let Some((part, rest)) = parts.split_first() else {
        return uri.is_empty();
    };
    match part {
        Part::Literal(text) => uri.strip_prefix(&**text).is_some_and(|u| tries(rest, u)),
        Part::Some { .. } | Part::Maybe { .. } => (0..=uri.len()).any(|length| {
            let (value, after) = uri.split_at(length);
            is_value(part, value) && tries(rest, after)
        }),
    }
}

fn is_value(part: &Part, value: &str) -> bool {
    let (inner, may_hold_slash) = match part {
        Part::Some {
            least,
            may_hold_slash,
        } if value.len() >= *least => (value, may_hold_slash),
        Part::Literal(_) | Part::Some { .. } => return false,
        Part::Maybe { .. } if value.is_empty() => return true,
        Part::Maybe {
            first,
            may_hold_slash,
        } => match value.strip_prefix(char::from(*first)) {
            Some(inner) => (inner, may_hold_slash),
            None => return false,
        },
    };
    *may_hold_slash || !inner.contains('/')
}

/// The parts before those of a kind are joined.
fn apart(parts: &[Part]) -> Vec<Part> {
    let apart = |part: &Part| match part {
        Part::Some {
            least,
            may_hold_slash,
        } => vec![
            Part::Some {
                least: 1,
                may_hold_slash: *may_hold_slash
            };
            *least
        ],
        Part::Literal(_) | Part::Maybe { .. } => vec![part.clone()],
    };
    parts.iter().flat_map(apart).collect()
}

proptest! {
    #[test]
    fn agrees_with_trying_everything(
        template in "([ab/]|\\{[ab]\\}|\\{[+#./;?&]a\\*?\\}){0,5}",
        uri in "[ab/#.;?&]{0,8}",
    ) {
        let read = Template::parse(&template);
        prop_assert_eq!(is_match(&read, &uri), tries(&apart(&read.parts), &uri), "{} and {}", template, uri);
    }

    #[test]
    fn any_text_is_a_template_of_any_uri(template in any::<String>(), uri in any::<String>()) {
        let read = Template::parse(&template);
        let has_braces = template.contains('{') && template.contains('}');
        prop_assert!(has_braces || is_match(&read, &template));
        prop_assert!(has_braces || is_match(&read, &uri) == (uri == template));
    }
}
