//! What the file says of profiles, field by field.

use std::collections::HashMap;
use std::sync::Arc;

use jsonc_parser::ast::{Object, Value};
use jsonc_parser::common::Ranged;

use super::super::error::quoted;
use super::super::fields::{self, Use};
use super::super::notes::{At, Finding, Notes};
use super::super::patterns::{self, Patterns};
use super::super::values::{self, Field, Fields};
use super::super::view::{self, Instructions};
use super::{DefaultProfile, Profile, ProfileInstructions, WrittenProfiles};
use crate::ids::ProfileName;

/// As many as there may be: each has a table of its own.
pub(super) const MOST: usize = 256;
/// So many rules they may have together: each is held against all names.
const MOST_RULES: usize = 10_000;

/// The fields of a profile.
pub(in crate::config) const FIELDS: &[(&str, Use)] = &[
    ("servers", Use::Read),
    ("tools", Use::Read),
    ("prompts", Use::Read),
    ("resources", Use::Read),
    ("instructions", Use::Read),
    ("description", Use::Quiet),
    ("//", Use::Quiet),
    ("_comment", Use::Quiet),
    ("comment", Use::Quiet),
];
const KEPT: &str =
    "until then a running gateway keeps the profile as it was, and one that starts answers 404";

const ALL_KEPT: &str =
    "until then a running gateway keeps its profiles as they were, and one that starts answers 404";

/// Where the file speaks of profiles.
#[derive(Default)]
pub(in crate::config) struct InFile<'v> {
    profiles: Option<Field<'v, Value<'v>>>,
    default: Option<Field<'v, Value<'v>>>,
    /// Where `default` is, which is nobody's field.
    bare_default: Option<At>,
    /// Whether one of both is there twice, or misspelt: what is meant cannot be known.
    is_doubtful: bool,
}

impl<'v> InFile<'v> {
    /// Takes a field of the file, if it is about profiles.
    pub(in crate::config) fn take(
        &mut self,
        at: At,
        name: &str,
        value: &'v Value<'v>,
        notes: &mut Notes,
    ) -> bool {
        let place = match name {
            "profiles" => &mut self.profiles,
            "default_profile" => &mut self.default,
            _ => return self.take_slip(at, name, notes),
        };
        if place.is_some() {
            self.is_doubtful = true;
            let finding = Finding::error(at, format!("'{name}' is here twice; neither is used"));
            notes.add(finding.help("make one of the two"));
        } else {
            *place = Some(Field::new(at, value));
        }
        true
    }

    /// Takes a misspelt field: passed over, it would open what the profiles are to keep.
    fn take_slip(&mut self, at: At, name: &str, notes: &mut Notes) -> bool {
        let mut marks = ["//", "/*", "#", ";"].iter();
        if marks.any(|mark| name.starts_with(mark)) || fields::find(fields::FILE, name).is_some() {
            return false;
        }
        let plain = fields::plain(name);
        if plain == "default" {
            self.bare_default = Some(at);
            return false;
        }
        let is_near = |ours: &&str| fields::is_near(&plain, &fields::plain(ours));
        let ours = ["profiles", "default_profile"];
        let Some(meant) = ours.into_iter().find(is_near) else {
            return false;
        };
        self.is_doubtful = true;
        let finding = Finding::error(at, format!("unknown field {}", quoted(name)));
        notes.add(finding.help(format!("did you mean '{meant}'? {ALL_KEPT}")));
        true
    }
}

