//! What connections are served on: those of the port, and those of the control socket.

use socket2::{SockRef, TcpKeepalive};
use std::io;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};

/// Bytes that the kernel holds and has not sent yet (`TCP_NOTSENT_LOWAT`). With more, up to 4 MiB by
/// default, a slow reader would let us write only every few seconds and be taken for one that hangs.
const UNSENT: u32 = 128 << 10;

/// A connected socket.
pub(super) trait Socket: AsyncRead + AsyncWrite + Unpin + Send + 'static {
    /// Small events go out at once, what a client takes is seen soon, and a peer that vanished without a word
    /// is noticed: it acknowledges nothing for `peer_timeout`, whether we have something to say to it
    /// (`TCP_USER_TIMEOUT`) or not (half the time of silence, then three probes).
    fn tune(&self, peer_timeout: Duration) -> io::Result<()>;

    /// Writes as much as can be written at once.
    fn write_now(&self, bytes: &[u8]) -> io::Result<usize>;
}

impl Socket for TcpStream {
    fn tune(&self, peer_timeout: Duration) -> io::Result<()> {
        let second = Duration::from_secs(1);
        self.set_nodelay(true)?;
        let socket = SockRef::from(self);
        let probes = TcpKeepalive::new()
            .with_time((peer_timeout / 2).max(second))
            .with_interval((peer_timeout / 6).max(second))
            .with_retries(3);
        socket.set_tcp_keepalive(&probes)?;
        socket.set_tcp_notsent_lowat(UNSENT)?;
        socket.set_tcp_user_timeout(Some(peer_timeout))
    }

    fn write_now(&self, bytes: &[u8]) -> io::Result<usize> {
        self.try_write(bytes)
    }
}

impl Socket for UnixStream {
    /// Nothing waits in between, and nobody vanishes without the kernel's word.
    fn tune(&self, _: Duration) -> io::Result<()> {
        Ok(())
    }

    fn write_now(&self, bytes: &[u8]) -> io::Result<usize> {
        self.try_write(bytes)
    }
}
