//! The four lists: which are asked for, each on its own, and when the server is ready.

use bytes::Bytes;
use serde_json::{Value, json};

use super::talk::{TIMEOUT, Talk, Todo, answer, listed, listed_but, refusal, request, tools};
use crate::config::model::Limits;
use crate::protocol::mcp::item::Kind;
use crate::tree::registry::Catalogue;
use crate::tree::upstream::dialogue::{Effect, LIST_LAG};

const ALL: &str = r#"{"tools":{},"prompts":{},"resources":{"subscribe":true}}"#;

fn list(id: u64, method: &str) -> Todo {
    request(id, method, Value::Null)
}

fn one(kind: Kind, key: &str) -> String {
    let mut entry = json!({"name": "n", "inputSchema": {"type": "object"}});
    entry[kind.key()] = json!(key);
    json!({kind.member(): [entry]}).to_string()
}

/// All four have been asked for, under the ids 1 to 4.
fn asked() -> Talk {
    let (talk, todo) = Talk::open().initialized_as(ALL);
    let wanted = [
        list(1, "tools/list"),
        list(2, "prompts/list"),
        list(3, "resources/list"),
        list(4, "resources/templates/list"),
    ];
    assert_eq!(todo, wanted, "all at once");
    talk
}

fn ready() -> Talk {
    let mut talk = asked();
    for (id, kind) in (1..).zip(Kind::ALL) {
        talk.hears(&answer(id, &one(kind, &format!("k{id}"))));
    }
    assert!(talk.dialogue.is_ready());
    talk
}

#[test]
fn it_is_ready_with_the_last_list_in_whatever_order_they_come() {
    let mut talk = asked();
    assert_eq!(talk.hears(&answer(4, &one(Kind::Templates, "d"))), []);
    let page = r#"{"prompts":[{"name":"b"}],"nextCursor":""}"#;
    let next = request(5, "prompts/list", json!({"cursor": ""}));
    assert_eq!(talk.hears(&answer(2, page)), [next]);
    assert_eq!(talk.hears(&answer(1, &tools(&["a"]))), []);
    assert_eq!(talk.hears(&answer(3, &one(Kind::Resources, "c:"))), []);
    assert!(!talk.dialogue.is_ready());
    assert_eq!(
        talk.dialogue.waits_for(),
        "it did not answer 'prompts/list'"
    );
    let todo = talk.hears(&answer(5, &one(Kind::Prompts, "b2")));
    assert_eq!(todo, [listed(&["a", "b", "b2", "c:", "d"])]);
}

#[test]
fn what_the_server_said_of_itself_is_in_the_catalogue() {
    let mut talk = Talk::open();
    let result = r#"{"protocolVersion":"2025-11-25","instructions":"be kind","capabilities":
        {"resources":{"subscribe":true},"logging":{},"tools":{}}}"#;
    talk.hears(&answer(0, &result.replace('\n', " ")));
    for (id, kind) in (1..).zip([Kind::Tools, Kind::Resources]) {
        talk.hears(&answer(id, &one(kind, "k:")));
    }
    let line = answer(3, r#"{"resourceTemplates":[]}"#).into();
    let effects = talk.dialogue.on_line(talk.now, &line);
    let [Effect::Listed(known)] = &effects[..] else {
        panic!("{effects:?}");
    };
    let can = known.abilities;
    assert!(can.resources && can.subscribe && can.logging);
    assert_eq!(known.instructions.as_deref(), Some("be kind"));
    assert_eq!((known.tools.len(), known.resources.len()), (1, 1));
    assert!(known.odd.is_empty(), "{:?}", known.odd);
}

