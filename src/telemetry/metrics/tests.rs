//! The guards under panics, and the text.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::*;

fn name(text: &str) -> ServerName {
    ServerName::new(text).unwrap()
}

fn value(metrics: &Metrics, series: &str) -> Option<String> {
    let text = metrics.text();
    let mut lines = text.lines();
    let line = lines.find(|line| line.starts_with(&format!("{series} ")))?;
    Some(line.rsplit(' ').next()?.to_owned())
}

#[test]
fn what_is_held_is_counted_down_by_a_drop_and_by_a_panic() {
    let metrics = Metrics::default();
    let (one, mut body) = (metrics.session(), GaugeGuard::none(metrics.bodies()));
    body.add(1000);
    body.add(24);
    assert_eq!((metrics.sessions(), metrics.bodies().get()), (1, 1024));
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        let _held = (metrics.session(), body);
        assert_eq!(metrics.sessions(), 3, "this panics: there are two");
    }));
    assert!(panicked.is_err());
    assert_eq!((metrics.sessions(), metrics.bodies().get()), (1, 0));
    drop(one);
    assert_eq!(metrics.sessions(), 0);
    assert_eq!(value(&metrics, "mcproxy_sessions_total").unwrap(), "2");
}

#[test]
fn a_server_is_shown_from_its_first_use_until_it_is_forgotten() {
    let metrics = Metrics::default();
    let (all, other) = (metrics.server(&name("a")), metrics.server(&name("b")));
    all.answered.inc();
    metrics.server(&name("a")).answered.inc();
    other.up.set(1);
    let answered = r#"mcproxy_calls_total{server="a",outcome="answered"}"#;
    let dropped = r#"mcproxy_answers_dropped_total{server="a",reason="late"}"#;
    assert_eq!(value(&metrics, answered).unwrap(), "2");
    assert_eq!(value(&metrics, dropped).unwrap(), "0");

    metrics.forget(&name("a"));
    all.answered.inc();
    metrics.notification_dropped(&name("a"));
    assert!(!metrics.text().contains(r#"server="a""#));
    let up = value(&metrics, r#"mcproxy_server_up{server="b"}"#);
    assert_eq!(up.unwrap(), "1");

    assert_eq!(metrics.server(&name("a")).answered.get(), 0, "it is new");
}

#[test]
fn every_number_has_its_name() {
    let metrics = Metrics::default();
    metrics.refused("host");
    metrics.restarts("registry").inc();
    metrics.reloaded();
    metrics.limit_sessions(7);
    drop(metrics.server(&name("s")));
    let version = env!("CARGO_PKG_VERSION");
    let expected = [
        format!(r#"mcproxy_info{{version="{version}"}} 1"#),
        r#"mcproxy_requests_refused_total{reason="host"} 1"#.into(),
        r#"mcproxy_actor_restarts_total{actor="registry"} 1"#.into(),
        "mcproxy_reloads_total 1".into(),
        "mcproxy_log_lines_dropped_total 0".into(),
        "mcproxy_sessions 0".into(),
        "mcproxy_sessions_limit 7".into(),
        "mcproxy_sessions_total 0".into(),
        "mcproxy_sessions_adopted_total 0".into(),
        "mcproxy_draining 0".into(),
        "mcproxy_session_calls_in_flight 0".into(),
        "mcproxy_connections 0".into(),
        "mcproxy_bodies_in_flight_bytes 0".into(),
        "mcproxy_outgoing_bytes 0".into(),
        r#"mcproxy_server_starts_total{server="s"} 0"#.into(),
        r#"mcproxy_calls_in_flight{server="s"} 0"#.into(),
        r#"mcproxy_call_permits_in_use{server="s"} 0"#.into(),
        r#"mcproxy_lines_dropped_total{server="s"} 0"#.into(),
        r#"mcproxy_stderr_lines_dropped_total{server="s"} 0"#.into(),
        r#"mcproxy_notifications_dropped_total{server="s"} 0"#.into(),
        r#"mcproxy_uri_searches_cut_total{server="s"} 0"#.into(),
        r#"mcproxy_entries_left_out_total{server="s",reason="wrong"} 0"#.into(),
    ];
    let text = metrics.text();
    for line in expected {
        assert!(text.lines().any(|l| l == line), "{line} in\n{text}");
    }
    let types = text.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    let types: Vec<&str> = types.filter(|line| line.contains("_sessions")).collect();
    let expected = [
        "mcproxy_sessions gauge",
        "mcproxy_sessions_limit gauge",
        "mcproxy_sessions_total counter",
        "mcproxy_sessions_adopted_total counter",
    ];
    assert_eq!(types, expected, "in\n{text}");
    assert!(!text.contains("EOF"));
}

#[test]
fn every_figure_has_its_name() {
    let metrics = Metrics::default();
    let figures = metrics.server(&name("s")).figures.clone();
    let sent = Instant::now();
    figures
        .times
        .ended(sent, sent + Duration::from_millis(1500));
    figures.memory.set(4096);
    figures.cpu.inc_by(0.25);
    let expected = [
        r#"mcproxy_call_duration_seconds_bucket{le="1.0",server="s"} 0"#,
        r#"mcproxy_call_duration_seconds_bucket{le="2.5",server="s"} 1"#,
        r#"mcproxy_call_duration_seconds_bucket{le="+Inf",server="s"} 1"#,
        r#"mcproxy_call_duration_seconds_sum{server="s"} 1.5"#,
        r#"mcproxy_call_duration_seconds_count{server="s"} 1"#,
        "# TYPE mcproxy_call_duration_seconds histogram",
        r#"mcproxy_call_errors_total{server="s"} 0"#,
        r#"mcproxy_server_restarts_total{server="s"} 0"#,
        r#"mcproxy_server_crash_looping{server="s"} 0"#,
        r#"mcproxy_server_tools{server="s"} 0"#,
        r#"mcproxy_server_tools_bytes{server="s"} 0"#,
        r#"mcproxy_server_tools_tokens{server="s"} 0"#,
        r#"mcproxy_server_processes{server="s"} 0"#,
        r#"mcproxy_server_memory_bytes{server="s"} 4096"#,
        r#"mcproxy_server_cpu_seconds_total{server="s"} 0.25"#,
    ];
    let text = metrics.text();
    for line in expected {
        assert!(text.lines().any(|l| l == line), "{line} in\n{text}");
    }
}
