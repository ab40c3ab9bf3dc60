//! The one integration-test binary. Each module tests one feature from outside.

mod probe;
mod app;
mod record;
mod runs;
