//! Kinship: who is found, and above all who is spared.

use super::*;
use crate::process::gateway_run::Marker;

const OWN: i32 = 100;

fn process(pid: i32, parent: i32, group: i32, session: i32) -> Seen {
    Seen {
        pid,
        parent,
        group,
        session,
        started: pid.unsigned_abs().into(),
        marker: None,
        is_others: false,
    }
}

fn marked(process: Seen, life: GatewayRun, serial: u64) -> Seen {
    Seen {
        marker: Some(Marker { life, serial }),
        ..process
    }
}

/// A gateway with the living children 200 (serial 0) and 300 (serial 1).
fn family(life: GatewayRun) -> Family {
    Family {
        life,
        own: OWN,
        leaders: HashMap::from([(200, 0), (300, 1)]),
        adopts: true,
        strangers: HashSet::new(),
    }
}

fn pids(seen: &[Seen]) -> Vec<i32> {
    seen.iter().map(|process| process.pid).collect()
}

#[test]
fn a_childs_own_is_found_by_each_tie() {
    let life = GatewayRun::new();
    let seen = [
        process(1, 0, 1, 1),
        process(OWN, 1, OWN, 1),
        process(200, OWN, 200, 1),
        marked(process(210, OWN, 210, 210), life, 0), // an orphan with the marker
        process(211, 210, 210, 210),                  // its child
        process(212, OWN, 212, 210),                  // in its session
        process(220, OWN, 200, 1),                    // in the group
        process(300, OWN, 300, 1),
        marked(process(310, OWN, 310, 310), life, 1),
        process(311, 310, 311, 311),
    ];
    let family = family(life);
    let expected = [200, 210, 211, 212, 220];
    assert_eq!(pids(&family.left_by(0, 0, &seen)), expected);
    assert_eq!(pids(&family.left_by(1, 0, &seen)), [300, 310, 311]);
    assert_eq!(family.all(&seen).len(), 8);
}

#[test]
fn an_orphan_without_a_tie_goes_with_the_last_that_may_have_left_it() {
    let life = GatewayRun::new();
    let others = [process(OWN, 1, OWN, 1), process(300, OWN, 300, 1)];
    let orphans = [
        process(250, OWN, 250, 250),
        process(251, 250, 251, 251),
        marked(process(260, OWN, 260, 260), GatewayRun::new(), 0), // of a gateway below us
        process(350, OWN, 350, 350),
    ];
    let seen = [&others[..], &orphans].concat();
    let mut family = family(life);
    // What is older than the other child can't be that one's; nor the ended one's, if it is younger.
    assert_eq!(pids(&family.left_by(0, 200, &seen)), [250, 251, 260]);
    assert_eq!(pids(&family.left_by(0, 255, &seen)), [260]);
    let alone = [&others[..1], &orphans].concat();
    assert_eq!(pids(&family.left_by(1, 300, &alone)), [350]);
    assert_eq!(pids(&family.all(&seen)), [300, 250, 251, 260, 350]);
    assert_eq!(pids(&family.maybe_left(300, &seen)), [350]);
    family.strangers.insert((250, 250));
    assert_eq!(pids(&family.left_by(0, 200, &seen)), [260]);
    family.adopts = false;
    assert_eq!(pids(&family.left_by(0, 200, &seen)), [0; 0]);
}

#[test]
fn a_containers_first_process_may_get_anybodys_orphans() {
    let life = GatewayRun::new();
    let seen = [
        process(250, 1, 250, 250),
        marked(process(260, 1, 260, 260), life, 0),
    ];
    let family = Family {
        own: 1,
        ..family(life)
    };
    assert_eq!(pids(&family.left_by(0, 0, &seen)), [260]);
    assert_eq!(pids(&family.all(&seen)), [260]);
}

#[test]
fn others_are_spared() {
    let life = GatewayRun::new();
    let seen = [
        process(1, 0, 1, 1),
        process(50, 1, 50, 50),
        process(OWN, 50, OWN, 50),
        process(101, 50, 101, 50),  // beside us, in our session
        process(102, OWN, OWN, 50), // in our group
        marked(process(400, 50, 400, 400), GatewayRun::new(), 0),
    ];
    let mut family = family(life);
    family.strangers.insert((102, 102));
    assert_eq!(pids(&family.left_by(0, 0, &seen)), [0; 0]);
    assert_eq!(pids(&family.all(&seen)), [0; 0]);
}

#[test]
fn a_gateway_started_by_a_former_ones_server_does_not_end_itself() {
    let (former, other) = (GatewayRun::new(), GatewayRun::new());
    let seen = [
        process(1, 0, 1, 1),
        marked(process(50, 1, 50, 1), former, 3),
        marked(process(OWN, 50, 50, 1), former, 3),
        marked(process(110, OWN, 110, 1), other, 0),
        marked(process(60, 1, 60, 60), former, 4),
        process(61, 60, 61, 60),
        marked(process(70, 1, 70, 70), other, 0),
    ];
    assert_eq!(pids(&of_lives(&[former], OWN, &seen)), [60, 61]);
}

#[test]
fn another_users_marker_proves_nothing() {
    let (life, former) = (GatewayRun::new(), GatewayRun::new());
    let others = |process| Seen {
        is_others: true,
        ..process
    };
    let seen = [
        process(1, 0, 1, 1),
        process(OWN, 1, OWN, 1),
        process(200, OWN, 200, 1),
        others(process(201, 200, 201, 201)), // a server's child that has changed its user
        others(marked(process(210, OWN, 210, 210), life, 0)), // and one that came to us
        others(marked(process(220, 1, 220, 220), life, 0)),
        process(221, 220, 220, 220),
        others(marked(process(230, 1, 230, 230), former, 0)),
    ];
    let of_child = family(life).left_by(0, 200, &seen);
    assert_eq!(pids(&of_child), [200, 201, 210]);
    assert_eq!(pids(&of_lives(&[former], OWN, &seen)), [0; 0]);
}

#[test]
fn a_life_is_in_use_below_a_gateway_that_runs() {
    let [used, dead, nested] = [GatewayRun::new(), GatewayRun::new(), GatewayRun::new()];
    let lives = [used, dead, nested];
    let seen = [
        process(1, 0, 1, 1),
        process(50, 1, 50, 50), // a gateway that we come from
        process(OWN, 50, OWN, OWN),
        process(60, 1, 60, 60), // a gateway
        marked(process(61, 60, 61, 61), used, 0),
        marked(process(62, 61, 62, 62), used, 0),
        marked(process(70, 50, 70, 70), dead, 0),
        marked(process(80, 1, 80, 80), nested, 0), // a gateway that a server of one started
        marked(process(81, 80, 81, 81), nested, 0),
    ];
    let is_gateway = |pid| [50, 60, 80, OWN].contains(&pid);
    assert_eq!(
        in_use(&lives, OWN, &seen, is_gateway),
        HashSet::from([used])
    );
}
