//! The handshake, both ways: what the gateway says as a client of its servers and what it reads in
//! their answer; what it answers its own clients.

use std::borrow::Cow;

use bytes::Bytes;

use super::super::modern::extensions::Extensions;
use super::super::raw;
use super::super::version::Version;
pub use super::capabilities::ClientCapabilities;
use super::item::Kind;

/// The gateway's name in `clientInfo` and `serverInfo`.
const NAME: &str = env!("CARGO_PKG_NAME");
/// The gateway's version there.
const RELEASE: &str = env!("CARGO_PKG_VERSION");

/// The params of the `initialize` that the gateway sends to a server. `capabilities` is the raw
/// object of what that server may ask for, `{}` or [`ClientCapabilities::to_json`]'s.
#[must_use]
pub fn initialize_params(revision: &str, capabilities: &[u8]) -> Bytes {
    let mut out = format!(r#"{{"protocolVersion":"{revision}","capabilities":"#).into_bytes();
    raw::push_single_line(&mut out, capabilities);
    out.extend_from_slice(format!(r#","clientInfo":{}}}"#, own_info()).as_bytes());
    out.into()
}

/// What the gateway calls itself, as a client and as a server.
#[must_use]
pub fn own_info() -> String {
    format!(r#"{{"name":"{NAME}","version":"{RELEASE}"}}"#)
}

/// What a server said of itself in its answer to `initialize`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a capability of its own, and any of them may be there"
)]
pub struct ServerInfo {
    /// The revision that was agreed on, by a handshake.
    pub version: Option<Version>,
    /// Whether it offers tools: `capabilities.tools` is there.
    pub has_tools: bool,
    /// Whether it offers prompts.
    pub has_prompts: bool,
    /// Whether it offers resources.
    pub has_resources: bool,
    /// Whether it tells who subscribed to a resource that it changed: `resources.subscribe`.
    pub can_subscribe: bool,
    /// Whether it takes a level and sends messages for a log.
    pub has_logging: bool,
    /// Of which of its lists it tells that they changed.
    pub changes: Changes,
    /// Its advice to the model.
    pub instructions: Option<String>,
    /// `serverInfo.name`; the handshake holds without it.
    pub name: Option<String>,
    /// `serverInfo.version`.
    pub release: Option<String>,
    /// What it declares beside the core; with a handshake, no more than MCP Apps.
    pub extensions: Extensions,
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
    let version = Version::of_server(&asked).ok_or_else(|| unknown_version(&asked))?;
    let [capabilities, instructions, info] = [
        capabilities.value("capabilities")?,
        instructions.value("instructions")?,
        info.value("serverInfo")?,
    ];
    let [extensions] = raw::members(capabilities, ["extensions"]);
    let info = ServerInfo::read(capabilities, instructions, info);
    Ok(ServerInfo {
        version: Some(version),
        // All others belong to requests and results of the later era.
        extensions: Extensions::read(extensions).apps_alone(),
        ..info
    })
}

impl ServerInfo {
    /// Whether it declares this list. Templates have no capability of their own.
    #[must_use]
    pub fn offers(&self, list: Kind) -> bool {
        match list {
            Kind::Tools => self.has_tools,
            Kind::Prompts => self.has_prompts,
            Kind::Resources | Kind::Templates => self.has_resources,
        }
    }

    /// Reads what both eras say alike.
    pub(in super::super) fn read(
        capabilities: Option<&str>,
        instructions: Option<&str>,
        info: Option<&str>,
    ) -> Self {
        let names = ["tools", "prompts", "resources", "logging"];
        let [tools, prompts, resources, logging] = raw::members(capabilities, names);
        let [subscribe] = raw::members(resources, ["subscribe"]);
        let changes = [tools, prompts, resources].map(|offered| {
            let [list_changed] = raw::members(offered, ["listChanged"]);
            list_changed == Some("true")
        });
        let [name, release] = raw::members(info, ["name", "version"]);
        Self {
            version: None,
            has_tools: tools.is_some(),
            has_prompts: prompts.is_some(),
            has_resources: resources.is_some(),
            can_subscribe: subscribe == Some("true"),
            has_logging: logging.is_some(),
            changes: changes.into(),
            instructions: string_member(instructions),
            name: string_member(name),
            release: string_member(release),
            extensions: Extensions::default(),
        }
    }
}

/// The lists of which a server tells when they change (`listChanged`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Changes {
    /// The tools.
    pub tools: bool,
    /// The prompts.
    pub prompts: bool,
    /// The resources and their templates.
    pub resources: bool,
}

impl From<[bool; 3]> for Changes {
    fn from([tools, prompts, resources]: [bool; 3]) -> Self {
        Self {
            tools,
            prompts,
            resources,
        }
    }
}

/// The newest revision spoken here that a server names in its refusal of the one that was `asked`
/// (2025-11-25, basic/lifecycle, "error handling": `data.supported`).
#[must_use]
pub fn supported(error: &Bytes, asked: &str) -> Option<&'static str> {
    let text = std::str::from_utf8(error).ok();
    let [data] = raw::members(text, ["data"]);
    let [supported] = raw::members(data, ["supported"]);
    let supported = raw::entries(supported?);
    let is_named = |name: &&str| supported.iter().any(|raw| raw::is_text(raw, name));
    let mut others = Version::names_of_servers()
        .rev()
        .filter(|name| *name != asked);
    others.find(is_named)
}

