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

    /// Removes every entry of the server that the gateway calls `name`. Answers how many there were.
    #[must_use]
    pub fn remove_server(&self, name: &str) -> usize {
        let entries = self.entries();
        let mut names = Names::of_texts(entries.iter().map(|(written, _)| written.as_str()));
        let mut removed = 0;
        for (written, entry) in &entries {
            let called = ServerName::new(written).ok();
            let called = called.or_else(|| names.make(written, false));
            if written == name || called.is_some_and(|called| called.as_str() == name) {
                removed += 1;
                match entry {
                    Entry::Element(node) => node.clone().remove(),
                    Entry::Member(member) => member.clone().remove(),
                }
            }
        }
        removed
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
