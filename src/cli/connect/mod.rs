//! `mcproxy connect CLIENT`: what a client needs to use this gateway, printed or done, and the proof that it is
//! there: one list of tools over the wire. A token is never shown; where a client can read a variable, it does.

#![expect(
    clippy::disallowed_methods,
    reason = "a verb of its own, without workers"
)]

mod programs;
mod proof;
#[cfg(test)]
mod tests;
mod write;

use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};

use clap::Args;

use self::programs::{Address, PROGRAMS, Program, VARIABLE};
use super::check::shown_path;
use super::table;
use crate::client::parse_url;
use crate::config::{Environment, quoted};
use crate::ids::ProfileName;

/// Exit codes: all is well, something is left to do by hand, the words make no sense, the gateway does not answer, a
/// file cannot be used.
const OK: u8 = 0;
const LEFT: u8 = 1;
const USAGE: u8 = 2;
const UNAVAILABLE: u8 = 69;
const CONFIG: u8 = 78;

/// Which client, and which gateway.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct Connection {
    /// The client; without one all that are known are listed
    client: Option<String>,
    /// The address that it is to use [default: as --listen says, with /mcp]
    #[arg(long)]
    url: Option<String>,
    /// Where the gateway listens [default: as the one does that runs here]
    #[arg(long, value_name = "ADDR", value_parser = super::values::listen, conflicts_with = "url")]
    listen: Option<SocketAddr>,
    /// The profile that it is to see
    #[arg(long, value_name = "NAME", value_parser = profile, conflicts_with = "url")]
    profile: Option<String>,
    /// The file with the tokens, where the gateway asks for one
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Do it: run the client's own command, or edit its file
    #[arg(long)]
    write: bool,
    /// The file to edit, where it is not the client's usual one
    #[arg(long, value_name = "FILE", requires = "write")]
    file: Option<PathBuf>,
}

fn profile(text: &str) -> Result<String, String> {
    let name = ProfileName::new(text).map_err(|error| error.to_string())?;
    Ok(name.to_string())
}

/// What the settings of the gateway say, if it runs with the same here.
#[derive(Debug, Clone, Copy)]
pub struct Gateway<'a> {
    /// Where it listens.
    pub listen: SocketAddr,
    /// Its tokens.
    pub token_file: Option<&'a Path>,
}

/// Prints the snippet to `out`, all else to `err`. Answers the exit code.
///
/// # Errors
/// If `out` or `err` cannot be written to, or no runtime can be made.
pub fn run(
    wish: &Connection,
    gateway: Gateway<'_>,
    env: Environment<'_>,
    (out, err): (&mut dyn Write, &mut dyn Write),
) -> io::Result<u8> {
    let Some(name) = &wish.client else {
        list(out)?;
        return Ok(OK);
    };
    let Some(program) = PROGRAMS.iter().find(|program| program.name == name) else {
        let names = PROGRAMS.map(|program| program.name).join(", ");
        writeln!(
            err,
            "error: {} is no client that is known; these are: {names}",
            quoted(name)
        )?;
        return Ok(USAGE);
    };
    let url = match parse_url(&wish.url(gateway.listen)) {
        Ok(url) => url,
        Err(why) => {
            writeln!(err, "error: --url: {why}")?;
            return Ok(USAGE);
        }
    };
    let token_file = wish.token_file.as_deref().or(gateway.token_file);
    let token = match proof::token(token_file, env) {
        Ok(token) => token,
        Err(why) => {
            writeln!(err, "error: {why}")?;
            return Ok(CONFIG);
        }
    };
    let address = Address {
        url: url.as_str(),
        has_token: token.is_some(),
    };
    let snippet = (program.snippet)(&address);
    let code = if wish.write {
        write::write(program, &snippet, wish.file.as_deref(), env, err)?
    } else {
        print(program, &snippet.shown(), env, (out, err))?
    };
    if address.has_token {
        let title = program.title;
        writeln!(
            err,
            "{title} reads the token from its variable {VARIABLE}: set it there to one of the gateway's tokens"
        )?;
    }
    if code != OK {
        return Ok(code);
    }
    proof::prove(&url, token, err)
}

fn print(
    program: &Program,
    snippet: &str,
    env: Environment<'_>,
    (out, err): (&mut dyn Write, &mut dyn Write),
) -> io::Result<u8> {
    if let Some(path) = program.file.and_then(|file| file(env)) {
        writeln!(err, "{}, in {}:", program.title, shown_path(&path))?;
    }
    writeln!(out, "{snippet}")?;
    out.flush()?;
    Ok(OK)
}

fn list(out: &mut dyn Write) -> io::Result<()> {
    let mut lines = vec![["CLIENT", "PROGRAM", "WITH --write"].to_vec()];
    let example = Address {
        url: "",
        has_token: false,
    };
    lines.extend(PROGRAMS.iter().map(|program| {
        let how = match (program.snippet)(&example) {
            programs::Snippet::Command(_) => "runs its own command",
            programs::Snippet::Member(..) => "edits its file, after a copy of it",
            programs::Snippet::Code(_) => "prints only",
        };
        vec![program.name, program.title, how]
    }));
    table::print(&lines, out)
}

impl Connection {
    /// Where the client finds the gateway, if it runs on this machine.
    fn url(&self, listen: SocketAddr) -> String {
        if let Some(url) = &self.url {
            return url.clone();
        }
        let listen = self.listen.unwrap_or(listen);
        let ip = match listen.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
            ip @ (IpAddr::V4(_) | IpAddr::V6(_)) => ip,
        };
        let socket = SocketAddr::new(ip, listen.port());
        match &self.profile {
            Some(profile) => format!("http://{socket}/p/{profile}/mcp"),
            None => format!("http://{socket}/mcp"),
        }
    }
}
