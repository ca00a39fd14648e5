//! Tools that a server defines in another way than before, although its entry is the same: said, counted, and
//! in the status for a week or until a reload touches the entry. Nothing is held back unless the entry asks for it
//! (then the registry does), for a gateway that was set up and forgotten must not stop after each update of a package. What is kept of the last run is
//! what the first list is compared with.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use tokio::time::Instant;

use crate::config::model::OnChangedTools;
use crate::ids::{Generation, ServerName};
use crate::protocol::mcp::definition;
use crate::protocol::mcp::item::Item;
use crate::tree::registry::{Held, Routes};

/// So long a change is in the status.
const KEPT: Duration = Duration::from_secs(7 * 24 * 3600);
/// So many of a server are.
const MOST: usize = 100;
/// So many are named in a line, and so much of each name.
const NAMED: usize = 5;
const SHOWN: usize = 100;
/// So many bytes of definitions of a server are read in this time, and one line of the log is about them; what is
/// beyond is another text, which is another definition, and is told of in the next line.
const READ: usize = 1 << 20;
const WHILE: Duration = Duration::from_secs(60);

/// What is known of all servers' tools.
#[derive(Debug, Default)]
pub(in crate::tree::root) struct Definitions(BTreeMap<ServerName, Known>);

#[derive(Debug)]
struct Known {
    tools: Arc<Vec<Item>>,
    /// Since its entry changed.
    touched: Option<Touched>,
    changed: BTreeMap<String, (Vec<&'static str>, Instant)>,
    /// What is left of [`READ`], and since when.
    room: (usize, Instant),
    told: Told,
    /// Whether changes are held back.
    is_held: bool,
}

/// What the log was told of a server.
#[derive(Debug, Default)]
struct Told {
    at: Option<Instant>,
    /// How often a tool changed since then.
    unsaid: usize,
}

/// An entry that was changed: what its next life lists is not compared.
#[derive(Debug, Clone, Copy)]
struct Touched {
    /// The life that took calls then, if one did.
    life: Option<Generation>,
}

/// A tool that is not defined as it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ChangedTool {
    /// Its name, as its server has it.
    pub tool: String,
    /// What of it is another.
    pub parts: Vec<&'static str>,
    /// How long ago that was seen.
    pub seconds_ago: u64,
    /// Whether clients see it as it was, until it is approved; a new one not at all.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub held: bool,
}

/// What is new in a list: each tool by its name, and what of it is another.
type News = Vec<(String, Vec<&'static str>)>;

/// What is to be said and counted of a server now.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in crate::tree::root) struct Change {
    /// What is new in its list.
    pub(in crate::tree::root) news: News,
    /// What the log is to be told beside that: how often tools changed that it was not told of. `None`: it has been told
    /// enough for now.
    pub(in crate::tree::root) unsaid: Option<usize>,
    /// Whether clients do not see it.
    pub(in crate::tree::root) is_held: bool,
}

impl Definitions {
    /// The entries of these servers were changed.
    pub(in crate::tree::root) fn touch<'a>(
        &mut self,
        servers: impl Iterator<Item = &'a ServerName>,
        routes: Option<&Routes>,
    ) {
        for server in servers {
            if let Some(known) = self.0.get_mut(server).filter(|known| !known.is_held) {
                known.changed.clear();
                let life = generation(routes, server);
                known.touched = Some(Touched { life });
            }
        }
    }

    /// Compares what servers list now with what they listed before.
    pub(in crate::tree::root) fn look(
        &mut self,
        routes: &Routes,
        now: Instant,
    ) -> Vec<(ServerName, Change)> {
        let sources = &routes.merged.sources;
        let there: BTreeSet<&ServerName> = sources.iter().map(|source| &source.server).collect();
        self.0.retain(|server, _| there.contains(server));
        let mut all = Vec::new();
        for source in sources {
            let (server, Some(catalogue)) = (&source.server, &source.catalogue) else {
                continue;
            };
            let tools = Arc::clone(&catalogue.tools);
            if source.view.on_changed_tools == OnChangedTools::Hold {
                let known = self.0.entry(server.clone());
                let known = known.or_insert_with(|| Known::of(Arc::clone(&tools), now));
                known.tools = tools;
                all.extend(
                    known
                        .hold(&source.held, now)
                        .map(|change| (server.clone(), change)),
                );
                continue;
            }
            let Some(known) = self.0.get_mut(server) else {
                self.0.insert(server.clone(), Known::of(tools, now));
                continue;
            };
            known.no_longer_holds();
            let before = std::mem::replace(&mut known.tools, tools);
            if let Some(Touched { life }) = known.touched {
                let current = generation(Some(routes), server);
                if current.is_some() && current != life {
                    known.touched = None;
                }
            } else if !Arc::ptr_eq(&before, &known.tools) {
                let news = known.compare(&before, now);
                known.remember(&news, now);
                if !news.is_empty() {
                    let unsaid = known.told.tell(news.len(), now);
                    let is_held = false;
                    all.push((
                        server.clone(),
                        Change {
                            news,
                            unsaid,
                            is_held,
                        },
                    ));
                }
            }
        }
        all
    }

    /// What is to be said in the status of a server.
    pub(in crate::tree::root) fn of(&self, server: &ServerName, now: Instant) -> Vec<ChangedTool> {
        let Some(known) = self.0.get(server) else {
            return Vec::new();
        };
        let held = known.is_held;
        let changed = known.changed.iter().filter_map(|(tool, (parts, at))| {
            let ago = now.saturating_duration_since(*at);
            (held || ago < KEPT).then(|| ChangedTool {
                tool: tool.clone(),
                parts: parts.clone(),
                seconds_ago: ago.as_secs(),
                held,
            })
        });
        changed.collect()
    }
}

