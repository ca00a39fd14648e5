//! What is kept of a server beside what it offers: what its lives taught, and what of its tools is approved.

use std::sync::Arc;

use super::Merge;
use crate::config::model::OnChangedTools;
use crate::ids::{Generation, ServerName};
use crate::tree::registry::catalogue::Lessons;
use crate::tree::registry::held::Held;
use crate::tree::registry::kept_catalogue::KeptCatalogue;
use crate::tree::registry::message::{Approval, ConfiguredServer};
use crate::tree::registry::store::Unread;
use crate::tree::upstream::UpstreamHandle;

impl Merge {
    /// Something may be kept that could not be read.
    pub(in crate::tree::registry) fn without(self, unread: Unread) -> Self {
        Self { unread, ..self }
    }

    /// Whether it was approved which tools of a server clients see, and that could not be read: nothing is, then.
    pub(super) fn has_lost_approvals(&self, wanted: &ConfiguredServer) -> bool {
        let server = &wanted.server;
        let is_lost = wanted.view.on_changed_tools == OnChangedTools::Hold
            && self.unread.has(server)
            && !self.kept.contains_key(server);
        if is_lost {
            log::warn!(server = server.as_str(); "Server '{server}': which of its tools are approved could not be read; all are held until 'mcproxy approve {server}'");
        }
        is_lost
    }

    /// Somebody has looked at what is held of a server, and approves it: clients see its tools as it has them now. Gives
    /// what is to be kept then.
    pub(in crate::tree::registry) fn approve(
        &mut self,
        name: &ServerName,
        digest: &str,
    ) -> (Approval, Option<KeptCatalogue>) {
        let mut servers = self.servers.iter_mut();
        let Some(server) = servers.find(|server| server.wanted.server == *name) else {
            return (Approval::Unknown, None);
        };
        if !server.told.holds() {
            return (Approval::NotHeld, None);
        }
        let held = Arc::clone(server.told.held());
        if Held::digest(&held) != digest {
            return (Approval::Changed, None);
        }
        server.told.approve();
        self.is_stale |= !held.is_empty();
        let kept = self.kept.get_mut(name);
        let kept = kept.filter(|kept| kept.fingerprint == server.wanted.fingerprint);
        let kept = kept.map(|kept| {
            kept.approved = server.told.approved();
            kept.clone()
        });
        let held = held.iter().filter(|held| held.offered.is_some());
        let tools = held.map(|held| held.tool.to_string()).collect();
        (Approval::Approved { tools }, kept)
    }

    /// What stands for what is held of a server.
    #[cfg(test)]
    pub(in crate::tree::registry) fn held_digest(&self, name: &ServerName) -> String {
        let mut servers = self.servers.iter();
        let server = servers.find(|server| server.wanted.server == *name);
        Held::digest(server.map_or(&[], |server| server.told.held()))
    }

    /// Whether this life has said that it is ready.
    pub(in crate::tree::registry) fn is_ready(&self, life: &UpstreamHandle) -> bool {
        let mut servers = self.servers.iter();
        let server = servers.find(|server| server.wanted.server == *life.server());
        server.is_some_and(|server| server.route.generation() == Some(life.generation()))
    }

    /// What is kept of a server.
    pub(in crate::tree::registry) fn kept(&self, name: &ServerName) -> Option<&KeptCatalogue> {
        self.kept.get(name)
    }

    /// Whether it is known what a server offers that runs what is run now.
    pub(super) fn has_kept(&self, name: &ServerName) -> bool {
        let mut servers = self.servers.iter();
        let server = servers.find(|server| server.wanted.server == *name);
        let kept = self.kept.get(name).zip(server);
        kept.is_some_and(|(kept, server)| {
            let is_it = kept.fingerprint == server.wanted.fingerprint;
            is_it && !kept.catalogue.lacks_a_list()
        })
    }

    /// What former lives of a server taught, if it ran what is run now.
    pub(in crate::tree::registry) fn lessons(&self, name: &ServerName) -> Lessons {
        let wanted = self.servers.iter().map(|server| &server.wanted);
        let wanted = wanted.filter(|wanted| wanted.server == *name);
        let mut kept = wanted.filter_map(|wanted| {
            let kept = self.kept.get(name)?;
            (kept.fingerprint == wanted.fingerprint).then_some(kept.lessons)
        });
        kept.next().unwrap_or_default()
    }

    /// Takes what a life taught. `Some` if it is to be kept.
    pub(in crate::tree::registry) fn learnt(
        &mut self,
        name: ServerName,
        generation: Generation,
        lessons: Lessons,
    ) -> Option<(ServerName, KeptCatalogue)> {
        self.current(&name, generation)?;
        let kept = self.kept.get_mut(&name)?;
        if kept.lessons == lessons {
            return None;
        }
        kept.lessons = lessons;
        let kept = kept.clone();
        Some((name, kept))
    }
}
