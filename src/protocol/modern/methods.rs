//! The requests that clients may make in this revision (2026-07-28, schema, `ClientRequest`). What was
//! taken out since 2025-11-25 is not among them.

use std::borrow::Cow;

use bytes::Bytes;

use super::super::mcp::method;
use super::super::raw;
use super::listen::LISTEN;

/// All of them. The methods of extensions are not here.
const KNOWN: [&str; 10] = [
    method::TOOLS_CALL,
    method::TOOLS_LIST,
    method::RESOURCES_READ,
    method::RESOURCES_LIST,
    method::TEMPLATES_LIST,
    method::PROMPTS_GET,
    method::PROMPTS_LIST,
    method::COMPLETE,
    method::DISCOVER,
    LISTEN,
];

/// Whether `method` is one of them.
#[must_use]
pub fn is_known(method: &str) -> bool {
    KNOWN.contains(&method)
}

/// The member of a request's params that its header `Mcp-Name` says too, where there is to be one.
#[must_use]
pub fn named_by(method: &str) -> Option<&'static str> {
    match method {
        method::TOOLS_CALL | method::PROMPTS_GET => Some("name"),
        method::RESOURCES_READ => Some("uri"),
        _ => None,
    }
}

/// What that member says, if it is there once and is text; else the request is wrong in another way.
#[must_use]
pub fn name<'a>(member: &str, params: Option<&'a Bytes>) -> Option<Cow<'a, str>> {
    let text = params.and_then(|params| std::str::from_utf8(params).ok());
    let [name] = raw::members(text, [member]);
    name.and_then(raw::string)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_taken_out_is_not_known() {
        for gone in [
            "initialize",
            "ping",
            "logging/setLevel",
            "resources/subscribe",
            "resources/unsubscribe",
            "notifications/cancelled",
            "tools/Call",
            "",
        ] {
            assert!(!is_known(gone), "{gone}");
        }
        assert!(is_known("server/discover") && is_known("subscriptions/listen"));
    }

    #[test]
    fn names_are_read_decoded() {
        let read = |method, text: &'static str| {
            let params = Bytes::from_static(text.as_bytes());
            named_by(method).and_then(|member| Some(name(member, Some(&params))?.into_owned()))
        };
        let said = |text: &str| Some(text.to_owned());
        assert_eq!(read("tools/call", r#"{"name":"a\u0062"}"#), said("ab"));
        assert_eq!(read("prompts/get", r#"{"uri":"u","name":"n"}"#), said("n"));
        assert_eq!(read("resources/read", r#"{"uri":"u"}"#), said("u"));
        assert_eq!(read("tools/list", r#"{"name":"n"}"#), None);
        for odd in [r#"{"name":7}"#, r#"{"name":"a","name":"b"}"#, "{}", "[]"] {
            assert_eq!(read("tools/call", odd), None, "{odd}");
        }
    }
}
