//! The end of a session's process: with the session, with all that it started; and by itself, which is its own
//! session's trouble only.

use super::{SOON, drive, isolated, pid, processes};
use crate::support::both::{join, serve};
use crate::support::client::Transport;
use crate::support::fleet::Identity;
use crate::support::gateway::Gateway;
use crate::support::servers::{failed_text, text_of};
use crate::support::streamable::Endpoint;
use crate::support::{proc, wait};

on_both_transports!(
    a_process_ends_with_its_session,
    a_stubborn_process_and_its_children_end_too,
    a_crash_is_one_sessions_trouble,
    a_process_that_crashes_again_and_again_climbs_the_ladder,
    a_call_in_flight_is_answered_when_the_process_dies,
);

async fn until_one_is_left(gateway: &Gateway) {
    wait::until("the template alone", SOON, async || {
        (processes(gateway, "own").len() == 1).then_some(())
    })
    .await;
}

async fn a_process_ends_with_its_session<T: Transport>() {
    let (gateway, stays) = serve::<T>(&[isolated("own", &[])]).await;
    let goes = join::<T>(&gateway).await;
    let (kept, ended) = (pid(&stays, "own").await, pid(&goes, "own").await);
    goes.leave().await;
    wait::until("its end", SOON, async || {
        (!proc::is_alive(ended)).then_some(())
    })
    .await;
    assert_eq!(pid(&stays, "own").await, kept);
    stays.leave().await;
    until_one_is_left(&gateway).await;
}

async fn a_stubborn_process_and_its_children_end_too<T: Transport>() {
    let flags = ["--ignore-term", "--ignore-eof", "--grandchild"];
    let (gateway, client) = serve::<T>(&[isolated("own", &flags)]).await;
    let said = drive(&client, "own__pid", "{}").await;
    let identity: Identity = serde_json::from_str(&said).expect("JSON");
    assert!(identity.grandchild.is_some_and(proc::is_alive));
    client.leave().await;
    identity.gone(SOON).await;
    assert!(!processes(&gateway, "own").is_empty(), "the template stays");
}

async fn a_crash_is_one_sessions_trouble<T: Transport>() {
    let (gateway, one) = serve::<T>(&[isolated("own", &[])]).await;
    let two = join::<T>(&gateway).await;
    let (first, other) = (pid(&one, "own").await, pid(&two, "own").await);
    let sleeping = r#"{"name":"own__sleep","arguments":{"ms":500}}"#;
    let call = two.request("tools/call", Some(sleeping)).await;
    let text = failed_text(&one.call_tool("own__exit", r#"{"code":3}"#).await);
    assert!(text.contains("'own'") && text.contains("code 3"), "{text}");
    // The next call waits for its successor.
    let second = pid(&one, "own").await;
    assert_ne!(second, first);
    assert_eq!(text_of(&two.wait_response(call, SOON).await), "slept");
    assert_eq!(pid(&two, "own").await, other);
}

async fn a_process_that_crashes_again_and_again_climbs_the_ladder<T: Transport>() {
    let (_gateway, client) = serve::<T>(&[isolated("own", &["--exit-after=0"])]).await;
    for _ in 0..2 {
        failed_text(&client.call_tool("own__echo", "{}").await);
    }
    wait::until("a word of the next try", SOON, async || {
        let text = failed_text(&client.call_tool("own__echo", "{}").await);
        text.contains("'own' is down").then_some(())
    })
    .await;
    let listed = client.call("tools/list", None, SOON).await;
    assert!(listed.contains(r#""name":"own__echo""#), "names stay");
}

async fn a_call_in_flight_is_answered_when_the_process_dies<T: Transport>() {
    let (_gateway, client) = serve::<T>(&[isolated("own", &[])]).await;
    let victim = pid(&client, "own").await;
    let sleeping = r#"{"name":"own__sleep","arguments":{"ms":60000}}"#;
    let call = client.request("tools/call", Some(sleeping)).await;
    drive(&client, "own__echo", "{}").await;
    assert!(proc::send(victim, nix::sys::signal::Signal::SIGKILL));
    let text = failed_text(&client.wait_response(call, SOON).await);
    assert!(text.contains("SIGKILL"), "{text}");
}

/// Over HTTP+SSE a session ends with its stream; over Streamable HTTP a connection means nothing.
#[tokio::test]
async fn a_process_outlives_the_connections_of_its_client() {
    let (gateway, client) = serve::<support::client::Streamable>(&[isolated("own", &[])]).await;
    let before = pid(&client, "own").await;
    let endpoint: Endpoint = client.endpoint();
    client.close().await;
    let said = endpoint.call_tool("own__pid", "{}").await;
    assert!(text_of(&said).contains(&before.to_string()), "{said}");
    assert_eq!(endpoint.delete().await.status, 200);
    until_one_is_left(&gateway).await;
}
