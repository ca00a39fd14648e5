//! What the official SDKs take and refuse, case by case: each was shown to both.

use bytes::Bytes;
use proptest::prelude::*;

use super::*;
use crate::protocol::mcp::item::Kind;

/// The entry as it is passed on, or why it is not.
fn entry(kind: Kind, text: &str) -> Result<String, String> {
    told(text, entries::check(kind, text))
}

fn answer(method: &str, text: &str) -> Result<String, String> {
    told(text, answers::check(method, text))
}

fn told(text: &str, checked: Result<Fit, Fault>) -> Result<String, String> {
    match checked.map_err(|fault| fault.to_string())? {
        Fit::Right => Ok(text.to_owned()),
        Fit::Mended { text, .. } => Ok(String::from_utf8(text.to_vec()).unwrap()),
    }
}

/// A tool with these members more.
fn tool(members: &str) -> Result<String, String> {
    let text = format!(r#"{{"name":"t","inputSchema":{{"type":"object"}},{members}}}"#);
    entry(Kind::Tools, &text)
}

#[test]
fn right_tools_stay_as_they_are() {
    for text in [
        r#"{"name":"t","inputSchema":{"type":"object"}}"#,
        r#" { "inputSchema" : {"required":[ ],"type":"object","properties":{"a":{"default":null,"enum":[null]}},"additionalProperties":null} , "x":null, "name":"t" } "#,
        r#"{"name":"","title":"","description":"\u0000","inputSchema":{"type":"object","$schema":"x","anyOf":[true]},"outputSchema":{"type":"object"},"annotations":{"title":"x","readOnlyHint":true,"x":null},"icons":[{"src":"x","sizes":["any"],"theme":"dark","mimeType":"y"}],"execution":{"taskSupport":"forbidden"},"_meta":{"a":null}}"#,
        r#"{"name":"t","inputSchema":{"typ\u0065":"obj\u0065ct","properties":{}},"same":1,"same":2}"#,
    ] {
        assert_eq!(entry(Kind::Tools, text).as_deref(), Ok(text));
    }
}

#[test]
fn null_is_absent_wherever_a_member_may_be() {
    for (text, passed) in [
        (
            r#"{"name":"t","description":null,"inputSchema":{"type":"object"}}"#,
            r#"{"name":"t","inputSchema":{"type":"object"}}"#,
        ),
        (
            r#"{"title":null , "name":"t","inputSchema":{"type":"object"},"_meta":null}"#,
            r#"{ "name":"t","inputSchema":{"type":"object"}}"#,
        ),
        (
            r#"{"title":null,"description":null,"name":"t","icons":null,"annotations":null,"inputSchema":{"type":"object"}}"#,
            r#"{"name":"t","inputSchema":{"type":"object"}}"#,
        ),
        (
            r#"{"name":"t","inputSchema":{"properties":null,"required":null,"type":"object","default":null},"outputSchema":null}"#,
            r#"{"name":"t","inputSchema":{"type":"object","default":null}}"#,
        ),
        (
            r#"{"name":"t","inputSchema":{"type":"object","properties":null },"annotations":{"title":null,"readOnlyHint":null}}"#,
            r#"{"name":"t","inputSchema":{"type":"object" },"annotations":{}}"#,
        ),
        (
            r#"{"name":"t","inputSchema":{"type":"object"},"icons":[{"src":"x","theme":null,"sizes":["1"]}],"execution":{"taskSupport":null}}"#,
            r#"{"name":"t","inputSchema":{"type":"object"},"icons":[{"src":"x","sizes":["1"]}],"execution":{}}"#,
        ),
        (
            r#"{"name":"t","x":null,"inputSchema":{"type":"object"}}"#,
            r#"{"name":"t","x":null,"inputSchema":{"type":"object"}}"#,
        ),
    ] {
        assert_eq!(entry(Kind::Tools, text).as_deref(), Ok(passed), "{text}");
    }
    let prompt = r#"{"name":"p","arguments":[{"name":"a","required":null},{"name":"b","description":null}]}"#;
    let passed = r#"{"name":"p","arguments":[{"name":"a"},{"name":"b"}]}"#;
    assert_eq!(entry(Kind::Prompts, prompt).as_deref(), Ok(passed));
    let resource =
        r#"{"uri":"x:y","name":"n","size":null,"annotations":{"audience":null,"priority":0.5}}"#;
    let passed = r#"{"uri":"x:y","name":"n","annotations":{"priority":0.5}}"#;
    assert_eq!(entry(Kind::Resources, resource).as_deref(), Ok(passed));
}

#[test]
fn wrong_tools_are_told_by_where_and_why() {
    for (text, why) in [
        (r#"{"name":"t"}"#, "'inputSchema' is missing"),
        (r#"{"inputSchema":{"type":"object"}}"#, "'name' is missing"),
        (
            r#"{"name":"t","inputSchema":null}"#,
            "'inputSchema' must not be null",
        ),
        (
            r#"{"name":"t","inputSchema":[]}"#,
            "'inputSchema' must be an object",
        ),
        (
            r#"{"name":"t","inputSchema":{}}"#,
            "'inputSchema.type' is missing",
        ),
        (
            r#"{"name":"t","inputSchema":{"type":"string"}}"#,
            r#"'inputSchema.type' must be "object""#,
        ),
        (
            r#"{"name":"t","inputSchema":{"type":["object"]}}"#,
            "'inputSchema.type' must be a string",
        ),
        (
            r#"{"name":"t","inputSchema":{"type":"object","properties":[]}}"#,
            "'inputSchema.properties' must be an object",
        ),
        (
            r#"{"name":"t","inputSchema":{"type":"object","properties":{"a":true}}}"#,
            "'inputSchema.properties.*' must be an object",
        ),
        (
            r#"{"name":"t","inputSchema":{"type":"object","required":true}}"#,
            "'inputSchema.required' must be an array",
        ),
        (
            r#"{"name":"t","inputSchema":{"type":"object","required":[1]}}"#,
            "'inputSchema.required[]' must be a string",
        ),
        (
            r#"{"name":"t","name":"t","inputSchema":{"type":"object"}}"#,
            "'name' appears more than once",
        ),
        ("7", "it must be an object"),
    ] {
        assert_eq!(entry(Kind::Tools, text), Err(why.to_owned()), "{text}");
    }
    for (members, why) in [
        (r#""description":["d"]"#, "'description' must be a string"),
        (r#""title":7"#, "'title' must be a string"),
        (r#""annotations":"x""#, "'annotations' must be an object"),
        (
            r#""annotations":{"readOnlyHint":"yes"}"#,
            "'annotations.readOnlyHint' must be true or false",
        ),
        (r#""icons":{"src":"x"}"#, "'icons' must be an array"),
        (
            r#""icons":[{"src":"x","sizes":"48x48"}]"#,
            "'icons[].sizes' must be an array",
        ),
        (r#""icons":[{"theme":"dark"}]"#, "'icons[].src' is missing"),
        (
            r#""icons":[{"src":"x","theme":"blue"}]"#,
            r#"'icons[].theme' must be "light" or "dark""#,
        ),
        (
            r#""execution":{"taskSupport":true}"#,
            "'execution.taskSupport' must be a string",
        ),
        (r#""_meta":[]"#, "'_meta' must be an object"),
        (
            r#""outputSchema":{"type":"array"}"#,
            r#"'outputSchema.type' must be "object""#,
        ),
        (
            r#""title":null,"title":null"#,
            "'title' appears more than once",
        ),
        (
            r#""x":1e999"#,
            "it has a number that is too large for a double",
        ),
    ] {
        assert_eq!(tool(members), Err(why.to_owned()), "{members}");
    }
}

#[test]
fn the_other_lists() {
    let wrong = |kind, text: &str| entry(kind, text).unwrap_err();
    for (text, why) in [
        (r#"{"uri":"x:y"}"#, "'name' is missing"),
        (
            r#"{"uri":"notes/1","name":"n"}"#,
            "'uri' must be an absolute URI",
        ),
        (
            r#"{"uri":"x:y","name":"n","size":"1"}"#,
            "'size' must be a whole number",
        ),
        (
            r#"{"uri":"x:y","name":"n","size":1.5}"#,
            "'size' must be a whole number",
        ),
        (
            r#"{"uri":"x:y","name":"n","mimeType":{}}"#,
            "'mimeType' must be a string",
        ),
        (
            r#"{"uri":"x:y","name":"n","annotations":{"audience":"user"}}"#,
            "'annotations.audience' must be an array",
        ),
        (
            r#"{"uri":"x:y","name":"n","annotations":{"audience":["me"]}}"#,
            r#"'annotations.audience[]' must be "user" or "assistant""#,
        ),
        (
            r#"{"uri":"x:y","name":"n","annotations":{"priority":2}}"#,
            "'annotations.priority' must be a number from 0 to 1",
        ),
        (
            r#"{"uri":"x:y","name":"n","annotations":{"lastModified":"today"}}"#,
            "'annotations.lastModified' must be a time as in 2025-01-12T15:00:58Z",
        ),
    ] {
        assert_eq!(wrong(Kind::Resources, text), why, "{text}");
    }
    let right = r#"{"uri":"x:y","name":"n","size":1e3,"annotations":{"audience":["user","assistant"],"priority":1,"lastModified":"2025-01-12T15:00:58Z"}}"#;
    assert_eq!(entry(Kind::Resources, right).as_deref(), Ok(right));
    assert_eq!(
        wrong(Kind::Templates, r#"{"uriTemplate":"x:{y}"}"#),
        "'name' is missing"
    );
    assert_eq!(
        wrong(Kind::Templates, r#"{"name":"n","uriTemplate":7}"#),
        "'uriTemplate' must be a string"
    );
    let arguments = |raw| format!(r#"{{"name":"p","arguments":{raw}}}"#);
    for (raw, why) in [
        (r#"{"a":{}}"#, "'arguments' must be an array"),
        (r#"["a"]"#, "'arguments[]' must be an object"),
        (r#"[{"description":"d"}]"#, "'arguments[].name' is missing"),
        (
            r#"[{"name":"a","required":"yes"}]"#,
            "'arguments[].required' must be true or false",
        ),
    ] {
        assert_eq!(wrong(Kind::Prompts, &arguments(raw)), why);
    }
}

#[test]
fn right_answers_stay_as_they_are() {
    for (method, text) in [
        ("tools/call", r#"{"content":[]}"#),
        (
            "tools/call",
            r#"{ "content" : [ {"text":"\"type\":1","type":"text"} , {"type":"image","data":"","mimeType":"x","y":null} ],"isError":false,"structuredContent":{"a":null,"a":1e999},"_meta":{"x":null}, "z":[null] }"#,
        ),
        (
            "tools/call",
            r#"{"content":[{"type":"resource_link","uri":"notes/1","name":"n"},{"type":"resource","resource":{"uri":"","text":""}},{"type":"resource","resource":{"uri":"","blob":"!"}},{"type":"audio","data":"!","mimeType":"x","annotations":{"lastModified":"today"}}]}"#,
        ),
        (
            "prompts/get",
            r#"{"messages":[{"role":"user","content":{"type":"text","text":"x"}}],"description":"d"}"#,
        ),
        (
            "resources/read",
            r#"{"contents":[{"uri":"x:y","text":"","mimeType":"z"}]}"#,
        ),
        (
            "completion/complete",
            r#"{"completion":{"values":["a"],"total":3,"hasMore":true}}"#,
        ),
        ("resources/subscribe", r#"{"x":null}"#),
    ] {
        assert_eq!(answer(method, text).as_deref(), Ok(text));
    }
}

#[test]
fn answers_are_mended_where_it_is_clear_what_they_say() {
    for (method, text, passed) in [
        (
            "tools/call",
            r#"{"content":[{"type":"text","text":"x","annotations":null,"_meta":null}],"isError":null,"structuredContent":null}"#,
            r#"{"content":[{"type":"text","text":"x"}]}"#,
        ),
        ("tools/call", r#"{"content":null}"#, r#"{"content":[]}"#),
        ("tools/call", "{}", r#"{"content":[]}"#),
        ("tools/call", r#"{"isError":null}"#, r#"{"content":[]}"#),
        (
            "tools/call",
            r#"{"structuredContent":{"a":1}}"#,
            r#"{"content":[],"structuredContent":{"a":1}}"#,
        ),
        ("prompts/get", r#"{"messages":null}"#, r#"{"messages":[]}"#),
        (
            "resources/read",
            r#"{"contents":[{"uri":"x:y","text":null,"blob":"","mimeType":null}]}"#,
            r#"{"contents":[{"uri":"x:y","blob":""}]}"#,
        ),
        (
            "completion/complete",
            r#"{"completion":{"values":[],"total":null,"hasMore":null}}"#,
            r#"{"completion":{"values":[]}}"#,
        ),
        ("resources/subscribe", "null", "{}"),
        (
            "resources/unsubscribe",
            r#"{"_meta":{"progressToken":null}}"#,
            r#"{"_meta":{}}"#,
        ),
    ] {
        assert_eq!(answer(method, text).as_deref(), Ok(passed), "{text}");
    }
}

#[test]
fn answers_that_no_client_takes() {
    for (method, text, why) in [
        ("tools/call", "null", "it must be an object"),
        ("tools/call", r#""done""#, "it must be an object"),
        (
            "tools/call",
            r#"{"toolResult":"x"}"#,
            "'content' is missing",
        ),
        (
            "tools/call",
            r#"{"content":"x"}"#,
            "'content' must be an array",
        ),
        (
            "tools/call",
            r#"{"content":["x"]}"#,
            "'content[]' must be an object",
        ),
        (
            "tools/call",
            r#"{"content":[{"text":"x"}]}"#,
            "'content[].type' is missing",
        ),
        (
            "tools/call",
            r#"{"content":[{"type":"html","text":"x"}]}"#,
            r#"'content[].type' must be "text" or "image" or "audio" or "resource_link" or "resource""#,
        ),
        (
            "tools/call",
            r#"{"content":[{"type":"text"}]}"#,
            "'content[].text' is missing",
        ),
        (
            "tools/call",
            r#"{"content":[{"type":"text","text":{"a":1}}]}"#,
            "'content[].text' must be a string",
        ),
        (
            "tools/call",
            r#"{"content":[{"type":"text","text":null}]}"#,
            "'content[].text' must not be null",
        ),
        (
            "tools/call",
            r#"{"content":[{"type":"image","data":"x"}]}"#,
            "'content[].mimeType' is missing",
        ),
        (
            "tools/call",
            r#"{"content":[{"type":"resource","resource":{"uri":"x:y"}}]}"#,
            "'content[].resource.text' or 'blob' is missing",
        ),
        (
            "tools/call",
            r#"{"content":[],"isError":"no"}"#,
            "'isError' must be true or false",
        ),
        (
            "tools/call",
            r#"{"content":[],"structuredContent":[1]}"#,
            "'structuredContent' must be an object",
        ),
        (
            "tools/call",
            r#"{"content":[],"_meta":7}"#,
            "'_meta' must be an object",
        ),
        ("prompts/get", "{}", "'messages' is missing"),
        (
            "prompts/get",
            r#"{"messages":[{"role":"system","content":{"type":"text","text":"x"}}]}"#,
            r#"'messages[].role' must be "user" or "assistant""#,
        ),
        (
            "prompts/get",
            r#"{"messages":[{"role":"user","content":"x"}]}"#,
            "'messages[].content' must be an object",
        ),
        (
            "prompts/get",
            r#"{"messages":[{"role":"user","content":[{"type":"text","text":"x"}]}]}"#,
            "'messages[].content' must be an object",
        ),
        ("resources/read", "{}", "'contents' is missing"),
        (
            "resources/read",
            r#"{"contents":[{"text":"x"}]}"#,
            "'contents[].uri' is missing",
        ),
        (
            "completion/complete",
            r#"{"completion":{"values":"x"}}"#,
            "'completion.values' must be an array",
        ),
        ("resources/subscribe", "true", "it must be an object"),
    ] {
        assert_eq!(answer(method, text), Err(why.to_owned()), "{text}");
    }
}

#[test]
fn errors() {
    let error = |text: &str| told(text, answers::check_error(text));
    for right in [
        r#"{"code":-32000,"message":""}"#,
        r#"{ "message":"x","code":-3.2e4,"data":null,"x":1 }"#,
    ] {
        assert_eq!(error(right).as_deref(), Ok(right));
    }
    for (text, why) in [
        (r#"{"message":"x"}"#, "'code' is missing"),
        (
            r#"{"code":"E1","message":"x"}"#,
            "'code' must be a whole number",
        ),
        (
            r#"{"code":1.5,"message":"x"}"#,
            "'code' must be a whole number",
        ),
        (
            r#"{"code":1e18,"message":"x"}"#,
            "'code' must be a whole number",
        ),
        (r#"{"code":1}"#, "'message' is missing"),
        (r#"{"code":1,"message":null}"#, "'message' must not be null"),
    ] {
        assert_eq!(error(text), Err(why.to_owned()), "{text}");
    }
}

/// A JSON value that is often almost a tool.
fn json() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        Just("true".to_owned()),
        Just("1e9".to_owned()),
        Just(r#""object""#.to_owned()),
        Just(r#""a\"]}""#.to_owned()),
    ];
    let name = prop_oneof![
        Just("name"),
        Just("inputSchema"),
        Just("type"),
        Just("title"),
        Just("properties"),
        Just("annotations"),
        Just("icons"),
        Just("src"),
        Just("x"),
        Just("content"),
        Just("_meta"),
    ];
    leaf.prop_recursive(4, 40, 6, move |inner| {
        let members = prop::collection::vec((name.clone(), inner.clone(), "[ \\n]{0,2}"), 0..6);
        let object = members.prop_map(|members| {
            let members: Vec<String> = members
                .into_iter()
                .map(|(name, value, space)| format!("{space}\"{name}\"{space}:{value}{space}"))
                .collect();
            format!("{{{}}}", members.join(","))
        });
        let list = prop::collection::vec(inner, 0..4)
            .prop_map(|values| format!("[ {}]", values.join(" ,")));
        prop_oneof![3 => object, 1 => list]
    })
}

proptest! {
    #[test]
    fn what_is_passed_on_is_json_and_right(text in json()) {
        for kind in Kind::ALL {
            if let Ok(Fit::Mended { text, .. }) = entries::check(kind, &text) {
                let text = std::str::from_utf8(&text).unwrap().to_owned();
                prop_assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok(), "{}", text);
                prop_assert_eq!(entries::check(kind, &text), Ok(Fit::Right));
            }
        }
        if let Ok(Fit::Mended { text, .. }) = answers::check("tools/call", &text) {
            let text = std::str::from_utf8(&text).unwrap().to_owned();
            prop_assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok(), "{}", text);
            prop_assert_eq!(answers::check("tools/call", &text), Ok(Fit::Right));
        }
    }

    #[test]
    fn whatever_it_is_nothing_breaks(text in "[\\[\\]{}\":,\\\\ antyped1]{0,60}") {
        for kind in Kind::ALL {
            drop(entries::check(kind, &text));
        }
        drop(answers::check("prompts/get", &text));
        drop(halves::mended(&Bytes::from(text)));
    }
}
