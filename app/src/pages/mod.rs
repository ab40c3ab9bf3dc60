//! From a request to a response: routes, methods, faults, and the headers that name the replica.

mod healthz;
mod held;
mod metrics;
mod playground;
mod respond;
mod route;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use http_body_util::{BodyExt as _, Either, Full};
use hyper::body::{Body, Bytes, Incoming};
use hyper::header::{ALLOW, CACHE_CONTROL, CONNECTION, HeaderValue};
use hyper::http::request::Parts;
use hyper::{Request, Response, StatusCode};
use tokio::time::{Instant, sleep};

use crate::faults::Faults;
use crate::identity::Identity;
use crate::services::Services;
pub use held::End;
use held::{Events, Held};
use metrics::Metrics;
use playground::Node;
use respond::{json, text};
use route::Route;
pub use route::Routes;

/// A response of this server.
pub type Answer = Response<Full<Bytes>>;

/// A response of this server, which may go on for as long as the replica runs.
pub type LongAnswer = Response<Either<Full<Bytes>, Events>>;

/// What the requests of this process share.
#[derive(Debug)]
pub struct Pages {
    identity: Identity,
    faults: Faults,
    services: Services,
    routes: Routes,
    node: Node,
    metrics: Metrics,
    held: Held,
    started: Instant,
    stopping: AtomicBool,
    requests: AtomicU64,
}

impl Pages {
    /// The pages of a replica that starts now.
    pub fn new(
        identity: Identity,
        faults: Faults,
        services: Services,
        routes: Routes,
    ) -> Arc<Self> {
        Arc::new(Self {
            node: Node::new(&identity.host),
            metrics: Metrics::new(&identity.host),
            identity,
            faults,
            services,
            held: Held::default(),
            routes,
            started: Instant::now(),
            stopping: AtomicBool::new(false),
            requests: AtomicU64::new(0),
        })
    }

