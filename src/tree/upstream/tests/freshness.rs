//! Lists of a server that says how long they are good, and not when they change.

use std::slice;
use std::time::Duration;

use serde_json::Value;

use super::modern::{DISCOVERED, entry, written};
use super::talk::{Talk, answer};
use crate::config::model::Protocol;
use crate::protocol::mcp::item::Kind;

/// What of these lists is asked for when a client wants the tools now.
fn wanted(talk: &mut Talk) -> Vec<Value> {
    let effects = talk.dialogue.wanted(talk.now, Kind::Tools);
    if effects.is_empty() {
        return Vec::new();
    }
    talk.relists()
        .iter()
        .map(|todo| written(slice::from_ref(todo))[0].clone())
        .collect()
}

#[test]
fn a_list_is_asked_for_again_when_it_is_too_old_and_wanted() {
    let quiet = DISCOVERED.replace(r#"{"listChanged":true}"#, "{}");
    for (discovered, ttl, is_asked) in [
        (quiet.as_str(), "1000", true),
        (&quiet, "0", false),
        (&quiet, "-1", false),
        (&quiet, "\"1000\"", false),
        // It says itself when they change.
        (DISCOVERED, "1000", false),
    ] {
        let mut talk = Talk::of(&entry(Protocol::Modern), None);
        let todo = talk.hears(&answer(0, discovered));
        let lines = written(&todo);
        let list = lines.iter().find(|line| line["method"] == "tools/list");
        let id = list.unwrap()["id"].as_u64().unwrap();
        let listed = format!(r#"{{"tools":[],"ttlMs":{ttl},"cacheScope":"private"}}"#);
        for id in id..id + 3 {
            talk.hears(&answer(id, &listed));
        }
        talk.now += Duration::from_millis(999);
        assert_eq!(wanted(&mut talk), [Value::Null; 0], "{ttl}: it is good");
        talk.now += Duration::from_millis(1);
        let asked = wanted(&mut talk);
        assert_eq!(asked.len(), usize::from(is_asked), "{ttl}: {asked:?}");
        assert_eq!(
            wanted(&mut talk),
            [Value::Null; 0],
            "{ttl}: it is on its way"
        );
    }
}
