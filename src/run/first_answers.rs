//! Asking a service before anything is measured: whether it answers at all, and which streams it
//! can answer.

use std::time::Duration;

use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use crate::error::{Error, Result};
use crate::probe::{self, StreamPlan};
use crate::record::Outcome;
use crate::wording::{clean, cut, span};

/// How long users may need to get their first good responses after the stack has converged: a
/// proxy that resolves names once a minute, as some do, gets its minute.
const FIRST_WITHIN: Duration = Duration::from_secs(75);
/// How long the same client error may stand if a proxy may still have to learn its routes: Traefik
/// asks the swarm every 15 s, and answers 404 until then.
const LEARNT_WITHIN: Duration = Duration::from_secs(30);
/// How long the same redirect, refusal or client error may stand: it is no sign of a start.
const REFUSAL_STANDS: Duration = Duration::from_secs(5);
/// How long the same wrong certificate may stand, and an answer in another protocol.
const CERTIFICATE_STANDS: Duration = Duration::from_secs(9);
/// If there is still no good response after this time, the user sees what comes instead.
const TOLD_AFTER: Duration = Duration::from_secs(8);
const ASK_EVERY: Duration = Duration::from_millis(100);
const ANSWER_WITHIN: Duration = Duration::from_secs(2);
/// A slower response tests no update any more.
const SLOW_AT_MOST: Duration = Duration::from_secs(60);
/// A proxy may answer well once and then ask a replica that it does not know yet.
const GOOD_IN_A_ROW: u32 = 10;
/// How much of a redirect's target is shown, in characters.
const SHOWN: usize = 160;

/// A response that was not good, or none.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Bad {
    /// How it ended.
    outcome: Outcome,
    /// The response's status, if there was one.
    status: Option<u16>,
    /// What came, and the beginning of its body.
    what: String,
    /// Where a redirect leads.
    location: Option<String>,
}

/// What may still have to start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Start {
    /// Nothing: the stack was there before, or the service answers its port itself.
    Over,
    /// A proxy that was just started, and may have to learn its routes.
    ProxyLearns,
}

/// Asks what a user asks until the response is good ten times in a row. Nothing of this is
/// measured.
///
/// # Errors
/// When it is not in time, or what comes cannot become good by waiting, with the last response;
/// when the user stops the run.
pub(super) async fn first_answers(
    plan: &StreamPlan,
    start: Start,
    tell: &dyn Fn(String),
    interrupt: &CancellationToken,
) -> Result<()> {
    let url = plan.url();
    let begun = Instant::now();
    let within = ANSWER_WITHIN.max(plan.deadline);
    let mut good = 0;
    // The last bad response, and since when all had its status.
    let mut bad: Option<(Bad, Instant)> = None;
    let mut told = false;
    while good < GOOD_IN_A_ROW {
        if interrupt.is_cancelled() {
            return Err(Error::interrupted(format!("interrupted while waiting for {url}")));
        }
        match ask(plan, within).await? {
            Ok(_) => (good, bad) = (good + 1, None),
            Err(new) => {
                let since = match &bad {
                    Some((old, since)) if old.is_like(&new) => *since,
                    _ => Instant::now(),
                };
                let may_stand = new.may_stand(start);
                if since.elapsed() >= may_stand || begun.elapsed() >= FIRST_WITHIN {
                    return Err(new.into_error(url, begun.elapsed()));
                }
                if begun.elapsed() >= TOLD_AFTER && !told {
                    told = true;
                    tell(new.so_far(url, may_stand.min(FIRST_WITHIN)));
                }
                (good, bad) = (0, Some((new, since)));
            }
        }
        sleep(if good > 0 { Duration::from_millis(10) } else { ASK_EVERY }).await;
    }
    Ok(())
}

