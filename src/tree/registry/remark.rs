//! What is to be said once, of what servers list or of rules about it.

use std::cmp::Ordering;
use std::fmt;

use crate::config::model::Idle;

/// One thing that is to be said. With another hint it is no other one, and no news: servers could
/// change that for ever.
#[derive(Debug, Clone, Default)]
pub(crate) struct Remark {
    what: String,
    hint: String,
}

impl Remark {
    /// That a rule matches nothing, said of `whose` rules.
    pub(super) fn of(whose: &str, idle: &Idle<'_>) -> Self {
        Self {
            what: format!("{whose}: {}", idle.what()),
            hint: idle.hint(),
        }
    }
}

impl From<String> for Remark {
    fn from(what: String) -> Self {
        let hint = String::new();
        Self { what, hint }
    }
}

impl fmt::Display for Remark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.what, self.hint)
    }
}

impl Ord for Remark {
    fn cmp(&self, other: &Self) -> Ordering {
        self.what.cmp(&other.what)
    }
}

impl PartialOrd for Remark {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Remark {
    fn eq(&self, other: &Self) -> bool {
        self.what == other.what
    }
}

impl Eq for Remark {}
