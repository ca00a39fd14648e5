//! Requests of clients without a session.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use serde_json::{Value, json};
use tokio::time::timeout;

use super::super::{Spoken, Stop};
use super::{House, Replies, SessionsHandle, result, settle, tool_names};
use crate::ids::{Holder, Owner};
use crate::protocol::jsonrpc::{self, Message};
use crate::protocol::mcp::lifecycle::client_info;
use crate::protocol::modern::extensions::Extensions;
use crate::protocol::modern::request::{ModernRequest, RequestMeta};
use crate::testing::offer;
use crate::tree::call::Answer;
use crate::tree::registry::Catalogue;
use crate::tree::upstream::UpstreamMsg;

const ID: &str = "io.modelcontextprotocol/subscriptionId";

impl House {
    /// What becomes of a request.
    pub(super) fn asked(&self, id: impl Into<Value>, method: &str, params: &Value) -> Replies {
        self.asked_by(&json!({}), id, method, params)
    }

    /// The same of a client with these capabilities.
    pub(super) fn asked_by(
        &self,
        capabilities: &Value,
        id: impl Into<Value>,
        method: &str,
        params: &Value,
    ) -> Replies {
        Self::asked_at(&self.sessions, capabilities, id, method, params)
    }

    /// The same there, for whoever they are.
    pub(super) fn asked_at(
        sessions: &SessionsHandle,
        capabilities: &Value,
        id: impl Into<Value>,
        method: &str,
        params: &Value,
    ) -> Replies {
        let message =
            json!({"jsonrpc": "2.0", "id": id.into(), "method": method, "params": params});
        let message = jsonrpc::decode(&Bytes::from(message.to_string())).unwrap();
        let Message::Request(request) = message else {
            panic!("no request");
        };
        let initialize = Bytes::from(json!({"capabilities": capabilities}).to_string());
        let meta = RequestMeta {
            capabilities: client_info(Some(&initialize)).capabilities,
            log_level: None,
            extensions: Extensions::default(),
        };
        let param_headers = Vec::new();
        let request = ModernRequest {
            request,
            meta,
            param_headers,
        };
        sessions.request(request).unwrap()
    }

    fn listened(&self, id: impl Into<Value>, wanted: &Value) -> Replies {
        self.asked(
            id,
            "subscriptions/listen",
            &json!({"notifications": wanted}),
        )
    }
}

async fn spoken(replies: &mut Replies) -> Option<Spoken> {
    let within = Duration::from_secs(3_600);
    let spoken = timeout(within, replies.next()).await;
    spoken.expect("the client waits for ever")
}

async fn said(replies: &mut Replies) -> Value {
    let spoken = spoken(replies).await.expect("the stream has ended");
    serde_json::from_slice(&spoken.message).unwrap()
}

/// The next message, which is the last.
pub(super) async fn answer(replies: &mut Replies) -> Value {
    let spoken = spoken(replies).await.expect("the stream has ended");
    assert!(spoken.is_last, "{spoken:?}");
    let message: Value = serde_json::from_slice(&spoken.message).unwrap();
    assert_eq!(spoken.error, message["error"]["code"].as_i64());
    message
}

pub(super) async fn is_silent(replies: &mut Replies) -> bool {
    let silence = Duration::from_millis(10);
    timeout(silence, replies.next()).await.is_err()
}

#[tokio::test(start_paused = true)]
async fn lists_and_what_is_discovered_say_how_long_they_are_good() {
    let house = House::of(&["s"]).await;
    let mut waiting = house.asked(1, "tools/list", &json!({}));
    let found = answer(&mut house.asked("d", "server/discover", &json!({}))).await;
    assert_eq!(found["id"], "d");
    assert_eq!(found["result"]["supportedVersions"], json!(["2026-07-28"]));
    assert!(is_silent(&mut waiting).await, "the server may come yet");
    let _server = house.server("s", 1, &["t"]).await;
    for mut list in [waiting, house.asked(1, "tools/list", &json!({}))] {
        let list = answer(&mut list).await;
        assert_eq!(tool_names(&list), ["s__t"]);
        let result = &list["result"];
        assert_eq!(result["resultType"], "complete");
        assert_eq!(
            (&result["ttlMs"], &result["cacheScope"]),
            (&json!(0), &json!("private"))
        );
        let info = &result["_meta"]["io.modelcontextprotocol/serverInfo"];
        assert_eq!(info["name"], "mcproxy");
    }
}

