//! The flags and variables of the limits, made from their table: `max_sessions` of the file is
//! `--max-sessions` and `MCPROXY_MAX_SESSIONS`.

use clap::builder::{TypedValueParser, ValueParser};
use clap::{Arg, ArgMatches, Args, Command, FromArgMatches};

use crate::config::Unit;
use crate::config::limits::{Given, Row, TABLE};

/// What the command line and the environment say about limits.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LimitFlags(pub Given);

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
                self.0.set(row, *amount);
            }
        }
        Ok(())
    }
}

fn arg(row: &'static Row) -> Arg {
    Arg::new(row.name)
        .long(flag(row))
        .env(format!("MCPROXY_{}", row.name.to_uppercase()))
        .hide_env_values(true)
        .value_name(value(row))
        .value_parser(parser(row))
        .hide(true)
}

fn flag(row: &Row) -> String {
    row.name.replace('_', "-")
}

fn value(row: &Row) -> &'static str {
    match row.unit {
        Unit::Count => "NUMBER",
        Unit::Bytes => "SIZE",
        Unit::Seconds => "SECONDS",
    }
}

/// All flags as `--help` shows them: a table, where clap would need five lines for each.
pub(super) fn help() -> String {
    let line = |row: &Row| {
        let unit = if row.unit == Unit::Seconds { " s" } else { "" };
        let default = row.unit.show(row.default) + unit;
        let what = wrapped(&row.what.replace('`', ""));
        format!("  --{:<30}{default:>8}  {what}", flag(row))
    };
    let lines: Vec<String> = TABLE.iter().map(line).collect();
    format!("{INTRODUCTION}\n{}", lines.join("\n"))
}

/// Broken before column 100, and indented as far as the first line.
fn wrapped(text: &str) -> String {
    const INDENT: usize = 44;
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

const INTRODUCTION: &str = "\
Limits:
  What the gateway, its clients and its servers may take, with the defaults. Each is also a field of
  the file's 'gateway' object and a variable: --max-sessions 50 is {\"gateway\": {\"max_sessions\": 50}}
  and MCPROXY_MAX_SESSIONS=50. A size is a number of bytes or a text such as 64KiB; seconds may have
  fractions. docs/limits.md says what happens when a limit is reached.
";

fn parser(row: &'static Row) -> ValueParser {
    let read = move |text: String| row.read(&text);
    ValueParser::new(clap::builder::StringValueParser::new().try_map(read))
}
