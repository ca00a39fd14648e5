//! What is imported from MetaMCP is served as it was: addresses, keys, names of tools, and what was
//! switched off stays off.

#![cfg(test)]

use std::collections::BTreeSet;
use std::fs;
use std::time::Duration;

use serde_json::{Value, json};

use super::run;
use crate::support::gateway::{Gateway, GatewayOptions};
use crate::support::modern::{Ask, ModernClient};
use crate::support::servers::tool_names;

const SOON: Duration = Duration::from_secs(20);
/// Of everybody, and of one user.
const PUBLIC: &str = "sk_mt_public_0123456789";
const ANNAS: &str = "sk_mt_annas_0123456789";

/// Two servers in two namespaces, and a third that only its user's endpoint shows.
fn database() -> Value {
    let server = |uuid: &str, name: &str| {
        json!({"uuid": uuid, "name": name, "type": "STDIO", "command": "mcproxy", "args": ["demo-server"],
            "env": {}, "url": null, "bearer_token": null, "user_id": null})
    };
    let endpoint = |name: &str, namespace: &str, user: Value| json!({"uuid": name, "name": name, "namespace_uuid": namespace, "enable_api_key_auth": true, "user_id": user});
    let member = |namespace: &str, server: &str, status: &str| json!({"namespace_uuid": namespace, "mcp_server_uuid": server, "status": status});
    let tool = |tool: &str, namespace: &str, status: &str, name: Value| {
        json!({"namespace_uuid": namespace, "tool_uuid": tool, "mcp_server_uuid": "one", "status": status,
            "override_name": name, "override_title": null, "override_description": null, "override_annotations": null})
    };
    json!({
        "mcp_servers": [server("one", "demo"), server("two", "Other Demo"), server("three", "hidden")],
        "namespaces": [],
        "endpoints": [endpoint("office", "w", Value::Null), endpoint("kids", "k", Value::Null), endpoint("anna", "w", json!("anna"))],
        "namespace_server_mappings": [member("w", "one", "ACTIVE"), member("w", "two", "ACTIVE"),
            member("w", "three", "INACTIVE"), member("k", "one", "ACTIVE"), member("k", "two", "INACTIVE")],
        "tools": [{"uuid": "echo", "name": "echo"}, {"uuid": "fail", "name": "fail"}, {"uuid": "wait", "name": "wait"}],
        "namespace_tool_mappings": [tool("echo", "w", "ACTIVE", json!("say")), tool("fail", "k", "INACTIVE", Value::Null),
            tool("wait", "k", "INACTIVE", Value::Null), tool("wait", "w", "INACTIVE", Value::Null)],
        "api_keys": [{"name": "everybody's", "key": PUBLIC, "user_id": null, "is_active": true},
            {"name": "laptop", "key": ANNAS, "user_id": "anna", "is_active": true}],
    })
}

#[tokio::test]
async fn what_was_metamcps_is_served_as_it_was() {
    let home = tempfile::tempdir().unwrap();
    let here = home.path();
    fs::write(here.join("dump.json"), database().to_string()).unwrap();
    let args = [
        "import",
        "dump.json",
        "--output",
        "new.json",
        "--tokens-to",
        "tokens",
    ];
    let said = run(here, &args, &[]);
    assert_eq!(said.code, Some(0), "{}{}", said.stdout, said.stderr);
    let config = fs::read_to_string(here.join("new.json")).unwrap();
    let tokens = here.join("tokens").display().to_string();
    let options = GatewayOptions::new(config).arg("--token-file").arg(tokens);
    let gateway = Gateway::start(options).await;
    for server in ["demo", "OtherDemo"] {
        gateway
            .wait_for_log(&format!("Server '{server}' started"), SOON)
            .await;
    }

    let kids = ["demo__add", "demo__now", "demo__say"];
    let others = [
        "OtherDemo__add",
        "OtherDemo__echo",
        "OtherDemo__fail",
        "OtherDemo__now",
        "OtherDemo__wait",
    ];
    let office: Vec<&str> = kids
        .into_iter()
        .chain(["demo__fail"])
        .chain(others)
        .collect();
    for (path, key, expected) in [
        ("/metamcp/kids/mcp", PUBLIC, Some(kids.to_vec())),
        ("/metamcp/kids/mcp", ANNAS, Some(kids.to_vec())),
        ("/metamcp/office/mcp", PUBLIC, Some(office.clone())),
        ("/metamcp/anna/mcp", ANNAS, Some(office)),
        ("/metamcp/anna/mcp", PUBLIC, None),
        ("/metamcp/none/mcp", ANNAS, None),
    ] {
        let client = ModernClient::new(gateway.addr()).at(path).with_token(key);
        let (status, list) = client.answer(&Ask::new("tools/list", "{}")).await;
        let Some(expected) = expected else {
            assert_eq!(status, 404, "{path}: {list}");
            continue;
        };
        let found: BTreeSet<String> = tool_names(&list).into_iter().collect();
        let expected: BTreeSet<String> = expected.into_iter().map(str::to_owned).collect();
        assert_eq!(found, expected, "{path} {key}");
    }
    assert_eq!(
        gateway.children().len(),
        2,
        "what no endpoint shows does not run"
    );
}
