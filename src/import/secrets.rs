//! Secrets in entries: found by the names they have and by how they look, and moved into variables.

use std::collections::BTreeMap;

use super::references::variable;
use super::server::Server;

/// What is moved out of the configuration, by the variables that hold it now.
#[derive(Debug, Default)]
pub(super) struct Secrets {
    pub(super) variables: BTreeMap<String, String>,
}

/// Words in the name of a setting that should not be seen by everybody.
const WORDS: [&str; 8] = [
    "TOKEN",
    "SECRET",
    "PASS",
    "KEY",
    "CREDENTIAL",
    "AUTH",
    "COOKIE",
    "PRIVATE",
];

/// How keys of services begin, with at least so much after it.
const STARTS: [&str; 16] = [
    "sk-",
    "sk_",
    "pk_",
    "ghp_",
    "gho_",
    "ghs_",
    "ghu_",
    "github_pat_",
    "glpat-",
    "xoxb-",
    "xoxp-",
    "ntn_",
    "secret_",
    "AKIA",
    "AIza",
    "eyJ",
];
const AFTER_START: usize = 12;

impl Secrets {
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
                if let Some(variable) = self.moved(&server.name, hint, value) {
                    moved.push(format!("{name} is in ${{{variable}}}"));
                }
            }
        }
        let mut is_next = None;
        for arg in &mut server.args {
            let hint = is_next.take();
            is_next = flag(arg);
            let text = std::mem::take(arg);
            let (start, value, hint) = parts(&text, hint);
            let mut value = value.to_owned();
            if let Some(hint) = hint
                && let Some(variable) = self.moved(&server.name, &hint, &mut value)
            {
                moved.push(format!("an argument is in ${{{variable}}}"));
            }
            *arg = format!("{start}{value}");
        }
        moved
    }

    /// Puts a variable in the place of `value`. Not where variables are in it already, or nothing.
    fn moved(&mut self, server: &str, hint: &str, value: &mut String) -> Option<String> {
        let scheme = ["Bearer ", "Basic ", "Token "].iter();
        let scheme = scheme.copied().find(|scheme| value.starts_with(scheme));
        let secret = value.strip_prefix(scheme.unwrap_or_default())?;
        if secret.trim().is_empty() || secret.contains("${") || secret.contains("{{") {
            return None;
        }
        let name = self.name(server, hint, secret);
        self.variables.insert(name.clone(), secret.to_owned());
        *value = format!("{}${{{name}}}", scheme.unwrap_or_default());
        Some(name)
    }

    /// The setting's own name, or one with the server's before it where another has that or it says
    /// nothing.
    fn name(&self, server: &str, hint: &str, secret: &str) -> String {
        let own = variable(hint);
        let of_server = joined(server, hint);
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
        let first = if says_little.contains(&&*own) || own.starts_with("MCPROXY_") {
            of_server.clone()
        } else {
            own
        };
        let numbered = (2..).map(|number: u32| format!("{of_server}_{number}"));
        let mut candidates = [first, of_server.clone()].into_iter().chain(numbered);
        let is_free = |name: &String| {
            let other = self.variables.get(name);
            other.is_none_or(|other| other == secret)
        };
        candidates.find(is_free).unwrap_or(of_server)
    }
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

/// Whether a setting of this name is one.
pub(super) fn is_named_secret(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    WORDS.iter().any(|word| name.contains(word))
}

/// Whether it looks like one: a key of a service, or an address with a password or a key in it.
fn is_secret(text: &str) -> bool {
    let bare = text.strip_prefix("Bearer ").unwrap_or(text);
    let is_key = STARTS.iter().any(|start| {
        let rest = bare.strip_prefix(start);
        rest.is_some_and(|rest| rest.len() >= AFTER_START && !rest.contains(' '))
    });
    is_key || (text.contains("://") && url::Url::parse(text).is_ok_and(|url| is_open(&url)))
}

fn is_open(url: &url::Url) -> bool {
    let is_named = |(name, value): (std::borrow::Cow<'_, str>, std::borrow::Cow<'_, str>)| {
        is_named_secret(&name) && !value.is_empty()
    };
    url.password().is_some() || url.query_pairs().any(is_named)
}

/// The name of an option whose value comes next.
fn flag(arg: &str) -> Option<String> {
    let name = arg.strip_prefix('-')?.trim_start_matches('-');
    (!name.contains('=') && is_named_secret(name) && name.len() > 1).then(|| name.to_owned())
}

/// An argument in what stays and what may be a secret, and what that is called if it is one.
fn parts(arg: &str, expected: Option<String>) -> (&str, &str, Option<String>) {
    if let Some(hint) = expected.filter(|_| !arg.starts_with('-')) {
        return ("", arg, Some(hint));
    }
    // `--token=x`, and `NAME=x` after docker's `-e`.
    if let Some((name, value)) = arg.split_once('=') {
        let bare = name.trim_start_matches('-');
        let is_name = bare
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "_-".contains(c));
        if is_name && (is_named_secret(bare) || is_secret(value)) {
            let start = arg.get(..=name.len()).unwrap_or_default();
            return (start, value, Some(bare.to_owned()));
        }
    }
    // mcp-remote's `--header Name:value`.
    if let Some((name, value)) = arg.split_once(':')
        && is_named_secret(name)
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
    {
        let start = arg.len() - value.trim_start().len();
        let (start, value) = arg.split_at(start);
        return (start, value, Some(name.to_owned()));
    }
    let hint = if arg.contains("://") { "URL" } else { "ARG" };
    ("", arg, is_secret(arg).then(|| hint.to_owned()))
}

/// The text of a file of variables, one a line: as systemd, Docker and Podman read it, in quotes only
/// where a value has more in it than letters, digits and what is plain everywhere.
pub(super) fn env_file(variables: &BTreeMap<String, String>) -> String {
    let lines = variables
        .iter()
        .map(|(name, value)| format!("{name}={}\n", written(value)));
    lines.collect()
}

fn written(value: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-./:@%+=,~^".contains(c);
    if value.chars().all(is_plain) {
        return value.to_owned();
    }
    if !value.contains('\'') {
        return format!("'{value}'");
    }
    let mut quoted = String::from("\"");
    for c in value.chars() {
        if matches!(c, '"' | '\\' | '$' | '`') {
            quoted.push('\\');
        }
        quoted.push(c);
    }
    quoted.push('"');
    quoted
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
        let mut server = server(&["--token", "abc", "--password", "--verbose"], &[]);
        Secrets::default().take(&mut server);
        assert_eq!(
            server.args,
            ["--token", "${MY_SERVER_TOKEN}", "--password", "--verbose"]
        );
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
