//! A stream while it runs.

use std::cell::{Cell, RefCell};
use std::collections::HashSet;
use std::rc::Rc;
use std::sync::Arc;

use bytes::Bytes;
use hyper::header::HeaderValue;
use hyper::{HeaderMap, Request, Uri};
use tokio::sync::Notify;

use super::ask::Witness;
use super::holder::Holder;
use super::patterns::Patterns;
use super::pool::Pool;
use super::replicas::{Lookup, Replica, Replicas};
use super::schedule::Stalls;
use super::tls::Secure;
use super::{ProbeTotals, StreamPlan};
use crate::Clock;
use crate::Offset;
use crate::record::{Outcome, Purpose, Shot, Unsent};

/// Different names kept. A server with more makes them up, and memory must stay flat.
const MOST_NAMES: usize = 4096;
/// The longest value taken for a name; a container's host name has at most 64 bytes.
const LONGEST_NAME: usize = 256;

/// The part of its deadline that a request waits for another one's connection: little enough that it is
/// in time after that.
const PATIENCE: u32 = 4;

/// Where finished shots go.
pub(super) type Sink = dyn Fn(usize, Shot);

/// A stream while it runs. All streams live on the prober's one thread.
pub(super) struct Stream {
    pub plan: StreamPlan,
    pub clock: Clock,
    pub pool: Pool,
    pub names: Names,
    /// The replicas, in a stream that asks each of them.
    pub replicas: Option<Rc<Replicas>>,
    /// The users who hold a connection open, in a stream of such.
    pub holders: Vec<Rc<Holder>>,
    /// Whether any good response carried the application's header.
    pub app_known: Cell<bool>,
    pub totals: RefCell<ProbeTotals>,
    pub stalls: Stalls,
    /// What its connections need to speak TLS.
    pub secure: Option<Secure>,
    /// The regular expressions that a good response matches.
    pub patterns: Patterns,
    /// How names are looked up, if not by the system.
    pub lookup: Option<Arc<Lookup>>,
    /// Keeps what came, for a single request.
    pub witness: Option<RefCell<Witness>>,
    index: usize,
    uris: Vec<Uri>,
    headers: HeaderMap,
    slots: usize,
    in_flight: Cell<usize>,
    lost: Cell<u64>,
    landed: Notify,
    over: Flag,
    left: Flag,
    sink: Rc<Sink>,
}

impl Stream {
    pub fn new(
        index: usize,
        plan: StreamPlan,
        secure: Option<Secure>,
        slots: usize,
        clock: Clock,
        stalls: Stalls,
        sink: Rc<Sink>,
    ) -> Self {
        Self {
            stalls,
            pool: Pool::new(plan.kept, plan.deadline / PATIENCE),
            names: Names::default(),
            holders: Holder::all(&plan),
            replicas: (plan.purpose == Purpose::EachReplica).then(Rc::default),
            app_known: Cell::new(false),
            totals: RefCell::new(ProbeTotals::new(&plan.name)),
            headers: plan.request_headers(),
            uris: plan.request_uris(),
            secure,
            lookup: None,
            witness: None,
            // They were compiled once when the plan was checked.
            patterns: Patterns::of(&plan.expect).unwrap_or_default(),
            in_flight: Cell::new(0),
            lost: Cell::new(0),
            landed: Notify::new(),
            over: Flag::default(),
            left: Flag::default(),
            plan,
            clock,
            index,
            slots,
            sink,
        }
    }

    /// A place among the requests in flight, if one is free, for a shot to `replica` or to the
    /// stream's target.
    pub fn seat(self: &Rc<Self>, replica: Option<Rc<Replica>>) -> Option<Seat> {
        (self.in_flight.get() < self.slots).then(|| {
            self.in_flight.set(self.in_flight.get() + 1);
            Seat { stream: Rc::clone(self), replica, recorded: Cell::new(false) }
        })
    }

    /// Waits until nothing is in flight; bounded by the requests' own timeouts.
    pub async fn all_landed(&self) {
        while self.in_flight.get() > 0 {
            self.landed.notified().await;
        }
    }

    /// Nothing more will be sent: requests need not watch held connections any more.
    pub fn end(&self) {
        self.over.set();
    }

    /// Waits until nothing more will be sent.
    pub async fn ended(&self) {
        self.over.wait().await;
    }

    /// Every request has ended: users may leave.
    pub fn leave(&self) {
        self.left.set();
    }

