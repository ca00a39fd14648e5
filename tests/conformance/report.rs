//! What a run of the suite found, read from the files that it writes: each scenario is a list of
//! checks. And the judgement: which of them count, and what two runs have in common.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::Deserialize;

/// Here a server closes the HTTP stream that its own answer would go to. One behind a pipe cannot,
/// so that its checks, recommendations all, end early. The suite itself does not count them.
const POLLING: &str = "server-sse-polling";

/// Succeeds where requests are answered by event streams, and only informs where they are answered
/// by plain JSON. Both are allowed.
const STREAMS: &str = "server-sse-streams-functional";

/// The outcome of one check. The names are the suite's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum Status {
    Success,
    Failure,
    Warning,
    Skipped,
    Info,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Check {
    id: String,
    status: Status,
    #[serde(default)]
    error_message: String,
}

/// All checks by scenario.
pub(crate) struct Report(BTreeMap<String, Vec<Check>>);

impl Report {
    /// Reads `results`, a folder with one `server-SCENARIO-TIME/checks.json` for each scenario, and
    /// holds it against what was `said` at the end: `Total: 44 passed, 0 failed`.
    pub(crate) fn read(results: &Path, said: &str) -> Result<Self, String> {
        let mut scenarios = BTreeMap::new();
        for entry in fs::read_dir(results).map_err(|error| error.to_string())? {
            let folder = entry.map_err(|error| error.to_string())?;
            let name = folder.file_name().to_string_lossy().into_owned();
            let scenario = scenario_of(&name).ok_or_else(|| format!("what is {name:?}?"))?;
            let text = fs::read(folder.path().join("checks.json"));
            let text = text.map_err(|error| format!("{name}: {error}"))?;
            let checks = serde_json::from_slice(&text);
            let checks = checks.map_err(|error| format!("{name}: {error}"))?;
            scenarios.insert(scenario.to_owned(), checks);
        }
        let report = Self(scenarios);
        let (passed, failed) = (report.count(Status::Success), report.count(Status::Failure));
        let total = format!("Total: {passed} passed, {failed} failed");
        if said.lines().any(|line| line == total) {
            return Ok(report);
        }
        Err(format!("the suite did not say {total:?}, as it wrote"))
    }

    /// The same without some scenarios.
    pub(crate) fn without(mut self, is_left_out: impl Fn(&str) -> bool) -> Self {
        self.0.retain(|scenario, _| !is_left_out(scenario));
        self
    }

    /// How many checks ended so.
    pub(crate) fn count(&self, status: Status) -> usize {
        let checks = self.0.values().flatten();
        checks.filter(|check| check.status == status).count()
    }

    pub(crate) fn scenarios(&self) -> Vec<&str> {
        self.0.keys().map(String::as_str).collect()
    }

    /// The scenarios in which something failed.
    pub(crate) fn failing(&self) -> Vec<&str> {
        let is_bad =
            |(name, checks): &(&String, &Vec<Check>)| checks.iter().any(|c| c.is_bad(name));
        let bad = self.0.iter().filter(is_bad);
        bad.map(|(name, _)| name.as_str()).collect()
    }

    /// A line for each check that failed or warned.
    pub(crate) fn complaints(&self) -> Vec<String> {
        self.lines(|check, scenario| {
            let what = &check.error_message;
            let line = || format!("{scenario}: {}: {:?}: {what}", check.id, check.status);
            check.is_bad(scenario).then(line)
        })
    }

    /// A line for each check that must end the same in every run, whatever it is run against; but
    /// for the scenarios `left_out`.
    pub(crate) fn verdicts(&self, left_out: &[&str]) -> Vec<String> {
        self.lines(|check, scenario| {
            let counts = scenario != POLLING && check.id != STREAMS;
            let line = || format!("{scenario}: {}: {:?}", check.id, check.status);
            (counts && !left_out.contains(&scenario)).then(line)
        })
    }

    fn lines(&self, line: impl Fn(&Check, &str) -> Option<String>) -> Vec<String> {
        let of_scenario = |(name, checks): (&String, &Vec<Check>)| {
            checks
                .iter()
                .filter_map(|check| line(check, name))
                .collect::<Vec<_>>()
        };
        self.0.iter().flat_map(of_scenario).collect()
    }
}

