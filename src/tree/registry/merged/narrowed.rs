//! What a profile shows of all that is merged.

use std::sync::Arc;

use super::super::instructions::{self, Joined};
use super::super::names::Names;
use super::super::remark::Remark;
use super::super::source::Source;
use super::Merged;
use crate::config::model::{Patterns, Profile, ProfileInstructions};
use crate::ids::ServerName;
use crate::protocol::mcp::item::Kind;
use crate::protocol::modern::extensions::Extensions;

/// Where a narrowed table comes from.
#[derive(Debug)]
pub(super) struct Narrowed {
    pub(super) whole: Arc<Merged>,
    pub(super) profile: Arc<Profile>,
}

impl Merged {
    /// What a profile shows of `whole`: under the same names, and of what is laid out there already.
    /// What did not change since one of the `former` such tables is taken from it.
    pub(in crate::tree::registry) fn narrow(
        whole: &Arc<Self>,
        profile: &Arc<Profile>,
        former: &[&Self],
    ) -> Self {
        let shows = |server: &ServerName| profile.servers.shows(server.as_str());
        let sources = whole.sources.iter().filter(|one| shows(&one.server));
        let sources: Vec<Source> = sources.cloned().collect();
        let names = |kind, of: fn(&Self) -> &Names, shown| {
            let former: Vec<&Names> = former.iter().map(|former| of(former)).collect();
            of(whole).narrowed(kind, shows, shown, &former)
        };
        let tools = names(Kind::Tools, |merged| &merged.tools, &profile.tools);
        let prompts = names(Kind::Prompts, |merged| &merged.prompts, &profile.prompts);
        let resources: Vec<_> = former.iter().map(|former| &former.resources).collect();
        let rules = &profile.resources;
        let resources = whole
            .resources
            .narrowed(&whole.sources, shows, rules, &resources);
        let extensions = Extensions::united(sources.iter().filter_map(Source::extensions));
        Self {
            extensions: extensions.map(Arc::from),
            prefixes: Arc::clone(&whole.prefixes),
            tools,
            prompts,
            resources,
            budget: whole.budget,
            instructions: Self::instructions_of(profile, &sources, whole.budget, former),
            narrowed: Some(Narrowed {
                whole: Arc::clone(whole),
                profile: Arc::clone(profile),
            }),
            sources,
        }
    }

    fn instructions_of(
        profile: &Profile,
        sources: &[Source],
        budget: usize,
        former: &[&Self],
    ) -> Joined {
        match &profile.instructions {
            ProfileInstructions::None => Joined::default(),
            ProfileInstructions::Own(text) => Joined {
                text: Some(Arc::clone(text)),
                ..Joined::default()
            },
            ProfileInstructions::OfServers => {
                let is_same = |former: &&&Self| {
                    let narrowed = former.narrowed.as_ref();
                    let before = narrowed.map(|narrowed| &narrowed.profile.instructions);
                    before == Some(&ProfileInstructions::OfServers)
                        && former.budget == budget
                        && instructions::are_same(sources, &former.sources)
                };
                match former.iter().find(is_same) {
                    Some(same) => same.instructions.clone(),
                    None => instructions::join(sources, budget),
                }
            }
        }
    }

    /// Whether the rules that match nothing are looked for once for both.
    #[cfg(test)]
    pub(in crate::tree::registry) fn shares_idle_rules(&self, other: &Self) -> bool {
        self.tools.shares_idle(&other.tools) && self.prompts.shares_idle(&other.prompts)
    }

    /// The rules of its profile that match nothing of what its servers offer, for the log; none before all
    /// of those have told what that is.
    pub(in crate::tree::registry) fn idle_rules(&self) -> Vec<Remark> {
        let Some(Narrowed { profile, .. }) = &self.narrowed else {
            return Vec::new();
        };
        let idle = |kind: Kind, rules: &Patterns, names: &Names| -> Vec<Remark> {
            let mut sources = self.sources.iter();
            if rules.is_open() || !sources.all(|source| source.is_whole(kind)) {
                return Vec::new();
            }
            let whose = format!("Profile '{}', {}", profile.name, kind.member());
            names.idle(&whose).to_vec()
        };
        let mut all = idle(Kind::Tools, &profile.tools, &self.tools);
        all.extend(idle(Kind::Prompts, &profile.prompts, &self.prompts));
        let kinds = [Kind::Resources, Kind::Templates];
        let is_whole = |source: &Source| kinds.iter().all(|kind| source.is_whole(*kind));
        if !profile.resources.is_open() && self.sources.iter().all(is_whole) {
            let whose = format!("Profile '{}', resources", profile.name);
            all.extend_from_slice(self.resources.idle_rules(&whose, &self.sources));
        }
        all
    }
}
