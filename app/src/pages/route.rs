//! Paths and the methods that each accepts.

use hyper::{Method, StatusCode};

use super::healthz::Set;
use super::respond::text;
use super::{Answer, playground};

/// Which pages there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Routes {
    /// The greeting.
    Plain,
    /// The same, and the greeting under every other path.
    Any,
    /// A node that can be poisoned and killed.
    Playground,
}

/// A page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Route {
    Home,
    Slow,
    Status,
    Poison,
    Antidote,
    Die,
    Metrics,
    Health,
    Healthz(Set),
    /// The same without the slash at the end.
    HealthzWithoutSlash,
    Tasks,
    /// A WebSocket.
    Socket,
    /// Server-sent events.
    Events,
}

impl Routes {
    pub fn route(self, path: &str) -> Option<Route> {
        let route = match path {
            "/" => Route::Home,
            "/metrics" => Route::Metrics,
            "/health" => Route::Health,
            "/_healthz/" => Route::Healthz(Set::All),
            "/_healthz/livez/" => Route::Healthz(Set::Live),
            "/_healthz/readyz/" => Route::Healthz(Set::Ready),
            "/_healthz" | "/_healthz/livez" | "/_healthz/readyz" => Route::HealthzWithoutSlash,
            "/slow" if self != Self::Playground => Route::Slow,
            "/tasks" if self != Self::Playground => Route::Tasks,
            "/ws" if self != Self::Playground => Route::Socket,
            "/events" if self != Self::Playground => Route::Events,
            "/status" if self == Self::Playground => Route::Status,
            "/poison" if self == Self::Playground => Route::Poison,
            "/antidote" if self == Self::Playground => Route::Antidote,
            "/die" if self == Self::Playground => Route::Die,
            _ if self == Self::Any => Route::Home,
            _ => return None,
        };
        Some(route)
    }

    pub fn not_found(self, path: &str) -> Answer {
        match self {
            Self::Plain | Self::Any => text(StatusCode::NOT_FOUND, "not found\n".to_owned()),
            Self::Playground => {
                playground::error(StatusCode::NOT_FOUND, &format!("Not found: '{path}'"))
            }
        }
    }
}

impl Route {
    pub fn methods(self, routes: Routes) -> &'static [Method] {
        match self {
            Self::Home | Self::Slow | Self::Tasks if routes != Routes::Playground => {
                &[Method::GET, Method::HEAD, Method::POST]
            }
            // HEAD would open one, too.
            Self::Socket | Self::Events => &[Method::GET],
            _ => &[Method::GET, Method::HEAD],
        }
    }

    pub fn allow(self, routes: Routes) -> &'static str {
        match self.methods(routes) {
            [_] => "GET",
            [_, _] => "GET, HEAD",
            _ => "GET, HEAD, POST",
        }
    }

    /// Whether health checks ask for it.
    pub fn is_health(self) -> bool {
        matches!(self, Self::Health | Self::Healthz(_))
    }

    /// Whether users ask for it: faults of requests apply.
    pub fn is_traffic(self) -> bool {
        matches!(self, Self::Home | Self::Slow | Self::Tasks | Self::Socket | Self::Events)
    }

    /// The path under which its requests are counted.
    pub fn counted(self) -> Option<&'static str> {
        match self {
            Self::Home => Some("/"),
            Self::Status => Some("/status"),
            Self::Poison => Some("/poison"),
            Self::Antidote => Some("/antidote"),
            _ => None,
        }
    }
}
