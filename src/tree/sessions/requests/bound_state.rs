//! The `requestState` of a server without a handshake, where clients show tokens. Such a server sees
//! one caller, the gateway, so that it cannot see to it itself that a state comes back from whom it was
//! given to: a mark before it says for whom, for what and for how long it holds. The server gets back
//! its own bytes. Marks hold over a restart of the gateway.

use std::time::SystemTime;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use memchr::memmem;

use crate::ids::Owner;
use crate::protocol::modern::input_required::Identity;
use crate::protocol::modern::outcome::{self, ResultType};
use crate::protocol::modern::state;
use crate::tree::sessions::signing::Signer;

const PREFIX: &str = "mcproxy.bound.";
/// Params of this size cost less to keep than to digest.
const SMALL: usize = 1024;
/// So long a state holds, in seconds: as long as official SDKs keep theirs.
const HOLDS: u64 = 600;

/// Whose request it is, and what it asks for.
pub(super) struct Bound {
    owner: Owner,
    method: &'static str,
    params: Bytes,
    /// Kept in the place of params that are large.
    identity: Option<Identity>,
}

impl Bound {
    /// Nothing is bound where nobody shows a token.
    pub(super) fn new(owner: Owner, method: &'static str, params: &Bytes) -> Option<Self> {
        (!owner.is_anybody()).then(|| Self {
            owner,
            method,
            params: params.clone(),
            identity: None,
        })
    }

    /// Lets go of params that are large: they count against what all clients may send.
    pub(super) fn let_go(&mut self) {
        if self.params.len() > SMALL {
            self.identity = Some(Identity::of(self.method, &self.params));
            self.params = Bytes::new();
        } else {
            self.params = Bytes::copy_from_slice(&self.params);
        }
    }

    /// The result with a mark before its state, if it has one.
    pub(super) fn bind(&self, signer: &Signer, result: &[u8]) -> Option<Vec<u8>> {
        memmem::find(result, b"requestState")?;
        let is_asked = outcome::type_of(result) == ResultType::InputRequired;
        let given = state::of(result).filter(|_| is_asked)?;
        let until = (now() + HOLDS).to_be_bytes();
        let seal = signer.seal(&self.signed(until, &given), self.owner)?;
        let mark = [&until[..], &seal].concat();
        let mark = format!("{PREFIX}{}.", URL_SAFE_NO_PAD.encode(mark));
        state::marked(result, &mark)
    }

    /// The params as the server is to get them. `None` if their state is not one that this client
    /// was given for this, or not any more.
    pub(super) fn unbind(&self, signer: &Signer) -> Option<Bytes> {
        let Some(returned) = state::of(&self.params) else {
            return Some(self.params.clone());
        };
        let rest = returned.strip_prefix(PREFIX)?;
        let (mark, given) = rest.split_once('.')?;
        let bytes = URL_SAFE_NO_PAD.decode(mark).ok()?;
        let (until, seal) = bytes.split_first_chunk()?;
        let is_ours = signer.is_seal(&self.signed(*until, given), self.owner, seal);
        let holds = u64::from_be_bytes(*until) >= now();
        let mark = format!("{PREFIX}{mark}.");
        (is_ours && holds).then(|| state::unmarked(&self.params, &mark))?
    }

    /// What is signed, which is longer than anything else that the same key signs.
    fn signed(&self, until: [u8; 8], given: &str) -> Vec<u8> {
        let of_params = || Identity::of(self.method, &self.params);
        let identity = self.identity.unwrap_or_else(of_params);
        [
            PREFIX.as_bytes(),
            &until,
            identity.bytes(),
            given.as_bytes(),
        ]
        .concat()
    }
}

fn now() -> u64 {
    let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since_1970.map_or(0, |time| time.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::mcp::method;

    const RESULT: &[u8] = br#"{"resultType":"input_required","requestState":"\u0073"}"#;

    fn owner(number: u8) -> Owner {
        Owner::of([number; 32])
    }

    fn of(owner: Owner, params: &str) -> Bound {
        let params = Bytes::from(params.to_owned());
        Bound::new(owner, method::TOOLS_CALL, &params).unwrap()
    }

    #[test]
    fn a_state_comes_back_from_whom_it_was_given_to_and_for_the_same() {
        let signer = Signer::load(None);
        let first = of(owner(1), r#"{"name":"t","arguments":{"n":1}}"#);
        let shown = first.bind(&signer, RESULT).unwrap();
        let shown = String::from_utf8(shown).unwrap();
        let (_, given) = shown.split_once(r#""requestState":""#).unwrap();
        let given = given.trim_end_matches("\"}");
        assert!(given.ends_with(r".\u0073"), "{given}");
        let back = |owner, name: &str, n: u8, state: &str| {
            let params = format!(
                r#"{{"requestState":"{state}","name":"{name}","arguments":{{"n":{n}}},"inputResponses":{{}}}}"#
            );
            of(owner, &params).unbind(&signer)
        };
        let sent = back(owner(1), "t", 1, given).unwrap();
        assert_eq!(
            sent,
            r#"{"requestState":"\u0073","name":"t","arguments":{"n":1},"inputResponses":{}}"#
        );
        assert_eq!(back(owner(2), "t", 1, given), None, "another's");
        assert_eq!(back(owner(1), "u", 1, given), None, "for another tool");
        assert_eq!(back(owner(1), "t", 2, given), None, "with other arguments");
        assert_eq!(back(owner(1), "t", 1, "\\u0073"), None, "bare");
        assert_eq!(
            back(owner(1), "t", 1, &format!("{given}x")),
            None,
            "another"
        );
        assert_eq!(
            of(owner(1), r#"{"name":"t"}"#).unbind(&signer).unwrap(),
            r#"{"name":"t"}"#
        );
    }

    #[test]
    fn a_state_that_is_too_old_or_of_another_key_holds_no_more() {
        let signer = Signer::load(None);
        let bound = of(owner(1), r#"{"name":"t"}"#);
        let until = (now() - 1).to_be_bytes();
        let seal = signer.seal(&bound.signed(until, "s"), owner(1)).unwrap();
        let mark = URL_SAFE_NO_PAD.encode([&until[..], &seal].concat());
        let params = format!(r#"{{"name":"t","requestState":"{PREFIX}{mark}.s"}}"#);
        assert_eq!(of(owner(1), &params).unbind(&signer), None);
        let shown = bound.bind(&signer, RESULT).unwrap();
        let state = state::of(&shown).unwrap();
        let params = format!(r#"{{"name":"t","requestState":"{state}"}}"#);
        assert!(of(owner(1), &params).unbind(&signer).is_some());
        assert_eq!(of(owner(1), &params).unbind(&Signer::load(None)), None);
    }

    #[test]
    fn nothing_is_bound_where_nobody_shows_a_token() {
        assert!(Bound::new(Owner::ANYBODY, method::TOOLS_CALL, &Bytes::new()).is_none());
        let bound = of(owner(1), "{}");
        assert_eq!(bound.bind(&Signer::load(None), br#"{"content":[]}"#), None);
    }
}
