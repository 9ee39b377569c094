//! What bess reads in a certificate: whose it is, until when, for which names, and the role.
//!
//! Whether a certificate may be trusted is not decided here: rustls verifies the chain, the dates and
//! the signatures. The layout is that of RFC 5280; the role is an extension of MODBUS/TCP Security
//! (MB-TCP-Security-v36, 8.4): a UTF8String under [`ROLE_OID`].

use super::der::{
    BIT_STRING, BMP_STRING, BOOLEAN, GENERALIZED_TIME, IA5_STRING, INTEGER, OBJECT_IDENTIFIER,
    OCTET_STRING, PRINTABLE_STRING, Reader, SEQUENCE, SET, TELETEX_STRING, UTC_TIME, UTF8_STRING,
    object_identifier,
};
use bess_core::role::Role;
use jiff::civil::DateTime;
use std::net::IpAddr;

/// The extension with the role of a client: 1.3.6.1.4.1.50316.802.1.
pub const ROLE_OID: [u64; 9] = [1, 3, 6, 1, 4, 1, 50316, 802, 1];

const SUBJECT_ALTERNATIVE_NAME: [u64; 4] = [2, 5, 29, 17];
const BASIC_CONSTRAINTS: [u64; 4] = [2, 5, 29, 19];

/// The attributes of a name that have short names (RFC 4514, and the usual ones beside it).
const ATTRIBUTES: [(&[u64], &str); 10] = [
    (&[2, 5, 4, 3], "CN"),
    (&[2, 5, 4, 5], "serialNumber"),
    (&[2, 5, 4, 6], "C"),
    (&[2, 5, 4, 7], "L"),
    (&[2, 5, 4, 8], "ST"),
    (&[2, 5, 4, 10], "O"),
    (&[2, 5, 4, 11], "OU"),
    (&[0, 9, 2342, 19200300, 100, 1, 1], "UID"),
    (&[0, 9, 2342, 19200300, 100, 1, 25], "DC"),
    (&[1, 2, 840, 113549, 1, 9, 1], "emailAddress"),
];

/// Why bytes are not a certificate that can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the certificate cannot be read: {0}")]
pub struct Malformed(pub(super) &'static str);

/// What bess reads in a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// Whose it is, such as `CN=ems-1, O=utility`; control characters and separators are escaped.
    pub subject: String,
    /// Who signed it, in the same form.
    pub issuer: String,
    /// Begin of its validity, in UTC.
    pub not_before: DateTime,
    /// End of its validity, in UTC.
    pub not_after: DateTime,
    /// The hosts that it is for: addresses and DNS names; names of other kinds are left out.
    pub hosts: Vec<String>,
    /// Whether it may sign others.
    pub is_ca: bool,
    /// The text of the role extension, escaped like the subject.
    pub role: Option<String>,
}

impl Certificate {
    /// Reads a certificate in DER.
    ///
    /// # Errors
    /// What is wrong with its form.
    pub fn parse(der: &[u8]) -> Result<Self, Malformed> {
        let mut outer = Reader::new(der);
        let mut certificate = outer.enter(SEQUENCE)?;
        outer.end()?;
        let mut signed = certificate.enter(SEQUENCE)?;
        certificate.expect(SEQUENCE)?;
        certificate.expect(BIT_STRING)?;
        certificate.end()?;

        signed.optional(0xA0)?; // Version.
        signed.expect(INTEGER)?; // Serial number.
        signed.expect(SEQUENCE)?; // Algorithm of the signature.
        let issuer = name(signed.enter(SEQUENCE)?)?;
        let mut validity = signed.enter(SEQUENCE)?;
        let not_before = time(validity.element()?)?;
        let not_after = time(validity.element()?)?;
        let subject = name(signed.enter(SEQUENCE)?)?;
        signed.expect(SEQUENCE)?; // Public key.
        signed.optional(0x81)?; // Unique ids of issuer and subject, which nobody uses.
        signed.optional(0x82)?;
        let extensions = signed.optional(0xA3)?;
        signed.end()?;

        let mut read = Self {
            subject,
            issuer,
            not_before,
            not_after,
            hosts: vec![],
            is_ca: false,
            role: None,
        };
        if let Some(extensions) = extensions {
            let mut outer = Reader::new(extensions);
            read.extensions(outer.enter(SEQUENCE)?)?;
            outer.end()?;
        }
        Ok(read)
    }

    fn extensions(&mut self, mut extensions: Reader<'_>) -> Result<(), Malformed> {
        while !extensions.is_empty() {
            let mut extension = extensions.enter(SEQUENCE)?;
            let id = object_identifier(extension.expect(OBJECT_IDENTIFIER)?)?;
            extension.optional(BOOLEAN)?; // Whether it is critical.
            let mut value = Reader::new(extension.expect(OCTET_STRING)?);
            extension.end()?;
            if id == ROLE_OID {
                if self.role.is_some() {
                    return Err(Malformed("it has more than one role extension"));
                }
                self.role = Some(role_text(value)?);
            } else if id == SUBJECT_ALTERNATIVE_NAME {
                self.hosts = hosts(value.enter(SEQUENCE)?)?;
            } else if id == BASIC_CONSTRAINTS {
                let is_ca = value.enter(SEQUENCE)?.optional(BOOLEAN)?;
                self.is_ca = is_ca.is_some_and(|value| value != [0]);
            }
        }
        Ok(())
    }

