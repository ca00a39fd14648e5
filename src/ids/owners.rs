//! Whose something is: of whoever shows a token, or of anybody, and in which profile.

use super::ProfileId;
use std::collections::HashSet;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

/// Whose a session is: of whoever holds a certain token, or of anybody where none is asked for, and in
/// one profile, or in none. Who holds another token, or comes by another profile, must not find it.
/// Nothing of it is printed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Owner {
    token: Option<[u8; 32]>,
    profile: Option<ProfileId>,
}

impl Owner {
    /// Whoever comes: no token is asked for.
    pub const ANYBODY: Self = Self {
        token: None,
        profile: None,
    };

    /// Whoever comes by the control socket: the gateway's own user, who needs no token. No token has this
    /// digest.
    pub const OPERATOR: Self = Self {
        token: Some(*b"who comes by the control socket."),
        profile: None,
    };

    /// Whoever holds the token with this digest.
    #[must_use]
    pub fn of(digest: [u8; 32]) -> Self {
        Self {
            token: Some(digest),
            profile: None,
        }
    }

    /// The same where this profile is shown, or all there is.
    #[must_use]
    pub fn in_profile(self, profile: Option<ProfileId>) -> Self {
        Self { profile, ..self }
    }

    /// Whether no token was shown.
    #[must_use]
    pub fn is_anybody(&self) -> bool {
        self.token.is_none()
    }

    /// Whether it is the operator, in whatever profile.
    #[must_use]
    pub fn is_operator(&self) -> bool {
        self.token == Self::OPERATOR.token
    }

    /// The profile that is shown.
    #[must_use]
    pub fn profile(&self) -> Option<ProfileId> {
        self.profile
    }

    /// The token's digest; nothing for anybody.
    #[must_use]
    pub fn digest(&self) -> &[u8] {
        self.token.as_ref().map_or(&[], |digest| digest)
    }

    /// The profile's bytes; nothing without one, so that what was signed before there were any holds.
    #[must_use]
    pub fn profile_bytes(&self) -> &[u8] {
        self.profile.as_ref().map_or(&[], ProfileId::bytes)
    }
}

impl fmt::Debug for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.token.map_or("anybody", |_| "the holder of a token"))
    }
}

/// Who may have sessions: with their profiles those who are pinned to them, the others in any.
#[derive(Clone, Default)]
pub struct Owners(Arc<HashSet<Owner>>);

impl Owners {
    /// Whether `owner` is one of them.
    #[must_use]
    pub fn admit(&self, owner: Owner) -> bool {
        owner.is_operator() || self.0.contains(&owner) || self.0.contains(&owner.in_profile(None))
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = Owner> {
        self.0.iter().copied()
    }
}

impl FromIterator<Owner> for Owners {
    fn from_iter<I: IntoIterator<Item = Owner>>(owners: I) -> Self {
        Self(Arc::new(owners.into_iter().collect()))
    }
}

impl fmt::Debug for Owners {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Owners({})", self.0.len())
    }
}

/// Who holds what all clients share: whoever shows a certain token or, where none is asked for,
/// whoever comes from a certain address. Of IPv6 that is a network: one client has all of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Holder {
    owner: Owner,
    address: IpAddr,
}

impl Holder {
    /// Nowhere: who does not come by the network.
    const NOWHERE: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);

    /// Who comes from `address`, or shows the token of `owner`.
    #[must_use]
    pub fn new(owner: Owner, address: IpAddr) -> Self {
        let address = match address.to_canonical() {
            _ if !owner.is_anybody() => Self::NOWHERE,
            IpAddr::V6(address) => {
                let network = u128::from(address) >> 64 << 64;
                IpAddr::V6(Ipv6Addr::from(network))
            }
            address @ IpAddr::V4(_) => address,
        };
        Self { owner, address }
    }

    /// The same as `owner`, from nowhere in particular.
    #[must_use]
    pub fn of(owner: Owner) -> Self {
        Self::new(owner, Self::NOWHERE)
    }

    /// The same where this profile is shown. What is shared is shared by all profiles of one holder:
    /// who counts what somebody has does so without one.
    #[must_use]
    pub fn in_profile(self, profile: Option<ProfileId>) -> Self {
        Self {
            owner: self.owner.in_profile(profile),
            ..self
        }
    }

    /// Where it comes from, of IPv6 the network; nowhere if it shows a token.
    #[must_use]
    pub fn address(&self) -> IpAddr {
        self.address
    }

    /// Whose sessions it may use.
    #[must_use]
    pub fn owner(&self) -> Owner {
        self.owner
    }
}

#[cfg(test)]
mod tests {
    use super::super::ProfileName;
    use super::*;

    fn profile(name: &str) -> ProfileId {
        ProfileName::new(name).unwrap().id()
    }

    #[test]
    fn holders_are_tokens_or_addresses_and_networks() {
        let at = |address: &str| Holder::new(Owner::ANYBODY, address.parse().unwrap());
        assert_ne!(at("10.0.0.1"), at("10.0.0.2"));
        assert_eq!(at("10.0.0.1"), at("::ffff:10.0.0.1"));
        assert_eq!(at("2001:db8::1"), at("2001:db8::2:3:4:5"));
        assert_ne!(at("2001:db8::1"), at("2001:db8:0:1::1"));
        let owner = Owner::of([1; 32]);
        let with = |address: &str| Holder::new(owner, address.parse().unwrap());
        assert_eq!(with("10.0.0.1"), with("10.0.0.2"));
        assert_eq!(with("10.0.0.1").owner(), owner);
    }

    #[test]
    fn owners_are_told_apart_and_never_printed() {
        let (one, two) = (Owner::of([1; 32]), Owner::of([2; 32]));
        assert!(one != two && one != Owner::ANYBODY);
        assert_eq!(
            (one.digest(), Owner::ANYBODY.digest()),
            (&[1; 32][..], &[][..])
        );
        assert!(!format!("{one:?}").contains('1'));
    }

    #[test]
    fn a_pinned_owner_is_admitted_in_its_own_profiles() {
        let (free, pinned) = (Owner::of([1; 32]), Owner::of([2; 32]));
        let owners: Owners = [free, pinned.in_profile(Some(profile("kids")))]
            .into_iter()
            .collect();
        for name in [None, Some(profile("kids")), Some(profile("work"))] {
            assert!(owners.admit(free.in_profile(name)));
            let is_own = name == Some(profile("kids"));
            assert_eq!(owners.admit(pinned.in_profile(name)), is_own);
            assert!(!owners.admit(Owner::ANYBODY.in_profile(name)));
            assert!(owners.admit(Owner::OPERATOR.in_profile(name)));
        }
    }
}
