//! The program: which verb, and its exit code.

use std::io::{self, IsTerminal as _, Write};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use mcproxy::cli::check::Around;
use mcproxy::cli::{
    Cli, Run, Verb, check, compare, connect, demo_server, healthcheck, import, limits, servers,
    shell,
};
use mcproxy::config::{self, Environment, model::Config};
use mcproxy::operate::{self, Screen, Surroundings};
use mcproxy::program::{self, BROKEN, complain};
use mcproxy::supervise::Plain;

/// Exit code for a command that does not say enough.
const USAGE: u8 = 2;

#[expect(clippy::disallowed_methods, reason = "for a verb without workers")]
fn main() -> ExitCode {
    let cli = Cli::from_environment();
    let said = |outcome: io::Result<u8>| match outcome {
        Ok(code) => ExitCode::from(code),
        // As shells have it: whoever read it has read enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::from(141),
        Err(error) => complain(BROKEN, &error.into()),
    };
    let environment = |name: &str| std::env::var(name).ok();
    match cli.verb {
        Some(Verb::DemoServer) => demo_server::run(),
        Some(Verb::Check { file, start }) => said(check_here(file, start, &cli.run, &environment)),
        Some(Verb::Add(wish)) => said(edit(wish.file.as_ref(), &cli.run, |file, outs| {
            servers::add(&wish, file, &environment, outs)
        })),
        Some(Verb::Remove(wish)) => said(edit(wish.file.as_ref(), &cli.run, |file, outs| {
            servers::remove(&wish, file, &environment, outs)
        })),
        Some(Verb::Connect(wish)) => {
            let running = || operate::address(cli.run.state_dir().as_deref());
            let (listen, token_file) = (cli.run.listens(running), cli.run.token_file.as_deref());
            let gateway = connect::Gateway { listen, token_file };
            let (mut out, mut err) = (io::stdout(), io::stderr());
            said(connect::run(
                &wish,
                gateway,
                &environment,
                (&mut out, &mut err),
            ))
        }
        Some(Verb::Import(wish)) => said(import::run(
            &wish,
            &environment,
            &mut io::stdout(),
            &mut io::stderr(),
        )),
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
        Some(Verb::Completions { shell }) => said(shell::completions(shell, &mut io::stdout())),
        Some(Verb::Man { directory }) => said(shell::man(&directory, &mut io::stderr())),
        Some(Verb::Limits) => said(limits::run(&mut io::stdout())),
        Some(Verb::Healthcheck { addr }) => {
            let listen = addr.unwrap_or(cli.run.listen);
            said(healthcheck::run(listen, &mut io::stdout()))
        }
        Some(Verb::Run) | None if cli.run.hold_port => program::hold(&cli.run),
        Some(Verb::Run) | None => program::run(&cli.run, Plain),
    }
}

/// What is said to whom: stdout, stderr.
type Outs<'a> = (&'a mut dyn Write, &'a mut dyn Write);

/// Edits the configuration: the one that the verb names, else the gateway's.
#[expect(clippy::disallowed_methods, reason = "for verbs without workers")]
fn edit(
    named: Option<&PathBuf>,
    run: &Run,
    verb: impl FnOnce(Option<&Path>, Outs<'_>) -> io::Result<u8>,
) -> io::Result<u8> {
    let file = named.map(PathBuf::as_path).or(run.config.as_deref());
    let code = verb(file, (&mut io::stdout(), &mut io::stderr()))?;
    if code == 0
        && let Ok(edited) = config::locate(file)
        && let Some(other) = operate::other_file(&edited, run.state_dir().as_deref())
    {
        let mut err = io::stderr();
        writeln!(
            err,
            "note: the gateway that runs here uses another file: {other}"
        )?;
    }
    Ok(code)
}

/// Checks the configuration: the one that is named, else the gateway's.
#[expect(clippy::disallowed_methods, reason = "for a verb without workers")]
fn check(
    file: Option<&Path>,
    start: bool,
    run: &Run,
    (env, elsewhere): (Environment<'_>, Option<&Surroundings>),
) -> io::Result<u8> {
    let limits = &run.limits.given;
    let state_dir = elsewhere.map_or_else(|| run.state_dir(), |it| it.state_directory.clone());
    let last_seen =
        |path: &Path, config: &Config| program::last_seen(state_dir.clone(), path, config);
    let trial = |path: &Path, config: &Config| {
        let mut err = io::stderr();
        let progress = err.is_terminal().then_some(&mut err as &mut dyn Write);
        program::trial(path, (config, limits), Plain, progress)
    };
    let known = Around {
        env,
        last_seen: &last_seen,
        start: start.then_some(&trial),
        is_elsewhere: elsewhere.is_some(),
    };
    let mut out = io::stdout();
    if let Some(line) = run.limits.deprecation() {
        writeln!(out, "warning: {line}")?;
    }
    check::run(file, known, limits, &mut out)
}

/// Checks the configuration that is named; else, where a gateway runs, with its file and its environment, in its directory. What is started on its word is started by
/// its own user only.
#[expect(clippy::disallowed_methods, reason = "for a verb without workers")]
fn check_here(
    file: Option<PathBuf>,
    start: bool,
    run: &Run,
    env: Environment<'_>,
) -> io::Result<u8> {
    if let Some(file) = file.or(run.config.clone()) {
        return check(Some(&file), start, run, (env, None));
    }
    let note = |text: &str| writeln!(io::stderr(), "note: {text}");
    let around = match operate::surroundings(run.state_dir().as_deref()) {
        Ok(Some(around)) => around,
        Ok(None) => return check(None, start, run, (env, None)),
        Err(why) => {
            note(&format!("{why}; this shell's variables are used"))?;
            return check(None, start, run, (env, None));
        }
    };
    if start && !around.is_ours {
        note(
            "nothing is started on the word of a gateway of another user, or as root: name the file that is meant",
        )?;
        return Ok(USAGE);
    }
    let file = around.directory.join(&around.configuration);
    let directory = around.directory.display();
    note(&format!(
        "with the file, the variables and the PATH of the running gateway, in its directory {directory}, where \
         relative paths begin"
    ))?;
    if start {
        let mut again = Command::new("/proc/self/exe");
        again.args(std::env::args_os().skip(1)).env_clear();
        again.envs(&around.environment).env("MCPROXY_CONFIG", file);
        if let Some(state) = &around.state_directory {
            again.env("MCPROXY_STATE_DIR", state);
        }
        return Err(again.current_dir(around.directory).exec());
    }
    if let Err(error) = std::env::set_current_dir(&around.directory) {
        note(&format!(
            "that directory cannot be entered ({error}): relative paths begin in this one instead"
        ))?;
    }
    let env = |name: &str| around.environment.get(name).cloned();
    check(Some(&file), start, run, (&env, Some(&around)))
}
