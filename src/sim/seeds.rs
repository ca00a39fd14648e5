//! The seeds, divided so that they run side by side; and that a seed is a whole run: the same seed,
//! the same trace.
//!
//! `MCPROXY_SIM_SEED=7` plays that seed alone and prints its trace; `MCPROXY_SIM_SEEDS=1000000` plays
//! that many in the place of ten thousand.

use std::env;

use super::director::{Outcome, play};
use super::world::Tally;

/// In this many tests, which run side by side.
const SHARDS: u64 = 8;
const SEEDS: u64 = 10_000;

fn number(variable: &str) -> Option<u64> {
    env::var(variable).ok()?.parse().ok()
}

/// Plays a seed; if something is wrong, again, with its trace in words.
fn check(seed: u64) -> Tally {
    let outcome = play(seed, false);
    if !outcome.complaints.is_empty() {
        fail(seed);
    }
    outcome.tally
}

fn fail(seed: u64) -> ! {
    let Outcome {
        lines, complaints, ..
    } = play(seed, true);
    panic!(
        "{}\n\nseed {seed} (MCPROXY_SIM_SEED={seed} plays it again):\n{}",
        lines.join("\n"),
        complaints.join("\n")
    );
}

fn shard(index: u64) {
    let seeds = number("MCPROXY_SIM_SEEDS").unwrap_or(SEEDS);
    let mut sum = Tally::default();
    for seed in (index..seeds).step_by(usize::try_from(SHARDS).unwrap()) {
        sum += check(seed);
    }
    // That so much was played is the proof that the invariants were put to the test.
    assert!(sum.played_everything(), "{sum:?}");
    eprintln!("{sum:?}");
}

macro_rules! shards {
    ($($name:ident = $index:literal),*) => {
        $(#[test]
        fn $name() {
            shard($index);
        })*
    };
}

shards!(
    seeds_0 = 0,
    seeds_1 = 1,
    seeds_2 = 2,
    seeds_3 = 3,
    seeds_4 = 4,
    seeds_5 = 5,
    seeds_6 = 6,
    seeds_7 = 7
);

#[test]
fn the_same_seed_plays_the_same_run() {
    let seeds = match number("MCPROXY_SIM_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..20,
    };
    env_logger::builder().is_test(true).try_init().ok(); // what RUST_LOG asks for
    for seed in seeds {
        let one = play(seed, true);
        let other = play(seed, true);
        if let Some(at) = (0..one.lines.len()).find(|&at| one.lines.get(at) != other.lines.get(at))
        {
            let from = at.saturating_sub(5);
            panic!(
                "seed {seed} differs in line {at}:\n{:#?}\n{:#?}",
                &one.lines[from..=at],
                other.lines.get(from..=at)
            );
        }
        assert_eq!(one.hash, other.hash, "seed {seed}");
        assert_eq!(
            one.hash,
            play(seed, false).hash,
            "seed {seed}, without words"
        );
        if env::var_os("MCPROXY_SIM_SEED").is_some() {
            eprintln!("{}\n{:?}", one.lines.join("\n"), one.tally);
            assert!(one.complaints.is_empty(), "{}", one.complaints.join("\n"));
        }
    }
}
