//! The judge: what was expected × what Swarm did × what users got ─► a verdict with reasons.
//!
//! Pure: everything comes from the run record, so a run can be judged again, offline, by a
//! later version. `docs/verdicts.md` says what the verdicts mean.

mod answering;
mod attribution;
mod baseline;
mod baseline_after;
mod capacity;
mod capacity_step;
mod cause;
mod check;
mod claim;
mod counts;
mod end_checks;
mod explained;
mod failure;
mod holder;
mod in_hand;
mod judgement;
mod levels;
mod limits;
mod machine;
mod machine_fault;
mod masked;
mod negative_control_story;
mod pooled;
mod pooled_run;
mod pooled_scenario;
mod pooled_stream;
mod replica_story;
mod rollback_checks;
mod rollback_story;
mod scenario_judgement;
mod scene;
mod stream_stats;
mod task_life;
mod tasks;
mod times;
mod transition;
mod transition_window;
mod trust_checks;
mod update_checks;
mod update_story;
mod user_checks;
mod verdict;

pub use capacity::{Capacity, VersionRange};
pub use capacity_step::{CapacityStep, VersionStep};
pub use cause::{Cause, CauseGroup};
pub use check::Check;
pub use claim::Claim;
pub use failure::{Failure, Nearest};
pub use judgement::{Judgement, judge};
pub use limits::Limits;
pub use masked::{Masked, MaskedKind};
pub use negative_control_story::NegativeControlStory;
pub use pooled::Pooled;
pub use pooled_run::PooledRun;
pub use pooled_scenario::PooledScenario;
pub use pooled_stream::PooledStream;
pub use replica_story::ReplicaStory;
pub use rollback_story::RollbackStory;
pub use scenario_judgement::ScenarioJudgement;
pub use stream_stats::{StreamStats, stream_stats};
pub use transition_window::TransitionWindow;
pub use update_story::{Converged, StateSeen, UpdateStory};
pub use verdict::Verdict;
