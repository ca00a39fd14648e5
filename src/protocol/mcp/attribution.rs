//! Who a request is from and what it belongs to, for records of it. Nothing here decides anything, so whatever
//! is odd is as good as absent.

use bytes::Bytes;

use super::super::modern::keys;
use super::super::raw;

/// What is longer is no name and no trace.
const LONGEST: usize = 1024;

/// What a request says of itself.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Attribution {
    /// What its client calls itself.
    pub client: Option<String>,
    /// The client's version.
    pub client_version: Option<String>,
    /// W3C Trace Context.
    pub traceparent: Option<String>,
}

/// Of a request with these `params`. `info` is the raw `clientInfo` of a handshake; without one the request has
/// it (2026-07-28, basic, "Request metadata").
#[must_use]
pub fn of(params: &[u8], info: Option<&str>) -> Attribution {
    let [meta] = raw::members(std::str::from_utf8(params).ok(), ["_meta"]);
    let [own, traceparent] = raw::members(meta, [keys::CLIENT_INFO, "traceparent"]);
    let [name, version] = raw::members(info.or(own), ["name", "version"]);
    let text = |raw: Option<&str>| {
        let raw = raw.filter(|raw| raw.len() <= LONGEST);
        raw.and_then(raw::string).map(String::from)
    };
    let is_trace = |text: &String| text.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-');
    Attribution {
        client: text(name),
        client_version: text(version),
        traceparent: text(traceparent).filter(is_trace),
    }
}

/// Whether the result of a tool says that it is an error.
#[must_use]
pub fn is_error(result: &Bytes) -> bool {
    let [is_error] = raw::members(std::str::from_utf8(result).ok(), ["isError"]);
    is_error == Some("true")
}

/// The code of a raw error.
#[must_use]
pub fn code_of(error: &Bytes) -> Option<i64> {
    let [code] = raw::members(std::str::from_utf8(error).ok(), ["code"]);
    code?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    fn said(params: &str, info: Option<&str>) -> [String; 3] {
        let said = of(params.as_bytes(), info);
        [said.client, said.client_version, said.traceparent].map(Option::unwrap_or_default)
    }

    #[test]
    fn both_eras_say_who_asks() {
        let info = r#"{"name":"c\u0061t","version":"1","title":"x"}"#;
        let meta = format!(r#"{{"name":"t","_meta":{{"traceparent":"{TRACE}"}}}}"#);
        assert_eq!(said(&meta, Some(info)), ["cat", "1", TRACE]);
        let modern = format!(r#"{{"_meta":{{"{}":{info}}}}}"#, keys::CLIENT_INFO);
        assert_eq!(said(&modern, None), ["cat", "1", ""]);
    }

    #[test]
    fn what_is_odd_is_absent() {
        let long = format!(r#"{{"_meta":{{"traceparent":"{}"}}}}"#, "0".repeat(2000));
        for params in [
            "",
            "[]",
            "{",
            r#"{"_meta":1}"#,
            r#"{"_meta":{"traceparent":"x\ny"}}"#,
            &long,
        ] {
            assert_eq!(said(params, None), ["", "", ""], "{params}");
        }
        assert_eq!(said("{}", Some(r#"{"name":1}"#)), ["", "", ""]);
        assert!(is_error(&Bytes::from_static(br#"{"isError":true}"#)));
        assert!(!is_error(&Bytes::from_static(
            br#"{"isError":"true","a":{"isError":true}}"#
        )));
        assert_eq!(
            code_of(&Bytes::from_static(br#"{"code":-32602}"#)),
            Some(-32602)
        );
        assert_eq!(code_of(&Bytes::from_static(br#"{"code":1.5}"#)), None);
    }
}
