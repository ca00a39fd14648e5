//! What is written in the end.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::super::metamcp;
use super::super::pretty::pretty;
use super::super::secrets::Secrets;
use super::super::server::{Profile, Server};
use super::super::{Fate, Hiding, Imported, Plan, ProfileRow};
use super::Gathering;
use super::env_file::EnvFile;

impl Gathering<'_> {
    /// Moves secrets, and writes all of it.
    pub(super) fn finish(mut self, plan: &Plan, imported: &mut Imported) {
        let before = serde_json::to_string(&self.configuration).unwrap_or_default();
        let mut secrets = Secrets::new(&plan.variables, &before);
        let mut users = Vec::new();
        let stay = matches!(plan.hiding, Hiding::No);
        for (place, server) in self.configuration.servers.iter_mut().enumerate() {
            let moved = if stay {
                secrets.take(&mut server.clone());
                Vec::new()
            } else {
                secrets.take(server)
            };
            if !moved.is_empty() {
                users.push(place);
            }
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
            let file = EnvFile::of(path, plan.folder.as_deref());
            self.name_env_file(&file, &users, imported);
        }
        let (lines, different) = metamcp::lines(&self.keys, &plan.tokens);
        imported.token_file = lines;
        imported.tokens = self.keys.len();
        if !different.is_empty() {
            imported.is_lossy = true;
            let names = different.join(", ");
            imported.notes.push(format!(
                "keys that are there already, for other endpoints, are left out: {names}"
            ));
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

    /// Has the gateway read the secrets from the file that they are written to: for all servers, or, where
    /// it has another file for all, for those that use them.
    fn name_env_file(&mut self, file: &EnvFile<'_>, users: &[usize], imported: &mut Imported) {
        let ours = &mut self.configuration.ours;
        let gateway = ours.entry("gateway").or_insert_with(|| Map::new().into());
        if gateway
            .as_object_mut()
            .is_some_and(|gateway| file.is_named_in(gateway))
        {
            imported.names_env_file = true;
            return;
        }
        let servers = self.configuration.servers.iter_mut().enumerate();
        let servers = servers.filter(|(place, _)| users.binary_search(place).is_ok());
        let without = servers.filter_map(|(_, server)| {
            let is_named = file.is_named_in(&mut server.ours);
            (!is_named).then_some(&*server.name)
        });
        let without: Vec<&str> = without.collect();
        imported.names_env_file = without.is_empty();
        if !without.is_empty() {
            imported.is_lossy = true;
            let what = "have env_files of their own: put the new variables there";
            let names = without.join(", ");
            imported.notes.push(format!("servers that {what}: {names}"));
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
        let Some(ours) = ours.and_then(Value::as_object_mut) else {
            return others;
        };
        self.configuration.profiles.clear();
        others.retain(|name, profile| {
            let value = serde_json::to_value(profile).unwrap_or_default();
            if let Some(there) = ours.get(name) {
                if *there == value {
                    return false;
                }
                imported.is_lossy = true;
                imported.notes.push(format!(
                    "there are two profiles '{name}'; the first is taken"
                ));
                return false;
            }
            ours.insert(name.clone(), value);
            true
        });
        others
    }
}

fn fate(server: &Server) -> Fate {
    if server.is_on() { Fate::On } else { Fate::Off }
}
