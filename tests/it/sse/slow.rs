//! Clients that read slowly and are told too much. Those that read nothing, and that a slow one is served, are rows of
//! the fault suite.

use std::time::Duration;

use super::{SOON, gateway};
use crate::support::narrow::Reader;
use crate::support::wait;

const MIB: usize = 1 << 20;

/// The number in a progress notification.
fn progress(message: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(message.get(..120)?).ok()?;
    let (_, number) = text.split_once("\"progress\":")?;
    number.split(',').next()?.parse().ok()
}

#[tokio::test]
async fn progress_is_dropped_for_a_client_whose_queue_is_full() {
    let gateway = gateway().await;
    let mut reader = Reader::open(gateway.addr()).await;
    // A hundred notifications a second.
    let call =
        r#"{"name":"fx__sleep","arguments":{"ms":60000,"steps":6000},"_meta":{"progressToken":1}}"#;
    assert_eq!(reader.call(0, call).await, 202);
    while reader.messages().find_map(progress).is_none() {
        assert!(reader.read(4096).await > 0, "it is ended");
    }
    // The first of them is being written while the other is queued: that is over the limit.
    for id in 1..=2 {
        assert_eq!(reader.call_huge(id, 10 * MIB).await, 202);
    }
    reader.read_until_full(MIB / 4).await;
    assert!(reader.read_slowly(MIB / 4, Duration::from_secs(2)).await);

    // Once it is read they come again, but not those of the meantime.
    let is_gap = |numbers: &[u64]| numbers.windows(2).any(|pair| pair[1] > pair[0] + 50);
    let until_again = async {
        loop {
            let numbers: Vec<u64> = reader.messages().filter_map(progress).collect();
            assert!(numbers.is_sorted(), "{numbers:?}");
            if is_gap(&numbers) {
                return Ok::<_, String>(numbers);
            }
            assert!(reader.read(MIB).await > 0, "it is ended");
        }
    };
    let numbers = wait::within(|| "a gap".to_owned(), SOON, until_again).await;
    assert_eq!(numbers.first(), Some(&1));
    assert_eq!(reader.huge_answers(2).await, [(1, 10), (2, 10)]);
}
