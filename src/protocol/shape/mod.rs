//! What the schema of MCP demands of what servers say, as far down as the official SDKs look: a client
//! refuses a whole list for one entry of another shape, and an answer of another shape leaves its
//! call without an end. A right text is read once and stays as it is; members that are `null` where
//! they may be absent are taken out; of anything else a [`Fault`] says what is wrong and where.
//!
//! [`entries`] and [`answers`] hold the shapes, `walk` compares with them. What the schema leaves
//! free (schemas of arguments, `_meta`, structured content) is not looked into, but for schemas that
//! clients compile when they list tools.

pub mod answers;
pub mod entries;
mod formats;
pub mod halves;
mod pattern;
mod readers;
mod schema;
#[cfg(test)]
mod tests;
mod walk;

use std::borrow::Cow;
use std::fmt;

use bytes::Bytes;

/// What a value must be.
#[derive(Debug, Clone, Copy)]
enum Shape {
    /// A string.
    Text,
    /// A string that is a URI.
    Uri,
    /// A string that is a time.
    Time,
    Bool,
    /// A number without a fraction that a double holds exactly.
    Integer,
    /// A number from 0 to 1.
    Share,
    /// A string or a whole number.
    Token,
    /// One of these strings.
    OneOf(&'static [&'static str]),
    /// An object, whatever is in it.
    Free,
    /// An object with such values, whatever they are called.
    Each(&'static Shape),
    List(&'static Shape),
    Object(&'static Form),
    /// The same, a schema that clients compile.
    Compiled(&'static Form),
    /// An object whose member `type` says which of these it is.
    Kinds(&'static [(&'static str, Form)]),
}

/// The members of an object that the schema knows. Others may be there.
#[derive(Debug, Clone, Copy)]
struct Form {
    members: &'static [Member],
    /// Of these one must be there.
    one_of: &'static [&'static str],
}

#[derive(Debug, Clone, Copy)]
struct Member {
    name: &'static str,
    shape: Shape,
    need: Need,
}

/// What it means if a member is not there, or is `null`, which is how some languages say so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Need {
    /// Nothing is wrong.
    Optional,
    /// It is missing.
    Required,
    /// A list: `null` is an empty one, as Go writes it.
    Listed,
    /// A list: it is an empty one, unless the object says something else in its place.
    Filled,
}

const fn may(name: &'static str, shape: Shape) -> Member {
    let need = Need::Optional;
    Member { name, shape, need }
}

const fn must(name: &'static str, shape: Shape) -> Member {
    let need = Need::Required;
    Member { name, shape, need }
}

const fn form(members: &'static [Member]) -> Form {
    let one_of = &[];
    Form { members, one_of }
}

/// What is wrong, and where.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fault {
    /// For a count of those that are alike.
    pub class: Class,
    path: String,
    wanted: Cow<'static, str>,
}

/// The kinds of faults.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// A member that must be there is not.
    Missing,
    /// A value is not what it must be.
    Wrong,
    /// A member is there twice: readers disagree about which of them counts.
    Repeated,
    /// Some readers refuse such a text whatever it says.
    Unreadable,
}

impl Class {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Missing, Self::Wrong, Self::Repeated, Self::Unreadable];

    /// In one word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Wrong => "wrong",
            Self::Repeated => "repeated",
            Self::Unreadable => "unreadable",
        }
    }
}

impl Fault {
    fn missing(path: impl Into<String>) -> Self {
        Self::new(Class::Missing, path, "is missing")
    }

    /// A text says nothing that must say something.
    #[must_use]
    pub fn empty(path: &str) -> Self {
        Self::new(Class::Wrong, path, "must not be empty")
    }

    fn repeated(path: &str) -> Self {
        Self::new(Class::Repeated, path, "appears more than once")
    }

    fn new(class: Class, path: impl Into<String>, wanted: impl Into<Cow<'static, str>>) -> Self {
        Self {
            class,
            path: path.into(),
            wanted: wanted.into(),
        }
    }

    /// The same with so much, in bytes, of where it is.
    #[must_use]
    pub fn cut(mut self, longest: usize) -> Self {
        if self.path.len() > longest {
            let mut end = longest;
            while !self.path.is_char_boundary(end) {
                end -= 1;
            }
            self.path.truncate(end);
            self.path.push('…');
        }
        self
    }

    /// The same seen from what it is in.
    fn within(mut self, outer: &str) -> Self {
        let dot = if outer.is_empty() || self.path.is_empty() || self.path.starts_with('[') {
            ""
        } else {
            "."
        };
        self.path.insert_str(0, dot);
        self.path.insert_str(0, outer);
        self
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_empty() {
            write!(f, "it {}", self.wanted)
        } else {
            write!(f, "'{}' {}", self.path, self.wanted)
        }
    }
}

/// A text that can be passed on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fit {
    /// As it is.
    Right,
    /// Without some of its members, or with an empty list for one; they are named, the first of them.
    Mended {
        /// What is passed on.
        text: Bytes,
        /// The members.
        members: Vec<&'static str>,
    },
}
