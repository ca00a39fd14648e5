//! An error without an id: what a server says of a message that it could not read (JSON-RPC 2.0,
//! section 5). Its call would wait for a timeout, but a wrong guess would end another client's, so
//! that a call is found here only where it is certain.

use super::{Calls, Pending};
use crate::protocol::depth;
use crate::protocol::shape::halves::has_half;

/// What is nested deeper or is larger than this some parsers refuse; what is neither, few do.
const DEEP: usize = 64;
const LARGE: usize = 1 << 20;

/// Whether a parser may refuse these params where it takes others: they are deep or large, or have
/// an escape in them that is half of a character.
pub(super) fn is_odd(params: &[u8]) -> bool {
    params.len() > LARGE || depth::is_deeper_than(DEEP - 1, params) || has_half(params)
}

impl Calls {
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
