//! A grid of settings, each played on the model, and which of them are best.

mod interesting;
mod measured;
mod plot;
mod text;

use serde::Serialize;

use super::detection::FailureKind;
use super::{Course, Detection, Setting, Tweak, broken, detections};
use crate::Offset;
use crate::swarm::UpdateState;

pub use measured::{Measured, Pair, measured_text};
pub use text::sweep_text;

/// The most rows of a grid.
pub const LARGEST_GRID: usize = 1_000;

/// The version of the JSON format.
const SCHEMA_VERSION: u32 = 1;

/// A setting and the values that it is given.
#[derive(Debug, Clone)]
pub struct Vary {
    tweaks: Vec<Tweak>,
}

/// The same update under every combination of settings.
#[derive(Debug, Clone, Serialize)]
pub struct Sweep {
    schema_version: u32,
    /// The service, without the stack's prefix.
    pub service: String,
    /// Its replicas in the stack file.
    pub replicas: u64,
    /// How the broken version of each row behaves, in plain words.
    pub broken: String,
    /// What is varied, in the order of the columns.
    pub varied: Vec<&'static str>,
    /// The stack file's own settings.
    pub current: Row,
    /// The combinations, numbered from 1.
    pub rows: Vec<Row>,
    /// The number of the row that loses least capacity, then leaves the fewest kinds of failure
    /// undetected, then takes the least time for a good update and a recovery together; absent if
    /// no row's good update completes.
    pub best: Option<usize>,
    /// Rows that were run for real; empty without that.
    pub measured: Vec<Measured>,
}

/// A combination of settings, and what an update does under it.
#[derive(Debug, Clone, Serialize)]
pub struct Row {
    /// Its number; 0 for the stack file's own settings.
    pub number: usize,
    /// The values of what is varied.
    pub values: Vec<String>,
    /// How long a good update takes; absent if it does not complete.
    pub good_s: Option<Offset>,
    /// From the request for a bad update until every replica of the previous version serves again;
    /// absent if that needs an operator.
    pub recovers_s: Option<Offset>,
    /// The fewest replicas that can answer, in the good or the bad update.
    pub lowest: u64,
    /// Replicas wanted.
    pub replicas: u64,
    /// The kinds of failure that the update does not notice.
    pub undetected: Vec<FailureKind>,
    /// Whether no other row is at least as good in all four and better in one.
    pub pareto: bool,
    #[serde(skip)]
    tweaks: Vec<Tweak>,
}

impl Vary {
    /// Reads `parallelism=1,2,3`.
    ///
    /// # Errors
    /// An unknown setting, a value that it cannot have, or the same value twice, in plain words.
    pub fn parse(text: &str) -> Result<Self, String> {
        let Some((name, values)) = text.split_once('=') else {
            return Err("write SETTING=VALUE,VALUE, for example parallelism=1,2,3".to_owned());
        };
        let mut tweaks: Vec<Tweak> = Vec::new();
        for value in values.split(',').map(str::trim) {
            if tweaks.iter().any(|known| known.value() == value) {
                return Err(format!("the value `{value}` is there twice"));
            }
            tweaks.push(Tweak::new(name.trim(), value)?);
        }
        Ok(Self { tweaks })
    }

    /// The setting's name: `update_config.parallelism`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.tweaks[0].name()
    }

    /// How many values it is given.
    #[must_use]
    pub fn values(&self) -> usize {
        self.tweaks.len()
    }
}

impl Sweep {
    /// Plays every combination of the varied settings: the last one varies fastest.
    ///
    /// # Errors
    /// A setting that the service does not have, in plain words.
    pub fn of(setting: &Setting, varied: &[Vary]) -> Result<Self, String> {
        let mut current = Row::of(setting, &[])?;
        current.values = varied.iter().map(|vary| now(setting, vary)).collect();
        let mut rows = Vec::new();
        for tweaks in grid(varied) {
            let mut row = Row::of(setting, &tweaks)?;
            row.number = rows.len() + 1;
            rows.push(row);
        }
        mark_front(&mut rows);
        let completed = rows.iter().filter(|row| row.good_s.is_some());
        let best = completed.min_by_key(|row| (row.rank(), row.number));
        Ok(Self {
            schema_version: SCHEMA_VERSION,
            service: setting.service.clone(),
            replicas: setting.slots(),
            broken: broken(setting).as_str().to_owned(),
            varied: varied.iter().map(|vary| vary.tweaks[0].short_name()).collect(),
            best: best.map(|row| row.number),
            current,
            rows,
            measured: Vec::new(),
        })
    }

