//! The id of a request, as its sender wrote it.

use std::borrow::Cow;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use super::super::raw;

/// An id is remembered until the answer comes, so that no longer ones are taken.
const LONGEST: usize = 1024;

/// The raw JSON text of a string or a whole number, of at most 1024 bytes. `1` and `"1"` are different
/// ids, as JSON-RPC has it; `1` and `1.0` are the same, as are `"a"` and `"\u0061"`. An id goes back
/// exactly as it came.
#[derive(Debug, Clone)]
pub struct RequestId(Arc<str>);

impl RequestId {
    /// Takes raw JSON; `None` unless it is a string or a whole number (`1e3` is one to languages
    /// whose numbers are all floats) without white space around it, and not too long.
    /// `null`, `1.5`, `true` and objects are no ids in MCP.
    #[must_use]
    pub fn from_raw(text: &str) -> Option<Self> {
        let is_id = text.len() <= LONGEST && (raw::whole(text).is_some() || is_string(text));
        is_id.then(|| Self(text.into()))
    }

    /// One of the gateway's own ids.
    #[must_use]
    pub fn from_number(number: u64) -> Self {
        Self(number.to_string().into())
    }

    /// The JSON text of it.
    #[must_use]
    pub fn as_raw(&self) -> &str {
        &self.0
    }

    /// The gateway's own number in it. Some servers give `17` back as `"17"`; both are 17.
    #[must_use]
    pub fn as_number(&self) -> Option<u64> {
        raw::number(self.0.as_bytes())
    }

    /// What it says, however it is spelled.
    fn said(&self) -> Cow<'_, str> {
        if !self.0.starts_with('"') {
            return raw::whole(&self.0).unwrap_or(Cow::Borrowed(&self.0));
        }
        let is_plain = !self.0.contains('\\');
        match raw::string(&self.0).filter(|_| !is_plain) {
            // Without an escape there is no quote inside, so that this is nobody else's spelling.
            Some(said) => Cow::Owned(format!("\"{said}\"")),
            None => Cow::Borrowed(&self.0),
        }
    }
}

impl PartialEq for RequestId {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0 || self.said() == other.said()
    }
}

impl Eq for RequestId {}

impl Hash for RequestId {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.said().hash(state);
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn is_string(text: &str) -> bool {
    let whole = text.len() > 1 && text.starts_with('"') && text.ends_with('"');
    whole && serde_json::from_str::<&serde_json::value::RawValue>(text).is_ok()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn id(raw: &str) -> RequestId {
        RequestId::from_raw(raw).unwrap()
    }

    #[test]
    fn ids_are_the_same_however_they_are_spelled() {
        for (one, other) in [
            ("1", "1.0"),
            ("100", "1e2"),
            ("-0", "0.0"),
            (r#""a""#, r#""\u0061""#),
            (r#""\/""#, r#""/""#),
        ] {
            assert_eq!(id(one), id(other));
            assert!(HashSet::from([id(one)]).contains(&id(other)));
        }
        for (one, other) in [
            ("1", r#""1""#),
            ("1", "-1"),
            ("1.0", "10"),
            (r#""\ud800""#, r#""\ud801""#),
        ] {
            assert_ne!(id(one), id(other));
        }
    }
}
