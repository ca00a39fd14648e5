//! Entries of lists.

use super::{entry, tool};
use crate::protocol::mcp::item::Kind;

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

const WRONG_TOOLS: [(&str, &str); 13] = [
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
];

#[test]
fn wrong_tools_are_told_by_where_and_why() {
    for (text, why) in WRONG_TOOLS {
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
