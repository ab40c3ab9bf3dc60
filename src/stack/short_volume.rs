//! The short form of a mount: `[source:]target[:options]`.

use super::model::Mount;

const PROPAGATIONS: &[&str] = &["rprivate", "private", "rshared", "shared", "rslave", "slave"];

/// Reads a specification (docker/cli `loader/volume.go`).
///
/// # Errors
/// The client's reason.
pub(crate) fn parse(spec: &str) -> Result<Mount, String> {
    let mut mount = Mount::default();
    match spec.len() {
        0 => return Err("invalid empty volume spec".into()),
        1 | 2 => {
            spec.clone_into(&mut mount.target);
            "volume".clone_into(&mut mount.kind);
            return Ok(mount);
        }
        _ => {}
    }
    let parts = split(spec);
    for (index, part) in parts.iter().enumerate() {
        let last = index + 1 == parts.len();
        if part.is_empty() {
            return Err(format!("invalid spec: {spec}: empty section between colons"));
        }
        if mount.source.is_empty() && !last {
            mount.source.clone_from(part);
        } else if mount.target.is_empty() {
            mount.target.clone_from(part);
        } else if !last {
            return Err(format!("invalid spec: {spec}: too many colons"));
        } else {
            options(part, &mut mount);
        }
    }
    let kind = if is_path(&mount.source) { "bind" } else { "volume" };
    kind.clone_into(&mut mount.kind);
    Ok(mount)
}

/// Whether the source is one letter that is taken for a drive, so that the colon after it
/// separates nothing.
pub(crate) fn takes_letter_for_drive(spec: &str) -> bool {
    spec.len() > 2 && !spec.starts_with(':') && is_drive(spec.split(':').next().unwrap_or_default())
}

/// The parts between colons; a colon after a single letter belongs to a drive.
fn split(spec: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    for c in spec.chars() {
        match parts.last_mut() {
            Some(part) if c != ':' || is_drive(part) => part.push(c),
            _ => parts.push(String::new()),
        }
    }
    parts
}

fn is_drive(part: &str) -> bool {
    let mut chars = part.chars();
    chars.next().is_some_and(char::is_alphabetic) && chars.next().is_none()
}

fn options(part: &str, mount: &mut Mount) {
    for option in part.split(',') {
        match option {
            "ro" => mount.read_only = true,
            "rw" => mount.read_only = false,
            "nocopy" => mount.volume.get_or_insert_default().nocopy = true,
            _ if PROPAGATIONS.contains(&option) => mount.propagation = Some(option.to_owned()),
            // Others are ignored: z, Z, cached, delegated …
            _ => {}
        }
    }
}

fn is_path(source: &str) -> bool {
    let mut chars = source.chars();
    match (chars.next(), chars.next()) {
        (Some('.' | '/' | '~'), _) | (Some('\\'), Some('\\')) => true,
        (Some(first), Some(':')) => first.is_alphabetic(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn show(spec: &str) -> Result<String, String> {
        let mount = parse(spec)?;
        let read_only = if mount.read_only { " ro" } else { "" };
        let nocopy = mount.volume.map_or("", |_| " nocopy");
        let propagation = mount.propagation.unwrap_or_default();
        Ok(format!(
            "{}|{}|{}{read_only}{nocopy}{propagation}",
            mount.kind, mount.source, mount.target
        ))
    }

    #[test]
    fn forms() {
        for (spec, expected) in [
            ("/d", "volume||/d"),
            ("v:/d", "volume||v:/d"),
            ("vol:/d", "volume|vol|/d"),
            ("vol:/d:ro,nocopy", "volume|vol|/d ro nocopy"),
            ("./x:/d:ro", "bind|./x|/d ro"),
            ("~/x:/d:rslave", "bind|~/x|/drslave"),
            ("/x:/d:z,cached", "bind|/x|/d"),
            ("c:/x:/d", "bind|c:/x|/d"),
            (r"\\.\pipe\x:/d", r"bind|\\.\pipe\x|/d"),
            ("ab", "volume||ab"),
            ("/x:d:/y", "bind|/x|d:/y"),
        ] {
            assert_eq!(show(spec).as_deref(), Ok(expected), "{spec}");
        }
        for spec in ["", ":/d", "vol::/d", "vol:/d:ro:rw", "vol:/d:"] {
            assert!(show(spec).is_err(), "{spec}");
        }
        assert!(takes_letter_for_drive("v:/d"));
        assert!(!takes_letter_for_drive("vol:/d"));
    }
}
