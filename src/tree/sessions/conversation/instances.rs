//! The session's own instances of servers with `isolation: "session"`: root starts one on the
//! session's first use. Where one offers something else than the template instance does, this
//! session's lists differ from those of others.
//!
//! Over Streamable HTTP a client that has gone without a word cannot be told from one that thinks.
//! Its session costs little and is kept for long; its processes do not.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::{Conversation, Effects};
use crate::config::model::Isolation;
use crate::ids::ServerName;
use crate::tree::client::InstanceOwner;
use crate::tree::registry::{Catalogue, RouteState};
use crate::tree::upstream::UpstreamHandle;

/// How long a client may say nothing and listen to nothing until its instances end, and nothing stays
/// awake for it. The next use starts them again.
pub(in crate::tree::sessions) const UNUSED: Duration = Duration::from_secs(10 * 60);

/// What the session knows of one of its own.
pub(super) struct Instance {
    pub(super) state: RouteState,
    /// What it said that it offers; what the template does, until then.
    catalogue: Option<Arc<Catalogue>>,
    /// Root has none for this session; the next table will say why.
    is_gone: bool,
}

/// All that were asked for.
pub(super) type Instances = BTreeMap<ServerName, Instance>;

impl Conversation {
    /// Whether each session has its own instance of `server`.
    pub(super) fn is_isolated(&self, server: &ServerName) -> bool {
        let source = self.merged.source(server);
        let Some(source) = source.filter(|source| source.isolation == Isolation::Session) else {
            return false;
        };
        let offered = source.catalogue.as_ref();
        let is_modern = offered.is_some_and(|offered| offered.abilities.is_modern);
        !(self.shares_modern && is_modern)
    }

    /// From now on the client shares the servers that can ask each client its own, whatever their entries
    /// say: nothing shows which of its requests belong together, and a server that has asked must find the
    /// one that answers.
    pub(in super::super) fn share_modern(&mut self) {
        self.shares_modern = true;
    }

    /// The servers that were started for this client alone and take calls.
    pub(in super::super) fn own_servers(&self) -> impl Iterator<Item = &ServerName> {
        let is_ready = |instance: &Instance| matches!(instance.state, RouteState::Ready { .. });
        let ready = self.instances.iter();
        ready.filter_map(move |(server, instance)| is_ready(instance).then_some(server))
    }

    /// Whether `server` takes this session's calls; `None` if it is not there.
    pub(super) fn state_of(&self, server: &ServerName) -> Option<&RouteState> {
        if self.is_isolated(server) {
            return self.instances.get(server).map(|instance| &instance.state);
        }
        self.routes.as_ref()?.servers.get(server)
    }

    pub(super) fn want_instance(&mut self, fx: &mut dyn Effects, server: &ServerName) {
        let instance = Instance {
            state: RouteState::Starting,
            catalogue: None,
            is_gone: false,
        };
        self.instances.insert(server.clone(), instance);
        let owner = InstanceOwner {
            session: self.caller.serial,
            name: Arc::clone(&self.caller.name),
            client: Arc::clone(&self.caller.sink),
            capabilities: self.client.capabilities,
            extensions: self.declared.clone(),
        };
        fx.want_instance(server, owner);
        self.watch_use(fx);
    }

    /// It is to be looked whether the client has gone.
    pub(super) fn watch_use(&mut self, fx: &dyn Effects) {
        self.use_check.get_or_insert_with(|| fx.now() + UNUSED);
    }

    /// Ends the instances that the client has not used for long, and what it holds awake, if it is time
    /// to look.
    pub(super) fn check_use(&mut self, fx: &mut dyn Effects) {
        let now = fx.now();
        if self.use_check.take_if(|at| *at <= now).is_none() {
            return;
        }
        let idle = fx.idle_for();
        if idle < UNUSED {
            self.use_check = Some(now + UNUSED.saturating_sub(idle));
            return;
        }
        self.leave();
        fx.instances_unused();
        for server in std::mem::take(&mut self.instances).into_keys() {
            self.withdraw_server_requests(fx, &server, None);
        }
        self.remerge();
        self.tell_if_changed(fx);
    }

