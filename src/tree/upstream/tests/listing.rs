//! Paging: all pages, and an end for those who have none.

use bytes::Bytes;
use tokio::time::Instant;

use super::label;
use crate::config::model::Limits;
use crate::protocol::mcp::item::{self, Item, Kind, Page};
use crate::tree::upstream::listing::{Listing, Room, Turn};

fn page(text: &str) -> Page {
    item::page(Kind::Tools, &Bytes::from(text.to_owned())).unwrap()
}

#[test]
fn pages_are_put_together_in_their_order() {
    let due = Instant::now();
    let mut listing = Listing::new(Kind::Tools, 1, due);
    let first = page(
        r#"{"tools":[{"name":"a","inputSchema":{"type":"object"}},{"noname":1}],"nextCursor":""}"#,
    );
    let Turn::Next(params) = listing.turn(&label(), first, room()) else {
        panic!("there is another page");
    };
    assert_eq!(params.unwrap(), r#"{"cursor":""}"#);
    let Turn::Done(all, _) = listing.turn(
        &label(),
        page(r#"{"tools":[{"name":"b","inputSchema":{"type":"object"}}]}"#),
        room(),
    ) else {
        panic!("that was all");
    };
    let names: Vec<&str> = all.iter().map(Item::key).collect();
    assert_eq!(names, ["a", "b"]);
}

#[test]
fn a_cursor_that_was_seen_before_ends_the_list() {
    for cursors in [&["on", "on"][..], &["a", "b", "c", "a"]] {
        let mut listing = Listing::new(Kind::Tools, 1, Instant::now());
        let mut turn = |number: usize, cursor: &str| {
            let text = format!(
                r#"{{"tools":[{{"name":"t{number}","inputSchema":{{"type":"object"}}}}],"nextCursor":"{cursor}"}}"#
            );
            listing.turn(&label(), page(&text), room())
        };
        let (last, before) = cursors.split_last().unwrap();
        for (number, cursor) in before.iter().enumerate() {
            assert!(matches!(turn(number, cursor), Turn::Next(_)), "{cursor}");
        }
        let all = done(turn(before.len(), last));
        assert_eq!(
            all.len(),
            cursors.len(),
            "what is new on the last page is kept"
        );
    }
}

#[test]
fn a_page_with_nothing_new_ends_the_list() {
    for again in [
        r#"[{"name":"a","inputSchema":{"type":"object"}}]"#,
        r#"[{"name":"b","inputSchema":{"type":"object"}},{"name":"a","inputSchema":{"type":"object"}}]"#,
    ] {
        let mut listing = Listing::new(Kind::Tools, 1, Instant::now());
        let first = page(
            r#"{"tools":[{"name":"a","inputSchema":{"type":"object"}},{"name":"b","inputSchema":{"type":"object"}}],"nextCursor":"1"}"#,
        );
        assert!(matches!(
            listing.turn(&label(), first, room()),
            Turn::Next(_)
        ));
        let again = page(&format!(r#"{{"tools":{again},"nextCursor":"2"}}"#));
        assert_eq!(done(listing.turn(&label(), again, room())), ["a", "b"]);
    }
}

#[test]
fn a_few_empty_pages_may_stand_between_full_ones() {
    let mut listing = Listing::new(Kind::Tools, 1, Instant::now());
    let mut cursors = 0;
    let mut go_on = || {
        cursors += 1;
        let text = format!(r#"{{"tools":[],"nextCursor":"{cursors}"}}"#);
        matches!(listing.turn(&label(), page(&text), room()), Turn::Next(_))
    };
    assert!((1..10).all(|_| go_on()), "a filter may leave pages empty");
    assert!((0..100).any(|_| !go_on()), "but not for ever");
}

#[test]
fn the_first_of_too_many_are_kept() {
    let limits = Limits {
        max_catalogue_items: 3,
        ..Limits::default()
    };
    let (mut listing, room) = (
        Listing::new(Kind::Tools, 1, Instant::now()),
        Room::of(&limits),
    );
    let first = page(
        r#"{"tools":[{"name":"a","inputSchema":{"type":"object"}},{"name":"b","inputSchema":{"type":"object"}}],"nextCursor":"on"}"#,
    );
    assert!(matches!(listing.turn(&label(), first, room), Turn::Next(_)));
    let second = page(
        r#"{"tools":[{"name":"c","inputSchema":{"type":"object"}},{"name":"d","inputSchema":{"type":"object"}}],"nextCursor":"more"}"#,
    );
    assert_eq!(done(listing.turn(&label(), second, room)), ["a", "b", "c"]);

    let mut listing = Listing::new(Kind::Tools, 1, Instant::now());
    let exactly = page(
        r#"{"tools":[{"name":"a","inputSchema":{"type":"object"}},{"name":"b","inputSchema":{"type":"object"}},{"name":"c","inputSchema":{"type":"object"}}]}"#,
    );
    assert_eq!(done(listing.turn(&label(), exactly, room)).len(), 3);
}

#[test]
fn bytes_count_too_and_what_is_left_out_leaves_no_memory_behind() {
    let limits = Limits {
        max_catalogue_bytes: 60,
        ..Limits::default()
    };
    let mut listing = Listing::new(Kind::Tools, 1, Instant::now());
    let long = "x".repeat(1000);
    let text = format!(
        r#"{{"tools":[{{"name":"a","inputSchema":{{"type":"object"}}}},{{"name":"b","inputSchema":{{"type":"object"}},"description":"{long}"}}]}}"#
    );
    let page = page(&text);
    let whole = page.items[0].raw().as_ptr();
    let Turn::Done(kept, _) = listing.turn(&label(), page, Room::of(&limits)) else {
        panic!("there is no room for more");
    };
    assert_eq!(kept.len(), 1);
    assert_ne!(kept[0].raw().as_ptr(), whole, "a copy of its own");
}

#[test]
fn what_other_lists_hold_is_no_room() {
    let limits = Limits {
        max_catalogue_items: 3,
        ..Limits::default()
    };
    let others = page(r#"{"tools":[{"name":"a","inputSchema":{"type":"object"}},{"name":"b","inputSchema":{"type":"object"}}]}"#).items;
    let mut listing = Listing::new(Kind::Tools, 1, Instant::now());
    let two = page(
        r#"{"tools":[{"name":"c","inputSchema":{"type":"object"}},{"name":"d","inputSchema":{"type":"object"}}]}"#,
    );
    let turn = listing.turn(&label(), two, Room::of(&limits).less(&others));
    assert_eq!(done(turn), ["c"]);
}

fn room() -> Room {
    Room::of(&Limits::default())
}

fn done(turn: Turn) -> Vec<String> {
    match turn {
        Turn::Done(items, _) => items.iter().map(|item| item.key().to_owned()).collect(),
        Turn::Next(_) => panic!("that was all"),
    }
}
