//! After how long without use servers sleep: what a configuration says of it holds from now on, and nothing is
//! restarted for it.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::changes::named;
use crate::config::model::{Config, Entry};
use crate::tree::root::actor::RootState;

impl RootState {
    /// A server runs as it did where what is said of that can't be used.
    pub(super) fn keep_starts(&self, config: &mut Config) {
        for entry in &mut config.servers {
            let Entry::Run(spec, _) = entry else {
                continue;
            };
            if spec.is_start_unclear {
                let former = self.spec(&spec.name).map(|former| former.idle_timeout);
                let spec = Arc::make_mut(spec);
                spec.is_start_unclear = false;
                spec.idle_timeout = former.unwrap_or(spec.idle_timeout);
            }
        }
    }

    /// Tells those that run after how long without use they sleep from now on. Gives which differ in nothing
    /// that they are restarted for.
    pub(super) fn take_idle_timeouts(&self, entries: &[Entry]) -> Option<String> {
        let differing = entries.iter().filter_map(|entry| {
            let Entry::Run(spec, _) = entry else {
                return None;
            };
            let former = self.spec(&spec.name)?;
            let is_other = former.idle_timeout != spec.idle_timeout;
            (is_other && !former.needs_restart(spec)).then_some((former, spec))
        });
        let differing: BTreeMap<_, _> = differing
            .map(|(former, spec)| (&spec.name, (former, spec)))
            .collect();
        if differing.is_empty() {
            return None;
        }
        for upstream in self.supervisor.hooks().upstreams.values() {
            if let Some((_, spec)) = differing.get(upstream.server()) {
                upstream.set_idle_timeout(spec.idle_timeout);
            }
        }
        named(differing.into_iter().map(|(name, (former, spec))| {
            format!("{name}: {}", former.differences(spec).join(" "))
        }))
    }
}
