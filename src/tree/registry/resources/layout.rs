//! How the resources of all servers are laid out: under which URIs they are listed, and what is known of
//! them to find others by.

use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;

use super::super::merged::Route;
use super::super::pages::{Entries, Laying};
use super::super::qualifiers::Qualifiers;
use super::super::source::{Source, items};
use super::route;
use crate::ids::ServerName;
use crate::protocol::mcp::item::{Item, Kind};
use crate::protocol::uri::{self, Shelf};

/// One list under the URIs that clients know, and where they lead. Two that have the same `identity`
/// collide, unless they are one server's: how it tells those apart is its own affair.
pub(super) fn lay_out<I: Hash + Eq>(
    kind: Kind,
    sources: &[Source],
    names: &Qualifiers,
    identity: impl Fn(&Item) -> I,
) -> (HashMap<String, Route>, Vec<(usize, Entries)>) {
    let mut first: HashMap<I, &ServerName> = HashMap::new();
    let mut routes = HashMap::new();
    let mut listed = Vec::new();
    for (place, source) in sources.iter().enumerate() {
        let server = &source.server;
        let mut laying = Laying::default();
        for (_, item) in items(kind, std::slice::from_ref(source)) {
            let is_its_own = !is_claim((server, kind), item, names)
                && *first.entry(identity(item)).or_insert(server) == server;
            let outward = if is_its_own {
                laying.push(item.raw());
                item.key().to_owned()
            } else {
                let qualified = uri::qualified(server.as_str(), item.key());
                laying.push(&item.renamed(&qualified));
                qualified
            };
            routes
                .entry(outward)
                .or_insert_with(|| route(server, item.key()));
        }
        listed.extend(laying.has_any().then(|| (place, laying.done())));
    }
    (routes, listed)
}

/// Whether clients would take `item` for another's, or for another resource, because of its qualifier;
/// or may take what is made from it for one's.
fn is_claim((server, kind): (&ServerName, Kind), item: &Item, names: &Qualifiers) -> bool {
    names.lead_away(server, item.key())
        || (kind == Kind::Templates && uri::has_open_qualifier(item.key()))
}

/// Says of every server whose resources it lists as its own, once for each of those.
pub(super) fn claims(sources: &[Source], names: &Qualifiers) -> BTreeSet<(ServerName, String)> {
    let resources = items(Kind::Resources, sources);
    let all = resources.chain(items(Kind::Templates, sources));
    let claim = |(source, item): (&Source, &Item)| {
        let (owner, _) = names.qualifier(item.key())?;
        let (server, owner) = (&source.server, &owner.server);
        (owner != server).then(|| (server.clone(), owner.clone(), uri::is_page(item.key())))
    };
    let claims: BTreeSet<(ServerName, ServerName, bool)> = all.filter_map(claim).collect();
    let oddity = |(server, owner, is_page): (ServerName, ServerName, bool)| {
        let theirs = if is_page {
            format!("ui://{owner}/…")
        } else {
            uri::qualified(owner.as_str(), "…")
        };
        let ours = uri::qualified(server.as_str(), &theirs);
        let text = format!(
            "Server '{server}' lists resources of server '{owner}' ({theirs}): they are listed as \
             {ours}, and '{owner}' keeps its own"
        );
        (server, text)
    };
    claims.into_iter().map(oddity).collect()
}

/// The templates by their servers' places, but for those that are looked for qualified only.
pub(super) fn shelf(sources: &[Source], names: &Qualifiers) -> Shelf {
    let mut shelf = Shelf::default();
    for (place, source) in sources.iter().enumerate() {
        let templates = items(Kind::Templates, std::slice::from_ref(source));
        for (_, item) in templates {
            if let Some(template) = item.template()
                && !is_claim((&source.server, Kind::Templates), item, names)
            {
                shelf.add(place, template);
            }
        }
    }
    shelf
}

/// The scheme of `uri` in small letters; of what another gateway qualified, the server there too.
pub(super) fn family(uri: &str) -> Option<String> {
    match uri::unqualify(uri) {
        Some((server, _)) => Some(uri::qualified(server, "")),
        None => uri::scheme(uri).map(str::to_ascii_lowercase),
    }
}

/// The places of those that have each scheme.
pub(super) fn schemes(sources: &[Source], names: &Qualifiers) -> HashMap<String, Vec<usize>> {
    let mut owners: HashMap<String, Vec<usize>> = HashMap::new();
    for (place, source) in sources.iter().enumerate() {
        let one = std::slice::from_ref(source);
        let resources = items(Kind::Resources, one);
        for (_, item) in resources.chain(items(Kind::Templates, one)) {
            // By its scheme nobody finds another server's page.
            let is_claim = is_claim((&source.server, Kind::Templates), item, names);
            let counts = |family: &String| !is_claim || family == uri::PAGE_SCHEME;
            let Some(family) = family(item.key()).filter(counts) else {
                continue;
            };
            let owners = owners.entry(family).or_default();
            if owners.last() != Some(&place) {
                owners.push(place);
            }
        }
    }
    owners
}
