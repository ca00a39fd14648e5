//! `mcproxy compare --old URL --new URL`: asks two servers for all that they list, and says what differs. For
//! whoever moves from one gateway to another, and wants to know what clients will see before they do.
//!
//! Headers, tokens and queries are shown nowhere; what servers say is shown without control characters.

mod difference;
mod report;
mod side;
#[cfg(test)]
mod tests;

use std::io::{self, Write};
use std::num::NonZeroU64;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use self::difference::differences;
use self::side::{Header, Offered, Side, parse_header, parse_url};
use crate::client::Bounds;

const SAME: u8 = 0;
const DIFFERENT: u8 = 1;
/// `EX_UNAVAILABLE` of `sysexits.h`: one of the two could not be asked.
const UNAVAILABLE: u8 = 69;
/// `EX_CONFIG`: a token file that cannot be used.
const CONFIG: u8 = 78;

/// What to compare, and as whom.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct Comparison {
    /// The server that clients use now: its MCP address, of either transport
    #[arg(long, value_name = "URL", value_parser = parse_url)]
    old: reqwest::Url,
    /// The one that they are to use
    #[arg(long, value_name = "URL", value_parser = parse_url)]
    new: reqwest::Url,
    /// A header for both (repeat it); others on this machine may see it: for secrets take --token-file
    #[arg(long, value_name = "NAME:VALUE", value_parser = parse_header)]
    header: Vec<Header>,
    /// A header for the old one
    #[arg(long, value_name = "NAME:VALUE", value_parser = parse_header)]
    old_header: Vec<Header>,
    /// A header for the new one
    #[arg(long, value_name = "NAME:VALUE", value_parser = parse_header)]
    new_header: Vec<Header>,
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
    #[arg(long, value_name = "SECONDS", default_value = "60")]
    timeout: NonZeroU64,
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
        Err(error) => {
            writeln!(err, "error: {error}")?;
            return Ok(CONFIG);
        }
    };
    let bounds = Bounds::within(Duration::from_secs(wanted.timeout.get()));
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

fn sides(wanted: &Comparison) -> Result<[Side; 2], String> {
    let side = |name, url: &reqwest::Url, own: &[Header], token: &Option<PathBuf>| {
        let headers = wanted.header.iter().chain(own);
        let token = token.as_deref().or(wanted.token_file.as_deref());
        Side::new(name, url.clone(), headers, token)
    };
    Ok([
        side(
            "--old",
            &wanted.old,
            &wanted.old_header,
            &wanted.old_token_file,
        )?,
        side(
            "--new",
            &wanted.new,
            &wanted.new_header,
            &wanted.new_token_file,
        )?,
    ])
}
