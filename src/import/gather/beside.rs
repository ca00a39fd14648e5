//! What files have beside their servers: rules for tools, endpoints and keys, profiles.

use std::collections::{BTreeSet, HashMap};

use super::super::denials::Denied;
use super::super::entry::json;
use super::super::rules::Rules;
use super::super::{Imported, find, metamcp};
use super::{Gathering, Opened};
use crate::config::quoted;

impl Gathering<'_> {
    /// Tools that are switched off beside the servers, by the names that the program gives them.
    pub(super) fn rules(&mut self, opened: &Opened<'_>, rules: &Rules, imported: &mut Imported) {
        let Some((path, between)) = opened.program.tool_rules else {
            return;
        };
        for written in find::reached(opened.tree, path) {
            let written = written.value.as_object().map(|object| &object.properties);
            let off = written.into_iter().flatten().filter(|prop| {
                let flag = prop.value.as_boolean_lit();
                flag.is_some_and(|flag| !flag.value)
            });
            let off: BTreeSet<&str> = off.map(|prop| prop.name.as_str()).collect();
            for rule in off {
                let found = rules.find(rule, between);
                if found.is_empty() {
                    let what = format!("{} switches off no tool of a server", quoted(rule));
                    imported.notes.push(what);
                }
                self.hide(found.into_iter());
            }
        }
    }

    /// What the program keeps from its own models.
    pub(super) fn deny(&mut self, denied: Denied<'_>, imported: &mut Imported) {
        self.hide(denied.tools.iter().copied());
        let places: BTreeSet<usize> = denied.tools.iter().map(|(place, _)| *place).collect();
        for place in places {
            let what = "the tools that its program denies are hidden from every client";
            self.change(place, what.to_owned(), imported);
        }
        imported.is_lossy |= !denied.said.is_empty();
        imported.notes.extend(denied.said);
    }

    fn hide<'t>(&mut self, tools: impl Iterator<Item = (usize, &'t str)>) {
        for (place, tool) in tools {
            if let Some(server) = self.configuration.servers.get_mut(place) {
                server.tools.hide(tool);
            }
        }
    }

    /// Says of a server what is not as it was.
    fn change(&self, place: usize, change: String, imported: &mut Imported) {
        let row = self.rows.get(place);
        if let Some(row) = row.and_then(|row| imported.rows.get_mut(*row)) {
            row.changes.push(change);
        }
    }

    /// What MetaMCP's database has beside its servers. The first `known` are of other files.
    pub(super) fn beside(
        &mut self,
        opened: &Opened<'_>,
        (by_uuid, known): (&HashMap<&str, usize>, usize),
        imported: &mut Imported,
    ) {
        let beside = metamcp::carry(
            opened.tree,
            (by_uuid, known),
            &mut self.configuration.servers,
        );
        for (place, change) in beside.changes {
            self.change(place, change, imported);
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
                let mut value = json(&prop.value);
                let gateway = value.as_object_mut().filter(|_| name == "gateway");
                let said = gateway.and_then(|gateway| opened.start.env_file(gateway));
                ours.insert(name.to_owned(), value);
                imported.notes.extend(said);
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
