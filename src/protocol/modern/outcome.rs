//! Results of servers without a handshake, and what of them a client with one can read (2026-07-28,
//! basic, "Results").

use std::ops::Range;

use bytes::Bytes;

use super::super::jsonrpc::{self, code};
use super::super::raw;
use super::keys;

/// What a result says it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResultType {
    /// The answer. What says nothing is one too.
    Complete,
    /// Questions to the client.
    InputRequired,
    /// What only some extension knows.
    Other,
}

/// What `result`, valid JSON, says it is.
#[must_use]
pub fn type_of(result: &[u8]) -> ResultType {
    let [kind] = raw::members(std::str::from_utf8(result).ok(), ["resultType"]);
    match kind {
        None => ResultType::Complete,
        Some(kind) if raw::is_text(kind, "complete") => ResultType::Complete,
        Some(kind) if raw::is_text(kind, "input_required") => ResultType::InputRequired,
        Some(_) => ResultType::Other,
    }
}

/// What it says, if it is none of the core's.
#[must_use]
pub fn other_type(result: &[u8]) -> Option<String> {
    let [kind] = raw::members(std::str::from_utf8(result).ok(), ["resultType"]);
    kind.and_then(raw::string).map(String::from)
}

/// The result without what is the later era's own.
#[must_use]
pub fn without_modern(result: &Bytes) -> Bytes {
    const OWN: [&str; 3] = ["resultType", "ttlMs", "cacheScope"];
    let Ok(text) = std::str::from_utf8(result) else {
        return result.clone();
    };
    let [meta] = raw::members(Some(text), ["_meta"]);
    let meta = meta.and_then(|meta| without_own(text, meta));
    let is_bare = matches!(meta, Some((_, false)));
    let is_out = |name: &str| {
        let is_own = OWN.iter().any(|own| raw::is_text(name, own));
        is_own || (is_bare && raw::is_text(name, "_meta"))
    };
    let Some((mut spans, _)) = raw::member_spans(text, text, is_out) else {
        return result.clone();
    };
    spans.extend(
        meta.filter(|_| !is_bare)
            .into_iter()
            .flat_map(|(own, _)| own),
    );
    without(result, spans)
}

/// The params of a notification without what says which `subscriptions/listen` it belongs to.
#[must_use]
pub fn without_subscription(params: &Bytes) -> Bytes {
    let Ok(text) = std::str::from_utf8(params) else {
        return params.clone();
    };
    let [meta] = raw::members(Some(text), ["_meta"]);
    match meta.and_then(|meta| Some((meta, without_own(text, meta)?))) {
        Some((_, (spans, true))) => without(params, spans),
        Some((_, (_, false))) => {
            let is_meta = |name: &str| raw::is_text(name, "_meta");
            let spans = raw::member_spans(text, text, is_meta);
            spans.map_or_else(|| params.clone(), |(spans, _)| without(params, spans))
        }
        None => params.clone(),
    }
}

/// Where the protocol's own members of `meta` lie, if it has some, and whether it has others.
fn without_own(text: &str, meta: &str) -> Option<(Vec<Range<usize>>, bool)> {
    const OWN: [&str; 2] = [keys::SERVER_INFO, keys::SUBSCRIPTION_ID];
    let is_own = |name: &str| OWN.iter().any(|own| raw::is_text(name, own));
    let found = raw::member_spans(text, meta, is_own)?;
    (!found.0.is_empty()).then_some(found)
}

fn without(source: &Bytes, spans: Vec<Range<usize>>) -> Bytes {
    if spans.is_empty() {
        return source.clone();
    }
    let edits = spans.into_iter().map(|span| (span, &[][..]));
    raw::splice(source, edits.collect()).into()
}

/// The error with which servers of the earlier era say that there is no such resource, in the place
/// of the later one's: that has no code of its own, and names the URI (2026-07-28, server/resources,
/// "Error Handling").
#[must_use]
pub fn not_found(error: &Bytes) -> Option<Bytes> {
    if code::of(error) != Some(code::INVALID_PARAMS) {
        return None;
    }
    let text = std::str::from_utf8(error).ok();
    let [message, data] = raw::members(text, ["message", "data"]);
    let [uri] = raw::members(data, ["uri"]);
    let message = message.and_then(raw::string).unwrap_or_default();
    let says_so = message.to_ascii_lowercase().contains("not found");
    (uri.is_some() || says_so).then(|| jsonrpc::error_object(code::RESOURCE_NOT_FOUND, &message))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stripped(text: &str) -> String {
        let result = without_modern(&Bytes::from(text.to_owned()));
        String::from_utf8(result.to_vec()).unwrap()
    }

    #[test]
    fn nothing_of_the_later_era_is_left_and_nothing_else_goes() {
        const INFO: &str = r#""io.modelcontextprotocol/serverInfo":{"name":"s","version":"1"}"#;
        for (text, wanted) in [
            (
                r#"{"content":[{"ttlMs":1.10}]}"#,
                r#"{"content":[{"ttlMs":1.10}]}"#,
            ),
            (
                r#"{"resultType":"complete","content":[]}"#,
                r#"{"content":[]}"#,
            ),
            (
                r#"{"content":[],"resultType":"complete","_meta":{INFO}}"#,
                r#"{"content":[]}"#,
            ),
            (
                r#"{"_meta":{"a":1.10,INFO},"ttlMs":0,"cacheScope":"public","contents":[]}"#,
                r#"{"_meta":{"a":1.10},"contents":[]}"#,
            ),
            (r#"{"_meta":{},"x":1}"#, r#"{"_meta":{},"x":1}"#),
            (r#"{"resultType":"complete"}"#, "{}"),
        ] {
            assert_eq!(stripped(&text.replace("INFO", INFO)), wanted, "{text}");
        }
    }

    #[test]
    fn a_notification_belongs_to_nobody_s_subscription() {
        for (params, wanted) in [
            (
                r#"{"uri":"a:b","_meta":{"io.modelcontextprotocol/subscriptionId":7}}"#,
                r#"{"uri":"a:b"}"#,
            ),
            (
                r#"{"_meta":{"io.modelcontextprotocol/subscriptionId":"x","v":1.10},"uri":"a:b"}"#,
                r#"{"_meta":{"v":1.10},"uri":"a:b"}"#,
            ),
            (r#"{"uri":"a:b","_meta":{}}"#, r#"{"uri":"a:b","_meta":{}}"#),
        ] {
            assert_eq!(without_subscription(&Bytes::from(params)), wanted);
        }
    }

    #[test]
    fn a_result_says_what_it_is() {
        for (text, wanted) in [
            ("{}", ResultType::Complete),
            (r#"{"resultType":"c\u006fmplete"}"#, ResultType::Complete),
            (
                r#"{"resultType":"input_required"}"#,
                ResultType::InputRequired,
            ),
            (r#"{"resultType":"task"}"#, ResultType::Other),
        ] {
            assert_eq!(type_of(text.as_bytes()), wanted, "{text}");
        }
    }

    #[test]
    fn a_resource_that_is_not_there_has_the_code_of_its_era() {
        let of =
            |error: &str| not_found(&Bytes::from(error.to_owned())).map(|error| code::of(&error));
        let found = Some(Some(-32002));
        assert_eq!(
            of(r#"{"code":-32602,"message":"Resource not found: a"}"#),
            found
        );
        assert_eq!(
            of(r#"{"code":-32602,"message":"?","data":{"uri":"a:b"}}"#),
            found
        );
        assert_eq!(of(r#"{"code":-32602,"message":"bad"}"#), None);
        assert_eq!(of(r#"{"code":-32603,"message":"not found"}"#), None);
    }
}
