//! An id belongs to its profile, in this life of the gateway and in the next.

use nix::sys::signal::Signal;

use super::*;

#[tokio::test]
async fn no_id_leaves_its_profile() {
    let home = tempfile::tempdir().expect("a directory");
    let mut gateway = guarded(home.path(), &two()).await;
    let kids = begin(&gateway, "/p/kids/mcp", FREE)
        .await
        .expect("it is there");
    let all = begin(&gateway, "/mcp", FREE).await.expect("it is there");
    for life in ["this", "the next"] {
        for (session, path, expected) in [
            (&kids, "/p/kids/mcp", 200),
            (&kids, "/metamcp/kids/mcp", 200),
            (&kids, "/p/kids/sse", 200),
            (&kids, "/mcp", 404),
            (&kids, "/p/office/mcp", 404),
            (&kids, "/metamcp/office/mcp", 404),
            (&all, "/mcp", 200),
            (&all, "/p/kids/mcp", 404),
        ] {
            let at = Endpoint {
                addr: gateway.addr(),
                path: path.to_owned(),
                ..session.clone()
            };
            let (status, _) = ask(&at, FREE, "tools/list", "{}").await;
            assert_eq!(status, expected, "{path} in {life} life");
            let (status, _) = ask(&at, ANNA, "tools/list", "{}").await;
            assert_eq!(status, 404, "{path} is another's");
            if expected == 404 {
                let headers = [("authorization", &*bearer(FREE))];
                let deleted = at.request("DELETE", &headers).await.status();
                assert_eq!(deleted, 404, "{path} in {life} life");
            }
        }
        if life == "this" {
            gateway.children();
            gateway.signal(Signal::SIGKILL);
            gateway.wait_exit(SOON).await;
            drop(gateway);
            gateway = guarded(home.path(), &two()).await;
        }
    }
}

#[tokio::test]
async fn an_id_from_before_goes_on_and_a_pin_ends_it() {
    let home = tempfile::tempdir().expect("a directory");
    let gateway = guarded(home.path(), &two()).await;
    let session = begin(&gateway, "/mcp", FREE).await.expect("it is there");
    assert_eq!(ask(&session, FREE, "tools/list", "{}").await.0, 200);
    write_tokens(
        &home.path().join("tokens"),
        &format!("{FREE} profile=kids\n"),
    );
    gateway.sighup();
    gateway
        .wait_for_log("Tokens read again: 1 are valid", SOON)
        .await;
    assert_eq!(ask(&session, FREE, "tools/list", "{}").await.0, 404);
    let session = begin(&gateway, "/mcp", FREE).await.expect("kids'");
    let (_, list) = ask(&session, FREE, "tools/list", "{}").await;
    assert_eq!(shown(&list), (vec!["play"], false));
}
