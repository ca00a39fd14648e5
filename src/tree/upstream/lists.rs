//! The four lists of a server: which of them it has, which are being asked for, what they were
//! last. Part of the dialogue. A list that fails stays what it was; other lists don't wait for it.

mod failing;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use log::Level;
use tokio::time::Instant;

use super::calls::Calls;
use super::freshness::Freshness;
use super::listing::{Listing, Room, Turn, say_odd};
use super::pace::Pace;
use super::past::Past;
use super::server_label::ServerLabel;
use super::undeclared::{MAY_TAKE, Undeclared};
use crate::protocol::Era;
use crate::protocol::jsonrpc::code;
use crate::protocol::mcp::item::{self, Item, Kind, Odd, Page};
use crate::protocol::mcp::lifecycle::ServerInfo;
use crate::protocol::mcp::method;
use crate::tree::registry::{Abilities, Catalogue, Gap};

pub(super) use failing::ListFailure;

/// All lists of one server.
#[derive(Debug)]
pub(super) struct Lists {
    label: ServerLabel,
    /// What all lists together may hold.
    room: Room,
    known: Catalogue,
    /// The lists that the server declared.
    declared: Vec<Kind>,
    /// At most one request a list is on its way.
    asked: BTreeMap<Kind, Listing>,
    /// Those that took too long: the answer may come yet.
    late: BTreeMap<Kind, Listing>,
    /// Said to be not what they were.
    changed: BTreeSet<Kind>,
    /// To be asked for once more, when the present answer is there.
    again: BTreeSet<Kind>,
    pace: Pace,
    freshness: Freshness,
    undeclared: Undeclared,
}

/// What comes of an answer, or of its absence.
#[derive(Debug, Default)]
pub(super) struct Step {
    /// The lines to write.
    pub(super) lines: Vec<Bytes>,
    /// Whether a list is complete that was not.
    pub(super) is_news: bool,
}

impl Lists {
    pub(super) fn new(label: ServerLabel, room: Room, past: Arc<Past>) -> Self {
        Self {
            label,
            room,
            known: Catalogue::default(),
            declared: Vec::new(),
            asked: BTreeMap::new(),
            late: BTreeMap::new(),
            changed: BTreeSet::new(),
            again: BTreeSet::new(),
            pace: Pace::default(),
            freshness: Freshness::default(),
            undeclared: Undeclared::new(past),
        }
    }

    /// Takes in what the server declared.
    pub(super) fn declare(&mut self, era: Era, info: ServerInfo) {
        let declared = Kind::ALL.into_iter().filter(|kind| info.offers(*kind));
        self.declared = declared.collect();
        self.freshness = Freshness::new(info.changes);
        // Only the handshake of old is known to be careless about what it declares.
        let undeclared = match era {
            Era::Legacy => Some(self.undeclared.declare(&self.declared)),
            Era::Modern => None,
        };
        let gaps = self.declared.iter().chain(undeclared.into_iter().flatten());
        let gaps = gaps.map(|kind| (*kind, Gap::Awaited)).collect();
        let instructions = info.instructions.map(|text| {
            let (label, length) = (&self.label, text.len());
            let (text, is_whole) = self.room.cut(text);
            if !is_whole {
                let kept = text.len();
                log::log!(
                    label.level(Level::Warn),
                    server = label.server();
                    "Server {label} has instructions of {length} bytes; the first {kept} are kept \
                     (max_instructions_bytes)"
                );
            }
            text
        });
        self.known = Catalogue {
            abilities: Abilities {
                resources: info.has_resources,
                subscribe: info.can_subscribe,
                logging: info.has_logging,
                is_modern: era == Era::Modern,
            },
            instructions,
            extensions: info.extensions,
            gaps,
            ..Catalogue::default()
        };
    }

    /// What the server can do beside its lists.
    pub(super) fn abilities(&self) -> Abilities {
        self.known.abilities
    }

    /// What is known now, the first pages of lists that are on their way included.
    pub(super) fn catalogue(&self) -> Catalogue {
        let mut known = self.known.clone();
        for (kind, listing) in &self.asked {
            if let (Some(Gap::Awaited), Some((items, odd))) =
                (known.gaps.get(kind), listing.pages())
            {
                known.gaps.insert(*kind, Gap::Paging);
                known.set_odd(*kind, odd.clone());
                known.set(*kind, items.to_vec());
            }
        }
        known
    }

    /// The lists that are on their way.
    pub(super) fn awaited(&self) -> impl Iterator<Item = Kind> {
        self.asked.keys().copied()
    }

