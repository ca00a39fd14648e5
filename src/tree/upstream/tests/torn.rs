//! Lists of which a later page fails.

use std::time::Duration;

use serde_json::{Value, json};

use super::talk::{TIMEOUT, Talk, Todo, answer, asks, listed, listed_but, refusal, tools};
use crate::protocol::mcp::item::Kind;
use crate::tree::registry::{Catalogue, Gap};
use crate::tree::upstream::dialogue::{Effect, LIST_LAG};

fn page(names: &[&str], cursor: &str) -> String {
    let mut page: Value = serde_json::from_str(&tools(names)).unwrap();
    page["nextCursor"] = json!(cursor);
    page.to_string()
}

/// The first page has come, with `a` on it, and the one at `cursor` was asked for under id 2.
fn half(cursor: &str) -> Talk {
    let mut talk = Talk::initialized();
    let todo = talk.hears(&answer(1, &page(&["a"], cursor)));
    assert_eq!(todo, [asks(2, Some(cursor))]);
    talk
}

fn told(effects: &[Effect]) -> &Catalogue {
    let [Effect::Listed(catalogue)] = effects else {
        panic!("{effects:?}");
    };
    catalogue
}

#[test]
fn an_empty_cursor_without_a_page_is_the_end() {
    for last in [refusal(2), answer(2, r#"{"content":[]}"#)] {
        let mut talk = half("");
        assert_eq!(talk.hears(&last), [listed(&["a"])], "whole: {last}");
    }
    let mut talk = half("");
    let todo = talk.hears(&answer(2, &tools(&["b"])));
    assert_eq!(todo, [listed(&["a", "b"])], "it may have one");
}

#[test]
fn pages_that_came_are_kept_if_the_next_one_fails() {
    for last in [refusal(2), answer(2, r#"{"tools":7}"#)] {
        let mut talk = half("on");
        let line = bytes::Bytes::from(last);
        let effects = talk.dialogue.on_line(talk.now, &line);
        let told = told(&effects);
        assert_eq!(told.tools.len(), 1);
        assert!(matches!(&told.gaps[&Kind::Tools], Gap::Torn(_)), "{told:?}");
    }
}

#[test]
fn what_was_left_out_of_the_first_pages_is_told_with_them() {
    let page = r#"{"tools":[{"name":"a","inputSchema":{"type":"object"}},7],"nextCursor":"on"}"#;
    for is_lost in [false, true] {
        let mut talk = Talk::initialized();
        talk.hears(&answer(1, page));
        let effects = if is_lost {
            talk.dialogue.on_line(talk.now, &refusal(2).into())
        } else {
            talk.now += LIST_LAG;
            talk.dialogue.expire(talk.now)
        };
        let told = told(&effects);
        assert_eq!(told.tools.len(), 1);
        let left_out = told.odd[&Kind::Tools].left_out();
        let count: usize = left_out.map(|(_, named)| named.count).sum();
        assert_eq!(count, 1, "{is_lost}");
    }
}

#[test]
fn a_list_that_was_whole_in_this_life_stays() {
    let mut talk = Talk::initialized();
    talk.hears(&answer(1, &tools(&["a", "b"])));
    assert_eq!(talk.relists(), [asks(2, None)]);
    talk.hears(&answer(2, &page(&["c"], "on")));
    let effects = talk.dialogue.on_line(talk.now, &refusal(3).into());
    let told = told(&effects);
    let why = "it answered with error -32603";
    assert_eq!(told.gaps[&Kind::Tools], Gap::Stale(why.into()));
    assert_eq!(told.tools.len(), 2);
    // The next time it does better.
    talk.relists();
    assert_eq!(talk.hears(&answer(4, &tools(&["c"]))), [listed(&["c"])]);
}

#[test]
fn the_first_pages_do_not_wait_for_one_that_hangs_and_it_counts_when_it_comes() {
    let mut talk = half("on");
    talk.now += LIST_LAG;
    let effects = talk.dialogue.expire(talk.now);
    let first = told(&effects);
    assert_eq!(first.tools.len(), 1, "ready with them");
    assert_eq!(first.gaps[&Kind::Tools], Gap::Paging);
    assert!(talk.dialogue.is_ready());
    talk.now += TIMEOUT;
    assert_eq!(talk.expires(), [listed_but(&["a"], &[Kind::Tools])]);
    talk.now += Duration::from_secs(60);
    let todo = talk.hears(&answer(2, &tools(&["b"])));
    assert_eq!(todo, [listed(&["a", "b"])], "late, and whole");
    assert_eq!(talk.hears(&answer(2, &tools(&["c"]))), [] as [Todo; 0]);
}
