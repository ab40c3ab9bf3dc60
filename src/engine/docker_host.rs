//! Addresses of engines.

use std::fmt;
use std::path::PathBuf;

use crate::error::{Error, Result};

/// The address of an engine, as in `DOCKER_HOST`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DockerHost {
    /// A unix socket.
    Unix(PathBuf),
    /// Plain TCP.
    Tcp {
        /// Host name or address.
        host: String,
        /// Port.
        port: u16,
    },
    /// TCP with TLS; the files are PEM.
    Tls {
        /// Host name or address.
        host: String,
        /// Port.
        port: u16,
        /// The certificate of the authority that signed the engine's certificate.
        ca: Option<PathBuf>,
        /// Our certificate and its key.
        identity: Option<(PathBuf, PathBuf)>,
        /// Whether the engine's certificate is checked.
        verify: bool,
    },
    /// Through `ssh`, which runs `docker system dial-stdio` on the remote host.
    Ssh {
        /// `user@host` or `host`.
        target: String,
        /// Port, if not ssh's default.
        port: Option<u16>,
    },
}

impl DockerHost {
    /// The default socket of an engine.
    #[must_use]
    pub fn local_default() -> Self {
        Self::Unix(PathBuf::from("/var/run/docker.sock"))
    }

    /// Parses `unix:///path`, `tcp://host:port` or `ssh://user@host:port`. As with the docker CLI,
    /// `host:port` means TCP. TLS comes from `DOCKER_TLS_VERIFY` or a context.
    ///
    /// # Errors
    /// When the address has none of these forms.
    pub fn parse(text: &str) -> Result<Self> {
        let invalid = || {
            Error::usage(format!("invalid engine address `{text}`"))
                .hint("use unix:///path/to/docker.sock, tcp://host:port or ssh://user@host")
        };
        if let Some(path) = text.strip_prefix("unix://") {
            if path.is_empty() {
                return Ok(Self::local_default());
            }
            return Ok(Self::Unix(PathBuf::from(path)));
        }
        if let Some(rest) = text.strip_prefix("ssh://") {
            let rest = rest.trim_end_matches('/');
            let (target, port) = match split_port(rest) {
                Some((target, port)) => (target, Some(port.parse().map_err(|_| invalid())?)),
                None => (rest, None),
            };
            if target.is_empty() || target.starts_with('-') || target.contains('/') {
                return Err(invalid());
            }
            return Ok(Self::Ssh { target: target.to_owned(), port });
        }
        let rest = match text.split_once("://") {
            Some(("tcp" | "http", rest)) => rest,
            Some(_) => return Err(invalid()),
            None => text,
        };
        let rest = rest.trim_end_matches('/');
        let (host, port) = match split_port(rest) {
            Some((host, port)) => (host, port.parse().map_err(|_| invalid())?),
            None => (rest, 2375),
        };
        let host = host.trim_start_matches('[').trim_end_matches(']');
        if host.is_empty() || host.contains('/') {
            return Err(invalid());
        }
        Ok(Self::Tcp { host: host.to_owned(), port })
    }

    /// Whether the engine runs on this machine and so on this kernel.
    #[must_use]
    pub fn is_local(&self) -> bool {
        match self {
            Self::Unix(_) => true,
            Self::Tcp { host, .. } | Self::Tls { host, .. } => {
                matches!(host.as_str(), "localhost" | "127.0.0.1" | "::1")
            }
            Self::Ssh { .. } => false,
        }
    }

    /// The host where this machine reaches ports that the engine publishes.
    #[must_use]
    pub fn published_host(&self) -> &str {
        match self {
            Self::Unix(_) => "127.0.0.1",
            Self::Tcp { host, .. } | Self::Tls { host, .. } => host,
            Self::Ssh { target, .. } => target.rsplit('@').next().unwrap_or(target),
        }
    }
}

/// The URL of a path at a published port. `host` comes from [`DockerHost::published_host`].
#[must_use]
pub fn published_url(scheme: &str, host: &str, port: u16, path: &str) -> String {
    if host.contains(':') {
        format!("{scheme}://[{host}]:{port}{path}")
    } else {
        format!("{scheme}://{host}:{port}{path}")
    }
}

/// Splits off a trailing `:port`. An IPv6 address needs brackets for that.
fn split_port(text: &str) -> Option<(&str, &str)> {
    let (host, port) = text.rsplit_once(':')?;
    (!host.contains(':') || host.ends_with(']')).then_some((host, port))
}

impl fmt::Display for DockerHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix://{}", path.display()),
            Self::Tcp { host, port } | Self::Tls { host, port, .. } => {
                if host.contains(':') {
                    write!(f, "tcp://[{host}]:{port}")
                } else {
                    write!(f, "tcp://{host}:{port}")
                }
            }
            Self::Ssh { target, port: Some(port) } => write!(f, "ssh://{target}:{port}"),
            Self::Ssh { target, port: None } => write!(f, "ssh://{target}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_what_the_docker_cli_parses() {
        for (text, shown) in [
            ("unix:///tmp/d.sock", "unix:///tmp/d.sock"),
            ("unix://", "unix:///var/run/docker.sock"),
            ("tcp://10.0.0.1:2376", "tcp://10.0.0.1:2376"),
            ("tcp://[::1]:2375/", "tcp://[::1]:2375"),
            ("127.0.0.1:99", "tcp://127.0.0.1:99"),
            ("ssh://me@there:2222", "ssh://me@there:2222"),
            ("ssh://there", "ssh://there"),
        ] {
            assert_eq!(DockerHost::parse(text).unwrap().to_string(), shown);
        }
    }

    #[test]
    fn published_ports_are_at_the_engine_s_host() {
        for (host, url) in [
            ("unix:///tmp/d.sock", "http://127.0.0.1:80/"),
            ("tcp://[::1]:2375", "http://[::1]:80/"),
            ("ssh://me@there:2222", "http://there:80/"),
        ] {
            assert_eq!(
                published_url("http", DockerHost::parse(host).unwrap().published_host(), 80, "/"),
                url
            );
        }
    }

    #[test]
    fn refuses_invalid_addresses() {
        for text in
            ["", "fd://x", "tcp://:2375", "ssh://", "ssh://-oProxyCommand=x", "tcp://h:port"]
        {
            assert!(DockerHost::parse(text).is_err(), "{text}");
        }
    }
}
