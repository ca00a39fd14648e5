//! Catalogues on their way to the disk.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::SystemTime;

use super::RegistryState;
use crate::ids::ServerName;
use crate::tree::registry::catalogue::Catalogue;
use crate::tree::registry::kept_catalogue::KeptCatalogue;
use crate::tree::registry::message::RegistryMsg;
use crate::tree::upstream::UpstreamHandle;

/// A catalogue that is to be written.
pub(super) enum Unsaved {
    /// Whatever is there.
    New(KeptCatalogue),
    /// If nothing is there.
    IfGone(KeptCatalogue),
}

impl RegistryState {
    /// A server is ready, or offers something else.
    pub(super) fn on_catalogue(&mut self, life: UpstreamHandle, told: Option<Arc<Catalogue>>) {
        let server = life.server().clone();
        life.remember(self.merge.lessons(&server));
        let is_new = !self.merge.is_ready(&life);
        match self.merge.catalogue(life, told) {
            None if is_new => self.look_after(server),
            kept => self.keep(kept),
        }
    }

    pub(super) fn keep(&mut self, kept: Option<(ServerName, KeptCatalogue)>) {
        if let Some((server, kept)) = kept.filter(|_| !self.store.is_nowhere()) {
            self.unsaved.insert(server, Unsaved::New(kept));
            self.save();
        }
    }

    /// A new life offers what is kept already. Somebody may have removed that.
    fn look_after(&mut self, server: ServerName) {
        let kept = self.merge.kept(&server).cloned();
        if let Some(kept) = kept.filter(|_| !self.store.is_nowhere()) {
            let unsaved = self.unsaved.entry(server);
            unsaved.or_insert(Unsaved::IfGone(kept));
            self.save();
        }
    }

    /// Saves one catalogue at a time, so that of two for the same server the later one stays.
    fn save(&mut self) {
        while self.saving.try_join_next().is_some() {}
        if !self.saving.is_empty() {
            return;
        }
        let Some((server, unsaved)) = self.unsaved.pop_first() else {
            return;
        };
        let (store, myself) = (self.store.clone(), self.myself.clone());
        self.saving.spawn_blocking(move || {
            let outcome = match &unsaved {
                Unsaved::New(kept) => store.save(&server, kept),
                Unsaved::IfGone(kept) => store.save_if_gone(&server, kept),
            };
            let outcome =
                outcome.map_err(|error| format!("the catalogue of server '{server}': {error}"));
            drop(myself.cast(RegistryMsg::KeptCatalogue(outcome)));
        });
    }

    /// Once in a life: what is kept of servers that are gone for long is of no use.
    pub(super) fn forget_others(&mut self, wanted: BTreeSet<ServerName>) {
        if std::mem::replace(&mut self.has_tidied, true) {
            return;
        }
        let store = self.store.clone();
        drop(tokio::task::spawn_blocking(move || {
            store.forget_others(&wanted, SystemTime::now());
        }));
    }

    pub(super) fn on_kept(&mut self, outcome: Result<(), String>) {
        if let Err(why) = outcome
            && !self.has_complained
        {
            self.has_complained = true;
            log::warn!(
                "Could not keep {why}; the next start lists tools only when their servers are ready"
            );
        }
        // The task that sent this is about to end; waiting for its slot would strand the rest.
        self.saving.detach_all();
        self.save();
    }
}
