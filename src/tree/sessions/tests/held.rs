//! Requests without a session that are held while their clients are asked.

use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::super::conversation::UNUSED;
use super::servers::Own;
use super::without::{answer, is_silent};
use super::{House, Replies, result, settle};
use crate::ids::{Holder, Owner};
use crate::protocol::jsonrpc::Response;
use crate::testing::offer;
use crate::tree::call::{Answer, ReplyToken};
use crate::tree::upstream::UpstreamMsg;

const ELICITATION: &str = "elicitation/create";
const FORM: &str = r#"{"message":"m","requestedSchema":{"type":"object","properties":{}}}"#;

/// A house with a server of which each request has an instance, and a request that runs on its own.
struct Chain {
    house: House,
    _template: super::Server,
    own: Own,
    reply_token: Option<ReplyToken>,
    replies: Replies,
}

fn params(extra: &Value) -> Value {
    let mut params = json!({"name": "s__t", "arguments": {"a": 1}});
    for (name, value) in extra.as_object().unwrap() {
        params[name] = value.clone();
    }
    params
}

impl Chain {
    async fn with(capabilities: &Value) -> Self {
        let (mut house, template) = House::isolating("s", &offer(&["t"], &[])).await;
        let replies = house.asked_by(capabilities, 1, "tools/call", &params(&json!({})));
        let owner = house.owner().await;
        let mut own = Own::of(owner, "s", 2, &offer(&["t"], &[])).await;
        let reply_token = Some(own.server.reply_token().await);
        Self {
            house,
            _template: template,
            own,
            reply_token,
            replies,
        }
    }

    async fn new() -> Self {
        Self::with(&json!({"elicitation": {}, "roots": {}})).await
    }

    /// What the client is shown, and the state that it gives back.
    async fn shown(&mut self) -> (Value, String) {
        let message = answer(&mut self.replies).await;
        let shown = message["result"].clone();
        assert_eq!(shown["resultType"], "input_required", "{message}");
        let state = shown["requestState"].as_str().unwrap().to_owned();
        (shown["inputRequests"].clone(), state)
    }

    fn again(&self, id: i32, state: &str, answers: &Value) -> Replies {
        let back = json!({"requestState": state, "inputResponses": answers});
        self.house.asked(id, "tools/call", &params(&back))
    }

    /// What the server hears next, in answer to a question.
    async fn told(&mut self) -> Response {
        loop {
            let told = self.own.server.next().await;
            if let UpstreamMsg::Answered(response) = told {
                return response;
            }
            assert!(matches!(told, UpstreamMsg::Extend), "{told}");
        }
    }