fn unknown_version(asked: &str) -> String {
    let known: Vec<&str> = Version::all().map(Version::as_str).collect();
    let shown: String = asked.chars().take(40).collect();
    format!(
        "it speaks protocol revision {shown:?}; known here are {}",
        known.join(", ")
    )
}

fn string_member(raw: Option<&str>) -> Option<String> {
    raw.and_then(raw::string).map(String::from)
}

/// What a client's `initialize` settles for its session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientInfo {
    /// The revision to speak with it.
    pub version: Version,
    /// What servers may ask it for.
    pub capabilities: ClientCapabilities,
    /// Whether it shows the pages of apps: so much of its extensions fits into a session id.
    pub shows_apps: bool,
}

/// The extensions that a client's `initialize` declares.
#[must_use]
pub fn client_extensions(params: Option<&Bytes>) -> Extensions {
    let text = params.and_then(|params| std::str::from_utf8(params).ok());
    let [capabilities] = raw::members(text, ["capabilities"]);
    let [extensions] = raw::members(capabilities, ["extensions"]);
    Extensions::read(extensions)
}

/// Reads the params of a client's `initialize`. Nothing in them is refused: an unknown revision is
/// answered with another one, and what is odd declares nothing.
#[must_use]
pub fn client_info(params: Option<&Bytes>) -> ClientInfo {
    let text = params.and_then(|params| std::str::from_utf8(params).ok());
    let [asked, capabilities] = raw::members(text, ["protocolVersion", "capabilities"]);
    ClientInfo {
        version: string_member(asked).map_or(Version::LATEST, |asked| Version::negotiate(&asked)),
        capabilities: ClientCapabilities::parse(capabilities),
        shows_apps: client_extensions(params).show_apps(),
    }
}

/// What the gateway declares to every client, whatever its servers offer at the moment: they come
/// and go while a session lives, and nothing can be declared later.
const CAPABILITIES: &str = r#"{"tools":{"listChanged":true},"prompts":{"listChanged":true},"resources":{"subscribe":true,"listChanged":true},"logging":{},"completions":{}}"#;

