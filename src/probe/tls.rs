//! TLS: whom to trust, who to be, and how a handshake fails.

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::sync::{Arc, OnceLock};

use serde::{Deserialize, Serialize};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::client::Resumption;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::pem::{self, PemObject};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::{CertificateError, ClientConfig, Error as TlsError, RootCertStore};

use super::trust::{AnyCertificate, OwnCertificates};
use crate::record::Outcome;
use crate::{Error, Result};

/// Whom to trust and who to be in TLS.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct TlsSettings {
    /// The authorities that may sign the server's certificate, as PEM; absent: those that this
    /// machine trusts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorities: Option<String>,
    /// Whether any certificate is good.
    #[serde(default)]
    pub insecure: bool,
    /// The client's certificate.
    #[serde(default, skip)]
    pub identity: Option<Identity>,
}

/// A client certificate and its key, as PEM. The key is a secret: it is not part of an order.
#[derive(Clone, PartialEq, Eq)]
pub struct Identity {
    /// The certificate, followed by those that lead to its authority.
    pub chain: String,
    /// The private key.
    pub key: String,
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Identity { … }")
    }
}

/// What a stream's connections need to speak TLS.
pub(super) struct Secure {
    pub connector: TlsConnector,
    pub name: ServerName<'static>,
}

impl TlsSettings {
    /// What rustls needs. Sessions are not resumed: each connection is a new user's, and a resumed
    /// session would not look at a new certificate.
    ///
    /// # Errors
    /// A usage error for certificates that cannot be read or do not fit; an environment error if
    /// this machine trusts no authority.
    pub fn client(&self, protocol: &[u8]) -> Result<Arc<ClientConfig>> {
        let wrong = |what: &str| Error::usage(format!("{what} cannot be used"));
        let provider = Arc::new(default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| wrong("TLS").caused_by(error))?;
        let builder = match &self.authorities {
            _ if self.insecure => {
                let any = Arc::new(AnyCertificate(provider));
                builder.dangerous().with_custom_certificate_verifier(any)
            }
            None => builder.with_root_certificates(system_roots()?),
            Some(pem) => {
                let given = certificates(pem, "--cacert")?;
                let own = OwnCertificates::new(Arc::new(roots(&given)?), given, provider)
                    .map_err(|error| wrong("--cacert").caused_by(error))?;
                builder.dangerous().with_custom_certificate_verifier(Arc::new(own))
            }
        };
        let mut config = match &self.identity {
            None => builder.with_no_client_auth(),
            Some(Identity { chain, key }) => {
                let chain = certificates(chain, "--cert")?;
                let key = PrivateKeyDer::from_pem_slice(key.as_bytes())
                    .map_err(|error| unusable_key(key, &error))?;
                builder.with_client_auth_cert(chain, key).map_err(|error| {
                    wrong("the client certificate")
                        .caused_by(error)
                        .hint("--cert and --key must belong together")
                })?
            }
        };
        config.resumption = Resumption::disabled();
        config.alpn_protocols = vec![protocol.to_vec()];
        Ok(Arc::new(config))
    }
}

/// Why a private key cannot be used. Nothing of it is shown.
fn unusable_key(pem: &str, error: &pem::Error) -> Error {
    if pem.contains("ENCRYPTED") {
        return Error::usage("the private key of --cert is encrypted")
            .hint("`openssl pkey -in FILE -out PLAIN` writes it without its passphrase");
    }
    Error::usage("there is no usable private key for --cert")
        .caused_by(pem_fault(error))
        .hint("--key names its file, in PEM format and unencrypted [default: the file of --cert]")
}

/// What is wrong with a PEM file. The library shows bytes as numbers.
fn pem_fault(error: &pem::Error) -> String {
    match error {
        pem::Error::MissingSectionEnd { .. } => {
            "a section has no end: the file breaks off".to_owned()
        }
        pem::Error::IllegalSectionStart { .. } => "a section begins in a wrong way".to_owned(),
        pem::Error::NoItemsFound => "the file holds none".to_owned(),
        error => error.to_string(),
    }
}

/// How a certificate in the binary form begins, read as text: an ASN.1 sequence.
const BINARY: char = '0';

fn certificates(pem: &str, option: &str) -> Result<Vec<CertificateDer<'static>>> {
    let wrong = || {
        let error =
            Error::usage(format!("the file of {option} holds no certificate in PEM format"));
        if pem.starts_with(BINARY) && pem.contains('\u{fffd}') {
            error.hint(
                "`openssl x509 -inform der -in FILE -out FILE.pem` turns one in DER into that",
            )
        } else {
            error
        }
    };
    // Some editors put a byte order mark before the first line.
    let pem = pem.trim_start_matches('\u{feff}');
    let found = CertificateDer::pem_slice_iter(pem.as_bytes()).collect::<Result<Vec<_>, _>>();
    let found = found.map_err(|error| wrong().caused_by(pem_fault(&error)))?;
    if found.is_empty() { Err(wrong()) } else { Ok(found) }
}

fn roots(certificates: &[CertificateDer<'static>]) -> Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates {
        roots.add(certificate.clone()).map_err(|error| {
            Error::usage("a certificate in the file of --cacert is not valid").caused_by(error)
        })?;
    }
    Ok(roots)
}

/// The authorities that this machine trusts, read once.
fn system_roots() -> Result<Arc<RootCertStore>> {
    static ROOTS: OnceLock<Arc<RootCertStore>> = OnceLock::new();
    let roots = ROOTS.get_or_init(|| {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        Arc::new(roots)
    });
    if roots.is_empty() {
        return Err(Error::environment("this machine trusts no certificate authority")
            .hint("install the package ca-certificates, or name one with --cacert"));
    }
    Ok(Arc::clone(roots))
}

/// The name that a server's certificate must have.
pub(super) fn server_name(host: &str) -> Result<ServerName<'static>> {
    ServerName::try_from(host.to_owned()).map_err(|error| {
        Error::usage(format!("`{host}` is not a name that a certificate can have")).caused_by(error)
    })
}

/// How a handshake ended that failed.
pub(super) fn outcome_of(error: &io::Error) -> Outcome {
    match tls_error(error) {
        Some(TlsError::InvalidCertificate(why)) => match why {
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                Outcome::TlsName
            }
            CertificateError::Expired
            | CertificateError::ExpiredContext { .. }
            | CertificateError::NotValidYet
            | CertificateError::NotValidYetContext { .. } => Outcome::TlsExpired,
            _ => Outcome::TlsUntrusted,
        },
        _ => Outcome::TlsHandshake,
    }
}

/// Whether the server said, within TLS, that it refuses this client. With TLS 1.3 that comes after
/// the handshake.
pub(super) fn is_refusal(error: &(dyn StdError + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        let io = error.downcast_ref::<io::Error>().and_then(tls_error);
        if matches!(io, Some(TlsError::AlertReceived(_))) {
            return true;
        }
        cause = error.source();
    }
    false
}

fn tls_error(error: &io::Error) -> Option<&TlsError> {
    error.get_ref().and_then(|inner| inner.downcast_ref())
}
