//! How long the model takes for one update of 10,000 replicas.

#![expect(clippy::unwrap_used, reason = "a bench fails by panicking")]

use std::time::{Duration, Instant};

use rollproof::Offset;
use rollproof::swarm::{HealthCheck, Order, UpdateState};
use rollproof::swarm_model::{Input, Spec, simulate};

const RUNS: usize = 50;

fn main() {
    for (order, parallelism) in [
        (Order::StartFirst, 1),
        (Order::StartFirst, 100),
        (Order::StopFirst, 100),
        (Order::StopFirst, 0),
    ] {
        let health = HealthCheck {
            test: vec!["CMD".to_owned(), "true".to_owned()],
            interval: 1.0,
            timeout: 2.0,
            retries: 3,
            start_period: 0.0,
            start_interval: None,
        };
        let mut spec = Spec { replicas: 10_000, health: Some(health), ..Spec::default() };
        spec.update.order = order;
        spec.update.parallelism = parallelism;
        let input = Input::sound(spec, Offset::from_millis(500), Offset::from_millis(100));
        let mut times: Vec<Duration> = (0..RUNS)
            .map(|_| {
                let began = Instant::now();
                let outcome = simulate(&input);
                let took = began.elapsed();
                assert_eq!(outcome.final_state(), UpdateState::Completed);
                took
            })
            .collect();
        times.sort_unstable();
        println!(
            "{order}, parallelism {parallelism}: best {:.2?}, median {:.2?}, worst {:.2?} of {RUNS}",
            times.first().unwrap(),
            times[RUNS / 2],
            times.last().unwrap()
        );
    }
}
