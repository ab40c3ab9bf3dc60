//! The judge: what was expected × what Swarm did × what users got ─► a verdict with reasons.
//!
//! Pure: everything comes from the run record, so a run can be judged again, offline, by a
//! later version. `docs/verdicts.md` says what the verdicts mean.

mod advice;
mod against;
mod asked_for;
mod attribution;
mod baseline;
mod capacity;
mod cause;
mod check;
mod check_course;
mod declared;
mod end;
mod entry_fix;
mod explained;
mod failure_words;
mod fix;
mod fixes;
mod headline;
mod health_story;
mod held_cut;
mod in_hand;
mod judgement;
mod limits;
mod loss_fixes;
mod machine;
mod masked;
mod nodes;
mod other_changes;
mod other_scene;
mod other_services;
mod pooled;
mod prediction;
mod remedies;
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
mod user_limits;
mod waiting_fixes;
mod wrong_answers;

pub use advice::Advice;
pub use capacity::{Capacity, CapacityStep, VersionRange, VersionStep};
pub use cause::{Cause, CauseGroup, FailedRequest, Failure, Nearest};
pub use check::{Check, Verdict};
pub use check_course::CheckCourse;
pub use health_story::{FailedCheck, HealthStory};
pub use judgement::{Judgement, judge};
pub use limits::Limits;
pub use masked::{Masked, MaskedKind};
pub use nodes::{NodeChange, NodeLoss};
pub use other_changes::ServiceJudgement;
pub use pooled::{Claim, Pooled, PooledRun, PooledScenario, PooledStream};
pub use prediction::{Difference, PredictedState, Prediction};
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
