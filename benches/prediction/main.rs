//! Predicted updates, compared with real ones on a private engine.
//!
//! Each case of `cases.yml` is deployed, updated and recorded by rollproof, and played on the
//! model of Swarm. The states and the number of touched slots must be those of one way in which the
//! engine's races can end; durations are compared with that one. They are predicted twice: with the
//! hop times that `rollproof calibrate` measures first, and with those of the run itself, which shows
//! how much of an error is the machine's.
//!
//! Arguments: `--only WORDS` (part of a name; repeat), `--dry-run` (predictions only), `--program
//! PATH` (rollproof), `--records FOLDER` (compare records that are there already), `--resume` (do not
//! record again what is recorded) and `--within 4m` (begin no case after that), so that all cases can
//! be recorded in turns while other things need the machine. A run's records are kept in `predictions`
//! in `ROLLPROOF_HOME`. Each row has how busy the machine was during its run, from its record.

#![expect(clippy::unwrap_used, reason = "a bench fails by panicking")]

mod case;
mod real;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use clap::Parser;
use rollproof::record::{RecordReader, Run};
use rollproof::swarm::{EngineVersion, UpdateState};
use rollproof::swarm_model::{HopTimes, Input, Outcome, Races, simulate};

use case::Case;
use real::{Load, Real};

#[derive(Parser)]
struct Arguments {
    /// Run only cases whose name contains this
    #[arg(long)]
    only: Vec<String>,
    /// Print the predictions and run nothing
    #[arg(long)]
    dry_run: bool,
    /// The program that runs the updates
    #[arg(long, default_value = "target/release/rollproof")]
    program: PathBuf,
    /// Compare the records in this folder instead of running anything
    #[arg(long)]
    records: Option<PathBuf>,
    /// Use the records of earlier turns, and record only the cases that have none
    #[arg(long)]
    resume: bool,
    /// Begin no case after this time; `--resume` goes on with the others
    #[arg(long, value_parser = humantime::parse_duration)]
    within: Option<Duration>,
    /// Added by `cargo bench`
    #[arg(long, hide = true)]
    bench: bool,
}

/// The proxy closes its connections at once, so that a replica has nothing to wait for when it
/// stops.
const CADDYFILE: &str = "{\n admin off\n}\n:80 {\n reverse_proxy {\n  dynamic a {\n   name tasks.app\n   \
    port 8000\n   refresh 1s\n  }\n  lb_try_duration 1s\n  transport http {\n   keepalive off\n  }\n }\n}\n";

fn main() {
    let arguments = Arguments::parse();
    let text = std::fs::read_to_string("benches/prediction/cases.yml").unwrap();
    let cases: Vec<Case> = serde_yaml::from_str(&text).unwrap();
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("Caddyfile"), CADDYFILE).unwrap();
    let chosen: Vec<&Case> = cases
        .iter()
        .filter(|case| {
            arguments.only.is_empty()
                || arguments.only.iter().any(|words| case.name.contains(words))
        })
        .collect();
    let (began, all) = (Instant::now(), chosen.len());
    let mut bench = Bench { arguments, folder: folder.path().to_owned(), hops: None };
    if bench.arguments.dry_run {
        for case in chosen {
            Bench::predict_only(case);
        }
        return;
    }
    bench.calibrate();
    let over = || bench.arguments.within.is_some_and(|within| began.elapsed() > within);
    let now = chosen.into_iter().filter(|case| bench.has_record(&id(case)) || !over());
    let rows: Vec<Row> = now.map(|case| bench.compare(case)).collect();
    if bench.arguments.records.is_none() {
        bench.rollproof(&["down"]);
    }
    summary(&rows);
    if rows.len() < all {
        println!("{} of {all} cases are recorded: --resume goes on with the others", rows.len());
    }
}

fn home() -> PathBuf {
    PathBuf::from(std::env::var_os("ROLLPROOF_HOME").unwrap_or(".".into()))
}

/// The name of a case's record.
fn id(case: &Case) -> String {
    case.name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect()
}

struct Bench {
    arguments: Arguments,
    folder: PathBuf,
    hops: Option<HopTimes>,
}

/// One compared case.
struct Row {
    load: Load,
    states: bool,
    touched: bool,
    /// The same with the hop times of the run itself.
    own_touched: bool,
    /// Relative errors of the durations, with the hop times of the calibration run.
    errors: Vec<f64>,
    /// The same with the hop times of the run itself.
    own_errors: Vec<f64>,
}

