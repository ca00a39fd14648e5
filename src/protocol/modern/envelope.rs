//! What every request says of its client in `params._meta` (2026-07-28, basic, "Request metadata"):
//! its revision, by which the era of a message is known, what it can be asked for, and which messages
//! of a log it wants.

use std::borrow::Cow;
use std::sync::LazyLock;

use bytes::Bytes;
use memchr::memmem;

use super::super::mcp::lifecycle::ClientCapabilities;
use super::super::mcp::logging::Level;
use super::super::raw::{self, Member};
use super::extensions::Extensions;
use super::keys;
use super::request::RequestMeta;

/// The keys of the protocol begin with it, and hardly any other message has it. What follows it some
/// languages write with an escape.
static MARK: LazyLock<memmem::Finder<'static>> =
    LazyLock::new(|| memmem::Finder::new(b"io.modelcontextprotocol"));

/// What a request says of its client, found right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope<'a> {
    /// The revision, known here or not.
    pub version: Cow<'a, str>,
    /// What the member says that a header says too, if it is there once and is text; else the request is
    /// wrong in another way.
    pub name: Option<Cow<'a, str>>,
    /// All else.
    pub meta: RequestMeta,
}

/// Whether a message with these params is of this era: it names its revision in them, whichever. Costs
/// others a search for a few bytes.
#[must_use]
pub fn is_claimed(params: Option<&Bytes>) -> bool {
    let Some(params) = params.filter(|params| may_claim(params)) else {
        return false;
    };
    let text = std::str::from_utf8(params).unwrap_or_default();
    let [meta] = raw::pick_read(text, ["_meta"]).unwrap_or([Member::Absent]);
    let [version] = inside(meta, [keys::PROTOCOL_VERSION]);
    version != Member::Absent
}

/// Whether there may be a message of this era in `bytes`.
#[must_use]
pub fn may_claim(bytes: &[u8]) -> bool {
    MARK.find(bytes).is_some()
}

impl<'a> Envelope<'a> {
    /// Reads the `_meta` of a request's params, and the member `beside` it, if there is to be one. The error
    /// says what is missing in the first, or wrong.
    pub fn parse(params: Option<&'a Bytes>, beside: Option<&str>) -> Result<Self, String> {
        let text = params.and_then(|params| std::str::from_utf8(params).ok());
        let found = raw::pick_read(
            text.unwrap_or_default(),
            ["_meta", beside.unwrap_or_default()],
        );
        let [meta, name] = found.unwrap_or([Member::Absent; 2]);
        let known = [
            keys::PROTOCOL_VERSION,
            keys::CLIENT_CAPABILITIES,
            keys::LOG_LEVEL,
        ];
        let [version, capabilities, level] = inside(meta, known);
        let (version, capabilities) = (
            version.once(keys::PROTOCOL_VERSION)?,
            capabilities.once(keys::CLIENT_CAPABILITIES)?,
        );
        let needed = [
            (keys::PROTOCOL_VERSION, version),
            (keys::CLIENT_CAPABILITIES, capabilities),
        ];
        let missing = needed.iter().filter(|(_, found)| found.is_none());
        let missing: Vec<&str> = missing.map(|(name, _)| *name).collect();
        let (Some(version), Some(capabilities)) = (version, capabilities) else {
            return Err(format!("'_meta' must have {}", missing.join(" and ")));
        };
        let version = raw::string(version)
            .ok_or_else(|| format!("'{}' must be a string", keys::PROTOCOL_VERSION))?;
        if !capabilities.starts_with('{') {
            return Err(format!("'{}' must be an object", keys::CLIENT_CAPABILITIES));
        }
        let [extensions] = raw::members(Some(capabilities), ["extensions"]);
        let name = beside.and(name.value("").ok().flatten());
        Ok(Self {
            version,
            name: name.and_then(raw::string),
            meta: RequestMeta {
                capabilities: ClientCapabilities::parse(Some(capabilities)),
                log_level: log_level(level.value(keys::LOG_LEVEL)?)?,
                extensions: Extensions::read(extensions),
            },
        })
    }
}

fn log_level(raw: Option<&str>) -> Result<Option<Level>, String> {
    let Some(raw) = raw else {
        return Ok(None);
    };
    let known = raw::string(raw).and_then(|level| Level::parse(&level));
    known.map(Some).ok_or_else(|| {
        let key = keys::LOG_LEVEL;
        format!("'{key}' must be one of {}", Level::names())
    })
}

