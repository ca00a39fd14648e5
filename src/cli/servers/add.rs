//! `mcproxy add NAME -- COMMAND …`, with the options of `claude mcp add`.

use std::fmt;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use clap::builder::{StringValueParser, TypedValueParser};

use super::file::{ConfigFile, Unusable};
use super::{OK, USAGE};
use crate::cli::check::{missing_program, print_problems, shown_path};
use crate::config::model::Entry;
use crate::config::{self, Environment, Parsed};
use crate::edit::{Json, Members};
use crate::ids::ServerName;

/// The server that is added, as the command line has it.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct Addition {
    /// What it is called: its tools will be called by it and their own name
    name: String,
    /// The program that is run and its arguments, behind '--'; or the URL of a server elsewhere
    #[arg(value_name = "COMMAND", required = true)]
    words: Vec<String>,
    /// A variable for it; ${VAR} is filled in by the gateway (repeat it)
    #[arg(short, long, value_name = "NAME=VALUE", value_parser = variable())]
    env: Vec<Setting>,
    /// How it is spoken with: stdio, or http or sse for a server elsewhere
    #[arg(short, long, value_enum)]
    transport: Option<Transport>,
    /// A header for a server elsewhere (repeat it)
    #[arg(short = 'H', long, value_name = "NAME:VALUE", value_parser = header())]
    header: Vec<Setting>,
    /// Of 'claude mcp add'; of no meaning here
    #[arg(short, long, hide = true)]
    scope: Option<String>,
    /// The configuration file
    #[arg(short = 'c', long = "config", value_name = "FILE")]
    pub file: Option<PathBuf>,
}

/// How a server is spoken with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Transport {
    Stdio,
    #[value(alias = "streamable-http")]
    Http,
    Sse,
}

/// A name and a value, which is never shown.
#[derive(Clone, PartialEq, Eq)]
struct Setting(String, String);

impl fmt::Debug for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Setting({:?})", self.0)
    }
}

// A value that is refused by clap is shown by it: what is wrong is found later.

fn variable() -> impl TypedValueParser<Value = Setting> {
    StringValueParser::new().map(|text| {
        let (name, value) = text.split_once('=').unwrap_or_default();
        Setting(name.to_owned(), value.to_owned())
    })
}

fn header() -> impl TypedValueParser<Value = Setting> {
    StringValueParser::new().map(|text| {
        let (name, value) = text.split_once(':').unwrap_or_default();
        Setting(name.trim().to_owned(), value.trim().to_owned())
    })
}

/// Adds it to the file and says so to `out`; what went wrong is said to `err`. Answers the exit code.
///
/// # Errors
/// If `out` or `err` cannot be written to.
pub fn add(
    wish: &Addition,
    named: Option<&Path>,
    env: Environment<'_>,
    (out, err): (&mut dyn Write, &mut dyn Write),
) -> io::Result<u8> {
    let (entry, remarks) = match wish.entry() {
        Ok(entry) => entry,
        Err(why) => {
            writeln!(err, "error: {why}")?;
            return Ok(USAGE);
        }
    };
    match put(wish, entry, named, env) {
        Ok((file, parsed)) => {
            for remark in remarks {
                writeln!(err, "note: {remark}")?;
            }
            wish.report(&file, &parsed, env, err)?;
            let (name, path) = (&wish.name, shown_path(&file.path));
            writeln!(out, "{path}: '{name}' is added")?;
            Ok(OK)
        }
        Err(why) => super::file::complain(&why, err),
    }
}

fn put(
    wish: &Addition,
    entry: Members,
    named: Option<&Path>,
    env: Environment<'_>,
) -> Result<(ConfigFile, Parsed), Unusable> {
    let file = ConfigFile::open(named, true, env)?;
    let is_it = |entry: &Entry| entry.name().as_str() == wish.name;
    if file.parsed.config.servers.iter().any(is_it) {
        let (name, path) = (&wish.name, shown_path(&file.path));
        let why = format!(
            "{path} has a server '{name}' already: remove it first, or choose another name"
        );
        return Err(Unusable::Said(why));
    }
    let document = file.document()?;
    document
        .add_server(&wish.name, entry)
        .map_err(Unusable::Said)?;
    let runs = |parsed: &Parsed| {
        let mut entries = parsed.config.servers.iter();
        entries.any(|entry| matches!(entry, Entry::Run(..)) && is_it(entry))
    };
    let parsed = file.replace(&document.text(), env, &runs)?;
    Ok((file, parsed))
}