    /// A row by its number, from 1.
    #[must_use]
    pub fn row(&self, number: usize) -> Option<&Row> {
        self.rows.get(number.checked_sub(1)?)
    }
}

impl Row {
    fn of(setting: &Setting, tweaks: &[Tweak]) -> Result<Self, String> {
        let mut tried = setting.clone();
        for tweak in tweaks {
            // The version that runs was deployed from the same file.
            tweak.apply(&mut tried.spec)?;
            tweak.apply(&mut tried.previous)?;
        }
        let sound = &tried.sound;
        let (old, new) = match &tried.behaviours {
            Some([old, new]) => (old.clone(), new.clone()),
            None => (sound.clone().into(), broken(&tried).behaviour(&tried).into()),
        };
        let good = tried.input(sound.clone(), sound.clone());
        let good = Course::of("good", String::new(), &good);
        let bad = Course::of("broken", String::new(), &tried.input(old, new));
        let undetected = detections(&tried).into_iter().filter(|found| !found.noticed);
        Ok(Self {
            number: 0,
            values: tweaks.iter().map(|tweak| tweak.value().to_owned()).collect(),
            good_s: good.finished_s.filter(|_| good.final_state == UpdateState::Completed),
            recovers_s: bad.rollback.as_ref().and_then(|rollback| rollback.restored_s),
            lowest: good.lowest().min(bad.lowest()),
            replicas: tried.slots(),
            undetected: undetected.map(|found: Detection| found.kind).collect(),
            pareto: false,
            tweaks: tweaks.to_vec(),
        })
    }

    /// The settings of the row.
    #[must_use]
    pub fn tweaks(&self) -> &[Tweak] {
        &self.tweaks
    }

    /// What the row costs, in four figures of which less is better.
    fn costs(&self) -> (u64, usize, Offset, Offset) {
        let lost = self.replicas.saturating_sub(self.lowest);
        let never = |time: Option<Offset>| time.unwrap_or(NEVER);
        (lost, self.undetected.len(), never(self.recovers_s), never(self.good_s))
    }

    /// The same in the order in which rows are preferred.
    fn rank(&self) -> (u64, usize, Offset) {
        let (lost, undetected, recovers, good) = self.costs();
        (lost, undetected, good + recovers)
    }
}

/// Longer than anything that ends.
const NEVER: Offset = Offset::from_nanos(i64::MAX / 2);

/// Every combination, one value of each.
fn grid(varied: &[Vary]) -> Vec<Vec<Tweak>> {
    let mut all: Vec<Vec<Tweak>> = vec![Vec::new()];
    for vary in varied {
        let longer = |row: &Vec<Tweak>| {
            let row = row.clone();
            let with = move |tweak: &Tweak| [row.as_slice(), std::slice::from_ref(tweak)].concat();
            vary.tweaks.iter().map(with).collect::<Vec<_>>()
        };
        all = all.iter().flat_map(longer).collect();
    }
    all
}

/// Marks the rows that no other one beats. One whose good update does not complete is none of them.
fn mark_front(rows: &mut [Row]) {
    type Costs = (u64, usize, Offset, Offset);
    let costs: Vec<Costs> =
        rows.iter().filter(|row| row.good_s.is_some()).map(Row::costs).collect();
    let beats = |one: &Costs, other: &Costs| {
        one != other
            && (one.0 <= other.0 && one.1 <= other.1 && one.2 <= other.2 && one.3 <= other.3)
    };
    for row in rows.iter_mut().filter(|row| row.good_s.is_some()) {
        let own = row.costs();
        row.pareto = !costs.iter().any(|other| beats(other, &own));
    }
}

/// The value in the stack file of what is varied: the one of its values that changes nothing, or
/// else what the spec says.
fn now(setting: &Setting, vary: &Vary) -> String {
    let changes_nothing = |tweak: &&Tweak| {
        let mut spec = setting.spec.clone();
        tweak.apply(&mut spec).is_ok() && spec == setting.spec
    };
    let same = vary.tweaks.iter().find(changes_nothing);
    same.map_or_else(|| vary.tweaks[0].current(&setting.spec), |tweak| tweak.value().to_owned())
}
