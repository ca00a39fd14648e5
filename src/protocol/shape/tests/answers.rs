//! Single answers, and errors.

use super::super::answers;
use super::{answer, told};

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

const WRONG_ANSWERS: [(&str, &str, &str); 23] = [
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
];

#[test]
fn answers_that_no_client_takes() {
    for (method, text, why) in WRONG_ANSWERS {
        assert_eq!(answer(method, text), Err(why.to_owned()), "{text}");
    }
}

#[test]
fn numbers_that_no_reader_in_python_takes() {
    let with = |number: &str| {
        let text = format!(r#"{{"content":[],"structuredContent":{{"a":[{number}]}}}}"#);
        answer("tools/call", &text)
    };
    let digits = |count| "9".repeat(count);
    for right in [
        digits(4300),
        format!("-{}", digits(4300)),
        format!("0.{}", digits(5000)),
    ] {
        assert!(with(&right).is_ok());
    }
    for wrong in [digits(4301), format!("-{}", digits(4301))] {
        let why = "'structuredContent' has a whole number of more than 4300 digits";
        assert_eq!(with(&wrong), Err(why.to_owned()));
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
