//! What requests carry and how they travel: the same options wherever something is asked.

use std::path::{Path, PathBuf};

use clap::Args;

use super::header::{Header, HeaderParser, UserParser};
use crate::error::{Error, Result};
use crate::probe::{Asked, Host, Identity, Method, Resolve, TlsSettings, WeightedPath};

/// The most turns that weighted paths may take.
const MOST_TURNS: u32 = 10_000;

/// What requests carry, and how they travel.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Request")]
pub(super) struct RequestArgs {
    /// Header to send, such as 'Host: web.example'; can be repeated
    #[arg(long = "header", short = 'H', value_name = "NAME: VALUE", value_parser = HeaderParser)]
    headers: Vec<Header>,

    /// HTTP method, such as POST [default: GET, or what a stream is for]
    #[arg(long, short = 'X', value_name = "METHOD", hide_short_help = true)]
    method: Option<Method>,

    /// Body to send, or @FILE for the content of a file
    #[arg(long, value_name = "TEXT", hide_short_help = true)]
    body: Option<String>,

    /// Content type of the body
    #[arg(long, value_name = "TYPE", requires = "body", hide_short_help = true)]
    content_type: Option<String>,

    /// Name and password for basic authentication
    #[arg(long, short = 'u', value_name = "NAME:PASSWORD", value_parser = UserParser, hide_short_help = true)]
    user: Option<Header>,

    /// Send cookies back over the connection on which they came, as sticky sessions need it
    #[arg(long, hide_short_help = true)]
    cookies: bool,

    /// Ask in HTTP/2: agreed on in TLS, presumed without TLS [default: HTTP/1.1]
    #[arg(long, hide_short_help = true)]
    http2: bool,

    /// File with the certificate authorities to trust, in PEM format [default: this machine's]
    #[arg(long, value_name = "FILE", conflicts_with = "insecure", hide_short_help = true)]
    cacert: Option<PathBuf>,

    /// Accept any certificate
    #[arg(long, short = 'k', hide_short_help = true)]
    insecure: bool,

    /// File with the client's certificate, in PEM format
    #[arg(long, value_name = "FILE", hide_short_help = true)]
    cert: Option<PathBuf>,

    /// File with the key of --cert, in PEM format [default: the file of --cert]
    #[arg(long, value_name = "FILE", requires = "cert", hide_short_help = true)]
    key: Option<PathBuf>,

    /// Connect to ADDR for a host of a URL; can be repeated. Without ADDR: to the stack's address
    #[arg(long, value_name = "HOST[:PORT][:ADDR]", value_parser = resolve, hide_short_help = true)]
    resolve: Vec<Resolve>,
}

impl RequestArgs {
    /// What the user wants requests to be, `paths` being asked in turn.
    ///
    /// # Errors
    /// A usage error for files that cannot be read and options that contradict each other.
    pub(super) fn asked(&self, paths: &[WeightedPath]) -> Result<Asked> {
        let mut headers: Vec<_> = self.headers.iter().map(Header::pair).collect();
        let has = |name: &str| self.headers.iter().any(|own| own.is(name));
        if let Some(user) = &self.user {
            if has("authorization") {
                return Err(Error::usage(
                    "--user and a header `Authorization` contradict each other",
                ));
            }
            headers.push(user.pair());
        }
        if let Some(kind) = &self.content_type {
            if has("content-type") {
                return Err(Error::usage(
                    "--content-type and a header `Content-Type` contradict each other",
                ));
            }
            headers.push(("content-type".into(), kind.clone()));
        }
        let turns: u32 = paths.iter().map(|path| path.weight).fold(0, u32::saturating_add);
        if turns > MOST_TURNS {
            return Err(Error::usage(format!(
                "the weights of all paths together exceed {MOST_TURNS}"
            ))
            .hint("only their ratio matters: 2:/a and 1:/b ask /a twice as often as /b"));
        }
        Ok(Asked {
            content: self.content()?,
            headers,
            paths: if paths.len() > 1 { paths.to_vec() } else { Vec::new() },
            cookies: self.cookies,
            http2: self.http2,
            tls: self.tls()?,
            resolve: self.resolve.clone(),
        })
    }

