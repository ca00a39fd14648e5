//! Annotations and calls as they come.

use super::*;

fn tool(schema: &str) -> Option<Arc<ParamHeaders>> {
    ParamHeaders::parse(&format!(r#"{{"name":"x","inputSchema":{schema}}}"#))
}

const SCHEMA: &str = r#"{"type":"object","properties":{
    "region":{"type":"string","x-mcp-header":"Region"},
    "count":{"type":"integer","x-mcp-header":"Count"},
    "dry":{"x-mcp-header":"Dry","type":"boolean"},
    "plain":{"type":"string"},
    "options":{"type":"object","properties":{"tenant":{"type":"string","x-mcp-header":"X-Tenant"}}}}}"#;

fn check(headers: &[(&str, &str)], arguments: &str) -> Result<(), String> {
    let headers = headers
        .iter()
        .map(|(name, value)| ((*name).into(), (*value).into()));
    let headers: Vec<(Box<str>, Box<str>)> = headers.collect();
    tool(SCHEMA).unwrap().check(&headers, Some(arguments))
}

#[test]
fn a_call_says_the_same_in_both_places_or_in_neither() {
    for (headers, arguments) in [
        (&[][..], "{}"),
        (
            &[],
            r#"{"plain":"x","region":null,"options":{"tenant":null}}"#,
        ),
        (&[("other", "=?base64?!?=")], "{}"),
        (&[("region", "us"), ("region-2", "x")], r#"{"region":"us"}"#),
        (&[("region", "")], r#"{"region":""}"#),
        (&[("region", "us")], r#"{"r\u0065gion":"\u0075s"}"#),
        (
            &[("region", "=?base64?SGVsbG8=?=")],
            r#"{"region":"Hello"}"#,
        ),
        (
            &[("region", "=?base64?SGVsbG8=")],
            r#"{"region":"=?base64?SGVsbG8="}"#,
        ),
        (&[("count", "42")], r#"{"count":42}"#),
        (&[("count", "42.0")], r#"{"count":42}"#),
        (&[("count", "-7")], r#"{"count":-7.0}"#),
        (&[("count", "1000")], r#"{"count":1e3}"#),
        (&[("dry", "false")], r#"{"dry":false}"#),
        (&[("x-tenant", "acme")], r#"{"options":{"tenant":"acme"}}"#),
        // What no header can say.
        (&[], r#"{"region":["us"],"count":1.5,"options":7}"#),
    ] {
        assert_eq!(check(headers, arguments), Ok(()), "{headers:?} {arguments}");
    }
}

#[test]
fn what_does_not_fit_is_named() {
    for (headers, arguments, why) in [
        (&[][..], r#"{"region":"us"}"#, "mcp-param-region is missing"),
        (&[], r#"{"region":""}"#, "mcp-param-region is missing"),
        (&[], r#"{"dry":true}"#, "mcp-param-dry is missing"),
        (&[("region", "us")], "{}", "mcp-param-region is there"),
        (&[("region", "null")], r#"{"region":null}"#, "is there"),
        (&[("region", "us")], r#"{"region":["us"]}"#, "is there"),
        (&[("region", "US")], r#"{"region":"us"}"#, "something else"),
        (
            &[("region", "us"), ("region", "us")],
            r#"{"region":"us"}"#,
            "more than once",
        ),
        (
            &[("region", "us")],
            r#"{"region":"us","region":"eu"}"#,
            "more than once",
        ),
        (
            &[("region", "=?base64?SGVsbG8?=")],
            r#"{"region":"Hello"}"#,
            "coded",
        ),
        (&[("region", "\u{fffd}")], r#"{"region":"\ufffd"}"#, "coded"),
        (&[("count", "43")], r#"{"count":42}"#, "something else"),
        (&[("count", "+42")], r#"{"count":42}"#, "something else"),
        (&[("count", "1.5")], r#"{"count":1.5}"#, "is there"),
        (&[("dry", "False")], r#"{"dry":false}"#, "something else"),
        (
            &[],
            r#"{"options":{"tenant":"acme"}}"#,
            "mcp-param-x-tenant is missing",
        ),
        (&[("x-tenant", "acme")], r#"{"tenant":"acme"}"#, "is there"),
        (&[("x-tenant", "acme")], "[]", "is there"),
    ] {
        let said = check(headers, arguments).unwrap_err().to_lowercase();
        assert!(said.contains(why), "{headers:?} {arguments}: {said}");
    }
    let headers = [("region".into(), "us".into())];
    assert!(tool(SCHEMA).unwrap().check(&headers, None).is_err());
    assert_eq!(tool(SCHEMA).unwrap().fault(), None);
}

#[test]
fn an_annotation_that_is_wrong_checks_nothing_and_others_do() {
    let right = r#""ok":{"type":"string","x-mcp-header":"Ok"}"#;
    for (wrong, why) in [
        (r#""a":{"type":"number","x-mcp-header":"A"}"#, "type"),
        (r#""a":{"x-mcp-header":"A"}"#, "type"),
        (
            r#""a":{"type":["string","null"],"x-mcp-header":"A"}"#,
            "type",
        ),
        (r#""a":{"type":"object","x-mcp-header":"A"}"#, "type"),
        (r#""a":{"type":"string","x-mcp-header":""}"#, "no name"),
        (r#""a":{"type":"string","x-mcp-header":"A B"}"#, "no name"),
        (
            r#""a":{"type":"string","x-mcp-header":"A\r\nB"}"#,
            "no name",
        ),
        (r#""a":{"type":"string","x-mcp-header":"Ä"}"#, "no name"),
        (r#""a":{"type":"string","x-mcp-header":7}"#, "not a string"),
        (
            r#""a":{"type":"string","x-mcp-header":"A"},"b":{"type":"string","x-mcp-header":"a"}"#,
            "more than once",
        ),
        (
            r#""a":{"type":"array","items":{"type":"string","x-mcp-header":"A"}}"#,
            "properties alone",
        ),
        (
            r#""a":{"anyOf":[{"type":"string","x-mcp-header":"A"},{"type":"null"}]}"#,
            "properties alone",
        ),
        (
            r#""a":{"items":{"properties":{"b":{"type":"string","x-mcp-header":"A"}}}}"#,
            "properties alone",
        ),
    ] {
        let read = tool(&format!(r#"{{"properties":{{{wrong},{right}}}}}"#)).unwrap();
        let fault = read.fault().unwrap();
        assert!(fault.contains(why), "{wrong}: {fault}");
        let arguments = r#"{"a":"x","b":"y"}"#;
        assert_eq!(read.check(&[], Some(arguments)), Ok(()), "{wrong}");
        assert!(read.check(&[], Some(r#"{"ok":"x"}"#)).is_err(), "{wrong}");
    }
    let root = r#"{"type":"string","x-mcp-header":"A"}"#;
    assert!(tool(root).unwrap().fault().is_some());
}

#[test]
fn what_only_looks_like_an_annotation_is_none() {
    for schema in [
        r#"{"properties":{"x-mcp-header":{"type":"string"}}}"#,
        r#"{"properties":{"a":{"description":"x-mcp-header"}}}"#,
        r#"{"properties":{"a":{"default":{"x-mcp-header":"A"},"enum":[{"x-mcp-header":"A"}]}}}"#,
        r#"{"properties":{"a":{"type":"string"}}}"#,
        r#""x-mcp-header""#,
        "7",
    ] {
        assert_eq!(tool(schema), None, "{schema}");
    }
    assert_eq!(ParamHeaders::parse(r#"{"x-mcp-header":"A"}"#), None);
}

#[test]
fn annotations_are_bounded() {
    let property = |at: usize| format!(r#""a{at}":{{"type":"string","x-mcp-header":"A{at}"}}"#);
    let many: Vec<String> = (0..100).map(property).collect();
    let read = tool(&format!(r#"{{"properties":{{{}}}}}"#, many.join(","))).unwrap();
    assert_eq!(read.root.inside.len(), 64);
    assert!(read.fault().unwrap().contains("too many"));
    let deep = (0..40).fold(property(0), |inner, at| {
        format!(r#""b{at}":{{"properties":{{{inner}}}}}"#)
    });
    let read = tool(&format!(r#"{{"properties":{{{deep}}}}}"#)).unwrap();
    assert!(read.fault().unwrap().contains("too deep"));
}

#[test]
fn what_a_call_says_in_headers_fits_what_it_says() {
    let list = format!(
        r#"{{"id":1,"result":{{"tools":[{{"name":"x","inputSchema":{SCHEMA}}},{{"name":"y"}}]}}}}"#
    );
    let listed = listed(list.as_bytes());
    let [(name, tool)] = &listed[..] else {
        panic!("{listed:?}")
    };
    assert_eq!(name, "x");
    let arguments =
        r#"{"region":"é","count":42.0,"dry":true,"plain":"p","options":{"tenant":"a"}}"#;
    let params = format!(r#"{{"name":"x","arguments":{arguments}}}"#);
    let headers = tool.of_call(params.as_bytes());
    let wanted = [
        ("mcp-param-count", "42"),
        ("mcp-param-dry", "true"),
        ("mcp-param-region", "=?base64?w6k=?="),
        ("mcp-param-x-tenant", "a"),
    ];
    let wanted = wanted.map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(headers, wanted);
    let rest = headers.iter().map(|(name, value)| {
        let name = name.strip_prefix(PREFIX).unwrap();
        (name.into(), value.as_str().into())
    });
    let rest: Vec<(Box<str>, Box<str>)> = rest.collect();
    assert_eq!(tool.check(&rest, Some(arguments)), Ok(()));
    assert_eq!(tool.of_call(b"{}"), []);
    assert!(super::listed(br#"{"method":"x-mcp-header"}"#).is_empty());
}
