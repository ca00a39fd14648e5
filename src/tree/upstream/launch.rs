//! From a configured entry to the process that serves it.

use crate::config::model::{Limits, ServerSpec};
use crate::process::{self, Command, Groups, Output, Process, SpawnError};

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
    process::spawn(&command, &pipes(limits), groups, sink)
}

/// What concerns the pipes. All calls that may be in flight find room in the queue.
fn pipes(limits: &Limits) -> process::Limits {
    let defaults = process::Limits::default();
    process::Limits {
        line: limits.max_line_bytes,
        stderr_line: limits.max_stderr_line_bytes,
        stderr_rate: limits.stderr_lines_per_second,
        write_stall: limits.stdin_timeout,
        queue: defaults.queue.max(2 * limits.max_calls_per_server),
        ..defaults
    }
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
