//! What a server is started with: of the gateway's environment only what is allowed, of its entry all of it,
//! its arguments as they are written, its directory, and nothing that was left open.

use std::collections::BTreeMap;
use std::fs;

use serde_json::{Value, json};

use super::{SOON, logged};
use crate::support::client::SseClient;
use crate::support::gateway::{Gateway, GatewayOptions, fixture_server};
use crate::support::proc;
use crate::support::servers::{configuration, fixture, join, serve, serve_ready, text_of};

const SECRET: &str = "s3cr3t-of-the-gateway";

/// Variables of the gateway: which of them any server may see.
const OWN: [(&str, bool); 22] = [
    ("HOME", true),
    ("LANG", true),
    ("LC_ALL", true),
    ("TZ", true),
    ("https_proxy", true),
    ("NO_PROXY", true),
    ("SSL_CERT_FILE", true),
    ("NODE_EXTRA_CA_CERTS", true),
    ("XDG_CACHE_HOME", true),
    ("npm_config_cache", true),
    ("NPM_CONFIG_CACHE", true),
    ("DOCKER_HOST", true),
    ("PIP_INDEX_URL", true),
    ("UV_CACHE_DIR", true),
    ("HF_TOKEN", false),
    ("AWS_SECRET_ACCESS_KEY", false),
    ("GITHUB_TOKEN", false),
    ("npm_config__authToken", false),
    ("UV_PUBLISH_TOKEN", false),
    ("LD_PRELOAD_NOT", false),
    ("PYTHONPATH", false),
    ("RANDOM_NAME", false),
];

/// Addressed to the gateway alone.
const NEVER: [&str; 11] = [
    "NOTIFY_SOCKET",
    "WATCHDOG_USEC",
    "WATCHDOG_PID",
    "LISTEN_FDS",
    "LISTEN_PID",
    "LISTEN_FDNAMES",
    "FDSTORE",
    "CREDENTIALS_DIRECTORY",
    "STATE_DIRECTORY",
    "JOURNAL_STREAM",
    "MCPROXY_LOG_LEVEL",
];

async fn start(entries: &[Value]) -> (Gateway, SseClient) {
    let mut options = GatewayOptions::new(configuration(entries));
    for (name, _) in OWN {
        options = options.env(name, SECRET);
    }
    for name in NEVER {
        let value = if name == "MCPROXY_LOG_LEVEL" {
            "debug"
        } else {
            "4"
        };
        options = options.env(name, value);
    }
    let gateway = Gateway::start(options).await;
    let client = join(&gateway).await;
    (gateway, client)
}

async fn environment(client: &SseClient, server: &str) -> BTreeMap<String, String> {
    let answer = client.call_tool(&format!("{server}__env"), "{}").await;
    serde_json::from_str(&text_of(&answer)).expect("a table of texts")
}

/// What every server has.
const USUAL: &[&str] = &[
    "PATH",
    "LOGNAME",
    "SHELL",
    "TERM",
    "USER",
    "TMPDIR",
    "TOKEN",
    // What tells the gateway whose child a process is.
    "MCPROXY_CHILD",
];
/// How what programs are set up by begins, where whoever runs the tests has some.
const FAMILIES: &[&str] = &[
    "LC_",
    "XDG_",
    "UV_",
    "SSL_",
    "CURL_",
    "REQUESTS_",
    "GIT_SSL_",
    "NIX_SSL_",
    "CARGO_HOME",
    "RUSTUP_HOME",
    "PYENV_ROOT",
    "NVM_",
    "GO",
    "JAVA_HOME",
    "PIP_",
    "npm_config_",
    "DOCKER_",
    "PLAYWRIGHT_",
    "NODE_",
];

#[tokio::test]
async fn only_what_is_allowed_is_inherited() {
    let mut entry = fixture("a", &[]);
    entry["env"] = json!({ "TOKEN": "t0ken", "TZ": "of the entry" });
    let (gateway, client) = start(&[entry, fixture("b", &[])]).await;
    let seen = environment(&client, "a").await;
    for (name, may) in OWN {
        let value = seen.get(name).map(String::as_str);
        let wanted = match name {
            "TZ" => Some("of the entry"),
            _ => may.then_some(SECRET),
        };
        assert_eq!(value, wanted, "{name}");
    }
    for name in NEVER {
        assert!(!seen.contains_key(name), "{name}");
    }
    assert!(seen.contains_key("PATH"));
    assert_eq!(seen["TOKEN"], "t0ken");
    // Nothing else: the environment was built, not filtered.
    for (name, value) in &seen {
        let is_known = OWN.iter().any(|(own, may)| own == name && *may);
        let is_proxy = name.to_ascii_lowercase().ends_with("_proxy");
        assert!(
            is_known
                || is_proxy
                || USUAL.contains(&name.as_str())
                || FAMILIES.iter().any(|family| name.starts_with(family)),
            "{name}={value}"
        );
    }
    let other = environment(&client, "b").await;
    assert!(!other.contains_key("TOKEN"), "of another server");
    // Not even when everything is logged.
    assert_eq!(logged(&gateway, &["t0ken"]), Vec::<String>::new());
    assert_eq!(logged(&gateway, &[SECRET]), Vec::<String>::new());
}