#[test]
fn one_list_that_fails_takes_no_other_with_it() {
    let mut talk = asked();
    talk.hears(&refusal(2));
    talk.hears(&answer(1, &tools(&["a"])));
    talk.hears(&answer(4, r#"{"resourceTemplates":7}"#));
    let todo = talk.hears(&answer(3, &one(Kind::Resources, "c:")));
    let gaps = [Kind::Prompts, Kind::Templates];
    assert_eq!(todo, [listed_but(&["a", "c:"], &gaps)]);
    // It does better later, and then worse again: what it had is kept.
    let changed = "notifications/prompts/list_changed";
    assert_eq!(talk.told(changed, "{}"), [Todo::ListChanged]);
    assert_eq!(relist(&mut talk), [list(5, "prompts/list")]);
    let todo = talk.hears(&answer(5, &one(Kind::Prompts, "b")));
    assert_eq!(todo, [listed_but(&["a", "b", "c:"], &[Kind::Templates])]);
    talk.told(changed, "{}");
    relist(&mut talk);
    let gaps = [Kind::Prompts, Kind::Templates];
    let news = listed_but(&["a", "b", "c:"], &gaps);
    assert_eq!(talk.hears(&refusal(6)), [news], "it stands, and is old");
    talk.told(changed, "{}");
    relist(&mut talk);
    assert_eq!(talk.hears(&refusal(7)), [], "no news");
}

#[test]
fn a_server_that_does_not_know_templates_has_none() {
    let mut talk = asked();
    for (id, kind) in (1..).zip(Kind::ALL).take(3) {
        talk.hears(&answer(id, &one(kind, "k:")));
    }
    let unknown = refusal(4).replace("-32603", "-32601");
    assert_eq!(talk.hears(&unknown), [listed(&["k:", "k:", "k:"])]);
}

#[test]
fn a_change_is_asked_for_by_its_kind_alone() {
    for (method, asked) in [
        ("tools", &["tools/list"][..]),
        ("prompts", &["prompts/list"]),
        ("resources", &["resources/list", "resources/templates/list"]),
    ] {
        let mut talk = ready();
        let changed = format!("notifications/{method}/list_changed");
        assert_eq!(talk.told(&changed, "{}"), [Todo::ListChanged]);
        let wanted: Vec<Todo> = (5..)
            .zip(asked)
            .map(|(id, method)| list(id, method))
            .collect();
        assert_eq!(relist(&mut talk), wanted);
        assert_eq!(relist(&mut talk), [], "once");
    }
    let (mut talk, _) = Talk::open().initialized_as(r#"{"prompts":{}}"#);
    assert_eq!(talk.told("notifications/tools/list_changed", "{}"), []);
    assert_eq!(talk.told("notifications/resources/list_changed", "{}"), []);
}

#[test]
fn a_slow_list_does_not_keep_the_others_and_counts_when_it_comes() {
    let mut talk = asked();
    assert_eq!(talk.dialogue.next_deadline(), Some(talk.now + LIST_LAG));
    talk.now += LIST_LAG;
    assert_eq!(talk.expires(), [], "nothing has come yet");
    talk.hears(&answer(1, &tools(&["a"])));
    talk.hears(&answer(4, &one(Kind::Templates, "d")));
    assert!(!talk.dialogue.is_ready());
    assert_eq!(talk.dialogue.next_deadline(), Some(talk.now + LIST_LAG));
    talk.now += LIST_LAG;
    let gaps = [Kind::Prompts, Kind::Resources];
    assert_eq!(talk.expires(), [listed_but(&["a", "d"], &gaps)]);
    assert!(talk.dialogue.is_ready());
    let todo = talk.hears(&answer(3, &one(Kind::Resources, "c:")));
    assert_eq!(todo, [listed_but(&["a", "c:", "d"], &[Kind::Prompts])]);
    // The other never comes; later it is asked for anew.
    talk.now += TIMEOUT;
    let late = listed_but(&["a", "c:", "d"], &[Kind::Prompts]);
    assert_eq!(talk.expires(), [late], "with another reason");
    assert_eq!(talk.dialogue.next_deadline(), None);
    talk.told("notifications/prompts/list_changed", "{}");
    assert_eq!(relist(&mut talk), [list(5, "prompts/list")]);
}

fn relist(talk: &mut Talk) -> Vec<Todo> {
    let effects = talk.relist();
    effects.into_iter().map(super::talk::read).collect()
}

fn catalogue(effects: &[Effect]) -> Option<&Catalogue> {
    effects.iter().find_map(|effect| {
        if let Effect::Listed(catalogue) = effect {
            Some(catalogue)
        } else {
            None
        }
    })
}

#[test]
fn what_is_listed_does_not_keep_the_line_it_came_on() {
    let mut talk = Talk::initialized();
    let padding = "x".repeat(10_000);
    let result = one(Kind::Tools, "t");
    let line = format!(r#"{{"jsonrpc":"2.0","id":1,"result":{result},"padding":"{padding}"}}"#);
    let line = Bytes::from(line);
    let effects = talk.dialogue.on_line(talk.now, &line);
    let tool = catalogue(&effects).unwrap().tools[0].raw().as_ptr();
    assert!(!line.as_ptr_range().contains(&tool), "a copy of its own");
}

#[test]
fn instructions_are_cut_between_two_characters() {
    let most = Limits::default().max_instructions_bytes;
    let long = format!("{}\u{e4}{}", "x".repeat(most - 1), "y".repeat(most));
    for (said, kept) in [("x".repeat(most), most), (long, most - 1)] {
        let mut talk = Talk::open();
        let result = json!({
            "protocolVersion": "2025-06-18", "capabilities": {}, "instructions": said,
        });
        let line = Bytes::from(answer(0, &result.to_string()));
        let effects = talk.dialogue.on_line(talk.now, &line);
        let told = catalogue(&effects).and_then(|catalogue| catalogue.instructions.as_deref());
        assert_eq!(told.map(str::len), Some(kept));
    }
}
