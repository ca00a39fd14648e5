//! Who is let in: a table of requests from here and from strangers, by their `Host`, `Origin` and what a browser
//! says of itself, and of all ways in. The guard's tests hold it against the port alone, the fault suite against the
//! program. The operator has listed [`LISTED_HOSTS`] and [`LISTED_ORIGINS`], and one of the machine's names is `server2`.

pub const LISTED_HOSTS: [&str; 3] = ["gw.example.org", "*.wild.org", "port.org:8443"];
pub const LISTED_ORIGINS: [&str; 2] = ["https://chat.example.org", "vscode-webview://*"];

/// Method and path.
pub type Route = (&'static str, &'static str);

/// Before the path, version of HTTP, header lines, the status that refuses.
type Text = (&'static str, &'static str, &'static str, u16);

/// Every way in, those to nowhere and of the wrong method too.
pub const ROUTES: [Route; 35] = [
    ("GET", "/"),
    ("HEAD", "/"),
    ("POST", "/"),
    ("GET", "/sse"),
    ("POST", "/sse"),
    ("DELETE", "/sse"),
    ("POST", "/messages"),
    (
        "POST",
        "/messages?session_id=0123456789abcdef0123456789abcdef",
    ),
    ("GET", "/messages"),
    ("POST", "/message?sessionId=1"),
    ("POST", "/mcp"),
    ("GET", "/mcp"),
    ("DELETE", "/mcp"),
    ("OPTIONS", "/mcp"),
    ("PUT", "/mcp"),
    ("GET", "/metamcp/x/sse"),
    ("POST", "/metamcp/x/sse"),
    ("POST", "/sse/../messages?session_id=1"),
    ("POST", "/metamcp/x/message?sessionId=1"),
    ("POST", "/metamcp/x/mcp"),
    ("GET", "/metamcp/x/mcp"),
    ("DELETE", "/metamcp/x/mcp"),
    ("OPTIONS", "/metamcp/x/mcp"),
    ("GET", "/healthz"),
    ("POST", "/healthz"),
    ("HEAD", "/health"),
    ("GET", "/readyz"),
    ("GET", "/status"),
    ("GET", "/metrics"),
    ("POST", "/metrics"),
    ("GET", "/.well-known/oauth-protected-resource"),
    ("GET", "/mcp/.well-known/openid-configuration"),
    ("POST", "/register"),
    ("GET", "/nothing"),
    ("OPTIONS", "/nothing"),
];

/// A request that comes with these, and the status that refuses it; 0 if it passes.
#[derive(Clone, Debug)]
pub struct Row {
    /// What is before the path in the request line.
    before: &'static str,
    version: &'static str,
    /// Header lines.
    lines: String,
    refused: u16,
}

const HOSTS: [Text; 40] = [
    // Addresses, this machine, names that no stranger can have.
    ("", "1.1", "Host: 127.0.0.1:12009", 0),
    ("", "1.1", "Host: 192.168.1.20", 0),
    ("", "1.1", "Host: [::1]:12009", 0),
    ("", "1.1", "Host: [fe80::1]", 0),
    ("", "1.1", "Host: LocalHost:1", 0),
    ("", "1.1", "Host: localhost.", 0),
    ("", "1.1", "Host: localhost:", 0),
    ("", "1.1", "Host: a.localhost", 0),
    ("", "1.1", "Host: server2", 0),
    ("", "1.1", "Host: server2.local:12009", 0),
    ("", "1.1", "Host: host.docker.internal", 0),
    ("", "1.1", "Host: nas.lan", 0),
    ("", "1.1", "Host: GW.example.org:443", 0),
    ("", "1.1", "Host: a.b.wild.org", 0),
    ("", "1.1", "Host: port.org:8443", 0),
    ("", "1.1", "hOsT:\tlocalhost\t", 0),
    ("", "1.0", "Host: localhost", 0),
    ("http://localhost", "1.1", "Host: localhost", 0),
    ("HTTP://LOCALHOST:80", "1.1", "Host: localhost", 0),
    // Strangers.
    ("", "1.1", "Host: evil.com", 421),
    ("", "1.0", "Host: evil.com", 421),
    ("", "1.1", "Host: evil.com.:12009", 421),
    ("", "1.1", "Host: localhost.evil.com", 421),
    ("", "1.1", "Host: 127.0.0.1.nip.io", 421),
    ("", "1.1", "Host: xn--lclhost-9xa.com", 421),
    ("", "1.1", "Host: port.org:8444", 421),
    ("http://evil.com", "1.1", "Host: evil.com", 421),
    (
        "",
        "1.1",
        "Host: evil.com\r\nX-Forwarded-Host: localhost",
        421,
    ),
    // What means two things, or nothing.
    ("", "1.1", "X: y", 400),
    ("", "1.0", "X: y", 400),
    ("", "1.1", "Host:", 400),
    ("", "1.1", "Host: localhost\r\nHost: localhost", 400),
    ("", "1.1", "Host: localhost\r\nhost: evil.com", 400),
    ("", "1.1", "Host: localhost, evil.com", 400),
    ("", "1.1", "Host: user@localhost", 400),
    ("", "1.1", "Host: localhost:99999", 400),
    ("", "1.1", "Host: [fe80::1%25eth0]", 400),
    ("", "1.1", "Host: 2130706433", 400),
    ("", "1.1", "Host: l\u{f6}calhost", 400),
    ("http://evil.com", "1.1", "Host: localhost", 400),
];

/// The same behind `Host: nas.lan:12009`.
const PAGES: [Text; 26] = [
    ("", "1.1", "Origin: http://localhost:6274", 0),
    ("", "1.1", "Origin: https://127.0.0.1", 0),
    ("", "1.1", "Origin: http://[::1]:3000", 0),
    ("", "1.1", "Origin: http://nas.lan:12009", 0),
    ("", "1.1", "Origin: HTTP://NAS.lan:12009", 0),
    ("", "1.1", "Origin: https://chat.example.org", 0),
    ("", "1.1", "Origin: vscode-webview://1a2b3c", 0),
    ("", "1.1", "Sec-Fetch-Site: none", 0),
    (
        "",
        "1.1",
        "Sec-Fetch-Site: same-origin\r\nSec-Fetch-Mode: cors",
        0,
    ),
    ("", "1.1", "Sec-Fetch-Mode: cors", 0),
    (
        "",
        "1.1",
        "Origin: https://chat.example.org\r\nSec-Fetch-Site: cross-site",
        0,
    ),
    ("", "1.1", "Origin: null", 403),
    ("", "1.1", "Origin:", 403),
    ("", "1.1", "Origin: *", 403),
    ("", "1.1", "Origin: https://evil.com", 403),
    ("", "1.0", "Origin: https://evil.com", 403),
    ("", "1.1", "Origin: http://evil.com:12009", 403),
    ("", "1.1", "Origin: http://localhost.evil.com", 403),
    ("", "1.1", "Origin: http://localhost@evil.com", 403),
    ("", "1.1", "Origin: http://nas.lan", 403),
    ("", "1.1", "Origin: http://nas.lan:12010", 403),
    ("", "1.1", "Origin: http://localhost/", 403),
    ("", "1.1", "Origin: file://", 403),
    ("", "1.1", "Origin: http://localhost http://evil.com", 403),
    (
        "",
        "1.1",
        "Origin: http://localhost\r\nOrigin: http://localhost",
        403,
    ),
    ("", "1.1", "Sec-Fetch-Site: cross-site", 403),
];

/// From this machine, without anything to say.
pub fn ordinary() -> Row {
    row(&("", "1.1", "Host: localhost", 0), "")
}

/// The whole table.
pub fn rows() -> impl Iterator<Item = Row> {
    let hosts = HOSTS.iter().map(|text| row(text, ""));
    hosts.chain(
        PAGES
            .iter()
            .map(|text| row(text, "Host: nas.lan:12009\r\n")),
    )
}

fn row((before, version, lines, refused): &Text, first: &str) -> Row {
    Row {
        before,
        version,
        lines: format!("{first}{lines}"),
        refused: *refused,
    }
}

impl Row {
    /// Its bytes, with an empty body.
    pub fn request(&self, (method, path): Route) -> String {
        let Self {
            before,
            version,
            lines,
            ..
        } = self;
        format!("{method} {before}{path} HTTP/{version}\r\n{lines}\r\nContent-Length: 0\r\n\r\n")
    }

    /// How many lines name a host.
    fn hosts(&self) -> usize {
        let lines = self.lines.lines();
        let names_host = |line: &&str| line.to_ascii_lowercase().starts_with("host:");
        lines.filter(names_host).count()
    }

    /// What is wrong with the head of the reply, if anything. `usual` is what the route answers to [`ordinary`].
    pub fn complaint(&self, route: Route, usual: u16, head: &str) -> Option<String> {
        let is_listed = ["chat.example", "webview"]
            .iter()
            .any(|name| self.lines.contains(name));
        let expected = match self.refused {
            // A prober calls us by any name, or by none.
            421 | 400 if is_for_probers(route) && self.hosts() < 2 => usual,
            // A preflight is for the guard to answer.
            0 if route.0 == "OPTIONS" && is_listed => 204,
            0 if route.0 == "OPTIONS" && self.lines.contains("Origin:") => 403,
            0 => usual,
            refused => refused,
        };
        let head = head.to_lowercase();
        let may_read = head.contains("access-control-allow-origin: ");
        let is_open = head.contains("access-control-allow-origin: *");
        let is_right = status(&head) == expected && may_read == is_listed && !is_open;
        (!is_right).then(|| format!("{route:?} with {self:?}: not {expected}: {head}"))
    }
}

/// Whether a service manager or a load balancer asks there.
fn is_for_probers((method, path): Route) -> bool {
    matches!(method, "GET" | "HEAD") && matches!(path, "/healthz" | "/readyz" | "/health")
}

/// The status in a head.
pub fn status(head: &str) -> u16 {
    let status = head.split(' ').nth(1);
    status
        .and_then(|status| status.parse().ok())
        .unwrap_or_default()
}
