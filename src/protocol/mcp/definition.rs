//! What of a tool's definition is another than it was: what a model and a client go by when they decide to call
//! it. How it is written does not count, nor the order of members and of lists (programs keep sets there).

use std::hash::{BuildHasher as _, RandomState};

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
/// What is said where none of the parts differs, and the whole does.
const THE_REST: &str = "other members";

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
    let keys = RandomState::new();
    let differs = |(old, new): (Option<&str>, Option<&str>)| match (old, new) {
        (Some(old), Some(new)) => old != new && !are_alike(old, new, &keys),
        (old, new) => old.is_some() != new.is_some(),
    };
    let named = PARTS.into_iter().zip(pairs);
    named
        .filter_map(|(name, pair)| differs(pair).then_some(name))
        .collect()
}

/// The same, where a change of any other member counts too: icons, `_meta`, whatever a client may know.
#[must_use]
pub fn all_changes(old: &Bytes, new: &Bytes) -> Vec<&'static str> {
    let mut parts = changes(old, new);
    if parts.is_empty() && old != new {
        let text = |raw| std::str::from_utf8(raw).unwrap_or_default();
        if !are_alike(text(old), text(new), &RandomState::new()) {
            parts.push(THE_REST);
        }
    }
    parts
}

/// Whether two texts that differ mean the same. What is too deep to be read is compared as it is written.
fn are_alike(old: &str, new: &str, keys: &RandomState) -> bool {
    let digest_of = |raw| {
        let value = serde_json::from_str::<Value>(raw).ok()?;
        Some(digest(&value, keys))
    };
    digest_of(old).is_some_and(|old| digest_of(new) == Some(old))
}

/// A number that is the same whatever order members and lists are in. Each value is looked at once, however
/// deep it is; nobody knows `keys`, so nobody can write two values that have one number.
fn digest(value: &Value, keys: &RandomState) -> u64 {
    let mut parts: Vec<u64> = match value {
        Value::Array(list) => list.iter().map(|value| digest(value, keys)).collect(),
        Value::Object(members) => {
            let members = members.iter();
            let members = members.map(|(name, value)| keys.hash_one((name, digest(value, keys))));
            members.collect()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            return keys.hash_one(value);
        }
    };
    parts.sort_unstable();
    keys.hash_one((value.is_array(), parts))
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
                r#"{"name":"a","description":"d","inputSchema":{"type":"object","required":[["a","b"]]}}"#,
                &["inputSchema"],
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
    fn all_of_it_is_looked_at_where_that_is_asked_for() {
        let old = r#"{"name":"a","description":"d","_meta":{"ui":"one","n":[1,2]}}"#;
        for (new, expected) in [
            (
                r#"{"_meta":{"n":[2, 1],"ui":"one"},"name":"a","description":"d"}"#,
                &[][..],
            ),
            (
                r#"{"name":"a","description":"d","_meta":{"ui":"two","n":[1,2]}}"#,
                &[THE_REST],
            ),
            (r#"{"name":"a","description":"d"}"#, &[THE_REST]),
            (
                r#"{"name":"a","description":"d","_meta":{"ui":"one","n":[1,2]},"icons":[]}"#,
                &[THE_REST],
            ),
            (r#"{"name":"a","description":"D"}"#, &["description"]),
        ] {
            let bytes = |text: &str| Bytes::copy_from_slice(text.as_bytes());
            assert_eq!(all_changes(&bytes(old), &bytes(new)), expected, "{new}");
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

    /// Each level holds all below it: to write it out for each would take a hundred times as long.
    #[test]
    fn depth_costs_no_more_than_size() {
        let time = |old: &str, new: &str| {
            let tool = |schema: &str| format!(r#"{{"name":"a","inputSchema":{schema}}}"#);
            let (old, new) = (tool(old), tool(new));
            let begun = tokio::time::Instant::now();
            for _ in 0..20 {
                assert!(differ(&old, &new).is_empty());
            }
            begun.elapsed()
        };
        let text = "x".repeat(60_000);
        let flat = time(&format!(r#"["{text}",0]"#), &format!(r#"[0,"{text}"]"#));
        let levels = |start: &str, end: &str| {
            let (start, end) = (start.repeat(120), end.repeat(120));
            format!(r#"{start}"{text}"{end}"#)
        };
        let deep = time(&levels("[0,", "]"), &levels("[", ",0]"));
        assert!(deep < flat * 20, "{deep:?} and {flat:?}");
    }
}
