//! Who may use an endpoint. What asked for a key or a sign-in is never open to everybody: where no key
//! that opened it is carried over, it is left out.

use std::collections::BTreeSet;

use jsonc_parser::ast::Object;

use super::{Beside, Endpoint};

/// What an endpoint asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    /// For nothing.
    Open,
    /// For a key; a sign-in may do too.
    Key,
    /// For a sign-in alone, or for what the dump does not say.
    Other,
}

impl Access {
    /// As the row of an endpoint has it. A dump without the column for sign-ins is of a version that
    /// had none.
    pub(super) fn of(row: &Object<'_>) -> Self {
        let flag = |column| row.get_boolean(column).map(|flag| flag.value);
        let has_sign_in = row.get("enable_oauth").is_some();
        match (flag("enable_api_key_auth"), flag("enable_oauth")) {
            (Some(true), _) => Self::Key,
            (Some(false), Some(false)) => Self::Open,
            (Some(false), None) if !has_sign_in => Self::Open,
            (Some(false) | None, _) => Self::Other,
        }
    }
}

/// Leaves out the endpoints that are not open and that no key opens: without a token file, everybody
/// might use their profiles. `opened` has the places of those that keys open.
pub(super) fn close(
    endpoints: &mut Vec<Endpoint<'_>>,
    opened: &BTreeSet<usize>,
    beside: &mut Beside,
) {
    let mut closed = Vec::new();
    let mut place = 0;
    endpoints.retain(|endpoint| {
        let stays = endpoint.access == Access::Open || opened.contains(&place);
        place += 1;
        if !stays {
            closed.push(endpoint.name);
        }
        stays
    });
    if !closed.is_empty() {
        let names = closed.join(", ");
        beside.lost(format!(
            "endpoints that asked for a key or a sign-in are left out, as no key that opened them is carried over, \
             and everybody might use them: {names}; let them take API keys in MetaMCP, with an active one, and export again"
        ));
    }
}

/// Names the endpoints that asked for nothing, where every client needs a token now.
pub(super) fn note(endpoints: &[Endpoint<'_>], beside: &mut Beside) {
    let open = endpoints.iter().filter(|e| e.access == Access::Open);
    let open: Vec<&str> = open.map(|endpoint| endpoint.name).collect();
    if !open.is_empty() && !beside.keys.is_empty() {
        beside.notes.push(format!(
            "no key was asked for at {}; with a token file every client needs a token",
            open.join(", ")
        ));
    }
}
