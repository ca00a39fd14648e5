//! Schemas that clients compile: TypeScript's SDK does so for each tool's `outputSchema` when it lists
//! tools, with ajv, and has no tool at all if one can't be compiled. Looked at is what ajv's default
//! (draft 7) looks at then.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::{Class, Fault, pattern};

const TYPES: [&str; 7] = [
    "string", "number", "integer", "boolean", "null", "object", "array",
];
const NUMBERS: [&str; 11] = [
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
    "minProperties",
    "maxProperties",
];
/// What may be `null` at the top, which is mended.
const NULLED: [&str; 3] = ["properties", "required", "$schema"];
/// ajv knows it by itself.
const DRAFT_7: &str = "http://json-schema.org/draft-07/schema";

/// Looks at a schema, valid JSON.
pub(super) fn check(schema: &str) -> Result<(), Fault> {
    let Ok(mut root) = serde_json::from_str::<Value>(schema) else {
        return Ok(()); // deeper than it is read here, and so left out anyway
    };
    if let Some(members) = root.as_object_mut() {
        // These are taken out.
        members.retain(|name, value| !(value.is_null() && NULLED.contains(&&**name)));
    }
    let mut compile = Compile {
        root: &root,
        // What other names lead to is not looked for.
        has_names: schema.contains("\"$id\"") || schema.contains("\"$anchor\""),
        seen: BTreeSet::new(),
        referred: vec![(String::new(), &root)],
    };
    while let Some((path, schema)) = compile.referred.pop() {
        compile
            .schema(schema)
            .map_err(|fault| fault.within(&path))?;
    }
    Ok(())
}

struct Compile<'a> {
    root: &'a Value,
    has_names: bool,
    /// Where references lead that were followed.
    seen: BTreeSet<&'a str>,
    /// What they lead to. Only what is referred to is compiled.
    referred: Vec<(String, &'a Value)>,
}

impl<'a> Compile<'a> {
    fn schema(&mut self, schema: &'a Value) -> Result<(), Fault> {
        match schema {
            Value::Bool(_) => Ok(()),
            Value::Object(members) => members.iter().try_for_each(|(name, value)| {
                let checked = self.keyword(name, value, members);
                checked.map_err(|fault| fault.within(name))
            }),
            Value::Null | Value::Number(_) | Value::String(_) | Value::Array(_) => {
                Err(wrong("must be a schema"))
            }
        }
    }

    fn keyword(
        &mut self,
        name: &str,
        value: &'a Value,
        beside: &Map<String, Value>,
    ) -> Result<(), Fault> {
        match name {
            "$ref" => self.reference(value.as_str().ok_or_else(|| wrong("must be a string"))?),
            "type" => check_type(value),
            "pattern" => {
                let text = value.as_str().ok_or_else(|| wrong("must be a string"))?;
                pattern::check(text)
            }
            "enum" => is(
                value.as_array().is_some_and(|all| !all.is_empty()),
                "must be an array with entries",
            ),
            "required" => is(value.is_array(), "must be an array"),
            "nullable" => is(
                value != &Value::Bool(true) || beside.contains_key("type"),
                "must have a 'type' beside it",
            ),
            "properties" | "patternProperties" => self.each(name, value),
            "items" if value.is_array() => self.all(value),
            "items"
            | "additionalItems"
            | "additionalProperties"
            | "not"
            | "if"
            | "then"
            | "else"
            | "contains"
            | "propertyNames" => self.schema(value),
            "allOf" | "anyOf" | "oneOf" => self.all(value),
            _ if NUMBERS.contains(&name) => is(value.is_number(), "must be a number"),
            _ => Ok(()),
        }
    }

    fn each(&mut self, name: &str, value: &'a Value) -> Result<(), Fault> {
        let members = value
            .as_object()
            .ok_or_else(|| wrong("must be an object"))?;
        members.iter().try_for_each(|(key, schema)| {
            if name == "patternProperties" {
                pattern::check(key)?;
            }
            self.schema(schema).map_err(|fault| fault.within("*"))
        })
    }

    fn all(&mut self, value: &'a Value) -> Result<(), Fault> {
        let all = value.as_array().ok_or_else(|| wrong("must be an array"))?;
        all.iter()
            .try_for_each(|schema| self.schema(schema).map_err(|fault| fault.within("[]")))
    }

    fn reference(&mut self, to: &'a str) -> Result<(), Fault> {
        if self.has_names || !self.seen.insert(to) || to.trim_end_matches('#') == DRAFT_7 {
            return Ok(());
        }
        let place = to.strip_prefix('#').map(unescaped);
        let found = place.and_then(|place| self.root.pointer(&place));
        let schema = found.ok_or_else(|| wrong("leads to nothing in the schema"))?;
        self.referred.push((
            to.chars().filter(char::is_ascii_graphic).take(60).collect(),
            schema,
        ));
        Ok(())
    }
}

