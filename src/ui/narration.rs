//! A sentence for people.

/// What Swarm is doing, and what the run waits for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Narration {
    /// One plain sentence. It holds no running time: it changes only when the facts do.
    pub doing: String,
    /// What is being waited for, to fit after "waiting for".
    pub waiting: Option<String>,
}
