//! The one integration-test binary. Each module tests one feature from outside.

mod app;
mod probe;
mod record;
mod runs;
mod image;
