//! Every command that `docs/commands.md` shows of these is run, as it stands there.

use std::process::Command;

use serde_json::json;

use super::SOON;
use crate::support::gateway::{Gateway, GatewayOptions, fixture_server, mcproxy};
use crate::support::wait;

/// What ends a command that does not end by itself.
const ENDED: i32 = 124;

fn commands() -> Vec<&'static str> {
    let document = include_str!("../../../../docs/commands.md");
    let section = document
        .split("\n## ")
        .find(|it| it.starts_with("A running gateway"));
    let blocks = section.expect("it is there").split("```sh\n").skip(1);
    let blocks = blocks.filter_map(|block| block.split("```").next());
    blocks.flat_map(str::lines).collect()
}

#[tokio::test]
async fn those_of_the_document_do_what_they_say() {
    let token = "a-token-of-some-length";
    let servers = json!({ "servers": [
        { "name": "demo", "command": "mcproxy", "args": ["demo-server"] },
        { "name": "github", "command": fixture_server(), "on_changed_tools": "hold" },
    ] });
    let options = GatewayOptions::new(servers.to_string()).env("MCPROXY_TOKEN", token);
    let gateway = Gateway::start(options).await;
    super::ready(&gateway, "demo").await;
    super::ready(&gateway, "github").await;
    std::fs::write(gateway.home().join("tokens"), token).unwrap();
    let folder = mcproxy().parent().unwrap().display();
    let commands = commands();
    assert!(commands.len() > 15, "{commands:?}");
    for line in commands {
        let here = line.replace("127.0.0.1:12009", &gateway.addr().to_string());
        let is_endless = here.contains("--watch") || here.contains(" -f");
        let script = if is_endless {
            format!("timeout 2 {here}")
        } else {
            here
        };
        let mut child = Command::new("/bin/sh")
            .args(["-c", &script])
            .current_dir(gateway.home())
            .env_clear()
            .env("PATH", format!("{folder}:/usr/bin:/bin"))
            .env("MCPROXY_STATE_DIR", gateway.state_dir())
            .spawn()
            .unwrap();
        let code = wait::until_blocking(line, SOON, || child.try_wait().unwrap()).code();
        assert_eq!(code, Some(if is_endless { ENDED } else { 0 }), "{line}");
    }
}
