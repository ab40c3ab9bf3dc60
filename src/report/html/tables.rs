//! The tables below the timeline.

use crate::judge::{Check, Judgement, PooledStream, Verdict};
use crate::record::{Purpose, StackFacts};
use crate::report::requests::{labels, or_none};
use crate::report::settings::beside;
use crate::stats::HeldStats;
use crate::wording::{count, percent};

/// A stream of requests.
pub(super) struct StreamRow {
    pub label: String,
    pub name: String,
    pub sent: String,
    pub failed: String,
    pub lost: bool,
    pub gap: String,
    pub p99: String,
    pub p999: String,
    pub max: String,
    pub bound: String,
    /// What became of its connections, in a stream that holds them.
    pub held: Option<String>,
}

/// The streams of these purposes.
pub(super) fn streams(judgement: &Judgement, users: bool) -> Vec<StreamRow> {
    let all = judgement.scenarios.iter().flat_map(|scenario| &scenario.streams);
    let mut rows = PooledStream::all(all);
    rows.retain(|row| (row.purpose == Purpose::Users) == users);
    let labels = labels(&rows);
    rows.iter()
        .zip(labels)
        .map(|(row, label)| StreamRow {
            label: label.clone(),
            name: row.name.clone(),
            sent: count(row.sent),
            failed: count(row.failed),
            lost: row.failed > 0 && row.purpose == Purpose::Users,
            gap: or_none(Some(row.longest_gap_s).filter(|gap| gap.as_nanos() > 0)),
            p99: or_none(row.worst_p99_s),
            p999: or_none(row.worst_p999_s),
            max: or_none(row.worst_max_s),
            bound: if row.purpose == Purpose::EachReplica {
                "–".to_owned()
            } else {
                percent(row.error_rate_upper_95)
            },
            held: row.held.as_ref().map(HeldStats::sentence),
        })
        .collect()
}

/// A check.
pub(super) struct CheckRow {
    pub of: String,
    pub name: &'static str,
    pub verdict: &'static str,
    pub measured: String,
    pub limit: String,
    pub because: String,
    pub remedy: String,
}

/// The checks that do not hold, the worst first, and those that do.
pub(super) fn checks(judgement: &Judgement) -> (Vec<CheckRow>, Vec<CheckRow>) {
    let of_run = judgement.checks.iter().map(|check| ("run", check));
    let of_scenarios = judgement
        .scenarios
        .iter()
        .flat_map(|scenario| scenario.checks.iter().map(|check| (scenario.name.as_str(), check)));
    let mut all: Vec<(&str, &Check)> = of_run.chain(of_scenarios).collect();
    all.sort_by_key(|(_, check)| std::cmp::Reverse(check.verdict));
    let row = |(of, check): (&str, &Check)| CheckRow {
        of: of.replace('-', " "),
        name: check.name,
        verdict: check.verdict.as_str(),
        measured: check.measured.clone(),
        limit: check.limit.clone(),
        because: check.because.clone(),
        remedy: check.remedy.clone().unwrap_or_default(),
    };
    let (held, broken): (Vec<_>, Vec<_>) =
        all.into_iter().partition(|(_, check)| check.verdict == Verdict::Pass);
    (broken.into_iter().map(row).collect(), held.into_iter().map(row).collect())
}

/// A setting of the stack.
pub(super) struct SettingRow {
    pub name: String,
    pub value: String,
    /// Where the stack files set it, or that it is the engine's default.
    pub origin: String,
}

/// The settings that decide an update, with the engine's defaults filled in.
pub(super) fn settings(stack: &StackFacts) -> Vec<SettingRow> {
    let origin = |key: &str| match (stack.places.get(key), stack.is_default(key)) {
        (Some(place), _) => place.to_owned(),
        (None, Some(true)) => "engine's default".to_owned(),
        _ => String::new(),
    };
    let row = |(name, value): (String, String)| SettingRow { origin: origin(&name), name, value };
    stack.settings().into_iter().map(row).collect()
}

/// The engine, the machine and the run, as names and values.
pub(super) fn surroundings(judgement: &Judgement) -> Vec<(&'static str, String)> {
    let engine = &judgement.engine;
    let machine = judgement
        .scenarios
        .iter()
        .flat_map(|scenario| &scenario.checks)
        .find(|check| check.name == "machine-free");
    let mut rows = vec![
        ("engine", format!("{} (API {}), {}", engine.version, engine.api, engine.kind)),
        ("nodes", engine.nodes.to_string()),
        ("kernel", format!("{}{}", engine.kernel, if engine.ipvs { "" } else { " without IPVS" })),
    ];
    rows.extend(machine.map(|check| ("machine", check.measured.clone())));
    let limits = judgement.limits.words();
    rows.extend((!limits.is_empty()).then(|| ("limits", limits.join("; "))));
    rows.extend(beside(judgement).map(|text| ("against", text)));
    rows.extend([
        ("run", judgement.run_id.clone()),
        ("started", judgement.started_at.clone()),
        ("command", format!("rollproof {}", judgement.command)),
        ("version", format!("rollproof {}", judgement.tool_version)),
        ("stack files", judgement.stack.files.join(", ")),
    ]);
    rows
}
