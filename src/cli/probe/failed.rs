//! How requests failed, and what may help.

use super::rows::{row, rows};
use crate::probe::{Failures, Tally};
use crate::record::Outcome;
use crate::wording::{count, length};

/// Failures by class, the most frequent first; with `details`, when each class was first and last
/// seen.
pub(super) fn failure_rows(lines: &mut Vec<String>, tally: &Tally, details: bool) {
    let mut failures: Vec<(&Outcome, &Failures)> = tally.failures().iter().collect();
    failures.sort_by_key(|(_, failures)| std::cmp::Reverse(failures.count));
    let word = |(class, failures): &(&Outcome, &Failures)| {
        let number = count(failures.count);
        // The other classes have the status in their name, or it is not what is wrong.
        let of_status = matches!(class, Outcome::WrongStatus | Outcome::AppError);
        let class = match statuses(failures) {
            text if of_status && !text.is_empty() => format!("{class} ({text})"),
            _ => class.to_string(),
        };
        let (first, last) = (length(failures.first), length(failures.last));
        match details {
            true if first == last => format!("{number} {class}, at {first}"),
            true => format!("{number} {class}, from {first} to {last}"),
            false => format!("{number} {class}"),
        }
    };
    let words: Vec<String> = failures.iter().map(word).collect();
    if details {
        rows(lines, "failed", &words);
    } else {
        row(lines, "failed", &words.join(", "));
    }
}

/// The statuses that came, the most frequent first.
fn statuses(failures: &Failures) -> String {
    const NAMED: usize = 3;
    let mut all: Vec<(u16, u64)> = failures.statuses.iter().map(|(s, n)| (*s, *n)).collect();
    all.sort_by_key(|(_, number)| std::cmp::Reverse(*number));
    let mut words: Vec<String> =
        all.iter().take(NAMED).map(|(status, _)| status.to_string()).collect();
    if all.len() > NAMED {
        words.push("…".to_owned());
    }
    words.join(", ")
}

/// What may help if no request was good and all failed in the same way: then the service is asked in
/// the wrong way, or answers in another one than is taken for good.
pub(super) fn advice(tally: &Tally) -> Option<String> {
    let mut failures = tally.failures().iter();
    let (Some((class, failures)), None, 0) = (failures.next(), failures.next(), tally.ok()) else {
        return None;
    };
    let text = match class {
        Outcome::TlsUntrusted => {
            "--cacert names the authority that issued the certificate; --insecure accepts any"
        }
        Outcome::TlsName => {
            "ask for the certificate's name: https://NAME/ with --resolve NAME:ADDR; --insecure \
             accepts any certificate"
        }
        Outcome::TlsExpired => "--insecure accepts any certificate",
        Outcome::TlsHandshake => {
            "http:// asks without TLS; --cert and --key show a client certificate; --http2 needs a \
             server that offers it"
        }
        Outcome::Cut => "https:// asks in TLS, --http2 in HTTP/2, if the port speaks that",
        Outcome::WrongStatus => {
            let mut statuses = failures.statuses.keys();
            let (Some(status), None) = (statuses.next(), statuses.next()) else { return None };
            let first = match status {
                401 | 403 => "--user NAME:PASSWORD sends credentials; ",
                404 => "--path names what to ask, -H 'Host: …' the host; ",
                405 => "--method names another method; ",
                _ => "",
            };
            return Some(format!(
                "{first}if this is a good response, --expect-status {status} says so"
            ));
        }
        _ => return None,
    };
    Some(text.to_owned())
}
