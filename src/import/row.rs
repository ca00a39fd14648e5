//! A row of the table of programs: what tells the program's file from others, where its servers are,
//! what their fields mean, and which of its words switch servers and tools off.

use super::means::{Elsewhere, Filter, Means, References, Thing, Time};
use super::programs::OURS;

/// One program.
pub(super) struct Program {
    /// As its users call it.
    pub(super) name: &'static str,
    /// How the path of its file ends.
    pub(super) paths: &'static [&'static str],
    /// What is in its file only. One is enough.
    pub(super) marks: &'static [Mark],
    /// Where its servers may be; `*` is any member.
    pub(super) servers: &'static [&'static str],
    /// What its fields mean, where that differs from [`COMMON`] or is not there. `a.b` is the field `b`
    /// of the object in the field `a`.
    pub(super) fields: &'static [(&'static str, Means)],
    /// Objects in an entry where its words for off may stand too.
    pub(super) switches_in: &'static [&'static str],
    /// Words in an entry's `type` or `source` for what is part of the program itself.
    pub(super) built_in: &'static [&'static str],
    /// Beside the servers: tools switched off, by names with the server's in front, and what is between.
    pub(super) tool_rules: Option<(&'static str, &'static str)>,
    /// What it fills in in texts.
    pub(super) references: References,
    /// Whether the name of a tool has MetaMCP's form.
    pub(super) is_metamcp: bool,
}

impl Program {
    /// Whether the file is one of this gateway itself.
    pub(super) fn is_ours(&self) -> bool {
        self.name == OURS
    }
}

/// What is in a program's file only. A path is of members, `*` is any.
pub(super) enum Mark {
    /// Something is there.
    Has(&'static str),
    /// A list is there.
    List(&'static str),
    /// An object is there.
    Object(&'static str),
    /// A text is there, and it is one of these.
    Is(&'static str, &'static [&'static str]),
}

/// Whoever writes an `mcpServers` object.
pub(super) const PLAIN: Program = Program {
    name: "a list of servers",
    paths: &[],
    marks: &[],
    servers: &["mcpServers"],
    fields: &[],
    switches_in: &[],
    built_in: &[],
    tool_rules: None,
    references: References::Ours,
    is_metamcp: false,
};

/// The fields that mean the same wherever they are.
pub(super) const COMMON: &[(&str, Means)] = &[
    ("command", Means::Command),
    ("args", Means::Args),
    ("env", Means::Env),
    ("cwd", Means::Cwd),
    ("type", Means::Kind),
    ("transport", Means::Kind),
    ("transportType", Means::Kind),
    ("url", Means::Elsewhere(Elsewhere::Url)),
    ("serverUrl", Means::Elsewhere(Elsewhere::Url)),
    ("httpUrl", Means::Elsewhere(Elsewhere::Url)),
    ("headers", Means::Elsewhere(Elsewhere::Headers)),
    ("description", Means::Description),
    ("envFile", Means::EnvFile),
    ("env_file", Means::EnvFile),
    ("timeout", Means::CallTimeout(Time::Either)),
    ("oauth", Means::Elsewhere(Elsewhere::SignIn)),
    ("auth", Means::Elsewhere(Elsewhere::SignIn)),
    ("allowedTools", Means::Filter(Filter::Allow, Thing::Tools)),
    ("allowed_tools", Means::Filter(Filter::Allow, Thing::Tools)),
    ("enabledTools", Means::Filter(Filter::Allow, Thing::Tools)),
    ("enabled_tools", Means::Filter(Filter::Allow, Thing::Tools)),
    ("includeTools", Means::Filter(Filter::Allow, Thing::Tools)),
    ("excludeTools", Means::Filter(Filter::Deny, Thing::Tools)),
    ("disabledTools", Means::Filter(Filter::Deny, Thing::Tools)),
    ("disabled_tools", Means::Filter(Filter::Deny, Thing::Tools)),
    ("tools", Means::Filter(Filter::Switches, Thing::Tools)),
    ("prompts", Means::Filter(Filter::Switches, Thing::Prompts)),
    (
        "resources",
        Means::Filter(Filter::Switches, Thing::Resources),
    ),
    ("toolFilter", Means::Filter(Filter::Mode, Thing::Tools)),
];
