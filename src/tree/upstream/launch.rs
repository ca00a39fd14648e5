//! From a configured entry to the process that serves it.

use crate::config::model::ServerSpec;
use crate::process::{self, Command, Groups, Limits, Output, Process, SpawnError};

/// The command that means the running binary itself.
const OURSELVES: &str = "mcproxy";

/// Starts the server's process. `sink` is called for everything it says and does.
pub(super) fn launch<S>(
    spec: &ServerSpec,
    limits: &Limits,
    groups: &Groups,
    sink: S,
) -> Result<Process, SpawnError>
where
    S: Fn(Output) + Clone + Send + Sync + 'static,
{
    let extra = spec
        .env
        .iter()
        .map(|(name, value)| (name.as_str(), value.expose()));
    let command = Command {
        program: program(&spec.command),
        args: spec.args.clone(),
        env: process::environment(spec.inherit_env, extra),
        cwd: spec.cwd.clone(),
    };
    process::spawn(&command, limits, groups, sink)
}

/// `mcproxy` is this very binary, wherever it lies. After an upgrade the file it was started from
/// may be gone; the kernel still has it.
fn program(command: &str) -> String {
    if command != OURSELVES {
        return command.to_owned();
    }
    std::env::current_exe()
        .ok()
        .filter(|path| path.exists())
        .and_then(|path| path.into_os_string().into_string().ok())
        .unwrap_or_else(|| "/proc/self/exe".to_owned())
}
