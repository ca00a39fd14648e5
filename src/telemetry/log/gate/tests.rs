//! The gate by itself, in paused time.

use super::*;

/// As many lines of `length` bytes, from a place, about a server; gives how many pass.
fn log(gate: &Gate, now: Instant, at: (u32, &str), lines: usize, length: usize) -> usize {
    let (line, server) = at;
    let about = [("server", kv::Value::from(server))];
    log_about(gate, now, (line, &about), lines, length)
}

/// The same with a rate of 20 that an operator set.
fn log_set(gate: &Gate, now: Instant, server: &str, lines: usize, length: usize) -> usize {
    let about = [
        ("server", kv::Value::from(server)),
        ("rate", kv::Value::from(20)),
    ];
    log_about(gate, now, (0, &about), lines, length)
}

fn log_about(
    gate: &Gate,
    now: Instant,
    at: (u32, &[(&str, kv::Value<'_>)]),
    lines: usize,
    length: usize,
) -> usize {
    let text = "x".repeat(length);
    let (line, about) = at;
    let one = |_: &usize| {
        let mut record = Record::builder();
        record
            .level(Level::Warn)
            .line(Some(line))
            .key_values(&about);
        let verdict = gate.asks(now, &record.args(format_args!("{text}")).build());
        if let Verdict::Pass(key) = verdict {
            gate.pay(now, key, length);
        }
        matches!(verdict, Verdict::Pass(_))
    };
    (0..lines).filter(one).count()
}

#[tokio::test(start_paused = true)]
async fn the_first_pass_and_the_others_are_summed_up() {
    let start = Instant::now();
    let gate = Gate::new(start);
    assert_eq!(gate.next(), None);
    assert_eq!(log(&gate, start, (1, "a"), 1000, 200), 20);
    assert_eq!(log(&gate, start, (1, "b"), 5, 200), 5, "another server");
    assert_eq!(log(&gate, start, (2, "a"), 5, 200), 5, "another place");
    let due = gate.next().expect("lines were left out");
    assert!(gate.sums(start).is_empty());
    let sums = gate.sums(due);
    assert_eq!(sums.len(), 1);
    let expected = format!(
        "… and 980 more lines like this in 3 s: {}",
        "x".repeat(SHOWN)
    );
    assert_eq!(sums[0].text, expected);
    assert_eq!(gate.next(), None);
    assert_eq!(log(&gate, due, (1, "a"), 21, 200), 5, "the sum was a line");
    let rest: Vec<_> = gate.rest(due).into_iter().map(|sum| sum.text).collect();
    assert!(
        rest.len() == 1 && rest[0].starts_with("… and 16 more"),
        "{rest:?}"
    );
}

/// A minute in which `noise` gives how many bytes pass; with those of the sums, and how many of six
/// lines of a place with little to say.
fn minute(gate: &Gate, mut noise: impl FnMut(Instant) -> usize) -> (usize, usize) {
    let mut now = Instant::now();
    let (mut bytes, mut rare) = (0, 0);
    for second in 0..60 {
        bytes += noise(now);
        let sums = gate.sums(now);
        bytes += sums.iter().map(|sum| sum.text.len()).sum::<usize>();
        if second % 10 == 0 {
            rare += log(gate, now, (1000, ""), 1, 80);
        }
        now += Duration::from_secs(1);
    }
    (bytes, rare)
}

#[tokio::test(start_paused = true)]
async fn all_places_together_stay_below_a_megabyte_a_minute_and_a_rare_line_passes() {
    for (servers, places, length) in [(1, 50, 500), (1, 5, 8_000), (100, 8, 500)] {
        let names: Vec<String> = (0..servers).map(|number: u32| number.to_string()).collect();
        let gate = Gate::new(Instant::now());
        let (bytes, rare) = minute(&gate, |now| {
            let all = names
                .iter()
                .flat_map(|name| (0..places).map(move |at| (at, name)));
            all.map(|(at, name)| length * log(&gate, now, (at, name), 50, length))
                .sum()
        });
        assert!(bytes < 1_000_000, "{bytes} of {servers} × {places}");
        assert!(bytes > 100_000, "{bytes} of {servers} × {places}");
        // With so many that are noisy there is no room for all that is rare.
        let least = if servers == 1 { 4 } else { 1 };
        assert!(rare >= least, "{rare} rare lines of {servers} × {places}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_many_servers_write_to_stderr_is_as_much_as_one_may_write() {
    let gate = Gate::new(Instant::now());
    let names: Vec<String> = (0..50).map(|number: u32| number.to_string()).collect();
    let mut quiet = 0;
    let (bytes, _) = minute(&gate, |now| {
        quiet += log_set(&gate, now, "quiet", 1, 80);
        names
            .iter()
            .map(|name| 500 * log_set(&gate, now, name, 20, 500))
            .sum()
    });
    assert!(bytes < 1_000_000, "{bytes}");
    assert!(bytes > 300_000, "{bytes}");
    assert!(quiet >= 3, "{quiet} lines of one that says little");
}

#[tokio::test(start_paused = true)]
async fn after_the_noise_all_is_said_again() {
    let mut now = Instant::now();
    let gate = Gate::new(now);
    minute(&gate, |now| {
        (0..800)
            .map(|place| log(&gate, now, (place, "a"), 50, 500))
            .sum()
    });
    now += Duration::from_secs(60 + 320);
    gate.sums(now);
    now += Duration::from_secs(60);
    assert_eq!(log(&gate, now, (1, "a"), 5, 80), 5);
}

#[tokio::test(start_paused = true)]
async fn the_table_is_bounded_and_forgets_what_is_quiet() {
    let start = Instant::now();
    let gate = Gate::new(start);
    for name in 0..2 * PLACES {
        log(&gate, start, (1, &name.to_string()), 1, 10);
    }
    assert!(gate.lock().by_key.len() <= PLACES + 1);
    let later = start + Duration::from_secs(1000);
    assert_eq!(log(&gate, later, (1, "new"), 1, 10), 1);
    assert!(gate.lock().by_key.len() <= 2);
}
