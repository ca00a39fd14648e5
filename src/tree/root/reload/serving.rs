//! What clients are served of 2026-07-28: as the configuration has it, followed by the listener.

use tokio::sync::watch;

use crate::config::model::{Isolation, Offer, Serving};
use crate::ids::ServerName;
use crate::tree::registry::ConfiguredServer;
use crate::tree::root::actor::RootState;
use crate::tree::root::hooks::RootHooks;

/// What holds now, and why.
#[derive(Debug, Default)]
pub(in crate::tree::root) struct Offered {
    offer: Offer,
    isolated: Option<ServerName>,
    serving: watch::Sender<Serving>,
}

impl RootHooks {
    /// What is served, as it changes.
    pub(in crate::tree::root) fn serving(&self) -> watch::Receiver<Serving> {
        self.offered.serving.subscribe()
    }
}

impl RootState {
    /// Puts what a configuration with the servers `wanted` says in the place of what held, and says
    /// what changes for clients.
    pub(super) fn take_offer(&mut self, offer: Option<Offer>, wanted: &[ConfiguredServer]) {
        let is_isolated = |wanted: &&ConfiguredServer| wanted.isolation == Isolation::Session;
        let isolated = wanted.iter().find(is_isolated);
        let offered = &mut self.supervisor.hooks_mut().offered;
        offered.offer = offer.unwrap_or(offered.offer);
        offered.isolated = isolated.map(|wanted| wanted.server.clone());
        let isolated = offered.isolated.as_ref();
        let serving = offered.offer.serving(isolated);
        let (occasion, former) = if self.is_configured {
            ("reload", *offered.serving.borrow())
        } else {
            ("configuration", Offer::Both.serving(None))
        };
        if serving != former {
            log::info!("{occasion}: gateway: protocol: {}", serving.said(isolated));
        }
        offered.serving.send_replace(serving);
    }
}

impl Offered {
    /// The server for whose sessions clients are not told of what is served.
    pub(in crate::tree::root) fn held_back_by(&self) -> Option<String> {
        let Serving { modern, discover } = *self.serving.borrow();
        let server = self.isolated.as_ref().filter(|_| modern && !discover)?;
        Some(server.to_string())
    }
}