impl Check {
    /// A warning is as bad as a failure, but where all is recommendation.
    fn is_bad(&self, scenario: &str) -> bool {
        match self.status {
            Status::Failure => true,
            Status::Warning => scenario != POLLING,
            Status::Success | Status::Skipped | Status::Info => false,
        }
    }
}

/// `ping` of `server-ping-2026-01-02T03-04-05-678Z`.
fn scenario_of(folder: &str) -> Option<&str> {
    let rest = folder.strip_prefix("server-")?.strip_suffix('Z')?;
    let (name, time) =
        rest.split_at_checked(rest.len().checked_sub("-2026-01-02T03-04-05-678".len())?)?;
    time.starts_with('-').then_some(name)
}

/// What a run behind the gateway has else than the direct one: each complaint, each scenario and
/// each verdict of only one of them. `expected` names the scenarios that must fail, and only those.
pub(crate) fn differences(direct: &Report, behind: &Report, expected: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    let failing = behind.failing();
    let is_expected = |line: &String| {
        expected
            .iter()
            .any(|name| line.starts_with(&format!("{name}: ")))
    };
    found.extend(
        behind
            .complaints()
            .into_iter()
            .filter(|line| !is_expected(line)),
    );
    let stale = expected.iter().filter(|name| !failing.contains(name));
    found.extend(stale.map(|name| format!("{name} passes: take it off the list")));
    found.extend(only_one(&direct.scenarios(), &behind.scenarios()));
    found.extend(only_one(
        &direct.verdicts(expected),
        &behind.verdicts(expected),
    ));
    found
}

/// What only one of two lists has, or has more often.
fn only_one<T: PartialEq + std::fmt::Display>(direct: &[T], behind: &[T]) -> Vec<String> {
    let times = |list: &[T], line: &T| list.iter().filter(|one| *one == line).count();
    let is_more = |one: &[T], other: &[T], line: &T| times(one, line) > times(other, line);
    let missing = direct.iter().filter(|line| is_more(direct, behind, line));
    let added = behind.iter().filter(|line| is_more(behind, direct, line));
    let missing = missing.map(|line| format!("only direct: {line}"));
    missing
        .chain(added.map(|line| format!("only behind: {line}")))
        .collect()
}

#[test]
fn what_differs_is_seen() {
    let report = |text: &str| Report(serde_json::from_str(text).expect("a report"));
    let ok = r#""ping": [{"id": "a", "status": "SUCCESS"}]"#;
    let direct = report(&format!(
        r#"{{{ok}, "{POLLING}": [{{"id": "b", "status": "SUCCESS"}}], "c": [{{"id": "{STREAMS}", "status": "SUCCESS"}}]}}"#
    ));
    let behind = |a: &str, b: &str, c: &str| {
        report(&format!(
            r#"{{"ping": [{a}], "{POLLING}": [{{"id": "b", "status": "{b}"}}], "c": [{{"id": "{STREAMS}", "status": "{c}"}}]}}"#
        ))
    };
    let (good, bad) = (
        r#"{"id": "a", "status": "SUCCESS"}"#,
        r#"{"id": "a", "status": "FAILURE"}"#,
    );
    let seen = |behind: &Report, expected: &[&str]| differences(&direct, behind, expected).len();
    assert_eq!(seen(&behind(good, "WARNING", "INFO"), &[]), 0);
    assert_eq!(seen(&behind(good, "FAILURE", "INFO"), &[]), 1);
    assert_eq!(seen(&behind(good, "INFO", "WARNING"), &[]), 1);
    assert_eq!(seen(&behind("", "INFO", "INFO"), &[]), 1);
    let twice = format!("{good}, {good}");
    assert_eq!(seen(&behind(&twice, "INFO", "INFO"), &[]), 2);
    assert_eq!(seen(&behind(bad, "INFO", "INFO"), &[]), 3);
    assert_eq!(seen(&behind(bad, "INFO", "INFO"), &["ping"]), 0);
    assert_eq!(seen(&behind(good, "INFO", "INFO"), &["ping"]), 1);
    assert_eq!(seen(&report("{}"), &[]), 4);
}

#[test]
fn a_folder_names_its_scenario() {
    assert_eq!(
        scenario_of("server-server-sse-polling-2026-01-02T03-04-05-678Z"),
        Some(POLLING)
    );
    assert_eq!(scenario_of("server-ping"), None);
    assert_eq!(scenario_of("client-ping-2026-01-02T03-04-05-678Z"), None);
}
