//! The prober inside the network of a stack under test: it asks by the names that the network has.

use std::io::{self, Write};
use std::sync::Arc;
use std::thread;

use jiff::Timestamp;

use super::container_log::ContainerLog;
use super::replica::{Deed, Replica};
use crate::error::{Error, Result};
use crate::probe::{ProbeOrder, run_agent_with};

/// Carries out an order until the replica's process is to end. What it reports goes to its log.
pub(super) fn spawn(replica: &Arc<Replica>, order: &str, log: Arc<ContainerLog>) {
    let replica = Arc::clone(replica);
    let order = ProbeOrder::parse(order);
    // A thread of its own, as a process in a container would have.
    let work = move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime =
            runtime.map_err(|error| Error::environment("cannot start the prober").caused_by(error));
        let done = runtime.and_then(|runtime| runtime.block_on(probe(&replica, order?, &log)));
        let code = match done {
            Ok(()) => 0,
            Err(error) => {
                log.print(Timestamp::now(), true, format!("{error}\n"));
                error.kind().exit_code()
            }
        };
        replica.act(Deed::Exit(code.into()));
    };
    if let Err(error) = thread::Builder::new().name("simulated-prober".into()).spawn(work) {
        tracing::warn!(%error, "cannot start the prober of a simulated network");
    }
}

async fn probe(replica: &Arc<Replica>, order: ProbeOrder, log: &Arc<ContainerLog>) -> Result<()> {
    let names = Arc::clone(replica);
    let lookup = move |name: &str, port: u16| {
        let found = names.traffic.resolve(&names.identity.networks, name, port);
        if found.is_empty() {
            return Err(io::Error::new(io::ErrorKind::NotFound, "no such name"));
        }
        Ok(found)
    };
    let out = Lines { log: Arc::clone(log) };
    run_agent_with(&order, out, replica.stopped(), Arc::new(lookup)).await
}

/// Writes to a container's log.
struct Lines {
    log: Arc<ContainerLog>,
}

impl Write for Lines {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        self.log.print(Timestamp::now(), false, text.to_vec());
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
