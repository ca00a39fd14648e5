//! What servers offered last, for whoever wants to know what it costs without starting any: the kept catalogues, merged as
//! for clients.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::SystemTime;

use super::cost::Cost;
use super::job::Job;
use super::message::ConfiguredServer;
use super::remark::Remark;
use super::source::Source;
use super::store::Store;
use super::told::Told;
use crate::config::model::Profiles;
use crate::ids::{ProfileName, ServerName};
use crate::protocol::mcp::item::Kind;

/// What clients would be offered.
#[derive(Debug)]
pub struct LastSeen {
    /// Every server that is run, and when a gateway knew it last; `None` if nothing is kept of what is run now.
    pub servers: Vec<(ServerName, Option<(Cost, SystemTime)>)>,
    /// All of them together, where an address shows it.
    pub all: Option<Cost>,
    /// What each profile shows.
    pub profiles: Vec<(ProfileName, Cost)>,
    /// What is too much for some clients, as a gateway would say it.
    pub warnings: Vec<String>,
}

/// Reads what `store` keeps of `servers`. Blocks.
pub(in crate::tree) fn last_seen(
    store: &Store,
    servers: Vec<ConfiguredServer>,
    profiles: &Arc<Profiles>,
    budget: usize,
) -> LastSeen {
    let mut kept = store.load();
    let dates = store.dates();
    let source = |server: ConfiguredServer| {
        let kept = kept.remove(&server.server);
        let kept = kept.filter(|kept| kept.fingerprint == server.fingerprint);
        Source {
            server: server.server,
            prefix: server.prefix,
            isolation: server.isolation,
            catalogue: kept.and_then(|kept| {
                let told = Told::known(Some(kept.catalogue), kept.approved, &server.view);
                told.shown().cloned()
            }),
            view: server.view,
            awaited: BTreeSet::new(),
            held: Arc::default(),
        }
    };
    let sources: Vec<Source> = servers.into_iter().map(source).collect();
    let known: Vec<(ServerName, bool)> = sources
        .iter()
        .map(|source| (source.server.clone(), source.catalogue.is_some()))
        .collect();
    let job = Job {
        sources,
        profiles: Arc::clone(profiles),
        budget,
        before: Arc::default(),
    };
    let tables = job.run();
    let servers = known.into_iter().map(|(server, is_known)| {
        let seen = dates.get(&server).filter(|_| is_known);
        let seen = seen.map(|date| (tables.merged.cost(&server), *date));
        (server, seen)
    });
    let of_profile = |name: &ProfileName| {
        let table = tables.profiles.get(&name.id())?;
        Some((name.clone(), table.pages(Kind::Tools).cost()))
    };
    let names = profiles.known.iter().map(|profile| &profile.name);
    LastSeen {
        servers: servers.collect(),
        all: tables
            .is_shown_whole
            .then(|| tables.merged.pages(Kind::Tools).cost()),
        profiles: names.filter_map(of_profile).collect(),
        warnings: tables.warnings.iter().map(Remark::to_string).collect(),
    }
}
