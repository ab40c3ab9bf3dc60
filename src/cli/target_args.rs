//! Which services are under test, and which address their users ask.

use std::str::FromStr as _;

use clap::Args;

use super::discreet::Discreet;
use super::request_args::weighted_path;
use crate::error::{Error, Result};
use crate::probe::WeightedPath;
use crate::run::{Also, Scheme, TargetWish};
use crate::stack::ServiceBody;
use crate::streams::{Address, Place};

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

    /// Change several services one after the other, each when the one before it is at rest; an
    /// update that fails ends the row
    #[arg(long, hide_short_help = true)]
    sequential: bool,

    #[command(flatten)]
    pub(super) address: AddressArgs,
}

/// How several addresses are written.
const URL_HELP: &str = "Address that users ask [default: the port that the stack publishes]. Repeat for \
    several, each with a name: --url site=https://shop.example.org/ --url admin=:9090/health. A URL without \
    a host, or a port alone, is a port of the stack. Each address has streams of its own, which reports \
    call by its name";

/// Which address users ask.
#[derive(Debug, Clone, Args)]
pub(super) struct AddressArgs {
    /// Address that users ask; repeat for several, each with a name, as in api=https://… [default:
    /// the port that the stack publishes]
    #[arg(long, value_name = "[NAME=]URL", value_parser = Discreet(Address::from_str))]
    #[arg(conflicts_with = "paths", long_help = URL_HELP)]
    pub(super) url: Vec<Address>,

    /// Path that users ask at the port that the stack publishes, such as /health; repeat for
    /// several in turn, with weights as in 3:/search [default: /]
    #[arg(long = "path", value_name = "[WEIGHT:]PATH", value_parser = weighted_path)]
    pub(super) paths: Vec<WeightedPath>,

    /// What the port that the stack publishes is asked in [default: https for 443 and 8443]
    #[arg(long, value_enum, conflicts_with = "url", hide_short_help = true)]
    scheme: Option<Scheme>,
}

impl AddressArgs {
    /// An address like the one that will be asked: the stack's own is not known before it is
    /// deployed.
    pub(super) fn example(&self) -> String {
        let path = self.paths.first().map_or("/", |first| first.path.as_str());
        let scheme = self.scheme.unwrap_or(Scheme::Http);
        let port = if scheme == Scheme::Tcp { ":1" } else { "" };
        let found = || format!("{}://127.0.0.1{port}{path}", scheme.as_str());
        self.url.first().map_or_else(found, |first| first.url("127.0.0.1"))
    }

    /// Where users of `service` ask.
    pub(super) fn wish(&self, service: Option<&str>) -> TargetWish {
        let wish = TargetWish {
            service: service.map(str::to_owned),
            path: self.paths.first().map(|first| first.path.clone()),
            scheme: self.scheme,
            ..TargetWish::default()
        };
        match self.url.first().map(|first| &first.place) {
            None => wish,
            Some(Place::Port { scheme, port, path }) => {
                let known = |text: &String| {
                    Scheme::ALL.into_iter().find(|of| of.as_str().eq_ignore_ascii_case(text))
                };
                let scheme = scheme.as_ref().and_then(known);
                // A port alone says nothing of the path.
                let path = Some(path.clone()).filter(|path| path != "/");
                TargetWish { port: Some(*port), path, scheme, ..wish }
            }
            Some(Place::Url(_)) => TargetWish { url: Some(self.example()), ..wish },
        }
    }
}

impl TargetArgs {
    pub(super) fn wish(&self) -> TargetWish {
        self.address.wish(self.services.first().map(String::as_str))
    }

    /// The services that are changed beside `subject`, the one under test, among those of a stack.
    ///
    /// # Errors
    /// A usage error for a name that matches nothing or is given twice.
    pub(super) fn also(
        &self,
        services: &[ServiceBody],
        stack: &str,
        subject: &str,
    ) -> Result<Also> {
        let names = self.services.get(1..).unwrap_or_default();
        Also::find(services, stack, subject, (names, self.all), self.sequential)
    }

    /// Refuses an order where there is nothing to order.
    ///
    /// # Errors
    /// A usage error.
    pub(super) fn check(&self) -> Result<()> {
        if self.sequential && !self.all && self.services.len() < 2 {
            return Err(Error::usage("--sequential needs several services")
                .hint("name them with --service, or take every one with --all"));
        }
        if self.all && self.services.len() > 1 {
            return Err(Error::usage("--all and several services exclude each other")
                .hint("beside --all, --service names the one under test"));
        }
        Ok(())
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
        if self.sequential {
            return Err(Error::usage("--to and --sequential exclude each other").hint(
                "a deployment submits all services together, as `docker stack deploy` does",
            ));
        }
        Ok(())
    }
}
