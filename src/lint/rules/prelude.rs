//! What rules are written with.

pub(super) use crate::Offset;
pub(super) use crate::lint::finding::Draft;
pub(super) use crate::lint::rule::{Rule, Severity};
pub(super) use crate::lint::subject::{Subject, answering, outage};
pub(super) use crate::plan::FailureKind;
pub(super) use crate::remedy::{self, rules};
pub(super) use crate::swarm::{
    FailureAction, Order, PortProtocol, ResolutionMode, RestartCondition, UpdatePolicy,
};
pub(super) use crate::swarm_model::{
    Behaviour, Behaviours, End, Exception, Outcome, StartResult, simulate,
};
pub(super) use crate::wording::{self, counted};
