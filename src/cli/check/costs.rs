//! What `mcproxy check` says of what tools cost a model. Nothing is started for it: it is told what servers offered
//! when a gateway ran them last, as far as that is kept.

use std::io::{self, Write};
use std::path::Path;

use super::super::table;
use crate::config::model::Config;

/// Reads what is kept for the configuration at this path.
pub type LastSeen<'a> = &'a dyn Fn(&Path, &Config) -> Costs;

/// What is known.
#[derive(Debug, Default)]
pub struct Costs {
    /// Servers, what all show together, and what profiles show.
    pub rows: Vec<CostRow>,
    /// What is too much for some clients.
    pub warnings: Vec<String>,
    /// Where was looked; `None` if there is no such place.
    pub place: Option<String>,
}

/// What one of them costs.
#[derive(Debug)]
pub struct CostRow {
    /// `git`, `all`, `profile kids`
    pub of: String,
    /// Tools, bytes and about so many tokens; `None` if it is not known.
    pub cost: Option<[usize; 3]>,
    /// When a gateway knew it last.
    pub seen: String,
}

/// Prints the table and the warnings, or that nothing is known; nothing, where there is no server to run.
pub(super) fn print(costs: &Costs, out: &mut dyn Write) -> io::Result<()> {
    if costs.rows.is_empty() {
        return Ok(());
    }
    let place = costs.place.as_deref().unwrap_or("any state directory");
    if costs.rows.iter().all(|row| row.cost.is_none()) {
        return writeln!(
            out,
            "what the tools cost a model is not known: {place} has nothing of a gateway that ran these servers \
             (mcproxy --state-dir DIR check)\n"
        );
    }
    let mut lines = vec![
        ["OFFERED BY", "TOOLS", "BYTES", "TOKENS", "LAST SEEN"]
            .map(str::to_owned)
            .to_vec(),
    ];
    lines.extend(costs.rows.iter().map(|row| {
        let amounts = match row.cost {
            Some(amounts) => amounts.map(|amount| amount.to_string()),
            None => ["unknown", "", ""].map(str::to_owned),
        };
        let of = [row.of.clone()].into_iter();
        of.chain(amounts).chain([row.seen.clone()]).collect()
    }));
    table::print(&lines, out)?;
    for warning in &costs.warnings {
        writeln!(out, "warning: {warning}")?;
    }
    if !costs.warnings.is_empty() {
        writeln!(out)?;
    }
    Ok(())
}