/// The members `names` of `_meta`; a `_meta` that is there twice has all of them twice.
fn inside<'a, const N: usize>(meta: Member<'a>, names: [&str; N]) -> [Member<'a>; N] {
    match meta {
        Member::Absent => [Member::Absent; N],
        Member::Once(meta) => raw::pick_read(meta, names).unwrap_or([Member::Absent; N]),
        Member::Repeated => [Member::Repeated; N],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn params(text: &str) -> Bytes {
        Bytes::from(text.replace("P/", "io.modelcontextprotocol/"))
    }

    #[test]
    fn a_message_is_of_this_era_if_it_names_a_revision() {
        for (text, wanted) in [
            (r#"{"_meta":{"P/protocolVersion":"2026-07-28"}}"#, true),
            (r#"{"_meta":{"P/protocolVersion":7}}"#, true),
            (r#"{"_meta":{"P/protocolVersion":null}}"#, true),
            (
                r#"{"_meta":{"io.modelcontextprotocol\/protocolVersion":""}}"#,
                true,
            ),
            (
                r#"{"_meta":{"P/protocolVersion":"a","P/protocolVersion":"b"}}"#,
                true,
            ),
            (r#"{"_meta":{},"_meta":{"P/protocolVersion":"a"}}"#, true),
            (r#"{"_meta":{"P/clientCapabilities":{}}}"#, false),
            (
                r#"{"_meta":{"P/related-task":{"P/protocolVersion":"a"}}}"#,
                false,
            ),
            (
                r#"{"arguments":{"_meta":{"P/protocolVersion":"a"}}}"#,
                false,
            ),
            (r#"{"arguments":"P/protocolVersion"}"#, false),
            (r#"{"_meta":"P/protocolVersion"}"#, false),
            (r#"["P/protocolVersion"]"#, false),
            ("{}", false),
        ] {
            assert_eq!(is_claimed(Some(&params(text))), wanted, "{text}");
        }
        assert!(!is_claimed(None));
    }

    #[test]
    fn a_full_envelope_is_read() {
        let text = r#"{"name":"x","_meta":{"progressToken":1,"P/protocolVersion":"2026-07-28",
            "P/clientInfo":{"name":"x"},"P/clientCapabilities":{"sampling":{}},"P/logLevel":"notice"}}"#;
        let text = params(text);
        let read = Envelope::parse(Some(&text), Some("name")).unwrap();
        assert_eq!(
            (&*read.version, read.name.as_deref()),
            ("2026-07-28", Some("x"))
        );
        assert_eq!(read.meta.log_level, Some(Level::Notice));
        assert_eq!(read.meta.capabilities.to_json(), r#"{"sampling":{}}"#);
        let least = r#"{"_meta":{"P/protocolVersion":"x","P/clientCapabilities":{}}}"#;
        let least = params(least);
        let read = Envelope::parse(Some(&least), None).unwrap();
        assert_eq!((read.meta.log_level, read.name), (None, None));
    }

    #[test]
    fn names_are_read_decoded() {
        const META: &str = r#""_meta":{"P/protocolVersion":"x","P/clientCapabilities":{}}"#;
        let read = |member, text: &str| {
            let params = params(&format!("{{{text},{META}}}"));
            let read = Envelope::parse(Some(&params), Some(member)).unwrap();
            read.name.map(Cow::into_owned)
        };
        let said = |text: &str| Some(text.to_owned());
        assert_eq!(read("name", r#""name":"a\u0062""#), said("ab"));
        assert_eq!(read("name", r#""uri":"u","name":"n""#), said("n"));
        assert_eq!(read("uri", r#""uri":"u""#), said("u"));
        for odd in [r#""name":7"#, r#""name":"a","name":"b""#, r#""uri":"u""#] {
            assert_eq!(read("name", odd), None, "{odd}");
        }
    }

    #[test]
    fn what_is_missing_or_wrong_is_named() {
        let both = "P/protocolVersion and P/clientCapabilities";
        for (text, wanted) in [
            ("{}", both),
            (r#"{"_meta":null}"#, both),
            (r#"{"_meta":{}}"#, both),
            (
                r#"{"_meta":{"P/protocolVersion":"x"}}"#,
                "must have P/clientCapabilities",
            ),
            (
                r#"{"_meta":{"P/clientCapabilities":{}}}"#,
                "must have P/protocolVersion",
            ),
            (
                r#"{"_meta":{"P/protocolVersion":1,"P/clientCapabilities":{}}}"#,
                "'P/protocolVersion' must be a string",
            ),
            (
                r#"{"_meta":{"P/protocolVersion":"x","P/clientCapabilities":null}}"#,
                "'P/clientCapabilities' must be an object",
            ),
            (
                r#"{"_meta":{"P/protocolVersion":"x","P/clientCapabilities":{},"P/clientCapabilities":{}}}"#,
                "more than once",
            ),
            (
                r#"{"_meta":{"P/protocolVersion":"x","P/clientCapabilities":{},"P/logLevel":"loud"}}"#,
                "'P/logLevel' must be one of debug, info",
            ),
        ] {
            let why = Envelope::parse(Some(&params(text)), None).unwrap_err();
            let wanted = wanted.replace("P/", "io.modelcontextprotocol/");
            assert!(why.contains(&wanted), "{text}: {why}");
        }
        assert!(Envelope::parse(None, None).is_err());
    }
}
