//! How far a request is trusted with what servers say themselves, and with changes.

use super::auth::{Pins, Tokens};
use crate::ids::Owner;

/// Who asks. Each may do what those before it may. Where a connection comes from makes nobody more than
/// [`Trust::Anybody`]: behind a proxy on this machine all strangers come from 127.0.0.1.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Trust {
    /// No token is asked for, or it is pinned to profiles.
    #[default]
    Anybody,
    /// It showed a token that is pinned to nothing: it may read what servers say, and try tools.
    Token,
    /// It came over the control socket: it may change things too.
    #[cfg_attr(not(test), expect(dead_code, reason = "the control socket makes it"))]
    Operator,
}

impl Trust {
    /// Of a request that was let in by one of `tokens` as `owner`'s.
    pub(super) fn of(tokens: &Tokens, owner: Owner, pins: &Pins) -> Self {
        if tokens.are_asked_for() && !owner.is_anybody() && pins.is_none() {
            Self::Token
        } else {
            Self::Anybody
        }
    }

    /// Whether it may read what servers say themselves.
    pub(super) fn reads_output(self) -> bool {
        self >= Self::Token
    }
}

#[cfg(test)]
mod tests {
    use super::super::auth;
    use super::*;
    use hyper::header::{HeaderMap, HeaderValue};

    #[test]
    fn only_a_token_that_is_not_pinned_is_trusted() {
        let text = "free-0123456789abcdef\npinned-0123456789abcdef profile=work\n";
        let tokens = Tokens::parse(text).unwrap();
        let trust = |tokens: &Tokens, token: &str| {
            let mut headers = HeaderMap::new();
            headers.insert("x-api-key", HeaderValue::from_str(token).unwrap());
            let (owner, pins) = auth::check(tokens, "/status", &headers).unwrap();
            Trust::of(tokens, owner, &pins)
        };
        assert_eq!(trust(&tokens, "free-0123456789abcdef"), Trust::Token);
        assert_eq!(trust(&tokens, "pinned-0123456789abcdef"), Trust::Anybody);
        let nobody_asks = Tokens::default();
        assert_eq!(trust(&nobody_asks, "free-0123456789abcdef"), Trust::Anybody);
        assert_eq!(Trust::of(&tokens, Owner::ANYBODY, &None), Trust::Anybody);
        let may = [Trust::Anybody, Trust::Token, Trust::Operator].map(Trust::reads_output);
        assert_eq!(may, [false, true, true]);
    }
}
