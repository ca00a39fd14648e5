//! The handshake, both ways: what the gateway says as a client of its servers and what it reads in
//! their answer; what it answers its own clients.

use bytes::Bytes;

use super::super::raw;
use super::super::version::Version;

/// The gateway's name in `clientInfo` and `serverInfo`.
const NAME: &str = env!("CARGO_PKG_NAME");
/// The gateway's version there.
const RELEASE: &str = env!("CARGO_PKG_VERSION");

/// The params of the `initialize` that the gateway sends to a server. It declares no capabilities,
/// so that no server may ask it for sampling, roots or elicitation.
#[must_use]
pub fn initialize_params(version: Version) -> Bytes {
    format!(
        r#"{{"protocolVersion":"{version}","capabilities":{{}},"clientInfo":{{"name":"{NAME}","version":"{RELEASE}"}}}}"#
    )
    .into()
}

/// What a server said of itself in its answer to `initialize`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerInfo {
    /// The revision it speaks.
    pub version: Version,
    /// Whether it offers tools: `capabilities.tools` is there.
    pub has_tools: bool,
    /// Its advice to the model.
    pub instructions: Option<String>,
    /// `serverInfo.name`; the handshake holds without it.
    pub name: Option<String>,
    /// `serverInfo.version`.
    pub release: Option<String>,
}

/// Reads a server's answer to `initialize`. The error says why no session is possible with it: a
/// revision that is not spoken here, or none. All else is forgiven.
pub fn server_info(result: &Bytes) -> Result<ServerInfo, String> {
    let text = raw::text(result, "the result's bytes")?;
    let names = [
        "protocolVersion",
        "capabilities",
        "instructions",
        "serverInfo",
    ];
    let [version, capabilities, instructions, info] =
        raw::pick(text, names).map_err(|error| format!("the result is unusable: {error}"))?;
    let asked = string_member(version.value("protocolVersion")?);
    let asked = asked.ok_or("the result names no protocolVersion")?;
    let version = Version::parse(&asked).ok_or_else(|| unknown_version(&asked))?;
    let [tools] = members(capabilities.value("capabilities")?, ["tools"]);
    let [name, release] = members(info.value("serverInfo")?, ["name", "version"]);
    Ok(ServerInfo {
        version,
        has_tools: tools.is_some(),
        instructions: string_member(instructions.value("instructions")?),
        name: string_member(name),
        release: string_member(release),
    })
}

fn unknown_version(asked: &str) -> String {
    let known: Vec<&str> = Version::all().map(Version::as_str).collect();
    let shown: String = asked.chars().take(40).collect();
    format!(
        "it speaks protocol revision {shown:?}; known here are {}",
        known.join(", ")
    )
}

/// The members of something optional: all absent if it is, or is no object.
fn members<'a, const N: usize>(raw: Option<&'a str>, names: [&str; N]) -> [Option<&'a str>; N] {
    let found = raw.and_then(|raw| raw::pick(raw, names).ok());
    found.map_or([None; N], |found| {
        found.map(|member| member.value("").ok().flatten())
    })
}

fn string_member(raw: Option<&str>) -> Option<String> {
    raw.and_then(raw::string).map(String::from)
}

/// The revision to speak with a client, from the params of its `initialize`.
#[must_use]
pub fn requested_version(params: Option<&Bytes>) -> Version {
    let text = params.and_then(|params| std::str::from_utf8(params).ok());
    let [asked] = members(text, ["protocolVersion"]);
    string_member(asked).map_or(Version::LATEST, |asked| Version::negotiate(&asked))
}

/// The gateway's answer to a client's `initialize`. `listChanged` is always declared: servers come
/// and go while a session lives.
#[must_use]
pub fn initialize_result(version: Version) -> Bytes {
    format!(
        r#"{{"protocolVersion":"{version}","capabilities":{{"tools":{{"listChanged":true}}}},"serverInfo":{{"name":"{NAME}","title":"mcproxy gateway","version":"{RELEASE}"}}}}"#
    )
    .into()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn info(text: &'static str) -> Result<ServerInfo, String> {
        server_info(&Bytes::from_static(text.as_bytes()))
    }

    #[test]
    fn a_full_answer_is_read() {
        let read = info(
            r#"{"protocolVersion":"2025-06-18","capabilities":{"tools":{},"x":1},
                "serverInfo":{"name":"git","version":"1.2","vendor":0},"instructions":"be \"kind\""}"#,
        );
        let wanted = ServerInfo {
            version: Version::V2025_06_18,
            has_tools: true,
            instructions: Some("be \"kind\"".to_owned()),
            name: Some("git".to_owned()),
            release: Some("1.2".to_owned()),
        };
        assert_eq!(read, Ok(wanted));
    }

    #[test]
    fn what_is_missing_or_odd_is_forgiven_but_for_the_revision() {
        for text in [
            r#"{"protocolVersion":"2024-11-05"}"#,
            r#"{"protocolVersion":"2024-11-05","capabilities":null,"serverInfo":null}"#,
            r#"{"protocolVersion":"2024-11-05","capabilities":{"tools":null},"serverInfo":"git"}"#,
            r#"{"protocolVersion":"2024-11-05","capabilities":[],"instructions":7}"#,
        ] {
            let read = info(text).unwrap();
            assert_eq!(read.version, Version::V2024_11_05);
            assert_eq!(
                (read.has_tools, read.name, read.instructions),
                (false, None, None)
            );
        }
        let error = info(r#"{"protocolVersion":"2026-07-28"}"#).unwrap_err();
        assert!(
            error.contains("2026-07-28") && error.contains("2025-11-25"),
            "{error}"
        );
        for text in ["{}", "[]", "null", r#"{"protocolVersion":20251125}"#] {
            assert!(info(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_client_is_answered_in_its_own_revision() {
        for (params, wanted) in [
            (r#"{"protocolVersion":"2024-11-05"}"#, Version::V2024_11_05),
            (r#"{"protocolVersion":"2099-01-01"}"#, Version::LATEST),
            (r#"{"protocolVersion":null}"#, Version::LATEST),
            ("[]", Version::LATEST),
        ] {
            assert_eq!(
                requested_version(Some(&Bytes::from(params))),
                wanted,
                "{params}"
            );
        }
        assert_eq!(requested_version(None), Version::LATEST);
    }

    #[test]
    fn what_the_gateway_says_of_itself() {
        let release = env!("CARGO_PKG_VERSION");
        let params: Value = serde_json::from_slice(&initialize_params(Version::LATEST)).unwrap();
        let wanted = json!({"protocolVersion": "2025-11-25", "capabilities": {},
            "clientInfo": {"name": "mcproxy", "version": release}});
        assert_eq!(params, wanted);
        let result = initialize_result(Version::V2025_03_26);
        let wanted = json!({"protocolVersion": "2025-03-26",
            "capabilities": {"tools": {"listChanged": true}},
            "serverInfo": {"name": "mcproxy", "title": "mcproxy gateway", "version": release}});
        assert_eq!(serde_json::from_slice::<Value>(&result).unwrap(), wanted);
        assert_eq!(
            server_info(&result).unwrap().name.as_deref(),
            Some("mcproxy")
        );
    }
}
