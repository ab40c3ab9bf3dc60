//! Tests that use engines share the machine: too many swarms at once disturb each other. Such a test
//! mostly waits, so `make test` has more threads for tests than there are processors.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// The whole machine.
const PARTS: u32 = 6;

/// The part of the machine that a test uses, until it is dropped.
#[derive(Debug)]
pub struct Share {
    weight: u32,
}

struct Machine {
    free: u32,
    /// The next ticket to give out.
    next: u64,
    /// The ticket whose turn it is: first come, first served, so that a test that needs the whole
    /// machine is not overtaken for ever.
    turn: u64,
}

static MACHINE: Mutex<Machine> = Mutex::new(Machine { free: PARTS, next: 0, turn: 0 });
static CHANGED: Condvar = Condvar::new();

/// For a test that sends requests while tasks start and stop: three such tests run at the same time.
pub fn share() -> Share {
    take(2)
}

/// The same where answers that are late count: two such tests run at the same time.
pub fn large_share() -> Share {
    take(3)
}

/// For a test that needs an engine, and little of it: six such tests run at the same time.
pub fn small_share() -> Share {
    take(1)
}

/// The whole machine, for a test that counts late answers.
pub fn alone() -> Share {
    take(PARTS)
}

fn take(weight: u32) -> Share {
    let mut machine = lock();
    let ticket = machine.next;
    machine.next += 1;
    while machine.turn != ticket || machine.free < weight {
        machine = CHANGED.wait(machine).unwrap_or_else(PoisonError::into_inner);
    }
    machine.turn += 1;
    machine.free -= weight;
    CHANGED.notify_all();
    Share { weight }
}

fn lock() -> MutexGuard<'static, Machine> {
    MACHINE.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Drop for Share {
    fn drop(&mut self) {
        lock().free += self.weight;
        CHANGED.notify_all();
    }
}
