//! Checked TLS settings of a listener: a certificate, its key, and who signs clients.
//!
//! Everything that can be found wrong is found here, before a port is bound, and all of it at once:
//! files without what belongs in them, an encrypted or foreign key, a certificate that is not valid
//! now. Reading the files is the caller's.

use super::certificate::Certificate;
use bess_core::config::{Problem, Problems};
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{Timestamp, Unit};
use std::fmt;
use std::sync::Arc;
use tokio_rustls::rustls::crypto::{CryptoProvider, ring};
use tokio_rustls::rustls::pki_types::pem::{self, PemObject, SectionKind};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use tokio_rustls::rustls::sign::{CertifiedKey, SingleCertAndKey};
use tokio_rustls::rustls::version::{TLS12, TLS13};
use tokio_rustls::rustls::{
    Error, InconsistentKeys, RootCertStore, ServerConfig, SupportedProtocolVersion,
};

/// A file in PEM form: its name for messages, and what it holds.
#[derive(Clone, PartialEq, Eq)]
pub struct PemFile {
    /// The name that problems are reported under, usually the path.
    pub name: String,
    /// The content.
    pub bytes: Vec<u8>,
}

/// The name alone: the content may be a key.
impl fmt::Debug for PemFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PemFile").field(&self.name).finish()
    }
}

/// The TLS settings of a listener.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsSpec {
    /// The server's certificate, then those between it and its CA.
    pub certificate: PemFile,
    /// The key of the server's certificate: PKCS #8, PKCS #1 or SEC 1, not encrypted.
    pub key: PemFile,
    /// The authorities whose clients are let in.
    pub client_ca: PemFile,
    /// Whether TLS 1.2 is spoken beside 1.3.
    pub allow_tls_1_2: bool,
}

impl TlsSpec {
    /// Checks everything and makes the configuration of the server: every client must prove itself
    /// with a certificate of `client_ca`.
    ///
    /// # Errors
    /// All that is wrong, each with the file and how to mend it.
    pub fn server_config(&self) -> Result<Arc<ServerConfig>, Problems> {
        let mut problems = Vec::new();
        let now = TimeZone::UTC.to_datetime(Timestamp::now());
        let provider = Arc::new(ring::default_provider());
        let certified = certified(&self.certificate, &self.key, now, &provider, &mut problems);
        let authorities = self.authorities(now, &mut problems);
        let (Some(certified), []) = (certified, problems.as_slice()) else {
            return Err(Problems(problems));
        };

        let unexpected = |error: &dyn fmt::Display| {
            Problems(vec![Problem::without_place(&self.client_ca.name, error.to_string(), None)])
        };
        let verifier =
            WebPkiClientVerifier::builder_with_provider(Arc::new(authorities), provider.clone())
                .build()
                .map_err(|error| unexpected(&error))?;
        let versions: &[&SupportedProtocolVersion] =
            if self.allow_tls_1_2 { &[&TLS13, &TLS12] } else { &[&TLS13] };
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(versions)
            .map_err(|error| unexpected(&error))?
            .with_client_cert_verifier(verifier)
            .with_cert_resolver(Arc::new(SingleCertAndKey::from(certified)));
        // A resumed session is not verified again: it would outlive the certificate that it stands on.
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        Ok(Arc::new(config))
    }

    fn authorities(&self, now: DateTime, problems: &mut Vec<Problem>) -> RootCertStore {
        let file = &self.client_ca.name;
        let mut authorities = RootCertStore::empty();
        for (der, read) in certificates(&self.client_ca, problems) {
            if !read.is_ca {
                problems.push(Problem::without_place(
                    file,
                    format!("the certificate of {} is not one of an authority", read.subject),
                    Some("give the certificate of the CA that signs the clients".to_owned()),
                ));
            }
            check_dates(file, &read, now, problems);
            if let Err(error) = authorities.add(der) {
                problems.push(Problem::without_place(
                    file,
                    format!("the certificate of {} cannot be used: {error}", read.subject),
                    None,
                ));
            }
        }
        authorities
    }
}

