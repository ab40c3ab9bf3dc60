//! A stream while it runs.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::Full;
use hyper::{HeaderMap, Request};
use tokio::sync::Notify;

use super::names::Names;
use super::pool::Pool;
use super::replicas::{Replica, Replicas};
use super::stalls::Stalls;
use super::{ProbeTotals, StreamPlan};
use crate::Clock;
use crate::Offset;
use crate::record::{Outcome, Purpose, Shot, Unsent};

/// Where finished shots go.
pub(super) type Sink = dyn Fn(usize, Shot);

/// A stream while it runs. All streams live on the prober's one thread.
pub(super) struct Stream {
    pub plan: StreamPlan,
    pub clock: Clock,
    pub pool: Pool,
    pub names: Names,
    /// Whom to ask, in a stream that asks each replica by itself.
    pub replicas: Option<Replicas>,
    /// Whether a good answer carried the application's header.
    pub app_known: Cell<bool>,
    pub totals: RefCell<ProbeTotals>,
    pub stalls: Stalls,
    index: usize,
    headers: HeaderMap,
    slots: usize,
    in_flight: Cell<usize>,
    lost: Cell<u64>,
    landed: Notify,
    sink: Rc<Sink>,
}

impl Stream {
    pub fn new(
        index: usize,
        plan: StreamPlan,
        slots: usize,
        clock: Clock,
        stalls: Stalls,
        sink: Rc<Sink>,
    ) -> Self {
        Self {
            stalls,
            pool: Pool::new(plan.kept),
            names: Names::default(),
            replicas: (plan.purpose == Purpose::EachReplica).then(Replicas::default),
            app_known: Cell::new(false),
            totals: RefCell::new(ProbeTotals::new(&plan.name)),
            headers: plan.request_headers(),
            in_flight: Cell::new(0),
            lost: Cell::new(0),
            landed: Notify::new(),
            plan,
            clock,
            index,
            slots,
            sink,
        }
    }

    /// A place among the requests in flight, if there is one, for a shot at `replica` or at
    /// whomever the stream's target is.
    pub fn seat(self: &Rc<Self>, replica: Option<Rc<Replica>>) -> Option<Seat> {
        (self.in_flight.get() < self.slots).then(|| {
            self.in_flight.set(self.in_flight.get() + 1);
            Seat { stream: Rc::clone(self), replica, heard_of: Cell::new(false) }
        })
    }

    /// Waits until nothing is in flight any more; bounded by the requests' own timeouts.
    pub async fn all_landed(&self) {
        while self.in_flight.get() > 0 {
            self.landed.notified().await;
        }
    }

    /// Shots that took off and were never heard of: the sink panicked.
    pub fn lost(&self) -> u64 {
        self.lost.get()
    }

    /// The next request.
    pub fn request(&self) -> Request<Full<Bytes>> {
        let mut request = Request::new(Full::new(self.plan.body.clone()));
        *request.method_mut() = self.plan.method.to_http();
        *request.uri_mut() = self.plan.target().path.clone();
        *request.headers_mut() = self.headers.clone();
        request
    }

    /// A shot was not sent: a hole in the measurement.
    pub fn unsent(&self, intended: Offset, why: Unsent, replica: Option<&Replica>) {
        let mut shot = blank(intended, Outcome::Unsent);
        shot.unsent = Some(why);
        shot.to = replica.map(|replica| Arc::clone(&replica.text));
        (self.sink)(self.index, shot);
        self.totals.borrow_mut().unsent.add(why, 1);
    }
}

/// A shot of which nothing but its end is known.
pub(super) fn blank(intended: Offset, outcome: Outcome) -> Shot {
    Shot {
        intended,
        sent: None,
        connected: None,
        first_byte: None,
        done: None,
        to: None,
        outcome,
        unsent: None,
        status: None,
        reused: false,
        replica: None,
        slot: None,
        version: None,
    }
}

/// One of the requests in flight.
pub(super) struct Seat {
    stream: Rc<Stream>,
    replica: Option<Rc<Replica>>,
    heard_of: Cell<bool>,
}

impl Seat {
    pub fn stream(&self) -> &Rc<Stream> {
        &self.stream
    }

    /// The one replica that is asked, in a stream that asks each by itself.
    pub fn replica(&self) -> Option<&Replica> {
        self.replica.as_deref()
    }

    /// The shot has ended.
    pub fn ended(&self, shot: Shot) {
        let lag = shot.lag();
        if let (Some(replica), Some(_), Some(done)) = (&self.replica, shot.status, shot.done) {
            replica.answered(done);
        }
        (self.stream.sink)(self.stream.index, shot);
        self.stream.totals.borrow_mut().sent(lag);
        self.heard_of.set(true);
    }

    /// The shot turned out to measure nothing.
    pub fn unsent(&self, intended: Offset, why: Unsent) {
        self.stream.unsent(intended, why, self.replica());
        self.heard_of.set(true);
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let stream = &self.stream;
        if !self.heard_of.get() {
            stream.lost.set(stream.lost.get() + 1);
        }
        stream.in_flight.set(stream.in_flight.get() - 1);
        if stream.in_flight.get() == 0 {
            stream.landed.notify_one();
        }
    }
}
