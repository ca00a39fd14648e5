//! The last events in the gateway, in its own words, for the status. Whose server does most makes room for what is new, so
//! that one that crashes all day leaves the others' events where they are.

use std::collections::{BTreeMap, VecDeque};

use jiff::Timestamp;
use serde::Serialize;

use crate::ids::ServerName;
use crate::tree::history::shown;

/// So many are kept, and so much of each text, in characters.
const KEPT: usize = 100;
const LONGEST: usize = 300;

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StatusEvent {
    /// When, as RFC 3339 has it.
    pub at: String,
    /// Which server it is about, if one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server: Option<String>,
    /// The kind, in a word.
    pub kind: &'static str,
    /// What, to follow the server's name.
    pub text: String,
}

/// The last of them, oldest first.
#[derive(Debug, Default)]
pub(in crate::tree::root) struct Events(VecDeque<Noted>);

#[derive(Debug)]
struct Noted {
    at: Timestamp,
    server: Option<ServerName>,
    kind: &'static str,
    text: Box<str>,
}

impl Events {
    pub(in crate::tree::root) fn note(
        &mut self,
        server: Option<&ServerName>,
        kind: &'static str,
        text: &str,
    ) {
        if self.0.len() >= KEPT {
            self.make_room();
        }
        self.0.push_back(Noted {
            at: Timestamp::now(),
            server: server.cloned(),
            kind,
            text: text.chars().take(LONGEST).collect(),
        });
    }

    pub(in crate::tree::root) fn newest_first(&self) -> Vec<StatusEvent> {
        let newest = self.0.iter().rev();
        let shown = newest.map(|noted| StatusEvent {
            at: shown(noted.at),
            server: noted.server.as_ref().map(ToString::to_string),
            kind: noted.kind,
            text: noted.text.to_string(),
        });
        shown.collect()
    }

    /// The oldest event goes of who has most of them.
    fn make_room(&mut self) {
        let mut counts: BTreeMap<Option<&ServerName>, usize> = BTreeMap::new();
        for noted in &self.0 {
            *counts.entry(noted.server.as_ref()).or_default() += 1;
        }
        let most = counts.values().max().copied().unwrap_or_default();
        let is_most = |noted: &Noted| counts.get(&noted.server.as_ref()) == Some(&most);
        if let Some(oldest) = self.0.iter().position(is_most) {
            self.0.remove(oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_bad_server_leaves_the_others_theirs() {
        let name = |number: usize| ServerName::new(&format!("s{number}")).unwrap();
        let mut events = Events::default();
        for number in 0..20 {
            events.note(Some(&name(number)), "start", "started");
            events.note(Some(&name(number)), "ready", "is ready");
        }
        events.note(None, "reload", "+1");
        for _ in 0..100_000 {
            events.note(Some(&name(0)), "exit", &"x".repeat(10_000));
        }
        let all = events.newest_first();
        assert_eq!(all.len(), KEPT);
        assert!(all.iter().all(|event| event.text.len() <= LONGEST));
        assert_eq!(all.iter().filter(|event| event.kind == "exit").count(), 61);
        let of_others = all
            .iter()
            .filter(|event| event.server.as_deref() != Some("s0"));
        assert_eq!(of_others.count(), 2 * 19 + 1);
        assert_eq!(all.last().unwrap().server.as_deref(), Some("s1"));
    }
}
