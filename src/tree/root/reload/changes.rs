//! What a configuration changed, in the line that the log and whoever asked for the reload are given.

use std::fmt;

use serde::Serialize;

use crate::supervise::Diff;
use crate::tree::root::child_id::ChildId;
use crate::tree::root::hooks::ChildSpec;

/// So many servers of each kind are named in the line about a reload.
const NAMED_AT_MOST: usize = 20;

/// `github: tools, fetch: names`, as far as there is room.
pub(super) fn named(servers: impl Iterator<Item = String>) -> Option<String> {
    let mut named: Vec<String> = servers.take(NAMED_AT_MOST + 1).collect();
    if let Some(one_more) = named.get_mut(NAMED_AT_MOST) {
        "…".clone_into(one_more);
    }
    (!named.is_empty()).then(|| named.join(", "))
}

/// What a configuration changed.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Changes {
    /// New servers.
    pub added: Vec<String>,
    /// Those that are started anew, each with the fields that differ.
    pub changed: Vec<String>,
    /// Those that are gone.
    pub removed: Vec<String>,
    /// How many nothing happened to.
    pub unchanged: usize,
    /// Of which servers clients see something else, without a restart.
    pub seen_anew: Option<String>,
    /// Which servers sleep, or do so no more, or after another time, without a restart.
    pub rested_anew: Option<String>,
    /// The gateway's own settings that differ.
    pub limits: Option<String>,
}

impl Changes {
    pub(super) fn of(
        diff: &Diff<ChildId, ChildSpec>,
        seen_anew: Option<String>,
        limits: Option<String>,
    ) -> Self {
        let name = |id: &ChildId| match id {
            ChildId::Upstream(server) => server.to_string(),
            ChildId::Instance(..)
            | ChildId::Config
            | ChildId::Registry
            | ChildId::Sessions
            | ChildId::Listener => format!("{id:?}"),
        };
        let changed = diff.changed.iter().map(|(id, old, new)| match (old, new) {
            (ChildSpec::Upstream(old), ChildSpec::Upstream(new)) => {
                format!("{}: {}", name(id), old.differences(new).join(" "))
            }
            (ChildSpec::Permanent | ChildSpec::Upstream(_), _) => name(id),
        });
        Self {
            added: diff.added.iter().map(name).collect(),
            changed: changed.collect(),
            removed: diff.removed.iter().map(name).collect(),
            unchanged: diff.unchanged.len(),
            seen_anew,
            rested_anew: None,
            limits,
        }
    }
}

/// `reload: +1 (fetch) ~1 (github: env) -0 =7`
impl fmt::Display for Changes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |names: &[String]| match names {
            [] => "0".to_owned(),
            all => {
                let named = all.iter().take(NAMED_AT_MOST).map(String::as_str);
                let more = (all.len() > NAMED_AT_MOST).then_some("…");
                let named: Vec<&str> = named.chain(more).collect();
                format!("{} ({})", all.len(), named.join(", "))
            }
        };
        let [added, changed, removed] =
            [&self.added, &self.changed, &self.removed].map(|it| list(it));
        write!(
            f,
            "reload: +{added} ~{changed} -{removed} ={}",
            self.unchanged
        )
    }
}
