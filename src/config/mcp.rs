//! The fields of an entry that say how clients meet its server: the names they see (`prefix`), whom
//! a process serves (`isolation`), and the directories it is told of (`roots`).

use super::error::quoted;
use super::filling::Filling;
use super::model::Isolation;
use super::notes::{At, Finding, Notes};
use super::values::{self, Fields};
use crate::ids::Prefix;

/// The prefix that the entry asks for; `None` for the default, the server's name.
pub(super) fn prefix(fields: &Fields<'_>, notes: &mut Notes) -> Option<Prefix> {
    let field = fields.get("prefix")?;
    let text = values::text(&field, "prefix", notes)?;
    match Prefix::new(text) {
        Ok(prefix) => Some(prefix),
        Err(why) => {
            let what = format!("'prefix' follows the rules of a name: {why}");
            let help = "leave it out for the server's name, or write \"\" for bare names";
            notes.add(Finding::error(field.at, what).help(help));
            None
        }
    }
}

/// Whom one process serves; the default, if nothing else can be read.
pub(super) fn isolation(fields: &Fields<'_>, notes: &mut Notes) -> Isolation {
    let Some(field) = fields.get("isolation") else {
        return Isolation::default();
    };
    match values::text(&field, "isolation", notes) {
        Some("session") => Isolation::Session,
        Some("shared") | None => Isolation::Shared,
        Some(other) => {
            let what = format!("'isolation' is {}, which is not known", quoted(other));
            let help = r#"write "shared" (one process for all) or "session" (one for each client)"#;
            notes.add(Finding::error(field.at, what).help(help));
            Isolation::default()
        }
    }
}

/// The roots that are declared to the server.
pub(super) fn roots(
    fields: &Fields<'_>,
    isolation: Isolation,
    fill: &Filling<'_>,
    notes: &mut Notes,
) -> Vec<String> {
    let Some(field) = fields.get("roots") else {
        return Vec::new();
    };
    let listed = values::list(&field, "roots", notes);
    let mut roots = Vec::with_capacity(listed.len());
    for root in &listed {
        let filled = fill.fill(root.value, &root.at, notes);
        if fill.is_final(root.value) {
            check_root(&filled, &root.at, notes);
        }
        roots.push(filled);
    }
    if isolation == Isolation::Session && !roots.is_empty() {
        let what = "'roots' has no effect with \"isolation\": \"session\"";
        let help = "the server is told the roots of its client";
        notes.add(Finding::warning(field.at, what).help(help));
    }
    roots
}

/// MCP 2025-11-25, client/roots: a root's URI "MUST be a `file://` URI". RFC 3986 and RFC 8089 say
/// what that is. The text may have come out of a variable and is not shown.
fn check_root(uri: &str, at: &At, notes: &mut Notes) {
    let refuse = |what: &str| Finding::error(at.clone(), what);
    let Some(rest) = uri.strip_prefix("file://") else {
        let finding = refuse("a root is a file:// URI");
        notes.add(finding.help(r#"write "file://" before the whole path: "file:///srv/data""#));
        return;
    };
    let Some((host, path)) = rest.split_once('/') else {
        let finding = refuse("this root has no path");
        notes.add(finding.help(r#"three slashes are before it: "file:///srv/data""#));
        return;
    };
    if !(is_uri(host) && is_uri(path)) {
        let finding = refuse("this root has a character that a URI cannot have");
        notes.add(finding.help("write its bytes as %XX, a space as %20"));
        return;
    }
    if !host.is_empty() && host != "localhost" {
        let what = "this root has a host, where mostly none is meant";
        let help = r#"a path starts at the third slash: "file:///srv/data""#;
        notes.add(Finding::warning(at.clone(), what).help(help));
    }
}

/// Only characters of RFC 3986's `pchar` and `/`; a percent sign starts two hexadecimal digits.
fn is_uri(text: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-._~!$&'()*+,;=:@/".contains(c);
    let mut pieces = text.split('%');
    let first = pieces.next().unwrap_or_default();
    first.chars().all(is_plain)
        && pieces.all(|piece| {
            let is_hex = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_hexdigit());
            piece.get(..2).is_some_and(is_hex) && piece.chars().all(is_plain)
        })
}
