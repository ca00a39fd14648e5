//! What `mcproxy check` says of profiles: which there are, with what of the servers, and what is shown beside
//! them.

use std::io::{self, Write};

use crate::config::model::{
    NO_PROTECTION, Patterns, Profile, ProfileInstructions, Profiles, WrittenProfiles,
};

/// Says what a gateway that starts with them would show; nothing, where there are none.
pub(super) fn print(written: &WrittenProfiles, out: &mut dyn Write) -> io::Result<()> {
    let mut said = Vec::new();
    let profiles = Profiles::of(written, None, &mut said);
    if !profiles.are_used {
        return Ok(());
    }
    for profile in &profiles.known {
        writeln!(out, "{}", line(profile))?;
    }
    for line in said {
        writeln!(out, "{line}")?;
    }
    writeln!(out, "{}", profiles.shown_without())?;
    writeln!(out, "{NO_PROTECTION}\n")
}

/// `profile 'kids': /p/kids/mcp, some servers, some tools, no instructions`
fn line(profile: &Profile) -> String {
    let name = &profile.name;
    let of = |patterns: &Patterns, what: &str| {
        let amount = if patterns.is_open() { "all" } else { "some" };
        format!("{amount} {what}")
    };
    let mut parts = vec![
        format!("/p/{name}/mcp"),
        of(&profile.servers, "servers"),
        of(&profile.tools, "tools"),
    ];
    if !profile.prompts.is_open() {
        parts.push(of(&profile.prompts, "prompts"));
    }
    if !profile.resources.is_open() {
        parts.push(of(&profile.resources, "resources"));
    }
    match profile.instructions {
        ProfileInstructions::OfServers => {}
        ProfileInstructions::None => parts.push("no instructions".to_owned()),
        ProfileInstructions::Own(_) => parts.push("instructions of its own".to_owned()),
    }
    format!("profile '{name}': {}", parts.join(", "))
}
