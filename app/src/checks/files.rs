//! Files that a process touches while it is well.

use std::path::Path;
use std::time::SystemTime;

use super::Found;

/// The file exists and is not older than `max_age` seconds.
pub fn file(path: &Path, max_age: Option<i64>) -> Found {
    match age(path, max_age) {
        Ok(age) => {
            Found::well(format!("File '{}' was changed {} ago.", path.display(), short(age)))
        }
        Err(why) => Found::ill(1, why),
    }
}

/// The same, in the words of a scheduler.
pub fn beat(path: &Path, max_age: i64) -> Found {
    match age(path, Some(max_age)) {
        Ok(age) => Found::well(format!("Last scheduled task: {} ago.", short(age))),
        Err(why) => Found::ill(1, why),
    }
}

/// The file's age in whole seconds. A negative `max_age` makes every file too old.
pub fn age(path: &Path, max_age: Option<i64>) -> Result<i64, String> {
    let shown = path.display();
    let changed = std::fs::metadata(path)
        .ok()
        .filter(std::fs::Metadata::is_file)
        .and_then(|file| file.modified().ok())
        .ok_or_else(|| format!("File '{shown}' does not exist or is not a file."))?;
    // A file of the future is 0 s old.
    let age = SystemTime::now().duration_since(changed).unwrap_or_default().as_secs();
    let age = i64::try_from(age).unwrap_or(i64::MAX);
    if max_age.is_some_and(|most| age > most) {
        return Err(format!("File '{shown}' is older than max-age."));
    }
    Ok(age)
}

/// `59s`, `60s`, `5m`, `5.5m`, `1h`, `1.5h`.
fn short(seconds: i64) -> String {
    let (unit, name) = match seconds {
        ..=60 => return format!("{seconds}s"),
        61..3600 => (60, "m"),
        _ => (3600, "h"),
    };
    let tenths = (seconds * 10 + unit / 2) / unit;
    match (tenths / 10, tenths % 10) {
        (whole, 0) => format!("{whole}{name}"),
        (whole, tenth) => format!("{whole}.{tenth}{name}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_have_one_decimal_at_most() {
        for (seconds, expected) in [
            (0, "0s"),
            (30, "30s"),
            (60, "60s"),
            (61, "1m"),
            (300, "5m"),
            (330, "5.5m"),
            (3600, "1h"),
            (5400, "1.5h"),
            (36000, "10h"),
        ] {
            assert_eq!(short(seconds), expected);
        }
    }
}
