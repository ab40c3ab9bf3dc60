//! What requests carry and how they travel: the same options wherever something is asked.

use std::path::{Path, PathBuf};

use clap::Args;

use super::discreet::Discreet;
use super::header::Header;
use super::resolve_args;
use crate::error::{Error, Result};
use crate::probe::{Asked, Identity, Method, Resolve, StreamPlan, TlsSettings, WeightedPath};
use crate::whole_file;

/// The largest file of an option, in bytes: each request sends the body, and all authorities of a
/// system are a quarter of a MiB.
const LARGEST_FILE: u64 = 16 << 20;
/// The most turns that weighted paths may take.
const MOST_TURNS: u32 = 10_000;

/// What requests carry, and how they travel.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Request")]
pub(super) struct RequestArgs {
    /// Header to send, such as 'Host: web.example'; can be repeated
    #[arg(long = "header", short = 'H', value_name = "NAME: VALUE", value_parser = Discreet(Header::parse))]
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
    #[arg(long, short = 'u', value_name = "NAME:PASSWORD", value_parser = Discreet(Header::basic), hide_short_help = true)]
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
    #[arg(long, value_name = "HOST[:PORT][:ADDR]", value_parser = resolve_args::read, hide_short_help = true)]
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
        for name in ["host", "user-agent"] {
            if self.headers.iter().filter(|own| own.is(name)).count() > 1 {
                return Err(Error::usage(format!(
                    "two headers `{name}` contradict each other: a request has one"
                )));
            }
        }
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

    /// Whether an option only makes sense in HTTP. A body without a method is something to say in TCP,
    /// too.
    pub(super) fn needs_http(&self) -> Option<&'static str> {
        let options = [
            ("--header", !self.headers.is_empty()),
            ("--user", self.user.is_some()),
            ("--method", self.method.is_some()),
            ("--content-type", self.content_type.is_some()),
            ("--cookies", self.cookies),
            ("--http2", self.http2),
        ];
        options.into_iter().find_map(|(name, given)| given.then_some(name))
    }

    /// Whether cookies are to be sent back, which takes connections that are kept.
    pub(super) fn wants_cookies(&self) -> bool {
        self.cookies
    }

    /// Refuses what would have no effect on any of these streams.
    ///
    /// # Errors
    /// A usage error that names the option.
    pub(super) fn check_for(&self, plans: &[StreamPlan]) -> Result<()> {
        let all = |schemes: &[&str]| plans.iter().all(|plan| schemes.contains(&plan.scheme()));
        if let Some(option) = self.needs_tls()
            && all(&["http", "ws", "tcp"])
        {
            return Err(Error::usage(format!("{option} needs an https:// URL")));
        }
        if let Some(option) = self.needs_http()
            && all(&["tcp"])
        {
            return Err(Error::usage(format!("{option} has no effect on a tcp:// URL"))
                .hint("--body says something, and --expect-body expects an answer"));
        }
        resolve_args::check(&self.resolve, plans)
    }

    /// Whether an option only makes sense in TLS.
    fn needs_tls(&self) -> Option<&'static str> {
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
            Some((_, Some(file))) => Some(read("--body", Path::new(file))?),
            Some((text, None)) => Some(text.as_bytes().to_vec()),
        };
        let method = self.method.or(body.as_ref().map(|_| Method::Post));
        if method == Some(Method::Head) && body.is_some() {
            return Err(Error::usage("a HEAD request has no body"));
        }
        Ok(method.map(|method| (method, body.unwrap_or_default().into())))
    }

    fn tls(&self) -> Result<TlsSettings> {
        let pem = |option: &str, file: &Path| {
            let bytes = read(option, file)?;
            // What is no text holds no certificate, and that is said where it is looked for.
            Ok::<_, Error>(String::from_utf8_lossy(&bytes).into_owned())
        };
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

/// Reads the file that an option names.
fn read(option: &str, file: &Path) -> Result<Vec<u8>> {
    whole_file::read(file, LARGEST_FILE).map_err(|error| {
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
            (&["--cacert", "/dev/zero"], "larger than 16 MiB"),
            (&["--body", "@/dev/zero"], "larger than 16 MiB"),
            (&["-H", "Host: a", "-H", "host: b"], "contradict"),
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
