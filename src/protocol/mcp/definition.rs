//! What of a tool's definition is another than it was: what a model and a client go by when they decide to call
//! it. How it is written does not count, nor the order of members and of lists (programs keep sets there).

use bytes::Bytes;
use serde_json::Value;

use super::super::raw;

/// What is looked at.
const PARTS: [&str; 5] = [
    "title",
    "description",
    "inputSchema",
    "outputSchema",
    "annotations",
];

/// Definitions that are larger are not read: another text is another definition.
const LARGEST: usize = 64 * 1024;
/// What is said of those.
const ALL_OF_IT: &str = "definition";

/// The parts that differ between two definitions of a tool.
#[must_use]
pub fn changes(old: &Bytes, new: &Bytes) -> Vec<&'static str> {
    if old == new {
        return Vec::new();
    }
    if old.len().max(new.len()) > LARGEST {
        return vec![ALL_OF_IT];
    }
    let parts = |text| raw::members(std::str::from_utf8(text).ok(), PARTS);
    let pairs = parts(old).into_iter().zip(parts(new));
    let differs = |(old, new): (Option<&str>, Option<&str>)| match (old, new) {
        (Some(old), Some(new)) => old != new && ordered(old) != ordered(new),
        (old, new) => old.is_some() != new.is_some(),
    };
    let named = PARTS.into_iter().zip(pairs);
    named
        .filter_map(|(name, pair)| differs(pair).then_some(name))
        .collect()
}

/// With its lists in one order. What is too deep to be read is compared as it is written.
fn ordered(raw: &str) -> Value {
    let value = serde_json::from_str(raw);
    value.map_or_else(|_| Value::from(raw), sorted)
}

fn sorted(value: Value) -> Value {
    match value {
        Value::Array(list) => {
            let mut list: Vec<Value> = list.into_iter().map(sorted).collect();
            list.sort_by_cached_key(Value::to_string);
            Value::Array(list)
        }
        Value::Object(members) => {
            let members = members.into_iter();
            members.map(|(name, value)| (name, sorted(value))).collect()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn differ(old: &str, new: &str) -> Vec<&'static str> {
        changes(
            &Bytes::copy_from_slice(old.as_bytes()),
            &Bytes::copy_from_slice(new.as_bytes()),
        )
    }

    #[test]
    fn what_a_model_goes_by_is_looked_at() {
        let old = r#"{"name":"a","description":"d","inputSchema":{"type":"object","required":["a","b"]}}"#;
        for (new, expected) in [
            (
                r#"{"name":"a","description":"D","inputSchema":{"type":"object","required":["a","b"]}}"#,
                &["description"][..],
            ),
            (
                r#"{"name":"a","description":"d","inputSchema":{"type":"object","required":["a"]}}"#,
                &["inputSchema"],
            ),
            (
                r#"{"name":"a","inputSchema":{"type":"object","required":["a","b"]},"annotations":{"readOnlyHint":true},"title":"t"}"#,
                &["title", "description", "annotations"],
            ),
            (
                r#"{"name":"a","description":"d","outputSchema":{},"inputSchema":{"required":["b","a"], "type":"object"},"_meta":{"x":1}}"#,
                &["outputSchema"],
            ),
            (
                r#"{"description":"\u0064","inputSchema":{"required":["b","a"],"type":"object"},"name":"a"}"#,
                &[],
            ),
        ] {
            assert_eq!(differ(old, new), expected, "{new}");
        }
    }

    #[test]
    fn what_is_hostile_is_compared_as_it_is_written() {
        let deep = |inner: &str| {
            format!(
                r#"{{"name":"a","inputSchema":{}{inner}{}}}"#,
                "[".repeat(9_000),
                "]".repeat(9_000)
            )
        };
        assert!(differ(&deep("1"), &deep("1")).is_empty());
        differ(&deep("1"), &deep("2"));
        let large =
            |text: &str| format!(r#"{{"name":"a","description":"{}"}}"#, text.repeat(70_000));
        assert_eq!(differ(&large("x"), &large("y")), [ALL_OF_IT]);
    }
}
