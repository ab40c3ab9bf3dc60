//! The health check of a service.

/// The health check of a service; durations in nanoseconds.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Healthcheck {
    pub(crate) test: Vec<String>,
    pub(crate) timeout: Option<i64>,
    pub(crate) interval: Option<i64>,
    pub(crate) retries: Option<u64>,
    pub(crate) start_period: Option<i64>,
    pub(crate) start_interval: Option<i64>,
    pub(crate) disable: bool,
}
