//! The URIs of resources inside results: links and embedded resources of a `tools/call` or a
//! `prompts/get`, and what a `resources/read` gives. Where clients know a resource by another URI
//! than its server does, they are changed on the way out; nothing else is.

use std::ops::Range;
use std::sync::LazyLock;

use bytes::Bytes;
use memchr::memmem;

use super::super::raw;
use super::method;

/// Every result is searched; to prepare a search costs more than to search a short one.
static KEY: LazyLock<memmem::Finder<'static>> = LazyLock::new(|| memmem::Finder::new(b"\"uri\""));

/// The `result` of a `method` with every URI changed for which `outward` knows another, on one
/// line. `None` if nothing changes, which costs one search in a result without URIs. What is not
/// as MCP has it is left as it is.
pub fn rewrite_uris(
    method: &str,
    result: &Bytes,
    mut outward: impl FnMut(&str) -> Option<String>,
) -> Option<Bytes> {
    KEY.find(result)?;
    let text = std::str::from_utf8(result).ok()?;
    let changes: Vec<(Range<usize>, Vec<u8>)> = uris(method, text)
        .into_iter()
        .filter_map(|uri| {
            let new = outward(&raw::string(uri)?)?;
            Some((raw::span(text, uri), raw::quoted(&new)))
        })
        .collect();
    if changes.is_empty() {
        return None;
    }
    let edits = changes.iter().map(|(span, new)| (span.clone(), &**new));
    Some(raw::splice(result, edits.collect()).into())
}

/// The raw URIs in a result, each a slice of it.
fn uris<'a>(asked: &str, result: &'a str) -> Vec<&'a str> {
    match asked {
        method::TOOLS_CALL => {
            let blocks = entries(Some(result), "content");
            blocks.into_iter().filter_map(uri_of_block).collect()
        }
        method::PROMPTS_GET => {
            let messages = entries(Some(result), "messages");
            messages.into_iter().flat_map(uris_of_message).collect()
        }
        method::RESOURCES_READ => {
            let contents = entries(Some(result), "contents");
            contents.into_iter().filter_map(uri).collect()
        }
        _ => Vec::new(),
    }
}

/// The content of a prompt's message is one block; a list of them is read as well.
fn uris_of_message(message: &str) -> Vec<&str> {
    let [content] = raw::members(Some(message), ["content"]);
    let blocks = match content {
        Some(content) if content.starts_with('[') => raw::entries(content),
        content => content.into_iter().collect(),
    };
    blocks.into_iter().filter_map(uri_of_block).collect()
}

fn uri_of_block(block: &str) -> Option<&str> {
    let [kind, link, resource] = raw::members(Some(block), ["type", "uri", "resource"]);
    match &*raw::string(kind?)? {
        "resource_link" => link,
        "resource" => uri(resource?),
        _ => None,
    }
}

fn uri(contents: &str) -> Option<&str> {
    let [uri] = raw::members(Some(contents), ["uri"]);
    uri
}

