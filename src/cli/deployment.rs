//! The stack that an update is about: the one that was deployed from this folder.

use super::console::Console;
use super::stack_args::StackArgs;
use crate::error::{Error, Result};
use crate::site::{Deployment, Ledger, Site};

/// The stack's name when neither the command line nor a stack file gives one.
pub(super) const EXAMPLE_STACK: &str = "rollproof";

/// Finds what was deployed from this folder on this engine: the named stack, or the only one.
pub(super) fn find(
    console: &Console,
    site: &Site,
    stack: Option<&str>,
    args: &StackArgs,
) -> Result<Deployment> {
    let ledger = Ledger::read(&console.state)?;
    let address = site.address();
    let mut known = ledger.deployments.iter().filter(|known| known.engine == address);
    let found = match stack {
        Some(stack) => known.find(|known| known.stack == stack).cloned(),
        None => match (known.next(), known.next()) {
            (Some(_), Some(_)) => {
                return Err(Error::usage("more than one stack is deployed from this folder")
                    .hint("name the one that is meant, as the last argument"));
            }
            (found, _) => found.cloned(),
        },
    };
    match (found, stack) {
        (Some(mut found), _) => {
            if !args.files.is_empty() {
                found.files = super::prepare::absolute(&args.files)?;
            }
            Ok(found)
        }
        (None, Some(stack)) if !args.files.is_empty() && args.adopt => Ok(Deployment {
            engine: address,
            kind: site.kind,
            stack: stack.to_owned(),
            run: String::new(),
            files: super::prepare::absolute(&args.files)?,
            dnsrr: args.endpoint_mode.is_some(),
            changes: Vec::new(),
        }),
        (None, Some(stack)) => Err(Error::usage(format!("stack {stack} was not deployed from this folder"))
            .hint("deploy it with `rollproof deploy`, or name its stack files with -c and take it over with --adopt")),
        (None, None) => Err(Error::usage("no stack is deployed from this folder")
            .hint("deploy one with `rollproof deploy`")),
    }
}
