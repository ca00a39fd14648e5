//! Who asks, as a server without a handshake is told with every request (2026-07-28, basic,
//! "Request metadata").

use std::sync::Arc;

use bytes::Bytes;

use super::super::mcp::lifecycle::{self, ClientCapabilities};
use super::super::mcp::logging::Level;
use super::super::raw;
use super::super::version::MODERN;
use super::extensions::Extensions;
use super::keys;

/// More than this nobody says of himself.
const LONGEST_INFO: usize = 1024;

/// Who asks. The default is the gateway itself, which can be asked for nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Asker {
    /// What it can be asked for.
    pub capabilities: ClientCapabilities,
    /// From which level on it wants to hear the log of servers; nothing of it if absent.
    pub log_level: Option<Level>,
    /// The raw `clientInfo` of its `initialize`; the gateway's own stands for it.
    pub info: Option<Arc<str>>,
    /// The extensions that it knows.
    pub extensions: Extensions,
}

impl Asker {
    /// The raw `clientInfo` in the params of an `initialize`, if it is an object with the two names
    /// that it must have, and not too long.
    #[must_use]
    pub fn info_of(params: Option<&Bytes>) -> Option<Arc<str>> {
        let text = params.and_then(|params| std::str::from_utf8(params).ok());
        let [info] = raw::members(text, ["clientInfo"]);
        let info = info.filter(|info| info.len() <= LONGEST_INFO)?;
        let named = raw::members(Some(info), ["name", "version"]);
        let is_named = named.iter().all(|raw| raw.is_some_and(is_string));
        is_named.then(|| info.into())
    }

    /// The members of `_meta` that say so, without braces.
    #[must_use]
    pub fn members(&self) -> Vec<u8> {
        let mut out = format!(
            r#""{}":"{MODERN}","{}":"#,
            keys::PROTOCOL_VERSION,
            keys::CLIENT_CAPABILITIES
        )
        .into_bytes();
        let capabilities = self.capabilities.without_changes();
        out.extend_from_slice(&capabilities.to_json_with(&self.extensions));
        out.extend_from_slice(format!(r#","{}":"#, keys::CLIENT_INFO).as_bytes());
        match &self.info {
            Some(info) => raw::push_single_line(&mut out, info.as_bytes()),
            None => out.extend_from_slice(lifecycle::own_info().as_bytes()),
        }
        if let Some(level) = self.log_level {
            let level = format!(r#","{}":"{}""#, keys::LOG_LEVEL, level.as_str());
            out.extend_from_slice(level.as_bytes());
        }
        out
    }

    /// The params of a request of its own: with those members, and `params`, an object on one line
    /// that has no `_meta`.
    #[must_use]
    pub fn params(&self, params: Option<&[u8]>) -> Bytes {
        let mut out = br#"{"_meta":{"#.to_vec();
        out.extend_from_slice(&self.members());
        let rest = params.and_then(|params| params.strip_prefix(b"{"));
        match rest {
            None | Some(b"}") => out.extend_from_slice(b"}}"),
            Some(rest) => {
                out.extend_from_slice(b"},");
                out.extend_from_slice(rest);
            }
        }
        out.into()
    }
}

fn is_string(raw: &str) -> bool {
    raw.starts_with('"')
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn who_asks_is_said_in_every_request() {
        let gateway: Value = serde_json::from_slice(&Asker::default().params(None)).unwrap();
        let meta = &gateway["_meta"];
        assert_eq!(meta[keys::PROTOCOL_VERSION], "2026-07-28");
        assert_eq!(meta[keys::CLIENT_CAPABILITIES], json!({}));
        assert_eq!(meta[keys::CLIENT_INFO]["name"], "mcproxy");
        assert_eq!(meta.get(keys::LOG_LEVEL), None);
        let asker = Asker {
            capabilities: ClientCapabilities::all(),
            log_level: Some(Level::Notice),
            extensions: Extensions::apps(),
            info: Some("{\"name\":\"c\",\n\"version\":\"1.10\",\"x\":1.10}".into()),
        };
        let params = asker.params(Some(br#"{"cursor":"a"}"#));
        let read: Value = serde_json::from_slice(&params).unwrap();
        assert_eq!(read["cursor"], "a");
        assert_eq!(read["_meta"][keys::LOG_LEVEL], "notice");
        assert_eq!(
            read["_meta"][keys::CLIENT_CAPABILITIES]["sampling"]["tools"],
            json!({})
        );
        let shown = &read["_meta"][keys::CLIENT_CAPABILITIES]["extensions"];
        assert_eq!(Some(shown.to_string()), Extensions::apps().to_json());
        assert!(!params.contains(&b'\n'));
        let written = r#"{"name":"c","version":"1.10","x":1.10}"#;
        assert!(String::from_utf8_lossy(&params).contains(written));
    }

    #[test]
    fn a_client_is_named_as_it_named_itself_if_that_is_a_name() {
        let info = |info: &str| Asker::info_of(Some(&format!(r#"{{"clientInfo":{info}}}"#).into()));
        let good = r#"{"name":"c","version":"1"}"#;
        assert_eq!(info(good).as_deref(), Some(good));
        let long = format!(r#"{{"name":"{}","version":"1"}}"#, "x".repeat(LONGEST_INFO));
        for bad in [
            "null",
            "[]",
            "{}",
            r#"{"name":"c"}"#,
            r#"{"name":1,"version":"1"}"#,
            &long,
        ] {
            assert_eq!(info(bad), None, "{bad}");
        }
        assert_eq!(Asker::info_of(None), None);
    }
}