/// How long one good response to a stream's request took, or why there was none.
///
/// # Errors
/// When the user stops the run.
pub(super) async fn one_answer(
    plan: &StreamPlan,
    interrupt: &CancellationToken,
) -> Result<std::result::Result<Duration, String>> {
    let (method, url) = (plan.method, plan.url());
    let answer = tokio::select! {
        () = interrupt.cancelled() => {
            return Err(Error::interrupted(format!("interrupted while waiting for {url}")));
        }
        answer = ask(plan, SLOW_AT_MOST) => answer?,
    };
    Ok(answer.map_err(|bad| match bad.status {
        Some(_) => format!("{method} {url} answers with {}", bad.what),
        None => format!("{method} {url} fails: {}", bad.what),
    }))
}

/// Sends one request of a stream and compares the response with what the stream expects; returns
/// how long a good one took.
///
/// # Errors
/// When the request cannot be sent as planned.
async fn ask(plan: &StreamPlan, within: Duration) -> Result<std::result::Result<Duration, Bad>> {
    let answer = probe::ask(plan.clone(), within).await?;
    let shot = &answer.shot;
    let took = || Duration::from_secs_f64(shot.latency().unwrap_or_default().as_secs_f64());
    let wrong = match (shot.outcome, shot.status) {
        (Outcome::Ok | Outcome::Late, _) => return Ok(Ok(took())),
        (Outcome::Timeout, _) => {
            let what = format!("no complete response within {}", span(within.into()));
            return Ok(Err(Bad::none(shot.outcome, what)));
        }
        (outcome, None) => return Ok(Err(Bad::none(outcome, outcome.meaning().to_owned()))),
        (Outcome::WrongBody, _) => " with another body than the expected one".to_owned(),
        (Outcome::WrongHeader, _) => match &answer.missing {
            Some((name, value)) => format!(" without the header `{name}: {value}`"),
            None => " without an expected header".to_owned(),
        },
        (Outcome::Cut | Outcome::StreamReset | Outcome::GoAway, Some(_)) => {
            let what = format!("the response broke off ({})", shot.outcome);
            return Ok(Err(Bad::none(shot.outcome, what)));
        }
        (_, Some(_)) => String::new(),
    };
    let status = shot.status.unwrap_or_default();
    let location = answer.location.as_ref().map(|to| cut(&clean(to), SHOWN));
    let to = location.as_ref().map(|to| format!(" to {to}")).unwrap_or_default();
    let body = shot.body.as_deref().unwrap_or_default();
    let body = if body.is_empty() { ", no body".to_owned() } else { format!(", body \"{body}\"") };
    let what = format!("status {status}{to}{wrong}{body}");
    Ok(Err(Bad { outcome: shot.outcome, status: Some(status), what, location }))
}

impl Bad {
    /// No complete response.
    fn none(outcome: Outcome, what: String) -> Self {
        Self { outcome, status: None, what, location: None }
    }

    fn is_like(&self, other: &Self) -> bool {
        (self.status, self.status.is_none().then_some(self.outcome))
            == (other.status, other.status.is_none().then_some(other.outcome))
    }

    /// How long it may be all that comes: the start of a service looks different.
    fn may_stand(&self, start: Start) -> Duration {
        match self.status {
            Some(404) if start == Start::ProxyLearns => LEARNT_WITHIN,
            Some(200..=499) => REFUSAL_STANDS,
            // A proxy may get its certificates first, and have a made-up one until then.
            None if self.is_of_certificate() => CERTIFICATE_STANDS,
            None if self.is_of_protocol() => match start {
                Start::Over => CERTIFICATE_STANDS,
                Start::ProxyLearns => LEARNT_WITHIN,
            },
            _ => FIRST_WITHIN,
        }
    }

    fn is_of_certificate(&self) -> bool {
        matches!(self.outcome, Outcome::TlsName | Outcome::TlsUntrusted | Outcome::TlsExpired)
    }

    /// Whether something answers in another protocol than it is asked in.
    fn is_of_protocol(&self) -> bool {
        matches!(self.outcome, Outcome::TlsHandshake | Outcome::Cut | Outcome::GoAway)
    }

