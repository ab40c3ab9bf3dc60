//! Connections that are kept for the next request.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;

use super::link::{Counted, Link};

/// Connections that are kept, and used in turn: the one that has rested longest is next, so
/// that each is idle for a while between requests as a user's would be.
#[derive(Debug)]
pub(super) struct Pool {
    wanted: usize,
    open: Rc<Cell<usize>>,
    idle: RefCell<VecDeque<Link>>,
}

impl Pool {
    /// `wanted`: how many connections are opened before one is used again.
    pub fn new(wanted: usize) -> Self {
        Self { wanted, open: Rc::default(), idle: RefCell::default() }
    }

    /// A mark that a connection is open; it is to live as long as the connection.
    pub fn counted(&self) -> Counted {
        Counted::by(&self.open)
    }

    /// A connection to use again, `None` if a new one should be opened; and how many the
    /// server had closed meanwhile. A connection known to be closed is no failure: no client
    /// would send a request over it.
    pub async fn take(&self) -> (Option<Link>, u64) {
        let mut closed = 0;
        while self.open.get() >= self.wanted {
            let Some(mut link) = self.idle.borrow_mut().pop_front() else { break };
            if link.is_free().await {
                return (Some(link), closed);
            }
            closed += 1;
        }
        (None, closed)
    }

    /// A connection that is free again; dropped if enough are idle. Those that a burst opened
    /// beyond the number wanted are kept while others are in use: to close and open them anew
    /// would be work of ours that a busy machine can spare least.
    pub fn put(&self, link: Link) {
        let mut idle = self.idle.borrow_mut();
        if idle.len() < self.wanted {
            idle.push_back(link);
        }
    }
}
