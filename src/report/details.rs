//! Everything that a person may want to know, under headings.

use std::fmt::Write as _;

use super::format::{JudgementFormat, Material};
use super::page::Page;
use super::pooled_summary::scenario_lines;
use super::requests::table;
use super::services::in_one_line;
use super::settings::{proof, proof_label, rollback_settings, settings, wanted};
use super::style::Style;
use super::summary::{after, cause, differs, fix, more, what_swarm_did};
use crate::Offset;
use crate::judge::{
    Check, HealthStory, Judgement, Pooled, PooledStream, PredictedState, Prediction, ReplicaStory,
    ScenarioJudgement, StreamStats, Verdict,
};
use crate::record::{Expects, Purpose};
use crate::wording::{count, counted, length, list, percent};

/// All that was measured and checked, grouped under headings: what `-v` prints.
pub const DETAILS: JudgementFormat = JudgementFormat {
    name: "details",
    about: "everything that was measured and checked, under headings",
    write,
};

/// So many tasks that became unhealthy are described.
const UNHEALTHY: usize = 3;

fn write(material: Material, style: Style) -> String {
    match material {
        Material::One(judgement) => one(judgement, style),
        Material::Several(pooled) => several(pooled, style),
    }
}

fn one(judgement: &Judgement, style: Style) -> String {
    let mut page = Page::new(style);
    page.head(judgement.verdict, &judgement.stack.service, &judgement.headline);
    // One reason is the headline's.
    for reason in judgement.because.iter().filter(|_| judgement.because.len() > 1) {
        page.column("  - ", 4, reason);
    }
    wanted(&mut page, judgement);
    for scenario in &judgement.scenarios {
        scenario_block(&mut page, scenario);
    }
    page.heading("Proof");
    if let Some(story) = &judgement.self_test {
        let mut text = format!(
            "{} of {} lost, longest gap {}",
            count(story.failed),
            counted(story.sent, "request"),
            length(story.longest_gap_s)
        );
        if let Some(time) = story.without_container_s {
            let _ = write!(text, "; there was no container for {}", length(time));
        }
        page.row("self-test", &text);
    }
    let all = proof(judgement);
    if !all.is_empty() {
        page.row(proof_label(judgement), &all);
    }
    broken_checks(&mut page, &judgement.checks, false);

    page.heading("Setup");
    settings(&mut page, &judgement.stack);
    rollback_settings(&mut page, &judgement.stack);
    let engine = &judgement.engine;
    page.row(
        "engine",
        &format!(
            "{} (API {}), {}, {}, kernel {}{}",
            engine.version,
            engine.api,
            counted(engine.nodes, "node"),
            engine.kind,
            engine.kernel,
            if engine.ipvs { "" } else { " without IPVS" }
        ),
    );
    page.row(
        "run",
        &format!(
            "{}, rollproof {} {}, started {}",
            judgement.run_id, judgement.tool_version, judgement.command, judgement.started_at
        ),
    );
    for caveat in &judgement.caveats {
        page.row("note", caveat);
    }
    if let Some(record) = style.record {
        // Not wrapped: a path that is cut cannot be copied.
        page.line(format!("  {:10}{}", "record", record.display()));
    }
    page.text()
}

fn several(pooled: &Pooled, style: Style) -> String {
    let mut page = Page::new(style);
    page.head(pooled.verdict, &pooled.service, &pooled.headline);
    for reason in &pooled.because {
        page.column("  - ", 4, reason);
    }
    page.heading("Runs");
    for run in &pooled.per_run {
        let mut text = format!(
            "{}: {} of {} lost, longest gap {}",
            run.run_id,
            count(run.failed),
            counted(run.sent, "request"),
            length(run.longest_gap_s)
        );
        if let Some(rollback) = run.rollback_s {
            let _ = write!(text, ", rollback {}", length(rollback));
        }
        let word = style.verdict(run.verdict, run.verdict.as_str());
        page.hanging(&format!("  {word}"), 4, &text);
    }
    page.heading("Updates");
    for scenario in &pooled.scenarios {
        scenario_lines(&mut page, scenario, usize::MAX);
    }
    page.heading("Requests");
    table(&mut page, &pooled.streams);
    for stream in pooled.streams.iter().filter(|stream| stream.purpose != Purpose::EachReplica) {
        let text =
            format!("at most {} lost (95 % confidence)", percent(stream.error_rate_upper_95));
        page.hanging(&format!("  {}:", stream.name), 4, &text);
    }
    page.text()
}

