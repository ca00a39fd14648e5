//! Secrets in entries: found by the names they have and by how they look, and moved into variables.

mod args;
mod file;
mod looks;
mod pieces;

use std::collections::{BTreeMap, HashMap, HashSet};

use self::args::{flag, parts};
pub(super) use self::file::env_file;
use self::looks::is_secret;
pub(super) use self::pieces::filled_in;
use self::pieces::{Piece, hides, pieces};
use super::references::variable;
use super::server::Server;
use crate::config::is_named_secret;

/// What is moved out of the configuration, by the variables that hold it now.
#[derive(Debug, Default)]
pub(super) struct Secrets {
    pub(super) variables: BTreeMap<String, String>,
    /// What is in the file of variables already, and whether something of it is used.
    known: BTreeMap<String, String>,
    pub(super) uses_known: bool,
    /// Variables that something refers to: none of them gets a value by this.
    taken: HashSet<String>,
    /// The names of what was moved, by the names they are made of and by their values.
    named: HashMap<(String, String), String>,
    /// How far names are numbered.
    numbers: HashMap<String, u32>,
}

impl Secrets {
    /// Beside what is `known`, and what `text` refers to.
    pub(super) fn new(known: &BTreeMap<String, String>, text: &str) -> Self {
        Self {
            known: known.clone(),
            taken: referred(text).map(str::to_owned).collect(),
            ..Self::default()
        }
    }

    /// Moves the secrets of `server` into variables. Answers the names of what was moved, for people.
    pub(super) fn take(&mut self, server: &mut Server) -> Vec<String> {
        let mut moved = Vec::new();
        for (name, value) in &mut server.env {
            // What is sent with requests is secret whatever it is called.
            let is_sent = name.starts_with("HEADER_");
            if is_sent || is_named_secret(name) || is_secret(value) {
                let of_server = name.strip_prefix("HEADER_");
                let of_server = of_server.map(|header| joined(&server.name, header));
                let hint = of_server.as_ref().unwrap_or(name);
                let is_named = is_sent || is_named_secret(name);
                if let Some((variable, how)) = self.moved(&server.name, hint, is_named, value) {
                    moved.push(format!("{name} is in ${{{variable}}}{how}"));
                }
            }
        }
        for (name, value) in &mut server.headers {
            let hint = joined(&server.name, name);
            if let Some((variable, how)) = self.moved(&server.name, &hint, true, value) {
                moved.push(format!("the header {name} is in ${{{variable}}}{how}"));
            }
        }
        if let Some(url) = server.url.as_mut().filter(|url| is_secret(url))
            && let Some((variable, how)) = self.moved(&server.name, "URL", false, url)
        {
            moved.push(format!("its address is in ${{{variable}}}{how}"));
        }
        let mut is_next = None;
        for arg in &mut server.args {
            let hint = is_next.take();
            is_next = flag(arg);
            let text = std::mem::take(arg);
            let (start, value, hint) = parts(&text, hint);
            let mut value = value.to_owned();
            if let Some(hint) = hint
                && let Some((variable, how)) =
                    self.moved(&server.name, &hint, is_named_secret(&hint), &mut value)
            {
                moved.push(format!("an argument is in ${{{variable}}}{how}"));
            }
            *arg = format!("{start}{value}");
        }
        moved
    }

    /// Puts variables in the place of what is written out in `value`; references in it stay. Answers
    /// the first of the variables, if there is any, and what is to be said of it.
    fn moved(
        &mut self,
        server: &str,
        hint: &str,
        is_named: bool,
        value: &mut String,
    ) -> Option<(String, &'static str)> {
        let scheme = ["Bearer ", "Basic ", "Token "].iter();
        let scheme = scheme.copied().find(|scheme| value.starts_with(scheme));
        let secret = value.strip_prefix(scheme.unwrap_or_default())?;
        let pieces = pieces(secret);
        let is_mixed = pieces.len() > 1;
        let mut written = scheme.unwrap_or_default().to_owned();
        let (mut first, mut how) = (None, "");
        for piece in &pieces {
            match piece {
                Piece::Literal { meant, .. } if hides(meant, is_mixed, is_named) => {
                    let name = self.variable(server, hint, meant);
                    written.extend(["${", &name, "}"]);
                    first.get_or_insert(name);
                }
                // A default can be no reference itself.
                Piece::Reference { default, .. } if hides_default(default, is_mixed, is_named) => {
                    let name = self.variable(server, hint, default);
                    how = ": a default is used without asking for its variable";
                    written.extend(["${", &name, "}"]);
                    first.get_or_insert(name);
                }
                Piece::Literal { own, .. } => written.push_str(own),
                Piece::Reference { whole, .. } => written.push_str(whole),
            }
        }
        if first.is_some() {
            *value = written;
        }
        first.map(|first| (first, how))
    }

