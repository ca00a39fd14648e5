//! Tools of an entry with `"on_changed_tools": "hold"`: clients see each as it was approved, and none that was not.
//! The first list of a server counts as approved, with the pages of it that come in the same life; from then on nothing
//! is, but by word.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::catalogue::List;
use super::held::Held;
use crate::ids::Generation;
use crate::protocol::mcp::definition;
use crate::protocol::mcp::item::Item;

/// So many bytes of definitions of a server are read in this time; what is beyond is another if its text is.
const READ: usize = 1 << 20;
const WHILE: Duration = Duration::from_secs(60);
/// What is said of a tool that was not there.
const NEW: &str = "new";
/// What is said of one that was, and is not any more.
const GONE: &str = "gone";
/// What is said of one that was not read.
const ALL_OF_IT: &str = "definition";

/// What is approved, as it is kept.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Approved {
    pub(super) tools: List,
    /// Nothing was told yet: the first list is to come.
    pub(super) is_first: bool,
}

/// What is approved of a server's tools.
#[derive(Debug)]
pub(super) struct Hold {
    approved: Approved,
    /// The life whose first list has begun, and has more pages to come.
    paging: Option<Generation>,
    /// Its entry has become another: the first list of a life after this one is approved.
    renewed: Option<Generation>,
    /// What is left of [`READ`], and since when.
    room: (usize, Option<Instant>),
}

impl Hold {
    /// Nothing was ever told: the first list is to come.
    pub(super) fn first() -> Self {
        let is_first = true;
        Self::of(Approved {
            is_first,
            ..Approved::default()
        })
    }

    pub(super) fn of(approved: Approved) -> Self {
        Self {
            approved,
            paging: None,
            renewed: None,
            room: (READ, None),
        }
    }

    pub(super) fn approved(&self) -> &Approved {
        &self.approved
    }

    /// Something else is run after the life `last`.
    pub(super) fn renew(&mut self, last: Generation) {
        self.renewed = Some(last);
    }

    /// A life lists these; more pages are on their way, or that is all there will be of this list.
    pub(super) fn told(&mut self, tools: &List, life: Generation, is_paging: bool) {
        if self.renewed.is_some_and(|last| life > last) {
            *self = Self::first();
        }
        let is_first = self.approved.is_first || self.paging == Some(life);
        if is_first && self.renewed.is_none() {
            self.approved.add(tools);
            self.approved.is_first = false;
            self.paging = is_paging.then_some(life);
        }
    }

    /// Somebody approves them all.
    pub(super) fn approve(&mut self, tools: &List) {
        let is_first = self.approved.is_first;
        let tools = Arc::clone(tools);
        self.approved = Approved { tools, is_first };
    }

    /// What clients see of `tools`, and what is held back; at its end what is approved and gone.
    pub(super) fn look(&mut self, tools: &List, now: Instant) -> (List, Vec<Held>) {
        if Arc::ptr_eq(tools, &self.approved.tools) {
            return (Arc::clone(tools), Vec::new());
        }
        let is_over = |since: Instant| now.saturating_duration_since(since) >= WHILE;
        if self.room.1.is_none_or(is_over) {
            self.room = (READ, Some(now));
        }
        let room = &mut self.room.0;
        let approved = self.approved.by_key();
        let mut held = Vec::new();
        let shown = tools.iter().filter_map(|tool| {
            let known = approved.get(tool.key()).copied();
            let parts = known.map_or_else(|| vec![NEW], |known| changes(known, tool, room));
            if parts.is_empty() {
                return Some(tool.clone());
            }
            held.push(Held {
                tool: tool.key().into(),
                parts,
                approved: known.map(|known| known.raw().clone()),
                offered: Some(tool.raw().clone()),
            });
            known.cloned()
        });
        let shown: Vec<Item> = shown.collect();
        let shown = if held.is_empty() {
            Arc::clone(tools)
        } else {
            Arc::new(shown)
        };
        held.extend(self.approved.without(tools));
        (shown, held)
    }
}

