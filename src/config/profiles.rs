//! `profiles` and `default_profile` of the file: which servers and which of their names are shown at
//! addresses of their own. What is wrong closes its profile and no other: it is never shown more than it
//! says.

mod reading;

use std::sync::Arc;

#[cfg(test)]
pub(super) use self::reading::FIELDS;
use self::reading::MOST;
pub(super) use self::reading::{InFile, read};
use super::patterns::Patterns;
use crate::ids::ProfileName;

/// What one client may be shown of all that is offered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// Its name.
    pub name: ProfileName,
    /// Its servers, by their names.
    pub servers: Patterns,
    /// Its tools, by the names that clients see.
    pub tools: Patterns,
    /// Its prompts, by the same.
    pub prompts: Patterns,
    /// Its resources and templates, by their URIs and texts: as their servers have them, or qualified by
    /// a server's name.
    pub resources: Patterns,
    /// What clients are told about all of it.
    pub instructions: ProfileInstructions,
}

impl Profile {
    /// How many rules it has.
    fn rules(&self) -> usize {
        let all = [&self.servers, &self.tools, &self.prompts, &self.resources];
        all.map(Patterns::len).iter().sum()
    }
}

/// What clients of a profile are told when they begin.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum ProfileInstructions {
    /// What its servers say.
    #[default]
    OfServers,
    /// Nothing.
    None,
    /// This.
    Own(Arc<str>),
}

/// What addresses without a profile show.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum DefaultProfile {
    /// Everything.
    #[default]
    Everything,
    /// What this profile shows.
    Named(ProfileName),
    /// Nothing: what the file says of it can't be used.
    Closed,
}

/// What a file says of profiles.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WrittenProfiles {
    /// Those whose names can be read; `None` for one that is wrong otherwise. Not there at all if the
    /// file does not speak of profiles.
    pub profiles: Option<Vec<(ProfileName, Option<Arc<Profile>>)>>,
    /// Whether there may be others, since they can't be read.
    pub is_unreadable: bool,
    /// The one for addresses without a profile.
    pub default: DefaultProfile,
}

/// The profiles that hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Profiles {
    /// Whether there is a list of them. Then no other name is one.
    pub are_used: bool,
    /// Those that can be used, in the order of the file.
    pub known: Vec<Arc<Profile>>,
    /// The one for addresses without a profile.
    pub default: DefaultProfile,
}

impl Profiles {
    /// What holds when the file says `written` and this held `before`. What can't be used stays what it
    /// was, or is not shown if it was nothing; each is said in `said`.
    #[must_use]
    pub fn of(written: &WrittenProfiles, before: Option<&Self>, said: &mut Vec<String>) -> Self {
        let mut known = Vec::new();
        for (name, profile) in written.profiles.iter().flatten() {
            let profile = profile.clone().or_else(|| {
                let before = before.and_then(|before| before.find(name.as_str()));
                let before = before.filter(|_| known.len() < 2 * MOST);
                said.push(match before {
                    Some(_) => format!("Profile '{name}' can't be used and stays as it was"),
                    None => format!("Profile '{name}' can't be used: its addresses answer 404"),
                });
                before.cloned()
            });
            known.extend(profile);
        }
        if written.is_unreadable {
            let (stay, answer) = (
                "stay as they were",
                "are closed: their addresses answer 404",
            );
            let holds = before.map_or(answer, |_| stay);
            said.push(format!("The profiles can't be read and {holds}"));
            known = before.map_or_else(Vec::new, |before| before.known.clone());
        }
        let default = match (&written.default, before) {
            (DefaultProfile::Closed, Some(before)) => {
                let shown = before.shown_without();
                said.push(format!(
                    "'default_profile' can't be used: {shown}, as before"
                ));
                before.default.clone()
            }
            (default, _) => default.clone(),
        };
        let are_used = written.profiles.is_some() || written.is_unreadable;
        Self {
            are_used: are_used || default != DefaultProfile::Everything,
            known,
            default,
        }
    }

    /// The profile called `name`.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&Arc<Profile>> {
        let mut known = self.known.iter();
        known.find(|profile| profile.name.as_str() == name)
    }

    /// What addresses without a profile show, for people.
    #[must_use]
    pub fn shown_without(&self) -> String {
        match &self.default {
            DefaultProfile::Everything => {
                "/mcp and /sse show everything (no 'default_profile')".to_owned()
            }
            DefaultProfile::Named(name) => format!("/mcp and /sse show profile '{name}'"),
            DefaultProfile::Closed => "/mcp and /sse answer 404".to_owned(),
        }
    }
}

/// Who is kept from what by profiles alone.
pub const NO_PROTECTION: &str = "Profiles without tokens are a convenience and no protection: whoever reaches the port can use each of them. \
     Pin tokens to them in the token file: 'TOKEN name=anna profile=kids'";
