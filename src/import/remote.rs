//! Servers that run elsewhere: a bridge runs for each, `mcp-remote` from npm, as the gateway speaks
//! with processes.

use super::references::variable;
use super::server::Server;

/// What an entry says of a server elsewhere.
#[derive(Default)]
pub(super) struct Remote {
    pub(super) url: Option<String>,
    pub(super) headers: Vec<(String, String)>,
    /// Whether only the older transport is spoken there.
    pub(super) is_sse: bool,
    /// Whether its user signs in with a browser.
    pub(super) signs_in: bool,
}

impl Remote {
    /// Sends `token` with each request.
    pub(super) fn bearer(&mut self, token: &str) {
        let has_scheme = token
            .get(..7)
            .is_some_and(|s| s.eq_ignore_ascii_case("bearer "));
        let value = if has_scheme {
            token.to_owned()
        } else {
            format!("Bearer {token}")
        };
        self.headers
            .retain(|(name, _)| !name.eq_ignore_ascii_case("authorization"));
        self.headers.push(("Authorization".to_owned(), value));
    }

    /// Has the bridge run for it. What is sent with requests is in the bridge's environment, which it
    /// fills in itself: arguments can be seen by every user of a machine.
    pub(super) fn settle(&self, server: &mut Server, changes: &mut Vec<String>) {
        let Some(url) = &self.url else {
            return;
        };
        let mut args = vec!["-y".to_owned(), "mcp-remote".to_owned(), url.clone()];
        if self.is_sse {
            args.extend(["--transport", "sse-first"].map(str::to_owned));
        }
        if is_in_clear(url) {
            args.push("--allow-http".to_owned());
        }
        for (name, value) in &self.headers {
            let mut called = format!("HEADER_{}", variable(name));
            while server.env.contains_key(&called) {
                called.push('_');
            }
            args.push("--header".to_owned());
            args.push(format!("{name}:$${{{called}}}"));
            server.env.insert(called, value.clone());
        }
        "npx".clone_into(&mut server.command);
        server.args.splice(0..0, args);
        changes.push("a remote server: the bridge 'npx mcp-remote' is run for it".to_owned());
        if self.signs_in {
            let what = "its sign-in by browser is mcp-remote's business now: run the command once by hand, as the user of the gateway";
            changes.push(what.to_owned());
        }
    }
}

/// The bridge asks to be told so: without encryption, and not on this machine.
fn is_in_clear(url: &str) -> bool {
    let Ok(url) = url::Url::parse(url) else {
        return false;
    };
    let host = url.host_str().unwrap_or_default();
    url.scheme() == "http" && !["localhost", "127.0.0.1", "[::1]"].contains(&host)
}