fn scenario_block(page: &mut Page, scenario: &ScenarioJudgement) {
    let expects = match scenario.expects {
        Expects::Update => "an update",
        Expects::Rollback => "a rollback",
        Expects::NoChange => "no change",
        Expects::Declared => "what it declares",
    };
    page.blank();
    let title = format!(
        "{}  {}",
        page.style.title(&scenario.name),
        page.style.verdict(scenario.verdict, scenario.verdict.as_str())
    );
    let took = length(scenario.ended_at - scenario.started_at);
    page.hanging(&title, 4, &format!("expects {expects}; {took}"));
    page.row("change", &scenario.change);
    page.row("result", &what_swarm_did(scenario));
    for service in &scenario.services {
        page.row("also", &in_one_line(service));
        page.row("", &service.change);
    }
    for advice in scenario.all_advice() {
        let why = page.style.title("why");
        page.row(&why, &advice.because);
        fix(page, advice);
        more(page, advice);
    }
    page.row("states", &states(scenario));
    if let Some(prediction) = &scenario.prediction {
        page.row("predicted", &predicted(prediction));
    }
    page.row("converged", &converged(scenario));
    if let Some(story) = &scenario.rollback {
        let back = match story.capacity_restored_at {
            Some(at) => format!("all replicas back after {}", after(scenario, at)),
            None => "not all replicas came back".to_owned(),
        };
        page.row("rollback", &format!("{back}; cause: {}", cause(story)));
    }
    for (row, line) in scenario.rollback.iter().flat_map(|story| &story.trigger_log).enumerate() {
        page.row(if row == 0 { "its log" } else { "" }, line);
    }
    for (row, text) in health_rows(scenario).iter().enumerate() {
        page.row(if row == 0 { "health" } else { "" }, text);
    }
    if let Some(capacity) = &scenario.capacity {
        let text = format!(
            "{} wanted; at least {} running and {} serving; {} with fewer than {} serving",
            capacity.desired,
            capacity.min_running,
            capacity.min_serving,
            length(capacity.below_desired_s),
            capacity.desired
        );
        page.row("replicas", &text);
    }
    for loss in &scenario.nodes {
        page.row("node", &format!("{} after {}", loss.what(), after(scenario, loss.noticed_at)));
    }
    if !scenario.replicas.is_empty() {
        page.row("directly", &each_replica(&scenario.replicas));
    }
    if !scenario.streams.is_empty() {
        page.blank();
        table(page, &PooledStream::all(&scenario.streams));
        for stream in &scenario.streams {
            stream_lines(page, stream);
        }
    }
    for masked in &scenario.masked {
        page.row("hidden", &format!("{}: {}", masked.stream, masked.because));
    }
    page.blank();
    causes(page, scenario);
    broken_checks(page, &scenario.checks, scenario.advice.is_some());
    let passed = scenario.checks.iter().filter(|check| check.verdict == Verdict::Pass);
    let passed: Vec<&str> = passed.map(|check| check.name).collect();
    if !passed.is_empty() {
        page.row("passed", &passed.join(", "));
    }
}

/// What made containers unhealthy, in numbers, the first few; else how many checks there were.
fn health_rows(scenario: &ScenarioJudgement) -> Vec<String> {
    let sum = |count: fn(&HealthStory) -> u64| scenario.health.iter().map(count).sum::<u64>();
    let Some(longest) = scenario.health.iter().map(|story| story.longest_s).max() else {
        return Vec::new();
    };
    let mut rows = vec![format!(
        "{} of {} failed, the longest took {}",
        count(sum(|story| story.failed)),
        counted(sum(|story| story.checks), "check"),
        length(longest)
    )];
    let unhealthy: Vec<_> =
        scenario.health.iter().filter(|story| story.arithmetic.is_some()).collect();
    rows.extend(unhealthy.iter().take(UNHEALTHY).map(|story| {
        let whom = if story.slot > 0 { format!("slot {}", story.slot) } else { story.task.clone() };
        format!("{whom}: {}", story.arithmetic.as_deref().unwrap_or_default())
    }));
    if unhealthy.len() > UNHEALTHY {
        rows.push(format!("{} more became unhealthy", unhealthy.len() - UNHEALTHY));
    }
    rows
}

fn states(scenario: &ScenarioJudgement) -> String {
    let states: Vec<String> = scenario
        .update
        .states
        .iter()
        .map(|seen| format!("{} {}", seen.state, after(scenario, seen.at)))
        .collect();
    if states.is_empty() {
        let what = match scenario.update.replicas_changed {
            Some(_) => "no task had to be replaced",
            None => "no update was seen",
        };
        return format!("{what}; {}", scenario.end);
    }
    format!("{} after the change; {}", states.join(" → "), scenario.end)
}

/// What the model said, and where and why it differs.
fn predicted(prediction: &Prediction) -> String {
    let state = |one: &PredictedState| format!("{} {}", one.state, length(one.at_s));
    let states: Vec<String> = prediction.states.iter().map(state).collect();
    let states = if states.is_empty() { "no update".to_owned() } else { states.join(" → ") };
    let on = if prediction.churns { "; then failed tasks are replaced without end" } else { "" };
    let states = format!("{states}{on}");
    match &prediction.difference {
        None => states,
        Some(difference) => format!("{states}; {}", differs(difference)),
    }
}

