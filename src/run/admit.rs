//! Which streams a service can answer, found out before anything is measured.

use tokio_util::sync::CancellationToken;

use super::first_answers::one_answer;
use crate::error::{Error, Result};
use crate::probe::StreamPlan;
use crate::streams::{StreamKind, Trial};
use crate::wording::length;

/// Asks once what each stream with a trial will ask. One that gets no good response is left out,
/// and the reason is among the texts; if `insist`, it is an error. It is one too if a kind of stream in
/// `named`, for which the user named a path, gets none at any address.
///
/// # Errors
/// When a stream that was asked for gets no good response, or the user stops the run.
pub(super) async fn admit(
    plans: Vec<(&'static StreamKind, StreamPlan)>,
    insist: bool,
    named: &[&str],
    speed: f64,
    interrupt: &CancellationToken,
) -> Result<(Vec<StreamPlan>, Vec<String>)> {
    let mut admitted = Vec::with_capacity(plans.len());
    let (mut kinds, mut left_out) = (Vec::new(), Vec::new());
    for (kind, mut plan) in plans {
        let why = match kind.trial.map(|trial| trial.at_speed(speed)) {
            Some(trial) => attempt(&mut plan, trial, interrupt).await?.err().zip(Some(trial)),
            None => None,
        };
        match why {
            None => {
                kinds.push(kind.name);
                admitted.push(plan);
            }
            Some((why, trial)) if insist => return Err(unmeasured(&plan.name, &why, trial)),
            Some((why, trial)) => left_out.push((kind.name, plan.name, why, trial)),
        }
    }
    let wanted = |kind: &str| named.contains(&kind) && !kinds.contains(&kind);
    if let Some((_, stream, why, trial)) = left_out.iter().find(|(kind, ..)| wanted(kind)) {
        return Err(unmeasured(stream, why, *trial));
    }
    let text = |(_, stream, why, trial): (&str, String, String, Trial)| {
        format!("stream {stream} is left out: {why} ({} names {})", trial.option, trial.needs)
    };
    Ok((admitted, left_out.into_iter().map(text).collect()))
}

fn unmeasured(stream: &str, why: &str, trial: Trial) -> Error {
    let Trial { option, needs, .. } = trial;
    Error::usage(format!("stream {stream} cannot be measured: {why}"))
        .hint(format!("name {needs} with {option}, or leave that stream out"))
}

/// A slow response's own time is added to its deadline.
async fn attempt(
    plan: &mut StreamPlan,
    trial: Trial,
    interrupt: &CancellationToken,
) -> Result<std::result::Result<(), String>> {
    Ok(one_answer(plan, interrupt).await?.and_then(|took| {
        if took < trial.at_least {
            return Err(format!("{} answers after only {}", plan.url(), length(took.into())));
        }
        if !trial.at_least.is_zero() {
            plan.takes = took;
            plan.deadline += took;
            plan.timeout += took;
        }
        Ok(())
    }))
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;
    use crate::streams::TABLE;

    /// The stream `proxy-post` to a server that answers in this way.
    async fn post(answer: &'static str) -> (&'static StreamKind, StreamPlan) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        tokio::spawn(async move {
            loop {
                let (mut wire, _) = listener.accept().await.unwrap();
                let _ = wire.read(&mut [0; 4096]).await;
                wire.write_all(answer.as_bytes()).await.unwrap();
            }
        });
        let kind = TABLE.iter().find(|kind| kind.name == "proxy-post").unwrap();
        (kind, StreamPlan::new("proxy-post", &url, 1.0).unwrap())
    }

    #[tokio::test]
    async fn a_path_that_was_named_must_answer_somewhere() {
        const MISSING: &str = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";
        const FINE: &str = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
        let interrupt = CancellationToken::new();
        let missing = || async { vec![post(MISSING).await] };
        let (admitted, left_out) =
            admit(missing().await, false, &[], 1.0, &interrupt).await.unwrap();
        assert!(admitted.is_empty() && left_out[0].contains("is left out"), "{left_out:?}");
        let error =
            admit(missing().await, false, &["proxy-post"], 1.0, &interrupt).await.unwrap_err();
        assert_eq!(error.kind(), crate::ErrorKind::Usage);
        assert!(error.hints()[0].contains("--post-path"), "{:?}", error.hints());
        let both = vec![post(MISSING).await, post(FINE).await];
        let (admitted, left_out) =
            admit(both, false, &["proxy-post"], 1.0, &interrupt).await.unwrap();
        assert_eq!((admitted.len(), left_out.len()), (1, 1));
    }
}