    /// Whether an option only makes sense in TLS.
    pub(super) fn needs_tls(&self) -> Option<&'static str> {
        let options = [
            ("--cacert", self.cacert.is_some()),
            ("--insecure", self.insecure),
            ("--cert", self.cert.is_some()),
        ];
        options.into_iter().find_map(|(name, given)| given.then_some(name))
    }

    /// The method and the body. A body without a method is posted, as curl does.
    fn content(&self) -> Result<Option<(Method, bytes::Bytes)>> {
        let body = match self.body.as_deref().map(|body| (body, body.strip_prefix('@'))) {
            None => None,
            Some((_, Some(file))) => {
                Some(read("--body", Path::new(file), |file| std::fs::read(file))?)
            }
            Some((text, None)) => Some(text.as_bytes().to_vec()),
        };
        let method = self.method.or(body.as_ref().map(|_| Method::Post));
        if method == Some(Method::Head) && body.is_some() {
            return Err(Error::usage("a HEAD request has no body"));
        }
        Ok(method.map(|method| (method, body.unwrap_or_default().into())))
    }

    fn tls(&self) -> Result<TlsSettings> {
        let pem =
            |option: &str, file: &Path| read(option, file, |file| std::fs::read_to_string(file));
        let identity = self.cert.as_ref().map(|cert| {
            let key = self.key.as_ref().map_or(("--cert", cert), |key| ("--key", key));
            Ok::<_, Error>(Identity { chain: pem("--cert", cert)?, key: pem(key.0, key.1)? })
        });
        let settings = TlsSettings {
            authorities: self.cacert.as_ref().map(|file| pem("--cacert", file)).transpose()?,
            insecure: self.insecure,
            identity: identity.transpose()?,
        };
        if self.needs_tls().is_some() {
            settings.client(b"http/1.1")?;
        }
        Ok(settings)
    }
}

fn read<T>(option: &str, file: &Path, read: impl Fn(&Path) -> std::io::Result<T>) -> Result<T> {
    read(file).map_err(|error| {
        Error::usage(format!("cannot read the file of {option}, {}", file.display()))
            .caused_by(error)
    })
}

/// Reads a path with an optional weight: `/health` or `3:/health`.
pub(super) fn weighted_path(text: &str) -> Result<WeightedPath, String> {
    let (weight, path) = match text.split_once(':') {
        Some((weight, path)) if !weight.contains('/') => {
            let wrong = "a weight must be a number from 1 to 1000, as in 3:/health";
            (weight.parse().map_err(|_| wrong)?, path)
        }
        _ => (1, text),
    };
    if !(1..=1000).contains(&weight) {
        return Err("a weight must be a number from 1 to 1000, as in 3:/health".into());
    }
    super::values::path(path).map(|path| WeightedPath { weight, path })
}

