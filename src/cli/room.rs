//! What is on an engine under the name of a stack that is to be deployed for a run.

use super::console::Console;
use crate::deploy::{Whose, check_owner};
use crate::error::{Error, Result};
use crate::site::{Ledger, Site};

/// What is there under a stack's name.
pub(super) enum Room {
    Free,
    /// What a killed run left.
    Leftover,
    /// A stack that is adopted, and tested as it is.
    Stays,
}

impl Room {
    /// Looks what is there. A stack that stays is refused before anything is touched, unless it is
    /// adopted.
    pub(super) async fn of(
        stack: &str,
        adopt: bool,
        console: &Console,
        site: &Site,
    ) -> Result<Self> {
        let services = site.manager.stack_services(stack).await?;
        if services.is_empty() {
            return Ok(Self::Free);
        }
        if Whose::stack(&site.owner, &services) != Whose::Ours {
            check_owner(&site.manager, stack, &site.owner, adopt).await?;
            return Ok(Self::Stays);
        }
        let ledger = Ledger::read(&console.state)?;
        let address = site.address();
        let mut known = ledger.stacks.iter();
        let noted = known.find(|known| known.engine == address && known.stack == *stack);
        if noted.is_some_and(|known| known.for_run) {
            return Ok(Self::Leftover);
        }
        if adopt {
            return Ok(Self::Stays);
        }
        Err(Error::usage(format!("stack {stack} is deployed from this folder, and is not removed"))
            .hint("`rollproof update` and `rollproof broken-update` test a stack that is deployed")
            .hint(format!("`rollproof down {stack}` removes it; another name makes a second one")))
    }

    /// Makes room: what a killed run left is removed. Whether a stack of that name stays.
    pub(super) async fn make(
        stack: &str,
        adopt: bool,
        console: &Console,
        site: &Site,
    ) -> Result<bool> {
        match Self::of(stack, adopt, console, site).await? {
            Self::Free => Ok(false),
            Self::Stays => Ok(true),
            Self::Leftover => {
                console.tell(&format!("removing stack {stack}, which an earlier run left behind"));
                site.remove_stack(&console.state, stack, &|text| console.tell(text)).await?;
                Ok(false)
            }
        }
    }
}
