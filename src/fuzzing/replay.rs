//! Replays the corpus of every target, and what a seeded mutator makes of it.

use std::fs;
use std::path::Path;
use std::time::Duration;

use tokio::time::Instant;

use super::TARGETS;

/// How many mutants there are of each entry, unless time runs out before.
const MUTANTS: u64 = 3_000;
/// A target is played with for so long at most.
const WITHIN: Duration = Duration::from_secs(3);

/// The corpus, as pairs of a file's name and what is in it.
fn corpus(target: &str) -> Vec<(String, Vec<u8>)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus");
    let mut files: Vec<_> = fs::read_dir(root.join(target))
        .unwrap_or_else(|error| panic!("{target} has no corpus: {error}"))
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    files
        .into_iter()
        .map(|path| (path.display().to_string(), fs::read(&path).unwrap()))
        .collect()
}

/// Flips, drops, doubles, cuts and crosses, a few times.
fn mutate(rng: &mut fastrand::Rng, entry: &[u8], other: &[u8]) -> Vec<u8> {
    let mut bytes = entry.to_vec();
    for _ in 0..rng.usize(1..5) {
        let at = rng.usize(..=bytes.len());
        match rng.u8(..7) {
            0 if at < bytes.len() => bytes[at] ^= 1 << rng.u8(..8),
            1 if at < bytes.len() => bytes[at] = *rng.choice(br#"{}[]",:\0-. "#).unwrap(),
            2 if at < bytes.len() => drop(bytes.remove(at)),
            3 => bytes.insert(at, rng.u8(..)),
            4 => bytes.truncate(at),
            5 => {
                let until = rng.usize(at..=bytes.len());
                let again = bytes[at..until].to_vec();
                bytes.splice(at..at, again);
            }
            _ => {
                let from = rng.usize(..=other.len());
                bytes.truncate(at);
                bytes.extend_from_slice(&other[from..]);
            }
        }
    }
    bytes
}

fn play(name: &str) {
    let (_, check) = TARGETS.iter().find(|(known, _)| *known == name).unwrap();
    let corpus = corpus(name);
    assert!(corpus.len() >= 8, "{name} has hardly a corpus");
    for (file, entry) in &corpus {
        eprintln!("{file}");
        check(entry);
    }
    let mut rng = fastrand::Rng::with_seed(7);
    let begun = Instant::now();
    for round in 0..MUTANTS {
        for (file, entry) in &corpus {
            let (_, other) = &corpus[rng.usize(..corpus.len())];
            let mutant = mutate(&mut rng, entry, other);
            let caught = std::panic::catch_unwind(|| check(&mutant));
            assert!(
                caught.is_ok(),
                "round {round}, a mutant of {file}: {:?}",
                mutant.escape_ascii().to_string()
            );
        }
        if begun.elapsed() > WITHIN {
            break;
        }
    }
}

macro_rules! replays {
    ($($name:ident),*) => {
        $(#[test]
        fn $name() {
            play(stringify!($name));
        })*

        #[test]
        fn every_target_is_replayed() {
            let replayed = [$(stringify!($name)),*];
            assert_eq!(TARGETS.map(|(name, _)| name), replayed);
            let targets = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/fuzz_targets");
            for name in replayed {
                assert!(targets.join(format!("{name}.rs")).is_file(), "{name}");
            }
        }
    };
}

replays!(
    lines, message, batch, events, recover, members, params, modern, uris, config, import, headers,
    session_id, event_id
);