    /// The variable that holds `secret` now.
    fn variable(&mut self, server: &str, hint: &str, secret: &str) -> String {
        let of_server = joined(server, hint);
        let key = (of_server, secret.to_owned());
        let name = match self.named.get(&key) {
            Some(name) => name.clone(),
            None => self.name(&key.0, hint, secret),
        };
        self.named.insert(key, name.clone());
        if self.known.contains_key(&name) {
            self.uses_known = true;
        } else {
            self.variables.insert(name.clone(), secret.to_owned());
        }
        name
    }

    /// The setting's own name, or one with the server's before it where another has that or it says
    /// nothing.
    fn name(&mut self, of_server: &str, hint: &str, secret: &str) -> String {
        let own = variable(hint);
        let says_little = [
            "TOKEN",
            "API_KEY",
            "KEY",
            "AUTHORIZATION",
            "URL",
            "ARG",
            "PASSWORD",
            "SECRET",
        ];
        let is_own = !says_little.contains(&&*own) && !own.starts_with("MCPROXY_");
        let mut candidates = [&*own, of_server].into_iter().skip(usize::from(!is_own));
        if let Some(name) = candidates.find(|name| self.is_free(name, secret)) {
            return name.to_owned();
        }
        let mut number = self.numbers.get(of_server).copied().unwrap_or(2);
        let name = loop {
            let name = format!("{of_server}_{number}");
            number += 1;
            if self.is_free(&name, secret) {
                break name;
            }
        };
        self.numbers.insert(of_server.to_owned(), number);
        name
    }

    /// Whether a variable may hold a secret: it does already, or nothing else is expected in it.
    fn is_free(&self, name: &str, secret: &str) -> bool {
        let held = self.variables.get(name).or_else(|| self.known.get(name));
        held.map_or(!self.taken.contains(name), |held| held == secret)
    }
}

/// The names in all that looks like a reference in a text.
fn referred(text: &str) -> impl Iterator<Item = &str> {
    text.split("${").skip(1).map(|after| {
        let after = after.strip_prefix("env:").unwrap_or(after);
        let is_letter = |c: char| c.is_ascii_alphanumeric() || c == '_';
        after.split(|c| !is_letter(c)).next().unwrap_or_default()
    })
}

/// Whether the default of a reference is to be hidden.
fn hides_default(default: &str, is_mixed: bool, is_named: bool) -> bool {
    let is_default = !default.is_empty() && !default.contains("${");
    is_default && (is_named || is_secret(default)) && hides(default, is_mixed, is_named)
}

