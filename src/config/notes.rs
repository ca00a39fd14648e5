//! What is found while the file is read, kept by byte offset until it is shown. Reading goes on
//! after a mistake, so that one run reports them all.

use super::error::{Severity, extended};

/// Where something stands: in the text and in the structure.
#[derive(Debug, Clone)]
pub(crate) struct At {
    /// Byte offset in the text.
    pub(crate) offset: usize,
    /// `servers[2].env.TOKEN`; empty for the file.
    pub(crate) path: String,
}

impl At {
    /// A place in the file as a whole.
    pub(crate) fn file(offset: usize) -> Self {
        let path = String::new();
        Self { offset, path }
    }

    /// The value of `key` in the object at `self`.
    pub(crate) fn key(&self, key: &str, offset: usize) -> Self {
        let path = extended(&self.path, key);
        Self { offset, path }
    }

    /// Element `index` of the list at `self`.
    pub(crate) fn index(&self, index: usize, offset: usize) -> Self {
        let path = format!("{}[{index}]", self.path);
        Self { offset, path }
    }
}

/// A mistake, before its line and column are worked out.
#[derive(Debug)]
pub(crate) struct Finding {
    pub(crate) severity: Severity,
    pub(crate) at: At,
    pub(crate) server: Option<String>,
    pub(crate) message: String,
    pub(crate) help: Option<String>,
}

impl Finding {
    /// Something that cannot be used.
    pub(crate) fn error(at: At, message: impl Into<String>) -> Self {
        Self::new(Severity::Error, at, message.into())
    }

    /// Something that is used, but perhaps not as it was meant.
    pub(crate) fn warning(at: At, message: impl Into<String>) -> Self {
        Self::new(Severity::Warning, at, message.into())
    }

    /// With what to do about it.
    pub(crate) fn help(self, help: impl Into<String>) -> Self {
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

/// How many errors are kept, and how many warnings: more nobody reads, and a file can have a million.
pub(crate) const MOST: usize = 50;

/// The findings so far: the first of each severity, and how many more there were.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    errors: Findings,
    warnings: Findings,
}

#[derive(Debug, Default)]
struct Findings {
    findings: Vec<Finding>,
    /// The first that was left out, without its words, and how many were.
    left_out: Option<(At, usize)>,
}

impl Notes {
    /// Takes down one more.
    pub(crate) fn add(&mut self, finding: Finding) {
        match finding.severity {
            Severity::Error => self.errors.add(finding),
            Severity::Warning => self.warnings.add(finding),
        }
    }

    /// The same for one that may not be there.
    pub(crate) fn extend(&mut self, finding: Option<Finding>) {
        if let Some(finding) = finding {
            self.add(finding);
        }
    }

    /// Whether anything was refused.
    pub(crate) fn has_errors(&self) -> bool {
        !self.errors.findings.is_empty()
    }

    /// Whether one more warning would only be counted: then it need not be worded with care.
    pub(crate) fn is_full_of_warnings(&self) -> bool {
        self.warnings.findings.len() >= MOST
    }

    /// Takes over what was found in the entry of `server`.
    pub(crate) fn adopt(&mut self, entry: Self, server: Option<&str>) {
        self.errors.adopt(entry.errors, server);
        self.warnings.adopt(entry.warnings, server);
    }

    /// Turns every error into a warning: the entry is switched off, nothing is refused.
    pub(crate) fn soften(&mut self) {
        let mut softened = std::mem::take(&mut self.errors);
        for finding in &mut softened.findings {
            finding.severity = Severity::Warning;
        }
        self.warnings.adopt(softened, None);
    }

    /// Everything, in the order of the file, then how much more there is.
    pub(crate) fn into_sorted(self) -> Vec<Finding> {
        let left_out = [
            (self.errors.left_out, Severity::Error),
            (self.warnings.left_out, Severity::Warning),
        ];
        let mut findings = self.errors.findings;
        findings.extend(self.warnings.findings);
        findings.sort_by_key(|finding| finding.at.offset);
        findings.extend(left_out.into_iter().filter_map(|(left_out, severity)| {
            let (at, count) = left_out?;
            let what = format!("and {count} more {severity}s, the first of them here");
            Some(Finding::new(severity, At::file(at.offset), what))
        }));
        findings
    }
}

impl Findings {
    fn add(&mut self, finding: Finding) {
        if self.findings.len() < MOST {
            self.findings.push(finding);
        } else {
            self.leave_out(finding.at, 1);
        }
    }

    fn leave_out(&mut self, at: At, count: usize) {
        let (_, so_far) = self.left_out.get_or_insert((at, 0));
        *so_far += count;
    }

    fn adopt(&mut self, other: Self, server: Option<&str>) {
        for finding in other.findings {
            let server = finding.server.or_else(|| server.map(str::to_owned));
            self.add(Finding { server, ..finding });
        }
        if let Some((at, count)) = other.left_out {
            self.leave_out(at, count);
        }
    }
}
