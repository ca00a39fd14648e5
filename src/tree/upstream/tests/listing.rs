//! Paging: all pages, and an end for those who have none.

use bytes::Bytes;
use tokio::time::Instant;

use super::who;
use crate::protocol::mcp::item::{self, Item, Kind, Page};
use crate::tree::upstream::listing::{Listing, Turn};

fn page(text: &str) -> Page {
    item::page(Kind::Tools, &Bytes::from(text.to_owned())).unwrap()
}

#[test]
fn pages_are_put_together_in_their_order() {
    let due = Instant::now();
    let mut listing = Listing::new(Kind::Tools, 1, due);
    let first = page(r#"{"tools":[{"name":"a"},{"noname":1}],"nextCursor":""}"#);
    let Turn::Next(params) = listing.turn(&who(), first) else {
        panic!("there is another page");
    };
    assert_eq!(params.unwrap(), r#"{"cursor":""}"#);
    let Turn::Done(all) = listing.turn(&who(), page(r#"{"tools":[{"name":"b"}]}"#)) else {
        panic!("that was all");
    };
    let names: Vec<&str> = all.iter().map(Item::key).collect();
    assert_eq!(names, ["a", "b"]);
}

#[test]
fn cursors_for_ever_come_to_an_end() {
    let due = Instant::now();
    let mut listing = Listing::new(Kind::Tools, 1, due);
    let text = r#"{"tools":[{"name":"a"}],"nextCursor":"on"}"#;
    let pages =
        (2..).take_while(|_: &usize| matches!(listing.turn(&who(), page(text)), Turn::Next(_)));
    assert_eq!(pages.count(), 999);

    let mut listing = Listing::new(Kind::Tools, 1, due);
    let long = "x".repeat(16 * 1024 * 1024);
    let text = format!(r#"{{"tools":[{{"name":"a","description":"{long}"}}],"nextCursor":"on"}}"#);
    let pages =
        (2..).take_while(|_: &usize| matches!(listing.turn(&who(), page(&text)), Turn::Next(_)));
    assert_eq!(pages.count(), 3);
}
