//! The server by itself. It proves that the server has all that the suite asks for, so that what
//! fails behind the gateway is the gateway's.

use crate::report::{Report, Status};
use crate::suite::Suite;
use crate::targets::{Direct, Era};

/// What the SDK leaves to who writes a server of plain requests and answers.
pub(crate) const CUSTOM_HEADERS: &str = "http-custom-header-server-validation";

/// What the suite finds when nothing is in between.
pub(crate) async fn direct(suite: Suite) -> Report {
    let era = match suite {
        Suite::V0_1_16 | Suite::Of2025_11_25 => Era::Legacy,
        Suite::Of2026_07_28 => Era::Modern,
    };
    let server = Direct::start(era);
    suite.run(server.addr().await).await
}

async fn assert_scores(suite: Suite, scenarios: usize, checks: usize) {
    let report = direct(suite).await.without(|name| name == CUSTOM_HEADERS);
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

/// Scenarios and checks: the suite scores 37 and 120, and runs 8 checks of a schema and 14 of headers beside them.
pub(crate) const SCORE_2026_07_28: (usize, usize) = (39, 142);

#[tokio::test]
async fn baseline_2026_07_28() {
    let (scenarios, checks) = SCORE_2026_07_28;
    assert_scores(Suite::Of2026_07_28, scenarios, checks).await;
}
