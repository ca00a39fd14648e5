//! What a server of the handlers' benchmark offers: lists of any length, with entries of any size.

use std::fmt::Write;

use serde::{Deserialize, Serialize};

/// How many entries a page has.
const PAGE: usize = 1_000;

/// What one server offers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Offer {
    /// How many tools; the first one is `do`.
    pub(crate) tools: usize,
    pub(crate) prompts: usize,
    pub(crate) resources: usize,
    pub(crate) templates: usize,
    /// How long an entry is, about.
    pub(crate) bytes: usize,
    /// How long its instructions are.
    pub(crate) instructions: usize,
    /// Of its URIs.
    pub(crate) scheme: String,
    pub(crate) shape: Shape,
}

/// What its templates are like.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Shape {
    /// As people write them.
    #[default]
    Usual,
    /// Braces that open and never close.
    Braces,
    /// Parts that each match nearly anything.
    Intricate,
}

impl Offer {
    pub(crate) fn handshake(&self) -> String {
        let instructions = "Do as told. ".repeat(self.instructions / 12);
        format!(
            r#"{{"protocolVersion":"2025-11-25","capabilities":{{"tools":{{}},"prompts":{{}},"resources":{{"subscribe":true}},"logging":{{}},"completions":{{}}}},"serverInfo":{{"name":"told","version":"1"}},"instructions":"{instructions}"}}"#
        )
    }

    /// The page of a list that `method` asks for. With each `version` one entry is another.
    pub(crate) fn page(
        &self,
        method: &str,
        cursor: Option<&str>,
        version: usize,
    ) -> Option<String> {
        let (member, count) = match method {
            "tools/list" => ("tools", self.tools),
            "prompts/list" => ("prompts", self.prompts),
            "resources/list" => ("resources", self.resources),
            "resources/templates/list" => ("resourceTemplates", self.templates),
            _ => return None,
        };
        let begin = cursor.and_then(|cursor| cursor.parse().ok()).unwrap_or(0);
        let end = count.min(begin + PAGE);
        let padding = "x".repeat(self.bytes);
        let mut page = format!(r#"{{"{member}":["#);
        for at in begin..end {
            let comma = if at > begin { "," } else { "" };
            let version = if at == 0 { version } else { 0 };
            let named = self.entry(member, at);
            let written = write!(
                page,
                r#"{comma}{{{named},"description":"{version} {padding}"}}"#
            );
            debug_assert!(written.is_ok(), "a string takes all");
        }
        page.push(']');
        if end < count {
            page.extend([r#","nextCursor":""#, &end.to_string(), "\""]);
        }
        page.push('}');
        Some(page)
    }

    fn entry(&self, member: &str, at: usize) -> String {
        match member {
            "tools" if at == 0 => r#""name":"do","inputSchema":{"type":"object"}"#.to_owned(),
            "tools" => format!(r#""name":"tool_{at}","inputSchema":{{"type":"object"}}"#),
            "prompts" => format!(r#""name":"prompt_{at}""#),
            "resources" => format!(r#""name":"{at}","uri":"{}""#, self.uri(at)),
            _ => format!(r#""name":"{at}","uriTemplate":"{}""#, self.template(at)),
        }
    }

    pub(crate) fn uri(&self, at: usize) -> String {
        format!("{}:///{at}", self.scheme)
    }

    fn template(&self, at: usize) -> String {
        let scheme = &self.scheme;
        match self.shape {
            Shape::Usual => format!("{scheme}:///list{at}/{{first}}/{{second}}"),
            Shape::Braces => format!("{}{at}", "{".repeat(2_000)),
            Shape::Intricate => format!("{scheme}:///{}b{at}", "{a}a{+b}".repeat(200)),
        }
    }

    /// A result of about so many bytes that consists of links to resources.
    pub(crate) fn links(&self, bytes: usize) -> String {
        let mut result = String::with_capacity(bytes + 200);
        result.push_str(r#"{"content":["#);
        for at in 0.. {
            let tail = "a".repeat(at % 100);
            let written = write!(
                result,
                r#"{{"type":"resource_link","name":"{at}","uri":"{}:///other{at}/{tail}"}}"#,
                self.scheme
            );
            debug_assert!(written.is_ok(), "a string takes all");
            if result.len() >= bytes {
                break;
            }
            result.push(',');
        }
        result.push_str("]}");
        result
    }
}