    /// Waits until users may leave.
    pub async fn left(&self) {
        self.left.wait().await;
    }

    /// Shots that took off and never ended: the sink panicked.
    pub fn lost(&self) -> u64 {
        self.lost.get()
    }

    /// The request with this number.
    pub fn request(&self, number: u64) -> Request<Bytes> {
        let mut request = Request::new(self.plan.body.clone());
        *request.method_mut() = self.plan.method.to_http();
        *request.uri_mut() = match &self.uris[..] {
            [uri] => uri.clone(),
            uris => {
                let turn = number % uris.len() as u64;
                usize::try_from(turn).map_or_else(|_| uris[0].clone(), |turn| uris[turn].clone())
            }
        };
        *request.headers_mut() = self.headers.clone();
        request
    }

    /// Records that a shot was not sent: a hole in the measurement.
    pub fn unsent(&self, intended: Offset, why: Unsent, replica: Option<&Replica>) {
        let mut shot = Shot::new(intended, Outcome::Unsent);
        shot.unsent = Some(why);
        shot.to = replica.map(|replica| Arc::clone(&replica.text));
        (self.sink)(self.index, shot);
        self.totals.borrow_mut().unsent.add(why, 1);
    }
}

/// Something that happens once.
#[derive(Debug, Default)]
struct Flag(Cell<bool>, Notify);

impl Flag {
    fn set(&self) {
        self.0.set(true);
        self.1.notify_waiters();
    }

    async fn wait(&self) {
        let set = self.1.notified();
        if !self.0.get() {
            set.await;
        }
    }
}

/// One of the requests in flight.
pub(super) struct Seat {
    stream: Rc<Stream>,
    replica: Option<Rc<Replica>>,
    recorded: Cell<bool>,
}

impl Seat {
    pub fn stream(&self) -> &Rc<Stream> {
        &self.stream
    }

    /// The replica that is asked, in a stream that asks each of them.
    pub fn replica(&self) -> Option<&Replica> {
        self.replica.as_deref()
    }

    /// Records that the shot has ended.
    pub fn ended(&self, shot: Shot) {
        let lag = shot.lag();
        if let (Some(replica), Some(_), Some(done)) = (&self.replica, shot.status, shot.done) {
            replica.answered(done);
        }
        (self.stream.sink)(self.stream.index, shot);
        self.stream.totals.borrow_mut().sent(lag);
        self.recorded.set(true);
    }

    /// Records that the shot measured nothing.
    pub fn unsent(&self, intended: Offset, why: Unsent) {
        self.stream.unsent(intended, why, self.replica());
        self.recorded.set(true);
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let stream = &self.stream;
        if !self.recorded.get() {
            stream.lost.set(stream.lost.get() + 1);
        }
        stream.in_flight.set(stream.in_flight.get() - 1);
        if stream.in_flight.get() == 0 {
            stream.landed.notify_one();
        }
    }
}

/// Replica and version names, each stored once, so that a shot needs no allocation for them.
#[derive(Debug, Default)]
pub(super) struct Names(RefCell<HashSet<Arc<str>>>);

impl Names {
    /// The shared copy of a header's value; `None` if it is absent or not a plain name.
    pub fn intern(&self, value: Option<&HeaderValue>) -> Option<Arc<str>> {
        let name = value?.to_str().ok()?;
        if name.is_empty() || name.len() > LONGEST_NAME {
            return None;
        }
        let mut names = self.0.borrow_mut();
        if let Some(known) = names.get(name) {
            return Some(Arc::clone(known));
        }
        let name: Arc<str> = Arc::from(name);
        if names.len() < MOST_NAMES {
            names.insert(Arc::clone(&name));
        }
        Some(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_stored_once() {
        let names = Names::default();
        let first = names.intern(Some(&HeaderValue::from_static("a1"))).unwrap();
        let again = names.intern(Some(&HeaderValue::from_static("a1"))).unwrap();
        assert!(Arc::ptr_eq(&first, &again));
        assert_eq!(names.intern(None), None);
        assert_eq!(names.intern(Some(&HeaderValue::from_static(""))), None);
    }

    #[test]
    fn many_names_do_not_fill_memory() {
        let names = Names::default();
        for number in 0..MOST_NAMES + 10 {
            let value = HeaderValue::from(number);
            assert_eq!(names.intern(Some(&value)).unwrap().as_ref(), number.to_string());
        }
        assert_eq!(names.0.borrow().len(), MOST_NAMES);
    }
}
