//! `server/discover`: what a server says of itself without a handshake (2026-07-28,
//! server/discover), and the refusal of `initialize` by one that knows no handshake.

use bytes::Bytes;

use super::super::jsonrpc::code;
use super::super::mcp::lifecycle::ServerInfo;
use super::super::raw;
use super::super::version::{MODERN, Version};
use super::extensions::Extensions;
use super::keys;

/// Reads a server's answer to `server/discover`. The error says why nothing can be asked of it.
pub fn server_info(result: &Bytes) -> Result<ServerInfo, String> {
    let text = raw::text(result, "the result's bytes")?;
    let names = ["supportedVersions", "capabilities", "instructions", "_meta"];
    let [versions, capabilities, instructions, meta] =
        raw::pick(text, names).map_err(|error| format!("the result is unusable: {error}"))?;
    let versions = versions.value("supportedVersions")?;
    let versions = versions.ok_or("the result names no supportedVersions")?;
    if !raw::entries(versions).iter().any(|raw| is_modern(raw)) {
        let shown: String = versions.chars().take(80).collect();
        return Err(format!(
            "it speaks protocol revisions {shown}; known here without a handshake is {MODERN}"
        ));
    }
    let [info] = raw::members(meta.value("_meta")?, [keys::SERVER_INFO]);
    let capabilities = capabilities.value("capabilities")?;
    let [extensions] = raw::members(capabilities, ["extensions"]);
    let info = ServerInfo::read(capabilities, instructions.value("instructions")?, info);
    Ok(ServerInfo {
        extensions: Extensions::read(extensions),
        ..info
    })
}

/// Whether a server that answers `initialize` with this error knows no handshake: it refuses the
/// revision with the code that only the later era has, or names only revisions without one.
#[must_use]
pub fn refuses_handshakes(error: &Bytes) -> bool {
    let text = std::str::from_utf8(error).ok();
    let [data] = raw::members(text, ["data"]);
    let [supported] = raw::members(data, ["supported"]);
    let supported = supported.map_or_else(Vec::new, raw::entries);
    let is_known = |name: &&str| {
        let mut known = Version::names_of_servers();
        known.any(|known| raw::is_text(name, known))
    };
    let names_modern = supported.iter().any(|raw| is_modern(raw));
    let names_legacy = supported.iter().any(is_known);
    code::of(error) == Some(code::UNSUPPORTED_VERSION) && (names_modern || !names_legacy)
        || names_modern && !names_legacy
}

fn is_modern(raw: &str) -> bool {
    raw::is_text(raw, MODERN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_server_says_of_itself_is_read() {
        let result = r#"{"resultType":"complete","supportedVersions":["2025-11-25","2026-07-28"],
            "capabilities":{"tools":{"listChanged":true},"resources":{"subscribe":true},"logging":{},"extensions":{"a/b":{}}},
            "instructions":"use me","ttlMs":0,"cacheScope":"private",
            "_meta":{"io.modelcontextprotocol/serverInfo":{"name":"s","version":"2"}}}"#;
        let info = server_info(&Bytes::from(result)).unwrap();
        assert!(info.has_tools && info.has_resources && !info.has_prompts && info.has_logging);
        assert!(info.can_subscribe && info.changes.tools && !info.changes.resources);
        assert_eq!(info.instructions.as_deref(), Some("use me"));
        assert!(info.extensions.has("a/b"));
        assert_eq!((info.name.as_deref(), info.version), (Some("s"), None));
        for bad in [
            "{}",
            "[]",
            r#"{"supportedVersions":["2099-01-01"]}"#,
            r#"{"supportedVersions":"2026-07-28"}"#,
        ] {
            assert!(server_info(&Bytes::from(bad)).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_refusal_shows_who_knows_no_handshake() {
        for (error, is_evidence) in [
            (
                r#"{"code":-32022,"message":"","data":{"supported":["2026-07-28"],"requested":"2025-11-25"}}"#,
                true,
            ),
            (r#"{"code":-32022,"message":""}"#, true),
            (
                r#"{"code":-32022,"message":"","data":{"supported":["2025-06-18","2026-07-28"]}}"#,
                true,
            ),
            (
                r#"{"code":-32022,"message":"","data":{"supported":["2025-06-18"]}}"#,
                false,
            ),
            (
                r#"{"code":-32602,"message":"","data":{"supported":["2026-07-28","2027-01-01"]}}"#,
                true,
            ),
            (
                r#"{"code":-32602,"message":"","data":{"supported":["2025-06-18","2026-07-28"]}}"#,
                false,
            ),
            (
                r#"{"code":-32602,"message":"","data":{"supported":["2027-01-01"]}}"#,
                false,
            ),
            (r#"{"code":-32602,"message":"no"}"#, false),
            (r#"{"code":-32601,"message":"no"}"#, false),
        ] {
            assert_eq!(
                refuses_handshakes(&Bytes::from(error)),
                is_evidence,
                "{error}"
            );
        }
    }
}
