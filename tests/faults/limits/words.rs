//! Limits of what waits for all clients together, and of what servers say of themselves.

use serde_json::{Value, json};

use super::{MIB, Memory};
use crate::metrics;
use crate::stage::Stage;
use crate::support::client::{DEADLINE, Sse, SseClient};
use crate::support::narrow::Reader;
use crate::support::servers::fixture;
use crate::support::wait;

const OUTGOING: &str = "mcproxy_outgoing_bytes";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn l14_max_outgoing_total_bytes() {
    const READERS: usize = 4;
    const PIECE: usize = 64 << 10;
    const TOTAL: usize = 4 << 20;
    let settings = json!({ "max_outgoing_total_bytes": TOTAL, "slow_client_timeout": 2 });
    let entries = [fixture("fx", &[])];
    let mut stage = Stage::with("max_outgoing_total_bytes", &entries, &settings, |o| o).await;
    let witness = stage.client::<Sse>().await;
    let mut readers = Vec::new();
    for _ in 0..READERS {
        readers.push(Reader::open(stage.gateway.addr()).await);
    }
    let memory = Memory::watch(&stage);
    let (mut answers, mut refused) = (0, 0);
    // Each alone has room for 8 MiB; by turns, so that all have their part in what is too much.
    for id in 0..200 {
        for reader in &readers {
            match reader.call_huge(id, PIECE).await {
                202 => answers += 1,
                503 => refused += 1,
                status => assert_eq!(status, 404, "its session has ended"),
            }
        }
        witness.call_tool("fx__echo", "{}").await; // the server answers in turn
        if refused > 0 {
            break;
        }
    }
    stage.struck(format!(
        "{answers} answers of {PIECE} bytes to {READERS} clients that read nothing, then 503"
    ));
    assert!(refused > 0, "nobody was refused");
    // What the kernel took of it does not wait here: some 3 MiB for each.
    let most = TOTAL + READERS * (4 << 20);
    stage.at_most("bytes answered before", &(answers * PIECE), &most);
    let told = wait::until(
        "the end of those that read nothing",
        2 * DEADLINE,
        async || {
            let lines = stage.gateway.logs();
            lines
                .into_iter()
                .find(|line| line.contains("is ended: its client has read nothing for 2 s"))
        },
    )
    .await;
    stage.holds(
        "the log says why a session is ended",
        told.contains("[WARN]"),
    );
    wait::until("room again", 2 * DEADLINE, async || {
        let waiting = metrics::sum(&stage.gateway, OUTGOING, &[]).await;
        (waiting < 4_194_304.0).then_some(())
    })
    .await;
    stage.holds("there is room again", true);
    memory.at_most(&mut stage, 3 * i64::try_from(TOTAL).expect("it fits"));
    drop(readers);
    witness.close().await;
    stage.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn l26_max_instructions_bytes() {
    const LIMIT: usize = 4096;
    let settings = json!({ "max_instructions_bytes": "4KiB", "instructions_budget": "64KiB" });
    let words = "instruct ".repeat(10_000);
    let entries = [fixture("wordy", &["--instructions", &words])];
    let mut stage = Stage::with("max_instructions_bytes", &entries, &settings, |o| o).await;
    let memory = Memory::watch(&stage);
    let warning = stage
        .gateway
        .wait_for_log("[WARN] Server 'wordy'", DEADLINE)
        .await;
    assert!(warning.contains("max_instructions_bytes"), "{warning}");
    stage.struck(format!(
        "a server with {} bytes of instructions, and the warning that names it",
        words.len()
    ));
    let client = SseClient::connect(stage.gateway.addr()).await;
    let answer = client.initialize().await;
    let answer: Value = serde_json::from_str(&answer).expect("JSON");
    let told = answer["result"]["instructions"].as_str().expect("a text");
    let of_it = told.matches("instruct ").count() * "instruct ".len();
    stage.at_most("bytes of them that clients are told", &of_it, &LIMIT);
    stage.holds("they begin as the server's", of_it > LIMIT / 2);
    memory.at_most(&mut stage, 2 * MIB);
    client.close().await;
    stage.close().await;
}
