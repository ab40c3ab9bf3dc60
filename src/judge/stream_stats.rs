//! What one stream of requests got.

use std::collections::{BTreeMap, HashSet};

use serde::Serialize;

use crate::Offset;
use crate::record::{Connection, Outcome, Purpose, Route, Shot, StreamFacts, UnsentCounts};
use crate::stats::{Gap, Gaps, HeldEnds, HeldStats, Spread, error_rate_upper_95};

/// What one stream got in a window of time. Times in seconds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StreamStats {
    /// The stream's name.
    pub name: String,
    /// The user's name for the address that it asks, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// What its requests are to show.
    pub purpose: Purpose,
    /// The way they take.
    pub route: Route,
    /// How connections are used.
    pub connection: Connection,
    /// Requests a second.
    pub rate_hz: f64,
    /// Requests that were sent.
    pub sent: u64,
    /// Requests that were due and could not be sent, or whose time could not be measured.
    pub unsent: u64,
    /// Those by reason, as far as the record says.
    pub unsent_by_reason: UnsentCounts,
    /// Requests that were due and that the record does not have; zero where each replica is asked
    /// directly, because the number of replicas is not known beforehand.
    pub missing: u64,
    /// Requests a user would have seen fail.
    pub failed: u64,
    /// The failed ones by how they failed.
    pub failed_by_class: BTreeMap<Outcome, u64>,
    /// The longest time without a success.
    pub longest_gap_s: Offset,
    /// Whether no request succeeded from the last gap on, up to the record's end.
    pub still_failing: bool,
    /// All times without a success together.
    pub total_bad_s: Offset,
    /// The times without a success; empty where each replica is asked directly.
    pub gaps: Vec<Gap>,
    /// The greatest distance between two successes in a row: no full outage of this stream
    /// was longer.
    pub success_to_success_s: Option<Offset>,
    /// Distance between two requests: a shorter outage can be missed.
    pub resolution_s: Offset,
    /// 95 % upper bound of the error rate (Clopper–Pearson).
    pub error_rate_upper_95: f64,
    /// How late requests were sent.
    pub lag_s: Option<Spread>,
    /// How long the answered ones took, from their intended time.
    pub latency_s: Option<Spread>,
    /// In a scenario: how many of the replicas that serve in the end have answered. On its
    /// own: how many different replicas have answered.
    pub replicas_seen: u64,
    /// What became of its connections, in a stream that holds them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held: Option<HeldStats>,
}

/// How far the first and the last request may lie from the window's ends before requests
/// count as missing: the schedule knows nothing of the window.
const EDGE: Offset = Offset::from_millis(250);

/// What one stream got, of the requests intended from `start` up to but not at
/// `end`.
#[must_use]
pub fn stream_stats(
    facts: &StreamFacts,
    shots: &[Shot],
    start: Offset,
    end: Offset,
) -> StreamStats {
    let mut ends = HeldEnds::default();
    for shot in shots {
        ends.note_back(shot);
    }
    let last_good = shots.iter().filter(|shot| shot.outcome == Outcome::Ok);
    let last_good = last_good.map(|shot| shot.intended).max();
    let mut shots: Vec<&Shot> =
        shots.iter().filter(|shot| shot.intended >= start && shot.intended < end).collect();
    shots.sort_by_key(|shot| shot.intended);

    let mut failed_by_class = BTreeMap::new();
    let mut replicas = HashSet::new();
    let (mut sent, mut unsent) = (0, 0);
    let mut unsent_by_reason = UnsentCounts::default();
    for shot in &shots {
        if shot.outcome == Outcome::Unsent {
            unsent += 1;
            if let Some(why) = shot.unsent {
                unsent_by_reason.add(why, 1);
            }
            continue;
        }
        sent += 1;
        if shot.outcome.is_failure() {
            *failed_by_class.entry(shot.outcome).or_insert(0) += 1;
        } else if let Some(replica) = &shot.replica {
            replicas.insert(replica);
        }
    }
    let failed = failed_by_class.values().sum();
    for shot in &shots {
        ends.note_end(shot);
    }
    let tried = shots.iter().filter(|shot| shot.outcome != Outcome::Unsent);
    let mut tried: Vec<(Offset, bool)> =
        tried.map(|shot| (shot.shows(), shot.outcome == Outcome::Ok)).collect();
    // A held connection ends later than its request began.
    tried.sort_by_key(|(at, _)| *at);
    // Replicas that are asked at the same instant have no gaps in common.
    let gaps = match facts.purpose {
        Purpose::EachReplica => Gaps::default(),
        // A gap ends with the stream, if nothing else ends it.
        _ => Gaps::of(
            tried,
            shots
                .last()
                .map_or(end, |last| end.min(last.intended + resolution(facts.rate_hz) + EDGE)),
        ),
    };
    StreamStats {
        name: facts.name.clone(),
        address: facts.address.clone(),
        purpose: facts.purpose,
        route: facts.route,
        connection: facts.connection,
        rate_hz: facts.rate_hz,
        sent,
        unsent,
        unsent_by_reason,
        missing: missing(facts, &shots, start, end),
        failed,
        failed_by_class,
        longest_gap_s: gaps.longest(),
        still_failing: gaps
            .list
            .last()
            .is_some_and(|gap| gap.open && last_good.is_none_or(|last| last < gap.start)),
        total_bad_s: gaps.total(),
        success_to_success_s: gaps.between_successes,
        gaps: gaps.list,
        resolution_s: resolution(facts.rate_hz),
        error_rate_upper_95: error_rate_upper_95(failed, sent),
        lag_s: Spread::of(shots.iter().filter_map(|shot| shot.lag())),
        latency_s: Spread::of(shots.iter().filter_map(|shot| shot.response_latency())),
        replicas_seen: replicas.len() as u64,
        held: facts.held.map(|held| ends.stats(held)),
    }
}