/// What the fields of the file say. `servers` are the names that can be meant.
pub(in crate::config) fn read(
    profiles: &InFile<'_>,
    servers: &[&str],
    notes: &mut Notes,
) -> WrittenProfiles {
    let mut written = WrittenProfiles {
        is_unreadable: profiles.is_doubtful,
        ..WrittenProfiles::default()
    };
    if let Some(field) = profiles.profiles.as_ref().filter(|_| !profiles.is_doubtful) {
        if let Some(object) = field.value.as_object() {
            written.profiles = Some(all(&field.at, object, servers, notes));
        } else {
            let kind = values::kind(field.value);
            let what = format!("'profiles' must be an object, not {kind}");
            let finding = Finding::error(field.at.clone(), what);
            notes.add(finding.help(r#"write "profiles": {"NAME": {"servers": ["…"]}}"#));
            written.is_unreadable = true;
        }
    }
    if profiles.is_doubtful {
        written.default = DefaultProfile::Closed;
    } else if let Some(field) = &profiles.default {
        written.default = default_profile(field, &written, notes);
    } else if let (Some(at), Some(_)) = (&profiles.bare_default, &profiles.profiles) {
        let finding = Finding::error(at.clone(), "'default' may be meant for a profile");
        notes.add(finding.help(format!("did you mean 'default_profile'? {ALL_KEPT}")));
        written.default = DefaultProfile::Closed;
    }
    written
}

fn all(
    at: &At,
    object: &Object<'_>,
    servers: &[&str],
    notes: &mut Notes,
) -> Vec<(ProfileName, Option<Arc<Profile>>)> {
    let mut read: Vec<(ProfileName, Option<Arc<Profile>>)> = Vec::new();
    let mut places: HashMap<ProfileName, usize> = HashMap::new();
    let mut room = MOST_RULES;
    for prop in &object.properties {
        let written = prop.name.as_str();
        let key = at.key(written, prop.name.start());
        let is_quiet = fields::find(FIELDS, written) == Some(Use::Quiet);
        if ["//", "_comment"].contains(&written) || is_quiet && prop.value.as_object().is_none() {
            continue;
        }
        let name = match ProfileName::new(written) {
            Ok(name) => name,
            Err(why) => {
                let finding =
                    Finding::error(key, format!("{} is no profile: {why}", quoted(written)));
                notes.add(finding.help("it is a part of addresses: /p/NAME/mcp"));
                continue;
            }
        };
        let place = *places.entry(name.clone()).or_insert(read.len());
        if let Some((_, first)) = read.get_mut(place) {
            let what = format!("profile '{name}' is here twice; neither is used");
            notes.add(Finding::error(key, what).help("rename or remove one of the two"));
            *first = None;
            continue;
        }
        if read.len() >= MOST {
            let what = format!("there are more than {MOST} profiles; this one can't be used");
            notes.add(Finding::error(key, what).help(format!("remove others; {KEPT}")));
            read.push((name, None));
            continue;
        }
        let field = Field::new(at.key(written, prop.value.start()), &prop.value);
        let mut found = Notes::default();
        let profile = one(name.clone(), &field, servers, &mut found);
        let rules = profile.as_ref().map_or(0, Profile::rules);
        if rules > room {
            let what = format!(
                "the profiles have more than {MOST_RULES} rules together, with those of '{name}'"
            );
            let help = format!("one with '*' stands for many names; {KEPT}");
            found.add(Finding::error(field.at.clone(), what).help(help));
        } else {
            room -= rules;
        }
        let is_usable = !found.has_errors();
        notes.adopt(found, None);
        read.push((name, profile.filter(|_| is_usable).map(Arc::new)));
    }
    read
}

fn one(
    name: ProfileName,
    field: &Field<'_, Value<'_>>,
    servers: &[&str],
    notes: &mut Notes,
) -> Option<Profile> {
    let Some(fields) = values::fields(field) else {
        let what = format!(
            "profile '{name}' must be an object, not {}",
            values::kind(field.value)
        );
        let help = format!(r#"write {{"servers": ["…"]}}; {KEPT}"#);
        notes.add(Finding::error(field.at.clone(), what).help(help));
        return None;
    };
    values::repeated(fields.object, &fields.at, notes);
    refuse_others(&fields, notes);
    let keeps = |name: &str| ["servers", "tools", "prompts", "resources"].contains(&name);
    values::refuse_nulls(&fields, keeps, notes);
    let listed = fields.get("servers");
    let listed = listed.map(|field| patterns::texts(&field, "servers", notes));
    let chosen = Patterns::new(listed, Vec::new());
    if let Some(field) = fields.get("servers").filter(|_| !notes.has_errors()) {
        for idle in chosen.idle(servers) {
            let rule = quoted(idle.rule);
            let what = format!("profile '{name}': {rule} is none of the servers");
            let finding = Finding::warning(field.at.clone(), what);
            notes.add(match idle.meant {
                Some(meant) => finding.help(format!("did you mean {}?", quoted(&meant))),
                None => finding,
            });
        }
    }
    Some(Profile {
        servers: chosen,
        tools: view::of_lists(&fields, "tools", notes),
        prompts: view::of_lists(&fields, "prompts", notes),
        resources: view::of_lists(&fields, "resources", notes),
        instructions: instructions(&fields, notes),
        name,
    })
}

/// A field that nobody knows may have been meant to keep something out: the profile is not used without.
fn refuse_others(fields: &Fields<'_>, notes: &mut Notes) {
    for prop in &fields.object.properties {
        let name = prop.name.as_str();
        if fields::find(FIELDS, name).is_some() {
            continue;
        }
        let key = fields.at.key(name, prop.name.start());
        let finding = Finding::error(key, format!("unknown field {} in a profile", quoted(name)));
        notes.add(match fields::meant(FIELDS, name) {
            Some(meant) => finding.help(format!("did you mean '{meant}'? {KEPT}")),
            None => finding.help(format!("remove it; {KEPT}")),
        });
    }
}

fn instructions(fields: &Fields<'_>, notes: &mut Notes) -> ProfileInstructions {
    match view::instructions(fields, notes) {
        Instructions::Own => ProfileInstructions::OfServers,
        Instructions::None => ProfileInstructions::None,
        Instructions::Text(text) => ProfileInstructions::Own(text.into()),
    }
}

fn default_profile(
    field: &Field<'_, Value<'_>>,
    written: &WrittenProfiles,
    notes: &mut Notes,
) -> DefaultProfile {
    let Some(text) = values::text(field, "default_profile", notes) else {
        return DefaultProfile::Closed;
    };
    let profiles = || written.profiles.iter().flatten().map(|(name, _)| name);
    if let Some(name) = profiles().find(|name| name.as_str() == text) {
        return DefaultProfile::Named(name.clone());
    }
    let what = format!("'default_profile' is {}, which is no profile", quoted(text));
    let plain = fields::plain(text);
    let near = profiles().find(|name| fields::is_near(&plain, &fields::plain(name.as_str())));
    let help = match near {
        Some(name) => format!("did you mean '{name}'?"),
        None => "name one of 'profiles', or leave it out: then /mcp shows everything".to_owned(),
    };
    notes.add(Finding::error(field.at.clone(), what).help(help));
    DefaultProfile::Closed
}
