//! For `mcproxy check`: what the tools of a configuration cost a model, by what a gateway has kept.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::cli::check::{CostRow, Costs};
use crate::config::model::Config;
use crate::state_dir::StateDir;
use crate::tree::{self, Cost};

/// What is kept in `state_dir` of the servers of the configuration at `path`.
#[must_use]
pub fn last_seen(state_dir: Option<PathBuf>, path: &Path, config: &Config) -> Costs {
    let directory = state_dir.map(|path| StateDir::new(&path));
    let seen = tree::last_seen(directory.as_ref(), path, config);
    let row = |of: String, cost: Option<Cost>, seen: String| CostRow {
        of,
        cost: cost.map(|cost| [cost.tools, cost.bytes, cost.tokens()]),
        seen,
    };
    let mut rows = Vec::new();
    let mut is_known = false;
    for (server, seen) in seen.servers {
        is_known |= seen.is_some();
        let date = seen.map_or_else(String::new, |(_, date)| shown(date));
        rows.push(row(server.to_string(), seen.map(|(cost, _)| cost), date));
    }
    if is_known {
        let all = seen.all.map(|cost| ("all together".to_owned(), cost));
        let profiles = seen.profiles.into_iter();
        let profiles = profiles.map(|(name, cost)| (format!("profile {name}"), cost));
        rows.extend(
            all.into_iter()
                .chain(profiles)
                .map(|(of, cost)| row(of, Some(cost), String::new())),
        );
    }
    Costs {
        rows,
        warnings: seen.warnings,
        place: directory.map(|directory| directory.path().display().to_string()),
    }
}

/// `2026-03-01 10:00`, as the clock of this machine has it.
fn shown(time: SystemTime) -> String {
    let time = Timestamp::try_from(time).map(|time| time.to_zoned(TimeZone::system()));
    time.map_or_else(
        |_| String::new(),
        |time| time.strftime("%Y-%m-%d %H:%M").to_string(),
    )
}
