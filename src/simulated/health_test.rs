//! What a health check's command would find in a replica.

/// What a health check depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Check {
    /// Nothing: it always passes.
    Always,
    /// It cannot pass.
    Never,
    /// The program listens.
    Listening,
    /// The program says that it is well.
    Health,
}

/// What answers the checks of a replica.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked<'a> {
    /// Whether it is the example app, whose pages and tools are known.
    pub(super) app: bool,
    /// Its ports; empty if they are not known.
    pub(super) ports: &'a [u16],
    /// Whether what users ask has a good status.
    pub(super) answers_well: bool,
    /// The port that the app's own checks ask.
    pub(super) own_port: u16,
}

/// On this port nothing listens, whatever else is known.
const NOBODY: u16 = 1;
/// Tools that a shell has itself, or that are in the app's image.
const KNOWN: [&str; 6] = ["wget", "nc", "sh", "test", "busybox", "/rollproof-app"];

impl Asked<'_> {
    /// What a check with this `Test` depends on. No command is run: URLs and ports in it are looked
    /// at, as are `exit`, `true` and `false`.
    pub(super) fn by(self, test: &[String]) -> Check {
        let (form, words) = match test.split_first() {
            Some((form, words)) => (form.as_str(), words),
            None => return Check::Always,
        };
        let line = words.join(" ");
        // Only a shell knows these; a program gets them as arguments.
        let operators = ["||", "&&", "|", ";"];
        if form == "CMD" && words.iter().any(|word| operators.contains(&word.as_str())) {
            return Check::Never;
        }
        let mut parts = line.split_whitespace();
        let program = parts.next().unwrap_or_default();
        match (program, parts.next()) {
            ("true" | ":", _) | ("exit", Some("0")) => return Check::Always,
            ("false", _) | ("exit", Some(_)) => return Check::Never,
            ("/rollproof-app" | "rollproof-app", Some("health")) => {
                let listens = self.ports.is_empty() || self.ports.contains(&self.own_port);
                return if listens { Check::Health } else { Check::Never };
            }
            _ => {}
        }
        if self.app && !KNOWN.contains(&program) {
            // As a shell says: not found.
            return Check::Never;
        }
        match url(&line).or_else(|| address(&line)) {
            None => Check::Listening,
            Some((None, _)) => Check::Never,
            Some((Some(port), path)) => self.page(port, path),
        }
    }

    fn page(self, port: u16, path: &str) -> Check {
        let listens =
            if self.ports.is_empty() { port != NOBODY } else { self.ports.contains(&port) };
        let path = path.split('?').next().unwrap_or_default();
        match path {
            _ if !listens => Check::Never,
            _ if !self.app => Check::Listening,
            "/health" => Check::Health,
            path if path.starts_with("/_healthz") => Check::Health,
            "" | "/" | "/slow" | "/tasks" if self.answers_well => Check::Listening,
            "/metrics" | "/status" => Check::Listening,
            _ => Check::Never,
        }
    }
}

/// Port and path of the first URL; a port that is no number is none.
fn url(line: &str) -> Option<(Option<u16>, &str)> {
    let (start, usual) = ["http://", "https://"]
        .iter()
        .zip([80, 443])
        .find_map(|(scheme, usual)| Some((line.find(scheme)? + scheme.len(), usual)))?;
    let end = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '|' | ';' | ')' | '`');
    let rest = line[start..].split(end).next().unwrap_or_default();
    let (host, path) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
    let port = match host.rsplit_once(':') {
        None => Some(usual),
        Some((_, port)) => port.parse().ok(),
    };
    Some((port, path))
}

/// The port of `nc -z localhost 8000`, or of `tcp localhost:8000`.
fn address(line: &str) -> Option<(Option<u16>, &str)> {
    let mut words = line.split_whitespace();
    match words.next()? {
        "nc" => Some((words.rev().find_map(|word| word.parse().ok()), "/health")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn by(app: bool, ports: &[u16], test: &[&str]) -> Check {
        let test: Vec<String> = test.iter().map(|word| (*word).to_owned()).collect();
        Asked { app, ports, answers_well: true, own_port: 8000 }.by(&test)
    }

    #[test]
    fn the_apps_checks_find_what_they_would() {
        for (test, expected) in [
            (vec!["CMD", "/rollproof-app", "health"], Check::Health),
            (vec!["CMD-SHELL", "wget -q --spider http://localhost:8000/health"], Check::Health),
            (vec!["CMD-SHELL", "wget --spider http://localhost:8000/ || exit 1"], Check::Listening),
            (vec!["CMD-SHELL", "wget --spider http://localhost:1 || exit 1"], Check::Never),
            (
                vec!["CMD-SHELL", "wget --spider http://localhost:WRONG-PORT || exit 1"],
                Check::Never,
            ),
            (vec!["CMD-SHELL", "wget --spider http://localhost:8000/nowhere"], Check::Never),
            (
                vec!["CMD", "wget", "--spider", "http://localhost:8000", "||", "exit", "1"],
                Check::Never,
            ),
            (vec!["CMD-SHELL", "curl -f http://localhost:8000/"], Check::Never),
            (vec!["CMD-SHELL", "exit 1"], Check::Never),
            (vec!["CMD", "true"], Check::Always),
        ] {
            assert_eq!(by(true, &[8000], &test), expected, "{test:?}");
        }
        assert_eq!(by(true, &[9000], &["CMD", "/rollproof-app", "health"]), Check::Never);
    }

    #[test]
    fn what_is_not_known_passes_unless_nobody_can_listen_there() {
        for (test, expected) in [
            (vec!["CMD-SHELL", "curl -f http://localhost:3000/up || exit 1"], Check::Listening),
            (vec!["CMD-SHELL", "wget --spider http://localhost:1 || exit 1"], Check::Never),
            (vec!["CMD", "redis-cli", "ping"], Check::Listening),
            (vec!["CMD-SHELL", "false"], Check::Never),
        ] {
            assert_eq!(by(false, &[], &test), expected, "{test:?}");
        }
        assert_eq!(by(false, &[80], &["CMD-SHELL", "curl http://localhost:81"]), Check::Never);
    }
}
