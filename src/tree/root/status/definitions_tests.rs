//! What is another is told once, kept for a week, and bounded.

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
        held: Arc::default(),
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
        is_held: false,
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
        format!(r#"{{"name":"a","inputSchema":{{"type":"object","required":[{order},"{text}"]}}}}"#)
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
