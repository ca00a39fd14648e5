//! The ids of Streamable HTTP sessions. They are signed and say what is needed to go on, so that a
//! client keeps its session over a restart of the gateway, and none can be made up.

#[cfg(any(test, fuzzing))]
pub(super) mod checks;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use tokio::sync::watch;

use super::key::{self, SigningKey};
use super::key_file::{self, KeyFileError};
use crate::files::Reread;
use crate::ids::Owner;
use crate::protocol::mcp::lifecycle::{ClientCapabilities, ClientInfo};
use crate::protocol::version::Version;
use crate::state_dir::StateDir;

/// The layout of what is signed: this byte, then the fields of [`Signed`] in their order.
const LAYOUT: u8 = 1;
const SIGNED: usize = 1 + 16 + 4 + 2 + 8;
/// A bit beside those of capabilities: the client shows the pages of apps.
const APPS: u16 = 1 << 15;
const SIGNATURE: usize = 32;

/// What an id says, once it is known to be ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Signed {
    /// What makes it unique.
    pub(super) random: u128,
    /// What the client's `initialize` settled.
    pub(super) client: ClientInfo,
    /// When, in seconds since 1970.
    pub(super) issued_at: u64,
}

/// Signs ids and knows its own. Clones are the same.
#[derive(Clone)]
pub struct Signer(Arc<Keys>);

/// What ids are signed with: by the first, if there is one; those that any of them signed are known.
struct Keys {
    current: watch::Sender<Vec<SigningKey>>,
    file: Option<PathBuf>,
    reread: Reread,
}

impl Signer {
    /// One with the keys in `file`, which other gateways may have too.
    ///
    /// # Errors
    /// That there is no such file, or not a key on each line of it.
    pub fn of_file(file: &Path) -> Result<Self, KeyFileError> {
        let keys = key_file::read(file)?;
        Ok(Self::new(keys, Some(file.to_owned())))
    }

    fn new(keys: Vec<SigningKey>, file: Option<PathBuf>) -> Self {
        Self(Arc::new(Keys {
            current: watch::Sender::new(keys),
            file,
            reread: Reread::default(),
        }))
    }

    /// Has its file read again, if it has one. What cannot be used changes nothing.
    pub fn reload(&self) {
        let Some(file) = self.0.file.clone() else {
            return;
        };
        let signer = self.clone();
        match self
            .0
            .reread
            .start("session keys", move || signer.read_again(&file))
        {
            Ok(true) => {}
            Ok(false) => {
                log::warn!("The session keys are still being read; then they are read once more");
            }
            Err(error) => {
                log::error!("The session keys stay as they were: no thread to read them: {error}");
            }
        }
    }

    pub(super) fn read_again(&self, file: &Path) {
        match key_file::read(file) {
            Ok(keys) => {
                let count = keys.len();
                let replace = |current: &mut Vec<SigningKey>| {
                    let is_other = *current != keys;
                    *current = keys;
                    is_other
                };
                if self.0.current.send_if_modified(replace) {
                    log::info!("Session keys read again: {count} are known now, the first signs");
                }
            }
            Err(error) => {
                let error = anyhow::Error::from(error);
                log::error!("The session keys stay as they were: {error:#}");
            }
        }
    }

    /// Tells of other keys.
    pub(super) fn changes(&self) -> watch::Receiver<Vec<SigningKey>> {
        self.0.current.subscribe()
    }

    /// One with the key that is kept in `state_dir`; without a usable one there, its ids hold as
    /// long as the program runs.
    pub(crate) fn load(state_dir: Option<&StateDir>) -> Self {
        Self::new(key::load(state_dir).into_iter().collect(), None)
    }

    /// A new id for a client of `owner`, and what it says.
    pub(super) fn issue(
        &self,
        client: ClientInfo,
        owner: Owner,
    ) -> Result<(String, Signed), getrandom::Error> {
        let mut random = [0; 16];
        getrandom::fill(&mut random)?;
        let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let signed = Signed {
            random: u128::from_be_bytes(random),
            client,
            issued_at: since_1970.map_or(0, |time| time.as_secs()),
        };
        Ok((self.sign(&signed, owner), signed))
    }