    /// Whether some list has come, or a part of one, whatever is still awaited.
    pub(super) fn has_some(&self) -> bool {
        let has_pages = |kind| {
            self.asked
                .get(kind)
                .is_some_and(|asked| asked.pages().is_some())
        };
        let mut declared = self.declared.iter();
        declared.any(|kind| !self.known.gaps.contains_key(kind) || has_pages(kind))
    }

    /// The list that request `id` is about.
    pub(super) fn kind_of(&self, id: u64) -> Option<Kind> {
        let mut asked = self.asked.iter();
        asked.find_map(|(kind, listing)| (listing.id == id).then_some(*kind))
    }

    /// When the first of the lists on their way has taken too long, or there is one to ask for.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        let asked = self.asked.values().map(|listing| listing.deadline).min();
        asked.or_else(|| self.undeclared.due())
    }

    /// The lists that have taken too long by now.
    pub(super) fn overdue(&self, now: Instant) -> Vec<Kind> {
        let asked = self.asked.iter();
        let overdue = asked.filter(|(_, listing)| listing.deadline <= now);
        overdue.map(|(kind, _)| *kind).collect()
    }

    /// Asks for all of them.
    pub(super) fn ask_all(&mut self, now: Instant, calls: &mut Calls) -> Vec<Bytes> {
        let kinds = self.declared.clone();
        self.ask(now, kinds, calls)
    }

    /// Notes that what `method` tells of has changed. `false` if that is no list of this server's.
    pub(super) fn note_change(&mut self, method: &str) -> bool {
        let kinds: &[Kind] = match method {
            method::TOOLS_LIST_CHANGED => &[Kind::Tools],
            method::PROMPTS_LIST_CHANGED => &[Kind::Prompts],
            method::RESOURCES_LIST_CHANGED => &[Kind::Resources, Kind::Templates],
            _ => return false,
        };
        let kinds = kinds.iter().filter(|kind| self.declared.contains(kind));
        let before = kinds.clone().count();
        self.changed.extend(kinds);
        before > 0
    }

    /// Notes that a client wants a list. `true` if it is to be asked for again: it is too old.
    pub(super) fn note_wanted(&mut self, now: Instant, kind: Kind) -> bool {
        let is_stale = self.freshness.is_stale(now, kind) && !self.asked.contains_key(&kind);
        is_stale && self.changed.insert(kind)
    }

    /// How often what changes is asked for.
    pub(super) fn pace(&self) -> &Pace {
        &self.pace
    }

    /// Asks for what has changed, or remembers to when the present answer is there. The error says
    /// how long it must not: what was read since it was told counts too.
    pub(super) fn ask_changed(
        &mut self,
        now: Instant,
        calls: &mut Calls,
    ) -> Result<Vec<Bytes>, Duration> {
        let wait = self.pace.wait(now);
        if !wait.is_zero() {
            return Err(wait);
        }
        let changed = std::mem::take(&mut self.changed);
        self.pace.asked(now);
        Ok(self.ask(now, changed, calls))
    }

    fn ask(
        &mut self,
        now: Instant,
        kinds: impl IntoIterator<Item = Kind>,
        calls: &mut Calls,
    ) -> Vec<Bytes> {
        let mut lines = Vec::new();
        for kind in kinds {
            if self.asked.contains_key(&kind) {
                self.again.insert(kind);
                continue;
            }
            if let Some(late) = self.late.remove(&kind) {
                calls.give_up(late.id);
            }
            let (id, line) = calls.own(kind.method(), None);
            let listing = Listing::new(kind, id, calls.deadline(now));
            self.asked.insert(kind, listing);
            lines.push(line);
        }
        lines
    }

    /// Takes a page, or the error in its place.
    pub(super) fn on_answer(
        &mut self,
        now: Instant,
        kind: Kind,
        outcome: Result<Bytes, Bytes>,
        calls: &mut Calls,
    ) -> Step {
        let size = outcome.as_ref().map_or_else(Bytes::len, Bytes::len);
        self.pace.spent(now, size);
        let page = outcome
            .or_else(|error| no_templates(kind, &error).ok_or(ListFailure::Refused(error)))
            // A copy, as what is kept of it must not keep the line, which may be far longer.
            .and_then(|result| {
                item::page(kind, &Bytes::copy_from_slice(&result)).map_err(ListFailure::Unfit)
            });
        match page {
            Ok(page) => self.on_page(now, kind, page, calls),
            Err(failure) => self.fail(now, kind, &failure, calls),
        }
    }

    fn on_page(&mut self, now: Instant, kind: Kind, page: Page, calls: &mut Calls) -> Step {
        let others = Kind::ALL.into_iter().filter(|other| *other != kind);
        let room = others.fold(self.room, |room, other| room.less(self.known.items(other)));
        let Some(listing) = self.asked.get_mut(&kind) else {
            return Step::default();
        };
        let (is_undeclared, ttl) = (listing.is_undeclared, page.ttl);
        match listing.turn(&self.label, page, room) {
            Turn::Next(params) => {
                let (id, line) = calls.own(kind.method(), params.as_deref());
                let deadline = if is_undeclared {
                    now + MAY_TAKE
                } else {
                    calls.deadline(now)
                };
                listing.asked(id, params.as_ref(), deadline);
                Step {
                    lines: vec![line],
                    is_news: false,
                }
            }
            Turn::Done(items, odd) => {
                if is_undeclared {
                    self.found(now, kind, items.len());
                }
                self.freshness.came(now, kind, ttl);
                self.complete(kind, items, odd, calls);
                Step {
                    lines: self.end(now, kind, calls),
                    is_news: true,
                }
            }
        }
    }

    /// A list is whole.
    fn complete(&mut self, kind: Kind, items: Vec<Item>, odd: Odd, calls: &Calls) {
        self.put(kind, items, odd, calls);
        self.known.gaps.remove(&kind);
        self.known.aging = self.freshness.aging();
    }

    /// What came of a list stands for it.
    fn put(&mut self, kind: Kind, items: Vec<Item>, odd: Odd, calls: &Calls) {
        if self.known.odd.get(&kind) != Some(&odd) {
            say_odd(&self.label, kind, &odd);
        }
        calls.count_left_out(&odd);
        self.known.set_odd(kind, odd);
        self.known.set(kind, items);
    }

    /// Asks for the next list that was not declared, if none is on its way and no call waits for the
    /// server: what it does not expect must not meet it in a heap, nor hold calls up.
    pub(super) fn try_undeclared(&mut self, now: Instant, calls: &mut Calls) -> Option<Bytes> {
        if !self.asked.is_empty() {
            return None;
        }
        let Some(kind) = self.undeclared.next(now, calls.in_flight() > 0) else {
            self.say_if_nothing();
            return None;
        };
        let (id, line) = calls.own(kind.method(), None);
        let listing = Listing::new(kind, id, now + MAY_TAKE).undeclared();
        self.asked.insert(kind, listing);
        Some(line)
    }

    /// A call goes first.
    pub(super) fn put_off(&mut self, now: Instant) {
        self.undeclared.put_off(now);
    }

    /// What former lives taught has come.
    pub(super) fn remember(&mut self) {
        self.undeclared.remember(&mut self.known.gaps);
    }

    /// The one on its way that was not declared and has never come, if there is one.
    pub(super) fn trying(&self) -> Option<Kind> {
        let mut asked = self.asked.iter();
        let (kind, _) = asked.find(|(_, listing)| listing.is_undeclared)?;
        (!self.undeclared.has_come(*kind)).then_some(*kind)
    }

    /// One that was not declared and was asked for in vain, without a plain no.
    pub(super) fn tried(&self) -> Option<Kind> {
        let gaps = self.known.gaps.iter();
        let mut silent = gaps.filter_map(|(kind, gap)| (*gap == Gap::Silent).then_some(*kind));
        silent.find(|kind| !self.undeclared.has_come(*kind))
    }

    fn say_if_nothing(&mut self) {
        if self.known.gaps.values().any(|gap| *gap != Gap::Silent) {
            return;
        }
        let has_some =
            |kind: Kind| !self.known.items(kind).is_empty() || self.undeclared.has_come(kind);
        let is_nothing = !Kind::ALL.into_iter().any(has_some);
        if self.undeclared.note_offers(is_nothing) {
            let label = &self.label;
            log::info!(server = label.server(); "Server {label} offers nothing: it lists no tools, no prompts and no resources");
        }
    }

    /// A list has come that was not declared.
    fn found(&mut self, now: Instant, kind: Kind, count: usize) {
        let is_new = self.undeclared.found(now, kind);
        if count > 0 && is_new {
            let (label, method) = (&self.label, kind.method());
            log::info!(server = label.server(); "Server {label} does not declare what it lists all the same ({method}, {count} entries)");
        }
        self.declared.push(kind);
        self.known.abilities.resources |= kind == Kind::Resources && count > 0;
    }

    fn end(&mut self, now: Instant, kind: Kind, calls: &mut Calls) -> Vec<Bytes> {
        self.asked.remove(&kind);
        let again = self.again.take(&kind);
        self.ask(now, again, calls)
    }
}

/// Many servers with resources don't know the method for templates: they have none.
fn no_templates(kind: Kind, error: &Bytes) -> Option<Bytes> {
    let is_unknown = || code::of(error) == Some(code::METHOD_NOT_FOUND);
    let is_none = kind == Kind::Templates && is_unknown();
    is_none.then(|| Bytes::from_static(br#"{"resourceTemplates":[]}"#))
}
