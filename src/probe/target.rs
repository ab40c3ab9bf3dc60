//! Where a stream's requests go.

use std::net::IpAddr;

use hyper::Uri;
use hyper::header::HeaderValue;

use crate::{Error, Result};

/// A checked `http://` URL, taken apart once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    /// The URL as given.
    pub url: String,
    /// Whom to connect to.
    pub host: Host,
    /// Port to connect to.
    pub port: u16,
    /// Path and query of the request line.
    pub path: Uri,
    /// The `Host` header the URL implies.
    pub authority: HeaderValue,
}

/// A literal address, or a name to be resolved anew for each connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Host {
    /// No lookup is needed.
    Address(IpAddr),
    /// Resolved by the system's resolver.
    Name(String),
}

impl Target {
    /// # Errors
    /// A usage error for anything but a whole `http://` URL without user information.
    pub fn parse(url: &str) -> Result<Self> {
        let wrong = |why: &str| Error::usage(format!("URL `{url}` {why}"));
        let uri: Uri = url.parse().map_err(|error| wrong("is not valid").caused_by(error))?;
        match uri.scheme_str() {
            Some("http") => {}
            Some("https") => {
                return Err(wrong("asks for TLS, which the prober does not speak")
                    .hint("probe the published http port, or the service behind the TLS proxy"));
            }
            Some(_) => return Err(wrong("has a scheme other than http")),
            None => {
                return Err(wrong("has no scheme").hint(format!("write `http://{url}`")));
            }
        }
        let authority = uri.authority().ok_or_else(|| wrong("names no host"))?;
        if authority.as_str().contains('@') {
            return Err(Error::usage("a URL with a user name or password cannot be probed")
                .hint("pass `-H 'Authorization: …'` instead"));
        }
        let bare = authority.host().trim_start_matches('[').trim_end_matches(']');
        if bare.is_empty() {
            return Err(wrong("names no host"));
        }
        let host = bare.parse().map_or_else(|_| Host::Name(bare.to_owned()), Host::Address);
        let port = match authority.port_u16() {
            Some(0) => return Err(wrong("has port 0")),
            Some(port) => port,
            // `http` drops a port it cannot read instead of refusing it.
            None if authority.as_str().len() > authority.host().len() => {
                return Err(wrong("has no valid port"));
            }
            None => 80,
        };
        let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
        let path = format!("{}{query}", uri.path());
        Ok(Self {
            host,
            port,
            path: path.parse().map_err(|error| wrong("has no valid path").caused_by(error))?,
            authority: HeaderValue::from_str(authority.as_str())
                .map_err(|error| wrong("has no valid host").caused_by(error))?,
            url: url.to_owned(),
        })
    }

    /// The same host with another path and query.
    ///
    /// # Errors
    /// A usage error for a path that does not begin with `/` or that HTTP does not allow.
    pub fn with_path(&self, path: &str) -> Result<Self> {
        if !path.starts_with('/') {
            return Err(Error::usage(format!("path `{path}` does not begin with /")));
        }
        let authority = self.authority.to_str().unwrap_or_default();
        Self::parse(&format!("http://{authority}{path}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_urls_apart() {
        let target = Target::parse("http://127.0.0.1:8080/a/b?c=d").unwrap();
        assert_eq!(target.host, Host::Address("127.0.0.1".parse().unwrap()));
        assert_eq!((target.port, target.path.to_string().as_str()), (8080, "/a/b?c=d"));
        assert_eq!(target.authority, "127.0.0.1:8080");

        let target = Target::parse("http://[::1]").unwrap();
        assert_eq!(target.host, Host::Address("::1".parse().unwrap()));
        assert_eq!((target.port, target.path.to_string().as_str()), (80, "/"));

        let target = Target::parse("http://tasks.web:8000?x").unwrap();
        assert_eq!(target.host, Host::Name("tasks.web".into()));
        assert_eq!(target.path.to_string(), "/?x");
    }

    #[test]
    fn another_path_keeps_the_host() {
        let target = Target::parse("http://[::1]:8080/a?b").unwrap();
        let slow = target.with_path("/slow?ms=4000").unwrap();
        assert_eq!(slow.url, "http://[::1]:8080/slow?ms=4000");
        assert_eq!((&slow.host, slow.port), (&target.host, target.port));
        assert!(target.with_path("slow").is_err());
        assert!(target.with_path("/a b").is_err());
    }

    #[test]
    fn refuses_what_it_cannot_probe() {
        for (url, part) in [
            ("https://a/", "TLS"),
            ("ftp://a/", "scheme"),
            ("localhost:8080", "scheme"),
            ("localhost", "scheme"),
            ("/path", "scheme"),
            ("http://u:p@a/", "password"),
            ("http://a:0/", "port"),
            ("http://a:99999/", ""),
            ("http://a:/", ""),
            ("http://", ""),
            ("http:// a/", ""),
            ("", ""),
        ] {
            let error = Target::parse(url).expect_err(url);
            assert_eq!(error.kind(), crate::ErrorKind::Usage, "{url}");
            assert!(error.message().contains(part), "{url}: {}", error.message());
        }
        let hints = Target::parse("localhost:8080").unwrap_err();
        assert_eq!(hints.hints(), ["write `http://localhost:8080`"]);
    }
}
