//! Certificates as rcgen makes them, and what is wrong with those that are bent.

use super::*;
use proptest::prelude::*;
use rcgen::string::BmpString;
use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DnType, DnValue, IsCa, KeyPair, SanType,
    date_time_ymd,
};

fn params() -> CertificateParams {
    let mut params = CertificateParams::new(["localhost".to_owned(), "::1".to_owned()]).unwrap();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, "ems-1");
    params.not_before = date_time_ymd(2026, 2, 28);
    params.not_after = date_time_ymd(2051, 12, 31);
    params
}

fn with_role(value: Vec<u8>) -> CertificateParams {
    let mut params = params();
    params.custom_extensions.push(CustomExtension::from_oid_content(&ROLE_OID, value));
    params
}

fn der(params: &CertificateParams) -> Vec<u8> {
    params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().to_vec()
}

#[test]
fn a_certificate_tells_whose_it_is_until_when_and_for_which_hosts() {
    let mut params = params();
    params.subject_alt_names.push(SanType::IpAddress([127, 0, 0, 1].into()));
    params.subject_alt_names.push(SanType::URI("urn:farm".try_into().unwrap()));
    let read = Certificate::parse(&der(&params)).unwrap();
    assert_eq!(read.subject, "CN=ems-1");
    assert_eq!(read.issuer, "CN=ems-1");
    assert_eq!(read.not_before.to_string(), "2026-02-28T00:00:00");
    assert_eq!(
        read.not_after.to_string(),
        "2051-12-31T00:00:00",
        "from 2050 on years have 4 digits"
    );
    assert_eq!(read.hosts, ["localhost", "::1", "127.0.0.1"]);
    assert_eq!((read.is_ca, read.role), (false, None));
}

#[test]
fn an_authority_is_known_by_its_constraints() {
    let mut params = params();
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    assert!(Certificate::parse(&der(&params)).unwrap().is_ca);
    params.is_ca = IsCa::ExplicitNoCa;
    assert!(!Certificate::parse(&der(&params)).unwrap().is_ca);
}

#[test]
fn every_role_is_read_as_it_was_written() {
    for (name, role) in Role::ALL {
        let der = der(&with_role(role_extension(role)));
        assert_eq!(role_of(&der), Ok(Some(role)));
        assert_eq!(Certificate::parse(&der).unwrap().role.as_deref(), Some(name));
    }
}

#[test]
fn no_extension_and_an_unknown_role_are_no_role() {
    assert_eq!(role_of(&der(&params())), Ok(None));
    for text in ["", "root", "operator ", "viewer,tester", "operator\n"] {
        let mut value = vec![UTF8_STRING, text.len() as u8];
        value.extend(text.bytes());
        assert_eq!(role_of(&der(&with_role(value))), Ok(None), "{text:?}");
    }
    let mut value = vec![UTF8_STRING, 8];
    value.extend(b"Operator");
    assert_eq!(role_of(&der(&with_role(value))), Ok(Some(Role::Operator)), "as others write it");
}

#[test]
fn a_role_extension_that_is_not_one_utf8_string_is_refused() {
    for value in [
        &b"operator"[..],
        b"\x13\x08operator",
        b"\x04\x08operator",
        b"\x0C\x09operator",
        b"\x0C\x08operator\x00",
        b"\x0C\x02\xFF\xFE",
        b"\x30\x0A\x0C\x08operator",
        b"",
    ] {
        let refused = role_of(&der(&with_role(value.to_vec()))).unwrap_err();
        assert!(refused.to_string().contains("role extension"), "{value:?}: {refused}");
    }
    let mut twice = with_role(role_extension(Role::Viewer));
    let second = CustomExtension::from_oid_content(&ROLE_OID, role_extension(Role::Tester));
    twice.custom_extensions.push(second);
    assert!(role_of(&der(&twice)).unwrap_err().to_string().contains("more than one role"));
}

#[test]
fn names_cannot_pretend_to_be_another_or_a_line_of_a_log() {
    let mut params = params();
    let mut name = rcgen::DistinguishedName::new();
    name.push(DnType::CommonName, "x, O=utility\nCN=admin");
    name.push(DnType::OrganizationName, DnValue::BmpString(BmpString::try_from("Zürich").unwrap()));
    name.push(DnType::CustomDnType(vec![1, 2, 3, 4]), "odd");
    params.distinguished_name = name;
    let read = Certificate::parse(&der(&params)).unwrap();
    assert_eq!(read.subject, "CN=x\\, O\\=utility\\nCN\\=admin, O=Zürich, 1.2.3.4=odd");
}

#[test]
fn dates_are_read_in_both_forms_and_refused_in_any_other() {
    let read = |tag, text: &str| time((tag, text.as_bytes())).map(|time| time.to_string());
    assert_eq!(read(UTC_TIME, "491231235959Z").unwrap(), "2049-12-31T23:59:59");
    assert_eq!(read(UTC_TIME, "500101000000Z").unwrap(), "1950-01-01T00:00:00");
    assert_eq!(read(GENERALIZED_TIME, "99991231235959Z").unwrap(), "9999-12-31T23:59:59");
    for (tag, bad) in [
        (UTC_TIME, "4912312359Z"),
        (UTC_TIME, "491231235959"),
        (UTC_TIME, "20491231235959Z"),
        (GENERALIZED_TIME, "491231235959Z"),
        (UTC_TIME, "49123123595xZ"),
        (UTC_TIME, "490230000000Z"),
        (UTC_TIME, "491301000000Z"),
        (UTC_TIME, "491201240000Z"),
        (UTF8_STRING, "491231235959Z"),
        (UTC_TIME, "Z"),
        (UTC_TIME, ""),
    ] {
        assert!(read(tag, bad).is_err(), "{bad}");
    }
}

#[test]
fn nothing_may_follow_a_certificate_and_none_of_it_be_missing() {
    let whole = der(&with_role(role_extension(Role::Operator)));
    let mut longer = whole.clone();
    longer.push(0);
    assert!(Certificate::parse(&longer).is_err());
    for length in 0..whole.len() {
        assert!(Certificate::parse(&whole[..length]).is_err(), "{length} bytes");
    }
}

proptest! {
    #[test]
    fn no_bytes_break_the_reader(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = Certificate::parse(&bytes);
    }

    #[test]
    fn no_bent_certificate_breaks_the_reader(bends in prop::collection::vec((any::<u16>(), any::<u8>()), 1..4)) {
        static WHOLE: std::sync::LazyLock<Vec<u8>> =
            std::sync::LazyLock::new(|| der(&with_role(role_extension(Role::Operator))));
        let mut bytes = WHOLE.clone();
        for (at, byte) in bends {
            let at = usize::from(at) % bytes.len();
            bytes[at] = byte;
        }
        let _ = Certificate::parse(&bytes);
    }
}
