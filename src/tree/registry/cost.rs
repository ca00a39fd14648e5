//! What a list of tools costs a model: it reads all of it before it reads its user.

use std::cmp::Reverse;
use std::fmt;

use super::merged::Merged;
use super::remark::Remark;
use crate::config::model::INSTRUCTIONS_READ;

/// More of them some clients refuse, or leave out without a word (GitHub Copilot).
const MOST_TOOLS: usize = 128;
/// So many servers, and profiles, are named in a line, the dearest first.
const NAMED: usize = 10;

/// What some tools cost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cost {
    /// How many they are.
    pub tools: usize,
    /// What clients are told of them, in bytes.
    pub bytes: usize,
}

impl Cost {
    /// A guess that is right within a third for what is mostly English and JSON.
    #[must_use]
    pub fn tokens(self) -> usize {
        self.bytes / 4
    }
}

impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = if self.tools == 1 { "" } else { "s" };
        let (tools, tokens) = (self.tools, self.tokens());
        write!(f, "{tools} tool{plural}, about {tokens} tokens")
    }
}

/// `Clients are offered 57 tools, about 14200 tokens: git (40 tools, about 12000 tokens), …; by profile: …`:
/// what addresses without a profile show, `merged`, and what each profile does. `None` if no tools are there.
pub(super) fn line(
    whom: &str,
    merged: Option<&Merged>,
    profiles: Vec<(Cost, &str)>,
) -> Option<String> {
    let all = merged.map(Merged::whole_cost);
    let all = all.unwrap_or_default();
    let servers = merged.into_iter().flat_map(|merged| {
        let servers = merged.sources.iter().map(|source| &source.server);
        servers.map(|server| (merged.cost(server), server.as_str()))
    });
    let (servers, profiles) = (named(servers.collect()), named(profiles));
    if all.tools == 0 && profiles.is_empty() {
        return None;
    }
    let lists = [(": ", servers), ("; by profile: ", profiles)];
    let lists = lists.into_iter().filter(|(_, named)| !named.is_empty());
    let lists = lists.map(|(before, named)| format!("{before}{named}"));
    let lists: String = lists.collect();
    Some(format!("{whom} are offered {all}{lists}"))
}

/// The dearest of those that have tools.
fn named(mut costs: Vec<(Cost, &str)>) -> String {
    costs.retain(|(cost, _)| cost.tools > 0);
    costs.sort_by_key(|(cost, _)| Reverse(cost.bytes));
    let named = costs.iter().take(NAMED);
    let mut named: Vec<String> = named
        .map(|(cost, name)| format!("{name} ({cost})"))
        .collect();
    let more = costs.len().saturating_sub(NAMED);
    if more > 0 {
        named.push(format!("and {more} more"));
    }
    named.join(", ")
}

/// What is too much for some client of all that `whom` is offered.
pub(super) fn warnings(merged: &Merged, whom: &str) -> Vec<Remark> {
    let tools = merged.whole_cost().tools;
    let many = (tools > MOST_TOOLS).then(|| {
        format!(
            "{whom} are offered more than {MOST_TOOLS} tools, which is more than some take: leave out what nobody \
             needs, with \"tools\": {{\"allow\": […]}} in an entry or with profiles"
        )
    });
    let instructions = merged.instructions().map_or(0, str::len);
    let long = (instructions > INSTRUCTIONS_READ).then(|| {
        format!(
            "{whom} are given more than {INSTRUCTIONS_READ} bytes of instructions, of which some read the first \
             alone (instructions_budget, or 'instructions' of a profile)"
        )
    });
    let both = many.into_iter().chain(long);
    both.map(Remark::from).collect()
}