#[tokio::test(start_paused = true)]
async fn requests_with_one_id_have_their_own_answers() {
    let house = House::of(&["s"]).await;
    let mut server = house.server("s", 1, &["t"]).await;
    let mut both = [0, 0].map(|id| house.asked(id, "tools/call", &json!({"name": "s__t"})));
    let reply_tokens = [server.reply_token().await, server.reply_token().await];
    for (reply_token, text) in reply_tokens
        .into_iter()
        .zip([r#"{"n":1.10}"#, r#"{"n":2}"#])
    {
        reply_token.progress(Bytes::from_static(br#"{"jsonrpc":"2.0","method":"p"}"#));
        reply_token.answer(result(text));
    }
    let mut numbers = Vec::new();
    for replies in &mut both {
        let progress = spoken(replies).await.unwrap();
        assert!(!progress.is_last);
        let answer = answer(replies).await;
        assert_eq!(
            (&answer["id"], &answer["result"]["resultType"]),
            (&json!(0), &json!("complete"))
        );
        numbers.push(answer["result"]["n"].to_string());
        assert_eq!(spoken(replies).await, None);
    }
    numbers.sort();
    assert_eq!(numbers, ["1.1", "2"]);
    assert_eq!(server.free(), 128);
}

#[tokio::test(start_paused = true)]
async fn who_does_not_wait_any_more_takes_the_call_back() {
    let house = House::of(&["s"]).await;
    let mut server = house.server("s", 1, &["t"]).await;
    let replies = house.asked(0, "tools/call", &json!({"name": "s__t"}));
    let reply_token = server.reply_token().await;
    drop(replies);
    assert_eq!(server.cancelled().await, (reply_token.call().number, None));
    drop(reply_token);
    assert_eq!(server.free(), 128);
}

#[tokio::test(start_paused = true)]
async fn errors_have_the_codes_of_this_revision() {
    let house = House::of(&["s"]).await;
    let server = house.server("s", 1, &["t"]).await;
    for (method, params, code) in [
        ("tools/call", json!({"name": "s__x"}), -32602),
        ("tools/call", json!({}), -32602),
        ("resources/read", json!({"uri": "a:b"}), -32602),
        ("tools/list", json!({"cursor": 1}), -32602),
        ("resources/subscribe", json!({"uri": "a:b"}), -32601),
        ("subscriptions/listen", json!({}), -32602),
        ("ping", json!({}), -32601),
    ] {
        let answer = answer(&mut house.asked(1, method, &params)).await;
        assert_eq!(answer["error"]["code"], code, "{method}: {answer}");
        if method == "resources/read" {
            assert_eq!(answer["error"]["data"]["uri"], "a:b");
        }
    }
    drop(server);
    settle().await;
    house.sessions.stop(Stop::NoServers);
    settle().await;
    let call = answer(&mut house.asked(1, "tools/call", &json!({"name": "s__t"}))).await;
    assert_eq!(call["result"]["isError"], true, "{call}");
    let prompt = json!({"ref": {"type": "ref/prompt", "name": "x"}, "argument": {}});
    let refused = answer(&mut house.asked(1, "completion/complete", &prompt)).await;
    assert_eq!(refused["error"]["code"], -32602, "{refused}");
}

#[tokio::test(start_paused = true)]
async fn who_listens_is_told_what_it_asked_for_and_no_more() {
    let house = House::of(&["s"]).await;
    let _first = house.server("s", 1, &["t"]).await;
    let wanted = json!({"toolsListChanged": true, "promptsListChanged": false});
    let mut tools = house.listened("l:0", &wanted);
    let mut prompts = house.listened(0, &json!({"promptsListChanged": true}));
    let mut nothing = house.listened(1, &json!({}));
    let ack = said(&mut tools).await;
    assert_eq!(ack["method"], "notifications/subscriptions/acknowledged");
    assert_eq!(
        ack["params"]["notifications"],
        json!({"toolsListChanged": true})
    );
    assert_eq!(ack["params"]["_meta"][ID], "l:0");
    assert_eq!(said(&mut prompts).await["params"]["_meta"][ID], 0);
    said(&mut nothing).await;
    assert_eq!(
        answer(&mut nothing).await["result"]["resultType"],
        "complete"
    );
    let _second = house.server("s", 2, &["t", "u"]).await;
    let told = said(&mut tools).await;
    assert_eq!(told["method"], super::LIST_CHANGED);
    assert_eq!(told["params"]["_meta"][ID], "l:0");
    assert!(is_silent(&mut prompts).await);
    house.sessions.stop(Stop::Ending);
    for (replies, id) in [(&mut tools, json!("l:0")), (&mut prompts, json!(0))] {
        let end = answer(replies).await;
        assert_eq!((&end["id"], &end["result"]["_meta"][ID]), (&id, &id));
    }
}

#[tokio::test(start_paused = true)]
async fn who_listens_to_resources_is_told_which_of_them_servers_watch() {
    let house = House::of(&["s"]).await;
    let offered = offer(&[], &["a:1", "a:2", "a:3"]);
    let mut server = house.offering("s", 1, &offered).await;
    let uris = json!(["a:3", "a:1", "a:2", "x:0"]);
    let mut listening = house.listened(5, &json!({"resourceSubscriptions": uris}));
    for _ in 0..3 {
        let reply_token = server.reply_token().await;
        let uri = reply_token.routed().unwrap().key.to_string();
        match &*uri {
            "a:1" => reply_token.answer(result("{}")),
            "a:2" => reply_token.answer(Answer::Error(Bytes::from_static(b"{}"))),
            _ => std::mem::forget(reply_token),
        }
    }
    let ack = said(&mut listening).await;
    let agreed = &ack["params"]["notifications"];
    assert_eq!(*agreed, json!({"resourceSubscriptions": ["a:1"]}), "in 5 s");
    // Its next life is asked again, and what was missed meanwhile is told as a change.
    let mut second = house.offering("s", 2, &offered).await;
    let told = said(&mut listening).await;
    assert_eq!(told["method"], "notifications/resources/updated");
    assert_eq!(
        (&told["params"]["uri"], &told["params"]["_meta"][ID]),
        (&json!("a:1"), &json!(5))
    );
    let UpstreamMsg::Interested { interest, .. } = second.next().await else {
        panic!("it is not asked again");
    };
    assert!(interest.uris.contains("a:1"));
    assert!(is_silent(&mut listening).await);
}

#[tokio::test(start_paused = true)]
async fn who_has_no_token_shares_the_servers_that_can_ask_each_client() {
    let mut offered = Catalogue::clone(&offer(&["t"], &[]));
    offered.abilities.is_modern = true;
    let (mut house, mut template) = House::isolating("s", &Arc::new(offered)).await;
    let params = json!({"name": "s__t"});
    let mut call = house.asked(1, "tools/call", &params);
    template.reply_token().await.answer(result("{}"));
    assert_eq!(answer(&mut call).await["id"], 1);
    assert!(house.owners().await.is_empty());
    let mine = house.sessions.of(Holder::of(Owner::of([1; 32])));
    let _call = House::asked_at(&mine, &json!({}), 2, "tools/call", &params);
    assert_eq!(house.owners().await.len(), 1, "it is kept for the token");
}

#[tokio::test(start_paused = true)]
async fn a_dead_worker_ends_its_streams_and_has_a_successor() {
    let house = House::of(&["s"]).await;
    let mut server = house.server("s", 1, &["t"]).await;
    let mut replies = house.asked(0, "tools/call", &json!({"name": "s__t"}));
    let reply_token = server.reply_token().await;
    for worker in house.supervisor.get_children() {
        worker.kill();
    }
    assert_eq!(spoken(&mut replies).await, None);
    drop(replies);
    assert_eq!(server.cancelled().await.0, reply_token.call().number);
    drop(reply_token);
    for _ in 0..8 {
        let list = answer(&mut house.asked(1, "tools/list", &json!({}))).await;
        assert_eq!(tool_names(&list), ["s__t"]);
    }
}
