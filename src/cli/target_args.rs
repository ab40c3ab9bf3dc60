//! Which services are under test, and which address their users ask.

use clap::Args;

use super::request_args::weighted_path;
use super::values::url;
use crate::error::{Error, Result};
use crate::probe::WeightedPath;
use crate::run::{Scheme, Subject, TargetWish};

/// Which service is under test, and which address its users ask.
#[derive(Debug, Clone, Args)]
pub(super) struct TargetArgs {
    /// Service to update, with or without the stack's prefix; repeat to make the change to several
    /// at the same time: the first is the one under test [default: the one with the most replicas]
    #[arg(long = "service", value_name = "NAME")]
    services: Vec<String>,

    /// Make the change to every service of the stack at the same time
    #[arg(long, hide_short_help = true)]
    all: bool,

    #[command(flatten)]
    pub(super) address: AddressArgs,
}

/// Which address users ask.
#[derive(Debug, Clone, Args)]
pub(super) struct AddressArgs {
    /// Address that users ask [default: the port that the stack publishes]
    #[arg(long, value_name = "URL", value_parser = url, conflicts_with = "paths")]
    pub(super) url: Option<String>,

    /// Path that users ask at the port that the stack publishes, such as /health; repeat for
    /// several in turn, with weights as in 3:/search [default: /]
    #[arg(long = "path", value_name = "[WEIGHT:]PATH", value_parser = weighted_path)]
    pub(super) paths: Vec<WeightedPath>,

    /// How the port that the stack publishes is asked [default: https for 443 and 8443]
    #[arg(long, value_enum, conflicts_with = "url", hide_short_help = true)]
    scheme: Option<Scheme>,
}

impl AddressArgs {
    /// An address like the one that will be asked: the stack's own is not known before it is
    /// deployed.
    pub(super) fn example(&self) -> String {
        let path = self.paths.first().map_or("/", |first| first.path.as_str());
        let scheme = self.scheme.unwrap_or(Scheme::Http).as_str();
        let found = || format!("{scheme}://127.0.0.1{path}");
        self.url.clone().unwrap_or_else(found)
    }

    /// Where users of `service` ask.
    pub(super) fn wish(&self, service: Option<&str>) -> TargetWish {
        TargetWish {
            service: service.map(str::to_owned),
            url: self.url.clone(),
            path: self.paths.first().map(|first| first.path.clone()),
            scheme: self.scheme,
            among: Vec::new(),
        }
    }
}

impl TargetArgs {
    pub(super) fn wish(&self) -> TargetWish {
        self.address.wish(self.services.first().map(String::as_str))
    }

    /// The services that are changed beside the one under test.
    ///
    /// # Errors
    /// A usage error for a name that matches nothing.
    pub(super) fn also(&self, subject: &Subject) -> Result<Vec<String>> {
        subject.also(self.services.get(1..).unwrap_or_default(), self.all)
    }

    /// Refuses several services beside `--to`, whose file says which are changed.
    ///
    /// # Errors
    /// A usage error.
    pub(super) fn check_one(&self) -> Result<()> {
        if self.all || self.services.len() > 1 {
            return Err(Error::usage("--to and several services exclude each other")
                .hint("every service that the next version changes is judged"));
        }
        Ok(())
    }
}
