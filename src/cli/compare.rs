//! `mcproxy compare --old URL --new URL`: asks two servers for all that they list, and says what differs. For
//! whoever moves from one gateway to another, and wants to know what clients will see before they do.
//!
//! Headers, tokens and queries are shown nowhere; what servers say is shown without control characters.

mod difference;
mod report;
mod side;
#[cfg(test)]
mod tests;

use std::fmt;
use std::io::{self, Write};
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use self::difference::differences;
use self::side::{Offered, Side, parse_header};
use crate::client::{Bounds, parse_url};

const SAME: u8 = 0;
const DIFFERENT: u8 = 1;
/// `EX_UNAVAILABLE` of `sysexits.h`: one of the two could not be asked.
const UNAVAILABLE: u8 = 69;
/// As for all that is wrong with options.
const USAGE: u8 = 2;
/// `EX_CONFIG`: a token file that cannot be used.
const CONFIG: u8 = 78;

/// What an option was given, with what may be a key in it: taken as it is, since what the parser of options refuses
/// it also prints.
#[derive(Clone, PartialEq, Eq)]
struct Given(String);

impl From<String> for Given {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Debug for Given {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(not shown)")
    }
}

/// What to compare, and as whom.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct Comparison {
    /// The server that clients use now: its MCP address, of either transport
    #[arg(long, value_name = "URL")]
    old: Given,
    /// The one that they are to use
    #[arg(long, value_name = "URL")]
    new: Given,
    /// A header for both (repeat it); others on this machine may see it: for secrets take --token-file
    #[arg(long, value_name = "NAME:VALUE")]
    header: Vec<Given>,
    /// A header for the old one
    #[arg(long, value_name = "NAME:VALUE")]
    old_header: Vec<Given>,
    /// A header for the new one
    #[arg(long, value_name = "NAME:VALUE")]
    new_header: Vec<Given>,
    /// A file whose first token both are sent, as 'Authorization: Bearer'; one for the gateway will do
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// The same for the old one alone
    #[arg(long, value_name = "FILE")]
    old_token_file: Option<PathBuf>,
    /// The same for the new one alone
    #[arg(long, value_name = "FILE")]
    new_token_file: Option<PathBuf>,
    /// How long each of them may take for everything
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = crate::config::patience)]
    timeout: Duration,
    /// Print one JSON object instead of a table
    #[arg(long)]
    json: bool,
}

/// Compares, and says to `out` what differs, and to `err` what went wrong. Answers the exit code.
///
/// # Errors
/// If `out` or `err` cannot be written to, or no runtime can be made.
pub fn run(wanted: &Comparison, out: &mut dyn Write, err: &mut dyn Write) -> io::Result<u8> {
    let [old, new] = match sides(wanted) {
        Ok(sides) => sides,
        Err((code, error)) => {
            writeln!(err, "error: {error}")?;
            return Ok(code);
        }
    };
    let bounds = Bounds::within(wanted.timeout);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let asked = async { tokio::join!(old.ask(bounds), new.ask(bounds)) };
    let answers = runtime.block_on(asked);
    // What still looks for a name need not be waited for.
    runtime.shutdown_background();
    let (old, new) = match answers {
        (Ok(old), Ok(new)) => (old, new),
        (old, new) => {
            for error in [old.err(), new.err()].into_iter().flatten() {
                error.print(err)?;
            }
            return Ok(UNAVAILABLE);
        }
    };
    let found = differences(&old, &new);
    if wanted.json {
        report::json([&old, &new], &found, out)?;
    } else {
        report::table([&old, &new], &found, out)?;
    }
    Ok(if found.is_empty() { SAME } else { DIFFERENT })
}

/// The error comes with its exit code.
fn sides(wanted: &Comparison) -> Result<[Side; 2], (u8, String)> {
    let side = |name: &'static str, url: &Given, own: &[Given], token: &Option<PathBuf>| {
        let usage = |option: &str, why: String| (USAGE, format!("{option}: {why}"));
        let url = parse_url(&url.0).map_err(|why| usage(name, why))?;
        let of_both = wanted.header.iter().map(|given| ("--header", given));
        let own = own
            .iter()
            .map(|given| ("--old-header or --new-header", given));
        let headers = of_both
            .chain(own)
            .map(|(option, given)| parse_header(&given.0).map_err(|why| usage(option, why)));
        let headers = headers.collect::<Result<Vec<_>, _>>()?;
        let token = token.as_deref().or(wanted.token_file.as_deref());
        Side::new(name, url, headers, token).map_err(|why| (CONFIG, why))
    };
    let (old, new) = (&wanted.old_header, &wanted.new_header);
    Ok([
        side("--old", &wanted.old, old, &wanted.old_token_file)?,
        side("--new", &wanted.new, new, &wanted.new_token_file)?,
    ])
}
