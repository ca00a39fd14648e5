//! What servers ask: shared ones are answered here, instances ask their session's client.

use serde_json::{Value, json};

use super::talk::{TIMEOUT, Talk, Todo, answer, listed, tools};
use super::{Desk, Heard, apps, owner, spec};
use crate::config::model::{Isolation, Protocol};
use crate::protocol::modern::extensions::Extensions;
use crate::tree::client::InstanceOwner;

const ASKS: [&str; 3] = ["roots/list", "sampling/createMessage", "elicitation/create"];

fn question(method: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":"q\n1","method":"{method}","params":{{"x":1.10}}}}"#)
}

fn is_refused(todo: &[Todo]) -> bool {
    let [Todo::Write(said)] = todo else {
        return false;
    };
    said["id"] == "q\n1" && said["error"]["code"] == -32601
}

#[test]
fn a_shared_server_may_only_ask_for_a_sign_of_life() {
    let mut talk = Talk::initialized();
    let reply = json!({"jsonrpc": "2.0", "id": "q\n1", "result": {}});
    assert_eq!(talk.hears(&question("ping")), [Todo::Write(reply)]);
    for method in ASKS.into_iter().chain(["what"]) {
        let todo = talk.hears(&question(method));
        assert!(is_refused(&todo), "{method}: {todo:?}");
    }
    // Its own ids are not ours: the list is still awaited.
    talk.hears(&question("roots/list").replace(r#""q\n1""#, "1"));
    assert_eq!(talk.hears(&answer(1, &tools(&["t"]))), [listed(&["t"])]);
}

#[test]
fn configured_roots_are_declared_and_answered_and_nothing_else_is() {
    let mut talk = Talk::open_with(&["file:///a", "file:///b"], None);
    assert_eq!(
        talk.hello["params"]["capabilities"],
        json!({"roots": {}, "extensions": apps()})
    );
    let roots = json!({"roots": [{"uri": "file:///a"}, {"uri": "file:///b"}]});
    let reply = json!({"jsonrpc": "2.0", "id": "q\n1", "result": roots});
    assert_eq!(talk.hears(&question("roots/list")), [Todo::Write(reply)]);
    for method in ["sampling/createMessage", "elicitation/create"] {
        assert!(is_refused(&talk.hears(&question(method))), "{method}");
    }
}

#[test]
fn the_process_with_the_catalogue_is_told_of_every_capability_and_has_nobody_to_ask() {
    let mut spec = spec("", TIMEOUT);
    spec.isolation = Isolation::Session;
    spec.roots = vec!["file:///a".to_owned()];
    let mut talk = Talk::of(&spec, None);
    let declared = json!({"roots": {"listChanged": true}, "sampling": {"tools": {}, "context": {}},
        "elicitation": {"form": {}, "url": {}}, "extensions": apps()});
    assert_eq!(talk.hello["params"]["capabilities"], declared);
    for method in ASKS {
        let todo = talk.hears(&question(method));
        let [Todo::Write(said)] = &todo[..] else {
            panic!("{method}: {todo:?}");
        };
        assert_eq!(
            (&said["id"], &said["error"]["code"]),
            (&json!("q\n1"), &json!(-32603))
        );
    }
    assert!(is_refused(&talk.hears(&question("what"))));
}

#[test]
fn an_instance_asks_its_client_for_what_that_declared() {
    // Each bit alone is the capability of one of the three.
    for (bits, allowed) in [(0, None), (1, Some(0)), (4, Some(1)), (32, Some(2))] {
        let mut desk = Desk::new(1);
        // The entry's roots are for those without a client.
        let mut talk = Talk::open_with(&["file:///a"], Some(owner(&desk, bits)));
        let declared = &talk.hello["params"]["capabilities"];
        assert_eq!(declared.as_object().unwrap().len(), usize::from(bits > 0));
        for (place, method) in ASKS.into_iter().enumerate() {
            let todo = talk.hears(&question(method));
            if Some(place) == allowed {
                assert!(matches!(&todo[..], [Todo::ServerRequest(asked, _)] if asked == method));
            } else {
                assert!(is_refused(&todo), "{method}: {todo:?}");
                let missing = method.split('/').next().expect("a method has a kind");
                assert_eq!(desk.hear(), [Heard::AskedInVain(missing)]);
            }
        }
        assert!(is_refused(&talk.hears(&question("what"))));
        let reply = json!({"jsonrpc": "2.0", "id": "q\n1", "result": {}});
        assert_eq!(talk.hears(&question("ping")), [Todo::Write(reply)]);
        assert_eq!(desk.hear(), []);
    }
}

#[test]
fn an_instance_is_told_of_its_clients_extensions_in_each_era() {
    let declared = r#"{"x/y":{"n":1.10}}"#;
    let owner = InstanceOwner {
        extensions: Extensions::read(Some(declared)),
        ..owner(&Desk::new(1), 0)
    };
    let mut spec = spec("", TIMEOUT);
    for (protocol, capabilities) in [
        (Protocol::Legacy, "/params/capabilities"),
        (
            Protocol::Modern,
            "/params/_meta/io.modelcontextprotocol~1clientCapabilities",
        ),
    ] {
        spec.protocol = protocol;
        let hello = Talk::of(&spec, Some(owner.clone())).hello;
        let told = hello.pointer(capabilities).unwrap();
        assert_eq!(told["extensions"], json!({"x/y": {"n": 1.10}}));
    }
}

#[test]
fn notifications_about_questions_go_to_the_owner_alone() {
    let told = [
        ("notifications/cancelled", r#"{"requestId":7}"#),
        (
            "notifications/elicitation/complete",
            r#"{"elicitationId":"e"}"#,
        ),
    ];
    let mut desk = Desk::new(1);
    let mut talk = Talk::open_with(&[], Some(owner(&desk, 0)));
    for (method, params) in told {
        assert_eq!(talk.told(method, params), []);
    }
    let heard = desk.hear();
    let [Heard::AskCancelled(params), Heard::Notified(line)] = &heard[..] else {
        panic!("{heard:?}");
    };
    assert_eq!(params, r#"{"requestId":7}"#);
    let line: Value = serde_json::from_str(line).unwrap();
    assert_eq!(line["method"], "notifications/elicitation/complete");
    assert_eq!(line["params"], json!({"elicitationId": "e"}));

    let mut talk = Talk::ready();
    talk.sends(&mut desk);
    for (method, params) in told {
        assert_eq!(talk.told(method, params), []);
    }
    assert_eq!(desk.hear(), [], "nobody knows whose it is");
}

#[test]
fn a_call_waits_as_long_as_the_client_may_think_about_a_question() {
    let mut desk = Desk::new(1);
    let mut talk = Talk::open_with(&[], Some(owner(&desk, 4)));
    (talk, _) = talk.initialized_as("{}");
    talk.sends(&mut desk);
    talk.now += TIMEOUT * 2 / 3;
    talk.hears(&question("sampling/createMessage"));
    talk.now += TIMEOUT;
    assert_eq!((talk.expires(), desk.hear()), (vec![], vec![]));
    talk.hears(&question("roots/list")); // which it may not ask
    talk.now += TIMEOUT / 10;
    assert_eq!(talk.expires().len(), 1, "the call is cancelled");
    let vain = Heard::AskedInVain("roots");
    assert!(matches!(&desk.hear()[..], [asked, Heard::Failed(..)] if *asked == vain));
}
