//! What real runs of some rows came to, next to what the model says of them.

use std::fmt::Write as _;

use serde::Serialize;

use super::text::{WIDTH, after, aligned};
use crate::Offset;
use crate::wording::wrap;

/// What a real run of a row came to.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Measured {
    /// The row.
    pub row: usize,
    /// The run's id: `rollproof report ID` shows it.
    pub run_id: String,
    /// How long the good update took; absent if it did not complete.
    pub good_s: Pair<Option<Offset>>,
    /// From the request for the bad update until every old replica served again; absent if that
    /// did not come.
    pub recovers_s: Pair<Option<Offset>>,
    /// The fewest replicas that served, in either update.
    pub lowest: Pair<Option<u64>>,
    /// Replicas wanted.
    pub replicas: u64,
    /// Where the model and the run differ, and by which rule: see `prediction` in the run's report.
    pub differences: Vec<String>,
}

/// What the model says of this very change on this very engine, and what came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Pair<T> {
    /// By the model.
    pub predicted: T,
    /// In the run.
    pub measured: T,
}

/// The table of the rows that were measured.
#[must_use]
pub fn measured_text(all: &[Measured]) -> String {
    let head = ["", "update", "predicted", "recovers", "predicted", "lowest", "predicted", "run"];
    let mut lines = vec![head.map(str::to_owned).to_vec()];
    lines.extend(all.iter().map(|one| {
        let lowest = |lowest: Option<u64>| match lowest {
            Some(lowest) => format!("{lowest}/{}", one.replicas),
            None => "-".to_owned(),
        };
        vec![
            format!("{:>5}", one.row),
            after(one.good_s.measured, "fails"),
            after(one.good_s.predicted, "fails"),
            after(one.recovers_s.measured, "never"),
            after(one.recovers_s.predicted, "never"),
            lowest(one.lowest.measured),
            lowest(one.lowest.predicted),
            one.run_id.clone(),
        ]
    }));
    let mut text = String::from("Measured:\n");
    aligned(&mut text, &lines);
    for one in all {
        for difference in &one.differences {
            let words = format!("row {}: {difference}", one.row);
            for line in wrap(&words, WIDTH, usize::MAX) {
                let _ = writeln!(text, "{line}");
            }
        }
    }
    text
}
