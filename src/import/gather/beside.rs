//! What files have beside their servers: rules for tools, endpoints and keys, profiles.

use std::collections::HashMap;

use super::super::entry::json;
use super::super::{Imported, find, metamcp, tools};
use super::{Gathering, Opened};
use crate::config::quoted;

impl Gathering {
    /// Tools that are switched off beside the servers, by the names that the program gives them.
    pub(super) fn rules(&mut self, opened: &Opened<'_>, first: usize, imported: &mut Imported) {
        let Some((path, between)) = opened.program.tool_rules else {
            return;
        };
        let servers = self
            .configuration
            .servers
            .get_mut(first..)
            .unwrap_or_default();
        for rules in find::reached(opened.tree, path) {
            let rules = rules.value.as_object().map(|object| &object.properties);
            let off = rules.into_iter().flatten().filter(|prop| {
                let flag = prop.value.as_boolean_lit();
                flag.is_some_and(|flag| !flag.value)
            });
            for rule in off.map(|prop| prop.name.as_str()) {
                let hits = servers.iter_mut().filter_map(|server| {
                    tools::rule(rule, between, &server.name, &mut server.tools).then_some(())
                });
                if hits.count() == 0 {
                    let what = format!("{} switches off no tool of a server", quoted(rule));
                    imported.notes.push(what);
                }
            }
        }
    }

    /// What MetaMCP's database has beside its servers.
    pub(super) fn beside(
        &mut self,
        opened: &Opened<'_>,
        by_uuid: &HashMap<&str, usize>,
        imported: &mut Imported,
    ) {
        let beside = metamcp::carry(opened.tree, by_uuid, &mut self.configuration.servers);
        for (place, change) in beside.changes {
            let row = self
                .rows
                .get(place)
                .and_then(|row| imported.rows.get_mut(*row));
            if let Some(row) = row {
                row.changes.push(change);
            }
        }
        imported.notes.extend(beside.notes);
        imported.is_lossy |= beside.is_lossy;
        if let [(only, ..)] = &beside.profiles[..] {
            // What /mcp showed nobody before is not to be had there now.
            self.configuration
                .default_profile
                .get_or_insert_with(|| only.clone());
        }
        for (name, profile, from) in beside.profiles {
            if self.configuration.profiles.contains_key(&name) {
                imported.is_lossy = true;
                imported.notes.push(format!(
                    "there are two profiles '{name}'; the first is taken"
                ));
                continue;
            }
            self.origins.insert(name.clone(), from);
            self.configuration.profiles.insert(name, profile);
        }
        self.keys.extend(beside.keys);
    }

    /// What a configuration of this gateway has beside its servers.
    pub(super) fn ours(&mut self, opened: &Opened<'_>, imported: &mut Imported) {
        let root = opened.tree.as_object().filter(|_| opened.program.is_ours());
        let members = root.into_iter().flat_map(|root| &root.properties);
        for prop in members.filter(|prop| !opened.program.servers.contains(&prop.name.as_str())) {
            let name = prop.name.as_str();
            let ours = &mut self.configuration.ours;
            let is_ours = matches!(name, "gateway" | "profiles" | "default_profile" | "$schema");
            if is_ours && !ours.contains_key(name) {
                ours.insert(name.to_owned(), json(&prop.value));
            } else if is_ours {
                let what = format!(
                    "{} is in two of the files; the first is taken",
                    quoted(name)
                );
                imported.is_lossy = true;
                imported.notes.push(what);
            }
        }
    }
}
