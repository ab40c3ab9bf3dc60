//! JSON requests that bypass bollard's models, and the errors of all requests.

use std::fmt;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::SendRequest;
use hyper::header::{CONTENT_TYPE, HOST};
use hyper::{Method, Request};
use serde_json::Value;

use super::{ANSWER_WITHIN, DockerHost, connection};
use crate::error::Error;

type Sender = SendRequest<Full<Bytes>>;

/// A small JSON client over kept-alive connections. Paths have no version prefix, so the engine
/// answers in its newest schema, as it does for bollard.
#[derive(Debug, Clone)]
pub(super) struct RawClient {
    host: DockerHost,
    idle: Arc<Mutex<Vec<Sender>>>,
}

impl RawClient {
    pub(super) fn new(host: DockerHost) -> Self {
        Self { host, idle: Arc::default() }
    }

    /// Sends a GET request and returns the answer as text.
    pub(super) async fn get_text(&self, path: &str) -> Result<String, ApiError> {
        let body = self.request(Method::GET, path, None, &[]).await?;
        Ok(String::from_utf8_lossy(&body).into_owned())
    }

    /// Sends a GET request and returns the answer as JSON.
    pub(super) async fn get(&self, path: &str) -> Result<Value, ApiError> {
        self.get_with(path, &[]).await
    }

    /// Sends a GET request with extra headers and returns the answer as JSON.
    pub(super) async fn get_with(
        &self,
        path: &str,
        headers: &[(&str, &str)],
    ) -> Result<Value, ApiError> {
        parse(&self.request(Method::GET, path, None, headers).await?)
    }

    /// Sends a POST request with a JSON body and returns the answer as JSON (null if empty).
    pub(super) async fn post(
        &self,
        path: &str,
        body: &Value,
        headers: &[(&str, &str)],
    ) -> Result<Value, ApiError> {
        parse(&self.request(Method::POST, path, Some(body), headers).await?)
    }

    /// Sends a request and returns the body of the answer.
    pub(super) async fn request(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        headers: &[(&str, &str)],
    ) -> Result<Bytes, ApiError> {
        // The filters behind the path only say which services were meant.
        let asked = format!("{method} {}", path.split('?').next().unwrap_or(path));
        match tokio::time::timeout(ANSWER_WITHIN, self.exchange(method, path, body, headers)).await
        {
            Ok(result) => result,
            Err(_) => Err(ApiError::unanswered(format!(
                "no answer to {asked} within {} s",
                ANSWER_WITHIN.as_secs()
            ))),
        }
    }

    async fn exchange(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        headers: &[(&str, &str)],
    ) -> Result<Bytes, ApiError> {
        let mut sender = self.sender().await?;
        let payload = body.map(|value| Bytes::from(value.to_string())).unwrap_or_default();
        let mut request = Request::builder().method(method).uri(path).header(HOST, "docker");
        if body.is_some() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::new(payload)).map_err(ApiError::unanswered)?;
        let response = sender.send_request(request).await.map_err(ApiError::unanswered)?;
        let status = response.status();
        let body = response.into_body().collect().await.map_err(ApiError::unanswered)?.to_bytes();
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(sender);
        if status.is_success() || status.as_u16() == 304 {
            return Ok(body);
        }
        let text = String::from_utf8_lossy(&body);
        let message = serde_json::from_str::<Value>(&text)
            .ok()
            .and_then(|value| value["message"].as_str().map(str::to_owned))
            .unwrap_or_else(|| text.into_owned());
        Err(ApiError { status: Some(status.as_u16()), message: message.trim().to_owned() })
    }

    /// A kept connection that is still open, or a new one. If the engine closes a kept connection
    /// at this moment, the request fails: nothing is sent twice.
    async fn sender(&self) -> Result<Sender, ApiError> {
        loop {
            let kept = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let Some(mut sender) = kept else { break };
            if sender.ready().await.is_ok() {
                return Ok(sender);
            }
        }
        let mut sender = connection::open(&self.host).await.map_err(ApiError::unanswered)?;
        sender.ready().await.map_err(ApiError::unanswered)?;
        Ok(sender)
    }
}

/// A request that the engine refused or did not answer.
#[derive(Debug)]
pub(super) struct ApiError {
    /// HTTP status; `None` when no answer came.
    pub(super) status: Option<u16>,
    /// The engine's message, or why no answer came.
    pub(super) message: String,
}

impl ApiError {
    /// A failure to get an answer.
    pub(super) fn unanswered(cause: impl fmt::Display) -> Self {
        Self { status: None, message: cause.to_string() }
    }

    /// Whether the requested object does not exist.
    pub(super) fn is_not_found(&self) -> bool {
        self.status == Some(404)
    }

    /// Whether the service changed since it was read. Engines answer 500 or 409 (see
    /// `UpdateService` in swarmkit), so the text decides.
    pub(super) fn is_out_of_sequence(&self) -> bool {
        self.message.contains("update out of sequence")
    }

    /// The error for the user: what failed, the engine's message, what to do.
    pub(super) fn into_error(self, failed: impl Into<String>) -> Error {
        let text = self.message.clone();
        let error = Error::environment(failed).caused_by(self);
        if text.contains("not a swarm manager") {
            error.hint("`docker swarm init` makes this engine a manager, --init-swarm does so for one run, --engine lab uses a private engine")
        } else if text.contains("is already in use by service") {
            error.hint("another service publishes this port: change the port in the stack file, or remove that service")
        } else if text.contains("permission denied") {
            error.hint("run as root, or as a member of the `docker` group")
        } else {
            error
        }
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.status {
            Some(status) => write!(f, "the engine answered {status}: {}", self.message),
            None => f.write_str(&self.message),
        }
    }
}

impl std::error::Error for ApiError {}

impl From<bollard::errors::Error> for ApiError {
    fn from(error: bollard::errors::Error) -> Self {
        use bollard::errors::Error as Bollard;
        match error {
            Bollard::DockerResponseServerError { status_code, message } => {
                Self { status: Some(status_code), message: message.trim().to_owned() }
            }
            Bollard::DockerStreamError { error } => Self { status: None, message: error },
            Bollard::IOError { err } => Self::unanswered(err),
            Bollard::RequestTimeoutError => Self::unanswered("timed out"),
            other => Self::unanswered(other),
        }
    }
}

fn parse(body: &[u8]) -> Result<Value, ApiError> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Ok(Value::Null);
    }
    serde_json::from_slice(body)
        .map_err(|error| ApiError::unanswered(format!("the engine's answer is not JSON: {error}")))
}

/// Encodes one query parameter.
pub(super) fn query(key: &str, value: &str) -> String {
    let mut encoded = format!("{key}=");
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}
