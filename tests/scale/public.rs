//! A gateway at a public address: nginx with the configuration of `packaging/public`, in which only addresses and
//! secrets are others.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::json;

use crate::balancer::{Balancer, Kind, free, replaced};
use crate::support::gateway::{Gateway, GatewayOptions, mcproxy};
use crate::support::servers::{configuration, fixture};

const TOKEN: &str = "a-token-of-some-length";
const PATH: &str = "0123456789abcdef";
const CONFIGURATION: &str = include_str!("../../packaging/public/nginx.conf");

/// An authority of the test's own, and what it says `localhost` is.
const CERTIFY: &str = "
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.pem -days 2 -subj /CN=ca
openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout own.key -out own.csr -subj /CN=localhost
printf 'subjectAltName=DNS:localhost\\nbasicConstraints=CA:FALSE\\n' >own.ext
openssl x509 -req -in own.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out own.pem -days 2 -extfile own.ext
";

fn shell(home: &Path, script: &str) -> Output {
    let mut command = Command::new("/bin/sh");
    command.args(["-ec", script]).current_dir(home);
    command.output().expect("there is a shell")
}

fn said(output: &Output) -> String {
    let all = [&*output.stdout, &*output.stderr].concat();
    String::from_utf8_lossy(&all).into_owned()
}

#[tokio::test]
async fn a_connector_without_a_token_is_known_by_its_path() {
    let entries = configuration(&[fixture("fx", &[])]);
    let options = GatewayOptions::new(entries).env("MCPROXY_TOKEN", TOKEN);
    let gateway = Gateway::start(options).await;
    let home = tempfile::tempdir().expect("a temporary directory");
    let made = shell(home.path(), CERTIFY);
    assert!(made.status.success(), "{}", said(&made));
    let here = home.path().display().to_string();
    let addr = free();
    let mut text = CONFIGURATION.to_owned();
    let letsencrypt = "/etc/letsencrypt/live/mcp.example.org";
    for (from, to) in [
        ("listen 443", format!("listen {addr}")),
        (
            "server_name mcp.example.org",
            "server_name localhost".to_owned(),
        ),
        (
            &*format!("{letsencrypt}/fullchain.pem"),
            format!("{here}/own.pem"),
        ),
        (
            &*format!("{letsencrypt}/privkey.pem"),
            format!("{here}/own.key"),
        ),
        ("/CONNECTOR-PATH/", format!("/{PATH}/")),
        ("127.0.0.1:12009/mcp;", format!("{}/mcp;", gateway.addr())),
        ("GATEWAY-TOKEN", TOKEN.to_owned()),
    ] {
        text = replaced(&text, from, &to);
    }
    let proxy = tempfile::tempdir().expect("a temporary directory");
    let _proxy = Balancer::run(Kind::Nginx, proxy, addr, &text).await;

    let check = |path: &str| {
        let url = format!("https://localhost:{}{path}", addr.port());
        let file = json!([{"name": "public", "url": url}]).to_string();
        std::fs::write(home.path().join("far.json"), file).expect("it is ours");
        let mut check = Command::new(mcproxy());
        check
            .args(["check", "--start", "far.json"])
            .current_dir(home.path())
            .env("MCPROXY_STATE_DIR", home.path().join("state"))
            .env("SSL_CERT_FILE", home.path().join("ca.pem"));
        check.output().expect("it runs")
    };
    let through = check(&format!("/{PATH}/mcp"));
    assert_eq!(through.status.code(), Some(0), "{}", said(&through));
    assert!(said(&through).contains("ready"), "{}", said(&through));
    for path in ["/mcp", "/0123456789abcdee/mcp"] {
        let lost = check(path);
        assert_eq!(lost.status.code(), Some(78), "{path}: {}", said(&lost));
        assert!(said(&lost).contains("404"), "{path}: {}", said(&lost));
    }
}
