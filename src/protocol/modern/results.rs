//! What a result says in this revision beside its body: that it is complete, which program answered,
//! and for how long it may be kept (2026-07-28, basic, "Responses", and server/utilities/caching).

use std::ops::Range;
use std::sync::LazyLock;

use bytes::Bytes;

use super::super::jsonrpc::{self, code};
use super::super::mcp::lifecycle;
use super::super::raw::{self, Member};
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
    let text = std::str::from_utf8(result).unwrap_or_default();
    let names = ["resultType", "_meta", "ttlMs", "cacheScope"];
    let Some([kind, meta, ttl, scope]) = raw::pick_read(text, names) else {
        return result.to_vec();
    };
    let mut stamp = Stamp::new(text);
    stamp.say(r#""resultType":"complete","#, kind, |_| true);
    let asks = |kind| raw::is_text(kind, INPUT_REQUIRED);
    let is_answer = !matches!(kind, Member::Once(kind) if asks(kind));
    if let (Caching::Said { is_private }, true) = (caching, is_answer) {
        let is_time = |ttl: &str| ttl.parse::<u64>().is_ok();
        stamp.say(r#""ttlMs":0,"#, ttl, is_time);
        let may_stay = |scope: &str| !is_private || raw::is_text(scope, "private");
        stamp.say(r#""cacheScope":"private","#, scope, may_stay);
    }
    stamp.name(meta);
    stamp.print()
}

/// What is put into a result, and where.
struct Stamp<'a> {
    text: &'a str,
    /// Where a member can be put before all others, with a comma behind it.
    front: usize,
    edits: Vec<(Range<usize>, &'static [u8])>,
}

impl<'a> Stamp<'a> {
    fn new(text: &'a str) -> Self {
        Self {
            text,
            front: raw::inside(text, text),
            edits: Vec::with_capacity(4),
        }
    }

    /// It has this `member`, which has a comma behind it: the one that was `found`, if its value may stay.
    /// Which of two counts nobody knows: they stay.
    fn say(&mut self, member: &'static str, found: Member<'a>, may_stay: impl Fn(&str) -> bool) {
        match found {
            Member::Absent => self.put(self.front, member),
            Member::Once(found) if found == "null" || !may_stay(found) => {
                let (_, value) = member.split_once(':').unwrap_or_default();
                let value = value.trim_end_matches(',').as_bytes();
                self.edits.push((raw::span(self.text, found), value));
            }
            Member::Once(_) | Member::Repeated => {}
        }
    }

    /// Its `_meta` has the gateway's name in it, and no other server's.
    fn name(&mut self, meta: Member<'a>) {
        let Member::Once(object) = meta else {
            return self.say(&META, meta, |_| true);
        };
        match raw::pick_read(object, [keys::SERVER_INFO]) {
            None => self.say(&META, meta, |_| false),
            Some([Member::Absent]) if is_empty(object) => {
                self.put(raw::inside(self.text, object), INFO.trim_end_matches(','));
            }
            Some([Member::Absent]) => self.put(raw::inside(self.text, object), &INFO),
            Some([named]) => self.say(&INFO, named, |_| false),
        }
    }

    fn put(&mut self, at: usize, member: &'static str) {
        self.edits.push((at..at, member.as_bytes()));
    }

    fn print(mut self) -> Vec<u8> {
        if is_empty(self.text)
            && let Some((_, last)) = self.edits.last_mut()
        {
            *last = last.strip_suffix(b",").unwrap_or(last);
        }
        raw::splice(self.text.as_bytes(), self.edits)
    }
}

/// Whether an object has no members.
fn is_empty(object: &str) -> bool {
    let rest = object.trim_ascii_start().strip_prefix('{');
    rest.is_some_and(|rest| rest.trim_ascii_start().starts_with('}'))
}

/// The member of `_meta` that names the gateway, with the comma behind it.
static INFO: LazyLock<String> =
    LazyLock::new(|| format!(r#""{}":{},"#, keys::SERVER_INFO, lifecycle::gateway_info()));
/// A whole `_meta` with it, in the same way.
static META: LazyLock<String> =
    LazyLock::new(|| format!(r#""_meta":{{{}}},"#, INFO.trim_end_matches(',')));
/// What the result of a list begins with, up to the brace of the result itself and without it: the
/// lists of the gateway have no such members.
static LIST_HEAD: LazyLock<String> =
    LazyLock::new(|| format!(r#"{{"resultType":"complete"{NO_STORE},{}"#, *META));

/// What the result of a list begins with, up to the brace of the result itself and without it.
#[must_use]
pub fn list_head() -> &'static str {
    &LIST_HEAD
}

/// The result of `server/discover` (2026-07-28, server/discover): what the gateway declares to every
/// client, whatever its servers offer at the moment, and the extensions that they declare, an object.
/// `instructions` are advice to the model.
#[must_use]
pub fn discovered(instructions: Option<&str>, extensions: Option<&str>) -> Vec<u8> {
    let mut out = list_head().as_bytes().to_vec();
    out.extend_from_slice(br#""supportedVersions":[""#);
    out.extend_from_slice(super::super::version::MODERN.as_bytes());
    out.extend_from_slice(br#""],"capabilities":"#);
    out.extend_from_slice(lifecycle::capabilities_with(extensions).as_bytes());
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
        let all: Value =
            serde_json::from_str(&format!("{}}}", list_head().trim_end_matches(','))).unwrap();
        all["_meta"].clone()
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
        for odd in [r#"{"_meta":null,"resultType":null}"#, r#"{"_meta":[1]}"#] {
            assert_eq!(stamp(odd, Caching::Unsaid), empty, "{odd}");
            let told = String::from_utf8(stamped(odd.as_bytes(), Caching::Unsaid)).unwrap();
            assert_eq!(told.matches("_meta").count(), 1);
        }
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
