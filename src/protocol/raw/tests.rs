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
fn numbers_are_ours_only_in_the_spelling_we_sent() {
    for (raw, wanted) in [
        ("17", Some(17)),
        ("\"17\"", Some(17)),
        ("0", Some(0)),
        ("18446744073709551615", Some(u64::MAX)),
        ("18446744073709551616", None),
        ("017", None),
        ("\"+17\"", None),
        ("-1", None),
        ("1.0", None),
        ("1e3", None),
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

proptest! {
    #[test]
    fn any_text_survives_quoting(text in any::<String>()) {
        let raw = String::from_utf8(quoted(&text)).unwrap();
        prop_assert_eq!(serde_json::from_str::<String>(&raw).unwrap(), text.clone());
        prop_assert!(is_text(&raw, &text));
        prop_assert!(!raw.contains(['\n', '\r']));
    }
}
