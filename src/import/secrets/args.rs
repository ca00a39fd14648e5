//! Secrets among arguments: after an option of such a name, behind a `=`, in a header.

use super::looks::is_secret;
use crate::config::is_named_secret;

/// The name of an option whose value comes next.
pub(super) fn flag(arg: &str) -> Option<String> {
    let name = arg.strip_prefix('-')?.trim_start_matches('-');
    (!name.contains('=') && is_named_secret(name) && name.len() > 1).then(|| name.to_owned())
}

/// An argument in what stays and what may be a secret, and what that is called if it is one.
pub(super) fn parts(arg: &str, expected: Option<String>) -> (&str, &str, Option<String>) {
    if let Some(hint) = expected.filter(|_| !arg.starts_with('-')) {
        return ("", arg, Some(hint));
    }
    // `--token=x`, and `NAME=x` after docker's `-e`.
    if let Some((name, value)) = arg.split_once('=') {
        let bare = name.trim_start_matches('-');
        let is_name = bare
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "_-".contains(c));
        if is_name && (is_named_secret(bare) || is_secret(value)) {
            let start = arg.get(..=name.len()).unwrap_or_default();
            return (start, value, Some(bare.to_owned()));
        }
    }
    // mcp-remote's `--header Name:value`.
    if let Some((name, value)) = arg.split_once(':')
        && is_named_secret(name)
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
    {
        let start = arg.len() - value.trim_start().len();
        let (start, value) = arg.split_at(start);
        return (start, value, Some(name.to_owned()));
    }
    let hint = if arg.contains("://") { "URL" } else { "ARG" };
    ("", arg, is_secret(arg).then(|| hint.to_owned()))
}
