//! A file that can't be used, as a whole or in part: the last good state stays, the place of the
//! mistake is said once, and what is mended is taken.

use std::fs;

use super::{Bench, PATIENCE, SOON, file, lines_after, server, server_with};

/// Makes the file bad with `spoil`; `complaint` must be said once, and nothing else happen.
async fn survives(spoil: impl FnOnce(&Bench), complaint: &str) {
    let bench = Bench::start(&["one", "two"]).await;
    let before = [bench.process("one"), bench.process("two")];
    let mark = bench.gateway.log_mark();
    spoil(&bench);
    let line = bench
        .gateway
        .wait_for_log_after(mark, "[ERROR]", SOON)
        .await;
    assert!(line.contains(complaint), "{line}");
    assert!(line.contains("mcp-servers.json"), "{line}");

    // Reading it again, as every poll does, says nothing new of it.
    bench
        .reload(|| bench.gateway.sighup(), "+0 ~0 -0 =2", SOON)
        .await;
    assert_eq!(lines_after(&bench.gateway, mark, "[ERROR]"), [line]);
    bench.assert_answers("one").await;
    bench.assert_answers("two").await;
    assert_eq!([bench.process("one"), bench.process("two")], before);

    // Mended as it was, and then with a change.
    bench
        .gateway
        .write_config(&file(&[server("one"), server("two")]));
    bench
        .gateway
        .wait_for_log_after(mark, ": mended, all of it can be used", SOON)
        .await;
    bench.save(&[server("one")], "+0 ~0 -1 (two) =1").await;
    assert_eq!(bench.process("one"), before[0]);
}

#[tokio::test]
async fn half_written() {
    let spoil = |bench: &Bench| {
        let whole = file(&[server("one"), server("two")]);
        let half = &whole[..whole.find("two").unwrap()];
        bench.gateway.write_config(half);
    };
    // Where the text that was never closed begins.
    survives(spoil, "error at line 3, column 11: ").await;
}

#[tokio::test]
async fn empty() {
    let spoil = |bench: &Bench| bench.gateway.write_config("");
    survives(spoil, "error at line 1, column 1: ").await;
}

#[tokio::test]
async fn missing() {
    let spoil = |bench: &Bench| fs::remove_file(bench.gateway.config_path()).unwrap();
    survives(spoil, "the configuration file is gone").await;
}

#[tokio::test]
async fn not_utf_8() {
    let spoil = |bench: &Bench| {
        let text = b"{ \"servers\": [\n  { \"name\": \"\xff\" } ] }";
        fs::write(bench.gateway.config_path(), text).unwrap();
    };
    survives(spoil, "error at line 2, column 14: ").await;
}

#[tokio::test]
async fn a_file_that_vanishes_twice_is_missed_twice() {
    let bench = Bench::start(&["one"]).await;
    let path = bench.gateway.config_path();
    let text = fs::read_to_string(&path).unwrap();
    for _ in 0..2 {
        let mark = bench.gateway.log_mark();
        fs::remove_file(&path).unwrap();
        bench
            .gateway
            .wait_for_log_after(mark, "is gone", SOON)
            .await;
        fs::write(&path, &text).unwrap();
        bench
            .gateway
            .wait_for_log_after(mark, ": mended, all of it can be used", SOON)
            .await;
    }
    bench.assert_answers("one").await;
}

#[tokio::test]
async fn a_wrong_entry_is_refused_alone_and_its_instance_stays() {
    let bench = Bench::start(&["one", "two", "three"]).await;
    let before = [bench.process("one"), bench.process("two")];
    let wrong = r#"{ "name": "two", "command": 5 }"#.to_owned();
    let also_wrong = r#"{ "name": "four", "comand": "x" }"#.to_owned();
    let entries = [server("one"), wrong, also_wrong, server("five")];
    let mark = bench.save(&entries, "+1 (five) ~0 -1 (three) =2").await;
    let errors = lines_after(&bench.gateway, mark, "[ERROR]");
    assert_eq!(errors.len(), 2, "{errors:?}");
    assert!(
        errors[0].contains("error at line 3, column 29 (server 'two', servers[1].command): "),
        "{errors:?}"
    );
    assert!(
        errors[1].contains("error at line 4, column 1 (server 'four', servers[2]): "),
        "{errors:?}"
    );
    let typo = lines_after(&bench.gateway, mark, "did you mean 'command'?");
    assert_eq!(typo.len(), 1, "{typo:?}");
    for name in ["one", "two", "five"] {
        bench.assert_answers(name).await;
    }
    assert_eq!([bench.process("one"), bench.process("two")], before);

    // Mended: what stands there is what runs already.
    let mark = bench
        .save(
            &[
                server("one"),
                server("two"),
                server_with("five", r#", "enabled": false"#),
            ],
            "+0 ~0 -1 (five) =2",
        )
        .await;
    assert_eq!(
        lines_after(&bench.gateway, mark, ": mended, all of it can be used").len(),
        1
    );
    assert_eq!([bench.process("one"), bench.process("two")], before);
}

#[tokio::test]
async fn a_refused_server_that_crashes_comes_back_as_it_was() {
    let bench = Bench::start(&["one", "two"]).await;
    let wrong = r#"{ "name": "two" }"#.to_owned();
    let mark = bench
        .save(&[wrong, server("three")], "+1 (three) ~0 -1 (one) =1")
        .await;
    let before = bench.process("two");
    before.signal(nix::sys::signal::Signal::SIGKILL);
    super::started(&bench.gateway, mark, "two").await;
    bench.assert_answers("two").await;
    assert_ne!(bench.process("two").pid, before.pid);
}

#[tokio::test]
async fn a_gateway_that_boots_with_a_broken_file_takes_the_mended_one() {
    let options = support::gateway::GatewayOptions::new("{ \"servers\": [\n  {");
    let bench = Bench::boot(options, &[]).await;
    let line = bench.gateway.wait_for_log("[ERROR]", PATIENCE).await;
    assert!(line.contains("error at line 2, column 3: "), "{line}");
    let mark = bench.gateway.log_mark();
    bench.gateway.write_config(&file(&[server("one")]));
    super::started(&bench.gateway, mark, "one").await;
    bench.assert_answers("one").await;
}
