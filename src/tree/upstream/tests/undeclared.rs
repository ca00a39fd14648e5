//! Lists that a server has although it did not declare them.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde_json::Value;

use super::spec;
use super::talk::{
    TIMEOUT, Talk, Todo, answer, asks, listed, listed_but, read, refusal, request, tools,
};
use crate::config::model::Limits;
use crate::protocol::mcp::item::Kind;
use crate::tree::registry::Lessons;
use crate::tree::upstream::Past;
use crate::tree::upstream::dialogue::Dialogue;
use crate::tree::upstream::listing::Room;

const NOTHING: [&str; 4] = ["{}", "null", "[]", r#"{"logging":{},"tools":null}"#];

fn list(id: u64, kind: Kind) -> Todo {
    request(id, kind.method(), Value::Null)
}

#[test]
fn all_lists_are_asked_for_one_at_a_time_if_nothing_was_declared() {
    for capabilities in NOTHING {
        let (mut talk, todo) = Talk::first().initialized_as(capabilities);
        assert_eq!(todo, [listed_but(&[], &Kind::ALL), list(1, Kind::Tools)]);
        assert!(talk.dialogue.is_ready(), "before they come");
        let todo = talk.hears(&answer(1, &tools(&["t"])));
        let left = listed_but(&["t"], &Kind::ALL[1..]);
        assert_eq!(todo, [left, list(2, Kind::Prompts)]);
        let todo = talk.hears(&refusal(2));
        let left = listed_but(&["t"], &Kind::ALL[2..]);
        assert_eq!(todo, [left, list(3, Kind::Resources)]);
        let todo = talk.hears(&answer(3, "{}"));
        let left = listed_but(&["t"], &Kind::ALL[3..]);
        assert_eq!(todo, [left, list(4, Kind::Templates)]);
        assert_eq!(talk.hears(&refusal(4)), [listed(&["t"])]);
        // What was found is followed like any other.
        assert_eq!(talk.relists(), [asks(5, None)]);
    }
}

#[test]
fn tools_are_asked_for_after_what_was_declared() {
    let (mut talk, todo) = Talk::first().initialized_as(r#"{"prompts":{}}"#);
    assert_eq!(todo, [list(1, Kind::Prompts)]);
    let todo = talk.hears(&answer(1, r#"{"prompts":[{"name":"p"}]}"#));
    let first = listed_but(&["p"], &[Kind::Tools]);
    assert_eq!(todo, [first, list(2, Kind::Tools)]);
    assert_eq!(
        talk.hears(&answer(2, &tools(&["t"]))),
        [listed(&["t", "p"])]
    );
}

#[test]
fn silence_is_none_after_a_while() {
    let (mut talk, _) = Talk::first().initialized_as(r#"{"prompts":{}}"#);
    talk.hears(&answer(1, r#"{"prompts":[{"name":"p"}]}"#));
    assert_eq!(talk.expires(), []);
    talk.now += Duration::from_secs(5);
    assert_eq!(talk.dialogue.next_deadline(), Some(talk.now));
    assert_eq!(talk.expires(), [listed(&["p"])]);
    assert_eq!(talk.dialogue.next_deadline(), None);
}

#[test]
fn what_a_former_life_died_of_is_not_asked_for_again() {
    let past = Arc::<Past>::default();
    past.remember(Lessons::default());
    let life = |past: &Arc<Past>| {
        let room = Room::of(&Limits::default());
        let (mut dialogue, _) = Dialogue::open(&spec("", TIMEOUT), None, room, Arc::clone(past));
        let hello = answer(
            0,
            r#"{"protocolVersion":"2025-06-18","capabilities":{"prompts":{}}}"#,
        );
        let now = tokio::time::Instant::now();
        dialogue.on_line(now, &Bytes::from(hello));
        let prompts = Bytes::from(answer(1, r#"{"prompts":[]}"#));
        let todo = dialogue.on_line(now, &prompts).into_iter().map(read);
        (dialogue, todo.collect::<Vec<_>>())
    };
    let (_, todo) = life(&past);
    assert_eq!(todo[1..], [list(2, Kind::Tools)]);
    let (_, todo) = life(&past);
    assert_eq!(todo, [listed(&[])], "it died with the request");

    let past = Arc::<Past>::default();
    past.remember(Lessons::default());
    let (mut first, _) = life(&past);
    let answer = Bytes::from(answer(2, &tools(&["t"])));
    first.on_line(tokio::time::Instant::now(), &answer);
    let (_, todo) = life(&past);
    assert_eq!(todo[1..], [list(2, Kind::Tools)], "it has them");
    let (_, todo) = life(&past);
    assert_eq!(todo[1..], [list(2, Kind::Tools)], "whatever it died of");
}

#[test]
fn nothing_undeclared_is_asked_for_before_it_is_known_what_former_lives_died_of() {
    let past = Arc::<Past>::default();
    let room = Room::of(&Limits::default());
    let (mut dialogue, _) = Dialogue::open(&spec("", TIMEOUT), None, room, Arc::clone(&past));
    let now = tokio::time::Instant::now();
    let hello = r#"{"protocolVersion":"2025-06-18","capabilities":{}}"#;
    let todo = dialogue.on_line(now, &Bytes::from(answer(0, hello)));
    let todo: Vec<Todo> = todo.into_iter().map(read).collect();
    assert_eq!(todo[2..], [listed_but(&[], &Kind::ALL)]);
    let lessons = Lessons {
        lacks: 0b1011,
        calls_in_a_life: 0,
    };
    let todo = dialogue.on_remember(now, lessons);
    let todo: Vec<Todo> = todo.into_iter().map(read).collect();
    assert_eq!(todo, [list(1, Kind::Resources)]);
    assert!(dialogue.is_looking_further(), "an end is no fault now");
    let todo = dialogue.on_line(now, &Bytes::from(refusal(1)));
    let todo: Vec<Todo> = todo.into_iter().map(read).collect();
    assert_eq!(todo, [listed(&[])]);
    assert!(past.offers_nothing() && !dialogue.is_looking_further());
    assert_eq!(past.lessons().lacks, 0b1111);
    // The registry answers to each catalogue.
    assert!(dialogue.on_remember(now, lessons).is_empty());
    assert_eq!(past.lessons().lacks, 0b1111);
}
