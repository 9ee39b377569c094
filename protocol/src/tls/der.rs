//! Reads DER, the binary form of certificates: tag, length, value.
//!
//! Only what certificates need: definite lengths in their shortest form and tags of one byte. Nothing
//! is copied, and no length is believed beyond the bytes that are there.

use super::certificate::Malformed;

pub(super) const BOOLEAN: u8 = 0x01;
pub(super) const INTEGER: u8 = 0x02;
pub(super) const BIT_STRING: u8 = 0x03;
pub(super) const OCTET_STRING: u8 = 0x04;
pub(super) const OBJECT_IDENTIFIER: u8 = 0x06;
pub(super) const UTF8_STRING: u8 = 0x0C;
pub(super) const PRINTABLE_STRING: u8 = 0x13;
pub(super) const TELETEX_STRING: u8 = 0x14;
pub(super) const IA5_STRING: u8 = 0x16;
pub(super) const UTC_TIME: u8 = 0x17;
pub(super) const GENERALIZED_TIME: u8 = 0x18;
pub(super) const BMP_STRING: u8 = 0x1E;
pub(super) const SEQUENCE: u8 = 0x30;
pub(super) const SET: u8 = 0x31;

/// The bytes that are still to be read of one value.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(super) fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    /// The next element: its tag and its content.
    pub(super) fn element(&mut self) -> Result<(u8, &'a [u8]), Malformed> {
        let (&tag, rest) = self.0.split_first().ok_or(Malformed("it ends too early"))?;
        if tag & 0x1F == 0x1F {
            return Err(Malformed("it has a tag of several bytes"));
        }
        let (length, rest) = length(rest)?;
        let (content, rest) =
            rest.split_at_checked(length).ok_or(Malformed("a length exceeds what is there"))?;
        self.0 = rest;
        Ok((tag, content))
    }

    /// The content of the next element, which must have this tag.
    pub(super) fn expect(&mut self, tag: u8) -> Result<&'a [u8], Malformed> {
        match self.element()? {
            (found, content) if found == tag => Ok(content),
            _ => Err(Malformed("an element is not what belongs there")),
        }
    }

    /// A reader of the content of the next element, which must have this tag.
    pub(super) fn enter(&mut self, tag: u8) -> Result<Self, Malformed> {
        self.expect(tag).map(Self)
    }

    /// The content of the next element if it has this tag; else nothing is read.
    pub(super) fn optional(&mut self, tag: u8) -> Result<Option<&'a [u8]>, Malformed> {
        if self.0.first() == Some(&tag) { self.expect(tag).map(Some) } else { Ok(None) }
    }

    /// Nothing may be left.
    pub(super) fn end(self) -> Result<(), Malformed> {
        if self.is_empty() { Ok(()) } else { Err(Malformed("there is more than belongs there")) }
    }
}

fn length(bytes: &[u8]) -> Result<(usize, &[u8]), Malformed> {
    let (&first, rest) = bytes.split_first().ok_or(Malformed("it ends too early"))?;
    if first < 0x80 {
        return Ok((usize::from(first), rest));
    }
    let n_bytes = usize::from(first & 0x7F);
    let (bytes, rest) =
        rest.split_at_checked(n_bytes).ok_or(Malformed("a length exceeds what is there"))?;
    // No length, an own end mark, or more than 4 GB.
    if !(1..=4).contains(&n_bytes) {
        return Err(Malformed("a length has no form that DER allows"));
    }
    let length = bytes.iter().fold(0, |sum, &byte| (sum << 8) | usize::from(byte));
    if length < 0x80 || bytes[0] == 0 {
        return Err(Malformed("a length is not in its shortest form"));
    }
    Ok((length, rest))
}

/// The numbers of an object identifier.
pub(super) fn object_identifier(content: &[u8]) -> Result<Vec<u64>, Malformed> {
    const BAD: Malformed = Malformed("an object identifier is broken");
    let mut numbers = Vec::with_capacity(content.len() + 1);
    let mut number: u64 = 0;
    let mut is_within = false;
    for &byte in content {
        // The first byte of a number may not be a leading zero.
        if (!is_within && byte == 0x80) || number >> 57 != 0 {
            return Err(BAD);
        }
        number = (number << 7) | u64::from(byte & 0x7F);
        is_within = byte & 0x80 != 0;
        if is_within {
            continue;
        }
        if numbers.is_empty() {
            // The first two numbers share one: 40 times the first, which is 0, 1 or 2, and the second.
            let first = (number / 40).min(2);
            numbers.extend([first, number - 40 * first]);
        } else {
            numbers.push(number);
        }
        number = 0;
    }
    if is_within || numbers.is_empty() { Err(BAD) } else { Ok(numbers) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_read_one_after_the_other() {
        let mut reader = Reader::new(&[0x30, 3, 2, 1, 5, 4, 0]);
        let mut inner = reader.enter(SEQUENCE).unwrap();
        assert_eq!(inner.optional(BOOLEAN), Ok(None));
        assert_eq!(inner.expect(INTEGER), Ok(&[5][..]));
        assert_eq!(inner.end(), Ok(()));
        assert!(reader.end().is_err());
        assert_eq!(reader.expect(OCTET_STRING), Ok(&[][..]));
        assert!(reader.element().is_err());
    }

    #[test]
    fn long_lengths_are_read_in_their_shortest_form_alone() {
        let mut bytes = vec![4, 0x81, 0x80];
        bytes.extend([7; 128]);
        assert_eq!(Reader::new(&bytes).expect(OCTET_STRING), Ok(&[7; 128][..]));
        for bad in [
            &[4, 0x80, 0, 0][..],
            &[4, 0x81, 1, 7],
            &[4, 0x82, 0, 0x80],
            &[4, 0x84, 0xFF, 0xFF, 0xFF, 0xFF],
            &[4, 0x85, 1, 0, 0, 0, 0],
            &[4, 0xFF],
            &[4, 2, 7],
            &[4],
            &[0x1F, 0x81, 0],
        ] {
            assert!(Reader::new(bad).element().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn object_identifiers_are_numbers() {
        assert_eq!(object_identifier(&[0x55, 4, 3]), Ok(vec![2, 5, 4, 3]));
        let role = [0x2B, 6, 1, 4, 1, 0x83, 0x89, 0x0C, 0x86, 0x22, 1];
        assert_eq!(object_identifier(&role), Ok(vec![1, 3, 6, 1, 4, 1, 50316, 802, 1]));
        for bad in [&[][..], &[0x55, 0x84], &[0x55, 0x80, 3], &[0xFF; 12]] {
            assert!(object_identifier(bad).is_err(), "{bad:?}");
        }
    }
}
