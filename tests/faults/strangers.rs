//! Row 54: every row of the table of strangers on every route, as raw bytes to the program.

use std::net::SocketAddr;

use super::stage::Stage;
use crate::support::client::DEADLINE;
use crate::support::gateway::GatewayOptions;
use crate::support::servers::fixture;
use crate::support::strangers::{self, LISTED_HOSTS, LISTED_ORIGINS, ROUTES};
use crate::support::wait;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// The head of the reply to `request`, on a connection of its own.
async fn head(addr: SocketAddr, request: &str) -> String {
    let exchange = async {
        let mut stream = TcpStream::connect(addr).await?;
        stream.write_all(request.as_bytes()).await?;
        let mut received = Vec::new();
        while memchr::memmem::find(&received, b"\r\n\r\n").is_none()
            && stream.read_buf(&mut received).await? > 0
        {}
        std::io::Result::Ok(String::from_utf8_lossy(&received).into_owned())
    };
    wait::within(|| format!("the reply to {request:?}"), DEADLINE, exchange).await
}

#[tokio::test]
async fn f54_foreign_host_or_origin() {
    let listed = |options: GatewayOptions| {
        let hosts = LISTED_HOSTS.map(|host| format!("--allowed-host={host}"));
        let origins = LISTED_ORIGINS.map(|origin| format!("--allowed-origin={origin}"));
        hosts
            .into_iter()
            .chain(origins)
            .fold(options, GatewayOptions::arg)
    };
    let servers = [fixture("x", &[])];
    let mut stage = Stage::with(54, &servers, &serde_json::json!({}), listed).await;
    let addr = stage.gateway.addr();
    let (mut refused, mut complaints) = (0, Vec::new());
    for route in ROUTES {
        let usual = strangers::status(&head(addr, &strangers::ordinary().request(route)).await);
        assert!(![0, 403, 421].contains(&usual), "{route:?}: {usual}");
        for row in strangers::rows() {
            let head = head(addr, &row.request(route)).await;
            refused += usize::from([400, 403, 421].contains(&strangers::status(&head)));
            complaints.extend(row.complaint(route, usual, &head));
        }
    }
    let rows = strangers::rows().count();
    stage.struck(format!(
        "{rows} rows on {} routes, {refused} requests refused",
        ROUTES.len()
    ));
    let counted = stage.metric("mcproxy_requests_refused_total").await;
    stage.struck(format!("mcproxy_requests_refused_total: {counted}"));
    assert!(complaints.is_empty(), "{}", complaints.join("\n---\n"));
    stage.holds("40 rows at least", rows >= 40);
    stage.holds("each has its status on each route", true);
    stage.close().await;
}
