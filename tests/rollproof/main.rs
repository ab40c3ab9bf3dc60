//! The one integration-test binary. Each module tests one feature from outside.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod app;
mod bad_input;
mod caretaker;
mod causes;
mod companion;
mod host_engine;
mod image;
mod judge;
mod judge_advice;
mod judge_attribution;
mod judge_cause;
mod judge_early_end;
mod judge_events;
mod judge_flaws;
mod judge_machine;
mod judge_masked;
mod judge_outside;
mod judge_pooled;
mod judge_purpose;
mod judge_records;
mod judge_self_test;
mod judge_stories;
mod judge_story;
mod judge_trust;
mod lab;
mod machine;
mod main_job;
mod probe;
mod record;
mod record_runs;
mod report;
mod same_as_docker;
mod shared_engine;
mod stack_cases;
mod stack_hostile;
mod status;
mod stopping;
mod streams;
mod ui;
mod ui_run;
mod watch;
mod workplace;