fn resolution(rate_hz: f64) -> Offset {
    if rate_hz > 0.0 { Offset::from_secs_f64(1.0 / rate_hz) } else { Offset::ZERO }
}

/// The schedule is fixed beforehand, so every hole in it shows.
fn missing(facts: &StreamFacts, shots: &[&Shot], start: Offset, end: Offset) -> u64 {
    let rate_hz = facts.rate_hz;
    // It may end long before the window does: it is over with its update.
    let whole_window = facts.purpose != Purpose::NegativeControl;
    let due = |from: Offset, to: Offset| whole(((to - from).as_secs_f64() * rate_hz).round());
    if facts.purpose == Purpose::EachReplica {
        return 0;
    }
    let (Some(first), Some(last)) = (shots.first(), shots.last()) else {
        return if whole_window { due(start, end) } else { 0 };
    };
    // A schedule that runs all the time has its first and last request less than one step
    // from the window's ends.
    let edge =
        |from: Offset, to: Offset| whole(((to - from - EDGE).as_secs_f64() * rate_hz).floor());
    let inside: u64 =
        shots.windows(2).map(|two| due(two[0].intended, two[1].intended).saturating_sub(1)).sum();
    let edges = edge(start, first.intended) + edge(last.intended, end);
    inside + if whole_window { edges } else { 0 }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "float to int casts saturate, and less than none is none"
)]
fn whole(count: f64) -> u64 {
    count as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::samples::{shot, stream};

    fn failed(millis: i64, outcome: Outcome) -> Shot {
        Shot { outcome, ..shot(millis) }
    }

    const END: Offset = Offset::from_millis(1_000);

    #[test]
    fn counts_gaps_and_replicas_of_a_stream_that_ended_out_of_order() {
        let mut shots: Vec<Shot> = (0..100).map(|index| shot(index * 10)).collect();
        shots[20] = failed(200, Outcome::Refused);
        shots[21] = failed(210, Outcome::Late);
        shots[50] = Shot { sent: None, done: None, ..failed(500, Outcome::Unsent) };
        shots[60].replica = Some("other".into());
        shots.reverse();
        let stats = stream_stats(&stream("fresh"), &shots, Offset::ZERO, END);
        assert_eq!((stats.sent, stats.unsent, stats.failed, stats.missing), (99, 1, 2, 0));
        assert_eq!(stats.failed_by_class, [(Outcome::Late, 1), (Outcome::Refused, 1)].into());
        assert_eq!(stats.longest_gap_s, Offset::from_millis(20));
        assert_eq!(stats.success_to_success_s, Some(Offset::from_millis(30)));
        assert_eq!(stats.resolution_s, Offset::from_millis(10));
        assert_eq!(stats.replicas_seen, 2);
        assert_eq!(stats.lag_s.unwrap().max, Offset::ZERO);
        assert_eq!(stats.latency_s.unwrap().max, Offset::from_millis(3));
    }

    #[test]
    fn holes_in_the_schedule_are_counted() {
        let all: Vec<Shot> = (0..100).map(|index| shot(index * 10)).collect();
        let missing_of =
            |shots: &[Shot]| stream_stats(&stream("fresh"), shots, Offset::ZERO, END).missing;
        assert_eq!(missing_of(&all), 0);
        assert_eq!(missing_of(&[&all[..40], &all[47..]].concat()), 7);
        assert_eq!(missing_of(&all[..50]), 26, "49 with the last 0.25 s left out, and rounded");
        assert_eq!(missing_of(&[]), 100);
        let slow = StreamFacts { rate_hz: 1.0, ..stream("slow") };
        let once = [shot(900)];
        assert_eq!(stream_stats(&slow, &once, Offset::ZERO, Offset::from_millis(1_800)).missing, 0);
    }

    #[test]
    fn the_window_takes_its_start_and_leaves_its_end() {
        let all: Vec<Shot> = (0..100).map(|index| shot(index * 10)).collect();
        let stats = stream_stats(
            &stream("fresh"),
            &all,
            Offset::from_millis(100),
            Offset::from_millis(200),
        );
        assert_eq!((stats.sent, stats.missing), (10, 0));
    }

    #[test]
    fn nothing_at_all() {
        let stats = stream_stats(&stream("fresh"), &[], Offset::ZERO, Offset::ZERO);
        assert_eq!((stats.sent, stats.missing, stats.lag_s), (0, 0, None));
        assert!((stats.error_rate_upper_95 - 1.0).abs() < f64::EPSILON);
    }
}
