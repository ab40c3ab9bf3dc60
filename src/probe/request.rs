//! What a request asks, and where: its method and its URL.

use std::borrow::Cow;
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use hyper::Uri;
use hyper::header::HeaderValue;
use serde::{Deserialize, Serialize};

use super::tls;
use crate::wording::{cut, nearest};
use crate::{Error, Result};

/// How much of a URL a message shows, in characters.
const SHOWN: usize = 200;

/// The HTTP methods a stream can use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Method {
    /// `GET`.
    #[default]
    Get,
    /// `HEAD`: the response has no body to compare.
    Head,
    /// `POST`: proxies do not repeat it on another replica.
    Post,
    /// `PUT`.
    Put,
    /// `PATCH`.
    Patch,
    /// `DELETE`.
    Delete,
    /// `OPTIONS`.
    Options,
}

impl Method {
    /// The word in the request line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
            Self::Options => "OPTIONS",
        }
    }

    pub(crate) fn to_http(self) -> hyper::Method {
        match self {
            Self::Get => hyper::Method::GET,
            Self::Head => hyper::Method::HEAD,
            Self::Post => hyper::Method::POST,
            Self::Put => hyper::Method::PUT,
            Self::Patch => hyper::Method::PATCH,
            Self::Delete => hyper::Method::DELETE,
            Self::Options => hyper::Method::OPTIONS,
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Method {
    type Err = Error;

    fn from_str(word: &str) -> Result<Self> {
        let all = [
            Self::Get,
            Self::Head,
            Self::Post,
            Self::Put,
            Self::Patch,
            Self::Delete,
            Self::Options,
        ];
        let names = all.map(Self::as_str).join(", ");
        all.into_iter()
            .find(|method| method.as_str().eq_ignore_ascii_case(word))
            .ok_or_else(|| Error::usage(format!("`{word}` is not supported; use one of {names}")))
    }
}

/// A checked `http://`, `https://`, `ws://`, `wss://` or `tcp://` URL, parsed once. Serialised as the URL.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(super) struct Target {
    /// The URL as given.
    pub url: String,
    /// Whether it is asked in TLS.
    pub secure: bool,
    /// Whether it is asked in TCP alone, without HTTP.
    pub raw: bool,
    /// Whether it is asked to become a WebSocket.
    pub websocket: bool,
    /// Host to connect to.
    pub host: Host,
    /// Port to connect to.
    pub port: u16,
    /// Path and query of the request line.
    pub path: Uri,
    /// The `Host` header the URL implies.
    pub authority: HeaderValue,
}

/// A literal address, or a name that is resolved for each connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum Host {
    /// No lookup is needed.
    Address(IpAddr),
    /// Resolved by the system's resolver.
    Name(String),
}

impl From<String> for Host {
    fn from(text: String) -> Self {
        let bare = text.trim_start_matches('[').trim_end_matches(']');
        bare.parse().map_or_else(|_| Self::Name(bare.to_owned()), Self::Address)
    }
}

impl From<Host> for String {
    fn from(host: Host) -> Self {
        match host {
            Host::Address(address) => address.to_string(),
            Host::Name(name) => name,
        }
    }
}

impl Target {
    /// # Errors
    /// A usage error for anything but an absolute URL of a known scheme, without user information.
    pub fn parse(url: &str) -> Result<Self> {
        let shown = cut(&without_user(url), SHOWN);
        let wrong = |why: &str| Error::usage(format!("URL `{shown}` {why}"));
        let uri: Uri = url.parse().map_err(|error| wrong("is not valid").caused_by(error))?;
        let (secure, raw, websocket) = match uri.scheme_str() {
            Some("http") => (false, false, false),
            Some("https") => (true, false, false),
            Some("ws") => (false, false, true),
            Some("wss") => (true, false, true),
            Some("tcp") => (false, true, false),
            Some(scheme) => {
                let text =
                    format!("uses `{scheme}`; only http, https, ws, wss and tcp are supported");
                let error = wrong(&text);
                return Err(match nearest(scheme, ["http", "https", "ws", "wss", "tcp"]) {
                    Some(near) => error.hint(format!("did you mean `{near}`?")),
                    None => error.hint("tcp://HOST:PORT asks any service over TCP"),
                });
            }
            None => {
                let rest = shown.trim_start_matches('/');
                return Err(wrong("has no scheme").hint(format!("write `http://{rest}`")));
            }
        };
        let authority = uri.authority().ok_or_else(|| wrong("has no host"))?;
        if authority.as_str().contains('@') {
            return Err(Error::usage("a URL must not contain a user name or password")
                .hint("--user NAME:PASSWORD sends them"));
        }
        if authority.host().contains('%') {
            return Err(wrong("has a zone or an escape in its host, which cannot be asked"));
        }
        let bare = authority.host().trim_start_matches('[').trim_end_matches(']');
        if bare.is_empty() {
            return Err(wrong("has no host"));
        }
        let host = Host::from(bare.to_owned());
        let port = match authority.port_u16() {
            Some(0) => return Err(wrong("has port 0; use 1 to 65535")),
            Some(port) => port,
            // The `http` crate ignores a port that it cannot parse.
            None if authority.as_str().len() > authority.host().len() => {
                return Err(wrong("has an invalid port; use 1 to 65535"));
            }
            None if raw => return Err(wrong("has no port").hint("write tcp://host:port")),
            None if secure => 443,
            None => 80,
        };
        let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
        let path = format!("{}{query}", uri.path());
        if secure {
            tls::server_name(bare)?;
        }
        if raw && (!matches!(uri.path(), "" | "/") || uri.query().is_some()) {
            return Err(wrong("has a path, which TCP does not know"));
        }
        Ok(Self {
            secure,
            raw,
            websocket,
            host,
            port,
            path: path.parse().map_err(|error| wrong("has an invalid path").caused_by(error))?,
            authority: HeaderValue::from_str(authority.as_str())
                .map_err(|error| wrong("has an invalid host").caused_by(error))?,
            url: url.to_owned(),
        })
    }

