//! The server by itself. It proves that the server has all that the suite asks for, so that what
//! fails behind the gateway is the gateway's.

use crate::report::{Report, Status};
use crate::suite::Suite;
use crate::targets::Direct;

/// What the suite finds when nothing is in between.
pub(crate) async fn direct(suite: Suite) -> Report {
    let server = Direct::start();
    suite.run(server.addr().await).await
}

async fn assert_scores(suite: Suite, scenarios: usize, checks: usize) {
    let report = direct(suite).await;
    assert_eq!(report.complaints(), [""; 0]);
    assert_eq!(report.count(Status::Skipped), 0);
    let counted = (report.scenarios().len(), report.count(Status::Success));
    assert_eq!(counted, (scenarios, checks));
}

#[tokio::test]
async fn baseline_0_1_16() {
    assert_scores(Suite::V0_1_16, 32, 44).await;
}

#[tokio::test]
async fn baseline_2025_11_25() {
    assert_scores(Suite::Of2025_11_25, 33, 84).await;
}
