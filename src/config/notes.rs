//! What is found while the file is read, kept by byte offset until it is shown. Reading goes on
//! after a mistake, so that one run reports them all.

use super::error::{Severity, extended};

/// Where something stands: in the text and in the structure.
#[derive(Debug, Clone)]
pub(super) struct At {
    /// Byte offset in the text.
    pub(super) offset: usize,
    /// `servers[2].env.TOKEN`; empty for the file.
    pub(super) path: String,
}

impl At {
    /// A place in the file as a whole.
    pub(super) fn file(offset: usize) -> Self {
        let path = String::new();
        Self { offset, path }
    }

    /// The value of `key` in the object at `self`.
    pub(super) fn key(&self, key: &str, offset: usize) -> Self {
        let path = extended(&self.path, key);
        Self { offset, path }
    }

    /// Element `index` of the list at `self`.
    pub(super) fn index(&self, index: usize, offset: usize) -> Self {
        let path = format!("{}[{index}]", self.path);
        Self { offset, path }
    }
}

/// A mistake, before its line and column are worked out.
#[derive(Debug)]
pub(super) struct Finding {
    pub(super) severity: Severity,
    pub(super) at: At,
    pub(super) server: Option<String>,
    pub(super) message: String,
    pub(super) help: Option<String>,
}

impl Finding {
    /// Something that cannot be used.
    pub(super) fn error(at: At, message: impl Into<String>) -> Self {
        Self::new(Severity::Error, at, message.into())
    }

    /// Something that is used, but perhaps not as it was meant.
    pub(super) fn warning(at: At, message: impl Into<String>) -> Self {
        Self::new(Severity::Warning, at, message.into())
    }

    /// With what to do about it.
    pub(super) fn help(self, help: impl Into<String>) -> Self {
        let help = Some(help.into());
        Self { help, ..self }
    }

    fn new(severity: Severity, at: At, message: String) -> Self {
        Self {
            severity,
            at,
            server: None,
            message,
            help: None,
        }
    }
}

/// The findings so far.
#[derive(Debug, Default)]
pub(super) struct Notes {
    findings: Vec<Finding>,
}

impl Notes {
    /// Takes down one more.
    pub(super) fn add(&mut self, finding: Finding) {
        self.findings.push(finding);
    }

    /// Whether anything was refused.
    pub(super) fn has_errors(&self) -> bool {
        let is_error = |finding: &Finding| finding.severity == Severity::Error;
        self.findings.iter().any(is_error)
    }

    /// Takes over what was found in the entry of `server`.
    pub(super) fn adopt(&mut self, entry: Self, server: Option<&str>) {
        let named = entry.findings.into_iter().map(|finding| Finding {
            server: server.map(str::to_owned),
            ..finding
        });
        self.findings.extend(named);
    }

    /// Turns every error into a warning: the entry is switched off, nothing is refused.
    pub(super) fn soften(&mut self) {
        for finding in &mut self.findings {
            finding.severity = Severity::Warning;
        }
    }

    /// Everything, in the order of the file.
    pub(super) fn into_sorted(mut self) -> Vec<Finding> {
        self.findings.sort_by_key(|finding| finding.at.offset);
        self.findings
    }
}
