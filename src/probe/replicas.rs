//! The replicas of a stream that asks each of them.

use std::cell::{Cell, RefCell};
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};

use super::request::Host;
use crate::{Clock, Offset};

/// How often the name is looked up.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// A replica is still asked for this long after it left its name: users of a proxy that has not
/// noticed yet depend on its answers.
const ASK_AFTER_GONE: Offset = Offset::from_millis(15_000);
/// It is dropped earlier if it has been silent for this long since: it will not come back, and
/// another container may get the address.
const SILENT_AFTER_GONE: Offset = Offset::from_millis(10_000);

/// Looks up a name and a port; may block.
pub type Lookup = dyn Fn(&str, u16) -> io::Result<Vec<SocketAddr>> + Send + Sync;

/// The system's resolver.
pub(super) fn system_lookup(name: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    (name, port).to_socket_addrs().map(Iterator::collect)
}

/// One replica, known by its address.
#[derive(Debug)]
pub(super) struct Replica {
    pub address: SocketAddr,
    /// The address without its port, as written in shots.
    pub text: Arc<str>,
    /// When it left the name, if it did.
    gone: Cell<Option<Offset>>,
    answered: Cell<Option<Offset>>,
}

impl Replica {
    /// Records a response of any kind.
    pub fn answered(&self, at: Offset) {
        self.answered.set(Some(at));
    }

    fn is_over(&self, now: Offset) -> bool {
        let Some(gone) = self.gone.get() else { return false };
        let heard = self.answered.get().map_or(gone, |answered| answered.max(gone));
        now - gone >= ASK_AFTER_GONE || now - heard >= SILENT_AFTER_GONE
    }
}

/// Every replica that the target's name has had, until there is no reason to ask it any more.
#[derive(Debug, Default)]
pub(super) struct Replicas(RefCell<Vec<Rc<Replica>>>);

impl Replicas {
    /// Records the addresses that the name has now.
    pub fn update(&self, mut found: Vec<SocketAddr>, now: Offset) {
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

    /// The replicas to ask now.
    pub fn to_ask(&self, now: Offset) -> Vec<Rc<Replica>> {
        let mut known = self.0.borrow_mut();
        known.retain(|replica| !replica.is_over(now));
        known.clone()
    }
}

/// Keeps the replicas of a target up to date; lookups do not run on the thread that sends. A failed
/// lookup says nothing about the replicas: they stay as they were.
pub(super) async fn follow(
    replicas: Rc<Replicas>,
    host: Host,
    port: u16,
    clock: Clock,
    lookup: Arc<Lookup>,
) {
    let name = match host {
        Host::Address(address) => {
            return replicas.update(vec![SocketAddr::new(address, port)], clock.now());
        }
        Host::Name(name) => name,
    };
    let mut tick = interval(LOOK_EVERY);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        let (name, lookup) = (name.clone(), Arc::clone(&lookup));
        if let Ok(Ok(found)) = tokio::task::spawn_blocking(move || lookup(&name, port)).await {
            replicas.update(found, clock.now());
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
    fn an_address_is_asked_for_a_while_after_it_left() {
        let replicas = Replicas::default();
        assert_eq!(asked(&replicas, 0), [""; 0]);
        replicas.update(addresses(&[1, 2, 1]), Offset::ZERO);
        assert_eq!(asked(&replicas, 100), ["10.0.0.1", "10.0.0.2"]);
        replicas.update(addresses(&[2, 3]), Offset::from_millis(100_000));
        replicas.update(addresses(&[2, 3]), Offset::from_millis(104_000));
        assert_eq!(asked(&replicas, 109), ["10.0.0.1", "10.0.0.2", "10.0.0.3"]);
        // Silent for ten seconds since it left.
        assert_eq!(asked(&replicas, 110), ["10.0.0.2", "10.0.0.3"]);
    }

    #[test]
    fn a_replica_that_still_answers_is_asked_longer_and_a_returning_one_stays() {
        let replicas = Replicas::default();
        replicas.update(addresses(&[1, 2]), Offset::ZERO);
        replicas.update(addresses(&[3]), Offset::from_millis(1_000));
        for replica in replicas.to_ask(Offset::from_millis(9_000)) {
            replica.answered(Offset::from_millis(9_000));
        }
        assert_eq!(asked(&replicas, 15).len(), 3);
        replicas.update(addresses(&[2, 3]), Offset::from_millis(15_500));
        assert_eq!(asked(&replicas, 16), ["10.0.0.2", "10.0.0.3"]);
        assert_eq!(asked(&replicas, 999).len(), 2);
    }

    #[test]
    fn ipv6_is_asked_only_without_ipv4() {
        let replicas = Replicas::default();
        let six: SocketAddr = "[fd00::1]:80".parse().unwrap();
        replicas.update(vec![six], Offset::ZERO);
        assert_eq!(asked(&replicas, 0), ["fd00::1"]);
        let replicas = Replicas::default();
        replicas.update([addresses(&[1]), vec![six]].concat(), Offset::ZERO);
        assert_eq!(asked(&replicas, 0), ["10.0.0.1"]);
    }
}