fn entries<'a>(object: Option<&'a str>, name: &str) -> Vec<&'a str> {
    let [list] = raw::members(object, [name]);
    list.map(raw::entries).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::protocol::uri::qualified;

    /// The result as a client gets it that knows everything in `file:` by another URI.
    fn outward(method: &str, result: &str) -> Option<String> {
        let new = |uri: &str| uri.starts_with("file:").then(|| qualified("git", uri));
        let out = rewrite_uris(method, &Bytes::from(result.to_owned()), new);
        out.map(|out| String::from_utf8(out.to_vec()).unwrap())
    }

    const CONTENT: &str = r#"[{"type":"text","text":"\"uri\":\"file:///t\"","uri":"file:///no"},
        {"type":"resource_link","name":"x","uri" : "file:\/\/\/a","size":1.10,"resource":{"uri":"file:///no"}},
        {"uri":"file:///no","resource":{"text":"{}","uri":"file:///b\u00e9"},"typ\u0065":"resource"},
        {"type":"resource","resource":{"uri":"test://c"}}, 7, {"type":"resource"}, []]"#;

    const CHANGED: &str = r#"[{"type":"text","text":"\"uri\":\"file:///t\"","uri":"file:///no"},        {"type":"resource_link","name":"x","uri" : "mcproxy://git/file:///a","size":1.10,"resource":{"uri":"file:///no"}},        {"uri":"file:///no","resource":{"text":"{}","uri":"mcproxy://git/file:///bé"},"typ\u0065":"resource"},        {"type":"resource","resource":{"uri":"test://c"}}, 7, {"type":"resource"}, []]"#;

    #[test]
    fn links_and_embedded_resources_of_a_call() {
        let result = |content: &str| {
            format!(
                r#"{{"content":{content},"structuredContent":{{"content":[],"uri":"file:///no"}}}}"#
            )
        };
        let changed = outward("tools/call", &result(CONTENT));
        assert_eq!(changed, Some(result(CHANGED)));
        assert_eq!(outward("tools/list", &result(CONTENT)), None);
        assert_eq!(outward("resources/read", &result(CONTENT)), None);
    }

    #[test]
    fn one_block_or_many_in_the_messages_of_a_prompt() {
        let result = |content: &str, one: &str| {
            format!(
                r#"{{"messages":[{{"role":"user","content":{content}}},{{"content":{{"type":"resource_link","uri":"{one}"}}}},{{"content":3}}]}}"#
            )
        };
        let changed = outward("prompts/get", &result(CONTENT, "file:///x"));
        let wanted = result(CHANGED, "mcproxy://git/file:///x");
        assert_eq!(changed, Some(wanted));
    }

    #[test]
    fn everything_that_was_read() {
        let result = |one: &str, two: &str| {
            format!(
                r#"{{"contents":[{{"uri":"{one}","text":"\"uri\""}},{{"uri":"test://x"}},{{"blob":"","uri":"{two}"}}]}}"#
            )
        };
        let changed = outward("resources/read", &result("file:///1", "file:///2"));
        let wanted = result("mcproxy://git/file:///1", "mcproxy://git/file:///2");
        assert_eq!(changed, Some(wanted));
    }

    #[test]
    fn what_is_odd_stays_as_it_is() {
        for (method, result) in [
            ("resources/read", r#"{"contents":[{"uri":"test://x"}]}"#),
            (
                "resources/read",
                r#"{"contents":[{"uri":"file:///a","uri":"file:///b"}]}"#,
            ),
            (
                "resources/read",
                r#"{"contents":[],"contents":[{"uri":"file:///a"}]}"#,
            ),
            ("resources/read", r#"{"contents":{"uri":"file:///a"}}"#),
            ("resources/read", r#"{"contents":[{"uri":["file:///a"]}]}"#),
            ("resources/read", r#"[{"uri":"file:///a"}]"#),
            (
                "tools/call",
                r#"{"content":[{"type":"resource","resource":"uri","uri":"file:///a"}]}"#,
            ),
            (
                "tools/call",
                r#"{"content":[{"type":7,"uri":"file:///a"}]}"#,
            ),
            (
                "prompts/get",
                r#"{"messages":[{"content":[[{"type":"resource_link","uri":"file:///a"}]]}]}"#,
            ),
            ("prompts/get", r#"{"messages":["uri"],"uri":"#),
        ] {
            assert_eq!(outward(method, result), None, "{result}");
        }
        let broken = Bytes::from_static(b"{\"contents\":[{\"uri\":\"file:///\xff\"}]}");
        assert_eq!(
            rewrite_uris("resources/read", &broken, |_| Some(String::new())),
            None
        );
    }

    proptest! {
        #[test]
        fn changing_it_back_gives_the_same_bytes(
            uris in prop::collection::vec("[a-z]{1,5}:[a-z/{}\"\\\\é]{0,9}", 1..5),
            text in any::<String>(),
        ) {
            let entries = uris.iter().map(|uri| serde_json::json!({"text": text, "uri": uri}));
            let result = serde_json::json!({"contents": entries.collect::<Vec<_>>()}).to_string();
            let result = Bytes::from(result);
            let there = rewrite_uris("resources/read", &result, |uri| Some(qualified("x", uri)));
            let back = rewrite_uris("resources/read", &there.unwrap(), |uri| {
                crate::protocol::uri::unqualify(uri).map(|(_, native)| native.to_owned())
            });
            prop_assert_eq!(back, Some(result));
        }
    }
}