impl Known {
    fn of(tools: Arc<Vec<Item>>, now: Instant) -> Self {
        Self {
            tools,
            touched: None,
            changed: BTreeMap::new(),
            room: (READ, now),
            told: Told::default(),
            is_held: false,
        }
    }

    /// These are held back now. Gives what is to be said of those that were not.
    fn hold(&mut self, held: &[Held], now: Instant) -> Option<Change> {
        let was_held = std::mem::replace(&mut self.is_held, true);
        let mut before = std::mem::take(&mut self.changed);
        before.retain(|_, _| was_held);
        let mut news = News::new();
        let back = held.iter().filter(|held| held.offered.is_some());
        for Held { tool, parts, .. } in back.take(MOST) {
            let tool = shown(tool);
            let since = before.get(&tool).filter(|(former, _)| former == parts);
            if since.is_none() {
                news.push((tool.clone(), parts.clone()));
            }
            let since = since.map_or(now, |(_, since)| *since);
            self.changed.insert(tool, (parts.clone(), since));
        }
        let is_held = true;
        (!news.is_empty()).then(|| Change {
            unsaid: self.told.tell(news.len(), now),
            news,
            is_held,
        })
    }

    /// The entry does not ask for it any more.
    fn no_longer_holds(&mut self) {
        if std::mem::take(&mut self.is_held) {
            self.changed.clear();
        }
    }

    /// What its list has otherwise than `before`, as far as there is room to read it.
    fn compare(&mut self, before: &[Item], now: Instant) -> News {
        let (room, since) = &mut self.room;
        if now.saturating_duration_since(*since) >= WHILE {
            (*room, *since) = (READ, now);
        }
        compare(before, &self.tools, room)
    }

    fn remember(&mut self, news: &News, now: Instant) {
        self.changed
            .retain(|_, (_, at)| now.saturating_duration_since(*at) < KEPT);
        for (tool, parts) in news {
            if self.changed.len() < MOST || self.changed.contains_key(tool) {
                self.changed.insert(tool.clone(), (parts.clone(), now));
            }
        }
    }
}

impl Told {
    /// So many tools changed. Answers how many more there were before, if the log is to be told now.
    fn tell(&mut self, count: usize, now: Instant) -> Option<usize> {
        let is_early = |at: Instant| now.saturating_duration_since(at) < WHILE;
        if self.at.is_some_and(is_early) {
            self.unsaid = self.unsaid.saturating_add(count);
            return None;
        }
        self.at = Some(now);
        Some(std::mem::take(&mut self.unsaid))
    }
}

fn generation(routes: Option<&Routes>, server: &ServerName) -> Option<Generation> {
    routes?.servers.get(server)?.generation()
}

/// What `now` has otherwise than `before`; `room` is what may be read.
fn compare(before: &[Item], now: &[Item], room: &mut usize) -> News {
    let known: HashMap<&str, &Item> = before.iter().map(|item| (item.key(), item)).collect();
    let mut news = News::new();
    for item in now {
        let Some(old) = known.get(item.key()).filter(|old| old.raw() != item.raw()) else {
            continue;
        };
        let size = old.raw().len() + item.raw().len();
        let parts = match room.checked_sub(size) {
            Some(left) => {
                *room = left;
                definition::changes(old.raw(), item.raw())
            }
            None => vec!["definition"],
        };
        if !parts.is_empty() {
            news.push((shown(item.key()), parts));
        }
    }
    news
}

fn shown(tool: &str) -> String {
    tool.escape_debug().take(SHOWN).collect()
}

/// Says it in a line, unless the log has been told enough.
pub(in crate::tree::root) fn say(server: &ServerName, change: &Change) {
    let news = &change.news;
    let Some(unsaid) = &change.unsaid else {
        return;
    };
    let named = news.iter().take(NAMED);
    let named = named.map(|(tool, parts)| format!("'{tool}' ({})", parts.join(", ")));
    let named = named.collect::<Vec<_>>().join(", ");
    let more = match news.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let before = match unsaid {
        0 => String::new(),
        _ => format!(", after {unsaid} changes that the log does not name"),
    };
    let next = if change.is_held {
        format!(
            "Clients see them as they were, and new ones not at all, until 'mcproxy approve {server}'"
        )
    } else {
        "They are offered as they are now".to_owned()
    };
    log::warn!(server = server.as_str(); "Server '{server}' defines tools in another way than before, and its entry is the same: {named}{more}{before}. {next}");
}

#[cfg(test)]
#[path = "definitions_tests.rs"]
mod tests;
