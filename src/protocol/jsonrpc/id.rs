//! The id of a request, as its sender wrote it.

use std::fmt;

use super::super::raw;

/// An id is remembered until the answer comes, so that no longer ones are taken.
const LONGEST: usize = 1024;

/// The raw JSON text of a string or an integer, of at most 1024 bytes. `1` and `"1"` are different ids, as
/// JSON-RPC has it, and an id goes back exactly as it came.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RequestId(Box<str>);

impl RequestId {
    /// Takes raw JSON; `None` unless it is a string or an integer without white space around it, and
    /// not too long.
    /// `null`, `1.5`, `1e3`, `true` and objects are no ids in MCP.
    #[must_use]
    pub fn from_raw(text: &str) -> Option<Self> {
        let is_id = text.len() <= LONGEST && (is_integer(text) || is_string(text));
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
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// JSON's integers: no `+`, no leading zero, any number of digits.
fn is_integer(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let canonical = digits == "0" || !digits.starts_with('0');
    canonical && !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_string(text: &str) -> bool {
    let whole = text.len() > 1 && text.starts_with('"') && text.ends_with('"');
    whole && serde_json::from_str::<&serde_json::value::RawValue>(text).is_ok()
}
