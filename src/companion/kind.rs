//! The services that rollproof puts beside a stack.

/// What stands between the stack's and the companion's name.
const MARK: &str = "_rollproof-";

/// A service that rollproof puts beside a stack under test.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CompanionKind {
    /// Sends requests from inside the stack's network.
    Prober,
    /// Answers on a port of its node, and is never updated.
    Control,
    /// The same, with an update that is built to lose requests.
    SelfTest,
}

impl CompanionKind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Prober, Self::Control, Self::SelfTest];

    /// The name of the service beside this stack.
    #[must_use]
    pub fn service(self, stack: &str) -> String {
        let name = match self {
            Self::Prober => "prober",
            Self::Control => "control",
            Self::SelfTest => "self-test",
        };
        format!("{stack}{MARK}{name}")
    }

    /// What it is, for messages.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Prober => "the prober inside the network",
            Self::Control => "the control target",
            Self::SelfTest => "the self-test's target",
        }
    }
}

/// Whether a service of this name is one that rollproof puts beside a stack.
#[must_use]
pub fn is_companion(service: &str) -> bool {
    service.contains(MARK)
}
