//! Standing in for another image: the stack file and the tests of its health checks stay as they are,
//! and this program is whatever they start. `rollproof` puts [`FILE`] into such an image.

use std::ffi::OsString;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use serde_json::Value;

use crate::options::{Command, Refused};
use crate::pages::Routes;

/// What the image stands in for.
const FILE: &str = "/etc/rollproof-stand-in.json";
/// What runs a text that is no health check of the stack.
const SHELL: &str = "/bin/busybox";

/// The names under which this program is a shell.
const SHELLS: [&str; 6] = ["sh", "bash", "ash", "dash", "ksh", "zsh"];

/// What is said of an image that this program stands in for.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct StandIn {
    /// The ports to answer on.
    ports: Vec<u16>,
    /// The texts of the stack's health checks, which a shell would run.
    checks: Vec<String>,
    /// Whether it does something once and ends.
    ends: bool,
}

impl StandIn {
    /// What this image stands in for, if it does.
    pub fn of_image() -> Option<Self> {
        Some(Self::parse(&fs::read(FILE).ok()?))
    }

    fn parse(text: &[u8]) -> Self {
        let said: Value = serde_json::from_slice(text).unwrap_or_default();
        let each = |key: &str| said[key].as_array().cloned().unwrap_or_default();
        Self {
            ports: each("ports").iter().filter_map(port).collect(),
            checks: each("checks").iter().filter_map(|text| Some(plain(text.as_str()?))).collect(),
            ends: said["ends"] == true,
        }
    }

    /// What to do: to be the service if this process belongs to the container's first one, else to be
    /// a health check. A text that the stack does not have as a health check is left to a real shell:
    /// the check of an update that must fail, or what somebody types.
    ///
    /// # Errors
    /// If a variable of this program has a value that is not valid.
    pub fn command(
        &self,
        args: &[OsString],
        of_first: bool,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Command, Refused> {
        let first = *self.ports.first().unwrap_or(&80);
        let words = |words: &[&str]| -> Vec<OsString> {
            std::iter::once(&"rollproof-app").chain(words).map(OsString::from).collect()
        };
        if !of_first {
            let text: Vec<&str> = args.iter().filter_map(|arg| arg.to_str()).collect();
            let name = text.first().map_or("", |path| path.rsplit('/').next().unwrap_or(path));
            let known = match text[..] {
                [_, "-c", text, ..] => self.checks.contains(&plain(text)),
                _ => false,
            };
            if SHELLS.contains(&name) && !known {
                let rest = args.iter().skip(1).cloned();
                let args = std::iter::once("sh".into()).chain(rest).collect();
                return Ok(Command::Instead(SHELL, args));
            }
            let url = format!("http://127.0.0.1:{first}/health");
            return Command::read(words(&["health", &url]), variable);
        }
        if self.ends {
            return Ok(Command::Print("done: this stands in for something that ends\n"));
        }
        let mut command = Command::read(words(&["serve", "--port", &first.to_string()]), variable)?;
        if let Command::Serve(serve) = &mut command {
            let also = self.ports.iter().skip(1);
            serve.also = also.map(|port| SocketAddr::new(serve.address.ip(), *port)).collect();
            serve.routes = Routes::Any;
        }
        Ok(command)
    }
}

fn port(value: &Value) -> Option<u16> {
    u16::try_from(value.as_u64()?).ok().filter(|port| *port > 0)
}

/// A text whose line breaks and indentation do not matter.
fn plain(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Whether this process descends from the first one of its container. A health check is started from
/// outside: none of the container's processes is its parent.
pub fn descends_from_first() -> bool {
    let mut process = std::process::id();
    loop {
        match (process, parent(process)) {
            (1, _) => return true,
            (_, None | Some(0)) => return false,
            (_, Some(above)) => process = above,
        }
    }
}

/// The parent's id, from proc(5): the second word after the name, which ends with the last bracket.
fn parent(process: u32) -> Option<u32> {
    let stat =
        fs::read_to_string(Path::new("/proc").join(process.to_string()).join("stat")).ok()?;
    stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stand_in(text: &str) -> StandIn {
        StandIn::parse(text.as_bytes())
    }

    fn command(of: &StandIn, args: &[&str], of_first: bool) -> Command {
        let args: Vec<OsString> = args.iter().map(OsString::from).collect();
        of.command(&args, of_first, |_| None).unwrap()
    }

    #[test]
    fn whatever_the_stack_file_starts_is_the_service() {
        let two = stand_in(r#"{"ports": [3000, 9000, 0, 70000]}"#);
        for args in [&["/rollproof-app", "--api.insecure=true"][..], &["sh", "-c", "exec node x"]] {
            let Command::Serve(serve) = command(&two, args, true) else { panic!("{args:?}") };
            assert_eq!((serve.address.port(), serve.routes), (3000, Routes::Any));
            assert_eq!(serve.also, ["0.0.0.0:9000".parse().unwrap()]);
        }
        let ends = stand_in(r#"{"ends": true}"#);
        assert!(matches!(command(&ends, &["node", "migrate.js"], true), Command::Print(_)));
    }

    #[test]
    fn a_check_of_the_stack_asks_the_service_and_any_other_text_is_left_to_a_shell() {
        let known = stand_in(r#"{"ports": [3000], "checks": ["curl -f\n  http://a || exit 1"]}"#);
        for args in [
            &["node", "-e", "fetch('http://localhost')"][..],
            &["/bin/sh", "-c", "curl -f http://a || exit 1"],
            &["/usr/bin/pg_isready"],
            &["mongosh", "--eval", "1"],
        ] {
            let Command::Health(target) = command(&known, args, false) else { panic!("{args:?}") };
            assert_eq!(target.url, "http://127.0.0.1:3000/health");
        }
        for args in [&["/bin/sh", "-c", "exit 1"][..], &["sh"], &["/bin/bash", "-l"]] {
            let Command::Instead(_, rest) = command(&known, args, false) else {
                panic!("{args:?}")
            };
            assert_eq!(rest[0], "sh");
            assert_eq!(rest[1..], args[1..]);
        }
    }

    #[test]
    fn a_process_of_this_machine_descends_from_its_first() {
        assert!(parent(std::process::id()).is_some_and(|above| above > 0));
        assert!(descends_from_first());
    }
}
