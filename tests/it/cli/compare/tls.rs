//! A server with TLS. The keys beside this file are of these tests alone, and good for nothing else.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use super::{UNAVAILABLE, run, url};
use crate::support::servers::{fixture, serve_ready};

pub(super) fn file(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/cli/compare");
    folder.join(name).display().to_string()
}

fn acceptor() -> TlsAcceptor {
    let certificate = CertificateDer::from_pem_file(file("server.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_file(file("server.key")).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}

/// Speaks TLS for a server that does not, until it is dropped.
pub(super) async fn terminator(to: SocketAddr) -> (SocketAddr, JoinSet<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        let mut connections = JoinSet::new();
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor();
            connections.spawn(async move {
                // A client that does not trust it goes.
                let Ok(mut tls) = acceptor.accept(stream).await else {
                    return;
                };
                let mut plain = TcpStream::connect(to).await.unwrap();
                copy_bidirectional(&mut tls, &mut plain).await.ok();
            });
        }
    });
    (addr, tasks)
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_is_trusted_with_its_authority_only() {
    let (gateway, _client) = serve_ready(&[fixture("a", &[])]).await;
    let (addr, _tasks) = terminator(gateway.addr()).await;
    let here = tempfile::tempdir().unwrap();
    let (authority, none) = (file("authority.pem"), here.path().join("none"));
    fs::write(&none, "").unwrap();
    let none = none.display().to_string();
    let plain = url(&gateway, "/mcp");
    let ask = |path: &str, certificates: &str| {
        let secure = format!("https://{addr}{path}");
        let args = ["compare", "--old", &plain, "--new", &secure];
        run(here.path(), &args, &[("SSL_CERT_FILE", certificates)])
    };
    for path in ["/mcp", "/sse"] {
        let said = ask(path, &authority);
        assert_eq!(said.code, Some(0), "{}{}", said.stdout, said.stderr);
    }
    // Signed by the authority, and not its own.
    let said = ask("/mcp", &file("server.pem"));
    assert_eq!(said.code, UNAVAILABLE);
    assert!(
        said.stderr
            .contains("no TLS connection that can be trusted"),
        "{}",
        said.stderr
    );
    // The plain one is asked without any.
    let said = ask("/mcp", &none);
    assert_eq!(said.code, UNAVAILABLE);
    assert!(
        said.stderr.starts_with("error: --new https://"),
        "{}",
        said.stderr
    );
    assert!(said.stderr.contains("SSL_CERT_FILE"), "{}", said.stderr);
}
