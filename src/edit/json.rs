//! A value that is written, its members in the order that they are given in.

use std::fmt;

use jsonc_parser::ast::Value;
use jsonc_parser::cst::CstInputValue;
use jsonc_parser::{CollectOptions, parse_to_ast};

use super::Members;
use crate::config::source::STRICT;

/// What is put into a file, or shown to be put there by hand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Json {
    /// A text.
    Text(String),
    /// Some of them.
    List(Vec<Json>),
    /// An object.
    Object(Members),
}

impl Json {
    /// An object.
    pub fn object<'n>(members: impl IntoIterator<Item = (&'n str, Self)>) -> Self {
        let members = members.into_iter();
        Self::Object(
            members
                .map(|(name, value)| (name.to_owned(), value))
                .collect(),
        )
    }

    /// A text.
    #[must_use]
    pub fn text(text: &str) -> Self {
        Self::Text(text.to_owned())
    }

    /// A list of texts.
    #[must_use]
    pub fn list(texts: &[String]) -> Self {
        Self::List(texts.iter().map(|text| Self::text(text)).collect())
    }

    /// Whether this text is the same value, comments and commas apart.
    pub(super) fn is_written_as(&self, text: &str) -> bool {
        let read = parse_to_ast(text, &CollectOptions::default(), &STRICT);
        let value = read.ok().and_then(|read| read.value);
        value.is_some_and(|value| self.is(&value))
    }

    fn is(&self, value: &Value<'_>) -> bool {
        match (self, value) {
            (Self::Text(text), Value::StringLit(other)) => *text == other.value,
            (Self::List(items), Value::Array(others)) => {
                let mut pairs = items.iter().zip(&others.elements);
                items.len() == others.elements.len() && pairs.all(|(item, other)| item.is(other))
            }
            (Self::Object(members), Value::Object(others)) => {
                let is_there = |(name, value): &(String, Self)| {
                    let other = others.get(name);
                    other.is_some_and(|other| value.is(&other.value))
                };
                members.len() == others.properties.len() && members.iter().all(is_there)
            }
            (Self::Text(_) | Self::List(_) | Self::Object(_), _) => false,
        }
    }
}

/// On one line, as in the documents.
impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let quoted = |text: &String| serde_json::to_string(text).map_err(|_| fmt::Error);
        match self {
            Self::Text(text) => f.write_str(&quoted(text)?),
            Self::List(items) => {
                let items: Vec<String> = items.iter().map(ToString::to_string).collect();
                write!(f, "[{}]", items.join(", "))
            }
            Self::Object(members) if members.is_empty() => f.write_str("{}"),
            Self::Object(members) => {
                let mut separator = "{ ";
                for (name, value) in members {
                    write!(f, "{separator}{}: {value}", quoted(name)?)?;
                    separator = ", ";
                }
                f.write_str(" }")
            }
        }
    }
}

impl From<&Json> for CstInputValue {
    fn from(value: &Json) -> Self {
        match value {
            Json::Text(text) => Self::String(text.clone()),
            Json::List(items) => Self::Array(items.iter().map(Into::into).collect()),
            Json::Object(members) => {
                let members = members.iter();
                Self::Object(
                    members
                        .map(|(name, value)| (name.clone(), value.into()))
                        .collect(),
                )
            }
        }
    }
}
