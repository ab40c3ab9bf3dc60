//! The short forms of ports (`[ip:][host[-end]:]container[-end][/protocol]`) and mounts
//! (`[source:]target[:options]`).

use std::net::IpAddr;

use super::model::Mount;

/// The short form of one or more ports, not yet expanded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PortSpec {
    /// Address on the node; Swarm ignores it.
    pub(crate) ip: Option<IpAddr>,
    /// First and last port on the node.
    pub(crate) host: Option<(u16, u16)>,
    /// First and last port in the container.
    pub(crate) container: (u16, u16),
    /// `tcp`, `udp` or `sctp`.
    pub(crate) protocol: String,
}

/// Reads the short form of a port (docker's `nat.ParsePortSpec`).
///
/// # Errors
/// The client's reason.
pub(crate) fn parse_port(spec: &str) -> Result<PortSpec, String> {
    let pieces: Vec<&str> = spec.split(':').collect();
    let (ip, host, container) = match pieces.as_slice() {
        [container] => (String::new(), "", *container),
        [host, container] => (String::new(), *host, *container),
        [ip @ .., host, container] => (ip.join(":"), *host, *container),
        [] => (String::new(), "", ""),
    };
    let (container, protocol) = split_protocol(container);
    let ip = address(&ip)?;
    if container.is_empty() {
        return Err(format!("no port specified: {spec}<empty>"));
    }
    let ports = range(container).ok_or_else(|| format!("invalid containerPort: {container}"))?;
    let host = match host {
        "" => None,
        host => Some(range(host).ok_or_else(|| format!("invalid hostPort: {host}"))?),
    };
    if let Some(host_ports) = host
        && ports.1 - ports.0 != host_ports.1 - host_ports.0
        && ports.0 != ports.1
    {
        return Err(format!(
            "invalid ranges specified for container and host Ports: {container} and {}-{}",
            host_ports.0, host_ports.1
        ));
    }
    let protocol = protocol.to_lowercase();
    if !matches!(protocol.as_str(), "tcp" | "udp" | "sctp") {
        return Err(format!("invalid proto: {protocol}"));
    }
    Ok(PortSpec { ip, host, container: ports, protocol })
}

impl PortSpec {
    /// Pairs of published port (0 = chosen by the engine) and target port, in the client's
    /// order: by the container port as a string, then by the published port.
    pub(crate) fn expand(&self) -> Vec<(u16, u16)> {
        let (first, last) = self.container;
        let mut targets: Vec<u16> = (first..=last).collect();
        targets.sort_by_key(ToString::to_string);
        let mut ports = Vec::new();
        for target in targets {
            match self.host {
                None => ports.push((0, target)),
                Some((start, end)) if first == last => {
                    ports.extend((start..=end).map(|published| (published, target)));
                }
                Some((start, _)) => ports.push((start + (target - first), target)),
            }
        }
        ports
    }

    /// The number of ports it expands to.
    pub(crate) fn count(&self) -> usize {
        let (first, last) = match (self.container, self.host) {
            ((first, last), Some(host)) if first == last => host,
            (container, _) => container,
        };
        usize::from(last - first) + 1
    }
}

fn split_protocol(container: &str) -> (&str, &str) {
    let mut parts = container.split('/');
    let port = parts.next().unwrap_or_default();
    if port.is_empty() {
        return ("", "");
    }
    match parts.next() {
        None | Some("") => (port, "tcp"),
        Some(protocol) => (port, protocol),
    }
}

fn address(text: &str) -> Result<Option<IpAddr>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    let bare = match text.strip_prefix('[') {
        Some(rest) => rest
            .strip_suffix(']')
            .filter(|inner| !inner.contains(['[', ']']))
            .ok_or_else(|| format!("invalid IP address {text}"))?,
        None => text,
    };
    if bare.is_empty() {
        return Ok(None);
    }
    bare.parse().map(Some).map_err(|_| format!("invalid IP address: {bare}"))
}

/// One port, or two with a dash; what follows a second dash is ignored.
fn range(text: &str) -> Option<(u16, u16)> {
    let mut parts = text.split('-');
    let start = port(parts.next()?)?;
    let end = parts.next().map_or(Some(start), port)?;
    (start <= end).then_some((start, end))
}

fn port(text: &str) -> Option<u16> {
    text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok())?
}

const PROPAGATIONS: &[&str] = &["rprivate", "private", "rshared", "shared", "rslave", "slave"];

/// Reads the short form of a mount (docker/cli `loader/volume.go`).
///
/// # Errors
/// The client's reason.
pub(crate) fn parse_mount(spec: &str) -> Result<Mount, String> {
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
    let parts = parts(spec);
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

/// Whether the client mistakes a source of one letter for a drive, so that the colon after it does
/// not end the source.
pub(crate) fn takes_letter_for_drive(spec: &str) -> bool {
    spec.len() > 2 && !spec.starts_with(':') && is_drive(spec.split(':').next().unwrap_or_default())
}

/// The parts between colons; a colon after a single letter belongs to a drive.
fn parts(spec: &str) -> Vec<String> {
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
            // The client ignores others: z, Z, cached, delegated, …
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

    fn ports(spec: &str) -> Option<Vec<(u16, u16)>> {
        let spec = parse_port(spec).ok()?;
        let ports = spec.expand();
        assert_eq!(ports.len(), spec.count());
        Some(ports)
    }

    #[test]
    fn forms_of_ports() {
        for (spec, expected) in [
            ("80", Some(vec![(0, 80)])),
            (":80", Some(vec![(0, 80)])),
            ("0:80", Some(vec![(0, 80)])),
            ("8080:80", Some(vec![(8080, 80)])),
            ("0080:080/TCP", Some(vec![(80, 80)])),
            ("127.0.0.1:8080:80/udp", Some(vec![(8080, 80)])),
            ("[::1]:8080:80", Some(vec![(8080, 80)])),
            ("::1:8080:80", Some(vec![(8080, 80)])),
            ("127.0.0.1::80", Some(vec![(0, 80)])),
            ("9-10:9-10", Some(vec![(10, 10), (9, 9)])),
            ("8000-8002:80", Some(vec![(8000, 80), (8001, 80), (8002, 80)])),
            ("3-4", Some(vec![(0, 3), (0, 4)])),
            ("1-2-3:80", Some(vec![(1, 80), (2, 80)])),
            ("80/", Some(vec![(0, 80)])),
            ("80/tcp/x", Some(vec![(0, 80)])),
            ("8000-8002:80-81", None),
            ("80:", None),
            ("", None),
            ("+80", None),
            ("-80", None),
            (" 80", None),
            ("65536", None),
            ("2-1", None),
            ("80/icmp", None),
            ("a.b:1:2", None),
            ("[::1:1:2", None),
        ] {
            assert_eq!(ports(spec), expected, "{spec}");
        }
    }

    fn show(spec: &str) -> Result<String, String> {
        let mount = parse_mount(spec)?;
        let read_only = if mount.read_only { " ro" } else { "" };
        let nocopy = mount.volume.map_or("", |_| " nocopy");
        let propagation = mount.propagation.unwrap_or_default();
        Ok(format!(
            "{}|{}|{}{read_only}{nocopy}{propagation}",
            mount.kind, mount.source, mount.target
        ))
    }

    #[test]
    fn forms_of_mounts() {
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
