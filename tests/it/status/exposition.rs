//! A strict reader of Prometheus's text format, version 0.0.4, as far as the gateway needs it: a family is
//! introduced by one HELP and one TYPE, its samples follow, no series comes twice.

use std::collections::{BTreeMap, BTreeSet};

/// One answer of `/metrics`.
#[derive(Debug)]
pub(crate) struct Scrape {
    /// By the text before the value, labels in the order of names.
    values: BTreeMap<String, f64>,
}

impl Scrape {
    /// # Panics
    /// When a line breaks a rule.
    pub(crate) fn read(text: &str) -> Self {
        assert!(text.ends_with('\n'), "the last line is not ended");
        let (mut families, mut values) = (BTreeSet::new(), BTreeMap::new());
        let (mut helped, mut family) = (None, "");
        let mut suffixes: &[&str] = &[];
        for line in text.lines() {
            if let Some(help) = line.strip_prefix("# HELP ") {
                let (name, words) = help.split_once(' ').expect("a help has words");
                assert!(!words.is_empty(), "{line}");
                assert_eq!(helped.replace(name), None, "a help without a type: {line}");
                continue;
            }
            if let Some(kind) = line.strip_prefix("# TYPE ") {
                let (name, kind) = kind.split_once(' ').expect("a type has a name");
                assert_eq!(helped.take(), Some(name), "a type without a help: {line}");
                assert!(families.insert(name), "a family twice: {line}");
                assert!(matches!(kind, "counter" | "gauge" | "histogram"), "{line}");
                suffixes = match kind {
                    "histogram" => &["_bucket", "_sum", "_count"],
                    _ => &[""],
                };
                assert_eq!(kind == "counter", name.ends_with("_total"), "{line}");
                family = name;
                continue;
            }
            let (series, value) = line.rsplit_once(' ').expect("a sample has a value");
            let (name, labels) = parts(series);
            let suffix = name.strip_prefix(family);
            let is_its = suffix.is_some_and(|suffix| suffixes.contains(&suffix));
            assert!(is_its, "a sample outside of its family: {line}");
            let value = value.parse().expect("a sample's value is a number");
            let series = canonical(name, labels);
            assert_eq!(values.insert(series, value), None, "twice: {line}");
        }
        Self { values }
    }

    /// The value of a series, written as in the text, its labels in the order of their names.
    pub(crate) fn value(&self, series: &str) -> Option<f64> {
        self.values.get(series).copied()
    }

    /// All series of this server.
    pub(crate) fn of_server(&self, server: &str) -> Vec<&str> {
        let label = format!(r#"server="{server}""#);
        let series = self.values.keys().map(String::as_str);
        series.filter(|series| series.contains(&label)).collect()
    }

    /// All series of this server that count what goes wrong, or calls: not what it offers, how long its
    /// calls take and what its processes use.
    pub(crate) fn counted_of_server(&self, server: &str) -> Vec<&str> {
        let figures = [
            "_tools",
            "_processes",
            "_memory_",
            "_cpu_",
            "_call_duration_",
        ];
        let mut all = self.of_server(server);
        all.retain(|series| !figures.iter().any(|figure| series.contains(figure)));
        all
    }

    /// All gauges that count what is there for a while, and are not at zero.
    pub(crate) fn held(&self) -> Vec<String> {
        let is_of = |series: &str| {
            let names = ["in_flight", "in_use", "mcproxy_sessions"];
            names.iter().any(|name| series.contains(name))
                && !["_total", "_limit"]
                    .iter()
                    .any(|name| series.contains(name))
        };
        let held = self.values.iter();
        let held = held.filter(|(series, value)| is_of(series) && **value != 0.0);
        held.map(|(series, value)| format!("{series} {value}"))
            .collect()
    }
}

fn parts(series: &str) -> (&str, &str) {
    match series.split_once('{') {
        Some((name, rest)) => (name, rest.strip_suffix('}').expect("labels are closed")),
        None => (series, ""),
    }
}

fn canonical(name: &str, labels: &str) -> String {
    let is_name = |text: &str| text.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    assert!(is_name(name), "{name:?} is no name of a metric");
    if labels.is_empty() {
        return name.to_owned();
    }
    let mut labels: Vec<&str> = labels.split(',').collect();
    for label in &labels {
        let (name, value) = label.split_once('=').expect("a label has a value");
        let value = value.strip_prefix('"').and_then(|v| v.strip_suffix('"'));
        let value = value.expect("a label's value is quoted");
        assert!(is_name(name), "{label}");
        assert!(!value.contains(['"', '\\', '\n']), "{label}");
    }
    labels.sort_unstable();
    format!("{name}{{{}}}", labels.join(","))
}

#[test]
#[should_panic(expected = "twice")]
fn a_series_that_comes_twice_is_refused() {
    Scrape::read("# HELP a_total x\n# TYPE a_total counter\na_total 1\na_total 2\n");
}

#[test]
#[should_panic(expected = "outside")]
fn a_sample_outside_of_its_family_is_refused() {
    Scrape::read("# HELP a_total x\n# TYPE a_total counter\nb_total 1\n");
}
