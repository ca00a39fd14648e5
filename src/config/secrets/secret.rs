//! A text of an entry that may be a secret: in pieces where some of it is in files.

use std::fmt;
use std::path::PathBuf;

use super::{FileError, FileRef, Variables};

/// A value that may be a secret: it is passed on to its server and never printed.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret(Vec<Piece>);

/// A part of it.
#[derive(Clone, PartialEq, Eq)]
pub(in crate::config) enum Piece {
    /// As it stands.
    Text(String),
    /// What is in a file.
    File(FileRef),
    /// A variable that a file of variables may set.
    Variable {
        name: String,
        /// What it is if none does: the gateway's own, the default, or the reference as it is written.
        otherwise: String,
        /// Whether that is the reference as it is written.
        is_unset: bool,
        /// Whether `otherwise` stands for an empty one too.
        has_default: bool,
    },
}

impl Secret {
    /// Wraps a value.
    #[must_use]
    pub fn new(value: String) -> Self {
        Self(vec![Piece::Text(value)])
    }

    /// The same with `text` before it.
    pub(in crate::config) fn after(self, text: &str) -> Self {
        let mut secret = Self::new(text.to_owned());
        self.0.into_iter().for_each(|piece| secret.push(piece));
        secret
    }

    /// Whether all of it is known before a file is read.
    pub(in crate::config) fn is_known(&self) -> bool {
        self.0.iter().all(|piece| matches!(piece, Piece::Text(_)))
    }

    pub(in crate::config) fn push(&mut self, piece: Piece) {
        match (self.0.last_mut(), piece) {
            (Some(Piece::Text(text)), Piece::Text(more)) => text.push_str(&more),
            (_, piece) => self.0.push(piece),
        }
    }

    /// The value as far as it is known before a file is read; the rest as it is written.
    #[must_use]
    pub fn expose(&self) -> String {
        let pieces = self.0.iter().map(|piece| match piece {
            Piece::Text(text) => text.clone(),
            Piece::File(file) => file.to_string(),
            Piece::Variable { otherwise, .. } => otherwise.clone(),
        });
        pieces.collect()
    }

    /// The files it has something from.
    pub fn files(&self) -> impl Iterator<Item = &FileRef> {
        self.0.iter().filter_map(|piece| match piece {
            Piece::File(file) => Some(file),
            Piece::Text(_) | Piece::Variable { .. } => None,
        })
    }

    /// The variables in it that are not set if a file of variables does not set them.
    pub fn unset(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|piece| match piece {
            Piece::Variable { name, is_unset, .. } if *is_unset => Some(name.as_str()),
            Piece::Variable { .. } | Piece::Text(_) | Piece::File(_) => None,
        })
    }

    /// The value, with what is in files. Notes which of those everybody may read.
    pub(super) fn fill(
        &self,
        variables: &Variables,
        exposed: &mut Vec<PathBuf>,
    ) -> Result<String, FileError> {
        let mut value = String::new();
        for piece in &self.0 {
            match piece {
                Piece::Text(text) => value.push_str(text),
                Piece::File(file) => {
                    let (text, is_exposed) = file.read()?;
                    exposed.extend(file.path().ok().filter(|_| is_exposed));
                    value.push_str(&text);
                }
                Piece::Variable {
                    name,
                    otherwise,
                    has_default,
                    ..
                } => {
                    let found = variables.get(name);
                    let found = found.filter(|value| !(*has_default && value.is_empty()));
                    value.push_str(found.unwrap_or(otherwise));
                }
            }
        }
        Ok(value)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<secret>")
    }
}
