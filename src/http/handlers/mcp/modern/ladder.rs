//! What a request must say of itself, one rung after the other (2026-07-28, basic/transports, "Server
//! Validation", and basic, "Request metadata").

use crate::http::headers::{METHOD, NAME, VERSION};
use crate::http::misfit::Misfit;
use crate::protocol::jsonrpc::Request;
use crate::protocol::mcp::method;
use crate::protocol::modern::envelope::Envelope;
use crate::protocol::modern::request::RequestMeta;
use crate::protocol::modern::{header_value, methods, param_headers::PREFIX};
use crate::protocol::version::MODERN;
use hyper::header::{HeaderMap, HeaderName};

/// So much of a client's words is shown to it again.
const SHOWN: usize = 80;

/// What the request says of its client, if nothing is wrong with it.
pub(super) fn climb(headers: &HeaderMap, request: &Request) -> Result<RequestMeta, Misfit> {
    let named = methods::named_by(&request.method);
    let envelope = Envelope::parse(request.params.as_ref(), named).map_err(Misfit::Envelope)?;
    let Envelope {
        version,
        name,
        meta,
    } = envelope;
    compare(headers, &VERSION, &version)?;
    compare(headers, &METHOD, &request.method)?;
    if named.is_some() {
        // One without a name is wrong in another way, for which its server is not even asked.
        match name {
            Some(name) => compare_coded(headers, &name)?,
            None => only(headers, &NAME).map(drop)?,
        }
    }
    if &*version != MODERN {
        return Err(Misfit::Version(shown(&version)));
    }
    // Which extensions there are, and whose they are, the servers say.
    let method = &request.method;
    if !methods::is_known(method) && !methods::may_be_of_extension(method) {
        return Err(Misfit::Method(shown(&request.method)));
    }
    Ok(meta)
}

/// The values of `Mcp-Param-*`, by the rest of their names, as they came: what they must be, only the tool
/// that is called says.
pub(super) fn param_headers(headers: &HeaderMap, method: &str) -> Vec<(Box<str>, Box<str>)> {
    if method != method::TOOLS_CALL {
        return Vec::new();
    }
    let ours = headers.iter().filter_map(|(name, value)| {
        let name = name.as_str().strip_prefix(PREFIX)?;
        Some((
            name.into(),
            String::from_utf8_lossy(value.as_bytes()).into(),
        ))
    });
    ours.collect()
}

/// Whether the header is there once and says `wanted`.
fn compare(headers: &HeaderMap, name: &HeaderName, wanted: &str) -> Result<(), Misfit> {
    let said = only(headers, name)?.ok_or_else(|| missing(name))?;
    is_same(name, said.trim_matches([' ', '\t']), wanted)
}

/// The same of `Mcp-Name`, which may be coded.
fn compare_coded(headers: &HeaderMap, wanted: &str) -> Result<(), Misfit> {
    let said = only(headers, &NAME)?.ok_or_else(|| missing(&NAME))?;
    let said = header_value::decode(said).ok_or_else(|| {
        let text = format!("{} is marked as base64 and is none", said_as(&NAME));
        Misfit::Header(text)
    })?;
    is_same(&NAME, &said, wanted)
}

fn is_same(name: &HeaderName, said: &str, wanted: &str) -> Result<(), Misfit> {
    if said == wanted {
        return Ok(());
    }
    let (name, said, wanted) = (said_as(name), shown(said), shown(wanted));
    let text = format!("{name} says {said:?}, and the body {wanted:?}");
    Err(Misfit::Header(text))
}

/// The text of a header that is there once, or not at all.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a str>, Misfit> {
    crate::http::headers::only(headers, name).map_err(|_| {
        Misfit::Header(format!(
            "{} must be there once, as plain text",
            said_as(name)
        ))
    })
}

fn missing(name: &HeaderName) -> Misfit {
    Misfit::Header(format!("{} is missing", said_as(name)))
}

/// A header's name as the specification writes it.
fn said_as(name: &HeaderName) -> &'static str {
    if *name == VERSION {
        "MCP-Protocol-Version"
    } else if *name == METHOD {
        "Mcp-Method"
    } else {
        "Mcp-Name"
    }
}

fn shown(text: &str) -> String {
    text.chars().take(SHOWN).collect()
}