#[tokio::test]
async fn a_server_that_inherits_sees_all_but_what_is_the_gateways_alone() {
    let mut entry = fixture("a", &[]);
    entry["inherit_env"] = json!(true);
    entry["env"] = json!({ "NOTIFY_SOCKET": "wanted", "GITHUB_TOKEN": "of the entry" });
    let (_gateway, client) = start(&[entry]).await;
    let seen = environment(&client, "a").await;
    for (name, _) in OWN {
        let wanted = match name {
            "GITHUB_TOKEN" => "of the entry",
            "UV_PUBLISH_TOKEN" => continue,
            _ => SECRET,
        };
        assert_eq!(seen.get(name).map(String::as_str), Some(wanted), "{name}");
    }
    for name in NEVER.iter().filter(|name| **name != "NOTIFY_SOCKET") {
        assert!(!seen.contains_key(*name), "{name}");
    }
    // What the entry itself asks for is its own business.
    assert_eq!(seen["NOTIFY_SOCKET"], "wanted");
}

#[tokio::test]
async fn variables_are_put_in_where_the_entry_names_them() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let inside = directory.path().join("in side");
    fs::create_dir(&inside).expect("the directory is ours");
    let entry = json!({
        "name": "a",
        "command": "${PROGRAM}",
        "args": ["--marker", "${WORD} ${env:WORD} ${MISSING:-else} ${MISSING} $WORD ${WORD"],
        "cwd": "${ROOT}/in side",
        "env": { "ONE": "${WORD}!", "TWO": "${EMPTY:-full}", "THREE": "${MISSING}" },
    });
    let program = fixture_server().to_string_lossy();
    let options = GatewayOptions::new(configuration(&[entry]))
        .env("PROGRAM", &program)
        .env("ROOT", &directory.path().to_string_lossy())
        .env("WORD", "w$(x)")
        .env("EMPTY", "");
    let gateway = Gateway::start(options).await;
    let client = join(&gateway).await;
    let identity: Value =
        serde_json::from_str(&text_of(&client.call_tool("a__pid", "{}").await)).expect("JSON");
    assert_eq!(
        identity["marker"],
        "w$(x) w$(x) else ${MISSING} $WORD ${WORD"
    );
    let cwd = fs::read_link(format!("/proc/{}/cwd", identity["pid"])).expect("it runs");
    assert_eq!(cwd, inside.canonicalize().expect("it exists"));
    let seen = environment(&client, "a").await;
    assert_eq!(seen["ONE"], "w$(x)!");
    assert_eq!(seen["TWO"], "full");
    assert_eq!(seen["THREE"], "${MISSING}");
    let warning = gateway.wait_for_log("MISSING", SOON).await;
    assert!(warning.contains("[WARN]"), "{warning}");
}

#[tokio::test]
async fn arguments_are_passed_as_they_are_written() {
    for marker in [
        "$(touch /tmp/never) `id` $HOME ${} *",
        "; exit 1 & | > x < y",
        "'single' \"double\" back\\slash",
        "line\nbreak\ttab",
        "é🦀 --not-a-flag",
        " ",
    ] {
        let (_gateway, client) = serve_ready(&[fixture("a", &["--marker", marker])]).await;
        let identity = text_of(&client.call_tool("a__pid", "{}").await);
        let identity: Value = serde_json::from_str(&identity).expect("JSON");
        assert_eq!(identity["marker"], marker);
    }
}

#[tokio::test]
async fn a_server_starts_with_three_files_no_mask_and_a_group_of_its_own() {
    let plain = json!({ "name": "s", "command": "sleep", "args": ["1000"] });
    let (gateway, client) = serve(&[plain, fixture("a", &[])]).await;
    let answer = text_of(&client.call_tool("a__pid", "{}").await);
    let identity: Value = serde_json::from_str(&answer).expect("JSON");
    let pid = u32::try_from(identity["pid"].as_u64().expect("a pid")).expect("a pid");
    assert_eq!(proc::open_files(pid), Some(3), "0, 1 and 2");
    for child in gateway.children() {
        assert_eq!(child.group, child.pid, "{child:?}");
    }
    // Rust ignores SIGPIPE, for itself and for whoever inherits it: others must not.
    let plain = gateway.child("sleep 1000").expect("it runs");
    let status = fs::read_to_string(format!("/proc/{}/status", plain.pid)).expect("it runs");
    for field in ["SigBlk:", "SigIgn:"] {
        let mask = status.lines().find_map(|line| line.strip_prefix(field));
        let mask = u64::from_str_radix(mask.expect("proc(5)").trim(), 16).expect("a mask");
        // The C library's own two, 32 and 33, are not ours to judge.
        assert_eq!(mask & 0x7fff_ffff, 0, "{field} {mask:x}");
    }
}