/// What the gateway tells clients of itself, in every era.
pub(in super::super) fn gateway_info() -> String {
    format!(r#"{{"name":"{NAME}","title":"mcproxy gateway","version":"{RELEASE}"}}"#)
}

/// What the gateway declares to a client, with the extensions that its servers do.
pub(in super::super) fn capabilities_with(extensions: Option<&str>) -> Cow<'static, str> {
    match (extensions, CAPABILITIES.strip_suffix('}')) {
        (Some(extensions), Some(open)) => format!(r#"{open},"extensions":{extensions}}}"#).into(),
        _ => CAPABILITIES.into(),
    }
}

/// The gateway's answer to a client's `initialize`. `instructions` are advice to the model,
/// `extensions` an object of what servers declare.
#[must_use]
pub fn initialize_result(
    version: Version,
    instructions: Option<&str>,
    extensions: Option<&str>,
) -> Bytes {
    let mut out = format!(
        r#"{{"protocolVersion":"{version}","capabilities":{},"serverInfo":{}"#,
        capabilities_with(extensions),
        gateway_info()
    )
    .into_bytes();
    if let Some(instructions) = instructions {
        out.extend_from_slice(br#","instructions":"#);
        raw::push_string(&mut out, instructions);
    }
    out.push(b'}');
    out.into()
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
            r#"{"protocolVersion":"2025-06-18","capabilities":{"tools":{},"x":1,
                "prompts":null,"resources":{"subscribe":true,"listChanged":0},"logging":{}},
                "serverInfo":{"name":"git","version":"1.2","vendor":0},"instructions":"be \"kind\""}"#,
        );
        let wanted = ServerInfo {
            version: Some(Version::V2025_06_18),
            has_tools: true,
            has_prompts: false,
            has_resources: true,
            can_subscribe: true,
            has_logging: true,
            changes: Changes::default(),
            instructions: Some("be \"kind\"".to_owned()),
            name: Some("git".to_owned()),
            release: Some("1.2".to_owned()),
            extensions: Extensions::default(),
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
            assert_eq!(read.version, Some(Version::V2024_11_05));
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
    fn the_draft_before_the_first_revision_is_taken_for_it() {
        let read = info(r#"{"protocolVersion":"2024-10-07"}"#).unwrap();
        assert_eq!(read.version, Some(Version::V2024_11_05));
    }

    #[test]
    fn subscribing_needs_a_plain_yes() {
        for (resources, wanted) in [
            ("{}", (true, false)),
            (r#"{"subscribe":false}"#, (true, false)),
            (r#"{"subscribe":{}}"#, (true, false)),
            (r#"{ "subscribe" : true }"#, (true, true)),
            ("null", (false, false)),
        ] {
            let text = format!(
                r#"{{"protocolVersion":"2024-11-05","capabilities":{{"resources":{resources},"completions":{{}}}}}}"#
            );
            let read = server_info(&Bytes::from(text)).unwrap();
            let seen = (read.has_resources, read.can_subscribe);
            assert_eq!(seen, wanted, "{resources}");
            assert!(!read.has_tools && !read.has_logging);
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
                client_info(Some(&Bytes::from(params))).version,
                wanted,
                "{params}"
            );
        }
        let nothing = client_info(None);
        assert_eq!(nothing.version, Version::LATEST);
        assert_eq!(nothing.capabilities, ClientCapabilities::default());
        let able = client_info(Some(&Bytes::from_static(
            br#"{"protocolVersion":"2025-06-18","capabilities":{"sampling":{},"x":{}},"clientInfo":{}}"#,
        )));
        assert_eq!(able.capabilities.to_json(), r#"{"sampling":{}}"#);
    }

    #[test]
    fn what_the_gateway_says_of_itself() {
        let release = env!("CARGO_PKG_VERSION");
        let roots = b"{\n\"roots\":{}}";
        let params = initialize_params(Version::LATEST.as_str(), roots);
        assert!(!params.contains(&b'\n'));
        let wanted = json!({"protocolVersion": "2025-11-25", "capabilities": {"roots": {}},
            "clientInfo": {"name": "mcproxy", "version": release}});
        assert_eq!(serde_json::from_slice::<Value>(&params).unwrap(), wanted);
        let mut wanted = json!({"protocolVersion": "2025-03-26",
            "capabilities": {"tools": {"listChanged": true}, "prompts": {"listChanged": true},
                "resources": {"subscribe": true, "listChanged": true},
                "logging": {}, "completions": {}},
            "serverInfo": {"name": "mcproxy", "title": "mcproxy gateway", "version": release}});
        let result = initialize_result(Version::V2025_03_26, None, None);
        assert_eq!(serde_json::from_slice::<Value>(&result).unwrap(), wanted);
        let advice = "[git]\n\"quoted\"";
        let extensions = r#"{"io.modelcontextprotocol/ui":{"x":1}}"#;
        let result = initialize_result(Version::V2025_03_26, Some(advice), Some(extensions));
        wanted["capabilities"]["extensions"] = serde_json::from_str(extensions).unwrap();
        wanted["instructions"] = advice.into();
        assert_eq!(serde_json::from_slice::<Value>(&result).unwrap(), wanted);
        let read = server_info(&result).unwrap();
        assert_eq!(read.name.as_deref(), Some("mcproxy"));
        assert!(read.has_tools && read.can_subscribe);
        assert_eq!(read.extensions.to_json().as_deref(), Some(extensions));
    }
}
