//! `check grpc` against a real server with the standard health service.

use std::net::SocketAddr;

use tokio::runtime::Runtime;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic_health::ServingStatus;

use super::harness::check;
use super::servers::free_port;

/// A server with the services `well` and `ill`, or without the health service.
fn serve(runtime: &Runtime, with_health: bool) -> String {
    runtime.block_on(async {
        let (reporter, health) = tonic_health::server::health_reporter();
        reporter.set_service_status("well", ServingStatus::Serving).await;
        reporter.set_service_status("ill", ServingStatus::NotServing).await;
        let incoming = TcpIncoming::bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
        let address = incoming.local_addr().unwrap().to_string();
        let router = if with_health {
            Server::builder().add_service(health)
        } else {
            Server::builder().add_optional_service(
                None::<
                    tonic_health::pb::health_server::HealthServer<
                        tonic_health::server::HealthService,
                    >,
                >,
            )
        };
        tokio::spawn(router.serve_with_incoming(incoming));
        address
    })
}

#[test]
fn a_server_is_serving_not_serving_or_unknown() {
    let runtime = Runtime::new().unwrap();
    let address = serve(&runtime, true);
    assert_eq!(check(&["grpc", &address], &[]), (0, "status: SERVING".into()));
    assert_eq!(check(&["grpc", "--addr", &address, "--service", "well"], &[]).0, 0);
    assert_eq!(
        check(&["grpc", &address, "--service", "ill"], &[]),
        (4, "service unhealthy (responded with \"NOT_SERVING\")".into())
    );
    let (code, line) = check(&["grpc", &address, "--service", "other"], &[]);
    assert_eq!(code, 3);
    assert!(line.contains("the call failed: NotFound"), "{line}");
    assert!(!line.ends_with([':', ' ']), "{line}");

    let without = serve(&runtime, false);
    let (code, line) = check(&["grpc", &without], &[]);
    assert_eq!(code, 3);
    assert!(line.contains("the call failed: Unimplemented"), "{line}");
}

#[test]
fn a_server_is_absent_hangs_or_is_none() {
    let port = free_port();
    let (code, line) = check(&["grpc", &format!("127.0.0.1:{port}")], &[]);
    assert_eq!((code, line), (2, format!("127.0.0.1:{port}: cannot connect: connection refused")));
    // The kernel accepts; nobody answers.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap().to_string();
    let (code, line) = check(&["grpc", &address, "--timeout", "300ms"], &[]);
    assert!(matches!(code, 2 | 3) && line.ends_with("within 300ms"), "{code} {line}");
    assert_eq!(check(&["grpc"], &[]).0, 1);
    assert_eq!(check(&["grpc", "nowhere"], &[]).0, 1);
}
