//! https: whom the prober trusts, and how a handshake fails.

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    date_time_ymd,
};
use rollproof::probe::Identity;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::RootCertStore;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use tokio_rustls::rustls::server::WebPkiClientVerifier;

use super::*;

type Issuer = CertifiedIssuer<'static, KeyPair>;

fn authority() -> Issuer {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

fn certificate(by: &Issuer, name: &str, until: i32) -> (rcgen::Certificate, KeyPair) {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    params.not_after = date_time_ymd(until, 1, 1);
    params.not_before = date_time_ymd(2020, 1, 1);
    params.extended_key_usages =
        vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    (params.signed_by(&key, by).unwrap(), key)
}

/// A server for `localhost` whose certificate is for `name` and valid until a year's beginning;
/// it wants a client certificate by `clients`, if there is an authority.
async fn secure(by: &Issuer, name: &str, until: i32, clients: Option<&Issuer>) -> SocketAddr {
    let (cert, key) = certificate(by, name, until);
    presenting(&cert, &key, clients).await
}

/// A server with this certificate.
async fn presenting(
    cert: &rcgen::Certificate,
    key: &KeyPair,
    clients: Option<&Issuer>,
) -> SocketAddr {
    let provider = Arc::new(default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .unwrap();
    let builder = match clients {
        None => builder.with_no_client_auth(),
        Some(clients) => {
            let mut roots = RootCertStore::empty();
            roots.add(clients.der().clone()).unwrap();
            let verifier =
                WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
            builder.with_client_cert_verifier(verifier.unwrap())
        }
    };
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let config = builder.with_single_cert(vec![cert.der().clone()], key).unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    server(move |_, stream| {
        let acceptor = acceptor.clone();
        async move {
            let Ok(mut stream) = acceptor.accept(stream).await else { return };
            let name = stream.get_ref().1.server_name().unwrap_or("none").to_owned();
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                match stream.read_u8().await {
                    Ok(byte) => head.push(byte),
                    Err(_) => return,
                }
            }
            let answer = format!(
                "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-Rollproof-Instance: {name}\r\n\r\nhello"
            );
            let _ = stream.write_all(answer.as_bytes()).await;
            let _ = stream.shutdown().await;
        }
    })
    .await
}

/// One request to `https://localhost` at this address.
fn to(address: SocketAddr, trusted: &Issuer) -> StreamPlan {
    let url = format!("https://localhost:{}/", address.port());
    let mut plan = StreamPlan::new("s", &url, 10.0).unwrap();
    plan.shots = Some(1);
    plan.tls.authorities = Some(trusted.pem());
    plan
}

#[tokio::test]
async fn a_trusted_server_answers_and_the_handshake_is_part_of_the_latency() {
    let authority = authority();
    let address = secure(&authority, "localhost", 2100, None).await;
    let shot = one(to(address, &authority)).await;
    assert_eq!((shot.outcome, shot.status), (Outcome::Ok, Some(200)));
    let times =
        [Some(shot.intended), shot.sent, shot.connected, shot.tls, shot.first_byte, shot.done];
    assert!(times.iter().all(Option::is_some) && times.is_sorted(), "{shot:?}");
}

#[tokio::test]
async fn a_name_is_asked_for_at_another_address() {
    let authority = authority();
    let address = secure(&authority, "shop.example", 2100, None).await;
    let url = format!("https://shop.example:{}/", address.port());
    let mut plan = StreamPlan::new("s", &url, 10.0).unwrap();
    (plan.shots, plan.tls.authorities) = (Some(1), Some(authority.pem()));
    plan.connect_to = Some("127.0.0.1".to_owned().into());
    let shot = one(plan).await;
    assert_eq!((shot.outcome, shot.replica.as_deref()), (Outcome::Ok, Some("shop.example")));
}

#[tokio::test]
async fn certificates_that_users_would_not_accept() {
    let (ours, other) = (authority(), authority());
    for (name, until, trusted, wanted) in [
        ("elsewhere.example", 2100, &ours, Outcome::TlsName),
        ("localhost", 2100, &other, Outcome::TlsUntrusted),
        ("localhost", 2021, &ours, Outcome::TlsExpired),
    ] {
        let address = secure(&ours, name, until, None).await;
        let mut plan = to(address, trusted);
        let shot = one(plan.clone()).await;
        assert_eq!((shot.outcome, shot.tls), (wanted, None));
        assert!(shot.connected.is_some());
        plan.tls = rollproof::probe::TlsSettings { insecure: true, ..Default::default() };
        assert_eq!(one(plan).await.outcome, Outcome::Ok);
    }
}

/// As `openssl req -x509` makes one: it is its own authority.
fn own_authority(name: &str, until: i32) -> (rcgen::Certificate, KeyPair) {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(until, 1, 1);
    (params.self_signed(&key).unwrap(), key)
}

#[tokio::test]
async fn a_certificate_that_is_its_own_authority_is_trusted_if_it_is_named() {
    let (other, _) = own_authority("localhost", 2100);
    for (name, until, named, wanted) in [
        ("localhost", 2100, true, Outcome::Ok),
        ("localhost", 2100, false, Outcome::TlsUntrusted),
        ("elsewhere.example", 2100, true, Outcome::TlsName),
        ("localhost", 2021, true, Outcome::TlsExpired),
    ] {
        let (cert, key) = own_authority(name, until);
        let address = presenting(&cert, &key, None).await;
        let mut plan = to(address, &authority());
        // With a byte order mark, as some editors write it.
        let trusted = if named { &cert } else { &other };
        plan.tls.authorities = Some(format!("\u{feff}{}", trusted.pem()));
        assert_eq!(one(plan).await.outcome, wanted, "{name} {until} {named}");
    }
}

#[tokio::test]
async fn handshakes_that_break_off() {
    let authority = authority();
    let closes = server(|_, mut stream| async move {
        let _ = stream.read_u8().await;
    })
    .await;
    let unsecured = answering(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n").await;
    for address in [closes, unsecured] {
        let mut plan = to(address, &authority);
        plan.timeout = Duration::from_secs(2);
        let shot = one(plan).await;
        assert!(
            matches!(shot.outcome, Outcome::TlsHandshake | Outcome::Timeout),
            "{:?}",
            shot.outcome
        );
    }
    assert_eq!(one(to(closes, &authority)).await.outcome, Outcome::TlsHandshake);
    let hangs = server(|_, stream| async move {
        let _held = stream;
        std::future::pending::<()>().await;
    })
    .await;
    let mut plan = to(hangs, &authority);
    (plan.deadline, plan.timeout) = (Duration::from_millis(100), Duration::from_millis(500));
    assert_eq!(one(plan).await.outcome, Outcome::Timeout);
}

#[tokio::test]
async fn a_client_certificate_opens_what_is_closed_without() {
    let (authority, clients) = (authority(), authority());
    let address = secure(&authority, "localhost", 2100, Some(&clients)).await;
    let mut plan = to(address, &authority);
    assert_eq!(one(plan.clone()).await.outcome, Outcome::TlsHandshake);
    let (cert, key) = certificate(&clients, "me", 2100);
    plan.tls.identity = Some(Identity { chain: cert.pem(), key: key.serialize_pem() });
    assert!(!format!("{plan:?}").contains("PRIVATE"));
    assert_eq!(one(plan).await.outcome, Outcome::Ok);
}

#[tokio::test]
async fn one_request_outside_a_schedule_is_made_in_the_same_way() {
    let authority = authority();
    let address = secure(&authority, "localhost", 2100, None).await;
    let within = Duration::from_secs(5);
    let answer = rollproof::probe::ask(to(address, &authority), within).await.unwrap();
    assert_eq!(answer.shot.outcome, Outcome::Ok);
}
