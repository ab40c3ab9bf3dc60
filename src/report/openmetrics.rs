//! A finished run as `OpenMetrics` text, for a textfile collector or a push gateway.

use std::fmt::Write as _;

use super::format::{JudgementFormat, Material};
use super::style::Style;
use crate::Offset;
use crate::judge::{Judgement, Pooled, ScenarioJudgement, StreamStats, Verdict};
use crate::stats::HeldStats;
use crate::wording::clean;

/// The figures of a run as `OpenMetrics` text.
pub const OPENMETRICS: JudgementFormat = JudgementFormat {
    name: "openmetrics",
    about: "the figures of a run, as Prometheus reads them",
    write,
};

/// Labels of a sample, in order.
type Labels<'a> = Vec<(&'static str, &'a str)>;

/// A text in the making.
#[derive(Default)]
struct Exposition {
    text: String,
}

impl Exposition {
    /// A family of gauges; one without samples is left out.
    fn gauge(&mut self, name: &str, unit: &str, help: &str, samples: Vec<(Labels, f64)>) {
        if samples.is_empty() {
            return;
        }
        let name = if unit.is_empty() { name.to_owned() } else { format!("{name}_{unit}") };
        let _ = writeln!(self.text, "# TYPE {name} gauge");
        if !unit.is_empty() {
            let _ = writeln!(self.text, "# UNIT {name} {unit}");
        }
        let _ = writeln!(self.text, "# HELP {name} {help}");
        for (labels, value) in samples {
            let labels: Vec<String> =
                labels.iter().map(|(key, value)| format!("{key}=\"{}\"", escape(value))).collect();
            let _ = writeln!(self.text, "{name}{{{}}} {value}", labels.join(","));
        }
    }

    fn finish(mut self) -> String {
        self.text.push_str("# EOF\n");
        self.text
    }
}

fn escape(text: &str) -> String {
    clean(text).replace('\\', "\\\\").replace('"', "\\\"")
}

fn write(material: Material, _: Style) -> String {
    match material {
        Material::One(judgement) => one(judgement),
        Material::Several(pooled) => several(pooled),
    }
}

/// One sample for each verdict, as a state set without its type: 1 for the one that it is.
fn verdicts<'a>(labels: &Labels<'a>, verdict: Verdict) -> Vec<(Labels<'a>, f64)> {
    [Verdict::Pass, Verdict::Inconclusive, Verdict::Fail]
        .into_iter()
        .map(|one| {
            let mut labels = labels.clone();
            labels.push(("verdict", one.as_str()));
            (labels, if one == verdict { 1.0 } else { 0.0 })
        })
        .collect()
}

#[expect(clippy::cast_precision_loss, reason = "`OpenMetrics` numbers are floats")]
fn number(count: u64) -> f64 {
    count as f64
}

