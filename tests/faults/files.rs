//! Rows 130 to 133: files that the gateway reads are not what they should be.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::Duration;

use nix::sys::stat::Mode;
use nix::unistd::mkfifo;
use tokio::time::Instant;

use super::stage::{Stage, configuration};
use crate::support::both;
use crate::support::client::DEADLINE;
use crate::support::gateway::{Gateway, GatewayOptions};
use crate::support::servers::{fixture, fixtures};
use serde_json::json;

/// Puts something odd at a path.
type Place = fn(&Path);

fn pipe(path: &Path) {
    mkfifo(path, Mode::S_IRWXU).expect("the directory is ours");
}

#[tokio::test]
async fn f130_configuration_is_no_file() {
    let old = fixture("old", &[]);
    let mut stage = Stage::open(130, std::slice::from_ref(&old)).await;
    let path = stage.gateway.config_path();
    let kinds: [(&str, Place); 3] = [
        ("a pipe", pipe),
        ("a device", |path| symlink("/dev/zero", path).expect("ours")),
        ("a directory", |path| fs::create_dir(path).expect("ours")),
    ];
    let before = stage.gateway.children().len();
    for (number, (what, place)) in kinds.into_iter().enumerate() {
        let mark = stage.gateway.log_mark();
        fs::remove_file(&path).expect("it is there");
        place(&path);
        let line = stage
            .gateway
            .wait_for_log_after(mark, &format!("it is {what}"), DEADLINE)
            .await;
        stage.struck(format!("{what} is there"));
        let is_named = line.contains("mcp-servers.json") && line.contains("[ERROR]");
        stage.holds("the error names the file", is_named);
        if path.is_dir() && !path.is_symlink() {
            fs::remove_dir(&path).expect("it is empty");
        }
        let entries = [old.clone(), fixture(&format!("new{number}"), &[])];
        let mark = stage.gateway.log_mark();
        let mended = Instant::now();
        stage
            .gateway
            .rename_config(&configuration(&entries, &json!({})));
        stage
            .gateway
            .wait_for_log_after(mark, &format!("Server 'new{number}' started"), DEADLINE)
            .await;
        stage.within(
            "applied after the mend",
            mended.elapsed(),
            Duration::from_secs(8),
        );
    }
    let after = stage.gateway.children().len();
    stage.at_most("servers more than before", &(after - before), &1);
    stage.close().await;
}

#[tokio::test]
async fn f131_token_file_is_a_pipe() {
    let home = tempfile::tempdir().expect("a directory");
    let tokens = home.path().join("tokens");
    fs::write(&tokens, "0123456789abcdef\n").expect("ours");
    let option = format!("--token-file={}", tokens.display());
    let options = GatewayOptions::new(fixtures(&[("fx", &[])])).arg(option);
    let mut stage = Stage::early(131, options).await;
    stage
        .gateway
        .wait_for_log("Server 'fx' started", DEADLINE)
        .await;
    fs::remove_file(&tokens).expect("it is there");
    pipe(&tokens);
    let mark = stage.gateway.log_mark();
    stage.gateway.sighup();
    let line = stage
        .gateway
        .wait_for_log_after(mark, "The tokens stay as they were", DEADLINE)
        .await;
    stage.struck("the tokens were to be read");
    stage.holds("the error names the file", line.contains("it is a pipe"));
    stage
        .gateway
        .wait_for_log_after(mark, "reload: +0", DEADLINE)
        .await;
    let told = Instant::now();
    let is_well = stage.gateway.terminate().await.success();
    stage.holds("it ends with 0", is_well);
    stage.within(
        "ended after SIGTERM",
        told.elapsed(),
        Duration::from_secs(10),
    );
    stage.keep();
}

#[tokio::test]
async fn f132_odd_state_files() {
    let home = tempfile::tempdir().expect("a directory");
    let fx = [fixture("fx", &[])];
    let options = GatewayOptions::new(configuration(&fx, &json!({})));
    let mut first = Gateway::start(options.home(home.path())).await;
    first.wait_for_log("Server 'fx' started", DEADLINE).await;
    let key = first.state_dir().join("session.key");
    let (catalogue, last) = (
        first.kept("catalogues/fx.json"),
        first.kept("last-configuration"),
    );
    assert!(first.terminate().await.success());
    let victim = home.path().join("victim");
    fs::write(&victim, "precious").expect("ours");
    for file in [&key, &catalogue, &last] {
        fs::remove_file(file).ok();
    }
    pipe(&key);
    symlink("/dev/zero", &catalogue).expect("ours");
    symlink(&victim, &last).expect("ours");
    let at_home = |options: GatewayOptions| options.home(home.path());
    let mut stage = Stage::with(132, &fx, &json!({}), at_home).await;
    stage.struck("a pipe, a device and a link are there");
    let line = stage.gateway.wait_for_log("session.key", DEADLINE).await;
    stage.holds("the error names the key", line.contains("it is a pipe"));
    stage
        .gateway
        .wait_for_log("Server 'fx' started", DEADLINE)
        .await;
    let text = fs::read_to_string(&victim).expect("it is ours");
    stage.holds("what the link led to is as it was", text == "precious");
    stage.close().await;
}

#[tokio::test]
async fn f133_another_configuration() {
    let home = tempfile::tempdir().expect("a directory");
    let other = home.path().join("other.json");
    fs::write(&other, fixtures(&[("b", &[])])).expect("ours");
    let of_other = format!("--config={}", other.display());
    for option in [None, Some(of_other)] {
        let entries = configuration(&[fixture("a", &[])], &json!({}));
        let mut options = GatewayOptions::new(entries).home(home.path());
        let name = if option.is_some() { "b" } else { "a" };
        if let Some(option) = option {
            options = options.arg(option);
        }
        let mut gateway = Gateway::start(options).await;
        gateway
            .wait_for_log(&format!("Server '{name}' started"), DEADLINE)
            .await;
        assert!(gateway.terminate().await.success());
    }
    let mut stage = Stage::early(133, GatewayOptions::new("{ oops").home(home.path())).await;
    stage
        .gateway
        .wait_for_log("what was used last is used", DEADLINE)
        .await;
    stage.struck("the first file is broken");
    stage
        .gateway
        .wait_for_log("Server 'a' started", DEADLINE)
        .await;
    both::ready(&stage.gateway).await;
    stage.resume().await;
    let logs = stage.gateway.logs();
    let is_mixed = logs.iter().any(|line| line.contains("Server 'b'"));
    stage.holds("the server of the other file is not run", !is_mixed);
    stage.close().await;
}
