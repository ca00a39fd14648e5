//! The fields of an entry that say where its server is: `url`, `headers`, `type`, and the words that other
//! programs have for them. What is written there is never shown: addresses hold keys, and so do headers.

use std::collections::BTreeMap;

use jsonc_parser::ast::Value;

use super::address::{self, Wrong};
use super::entry::is_void;
use super::error::quoted;
use super::filling::Filling;
use super::model::{Remote, Secret, Transport};
use super::notes::{At, Finding, Notes};
use super::values::{self, Field, Fields};

/// How the server of an entry is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    Run,
    Ask(Transport),
}

/// The fields with an address: Gemini's for Streamable HTTP, everybody's, Windsurf's.
pub(super) const ADDRESSES: [&str; 3] = ["httpUrl", "url", "serverUrl"];
/// Those of a program alone.
const OF_PROGRAMS: [&str; 5] = ["command", "args", "env", "cwd", "inherit_env"];
const AUTHORIZATION: &str = "authorization";

/// How the server is reached, as its `type` says; without one a command counts before an address.
pub(super) fn way(fields: &Fields<'_>) -> Result<Way, Finding> {
    let mut said = None;
    for name in ["type", "transport"] {
        let Some(field) = fields.get(name) else {
            continue;
        };
        let way = named(&field, name)?;
        // The one that says more counts, if a file has both.
        if !matches!(said, Some(Way::Ask(transport)) if transport != Transport::Auto) {
            said = Some(way);
        }
    }
    let has = |name: &&str| fields.get(name).is_some_and(|field| !is_void(field.value));
    let address = ADDRESSES.iter().find(|name| has(name));
    let by_address = match address {
        Some(&"httpUrl") => Way::Ask(Transport::Streamable),
        Some(_) if !has(&"command") => Way::Ask(Transport::Auto),
        Some(_) | None => Way::Run,
    };
    Ok(match said {
        Some(Way::Ask(Transport::Auto)) if by_address != Way::Run => by_address,
        Some(way) => way,
        None if has(&"command") => Way::Run,
        None => by_address,
    })
}

/// The way that a `type` names.
fn named(field: &Field<'_, Value<'_>>, name: &str) -> Result<Way, Finding> {
    let Some(text) = field.value.as_string_lit() else {
        let what = format!("'{name}' must be a text, not {}", values::kind(field.value));
        return Err(Finding::error(field.at.clone(), what));
    };
    let plain = super::fields::plain(&text.value);
    Ok(match plain.as_str() {
        "stdio" | "std" | "local" => Way::Run,
        "http" | "remote" => Way::Ask(Transport::Auto),
        "sse" => Way::Ask(Transport::Sse),
        text if text.contains("streamable") => Way::Ask(Transport::Streamable),
        "ws" | "websocket" => {
            let what = format!("'{name}' is a WebSocket, which MCP does not have");
            let help = "ask its maker for an address with https://, or switch it off with \"enabled\": false";
            return Err(Finding::error(field.at.clone(), what).help(help));
        }
        _ => {
            let what = format!("'{name}' is {}, which is not known", quoted(&text.value));
            let help = format!("leave '{name}' out, or write \"stdio\", \"http\" or \"sse\"");
            return Err(Finding::error(field.at.clone(), what).help(help));
        }
    })
}

/// What is to be said about fields that concern the other kind of server.
pub(super) fn unused(fields: &Fields<'_>, way: Way, notes: &mut Notes) {
    let of_other = match way {
        Way::Run => &ADDRESSES[..],
        Way::Ask(_) => &OF_PROGRAMS[..],
    };
    let given = of_other.iter().filter_map(|name| {
        let field = fields.get(name)?;
        (!is_void(field.value)).then_some((*name, field.at))
    });
    let given: Vec<(&str, At)> = given.collect();
    let Some((_, first)) = given.first() else {
        return;
    };
    let names: Vec<String> = given.iter().map(|(name, _)| format!("'{name}'")).collect();
    let verb = if names.len() == 1 { "has" } else { "have" };
    let why = match way {
        Way::Run => "the server is run by its command, its address is not used",
        Way::Ask(_) => "the server is remote, and nothing is run for it",
    };
    let what = format!("{} {verb} no effect: {why}", names.join(", "));
    notes.add(Finding::warning(first.clone(), what));
}

