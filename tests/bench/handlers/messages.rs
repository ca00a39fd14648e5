//! Large, deep and long messages, one after the other, from servers and from clients.

use anyhow::ensure;

use super::scale::Scale;
use super::server::Deed;
use super::stage::{PATIENCE, Peaks, Stage, entry, told};
use crate::Plan;
use crate::support::client::{Client, SseClient, StreamableClient, Transport};

pub(crate) async fn play(plan: &Plan, scale: &Scale, peaks: &mut Peaks) -> anyhow::Result<()> {
    let servers = [
        entry("s0", &scale.short("s0"))?,
        entry("s1", &scale.short("s1"))?,
    ];
    let mut stage = Stage::open(plan, peaks, &servers).await?;
    let client = stage.client("2025-11-25", true).await;
    let sse = stage.sse_client().await;
    for &size in scale.results {
        for (deed, step) in [
            (Deed::Text, "a large text is answered"),
            (Deed::Quotes, "a large text full of escapes is answered"),
            (Deed::Links, "many links are answered"),
        ] {
            told(&client, "s0", (deed, size)).await?;
            told(&sse, "s0", (deed, size)).await?;
            stage.note(step).await?;
        }
    }
    for &size in scale.results {
        told(&client, "s0", (Deed::LargeLog, size)).await?;
    }
    stage.note("a server logs a large message").await?;
    told(&client, "s0", (Deed::Nested, scale.depth)).await?;
    told(&client, "s0", (Deed::Nested, scale.depth * 1_000)).await?;
    stage.note("a deep result is answered").await?;
    said(&mut stage, &client, scale).await?;
    for &size in scale.requests {
        requests(&mut stage, &client, size).await?;
        // Those that were of no use for long may be closed in this moment.
        sse.close_posts();
        requests(&mut stage, &sse, size).await?;
    }
    deep(&client, scale).await?;
    stage.note("a deep request is sent").await?;
    let old = stage.client("2025-03-26", true).await;
    batch(&old, scale).await;
    let old = SseClient::connect(stage.addr()).await;
    old.initialize_as("2025-03-26").await;
    batch(&old, scale).await;
    stage.note("a batch is sent").await?;
    unread(&stage, &sse, scale).await?;
    stage.note("a client does not read").await?;
    stage.end("the gateway stops").await
}

/// What a server says unasked.
async fn said(
    stage: &mut Stage<'_>,
    client: &StreamableClient,
    scale: &Scale,
) -> anyhow::Result<()> {
    let notifications = scale.notifications;
    for (deed, n, step) in [
        (Deed::Progress, notifications, "progress is told"),
        (Deed::Logs, notifications, "a server logs"),
        (Deed::Batch, scale.server_batch, "a server says a batch"),
        (Deed::Junk, notifications, "a server says junk"),
        (Deed::Stderr, notifications, "a server writes to stderr"),
    ] {
        told(client, "s0", (deed, n)).await?;
        stage.note(step).await?;
    }
    Ok(())
}

/// Requests of about so many bytes: a text, one full of escapes, numbers, and members.
async fn requests<T: Transport>(
    stage: &mut Stage<'_>,
    client: &Client<T>,
    size: usize,
) -> anyhow::Result<()> {
    let members = |at: usize| format!(r#""{at}":0"#);
    for (padding, step) in [
        (format!(r#""{}""#, "x".repeat(size)), "a large text is sent"),
        (
            format!(r#""{}""#, r#"\""#.repeat(size / 2)),
            "a large text full of escapes is sent",
        ),
        (
            format!("[{}0]", "0,".repeat(size / 2)),
            "many numbers are sent",
        ),
        (
            format!(
                "{{{}}}",
                (0..size / 12).map(members).collect::<Vec<_>>().join(",")
            ),
            "many members are sent",
        ),
    ] {
        let arguments = format!(r#"{{"deed":"text","n":1,"padding":{padding}}}"#);
        let params = format!(r#"{{"name":"s0__do","arguments":{arguments}}}"#);
        let answer = client.call("tools/call", Some(&params), PATIENCE).await;
        ensure!(answer.contains("\"result\""), "{step}: {answer:.500}");
        stage.note(step).await?;
    }
    let padding = vec![r#""x":0"#; size / 6].join(",");
    let params = format!(r#"{{"name":"s0__do",{padding}}}"#);
    client.call("tools/call", Some(&params), PATIENCE).await;
    stage.note("many equal members are sent").await
}

async fn deep(client: &StreamableClient, scale: &Scale) -> anyhow::Result<()> {
    // Below the message, its params and their arguments.
    let depth = scale.depth.saturating_sub(4);
    let (open, close) = ("[".repeat(depth), "]".repeat(depth));
    let many = vec![format!("{open}{close}"); 1_000].join(",");
    for padding in [format!("{open}{close}"), format!("[{many}]")] {
        let params = format!(
            r#"{{"name":"s0__do","arguments":{{"deed":"text","n":1,"padding":{padding}}}}}"#
        );
        client.call("tools/call", Some(&params), PATIENCE).await;
    }
    Ok(())
}

/// A batch of pings and one of calls.
async fn batch<T: Transport>(client: &Client<T>, scale: &Scale) {
    for (first, rest) in [
        (1_000, r#""method":"ping""#.to_owned()),
        (
            2_000,
            r#""method":"tools/call","params":{"name":"s0__do","arguments":{"deed":"text","n":1000}}"#
                .to_owned(),
        ),
    ] {
        let ids = first..first + scale.batch;
        let messages: Vec<String> = ids
            .clone()
            .map(|id| format!(r#"{{"jsonrpc":"2.0","id":{id},{rest}}}"#))
            .collect();
        client.send(&format!("[{}]", messages.join(","))).await;
        for id in ids {
            client.wait_raw_response(&id.to_string(), PATIENCE).await;
        }
    }
}

/// More is answered than a client takes, until it goes on.
async fn unread(stage: &Stage<'_>, client: &SseClient, scale: &Scale) -> anyhow::Result<()> {
    let size = scale.results.iter().copied().filter(|size| *size < 8 << 20);
    let size = size.max().unwrap_or(0);
    client.set_reading(false);
    let params = format!(r#"{{"name":"s0__do","arguments":{{"deed":"text","n":{size}}}}}"#);
    let mut ids = Vec::new();
    for _ in 0..20 {
        ids.push(client.request("tools/call", Some(&params)).await);
    }
    stage.get("/status").await?;
    client.set_reading(true);
    for id in ids {
        client.wait_response(id, PATIENCE).await;
    }
    Ok(())
}
