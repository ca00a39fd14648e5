//! A reverse proxy on the same machine, as small as can be: for the gateway every stranger behind it comes
//! from 127.0.0.1.

use std::net::SocketAddr;

use anyhow::Result;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// Passes on until it is dropped.
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    _tasks: JoinSet<()>,
}

impl Proxy {
    pub(crate) async fn before(gateway: SocketAddr) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut clients = JoinSet::new();
            while let Ok((mut client, _)) = listener.accept().await {
                clients.spawn(async move {
                    let mut server = TcpStream::connect(gateway).await?;
                    copy_bidirectional(&mut client, &mut server).await
                });
            }
        });
        Ok(Self {
            address,
            _tasks: tasks,
        })
    }
}