    /// From now on, each response asks the client to close the connection. WebSockets and streams
    /// of events end.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
        let end = if self.faults.drop_on_stop { End::Cut } else { End::Closed };
        match (self.held.count(), end) {
            (0, _) => {}
            (count, End::Cut) => {
                println!("cutting {count} held connections because of ROLLPROOF_DROP_ON_STOP");
            }
            (count, _) => println!("closing {count} held connections"),
        }
        self.held.end(end);
    }

    /// WebSockets and streams of events that are open.
    pub fn held(&self) -> usize {
        self.held.count()
    }

    /// Waits until there are none.
    pub async fn held_ended(&self) {
        self.held.ended().await;
    }

    /// Whether requests get no response any more.
    pub fn drops(&self) -> bool {
        self.faults.drop_on_stop && self.stopping.load(Ordering::Relaxed)
    }

    /// Answers a request, whatever it asks for.
    pub async fn serve(&self, request: Request<Incoming>) -> LongAnswer {
        let route = self.routes.route(request.uri().path());
        let Some(route @ (Route::Socket | Route::Events)) =
            route.filter(|route| route.methods(self.routes).contains(request.method()))
        else {
            return self.answer(request).await.map(Either::Left);
        };
        let mut response = match self.fault(route).await {
            Some(response) => response.map(Either::Left),
            None if route == Route::Socket => self.held.socket(request).map(Either::Left),
            None => self.held.events().map(Either::Right),
        };
        self.sign(&mut response);
        response
    }

    /// Answers a request, after its body has arrived and after the delay that it asks for.
    pub async fn answer<B>(&self, request: Request<B>) -> Answer
    where
        B: Body + Unpin,
    {
        let (parts, mut body) = request.into_parts();
        // If the body is not read, the client loses its connection.
        while let Some(Ok(_)) = body.frame().await {}
        let mut response = match self.routes.route(parts.uri.path()) {
            None => self.routes.not_found(parts.uri.path()),
            Some(route) if !route.methods(self.routes).contains(&parts.method) => {
                let mut response =
                    text(StatusCode::METHOD_NOT_ALLOWED, "method not allowed\n".to_owned());
                let allow = HeaderValue::from_static(route.allow(self.routes));
                response.headers_mut().insert(ALLOW, allow);
                response
            }
            Some(route) => match self.fault(route).await {
                Some(response) => response,
                None => self.page(route, &parts).await,
            },
        };
        self.sign(&mut response);
        response
    }

    /// What a fault makes of a request; may end the process.
    async fn fault(&self, route: Route) -> Option<Answer> {
        if route.is_health() {
            sleep(self.faults.health_delay).await;
            return None;
        }
        if !route.is_traffic() {
            return None;
        }
        let number = self.requests.fetch_add(1, Ordering::Relaxed) + 1;
        if self.faults.crash_on_request == Some(number) {
            eprintln!("rollproof-app: crashing because of ROLLPROOF_CRASH_ON_REQUEST");
            std::process::exit(i32::from(self.faults.crash_exit_code));
        }
        let what = format!("{} {number}", self.identity.host);
        if !self.faults.requests.hits(what.as_bytes()) {
            return None;
        }
        sleep(self.faults.answer_delay).await;
        let status = self.faults.answer_status?;
        Some(text(status, format!("{status} because of ROLLPROOF_ANSWER_STATUS\n")))
    }

    async fn page(&self, route: Route, request: &Parts) -> Answer {
        if let Some(path) = route.counted() {
            self.metrics.count(path);
        }
        match route {
            Route::Home if self.routes == Routes::Playground => self.node.home(),
            Route::Home | Route::Slow => match delay(request.uri.query().unwrap_or_default()) {
                Err(why) => text(StatusCode::BAD_REQUEST, format!("{why}\n")),
                Ok(delay) => {
                    if delay > Duration::ZERO {
                        sleep(delay).await;
                    }
                    text(StatusCode::OK, self.identity.greeting.clone())
                }
            },
            Route::Status => self.node.status(),
            Route::Poison => self.node.poison(),
            Route::Antidote => self.node.antidote(),
            Route::Die => self.node.die(),
            Route::Metrics => self.metrics.answer(self.node.is_healthy() && self.sick().is_none()),
            Route::Health => self.health().await,
            Route::Healthz(set) => healthz::answer(set, &self.services, self.sick(), request).await,
            Route::HealthzWithoutSlash => healthz::redirect(&request.uri),
            Route::Tasks => self.tasks(request).await,
            // They are answered before.
            Route::Socket | Route::Events => self.routes.not_found(request.uri.path()),
        }
    }

    /// Why a fault wants health checks to fail, if so.
    fn sick(&self) -> Option<&'static str> {
        let age = self.started.elapsed();
        if age < self.faults.ready_after {
            return Some("not ready because of ROLLPROOF_READY_AFTER");
        }
        let sick = self.faults.unhealthy_after.is_some_and(|after| age >= after);
        sick.then_some("unhealthy because of ROLLPROOF_UNHEALTHY_AFTER")
    }

    /// The health page of the guide: simple, or with the state of the database if there is one.
    async fn health(&self) -> Answer {
        let poisoned = (!self.node.is_healthy()).then_some("poisoned");
        if let Some(reason) = self.sick().or(poisoned) {
            let body = serde_json::json!({ "reason": reason, "status": "error" });
            return json(StatusCode::SERVICE_UNAVAILABLE, &body);
        }
        let (status, body) = match self.services.database().await {
            None => {
                let message = "Application is healthy";
                (StatusCode::OK, serde_json::json!({ "message": message, "status": "ok" }))
            }
            Some(Ok(())) => {
                (StatusCode::OK, serde_json::json!({ "db_connection": "ok", "status": "ok" }))
            }
            Some(Err(why)) => {
                eprintln!("rollproof-app: the database: {why}");
                let reason = "database connection failed";
                (
                    StatusCode::SERVICE_UNAVAILABLE,
                    serde_json::json!({ "reason": reason, "status": "error" }),
                )
            }
        };
        json(status, &body)
    }

    /// Puts a task for the workers into the queue, or tells how many there are.
    async fn tasks(&self, request: &Parts) -> Answer {
        let answer = if request.method == hyper::Method::POST {
            match delay(request.uri.query().unwrap_or_default()) {
                Err(why) => return text(StatusCode::BAD_REQUEST, format!("{why}\n")),
                Ok(delay) => self
                    .services
                    .enqueue(delay)
                    .await
                    .map(|()| text(StatusCode::ACCEPTED, "queued\n".to_owned())),
            }
        } else {
            self.services.tasks().await.map(|tasks| {
                let body = serde_json::json!({ "queued": tasks.queued, "done": tasks.done });
                json(StatusCode::OK, &body)
            })
        };
        answer.unwrap_or_else(|why| text(StatusCode::SERVICE_UNAVAILABLE, format!("{why}\n")))
    }

    fn sign<B>(&self, response: &mut Response<B>) {
        let switches = response.status() == StatusCode::SWITCHING_PROTOCOLS;
        let headers = response.headers_mut();
        headers.insert("x-rollproof-instance", self.identity.instance.clone());
        for (name, value) in [
            ("x-rollproof-slot", &self.identity.slot),
            ("x-rollproof-version", &self.identity.version),
            ("x-rollproof-worker", &self.identity.worker),
        ] {
            if let Some(value) = value {
                headers.insert(name, value.clone());
            }
        }
        // A cached response would say nothing about the replicas.
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if self.stopping.load(Ordering::Relaxed) && !switches {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
    }
}

/// The longest delay a request can ask for.
const LONGEST_DELAY: Duration = Duration::from_secs(60);

/// The delay a query asks for: `delay=250ms` (any duration) or `ms=250`.
fn delay(query: &str) -> Result<Duration, String> {
    let mut delay = Duration::ZERO;
    for (key, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
        delay = match key {
            "delay" => humantime::parse_duration(value).ok(),
            "ms" => value.parse().ok().map(Duration::from_millis),
            _ => continue,
        }
        .filter(|delay| *delay <= LONGEST_DELAY)
        .ok_or_else(|| {
            format!(
                "{key}={value}: expected a delay of at most {}",
                humantime::format_duration(LONGEST_DELAY)
            )
        })?;
    }
    Ok(delay)
}
