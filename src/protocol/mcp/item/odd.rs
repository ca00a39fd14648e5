//! Entries of a list that are not as MCP has them. For one of them clients refuse the whole list, with
//! all that other servers offer, so that each is mended or left out.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::super::super::raw;
use super::super::super::shape::{Class, Fault, Fit, entries};
use super::{Item, Kind};

/// So many entries of a kind are named in the log, and so much of each name.
const NAMED: usize = 3;
const SHOWN: usize = 60;
/// So many entries that are left out of a list are known by their names, and so many faults are told
/// apart. What is beyond that is counted.
const KNOWN: usize = 1_000;
const FAULTS: usize = 100;
/// Of a fault, so much is known of where it is: a server makes names of members as long as it likes.
const LONGEST: usize = 300;

/// Those of one list, by what is wrong with them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Odd {
    left_out: BTreeMap<Fault, Named>,
    /// How many are known by their names.
    known: usize,
    /// Those that are left out for faults that are not told apart any more.
    others: BTreeMap<Class, usize>,
    mended: BTreeMap<&'static str, Named>,
    /// Those whose arguments can't be repeated in headers as they are to be.
    misheaded: Named,
}

/// Some entries: the first of them by their names. Shown, a few are named.
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
                    let named = self.mended.entry(member).or_default();
                    named.add(NAMED, || name(position, text));
                }
                Item::parse(kind, &mended)
            }
            Err(fault) => {
                self.leave_out(fault, position, text);
                return None;
            }
        };
        match &item {
            None => self.leave_out(Fault::empty(kind.key()), position, text),
            Some(item) => {
                if let Some(fault) = item.param_headers().and_then(|headers| headers.fault()) {
                    let named = || format!("{} ({fault})", name(position, text));
                    self.misheaded.add(NAMED, named);
                }
            }
        }
        item
    }

    fn leave_out(&mut self, fault: Fault, position: usize, entry: &str) {
        let room = KNOWN.saturating_sub(self.known);
        if let Some(named) = self.of(fault.cut(LONGEST)) {
            let most = named.names.len() + room.min(1);
            named.add(most, || name(position, entry));
            self.known += room.min(1);
        }
    }

    /// Those with this fault, which is one of too many if there are none: it is counted then.
    fn of(&mut self, fault: Fault) -> Option<&mut Named> {
        if self.left_out.len() >= FAULTS && !self.left_out.contains_key(&fault) {
            *self.others.entry(fault.class).or_default() += 1;
            return None;
        }
        Some(self.left_out.entry(fault).or_default())
    }

    /// Takes those of the next page in.
    pub fn add(&mut self, page: Self) {
        for (fault, named) in page.left_out {
            let room = KNOWN.saturating_sub(self.known);
            let (class, count) = (fault.class, named.count);
            match self.of(fault) {
                Some(ours) => self.known += ours.join(named, room),
                None => *self.others.entry(class).or_default() += count.saturating_sub(1),
            }
        }
        for (class, count) in page.others {
            *self.others.entry(class).or_default() += count;
        }
        let room = NAMED.saturating_sub(self.misheaded.names.len());
        self.misheaded.join(page.misheaded, room);
        for (member, named) in page.mended {
            let ours = self.mended.entry(member).or_default();
            let room = NAMED.saturating_sub(ours.names.len());
            ours.join(named, room);
        }
    }

    /// Those that are left out, by why.
    pub fn left_out(&self) -> impl Iterator<Item = (&Fault, &Named)> {
        self.left_out.iter()
    }

    /// How many are left out beside those, for faults that are not told apart.
    #[must_use]
    pub fn others(&self) -> usize {
        self.others.values().sum()
    }

    /// Those that are passed on without a member that is `null`, by the member.
    pub fn mended(&self) -> impl Iterator<Item = (&'static str, &Named)> {
        self.mended.iter().map(|(member, named)| (*member, named))
    }

    /// Tools with annotations for headers that are none, if there are any.
    #[must_use]
    pub fn misheaded(&self) -> Option<&Named> {
        Some(&self.misheaded).filter(|named| named.count > 0)
    }

    /// How many are left out for faults of this class.
    #[must_use]
    pub fn count(&self, class: Class) -> usize {
        let of_class = self
            .left_out
            .iter()
            .filter(|(fault, _)| fault.class == class);
        let told_apart: usize = of_class.map(|(_, named)| named.count).sum();
        told_apart + self.others.get(&class).copied().unwrap_or_default()
    }
}

impl Named {
    /// Counts one, and knows it by its name if there are not `most` of those.
    fn add(&mut self, most: usize, name: impl FnOnce() -> String) {
        self.count += 1;
        if self.names.len() < most {
            self.names.push(name());
        }
    }

    /// Takes others in, as many by their names as there is `room`. Says how many those were.
    fn join(&mut self, other: Self, room: usize) -> usize {
        self.count += other.count;
        let before = self.names.len();
        self.names.extend(other.names.into_iter().take(room));
        self.names.len() - before
    }

    /// Whether a line of the log does not name them all.
    #[must_use]
    pub fn is_long(&self) -> bool {
        self.count > NAMED
    }
}

impl std::fmt::Display for Named {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let shown = self.names.get(..NAMED).unwrap_or(&self.names);
        f.write_str(&shown.join(", "))?;
        match self.count.saturating_sub(shown.len()) {
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