    /// From root: what became of an instance.
    pub(super) fn on_instance(
        &mut self,
        fx: &mut dyn Effects,
        server: &ServerName,
        state: Option<RouteState>,
    ) {
        let Some(instance) = self.instances.get_mut(server) else {
            return;
        };
        instance.is_gone = state.is_none();
        match state {
            // It may have been quicker than this news. If it is the end of that one instead, what
            // is sent to it comes back and waits for the next.
            Some(RouteState::Starting) if instance.state.generation().is_some() => return,
            Some(state) => instance.state = state,
            // Asking again now would go round in circles.
            None => instance.state = RouteState::Starting,
        }
        if instance.is_gone || matches!(instance.state, RouteState::Down { .. }) {
            self.withdraw_server_requests(fx, server, None);
        }
        self.dispatch_parked(fx);
    }

    /// From root: there is no room for an instance, or not any more. The next call asks again.
    pub(super) fn on_no_room(&mut self, fx: &mut dyn Effects, server: &ServerName, why: &str) {
        let Some(instance) = self.instances.remove(server) else {
            return;
        };
        self.withdraw_server_requests(fx, server, None);
        if instance.catalogue.is_some() {
            self.remerge();
            self.tell_if_changed(fx);
        }
        for number in self.calls.parked_for(server) {
            self.fail(fx, number, server.clone(), why.to_owned());
        }
    }

    /// From an instance: it is ready, or offers something else.
    pub(super) fn on_offers(
        &mut self,
        fx: &mut dyn Effects,
        handle: UpstreamHandle,
        told: Option<Arc<Catalogue>>,
    ) {
        let (server, generation) = (handle.server().clone(), handle.generation());
        let Some(instance) = self.instances.get_mut(&server) else {
            return;
        };
        let last = instance.state.generation();
        if last.is_some_and(|last| last > generation) {
            return;
        }
        instance.state = RouteState::Ready { handle };
        instance.is_gone = false;
        if let Some(told) = told {
            let template = self.routes.as_ref().and_then(|routes| {
                let source = routes.merged.source(&server)?;
                source.catalogue.as_deref()
            });
            instance.catalogue = Some(told.or_before(template));
            self.remerge();
        }
        self.withdraw_server_requests(fx, &server, Some(generation));
        if self
            .routes
            .as_ref()
            .is_some_and(|routes| routes.is_complete)
        {
            self.tell_if_changed(fx);
        }
        self.refresh_interest(&server);
        self.dispatch_parked(fx);
    }

    /// Forgets the instances of servers that are shared now, or not there any more. Whether there
    /// were any.
    pub(super) fn keep_instances(&mut self) -> bool {
        let Some(merged) = self.routes.as_ref().map(|routes| &routes.merged) else {
            return false;
        };
        let before = self.instances.len();
        self.instances.retain(|server, instance| {
            let source = merged.source(server);
            let is_isolated = source.is_some_and(|source| source.isolation == Isolation::Session);
            is_isolated && !instance.is_gone
        });
        self.instances.len() < before
    }

    /// What is offered to this client. Only what is not the template's is its own.
    pub(super) fn remerge(&mut self) {
        let Some(routes) = &self.routes else {
            return;
        };
        let shared = &routes.merged;
        let mut own = Vec::new();
        for (server, instance) in &self.instances {
            let (Some(source), Some(told)) = (shared.source(server), &instance.catalogue) else {
                continue;
            };
            let seen = source.of_instance(told);
            let template = source.catalogue.as_deref();
            if template.is_none_or(|template| !template.is(&seen)) {
                own.push((server, seen));
            }
        }
        let own: Vec<_> = own.iter().map(|(server, seen)| (*server, seen)).collect();
        self.merged = if own.is_empty() {
            Arc::clone(shared)
        } else {
            Arc::new(shared.with(&own, &self.merged))
        };
    }
}