/// A part of a URI as it was before it was escaped (RFC 3986, section 2.1).
fn unescaped(part: &str) -> String {
    let mut bytes = Vec::with_capacity(part.len());
    let mut rest = part.as_bytes();
    while let [first, after @ ..] = rest {
        let digits = after
            .get(..2)
            .and_then(|digits| str::from_utf8(digits).ok());
        let escaped = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        if let Some(byte) = escaped.filter(|_| *first == b'%') {
            bytes.push(byte);
            rest = after.get(2..).unwrap_or_default();
        } else {
            bytes.push(*first);
            rest = after;
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn check_type(value: &Value) -> Result<(), Fault> {
    let is_type = |value: &Value| value.as_str().is_some_and(|name| TYPES.contains(&name));
    let are_types = value.as_array().is_some_and(|all| all.iter().all(is_type));
    is(is_type(value) || are_types, "must name types of JSON")
}

fn is(is_right: bool, wanted: &'static str) -> Result<(), Fault> {
    is_right.then_some(()).ok_or_else(|| wrong(wanted))
}

pub(super) fn wrong(wanted: &'static str) -> Fault {
    Fault::new(Class::Wrong, "", wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(property: &str, more: &str) -> Result<(), String> {
        let text = format!(r#"{{"type":"object","properties":{{"a":{property}}}{more}}}"#);
        check(&text).map_err(|fault| fault.to_string())
    }

    #[test]
    fn what_can_be_compiled_is_right() {
        for (property, more) in [
            ("{}", ""),
            ("true", ""),
            (r##"{"$ref":"#"}"##, ""),
            (
                r##"{"$ref":"#/$defs/X"}"##,
                r#","$defs":{"X":{"type":"string"}}"#,
            ),
            (
                r##"{"$ref":"#/$defs/X%20y~1z"}"##,
                r#","$defs":{"X y/z":{}}"#,
            ),
            (
                r#"{"type":["string","null"],"format":"odd","default":1}"#,
                "",
            ),
            (
                r#"{"type":"array","items":[{"type":"string"}],"minItems":-1}"#,
                "",
            ),
            (
                r#"{"nullable":true,"type":"string"}"#,
                r#","required":["a","a"]"#,
            ),
            (r#"{"anyOf":[]}"#, r#","$defs":{"unused":{"type":"odd"}}"#),
            (
                r#"{"$ref":"other.json"}"#,
                r#","$defs":{"b":{"$id":"other.json"}}"#,
            ),
            (r#"{"$ref":"http://json-schema.org/draft-07/schema#"}"#, ""),
            (r#"{"properties":{"pattern":{"type":"string"}}}"#, ""),
        ] {
            assert_eq!(of(property, more), Ok(()), "{property} {more}");
        }
        let chain: Vec<String> = (0..5000)
            .map(|n| format!(r##""d{n}":{{"$ref":"#/$defs/d{}"}}"##, (n + 1) % 5000))
            .collect();
        let defs = format!(r#","$defs":{{{}}}"#, chain.join(","));
        assert_eq!(of(r##"{"$ref":"#/$defs/d0"}"##, &defs), Ok(()));
    }

    #[test]
    fn what_cannot_is_told_by_where_and_why() {
        for (property, more, told) in [
            (
                r##"{"$ref":"#/$defs/X"}"##,
                "",
                "'properties.*.$ref' leads to nothing in the schema",
            ),
            (
                r#"{"$ref":"http://example.org/x"}"#,
                "",
                "'properties.*.$ref' leads to nothing in the schema",
            ),
            (
                r##"{"$ref":"#/$defs/X"}"##,
                r#","$defs":{"X":{"type":"str"}}"#,
                "'#/$defs/X.type' must name types of JSON",
            ),
            (
                r#"{"enum":[]}"#,
                "",
                "'properties.*.enum' must be an array with entries",
            ),
            (
                r#"{"minimum":0,"exclusiveMinimum":true}"#,
                "",
                "'properties.*.exclusiveMinimum' must be a number",
            ),
            (
                r#"{"nullable":true}"#,
                "",
                "'properties.*.nullable' must have a 'type' beside it",
            ),
            (
                r#"{"oneOf":[{"not":1}]}"#,
                "",
                "'properties.*.oneOf[].not' must be a schema",
            ),
            (
                r#"{"pattern":"(?P<x>a)"}"#,
                "",
                "'properties.*.pattern' is no regular expression of JavaScript",
            ),
        ] {
            assert_eq!(
                of(property, more),
                Err(told.to_owned()),
                "{property} {more}"
            );
        }
    }
}