    fn ends(&mut self, answer: Answer) {
        self.reply_token.take().unwrap().answer(answer);
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_asked_together_is_shown_together_and_the_call_goes_on_with_the_answers() {
    let mut chain = Chain::new().await;
    let begin = Instant::now();
    chain.own.asks("q", ELICITATION, FORM).await;
    chain.own.asks(7, "roots/list", "{}").await;
    let (questions, state) = chain.shown().await;
    assert!(begin.elapsed() < Duration::from_millis(100));
    assert_eq!(questions["r1"]["method"], ELICITATION);
    assert_eq!(questions["r1"]["params"]["message"], "m");
    assert_eq!(questions["r2"]["method"], "roots/list");
    // Longer than any call may take.
    sleep(Duration::from_secs(590)).await;
    let answers = json!({"r1": {"action": "accept", "n": 1.5}, "r2": {"roots": []}, "r9": {}});
    chain.replies = chain.again(2, &state, &answers);
    for (id, told) in [
        ("\"q\"", r#"{"action":"accept","n":1.5}"#),
        ("7", r#"{"roots":[]}"#),
    ] {
        let response = chain.told().await;
        assert_eq!(response.id.unwrap().as_raw(), id);
        assert_eq!(response.outcome.unwrap(), told);
    }
    // The next round has another state.
    chain.own.asks(8, "roots/list", "{}").await;
    let (questions, next) = chain.shown().await;
    assert_eq!(
        questions,
        json!({"r3": {"method": "roots/list", "params": {}}})
    );
    assert_ne!(state, next);
    chain.replies = chain.again(3, &next, &json!({"r3": {"roots": []}}));
    chain.told().await;
    chain.ends(result(r#"{"content":[]}"#));
    let last = answer(&mut chain.replies).await;
    assert_eq!(
        (&last["id"], &last["result"]["content"]),
        (&json!(3), &json!([]))
    );
    let mut late = chain.again(4, &next, &json!({}));
    assert_eq!(
        answer(&mut late).await["error"]["code"],
        -32602,
        "it is over"
    );
}

#[tokio::test(start_paused = true)]
async fn a_state_is_good_for_one_request_and_once() {
    let mut chain = Chain::new().await;
    chain.own.asks(7, "roots/list", "{}").await;
    let (_, state) = chain.shown().await;
    let roots = json!({"r1": {"roots": []}});
    let mut forged = state.clone();
    forged.pop();
    let back = json!({"requestState": state, "inputResponses": roots});
    let mut other_arguments = params(&back);
    other_arguments["arguments"]["a"] = 2.into();
    for mut wrong in [
        chain.again(2, &forged, &roots),
        chain.house.asked(3, "tools/call", &other_arguments),
        chain.house.asked(4, "prompts/get", &params(&back)),
    ] {
        let refused = answer(&mut wrong).await;
        assert_eq!(refused["error"]["code"], -32602, "{refused}");
    }
    drop(chain.again(5, &forged, &roots));
    settle().await;
    // Without all answers the same is asked again.
    chain.replies = chain.again(6, &state, &json!({}));
    let (questions, next) = chain.shown().await;
    assert!(questions["r1"].is_object());
    chain.replies = chain.again(7, &next, &roots);
    chain.told().await;
    let mut reused = chain.again(8, &next, &roots);
    assert_eq!(answer(&mut reused).await["error"]["code"], -32602);
    chain.ends(result("{}"));
    assert_eq!(
        answer(&mut chain.replies).await["id"],
        7,
        "nobody disturbed it"
    );
}

#[tokio::test(start_paused = true)]
async fn what_ends_meanwhile_is_told_when_the_client_comes_again() {
    let mut chain = Chain::new().await;
    chain.own.asks(7, "roots/list", "{}").await;
    let (_, state) = chain.shown().await;
    chain.ends(result(r#"{"content":[]}"#));
    settle().await;
    chain.replies = chain.again(2, &state, &json!({"r1": {"roots": []}}));
    let last = answer(&mut chain.replies).await;
    assert_eq!(
        (&last["id"], &last["result"]["content"]),
        (&json!(2), &json!([]))
    );
}

#[tokio::test(start_paused = true)]
async fn who_never_comes_again_leaves_nothing() {
    let mut chain = Chain::new().await;
    chain.own.asks("q", ELICITATION, FORM).await;
    chain.own.asks(7, "roots/list", "{}").await;
    let (_, state) = chain.shown().await;
    sleep(Duration::from_secs(601)).await;
    let cancelled = Bytes::from_static(br#"{"action":"cancel"}"#);
    assert_eq!(chain.told().await.outcome, Ok(cancelled));
    assert!(chain.told().await.outcome.is_err());
    let number = chain.reply_token.as_ref().unwrap().call().number;
    assert_eq!(chain.own.server.cancelled().await, (number, None));
    assert_eq!(chain.house.ended(), 1, "its instance goes");
    let mut late = chain.again(2, &state, &json!({}));
    assert_eq!(answer(&mut late).await["error"]["code"], -32602);
}

#[tokio::test(start_paused = true)]
async fn what_the_client_does_not_declare_is_asked_in_vain() {
    let mut chain = Chain::with(&json!({"roots": {}})).await;
    chain.own.asks("q", ELICITATION, FORM).await;
    let refused = chain.told().await.outcome.unwrap_err();
    assert!(refused.starts_with(br#"{"code":-32601"#), "{refused:?}");
    assert!(is_silent(&mut chain.replies).await);
    chain.ends(Answer::Error(Bytes::from_static(
        br#"{"code":-32603,"message":"x"}"#,
    )));
    let failed = answer(&mut chain.replies).await;
    assert_eq!(failed["error"]["code"], -32021);
    let needed = &failed["error"]["data"]["requiredCapabilities"];
    assert_eq!(*needed, json!({"elicitation": {}}));
}

#[tokio::test(start_paused = true)]
async fn who_has_a_token_keeps_its_servers_from_one_request_to_the_next() {
    let (mut house, _template) = House::isolating("s", &offer(&["t"], &[])).await;
    settle().await;
    let mine = Holder::of(Owner::of([1; 32]));
    let others = Holder::of(Owner::of([2; 32]));
    let asked = |house: &House, holder, id: i32| {
        let sessions = house.sessions.of(holder);
        House::asked_at(&sessions, &json!({}), id, "tools/call", &params(&json!({})))
    };
    let mut replies = asked(&house, mine, 1);
    let mut own = Own::of(house.owner().await, "s", 2, &offer(&["t"], &[])).await;
    own.server.reply_token().await.answer(result("{}"));
    assert_eq!(answer(&mut replies).await["id"], 1);
    // Nobody else's request gets there, and none while one is open.
    for id in 2..6 {
        drop(asked(&house, others, id));
        let mut first = asked(&house, mine, id);
        let second = asked(&house, mine, id);
        let reply_token = own.server.reply_token().await;
        settle().await;
        own.server.hears_nothing();
        reply_token.answer(result("{}"));
        assert_eq!(answer(&mut first).await["id"], id);
        drop(second);
    }
    // A call that is taken back leaves them there.
    drop(asked(&house, mine, 6));
    own.server.reply_token().await;
    own.server.cancelled().await;
    let mut again = asked(&house, mine, 7);
    own.server.reply_token().await.answer(result("{}"));
    assert_eq!(answer(&mut again).await["id"], 7);
    house.ended();
    sleep(UNUSED + Duration::from_secs(1)).await;
    assert!(house.ended() >= 1, "not for ever");
    let _late = asked(&house, mine, 8);
    assert_eq!(house.owners().await.len(), 1);
}
