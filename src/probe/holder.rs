//! Users who hold a connection open, and open another when it ends: each has a task of its own, so
//! that an end is known at once.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::time::sleep;

use super::StreamPlan;
use super::fault::ConnectFault;
use super::line::{self, Heard};
use super::stream::Stream;
use crate::Offset;
use crate::record::{Connection, HeldEnd, Outcome, Shot};

/// How long a user waits after an attempt to connect that failed.
const RETRY: Duration = Duration::from_millis(100);

/// One of a stream's users.
pub(super) struct Holder {
    pub number: u32,
    pub state: RefCell<State>,
    pub changed: Notify,
    pub given_up: Notify,
    /// The request that looks after the connection.
    pub watch: Cell<Option<u64>>,
}

#[derive(Default)]
pub(super) struct State {
    /// The connection, if there is one.
    pub open: Option<Rc<Open>>,
    /// How many there have been.
    pub count: u64,
    /// How the last one ended; absent if the user gave it up.
    pub end: Option<Ending>,
    /// How the last attempt failed since then.
    pub failed: Option<(ConnectFault, Shot)>,
    /// The newest ping that was answered, and when.
    pub pong: Option<(u64, Offset)>,
    /// When something came last.
    pub heard: Offset,
    /// The number of the last connection whose opening a request has noted.
    pub noted: u64,
}

/// An open connection.
pub(super) struct Open {
    /// Its number, counted from one.
    pub count: u64,
    pub since: Offset,
    /// What its opening showed.
    pub shot: Shot,
    pub pings: UnboundedSender<u64>,
}

/// The end of a connection.
#[derive(Clone, Copy)]
pub(super) struct Ending {
    pub count: u64,
    pub end: HeldEnd,
    /// The request that looked after it then.
    pub watch: Option<u64>,
    /// The prober's own stalls until then.
    pub stalls: Offset,
}

impl Holder {
    /// The users of a stream; none if it holds no connections.
    pub fn all(plan: &StreamPlan) -> Vec<Rc<Self>> {
        let held = if plan.connection == Connection::Held { plan.kept } else { 0 };
        (0..u32::try_from(held).unwrap_or(u32::MAX))
            .map(|number| {
                Rc::new(Self {
                    number,
                    state: RefCell::default(),
                    changed: Notify::new(),
                    given_up: Notify::new(),
                    watch: Cell::new(None),
                })
            })
            .collect()
    }

    /// Waits until the state shows something.
    pub async fn until<T>(&self, mut look: impl FnMut(&State) -> Option<T>) -> T {
        loop {
            let changed = self.changed.notified();
            if let Some(seen) = look(&self.state.borrow()) {
                return seen;
            }
            changed.await;
        }
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state.borrow_mut());
        self.changed.notify_waiters();
    }

    /// Waits until the user gives the connection up.
    async fn given_up(&self) {
        self.given_up.notified().await;
    }

    /// Something came over the connection.
    pub fn heard(&self, heard: Heard, at: Offset) {
        self.change(|state| {
            state.heard = at;
            if let Heard::Pong(number) = heard {
                state.pong = state.pong.max(Some((number, at)));
            }
        });
    }

    pub fn current(&self) -> Option<Rc<Open>> {
        self.state.borrow().open.clone()
    }

    /// Waits until a connection after that of this number is open.
    pub async fn opened_after(&self, count: u64) -> Rc<Open> {
        self.until(|state| state.open.clone().filter(|open| open.count > count)).await
    }

    /// Notes in a shot when a connection was open again, if no other shot has.
    pub fn note_back(&self, open: &Open, shot: &mut Shot) {
        let noted = std::mem::replace(&mut self.state.borrow_mut().noted, open.count);
        if noted < open.count && open.count > 1 {
            shot.back = Some(open.since);
        }
    }
}

/// Keeps a user's connection: opens one, waits until it ends, opens the next.
pub(super) async fn keep(stream: Rc<Stream>, holder: Rc<Holder>) {
    let mut attempt = u64::from(holder.number);
    loop {
        let begun = Instant::now();
        let mut shot = Shot::new(stream.clock.at(begun), Outcome::Timeout);
        shot.sent = Some(shot.intended);
        let opened = tokio::select! {
            () = stream.left() => return,
            opened = line::open(&stream, attempt, begun, &mut shot) => opened,
        };
        attempt += 1;
        let mut line = match opened {
            Ok(line) => line,
            Err(fault) => {
                shot.done = Some(stream.clock.now());
                holder.change(|state| state.failed = Some((fault, shot)));
                sleep(RETRY).await;
                continue;
            }
        };
        let since = stream.clock.now();
        let (pings, to_send) = unbounded_channel();
        holder.change(|state| {
            state.count += 1;
            state.heard = since;
            state.pong = None;
            state.failed = None;
            state.open = Some(Rc::new(Open { count: state.count, since, shot, pings }));
        });
        let end = tokio::select! {
            () = stream.left() => return line.leave().await,
            () = holder.given_up() => None,
            end = line.hold(&stream, &holder, to_send) => Some(end),
        };
        let at = stream.clock.now();
        let stalls = stream.stalls.total(at);
        tokio::task::spawn_local(line.leave());
        holder.change(|state| {
            let count = state.count;
            state.open = None;
            state.end = end.map(|end| Ending {
                count,
                end: HeldEnd { since, at, clean: end.clean, code: end.code },
                watch: holder.watch.get(),
                stalls,
            });
        });
    }
}
