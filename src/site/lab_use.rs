//! What a command does with the lab.

/// What a command does with the lab, if that is the engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LabUse {
    /// It works with one that is running.
    Running,
    /// It may start one, which then stays until it is removed.
    Start,
    /// It may start one for the time of the run. One that a killed run left is taken for its own.
    ForOneRun,
}