impl Bench {
    fn rollproof(&self, args: &[&str]) -> Option<i32> {
        let mut command = Command::new(&self.arguments.program);
        // Its verdict is no matter here: so few requests prove nothing.
        command.args(["--quiet"]).args(args).stdout(Stdio::null());
        command.status().unwrap().code()
    }

    /// Measures the hop times of this machine, as its user would.
    fn calibrate(&mut self) {
        let file = self.records().join("hop-times.json");
        if !self.has(&file) {
            std::fs::create_dir_all(self.records()).unwrap();
            let output = file.to_str().unwrap();
            let measured = self.rollproof(&["calibrate", "--engine", "lab", "-o", output]);
            assert_eq!(measured, Some(0), "not calibrated");
        }
        let hops: HopTimes = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
        println!("hop times: {}", serde_json::to_string(&hops).unwrap());
        self.hops = Some(hops);
    }

    /// Deploys and updates a case, and returns its record.
    fn record(&self, case: &Case, id: &str) -> Run {
        if self.has_record(id) {
            return RecordReader::open(&self.records().join(id)).unwrap();
        }
        let file = self.folder.join("stack.yml");
        std::fs::write(&file, case.stack().to_string()).unwrap();
        let file = file.to_str().unwrap();
        let deployed = self.rollproof(&["deploy", "--engine", "lab", "-c", file, "prediction"]);
        assert_eq!(deployed, Some(0), "{}: not deployed", case.name);
        let mut update = vec![
            "update",
            "prediction",
            "--service",
            "app",
            "--streams",
            "proxy-fresh",
            "--rate",
            "2",
            "--baseline",
            "2s",
            "--settle",
            "3s",
            "--format",
            "json=/dev/null",
        ];
        let env: Vec<String> =
            case.env.iter().map(|(key, value)| format!("{key}={value}")).collect();
        for pair in &env {
            update.extend(["--env", pair]);
        }
        if let Some(image) = &case.image {
            update.extend(["--image", image]);
        }
        self.rollproof(&update);
        let latest = home().join(".rollproof/runs/latest");
        let run = RecordReader::open(&latest).unwrap();
        let kept = self.records().join(id);
        let _ = std::fs::remove_dir_all(&kept);
        std::fs::create_dir_all(&kept).unwrap();
        for entry in std::fs::read_dir(&latest).unwrap() {
            let entry = entry.unwrap();
            std::fs::copy(entry.path(), kept.join(entry.file_name())).unwrap();
        }
        self.rollproof(&["down", "prediction"]);
        run
    }

    fn records(&self) -> PathBuf {
        self.arguments.records.clone().unwrap_or_else(|| home().join("predictions"))
    }

    /// Whether a case is not run, because it has a record.
    fn has_record(&self, id: &str) -> bool {
        self.has(&self.records().join(id).join("meta.json"))
    }

    /// Whether a file of an earlier turn is used.
    fn has(&self, file: &Path) -> bool {
        self.arguments.records.is_some() || (self.arguments.resume && file.exists())
    }

    fn predict_only(case: &Case) {
        println!("{}", case.name);
        for outcome in predictions(&case.input(None, None, None)) {
            println!("  {:?} {}", shown(&outcome), outcome.touched.len());
        }
    }

