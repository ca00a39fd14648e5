//! Servers that run elsewhere: the gateway speaks with them itself, but for those that its user signs in to with a
//! browser. A bridge runs for these, `mcp-remote` from npm.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::references::variable;
use super::server::Server;

/// What an entry says of a server elsewhere.
#[derive(Default)]
pub(super) struct Remote {
    pub(super) url: Option<String>,
    pub(super) headers: Vec<(String, String)>,
    /// The transport, if only that one is spoken there.
    pub(super) transport: Option<&'static str>,
    /// Whether its user signs in with a browser.
    pub(super) signs_in: bool,
}

/// The transport that an entry names, in words that are lower case.
pub(super) fn transport(kinds: &[String]) -> Result<Option<&'static str>, &'static str> {
    let is = |word: &str| kinds.iter().any(|kind| kind == word);
    if is("ws") || is("websocket") {
        return Err("it is a WebSocket, which MCP does not have");
    }
    if is("sse") {
        return Ok(Some("sse"));
    }
    let is_streamable = kinds.iter().any(|kind| kind.contains("streamable"));
    Ok(is_streamable.then_some("streamable-http"))
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

    /// Has the server asked, or the bridge run for it where its user signs in with a browser.
    pub(super) fn settle(self, server: &mut Server, changes: &mut Vec<String>) {
        let Some(url) = self.url.clone() else {
            return;
        };
        if self.signs_in {
            self.bridge(&url, server);
            changes.push("a sign-in by browser: the bridge 'npx mcp-remote' is run for it; run the command once by hand, as the user of the gateway".to_owned());
            return;
        }
        if !(server.args.is_empty() && server.env.is_empty() && server.cwd.is_none()) {
            changes.push("what was for a process is left out: nothing is run for it".to_owned());
            server.args.clear();
            server.env.clear();
            server.cwd = None;
        }
        server.kind = self.transport;
        server.headers = self.headers.into_iter().collect();
        server.url = Some(match signed(&url) {
            Some((url, authorization)) => {
                let name = "Authorization".to_owned();
                server.headers.entry(name).or_insert(authorization);
                changes.push("the user and the password of its address are in a header".to_owned());
                url
            }
            None => url,
        });
    }

    /// Has the bridge run for it. What is sent with requests is in the bridge's environment, which it
    /// fills in itself: arguments can be seen by every user of a machine.
    fn bridge(&self, url: &str, server: &mut Server) {
        let mut args = vec!["-y".to_owned(), "mcp-remote".to_owned(), url.to_owned()];
        if self.transport == Some("sse") {
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
    }
}

/// An address without the user and the password in it, and the header that says the same.
fn signed(text: &str) -> Option<(String, String)> {
    let mut url = url::Url::parse(text).ok().filter(url::Url::has_host)?;
    if url.username().is_empty() && url.password().is_none() || text.contains("${") {
        return None;
    }
    let password = url.password().unwrap_or_default();
    let pair = format!("{}:{password}", url.username());
    let pair: Vec<u8> = percent_encoding::percent_decode_str(&pair).collect();
    url.set_password(None).ok()?;
    url.set_username("").ok()?;
    Some((url.into(), format!("Basic {}", BASE64.encode(pair))))
}

/// The bridge asks to be told so: without encryption, and not on this machine.
fn is_in_clear(url: &str) -> bool {
    let Ok(url) = url::Url::parse(url) else {
        return false;
    };
    let host = url.host_str().unwrap_or_default();
    url.scheme() == "http" && !["localhost", "127.0.0.1", "[::1]"].contains(&host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_and_a_password_become_a_header() {
        for (url, expected) in [
            (
                "https://me:p%40ss@x/mcp?a=b",
                ("https://x/mcp?a=b", "Basic bWU6cEBzcw=="),
            ),
            ("https://me@x/", ("https://x/", "Basic bWU6")),
        ] {
            let (url, header) = signed(url).unwrap();
            assert_eq!((&*url, &*header), expected);
        }
        for url in [
            "https://x/mcp",
            "https://${USER}:p@x/",
            "no url",
            "data:a@b",
        ] {
            assert_eq!(signed(url), None, "{url}");
        }
    }
}
