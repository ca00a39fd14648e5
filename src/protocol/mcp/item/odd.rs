//! Entries of a list that are not as MCP has them. For one of them clients refuse the whole list, with
//! all that other servers offer, so that each is mended or left out.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::super::super::raw;
use super::super::super::shape::{Class, Fault, Fit, entries};
use super::{Item, Kind};

/// So many entries of a kind are named, and so much of each name.
const NAMED: usize = 3;
const SHOWN: usize = 60;

/// Those of one list, by what is wrong with them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Odd {
    left_out: BTreeMap<Fault, Named>,
    mended: BTreeMap<&'static str, Named>,
}

/// Some entries: the first of them by their names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Named {
    /// What they are called, fit for a log line.
    pub names: Vec<String>,
    /// How many there are.
    pub count: usize,
}

impl Odd {
    /// Takes the entry at `position`. `None`: it is left out.
    pub(super) fn take(&mut self, kind: Kind, position: usize, entry: &Bytes) -> Option<Item> {
        let text = std::str::from_utf8(entry).unwrap_or_default();
        let item = match entries::check(kind, text) {
            Ok(Fit::Right) => Item::parse(kind, entry),
            Ok(Fit::Mended {
                text: mended,
                members,
            }) => {
                for member in members {
                    self.mended.entry(member).or_default().add(position, text);
                }
                Item::parse(kind, &mended)
            }
            Err(fault) => {
                self.left_out.entry(fault).or_default().add(position, text);
                return None;
            }
        };
        if item.is_none() {
            let fault = Fault::empty(kind.key());
            self.left_out.entry(fault).or_default().add(position, text);
        }
        item
    }

    /// Takes those of the next page in.
    pub fn add(&mut self, page: Self) {
        for (fault, named) in page.left_out {
            self.left_out.entry(fault).or_default().join(named);
        }
        for (member, named) in page.mended {
            self.mended.entry(member).or_default().join(named);
        }
    }

    /// Those that are left out, by why.
    pub fn left_out(&self) -> impl Iterator<Item = (&Fault, &Named)> {
        self.left_out.iter()
    }

    /// Those that are passed on without a member that is `null`, by the member.
    pub fn mended(&self) -> impl Iterator<Item = (&'static str, &Named)> {
        self.mended.iter().map(|(member, named)| (*member, named))
    }

    /// How many are left out for faults of this class.
    #[must_use]
    pub fn count(&self, class: Class) -> usize {
        let of_class = self
            .left_out
            .iter()
            .filter(|(fault, _)| fault.class == class);
        of_class.map(|(_, named)| named.count).sum()
    }
}

impl Named {
    fn add(&mut self, position: usize, entry: &str) {
        self.count += 1;
        if self.names.len() < NAMED {
            self.names.push(name(position, entry));
        }
    }

    fn join(&mut self, other: Self) {
        self.count += other.count;
        let room = NAMED.saturating_sub(self.names.len());
        self.names.extend(other.names.into_iter().take(room));
    }
}

impl std::fmt::Display for Named {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.names.join(", "))?;
        match self.count.saturating_sub(self.names.len()) {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        }
    }
}

/// What an entry is called, or where it stands.
fn name(position: usize, entry: &str) -> String {
    let [name, uri, template] = raw::members(Some(entry), ["name", "uri", "uriTemplate"]);
    let mut said = [name, uri, template].into_iter().flatten();
    let said = said.find_map(raw::string).filter(|said| !said.is_empty());
    let Some(said) = said else {
        return format!("the one at position {}", position + 1);
    };
    let shown: String = said
        .chars()
        .take(SHOWN)
        .flat_map(char::escape_debug)
        .collect();
    let more = if said.chars().nth(SHOWN).is_some() {
        "…"
    } else {
        ""
    };
    format!("'{shown}{more}'")
}
