//! One request outside any schedule, and what came: for finding out what a service answers.

use std::cell::RefCell;
use std::rc::Rc;
use std::thread;
use std::time::Duration;

use hyper::HeaderMap;
use hyper::header::LOCATION;

use super::flight::fly;
use super::hold::open_once;
use super::prober::runtime;
use super::schedule::Stalls;
use super::stream::Stream;
use super::{Expect, StreamPlan};
use crate::record::{Connection, Shot};
use crate::{Clock, Error, Offset, Result};

/// What came back from one request.
#[derive(Debug, Clone)]
pub struct Answer {
    /// How it ended.
    pub shot: Shot,
    /// Where a redirect leads.
    pub location: Option<String>,
    /// The expected header that was missing, with its value.
    pub missing: Option<(String, String)>,
}

/// What is kept of a response besides its outcome.
#[derive(Debug, Default)]
pub(super) struct Witness {
    location: Option<String>,
    missing: Option<(String, String)>,
}

impl Witness {
    pub fn head(&mut self, headers: &HeaderMap, expect: &Expect) {
        let text = |value: &hyper::header::HeaderValue| {
            String::from_utf8_lossy(value.as_bytes()).into_owned()
        };
        self.location = headers.get(LOCATION).map(text);
        self.missing = expect.missing_header(headers).cloned();
    }
}

/// Sends one request of a stream and waits for its end, at most `within`. Nothing is measured.
///
/// # Errors
/// A usage error for a plan that contradicts itself; an environment error without a thread.
pub async fn ask(mut plan: StreamPlan, within: Duration) -> Result<Answer> {
    plan.deadline = within;
    plan.timeout = within + Duration::from_millis(1);
    plan.connect_timeout = plan.connect_timeout.min(within);
    plan.check()?;
    let secure = plan.tls_client()?;
    let (sender, answer) = tokio::sync::oneshot::channel();
    let work = move || {
        let asked = runtime().map(|runtime| {
            let shots: Rc<RefCell<Option<Shot>>> = Rc::default();
            let sink = {
                let shots = Rc::clone(&shots);
                Rc::new(move |_, shot| drop(shots.borrow_mut().replace(shot)))
            };
            let clock = Clock::start();
            let mut stream = Stream::new(0, plan, secure, 1, clock, Stalls::default(), sink);
            stream.witness = Some(RefCell::default());
            let stream = Rc::new(stream);
            runtime.block_on(async {
                let Some(seat) = stream.seat(None) else { return };
                let intended = Offset::ZERO.max(clock.now());
                if stream.plan.connection == Connection::Held {
                    open_once(seat, intended).await;
                } else {
                    fly(seat, 0, intended).await;
                }
            });
            runtime.shutdown_background();
            let seen = stream.witness.as_ref().map(RefCell::take).unwrap_or_default();
            let shot = shots.borrow_mut().take();
            shot.map(|shot| Answer { shot, location: seen.location, missing: seen.missing })
        });
        drop(sender.send(asked));
    };
    let no_thread =
        |error| Error::environment("cannot start a thread to ask from").caused_by(error);
    thread::Builder::new().name("ask".into()).spawn(work).map_err(no_thread)?;
    let none = || Error::environment("a request was not sent");
    answer.await.map_err(|error| none().caused_by(error))?.map_err(no_thread)?.ok_or_else(none)
}