/// Checks certificate and key of an HTTPS server, whose clients need no certificate, and makes its
/// configuration: TLS 1.3 and 1.2, HTTP/1.1.
///
/// # Errors
/// All that is wrong, each with the file and how to mend it.
pub fn https_config(certificate: &PemFile, key: &PemFile) -> Result<Arc<ServerConfig>, Problems> {
    let mut problems = Vec::new();
    let now = TimeZone::UTC.to_datetime(Timestamp::now());
    let provider = Arc::new(ring::default_provider());
    let certified = certified(certificate, key, now, &provider, &mut problems);
    let (Some(certified), []) = (certified, problems.as_slice()) else {
        return Err(Problems(problems));
    };
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&TLS13, &TLS12])
        .map_err(|error| {
            Problems(vec![Problem::without_place(&certificate.name, error.to_string(), None)])
        })?
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(SingleCertAndKey::from(certified)));
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// A server's certificate, valid `now`, with its key.
fn certified(
    certificate: &PemFile,
    key: &PemFile,
    now: DateTime,
    provider: &CryptoProvider,
    problems: &mut Vec<Problem>,
) -> Option<CertifiedKey> {
    let chain = certificates(certificate, problems);
    if let Some((_, own)) = chain.first() {
        check_dates(&certificate.name, own, now, problems);
    }
    let der = private_key(key, problems)?;
    let chain: Vec<_> = chain.into_iter().map(|(der, _)| der).collect();
    if chain.is_empty() {
        return None; // Reported above.
    }
    let certified = CertifiedKey::from_der(chain, der, provider);
    certified.map_err(|error| problems.push(unfit(certificate, key, &error))).ok()
}

/// What certificate and key, each readable, do not make together.
fn unfit(certificate: &PemFile, key: &PemFile, error: &Error) -> Problem {
    match error {
        Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => Problem::without_place(
            &key.name,
            format!("the key does not belong to the first certificate in {}", certificate.name),
            Some(
                "give the key that the certificate was made for, and the server's own \
                 certificate before those of its authorities"
                    .to_owned(),
            ),
        ),
        Error::InvalidCertificate(error) => Problem::without_place(
            &certificate.name,
            format!("the first certificate cannot be used: {error}"),
            Some("a certificate is X.509 version 3".to_owned()),
        ),
        error => Problem::without_place(
            &key.name,
            format!("the key cannot be used: {error}"),
            Some("keys are ECDSA (P-256, P-384), RSA (2048 bits or more) or Ed25519".to_owned()),
        ),
    }
}

/// Every certificate in PEM text: in DER, and what is read of it. Problems are reported under `name`.
///
/// # Errors
/// Nothing but certificates that can be read is taken; there is at least one.
pub fn certificates_in(file: &PemFile) -> Result<Vec<Certificate>, Problems> {
    let mut problems = Vec::new();
    let found = certificates(file, &mut problems);
    if problems.is_empty() {
        Ok(found.into_iter().map(|(_, read)| read).collect())
    } else {
        Err(Problems(problems))
    }
}

fn certificates(
    file: &PemFile,
    problems: &mut Vec<Problem>,
) -> Vec<(CertificateDer<'static>, Certificate)> {
    let mut found = Vec::new();
    let Some(sections) = sections(file, problems) else {
        return found;
    };
    let n_before = problems.len();
    for (index, (_, der)) in
        sections.iter().filter(|(kind, _)| *kind == SectionKind::Certificate).enumerate()
    {
        match Certificate::parse(der) {
            Ok(read) => found.push((CertificateDer::from(der.clone()), read)),
            Err(error) => problems.push(Problem::without_place(
                &file.name,
                format!("certificate {} of the file: {error}", index + 1),
                Some("a certificate is X.509 version 3".to_owned()),
            )),
        }
    }
    if found.is_empty() && problems.len() == n_before {
        problems.push(Problem::without_place(
            &file.name,
            format!("there is no certificate in the file{}", instead(file, &sections)),
            Some("it begins with -----BEGIN CERTIFICATE-----".to_owned()),
        ));
    }
    found
}

