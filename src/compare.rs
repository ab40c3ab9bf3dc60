//! Several runs side by side: what they ran with, and what it came to. Pure.

use serde::Serialize;

use crate::Offset;
use crate::judge::{Judgement, ScenarioJudgement, StreamStats, Verdict};
use crate::record::{Purpose, SCHEMA_VERSION};

/// Several runs side by side. Every list of values has one for each run, in their order.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Comparison {
    /// Version of this format.
    pub schema_version: u32,
    /// The runs.
    pub runs: Vec<ComparedRun>,
    /// What they ran with, as far as that differs.
    pub differences: Vec<Difference>,
    /// What each kind of scenario came to, in the order in which they first come.
    pub scenarios: Vec<ComparedScenario>,
}

/// One of several runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ComparedRun {
    /// Its id.
    pub run_id: String,
    /// When it began, RFC 3339.
    pub started_at: String,
    /// The command that was run.
    pub command: String,
    /// The service under test.
    pub service: String,
    /// Its verdict.
    pub verdict: Verdict,
    /// The sentence that decides it.
    pub headline: String,
}

/// Something that the runs have otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// A setting such as `update_config.delay`, or a name such as `engine`.
    pub name: String,
    /// In plain words; absent where a run does not say.
    pub values: Vec<Option<String>>,
}

/// One kind of scenario in all runs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ComparedScenario {
    /// Its name.
    pub name: String,
    /// Its verdicts; absent where a run does not have it.
    pub verdicts: Vec<Option<Verdict>>,
    /// What was measured.
    pub measures: Vec<Measure>,
}

/// Something that was measured in all runs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Measure {
    /// What it is.
    pub name: String,
    /// Its unit.
    pub unit: Unit,
    /// In seconds or a count; absent where a run does not have it.
    pub values: Vec<Option<f64>>,
}

/// The unit of what was measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unit {
    /// A length of time in seconds.
    Seconds,
    /// A number of requests.
    Requests,
    /// A number of replicas.
    Replicas,
}

impl Comparison {
    /// Compares these runs.
    #[must_use]
    pub fn of(judgements: &[Judgement]) -> Self {
        Self {
            schema_version: SCHEMA_VERSION,
            runs: judgements.iter().map(ComparedRun::of).collect(),
            differences: differences(judgements),
            scenarios: scenarios(judgements),
        }
    }

    /// Short names for the runs: `A`, `B`, … `Z`, `A2`, ….
    #[must_use]
    pub fn letters(&self) -> Vec<String> {
        let letter = |index: usize| {
            let letter = char::from(b'A' + u8::try_from(index % 26).unwrap_or(0));
            if index < 26 { letter.to_string() } else { format!("{letter}{}", index / 26 + 1) }
        };
        (0..self.runs.len()).map(letter).collect()
    }
}

impl ComparedRun {
    fn of(judgement: &Judgement) -> Self {
        Self {
            run_id: judgement.run_id.clone(),
            started_at: judgement.started_at.clone(),
            command: judgement.command.clone(),
            service: judgement.stack.service.clone(),
            verdict: judgement.verdict,
            headline: judgement.headline.clone(),
        }
    }
}

fn differences(judgements: &[Judgement]) -> Vec<Difference> {
    let mut all = judgements.iter().map(Judgement::conditions).collect::<Vec<_>>();
    for (conditions, judgement) in all.iter_mut().zip(judgements) {
        conditions.push(("command".to_owned(), judgement.command.clone()));
        conditions.push(("limits".to_owned(), judgement.limits.words().join("; ")));
    }
    let mut names: Vec<&String> = Vec::new();
    for (name, _) in all.iter().flatten() {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let of = |name: &String| {
        let value = |conditions: &Vec<(String, String)>| {
            conditions.iter().find(|known| known.0 == *name).map(|known| known.1.clone())
        };
        Difference { name: name.clone(), values: all.iter().map(value).collect() }
    };
    let differ = |one: &Difference| one.values.windows(2).any(|pair| pair[0] != pair[1]);
    names.into_iter().map(of).filter(differ).collect()
}

fn scenarios(judgements: &[Judgement]) -> Vec<ComparedScenario> {
    let mut names: Vec<&str> = Vec::new();
    for scenario in judgements.iter().flat_map(|judgement| &judgement.scenarios) {
        if !names.contains(&scenario.name.as_str()) {
            names.push(&scenario.name);
        }
    }
    let of = |name: &str| {
        let find = |judgement: &'_ Judgement| {
            judgement.scenarios.iter().position(|scenario| scenario.name == name)
        };
        let found: Vec<Option<&ScenarioJudgement>> = judgements
            .iter()
            .map(|judgement| find(judgement).map(|place| &judgement.scenarios[place]))
            .collect();
        ComparedScenario {
            name: name.to_owned(),
            verdicts: found.iter().map(|scenario| Some((*scenario)?.verdict)).collect(),
            measures: measures(&found),
        }
    };
    names.into_iter().map(of).collect()
}

fn measures(found: &[Option<&ScenarioJudgement>]) -> Vec<Measure> {
    let measure = |name: &str, unit, value: &dyn Fn(&ScenarioJudgement) -> Option<f64>| Measure {
        name: name.to_owned(),
        unit,
        values: found.iter().map(|scenario| value((*scenario)?)).collect(),
    };
    let users = |scenario: &'_ ScenarioJudgement| -> Vec<StreamStats> {
        let users = scenario.streams.iter().filter(|stream| stream.purpose == Purpose::Users);
        users.cloned().collect()
    };
    let mut all = vec![
        measure("took", Unit::Seconds, &|one| one.update.took_s.map(Offset::as_secs_f64)),
        measure("requests sent", Unit::Requests, &|one| {
            Some(number(users(one).iter().map(|stream| stream.sent).sum()))
        }),
        measure("requests lost", Unit::Requests, &|one| Some(number(one.failed))),
        measure("longest gap", Unit::Seconds, &|one| {
            let gap = users(one).iter().map(|stream| stream.longest_gap_s).max()?;
            Some(gap.as_secs_f64())
        }),
        measure("nothing answered for", Unit::Seconds, &|one| {
            Some(one.outage.full_s.as_secs_f64())
        }),
        measure("fewest serving", Unit::Replicas, &|one| {
            Some(number(one.capacity.as_ref()?.min_serving))
        }),
    ];
    let mut streams: Vec<&str> = Vec::new();
    for stream in found.iter().flatten().flat_map(|scenario| &scenario.streams) {
        let shown = matches!(stream.purpose, Purpose::Users | Purpose::Control);
        if shown && !streams.contains(&stream.name.as_str()) {
            streams.push(&stream.name);
        }
    }
    for name in streams {
        let latency = |scenario: &ScenarioJudgement| {
            scenario.streams.iter().find(|stream| stream.name == name)?.latency_s
        };
        all.push(measure(&format!("p50 {name}"), Unit::Seconds, &|one| {
            Some(latency(one)?.p50.as_secs_f64())
        }));
        all.push(measure(&format!("p99 {name}"), Unit::Seconds, &|one| {
            Some(latency(one)?.p99.as_secs_f64())
        }));
    }
    all.retain(|measure| measure.values.iter().any(Option::is_some));
    all
}

#[expect(clippy::cast_precision_loss, reason = "exact below 2^53")]
fn number(number: u64) -> f64 {
    number as f64
}