impl Approved {
    /// What is approved of tools that were not held back until now.
    pub(super) fn of(tools: &List) -> Self {
        let tools = Arc::clone(tools);
        Self {
            tools,
            is_first: false,
        }
    }

    fn by_key(&self) -> HashMap<&str, &Item> {
        let tools = self.tools.iter();
        // Of two with one name the first counts, as it does for clients.
        tools.rev().map(|tool| (tool.key(), tool)).collect()
    }

    /// Those that are not among `tools`.
    fn without(&self, tools: &List) -> impl Iterator<Item = Held> {
        let there: HashSet<&str> = tools.iter().map(Item::key).collect();
        let gone = self.tools.iter();
        let gone = gone.filter(move |tool| !there.contains(tool.key()));
        gone.map(|tool| Held {
            tool: tool.key().into(),
            parts: vec![GONE],
            approved: Some(tool.raw().clone()),
            offered: None,
        })
    }

    fn add(&mut self, tools: &List) {
        if self.tools.is_empty() {
            self.tools = Arc::clone(tools);
            return;
        }
        let known: HashSet<&str> = self.tools.iter().map(Item::key).collect();
        let new = tools.iter().filter(|tool| !known.contains(tool.key()));
        let new: Vec<Item> = new.cloned().collect();
        if !new.is_empty() {
            Arc::make_mut(&mut self.tools).extend(new);
        }
    }
}

