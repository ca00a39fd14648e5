//! Links to resources that the configuration does not show. Who is given one by a server's own result
//! may read what it leads to: the gateway seals it for whoever holds the token and is shown the profile,
//! so that nobody can make one up or use another's, and keeps nothing of it. What is denied is opened by
//! no seal. Seals hold over a restart of the gateway.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::Conversation;
use crate::ids::{Owner, ServerName};
use crate::protocol::mcp::method;
use crate::protocol::mcp::request::ClientRequest;
use crate::protocol::uri::{self, Search};
use crate::tree::registry::Route;
use crate::tree::sessions::signing::Signer;

/// What is signed begins with it, and nothing else that the same key signs does.
const PREFIX: &str = "mcproxy.link.";

impl Conversation {
    /// Whether results of `server` have to be looked through for URIs.
    pub(super) fn may_change_links(&self, server: &ServerName) -> bool {
        self.merged.may_collide(server) || !self.merged.shows_all_resources()
    }

    /// What the client knows a URI of `server` by, where that is not the URI itself. What anybody can
    /// fetch without its server stays as it is.
    pub(super) fn outward_uri(
        &self,
        server: &ServerName,
        uri: &str,
        search: &mut Search,
    ) -> Option<String> {
        let is_plain = uri::is_web(uri) || self.merged.denies_resource(server, uri);
        if is_plain || self.merged.may_be_read(server, uri, search) {
            return self.merged.outward_uri(server, uri, search);
        }
        sealed(&self.caller.signer, self.caller.owner, (server, uri))
    }

    /// Where a link leads that was sealed here. It can be read, and nothing else.
    pub(super) fn sealed(&self, request: &ClientRequest) -> Option<Route> {
        if request.method() != method::RESOURCES_READ {
            return None;
        }
        let (name, seal, uri) = uri::unlink(request.key())?;
        let mut sources = self.merged.sources.iter();
        // To who normalises URIs the server is a host: in small letters.
        let source = sources.find(|one| one.server.as_str().eq_ignore_ascii_case(name))?;
        let (signer, owner) = (&self.caller.signer, self.caller.owner);
        let is_open = is_sealed(signer, owner, (&source.server, uri), seal)
            && !self.merged.denies_resource(&source.server, uri);
        is_open.then(|| Route {
            server: source.server.clone(),
            key: uri.into(),
        })
    }
}

/// Whether it is about what looks like one.
pub(super) fn is_one(request: &ClientRequest) -> bool {
    uri::unlink(request.key()).is_some()
}

/// The link to what `server` calls `uri`, for `owner`.
fn sealed(signer: &Signer, owner: Owner, (server, uri): (&ServerName, &str)) -> Option<String> {
    let seal = signer.seal(&signed(server, uri), owner)?;
    let seal = URL_SAFE_NO_PAD.encode(seal);
    Some(uri::linked(server.as_str(), &seal, uri))
}

/// Whether a link with this seal was given to `owner`.
fn is_sealed(
    signer: &Signer,
    owner: Owner,
    (server, uri): (&ServerName, &str),
    seal: &str,
) -> bool {
    let seal = URL_SAFE_NO_PAD.decode(seal);
    seal.is_ok_and(|seal| signer.is_seal(&signed(server, uri), owner, &seal))
}

fn signed(server: &ServerName, uri: &str) -> Vec<u8> {
    [PREFIX, &uri::qualified(server.as_str(), uri)]
        .concat()
        .into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::ProfileName;
    use crate::testing::name;

    #[test]
    fn a_link_is_good_for_whom_it_was_given_to() {
        let signer = Signer::load(None);
        let kids = ProfileName::new("kids").unwrap().id();
        let owners = [
            Owner::ANYBODY,
            Owner::ANYBODY.in_profile(Some(kids)),
            Owner::of([1; 32]),
            Owner::of([1; 32]).in_profile(Some(kids)),
            Owner::of([2; 32]),
        ];
        let server = name("s");
        for owner in owners {
            let link = sealed(&signer, owner, (&server, "x://1")).unwrap();
            let (_, seal, uri) = uri::unlink(&link).unwrap();
            for other in owners {
                let is_good = is_sealed(&signer, other, (&server, uri), seal);
                assert_eq!(is_good, other == owner);
            }
            assert!(!is_sealed(&signer, owner, (&server, "x://2"), seal));
            assert!(!is_sealed(&signer, owner, (&name("t"), uri), seal));
        }
    }
}
