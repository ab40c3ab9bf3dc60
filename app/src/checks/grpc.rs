//! The standard health service of gRPC
//! (<https://github.com/grpc/grpc/blob/master/doc/health-checking.md>), in the words and codes of
//! `grpc_health_probe`.

use std::time::Duration;

use tokio::time::timeout;
use tonic::transport::Endpoint;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use super::Found;

const SERVING: ServingStatus = ServingStatus::Serving;

/// Asks for the status of `service`; an empty one is the server as a whole. The limit holds for the
/// connection and again for the call.
pub async fn check(address: &str, service: String, limit: Duration) -> Found {
    let shown = humantime::format_duration(limit);
    let Ok(endpoint) = Endpoint::from_shared(format!("http://{address}")) else {
        return Found::ill(1, format!("{address}: expected HOST:PORT"));
    };
    let channel = match timeout(limit, endpoint.connect()).await {
        Ok(Ok(channel)) => channel,
        Ok(Err(error)) => {
            let why = innermost(&error);
            return Found::ill(2, format!("{address}: cannot connect: {why}"));
        }
        Err(_) => return Found::ill(2, format!("{address}: cannot connect within {shown}")),
    };
    let call = async { HealthClient::new(channel).check(HealthCheckRequest { service }).await };
    match timeout(limit, call).await {
        Ok(Ok(answer)) => {
            let status = answer.into_inner().status();
            let name = status.as_str_name();
            if status == SERVING {
                Found::well(format!("status: {name}"))
            } else {
                Found::ill(4, format!("service unhealthy (responded with \"{name}\")"))
            }
        }
        Ok(Err(status)) => {
            let code = status.code();
            let why = match status.message() {
                "" => String::new(),
                message => format!(": {message}"),
            };
            Found::ill(3, format!("{address}: the call failed: {code:?}{why}"))
        }
        Err(_) => Found::ill(3, format!("{address}: no answer within {shown}")),
    }
}

/// What really went wrong: the outer errors only say "transport error".
fn innermost(error: &tonic::transport::Error) -> String {
    let mut last: &(dyn std::error::Error + 'static) = error;
    while let Some(source) = last.source() {
        last = source;
    }
    last.downcast_ref().map_or_else(|| last.to_string(), crate::backends::reason)
}
