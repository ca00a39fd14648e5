//! The random steps that the model test takes, and how often each.

use proptest::prelude::*;

use super::*;

#[derive(Debug, Clone)]
pub(super) enum Step {
    /// Names with their spec, or to be kept.
    Want(Vec<(u8, Option<u32>)>, bool),
    /// One name more, with its spec.
    Add(u8, u32),
    Remove(u8),
    /// Nobody has a use for this instance any more.
    Sleep(usize),
    /// Somebody has one for this child, or may wait.
    Wake(u8, bool),
    Initialised(usize),
    Ready(usize),
    Exited(usize, FailureKind),
    Pass(Duration),
    /// Something of an instance or a timer that is long gone.
    Stale(usize, usize),
    ShutDown,
    StopAll,
}

pub(super) fn step() -> impl Strategy<Value = Step> {
    use FailureKind::{Exited, Finished, Killed, StartTimedOut};
    let wanted = prop::collection::vec((0..8u8, prop::option::weighted(0.9, 0..3u32)), 0..9);
    let kind = prop::sample::select(vec![Exited, Finished, Killed, StartTimedOut]);
    let pass = prop_oneof![0..700u64, 1000..10_000u64, 50_000..80_000u64];
    prop_oneof![
        20 => (wanted, any::<bool>()).prop_map(|(w, retry)| Step::Want(w, retry)),
        10 => (model::ADDED, 0..3u32).prop_map(|(id, spec)| Step::Add(id, spec)),
        5 => model::ADDED.prop_map(Step::Remove),
        20 => any::<usize>().prop_map(Step::Sleep),
        15 => (0..9u8, any::<bool>()).prop_map(|(id, haste)| Step::Wake(id, haste)),
        3 => (model::ADDED, any::<bool>()).prop_map(|(id, haste)| Step::Wake(id, haste)),
        10 => any::<usize>().prop_map(Step::Initialised),
        25 => any::<usize>().prop_map(Step::Ready),
        60 => (any::<usize>(), kind).prop_map(|(n, kind)| Step::Exited(n, kind)),
        60 => pass.prop_map(|n| Step::Pass(ms(n))),
        15 => (any::<usize>(), any::<usize>()).prop_map(|(n, what)| Step::Stale(n, what)),
        1 => Just(Step::ShutDown),
        1 => Just(Step::StopAll),
    ]
}
