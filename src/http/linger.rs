//! A socket that, when it is closed, first takes in what its client is still sending. Without that
//! the kernel answers those bytes with a reset, which can destroy the error reply (a 413, say)
//! before the client has read it.

use super::phase::Clock;
use super::socket::Socket;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::watch;
use tokio::time::{Sleep, sleep};

/// How long, and how many bytes, a closed socket goes on reading.
pub(super) const TIME: Duration = Duration::from_secs(2);
const BYTES: usize = 64 << 20;

/// The first bytes that came, as far as there were so many at once.
pub(super) type FirstBytes = [u8; 4];

fn first_of(bytes: &[u8]) -> FirstBytes {
    let mut first = FirstBytes::default();
    let places = first.iter_mut().zip(bytes);
    places.for_each(|(place, byte)| *place = *byte);
    first
}

/// A socket with a soft end.
#[derive(Debug)]
pub(super) struct Lingering<S> {
    socket: S,
    /// Is told what comes and goes.
    clock: Arc<Clock>,
    /// What came first, once something came.
    first: Option<FirstBytes>,
    /// Turns true when the listener stops: then nobody waits for clients.
    stop: watch::Receiver<bool>,
    /// Once the sending side is closed: until when and how many bytes to read.
    closing: Option<(Pin<Box<Sleep>>, usize)>,
}

impl<S: Socket> Lingering<S> {
    pub(super) fn new(socket: S, clock: Arc<Clock>, stop: watch::Receiver<bool>) -> Self {
        Self {
            socket,
            clock,
            first: None,
            stop,
            closing: None,
        }
    }

    /// What came first; zeros if nothing did.
    pub(super) fn first_bytes(&self) -> FirstBytes {
        self.first.unwrap_or_default()
    }

    /// Says `words` as far as they can be said at once, and closes.
    pub(super) fn say(self, words: &str) {
        if let Err(error) = self.socket.write_now(words.as_bytes()) {
            log::debug!("last words could not be said: {error}");
        }
    }
}

impl<S: Socket> AsyncRead for Lingering<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.socket).poll_read(cx, buffer);
        match buffer.filled().get(before..) {
            _ if read.is_pending() => self.clock.starved(),
            Some(came @ [_, ..]) => {
                self.clock.fed();
                self.first.get_or_insert_with(|| first_of(came));
            }
            _ => {}
        }
        read
    }
}

impl<S: Socket> AsyncWrite for Lingering<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let wrote = Pin::new(&mut self.socket).poll_write(cx, bytes);
        self.clock.wrote(wrote.is_pending());
        wrote
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let wrote = Pin::new(&mut self.socket).poll_write_vectored(cx, pieces);
        self.clock.wrote(wrote.is_pending());
        wrote
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.closing.is_none() {
            ready!(Pin::new(&mut this.socket).poll_shutdown(cx))?;
            if *this.stop.borrow() {
                return Poll::Ready(Ok(()));
            }
        }
        let (time, bytes) = this
            .closing
            .get_or_insert_with(|| (Box::pin(sleep(TIME)), BYTES));
        let mut discarded = [0; 8192];
        loop {
            if *bytes == 0 || time.as_mut().poll(cx).is_ready() {
                return Poll::Ready(Ok(()));
            }
            let mut buffer = ReadBuf::new(&mut discarded);
            // That the client is gone is the best end of all.
            let outcome = ready!(Pin::new(&mut this.socket).poll_read(cx, &mut buffer));
            let length = buffer.filled().len();
            if outcome.is_err() || length == 0 {
                return Poll::Ready(Ok(()));
            }
            *bytes = bytes.saturating_sub(length);
        }
    }
}
