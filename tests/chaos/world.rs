//! The configured servers: what the file says now, and what an edit makes of it. Three of them are never meant
//! by a strike or an edit; what is not theirs alone (a strike at some actor) may hit them too.

#![cfg(test)]

use serde_json::{Value, json};

use crate::plan::Edit;
use crate::support::gateway::fixture_server;

/// Nobody edits these or signals their processes.
pub(crate) const GOOD: [&str; 3] = ["good0", "good1", "good2"];
/// One process per session, so that no client says how another's is.
pub(crate) const OWN: &str = "own";
/// Edits add and remove so many at most.
const MOST: usize = 10;

#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) name: String,
    /// Counts its changes.
    version: usize,
    flags: Vec<&'static str>,
}

impl Entry {
    fn new(name: &str, flags: &[&'static str]) -> Self {
        let (name, flags) = (name.to_owned(), flags.to_vec());
        Self {
            name,
            version: 0,
            flags,
        }
    }

    /// What its tool `pid` says about it.
    pub(crate) fn marker(&self) -> String {
        format!("{}#{}", self.name, self.version)
    }

    fn is_good(&self) -> bool {
        GOOD.contains(&self.name.as_str())
    }

    fn json(&self) -> Value {
        let mut args = vec![format!("--marker={}", self.marker())];
        args.extend(self.flags.iter().map(|&flag| flag.to_owned()));
        let isolation = if self.name == OWN {
            "session"
        } else {
            "shared"
        };
        json!({
            "name": self.name, "command": fixture_server(), "args": args,
            "timeout": 20, "call_timeout": 30, "isolation": isolation,
        })
    }
}

/// The server's name in the command line of its process.
pub(crate) fn marker_of(command: &str) -> Option<String> {
    let (_, rest) = command.split_once("--marker=")?;
    let (name, _) = rest.split_once('#')?;
    Some(name.to_owned())
}

pub(crate) struct World {
    pub(crate) entries: Vec<Entry>,
    /// Names given so far: each is new.
    named: usize,
}

impl World {
    pub(crate) fn new() -> Self {
        let mut entries = vec![
            Entry::new(GOOD[0], &[]),
            Entry::new(GOOD[1], &["--grandchild"]),
            Entry::new(GOOD[2], &["--setsid-grandchild"]),
        ];
        entries.extend([
            Entry::new("plain", &["--offers"]),
            Entry::new("family", &["--grandchild", "--setsid-grandchild"]),
            Entry::new("stubborn", &["--ignore-term", "--ignore-eof"]),
            Entry::new("babbler", &["--twice", "--wrong-id", "--garbage"]),
            Entry::new("flood", &["--flood-notifications", "200"]),
            Entry::new(OWN, &[]),
        ]);
        Self { entries, named: 0 }
    }

    pub(crate) fn config(&self) -> String {
        let entries: Vec<Value> = self.entries.iter().map(Entry::json).collect();
        // Clients wait for a server that was struck often no longer than the run lasts.
        json!({ "servers": entries, "gateway": { "max_restart_delay": 2, "stable_after": 5 } })
            .to_string()
    }

    /// Changes the entries; the names of those that are now others or gone.
    pub(crate) fn edit(&mut self, edit: Edit, pick: usize) -> Vec<String> {
        let is_free = |entry: &&mut Entry| !entry.is_good() && entry.name != OWN;
        let mut free: Vec<&mut Entry> = self.entries.iter_mut().filter(is_free).collect();
        let at = pick % free.len().max(1);
        match edit {
            Edit::Change => {
                let entry = free.remove(at);
                entry.version += 1;
                vec![entry.name.clone()]
            }
            Edit::Rename => {
                let entry = free.remove(at);
                self.named += 1;
                let new = format!("named{}", self.named);
                let old = std::mem::replace(&mut entry.name, new.clone());
                vec![old, new]
            }
            Edit::Remove if free.len() > 3 => {
                let name = free.remove(at).name.clone();
                self.entries.retain(|entry| entry.name != name);
                vec![name]
            }
            Edit::Add if self.entries.len() < MOST => {
                self.named += 1;
                let entry = Entry::new(&format!("named{}", self.named), &[]);
                let name = entry.name.clone();
                let at = pick % (self.entries.len() + 1);
                self.entries.insert(at, entry);
                vec![name]
            }
            Edit::Reorder | Edit::Add | Edit::Remove => {
                fastrand::Rng::with_seed(pick as u64).shuffle(&mut self.entries);
                Vec::new()
            }
        }
    }

    /// What a broken file says: nonsense, or the beginning of what it should.
    pub(crate) fn broken(&self, is_torn: bool) -> String {
        let whole = self.config();
        if is_torn {
            whole.chars().take(whole.len() / 2).collect()
        } else {
            r#"{ "servers": [ { "name": "good0", } "#.to_owned()
        }
    }

    pub(crate) fn names(&self) -> Vec<String> {
        self.entries
            .iter()
            .map(|entry| entry.name.clone())
            .collect()
    }
}
