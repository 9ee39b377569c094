//! What is wrong with TLS settings is said before a port is bound: which file, what, how to mend it.

use crate::pki::{Authority, file, params};
use bess_core::config::Problem;
use bess_protocol::tls::{PemFile, TlsSpec, certificates_in};
use rcgen::{BasicConstraints, IsCa, KeyPair, date_time_ymd};

/// All problems of settings, in order.
fn problems(spec: &TlsSpec) -> Vec<Problem> {
    spec.server_config().expect_err("must be refused").0
}

/// The one problem of settings: in this file, in these words, with this in the hint.
fn refused(spec: &TlsSpec, name: &str, message: &str, hint: &str) {
    let found = problems(spec);
    let [problem] = found.as_slice() else { panic!("{found:#?}") };
    assert_eq!(problem.file, name, "{problem}");
    assert!(problem.message.contains(message), "{message:?} in {problem}");
    assert!(problem.hint.as_ref().is_some_and(|said| said.contains(hint)), "{hint:?} in {problem}");
}

#[test]
fn good_settings_are_taken() {
    let spec = Authority::new("authority").spec();
    assert!(spec.server_config().is_ok());
    assert!(TlsSpec { allow_tls_1_2: false, ..spec }.server_config().is_ok());
}

#[test]
fn text_around_the_sections_and_other_line_ends_are_no_problem() {
    let spec = Authority::new("authority").spec();
    let around = |from: &PemFile| {
        let text = String::from_utf8(from.bytes.clone()).unwrap().replace('\n', "\r\n");
        file(&from.name, format!("Bag attributes\r\n  localKeyID: 1\r\n{text}\r\n"))
    };
    let spec = TlsSpec {
        certificate: around(&spec.certificate),
        key: around(&spec.key),
        client_ca: around(&spec.client_ca),
        ..spec
    };
    assert!(spec.server_config().is_ok());
}

#[test]
fn empty_files_are_all_named_at_once() {
    let found = problems(&TlsSpec {
        certificate: file("server.pem", ""),
        key: file("server.key", "\n"),
        client_ca: file("ca.pem", " "),
        allow_tls_1_2: true,
    });
    let files: Vec<_> = found.iter().map(|problem| problem.file.as_str()).collect();
    assert_eq!(files, ["server.pem", "server.key", "ca.pem"]);
    assert!(found.iter().all(|problem| problem.message == "the file is empty"));
}

#[test]
fn a_file_with_something_else_says_what_it_is_instead() {
    let spec = Authority::new("authority").spec();
    let (certificate, key) = (spec.certificate.bytes.clone(), spec.key.bytes.clone());
    refused(
        &TlsSpec { certificate: file("server.pem", key.clone()), ..spec.clone() },
        "server.pem",
        "there is no certificate in the file, but a private key",
        "-----BEGIN CERTIFICATE-----",
    );
    refused(
        &TlsSpec { key: file("server.key", certificate), ..spec.clone() },
        "server.key",
        "there is no private key in the file, but a certificate",
        "-----BEGIN PRIVATE KEY-----",
    );
    refused(
        &TlsSpec { client_ca: file("ca.pem", key), ..spec.clone() },
        "ca.pem",
        "there is no certificate in the file, but a private key",
        "BEGIN CERTIFICATE",
    );
    refused(
        &TlsSpec { client_ca: file("ca.pem", "hello\n"), ..spec.clone() },
        "ca.pem",
        "there is no certificate in the file",
        "BEGIN CERTIFICATE",
    );
    let der = [&[0x30, 0x82, 1, 0][..], &[0; 256]].concat();
    refused(
        &TlsSpec { client_ca: file("ca.der", der), ..spec },
        "ca.der",
        "openssl x509 -inform der",
        "BEGIN CERTIFICATE",
    );
}

#[test]
fn a_broken_file_is_named() {
    let spec = Authority::new("authority").spec();
    let text = String::from_utf8(spec.certificate.bytes.clone()).unwrap();
    let with = |text: String| TlsSpec { certificate: file("server.pem", text), ..spec.clone() };
    let cut = text[..text.len() / 2].to_owned();
    refused(&with(cut), "server.pem", "a section without its END line", "copy it anew");
    let smudged = text.replace('M', "*");
    refused(&with(smudged), "server.pem", "a section that is not base64", "copy it anew");
    let begin = text.replacen("CERTIFICATE-----", "CERTIFICATE--", 1);
    refused(&with(begin), "server.pem", "a BEGIN line that is cut off", "copy it anew");
    let empty = "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n".to_owned();
    refused(&with(empty), "server.pem", "certificate 1 of the file", "X.509");
}

