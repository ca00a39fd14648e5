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
        command
            .next_help_heading(Some("Limits"))
            .args(TABLE.iter().map(arg))
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
    let value = match row.unit {
        Unit::Count => "NUMBER",
        Unit::Bytes => "SIZE",
        Unit::Seconds => "SECONDS",
    };
    let default = row.unit.show(row.default);
    Arg::new(row.name)
        .long(row.name.replace('_', "-"))
        .env(format!("MCPROXY_{}", row.name.to_uppercase()))
        .hide_env_values(true)
        .value_name(value)
        .value_parser(parser(row))
        .help(format!("{} [default: {default}]", row.what))
        .hide_short_help(true)
}

fn parser(row: &'static Row) -> ValueParser {
    let read = move |text: String| row.read(&text);
    ValueParser::new(clap::builder::StringValueParser::new().try_map(read))
}
