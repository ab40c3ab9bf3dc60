//! Which services of the program's own there are.

/// A service of the program's own beside a stack under test.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CompanionKind {
    /// Sends requests from inside the stack's network.
    Prober,
    /// Answers on a port of its node, and is never updated.
    Control,
    /// The same, updated in a way that loses requests.
    Negative,
}

impl CompanionKind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Prober, Self::Control, Self::Negative];

    /// The name of the service beside this stack.
    #[must_use]
    pub fn service(self, stack: &str) -> String {
        let name = match self {
            Self::Prober => "prober",
            Self::Control => "control",
            Self::Negative => "negative",
        };
        format!("{stack}_rollproof-{name}")
    }

    /// What it is, for messages.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Prober => "the prober inside the network",
            Self::Control => "the control target",
            Self::Negative => "the negative control",
        }
    }
}
