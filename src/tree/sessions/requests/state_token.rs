//! The `requestState` by which a held request is found when its client asks again: its number and a
//! random secret, signed for whose it is. It says by itself whether it is ours, also after a restart.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use memchr::memmem;

use crate::ids::Owner;
use crate::protocol::modern::input_required::Returned;
use crate::tree::sessions::signing::Signer;

/// What those of the gateway begin with.
const PREFIX: &str = "mcproxy.held.";
const SECRET: usize = 16;

/// Hardly any request has one.
static MARK: LazyLock<memmem::Finder<'static>> =
    LazyLock::new(|| memmem::Finder::new(PREFIX.as_bytes()));

/// What makes one life of a state its own.
pub(super) type Secret = [u8; SECRET];

/// What comes back with `params`, if a state of the gateway's seems to be in it.
pub(super) fn returned_in(params: &Bytes) -> Option<Returned> {
    MARK.find(params)?;
    let returned = Returned::parse(params).ok()??;
    returned.state.starts_with(PREFIX).then_some(returned)
}

/// The number of the request that comes again, as it seems.
pub(super) fn number_in(returned: &Returned) -> Option<u64> {
    let bytes = URL_SAFE_NO_PAD.decode(returned.state.strip_prefix(PREFIX)?);
    let bytes = bytes.ok()?;
    let (number, _) = bytes.split_first_chunk()?;
    Some(u64::from_be_bytes(*number))
}

/// A state for the request with this number, and its secret; `None` without random bits.
pub(super) fn issue(signer: &Signer, number: u64, owner: Owner) -> Option<(String, Secret)> {
    let mut secret = [0; SECRET];
    getrandom::fill(&mut secret).ok()?;
    let mut bytes = number.to_be_bytes().to_vec();
    bytes.extend_from_slice(&secret);
    let seal = signer.seal(&bytes, owner)?;
    bytes.extend_from_slice(&seal);
    Some((format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes)), secret))
}

/// The request's number and the secret in `state`; `None` unless it was signed here, for `owner`.
pub(super) fn verify(signer: &Signer, state: &str, owner: Owner) -> Option<(u64, Secret)> {
    let bytes = URL_SAFE_NO_PAD.decode(state.strip_prefix(PREFIX)?).ok()?;
    let (said, seal) = bytes.split_at_checked(8 + SECRET)?;
    if !signer.is_seal(said, owner, seal) {
        return None;
    }
    let (number, secret) = said.split_first_chunk()?;
    Some((u64::from_be_bytes(*number), secret.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_is_known_by_who_signed_it_and_for_whom() {
        let (ours, others) = (Signer::load(None), Signer::load(None));
        let me = Owner::ANYBODY;
        let (state, secret) = issue(&ours, 7, me).unwrap();
        let params = Bytes::from(format!(r#"{{"requestState":"{state}"}}"#));
        assert_eq!(returned_in(&params).as_ref().and_then(number_in), Some(7));
        let elsewhere = Bytes::from(format!(r#"{{"arguments":{{"requestState":"{state}"}}}}"#));
        assert_eq!(returned_in(&elsewhere), None);
        assert_eq!(verify(&ours, &state, me), Some((7, secret)));
        assert_eq!(verify(&others, &state, me), None);
        assert_eq!(verify(&ours, &state, Owner::of([1; 32])), None);
        let (other, _) = issue(&ours, 7, me).unwrap();
        assert_ne!(state, other);
        for cut in ["", "x", &state[PREFIX.len()..state.len() - 2]] {
            let cut = format!("{PREFIX}{cut}");
            assert_eq!(verify(&ours, &cut, me), None, "{cut}");
        }
        assert_eq!(verify(&ours, "a server's", me), None);
    }
}
