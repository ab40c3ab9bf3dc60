//! Which rows of a grid are worth a real run.

use super::{NEVER, Row, Sweep};
use crate::Offset;

/// What a row costs, each figure from 0, the least of all rows, to 1, the most.
type Point = [f64; 4];

impl Sweep {
    /// The numbers of the rows that say most about the grid: the best one, and then always the one
    /// that is farthest from those before, by its four figures. Rows that no other one beats come
    /// first, and rows whose good update fails last.
    #[must_use]
    pub fn most_interesting(&self, count: usize) -> Vec<usize> {
        let points = self.points();
        let class = |row: &Row| match (row.good_s, row.pareto) {
            (None, _) => 2,
            (Some(_), false) => 1,
            (Some(_), true) => 0,
        };
        let mut chosen: Vec<usize> = Vec::new();
        while chosen.len() < count.min(self.rows.len()) {
            let left = self.rows.iter().filter(|row| !chosen.contains(&row.number));
            let next = left.min_by(|one, other| {
                let is_best = |row: &Row| Some(row.number) != self.best;
                let apart = |row: &Row| {
                    let own = &points[row.number - 1];
                    let known = chosen.iter().map(|number| distance(own, &points[number - 1]));
                    known.fold(f64::INFINITY, f64::min)
                };
                let by_distance = || apart(other).total_cmp(&apart(one));
                is_best(one)
                    .cmp(&is_best(other))
                    .then(class(one).cmp(&class(other)))
                    .then_with(by_distance)
                    .then(one.number.cmp(&other.number))
            });
            let Some(next) = next else { break };
            chosen.push(next.number);
        }
        chosen.sort_unstable();
        chosen
    }

    fn points(&self) -> Vec<Point> {
        #[expect(clippy::cast_precision_loss, reason = "numbers of replicas and kinds")]
        let figures = |row: &Row| -> Point {
            let (lost, undetected, recovers, good) = row.costs();
            let time =
                |time: Offset| if time == NEVER { f64::INFINITY } else { time.as_secs_f64() };
            [lost as f64, undetected as f64, time(recovers), time(good)]
        };
        let all: Vec<Point> = self.rows.iter().map(figures).collect();
        let scaled = |index: usize, value: f64| {
            let finite = || all.iter().map(|point| point[index]).filter(|one| one.is_finite());
            let least = finite().fold(f64::INFINITY, f64::min);
            let most = finite().fold(f64::NEG_INFINITY, f64::max);
            match value {
                _ if !value.is_finite() => 1.0,
                _ if most > least => (value - least) / (most - least),
                _ => 0.0,
            }
        };
        all.iter().map(|point| std::array::from_fn(|index| scaled(index, point[index]))).collect()
    }
}

fn distance(one: &Point, other: &Point) -> f64 {
    one.iter().zip(other).map(|(one, other)| (one - other).powi(2)).sum()
}
