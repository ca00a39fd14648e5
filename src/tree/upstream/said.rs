//! What a server writes to its stderr, for the log; and what its life teaches, for the lives to come.

use log::Level;
use tokio::time::Instant;

use super::state::{Outcome, UpstreamState};
use crate::tree::registry::Lessons;

/// So much of a line of stderr is in the line that says that its server has ended, in characters.
const LAST_LINE: usize = 300;

impl UpstreamState {
    pub(super) fn on_stderr(&mut self, line: &str) {
        self.args.history.stderr(line);
        let label = self.dialogue.label();
        let rate = self.args.limits.stderr_lines_per_second;
        // What it says before it fails once more, as before, is as little news as that.
        let is_news = self.ready_since.is_some() || !self.args.past.is_repeating();
        let level = if is_news { Level::Info } else { Level::Debug };
        log::log!(level, server = label.server(), rate; "Server {label} stderr: {line}");
        self.last_said = Some(format!("its last line on stderr: {}", beginning(line)));
        self.dialogue.on_sign_of_life(Instant::now());
    }

    pub(super) fn on_remember(&mut self, lessons: Lessons) -> Outcome {
        let effects = self.dialogue.on_remember(Instant::now(), lessons);
        self.perform(effects)
    }

    /// Has the registry keep what was learnt, if it is told what the server offers.
    pub(super) fn tell_lessons(&mut self) {
        let lessons = self.args.past.lessons();
        let is_told = self.catalogue.is_some() && self.dialogue.owner().is_none();
        if is_told && std::mem::replace(&mut self.lessons, lessons) != lessons {
            self.args.registry.learnt(&self.handle, lessons);
        }
    }
}

fn beginning(line: &str) -> &str {
    let end = line.char_indices().nth(LAST_LINE);
    end.map_or(line, |(end, _)| line.split_at(end).0)
}