/// What of a tool is another, as far as there is room to read it.
fn changes(old: &Item, new: &Item, room: &mut usize) -> Vec<&'static str> {
    if old.raw() == new.raw() {
        return Vec::new();
    }
    match room.checked_sub(old.raw().len() + new.raw().len()) {
        Some(left) => {
            *room = left;
            definition::all_changes(old.raw(), new.raw())
        }
        None => vec![ALL_OF_IT],
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::protocol::mcp::item::{self, Kind};

    fn list(tools: &[(&str, &str)]) -> List {
        let tool = |(name, description): &(&str, &str)| {
            format!(
                r#"{{"name":"{name}","description":"{description}","inputSchema":{{"type":"object"}}}}"#
            )
        };
        let tools: Vec<String> = tools.iter().map(tool).collect();
        let page = Bytes::from(format!(r#"{{"tools":[{}]}}"#, tools.join(",")));
        item::page(Kind::Tools, &page).unwrap().items.into()
    }

    type Pairs = Vec<(String, String)>;

    /// What is shown, and what is back.
    fn look(hold: &mut Hold, tools: &List) -> (Pairs, Pairs) {
        let (shown, back) = hold.look(tools, Instant::now());
        let text = |item: &Item| {
            let raw: serde_json::Value = serde_json::from_slice(item.raw()).unwrap();
            let description = raw["description"].as_str().unwrap().to_owned();
            (item.key().to_owned(), description)
        };
        let back = back
            .iter()
            .map(|back| (back.tool.to_string(), back.parts.join(",")));
        (shown.iter().map(text).collect(), back.collect())
    }

    fn pairs(list: &[(&str, &str)]) -> Pairs {
        let pair = |(a, b): &(&str, &str)| ((*a).to_owned(), (*b).to_owned());
        list.iter().map(pair).collect()
    }

    const LIFE: Generation = Generation(1);

    #[test]
    fn what_is_another_stays_as_it_was_and_what_is_new_is_not_there_until_approved() {
        let mut hold = Hold::first();
        let first = list(&[("a", "1"), ("b", "1"), ("c", "1")]);
        hold.told(&first, LIFE, false);
        assert!(Arc::ptr_eq(&hold.look(&first, Instant::now()).0, &first));

        let second = list(&[("d", "1"), ("b", "2"), ("a", "1")]);
        hold.told(&second, LIFE, false);
        let (shown, back) = look(&mut hold, &second);
        assert_eq!(
            shown,
            pairs(&[("b", "1"), ("a", "1")]),
            "'c' has gone at once"
        );
        assert_eq!(
            back,
            pairs(&[("d", "new"), ("b", "description"), ("c", "gone")])
        );

        hold.approve(&second);
        let all = pairs(&[("d", "1"), ("b", "2"), ("a", "1")]);
        assert_eq!(look(&mut hold, &second), (all, vec![]));
        let (shown, back) = look(&mut hold, &first);
        assert_eq!(shown, pairs(&[("a", "1"), ("b", "2")]));
        assert_eq!(
            back,
            pairs(&[("b", "description"), ("c", "new"), ("d", "gone")])
        );
    }

    #[test]
    fn a_first_list_may_come_in_parts_and_changes_nothing_that_has_come() {
        let mut hold = Hold::first();
        hold.told(&list(&[]), LIFE, true);
        hold.told(&list(&[("a", "1")]), LIFE, true);
        let more = list(&[("a", "2"), ("b", "1")]);
        hold.told(&more, LIFE, true);
        assert_eq!(look(&mut hold, &more).0, pairs(&[("a", "1"), ("b", "1")]));
        hold.told(&more, LIFE, false);
        let (_, back) = look(&mut hold, &list(&[("c", "1")]));
        let gone = [("c", "new"), ("a", "gone"), ("b", "gone")];
        assert_eq!(back, pairs(&gone));
    }

    #[test]
    fn a_first_list_that_never_comes_whole_is_over_with_its_pages_or_its_life() {
        let (one, two) = (list(&[("a", "1")]), list(&[("a", "1"), ("b", "1")]));
        for (is_paging, life) in [(false, LIFE), (true, Generation(2))] {
            let mut hold = Hold::first();
            hold.told(&one, LIFE, is_paging);
            hold.told(&two, life, true);
            assert_eq!(look(&mut hold, &two).1, pairs(&[("b", "new")]));
        }
    }

    #[test]
    fn another_entry_is_another_server_from_its_first_life_on() {
        let (mut hold, one) = (Hold::first(), list(&[("a", "1")]));
        hold.told(&one, LIFE, false);
        hold.renew(LIFE);
        let two = list(&[("a", "2"), ("b", "1")]);
        hold.told(&two, LIFE, false);
        assert_eq!(look(&mut hold, &two).0, pairs(&[("a", "1")]), "the old one");
        hold.told(&two, Generation(2), false);
        assert_eq!(look(&mut hold, &two).1, []);
        hold.told(&one, Generation(3), false);
        let back = pairs(&[("a", "description"), ("b", "gone")]);
        assert_eq!(look(&mut hold, &one).1, back);
    }

    #[test]
    fn what_means_the_same_is_passed_on_and_what_is_too_much_to_read_is_held() {
        let page = |list: &str| {
            let page = Bytes::from(format!(r#"{{"tools":[{list}]}}"#));
            List::from(item::page(Kind::Tools, &page).unwrap().items)
        };
        let required = |text: &str| {
            page(&format!(
                r#"{{"name":"a","inputSchema":{{"type":"object","required":[{text}]}}}}"#
            ))
        };
        let mut hold = Hold::first();
        hold.told(&required(r#""x","y""#), LIFE, false);
        let other = required(r#""y","x""#);
        assert!(Arc::ptr_eq(&hold.look(&other, Instant::now()).0, &other));
        let now = Instant::now();
        hold.room = (10, Some(now));
        let (_, back) = hold.look(&other, now);
        assert_eq!(back[0].parts, [ALL_OF_IT]);
        assert!(hold.look(&other, now + WHILE).1.is_empty());
        let marked =
            page(r#"{"name":"a","inputSchema":{"type":"object","required":["x","y"]},"_meta":{}}"#);
        let (shown, back) = hold.look(&marked, now + WHILE);
        assert_eq!(
            (&shown, back.len()),
            (&required(r#""x","y""#), 1),
            "any member counts"
        );
    }
}
