//! Makes a test authority, and certificates of it.
//!
//! Keys are ECDSA on P-256, which every Modbus/TCP Security peer knows. Serial numbers and keys come
//! from the system's generator: nothing here is repeatable, and none of it touches a simulation.

use bess_core::role::Role;
use bess_protocol::tls::{ROLE_OID, role_extension};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, CustomExtension, DistinguishedName,
    DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose, date_time_ymd,
};
use std::time::Duration;

/// How far back certificates are valid, for clients whose clock is behind.
const BACK: Duration = Duration::from_secs(3600);
const ORGANIZATION: &str = "bess TEST (not for production)";

/// A certificate and its key, both in PEM.
#[derive(Debug)]
pub(super) struct Issued {
    pub(super) certificate: String,
    pub(super) key: String,
}

/// An authority that lives as long as this value: its key is written nowhere.
#[derive(Debug)]
pub(super) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    validity: Validity,
}

/// From when until when certificates are valid.
#[derive(Clone, Copy, Debug)]
pub(super) struct Validity {
    /// Now, since the Unix epoch.
    pub(super) now: Duration,
    pub(super) days: u32,
}

impl Authority {
    pub(super) fn new(validity: Validity) -> Result<Self, rcgen::Error> {
        let mut params = params("bess TEST CA", validity);
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate()?)?;
        Ok(Self { issuer, validity })
    }

    /// Its own certificate in PEM.
    pub(super) fn certificate(&self) -> String {
        self.issuer.pem()
    }

    /// A server's, for these addresses and DNS names.
    pub(super) fn server(&self, hosts: &[String]) -> Result<Issued, rcgen::Error> {
        let mut params = params("bess", self.validity);
        params.subject_alt_names = CertificateParams::new(hosts)?.subject_alt_names;
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        self.sign(params)
    }

    /// A client's, with the extension of its role if it has one.
    pub(super) fn client(&self, name: &str, role: Option<Role>) -> Result<Issued, rcgen::Error> {
        let mut params = params(name, self.validity);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        params.custom_extensions = role
            .map(|role| CustomExtension::from_oid_content(&ROLE_OID, role_extension(role)))
            .into_iter()
            .collect();
        self.sign(params)
    }

    fn sign(&self, mut params: CertificateParams) -> Result<Issued, rcgen::Error> {
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &self.issuer)?;
        Ok(Issued { certificate: certificate.pem(), key: key.serialize_pem() })
    }
}

fn params(name: &str, validity: Validity) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.distinguished_name.push(DnType::OrganizationName, ORGANIZATION);
    let now = date_time_ymd(1970, 1, 1) + validity.now;
    params.not_before = now - BACK;
    params.not_after = now + Duration::from_secs(86_400 * u64::from(validity.days));
    params
}
