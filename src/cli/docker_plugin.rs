//! `docker rollproof …`: this program as a plugin of the docker CLI.
//!
//! docker runs `docker-rollproof`, a link to this program, found in a folder of plugins: once with
//! `docker-cli-plugin-metadata`, which asks what it is, and then with the user's whole command line,
//! docker's own options before the name `rollproof` (docker/cli, `cli-plugins/manager`).

use std::env;
use std::ffi::{OsStr, OsString};
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::SocketAddr;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

use serde_json::json;
use tokio::io::AsyncReadExt as _;
use tokio::net::UnixStream;

use super::output::put_line;
use crate::error::{Error, Result};

/// The name by which docker knows the plugin.
const PLUGIN: &str = "docker-rollproof";
/// The command that docker's users type.
const NAME: &str = "rollproof";
/// What docker asks a plugin first.
const METADATA: &str = "docker-cli-plugin-metadata";

/// Whether docker runs this program as a plugin.
pub(super) fn is_plugin(args: &[OsString]) -> bool {
    args.first().and_then(|name| Path::new(name).file_name()) == Some(OsStr::new(PLUGIN))
}

/// Answers docker, or becomes the program that the user asked docker for.
///
/// # Errors
/// An option of docker that has no meaning here; or this program cannot be started again.
pub(super) fn run(args: &[OsString]) -> Result<u8> {
    if args.get(1).is_some_and(|first| first == METADATA) {
        let metadata = json!({
            "SchemaVersion": "0.1.0",
            "Vendor": NAME,
            "Version": env!("CARGO_PKG_VERSION"),
            "ShortDescription": "Prove that a Swarm service can be updated without its users noticing",
            "URL": env!("CARGO_PKG_REPOSITORY"),
        });
        return put_line(metadata).map(|()| 0);
    }
    let wish = Wish::of(&args[1..])?;
    let failed = |error| Error::environment("cannot start rollproof again").caused_by(error);
    // Started again, it has the environment that docker's options stand for, and its own name.
    let program = env::current_exe().map_err(failed)?;
    let error =
        Command::new(program).arg0("docker rollproof").args(wish.args).envs(wish.env).exec();
    Err(failed(error))
}

/// The connection by which docker tells a plugin to end: it closes it. Outside of a terminal a signal
/// that docker gets does not reach its plugins in another way (docker/cli, `cli-plugins/socket`).
pub(super) fn connection() -> Option<UnixStream> {
    let address = env::var("DOCKER_CLI_PLUGIN_SOCKET").ok()?;
    let address = match address.strip_prefix('@') {
        Some(name) => SocketAddr::from_abstract_name(name),
        None => SocketAddr::from_pathname(&address),
    };
    let stream = std::os::unix::net::UnixStream::connect_addr(&address.ok()?).ok()?;
    stream.set_nonblocking(true).ok()?;
    UnixStream::from_std(stream).ok()
}

/// Waits until docker closes the connection, once; for ever without one.
pub(super) async fn closed(connection: &mut Option<UnixStream>) {
    if let Some(stream) = connection {
        let mut nothing = [0; 64];
        while stream.read(&mut nothing).await.is_ok_and(|read| read > 0) {}
        *connection = None;
    } else {
        std::future::pending::<()>().await;
    }
}

