//! The text format of Prometheus, version 0.0.4, which every collector reads. The crate writes
//! OpenMetrics 1.0, where the header of a counter leaves `_total` out: `mcproxy_sessions` and
//! `mcproxy_sessions_total` would be one family there, of two types. Only headers differ.

/// The media type of [`classic`].
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// OpenMetrics text as classic text: families have the names of their samples.
pub(super) fn classic(open: &str) -> String {
    let mut text = String::with_capacity(open.len() + 256);
    let mut help = None;
    for line in open.lines() {
        let mut words = line.splitn(4, ' ');
        match (words.next(), words.next(), words.next(), words.next()) {
            (Some("#"), Some("HELP"), Some(_), Some(words)) => help = Some(words),
            (Some("#"), Some("TYPE"), Some(family), Some(kind)) => {
                let (suffix, kind) = match kind {
                    "counter" => ("_total", "counter"),
                    "info" => ("_info", "gauge"),
                    other => ("", other),
                };
                if let Some(help) = help.take() {
                    text += &format!("# HELP {family}{suffix} {help}\n");
                }
                text += &format!("# TYPE {family}{suffix} {kind}\n");
            }
            (Some("#"), ..) => {} // the end is the end of the reply
            _ => text.extend([line, "\n"]),
        }
    }
    text
}