impl Addition {
    /// Its entry, and what is to be said about it.
    fn entry(&self) -> Result<(Members, Vec<String>), String> {
        ServerName::new(&self.name)
            .map_err(|why| format!("'{}': {why}", self.name.escape_debug()))?;
        self.check()?;
        let mut remarks = Vec::new();
        if self.scope.is_some() {
            let what = "a scope has no meaning here: the file is for everyone who uses the gateway; profiles show parts of it";
            remarks.push(what.to_owned());
        }
        let mut entry: Members = Vec::new();
        match (self.transport(), self.words.as_slice()) {
            (Transport::Stdio, [command, args @ ..]) => {
                if !self.header.is_empty() {
                    return Err(
                        "--header is for --transport http or sse: a program has --env".to_owned(),
                    );
                }
                entry.push(("command".to_owned(), Json::Text(command.clone())));
                if !args.is_empty() {
                    entry.push(("args".to_owned(), Json::list(args)));
                }
                entry.extend(object("env", &self.env));
            }
            (transport, [url]) => {
                if !is_url(url) {
                    return Err("a URL with http:// or https:// is needed".to_owned());
                }
                if !self.env.is_empty() {
                    return Err(
                        "--env is for a program: a server elsewhere has --header".to_owned()
                    );
                }
                if transport == Transport::Sse {
                    entry.push(("type".to_owned(), Json::Text("sse".to_owned())));
                }
                entry.push(("url".to_owned(), Json::Text(url.clone())));
                entry.extend(object("headers", &self.header));
            }
            (Transport::Http | Transport::Sse, _) => {
                return Err("a server elsewhere has a URL and no arguments".to_owned());
            }
            (Transport::Stdio, []) => return Err("the program to run is missing".to_owned()),
        }
        Ok((entry, remarks))
    }

    /// Whether each setting has a name.
    fn check(&self) -> Result<(), &'static str> {
        let is_letter = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if self.env.iter().any(|Setting(name, _)| name.is_empty()) {
            return Err("--env: NAME=VALUE is needed");
        }
        let is_header =
            |Setting(name, _): &Setting| !name.is_empty() && name.chars().all(is_letter);
        if !self.header.iter().all(is_header) {
            return Err("--header: NAME:VALUE is needed, such as 'X-API-Key: …'");
        }
        Ok(())
    }

    /// No program is called like a URL.
    fn transport(&self) -> Transport {
        let is_url = self.words.first().is_some_and(|word| is_url(word));
        let default = if is_url {
            Transport::Http
        } else {
            Transport::Stdio
        };
        self.transport.unwrap_or(default)
    }

    /// What is to be known of it, though it is added.
    fn report(
        &self,
        file: &ConfigFile,
        parsed: &Parsed,
        env: Environment<'_>,
        err: &mut dyn Write,
    ) -> io::Result<()> {
        let mut problems = file.new_problems(parsed);
        problems.extend(missing_program(parsed, &self.name, env));
        problems.extend(config::exposure(&file.path, parsed));
        print_problems(&shown_path(&file.path), &problems, err)
    }
}

/// A field with these settings, if there are any.
fn object(field: &str, settings: &[Setting]) -> Option<(String, Json)> {
    let members = settings.iter();
    let members = members.map(|Setting(name, value)| (name.clone(), Json::Text(value.clone())));
    (!settings.is_empty()).then(|| (field.to_owned(), Json::Object(members.collect())))
}

fn is_url(word: &str) -> bool {
    word.starts_with("http://") || word.starts_with("https://")
}
