//! The charts below the tasks: requests, failures by cause, latencies and replicas, on the same axis.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::bins::{Bin, Bins};
use super::causes::Causes;
use super::row::{Row, Scale, Shape, rect};
use super::window::Window;
use crate::Offset;
use crate::judge::{Judgement, ServiceStory};
use crate::wording::{count, counted, length};

const RATE: i64 = 84;
const STRIP: i64 = 16;
const LATENCY: i64 = 84;
const REPLICAS: i64 = 54;
/// The latency axis is logarithmic.
const DECADES: [(f64, &str); 5] =
    [(0.001, "1 ms"), (0.01, "10 ms"), (0.1, "100 ms"), (1.0, "1 s"), (10.0, "10 s")];
const LEAST: f64 = 0.0003;
const MOST: f64 = 10.0;

/// Requests a second, with the failed ones at the bottom, by cause.
pub(super) fn requests(window: Window, bins: &Bins, causes: &Causes) -> Row {
    let most = bins.most().max(1);
    let height = |number: u64| scaled(number, most, RATE - 6);
    let mut all = String::new();
    let mut failed = vec![String::new(); causes.list.len()];
    for (place, bin) in bins.list.iter().enumerate() {
        let (from, to) = (window.x(bins.start(place)), window.x(bins.start(place + 1)));
        let _ = write!(
            all,
            "{}{from} {}H{to}",
            if place == 0 { "M" } else { "L" },
            RATE - height(bin.sent)
        );
        let mut below = 0;
        for (index, cause) in causes.list.iter().enumerate() {
            let number = cause.of(bin);
            if number == 0 {
                continue;
            }
            // One failed request must be seen.
            let (bottom, top) = (RATE - height(below), RATE - height(below + number));
            let top = top.min(bottom - 2);
            let _ = write!(failed[index], "M{from} {bottom}V{top}H{to}V{bottom}Z");
            below += number;
        }
    }
    let mut row = Row {
        label: "requests".to_owned(),
        note: "a second, of users".to_owned(),
        class: "chart",
        height: RATE,
        ..Row::default()
    };
    if !all.is_empty() {
        let area = format!("{all}V{RATE}H{}Z", window.start());
        row.shapes.push(Shape::new("sent-area", area, ""));
        row.shapes.push(Shape::new("sent-line", all, ""));
    }
    for (cause, path) in causes.list.iter().zip(failed) {
        if !path.is_empty() {
            row.shapes.push(Shape::new(format!("cause {}", cause.class), path, &*cause.text));
        }
    }
    let per_second = per_second(most, bins.length);
    row.scale.push(Scale { top: 6, text: format!("{per_second}/s") });
    let sent: u64 = bins.list.iter().map(|bin| bin.sent).sum();
    let lost: u64 = bins.list.iter().map(Bin::failures).sum();
    row.described = format!(
        "Requests of users: at most {per_second} a second, {} in all, {} failed",
        count(sent),
        count(lost)
    );
    row
}

fn per_second(number: u64, length: Offset) -> u64 {
    let nanos = u64::try_from(length.as_nanos()).unwrap_or(1).max(1);
    number * 1_000_000_000 / nanos
}

fn scaled(number: u64, most: u64, height: i64) -> i64 {
    i64::try_from(number * height.unsigned_abs() / most.max(1)).unwrap_or(height)
}

/// A row for each cause, so that colour is not all that tells them apart.
pub(super) fn strips(window: Window, bins: &Bins, causes: &Causes) -> Vec<Row> {
    let strip = |cause: &super::causes::ShownCause| {
        let mut path = String::new();
        let mut times: Vec<(Offset, Offset)> = Vec::new();
        for (place, _) in bins.list.iter().enumerate().filter(|(_, bin)| cause.of(bin) > 0) {
            let (from, to) = (bins.start(place), bins.start(place + 1));
            match times.last_mut() {
                Some(last) if last.1 == from => last.1 = to,
                _ => times.push((from, to)),
            }
        }
        for (from, to) in &times {
            path.push_str(&rect(window, *from, *to, 2, STRIP - 4));
        }
        let described = times
            .first()
            .zip(times.last())
            .map(|(first, last)| format!(", between {} and {}", length(first.0), length(last.1)));
        Row {
            label: format!("{} lost", count(cause.failed)),
            note: cause.short.clone(),
            class: "strip",
            height: STRIP,
            described: format!(
                "{}: {}{}",
                counted(cause.failed, "failed request"),
                cause.text,
                described.unwrap_or_default()
            ),
            shapes: vec![Shape::new(format!("cause {}", cause.class), path, &*cause.text)],
            ..Row::default()
        }
    };
    causes.list.iter().map(strip).collect()
}