/// A command line of docker in this program's words.
#[derive(Debug, Default, PartialEq, Eq)]
struct Wish {
    args: Vec<OsString>,
    env: Vec<(&'static str, OsString)>,
}

impl Wish {
    fn of(args: &[OsString]) -> Result<Self> {
        let mut wish = Self::default();
        let mut rest = args.iter();
        let mut before = Vec::new();
        while let Some(word) = rest.next() {
            let text = word.to_string_lossy();
            if text == NAME {
                // What follows is this program's.
                before.extend(rest.cloned());
                break;
            }
            let (name, own_value) = match text.split_once('=') {
                Some((name, value)) => (name, Some(value)),
                None if text.starts_with('-') && !text.starts_with("--") && text.len() > 2 => {
                    let (name, value) = text.split_at(2);
                    (name, Some(value))
                }
                None => (&*text, None),
            };
            let mut value = || match own_value {
                Some(value) => Ok(OsString::from(value)),
                None => rest
                    .next()
                    .cloned()
                    .ok_or_else(|| Error::usage(format!("{name} needs a value"))),
            };
            match name {
                "-H" | "--host" => before.extend(["--host".into(), value()?]),
                "-c" | "--context" => wish.env.push(("DOCKER_CONTEXT", value()?)),
                "--config" => wish.env.push(("DOCKER_CONFIG", value()?)),
                "-l" | "--log-level" => before.extend(["--log".into(), value()?]),
                "-D" | "--debug" => before.extend(["--log".into(), "debug".into()]),
                "--tlsverify" => wish.env.push(("DOCKER_TLS_VERIFY", "1".into())),
                // `docker help rollproof [COMMAND]`
                "help" if before.is_empty() => {
                    let command: Vec<OsString> = rest.skip(1).cloned().collect();
                    wish.args = [command, vec!["--help".into()]].concat();
                    return Ok(wish);
                }
                name => {
                    return Err(Error::usage(format!("rollproof cannot use docker's {name}"))
                        .hint("DOCKER_HOST, DOCKER_TLS_VERIFY and DOCKER_CERT_PATH, or a docker context, say the same"));
                }
            }
        }
        wish.args = before;
        Ok(wish)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wish(words: &[&str]) -> Result<Wish> {
        Wish::of(&words.iter().map(OsString::from).collect::<Vec<_>>())
    }

    #[test]
    fn dockers_options_before_the_name_are_translated() {
        for (typed, args, variables) in [
            (&["rollproof"][..], &[][..], &[][..]),
            (&["rollproof", "verify", "-c", "a.yml"], &["verify", "-c", "a.yml"], &[]),
            (&["-H", "tcp://a", "rollproof", "doctor"], &["--host", "tcp://a", "doctor"], &[]),
            (&["--host=tcp://a", "rollproof"], &["--host", "tcp://a"], &[]),
            (&["-cprod", "rollproof", "x"], &["x"], &[("DOCKER_CONTEXT", "prod")]),
            (
                &["--context", "a", "--config", "b", "rollproof"],
                &[],
                &[("DOCKER_CONTEXT", "a"), ("DOCKER_CONFIG", "b")],
            ),
            (&["-D", "rollproof", "x"], &["--log", "debug", "x"], &[]),
            (&["--tlsverify", "rollproof"], &[], &[("DOCKER_TLS_VERIFY", "1")]),
            (&["help", "rollproof"], &["--help"], &[]),
            (&["help", "rollproof", "verify"], &["verify", "--help"], &[]),
            // Its own options look like docker's, but stand behind its name.
            (&["rollproof", "--host", "b", "rollproof"], &["--host", "b", "rollproof"], &[]),
        ] {
            let expected = Wish {
                args: args.iter().map(OsString::from).collect(),
                env: variables.iter().map(|(name, value)| (*name, value.into())).collect(),
            };
            assert_eq!(wish(typed).unwrap(), expected, "{typed:?}");
        }
        assert!(wish(&["--tlscacert", "a", "rollproof"]).is_err());
        assert!(wish(&["-H"]).unwrap_err().to_string().contains("needs a value"));
    }

    #[test]
    fn only_its_name_makes_it_a_plugin() {
        let is = |name: &str| is_plugin(&[name.into(), "docker-cli-plugin-metadata".into()]);
        assert!(is("/home/x/.docker/cli-plugins/docker-rollproof") && is("docker-rollproof"));
        assert!(!is("/usr/local/bin/rollproof") && !is("docker rollproof"));
    }
}
