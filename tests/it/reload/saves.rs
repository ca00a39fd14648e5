//! However editors and deployments save the file: in place, renamed over, away and back, or not
//! at all (SIGHUP). Each way twice, since some of them deafen a naive watch the first time.

use std::fs;
use std::path::{Path, PathBuf};

use super::{Bench, POLLED, SOON, file, server, server_with};
use crate::support::gateway::GatewayOptions;

/// Saves two changes with `save`; each must be applied in time, and the other server not touched.
async fn saved_twice(bench: &Bench, save: impl Fn(&str), within: std::time::Duration) {
    let before = bench.process("stays");
    let with_both = file(&[server("stays"), server("comes")]);
    let save_both = || save(&with_both);
    bench.reload(save_both, "+1 (comes) ~0 -0 =1", within).await;
    bench.assert_answers("comes").await;
    let save_one = || save(&file(&[server("stays")]));
    bench.reload(save_one, "+0 ~0 -1 (comes) =1", within).await;
    bench.assert_answers("stays").await;
    assert_eq!(bench.process("stays"), before);
}

#[tokio::test]
async fn written_in_place() {
    let bench = Bench::start(&["stays"]).await;
    saved_twice(&bench, |text| bench.gateway.write_config(text), SOON).await;
}

#[tokio::test]
async fn renamed_over() {
    let bench = Bench::start(&["stays"]).await;
    saved_twice(&bench, |text| bench.gateway.rename_config(text), SOON).await;
}

#[tokio::test]
async fn moved_to_a_backup_and_written_anew() {
    let bench = Bench::start(&["stays"]).await;
    let path = bench.gateway.config_path();
    let backup = path.with_extension("json~");
    let as_vim = |text: &str| {
        fs::rename(&path, &backup).unwrap();
        fs::write(&path, text).unwrap();
        fs::remove_file(&backup).unwrap();
    };
    saved_twice(&bench, as_vim, SOON).await;
}

#[tokio::test]
async fn deleted_and_made_anew_at_once() {
    let bench = Bench::start(&["stays"]).await;
    let path = bench.gateway.config_path();
    let anew = |text: &str| {
        fs::remove_file(&path).unwrap();
        fs::write(&path, text).unwrap();
    };
    saved_twice(&bench, anew, SOON).await;
}

#[tokio::test]
async fn a_link_swapped_as_kubernetes_does() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    let publish = |version: u32, text: &str| {
        let (data, new) = (home.join("..data"), home.join("..data_tmp"));
        let old = fs::read_link(&data).ok();
        let directory = PathBuf::from(format!("..version_{version}"));
        fs::create_dir(home.join(&directory)).unwrap();
        fs::write(home.join(&directory).join("mcp-servers.json"), text).unwrap();
        link(&directory, &new);
        fs::rename(&new, &data).unwrap();
        if let Some(old) = old {
            fs::remove_dir_all(home.join(old)).unwrap();
        }
    };
    publish(1, &file(&[server("stays")]));
    link(
        Path::new("..data/mcp-servers.json"),
        &home.join("mcp-servers.json"),
    );
    let bench = Bench::boot(GatewayOptions::default().home(home), &["stays"]).await;
    let versions = std::cell::Cell::new(1);
    let swap = |text: &str| {
        versions.set(versions.get() + 1);
        publish(versions.get(), text);
    };
    saved_twice(&bench, swap, SOON).await;
}

#[tokio::test]
async fn a_link_to_another_directory() {
    let (home, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let target = elsewhere.path().join("real.json");
    fs::write(&target, file(&[server("stays")])).unwrap();
    link(&target, &home.path().join("mcp-servers.json"));
    let options = GatewayOptions::default().home(home.path());
    let bench = Bench::boot(options, &["stays"]).await;
    let in_place = |text: &str| fs::write(&target, text).unwrap();
    saved_twice(&bench, in_place, SOON).await;
    let renamed_over = |text: &str| {
        let new = elsewhere.path().join("new.json");
        fs::write(&new, text).unwrap();
        fs::rename(new, &target).unwrap();
    };
    saved_twice(&bench, renamed_over, SOON).await;
}

#[tokio::test]
async fn the_directory_replaced() {
    let home = tempfile::tempdir().unwrap();
    let directory = home.path().join("conf");
    let path = directory.join("mcp-servers.json");
    fs::create_dir(&directory).unwrap();
    fs::write(&path, file(&[server("stays")])).unwrap();
    let options = GatewayOptions::default()
        .home(home.path())
        .arg("--config")
        .arg(path.display().to_string());
    let bench = Bench::boot(options, &["stays"]).await;
    let replace = |text: &str| {
        let new = home.path().join("new");
        fs::create_dir(&new).unwrap();
        fs::write(new.join("mcp-servers.json"), text).unwrap();
        fs::rename(&directory, home.path().join("old")).unwrap();
        fs::rename(&new, &directory).unwrap();
        fs::remove_dir_all(home.path().join("old")).unwrap();
    };
    saved_twice(&bench, replace, POLLED).await;
    // The new directory is watched by now, not only polled.
    let in_place = |text: &str| fs::write(&path, text).unwrap();
    saved_twice(&bench, in_place, SOON).await;
}

#[tokio::test]
async fn sighup_reads_at_once_and_says_so() {
    let bench = Bench::start(&["one", "two"]).await;
    let before = [bench.process("one"), bench.process("two")];
    let hangup = || bench.gateway.sighup();
    bench.reload(hangup, "+0 ~0 -0 =2", SOON).await;
    let both = || {
        let entries = [server("one"), server_with("two", r#", "timeout": 31"#)];
        bench.gateway.write_config(&file(&entries));
        bench.gateway.sighup();
    };
    bench.reload(both, "+0 ~1 (two: timeout) -0 =1", SOON).await;
    bench.assert_answers("one").await;
    bench.assert_answers("two").await;
    assert_eq!(bench.process("one"), before[0]);
}

#[expect(clippy::unwrap_used, reason = "a failed step is a failed test")]
fn link(target: &Path, at: &Path) {
    std::os::unix::fs::symlink(target, at).unwrap();
}