/// Where the server is; `fill` leaves what is in files for later.
pub(super) fn read(
    fields: &Fields<'_>,
    transport: Transport,
    fill: &Filling<'_>,
    notes: &mut Notes,
) -> Option<Remote> {
    let headers = headers(fields, fill, notes);
    let mut given = ADDRESSES.iter().filter_map(|name| {
        let field = fields.get(name)?;
        (!is_void(field.value)).then_some((*name, field))
    });
    let Some((name, field)) = given.next() else {
        let finding = Finding::error(fields.at.clone(), "'url' is missing");
        notes.add(finding.help(
            r#"write where the server is, such as "url": "https://server.example/mcp", or leave 'type' out to run a command"#,
        ));
        return None;
    };
    if let Some((other, field)) = given.next() {
        let what = format!("'{other}' has no effect beside '{name}'");
        notes.add(Finding::warning(field.at, what).help("keep one of them"));
    }
    let text = values::text(&field, name, notes)?;
    let url = fill.secret(text, &field.at, notes);
    if fill.is_final(text) && url.is_known() {
        check_url(&url.expose(), name, (&field.at, &headers), notes);
    }
    Some(Remote {
        url,
        headers,
        transport,
    })
}

fn check_url(
    text: &str,
    name: &str,
    (at, headers): (&At, &BTreeMap<String, Secret>),
    notes: &mut Notes,
) {
    let url = match address::url(text) {
        Ok(url) => url,
        Err(wrong) => {
            notes.add(finding(wrong, &quoted(name), at.clone()));
            return;
        }
    };
    if text.contains('#') {
        let what = format!("what is after the '#' in '{name}' is sent to nobody");
        notes.add(Finding::warning(at.clone(), what).help("leave it out"));
    }
    let secret = headers.keys().find(|name| super::is_named_secret(name));
    if let Some(header) = secret.filter(|_| address::is_in_clear(&url)) {
        let what =
            format!("the header '{header}' is sent without encryption, over networks of others");
        notes.add(Finding::warning(at.clone(), what).help("write https://, if it is served"));
    }
}

fn finding(Wrong { what, help }: Wrong, name: &str, at: At) -> Finding {
    let finding = Finding::error(at, format!("{name} {what}"));
    match help {
        Some(help) => finding.help(help),
        None => finding,
    }
}

/// What is sent with each request, by its names in lower case.
fn headers(fields: &Fields<'_>, fill: &Filling<'_>, notes: &mut Notes) -> BTreeMap<String, Secret> {
    let mut headers = BTreeMap::new();
    let given = fields.get("headers");
    let given = given.map(|field| values::texts(&field, "headers", notes));
    for (name, text) in given.into_iter().flatten() {
        if address::is_sent_anyway(name) {
            let what = format!("{} has no effect: mcproxy sends it itself", quoted(name));
            notes.add(Finding::warning(text.at, what));
            continue;
        }
        let named = match address::header_name(name) {
            Ok(named) => named,
            Err(wrong) => {
                notes.add(finding(wrong, &quoted(name), text.at));
                continue;
            }
        };
        let value = header_value(&text, name, fill, notes);
        if headers.insert(named.as_str().to_owned(), value).is_some() {
            let what = format!("the header {} is here twice", quoted(name));
            notes.add(Finding::error(text.at, what).help("keep one of them"));
        }
    }
    if let Some(token) = bearer(fields, fill, notes)
        && headers.insert(AUTHORIZATION.to_owned(), token).is_some()
    {
        let what = "'bearerToken' counts, the Authorization in 'headers' does not";
        notes.add(Finding::warning(fields.at.clone(), what).help("keep one of them"));
    }
    headers
}

/// MetaMCP's word for one header.
fn bearer(fields: &Fields<'_>, fill: &Filling<'_>, notes: &mut Notes) -> Option<Secret> {
    let field = fields.get("bearerToken")?;
    let text = values::text(&field, "bearerToken", notes)?;
    if text.is_empty() {
        return None;
    }
    let field = Field::new(field.at, text);
    let token = header_value(&field, "bearerToken", fill, notes);
    let has_scheme = token
        .expose()
        .get(..7)
        .is_some_and(|start| start.eq_ignore_ascii_case("bearer "));
    Some(if has_scheme {
        token
    } else {
        token.after("Bearer ")
    })
}

fn header_value(
    text: &Field<'_, str>,
    name: &str,
    fill: &Filling<'_>,
    notes: &mut Notes,
) -> Secret {
    let value = fill.secret(text.value, &text.at, notes);
    if value.is_known()
        && let Err(wrong) = address::header_value(&value.expose())
    {
        notes.add(finding(wrong, &quoted(name), text.at.clone()));
    }
    value
}