/// A setting's name with the server's before it, if that is not there already.
fn joined(server: &str, setting: &str) -> String {
    let (server, setting) = (variable(server), variable(setting));
    if setting.starts_with(&server) {
        setting
    } else {
        format!("{server}_{setting}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(args: &[&str], env: &[(&str, &str)]) -> Server {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Server {
            name: "my-server".to_owned(),
            args: args.iter().map(|arg| (*arg).to_owned()).collect(),
            env: env.iter().map(owned).collect(),
            ..Server::default()
        }
    }

    #[test]
    fn a_secret_is_found_wherever_it_is() {
        for (arg, expected) in [
            ("--api-key=abc", "--api-key=${MY_SERVER_API_KEY}"),
            ("GITHUB_TOKEN=abc", "GITHUB_TOKEN=${GITHUB_TOKEN}"),
            ("sk-0123456789abcdef", "${MY_SERVER_ARG}"),
            ("--x=ghp_0123456789abcdef", "--x=${X}"),
            ("https://me:pw@host/x", "${MY_SERVER_URL}"),
            ("https://host/x?api_key=abc", "${MY_SERVER_URL}"),
            ("{\"apiKey\":\"abc\"}", "${MY_SERVER_ARG}"),
            ("export TOKEN=abc; exec x", "${MY_SERVER_ARG}"),
            (
                "Authorization: Bearer abc",
                "Authorization: Bearer ${MY_SERVER_AUTHORIZATION}",
            ),
        ] {
            let mut server = server(&[arg], &[]);
            let mut secrets = Secrets::default();
            assert_eq!(secrets.take(&mut server).len(), 1, "{arg}");
            assert_eq!(server.args, [expected], "{arg}");
            let [(_, value)] = &secrets.variables.into_iter().collect::<Vec<_>>()[..] else {
                panic!("{arg}");
            };
            assert!(arg.ends_with(value.as_str()), "{arg}: {value}");
        }
        let mut server = server(&["--pat", "abc", "--password", "--verbose"], &[]);
        Secrets::default().take(&mut server);
        assert_eq!(server.args, ["--pat", "${PAT}", "--password", "--verbose"]);
    }

    #[test]
    fn what_is_none_stays() {
        let args = [
            "-y",
            "@scope/name",
            "/srv/keys",
            "https://host/x?page=1",
            "--token",
            "${T}",
            "a=b",
            "-e",
            "http://h:80/",
        ];
        let env = [
            ("LANG", "C"),
            ("TOKEN", "${TOKEN}"),
            ("KEY", ""),
            ("A_KEY", "{{USER}}"),
        ];
        let mut server = server(&args, &env);
        let before = server.clone();
        let mut secrets = Secrets::default();
        assert_eq!(secrets.take(&mut server), [""; 0]);
        assert_eq!(server, before);
        assert!(secrets.variables.is_empty());
    }

    #[test]
    fn what_is_beside_references_is_moved_and_they_stay() {
        for (name, value, expected) in [
            (
                "PASSWORD",
                "SECRET${x",
                vec![("MY_SERVER_PASSWORD", "SECRET${x")],
            ),
            (
                "PASSWORD",
                "a$${B}c",
                vec![("MY_SERVER_PASSWORD", "a${B}c")],
            ),
            ("MY_PAT", "hunter2${X}", vec![("MY_PAT", "hunter2")]),
            (
                "API_KEY",
                "one\ntwo",
                vec![("MY_SERVER_API_KEY", "one\ntwo")],
            ),
            ("URL", "https://h/${ORG}/x", vec![]),
            ("TOKEN", "$${TOKEN}", vec![]),
        ] {
            let mut server = server(&[], &[(name, value)]);
            let mut secrets = Secrets::default();
            secrets.take(&mut server);
            let moved: Vec<_> = secrets.variables.iter().collect();
            let moved: Vec<_> = moved
                .iter()
                .map(|(n, v)| (n.as_str(), v.as_str()))
                .collect();
            assert_eq!(moved, expected, "{value}");
            let is_kept = value.contains("${X}") && !server.env[name].ends_with("${X}");
            assert!(!is_kept, "{}", server.env[name]);
        }
    }

    #[test]
    fn a_variable_holds_one_secret() {
        let mut secrets = Secrets::default();
        for (value, expected) in [
            ("one", "${GITHUB_TOKEN}"),
            ("one", "${GITHUB_TOKEN}"),
            ("two", "${MY_SERVER_GITHUB_TOKEN}"),
            ("three", "${MY_SERVER_GITHUB_TOKEN_2}"),
        ] {
            let mut server = server(&[], &[("GITHUB_TOKEN", value)]);
            secrets.take(&mut server);
            assert_eq!(server.env["GITHUB_TOKEN"], expected);
        }
        let mut server = server(&[], &[("MCPROXY_TOKEN", "x")]);
        secrets.take(&mut server);
        let theirs = &server.env["MCPROXY_TOKEN"];
        assert_eq!(
            theirs, "${MY_SERVER_MCPROXY_TOKEN}",
            "the gateway reads such itself"
        );
    }

    #[test]
    fn a_file_of_variables_has_quotes_where_they_are_needed() {
        let variables = [("A", "plain-1/2"), ("B", "a b"), ("C", "it's $x")];
        let owned = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let text = env_file(&owned.into());
        assert_eq!(text, "A=plain-1/2\nB='a b'\nC=\"it's \\$x\"\n");
    }
}
