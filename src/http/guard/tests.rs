//! The guard's table: who is let in, who is not, and with which refusal.

use super::authority::{Authority, Host, Origin};
use super::rules::own_names;
use super::*;
use hyper::header::{HeaderMap, HeaderValue};
use proptest::prelude::*;

fn rules() -> Rules {
    let strings = |list: &[&str]| list.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>();
    Rules::new(
        &strings(&["Server2", "server2.example.com"]),
        &strings(&["gw.example.org", "*.wild.org", "port.org:8443"]),
        &strings(&[
            "https://chat.example.org",
            "vscode-webview://*",
            "https://*.apps.dev",
        ]),
    )
    .unwrap()
}

/// Checks `GET target` with these headers.
fn ask(target: &str, headers: &[(&'static str, &str)]) -> Result<Admitted, Refusal> {
    ask_with(&Method::GET, target, headers)
}

fn ask_with(
    method: &Method,
    target: &str,
    headers: &[(&'static str, &str)],
) -> Result<Admitted, Refusal> {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.append(*name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
    }
    check(&rules(), method, &target.parse().unwrap(), &map)
}

/// What a row of the table expects.
#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    Pass,
    BadHost,
    WrongHost,
    WrongOrigin,
}

fn outcome(verdict: &Result<Admitted, Refusal>) -> Outcome {
    match verdict {
        Ok(_) => Outcome::Pass,
        Err(Refusal::HostCount(_) | Refusal::HostMalformed(_) | Refusal::HostMismatch { .. }) => {
            Outcome::BadHost
        }
        Err(Refusal::Host(_)) => Outcome::WrongHost,
        Err(Refusal::Origin(_) | Refusal::NullOrigin | Refusal::CrossSite) => Outcome::WrongOrigin,
    }
}

#[test]
fn hosts_are_let_in_or_refused() {
    use Outcome::{BadHost, Pass, WrongHost};
    for (host, expected) in [
        ("127.0.0.1:12009", Pass),
        ("192.168.1.20:12009", Pass),
        ("8.8.8.8", Pass),
        ("[::1]:12009", Pass),
        ("[fe80::1]", Pass),
        ("localhost", Pass),
        ("LOCALHOST:12009", Pass),
        ("localhost.:12009", Pass),
        ("localhost:", Pass),
        ("a.b.localhost:1", Pass),
        ("server2:12009", Pass),
        ("SERVER2.example.com", Pass),
        ("server2.local", Pass),
        ("nas.lan:12009", Pass),
        ("nas.home.arpa", Pass),
        ("vm.zone.internal", Pass),
        ("host.docker.internal:12009", Pass),
        ("host.containers.internal:12009", Pass),
        ("mcp_gateway:12009", Pass),
        ("gw.example.org", Pass),
        ("GW.example.org.:80", Pass),
        ("a.b.wild.org", Pass),
        ("port.org:8443", Pass),
        ("evil.com", WrongHost),
        ("evil.com.:12009", WrongHost),
        ("localhost.evil.com", WrongHost),
        ("evillocalhost.com", WrongHost),
        ("127.0.0.1.evil.com", WrongHost),
        ("gw.example.org.evil.com", WrongHost),
        ("xgw.example.org", WrongHost),
        ("wild.org", WrongHost),
        ("notwild.org", WrongHost),
        ("port.org:8444", WrongHost),
        ("", BadHost),
        ("user@localhost", BadHost),
        ("localhost:99999", BadHost),
        ("localhost:+80", BadHost),
        ("localhost:80:80", BadHost),
        ("[fe80::1%eth0]", BadHost),
        ("[::1", BadHost),
        ("::1", BadHost),
        ("[127.0.0.1]", BadHost),
        ("127.1", BadHost),
        ("2130706433", BadHost),
        ("0x7f000001", BadHost),
        ("a..local", BadHost),
        (".local", BadHost),
        ("a/b.local", BadHost),
        ("a%2eb", BadHost),
        ("evil.com, localhost", BadHost),
        ("b\u{fc}cher.local", BadHost),
    ] {
        assert_eq!(
            outcome(&ask("/sse", &[("host", host)])),
            expected,
            "{host:?}"
        );
    }
}

#[test]
fn exactly_one_host_is_wanted() {
    assert_eq!(ask("/", &[]), Err(Refusal::HostCount(0)));
    let twice = [("host", "localhost"), ("host", "localhost")];
    assert_eq!(ask("/", &twice), Err(Refusal::HostCount(2)));
}

#[test]
fn a_prober_calls_us_by_any_name_or_none() {
    for path in ["/healthz", "/readyz", "/health", "/healthz/"] {
        for hosts in [
            &[][..],
            &[("host", "evil.com")],
            &[("host", "")],
            &[("host", "*")],
            &[("host", "fe80::1")],
            &[("host", "a b:c")],
        ] {
            assert_eq!(ask(path, hosts), Ok(Admitted::Route(None)), "{hosts:?}");
            let head = ask_with(&Method::HEAD, path, hosts);
            assert_eq!(head, Ok(Admitted::Route(None)), "{hosts:?}");
            assert!(ask_with(&Method::POST, path, hosts).is_err(), "{hosts:?}");
        }
        let twice = [("host", "localhost"), ("host", "localhost")];
        assert_eq!(ask(path, &twice), Err(Refusal::HostCount(2)));
        // Not by a page, all the same.
        let page = [("host", "evil.com"), ("origin", "http://evil.com")];
        assert_eq!(outcome(&ask(path, &page)), Outcome::WrongOrigin);
    }
    assert!(ask("/healthzz", &[]).is_err());
    assert!(ask("/status", &[("host", "evil.com")]).is_err());
}

#[test]
fn an_absolute_target_agrees_with_the_host() {
    use Outcome::{BadHost, Pass};
    for (target, host, expected) in [
        ("http://localhost:12009/sse", "localhost:12009", Pass),
        ("http://LOCALHOST/sse", "localhost:80", Pass),
        ("https://localhost:443/sse", "localhost", Pass),
        ("http://localhost:1/sse", "localhost:2", BadHost),
        ("http://evil.com/sse", "localhost", BadHost),
        ("http://user@localhost/sse", "localhost", BadHost),
    ] {
        let verdict = ask(target, &[("host", host)]);
        assert_eq!(outcome(&verdict), expected, "{target} for {host}");
    }
}

#[test]
fn origins_are_let_in_or_refused() {
    use Outcome::{Pass, WrongOrigin};
    for (origin, expected) in [
        ("http://localhost:6274", Pass),
        ("https://localhost", Pass),
        ("http://127.0.0.1:3000", Pass),
        ("http://127.8.8.8", Pass),
        ("http://[::1]:3000", Pass),
        ("http://app.localhost:3000", Pass),
        ("http://nas.lan:12009", Pass),
        ("HTTP://NAS.LAN:12009", Pass),
        ("https://chat.example.org", Pass),
        ("https://chat.example.org:443", Pass),
        ("vscode-webview://1a2b3c", Pass),
        ("https://one.apps.dev", Pass),
        ("null", WrongOrigin),
        ("", WrongOrigin),
        ("https://evil.com", WrongOrigin),
        ("http://evil.com:12009", WrongOrigin),
        ("http://nas.lan", WrongOrigin),
        ("http://nas.lan:12010", WrongOrigin),
        ("https://nas.lan", WrongOrigin),
        ("http://other.lan:12009", WrongOrigin),
        ("ftp://localhost", WrongOrigin),
        ("http://chat.example.org", WrongOrigin),
        ("https://chat.example.org:8443", WrongOrigin),
        ("https://chat.example.org.evil.com", WrongOrigin),
        ("https://apps.dev", WrongOrigin),
        ("http://localhost@evil.com", WrongOrigin),
        ("http://localhost.evil.com", WrongOrigin),
        ("http://localhost/path", WrongOrigin),
        ("chrome-extension://abc", WrongOrigin),
        ("localhost", WrongOrigin),
    ] {
        let verdict = ask("/sse", &[("host", "nas.lan:12009"), ("origin", origin)]);
        assert_eq!(outcome(&verdict), expected, "{origin:?}");
    }
    let two = [
        ("host", "localhost"),
        ("origin", "http://localhost"),
        ("origin", "http://localhost"),
    ];
    assert_eq!(outcome(&ask("/sse", &two)), WrongOrigin);
}

#[test]
fn behind_a_proxy_the_page_of_the_same_host_passes() {
    let with = |host, origin| outcome(&ask("/sse", &[("host", host), ("origin", origin)]));
    assert_eq!(
        with("gw.example.org", "https://gw.example.org"),
        Outcome::Pass
    );
    assert_eq!(
        with("gw.example.org", "http://gw.example.org"),
        Outcome::Pass
    );
    assert_eq!(
        with("gw.example.org", "https://gw.example.org:8443"),
        Outcome::WrongOrigin
    );
}

#[test]
fn cross_site_requests_need_a_listed_origin() {
    let with = |origin: &[(&'static str, &str)], site: &str| {
        let mut headers = vec![("host", "localhost"), ("sec-fetch-site", site)];
        headers.extend(origin);
        ask("/sse", &headers)
    };
    let listed = [("origin", "https://chat.example.org")];
    assert!(with(&listed, "cross-site").is_ok());
    assert_eq!(with(&[], "cross-site"), Err(Refusal::CrossSite));
    assert_eq!(with(&[], "Cross-Site "), Err(Refusal::CrossSite));
    assert!(with(&[], "same-origin").is_ok());
    assert!(with(&[], "none").is_ok());
    // What Node's fetch sends, and with it mcp-remote, Cursor and VS Code.
    let node = [("host", "localhost"), ("sec-fetch-mode", "cors")];
    assert!(ask("/sse", &node).is_ok());
}

#[test]
fn a_preflight_is_answered_for_listed_origins_only() {
    let preflight = |origin: &str| {
        let headers = [("host", "localhost"), ("origin", origin)];
        ask_with(&Method::OPTIONS, "/messages", &headers)
    };
    let listed = "https://chat.example.org";
    assert_eq!(
        preflight(listed),
        Ok(Admitted::Preflight(HeaderValue::from_static(listed)))
    );
    let unlisted = "http://localhost:6274";
    assert_eq!(preflight(unlisted), Err(Refusal::Origin(unlisted.into())));
    let plain = ask_with(&Method::OPTIONS, "/messages", &[("host", "localhost")]);
    assert_eq!(plain, Ok(Admitted::Route(None)));
}

#[test]
fn a_refusal_names_the_remedy() {
    let host = ask("/", &[("host", "Evil.com:80")])
        .unwrap_err()
        .to_string();
    assert!(host.contains("--allowed-host evil.com,"), "{host}");
    assert!(host.contains("MCPROXY_ALLOWED_HOST"), "{host}");
    let headers = [("host", "localhost"), ("origin", "https://evil.com")];
    let origin = ask("/", &headers).unwrap_err().to_string();
    assert!(
        origin.contains("--allowed-origin https://evil.com,"),
        "{origin}"
    );
}

#[test]
fn settings_that_mean_nothing_are_refused() {
    let rules = |hosts: &[&str], origins: &[&str]| {
        let strings = |list: &[&str]| list.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>();
        Rules::new(&[], &strings(hosts), &strings(origins))
    };
    for host in [
        "",
        "*",
        "*.",
        "https://a.org",
        "a.org/",
        "a b",
        "*.10.0.0.1",
    ] {
        let error = rules(&[host], &[]).unwrap_err();
        assert_eq!(error, InvalidRule::Host(host.into()));
    }
    for origin in [
        "",
        "*",
        "a.org",
        "file:",
        "app://a b",
        "app://a/b",
        "https://",
        "https://*",
        "https://a.org/x",
        "http://*.1.2.3.4",
    ] {
        let error = rules(&[], &[origin]).unwrap_err();
        assert_eq!(error, InvalidRule::Origin(origin.into()));
    }
    assert_eq!(rules(&[], &["null"]).unwrap_err(), InvalidRule::Null);
    assert!(rules(&["a.org", "10.0.0.1", "*.a.org:80"], &["https://a.org/"]).is_ok());
}

#[test]
fn native_apps_are_let_in_by_setting() {
    let apps = [
        "app://.",
        "app://-",
        "app://obsidian.md",
        "tauri://localhost",
        "capacitor://localhost",
        "vscode-file://vscode-app",
        "chrome-extension://abcdefghijklmnop",
        "file://",
    ];
    let ask = |rules: &Rules, origin: &str| {
        let lines = [("host", "localhost"), ("origin", origin)];
        let lines = lines.map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
        let headers = HeaderMap::from_iter::<[(HeaderName, HeaderValue); 2]>(lines);
        check(rules, &Method::GET, &"/mcp".parse().unwrap(), &headers)
    };
    let rules = |listed: &str| Rules::new(&[], &[], &[listed.to_owned()]).unwrap();
    for app in apps {
        let own = rules(app);
        for origin in apps {
            let listed = HeaderValue::from_str(origin).unwrap();
            let verdict = ask(&own, origin);
            assert_eq!(
                verdict == Ok(Admitted::Route(Some(listed))),
                origin == app,
                "{origin}"
            );
            assert_eq!(verdict.is_err(), origin != app, "{origin}");
        }
        assert!(ask(&own, &app.to_uppercase()).is_ok(), "{app}");
        assert_eq!(ask(&own, "null"), Err(Refusal::NullOrigin));
    }
    let all = rules("app://*");
    for (origin, is_in) in [
        ("app://.", true),
        ("app://", true),
        ("APP://x", true),
        ("app2://x", false),
    ] {
        assert_eq!(ask(&all, origin).is_ok(), is_in, "{origin}");
    }
    assert!(ask(&rules("file:///"), "file://").is_ok());
}

#[test]
fn this_machine_knows_its_names() {
    let table =
        "127.0.0.1 localhost\n127.0.1.1\tserver2.example.com server2 # us\n10.0.0.9 other\n";
    let names = own_names("server2", table);
    assert_eq!(names, ["server2", "server2.example.com", "server2"]);
    assert!(own_names("", "").is_empty());
    assert!(Rules::for_this_machine(&[], &[]).is_ok());
}

proptest! {
    /// Whatever the bytes are, parsing ends, and what it lets through is plain.
    #[test]
    fn any_text_is_parsed_or_refused(text in "\\PC{0,80}") {
        if let Some(Authority { host: Host::Name(name), .. }) = Authority::parse(&text) {
            let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_.".contains(&b);
            prop_assert!(name.bytes().all(plain), "{name:?}");
        }
        if let Some(origin) = Origin::parse(&text) {
            prop_assert!(text.contains("://") && !origin.scheme.is_empty());
        }
    }

    /// No name below a stranger's domain gets in, however it is written.
    #[test]
    fn a_strangers_domain_stays_out(prefix in "[a-zA-Z0-9.-]{0,30}", dot in "\\.?", port in "(:[0-9]{0,5})?") {
        let host = format!("{prefix}.evil.com{dot}{port}");
        prop_assert!(ask("/", &[("host", &host)]).is_err());
    }
}
