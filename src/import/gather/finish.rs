//! What is written in the end.

use std::collections::BTreeMap;
use std::path::Path;

use super::super::pretty::pretty;
use super::super::secrets::Secrets;
use super::super::server::{Profile, Server};
use super::super::{Fate, Hiding, Imported, Plan, ProfileRow};
use super::Gathering;

impl Gathering {
    /// Moves secrets, and writes all of it.
    pub(super) fn finish(mut self, plan: &Plan, imported: &mut Imported) {
        let before = serde_json::to_string(&self.configuration).unwrap_or_default();
        let mut secrets = Secrets::new(&plan.variables, &before);
        let stay = matches!(plan.hiding, Hiding::No);
        for (place, server) in self.configuration.servers.iter_mut().enumerate() {
            let moved = if stay {
                secrets.take(&mut server.clone());
                Vec::new()
            } else {
                secrets.take(server)
            };
            let row = self.rows.get(place);
            if let Some(row) = row.and_then(|row| imported.rows.get_mut(*row)) {
                row.changes.extend(moved);
                row.fate = fate(server);
            }
        }
        let has_moved = secrets.uses_known || !secrets.variables.is_empty();
        if stay {
            imported.written_out = secrets.variables.len();
        } else {
            imported.secrets = secrets.variables;
        }
        if let Hiding::InFile(path) = &plan.hiding
            && has_moved
        {
            self.name_env_file(path, plan.folder.as_deref(), imported);
        }
        for key in &self.keys {
            imported.token_file += &key.line();
            imported.tokens += 1;
        }
        for (name, profile) in self.join_profiles(imported) {
            imported.profiles.push(ProfileRow {
                from: self.origins.get(&name).cloned().unwrap_or_default(),
                name,
                servers: profile.servers,
                hidden: profile.tools.deny.into_iter().collect(),
            });
        }
        imported.text = pretty(&self.configuration).unwrap_or_default();
    }

    /// Has the gateway read the secrets from the file that they are written to.
    fn name_env_file(&mut self, path: &str, folder: Option<&Path>, imported: &mut Imported) {
        let empty = || serde_json::Value::Object(serde_json::Map::new());
        let ours = &mut self.configuration.ours;
        let gateway = ours.entry("gateway").or_insert_with(empty);
        let named = ["env_file", "envFile"].map(|name| gateway.get(name).cloned());
        let named: Vec<_> = named.into_iter().flatten().collect();
        let folder = folder.unwrap_or(Path::new(""));
        let is_it = |named: &serde_json::Value| {
            let named = named.as_str().map(|named| folder.join(named));
            named.is_some_and(|named| named == folder.join(path))
        };
        imported.names_env_file = named.is_empty() || named.iter().any(is_it);
        match gateway.as_object_mut() {
            Some(gateway) if named.is_empty() => {
                gateway.insert("env_file".to_owned(), path.into());
            }
            Some(_) if imported.names_env_file => {}
            Some(_) | None => {
                imported.names_env_file = false;
                imported.notes.push(
                    "the configuration names a file of variables already: put the new ones into it"
                        .to_owned(),
                );
            }
        }
    }

    /// A configuration of ours may have profiles too: those stay as they are, beside the others. Answers
    /// the others.
    fn join_profiles(&mut self, imported: &mut Imported) -> BTreeMap<String, Profile> {
        let mut others = self.configuration.profiles.clone();
        if self.configuration.ours.contains_key("default_profile") {
            self.configuration.default_profile = None;
        }
        let ours = self.configuration.ours.get_mut("profiles");
        let Some(ours) = ours.and_then(serde_json::Value::as_object_mut) else {
            return others;
        };
        self.configuration.profiles.clear();
        others.retain(|name, profile| {
            if ours.contains_key(name) {
                imported.is_lossy = true;
                imported.notes.push(format!(
                    "there are two profiles '{name}'; the first is taken"
                ));
                return false;
            }
            let value = serde_json::to_value(profile).unwrap_or_default();
            ours.insert(name.clone(), value);
            true
        });
        others
    }
}

fn fate(server: &Server) -> Fate {
    if server.is_on() { Fate::On } else { Fate::Off }
}