fn private_key(file: &PemFile, problems: &mut Vec<Problem>) -> Option<PrivateKeyDer<'static>> {
    // The second is the old form, within a section that looks like a key.
    if has(file, b"BEGIN ENCRYPTED PRIVATE KEY") || has(file, b"4,ENCRYPTED") {
        problems.push(Problem::without_place(
            &file.name,
            "the key is encrypted, and nobody is there to give its password",
            Some("decrypt it: openssl pkey -in ENCRYPTED -out KEY; chmod 600 KEY".to_owned()),
        ));
        return None;
    }
    let sections = sections(file, problems)?;
    let key = sections.iter().find_map(|(kind, der)| PrivateKeyDer::from_pem(*kind, der.clone()));
    if key.is_none() {
        problems.push(Problem::without_place(
            &file.name,
            format!("there is no private key in the file{}", instead(file, &sections)),
            Some("it begins with -----BEGIN PRIVATE KEY-----".to_owned()),
        ));
    }
    key
}

/// The sections of a file; none, and a problem, where it is empty or broken.
fn sections(file: &PemFile, problems: &mut Vec<Problem>) -> Option<Vec<(SectionKind, Vec<u8>)>> {
    if file.bytes.iter().all(u8::is_ascii_whitespace) {
        problems.push(Problem::without_place(
            &file.name,
            "the file is empty",
            Some("`bess certs --out DIR` makes files for a test".to_owned()),
        ));
        return None;
    }
    match <(SectionKind, Vec<u8>)>::pem_slice_iter(&file.bytes).collect() {
        Ok(sections) => Some(sections),
        Err(error) => {
            // The library's own words show bytes.
            let what = match error {
                pem::Error::MissingSectionEnd { .. } => "a section without its END line",
                pem::Error::IllegalSectionStart { .. } => "a BEGIN line that is cut off",
                pem::Error::Base64Decode(_) => "a section that is not base64",
                _ => "it is not in PEM form",
            };
            problems.push(Problem::without_place(
                &file.name,
                format!("the file is broken: {what}"),
                Some("copy it anew".to_owned()),
            ));
            None
        }
    }
}

/// What a file holds in place of what was looked for.
fn instead(file: &PemFile, sections: &[(SectionKind, Vec<u8>)]) -> &'static str {
    use SectionKind::{Certificate, Crl, Csr, EcPrivateKey, PrivateKey, PublicKey, RsaPrivateKey};
    match sections.first() {
        Some((Certificate, _)) => ", but a certificate",
        Some((PrivateKey | EcPrivateKey | RsaPrivateKey, _)) => ", but a private key",
        Some((PublicKey, _)) => ", but a public key",
        Some((Csr, _)) => ", but a request for a certificate",
        Some((Crl, _)) => ", but a list of revoked certificates",
        // A DER file is a SEQUENCE with a long length.
        _ if file.bytes.starts_with(&[0x30, 0x82]) => {
            ": it is in DER form (`openssl x509 -inform der -in FILE` or `openssl pkey -inform der \
             -in FILE` writes PEM)"
        }
        _ => "",
    }
}

fn has(file: &PemFile, needle: &[u8]) -> bool {
    file.bytes.windows(needle.len()).any(|window| window == needle)
}

fn check_dates(file: &str, read: &Certificate, now: DateTime, problems: &mut Vec<Problem>) {
    let (what, mend) = if read.not_after < now {
        (format!("expired at {} UTC", read.not_after), "make a new one")
    } else if read.not_before > now {
        (format!("is not valid before {} UTC", read.not_before), "look at this machine's clock")
    } else {
        return;
    };
    problems.push(Problem::without_place(
        file,
        format!("the certificate of {} {what}", read.subject),
        Some(format!("{mend}; it is {} UTC now", now.round(Unit::Second).unwrap_or(now))),
    ));
}
