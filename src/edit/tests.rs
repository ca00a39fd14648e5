//! What is edited, and that all else stays as it was.

use super::*;

fn entry() -> Vec<(String, Json)> {
    let args = ["-y".to_owned(), "say \"hi\"\\\n".to_owned()];
    vec![
        ("command".to_owned(), Json::text("npx")),
        ("args".to_owned(), Json::list(&args)),
    ]
}

fn added(text: &str) -> String {
    let document = Document::parse(text).unwrap();
    document.add_server("new", entry()).unwrap();
    let text = document.text();
    let parsed = crate::config::parse(&text, &|_| None).unwrap();
    assert_eq!(parsed.problems, []);
    let last = parsed.config.servers.last().unwrap().name().to_string();
    assert_eq!(last, "new");
    text
}

fn removed(text: &str, name: &str) -> String {
    let document = Document::parse(text).unwrap();
    let names = [name.to_owned()];
    assert_eq!(document.remove_servers(&names), Ok(1), "{text}");
    document.text()
}

#[test]
fn a_server_is_added_at_the_end_of_every_shape() {
    let shapes = [
        "{\n  // mine\n  \"servers\": [\n    { \"name\": \"one\", \"command\": \"x\" } // first\n  ],\n  \"gateway\": { \"max_sessions\": 5 }\n}\n",
        "[\n\t{\"name\": \"one\", \"command\": \"x\"},\n]",
        "{\"mcpServers\": {\"one\": {\"command\": \"x\"}}}",
        "{\r\n    \"servers\": {\r\n        \"one\": { \"command\": \"x\" }\r\n    }\r\n}\r\n",
        "{ \"servers\": [] }",
        "[]",
    ];
    let all: Vec<String> = shapes.iter().map(|text| added(text)).collect();
    insta::assert_snapshot!(
        all.join("\n-----\n")
            .replace('\r', "<CR>")
            .replace('\t', "<TAB>")
    );
}

#[test]
fn a_server_is_removed_and_its_neighbours_stay() {
    let text = "{\n  // all\n  \"servers\": [\n    { \"name\": \"one\", \"command\": \"x\" }, // of one\n    // of two\n    {\n      \"name\": \"two\",\n      \"command\": \"y\" // inside\n    },\n    { \"name\": \"three\", \"command\": \"z\" }\n  ]\n}\n";
    let all = ["one", "two", "three"].map(|name| removed(text, name));
    insta::assert_snapshot!(all.join("\n-----\n"));
    let keyed =
        "{\"mcpServers\": {\"Brave Search\": {\"command\": \"x\"}, \"b\": {\"command\": \"y\"}}}";
    for name in ["Brave Search", "Brave-Search"] {
        let left = removed(keyed, name);
        assert!(
            !left.contains("Brave") && left.contains("\"b\": {\"command\": \"y\"}"),
            "{left}"
        );
        crate::config::parse(&left, &|_| None).unwrap();
    }
    let document = Document::parse(text).unwrap();
    let names = ["one", "four"].map(str::to_owned);
    assert_eq!(document.remove_servers(&names), Err("four"));
    assert_eq!(document.text(), text);
}

#[test]
fn several_are_removed_by_the_names_that_they_have_together() {
    let text = r#"{"mcpServers": {"a b": {"command": "x"}, "a/b": {"command": "y"}, "c": {"command": "z"}}}"#;
    let parsed = crate::config::parse(text, &|_| None).unwrap();
    let servers = parsed.config.servers.iter();
    let names: Vec<String> = servers.map(|entry| entry.name().to_string()).collect();
    assert_eq!(names[0], "a-b");
    let document = Document::parse(text).unwrap();
    assert_eq!(document.remove_servers(&names[..2]), Ok(2), "{names:?}");
    let left: serde_json::Value = serde_json::from_str(&document.text()).unwrap();
    assert_eq!(
        left,
        serde_json::json!({"mcpServers": {"c": {"command": "z"}}})
    );
}

#[test]
fn what_was_added_can_be_removed_again() {
    let text = "[\n  // mine\n  { \"name\": \"one\", \"command\": \"x\" }\n]\n";
    assert_eq!(removed(&added(text), "new"), text);
}

#[test]
fn a_member_is_put_in_its_place() {
    let value = Json::object([
        ("type", Json::text("http")),
        ("url", Json::text("http://a/")),
    ]);
    let put = |text: &str| {
        let document = Document::parse(text).unwrap();
        let what = document.put(&["mcp", "mcproxy"], &value).unwrap();
        (what, document.text())
    };
    let (what, text) = put("\u{feff}{\n  // mine\n  \"theme\": \"dark\",\n}\n");
    assert_eq!(what, Put::New);
    assert!(
        text.starts_with("\u{feff}{\n  // mine\n  \"theme\": \"dark\",\n"),
        "{text}"
    );
    assert!(
        text.ends_with("\n  },\n}\n"),
        "a comma at the end as before: {text}"
    );
    assert_eq!(put(&text), (Put::Same, text));
    let (what, text) = put("{\"mcp\": {\"mcproxy\": {\"type\": \"sse\"}, \"other\": 1}}");
    assert_eq!(what, Put::Replaced);
    assert!(
        text.contains("\"other\": 1") && !text.contains("sse"),
        "{text}"
    );
    let (_, text) = put("{\"mcp\": {\"a\": 1}, \"mcp\": {\"b\": 2}}");
    let read: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        read["mcp"]["mcproxy"]["type"], "http",
        "readers take the last: {text}"
    );
    let refused = |text: &str| {
        let document = Document::parse(text).unwrap();
        document.put(&["mcp", "mcproxy"], &value).unwrap_err()
    };
    assert_eq!(refused("[]"), "the file holds no object");
    assert_eq!(refused("{\"mcp\": []}"), "'mcp' in it is no object");
}

#[test]
fn what_is_no_json_is_refused_with_its_place() {
    let error = Document::parse("{\n  \"key\": s3cret\n}").err().unwrap();
    assert!(
        error.contains("line 2") && !error.contains("s3cret"),
        "{error}"
    );
    assert!(Document::parse("").is_err());
}
