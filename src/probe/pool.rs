//! Connections that are kept for the next requests.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::timeout;

use super::cookies::Cookies;
use super::link::{Counted, Link};

/// Handshakes of a stream at a time: a server has a few processors, and a queue of 128 for those that
/// it has not accepted yet (`SOMAXCONN` of old).
pub(super) const AT_ONCE: usize = 16;

/// Connections that are kept and used in turn. The one that has been idle longest is next, so
/// that each is idle for a while between requests, as a user's would be.
#[derive(Debug)]
pub(super) struct Pool {
    wanted: usize,
    open: Rc<Cell<usize>>,
    patience: Duration,
    /// TLS handshakes that go on.
    shaking: Cell<usize>,
    idle: RefCell<VecDeque<(Link, Cookies)>>,
    /// Told when a connection is free, or a handshake over.
    changed: Notify,
    /// The cookies of users whose connection is gone.
    waiting: RefCell<Vec<Cookies>>,
}

impl Pool {
    /// A pool that opens `wanted` connections before it uses one again. While [`AT_ONCE`] TLS handshakes
    /// go on, a request waits for a connection of another for `patience`: a handshake costs a server as
    /// much as dozens of requests, and those of one slow moment would make the next one slower.
    pub fn new(wanted: usize, patience: Duration) -> Self {
        Self {
            wanted,
            open: Rc::default(),
            patience,
            shaking: Cell::new(0),
            idle: RefCell::default(),
            changed: Notify::new(),
            waiting: RefCell::default(),
        }
    }

    /// Counts a connection as open for as long as the returned value lives.
    pub fn counted(&self) -> Counted {
        Counted::by(&self.open)
    }

    /// A connection to use again, `None` if a new one should be opened; and how many the server
    /// has closed in the meantime. It waits as [`Pool::new`] says.
    pub async fn take(&self) -> (Option<(Link, Cookies)>, u64) {
        let mut closed = 0;
        let taken = timeout(self.patience, async {
            loop {
                let (link, over) = self.idle().await;
                closed += over;
                if link.is_some() || self.shaking.get() < AT_ONCE {
                    return link;
                }
                self.changed.notified().await;
            }
        });
        (taken.await.unwrap_or_default(), closed)
    }

    /// Counts a TLS handshake for as long as the returned value lives.
    pub fn shaking(&self) -> Shaking<'_> {
        self.shaking.set(self.shaking.get() + 1);
        Shaking(self)
    }

    /// An idle connection, if no other should be opened before; and how many were closed. A connection
    /// known to be closed is not a failure: no client would send a request over it.
    async fn idle(&self) -> (Option<(Link, Cookies)>, u64) {
        let mut closed = 0;
        while self.open.get() >= self.wanted {
            let Some((mut link, cookies)) = self.idle.borrow_mut().pop_front() else { break };
            if link.is_free().await {
                // Its requests share an HTTP/2 connection: it is the next one's too, in turn.
                if let Link::Http2(shared) = &mut link {
                    let another = Link::Http2(shared.another());
                    self.idle.borrow_mut().push_back((another, cookies.clone()));
                }
                return (Some((link, cookies)), closed);
            }
            self.lost(cookies);
            closed += 1;
        }
        (None, closed)
    }

    /// Takes back a connection; drops it if enough are idle. Connections that a burst opened beyond
    /// the wanted number are kept while others are in use: closing and reopening them would be
    /// work that a busy machine cannot spare.
    pub fn put(&self, link: Link, cookies: Cookies) {
        if let Link::Http2(shared) = &link
            && shared.was_shared()
        {
            return;
        }
        let mut idle = self.idle.borrow_mut();
        if idle.len() < self.wanted {
            idle.push_back((link, cookies));
            self.changed.notify_one();
        }
    }

    /// A user, who may have been here before over a connection that is gone.
    pub fn user(&self) -> Cookies {
        self.waiting.borrow_mut().pop().unwrap_or_default()
    }

    /// A user's connection is gone.
    pub fn lost(&self, cookies: Cookies) {
        let mut waiting = self.waiting.borrow_mut();
        if waiting.len() < self.wanted {
            waiting.push(cookies);
        }
    }
}

/// A TLS handshake that goes on.
#[derive(Debug)]
pub(super) struct Shaking<'a>(&'a Pool);

impl Drop for Shaking<'_> {
    fn drop(&mut self) {
        self.0.shaking.set(self.0.shaking.get() - 1);
        self.0.changed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use std::task::Poll;

    use futures_util::poll;
    use tokio::net::{TcpListener, TcpStream};

    use super::super::raw::RawLink;
    use super::super::wire::{Socket, Wire};
    use super::*;

    /// A pool whose only connection is in use, and the other side's.
    async fn in_use() -> (Pool, Link, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (other, _) = listener.accept().await.unwrap();
        let pool = Pool::new(1, Duration::from_millis(100));
        let link = RawLink::new(Wire::plain(Socket(stream)), pool.counted());
        (pool, Link::Raw(link), other)
    }

    #[tokio::test]
    async fn a_few_handshakes_start_at_once_and_then_a_free_connection_is_waited_for() {
        let (pool, link, _other) = in_use().await;
        let mut shaking = Vec::new();
        for _ in 0..AT_ONCE {
            assert!(pool.take().await.0.is_none());
            shaking.push(pool.shaking());
        }
        let mut first = Box::pin(pool.take());
        let mut second = Box::pin(pool.take());
        assert!(poll!(&mut first).is_pending());
        assert!(poll!(&mut second).is_pending());
        pool.put(link, Cookies::default());
        let (taken, closed) = first.await;
        assert!(taken.is_some());
        assert_eq!(closed, 0);
        assert!(poll!(&mut second).is_pending());
        // A handshake is over: there is room for another.
        shaking.pop();
        assert!(matches!(poll!(&mut second), Poll::Ready((None, 0))));
    }

    #[tokio::test]
    async fn handshakes_that_hang_are_not_waited_for_for_long() {
        let (pool, _link, _other) = in_use().await;
        let shaking: Vec<_> = (0..AT_ONCE).map(|_| pool.shaking()).collect();
        assert!(pool.take().await.0.is_none());
        assert_eq!(pool.shaking.get(), shaking.len());
    }
}