/// Percentile bands of the latency.
pub(super) fn latency(window: Window, bins: &Bins) -> Option<Row> {
    let name = bins.latency_of.clone()?;
    let mut row = Row {
        label: "latency".to_owned(),
        note: format!("of {name}: median, 90 %, 99 %, slowest"),
        class: "chart",
        height: LATENCY,
        ..Row::default()
    };
    for (low, high, class) in [(2, 3, "band slowest"), (1, 2, "band p99"), (0, 1, "band p90")] {
        let mut path = String::new();
        for (place, bin) in bins.list.iter().enumerate() {
            let Some(latency) = &bin.latency else { continue };
            let (from, to) = (window.x(bins.start(place)), window.x(bins.start(place + 1)));
            let (bottom, top) = (level(latency[low]), level(latency[high]));
            if bottom > top {
                let _ = write!(path, "M{from} {bottom}V{top}H{to}V{bottom}Z");
            }
        }
        row.shapes.push(Shape::new(class, path, ""));
    }
    let mut line = String::new();
    let mut apart = true;
    for (place, bin) in bins.list.iter().enumerate() {
        let Some(latency) = &bin.latency else {
            apart = true;
            continue;
        };
        let (from, to) = (window.x(bins.start(place)), window.x(bins.start(place + 1)));
        let _ = write!(line, "{}{from} {}H{to}", if apart { "M" } else { "L" }, level(latency[0]));
        apart = false;
    }
    row.shapes.push(Shape::new("median", line, ""));
    for (secs, text) in DECADES {
        let top = level(Offset::from_secs_f64(secs));
        row.scale.push(Scale { top, text: text.to_owned() });
    }
    let slowest = bins.list.iter().filter_map(|bin| Some(bin.latency?[3])).max();
    let median = bins.list.iter().filter_map(|bin| Some(bin.latency?[0])).max();
    row.described = match (slowest, median) {
        (Some(slowest), Some(median)) => format!(
            "Latency of {name}: the median is at most {} in any bin, the slowest response took {}",
            length(median),
            length(slowest)
        ),
        _ => format!("Latency of {name}: no good response"),
    };
    Some(row)
}

/// Where a latency is on the logarithmic axis.
#[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "a few pixels")]
fn level(latency: Offset) -> i64 {
    let share = (latency.as_secs_f64().clamp(LEAST, MOST) / LEAST).ln() / (MOST / LEAST).ln();
    LATENCY - (share * (LATENCY - 6) as f64) as i64
}

/// The replicas that serve, by version.
pub(super) fn replicas(window: Window, story: &ServiceStory, judgement: &Judgement) -> Row {
    let mut instants: BTreeSet<Offset> = BTreeSet::from([window.from, window.to]);
    for task in &story.tasks {
        instants.extend(task.running.into_iter().chain(task.serves_until));
    }
    let instants: Vec<Offset> = instants.into_iter().filter(|at| window.contains(*at)).collect();
    let generations: BTreeSet<u32> = story.tasks.iter().map(|task| task.generation).collect();
    let serving = |at: Offset, generation: u32| {
        let tasks = story.tasks.iter().filter(|task| task.generation == generation);
        tasks.filter(|task| task.serves_at(at)).count() as u64
    };
    let wanted = judgement.stack.replicas;
    let most = instants
        .iter()
        .map(|at| generations.iter().map(|generation| serving(*at, *generation)).sum::<u64>())
        .max()
        .unwrap_or(0)
        .max(wanted)
        .max(1);
    let height = |number: u64| scaled(number, most, REPLICAS - 10);
    let mut row = Row {
        label: "replicas".to_owned(),
        note: "serving, by version".to_owned(),
        class: "chart",
        height: REPLICAS,
        ..Row::default()
    };
    let mut least = (u64::MAX, window.from);
    let mut paths = vec![String::new(); generations.len()];
    for two in instants.windows(2) {
        let mut below = 0;
        for (index, generation) in generations.iter().enumerate() {
            let number = serving(two[0], *generation);
            if number > 0 {
                let top = REPLICAS - height(below + number);
                paths[index].push_str(&rect(
                    window,
                    two[0],
                    two[1],
                    top,
                    height(below + number) - height(below),
                ));
                below += number;
            }
        }
        if below < least.0 {
            least = (below, two[0]);
        }
    }
    for (generation, path) in generations.iter().zip(paths) {
        let class = format!("v{} running", (generation.max(&1) - 1) % 4);
        row.shapes.push(Shape::new(class, path, format!("version {generation}")));
    }
    let level = REPLICAS - height(wanted);
    let line = format!("M{} {level}H{}", window.start(), window.x(window.to));
    row.shapes.push(Shape::new("wanted", line, format!("{} wanted", counted(wanted, "replica"))));
    row.scale.push(Scale { top: level, text: wanted.to_string() });
    row.described = format!(
        "Replicas that serve: {wanted} wanted, at least {} from {} on",
        least.0.min(most),
        length(least.1)
    );
    row
}
