//! One scenario as data.

use std::time::Duration;

use serde_json::Value;

use crate::Offset;
use crate::deploy::Change;
use crate::image::{APP_V1, APP_V2, OWN_IMAGES};
use crate::record::{Ending, Expects, Must};
use crate::stack::ServiceBody;

/// The service of the built-in stack that most scenarios change.
pub(super) const APP: &str = "app";

/// One scenario as it is declared.
#[derive(Debug, Clone, PartialEq)]
pub struct Declaration {
    /// Its name in the record, in reports and on the command line.
    pub name: String,
    /// What happens, in a few words.
    pub about: String,
    /// Which list it is in.
    pub group: Group,
    /// The service of the built-in stack that is changed and judged.
    pub service: String,
    /// What `try` changes in the services of the built-in stack before it deploys it: by their names, in
    /// the keys of a stack file; absent if it needs nothing special.
    pub services: Option<Value>,
    /// What is done.
    pub act: Act,
    /// The streams of requests that it needs beside the usual ones, by name.
    pub streams: Vec<String>,
    /// The same spec is submitted once more after this time.
    pub again_after: Option<Duration>,
    /// The nodes lose the image that runs just before the change, so that no more tasks of it can start.
    pub lose_image: bool,
    /// Look so long whatever Swarm does; absent: until the service is at rest.
    pub watch: Option<Duration>,
    /// What Swarm must do.
    pub expects: Expects,
    /// Everything that must happen; absent for those that are judged by `expects` alone.
    pub must: Option<Must>,
}

/// A list of scenarios.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group {
    /// What `verify` does unless told otherwise.
    Usual,
    /// Changes that must do no harm.
    Good,
    /// Broken versions that Swarm notices.
    Broken,
    /// Broken versions and settings that Swarm does not notice, so that rollproof must.
    Unnoticed,
    /// Updates of the proxy, which has the port that users ask.
    Proxy,
    /// What restart policies do without an update.
    Restart,
    /// A user's own.
    Own,
}

/// What is done in a scenario.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// Change the service so that every task is replaced, in the way that is at hand.
    Renew,
    /// Change the service.
    Roll(Vec<Change>),
    /// Deploy the next version of the whole stack, which the run has.
    Deploy,
    /// Change nothing, and send requests that are not measured.
    Ask(Ask),
    /// Change nothing, and wait at most this long until the service is changed elsewhere.
    Watch(Duration),
}

/// Requests that make something happen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ask {
    /// The path that is asked where users ask.
    pub path: String,
    /// How often.
    pub times: u32,
    /// The time between two of them.
    pub every: Duration,
}

/// A scenario for one service.
#[derive(Debug, Clone, PartialEq)]
pub struct Scenario {
    /// Its name.
    pub name: String,
    /// What Swarm must do.
    pub expects: Expects,
    /// Everything that must happen, if it declares that.
    pub must: Option<Must>,
    /// What is done; never [`Act::Renew`].
    pub act: Act,
    /// The same spec is submitted once more after this time.
    pub again_after: Option<Duration>,
    /// The nodes lose the image that runs just before the change.
    pub lose_image: bool,
    /// Look so long whatever Swarm does.
    pub watch: Option<Duration>,
}

/// What a machine may lose at times.
const PAUSE: Offset = Offset::from_millis(5_000);

impl Group {
    /// All lists, in the order in which they are shown.
    pub const ALL: [Self; 7] = [
        Self::Usual,
        Self::Good,
        Self::Broken,
        Self::Unnoticed,
        Self::Proxy,
        Self::Restart,
        Self::Own,
    ];

    /// Its name on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Usual => "usual",
            Self::Good => "good",
            Self::Broken => "broken",
            Self::Unnoticed => "unnoticed",
            Self::Proxy => "proxy",
            Self::Restart => "restart",
            Self::Own => "own",
        }
    }

    /// Its title in a list.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Usual => "What `verify` does",
            Self::Good => "Good: nobody must notice",
            Self::Broken => "Broken: Swarm must notice",
            Self::Unnoticed => "Broken, and Swarm does not notice: rollproof must",
            Self::Proxy => "The proxy itself is updated",
            Self::Restart => "Restart policies, without an update",
            Self::Own => "Your own",
        }
    }
}

