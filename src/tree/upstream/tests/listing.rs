//! Paging: all pages, and an end for those who have none.

use bytes::Bytes;
use tokio::time::Instant;

use crate::protocol::mcp::tools::{Tool, ToolsPage, tools_page};
use crate::tree::testing::name;
use crate::tree::upstream::listing::{Listing, Turn};

fn page(text: &str) -> ToolsPage {
    tools_page(&Bytes::from(text.to_owned())).unwrap()
}

#[test]
fn pages_are_put_together_in_their_order() {
    let due = Instant::now();
    let mut listing = Listing::new(1, due);
    let first = page(r#"{"tools":[{"name":"a"},{"noname":1}],"nextCursor":""}"#);
    let Turn::Next(params) = listing.turn(&name("s"), first) else {
        panic!("there is another page");
    };
    assert_eq!(params.unwrap(), r#"{"cursor":""}"#);
    let Turn::Done(all) = listing.turn(&name("s"), page(r#"{"tools":[{"name":"b"}]}"#)) else {
        panic!("that was all");
    };
    let names: Vec<&str> = all.tools.iter().map(Tool::name).collect();
    assert_eq!(names, ["a", "b"]);
}

#[test]
fn cursors_for_ever_come_to_an_end() {
    let due = Instant::now();
    let mut listing = Listing::new(1, due);
    let text = r#"{"tools":[{"name":"a"}],"nextCursor":"on"}"#;
    let pages =
        (2..).take_while(|_: &usize| matches!(listing.turn(&name("s"), page(text)), Turn::Next(_)));
    assert_eq!(pages.count(), 999);

    let mut listing = Listing::new(1, due);
    let long = "x".repeat(16 * 1024 * 1024);
    let text = format!(r#"{{"tools":[{{"name":"a","description":"{long}"}}],"nextCursor":"on"}}"#);
    let pages = (2..)
        .take_while(|_: &usize| matches!(listing.turn(&name("s"), page(&text)), Turn::Next(_)));
    assert_eq!(pages.count(), 3);
}
