//! The rules: one file each, and a line in [`RULES`].

mod addresses_kept;
mod all_at_once;
mod attempts_limited;
mod boot_killed;
mod caddy_no_retry;
mod capacity_low;
mod check_tool_missing;
mod comments;
mod delay_hides_failures;
mod delay_short;
mod exits_stay_down;
mod failure_continues;
mod failure_lost;
mod failure_pauses;
mod failures_repeated;
mod failures_tolerated;
mod first_check_late;
mod grace_long;
mod grace_short;
mod health_check_missing;
mod health_check_shell;
mod host_port_start_first;
mod image_moves;
mod monitor_short;
mod monitor_zero;
mod node_limit_start_first;
mod one_retry;
mod one_shot_awaited;
mod prelude;
mod proxy_polls;
mod rollback_not_atomic;
mod rollback_rolls_back;
mod rollback_stops_first;
mod spare_resources;
mod start_interval_unused;
mod stop_signal;
mod two_writers;
mod update_config_missing;

pub(super) use comments::{IGNORE_WITHOUT_REASON, UNUSED_IGNORE, unused, without_reason};

use super::rule::Rule;

/// All rules, by number.
pub static RULES: [&Rule; 38] = [
    &health_check_missing::RULE,
    &health_check_shell::RULE,
    &check_tool_missing::RULE,
    &start_interval_unused::RULE,
    &first_check_late::RULE,
    &boot_killed::RULE,
    &one_retry::RULE,
    &update_config_missing::RULE,
    &failure_pauses::RULE,
    &failure_continues::RULE,
    &all_at_once::RULE,
    &failure_lost::RULE,
    &capacity_low::RULE,
    &host_port_start_first::RULE,
    &node_limit_start_first::RULE,
    &spare_resources::RULE,
    &two_writers::RULE,
    &rollback_stops_first::RULE,
    &rollback_rolls_back::RULE,
    &monitor_short::RULE,
    &monitor_zero::RULE,
    &delay_short::RULE,
    &delay_hides_failures::RULE,
    &failures_tolerated::RULE,
    &failures_repeated::RULE,
    &grace_short::RULE,
    &grace_long::RULE,
    &stop_signal::RULE,
    &exits_stay_down::RULE,
    &attempts_limited::RULE,
    &addresses_kept::RULE,
    &proxy_polls::RULE,
    &caddy_no_retry::RULE,
    &image_moves::RULE,
    &rollback_not_atomic::RULE,
    &one_shot_awaited::RULE,
    &UNUSED_IGNORE,
    &IGNORE_WITHOUT_REASON,
];
