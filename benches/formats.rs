//! How long it takes, and how much memory, to read, judge and write a run of 200,000 requests in every
//! format: `cargo bench --bench formats`. The run is a recorded one whose requests are repeated.

#![expect(clippy::unwrap_used, reason = "a measurement stops at the first surprise")]

use std::path::Path;
use std::time::Instant;

use rollproof::Offset;
use rollproof::judge::{Limits, judge};
use rollproof::record::{RecordReader, RecordWriter, Run, RunFolder};
use rollproof::report::{FORMATS, Recorded, Style};

const REQUESTS: usize = 200_000;

/// The same run with so many times as many requests, evenly between those that were recorded.
fn repeated(run: &Run) -> Run {
    let recorded: usize = run.shots.iter().map(|(_, shots)| shots.len()).sum();
    let times = REQUESTS.div_ceil(recorded);
    let mut run = run.clone();
    for (facts, shots) in &mut run.shots {
        let step = 1.0 / facts.rate_hz / f64::from(u32::try_from(times).unwrap());
        facts.rate_hz *= f64::from(u32::try_from(times).unwrap());
        *shots = shots
            .iter()
            .flat_map(|shot| {
                (0..times).map(move |number| {
                    let by =
                        Offset::from_secs_f64(step * f64::from(u32::try_from(number).unwrap()));
                    let mut shot = shot.clone();
                    shot.intended = shot.intended + by;
                    for time in
                        [&mut shot.sent, &mut shot.connected, &mut shot.first_byte, &mut shot.done]
                    {
                        *time = time.map(|time| time + by);
                    }
                    shot
                })
            })
            .collect();
    }
    run.meta.streams = run.shots.iter().map(|(facts, _)| facts.clone()).collect();
    run
}

/// The greatest memory of this process so far, in megabytes.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1000
}

fn main() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/records/link-of-a-node-cut");
    let home = tempfile::tempdir().unwrap();
    let path = RunFolder::create(home.path(), "large").unwrap();
    {
        let run = repeated(&RecordReader::open(&folder).unwrap());
        let mut writer = RecordWriter::create(&path, &run.meta).unwrap();
        for event in &run.events {
            writer.event(event).unwrap();
        }
        for (stream, (_, shots)) in run.shots.iter().enumerate() {
            for shot in shots {
                writer.shot(stream, shot).unwrap();
            }
        }
        writer.finish().unwrap();
    }
    let begin = Instant::now();
    let run = RecordReader::open(path.path()).unwrap();
    let judgement = judge(&run, &Limits::default());
    println!("read and judge  {:6.0} ms", begin.elapsed().as_secs_f64() * 1e3);
    let recorded = Recorded { run: &run, judgement: &judgement };
    for format in FORMATS {
        let one = Instant::now();
        let text = format.write(recorded, Style::default());
        let millis = one.elapsed().as_secs_f64() * 1e3;
        println!("{:15} {millis:6.0} ms  {:9} bytes", format.name(), text.len());
        if format.name() == "html" {
            // `make test-page` opens it with the others.
            let pages = Path::new(env!("CARGO_TARGET_TMPDIR")).join("pages");
            std::fs::create_dir_all(&pages).unwrap();
            std::fs::write(pages.join("large.html"), &text).unwrap();
        }
    }
    let requests: usize = run.shots.iter().map(|(_, shots)| shots.len()).sum();
    let failed: u64 = judgement.scenarios.iter().map(|scenario| scenario.failed).sum();
    println!(
        "all of it       {:6.0} ms, at most {} MB, {requests} requests, {failed} failed",
        begin.elapsed().as_secs_f64() * 1e3,
        peak()
    );
}
