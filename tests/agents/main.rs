//! Agent programs as people use them, before the real binary: what their models see while files are edited, servers
//! die and the gateway is restarted. The model is a script, so that every run is the same. `tests/agents/run`
//! installs the programs and runs these tests; they are no part of the usual ones, since the programs take two
//! gigabytes and the runs a quarter of an hour.

#![allow(clippy::disallowed_methods, reason = "tests may block")]

#[cfg(test)]
mod expected;
#[cfg(test)]
mod model;
#[cfg(test)]
mod play;
#[cfg(test)]
mod programs;
#[cfg(test)]
mod script;
#[cfg(test)]
mod stage;
#[path = "../support/mod.rs"]
mod support;

#[cfg(test)]
mod runs {
    use crate::expected;
    use crate::programs::Program;
    use crate::stage::Socket;

    /// Four runs of each program, named after it.
    macro_rules! runs {
        ($($name:ident $program:ident,)+) => {$(
            mod $name {
                use super::{Program, Socket, expected};

                #[tokio::test]
                async fn own_socket() {
                    expected::holds(Program::$program, Socket::Own, false).await;
                }

                #[tokio::test]
                async fn own_socket_with_token() {
                    expected::holds(Program::$program, Socket::Own, true).await;
                }

                #[tokio::test]
                async fn held_socket() {
                    expected::holds(Program::$program, Socket::Held, false).await;
                }

                #[tokio::test]
                async fn held_socket_with_token() {
                    expected::holds(Program::$program, Socket::Held, true).await;
                }
            }
        )+};
    }

    runs! {
        claude_code ClaudeCode,
        cline Cline,
        codex Codex,
        fastmcp FastMcp,
        gemini Gemini,
        openai_agents OpenAiAgents,
        opencode OpenCode,
    }
}
