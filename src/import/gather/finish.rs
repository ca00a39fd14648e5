//! What is written in the end.

use super::super::pretty::pretty;
use super::super::secrets::Secrets;
use super::super::server::Server;
use super::super::{Fate, Hiding, Imported, ProfileRow};
use super::Gathering;

impl Gathering {
    /// Moves secrets, and writes all of it.
    pub(super) fn finish(mut self, hiding: &Hiding, imported: &mut Imported) {
        let moves_secrets = !matches!(hiding, Hiding::No);
        let mut secrets = Secrets::default();
        for (place, server) in self.configuration.servers.iter_mut().enumerate() {
            let row = self
                .rows
                .get(place)
                .and_then(|row| imported.rows.get_mut(*row));
            if moves_secrets {
                let moved = secrets.take(server);
                if let Some(row) = row {
                    row.changes.extend(moved);
                    row.fate = fate(server);
                }
            } else {
                imported.written_out += Secrets::default().take(&mut server.clone()).len();
                if let Some(row) = row {
                    row.fate = fate(server);
                }
            }
        }
        imported.secrets = secrets.variables;
        if let Hiding::InFile(path) = hiding
            && !imported.secrets.is_empty()
        {
            self.name_env_file(path, imported);
        }
        for key in &self.keys {
            imported.token_file += &key.line();
            imported.tokens += 1;
        }
        self.join_profiles(imported);
        for (name, profile) in &self.configuration.profiles {
            imported.profiles.push(ProfileRow {
                name: name.clone(),
                from: self.origins.get(name).cloned().unwrap_or_default(),
                servers: profile.servers.clone(),
                hidden: profile.tools.deny.iter().cloned().collect(),
            });
        }
        imported.text = pretty(&self.configuration).unwrap_or_default();
    }

    /// Has the gateway read the secrets from the file that they are written to.
    fn name_env_file(&mut self, path: &str, imported: &mut Imported) {
        let empty = || serde_json::Value::Object(serde_json::Map::new());
        let ours = &mut self.configuration.ours;
        let gateway = ours.entry("gateway").or_insert_with(empty);
        match gateway.as_object_mut() {
            Some(gateway) if !gateway.contains_key("env_file") => {
                gateway.insert("env_file".to_owned(), path.into());
            }
            Some(_) | None => imported.notes.push(
                "the configuration names a file of variables already: put the new ones into it"
                    .to_owned(),
            ),
        }
    }

    /// A configuration of ours may have profiles too: those stay as they are, beside the others.
    fn join_profiles(&mut self, imported: &mut Imported) {
        if self.configuration.profiles.is_empty() {
            return;
        }
        if self.configuration.ours.contains_key("default_profile") {
            self.configuration.default_profile = None;
        }
        let Some(serde_json::Value::Object(ours)) = self.configuration.ours.get_mut("profiles")
        else {
            return;
        };
        for (name, profile) in std::mem::take(&mut self.configuration.profiles) {
            if ours.contains_key(&name) {
                imported.is_lossy = true;
                imported.notes.push(format!(
                    "there are two profiles '{name}'; the first is taken"
                ));
            } else if let Ok(profile) = serde_json::to_value(profile) {
                ours.insert(name, profile);
            }
        }
    }
}

fn fate(server: &Server) -> Fate {
    if server.is_on() { Fate::On } else { Fate::Off }
}
