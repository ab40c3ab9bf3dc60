//! Every request of a run as CSV (RFC 4180), for spreadsheets and notebooks.

use std::borrow::Cow;
use std::fmt::Write as _;

use super::format::{RecordFormat, Recorded};
use crate::Offset;
use crate::judge::Cause;
use crate::record::Shot;
use crate::wording::clean;

/// A line for each request, of every stream.
pub const CSV: RecordFormat =
    RecordFormat { name: "csv", about: "every request, one a line; times in seconds", write };

const HEADER: &str = "stream,purpose,scenario,intended_s,sent_s,connected_s,first_byte_s,done_s,latency_s,\
                      outcome,cause,unsent,status,reused,to,replica,slot,version\r\n";

/// How long a line is about.
const LINE: usize = 160;

fn write(recorded: Recorded) -> String {
    let Recorded { run, judgement } = recorded;
    let lines: usize = run.shots.iter().map(|(_, shots)| shots.len()).sum();
    let mut text = String::with_capacity(HEADER.len() + lines * LINE);
    text.push_str(HEADER);
    let mut causes: Vec<Vec<(usize, Cause)>> = vec![Vec::new(); run.shots.len()];
    for request in judgement.scenarios.iter().flat_map(|scenario| &scenario.failed_requests) {
        if let Some(stream) = causes.get_mut(request.stream) {
            stream.push((request.shot, request.cause));
        }
    }
    for ((facts, shots), mut causes) in run.shots.iter().zip(causes) {
        causes.sort_unstable();
        let name = field(&facts.name);
        let purpose = word(&facts.purpose);
        for (place, shot) in shots.iter().enumerate() {
            let scenario = judgement.scenarios.iter().find(|scenario| {
                shot.intended >= scenario.started_at && shot.intended < scenario.ended_at
            });
            let scenario = scenario.map_or(Cow::Borrowed(""), |scenario| field(&scenario.name));
            let _ = write!(text, "{name},{purpose},{scenario},");
            times(&mut text, shot);
            let known = causes.binary_search_by_key(&place, |known| known.0);
            let cause = known.ok().map(|known| word(&causes[known].1)).unwrap_or_default();
            let unsent = shot.unsent.map(|why| word(&why)).unwrap_or_default();
            let _ = write!(text, "{},{cause},{unsent},", shot.outcome);
            if let Some(status) = shot.status {
                let _ = write!(text, "{status}");
            }
            let _ = write!(text, ",{},", shot.reused);
            let texts = [&shot.to, &shot.replica].map(|text| field(text.as_deref().unwrap_or("")));
            let _ = write!(text, "{},{},", texts[0], texts[1]);
            if let Some(slot) = shot.slot {
                let _ = write!(text, "{slot}");
            }
            let _ = write!(text, ",{}\r\n", field(shot.version.as_deref().unwrap_or("")));
        }
    }
    text
}

fn times(text: &mut String, shot: &Shot) {
    let instants = [Some(shot.intended), shot.sent, shot.connected, shot.first_byte, shot.done];
    for time in instants.into_iter().chain([shot.latency()]) {
        if let Some(time) = time {
            seconds(text, time);
        }
        text.push(',');
    }
}

/// Seconds with six decimals: as many as the record has.
fn seconds(text: &mut String, time: Offset) {
    let micros = time.as_nanos() / 1_000;
    let sign = if micros < 0 { "-" } else { "" };
    let micros = micros.unsigned_abs();
    let _ = write!(text, "{sign}{}.{:06}", micros / 1_000_000, micros % 1_000_000);
}

/// The word that the record has for a value.
fn word(value: &impl serde::Serialize) -> String {
    serde_json::to_value(value)
        .ok()
        .and_then(|value| value.as_str().map(str::to_owned))
        .unwrap_or_default()
}

/// A text as a field: quoted if it must be, and never a formula for a spreadsheet that opens it
/// (CSV injection, OWASP).
fn field(text: &str) -> Cow<'_, str> {
    let text = clean(text);
    let formula = text.starts_with(['=', '+', '-', '@']);
    if !formula && !text.contains(['"', ',', '\n']) {
        return text;
    }
    let escape = if formula { "'" } else { "" };
    Cow::Owned(format!("\"{escape}{}\"", text.replace('"', "\"\"")))
}
