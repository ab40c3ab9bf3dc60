//! To whom a proxy forwards, from its configuration.

use std::collections::BTreeMap;
use std::time::Duration;

/// Where a proxy forwards requests, and how long it tries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Upstream {
    pub(super) name: String,
    pub(super) port: u16,
    /// Another replica is tried for this long if one refuses; absent: no other is tried.
    pub(super) retry_for: Option<Duration>,
    /// Headers that responses get on the way back, with [`HOST_NAME`] for that of the replica.
    pub(super) headers: Vec<(String, String)>,
}

/// What a Caddyfile says for the name of the container's host.
pub(super) const HOST_NAME: &str = "{env.HOSTNAME}";

/// Whether an image is that of a proxy whose configuration is understood.
pub(super) fn is_proxy(image: &str) -> bool {
    let name = image.split('@').next().unwrap_or_default();
    let last = name.rsplit('/').next().unwrap_or_default();
    ["caddy", "nginx", "haproxy"].iter().any(|proxy| last.starts_with(proxy))
}

impl Upstream {
    /// Reads the first upstream of a configuration: `reverse_proxy` of a Caddyfile, `proxy_pass` of
    /// nginx, a `server` of `HAProxy`.
    pub(super) fn read(config: &str, env: &BTreeMap<String, String>) -> Option<Self> {
        let text = expand(config, env);
        let words: Vec<Vec<&str>> = text
            .lines()
            .map(|line| line.split('#').next().unwrap_or_default())
            .map(|line| line.split_whitespace().map(|word| word.trim_end_matches(';')).collect())
            .filter(|words: &Vec<&str>| !words.is_empty())
            .collect();
        let value = |key: &str| {
            let line = words.iter().find(|words| words[0] == key)?;
            line.get(1).copied()
        };
        let retry_for =
            value("lb_try_duration").and_then(|text| humantime::parse_duration(text).ok());
        let of_proxy = words.iter().find(|words| words[0] == "reverse_proxy").and_then(|words| {
            words[1..].iter().find_map(|word| host_port(word)).or_else(|| {
                let name = value("name")?.to_owned();
                Some((name, value("port").and_then(|port| port.parse().ok()).unwrap_or(80)))
            })
        });
        let of_pass = || value("proxy_pass").and_then(host_port);
        let of_server = || {
            let line = words.iter().find(|words| words[0].starts_with("server") && words.len() > 2);
            line?.iter().skip(2).find_map(|word| host_port(word))
        };
        let (name, port) = of_proxy.or_else(of_pass).or_else(of_server)?;
        let headers = words.iter().filter(|words| words[0] == "header_down" && words.len() > 2);
        let headers = headers.map(|words| (words[1].to_owned(), words[2..].join(" "))).collect();
        Some(Self { name, port, retry_for, headers })
    }
}

/// Replaces `{$NAME:default}`.
fn expand(text: &str, env: &BTreeMap<String, String>) -> String {
    let mut parts = text.split("{$");
    let mut all = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let Some((inside, rest)) = part.split_once('}') else {
            all.push_str(part);
            continue;
        };
        let (name, default) = inside.split_once(':').unwrap_or((inside, ""));
        all.push_str(env.get(name).map_or(default, String::as_str));
        all.push_str(rest);
    }
    all
}

/// `http://app:8000/`, `app:8000` or `app` as name and port.
fn host_port(word: &str) -> Option<(String, u16)> {
    let rest = word.strip_prefix("http://").unwrap_or(word);
    let rest = rest.split('/').next()?;
    let (name, port) = match rest.split_once(':') {
        Some((name, port)) => (name, port.parse().ok()?),
        None if word.starts_with("http://") => (rest, 80),
        None => return None,
    };
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    (!name.is_empty() && name.chars().all(plain)).then(|| (name.to_owned(), port))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(config: &str) -> Option<(String, u16, Option<Duration>)> {
        let upstream = Upstream::read(config, &BTreeMap::new())?;
        Some((upstream.name, upstream.port, upstream.retry_for))
    }

    #[test]
    fn the_examples_are_understood() {
        let second = Some(Duration::from_secs(1));
        let vip = include_str!("../../stacks/Caddyfile.vip");
        assert_eq!(read(vip), Some(("app".into(), 8000, second)));
        let dnsrr = include_str!("../../stacks/Caddyfile.dnsrr");
        assert_eq!(read(dnsrr), Some(("tasks.app".into(), 8000, second)));
        let env = [("UPSTREAM".to_owned(), "tasks.web".to_owned())].into();
        assert_eq!(Upstream::read(dnsrr, &env).unwrap().name, "tasks.web");
        let more = "header_down X-Rollproof-Instance {env.HOSTNAME}";
        let env = [("MORE".to_owned(), more.to_owned())].into();
        let headers = [("X-Rollproof-Instance".to_owned(), HOST_NAME.to_owned())];
        assert_eq!(Upstream::read(dnsrr, &env).unwrap().headers, headers);
        assert!(Upstream::read(dnsrr, &BTreeMap::new()).unwrap().headers.is_empty());
    }

    #[test]
    fn other_proxies_are_understood() {
        let nginx = "server {\n listen 80;\n location / { \n proxy_pass http://api:3000/;\n }\n}";
        assert_eq!(read(nginx), Some(("api".into(), 3000, None)));
        let haproxy = "backend b\n  server-template web 6 tasks.web:8080 check resolvers docker\n";
        assert_eq!(read(haproxy), Some(("tasks.web".into(), 8080, None)));
        assert_eq!(read(":80 {\n respond hello\n}"), None);
    }
}
