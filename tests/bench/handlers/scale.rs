//! How large everything is: as it commonly is, and as the limits let it be at most.

use super::offer::{Offer, Shape};

/// The sizes of one run through all handlers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scale {
    /// What its figures are called.
    pub(crate) name: &'static str,
    /// Servers with short lists,
    pub(crate) servers: usize,
    /// and with long ones.
    pub(crate) long: usize,
    /// Entries of a long list; a short one has 20.
    pub(crate) entries: usize,
    /// How long an entry is.
    pub(crate) entry: usize,
    pub(crate) instructions: usize,
    pub(crate) templates: usize,
    /// Sessions that listen.
    pub(crate) sessions: usize,
    /// Those of them that subscribe, and to how many resources each.
    pub(crate) subscribers: usize,
    pub(crate) subscriptions: usize,
    /// Sessions that come and go.
    pub(crate) visitors: usize,
    /// What a server says before one answer.
    pub(crate) notifications: usize,
    pub(crate) server_batch: usize,
    /// Large results, in bytes,
    pub(crate) results: &'static [usize],
    /// and large requests.
    pub(crate) requests: &'static [usize],
    pub(crate) depth: usize,
    pub(crate) batch: usize,
    /// Calls in flight.
    pub(crate) in_flight: usize,
    /// Sessions with instances of their own, and the entries of each instance.
    pub(crate) owners: usize,
    pub(crate) owned: usize,
    /// What a server asks one client.
    pub(crate) questions: usize,
    /// Entries of a configuration that is read again and again; they are disabled.
    pub(crate) configured: usize,
}

/// What most installations have.
pub(crate) const COMMON: Scale = Scale {
    name: "common",
    servers: 9,
    long: 1,
    entries: 20,
    entry: 200,
    instructions: 600,
    templates: 5,
    sessions: 20,
    subscribers: 20,
    subscriptions: 10,
    visitors: 50,
    notifications: 10,
    server_batch: 10,
    results: &[1 << 10, 10 << 10],
    requests: &[1 << 10, 10 << 10],
    depth: 5,
    batch: 10,
    in_flight: 16,
    owners: 5,
    owned: 20,
    questions: 2,
    configured: 20,
};

/// The defaults of the limits, or as near to them as a run of two minutes comes.
pub(crate) const LIMITS: Scale = Scale {
    name: "limits",
    servers: 240,
    long: 8,
    entries: 10_000,
    entry: 1_000,
    instructions: 64 << 10,
    templates: 5_000,
    sessions: 1_000,
    subscribers: 40,
    subscriptions: 1_000,
    visitors: 1_000,
    notifications: 1_000,
    server_batch: 10_000,
    results: &[250 << 10, 500 << 10, 1 << 20, 8 << 20, 60 << 20],
    requests: &[250 << 10, 1 << 20, 15 << 20],
    depth: 500,
    batch: 100,
    in_flight: 120,
    owners: 20,
    owned: 5_000,
    questions: 64,
    configured: 20_000,
};

impl Scale {
    /// Of a server with short lists. Its URIs are its own, but at the limits.
    pub(crate) fn short(&self, name: &str) -> Offer {
        let is_common = self.name == COMMON.name;
        Offer {
            tools: 20,
            prompts: 2,
            resources: 20,
            templates: 2,
            bytes: 200,
            instructions: self.instructions.min(600),
            scheme: if is_common { name } else { "told" }.to_owned(),
            shape: Shape::Usual,
        }
    }

    /// Of one with long lists.
    pub(crate) fn long(&self, name: &str) -> Offer {
        Offer {
            tools: self.entries / 2,
            resources: self.entries / 2,
            templates: 0,
            bytes: self.entry,
            instructions: self.instructions,
            ..self.short(name)
        }
    }

    /// Of one with many templates.
    pub(crate) fn templates(&self, name: &str, shape: Shape) -> Offer {
        Offer {
            templates: self.templates,
            shape,
            ..self.short(name)
        }
    }
}
