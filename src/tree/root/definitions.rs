//! Tools that a server defines in another way than before, although its entry is the same: said, counted, and
//! in the status for a week or until a reload touches the entry. Nothing is held back, for a gateway that
//! was set up and forgotten must not stop after each update of a package. What is kept of the last run is
//! what the first list is compared with.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use tokio::time::Instant;

use crate::ids::{Generation, ServerName};
use crate::protocol::mcp::definition;
use crate::protocol::mcp::item::Item;
use crate::tree::registry::Routes;

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
pub(super) struct Definitions(BTreeMap<ServerName, Known>);

#[derive(Debug)]
struct Known {
    tools: Arc<Vec<Item>>,
    /// Since its entry changed.
    touched: Option<Touched>,
    changed: BTreeMap<String, (Vec<&'static str>, Instant)>,
    /// What is left of [`READ`], and since when.
    room: (usize, Instant),
    told: Told,
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
}

/// What is new in a list: each tool by its name, and what of it is another.
type News = Vec<(String, Vec<&'static str>)>;

/// What is to be said and counted of a server now.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Change {
    /// What is new in its list.
    pub(super) news: News,
    /// What the log is to be told beside that: how often tools changed that it was not told of. `None`: it has been told
    /// enough for now.
    pub(super) unsaid: Option<usize>,
}

impl Definitions {
    /// The entries of these servers were changed.
    pub(super) fn touch<'a>(
        &mut self,
        servers: impl Iterator<Item = &'a ServerName>,
        routes: Option<&Routes>,
    ) {
        for server in servers {
            if let Some(known) = self.0.get_mut(server) {
                known.changed.clear();
                let life = generation(routes, server);
                known.touched = Some(Touched { life });
            }
        }
    }

    /// Compares what servers list now with what they listed before.
    pub(super) fn look(&mut self, routes: &Routes, now: Instant) -> Vec<(ServerName, Change)> {
        let sources = &routes.merged.sources;
        let there: BTreeSet<&ServerName> = sources.iter().map(|source| &source.server).collect();
        self.0.retain(|server, _| there.contains(server));
        let mut all = Vec::new();
        for source in sources {
            let (server, Some(catalogue)) = (&source.server, &source.catalogue) else {
                continue;
            };
            let tools = Arc::clone(&catalogue.tools);
            let Some(known) = self.0.get_mut(server) else {
                let known = Known {
                    tools,
                    touched: None,
                    changed: BTreeMap::new(),
                    room: (READ, now),
                    told: Told::default(),
                };
                self.0.insert(server.clone(), known);
                continue;
            };
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
                    all.push((server.clone(), Change { news, unsaid }));
                }
            }
        }
        all
    }

    /// What is to be said in the status of a server.
    pub(super) fn of(&self, server: &ServerName, now: Instant) -> Vec<ChangedTool> {
        let changed = self
            .0
            .get(server)
            .into_iter()
            .flat_map(|known| &known.changed);
        let changed = changed.filter_map(|(tool, (parts, at))| {
            let ago = now.saturating_duration_since(*at);
            (ago < KEPT).then(|| ChangedTool {
                tool: tool.clone(),
                parts: parts.clone(),
                seconds_ago: ago.as_secs(),
            })
        });
        changed.collect()
    }
}

