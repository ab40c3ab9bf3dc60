//! What became of connections that users hold open.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::Offset;
use crate::record::{Outcome, Shot};
use crate::wording::{count, counted, length};

/// What became of the connections of a stream that holds them. Times in seconds.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct HeldStats {
    /// How many are held at a time.
    pub connections: u64,
    /// Those that were cut: they ended without a goodbye.
    pub cut: u64,
    /// Those that the server closed and that were not open again within the deadline.
    pub closed: u64,
    /// Those that the server closed and that were open again within the deadline. Nothing is lost.
    pub moved: u64,
    /// Those whose user had no other connection when the record ended.
    pub not_back: u64,
    /// The longest time from an end to the next connection.
    pub longest_back_s: Option<Offset>,
    /// Each end, in order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ends: Vec<EndOfLine>,
}

/// The end of one connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EndOfLine {
    /// When it ended.
    pub at: Offset,
    /// Which of the stream's connections, counted from zero.
    pub line: u32,
    /// How long it had been open.
    pub held_s: Offset,
    /// `cut`, `closed`, or `ok` if it moved.
    pub outcome: Outcome,
    /// The status code of a WebSocket's close frame, if there was one.
    pub code: Option<u16>,
    /// The replica that had it, as far as that is known.
    pub replica: Option<String>,
    /// From the end to the next connection; absent if there was none.
    pub back_s: Option<Offset>,
}

impl HeldStats {
    /// Takes the same stream's connections of another scenario or run.
    pub fn take(&mut self, other: &Self) {
        self.connections = self.connections.max(other.connections);
        self.cut += other.cut;
        self.closed += other.closed;
        self.moved += other.moved;
        self.not_back += other.not_back;
        self.longest_back_s = self.longest_back_s.max(other.longest_back_s);
    }

    /// `20 connections held: 3 cut, 17 moved; open again after 12 ms at most`.
    #[must_use]
    pub fn sentence(&self) -> String {
        let parts = [
            (self.cut, "cut"),
            (self.closed, "closed and not open again in time"),
            (self.moved, "closed and open again in time"),
        ];
        let parts: Vec<String> = parts
            .into_iter()
            .filter(|(number, _)| *number > 0)
            .map(|(number, what)| format!("{} {what}", count(number)))
            .collect();
        let held = format!("{} held", counted(self.connections, "connection"));
        if parts.is_empty() {
            return format!("{held}: none ended");
        }
        let mut text = format!("{held}: {}", parts.join(", "));
        if let Some(longest) = self.longest_back_s {
            text = format!("{text}; open again after {} at most", length(longest));
        }
        if self.not_back > 0 {
            text = format!("{text}; {} not open again", count(self.not_back));
        }
        text
    }
}

/// The ends of held connections, while shots are counted. They may come in any order.
#[derive(Debug, Clone, Default)]
pub struct HeldEnds {
    ends: Vec<EndOfLine>,
    back: BTreeMap<u32, BTreeSet<Offset>>,
}

impl HeldEnds {
    /// Notes when a connection was open again, if the shot says so.
    pub fn note_back(&mut self, shot: &Shot) {
        if let (Some(line), Some(back)) = (shot.line, shot.back) {
            self.back.entry(line).or_default().insert(back);
        }
    }

    /// Notes the end of a connection, if the shot says so.
    pub fn note_end(&mut self, shot: &Shot) {
        let (Some(line), Some(end)) = (shot.line, shot.end) else { return };
        self.ends.push(EndOfLine {
            at: end.at,
            line,
            held_s: end.at - end.since,
            outcome: match shot.outcome {
                // Its ping was late, and its end was good.
                _ if !end.clean => Outcome::Cut,
                Outcome::Closed => Outcome::Closed,
                _ => Outcome::Ok,
            },
            code: end.code,
            replica: shot.replica.as_deref().map(str::to_owned),
            back_s: None,
        });
    }

    /// What became of a stream's connections, so many of which are held.
    #[must_use]
    pub fn stats(&self, connections: u64) -> HeldStats {
        let mut stats = HeldStats { connections, ..HeldStats::default() };
        for end in &self.ends {
            let back = self.back.get(&end.line).and_then(|back| back.range(end.at..).next());
            let back_s = back.map(|back| *back - end.at);
            match end.outcome {
                Outcome::Cut => stats.cut += 1,
                Outcome::Closed => stats.closed += 1,
                _ => stats.moved += 1,
            }
            stats.not_back += u64::from(back_s.is_none());
            stats.longest_back_s = stats.longest_back_s.max(back_s);
            stats.ends.push(EndOfLine { back_s, ..end.clone() });
        }
        stats.ends.sort_by_key(|end| (end.at, end.line));
        stats
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::HeldEnd;

    fn at(millis: i64) -> Offset {
        Offset::from_millis(millis)
    }

    fn shot(line: u32, outcome: Outcome, end: Option<(i64, bool)>, back: Option<i64>) -> Shot {
        let mut shot = Shot::new(at(0), outcome);
        shot.line = Some(line);
        shot.end = end.map(|(end, clean)| HeldEnd { since: at(0), at: at(end), clean, code: None });
        shot.back = back.map(at);
        shot
    }

    #[test]
    fn each_end_is_followed_by_the_next_connection_of_the_same_user() {
        let mut ends = HeldEnds::default();
        for shot in [
            // Noted before its end, as it may happen.
            shot(0, Outcome::Ok, None, Some(130)),
            shot(0, Outcome::Cut, Some((100, false)), None),
            shot(0, Outcome::Cut, Some((500, false)), Some(520)),
            shot(1, Outcome::Ok, Some((100, true)), Some(110)),
            shot(2, Outcome::Closed, Some((100, true)), None),
            shot(2, Outcome::Refused, None, None),
        ] {
            ends.note_back(&shot);
            ends.note_end(&shot);
        }
        let stats = ends.stats(3);
        assert_eq!((stats.cut, stats.closed, stats.moved, stats.not_back), (2, 1, 1, 1));
        assert_eq!(stats.longest_back_s, Some(at(30)));
        let back: Vec<_> = stats.ends.iter().map(|end| (end.line, end.back_s)).collect();
        assert_eq!(back, [(0, Some(at(30))), (1, Some(at(10))), (2, None), (0, Some(at(20)))]);
        assert_eq!(
            stats.sentence(),
            "3 connections held: 2 cut, 1 closed and not open again in time, 1 closed and open \
             again in time; open again after 30 ms at most; 1 not open again"
        );
        let mut twice = stats.clone();
        twice.take(&stats);
        assert_eq!((twice.connections, twice.cut, twice.moved), (3, 4, 2));
        assert_eq!(HeldEnds::default().stats(1).sentence(), "1 connection held: none ended");
    }
}
