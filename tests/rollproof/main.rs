//! The one integration-test binary. Each module tests one feature from outside.

mod app;
mod image;
mod judge;
mod judge_cause;
mod judge_story;
mod judge_trust;
mod lab;
mod probe;
mod record;
mod record_runs;
mod report;
mod stack_cases;
mod ui;
mod ui_run;