    fn compare(&self, case: &Case) -> Row {
        let run = self.record(case, &id(case));
        let real = Real::of(&run);
        let (seen, order) = (&real.update, &real.update.input.order);
        let engine = EngineVersion::parse(&run.meta.engine.version);
        let input = case.input(engine, self.hops, Some(order.clone()));
        let seen_of = |mut outcomes: Vec<Outcome>| {
            for outcome in &mut outcomes {
                let known = seen.states.len();
                let later = outcome.states.iter().skip(known).position(|step| step.at > seen.until);
                outcome.states.truncate(later.map_or(usize::MAX, |later| known + later));
            }
            outcomes
        };
        let all = seen_of(predictions(&input));
        let states = |outcome: &Outcome| -> Vec<UpdateState> {
            outcome.states.iter().map(|step| step.state).collect()
        };
        let real_states: Vec<UpdateState> = seen.states.iter().map(|(state, _)| *state).collect();
        let fits_states = |outcome: &&Outcome| states(outcome) == real_states;
        let fits = |outcome: &&Outcome| {
            fits_states(outcome) && outcome.touched.len() == seen.touched.len()
        };
        let error = |outcome: &Outcome| {
            let errors = real.errors(outcome);
            errors.iter().sum::<f64>()
        };
        let nearest = |fits: &dyn Fn(&&Outcome) -> bool| {
            all.iter().filter(fits).min_by(|a, b| error(a).total_cmp(&error(b)))
        };
        let best = nearest(&fits).or_else(|| nearest(&fits_states)).unwrap_or(&all[0]);
        let mut row = Row {
            load: real.load,
            states: all.iter().any(|outcome| fits_states(&outcome)),
            touched: all.iter().any(|outcome| fits(&outcome)),
            errors: if fits_states(&best) { real.errors(best) } else { Vec::new() },
            own_touched: false,
            own_errors: Vec::new(),
        };
        let service = &run.meta.stack.service;
        let own = HopTimes::measure(&run.events, service, run.meta.stack.healthcheck.as_ref());
        let with_own = case.input(engine, Some(own), Some(order.clone()));
        let with_own = seen_of(predictions(&with_own));
        row.own_touched = with_own.iter().any(|outcome| fits(&outcome));
        let own = with_own.iter().filter(|outcome| fits_states(outcome));
        let own = own.min_by(|a, b| error(a).total_cmp(&error(b)));
        row.own_errors = own.map(|outcome| real.errors(outcome)).unwrap_or_default();
        let verdict = |right: bool| if right { "right" } else { "WRONG" };
        println!(
            "{:<58} {:.0} % busy, {:.0} % waiting; states {}, slots {} ({} of {})",
            case.name,
            real.load.busy * 100.0,
            real.load.waiting * 100.0,
            verdict(row.states),
            verdict(row.touched),
            seen.touched.len(),
            best.touched.len()
        );
        for (state, at) in &seen.states {
            let when = |outcome: Option<&Outcome>| {
                let step = outcome?.states.iter().find(|step| step.state == *state)?;
                Some(step.at.as_secs_f64())
            };
            println!(
                "    {:<20} {:>8.2} s real, {:>8.2} s predicted, {:>8.2} s with its own hop times",
                state.as_str(),
                at.as_secs_f64(),
                when(Some(best)).unwrap_or(f64::NAN),
                when(own).unwrap_or(f64::NAN)
            );
        }
        if !row.states {
            println!("    predicted: {:?}", shown(best));
        }
        row
    }
}

fn predictions(input: &Input) -> Vec<Outcome> {
    Races::ALL.into_iter().map(|races| simulate(&Input { races, ..input.clone() })).collect()
}

fn shown(outcome: &Outcome) -> Vec<String> {
    let states = outcome.states.iter();
    states.map(|step| format!("{} {:.2}", step.state, step.at.as_secs_f64())).collect()
}

fn summary(rows: &[Row]) {
    let right = |fits: fn(&Row) -> bool| rows.iter().filter(|row| fits(row)).count();
    println!(
        "\nstates right in {} of {}; touched slots in {}, and in {} with the hop times of each run",
        right(|row| row.states),
        rows.len(),
        right(|row| row.touched),
        right(|row| row.own_touched)
    );
    let all: Vec<&Row> = rows.iter().collect();
    let quiet: Vec<&Row> = rows.iter().filter(|row| row.load.is_quiet()).collect();
    for (rows, which) in [(all, "all runs"), (quiet, "runs with less than 50 % waiting")] {
        println!("{which} ({}):", rows.len());
        errors("with the hop times of the calibration run", &rows, |row| &row.errors);
        errors("with the hop times of each run", &rows, |row| &row.own_errors);
    }
}

fn errors(what: &str, rows: &[&Row], of: fn(&Row) -> &Vec<f64>) {
    let mut errors: Vec<f64> = rows.iter().flat_map(|row| of(row).iter().copied()).collect();
    errors.sort_by(f64::total_cmp);
    println!(
        "  durations {what}: median error {:.1} %, worst {:.1} % of {}",
        errors.get(errors.len() / 2).copied().unwrap_or(f64::NAN) * 100.0,
        errors.last().copied().unwrap_or(f64::NAN) * 100.0,
        errors.len()
    );
}