fn one(judgement: &Judgement) -> String {
    let mut out = Exposition::default();
    let service = judgement.stack.service.as_str();
    let base: Labels = vec![("service", service)];
    out.gauge(
        "rollproof_verdict",
        "",
        "1 for the verdict of the run.",
        verdicts(&base, judgement.verdict),
    );
    let of = |scenario: &'_ ScenarioJudgement| -> Vec<(&'static str, String)> {
        vec![("service", service.to_owned()), ("scenario", scenario.name.clone())]
    };
    let scenarios: Vec<(Vec<(&'static str, String)>, &ScenarioJudgement)> =
        judgement.scenarios.iter().map(|scenario| (of(scenario), scenario)).collect();
    let each = |value: &dyn Fn(&ScenarioJudgement) -> Option<f64>| {
        scenarios
            .iter()
            .filter_map(|(labels, scenario)| Some((borrow(labels), value(scenario)?)))
            .collect::<Vec<_>>()
    };
    let all = scenarios
        .iter()
        .flat_map(|(labels, scenario)| verdicts(&borrow(labels), scenario.verdict))
        .collect();
    out.gauge("rollproof_scenario_verdict", "", "1 for the verdict of the scenario.", all);
    out.gauge(
        "rollproof_scenario_duration",
        "seconds",
        "From the scenario's start to its end.",
        each(&|one| Some((one.ended_at - one.started_at).as_secs_f64())),
    );
    out.gauge(
        "rollproof_update_duration",
        "seconds",
        "From the change to the state of the update that is final.",
        each(&|one| one.update.converged_after_s.status_terminal.map(Offset::as_secs_f64)),
    );
    out.gauge(
        "rollproof_replicas_serving_min",
        "",
        "The fewest replicas that served.",
        each(&|one| one.capacity.as_ref().map(|capacity| number(capacity.min_serving))),
    );
    out.gauge(
        "rollproof_outage",
        "seconds",
        "The longest time in which no stream of users got a good response.",
        each(&|one| Some(one.outage.longest_full_s.as_secs_f64())),
    );
    streams(&mut out, judgement, service);
    out.finish()
}

fn borrow<'a>(labels: &'a [(&'static str, String)]) -> Labels<'a> {
    labels.iter().map(|(key, value)| (*key, value.as_str())).collect()
}

/// A figure's name, what it says, and where it stands.
type HeldFigure = (&'static str, &'static str, fn(&HeldStats) -> u64);

/// What becomes of held connections.
const HELD: [HeldFigure; 3] = [
    ("rollproof_held_cut", "Held connections that were cut.", |held| held.cut),
    (
        "rollproof_held_closed",
        "Held connections that were closed and not open again in time.",
        |held| held.closed,
    ),
    ("rollproof_held_moved", "Held connections that were closed and open again in time.", |held| {
        held.moved
    }),
];

fn streams(out: &mut Exposition, judgement: &Judgement, service: &str) {
    let each = |value: &dyn Fn(&StreamStats) -> Option<f64>| {
        let mut samples: Vec<(Labels, f64)> = Vec::new();
        for scenario in &judgement.scenarios {
            for stream in &scenario.streams {
                let Some(value) = value(stream) else { continue };
                let labels = vec![
                    ("service", service),
                    ("scenario", scenario.name.as_str()),
                    ("stream", stream.name.as_str()),
                ];
                samples.push((labels, value));
            }
        }
        samples
    };
    out.gauge(
        "rollproof_requests",
        "",
        "Requests that were sent.",
        each(&|one| Some(number(one.sent))),
    );
    out.gauge(
        "rollproof_requests_failed",
        "",
        "Requests that a user would have seen fail.",
        each(&|one| Some(number(one.failed))),
    );
    out.gauge(
        "rollproof_longest_gap",
        "seconds",
        "The longest time without a good response.",
        each(&|one| Some(one.longest_gap_s.as_secs_f64())),
    );
    for (name, about, value) in HELD {
        let samples = each(&|one| one.held.as_ref().map(|held| number(value(held))));
        if !samples.is_empty() {
            out.gauge(name, "", about, samples);
        }
    }
    let mut latencies: Vec<(Labels, f64)> = Vec::new();
    for scenario in &judgement.scenarios {
        for stream in &scenario.streams {
            let Some(latency) = stream.latency_s else { continue };
            let quantiles = [("0.5", latency.p50), ("0.9", latency.p90), ("0.99", latency.p99)];
            for (quantile, value) in
                quantiles.into_iter().chain([("0.999", latency.p999), ("1", latency.max)])
            {
                let labels = vec![
                    ("service", service),
                    ("scenario", scenario.name.as_str()),
                    ("stream", stream.name.as_str()),
                    ("quantile", quantile),
                ];
                latencies.push((labels, value.as_secs_f64()));
            }
        }
    }
    out.gauge("rollproof_latency", "seconds", "How long good responses took.", latencies);
}

fn several(pooled: &Pooled) -> String {
    let mut out = Exposition::default();
    let base: Labels = vec![("service", pooled.service.as_str())];
    out.gauge(
        "rollproof_verdict",
        "",
        "1 for the worst verdict of the runs.",
        verdicts(&base, pooled.verdict),
    );
    out.gauge("rollproof_runs", "", "How many runs.", vec![(base.clone(), number(pooled.runs))]);
    let each = |value: &dyn Fn(&crate::judge::PooledStream) -> f64| {
        let samples = pooled.streams.iter().map(|stream| {
            let labels =
                vec![("service", pooled.service.as_str()), ("stream", stream.name.as_str())];
            (labels, value(stream))
        });
        samples.collect::<Vec<(Labels, f64)>>()
    };
    out.gauge("rollproof_requests", "", "Requests that were sent.", each(&|one| number(one.sent)));
    out.gauge(
        "rollproof_requests_failed",
        "",
        "Requests that a user would have seen fail.",
        each(&|one| number(one.failed)),
    );
    out.gauge(
        "rollproof_longest_gap",
        "seconds",
        "The longest time without a good response.",
        each(&|one| one.longest_gap_s.as_secs_f64()),
    );
    out.finish()
}