impl Known {
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
pub(super) fn say(server: &ServerName, Change { news, unsaid }: &Change) {
    let Some(unsaid) = unsaid else {
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
    log::warn!(server = server.as_str(); "Server '{server}' defines tools in another way than before, and its entry is the same: {named}{more}{before}. They are offered as they are now");
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::config::model::Isolation;
    use crate::protocol::mcp::item::{self, Kind};
    use crate::testing::name;
    use crate::tree::registry::{Catalogue, Merged, Source};

    /// A table with one server that lists these tools.
    fn routes(tools: &[&str]) -> Routes {
        let page = Bytes::from(format!(r#"{{"tools":[{}]}}"#, tools.join(",")));
        let tools = item::page(Kind::Tools, &page).unwrap().items;
        let catalogue = Catalogue {
            tools: tools.into(),
            ..Catalogue::default()
        };
        let mut merged = Merged::default();
        merged.sources = vec![Source {
            server: name("s"),
            prefix: crate::ids::Prefix::of(&name("s")),
            isolation: Isolation::Shared,
            view: Arc::default(),
            catalogue: Some(Arc::new(catalogue)),
            awaited: BTreeSet::new(),
        }];
        Routes {
            merged: Arc::new(merged),
            ..Routes::default()
        }
    }

    fn tool(name: &str, description: &str) -> String {
        format!(
            r#"{{"name":"{name}","description":"{description}","inputSchema":{{"type":"object"}}}}"#
        )
    }

    #[test]
    fn what_is_another_is_told_once_and_kept_for_a_week() {
        let (mut definitions, now) = (Definitions::default(), Instant::now());
        let (a, b, c) = (tool("a", "1"), tool("b", "1"), tool("a", "2"));
        assert!(
            definitions.look(&routes(&[&a]), now).is_empty(),
            "the first"
        );
        assert!(
            definitions.look(&routes(&[&a, &b]), now).is_empty(),
            "one more"
        );
        let news = definitions.look(&routes(&[&c]), now);
        let change = Change {
            news: vec![("a".to_owned(), vec!["description"])],
            unsaid: Some(0),
        };
        assert_eq!(news, [(name("s"), change)]);
        assert!(definitions.look(&routes(&[&c]), now).is_empty());
        let of = |after| definitions.of(&name("s"), now + after);
        assert_eq!(of(Duration::from_secs(5))[0].seconds_ago, 5);
        assert_eq!(of(KEPT), []);
    }

    #[test]
    fn a_reload_that_touches_the_entry_forgets_and_the_next_list_counts_anew() {
        let (mut definitions, now) = (Definitions::default(), Instant::now());
        definitions.look(&routes(&[&tool("a", "1")]), now);
        definitions.look(&routes(&[&tool("a", "2")]), now);
        assert_eq!(definitions.of(&name("s"), now).len(), 1);
        definitions.touch([name("s")].iter(), None);
        assert_eq!(definitions.of(&name("s"), now), []);
        assert!(
            definitions
                .look(&routes(&[&tool("a", "3")]), now)
                .is_empty()
        );
    }

    #[test]
    fn a_server_that_changes_all_of_ten_thousand_is_bounded() {
        let (mut definitions, now) = (Definitions::default(), Instant::now());
        let tools = |text: &str| {
            let tools = (0..10_000).map(|n| tool(&format!("t{n}"), text));
            tools.collect::<Vec<_>>()
        };
        let all = |text: &str| {
            let tools = tools(text);
            routes(&tools.iter().map(String::as_str).collect::<Vec<_>>())
        };
        definitions.look(&all("1"), now);
        let news = definitions.look(&all("2"), now);
        assert_eq!(news[0].1.news.len(), 10_000);
        assert_eq!(definitions.of(&name("s"), now).len(), MOST);
    }

    #[test]
    fn a_server_that_never_rests_is_a_line_a_minute() {
        let (mut definitions, begun) = (Definitions::default(), Instant::now());
        let mut lines = Vec::new();
        for second in 0..=150 {
            let routes = routes(&[&tool("a", &second.to_string())]);
            let news = definitions.look(&routes, begun + Duration::from_secs(second));
            lines.extend(news.iter().filter_map(|(_, change)| change.unsaid));
        }
        assert_eq!(lines, [0, 59, 59]);
    }

    #[test]
    fn what_is_read_of_a_server_in_a_minute_is_bounded() {
        let (mut definitions, begun) = (Definitions::default(), Instant::now());
        let list = |second: u64| {
            let order = [r#""a","b""#, r#""b","a""#][usize::from(second % 2 == 1)];
            let text = "x".repeat(60_000);
            format!(
                r#"{{"name":"a","inputSchema":{{"type":"object","required":[{order},"{text}"]}}}}"#
            )
        };
        let mut unread = Vec::new();
        for second in 0..65 {
            let now = begun + Duration::from_secs(second);
            if !definitions.look(&routes(&[&list(second)]), now).is_empty() {
                unread.push(second);
            }
        }
        let beyond = (READ / 120_000) as u64;
        assert_eq!(unread, (beyond + 1..60).collect::<Vec<_>>());
    }
}