#[test]
fn a_key_of_another_certificate_is_refused_with_both_names() {
    let authority = Authority::new("authority");
    let key = file("other.key", KeyPair::generate().unwrap().serialize_pem());
    let spec = TlsSpec { key, ..authority.spec() };
    refused(&spec, "other.key", "does not belong to the first certificate in server.pem", "own");
    // The same when the authority's certificate stands before the server's own.
    let spec = authority.spec();
    let chain = [authority.pem().as_bytes(), &spec.certificate.bytes].concat();
    let spec = TlsSpec { certificate: file("chain.pem", chain), ..spec };
    refused(&spec, "server.key", "does not belong to the first certificate in chain.pem", "before");
}

#[test]
fn an_encrypted_key_is_refused_in_both_forms() {
    let spec = Authority::new("authority").spec();
    let new = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMAA=\n-----END ENCRYPTED PRIVATE KEY-----\n";
    let old = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\
               DEK-Info: AES-256-CBC,00\n\nMAA=\n-----END RSA PRIVATE KEY-----\n";
    for text in [new, old] {
        let spec = TlsSpec { key: file("server.key", text), ..spec.clone() };
        refused(&spec, "server.key", "the key is encrypted", "openssl pkey");
    }
}

#[test]
fn a_key_that_is_none_is_refused() {
    let key = "-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----\n";
    let spec = TlsSpec { key: file("server.key", key), ..Authority::new("authority").spec() };
    refused(&spec, "server.key", "the key cannot be used", "ECDSA");
}

#[test]
fn certificates_that_are_not_valid_now_are_refused_with_the_date() {
    let authority = Authority::new("authority");
    let with = |from: (i32, u8, u8), to: (i32, u8, u8)| {
        let mut params = params("farm");
        params.not_before = date_time_ymd(from.0, from.1, from.2);
        params.not_after = date_time_ymd(to.0, to.1, to.2);
        params
    };
    let server = |params| {
        let pair = authority.sign(&params);
        TlsSpec {
            certificate: file("server.pem", pair.certificate),
            key: file("server.key", pair.key),
            ..authority.spec()
        }
    };
    let expired = with((2020, 1, 1), (2021, 3, 4));
    let words = "the certificate of CN=farm expired at 2021-03-04T00:00:00 UTC";
    refused(&server(expired.clone()), "server.pem", words, "make a new one; it is 20");
    let early = with((2110, 1, 1), (2120, 1, 1));
    let words = "the certificate of CN=farm is not valid before 2110-01-01T00:00:00 UTC";
    refused(&server(early), "server.pem", words, "clock");

    let mut old_authority = expired;
    old_authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let client_ca = file("ca.pem", Authority::of(old_authority).pem());
    let spec = TlsSpec { client_ca, ..authority.spec() };
    refused(&spec, "ca.pem", "expired at 2021-03-04T00:00:00 UTC", "make a new one");
}

#[test]
fn a_certificate_that_may_not_sign_is_no_authority() {
    let spec = Authority::new("authority").spec();
    let client_ca = file("ca.pem", spec.certificate.bytes.clone());
    refused(
        &TlsSpec { client_ca, ..spec },
        "ca.pem",
        "the certificate of CN=server is not one of an authority",
        "the CA that signs the clients",
    );
}

#[test]
fn the_settings_do_not_show_the_key() {
    let spec = Authority::new("authority").spec();
    let shown = format!("{spec:?}");
    assert!(shown.contains("server.key") && !shown.contains("PRIVATE"), "{shown}");
}

#[test]
fn the_certificates_of_a_file_are_read_in_its_order() {
    let authority = Authority::new("authority");
    let text = authority.server().certificate + &authority.pem();
    let found = certificates_in(&file("chain.pem", text)).unwrap();
    let subjects: Vec<_> = found.iter().map(|read| read.subject.as_str()).collect();
    assert_eq!(subjects, ["CN=server", "CN=authority"]);
    assert!(certificates_in(&file("chain.pem", "")).is_err());
}
