//! The program: which verb, and its exit code.

use std::io::{self, IsTerminal as _, Write as _};
use std::path::Path;
use std::process::ExitCode;

use mcproxy::cli::check::LastSeen;
use mcproxy::cli::{Cli, Verb, check, compare, demo_server, healthcheck, import, limits};
use mcproxy::config::{Environment, model::Config};
use mcproxy::operate::{self, Screen};
use mcproxy::program::{self, BROKEN, complain};
use mcproxy::supervise::Plain;

#[expect(clippy::disallowed_methods, reason = "for a verb without workers")]
fn main() -> ExitCode {
    let cli = Cli::from_environment();
    let said = |outcome: io::Result<u8>| match outcome {
        Ok(code) => ExitCode::from(code),
        Err(error) => complain(BROKEN, &error.into()),
    };
    match cli.verb {
        Some(Verb::DemoServer) => demo_server::run(),
        Some(Verb::Check { file }) => {
            let environment = |name: &str| std::env::var(name).ok();
            let state_dir = cli.run.state_dir();
            let last_seen =
                |path: &Path, config: &Config| program::last_seen(state_dir.clone(), path, config);
            let known: (Environment<'_>, LastSeen<'_>) = (&environment, &last_seen);
            let file = file.or(cli.run.config);
            let deprecation = cli.run.limits.deprecation();
            let noted =
                deprecation.map_or(Ok(()), |line| writeln!(io::stdout(), "warning: {line}"));
            let limits = &cli.run.limits.given;
            said(noted.and_then(|()| check::run(file.as_deref(), known, limits, &mut io::stdout())))
        }
        Some(Verb::Import(wish)) => {
            let environment = |name: &str| std::env::var(name).ok();
            said(import::run(
                &wish,
                &environment,
                &mut io::stdout(),
                &mut io::stderr(),
            ))
        }
        Some(Verb::Compare(wanted)) => {
            said(compare::run(&wanted, &mut io::stdout(), &mut io::stderr()))
        }
        Some(Verb::Operate(command)) => {
            let (mut out, mut err) = (io::stdout(), io::stderr());
            let are_terminals = [out.is_terminal(), err.is_terminal()];
            let screen = Screen::new(&mut out, &mut err, are_terminals);
            said(operate::run(
                &command,
                cli.run.state_dir().as_deref(),
                screen,
            ))
        }
        Some(Verb::Limits) => said(limits::run(&mut io::stdout())),
        Some(Verb::Healthcheck { addr }) => {
            let listen = addr.unwrap_or(cli.run.listen);
            said(healthcheck::run(listen, &mut io::stdout()))
        }
        None if cli.run.hold_port => program::hold(&cli.run),
        None => program::run(&cli.run, Plain),
    }
}
