//! Whom a request is from, as far as it decides what it may see and do.

/// From least to most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Trust {
    /// Whoever reaches the port.
    Anybody,
    /// Who comes by the control socket.
    Operator,
}
