//! The replicas that a stream asks one by one.

use std::cell::{Cell, RefCell};
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};

use super::stream::Stream;
use super::target::Host;
use crate::Offset;

/// How often the name is looked up.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// A replica is asked for this long after its name has let go of it: whether it still answers
/// then is what a proxy's users depend on.
const ASK_AFTER_GONE: Offset = Offset::from_millis(15_000);
/// Less, if it has not answered for this long since: what is dead stays dead, and somebody else
/// may get the address.
const SILENT_AFTER_GONE: Offset = Offset::from_millis(10_000);

/// Looks up a name and a port; may block.
pub(super) type Lookup = dyn Fn(&str, u16) -> io::Result<Vec<SocketAddr>> + Send + Sync;

/// The lookup this machine does.
pub(super) fn system_lookup(name: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    (name, port).to_socket_addrs().map(Iterator::collect)
}

/// One replica, known by its address.
#[derive(Debug)]
pub(super) struct Replica {
    pub address: SocketAddr,
    /// The address without its port, as shots have it.
    pub text: Arc<str>,
    /// Since when the name has not had it.
    gone: Cell<Option<Offset>>,
    answered: Cell<Option<Offset>>,
}

impl Replica {
    /// It answered, whatever the answer was.
    pub fn answered(&self, at: Offset) {
        self.answered.set(Some(at));
    }

    fn is_over(&self, now: Offset) -> bool {
        let Some(gone) = self.gone.get() else { return false };
        let heard = self.answered.get().map_or(gone, |answered| answered.max(gone));
        now - gone >= ASK_AFTER_GONE || now - heard >= SILENT_AFTER_GONE
    }
}

/// Every replica that the target's name has had, until it is of no interest any more.
#[derive(Debug, Default)]
pub(super) struct Replicas(RefCell<Vec<Rc<Replica>>>);

impl Replicas {
    /// The name has these addresses now.
    pub fn look(&self, mut found: Vec<SocketAddr>, now: Offset) {
        if found.iter().any(SocketAddr::is_ipv4) {
            found.retain(SocketAddr::is_ipv4);
        }
        let mut known = self.0.borrow_mut();
        for replica in known.iter() {
            if found.contains(&replica.address) {
                replica.gone.set(None);
            } else if replica.gone.get().is_none() {
                replica.gone.set(Some(now));
            }
        }
        for address in found {
            if known.iter().all(|replica| replica.address != address) {
                known.push(Rc::new(Replica {
                    address,
                    text: address.ip().to_string().into(),
                    gone: Cell::new(None),
                    answered: Cell::new(None),
                }));
            }
        }
    }

    /// Those to ask now.
    pub fn to_ask(&self, now: Offset) -> Vec<Rc<Replica>> {
        let mut known = self.0.borrow_mut();
        known.retain(|replica| !replica.is_over(now));
        known.clone()
    }
}

/// Keeps a stream's replicas up to date, off the thread that sends. A lookup that fails says
/// nothing of the replicas: they stay as they were.
pub(super) async fn follow(stream: Rc<Stream>, lookup: Arc<Lookup>) {
    let Some(replicas) = &stream.replicas else { return };
    let port = stream.plan.target().port;
    let name = match &stream.plan.target().host {
        Host::Address(address) => {
            return replicas.look(vec![SocketAddr::new(*address, port)], stream.clock.now());
        }
        Host::Name(name) => name.clone(),
    };
    let mut tick = interval(LOOK_EVERY);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        let (name, lookup) = (name.clone(), Arc::clone(&lookup));
        if let Ok(Ok(found)) = tokio::task::spawn_blocking(move || lookup(&name, port)).await {
            replicas.look(found, stream.clock.now());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(last: &[u8]) -> Vec<SocketAddr> {
        last.iter().map(|last| SocketAddr::from(([10, 0, 0, *last], 80))).collect()
    }

    fn asked(replicas: &Replicas, now_s: i64) -> Vec<String> {
        let asked = replicas.to_ask(Offset::from_millis(now_s * 1_000));
        asked.iter().map(|replica| replica.text.to_string()).collect()
    }

    #[test]
    fn each_address_is_asked_until_some_time_after_it_has_gone() {
        let replicas = Replicas::default();
        assert_eq!(asked(&replicas, 0), [""; 0]);
        replicas.look(addresses(&[1, 2, 1]), Offset::ZERO);
        assert_eq!(asked(&replicas, 100), ["10.0.0.1", "10.0.0.2"]);
        replicas.look(addresses(&[2, 3]), Offset::from_millis(100_000));
        replicas.look(addresses(&[2, 3]), Offset::from_millis(104_000));
        assert_eq!(asked(&replicas, 109), ["10.0.0.1", "10.0.0.2", "10.0.0.3"]);
        // Silent for ten seconds since it went.
        assert_eq!(asked(&replicas, 110), ["10.0.0.2", "10.0.0.3"]);
    }

    #[test]
    fn one_that_still_answers_is_asked_longer_and_one_that_comes_back_stays() {
        let replicas = Replicas::default();
        replicas.look(addresses(&[1, 2]), Offset::ZERO);
        replicas.look(addresses(&[3]), Offset::from_millis(1_000));
        for replica in replicas.to_ask(Offset::from_millis(9_000)) {
            replica.answered(Offset::from_millis(9_000));
        }
        assert_eq!(asked(&replicas, 15).len(), 3);
        replicas.look(addresses(&[2, 3]), Offset::from_millis(15_500));
        assert_eq!(asked(&replicas, 16), ["10.0.0.2", "10.0.0.3"]);
        assert_eq!(asked(&replicas, 999).len(), 2);
    }

    #[test]
    fn ipv6_is_asked_only_where_there_is_no_ipv4() {
        let replicas = Replicas::default();
        let six: SocketAddr = "[fd00::1]:80".parse().unwrap();
        replicas.look(vec![six], Offset::ZERO);
        assert_eq!(asked(&replicas, 0), ["fd00::1"]);
        let replicas = Replicas::default();
        replicas.look([addresses(&[1]), vec![six]].concat(), Offset::ZERO);
        assert_eq!(asked(&replicas, 0), ["10.0.0.1"]);
    }
}