fn converged(scenario: &ScenarioJudgement) -> String {
    let after = &scenario.update.converged_after_s;
    let (wanted, replaced) =
        if scenario.update.rolled_back { ("previous", "new") } else { ("new", "old") };
    let all = [
        (format!("{wanted} version on every replica"), after.new_tasks_running),
        ("state final".to_owned(), after.status_terminal),
        (format!("last {replaced} container gone"), after.last_old_gone),
    ];
    if all.iter().all(|instant| instant.1.is_none()) {
        return "never".to_owned();
    }
    let show = |(what, instant): &(String, Option<Offset>)| match instant {
        Some(instant) => format!("{what} after {}", length(*instant)),
        None => format!("{what}: never"),
    };
    all.iter().map(show).collect::<Vec<_>>().join(", ")
}

fn stream_lines(page: &mut Page, stream: &StreamStats) {
    let mut parts = vec![format!("{} requests/s", stream.rate_hz)];
    if stream.failed > 0 {
        let classes: Vec<String> = stream
            .failed_by_class
            .iter()
            .map(|(class, failed)| format!("{} {class}", count(*failed)))
            .collect();
        parts.push(list(&classes));
        if stream.purpose == Purpose::EachReplica {
            parts.push("a replica that is replaced stops answering: no failure of its own".into());
        } else {
            parts.push(format!("{} without an answer in all", length(stream.total_bad_s)));
        }
    }
    if stream.unsent + stream.missing > 0 {
        let unsent =
            format!("{} not sent, {} missing", count(stream.unsent), count(stream.missing));
        parts.push(unsent);
    }
    if let Some(latency) = stream.latency_s {
        parts.push(format!("p50 {}, p99.9 {}", length(latency.p50), length(latency.p999)));
    }
    if let Some(lag) = stream.lag_s {
        parts.push(format!("send lag p99 {}, max {}", length(lag.p99), length(lag.max)));
    }
    if stream.replicas_seen > 0 {
        parts.push(format!("{} seen", counted(stream.replicas_seen, "replica")));
    }
    if stream.purpose != Purpose::EachReplica {
        parts.push(format!(
            "gaps from {} on are seen, at most {} lost (95 % confidence)",
            length(stream.resolution_s),
            percent(stream.error_rate_upper_95)
        ));
    }
    page.hanging(&format!("  {}:", stream.name), 4, &parts.join("; "));
}

/// What the replicas answered when they were asked directly.
fn each_replica(replicas: &[ReplicaStory]) -> String {
    let range = |times: Vec<Offset>, what: &str| {
        let (least, most) = (times.iter().min()?, times.iter().max()?);
        let times = if least == most {
            length(*least)
        } else {
            format!("{} to {}", length(*least), length(*most))
        };
        Some(format!("{what} {times}"))
    };
    let first = replicas.iter().filter_map(|replica| replica.answers_after_running_s).collect();
    let last = replicas.iter().filter_map(|replica| replica.answers_after_told_to_stop_s).collect();
    let failed: u64 = replicas.iter().map(|replica| replica.failed_while_serving).sum();
    let mut parts = vec![format!("{} asked", counted(replicas.len() as u64, "task"))];
    parts.extend(range(first, "first good response after RUNNING:"));
    parts.extend(range(last, "last good response after being told to stop:"));
    parts.push(format!("{} failed while serving", counted(failed, "request")));
    parts.join("; ")
}

/// The checks that do not hold; those with one reason stand together, so that it is read once.
/// Where a fix is `given`, what failed needs none of its own.
fn broken_checks(page: &mut Page, checks: &[Check], given: bool) {
    for verdict in [Verdict::Fail, Verdict::Inconclusive] {
        let mut left: Vec<&Check> =
            checks.iter().filter(|check| check.verdict == verdict).collect();
        while let Some(first) = left.first().copied() {
            let (same, others): (Vec<&Check>, Vec<&Check>) =
                left.into_iter().partition(|check| check.because == first.because);
            left = others;
            let names: Vec<&str> = same.iter().map(|check| check.name).collect();
            let mut text = format!("{}: {}", names.join(", "), first.because);
            if same.len() == 1 {
                let _ = write!(text, " (found {}; wanted {})", first.measured, first.limit);
            }
            let label = if verdict == Verdict::Fail { "failed" } else { "open" };
            let label = page.style.verdict(verdict, label);
            page.row(&label, &text);
            let remedy = same.iter().find_map(|check| check.remedy.as_ref());
            if let Some(remedy) = remedy.filter(|_| !given || verdict != Verdict::Fail) {
                page.more(&format!("fix: {remedy}"));
            }
        }
    }
}

fn causes(page: &mut Page, scenario: &ScenarioJudgement) {
    for (index, group) in scenario.causes.iter().enumerate() {
        let text = format!(
            "{} lost, {} to {} after the change ({}): {}",
            counted(group.failed, "request"),
            after(scenario, group.first_at),
            after(scenario, group.last_at),
            group.streams.join(", "),
            group.text
        );
        page.row(if index == 0 { "causes" } else { "" }, &text);
        // The first group's remedy stands at its check.
        if let Some(remedy) = group.remedy.as_ref().filter(|_| index > 0) {
            page.more(&format!("fix: {remedy}"));
        }
    }
}
