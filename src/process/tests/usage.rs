//! What a child's processes use is told of all that come from it, and of no others.

use super::*;

/// The only child's, once `is_it` holds.
async fn usage(groups: &Groups, is_it: impl Fn(&Usage) -> bool) -> Usage {
    let deadline = Instant::now() + DEADLINE;
    loop {
        let all = groups.usage();
        if let [one] = all.as_slice()
            && is_it(one)
        {
            return one.clone();
        }
        assert!(Instant::now() < deadline, "{all:?}");
        sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_tree_is_counted_whole_also_what_left_the_group() {
    let groups = Groups::default();
    let script = "setsid sleep 60 & sleep 60 & echo on; while :; do :; done";
    let command = command("/bin/sh", &["-c", script]);
    let mut child = start(&command, &Limits::default(), &groups);
    child.line().await;
    let is_busy = |usage: &Usage| usage.processes == 3 && usage.cpu >= Duration::from_millis(50);
    let used = usage(&groups, is_busy).await;
    assert_eq!(&*used.name, "fx");
    assert!(used.memory > 100_000 && used.memory < 1 << 30, "{used:?}");
    assert!(used.age < DEADLINE, "{used:?}");

    let more = used.cpu + Duration::from_millis(50);
    let later = usage(&groups, |usage| usage.cpu >= more).await;
    assert_eq!(later.child, used.child);
    drop(child.process);
}
