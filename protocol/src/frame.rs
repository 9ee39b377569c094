//! Cutting a stream of bytes into frames of Modbus TCP.

use crate::pdu;

/// Transaction id, protocol id, length.
pub(crate) const HEADER: usize = 6;
/// What the length field may say: unit id and function code, up to unit id and the largest PDU.
const LENGTHS: std::ops::RangeInclusive<usize> = 2..=pdu::PDU_MAX + 1;

/// What received bytes begin with.
#[derive(Debug, PartialEq)]
pub(crate) enum Front {
    /// Nothing.
    Empty,
    /// The beginning of a frame.
    Half,
    /// A frame of this many bytes.
    Whole(usize),
    /// Something else than Modbus.
    Junk,
}

/// What `bytes` begin with. A wrong header is told as soon as it is there, so a length that is too
/// large is not waited for.
pub(crate) fn front(bytes: &[u8]) -> Front {
    if bytes.is_empty() {
        return Front::Empty;
    }
    if bytes.len() < HEADER {
        return Front::Half;
    }
    let protocol = u16::from_be_bytes([bytes[2], bytes[3]]);
    let length = usize::from(u16::from_be_bytes([bytes[4], bytes[5]]));
    if protocol != 0 || !LENGTHS.contains(&length) {
        Front::Junk
    } else if bytes.len() < HEADER + length {
        Front::Half
    } else {
        Front::Whole(HEADER + length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_frame_is_whole_when_its_length_is_there() {
        let frame = [0, 1, 0, 0, 0, 2, 1, 3];
        assert_eq!(front(&[]), Front::Empty);
        for n in 1..frame.len() {
            assert_eq!(front(&frame[..n]), Front::Half, "{n} bytes");
        }
        assert_eq!(front(&frame), Front::Whole(8));
    }

    #[test]
    fn a_wrong_protocol_or_length_is_junk_as_soon_as_the_header_is_there() {
        for header in [
            [0, 1, 0, 1, 0, 6],
            [0, 1, 1, 0, 0, 6],
            [0, 1, 0, 0, 0, 0],
            [0, 1, 0, 0, 0, 1],
            [0, 1, 0, 0, 0, 255],
            [0, 1, 0, 0, 0xFF, 0xFF],
        ] {
            assert_eq!(front(&header), Front::Junk, "{header:?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_cut_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
            let mut rest = &bytes[..];
            while let Front::Whole(length) = front(rest) {
                let _ = pdu::parse(&rest[HEADER + 1..length], u64::MAX);
                rest = &rest[length..];
            }
        }
    }
}
