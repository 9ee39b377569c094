//! Authorities, certificates and clients for the tests.

use bess_core::role::Role;
use bess_protocol::tls::{PemFile, ROLE_OID, TlsSpec, role_extension};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, CustomExtension, DistinguishedName,
    DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose, date_time_ymd,
};
use std::sync::Arc;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};

/// A certificate and its key, both in PEM.
#[derive(Clone, Debug)]
pub(crate) struct Pair {
    pub(crate) certificate: String,
    pub(crate) key: String,
}

/// One that signs.
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

/// What a certificate is to say.
pub(crate) fn params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(2120, 1, 1);
    params
}

/// One for a client: for that purpose alone, and with the role extension when there is one.
pub(crate) fn client_params(name: &str, role: Option<Vec<u8>>) -> CertificateParams {
    let mut params = params(name);
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    params
        .custom_extensions
        .extend(role.map(|value| CustomExtension::from_oid_content(&ROLE_OID, value)));
    params
}

impl Authority {
    pub(crate) fn new(name: &str) -> Self {
        let mut params = params(name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        Self::of(params)
    }

    pub(crate) fn of(params: CertificateParams) -> Self {
        let key = KeyPair::generate().unwrap();
        Self(CertifiedIssuer::self_signed(params, key).unwrap())
    }

    pub(crate) fn pem(&self) -> String {
        self.0.pem()
    }

    /// A certificate for `key`, in PEM.
    pub(crate) fn sign_key(&self, params: &CertificateParams, key: &KeyPair) -> String {
        params.signed_by(key, &self.0).unwrap().pem()
    }

    pub(crate) fn sign(&self, params: &CertificateParams) -> Pair {
        let key = KeyPair::generate().unwrap();
        Pair { certificate: self.sign_key(params, &key), key: key.serialize_pem() }
    }

    pub(crate) fn server(&self) -> Pair {
        let mut params = params("server");
        params.subject_alt_names =
            CertificateParams::new(["localhost".to_owned()]).unwrap().subject_alt_names;
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        self.sign(&params)
    }

    pub(crate) fn client(&self, name: &str, role: Option<Role>) -> Pair {
        self.sign(&client_params(name, role.map(role_extension)))
    }

    /// The settings of a server of this authority, for clients of it.
    pub(crate) fn spec(&self) -> TlsSpec {
        let server = self.server();
        TlsSpec {
            certificate: file("server.pem", server.certificate),
            key: file("server.key", server.key),
            client_ca: file("ca.pem", self.pem()),
            allow_tls_1_2: true,
        }
    }

    /// A client that trusts this authority and shows `pair`, if it has one.
    pub(crate) fn connector(
        &self,
        pair: Option<&Pair>,
        versions: &[&'static SupportedProtocolVersion],
    ) -> TlsConnector {
        let mut roots = RootCertStore::empty();
        roots.add(self.0.der().clone()).unwrap();
        let config =
            ClientConfig::builder_with_protocol_versions(versions).with_root_certificates(roots);
        let config = match pair {
            Some(pair) => {
                let chain =
                    CertificateDer::pem_slice_iter(pair.certificate.as_bytes()).map(Result::unwrap);
                let key = PrivateKeyDer::from_pem_slice(pair.key.as_bytes()).unwrap();
                config.with_client_auth_cert(chain.collect(), key).unwrap()
            }
            None => config.with_no_client_auth(),
        };
        TlsConnector::from(Arc::new(config))
    }
}

pub(crate) fn file(name: &str, text: impl Into<Vec<u8>>) -> PemFile {
    PemFile { name: name.to_owned(), bytes: text.into() }
}