    /// The role that the certificate gives: `None` without the extension, and where its text is no
    /// role of bess. Upper and lower case are the same.
    pub fn known_role(&self) -> Option<Role> {
        Role::by_name(&self.role.as_ref()?.to_ascii_lowercase())
    }
}

/// The role that a certificate in DER gives its holder; `None` (no writes) without the extension, and
/// where its text is no role of bess.
///
/// # Errors
/// The certificate or its role extension cannot be read.
pub fn role_of(der: &[u8]) -> Result<Option<Role>, Malformed> {
    Ok(Certificate::parse(der)?.known_role())
}

/// The value of the role extension for `role`, in DER.
pub fn role_extension(role: Role) -> Vec<u8> {
    let text = role.name().as_bytes();
    let mut value = vec![UTF8_STRING, text.len() as u8];
    value.extend(text);
    value
}

fn role_text(mut value: Reader<'_>) -> Result<String, Malformed> {
    const BAD: Malformed = Malformed("its role extension is not one UTF8String");
    let text = value.expect(UTF8_STRING).map_err(|_| BAD)?;
    value.end().map_err(|_| BAD)?;
    Ok(escaped(std::str::from_utf8(text).map_err(|_| BAD)?))
}

fn hosts(mut names: Reader<'_>) -> Result<Vec<String>, Malformed> {
    let mut hosts = Vec::new();
    while !names.is_empty() {
        let (tag, content) = names.element()?;
        match (tag, content.len()) {
            (0x82, _) => hosts.push(escaped(&String::from_utf8_lossy(content))),
            (0x87, 4) => hosts.extend(<[u8; 4]>::try_from(content).map(ip)),
            (0x87, 16) => hosts.extend(<[u8; 16]>::try_from(content).map(ip)),
            _ => {}
        }
    }
    Ok(hosts)
}

fn ip(bytes: impl Into<IpAddr>) -> String {
    bytes.into().to_string()
}

/// A distinguished name in the order of the certificate.
fn name(mut parts: Reader<'_>) -> Result<String, Malformed> {
    let mut text = String::new();
    while !parts.is_empty() {
        let mut attributes = parts.enter(SET)?;
        let mut separator = ", ";
        while !attributes.is_empty() {
            let mut attribute = attributes.enter(SEQUENCE)?;
            let id = object_identifier(attribute.expect(OBJECT_IDENTIFIER)?)?;
            let (tag, content) = attribute.element()?;
            attribute.end()?;
            if !text.is_empty() {
                text.push_str(separator);
            }
            match ATTRIBUTES.iter().find(|(known, _)| *known == id) {
                Some((_, short)) => text.push_str(short),
                None => text.push_str(&dotted(&id)),
            }
            text.push('=');
            text.push_str(&escaped(&string(tag, content)?));
            separator = " + ";
        }
    }
    Ok(text)
}

fn dotted(id: &[u64]) -> String {
    id.iter().map(u64::to_string).collect::<Vec<_>>().join(".")
}

fn string(tag: u8, content: &[u8]) -> Result<String, Malformed> {
    const BAD: Malformed = Malformed("a name is not text");
    match tag {
        UTF8_STRING | PRINTABLE_STRING | IA5_STRING => {
            std::str::from_utf8(content).map(str::to_owned).map_err(|_| BAD)
        }
        TELETEX_STRING => Ok(content.iter().copied().map(char::from).collect()),
        BMP_STRING if content.len().is_multiple_of(2) => {
            let pairs = content.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]]));
            char::decode_utf16(pairs).collect::<Result<_, _>>().map_err(|_| BAD)
        }
        _ => Err(BAD),
    }
}

/// Text for logs and tables: what could be taken for the end of a line or of a name is escaped.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            ',' | '+' | '=' | '\\' | '"' => safe.extend(['\\', c]),
            c if c.is_control() => safe.extend(c.escape_default()),
            c => safe.push(c),
        }
    }
    safe
}

/// An instant of a `Time`, which is in UTC to the second (RFC 5280, 4.1.2.5).
fn time((tag, content): (u8, &[u8])) -> Result<DateTime, Malformed> {
    const BAD: Malformed = Malformed("a date is broken");
    let digits = content.strip_suffix(b"Z").ok_or(BAD)?;
    let is_long = match (tag, digits.len()) {
        (UTC_TIME, 12) => false,
        (GENERALIZED_TIME, 14) => true,
        _ => return Err(BAD),
    };
    if !digits.iter().all(u8::is_ascii_digit) {
        return Err(BAD);
    }
    let pairs: Vec<i8> =
        digits.chunks_exact(2).map(|pair| (10 * (pair[0] - b'0') + pair[1] - b'0') as i8).collect();
    let (century, rest) = match pairs.as_slice() {
        [century, rest @ ..] if is_long => (i16::from(*century), rest),
        // Two digits of the year: 50 to 99 are of the 20th century.
        rest => (if rest[0] >= 50 { 19 } else { 20 }, rest),
    };
    let &[year, month, day, hour, minute, second] = rest else { return Err(BAD) };
    DateTime::new(100 * century + i16::from(year), month, day, hour, minute, second, 0)
        .map_err(|_| BAD)
}

#[cfg(test)]
mod tests;
