//! Figures with their goals, as a Markdown table and as JSON.

use std::fmt::Write;
use std::{fs, thread};

use serde_json::{Value, json};

use crate::goals::{self, Goal};

/// One measured value.
struct Figure {
    /// Stable, for programs: `c16.sse.cpu`.
    key: String,
    what: String,
    value: f64,
    unit: &'static str,
    goal: Goal,
    bound: Option<f64>,
}

impl Figure {
    fn met(&self) -> Option<bool> {
        match self.goal {
            Goal::AtMost(limit) => Some(self.value <= limit),
            Goal::None | Goal::Words(_) => None,
        }
    }

    fn row(&self) -> String {
        let goal = match self.goal {
            Goal::None => String::new(),
            Goal::AtMost(limit) => format!("≤ {} {}", number(limit), self.unit),
            Goal::Words(words) => words.to_owned(),
        };
        let verdict = |met: bool| if met { "yes" } else { "over" };
        let met = self.met().map_or("", verdict);
        let bound = self.bound.map_or(String::new(), |limit| {
            let met = verdict(self.value <= limit);
            format!("≤ {} {}: {met}", number(limit), self.unit)
        });
        let value = number(self.value);
        format!(
            "| {} | {value} {} | {goal} | {met} | {bound} |\n",
            self.what, self.unit
        )
    }

    fn json(&self) -> Value {
        let goal = match self.goal {
            Goal::None => Value::Null,
            Goal::AtMost(limit) => json!({ "at_most": limit }),
            Goal::Words(words) => json!(words),
        };
        json!({
            "key": self.key, "what": self.what, "value": self.value, "unit": self.unit,
            "goal": goal, "met": self.met(), "bound": self.bound,
        })
    }
}

/// All figures of a run.
pub(crate) struct Report {
    pub(crate) machine: Machine,
    /// How long and how often.
    settings: String,
    figures: Vec<Figure>,
    notes: Vec<String>,
}

impl Report {
    pub(crate) fn new(machine: Machine, settings: String) -> Self {
        Self {
            machine,
            settings,
            figures: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// Takes something to be said below the figures.
    pub(crate) fn note(&mut self, note: String) {
        self.notes.push(note);
    }

    /// Takes a figure; its goal is looked up by `key`.
    pub(crate) fn add(&mut self, key: &str, what: &str, value: f64, unit: &'static str) {
        self.figures.push(Figure {
            key: key.to_owned(),
            what: what.to_owned(),
            value,
            unit,
            goal: goals::goal(key),
            bound: goals::bound(key),
        });
    }

    pub(crate) fn markdown(&self) -> String {
        let mut text = self.machine.markdown();
        text.push_str(&self.settings);
        text.push_str(
            "\n\n| what | measured | goal | met | bound for now |\n|---|---|---|---|---|\n",
        );
        for figure in &self.figures {
            text.push_str(&figure.row());
        }
        for note in &self.notes {
            text.extend(["\n", note, "\n"]);
        }
        text
    }

    pub(crate) fn json(&self) -> Value {
        let figures: Vec<_> = self.figures.iter().map(Figure::json).collect();
        json!({
            "machine": self.machine.json(), "settings": self.settings, "figures": figures,
            "notes": self.notes,
        })
    }
}

/// Where it was measured, and how busy that was.
pub(crate) struct Machine {
    cores: usize,
    processor: String,
    kernel: String,
    load_before: String,
    load_after: String,
}

impl Machine {
    pub(crate) fn look() -> Self {
        let processors = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let processor = processors
            .lines()
            .find_map(|line| line.strip_prefix("model name")?.split_once(": "))
            .map_or("unknown processor", |(_, name)| name);
        Self {
            cores: thread::available_parallelism().map_or(0, Into::into),
            processor: processor.to_owned(),
            kernel: first_line("/proc/sys/kernel/osrelease"),
            load_before: first_line("/proc/loadavg"),
            load_after: String::new(),
        }
    }

    /// Notes the load at the end.
    pub(crate) fn finish(&mut self) {
        self.load_after = first_line("/proc/loadavg");
    }

    fn markdown(&self) -> String {
        let mut text = String::new();
        let written = write!(
            text,
            "{} cores ({}), Linux {}; load average {} before, {} after; ",
            self.cores, self.processor, self.kernel, self.load_before, self.load_after
        );
        debug_assert!(written.is_ok(), "a string takes all");
        text
    }

    fn json(&self) -> Value {
        json!({
            "cores": self.cores, "processor": self.processor, "kernel": self.kernel,
            "loadavg_before": self.load_before, "loadavg_after": self.load_after,
        })
    }
}

fn first_line(path: &str) -> String {
    let text = fs::read_to_string(path).unwrap_or_default();
    text.lines().next().unwrap_or("unknown").to_owned()
}

/// Three significant digits are all that a busy machine gives.
fn number(value: f64) -> String {
    match value.abs() {
        100.0.. => format!("{value:.0}"),
        10.0..100.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}