/// Reads where a host really is.
fn resolve(text: &str) -> Result<Resolve, String> {
    let wrong = || {
        "write HOST:PORT:ADDR as for curl, or HOST:ADDR, or HOST for the stack's address".to_owned()
    };
    let (host, rest) = match text.split_once(':') {
        Some((host, rest)) => (host, Some(rest)),
        None => (text, None),
    };
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    if host.is_empty() || !host.chars().all(plain) {
        return Err(wrong());
    }
    let address = |text: &str| {
        let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
        bare.parse().ok().map(Host::Address)
    };
    let (port, to) = match rest {
        None => (None, None),
        Some(rest) => match (address(rest), rest.split_once(':')) {
            (Some(to), _) => (None, Some(to)),
            (None, Some((port, to))) => {
                let to = address(to)
                    .ok_or_else(|| format!("`{to}` is not an IP address; {}", wrong()))?;
                (Some(super::values::port(port)?), Some(to))
            }
            (None, None) => {
                let port = super::values::port(rest);
                (
                    Some(port.map_err(|_| {
                        format!("`{rest}` is neither a port nor an IP address; {}", wrong())
                    })?),
                    None,
                )
            }
        },
    };
    Ok(Resolve { host: host.to_owned(), port, to })
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use clap::error::ErrorKind;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        request: RequestArgs,
    }

    fn read(words: &[&str]) -> Result<RequestArgs, clap::Error> {
        Line::try_parse_from(["x"].iter().chain(words)).map(|line| line.request)
    }

    fn asked(words: &[&str]) -> Result<Asked> {
        read(words).unwrap().asked(&[])
    }

    #[test]
    fn what_is_typed_is_sent() {
        let words = ["-H", "Host: shop.example.org", "--header=X-A:1", "-u", "me:a:b", "--http2"];
        let typed = asked(&words).unwrap();
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(
            typed.headers,
            [
                pair("Host", "shop.example.org"),
                pair("X-A", "1"),
                pair("authorization", "Basic bWU6YTpi")
            ]
        );
        assert!(typed.http2 && typed.content.is_none());
        let typed = asked(&["--body", "{}", "--content-type", "application/json"]).unwrap();
        assert_eq!(typed.content, Some((Method::Post, "{}".into())));
        assert_eq!(typed.headers, [pair("content-type", "application/json")]);
        let typed = asked(&["-X", "put"]).unwrap();
        assert_eq!(typed.content, Some((Method::Put, "".into())));
    }

    #[test]
    fn hosts_are_resolved_as_curl_spells_it() {
        let of = |text: &str| resolve(text).map(|r| (r.host, r.port, r.to.map(String::from)));
        let host = || "shop.example".to_owned();
        let to = |text: &str| Some(text.to_owned());
        assert_eq!(of("shop.example:443:127.0.0.1"), Ok((host(), Some(443), to("127.0.0.1"))));
        assert_eq!(of("shop.example:443:[::1]"), Ok((host(), Some(443), to("::1"))));
        assert_eq!(of("shop.example:::1"), Ok((host(), None, to("::1"))));
        assert_eq!(of("shop.example:10.0.0.2"), Ok((host(), None, to("10.0.0.2"))));
        assert_eq!(of("shop.example:443"), Ok((host(), Some(443), None)));
        assert_eq!(of("shop.example"), Ok((host(), None, None)));
        for wrong in ["", ":443:127.0.0.1", "a b", "a:0:127.0.0.1", "a:443:b", "a:x", "a:443:1.2.3"]
        {
            assert!(resolve(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn paths_have_weights() {
        let of = |text: &str| weighted_path(text).map(|path| (path.weight, path.path));
        assert_eq!(of("/a:b"), Ok((1, "/a:b".into())));
        assert_eq!(of("3:/a"), Ok((3, "/a".into())));
        for wrong in ["", "a", "0:/a", "1001:/a", "x:/a", "3:a", "-1:/a"] {
            assert!(weighted_path(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn contradictions_and_missing_files_are_refused() {
        for (words, part) in [
            (&["-H", "Authorization: x", "-u", "a:secret"][..], "contradict"),
            (&["-X", "HEAD", "--body", "x"], "no body"),
            (&["--body", "@/nonexistent"], "/nonexistent"),
            (&["--cacert", "/nonexistent"], "--cacert, /nonexistent"),
            (&["--cacert", "/dev/null"], "no certificate"),
            (&["--cert", "/dev/null"], "no certificate"),
        ] {
            let error = asked(words).unwrap_err();
            let text = error.with_cause();
            assert_eq!(error.kind(), crate::ErrorKind::Usage);
            assert!(text.contains(part) && !text.contains("secret"), "{text}");
        }
        for words in [&["--key", "a"][..], &["--content-type", "a"], &["-k", "--cacert", "a"]] {
            assert!(read(words).is_err(), "{words:?}");
        }
    }

    #[test]
    fn wrong_headers_are_refused_and_secrets_are_not_repeated() {
        for (words, part) in [
            (["-H", "Authorization secret"], "no colon"),
            (["-H", "a b: secret"], "not valid"),
            (["-H", "Connection: secret"], "set by the prober"),
            (["-u", "secret"], "no colon"),
            (["-u", ":secret"], "no name"),
        ] {
            let error = read(&words).unwrap_err();
            let text = error.to_string();
            assert!(text.contains(part) && !text.contains("secret"), "{text}");
            assert_eq!(error.kind(), ErrorKind::ValueValidation);
        }
        let secret = read(&["-H", "Authorization: secret"]).unwrap();
        assert!(!format!("{secret:?}").contains("secret"));
    }
}
