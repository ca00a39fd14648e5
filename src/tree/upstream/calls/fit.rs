//! What servers say that no client takes: an answer of another shape than MCP's would leave its call
//! without an end, or end it with words that name nobody.

use std::fmt;

use bytes::Bytes;

use super::Calls;
use crate::protocol::mcp::item::{Kind, Odd};
use crate::protocol::shape::{Class, Fault, Fit, answers};
use crate::tree::call::{Answer, Failure};

impl Calls {
    /// The answer to a call of `method` as clients take it, or the error in its place.
    pub(super) fn fit(&self, method: &str, answer: Answer) -> Answer {
        let (name, body, checked) = match &answer {
            Answer::Result(result) => {
                let check = |text: &str| answers::check(self.era, method, text);
                ("a result", result, checked(result, check))
            }
            Answer::Error(error) => ("an error", error, checked(error, answers::check_error)),
            Answer::Extended(_) | Answer::InputRequired(_) | Answer::Failed(..) => return answer,
        };
        match checked {
            Ok(None) => answer,
            Ok(Some(mended)) if matches!(answer, Answer::Error(_)) => Answer::Error(mended),
            Ok(Some(mended)) => Answer::Result(mended),
            Err(fault) => {
                self.say_unfit(method, name, &fault);
                Answer::Failed(
                    Failure::Refused,
                    format!(
                        "server '{}' answered '{method}' with {name} that no client takes, {fault}: {}",
                        self.server,
                        self.hides.excerpt(body)
                    ),
                )
            }
        }
    }

    fn say_unfit(&self, method: &str, name: &str, fault: &dyn fmt::Display) {
        let server = &self.server;
        log::warn!(
            server = server.as_str();
            "Server '{server}' answered '{method}' with {name} that no client takes, {fault}; the call gets an error"
        );
    }

    /// Counts a list that could not be read.
    pub(in super::super) fn count_unread(&self, kind: Kind) {
        let unread = &self.metrics.lists_unread;
        match kind {
            Kind::Tools => unread.tools.inc(),
            Kind::Prompts => unread.prompts.inc(),
            Kind::Resources => unread.resources.inc(),
            Kind::Templates => unread.templates.inc(),
        };
    }

    /// Counts the entries of a list that are left out.
    pub(in super::super) fn count_left_out(&self, odd: &Odd) {
        for class in Class::ALL {
            let counter = match class {
                Class::Missing => &self.metrics.entries_left_out.missing,
                Class::Wrong => &self.metrics.entries_left_out.wrong,
                Class::Repeated => &self.metrics.entries_left_out.repeated,
                Class::Unreadable => &self.metrics.entries_left_out.unreadable,
            };
            counter.inc_by(u64::try_from(odd.count(class)).unwrap_or(u64::MAX));
        }
    }
}

/// What is passed on in place of `body`, if something is.
fn checked(
    body: &Bytes,
    check: impl Fn(&str) -> Result<Fit, Fault>,
) -> Result<Option<Bytes>, Fault> {
    // It is part of a message that was read as text.
    let text = std::str::from_utf8(body).unwrap_or_default();
    Ok(match check(text)? {
        Fit::Right => None,
        Fit::Mended { text, .. } => Some(text),
    })
}
