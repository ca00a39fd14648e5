//! What is odd about the names that servers offer, for the log: the first few of each server and of
//! each that it collides with in words, then how many there are. A server may offer ten thousand
//! odd names, others at each turn.

use std::collections::{BTreeSet, HashMap};

use crate::ids::ServerName;

/// So many of a server, with one other, are said in words.
const NAMED: usize = 5;
/// So much of a name is shown.
const SHOWN: usize = 100;

/// What is odd in one merge.
#[derive(Debug, Default)]
pub(crate) struct Oddities {
    said: BTreeSet<(ServerName, String)>,
    /// By the server, and by the one that it collides with or itself.
    counts: HashMap<[ServerName; 2], usize>,
}

impl Oddities {
    /// Takes one of `server` in, which concerns `other`; `text` is asked for only if it is said in
    /// words.
    pub(super) fn note(
        &mut self,
        server: &ServerName,
        other: &ServerName,
        text: impl FnOnce() -> String,
    ) {
        let pair = [server.clone(), other.clone()];
        let count = self.counts.entry(pair).or_default();
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
        for (pair, count) in &self.counts {
            if *count > NAMED && before.counts.get(pair) != Some(count) {
                let [server, _] = pair;
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
            let text = || shown(&format!("{number}{}", "x".repeat(9_000)));
            oddities.note(&server, &server, text);
        }
        assert_eq!(oddities.texts().len(), NAMED);
        assert_eq!(oddities.counts[&[server.clone(), server.clone()]], 10_000);
        assert!(oddities.texts().iter().all(|text| text.len() < 2 * SHOWN));
        oddities.note(&server, &ServerName::new("b").unwrap(), String::new);
        assert_eq!(
            oddities.texts().len(),
            NAMED + 1,
            "another's are not hidden"
        );
    }
}
