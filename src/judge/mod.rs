//! The judge: what was expected × what Swarm did × what users got ─► a verdict with reasons.
//!
//! Pure: everything comes from the run record, so a run can be judged again, offline, by a
//! later version. `docs/verdicts.md` says what the verdicts mean.

mod advice;
mod attribution;
mod baseline;
mod capacity;
mod cause;
mod check;
mod declared;
mod end;
mod entry_fix;
mod explained;
mod failure_words;
mod fix;
mod fixes;
mod headline;
mod held_cut;
mod in_hand;
mod judgement;
mod limits;
mod loss_fixes;
mod machine;
mod masked;
mod nodes;
mod other_services;
mod pooled;
mod remedies;
mod replica_count;
mod replicas;
mod request;
mod scenario_judgement;
mod scene;
mod self_test;
mod stream_stats;
mod swarm_checks;
mod task_failure;
mod task_story;
mod tasks;
mod transition;
mod trust_checks;
mod update_story;
mod user_checks;
mod waiting_fixes;
mod wrong_answers;

pub use advice::Advice;
pub use capacity::{Capacity, CapacityStep, VersionRange, VersionStep};
pub use cause::{Cause, CauseGroup, FailedRequest, Failure, Nearest};
pub use check::{Check, Verdict};
pub use judgement::{Judgement, judge};
pub use limits::Limits;
pub use masked::{Masked, MaskedKind};
pub use nodes::{NodeChange, NodeLoss};
pub use pooled::{Claim, Pooled, PooledRun, PooledScenario, PooledStream};
pub use replicas::ReplicaStory;
pub use scenario_judgement::ScenarioJudgement;
pub use self_test::SelfTestStory;
pub use stream_stats::{StreamStats, stream_stats};
pub use task_failure::{
    HealthReport, STOPPED_EARLY, TaskFailure, TaskSigns, is_serving, is_told_to_stop, named_task,
    whom,
};
pub use task_story::{ServiceStory, TaskMark, TaskStory};
pub use transition::TransitionWindow;
pub use update_story::{Converged, ReplicasChanged, RollbackStory, StateSeen, UpdateStory};
pub use wrong_answers::WrongAnswer;
