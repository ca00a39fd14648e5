//! What a result says in this revision beside its body: that it is complete, which program answered,
//! and for how long it may be kept (2026-07-28, basic, "Responses", and server/utilities/caching).

use bytes::Bytes;

use super::super::jsonrpc::{self, code};
use super::super::{mcp::lifecycle, raw};
use super::keys;

/// The members of a result that is kept for no time, and by nobody for others: a change of what is
/// offered shows at once. Settings of servers pass.
const NO_STORE: &str = r#","ttlMs":0,"cacheScope":"private""#;
/// What a client has to do more for, than to read it.
const INPUT_REQUIRED: &str = "input_required";

/// Whether clients may keep a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Caching {
    /// It is none of those that say.
    Unsaid,
    /// It says, and for whom: everybody, unless tokens tell clients apart.
    Said {
        /// Whether what one client reads is not for others.
        is_private: bool,
    },
}

/// The raw `result` of a server of either era, as this revision has it. What it says of itself stays;
/// which program answered is the gateway, as clients see it.
#[must_use]
pub fn stamped(result: &[u8], caching: Caching) -> Vec<u8> {
    let names = ["resultType", "_meta", "ttlMs", "cacheScope"];
    let text = std::str::from_utf8(result).ok();
    let [kind, meta, ttl, scope] = raw::members(text, names);
    let (Some(text), Some(rest)) = (text, object_rest(result)) else {
        return result.to_vec();
    };
    let mut edits = Vec::new();
    let mut head = String::from("{");
    if kind.is_none() {
        head.push_str(r#""resultType":"complete""#);
    }
    let is_answer = kind.is_none_or(|kind| !raw::is_text(kind, INPUT_REQUIRED));
    if let (Caching::Said { is_private }, true) = (caching, is_answer) {
        match ttl {
            None => head.push_str(r#","ttlMs":0"#),
            Some(ttl) if ttl.parse::<u64>().is_err() => {
                edits.push((raw::span(text, ttl), &b"0"[..]));
            }
            Some(_) => {}
        }
        match scope {
            None => head.push_str(r#","cacheScope":"private""#),
            Some(scope) if is_private && !raw::is_text(scope, "private") => {
                edits.push((raw::span(text, scope), &br#""private""#[..]));
            }
            Some(_) => {}
        }
    }
    let info = server_info();
    let meta_edit = meta.map(|meta| (raw::span(text, meta), with_server_info(meta, &info)));
    if meta.is_none() {
        head.push_str(r#","_meta":{"#);
        head.push_str(&info);
        head.push('}');
    }
    edits.extend(
        meta_edit
            .as_ref()
            .map(|(span, meta)| (span.clone(), meta.as_slice())),
    );
    let head = head.replacen("{,", "{", 1);
    let mut out = Vec::with_capacity(result.len() + head.len() + 1);
    out.extend_from_slice(head.as_bytes());
    if !rest.trim_ascii_start().starts_with(b"}") && head.len() > 1 {
        out.push(b',');
    }
    let body = raw::splice(result, edits);
    out.extend_from_slice(object_rest(&body).unwrap_or_default());
    out
}

/// What follows the brace that an object begins with.
fn object_rest(object: &[u8]) -> Option<&[u8]> {
    object.trim_ascii_start().strip_prefix(b"{")
}

/// `_meta` with the gateway's name in it, and no other server's.
fn with_server_info(meta: &str, info: &str) -> Vec<u8> {
    let [named] = raw::members(Some(meta), [keys::SERVER_INFO]);
    let Some(rest) = object_rest(meta.as_bytes()) else {
        return [b"{", info.as_bytes(), b"}"].concat();
    };
    if let Some(named) = named {
        let ours = info.split_once(':').map_or("", |(_, ours)| ours);
        return raw::splice(
            meta.as_bytes(),
            vec![(raw::span(meta, named), ours.as_bytes())],
        );
    }
    let comma: &[u8] = if rest.trim_ascii_start().starts_with(b"}") {
        b""
    } else {
        b","
    };
    [b"{", info.as_bytes(), comma, rest].concat()
}

/// The member of `_meta` that names the gateway.
fn server_info() -> String {
    format!(r#""{}":{}"#, keys::SERVER_INFO, lifecycle::gateway_info())
}

/// What the result of a list begins with, up to the brace of the result itself and without it: the
/// lists of the gateway have no such members.
#[must_use]
pub fn list_head() -> String {
    let info = server_info();
    format!(r#"{{"resultType":"complete"{NO_STORE},"_meta":{{{info}}},"#)
}

/// The result of `server/discover` (2026-07-28, server/discover): what the gateway declares to every
/// client, whatever its servers offer at the moment, and the extensions that they declare, an object.
/// `instructions` are advice to the model.
#[must_use]
pub fn discovered(instructions: Option<&str>, extensions: Option<&str>) -> Vec<u8> {
    let mut out = list_head().into_bytes();
    out.extend_from_slice(br#""supportedVersions":[""#);
    out.extend_from_slice(super::super::version::MODERN.as_bytes());
    out.extend_from_slice(br#""],"capabilities":"#);
    let capabilities = lifecycle::CAPABILITIES;
    match (extensions, capabilities.strip_suffix('}')) {
        (Some(extensions), Some(open)) => {
            out.extend_from_slice(open.as_bytes());
            out.extend_from_slice(br#","extensions":"#);
            out.extend_from_slice(extensions.as_bytes());
            out.push(b'}');
        }
        _ => out.extend_from_slice(capabilities.as_bytes()),
    }
    if let Some(instructions) = instructions {
        out.extend_from_slice(br#","instructions":"#);
        raw::push_string(&mut out, instructions);
    }
    out.push(b'}');
    out
}

/// The raw error of a server of either era, as this revision has it: there is no code of its own for
/// a resource that is not found (2026-07-28, server/resources, "Error Handling"). `uri` is what was
/// asked for, if it was a resource.
#[must_use]
pub fn error(error: &[u8], uri: Option<&str>) -> Bytes {
    if code::of(error) != Some(code::RESOURCE_NOT_FOUND) {
        return Bytes::copy_from_slice(error);
    }
    let [message] = raw::members(std::str::from_utf8(error).ok(), ["message"]);
    let message = message.and_then(raw::string);
    let message = message.as_deref().unwrap_or("Resource not found");
    match uri.map(raw::quoted) {
        Some(uri) => {
            let data = [br#"{"uri":"#, &uri[..], b"}"].concat();
            jsonrpc::error_object_with(code::INVALID_PARAMS, message, &data)
        }
        None => jsonrpc::error_object(code::INVALID_PARAMS, message),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const SAID: Caching = Caching::Said { is_private: false };

    fn stamp(result: &str, caching: Caching) -> Value {
        serde_json::from_slice(&stamped(result.as_bytes(), caching)).unwrap()
    }

    fn info() -> Value {
        serde_json::from_str(&format!("{{{}}}", server_info())).unwrap()
    }

    #[test]
    fn a_result_of_an_older_server_is_complete_and_kept_by_nobody() {
        let plain = stamp(r#"{"content":[],"n":1.10}"#, Caching::Unsaid);
        let wanted = json!({"resultType": "complete", "_meta": info(), "content": [], "n": 1.10});
        assert_eq!(plain, wanted);
        let empty = stamp(" { } ", SAID);
        let wanted =
            json!({"resultType": "complete", "_meta": info(), "ttlMs": 0, "cacheScope": "private"});
        assert_eq!(empty, wanted);
        let bytes = stamped(br#"{"a":1.10,"b":"\u0041"}"#, Caching::Unsaid);
        assert!(bytes.ends_with(br#","a":1.10,"b":"\u0041"}"#), "as it came");
    }

    #[test]
    fn what_a_server_says_of_its_result_stays_but_for_its_name() {
        let own = r#"{"resultType":"complete","ttlMs":5,"cacheScope":"public","contents":[],
            "_meta":{"x":1,"io.modelcontextprotocol/serverInfo":{"name":"s","version":"1"}}}"#;
        let mut meta = info();
        meta["x"] = 1.into();
        let mut wanted = json!({"resultType": "complete", "ttlMs": 5, "cacheScope": "public",
            "contents": [], "_meta": meta});
        assert_eq!(stamp(own, SAID), wanted);
        wanted["cacheScope"] = "private".into();
        assert_eq!(stamp(own, Caching::Said { is_private: true }), wanted);
        assert_eq!(stamp(r#"{"ttlMs":-5}"#, SAID)["ttlMs"], 0);
        let beside = stamp(r#"{"_meta":{"x":1},"a":2}"#, Caching::Unsaid);
        let wanted = json!({"resultType": "complete", "_meta": meta, "a": 2});
        assert_eq!(beside, wanted);
        let empty = stamp(r#"{"_meta":{}}"#, Caching::Unsaid);
        assert_eq!(empty, json!({"resultType": "complete", "_meta": info()}));
    }

    #[test]
    fn what_asks_for_more_is_not_kept_and_what_is_no_object_is_left() {
        let asks = r#"{"resultType":"input_required","inputRequests":{}}"#;
        let wanted = json!({"resultType": "input_required", "inputRequests": {}, "_meta": info()});
        assert_eq!(stamp(asks, SAID), wanted);
        assert_eq!(stamped(b"[1]", SAID), b"[1]");
    }

    #[test]
    fn what_is_discovered() {
        let read: Value = serde_json::from_slice(&discovered(Some("be \"kind\""), None)).unwrap();
        assert_eq!(read["supportedVersions"], json!(["2026-07-28"]));
        assert_eq!(read["instructions"], "be \"kind\"");
        assert_eq!(read["capabilities"]["tools"]["listChanged"], true);
        assert_eq!((&read["ttlMs"], &read["_meta"]), (&0.into(), &info()));
        assert_eq!(read["capabilities"].get("extensions"), None);
        let with = discovered(None, Some(r#"{"a/b":{}}"#));
        let mut with: Value = serde_json::from_slice(&with).unwrap();
        assert_eq!(
            with["capabilities"]["extensions"].take(),
            json!({"a/b": {}})
        );
        assert_eq!(with["capabilities"]["tools"]["listChanged"], true);
    }

    #[test]
    fn a_missing_resource_is_named_in_its_error() {
        let told = br#"{"code":-32002,"message":"no \"x\"","data":1}"#;
        let read: Value = serde_json::from_slice(&error(told, Some("a:b"))).unwrap();
        let wanted = json!({"code": -32602, "message": "no \"x\"", "data": {"uri": "a:b"}});
        assert_eq!(read, wanted);
        let other = br#"{"code":-32000,"message":""}"#;
        assert_eq!(&error(other, None)[..], other);
    }
}
