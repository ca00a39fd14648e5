//! The protocol revisions that are agreed on by `initialize`. Adding one is a row here (and, once
//! revisions differ in what the gateway does, a file of its own beside this one).

use std::fmt;

/// A revision of MCP with a handshake, oldest first, so that they compare by age.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Version {
    /// The first: HTTP+SSE.
    V2024_11_05,
    /// Streamable HTTP, batches.
    V2025_03_26,
    /// No batches again, structured output.
    V2025_06_18,
    /// The last one with a handshake.
    V2025_11_25,
}

/// The revision without a handshake, on the wire.
pub const MODERN: &str = "2026-07-28";

/// How two sides begin, which decides all that follows. A server's process keeps to one for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Era {
    /// By `initialize`, in one of the [`Version`]s.
    #[default]
    Legacy,
    /// With every request anew, in [`MODERN`].
    Modern,
}

/// Every revision with a handshake, oldest first.
const ALL: [Version; 4] = [
    Version::V2024_11_05,
    Version::V2025_03_26,
    Version::V2025_06_18,
    Version::V2025_11_25,
];

/// What early servers call the first one.
const DRAFT: &str = "2024-10-07";

impl Version {
    /// What the gateway offers, and answers to a client that asks for one it does not know.
    pub const LATEST: Self = Self::V2025_11_25;

    /// The revision called `text`, if it is known.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::all().find(|version| version.as_str() == text)
    }

    /// The revision that a server means by `text`. Early servers name the draft before the first
    /// revision, which differs in nothing that matters here; official SDKs take it too.
    #[must_use]
    pub fn of_server(text: &str) -> Option<Self> {
        match text {
            DRAFT => Some(Self::V2024_11_05),
            known => Self::parse(known),
        }
    }

    /// What servers call the revisions that are known here, oldest first.
    pub fn names_of_servers() -> impl DoubleEndedIterator<Item = &'static str> {
        std::iter::once(DRAFT).chain(ALL.into_iter().map(Self::as_str))
    }

    /// What to answer a client that asks for `requested`: the same if it is known, else the latest,
    /// and the client decides whether it goes on (MCP, lifecycle, "version negotiation").
    #[must_use]
    pub fn negotiate(requested: &str) -> Self {
        Self::parse(requested).unwrap_or(Self::LATEST)
    }

    /// Its name on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::V2024_11_05 => "2024-11-05",
            Self::V2025_03_26 => "2025-03-26",
            Self::V2025_06_18 => "2025-06-18",
            Self::V2025_11_25 => "2025-11-25",
        }
    }

    /// Whether a message may be an array of messages: only 2025-03-26 knows batches (its
    /// basic, "batching"; 2025-06-18 removed them).
    #[must_use]
    pub fn has_batches(self) -> bool {
        self == Self::V2025_03_26
    }

    /// Whether an event stream may begin with an event without data, to be resumed from. Clients of
    /// older revisions take the empty data for a message (2025-11-25, basic/transports).
    #[must_use]
    pub fn has_priming(self) -> bool {
        self >= Self::V2025_11_25
    }

    /// All of them, oldest first.
    pub fn all() -> impl Iterator<Item = Self> {
        ALL.into_iter()
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_known_revision_is_echoed_and_any_other_gets_the_latest() {
        for version in Version::all() {
            assert_eq!(Version::negotiate(version.as_str()), version);
        }
        for other in ["2026-07-28", "2024-10-07", "1.0", "", "2025-11-25 "] {
            assert_eq!(Version::negotiate(other), Version::LATEST);
            assert_eq!(Version::parse(other), None);
        }
        assert_eq!(Version::all().max(), Some(Version::LATEST));
        assert_eq!(Version::LATEST.to_string(), "2025-11-25");
    }

    #[test]
    fn one_revision_has_batches_and_the_last_one_has_priming() {
        let batches: Vec<Version> = Version::all().filter(|v| v.has_batches()).collect();
        assert_eq!(batches, [Version::V2025_03_26]);
        let priming: Vec<Version> = Version::all().filter(|v| v.has_priming()).collect();
        assert_eq!(priming, [Version::V2025_11_25]);
    }
}
