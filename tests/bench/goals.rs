//! What the figures should reach: the goals of the project in one table, in the units of the figures.

/// What a figure should reach.
#[derive(Clone, Copy)]
pub(crate) enum Goal {
    /// For figures that only explain others.
    None,
    AtMost(f64),
    /// A goal that this run can't judge, in words.
    Words(&'static str),
}

pub(crate) fn goal(key: &str) -> Goal {
    match key {
        "start.listed" => Goal::AtMost(150.0),
        "c1.sse.p50" | "c1.mcp.p50" => Goal::Words("≤ half the best peer's in the same run"),
        "c16.sse.rate" | "c64.sse.rate" | "c16.mcp.rate" | "c64.mcp.rate" => {
            Goal::Words("≥ 3 × the best peer's in the same run")
        }
        "start.answer" | "c16.sse.cpu" | "memory.remote" => Goal::AtMost(50.0),
        "c16.mcp.cpu" => Goal::AtMost(45.0),
        "c16.remote.ratio.cpu" => Goal::AtMost(1.5),
        "c16.modern.ratio.cpu" => Goal::AtMost(1.15),
        "list.p50" | "page.painted" => Goal::AtMost(300.0),
        "profiles.list.ratio" => Goal::AtMost(1.10),
        "big.cpu" => Goal::AtMost(4.0),
        "memory.idle" => Goal::AtMost(7.0),
        "memory.holder"
        | "memory.listen.ratio"
        | "memory.listen.cpu"
        | "profiles.memory"
        | "growth.mcp.files"
        | "growth.modern.files" => Goal::AtMost(1.0),
        "growth.mcp.memory" | "growth.modern.memory" => Goal::AtMost(1.05),
        // The runtime has threads for work that blocks, which come and go.
        "growth.mcp.threads" | "growth.modern.threads" => Goal::AtMost(1.25),
        "memory.loaded" => Goal::AtMost(12.0),
        "memory.session" | "memory.session.mcp" | "memory.session.quiet" => Goal::AtMost(16.0),
        "crash.error" => Goal::AtMost(100.0),
        "page.page" | "page.gateway" => Goal::AtMost(2.0),
        "crash.works" => Goal::Words("≤ 1 s and the server's own start"),
        _ => turn(key),
    }
}

/// What a message may keep a worker for, in milliseconds.
fn turn(key: &str) -> Goal {
    match key
        .strip_prefix("turn.")
        .and_then(|key| key.split_once('.'))
    {
        Some((_, rest)) if rest.starts_with("aside.") => Goal::None,
        Some(("common", _)) => Goal::AtMost(5.0),
        Some(("limits", _)) => Goal::AtMost(50.0),
        _ => Goal::None,
    }
}

/// What holds from the first version on, while the goal may still be ahead.
pub(crate) fn bound(key: &str) -> Option<f64> {
    match key {
        "c16.sse.cpu" | "c16.mcp.cpu" => Some(100.0),
        "memory.idle" | "memory.loaded" => Some(12.0),
        _ => None,
    }
}
