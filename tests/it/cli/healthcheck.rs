//! `mcproxy healthcheck`: one line and an exit code for who asks whether the gateway is alive.

#![cfg(test)]

use std::time::Duration;

use nix::sys::signal::Signal;
use tokio::time::Instant;

use super::{Said, WRONG_ARGUMENTS, run};
use crate::support::gateway::{Gateway, GatewayOptions};

fn ask(gateway: &Gateway, args: &[&str], env: &[(&str, &str)]) -> Said {
    run(gateway.home(), args, env)
}

/// With a token asked for, which it does without.
async fn guarded(listen: &str) -> Gateway {
    let options = GatewayOptions::new("[]").env("MCPROXY_TOKEN", "a-token-of-some-length");
    Gateway::start(options.arg("--listen").arg(listen)).await
}

#[tokio::test]
async fn the_gateway_that_runs_is_found() {
    for listen in ["127.0.0.1:0", "0.0.0.0:0", "[::]:0", "[::1]:0"] {
        let gateway = guarded(listen).await;
        let address = gateway.addr().to_string();
        let by_variable = [("MCPROXY_LISTEN", address.as_str())];
        for said in [
            ask(&gateway, &["healthcheck", &address], &[]),
            ask(&gateway, &["--listen", &address, "healthcheck"], &[]),
            ask(&gateway, &["healthcheck"], &by_variable),
        ] {
            assert_eq!((said.code, said.stderr.as_str()), (Some(0), ""), "{listen}");
            assert!(
                said.stdout.starts_with("healthy: http://"),
                "{}",
                said.stdout
            );
            assert_eq!(said.stdout.lines().count(), 1);
        }
    }
}

#[tokio::test]
async fn one_that_does_not_answer_or_has_gone_is_unhealthy() {
    let mut gateway = guarded("127.0.0.1:0").await;
    let address = gateway.addr().to_string();
    gateway.signal(Signal::SIGSTOP);
    let asked = Instant::now();
    let said = ask(&gateway, &["healthcheck", &address], &[]);
    gateway.signal(Signal::SIGCONT);
    assert!(
        asked.elapsed() < Duration::from_secs(8),
        "{:?}",
        asked.elapsed()
    );
    assert_eq!(said.code, Some(1));
    assert_eq!(
        said.stdout,
        format!("unhealthy: http://{address}/healthz: no answer within 4 s\n")
    );

    gateway.terminate().await;
    let said = ask(&gateway, &["healthcheck", &address], &[]);
    assert_eq!(said.code, Some(1));
    assert!(
        said.stdout.contains("Connection refused"),
        "{}",
        said.stdout
    );
    let said = ask(&gateway, &["healthcheck", "nonsense"], &[]);
    assert_eq!(said.code, Some(WRONG_ARGUMENTS));
}