impl Declaration {
    /// The scenario for a service with this body. `fresh` says that this run deployed the stack, so
    /// that the example is at its first version.
    #[must_use]
    pub fn scenario(&self, fresh: bool, body: &ServiceBody) -> Scenario {
        let act = match &self.act {
            Act::Renew if fresh && body.image() == APP_V1 => {
                Act::Roll(vec![Change::Image { image: APP_V2.to_owned() }])
            }
            Act::Renew => Act::Roll(vec![Change::Force]),
            act => act.clone(),
        };
        Scenario {
            name: self.name.clone(),
            expects: self.expects,
            must: self.must.clone(),
            act,
            again_after: self.again_after,
            lose_image: self.lose_image,
            watch: self.watch,
        }
    }

    /// The same for a user's stack: how many replicas there are and how long they take is known for
    /// the built-in stack only.
    #[must_use]
    pub fn for_any_stack(mut self) -> Self {
        if let Some(must) = self.must.as_mut().filter(|_| self.group != Group::Own) {
            (must.lowest, must.replicas, must.within) = (None, None, None);
        }
        self
    }

    /// Why it makes no sense for a user's stack, if so: it needs settings, a version or faults that
    /// only the built-in stack has.
    #[must_use]
    pub fn needs_own_stack(&self) -> Option<&'static str> {
        let of_app = |change: &Change| match change {
            Change::Env { key, .. } => key.starts_with("ROLLPROOF_") && self.group != Group::Own,
            Change::Image { image } => image.starts_with(OWN_IMAGES),
            Change::Args { .. } => self.group != Group::Own,
            _ => false,
        };
        match &self.act {
            _ if self.lose_image => Some("it removes the image of the previous version"),
            _ if self.services.is_some() => Some("it needs settings of its own in the stack"),
            Act::Roll(changes) if changes.iter().any(of_app) => {
                Some("it needs the faults of the built-in app")
            }
            _ => None,
        }
    }
}

/// What Swarm does in the sense of the checks, for an ending.
pub(super) fn expects(ending: Ending) -> Expects {
    match ending {
        Ending::Completed => Expects::Update,
        Ending::RolledBack => Expects::Rollback,
        Ending::NothingReplaced => Expects::NoChange,
        Ending::Mixed
        | Ending::RollbackPaused
        | Ending::Paused
        | Ending::NeverEnds
        | Ending::TaskFailed => Expects::Declared,
    }
}

impl Scenario {
    /// What is changed, in one line.
    #[must_use]
    pub fn describe(&self) -> String {
        match &self.act {
            Act::Roll(changes) => {
                let lost = self.lose_image.then(|| "(the image before it is gone)".to_owned());
                let changes = changes.iter().map(ToString::to_string).chain(lost);
                changes.collect::<Vec<_>>().join(" ")
            }
            Act::Ask(Ask { path, times: 1, .. }) => format!("HEAD {path}"),
            Act::Ask(Ask { path, times, .. }) => format!("HEAD {path}, {times} times"),
            Act::Renew => Change::Force.to_string(),
            Act::Deploy => "the next version of the stack".to_owned(),
            Act::Watch(_) => "made elsewhere".to_owned(),
        }
    }

    /// The same on a swarm whose time passes so much faster: its waits are waits of the swarm. How long
    /// to wait for a change from elsewhere is the user's time.
    #[must_use]
    pub fn at_speed(mut self, speed: f64) -> Self {
        let faster = |wait: Duration| {
            Duration::try_from_secs_f64(wait.as_secs_f64() / speed).unwrap_or(wait)
        };
        self.again_after = self.again_after.map(faster);
        self.watch = self.watch.map(faster);
        if let Act::Ask(ask) = &mut self.act {
            ask.every = faster(ask.every);
        }
        if let Some(must) = &mut self.must {
            let faster = |wait: Offset| wait.at_speed(speed);
            // However fast the swarm is, the machine it is played on may pause for some seconds.
            let pause = if speed > 1.0 { PAUSE } else { Offset::ZERO };
            must.within = must.within.map(|within| faster(within) + pause);
            must.watch = must.watch.map(faster);
        }
        self
    }

    /// The body after the changes.
    #[must_use]
    pub fn changed(&self, body: &ServiceBody) -> ServiceBody {
        let mut changed = body.clone();
        if let Act::Roll(changes) = &self.act {
            for change in changes {
                change.apply(&mut changed);
            }
        }
        changed
    }
}
