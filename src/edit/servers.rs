//! The lists of servers in a configuration of this gateway, in all its shapes.

use jsonc_parser::cst::{CstArray, CstNode, CstObject, CstObjectProp};

use super::{Document, Json, Members};
use crate::config::name::Names;
use crate::ids::ServerName;

const LISTS: [&str; 2] = ["servers", "mcpServers"];

/// One of them.
enum List {
    /// Entries with a `name` in each.
    Named(CstArray),
    /// Entries under their names.
    Keyed(CstObject),
}

/// An entry of the file.
enum Entry {
    Element(CstNode),
    Member(CstObjectProp),
}

impl Document {
    /// Adds a server to the first list, at its end; where there is no list, with one.
    ///
    /// # Errors
    /// The file has another shape.
    pub fn add_server(&self, name: &str, entry: Members) -> Result<(), String> {
        let lists = self.lists();
        let list = match lists.into_iter().next() {
            Some(list) => list,
            None => List::Named(self.new_list()?),
        };
        match list {
            List::Named(list) => {
                let name = ("name".to_owned(), Json::text(name));
                let entry = Json::Object([vec![name], entry].concat());
                list.ensure_multiline();
                list.append((&entry).into());
            }
            List::Keyed(list) => {
                list.append(name, (&Json::Object(entry)).into());
            }
        }
        Ok(())
    }

    /// Removes every entry of the servers that the gateway calls so: as the file is now, for a name that is made may
    /// be another one without the others. Answers how many there were.
    ///
    /// # Errors
    /// The first of `names` that no entry has; nothing is removed then.
    pub fn remove_servers<'n>(&self, names: &'n [String]) -> Result<usize, &'n str> {
        let entries = self.entries();
        let mut made = Names::of_texts(entries.iter().map(|(written, _)| written.as_str()));
        let mut called = |written| {
            let name = ServerName::new(written).ok();
            name.or_else(|| made.make(written, false))
        };
        let entries: Vec<_> = entries
            .iter()
            .map(|(written, entry)| (written, called(written), entry))
            .collect();
        let is_named = |name: &String, (written, called, _): &(&String, Option<ServerName>, _)| {
            *written == name
                || called
                    .as_ref()
                    .is_some_and(|called| called.as_str() == name)
        };
        let is_missing = |name: &&String| !entries.iter().any(|entry| is_named(name, entry));
        if let Some(missing) = names.iter().find(is_missing) {
            return Err(missing);
        }
        let mut removed = 0;
        for entry in &entries {
            if names.iter().any(|name| is_named(name, entry)) {
                removed += 1;
                match entry.2 {
                    Entry::Element(node) => node.clone().remove(),
                    Entry::Member(member) => member.clone().remove(),
                }
            }
        }
        Ok(removed)
    }

    fn lists(&self) -> Vec<List> {
        if let Some(list) = self.root.array_value() {
            return vec![List::Named(list)];
        }
        let members = self.root.object_value().map(|object| object.properties());
        let members = members.into_iter().flatten();
        let lists = members.filter(|member| {
            let name = member.decoded_name().unwrap_or_default();
            LISTS.contains(&name.as_str())
        });
        let list = |member: CstObjectProp| {
            let named = || Some(List::Named(member.array_value()?));
            named().or_else(|| Some(List::Keyed(member.object_value()?)))
        };
        lists.filter_map(list).collect()
    }

    fn new_list(&self) -> Result<CstArray, String> {
        let object = self.root.object_value();
        let list = object.and_then(|object| object.array_value_or_create("servers"));
        list.ok_or_else(|| "the file holds no list of servers, and none can be added".to_owned())
    }

    /// All entries, each by the name that is written for it.
    fn entries(&self) -> Vec<(String, Entry)> {
        let mut entries = Vec::new();
        for list in self.lists() {
            match list {
                List::Named(list) => {
                    entries.extend(list.elements().into_iter().filter_map(|node| {
                        let name = node.as_object()?.get("name")?.value()?;
                        let name = name.as_string_lit()?.decoded_value().ok()?;
                        Some((name, Entry::Element(node)))
                    }));
                }
                List::Keyed(list) => {
                    let members = list.properties().into_iter();
                    let named = |member: CstObjectProp| {
                        Some((member.decoded_name()?, Entry::Member(member)))
                    };
                    entries.extend(members.filter_map(named));
                }
            }
        }
        entries
    }
}
