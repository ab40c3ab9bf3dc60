//! Faults that end the process.

use std::future::pending;
use std::time::Duration;

use tokio::time::{Instant, sleep, sleep_until};

use super::Faults;

/// How many MiB are lost at most where no memory limit ends the process.
const LEAK_LIMIT: usize = 1024;

/// Waits for the crash that a fault asks for, and gives its exit code. Meanwhile it loses memory, if
/// a fault asks for that.
pub async fn crash(faults: &Faults) -> u8 {
    let crash = async {
        match faults.crash_after {
            Some(after) => sleep(after).await,
            None => pending().await,
        }
    };
    let leak = async {
        match faults.leak {
            Some(mebibytes) => leak(mebibytes).await,
            None => pending().await,
        }
    };
    if faults.crash_after != Some(Duration::ZERO) {
        tokio::select! {
            () = crash => {}
            () = leak => {}
        }
    }
    eprintln!("rollproof-app: crashing because of ROLLPROOF_CRASH_AFTER");
    faults.crash_exit_code
}

/// Loses memory until the container's limit ends the process. Without a limit it stops at
/// [`LEAK_LIMIT`], before it harms the machine.
async fn leak(mebibytes_per_second: u32) {
    let mut lost: Vec<Vec<u8>> = Vec::new();
    println!("losing {mebibytes_per_second} MiB of memory a second");
    // One MiB at a time: each is touched, so that it is really used.
    let pause = Duration::from_secs(1) / mebibytes_per_second;
    let begun = Instant::now();
    while lost.len() < LEAK_LIMIT {
        lost.push(vec![1; 1 << 20]);
        sleep_until(begun + pause * u32::try_from(lost.len()).unwrap_or(u32::MAX)).await;
    }
    eprintln!(
        "rollproof-app: {LEAK_LIMIT} MiB are lost, and no memory limit has ended this process"
    );
    pending::<()>().await;
}
