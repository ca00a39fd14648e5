//! What a list of tools costs a model: it reads all of it before it reads its user.

use std::fmt;

use super::merged::Merged;
use crate::config::model::INSTRUCTIONS_READ;
use crate::protocol::mcp::item::Kind;

/// More of them some clients refuse, or leave out without a word (GitHub Copilot).
const MOST_TOOLS: usize = 128;
/// So many servers are named in a line, the dearest first.
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

/// `Clients are offered 57 tools, about 14200 tokens: git (40 tools, about 12000 tokens), …`
pub(super) fn line(merged: &Merged) -> String {
    let all = merged.pages(Kind::Tools).cost();
    let servers = merged.sources.iter();
    let costs = servers.map(|source| (merged.cost(&source.server), &source.server));
    let mut costs: Vec<_> = costs.filter(|(cost, _)| cost.tools > 0).collect();
    costs.sort_by_key(|(cost, _)| std::cmp::Reverse(cost.bytes));
    let named = costs.iter().take(NAMED);
    let mut named: Vec<String> = named
        .map(|(cost, server)| format!("{server} ({cost})"))
        .collect();
    let more = costs.len().saturating_sub(NAMED);
    if more > 0 {
        named.push(format!("and {more} more"));
    }
    let colon = if named.is_empty() { "" } else { ": " };
    format!("Clients are offered {all}{colon}{}", named.join(", "))
}

/// What is too much for some client of all that `whom` is offered.
pub(super) fn warnings(merged: &Merged, whom: &str) -> Vec<String> {
    let tools = merged.pages(Kind::Tools).cost().tools;
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
    many.into_iter().chain(long).collect()
}