    /// What is said while there is still hope.
    fn so_far(&self, url: &str, within: Duration) -> String {
        let text = format!("still no good response from {url}: {}", self.what);
        let hints = self.hints().first().map(|hint| format!("; {hint}")).unwrap_or_default();
        format!("{text} (waiting up to {}){hints}", span(within.into()))
    }

    fn into_error(self, url: &str, after: Duration) -> Error {
        let text =
            format!("no good response from {url} within {}: {}", span(after.into()), self.what);
        self.hints().into_iter().fold(Error::environment(text), Error::hint)
    }

    /// What may help, the likeliest first.
    fn hints(&self) -> Vec<String> {
        let Some(status) = self.status else {
            let text = match self.outcome {
                Outcome::TlsName => {
                    "--url https://NAME/ --resolve NAME asks for the certificate's name at the stack's \
                     address; --insecure accepts any certificate"
                }
                Outcome::TlsUntrusted => {
                    "--cacert names the authority that issued it; --insecure accepts any certificate"
                }
                Outcome::TlsExpired => "--insecure accepts any certificate",
                Outcome::TlsHandshake => {
                    "--scheme http, or an http:// URL, asks without TLS; --cert and --key show a client certificate; \
                     --http2 needs a server that offers it"
                }
                Outcome::Cut | Outcome::GoAway | Outcome::Reset => {
                    "--scheme https, or an https:// URL, asks in TLS, --http2 in HTTP/2, if the port \
                     speaks that"
                }
                _ => {
                    "the stack has converged; if its users ask another address, name it with --url"
                }
            };
            return vec![text.to_owned()];
        };
        let expected = format!("if this is a good response, --expect-status {status} says so");
        let first = match (status, &self.location) {
            (300..=399, Some(to)) if to.starts_with("https:") => {
                let host = to.trim_start_matches("https://").split([':', '/']).next();
                format!(
                    "--scheme https asks the stack's own port in TLS; --url {to} --resolve {} asks \
                     for that name at the stack's address",
                    host.unwrap_or("HOST")
                )
            }
            (300..=399, Some(to)) if to.starts_with('/') => {
                format!(
                    "redirects are not followed: --path {to}, or a --url with that path, asks where \
                     this one leads"
                )
            }
            (300..=399, Some(to)) => {
                format!("redirects are not followed: --url {to} asks where this one leads")
            }
            (401 | 403, _) => {
                "--user NAME:PASSWORD or -H 'Authorization: …' sends credentials".to_owned()
            }
            (404, _) => "--path names what to ask, such as /health; -H 'Host: …' sends the host \
                         name that a proxy routes by"
                .to_owned(),
            (400, _) => "--scheme https, or an https:// URL, asks in TLS, if the port speaks that; -H, --method and --body say \
                         what to send"
                .to_owned(),
            (405, _) => "--method names another method, such as POST".to_owned(),
            (421, _) => {
                "--url https://NAME/ --resolve NAME asks for a name that the server answers for, at the \
                 stack's address"
                    .to_owned()
            }
            (426, _) => "--http2 asks in HTTP/2; --ws-path asks for a WebSocket".to_owned(),
            (429, _) => {
                "the service limits its requests: allow more of them for the run, or ask fewer with --rate"
                    .to_owned()
            }
            (500.., _) => {
                return vec![
                    "the stack has converged; the logs of its services say why: `docker service logs`"
                        .to_owned(),
                ];
            }
            _ => {
                return vec![
                    "--expect-status, --expect-header and --expect-body say what a good response is"
                        .to_owned(),
                ];
            }
        };
        vec![first, expected]
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    /// A plan that asks a server which answers in this way, or with 200 if it is asked for
    /// `shop.example.org`.
    async fn plan(answer: &'static str) -> StreamPlan {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        tokio::spawn(async move {
            loop {
                let (mut wire, _) = listener.accept().await.unwrap();
                let mut request = vec![0; 4096];
                let length = wire.read(&mut request).await.unwrap();
                let asked = String::from_utf8_lossy(&request[..length]).to_lowercase();
                let shop = asked.contains("host: shop.example.org");
                let answer = if shop { "HTTP/1.1 200 OK\r\nX-A: b\r\n\r\nhello" } else { answer };
                wire.write_all(answer.as_bytes()).await.unwrap();
            }
        });
        StreamPlan::new("users", &url, 1.0).unwrap()
    }

    async fn error(answer: &'static str) -> Error {
        let plan = plan(answer).await;
        first_answers(&plan, Start::Over, &drop, &CancellationToken::new()).await.unwrap_err()
    }

    #[tokio::test]
    async fn a_redirect_ends_the_wait_soon_and_says_where_it_leads() {
        let to = "HTTP/1.1 308 Permanent Redirect\r\nLocation: https://shop.example.org/\r\n\r\n";
        let error = error(to).await;
        let text = error.message();
        assert!(text.contains("status 308 to https://shop.example.org/, no body"), "{text}");
        let hint = &error.hints()[0];
        assert!(hint.contains("--scheme https"), "{hint}");
        assert!(hint.contains("--resolve shop.example.org asks"), "{hint}");
        assert!(error.hints()[1].contains("--expect-status 308"), "{:?}", error.hints());
    }

    #[tokio::test]
    async fn an_expected_refusal_is_a_good_response() {
        let refusal = "HTTP/1.1 401 Unauthorized\r\n\r\nno entry,\n  sorry";
        let mut plan = plan(refusal).await;
        let bad = ask(&plan, ANSWER_WITHIN).await.unwrap().unwrap_err();
        assert_eq!(bad.what, "status 401, body \"no entry, sorry\"");
        assert_eq!(bad.may_stand(Start::ProxyLearns), REFUSAL_STANDS);
        plan.expect.status = Some(401);
        first_answers(&plan, Start::Over, &drop, &CancellationToken::new()).await.unwrap();
    }

    #[tokio::test]
    async fn headers_are_sent_and_everything_that_is_expected_is_compared() {
        let mut plan = plan("HTTP/1.1 404 Not Found\r\n\r\n").await;
        plan.header("Host", "shop.example.org").unwrap();
        ask(&plan, ANSWER_WITHIN).await.unwrap().unwrap();
        plan.expect.headers = vec![("x-a".into(), "c".into())];
        let bad = ask(&plan, ANSWER_WITHIN).await.unwrap().unwrap_err();
        assert_eq!(bad.what, "status 200 without the header `x-a: c`, body \"hello\"");
        plan.expect.headers[0].1 = "b".into();
        plan.expect.body = crate::probe::BodyExpect::Exact("hell".into());
        let bad = ask(&plan, ANSWER_WITHIN).await.unwrap().unwrap_err();
        assert_eq!(bad.what, "status 200 with another body than the expected one, body \"hello\"");
    }

    #[tokio::test]
    async fn a_missing_page_ends_the_wait_soon_unless_a_proxy_may_learn_its_route() {
        let missing = "HTTP/1.1 404 Not Found\r\n\r\n404 page not found";
        let begun = Instant::now();
        let error = error(missing).await;
        assert!(begun.elapsed() < Duration::from_secs(10));
        assert!(error.message().contains("status 404, body"), "{error}");
        assert!(error.hints()[0].contains("--path"), "{:?}", error.hints());
        let plan = plan(missing).await;
        let bad = ask(&plan, ANSWER_WITHIN).await.unwrap().unwrap_err();
        assert_eq!(bad.may_stand(Start::ProxyLearns), LEARNT_WITHIN);
        let told = bad.so_far("http://a/", LEARNT_WITHIN);
        assert!(told.contains("status 404") && told.contains("30 s"), "{told}");
    }
}
