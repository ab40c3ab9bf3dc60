//! The exit codes of the program: the one table of them.

/// Every expectation was met and the measurement can be trusted; or a command did its work.
pub const PASS: u8 = 0;
/// An expectation was broken, or a deployment did not converge.
pub const FAIL: u8 = 1;
/// Wrong command line, or a stack file that is missing or invalid.
pub const USAGE: u8 = 2;
/// The measurement cannot be trusted, or the update was not observed.
pub const INCONCLUSIVE: u8 = 3;
/// No engine, no swarm, no rights, a failed build, a full disk.
pub const ENVIRONMENT: u8 = 4;
/// Stopped by the user.
pub const INTERRUPTED: u8 = 130;