    /// The same host with another path and query.
    ///
    /// # Errors
    /// A usage error for a path that does not start with `/` or that HTTP does not allow.
    pub fn with_path(&self, path: &str) -> Result<Self> {
        if !path.starts_with('/') {
            return Err(Error::usage(format!("path `{path}` must start with /")));
        }
        let authority = self.authority.to_str().unwrap_or_default();
        Self::parse(&format!("{}://{authority}{path}", self.scheme()))
    }

    /// The same address, asked to become a WebSocket.
    ///
    /// # Errors
    /// A usage error in TCP alone.
    pub fn as_websocket(&self) -> Result<Self> {
        let after = self.url.split_once("://").map_or("", |(_, after)| after);
        match (self.raw, self.secure) {
            (true, _) => Err(Error::usage(format!("URL `{}` is no WebSocket's", self.url))),
            (false, true) => Self::parse(&format!("wss://{after}")),
            (false, false) => Self::parse(&format!("ws://{after}")),
        }
    }

    /// The scheme of the URL.
    pub fn scheme(&self) -> &'static str {
        match (self.secure, self.raw, self.websocket) {
            (true, _, false) => "https",
            (false, true, _) => "tcp",
            (false, false, false) => "http",
            (true, _, true) => "wss",
            (false, false, true) => "ws",
        }
    }

    /// The host as a certificate names it.
    pub fn name(&self) -> String {
        self.host.clone().into()
    }
}

/// A URL without the name and the password in it, which are never shown.
fn without_user(url: &str) -> Cow<'_, str> {
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let Some(at) = rest[..end].rfind('@') else { return Cow::Borrowed(url) };
    let scheme = if scheme.is_empty() { String::new() } else { format!("{scheme}://") };
    Cow::Owned(format!("{scheme}…{}", &rest[at..]))
}

impl TryFrom<String> for Target {
    type Error = Error;

    fn try_from(url: String) -> Result<Self> {
        Self::parse(&url)
    }
}

impl From<Target> for String {
    fn from(target: Target) -> Self {
        target.url
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_parsed() {
        let target = Target::parse("http://127.0.0.1:8080/a/b?c=d").unwrap();
        assert_eq!(target.host, Host::Address("127.0.0.1".parse().unwrap()));
        assert_eq!((target.port, target.path.to_string().as_str()), (8080, "/a/b?c=d"));
        assert_eq!(target.authority, "127.0.0.1:8080");

        let target = Target::parse("https://shop.example.org/").unwrap();
        assert_eq!((target.secure, target.port), (true, 443));
        assert_eq!(target.with_path("/b").unwrap().url, "https://shop.example.org/b");

        let target = Target::parse("wss://shop.example.org/live?a").unwrap();
        assert_eq!((target.secure, target.websocket, target.port), (true, true, 443));
        assert_eq!(target.with_path("/b").unwrap().url, "wss://shop.example.org/b");
        let target = Target::parse("http://a:81/b?c").unwrap().as_websocket().unwrap();
        assert_eq!((target.url.as_str(), target.port), ("ws://a:81/b?c", 81));
        assert!(Target::parse("tcp://a:1").unwrap().as_websocket().is_err());

        let target = Target::parse("http://[::1]").unwrap();
        assert_eq!(target.host, Host::Address("::1".parse().unwrap()));
        assert_eq!((target.port, target.path.to_string().as_str()), (80, "/"));

        let target = Target::parse("http://tasks.web:8000?x").unwrap();
        assert_eq!(target.host, Host::Name("tasks.web".into()));
        assert_eq!(target.path.to_string(), "/?x");
    }

    #[test]
    fn changing_the_path_keeps_the_host() {
        let target = Target::parse("http://[::1]:8080/a?b").unwrap();
        let slow = target.with_path("/slow?ms=4000").unwrap();
        assert_eq!(slow.url, "http://[::1]:8080/slow?ms=4000");
        assert_eq!((&slow.host, slow.port), (&target.host, target.port));
        assert!(target.with_path("slow").is_err());
        assert!(target.with_path("/a b").is_err());
    }

    #[test]
    fn unsupported_urls_are_refused() {
        for (url, part) in [
            ("https://a_b-.-/", "certificate"),
            ("ftp://a/", "only http"),
            ("tcp://a/", "port"),
            ("tcp://a:1/b", "path"),
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
        for url in
            ["http://u:secret@a b/", "u:secret@a:80", "ftp://u:secret@a/", "http://u:secret@a/"]
        {
            let error = Target::parse(url).unwrap_err();
            let text = format!("{} {:?}", error.with_cause(), error.hints());
            assert!(!text.contains("secret"), "{text}");
        }
        let hints = Target::parse("localhost:8080").unwrap_err();
        assert_eq!(hints.hints(), ["write `http://localhost:8080`"]);
    }

    #[test]
    fn methods_are_parsed_in_any_case() {
        assert_eq!("get".parse::<Method>().unwrap(), Method::Get);
        assert_eq!("HEAD".parse::<Method>().unwrap(), Method::Head);
        assert_eq!("Post".parse::<Method>().unwrap(), Method::Post);
        assert_eq!("patch".parse::<Method>().unwrap(), Method::Patch);
        let error = "TRACE".parse::<Method>().unwrap_err();
        assert!(error.message().contains("TRACE") && error.message().contains("OPTIONS"));
    }
}
