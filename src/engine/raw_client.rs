//! Requests whose JSON must not pass through bollard's models.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::SendRequest;
use hyper::header::{CONTENT_TYPE, HOST};
use hyper::{Method, Request};
use serde_json::Value;

use super::api_error::ApiError;
use super::{ANSWER_WITHIN, DockerHost, connection};

type Sender = SendRequest<Full<Bytes>>;

/// A small JSON client over kept-alive connections. Paths carry no version, so that the
/// engine answers in its own newest schema, as it does for bollard.
#[derive(Debug, Clone)]
pub(super) struct RawClient {
    host: DockerHost,
    idle: Arc<Mutex<Vec<Sender>>>,
}

impl RawClient {
    pub(super) fn new(host: DockerHost) -> Self {
        Self { host, idle: Arc::default() }
    }

    /// GET, the answer as text.
    pub(super) async fn get_text(&self, path: &str) -> Result<String, ApiError> {
        let body = self.request(Method::GET, path, None, &[]).await?;
        Ok(String::from_utf8_lossy(&body).into_owned())
    }

    /// GET, the answer as JSON.
    pub(super) async fn get(&self, path: &str) -> Result<Value, ApiError> {
        parse(&self.request(Method::GET, path, None, &[]).await?)
    }

    /// POST of a JSON body, the answer as JSON (null if empty).
    pub(super) async fn post(
        &self,
        path: &str,
        body: &Value,
        headers: &[(&str, &str)],
    ) -> Result<Value, ApiError> {
        parse(&self.request(Method::POST, path, Some(body), headers).await?)
    }

    async fn request(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        headers: &[(&str, &str)],
    ) -> Result<Bytes, ApiError> {
        let asked = format!("{method} {path}");
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

    /// A kept connection that is still open, or a new one. A kept one that the engine closes in
    /// this very moment fails the request: nothing is sent twice.
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
            use std::fmt::Write as _;
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}
