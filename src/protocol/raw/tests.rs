//! Tests of the raw JSON tools: members are found whatever their spelling, splices touch nothing else.

use proptest::prelude::*;

use super::*;

#[test]
fn members_are_found_by_what_their_name_says() {
    let text = " { \"a\\u0062\" : [1, {\"x\":2}] , \"\\ud800\":0, \"c\":null,\"x\" : 1.10 }\n";
    let [ab, c, missing, x] = pick(text, ["ab", "c", "missing", "x"]).unwrap();
    assert_eq!(ab, Member::Once("[1, {\"x\":2}]"));
    assert_eq!(c, Member::Once("null"));
    assert_eq!(c.value("c"), Ok(None));
    assert_eq!(missing, Member::Absent);
    assert_eq!(x, Member::Once("1.10"));
}

#[test]
fn a_repetition_cannot_hide_behind_an_escape() {
    let [name] = pick(r#"{"name":1,"n\u0061me":2}"#, ["name"]).unwrap();
    assert_eq!(name, Member::Repeated);
    assert!(name.once("name").unwrap_err().contains("'name'"));
}

#[test]
fn what_is_no_object_is_refused() {
    for text in [
        "[]",
        "1",
        "\"x\"",
        "",
        "{",
        "{\"a\"}",
        "{\"a\":1,}",
        "{} {}",
        "{\"a\":01}",
    ] {
        assert!(pick(text, ["a"]).is_err(), "{text}");
    }
}

#[test]
fn a_removed_member_takes_its_comma_along() {
    for (text, wanted) in [
        (r#"{"x":1}"#, "{}"),
        (r#" {"x":{"x":1}, "a":[ 1 ]} "#, r#" { "a":[ 1 ]} "#),
        ("{\"a\":1.10,\n\"x\":2 }", "{\"a\":1.10 }"),
        (
            r#"{"a":{"x":1},"\u0078" : "x" ,"b":","}"#,
            r#"{"a":{"x":1} ,"b":","}"#,
        ),
        (r#"{"\ud800":"x","x":null}"#, r#"{"\ud800":"x"}"#),
    ] {
        let [found] = pick(text, ["x"]).unwrap();
        let span = member_span(text, found.once("x").unwrap().unwrap());
        let out = splice(text.as_bytes(), vec![(span, b"")]);
        assert_eq!(String::from_utf8(out).unwrap(), wanted, "{text}");
    }
}

#[test]
fn forgiving_readers_see_only_what_is_certain() {
    let text = Some(r#"{"a":1,"b":null,"c":2,"c":3}"#);
    assert_eq!(members(text, ["a", "b", "c"]), [Some("1"), None, None]);
    assert_eq!(members(Some("[1]"), ["a"]), [None]);
    assert_eq!(members(None, ["a"]), [None]);
    assert_eq!(
        entries(r#" [ {"a":1} , [2,3],4]"#),
        [r#"{"a":1}"#, "[2,3]", "4"]
    );
    assert!(entries("{}").is_empty() && entries("[1,").is_empty());
}

#[test]
fn numbers_are_ours_in_every_spelling() {
    for (raw, wanted) in [
        ("17", Some(17)),
        ("\"17\"", Some(17)),
        ("0", Some(0)),
        ("18446744073709551615", Some(u64::MAX)),
        ("18446744073709551616", None),
        ("017", None),
        ("\"+17\"", None),
        ("-1", None),
        ("1.0", Some(1)),
        ("\"1.0\"", Some(1)),
        ("1e3", Some(1000)),
        ("0.017E3", Some(17)),
        ("1700e-2", Some(17)),
        ("0.0", Some(0)),
        ("1.5", None),
        ("1e-1", None),
        ("1e99", None),
        ("1e99999999999999999999", None),
        ("1.", None),
        ("1e", None),
        ("01.0", None),
        ("\"\"", None),
        ("\"", None),
        ("", None),
        ("null", None),
    ] {
        assert_eq!(number(raw.as_bytes()), wanted, "{raw}");
    }
}

#[test]
fn splices_come_in_any_order_and_drop_line_breaks() {
    let source = "{\n \"a\": 1,\r\n \"b\": 2\n}";
    let (one, two) = (source.find('1').unwrap(), source.find('2').unwrap());
    let out = splice(
        source.as_bytes(),
        vec![(two..two + 1, b"\"x\""), (one..one + 1, b"")],
    );
    assert_eq!(out, b"{ \"a\": , \"b\": \"x\"}");
}

#[test]
fn members_of_what_was_read_are_found_where_they_are() {
    let found = |text: &'static str| {
        let mut found = Vec::new();
        each_read(text, |key, value| found.push((key, value))).map(|()| found)
    };
    let text =
        " { \"a\\\"}\" : [1, {\"x\":\"]\\\\\"}] , \"b\":-1.10e5,\"c\"\n:\"}\", \"d\": null }";
    let wanted = vec![
        (r#""a\"}""#, r#"[1, {"x":"]\\"}]"#),
        ("\"b\"", "-1.10e5"),
        ("\"c\"", "\"}\""),
        ("\"d\"", "null"),
    ];
    assert_eq!(found(text), Some(wanted));
    assert_eq!(found(" { } "), Some(Vec::new()));
    for text in [
        "",
        "[]",
        "1",
        "{",
        "{\"a",
        "{\"a\"",
        "{\"a\":1",
        "{1:1}",
        "{\"a\" 1}",
    ] {
        assert_eq!(found(text), None, "{text}");
    }
}

proptest! {
    #[test]
    fn any_text_survives_quoting(text in any::<String>()) {
        let raw = String::from_utf8(quoted(&text)).unwrap();
        prop_assert_eq!(serde_json::from_str::<String>(&raw).unwrap(), text.clone());
        prop_assert!(is_text(&raw, &text));
        prop_assert!(!raw.contains(['\n', '\r']));
    }
}
