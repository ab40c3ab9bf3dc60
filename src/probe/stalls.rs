//! How long the prober has not done what it should.

use std::cell::Cell;
use std::rc::Rc;

use crate::Offset;

/// Being behind the schedule by more than this is a stall.
const STALL: Offset = Offset::from_millis(1);

/// How long the prober has been behind its schedule, all in all: not run, or with more to do
/// than it could. Shared by all streams; what of it falls into a shot's flight was not the
/// service's doing.
#[derive(Debug, Clone, Default)]
pub(super) struct Stalls(Rc<State>);

#[derive(Debug, Default)]
struct State {
    total: Cell<Offset>,
    looked: Cell<Offset>,
    due: Cell<Option<Offset>>,
}

impl Stalls {
    /// The pacer is at work, and has to be again at `due`.
    pub fn look(&self, now: Offset, due: Offset) {
        self.0.total.set(self.total(now));
        self.0.looked.set(now);
        self.0.due.set(Some(due));
    }

    /// All stalls until `now`, one that is not over yet included.
    pub fn total(&self, now: Offset) -> Offset {
        let behind = self.0.due.get().filter(|due| now - *due > STALL);
        let behind = behind.map_or(Offset::ZERO, |due| now - due.max(self.0.looked.get()));
        self.0.total.get() + behind
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(millis: i64) -> Offset {
        Offset::from_millis(millis)
    }

    #[test]
    fn being_behind_is_counted_once_and_at_once() {
        let stalls = Stalls::default();
        assert_eq!(stalls.total(at(50)), at(0));
        stalls.look(at(50), at(60));
        assert_eq!(stalls.total(at(60)), at(0));
        // Woken 40 ms late; still behind 10 ms later; then caught up.
        assert_eq!(stalls.total(at(100)), at(40));
        stalls.look(at(100), at(70));
        assert_eq!(stalls.total(at(110)), at(50));
        stalls.look(at(110), at(120));
        assert_eq!(stalls.total(at(120)), at(50));
    }
}
