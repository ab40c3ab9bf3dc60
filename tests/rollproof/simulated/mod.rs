//! The simulated engine: rollproof on it, and the docker CLI against its socket.

mod docker_cli;
mod runs;
mod scenarios;
