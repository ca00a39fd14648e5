//! What is odd about the names that servers offer, for the log: the first few of each server in
//! words, then how many there are. A server may offer ten thousand odd names, others at each turn.

use std::collections::{BTreeSet, HashMap};

use crate::ids::ServerName;

/// So many of a server are said in words.
const NAMED: usize = 5;
/// So much of a name is shown.
const SHOWN: usize = 100;

/// What is odd in one merge.
#[derive(Debug, Default)]
pub(crate) struct Oddities {
    said: BTreeSet<(ServerName, String)>,
    counts: HashMap<ServerName, usize>,
}

impl Oddities {
    /// Takes one of `server` in; `text` is asked for only if it is said in words.
    pub(super) fn note(&mut self, server: &ServerName, text: impl FnOnce() -> String) {
        let count = self.counts.entry(server.clone()).or_default();
        *count += 1;
        if *count <= NAMED {
            self.said.insert((server.clone(), text()));
        }
    }

    /// Logs what was not said in the merge before.
    pub(super) fn report(&self, before: &Self) {
        for (server, text) in self.said.difference(&before.said) {
            log::warn!(server = server.as_str(); "{text}");
        }
        for (server, count) in &self.counts {
            if *count > NAMED && before.counts.get(server) != Some(count) {
                log::warn!(server = server.as_str(); "Server '{server}' offers {count} names that are odd; those are the first of them");
            }
        }
    }

    /// What is said in words.
    #[cfg(test)]
    pub(super) fn texts(&self) -> Vec<&str> {
        self.said.iter().map(|(_, text)| text.as_str()).collect()
    }
}

/// A name as a line shows it.
pub(super) fn shown(name: &str) -> String {
    match name.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", name.get(..end).unwrap_or_default()),
        None => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_thousand_odd_names_are_five_texts() {
        let mut oddities = Oddities::default();
        let server = ServerName::new("a").unwrap();
        for number in 0..10_000 {
            oddities.note(&server, || shown(&format!("{number}{}", "x".repeat(9_000))));
        }
        assert_eq!(oddities.texts().len(), NAMED);
        assert_eq!(oddities.counts[&server], 10_000);
        assert!(oddities.texts().iter().all(|text| text.len() < 2 * SHOWN));
    }
}
