//! Every field that an entry or the file may have, ours and those of the programs whose files we
//! read, with what becomes of it. The rule: what would change how a server behaves is never ignored
//! in silence, what only decorates or concerns the client is never mentioned.

/// What becomes of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Use {
    /// Read.
    Read,
    /// Another program's, without a meaning for a gateway: nothing is said.
    Quiet,
    /// Another program's that has an effect there and none here: a warning with this text.
    NoEffect(&'static str),
}

/// The fields of an entry.
pub(crate) const ENTRY: &[(&str, Use)] = &[
    ("name", Use::Read),
    ("command", Use::Read),
    ("args", Use::Read),
    ("env", Use::Read),
    ("env_file", Use::Read),
    ("envFile", Use::Read),
    ("cwd", Use::Read),
    ("url", Use::Read),
    ("serverUrl", Use::Read),
    ("httpUrl", Use::Read),
    ("headers", Use::Read),
    ("bearerToken", Use::Read),
    ("timeout", Use::Read),
    ("call_timeout", Use::Read),
    ("enabled", Use::Read),
    ("disabled", Use::Read),
    ("inherit_env", Use::Read),
    ("type", Use::Read),
    ("transport", Use::Read),
    ("prefix", Use::Read),
    ("isolation", Use::Read),
    ("roots", Use::Read),
    ("protocol", Use::Read),
    ("start", Use::Read),
    ("idle_timeout", Use::Read),
    ("tools", Use::Read),
    ("prompts", Use::Read),
    ("resources", Use::Read),
    ("names", Use::Read),
    ("instructions", Use::Read),
    ("on_changed_tools", Use::Read),
    // Approvals are between a client and its user.
    ("alwaysAllow", Use::Quiet),
    ("always_allow", Use::Quiet),
    ("autoApprove", Use::Quiet),
    ("auto_approve", Use::Quiet),
    ("trust", Use::Quiet),
    ("author", Use::Quiet),
    ("category", Use::Quiet),
    ("description", Use::Quiet),
    ("displayName", Use::Quiet),
    ("gallery", Use::Quiet),
    ("homepage", Use::Quiet),
    ("icon", Use::Quiet),
    ("icons", Use::Quiet),
    ("id", Use::Quiet),
    ("metadata", Use::Quiet),
    ("note", Use::Quiet),
    ("notes", Use::Quiet),
    ("repository", Use::Quiet),
    ("tags", Use::Quiet),
    ("title", Use::Quiet),
    ("uuid", Use::Quiet),
    ("version", Use::Quiet),
    ("$schema", Use::Quiet),
    ("//", Use::Quiet),
    ("_comment", Use::Quiet),
    ("comment", Use::Quiet),
    ("sandbox", Use::NoEffect(SANDBOX)),
    ("sandboxEnabled", Use::NoEffect(SANDBOX)),
];

const PROJECTS: &str =
    "what belongs to a single project is not run; 'mcproxy import' takes it over";
const OTHER_LIST: &str =
    "servers are read from 'servers' and 'mcpServers' only; 'mcproxy import' takes these over";
const SANDBOX: &str = "the server runs without a sandbox";

/// The fields of the file itself.
pub(crate) const FILE: &[(&str, Use)] = &[
    ("servers", Use::Read),
    ("mcpServers", Use::Read),
    ("gateway", Use::Read),
    ("profiles", Use::Read),
    ("default_profile", Use::Read),
    ("$schema", Use::Quiet),
    ("//", Use::Quiet),
    ("_comment", Use::Quiet),
    ("comment", Use::Quiet),
    ("description", Use::Quiet),
    ("name", Use::Quiet),
    ("version", Use::Quiet),
    // What `${input:…}` refers to in VS Code's files; the references are reported.
    ("inputs", Use::Quiet),
    // Claude Desktop keeps its own settings in the same file.
    ("globalShortcut", Use::Quiet),
    ("preferences", Use::Quiet),
    ("scale", Use::Quiet),
    // Claude Code's own file.
    ("projects", Use::NoEffect(PROJECTS)),
    ("mcp_servers", Use::NoEffect(OTHER_LIST)),
    ("context_servers", Use::NoEffect(OTHER_LIST)),
];

