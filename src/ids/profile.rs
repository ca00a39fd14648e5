//! Profiles by their names, and by what is signed and compared in their place.

use sha2::{Digest as _, Sha256};
use std::fmt;
use std::sync::Arc;

/// The name of a profile: letters, digits, `_` and `-`. It is a part of addresses.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProfileName(Arc<str>);

/// Why a text is no profile's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidProfileName {
    /// The text is empty.
    #[error("a profile's name must not be empty")]
    Empty,
    /// A character outside letters, digits, `_` and `-`.
    #[error("a profile's name has only letters, digits, '_' and '-'; {0:?} is none of them")]
    Character(char),
    /// Longer than 64 bytes.
    #[error("a profile's name has at most 64 characters")]
    TooLong,
}

impl ProfileName {
    /// Checks `text` and takes it as a name.
    pub fn new(text: &str) -> Result<Self, InvalidProfileName> {
        let allowed = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
        if text.is_empty() {
            return Err(InvalidProfileName::Empty);
        }
        if let Some(wrong) = text.chars().find(|c| !allowed(c)) {
            return Err(InvalidProfileName::Character(wrong));
        }
        if text.len() > 64 {
            return Err(InvalidProfileName::TooLong);
        }
        Ok(Self(text.into()))
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What the profile is known by where names have no room.
    #[must_use]
    pub fn id(&self) -> ProfileId {
        let digest = Sha256::digest(self.0.as_bytes());
        ProfileId(digest.first_chunk().copied().unwrap_or_default())
    }
}

impl fmt::Display for ProfileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ProfileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "'{}'", self.0)
    }
}

/// The beginning of the digest of a profile's name: the same for the same name in every process.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProfileId([u8; 16]);

impl ProfileId {
    /// The bytes, to be signed.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for ProfileId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [first, second, ..] = self.0;
        write!(f, "profile {first:02x}{second:02x}…")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_can_be_a_part_of_an_address() {
        for name in ["kids", "A_1-b__c", "-", &"x".repeat(64)] {
            assert_eq!(ProfileName::new(name).unwrap().as_str(), name);
        }
        for name in ["", "a b", "a/b", "%41", ".", "..", "ä", &"x".repeat(65)] {
            assert!(ProfileName::new(name).is_err(), "{name}");
        }
    }

    #[test]
    fn an_id_is_of_its_name_and_stays_the_same_for_ever() {
        let id = |name| ProfileName::new(name).unwrap().id();
        assert_eq!(id("kids"), id("kids"));
        assert_ne!(id("kids"), id("Kids"));
        // Clients hold ids of sessions that were signed with it.
        let shown = format!("{:?}", id("kids"));
        assert_eq!(shown, "profile 2ec7…");
    }
}
