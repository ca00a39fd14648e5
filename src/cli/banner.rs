//! What somebody sees who starts the gateway by hand: where it is, how to connect, and each server
//! as it becomes ready. Only texts; main writes them to stderr, and only if that is a terminal.

use std::fmt::Write;
use std::io::{self, IsTerminal};
use std::net::SocketAddr;
use std::path::Path;

/// What the banner tells.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// The bound address; with `:0` asked for, the port that it became.
    pub listen: SocketAddr,
    /// The machine's name on its network, if it has one.
    pub hostname: Option<&'a str>,
    /// The configuration in use.
    pub config: &'a Path,
}

/// Plain text, or with colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// No escape sequences.
    Plain,
    /// With colours.
    Coloured,
}

/// How to write to stderr; `None` if nobody looks at it, since it is no terminal.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "nothing is written")]
pub fn stderr_style() -> Option<Style> {
    let env = |name: &str| std::env::var(name).ok();
    io::stderr().is_terminal().then(|| terminal_style(&env))
}

/// Colours, unless `NO_COLOR` is set to something (no-color.org) or the terminal is a dumb one.
fn terminal_style(env: &dyn Fn(&str) -> Option<String>) -> Style {
    let refused = env("NO_COLOR").is_some_and(|value| !value.is_empty());
    if refused || env("TERM").is_none_or(|term| term == "dumb") {
        Style::Plain
    } else {
        Style::Coloured
    }
}

/// The machine's own name; `None` where it is unset or says nothing to others.
#[must_use]
pub fn hostname() -> Option<String> {
    let name = nix::unistd::gethostname().ok()?.into_string().ok()?;
    (!name.is_empty() && name != "localhost" && name != "(none)").then_some(name)
}

/// The banner, with a newline at the end.
#[must_use]
pub fn banner(facts: &Facts<'_>, style: Style) -> String {
    let origins = origins(facts);
    let mut text = String::new();
    let mut line = |label: &str, value: &str| {
        // A String takes every write.
        writeln!(text, "  {}{value}", style.dim(&format!("{label:<9}"))).ok();
    };
    for (label, path) in [("url", "/mcp"), ("sse", "/sse")] {
        for (number, origin) in origins.iter().enumerate() {
            let label = if number == 0 { label } else { "" };
            line(label, &style.bold(&format!("{origin}{path}")));
        }
    }
    let local = origins.last().map_or("", String::as_str);
    line("connect", &connect_command(local));
    line("config", &facts.config.display().to_string());
    format!("{}\n{text}  Ctrl-C stops.\n", style.bold(&title()))
}

fn title() -> String {
    format!("mcproxy {}", env!("CARGO_PKG_VERSION"))
}

/// `✓ demo ready (4 tools)`, with a newline at the end.
#[must_use]
pub fn server_ready(name: &str, tools: usize, style: Style) -> String {
    let plural = if tools == 1 { "" } else { "s" };
    format!(
        "{} {name} ready ({tools} tool{plural})\n",
        style.paint("32", "✓")
    )
}

/// `✗ demo: exited with code 1`, with a newline at the end. `why` is made one harmless line.
#[must_use]
pub fn server_failed(name: &str, why: &str, style: Style) -> String {
    let why: String = why
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    format!("{} {name}: {why}\n", style.paint("31", "✗"))
}

/// The line that connects Claude Code.
fn connect_command(origin: &str) -> String {
    format!("claude mcp add --transport http mcproxy {origin}/mcp")
}

/// Where clients find the gateway, without the path: under the machine's name if it listens for
/// others, and last the address that works on this machine.
fn origins(facts: &Facts<'_>) -> Vec<String> {
    let (ip, port) = (facts.listen.ip(), facts.listen.port());
    if !ip.is_unspecified() {
        return vec![format!("http://{}", facts.listen)];
    }
    let named = facts.hostname.map(|name| format!("http://{name}:{port}"));
    named
        .into_iter()
        .chain([format!("http://127.0.0.1:{port}")])
        .collect()
}

impl Style {
    fn bold(self, text: &str) -> String {
        self.paint("1", text)
    }

    fn dim(self, text: &str) -> String {
        self.paint("2", text)
    }

    fn paint(self, code: &str, text: &str) -> String {
        match self {
            Self::Plain => text.to_owned(),
            Self::Coloured => format!("\u{1b}[{code}m{text}\u{1b}[0m"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(listen: &str) -> Facts<'static> {
        Facts {
            listen: listen.parse().unwrap(),
            hostname: Some("server2"),
            config: Path::new("/app/mcp-servers.json"),
        }
    }

    #[test]
    fn it_says_where_and_how() {
        let text = banner(&facts("0.0.0.0:12009"), Style::Plain);
        let text = text.replace(env!("CARGO_PKG_VERSION"), "VERSION");
        insta::assert_snapshot!(text, @r"
        mcproxy VERSION
          url      http://server2:12009/mcp
                   http://127.0.0.1:12009/mcp
          sse      http://server2:12009/sse
                   http://127.0.0.1:12009/sse
          connect  claude mcp add --transport http mcproxy http://127.0.0.1:12009/mcp
          config   /app/mcp-servers.json
          Ctrl-C stops.
        ");
    }

    #[test]
    fn an_address_of_its_own_is_the_only_url() {
        let text = banner(&facts("[::1]:8080"), Style::Plain);
        assert_eq!(text.matches("http://").count(), 3, "{text}");
        assert!(text.contains("http mcproxy http://[::1]:8080/mcp\n"));
        assert!(text.contains("sse      http://[::1]:8080/sse\n"));
        let nameless = Facts {
            hostname: None,
            ..facts("[::]:8080")
        };
        assert_eq!(origins(&nameless), ["http://127.0.0.1:8080"]);
    }

    #[test]
    fn servers_are_one_line_each() {
        assert_eq!(
            server_ready("demo", 4, Style::Plain),
            "✓ demo ready (4 tools)\n"
        );
        assert_eq!(
            server_ready("one", 1, Style::Plain),
            "✓ one ready (1 tool)\n"
        );
        assert_eq!(
            server_failed("x", "a\nb\u{1b}", Style::Plain),
            "✗ x: a b \n"
        );
        assert!(server_ready("demo", 4, Style::Coloured).starts_with("\u{1b}[32m✓\u{1b}[0m"));
    }

    #[test]
    fn colours_are_for_terminals_that_want_them() {
        let style = |pairs: &'static [(&str, &str)]| {
            terminal_style(&move |name| {
                let found = pairs.iter().find(|(n, _)| *n == name);
                found.map(|(_, value)| (*value).to_owned())
            })
        };
        assert_eq!(style(&[("TERM", "xterm")]), Style::Coloured);
        assert_eq!(
            style(&[("TERM", "xterm"), ("NO_COLOR", "")]),
            Style::Coloured
        );
        assert_eq!(style(&[("TERM", "xterm"), ("NO_COLOR", "1")]), Style::Plain);
        assert_eq!(style(&[("TERM", "dumb")]), Style::Plain);
        assert_eq!(style(&[]), Style::Plain);
    }
}
