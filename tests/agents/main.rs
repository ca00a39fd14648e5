//! Agent programs as people use them, before the real binary: what their models see while files are edited, servers
//! die and the gateway is restarted. The model is a script, so that every run is the same. `tests/agents/run`
//! installs the programs and runs these tests; they are no part of the usual ones, since the programs take two
//! gigabytes and the runs twenty minutes.

#![allow(clippy::disallowed_methods, reason = "tests may block")]

extern crate testkit as support;

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

#[cfg(test)]
mod runs {
    use crate::expected;
    use crate::programs::Program;
    use crate::stage::{Socket, Transport, Way};

    const OVER_HTTP: Way = Way {
        transport: Transport::Http,
        socket: Socket::Own,
        has_token: false,
    };
    const OVER_SSE: Way = Way {
        transport: Transport::Sse,
        ..OVER_HTTP
    };

    /// Runs of a program, each named after how it reaches the gateway.
    macro_rules! runs {
        ($program:ident: $($name:ident $way:expr,)+) => {
            use super::*;

            $(#[tokio::test]
            async fn $name() {
                expected::holds(Program::$program, $way).await;
            })+
        };
    }

    /// Four over Streamable HTTP of each program, named after it.
    macro_rules! over_http {
        ($($name:ident $program:ident,)+) => { $(mod $name { runs! { $program:
            own_socket OVER_HTTP,
            own_socket_with_token Way { has_token: true, ..OVER_HTTP },
            held_socket Way { socket: Socket::Held, ..OVER_HTTP },
            held_socket_with_token Way { socket: Socket::Held, has_token: true, ..OVER_HTTP },
        } })+ };
    }

    /// Two over HTTP+SSE of each that can.
    macro_rules! over_sse {
        ($($name:ident $program:ident,)+) => { $(mod $name { runs! { $program:
            own_socket OVER_SSE,
            held_socket Way { socket: Socket::Held, ..OVER_SSE },
        } })+ };
    }

    over_http! {
        claude_code ClaudeCode,
        cline Cline,
        codex Codex,
        codex_newest CodexNewest,
        fastmcp FastMcp,
        gemini Gemini,
        openai_agents OpenAiAgents,
        opencode OpenCode,
    }

    over_sse! {
        claude_code_sse ClaudeCode,
        cline_sse Cline,
        fastmcp_sse FastMcp,
        gemini_sse Gemini,
        openai_agents_sse OpenAiAgents,
    }
}
