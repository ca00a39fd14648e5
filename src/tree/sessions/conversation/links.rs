//! Links to resources that the configuration does not show. Who is given one by a server's own result
//! may read what it leads to: the gateway seals it, so that nobody can make one up, and keeps nothing of
//! it. Seals hold over a restart of the gateway.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::Conversation;
use crate::ids::{Owner, ServerName};
use crate::protocol::mcp::method;
use crate::protocol::mcp::request::ClientRequest;
use crate::protocol::uri::{self, Search};
use crate::tree::registry::Route;

/// What is signed begins with it, and nothing else that the same key signs does.
const PREFIX: &str = "mcproxy.link.";

impl Conversation {
    /// Whether results have to be looked through for URIs.
    pub(super) fn may_change_links(&self) -> bool {
        self.merged.may_collide() || !self.merged.shows_all_resources()
    }

    /// What the client knows a URI of `server` by, where that is not the URI itself. What anybody can
    /// fetch without its server stays as it is.
    pub(super) fn outward_uri(
        &self,
        server: &ServerName,
        uri: &str,
        search: &mut Search,
    ) -> Option<String> {
        if uri::is_web(uri) || self.merged.may_be_read(server, uri, search) {
            return self.merged.outward_uri(server, uri, search);
        }
        let signer = &self.caller.signer;
        let seal = signer.seal(&signed(server, uri), Owner::ANYBODY)?;
        let seal = URL_SAFE_NO_PAD.encode(seal);
        Some(uri::linked(server.as_str(), &seal, uri))
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
        let seal = URL_SAFE_NO_PAD.decode(seal).ok()?;
        let signed = signed(&source.server, uri);
        let is_ours = self.caller.signer.is_seal(&signed, Owner::ANYBODY, &seal);
        is_ours.then(|| Route {
            server: source.server.clone(),
            key: uri.into(),
        })
    }
}

/// Whether it is about what looks like one.
pub(super) fn is_one(request: &ClientRequest) -> bool {
    uri::unlink(request.key()).is_some()
}

fn signed(server: &ServerName, uri: &str) -> Vec<u8> {
    [PREFIX, &uri::qualified(server.as_str(), uri)]
        .concat()
        .into_bytes()
}
