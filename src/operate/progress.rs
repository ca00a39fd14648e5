//! How far a call has come, on a line that is written over.

use std::io::{self, Write};

use serde::Deserialize;

use super::screen::{cut, shown};
use crate::protocol::jsonrpc::Notification;

const METHOD: &str = "notifications/progress";
const WIDTH: usize = 24;
const MESSAGE: usize = 50;
/// Back to the start of the line, which is emptied.
const AFRESH: &str = "\r\u{1b}[2K";

/// The line.
pub(super) struct ProgressLine {
    is_wanted: bool,
    is_drawn: bool,
}

#[derive(Deserialize)]
struct Told {
    progress: f64,
    total: Option<f64>,
    message: Option<String>,
}

impl ProgressLine {
    /// Nothing is drawn unless it `is_wanted`.
    pub(super) fn new(is_wanted: bool) -> Self {
        let is_drawn = false;
        Self {
            is_wanted,
            is_drawn,
        }
    }

    /// A server told something.
    pub(super) fn heard(&mut self, told: &Notification, err: &mut dyn Write) {
        if !self.is_wanted || &*told.method != METHOD {
            return;
        }
        let params = told.params.as_deref().unwrap_or_default();
        if let Ok(told) = serde_json::from_slice::<Told>(params) {
            // A terminal that cannot be written to shows no progress, and no more.
            self.is_drawn |= write!(err, "{AFRESH}{}", line(&told)).is_ok();
            err.flush().ok();
        }
    }

    /// Takes it away.
    pub(super) fn clear(&mut self, err: &mut dyn Write) -> io::Result<()> {
        if std::mem::take(&mut self.is_drawn) {
            write!(err, "{AFRESH}")?;
            err.flush()?;
        }
        Ok(())
    }
}

/// `[######                  ]  25 %  reading`
fn line(told: &Told) -> String {
    let message = told.message.as_deref().unwrap_or_default();
    let message = cut(&shown(message), MESSAGE);
    let whole = told.total.filter(|total| total.is_finite() && *total > 0.0);
    let Some(total) = whole else {
        return format!("{}  {message}", told.progress);
    };
    let part = (told.progress / total).clamp(0.0, 1.0);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "it is between nothing and the width"
    )]
    let done = (part * WIDTH as f64) as usize;
    let (done, left) = ("#".repeat(done), " ".repeat(WIDTH - done));
    format!("[{done}{left}] {:>3.0} %  {message}", part * 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_never_longer_than_it_is() {
        let told = |progress, total, message: &str| Told {
            progress,
            total,
            message: Some(message.to_owned()),
        };
        let half = line(&told(5.0, Some(10.0), "x\u{1b}[2J"));
        assert_eq!(half, "[############            ]  50 %  x\\u{1b}[2J");
        for wild in [f64::NAN, f64::INFINITY, -1.0, 1e300] {
            let text = line(&told(wild, Some(3.0), ""));
            assert!(text.len() < 60, "{text}");
            let text = line(&told(1.0, Some(wild), ""));
            assert!(text.len() < 60, "{text}");
        }
    }

    #[test]
    fn it_is_for_terminals_and_goes_again() {
        let told = Notification {
            method: METHOD.into(),
            params: Some(r#"{"progressToken":1,"progress":1,"total":2}"#.into()),
        };
        for (is_wanted, expected) in [
            (false, String::new()),
            (
                true,
                format!("{AFRESH}[############            ]  50 %  {AFRESH}"),
            ),
        ] {
            let mut line = ProgressLine::new(is_wanted);
            let mut said = Vec::new();
            line.heard(&told, &mut said);
            line.clear(&mut said).unwrap();
            assert_eq!(String::from_utf8(said).unwrap(), expected);
        }
    }
}
