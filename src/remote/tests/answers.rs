//! What comes in the place of an answer, and which reason counts.

use serde_json::json;

use super::ends::{calls, end, unanswered};
use super::*;
use crate::remote::{End, Unanswered};

async fn why(stage: &mut Stage) -> String {
    let ended = end(stage).await;
    let End::Failed { why, .. } = ended else {
        panic!("{ended:?}")
    };
    why
}

const DETAIL: &str = r#"{"detail":"no quota for k3y-of-all-doors"}"#;

#[tokio::test]
async fn what_is_no_answer_is_said_at_once_without_secrets() {
    let mut stage = calls(|| whole("200 OK", JSON, DETAIL)).await;
    assert_eq!(
        stage.line().await["detail"],
        "no quota for k3y-of-all-doors"
    );
    let text = r#"ended its answer before the answer: {"detail":"no quota for …"}"#;
    let lost = Unanswered::Lost(text.to_owned());
    assert_eq!(unanswered(&mut stage).await, (1, lost));

    let mut stage = Stage::new(|_| whole("200 OK", JSON, DETAIL)).await;
    stage.ask(0, "initialize", None);
    stage.line().await;
    let text = r#"breaks the protocol: the answer to the first request is missing: {"detail":"no quota for …"}"#;
    assert_eq!(why(&mut stage).await, text);
}

#[tokio::test]
async fn the_answer_to_another_request_is_none() {
    let answer = |id| event(&json!({"jsonrpc": "2.0", "id": id, "result": {}}).to_string());
    let both = [answer(77), answer(1)].concat();
    let mut stage = calls(move || events("", &both, false)).await;
    assert_eq!(stage.line().await["id"], 77);
    assert_eq!(stage.line().await["id"], 1);
    let other = answer(77);
    let mut stage = calls(move || events("", &other, false)).await;
    assert_eq!(stage.line().await["id"], 77);
    assert!(matches!(
        unanswered(&mut stage).await,
        (1, Unanswered::Lost(_))
    ));
}

#[tokio::test]
async fn an_error_without_an_id_is_that_of_the_request_that_it_answers() {
    let error = r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"no"}}"#;
    let mut stage = calls(move || whole("200 OK", JSON, error)).await;
    let answer = stage.line().await;
    assert_eq!(
        (&answer["id"], &answer["error"]["message"]),
        (&json!(1), &json!("no"))
    );
}

#[tokio::test]
async fn a_status_is_told_although_its_text_has_no_end() {
    let text = "HTTP/1.1 500 Oh\r\ncontent-length: 999\r\n\r\nbroken";
    let mut stage = calls(move || Say(text.to_owned(), true)).await;
    let refused = Unanswered::Refused("answers with status 500: broken".to_owned());
    assert_eq!(unanswered(&mut stage).await, (1, refused));
}

/// A POST and a GET that are answered so.
async fn refusing(post: &'static str, get: impl Fn() -> Say + Send + 'static) -> Stage {
    let stage = Stage::new(move |asked| match asked.is_get() {
        true => get(),
        false if asked.head.contains("/messages") => whole("500 Oh", "", "no such key"),
        false => whole(post, "", "the key has expired"),
    })
    .await;
    stage.ask(0, "initialize", None);
    stage
}

#[tokio::test]
async fn the_reason_of_the_older_transport_is_told_where_it_is_one() {
    let mut stage = refusing("405 No", || whole("401 No", "", "")).await;
    assert!(matches!(end(&mut stage).await, End::Unauthorized(_)));
    let named = || events("", "event: endpoint\ndata: /messages\n\n", true);
    let mut stage = refusing("405 No", named).await;
    assert_eq!(
        why(&mut stage).await,
        "answers with status 500: no such key"
    );
    let mut stage = refusing("400 No", || whole("400 No", "", "no")).await;
    assert_eq!(
        why(&mut stage).await,
        "answers with status 400: the key has expired"
    );
    let mut stage = refusing("400 No", || events("", ": hello\n\n", true)).await;
    assert_eq!(
        why(&mut stage).await,
        "answers with status 400: the key has expired"
    );
}

#[tokio::test]
async fn a_redirect_to_what_is_no_address_says_little() {
    let to =
        |place: String| move |_: &Asked| whole("307 On", &format!("location: {place}\r\n"), "");
    let mut stage = Stage::new(to(format!("/{}", "x".repeat(70_000)))).await;
    stage.ask(0, "initialize", None);
    let text = why(&mut stage).await;
    assert!(
        text.contains("its address cannot be asked") && text.len() < 200,
        "{text}"
    );
    let mut stage = Stage::new(to(format!("http://{}/", "x.".repeat(50_000)))).await;
    stage.ask(0, "initialize", None);
    let text = why(&mut stage).await;
    assert!(text.contains("at http://x.x") && text.len() < 300, "{text}");
}