    fn sign(&self, signed: &Signed, owner: Owner) -> String {
        let mut bytes = Vec::with_capacity(SIGNED + SIGNATURE);
        bytes.push(LAYOUT);
        bytes.extend_from_slice(&signed.random.to_be_bytes());
        bytes.extend_from_slice(&number(signed.client.version).to_be_bytes());
        let shows_apps = if signed.client.shows_apps { APPS } else { 0 };
        let bits = signed.client.capabilities.bits() | shows_apps;
        bytes.extend_from_slice(&bits.to_be_bytes());
        bytes.extend_from_slice(&signed.issued_at.to_be_bytes());
        if let Some(seal) = self.seal(&bytes, owner) {
            bytes.extend_from_slice(&seal);
        }
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// What `id` says; `None` unless it was signed here, over every bit, and for `owner`.
    pub(super) fn verify(&self, id: &str, owner: Owner) -> Option<Signed> {
        if id.len() > 2 * (SIGNED + SIGNATURE) {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(id).ok()?;
        let (signed, signature) = bytes.split_at_checked(SIGNED)?;
        if !self.is_seal(signed, owner, signature) {
            return None;
        }
        let (layout, rest) = signed.split_first()?;
        let (random, rest) = rest.split_first_chunk()?;
        let (version, rest) = rest.split_first_chunk()?;
        let (capabilities, rest) = rest.split_first_chunk()?;
        let version = u32::from_be_bytes(*version);
        let bits = u16::from_be_bytes(*capabilities);
        (*layout == LAYOUT).then_some(Signed {
            random: u128::from_be_bytes(*random),
            client: ClientInfo {
                version: Version::all().find(|known| number(*known) == version)?,
                capabilities: ClientCapabilities::from_bits(bits),
                shows_apps: bits & APPS != 0,
            },
            issued_at: u64::from_be_bytes(rest.try_into().ok()?),
        })
    }

    /// What shows that `bytes` come from here, and for whom; `None` without a key.
    pub(super) fn seal(&self, bytes: &[u8], owner: Owner) -> Option<[u8; SIGNATURE]> {
        let keys = self.0.current.borrow();
        let mac = mac(keys.first()?, bytes, owner)?;
        Some(mac.finalize().into_bytes().into())
    }

    /// Whether `seal` is that of `bytes` for `owner`.
    pub(super) fn is_seal(&self, bytes: &[u8], owner: Owner, seal: &[u8]) -> bool {
        let keys = self.0.current.borrow();
        keys.iter()
            .filter_map(|key| mac(key, bytes, owner))
            .any(|mac| mac.verify_slice(seal).is_ok())
    }
}

/// Over what an id says, which has always the same length, and whose it is in which profile: that
/// has another length each with and without a token and a profile.
fn mac(key: &SigningKey, bytes: &[u8], owner: Owner) -> Option<Hmac<Sha256>> {
    let mac = Hmac::<Sha256>::new_from_slice(key).ok()?;
    let mac = mac.chain_update(bytes).chain_update(owner.digest());
    Some(mac.chain_update(owner.profile_bytes()))
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Signer(..)")
    }
}

/// A revision as a number that stays the same whatever revisions there will be: 20251125.
fn number(version: Version) -> u32 {
    let digits = version.as_str().bytes().filter(u8::is_ascii_digit);
    digits.fold(0, |number, digit| number * 10 + u32::from(digit - b'0'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ME: Owner = Owner::ANYBODY;

    fn signer(keys: &[u8]) -> Signer {
        Signer::new(keys.iter().map(|byte| [*byte; key::SIZE]).collect(), None)
    }

    fn client(version: usize, bits: u16) -> ClientInfo {
        ClientInfo {
            version: Version::all().nth(version).unwrap(),
            capabilities: ClientCapabilities::from_bits(bits),
            shows_apps: bits & 1 == 0,
        }
    }

    #[test]
    fn revisions_are_told_by_their_dates() {
        assert_eq!(number(Version::V2025_11_25), 20_251_125);
    }

    #[test]
    fn ids_differ_and_hold_for_their_own_key_only() {
        let (ours, other) = (signer(&[1]), signer(&[2]));
        let (one, said) = ours.issue(client(3, 5), ME).unwrap();
        let (two, _) = ours.issue(client(3, 5), ME).unwrap();
        assert_ne!(one, two);
        assert_eq!(ours.verify(&one, ME), Some(said));
        assert_eq!(other.verify(&one, ME), None);
        assert!(!format!("{ours:?}").contains('1'), "the key is not shown");
    }

    #[test]
    fn the_first_key_signs_and_all_are_known() {
        let (id, said) = signer(&[1]).issue(client(3, 5), ME).unwrap();
        let (newer, _) = signer(&[2, 1]).issue(client(3, 5), ME).unwrap();
        assert_eq!(signer(&[2, 1]).verify(&id, ME), Some(said));
        assert!(
            signer(&[2]).verify(&newer, ME).is_some(),
            "the first signed"
        );
        assert_eq!(signer(&[2]).verify(&id, ME), None);
        assert_eq!(signer(&[]).verify(&id, ME), None);
    }

    #[test]
    fn a_file_that_cannot_be_used_changes_nothing() {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("keys");
        let write = |keys: &[u8]| {
            let lines = keys
                .iter()
                .map(|byte| format!("{byte:02x}").repeat(32) + "\n");
            std::fs::write(&file, lines.collect::<String>()).unwrap();
        };
        write(&[1]);
        let ours = Signer::of_file(&file).unwrap();
        let (id, said) = ours.issue(client(3, 5), ME).unwrap();
        std::fs::write(&file, "short").unwrap();
        ours.read_again(&file);
        assert_eq!(ours.verify(&id, ME), Some(said.clone()));
        write(&[2, 1]);
        ours.read_again(&file);
        assert_eq!(ours.verify(&id, ME), Some(said));
        write(&[2]);
        ours.read_again(&file);
        assert_eq!(ours.verify(&id, ME), None);
    }

    #[test]
    fn another_layout_is_not_read() {
        let signer = signer(&[1]);
        let (id, _) = signer.issue(client(0, 0), ME).unwrap();
        let mut bytes = URL_SAFE_NO_PAD.decode(id).unwrap();
        bytes.truncate(SIGNED);
        bytes[0] = 2;
        let seal = signer.seal(&bytes, ME).unwrap();
        bytes.extend_from_slice(&seal);
        assert_eq!(signer.verify(&URL_SAFE_NO_PAD.encode(bytes), ME), None);
    }

    proptest! {
        #[test]
        fn an_id_says_what_was_signed(random: u128, version in 0..4usize, bits: u16, at: u64, owner: Option<[u8; 32]>) {
            let signer = signer(&[7]);
            let client = client(version, bits);
            let signed = Signed { random, client, issued_at: at };
            let owner = owner.map_or(ME, Owner::of);
            let id = signer.sign(&signed, owner);
            prop_assert!(id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'));
            prop_assert_eq!(signer.verify(&id, owner), Some(signed));
            let another = Owner::of([9; 32]);
            prop_assert_eq!(signer.verify(&id, another), None, "it is not theirs");
        }

        #[test]
        fn no_flipped_bit_verifies(random: u128, at in any::<prop::sample::Index>(), bit in 0..8u8) {
            let signer = signer(&[7]);
            let signed = Signed { random, client: client(3, 0), issued_at: 1 };
            let mut id = signer.sign(&signed, ME).into_bytes();
            let at = at.index(id.len());
            id[at] ^= 1u8 << bit;
            let verified = std::str::from_utf8(&id).ok().and_then(|id| signer.verify(id, ME));
            prop_assert_eq!(verified, None);
        }

        #[test]
        fn no_part_of_an_id_and_nothing_else_verifies(cut in 0..84usize, text in "\\PC*") {
            let signer = signer(&[7]);
            let (id, _) = signer.issue(client(3, 0), ME).unwrap();
            prop_assert_eq!(signer.verify(&id[..cut], ME), None);
            prop_assert_eq!(signer.verify(&id[cut + 1..], ME), None);
            prop_assert_eq!(signer.verify(&format!("{id}{id}"), ME), None);
            prop_assert_eq!(signer.verify(&text, ME), None);
        }
    }
}
