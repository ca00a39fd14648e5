//! An error without an id: what a server says of a message that it could not read (JSON-RPC 2.0,
//! section 5). Its call would wait for a timeout, but a wrong guess would end another client's, so
//! that a call is found here only where it is certain.

use memchr::{memchr, memmem};

use super::{Calls, Pending};
use crate::protocol::depth;

/// What is nested deeper or is larger than this some parsers refuse; what is neither, few do.
const DEEP: usize = 64;
const LARGE: usize = 1 << 20;

/// Whether a parser may refuse these params where it takes others: they are deep or large, or have
/// an escape in them that is half of a character.
pub(super) fn is_odd(params: &[u8]) -> bool {
    params.len() > LARGE || depth::is_deeper_than(DEEP - 1, params) || has_half(params)
}

/// Whether one of the two escapes of a character beyond the first 65 536 stands alone.
fn has_half(json: &[u8]) -> bool {
    let of_a_pair = |part: &[u8]| memmem::find(json, part).is_some();
    if !of_a_pair(b"\\ud") && !of_a_pair(b"\\uD") {
        return false;
    }
    let mut rest = json;
    while let Some(at) = memchr(b'\\', rest) {
        rest = rest.get(at..).unwrap_or_default();
        let length = match (unit(rest), rest.get(6..).and_then(unit)) {
            (Some(0xD800..=0xDBFF), Some(0xDC00..=0xDFFF)) => 12,
            (Some(0xD800..=0xDFFF), _) => return true,
            _ => 2,
        };
        rest = rest.get(length..).unwrap_or_default();
    }
    false
}

/// The UTF-16 unit of an escape at the beginning of `json`.
fn unit(json: &[u8]) -> Option<u16> {
    let digits = json.strip_prefix(b"\\u")?.get(..4)?;
    u16::from_str_radix(str::from_utf8(digits).ok()?, 16).ok()
}

impl Calls {
    /// Whether there is, or was not long ago, a call with this id without an answer.
    pub(in super::super) fn knows(&self, id: u64) -> bool {
        self.has(id) || self.given_up.contains(&id)
    }

    /// The call that an error without an id certainly belongs to: the only one that the server is
    /// at, or, if its parser `is_stuck`, the only one of those that may be too much for a parser.
    /// Cancelled calls count as long as they have no answer.
    pub(in super::super) fn unnamed(&self, is_alone: bool, is_stuck: bool) -> Option<u64> {
        let only = self.pending.iter().next();
        let only = only.filter(|_| is_alone && self.pending.len() == 1);
        let mut odd = self.pending.iter().filter(|(_, pending)| match pending {
            Pending::Call(call) => call.is_odd,
            Pending::Tombstone { is_odd, .. } => *is_odd,
        });
        let odd = odd.next().filter(|_| is_stuck && odd.next().is_none());
        let certain = |at: &(&u64, &Pending)| {
            let Pending::Call(call) = at.1 else {
                return false;
            };
            // The cancellation of another may be what it could not read.
            let was_withdrawn = self.withdrawn_at.is_some_and(|at| at >= call.sent);
            call.is_odd || !was_withdrawn
        };
        let found = only.filter(certain).or(odd).filter(certain);
        found.map(|(id, _)| *id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_is_what_is_deep_or_large_or_half_a_character() {
        let nested = |n: usize| format!("{}1{}", "[".repeat(n), "]".repeat(n));
        // The message around it is one level.
        assert!(!is_odd(nested(63).as_bytes()) && is_odd(nested(64).as_bytes()));
        assert!(!is_odd(&vec![b' '; LARGE]) && is_odd(&vec![b' '; LARGE + 1]));
        assert!(is_odd(br#"{"a":"\ud800"}"#) && is_odd(br#"{"a":"\uDC00"}"#));
        assert!(!is_odd(br#"{"a":"\u00e9 ud800"}"#) && !is_odd(br#"{"a":"\\ud800"}"#));
        assert!(!is_odd(br#"{"a":"\ud83d\uDE00"}"#) && is_odd(br#"{"a":"\ude00\ud83d"}"#));
    }
}