/// Other words for our fields, too far from them for a comparison of letters.
const SYNONYMS: &[(&str, &str)] = &[
    ("argv", "args"),
    ("arguments", "args"),
    ("cmd", "command"),
    ("dir", "cwd"),
    ("directory", "cwd"),
    ("environment", "env"),
    ("exec", "command"),
    ("executable", "command"),
    ("inittimeout", "timeout"),
    ("inheritenvironment", "inherit_env"),
    ("label", "name"),
    ("params", "args"),
    ("program", "command"),
    ("requesttimeout", "call_timeout"),
    ("startuptimeout", "timeout"),
    ("startuptimeoutsec", "timeout"),
    ("starttimeout", "timeout"),
    ("tooltimeout", "call_timeout"),
    ("tooltimeoutsec", "call_timeout"),
    ("vars", "env"),
    ("workdir", "cwd"),
    ("workingdir", "cwd"),
    ("workingdirectory", "cwd"),
];

/// What becomes of `field`; `None` if nobody knows it.
pub(crate) fn find(table: &[(&str, Use)], field: &str) -> Option<Use> {
    let known = table.iter().find(|(name, _)| *name == field);
    known.map(|(_, becomes)| *becomes)
}

/// The field of ours that `field` was probably meant to be.
pub(crate) fn meant(table: &[(&'static str, Use)], field: &str) -> Option<&'static str> {
    let plain = plain(field);
    let ours = || table.iter().filter(|(_, u)| *u == Use::Read);
    if let Some((_, name)) = SYNONYMS.iter().find(|(other, _)| *other == plain) {
        return ours().map(|(ours, _)| *ours).find(|ours| ours == name);
    }
    let distance = |name: &str| strsim::damerau_levenshtein(&plain, &self::plain(name));
    let (nearest, far) = ours()
        .map(|(name, _)| (*name, distance(name)))
        .min_by_key(|(_, far)| *far)?;
    (far <= slips(nearest, &plain)).then_some(nearest)
}

/// Members in which people write remarks, whatever they hold.
pub(crate) const REMARKS: [&str; 3] = ["//", "_comment", "comment"];

/// Whether `plain` is probably a slip for `word`.
pub(crate) fn is_near(plain: &str, word: &str) -> bool {
    plain.len().abs_diff(word.len()) <= 2
        && strsim::damerau_levenshtein(plain, word) <= slips(word, plain)
}

/// One letter in three may be wrong: 'comand', 'arg', 'timout', never 'icon' for 'env'.
fn slips(one: &str, other: &str) -> usize {
    one.len().min(other.len()).div_ceil(3).min(2)
}

/// Lower case and without separators, so that `inheritEnv` and `inherit-env` are `inherit_env`.
/// Cut short: a distance costs the product of both lengths.
pub(crate) fn plain(field: &str) -> String {
    let letters = field.chars().filter(|c| !matches!(c, '_' | '-' | ' '));
    letters.take(64).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_recognised_and_another_word_is_not() {
        for (field, expected) in [
            ("comand", Some("command")),
            ("Command", Some("command")),
            ("arg", Some("args")),
            ("inheritEnv", Some("inherit_env")),
            ("callTimeout", Some("call_timeout")),
            ("workingDirectory", Some("cwd")),
            ("cmd", Some("command")),
            ("enabeld", Some("enabled")),
            ("nmae", Some("name")),
            ("colour", None),
            ("x", None),
            ("", None),
        ] {
            assert_eq!(meant(ENTRY, field), expected, "{field}");
        }
        assert_eq!(meant(FILE, "mcpservers"), Some("mcpServers"));
        assert_eq!(meant(FILE, "mcp_servers"), Some("mcpServers"));
        assert_eq!(meant(FILE, "server"), Some("servers"));
        assert_eq!(meant(FILE, "cmd"), None);
    }

    #[test]
    fn no_field_is_listed_twice() {
        for table in [ENTRY, FILE] {
            for (name, _) in table {
                assert_eq!(
                    table.iter().filter(|(other, _)| other == name).count(),
                    1,
                    "{name}"
                );
            }
        }
    }
}
