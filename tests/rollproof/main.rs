//! The one integration-test binary. Each module tests one feature from outside.

mod ui;
mod ui_run;
