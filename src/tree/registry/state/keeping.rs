//! What is kept of a server beside what it offers: what its lives taught, and what of its tools is approved.

use super::Merge;
use crate::ids::{Generation, ServerName};
use crate::tree::registry::catalogue::Lessons;
use crate::tree::registry::kept_catalogue::KeptCatalogue;
use crate::tree::registry::message::Approval;

impl Merge {
    /// Somebody approves a server's tools as it has them now: clients see them so. Gives what is to be kept then.
    pub(in crate::tree::registry) fn approve(
        &mut self,
        name: &ServerName,
    ) -> (Approval, Option<KeptCatalogue>) {
        let mut servers = self.servers.iter_mut();
        let Some(server) = servers.find(|server| server.wanted.server == *name) else {
            return (Approval::Unknown, None);
        };
        let Some(held) = server.told.approve() else {
            return (Approval::NotHeld, None);
        };
        self.is_stale |= !held.is_empty();
        let kept = self.kept.get_mut(name);
        let kept = kept.filter(|kept| kept.fingerprint == server.wanted.fingerprint);
        let kept = kept.map(|kept| {
            kept.approved = server.told.approved();
            kept.clone()
        });
        let tools = held.iter().map(|held| held.tool.to_string()).collect();
        (Approval::Approved { tools }, kept)
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
