//! The commands against a running gateway: `mcproxy status`, `tools`, `call`, `logs`, `restart`, `approve` and
//! `reload`. They reach the local one by its control socket, and another by its URL, which they can look at
//! and call, but not change. What servers say is shown without what a terminal obeys.
//!
//! | file | what |
//! |---|---|
//! | `gateway` | which gateway, and how it is asked |
//! | `held` | what is held back of a server's tools, in lines |
//! | `report` | what it says of itself, as far as it is shown |
//! | `screen` | text, colours and tables for people |
//! | `surroundings` | what `check` asks for |
//! | the others | a command each |

mod approve;
mod call;
mod contents;
mod gateway;
mod held;
mod logs;
mod progress;
mod report;
mod screen;
mod server;
mod status;
mod steer;
mod surroundings;
#[cfg(test)]
mod tests;
mod tools;
mod units;
mod watch;

use std::io;
use std::path::Path;

use clap::Subcommand;

use self::gateway::Failed;
pub use self::gateway::Where;
pub use self::screen::Screen;
pub use self::surroundings::{Surroundings, address, other_file, surroundings};

const DONE: u8 = 0;
/// What was asked for was done, and came to nothing good.
const FAILED: u8 = 1;
const USAGE: u8 = 2;
/// As systemctl has it: a unit that is not active, and one that is not there.
const NOT_READY: u8 = 3;
const UNKNOWN: u8 = 4;
/// `EX_UNAVAILABLE` of `sysexits.h`: no gateway can be asked.
const UNAVAILABLE: u8 = 69;
/// As shells have it: ended by SIGINT.
const INTERRUPTED: u8 = 130;
/// `EX_CONFIG`: a token file that cannot be used.
const CONFIG: u8 = 78;

/// What to ask a running gateway.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum Command {
    /// Show how the running gateway is, and each of its servers; or one of them in detail
    #[command(after_help = status::EXAMPLES)]
    Status(status::StatusWish),
    /// List the tools that clients see, and what they cost a model
    #[command(after_help = tools::EXAMPLES)]
    Tools(tools::ToolsWish),
    /// Call a tool; what it shows is printed, images and other bytes become files
    #[command(after_help = call::EXAMPLES)]
    Call(call::CallWish),
    /// Print what a server wrote to its stderr
    #[command(after_help = logs::EXAMPLES)]
    Logs(logs::LogsWish),
    /// Stop a server in order and start it again, and wait until it is ready
    #[command(after_help = steer::RESTART_EXAMPLES)]
    Restart(steer::OfServer),
    /// Show what is held back of a server's tools, and have clients see what was looked at
    #[command(after_help = approve::EXAMPLES)]
    Approve(approve::ApproveWish),
    /// Read the configuration and the tokens again, and say what that changed, or what is wrong
    #[command(after_help = steer::RELOAD_EXAMPLES)]
    Reload(steer::Reload),
}

/// Does it, and answers the exit code. The local gateway is looked for in `state_dir` too.
///
/// # Errors
/// If the screen cannot be written to, or no runtime can be made.
pub fn run(command: &Command, state_dir: Option<&Path>, mut screen: Screen<'_>) -> io::Result<u8> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let screen = &mut screen;
    let done = runtime.block_on(async {
        match command {
            Command::Status(wish) => status::run(wish, state_dir, screen).await,
            Command::Tools(wish) => tools::run(wish, state_dir, screen).await,
            Command::Call(wish) => call::run(wish, state_dir, screen).await,
            Command::Logs(wish) => logs::run(wish, state_dir, screen).await,
            Command::Restart(wish) => steer::restart(wish, state_dir, screen).await,
            Command::Approve(wish) => approve::run(wish, state_dir, screen).await,
            Command::Reload(wish) => steer::reload(wish, state_dir, screen).await,
        }
    });
    // What still looks for a name need not be waited for.
    runtime.shutdown_background();
    match done {
        Ok(code) => Ok(code),
        // Whoever read it has read enough.
        Err(Failed::Screen(error)) if error.kind() == io::ErrorKind::BrokenPipe => Ok(DONE),
        Err(Failed::Screen(error)) => Err(error),
        Err(Failed::Said { code, words }) => {
            writeln!(screen.err, "error: {}", screen::shown(&words))?;
            Ok(code)
        }
    }
}
