//! The connections for posts of one client: at most 16 at a time, used again as the pools of real SDKs do.

use std::io;
use std::net::SocketAddr;
use std::sync::Mutex;

use tokio::sync::{Semaphore, SemaphorePermit};

use super::super::http::{Connection, Response};

/// Parallel connections of one client.
const CONNECTIONS: usize = 16;

pub struct Pool {
    pub addr: SocketAddr,
    idle: Mutex<Vec<Connection>>,
    permits: Semaphore,
}

impl Pool {
    pub fn new(addr: SocketAddr) -> Self {
        Self {
            addr,
            idle: Mutex::default(),
            permits: Semaphore::new(CONNECTIONS),
        }
    }

    /// Posts `body` and reads the whole answer.
    pub async fn exchange(&self, head: &str, body: &[u8]) -> io::Result<Response> {
        let _permit = self.permit().await?;
        let mut connection = self.take().await?;
        let response = connection.exchange(head, body).await?;
        if response.header("connection") != Some("close") {
            self.give(connection);
        }
        Ok(response)
    }

    async fn permit(&self) -> io::Result<SemaphorePermit<'_>> {
        self.permits.acquire().await.map_err(io::Error::other)
    }

    /// An idle connection, else a new one.
    pub async fn take(&self) -> io::Result<Connection> {
        match self.pooled() {
            Some(connection) => Ok(connection),
            None => Connection::open(self.addr).await,
        }
    }

    fn pooled(&self) -> Option<Connection> {
        let mut idle = self.idle.lock().expect("no panic inside");
        while let Some(connection) = idle.pop() {
            if connection.is_idle() {
                return Some(connection);
            }
        }
        None
    }

    /// For the next one.
    pub fn give(&self, connection: Connection) {
        self.idle.lock().expect("no panic inside").push(connection);
    }

    /// Closes the connections that are not in use.
    pub fn clear(&self) {
        self.idle.lock().expect("no panic inside").clear();
    }
}
