//! The limits on the command line, made from their table. A few have a flag and a variable: `max_sessions`
//! of the file is `--max-sessions` and `MCPROXY_MAX_SESSIONS`. `mcproxy limits` prints all.

use std::io::{self, Write};

use clap::builder::{TypedValueParser, ValueParser};
use clap::{Arg, ArgMatches, Args, Command, FromArgMatches};

use crate::config::Unit;
use crate::config::limits::{Given, Row, TABLE};

/// What an operator sets for a machine, and not for what runs there.
const OFFERED: [&str; 9] = [
    "max_connections",
    "max_sessions",
    "max_body_bytes",
    "max_calls_per_server",
    "max_calls_per_session",
    "max_line_bytes",
    "restart_delay",
    "drain_timeout",
    "shutdown_delay",
];

/// What the command line and the environment say about limits.
#[derive(Debug, Clone, Default)]
pub struct LimitFlags {
    /// What they are to be.
    pub given: Given,
    /// Those among them that will be a matter of the file alone.
    deprecated: Vec<&'static Row>,
}

impl LimitFlags {
    /// What to say about flags and variables that go with the next release.
    #[must_use]
    pub fn deprecation(&self) -> Option<String> {
        let list = |name: fn(&Row) -> String| {
            let names: Vec<String> = self.deprecated.iter().map(|row| name(row)).collect();
            names.join(", ")
        };
        (!self.deprecated.is_empty()).then(|| {
            format!(
                "{} on the command line or in the environment: from the next release on that is set in \
                 the 'gateway' object of the configuration file only, as {}",
                list(|row| format!("--{} or {}", flag(row), variable(row))),
                list(|row| row.name.to_owned()),
            )
        })
    }
}

impl Args for LimitFlags {
    fn augment_args(command: Command) -> Command {
        command.args(TABLE.iter().map(arg))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for LimitFlags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut flags = Self::default();
        flags.update_from_arg_matches(matches)?;
        Ok(flags)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        for row in TABLE {
            if let Some(amount) = matches.get_one(row.name) {
                self.given.set(row, *amount);
                if !is_offered(row.name) {
                    self.deprecated.push(row);
                }
            }
        }
        Ok(())
    }
}

fn arg(row: &'static Row) -> Arg {
    Arg::new(row.name)
        .long(flag(row))
        .env(variable(row))
        .hide_env(true)
        .value_name(value(row))
        .value_parser(parser(row))
        .hide(true)
}

/// Whether `--help` has the flag of the limit that is called so.
pub(super) fn is_offered(name: &str) -> bool {
    OFFERED.contains(&name)
}

fn flag(row: &Row) -> String {
    row.name.replace('_', "-")
}

fn variable(row: &Row) -> String {
    format!("MCPROXY_{}", row.name.to_uppercase())
}

fn value(row: &Row) -> &'static str {
    match row.unit {
        Unit::Count => "NUMBER",
        Unit::Bytes => "SIZE",
        Unit::Seconds => "TIME",
    }
}

/// The flags as `--help` shows them: a table, where clap would need five lines for each.
pub(super) fn help() -> String {
    let line = |row: &Row| {
        let what = row.what.split(';').next().unwrap_or_default();
        format!("  --{:<24}{:>8}  {}", flag(row), default(row), plain(what))
    };
    let offered = TABLE.iter().filter(|row| is_offered(row.name));
    let lines: Vec<String> = offered.map(line).collect();
    format!("{FLAGS}\n{}", lines.join("\n"))
}

/// All limits as text.
pub(super) fn table() -> String {
    let line = |row: &Row| {
        let over = match row.over {
            "" => String::new(),
            over => format!("; over it: {}", plain(over)),
        };
        let text = wrapped(&format!("{}{over}", plain(row.what)));
        format!("  {:<30}{:>8}  {text}", row.name, default(row))
    };
    let lines: Vec<String> = TABLE.iter().map(line).collect();
    format!("{FIELDS}\n{}", lines.join("\n"))
}

/// The verb `limits`: prints all of them to `out`. Returns the exit code.
///
/// # Errors
/// It cannot be written.
pub fn run(out: &mut impl Write) -> io::Result<u8> {
    writeln!(out, "{}", table())?;
    Ok(0)
}

fn default(row: &Row) -> String {
    let unit = if row.unit == Unit::Seconds { " s" } else { "" };
    row.unit.show(row.default) + unit
}

/// Without the marks of the documents.
fn plain(text: &str) -> String {
    text.replace('`', "")
}

/// Broken before column 100, and indented as far as the first line.
fn wrapped(text: &str) -> String {
    const INDENT: usize = 42;
    let (mut wrapped, mut column) = (String::new(), INDENT);
    for word in text.split(' ') {
        if column + word.len() >= 100 {
            wrapped += "\n";
            wrapped += &" ".repeat(INDENT);
            column = INDENT;
        } else if column > INDENT {
            wrapped += " ";
        }
        wrapped += word;
        column += word.len() + 1;
    }
    wrapped
}

const FLAGS: &str = "\
Limits:
  Each is also a field of the file's 'gateway' object and a variable: --max-sessions 50 is
  {\"gateway\": {\"max_sessions\": 50}} and MCPROXY_MAX_SESSIONS=50. 'mcproxy limits' prints all that
  can be set in the file. A size is a number of bytes or a text such as 64KiB; a time is in seconds
  or a text such as 5m or 500ms.
";

const FIELDS: &str = "\
What the gateway, its clients and its servers may take: fields of the file's 'gateway' object, with
their defaults. A size is a number of bytes or a text such as 64KiB; a time is in
seconds, fractions allowed, or a text such as 5m or 500ms.
";

fn parser(row: &'static Row) -> ValueParser {
    let read = move |text: String| row.read(&text);
    ValueParser::new(clap::builder::StringValueParser::new().try_map(read))
}
